/* What tests need to know exactly: a line for every final dot and every reply to it, and samples of
 * whole messages.
 *
 * Record: "dot CODE RCPT MESSAGE-ID" when the final dot was read (a real server would now deliver,
 * whatever becomes of the reply), "sent CODE RCPT MESSAGE-ID" when the reply went to the kernel.
 * Lines are appended before the loop waits again, in one write, so they outlive the sink itself.
 * Likewise, when each domain had its first recipient (--first), and when the final dot of a message
 * to certain recipients was read (--stamp), in microseconds of the monotonic clock. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sink.h"

/* The value of Message-ID, unfolded as little as such a field needs; "-" if there is none. */
static struct hy_str message_id(struct hy_str head)
{
    static const struct hy_str name = {"Message-ID:", 11};
    size_t at = 0;
    while (at < head.n) {
        size_t lf = hy_str_find(head, '\n', at);
        struct hy_str line = hy_str_slice(head, at, lf);
        if (line.n <= 1)
            break;
        if (hy_str_istarts(line, name)) {
            struct hy_str v = hy_str_trim(hy_str_slice(line, name.n, line.n));
            if (v.n == 0 && lf != SIZE_MAX) /* folded right after the colon */
                v = hy_str_trim(hy_str_slice(head, lf + 1, hy_str_find(head, '\n', lf + 1)));
            return v.n ? v : HY_STR("-");
        }
        if (lf == SIZE_MAX)
            break;
        at = lf + 1;
    }
    return HY_STR("-");
}

void record_line(struct conn *c, struct hy_buf *to, const char *what, int code)
{
    struct hy_str id = message_id(hy_buf_str(&c->body));
    struct hy_str rest = hy_buf_str(&c->rcpts), rcpt;
    while (rest.n && hy_str_split(&rest, '\n', &rcpt))
        if (rcpt.n)
            hy_buf_printf(to, "%s %d %.*s %.*s\n", what, code, HY_STR_ARG(rcpt), HY_STR_ARG(id));
}

bool record_is_stamped(const struct sink *s, struct hy_str rcpt)
{
    return s->stamp_fd >= 0 && hy_str_istarts(rcpt, hy_str_of(s->stamp_prefix));
}

void record_stamp(struct conn *c)
{
    struct hy_str rest = hy_buf_str(&c->rcpts), rcpt;
    while (rest.n && hy_str_split(&rest, '\n', &rcpt))
        if (record_is_stamped(c->w->s, rcpt))
            hy_buf_printf(&c->w->stamp, "%ld %.*s\n", hy_clock_us(), HY_STR_ARG(rcpt));
}

static void flush(int fd, struct hy_buf *lines)
{
    size_t done = 0;
    while (done < lines->len) {
        ssize_t n = write(fd, lines->data + done, lines->len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            fprintf(stderr, "sink: record: %s\n", strerror(errno));
            break;
        }
        done += (size_t)n;
    }
    hy_buf_reset(lines);
}

void record_flush(struct worker *w)
{
    flush(w->s->record_fd, &w->record);
    flush(w->s->first_fd, &w->first);
    flush(w->s->stamp_fd, &w->stamp);
}

static FILE *capture_open(const struct conn *c, const char *ext)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%06llu.%s", c->w->s->capture_dir,
             (unsigned long long)c->capture_no, ext);
    FILE *f = fopen(path, "we");
    if (!f)
        fprintf(stderr, "sink: %s: %s\n", path, strerror(errno));
    return f;
}

void capture_write(struct conn *c)
{
    FILE *f = capture_open(c, "env"); /* first, so that who sees the message has its envelope */
    if (!f)
        return;
    fprintf(f, "FROM %.*s\n", HY_STR_ARG(hy_buf_str(&c->sender)));
    struct hy_str rest = hy_buf_str(&c->rcpts), rcpt;
    while (rest.n && hy_str_split(&rest, '\n', &rcpt))
        if (rcpt.n)
            fprintf(f, "RCPT %.*s\n", HY_STR_ARG(rcpt));
    fclose(f);
    f = capture_open(c, "eml.part");
    if (!f)
        return;
    fwrite(c->body.data, 1, c->body.len, f);
    char from[4096], to[4096];
    snprintf(from, sizeof from, "%s/%06llu.eml.part", c->w->s->capture_dir,
             (unsigned long long)c->capture_no);
    snprintf(to, sizeof to, "%s/%06llu.eml", c->w->s->capture_dir,
             (unsigned long long)c->capture_no);
    if (fclose(f) != 0 || rename(from, to) != 0)
        fprintf(stderr, "sink: %s: %s\n", to, strerror(errno));
}
