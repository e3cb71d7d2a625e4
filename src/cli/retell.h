/* What others say in English, told in Japanese; retell.c. */
#pragma once
#include "cli.h"

/* The text in the person's language, with "KEY: " before it as it came; in `room`, or `english`
 * itself when there is nothing to tell otherwise. */
const char *cli_retell(const struct cli *c, const char *english, struct hy_buf *room);
/* Problems of a file on c->err, each with its place. */
struct hy_problems;
void cli_print_problems(struct cli *c, const struct hy_problems *p);
/* Formats in both languages, with the same conversions in the same order; ended by NULL. */
extern const char *const cli_retold[][2];
