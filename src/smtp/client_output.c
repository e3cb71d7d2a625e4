/* Bytes out: commands from a small buffer, content from the caller's memory, in stream order. */
#include "client_priv.h"

char *hy_smtp_room(struct hy_smtp_client *c, size_t n)
{
    if (sizeof c->out - c->out_len < n && c->out_at > 0) {
        memmove(c->out, c->out + c->out_at, (size_t)(c->out_len - c->out_at));
        c->out_len = (uint16_t)(c->out_len - c->out_at);
        c->out_split = (uint16_t)(c->out_split - (c->content.is_on ? c->out_at : c->out_split));
        c->out_at = 0;
    }
    if (sizeof c->out - c->out_len < n)
        return NULL;
    char *p = c->out + c->out_len;
    c->out_len = (uint16_t)(c->out_len + n);
    c->put++;
    return p;
}

size_t hy_smtp_put_decimal(char *p, uint64_t v)
{
    size_t n = 1;
    for (uint64_t rest = v; rest >= 10; rest /= 10)
        n++;
    for (size_t i = n; i-- > 0; v /= 10)
        p[i] = (char)('0' + v % 10);
    return n;
}

static int add_out(struct hy_smtp_client *c, size_t from, size_t to, struct iovec *iov)
{
    if (from == to)
        return 0;
    *iov = (struct iovec){.iov_base = c->out + from, .iov_len = to - from};
    return 1;
}

static bool stuffs(const struct hy_smtp_client *c, const struct hy_smtp_txn *t)
{
    return t->has_dots && !hy_smtp_chunks(c);
}

/* BDAT's line, the content, and behind its end whatever was put there. */
static int output_content(struct hy_smtp_client *c, struct iovec *iov, int max)
{
    const struct hy_smtp_txn *t = hy_smtp_older(c);
    struct hy_smtp_content *ct = &c->content;
    uint64_t held = t->dot_told ? 0 : HY_SMTP_DOT_WINDOW;
    if (!t->dot_told && ct->left <= held)
        return 0;
    int n = add_out(c, c->out_at, c->out_split, iov);
    n += hy_smtp_content_fill(ct, t->msg, stuffs(c, t), ct->left - held, iov + n, max - n);
    if (held > 0 || n == max)
        return n;
    return n + add_out(c, c->out_split, c->out_len, iov + n);
}

int hy_smtp_client_output(struct hy_smtp_client *c, struct iovec *iov, int max)
{
    hy_smtp_pump(c);
    if (c->fate || c->state == HY_SMTP_ST_CLOSED || max < 1)
        return 0;
    if (c->content.is_on)
        return output_content(c, iov, max);
    return add_out(c, c->out_at, c->out_len, iov);
}

static void consume_out(struct hy_smtp_client *c, size_t n)
{
    const char *p = c->out + c->out_at, *end = p + n;
    c->out_at = (uint16_t)(c->out_at + n);
    if (c->out_at == c->out_len) {
        c->out_at = c->out_len = c->out_split = 0;
        c->written = c->put;
        return;
    }
    while ((p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
        c->written++;
        p++;
    }
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Takes its share of the `n` bytes written; returns how many those were. */
static size_t wrote_content(struct hy_smtp_client *c, size_t n)
{
    struct hy_smtp_txn *t = hy_smtp_older(c);
    size_t before = smaller(n, (size_t)(c->out_split - c->out_at));
    if (before > 0)
        consume_out(c, before);
    if (c->out_at < c->out_split)
        return before;
    size_t taken = hy_smtp_content_advance(&c->content, t->msg, stuffs(c, t), n - before);
    if (hy_smtp_content_is_done(&c->content)) {
        c->content.is_on = false;
        t->tell_content_done = true;
        t->dot_begun = hy_smtp_chunks(c);
    }
    return before + taken;
}

void hy_smtp_client_wrote(struct hy_smtp_client *c, size_t n, hy_us now)
{
    if (c->fate || c->state == HY_SMTP_ST_CLOSED || n == 0)
        return;
    c->now = now;
    if (c->content.is_on)
        n -= wrote_content(c, n);
    n = smaller(n, (size_t)(c->out_len - c->out_at));
    if (n > 0) {
        struct hy_smtp_txn *t = hy_smtp_older(c);
        if (t->msg && t->wait.step == HY_SMTP_STEP_END && !c->content.is_on)
            t->dot_begun = true;
        consume_out(c, n);
    }
    hy_smtp_arm(c);
    hy_smtp_pump(c);
}
