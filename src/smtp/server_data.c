/* DATA (RFC 5321 4.1.1.4): the content up to CRLF.CRLF, dots unstuffed. */
#include "server_priv.h"

enum content_state { LINE_START, DOT, DOT_CR, IN_LINE, AFTER_CR };

void smtpd_data(struct hy_smtp_server *s, struct hy_str arg)
{
    if (!smtpd_takes_none(s, arg))
        return;
    if (s->is_bdat) {
        smtpd_refuse(s, 503, 5, 1, "BDAT has begun");
        return;
    }
    if (!smtpd_has_rcpts(s))
        return;
    s->content.max = s->settings->size_max;
    s->content_state = LINE_START;
    s->state = SMTPD_DATA;
    smtpd_reply(s, 354, "End with CR LF . CR LF");
}

static void add(struct hy_smtp_server *s, const char *p, size_t n)
{
    s->content_n += n;
    if (s->content_n > s->settings->size_max && s->fault != SMTPD_TOO_BIG) {
        s->fault = SMTPD_TOO_BIG;
        hy_buf_free(&s->content);
    }
    if (s->fault)
        return; /* read to the end, not kept */
    hy_buf_add(&s->content, p, n);
    if (s->content.err)
        s->fault = SMTPD_NO_MEMORY;
}

/* What the client is told does not depend on the pieces in which its bytes came. */
static void spoil(struct hy_smtp_server *s, enum smtpd_fault fault)
{
    if (s->fault == SMTPD_GOOD || (s->fault == SMTPD_NUL && fault == SMTPD_BARE)) {
        s->fault = (uint8_t)fault;
        hy_buf_free(&s->content);
    }
}

/* Bytes of a line from p on: up to its LF, or all of them. Returns how many. */
static size_t rest_of_line(struct hy_smtp_server *s, const char *p, size_t n)
{
    const char *lf = memchr(p, '\n', n);
    size_t used = lf ? (size_t)(lf - p) + 1 : n;
    size_t words = lf ? used - 1 : n; /* without LF */
    bool has_cr = words && p[words - 1] == '\r';
    size_t inner = words - has_cr;
    if ((lf && !has_cr) || (inner && memchr(p, '\r', inner)))
        spoil(s, SMTPD_BARE);
    if (words && memchr(p, '\0', words))
        spoil(s, SMTPD_NUL);
    add(s, p, used);
    if (lf)
        s->content_state = has_cr ? LINE_START : IN_LINE;
    else
        s->content_state = has_cr ? AFTER_CR : IN_LINE;
    return used;
}

/* One byte where it matters what came before. True: the content ends with it. */
static bool special(struct hy_smtp_server *s, char c)
{
    switch ((enum content_state)s->content_state) {
    case LINE_START: /* a dot */
        s->content_state = DOT;
        return false;
    case DOT:
        if (c != '\r')
            return false;
        s->content_state = DOT_CR;
        return false;
    case DOT_CR:
        if (c == '\n')
            return true;
        spoil(s, SMTPD_BARE); /* ".\r" and no LF */
        add(s, "\r", 1);
        s->content_state = AFTER_CR;
        return false;
    case AFTER_CR:
    case IN_LINE:
        return false;
    }
    return false;
}

size_t smtpd_data_input(struct hy_smtp_server *s, const char *p, size_t n)
{
    size_t at = 0;
    while (at < n) {
        char c = p[at];
        switch ((enum content_state)s->content_state) {
        case LINE_START:
            if (c != '.') {
                at += rest_of_line(s, p + at, n - at);
                break;
            }
            special(s, c);
            at++;
            break;
        case DOT:
            if (c == '\r') {
                special(s, c);
                at++;
            } else { /* the dot was stuffed */
                at += rest_of_line(s, p + at, n - at);
            }
            break;
        case DOT_CR:
            if (special(s, c)) {
                smtpd_content_done(s);
                return at + 1;
            }
            break; /* looked at again */
        case AFTER_CR:
            if (c == '\n') {
                add(s, "\n", 1);
                s->content_state = LINE_START;
                at++;
            } else {
                spoil(s, SMTPD_BARE);
                at += rest_of_line(s, p + at, n - at);
            }
            break;
        case IN_LINE:
            at += rest_of_line(s, p + at, n - at);
            break;
        }
    }
    return at;
}

void smtpd_content_done(struct hy_smtp_server *s)
{
    static const struct {
        unsigned code, subject, detail;
        const char *text;
    } refusals[] = {
        [SMTPD_BARE] = {554, 6, 0, "The message has a CR or LF by itself"},
        [SMTPD_NUL] = {554, 6, 0, "The message has a NUL byte"},
        [SMTPD_TOO_BIG] = {552, 3, 4, "The message is too large"},
        [SMTPD_NO_MEMORY] = {452, 3, 0, "Out of memory"},
    };
    unsigned fault = s->fault;
    if (fault == SMTPD_GOOD) {
        smtpd_ask(s, HY_SMTP_SERVER_ASK_MESSAGE);
        return;
    }
    s->state = SMTPD_COMMAND;
    smtpd_forget_mail(s);
    smtpd_refuse(s, refusals[fault].code, refusals[fault].subject, refusals[fault].detail,
                 refusals[fault].text);
}
