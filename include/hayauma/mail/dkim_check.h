/* Verifying DKIM signatures with libopendkim: an eye that is not our own, for `hayauma dkim check`
 * and the tests. Not for the hot path. Its own library, hy_dkim_check. */
#pragma once
#include "hayauma/base/buf.h"
#include "hayauma/base/clock.h"

enum {
    HY_DKIM_CHECK_MESSAGE_MAX = 64 << 20, /* bytes */
    HY_DKIM_CHECK_SIGNATURES = 16,        /* those behind are not reported */
};

enum hy_dkim_result {
    HY_DKIM_NONE,      /* no signature */
    HY_DKIM_PASS,      /* good */
    HY_DKIM_FAIL,      /* the signature or the body hash is wrong */
    HY_DKIM_PERMERROR, /* cannot be verified, now or later: no key, bad syntax, expired ... */
    HY_DKIM_TEMPERROR, /* the key could not be asked for now */
};
const char *hy_dkim_result_name(enum hy_dkim_result r); /* "pass" ..., as in RFC 8601 */

struct hy_dkim_check_signature {
    enum hy_dkim_result result;
    char domain[256], selector[256], algorithm[32];
    unsigned key_bits; /* 0 when no key was found */
    char reason[160];  /* libopendkim's words; empty for a pass */
};

struct hy_dkim_report {
    enum hy_dkim_result result; /* the best of the signatures */
    size_t n;
    struct hy_dkim_check_signature signatures[HY_DKIM_CHECK_SIGNATURES];
};

/* Finds the TXT record of a name, its strings joined, and appends it. HY_ENOTFOUND, or HY_ETIMEOUT
 * when the answer cannot be had now. */
typedef int hy_dkim_txt_fn(void *ctx, const char *name, struct hy_buf *out);

/* Checks a whole message; bare LF line ends are read as CRLF. `now` decides what has expired.
 * HY_EPARSE when libopendkim takes it for no message, HY_ELIMIT, HY_ENOMEM. Blocks as long as
 * `txt` does. Any thread. */
HY_MUST_USE int hy_dkim_check(struct hy_str message, hy_wall_ms now, hy_dkim_txt_fn *txt, void *ctx,
                              struct hy_dkim_report *ret);
