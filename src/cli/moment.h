/* What happened to a lead, in a few words. */
#pragma once
#include "cli.h"

enum { CLI_MOMENT_MAX = 128 };

/* "click"; of mail its state, "delivered"; "consent withdrawn": told in the person's language.
 * `state` may be empty. In `room`, or of a table. */
const char *cli_moment_what(const struct cli *c, const char *kind, const char *state,
                            char room[CLI_MOMENT_MAX]);
/* What an activity says besides: of what sales made of a lead the word for it. */
const char *cli_moment_text(const struct cli *c, const json_t *o);
/* Appends "A-1001  12,300 JPY" of {"order", "amount", "currency"}, or what of it is there. */
void cli_moment_order(const json_t *o, struct hy_buf *out);
