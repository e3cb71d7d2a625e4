/* Header fields: writing any text safely (RFC 5322, 2047, 2231) and reading them back. The writers
 * end every field with CRLF, fold so that a line holds at most 76 characters where the text lets
 * them, and never let a control character of a value reach the wire. */
#pragma once
#include "hayauma/base/buf.h"

enum hy_mail_charset {
    HY_MAIL_UTF8 = 0,
    HY_MAIL_ISO_2022_JP = 1, /* a value that it cannot hold is written in UTF-8 */
};

enum {
    HY_HEADER_NAME_MAX = 76,     /* bytes of a field name */
    HY_HEADER_VALUE_MAX = 16384, /* bytes of one value given to a writer */
    HY_HEADER_LINE_MAX = 76,     /* where lines are folded */
};

/* One address with the name it shows. */
struct hy_header_mailbox {
    struct hy_str name;    /* UTF-8 display name; may be empty */
    struct hy_str address; /* wire form, without angle brackets (mail/address.h) */
};

/* Whether `name` may be a field name: printable ASCII without a colon, 1..HY_HEADER_NAME_MAX. */
bool hy_header_name_ok(struct hy_str name);

/* All writers append to `out` and return 0 or HY_EINVAL (a name or address that cannot stand
 * there), HY_ELIMIT (value too long, or `out` is full), HY_ENOMEM; on failure `out` is as long as
 * before. Pure; any thread. */

/* "Subject: text" (RFC 5322 unstructured). Printable ASCII passes unchanged but for folding;
 * anything else, and what would read as an encoded word, becomes RFC 2047 encoded words, B or Q by
 * what is shorter, that never split a character. Control characters become one space, bytes that
 * are not UTF-8 become U+FFFD, spaces at both ends go. */
HY_MUST_USE int hy_header_text(struct hy_buf *out, struct hy_str name, struct hy_str text,
                               enum hy_mail_charset charset);
/* "From: name <address>, ..." (RFC 5322 address list, name as atoms, quoted string or encoded
 * words). An empty name writes the bare address. HY_EINVAL if an address holds a control
 * character, or an angle bracket or space outside a quoted local part, or if n is 0. */
HY_MUST_USE int hy_header_mailboxes(struct hy_buf *out, struct hy_str name,
                                    const struct hy_header_mailbox *boxes, size_t n,
                                    enum hy_mail_charset charset);
/* "Name: value" for values in their field's own syntax (Message-ID, List-Unsubscribe ...), folded
 * at spaces only. HY_EINVAL if the value holds anything but printable ASCII, spaces and UTF-8
 * letters beyond ASCII (RFC 6532). */
HY_MUST_USE int hy_header_raw(struct hy_buf *out, struct hy_str name, struct hy_str value);
/* "; attr=value" behind a Content-Type or Content-Disposition that stands unfinished at the end of
 * `out` (the caller writes the CRLF): a token, a quoted string, or RFC 2231 with charset UTF-8,
 * folded and continued (attr*0*=...) when long. */
HY_MUST_USE int hy_header_param(struct hy_buf *out, struct hy_str attr, struct hy_str value);

/* A field as it stands in a message: views, folding and white space of the value kept. */
struct hy_header_field {
    struct hy_str name;  /* without the colon and spaces before it */
    struct hy_str value; /* behind the colon, without the line end that closes the field */
    struct hy_str whole; /* name, colon, value and line end */
};

/* Takes the next field off the front of `*rest`; lines end in CRLF or LF. Lines that are no field
 * (no colon, a bad name) are skipped. False at the empty line, which is taken too (then *rest is
 * the body), or when the bytes end. */
bool hy_header_next(struct hy_str *rest, struct hy_header_field *ret);
/* The first field of that name (any case) in a header block; false if there is none. */
bool hy_header_find(struct hy_str headers, struct hy_str name, struct hy_header_field *ret);
/* Unfolds a value and decodes its encoded words to UTF-8; what is not a good encoded word, or is
 * in a charset that iconv does not know, stays as it stands. Errors: HY_ELIMIT, HY_ENOMEM. */
HY_MUST_USE int hy_header_decode(struct hy_buf *out, struct hy_str value);
