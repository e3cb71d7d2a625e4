/* A message from its pieces, nothing in it a template: what an application hands in as JSON. ASCII
 * only, CRLF line ends, no line longer than 998 bytes. Pure. */
#pragma once
#include "hayauma/base/clock.h"
#include "hayauma/mail/message.h"

enum { HY_COMPOSE_MAX = 256 << 20 /* bytes of a message */ };

struct hy_compose_boxes {
    const struct hy_header_mailbox *items;
    size_t n;
};

struct hy_compose {
    struct hy_header_mailbox from;
    struct hy_compose_boxes to, cc, reply_to; /* any may be empty */
    struct hy_str subject;                    /* UTF-8 */
    struct hy_str text, html;                 /* UTF-8, any line ends; one must be there */
    struct hy_str message_id;                 /* with its brackets */
    hy_wall_ms date;
    int utc_offset_min;
    const struct hy_message_header *headers; /* further fields; values are text, no templates */
    size_t n_headers;
    const struct hy_message_file *images; /* inline, multipart/related */
    size_t n_images;
    const struct hy_message_file *attachments; /* multipart/mixed */
    size_t n_attachments;
    uint64_t seed[2]; /* random: boundaries come from it */
};

struct hy_composed {
    uint32_t header_bytes; /* with the empty line */
    bool has_utf8_header;  /* an address needs SMTPUTF8 */
    bool has_no_dot_line;  /* no line starts with a dot */
};

/* Appends the message. HY_EINVAL (a field that hayauma writes itself, a name, an address, a type or
 * a cid that cannot stand there; noted), HY_ELIMIT, HY_ENOMEM; then `out` is as long as before. */
HY_MUST_USE int hy_compose_write(const struct hy_compose *c, struct hy_buf *out,
                                 struct hy_composed *ret, struct hy_diag *diag);
