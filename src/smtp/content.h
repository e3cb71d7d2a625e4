/* The content of a message on its way out: checked once, then handed out without copying. Dots are
 * stuffed (RFC 5321 4.5.2) by pieces of the output vector. */
#pragma once
#include "hayauma/smtp/client.h"

enum hy_smtp_content_fault {
    HY_SMTP_CONTENT_GOOD = 0,
    HY_SMTP_CONTENT_BARE_CR,
    HY_SMTP_CONTENT_BARE_LF,
    HY_SMTP_CONTENT_NUL,
};
/* Line ends must be CRLF (RFC 5321 2.3.8; anything else is how mail is smuggled), and NUL is not
 * mail (RFC 5321 4.5.2, RFC 6152). Tells, too, whether a line starts with a dot. */
enum hy_smtp_content_fault hy_smtp_content_check(const struct hy_smtp_message *m, bool *ret_dots);

/* Bytes to be sent, without stuffing: the pieces and a CRLF where they do not end in one. */
uint64_t hy_smtp_content_size(const struct hy_smtp_message *m);

void hy_smtp_content_start(struct hy_smtp_content *ct, const struct hy_smtp_message *m);
/* Fills up to `max` pieces with the next bytes, at most `limit` content bytes of them; with `stuff`
 * dots are doubled at line starts. Returns how many pieces. */
int hy_smtp_content_fill(const struct hy_smtp_content *ct, const struct hy_smtp_message *m,
                         bool stuff, uint64_t limit, struct iovec *iov, int max);
/* Up to `n` bytes of what fill gave are written; returns how many of them belonged to the content,
 * its extra dots and its tail. */
size_t hy_smtp_content_advance(struct hy_smtp_content *ct, const struct hy_smtp_message *m,
                               bool stuff, size_t n);
static inline bool hy_smtp_content_is_done(const struct hy_smtp_content *ct)
{
    return ct->left == 0 && ct->tail_left == 0;
}
