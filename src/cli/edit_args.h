/* Edits of leads and companies out of the command line. */
#pragma once
#include "cli.h"

/* NAME=VALUE of each argument from number `from` on, as "attributes" of the edit; without a value
 * it is unset. False: it is told. */
bool cli_add_attributes(struct cli *c, json_t *edit, size_t from);
/* "a,b" of an option as an array behind `key`. */
void cli_add_words(struct cli *c, json_t *edit, const char *option, const char *key);
