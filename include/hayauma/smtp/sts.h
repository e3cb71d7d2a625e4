/* MTA-STS (RFC 8461): the TXT record that announces a policy, the policy, and what it allows. Pure;
 * every byte here was written by a stranger. */
#pragma once
#include "hayauma/base/str.h"

enum {
    HY_STS_POLICY_MAX = 64 * 1024, /* bytes of a policy (RFC 8461 section 3.3) */
    HY_STS_MX_MAX = 64,            /* patterns; those behind them are ignored */
    HY_STS_ID_MAX = 32,
    HY_STS_AGE_MAX_S = 31557600, /* a year: longer ages count as this */
};

enum hy_sts_mode { HY_STS_NONE = 0, HY_STS_TESTING = 1, HY_STS_ENFORCE = 2 };
const char *hy_sts_mode_name(enum hy_sts_mode m); /* "none" ... */

/* The id of the one record that begins with "v=STSv1;" among the TXT records of _mta-sts.DOMAIN.
 * HY_ENOTFOUND when there is none; HY_EPARSE when it is malformed or when there are several: both
 * mean that the domain announces no policy (section 3.1). */
HY_MUST_USE int hy_sts_record_read(const struct hy_str *txts, size_t n, struct hy_str *ret_id);

struct hy_sts_policy {
    enum hy_sts_mode mode;
    uint32_t max_age_s;              /* 0..HY_STS_AGE_MAX_S */
    size_t n_mx;                     /* 0 only when the mode is none */
    struct hy_str mx[HY_STS_MX_MAX]; /* views of the text, as written */
};
/* HY_EPARSE with the fault in `diag`; HY_ELIMIT when it is too long. Section 3.2: LF or CRLF, of
 * repeated fields but mx the first counts, unknown ones are passed over. */
HY_MUST_USE int hy_sts_policy_read(struct hy_str text, struct hy_diag *diag,
                                   struct hy_sts_policy *ret);
/* Whether the document may be a policy: text/plain, with or without parameters (section 3.2). */
bool hy_sts_media_type_is_good(struct hy_str content_type);

/* Section 4.1: the same name, or "*." in place of exactly its first label; a final dot and the case
 * of letters do not count. */
bool hy_sts_mx_matches(struct hy_str host, struct hy_str pattern);
bool hy_sts_allows(const struct hy_sts_policy *p, struct hy_str host);
