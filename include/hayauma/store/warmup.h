/* Where sources stand in their warm-up, kept over restarts: the table "warmup". */
#pragma once
#include "hayauma/shape/warmup.h"
#include "hayauma/store/env.h"

enum { HY_WARMUP_KEY_MAX = 160 }; /* bytes of a key: "SOURCE/PROVIDER" */

/* HY_ENOTFOUND, HY_ECORRUPT, HY_EVERSION. */
HY_MUST_USE int hy_warmup_load(struct hy_txn *t, struct hy_str key, struct hy_warmup *ret);
/* That of any provider of a source with this start. HY_ENOTFOUND. */
HY_MUST_USE int hy_warmup_load_any(struct hy_txn *t, struct hy_str source, hy_wall_ms start,
                                   struct hy_warmup *ret);
/* Write transactions. */
HY_MUST_USE int hy_warmup_store(struct hy_txn *t, struct hy_str key, const struct hy_warmup *w);
