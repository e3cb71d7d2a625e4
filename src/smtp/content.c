/* The content of a message on its way out: checked once, handed out without copying. */
#include "content.h"

struct check {
    char prev; /* the byte before the piece; '\n' at the start of content */
    bool has_dots;
};

/* One line or part of one: `words` without its LF; `prev` is the byte before. */
static enum hy_smtp_content_fault check_line(struct hy_str words, bool has_lf, char prev)
{
    char last = words.n > 0 ? words.p[words.n - 1] : prev;
    if (prev == '\r' && words.n > 0)
        return HY_SMTP_CONTENT_BARE_CR;
    if (has_lf && last != '\r')
        return HY_SMTP_CONTENT_BARE_LF;
    size_t inner = words.n - (words.n > 0 && last == '\r');
    if (inner > 0 && memchr(words.p, '\r', inner))
        return HY_SMTP_CONTENT_BARE_CR;
    return HY_SMTP_CONTENT_GOOD;
}

static enum hy_smtp_content_fault check_piece(struct hy_str s, struct check *k)
{
    if (s.n == 0)
        return HY_SMTP_CONTENT_GOOD;
    if (memchr(s.p, '\0', s.n))
        return HY_SMTP_CONTENT_NUL;
    for (const char *p = s.p, *end = s.p + s.n; p < end;) {
        const char *lf = memchr(p, '\n', (size_t)(end - p));
        const char *stop = lf ? lf : end;
        k->has_dots |= *p == '.' && k->prev == '\n';
        enum hy_smtp_content_fault fault =
            check_line(hy_str_make(p, (size_t)(stop - p)), lf != NULL, k->prev);
        if (fault)
            return fault;
        p = lf ? lf + 1 : end;
        k->prev = p[-1];
    }
    return HY_SMTP_CONTENT_GOOD;
}

enum hy_smtp_content_fault hy_smtp_content_check(const struct hy_smtp_message *m, bool *ret_dots)
{
    struct check k = {.prev = '\n'};
    for (size_t i = 0; i < m->n_pieces; i++) {
        enum hy_smtp_content_fault fault = check_piece(m->pieces[i], &k);
        if (fault)
            return fault;
    }
    if (k.prev == '\r')
        return HY_SMTP_CONTENT_BARE_CR;
    *ret_dots = k.has_dots;
    return HY_SMTP_CONTENT_GOOD;
}

static uint64_t bytes_of(const struct hy_smtp_message *m)
{
    uint64_t n = 0;
    for (size_t i = 0; i < m->n_pieces; i++)
        n += m->pieces[i].n;
    return n;
}

static uint8_t missing_tail(const struct hy_smtp_message *m)
{
    for (size_t i = m->n_pieces; i-- > 0;) {
        struct hy_str s = m->pieces[i];
        if (s.n > 0)
            return s.p[s.n - 1] == '\n' ? 0 : 2;
    }
    return 0;
}

uint64_t hy_smtp_content_size(const struct hy_smtp_message *m)
{
    return bytes_of(m) + missing_tail(m);
}

void hy_smtp_content_start(struct hy_smtp_content *ct, const struct hy_smtp_message *m)
{
    *ct = (struct hy_smtp_content){
        .left = bytes_of(m),
        .tail_left = missing_tail(m),
        .prev = '\n',
        .is_on = true,
    };
}

/* What comes next: a run of content, the extra dot, or the tail. */
enum run_kind { RUN_NONE, RUN_CONTENT, RUN_DOT, RUN_TAIL };
struct run {
    enum run_kind kind;
    const char *p;
    size_t n;
};

/* Up to the next dot at a line start, or the end of the piece. */
static size_t run_length(const char *p, size_t n)
{
    const char *lf_dot = memmem(p, n, "\n.", 2);
    return lf_dot ? (size_t)(lf_dot - p) + 1 : n;
}

static struct run peek(struct hy_smtp_content *ct, const struct hy_smtp_message *m, bool stuff)
{
    if (ct->left == 0) {
        struct run tail = {RUN_TAIL, &"\r\n"[2 - ct->tail_left], ct -> tail_left};
        return ct->tail_left ? tail : (struct run){RUN_NONE};
    }
    while (ct->at == m->pieces[ct->piece].n) {
        ct->piece++;
        ct->at = 0;
    }
    struct hy_str s = hy_str_slice(m->pieces[ct->piece], ct->at, SIZE_MAX);
    if (!stuff)
        return (struct run){RUN_CONTENT, s.p, s.n};
    if (s.p[0] == '.' && ct->prev == '\n' && !ct->dot_stuffed)
        return (struct run){RUN_DOT, ".", 1};
    return (struct run){RUN_CONTENT, s.p, run_length(s.p, s.n)};
}

/* Moves past the first `n` (>= 1) bytes of the run that peek gave. */
static void pass(struct hy_smtp_content *ct, struct run run, size_t n)
{
    if (run.kind == RUN_TAIL) {
        ct->tail_left = (uint8_t)(ct->tail_left - n);
        return;
    }
    ct->dot_stuffed = run.kind == RUN_DOT;
    if (run.kind == RUN_DOT)
        return;
    ct->at += n;
    ct->left -= n;
    ct->prev = run.p[n - 1];
}

int hy_smtp_content_fill(const struct hy_smtp_content *ct, const struct hy_smtp_message *m,
                         bool stuff, uint64_t limit, struct iovec *iov, int max)
{
    struct hy_smtp_content at = *ct;
    int used = 0;
    while (used < max) {
        struct run run = peek(&at, m, stuff);
        if (run.kind == RUN_CONTENT && run.n > limit)
            run.n = (size_t)limit;
        if (run.kind == RUN_NONE || run.n == 0)
            break;
        if (run.kind == RUN_CONTENT)
            limit -= run.n;
        iov[used++] = (struct iovec){.iov_base = (void *)(uintptr_t)run.p, .iov_len = run.n};
        pass(&at, run, run.n);
    }
    return used;
}

size_t hy_smtp_content_advance(struct hy_smtp_content *ct, const struct hy_smtp_message *m,
                               bool stuff, size_t n)
{
    size_t taken = 0;
    while (taken < n) {
        struct run run = peek(ct, m, stuff);
        if (run.kind == RUN_NONE)
            break;
        size_t k = run.n < n - taken ? run.n : n - taken;
        pass(ct, run, k);
        taken += k;
    }
    return taken;
}
