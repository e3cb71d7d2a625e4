/* Reads SMTP replies from a stream in pieces of any size. */
#include "hayauma/smtp/reply.h"

void hy_smtp_reply_init(struct hy_smtp_reply *r)
{
    r->code = 0;
    r->text_len = 0;
    r->lines = 0;
    r->line_at = 0;
    r->bytes = 0;
    r->prefix_len = 0;
    r->is_last = false;
    r->is_bad = false;
    r->is_8bit = false;
    r->in_reply = false;
}

static void add_text(struct hy_smtp_reply *r, const char *p, size_t n)
{
    size_t room = sizeof r->text - r->text_len;
    if (n > room)
        n = room;
    memcpy(r->text + r->text_len, p, n);
    r->text_len = (uint16_t)(r->text_len + n);
}

/* From here the line is only collected, so that a person can see what the peer said. */
static void turn_bad(struct hy_smtp_reply *r)
{
    r->is_bad = true;
    r->code = 0;
    r->text_len = r->line_at = 0;
    r->is_8bit = false;
    add_text(r, r->prefix, r->prefix_len);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Reply-code = %x32-35 %x30-35 %x30-39 (RFC 5321 4.2); servers use second digits beyond 5, too.
 * Then SP, "-", or at once the line end; a tab in the place of the space does no harm. */
static void check_prefix(struct hy_smtp_reply *r)
{
    const char *p = r->prefix;
    char sep = r->prefix_len > 3 ? p[3] : ' ';
    uint16_t code = 0;
    if (r->prefix_len >= 3 && p[0] >= '2' && p[0] <= '5' && is_digit(p[1]) && is_digit(p[2]))
        code = (uint16_t)((p[0] - '0') * 100 + (p[1] - '0') * 10 + (p[2] - '0'));
    bool is_good = code != 0 && (sep == ' ' || sep == '-' || sep == '\t' || sep == '\r');
    if (!is_good || (r->lines > 0 && code != r->code)) {
        turn_bad(r);
        return;
    }
    r->code = code;
    r->is_last = sep != '-';
    if (r->text_len > 0)
        add_text(r, " / ", 3);
    r->line_at = r->text_len;
}

/* Takes the bytes of one line, without its LF. */
static void take_bytes(struct hy_smtp_reply *r, const char *p, size_t n)
{
    if (!r->is_bad && r->prefix_len < 4) {
        while (n > 0 && r->prefix_len < 4) {
            r->prefix[r->prefix_len++] = *p++;
            n--;
        }
        if (r->prefix_len < 4)
            return;
        check_prefix(r);
    }
    if (n > 0 && !r->is_bad && r->prefix[3] == '\r') /* a lone CR behind the code */
        turn_bad(r);
    add_text(r, p, n);
}

/* Control characters out of the line's words; a tab becomes a space. */
static void clean_line(struct hy_smtp_reply *r)
{
    if (r->text_len > r->line_at && r->text[r->text_len - 1] == '\r')
        r->text_len--;
    for (size_t i = r->line_at; i < r->text_len; i++) {
        unsigned char ch = (unsigned char)r->text[i];
        if (ch >= 0x80)
            r->is_8bit = true;
        else if (ch < 0x20 || ch == 0x7f)
            r->text[i] = ch == '\t' ? ' ' : '?';
    }
}

/* Bytes that are not UTF-8, and C1 controls, become question marks. */
static void clean_8bit(struct hy_smtp_reply *r)
{
    struct hy_str s = hy_str_make(r->text, r->text_len);
    for (size_t at = 0; at < s.n;) {
        size_t from = at;
        uint32_t cp = hy_utf8_next(s, &at);
        if (cp == UINT32_MAX || (cp >= 0x80 && cp < 0xa0))
            memset(r->text + from, '?', at - from);
    }
}

static enum hy_smtp_read finish(struct hy_smtp_reply *r, enum hy_smtp_read how)
{
    if (r->is_8bit)
        clean_8bit(r);
    r->in_reply = false;
    return how;
}

static enum hy_smtp_read end_line(struct hy_smtp_reply *r)
{
    if (!r->is_bad && r->prefix_len < 4)
        check_prefix(r);
    clean_line(r);
    if (r->is_bad)
        return finish(r, HY_SMTP_READ_BAD);
    r->lines++;
    r->prefix_len = 0;
    if (r->is_last)
        return finish(r, HY_SMTP_READ_DONE);
    return r->lines < HY_SMTP_REPLY_LINES_MAX ? HY_SMTP_READ_LINE : finish(r, HY_SMTP_READ_HUGE);
}

enum hy_smtp_read hy_smtp_reply_read(struct hy_smtp_reply *r, const char *p, size_t n,
                                     size_t *ret_used)
{
    *ret_used = 0;
    if (n == 0)
        return HY_SMTP_READ_MORE;
    if (!r->in_reply) {
        hy_smtp_reply_init(r);
        r->in_reply = true;
    }
    size_t room = HY_SMTP_REPLY_BYTES_MAX - r->bytes;
    const char *lf = memchr(p, '\n', n < room ? n : room);
    size_t used = lf ? (size_t)(lf - p) + 1 : n < room ? n : room;
    take_bytes(r, p, lf ? used - 1 : used);
    r->bytes += (uint32_t)used;
    *ret_used = used;
    if (lf)
        return end_line(r);
    if (r->bytes < HY_SMTP_REPLY_BYTES_MAX && !(r->is_bad && r->text_len == sizeof r->text))
        return HY_SMTP_READ_MORE;
    clean_line(r);
    return finish(r, r->is_bad ? HY_SMTP_READ_BAD : HY_SMTP_READ_HUGE);
}

struct hy_str hy_smtp_reply_line(const struct hy_smtp_reply *r)
{
    return hy_str_make(r->text + r->line_at, (size_t)(r->text_len - r->line_at));
}

void hy_smtp_reply_forget(struct hy_smtp_reply *r)
{
    r->text_len = r->line_at = 0;
}

struct hy_str hy_smtp_reply_text(const struct hy_smtp_reply *r)
{
    return hy_str_make(r->text, r->text_len);
}
