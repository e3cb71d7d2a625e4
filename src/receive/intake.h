/* What the parts of intake share. */
#pragma once
#include "hayauma/receive/intake.h"

enum { INTAKE_ARENA_MAX = 4 << 20 };

/* Fills m->kind and m->job.mail from its content; what they point to is in m->arena. HY_ENOMEM,
 * HY_ECRYPTO. The thread of the reader. */
HY_MUST_USE int intake_read(struct hy_bounce_reader *reader, const struct hy_token_keys *tokens,
                            struct hy_intake_mail *m);
