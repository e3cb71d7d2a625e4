/* TLS reporting (RFC 8460): where a domain wants reports, and the names of what went wrong. Pure.
 */
#pragma once
#include "hayauma/base/str.h"

enum { HY_TLSRPT_URIS_MAX = 4, HY_TLSRPT_URI_MAX = 512 };

struct hy_tlsrpt_uri {
    bool is_https; /* else mail */
    /* "https://..." as it is; of mail the address: without "mailto:", "!SIZE" and "?...", its
     * percent encoding undone; printable ASCII without spaces */
    char text[HY_TLSRPT_URI_MAX + 1];
};
struct hy_tlsrpt_record {
    size_t n; /* 1.. */
    struct hy_tlsrpt_uri rua[HY_TLSRPT_URIS_MAX];
};
/* From the TXT records of _smtp._tls.DOMAIN (section 3): the one that begins with "v=TLSRPTv1;".
 * URIs of other schemes, too long, wrongly encoded or behind the fourth are passed over.
 * HY_ENOTFOUND when there is no such record or none of its URIs can be used; HY_EPARSE when it is
 * malformed or not the only one. */
HY_MUST_USE int hy_tlsrpt_record_read(const struct hy_str *txts, size_t n,
                                      struct hy_tlsrpt_record *ret);

/* Section 4.3. */
enum hy_tlsrpt_result {
    HY_TLSRPT_SUCCESS = 0,
    HY_TLSRPT_STARTTLS_NOT_SUPPORTED,
    HY_TLSRPT_CERTIFICATE_HOST_MISMATCH,
    HY_TLSRPT_CERTIFICATE_EXPIRED,
    HY_TLSRPT_CERTIFICATE_NOT_TRUSTED,
    HY_TLSRPT_VALIDATION_FAILURE,
    HY_TLSRPT_TLSA_INVALID,
    HY_TLSRPT_DNSSEC_INVALID,
    HY_TLSRPT_DANE_REQUIRED,
    HY_TLSRPT_STS_POLICY_FETCH_ERROR,
    HY_TLSRPT_STS_POLICY_INVALID,
    HY_TLSRPT_STS_WEBPKI_INVALID,
    HY_TLSRPT_RESULTS
};
const char *hy_tlsrpt_result_name(enum hy_tlsrpt_result r); /* "starttls-not-supported" ... */

enum hy_tlsrpt_policy { HY_TLSRPT_NO_POLICY = 0, HY_TLSRPT_STS = 1, HY_TLSRPT_TLSA = 2 };
const char *hy_tlsrpt_policy_name(enum hy_tlsrpt_policy p); /* "no-policy-found", "sts", "tlsa" */
