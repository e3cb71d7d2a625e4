/* The canonical forms of RFC 6376 section 3.4, as bytes for a hash. */
#pragma once
#include "hayauma/mail/dkim.h"
#include "hayauma/mail/header.h"

typedef void hy_dkim_sink(void *ctx, struct hy_str piece);

/* Gives the canonical body to `sink`, in order, in as few pieces as it can. CRLF ends a line; a CR
 * or LF by itself is a byte like any other. */
void hy_dkim_canon_body(enum hy_dkim_canon canon, struct hy_str body, hy_dkim_sink *sink,
                        void *ctx);
/* Appends the canonical field, ended by CRLF. HY_EINVAL for a CR or LF that is no fold, since
 * verifiers would not see the same field; HY_ELIMIT, HY_ENOMEM. */
HY_MUST_USE int hy_dkim_canon_field(enum hy_dkim_canon canon, const struct hy_header_field *field,
                                    struct hy_buf *out);
