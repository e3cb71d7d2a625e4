/* Questions that all leads are read for: progress is shown on a terminal. */
#pragma once
#include "cli.h"

/* As cli_request(), however long it takes. */
int score_ask(struct cli *c, const char *command, json_t *args, json_t **ret);
/* The same with a file for the daemon to read. */
int score_ask_of_file(struct cli *c, const char *command, int fd, json_t **ret);
