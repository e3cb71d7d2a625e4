/* Mail that hayauma itself writes: reports and notices. One recipient, a text, perhaps a file.
 * Pure.
 */
#pragma once
#include "hayauma/base/clock.h"
#include "hayauma/mail/header.h"

enum {
    HY_NOTICE_FIELDS_MAX = 8,
    HY_NOTICE_MAX = 8 << 20, /* bytes of the whole message */
};

struct hy_notice_field {
    struct hy_str name, value; /* written by hy_header_raw */
};
struct hy_notice {
    struct hy_header_mailbox from, to;
    struct hy_str subject; /* UTF-8 */
    hy_wall_ms date;
    struct hy_str id; /* of the Message-ID, without brackets: unique for ever */
    size_t n_fields;  /* further ones */
    struct hy_notice_field fields[HY_NOTICE_FIELDS_MAX];
    struct hy_str text;        /* UTF-8, lines end in \n */
    struct hy_str report_type; /* of multipart/report (RFC 6522); empty = no report */
    struct hy_str file_type;   /* "application/pdf"; empty = no file */
    struct hy_str file_name;
    struct hy_str file;
};
/* Appends the message: CRLF line ends, ASCII only, no line longer than 998 bytes, "Auto-Submitted:
 * auto-generated" (RFC 3834). *ret_header_bytes: its header with the empty line. HY_EINVAL: what
 * cannot stand in a field; HY_ELIMIT: longer than `out` may be; HY_ENOMEM; then `out` is as long as
 * before. */
HY_MUST_USE int hy_notice_write(const struct hy_notice *n, struct hy_buf *out,
                                size_t *ret_header_bytes);
