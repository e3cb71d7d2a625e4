#include <criterion/criterion.h>
#include <stdlib.h>

#include "content.h"
#include "hayauma/base/buf.h"
#include "hayauma/base/rand.h"

/* A message of up to four pieces, cut at '|'. */
static struct hy_smtp_message message_of(const char *text)
{
    struct hy_smtp_message m = {0};
    struct hy_str rest = hy_str_of(text), piece;
    while (hy_str_split(&rest, '|', &piece))
        m.pieces[m.n_pieces++] = piece;
    return m;
}

Test(content, line_ends_are_checked_across_pieces)
{
    static const struct {
        const char *in;
        enum hy_smtp_content_fault want;
    } cases[] = {
        {"", HY_SMTP_CONTENT_GOOD},
        {"|", HY_SMTP_CONTENT_GOOD},
        {"a", HY_SMTP_CONTENT_GOOD},
        {"a\r\n", HY_SMTP_CONTENT_GOOD},
        {"a\r\n\r\nb\r\n", HY_SMTP_CONTENT_GOOD},
        {"\r\n", HY_SMTP_CONTENT_GOOD},
        {"a\r|\nb", HY_SMTP_CONTENT_GOOD},
        {"a\r||\nb", HY_SMTP_CONTENT_GOOD},
        {"a\r\n|b\r|\n", HY_SMTP_CONTENT_GOOD},
        {"a\nb", HY_SMTP_CONTENT_BARE_LF},
        {"\n", HY_SMTP_CONTENT_BARE_LF},
        {"a|\n", HY_SMTP_CONTENT_BARE_LF},
        {"a\r\n\n", HY_SMTP_CONTENT_BARE_LF},
        {"a\r\n|\n", HY_SMTP_CONTENT_BARE_LF},
        {"a\rb\r\n", HY_SMTP_CONTENT_BARE_CR},
        {"a\r\r\n", HY_SMTP_CONTENT_BARE_CR},
        {"a\r", HY_SMTP_CONTENT_BARE_CR},
        {"a\r|", HY_SMTP_CONTENT_BARE_CR},
        {"a\r|b\r\n", HY_SMTP_CONTENT_BARE_CR},
        {"a\r|\r\n", HY_SMTP_CONTENT_BARE_CR},
        {"a\r|\r|\n", HY_SMTP_CONTENT_BARE_CR},
        {"a\r\n.\r.\r\n", HY_SMTP_CONTENT_BARE_CR},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_smtp_message m = message_of(cases[i].in);
        bool dots;
        cr_assert_eq(hy_smtp_content_check(&m, &dots), cases[i].want, "case %zu: %s", i,
                     cases[i].in);
    }
    bool dots;
    struct hy_smtp_message nul = {.pieces = {{"a\0b", 3}}, .n_pieces = 1};
    cr_assert_eq(hy_smtp_content_check(&nul, &dots), HY_SMTP_CONTENT_NUL);
}

Test(content, dots_at_line_starts_are_found_across_pieces)
{
    static const struct {
        const char *in;
        bool want;
    } cases[] = {
        {".", true},           {"|.", true},           {"a\r\n.", true},  {"a\r\n|.\r\n", true},
        {"a\r|\n.\r\n", true}, {"a\r|\n|.\r\n", true}, {"", false},       {"a.", false},
        {"a|.", false},        {"a\r\n.a\r\n", true},  {" .\r\n", false}, {"a\r\nb.|.c\r\n", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_smtp_message m = message_of(cases[i].in);
        bool dots = !cases[i].want;
        cr_assert_eq(hy_smtp_content_check(&m, &dots), HY_SMTP_CONTENT_GOOD);
        cr_assert_eq(dots, cases[i].want, "%s", cases[i].in);
    }
}

/* What stuffing must give, written down plainly. */
static void stuff(const struct hy_smtp_message *m, struct hy_buf *out)
{
    char prev = '\n';
    for (size_t i = 0; i < m->n_pieces; i++) {
        for (size_t k = 0; k < m->pieces[i].n; k++) {
            char ch = m->pieces[i].p[k];
            if (ch == '.' && prev == '\n')
                hy_buf_add_c(out, '.');
            hy_buf_add_c(out, ch);
            prev = ch;
        }
    }
    if (out->len > 0 && prev != '\n')
        hy_buf_add_lit(out, "\r\n");
}

/* Takes everything through vectors of random size, written in random portions. */
static void take(const struct hy_smtp_message *m, struct hy_rng *rng, struct hy_buf *out)
{
    struct hy_smtp_content ct;
    hy_smtp_content_start(&ct, m);
    while (!hy_smtp_content_is_done(&ct)) {
        struct iovec iov[8];
        uint64_t limit = 1 + hy_rng_below(rng, 40);
        int n = hy_smtp_content_fill(&ct, m, true, limit, iov, 1 + (int)hy_rng_below(rng, 8));
        size_t total = 0, portion;
        cr_assert_gt(n, 0);
        for (int i = 0; i < n; i++)
            total += iov[i].iov_len;
        portion = 1 + hy_rng_below(rng, total);
        for (size_t left = portion, i = 0; left > 0; i++) {
            size_t k = iov[i].iov_len < left ? iov[i].iov_len : left;
            hy_buf_add(out, iov[i].iov_base, k);
            left -= k;
        }
        cr_assert_eq(hy_smtp_content_advance(&ct, m, true, portion), portion);
    }
}

Test(content, dots_are_stuffed_however_it_is_cut)
{
    struct hy_rng rng;
    hy_rng_seed(&rng, 7);
    static const char *const atoms[] = {".", "\r\n", "x", "..", "\r\n.", "word"};
    for (int round = 0; round < 3000; round++) {
        struct hy_buf text[HY_SMTP_PIECES_MAX], want = HY_BUF_INIT(4096), got = HY_BUF_INIT(4096);
        struct hy_smtp_message m = {.n_pieces = 1 + hy_rng_below(&rng, HY_SMTP_PIECES_MAX)};
        for (size_t i = 0; i < m.n_pieces; i++) {
            text[i] = HY_BUF_INIT(1024);
            for (uint64_t k = hy_rng_below(&rng, 12); k > 0; k--)
                hy_buf_add_str(&text[i], hy_str_of(atoms[hy_rng_below(&rng, 6)]));
            m.pieces[i] = hy_buf_str(&text[i]);
        }
        stuff(&m, &want);
        take(&m, &rng, &got);
        cr_assert(hy_str_eq(hy_buf_str(&got), hy_buf_str(&want)), "round %d: got %.*s want %.*s",
                  round, HY_STR_ARG(hy_buf_str(&got)), HY_STR_ARG(hy_buf_str(&want)));
        for (size_t i = 0; i < m.n_pieces; i++)
            hy_buf_free(&text[i]);
        hy_buf_free(&want);
        hy_buf_free(&got);
    }
}

Test(content, clean_content_leaves_in_as_many_pieces_as_it_has)
{
    struct hy_smtp_message m = message_of("Subject: x\r\n|\r\n||body\r\n");
    struct hy_smtp_content ct;
    struct iovec iov[8];
    hy_smtp_content_start(&ct, &m);
    cr_assert_eq(hy_smtp_content_size(&m), 20);
    cr_assert_eq(hy_smtp_content_fill(&ct, &m, false, UINT64_MAX, iov, 8), 3);
    cr_assert_eq(iov[0].iov_base, m.pieces[0].p);
    cr_assert_eq(iov[2].iov_base, m.pieces[3].p);
}
