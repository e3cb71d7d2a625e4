/* People whose end is known, from a table. */
#pragma once
#include "cli.h"
#include "hayauma/score/learn.h"

struct score_table {
    const char
        *path; /* CSV or TSV with a line of names, in any charset of lists; "-": standard input */
    const char *goal;    /* "COLUMN=VALUE": who ended well */
    const char *without; /* columns to leave out, commas between; NULL: none */
};
/* Tells `l` all rows. An exit code; what is wrong is told on c->err. */
int score_table_read(struct cli *c, const struct score_table *of, struct hy_learn *l);
