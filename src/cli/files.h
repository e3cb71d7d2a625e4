/* Files of people that the daemon reads and writes for them: opened here, passed as descriptors. */
#pragma once
#include "cli.h"

/* The progress of a file that is being read, on a terminal. */
struct import_view {
    struct cli *c;
    size_t shown; /* columns of the line on the terminal */
};
/* A hy_control_progress_fn; ctx is the view. */
int import_view_progress(void *ctx, const json_t *progress);
/* Wipes the line away. */
void import_view_end(struct import_view *v);
/* "Refused 3 of 1,000 rows:", with the first of them; `report`: the file that has all, or NULL. */
void import_view_rejects(struct cli *c, const json_t *result, const char *report);
/* Opens `path` ("-": standard input) and, unless NULL, the report; calls `fn` and closes them. An
 * exit code. */
int import_files(struct cli *c, const char *path, const char *report,
                 int (*fn)(struct cli *c, const int *fds, size_t n_fds));

/* A command that writes to a file (--output, or standard output); `args` is taken over. On CLI_OK
 * *ret_rows is how many, or -1 when all has been printed as JSON. */
int export_file(struct cli *c, const char *command, json_t *args, int64_t *ret_rows);
