/* Records of the meta table. */
#pragma once
#include "hayauma/store/env.h"

/* `want` bytes behind the version byte: a view. HY_ENOTFOUND, HY_ECORRUPT, HY_EVERSION. */
HY_MUST_USE int hy_meta_get(struct hy_txn *t, const char *name, size_t want, const uint8_t **ret);
void hy_meta_put(struct hy_txn *t, const char *name, const void *p, size_t n); /* n <= 64 */
/* Reads format, node, secret and the last id into `env`; writes them first into a store just born.
 */
HY_MUST_USE int hy_meta_open(struct hy_env *env, const struct hy_env_options *o,
                             struct hy_diag *diag);
