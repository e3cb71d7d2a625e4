/* What others say in English, told in Japanese; retell.c. */
#pragma once
#include "text.h"

/* The text in the person's language, with "KEY: " before it as it came; in `room`, or `english`
 * itself when there is nothing to tell otherwise. */
const char *cli_retell(const struct cli *c, const char *english, struct hy_buf *room);
/* Problems of a file on c->err, each with its place. */
struct hy_problems;
void cli_print_problems(struct cli *c, const struct hy_problems *p);
/* Formats in both languages: tables (text_retold_*.c), looked through in this order; ended by
 * NULL. */
extern cli_words cli_retold_rows[], cli_retold_values[], cli_retold_config[], cli_retold_shaping[],
    cli_retold_daemon[], cli_retold_access[], cli_retold_segment[], cli_retold_lead[],
    cli_retold_commerce[], cli_retold_campaign[], cli_retold_operator[];
extern cli_words *const cli_retold[];
