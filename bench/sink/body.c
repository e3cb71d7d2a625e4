/* The bytes of a message: finds the final dot, counts, keeps what the record or a capture wants. */
#include <string.h>

#include "sink.h"

void body_begin(struct conn *c)
{
    struct sink *s = c->w->s;
    c->scan = SCAN_BOL;
    c->body_bytes = 0;
    c->body_want = s->record_fd >= 0 ? SINK_HEAD_MAX : 0;
    c->capture_no = 0;
    hy_buf_reset(&c->body);
    if (s->capture_dir && c->w->message_no++ % s->capture_every == 0 &&
        atomic_load_explicit(&s->captured, memory_order_relaxed) < s->capture_limit) {
        uint64_t no = atomic_fetch_add(&s->captured, 1) + 1;
        if (no <= s->capture_limit) {
            c->capture_no = no;
            c->body_want = SINK_CAPTURE_MAX;
        }
    }
    c->body.max = SINK_CAPTURE_MAX;
}

void body_add(struct conn *c, const char *p, size_t n)
{
    c->body_bytes += n;
    if (c->body.len >= c->body_want)
        return;
    size_t room = c->body_want - c->body.len;
    hy_buf_add(&c->body, p, n < room ? n : room);
}

size_t body_scan(struct conn *c, const char *p, size_t n, bool *ret_end)
{
    enum scan st = c->scan;
    size_t i = 0, from = 0; /* [from, i): bytes of the message not handed on yet */
    *ret_end = false;
    while (i < n) {
        char ch = p[i];
        switch (st) {
        case SCAN_BOL:
            if (ch == '.') { /* the end, or a stuffed dot: either way not part of the message */
                body_add(c, p + from, i - from);
                from = ++i;
                st = SCAN_DOT;
                break;
            }
            st = SCAN_MID;
            break; /* looked at again, in the middle of the line */
        case SCAN_MID: {
            const char *lf = memchr(p + i, '\n', n - i);
            size_t at = lf ? (size_t)(lf - p) : n;
            if (!lf) {
                st = p[n - 1] == '\r' ? SCAN_CR : SCAN_MID;
                i = n;
                break;
            }
            if (at == i || p[at - 1] != '\r')
                BUMP(c->w->n.bare_lf, 1);
            st = at > i && p[at - 1] == '\r' ? SCAN_BOL : SCAN_MID;
            i = at + 1;
            break;
        }
        case SCAN_CR:
            st = SCAN_MID;
            if (ch == '\n') {
                st = SCAN_BOL;
                i++;
            }
            break;
        case SCAN_DOT:
            st = SCAN_MID;
            if (ch == '\r') {
                st = SCAN_DOT_CR;
                i++;
            }
            break;
        case SCAN_DOT_CR:
            if (ch == '\n') {
                c->scan = SCAN_BOL;
                *ret_end = true;
                return i + 1; /* [from, i) is this CR, or nothing of this input */
            }
            if (from == i) /* the CR came with the input before this one */
                body_add(c, "\r", 1);
            st = ch == '\r' ? SCAN_CR : SCAN_MID;
            if (ch == '\r')
                i++;
            break;
        }
    }
    if (st == SCAN_DOT_CR) /* this CR may still belong to the end */
        i = i > from ? i - 1 : from;
    body_add(c, p + from, i > from ? i - from : 0);
    c->scan = st;
    return n;
}

void body_end(struct conn *c, int code)
{
    struct worker *w = c->w;
    if (code / 100 == 2) {
        BUMP(w->n.messages, 1);
        BUMP(w->n.bytes, c->body_bytes);
        if (w->n.first_us == 0)
            __atomic_store_n(&w->n.first_us, (uint64_t)w->now, __ATOMIC_RELAXED);
        __atomic_store_n(&w->n.last_us, (uint64_t)w->now, __ATOMIC_RELAXED);
        atomic_fetch_add_explicit(&c->addr->messages, 1, memory_order_relaxed);
        if (c->domain)
            BUMP(c->domain->messages, 1);
        c->messages++;
    }
    if (w->s->record_fd >= 0) {
        record_line(c, &w->record, "dot", code);
        if (code)
            record_line(c, &c->sent, "sent", code);
    }
    if (w->s->stamp_fd >= 0 && code / 100 == 2)
        record_stamp(c);
    if (c->capture_no && code / 100 == 2)
        capture_write(c);
}
