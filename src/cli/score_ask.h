/* Questions that all leads are read for: progress is shown on a terminal. */
#pragma once
#include "cli.h"

/* As cli_request(), however long it takes. */
int score_ask(struct cli *c, const char *command, json_t *args, json_t **ret);
