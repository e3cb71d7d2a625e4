/* Consents and the words that they name, as they are stored: for the audit. */
#pragma once
#include "hayauma/store/consent.h"

/* A record, without its words, and their id (empty: none). HY_ECORRUPT, HY_EVERSION. */
HY_MUST_USE int hy_consent_decode(struct hy_str key, struct hy_str value, struct hy_consent *ret,
                                  struct hy_str *ret_words);
/* How many records name the words. HY_ECORRUPT (also: they are not those of their id),
 * HY_EVERSION. */
HY_MUST_USE int hy_consent_words_decode(const struct hy_env *env, struct hy_str id,
                                        struct hy_str value, uint32_t *ret_users);
