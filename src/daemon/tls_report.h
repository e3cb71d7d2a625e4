/* TLS reports (RFC 8460). */
#pragma once
#include <jansson.h>

#include "hayauma/config/config.h"
#include "hayauma/store/tlsrpt.h"

/* The report about `domain` for a day (since 1970-01-01 UTC), as JSON. HY_ENOTFOUND: nothing was
 * counted. The caller owns *ret. */
HY_MUST_USE int tls_report_make(struct hy_txn *t, const struct hy_config *c, uint32_t day,
                                struct hy_str domain, json_t **ret);
/* Its report-id: the same whenever it is made. */
enum { TLS_REPORT_ID_MAX = 512 };
const char *tls_report_id(const struct hy_config *c, uint32_t day, struct hy_str domain,
                          char out[TLS_REPORT_ID_MAX]);
