#include <criterion/criterion.h>
#include <stdlib.h>

#include "hayauma/smtp/reply.h"

/* Reads `in` in pieces of `step` bytes until it is no longer MORE or LINE. */
static enum hy_smtp_read read_all(struct hy_smtp_reply *r, const char *in, size_t n, size_t step)
{
    enum hy_smtp_read how = HY_SMTP_READ_MORE;
    for (size_t at = 0; at < n && (how == HY_SMTP_READ_MORE || how == HY_SMTP_READ_LINE);) {
        size_t used, piece = n - at < step ? n - at : step;
        how = hy_smtp_reply_read(r, in + at, piece, &used);
        cr_assert(used > 0 && used <= piece);
        at += used;
    }
    return how;
}

static const struct {
    const char *in;
    enum hy_smtp_read want;
    uint16_t code;
    const char *text;
} cases[] = {
    {"220 mx ESMTP\r\n", HY_SMTP_READ_DONE, 220, "mx ESMTP"},
    {"250-a\r\n250-b\r\n250 c\r\n", HY_SMTP_READ_DONE, 250, "a / b / c"},
    {"250-a\n250 b\n", HY_SMTP_READ_DONE, 250, "a / b"},
    {"250\r\n", HY_SMTP_READ_DONE, 250, ""},
    {"250\n", HY_SMTP_READ_DONE, 250, ""},
    {"250 \r\n", HY_SMTP_READ_DONE, 250, ""},
    {"250-\r\n250\r\n", HY_SMTP_READ_DONE, 250, ""},
    {"250\tok\r\n", HY_SMTP_READ_DONE, 250, "ok"},
    {"250 a\tb\r\n", HY_SMTP_READ_DONE, 250, "a b"},
    {"571 delivery not authorized\r\n", HY_SMTP_READ_DONE, 571, "delivery not authorized"},
    {"554 \x1b[2J\x7f\r\n", HY_SMTP_READ_DONE, 554, "?[2J?"},
    {"554 a\rb\r\n", HY_SMTP_READ_DONE, 554, "a?b"},
    {"554 \xe7\x9f\xb3 \xff \xc2\x85\r\n", HY_SMTP_READ_DONE, 554, "\xe7\x9f\xb3 ? ??"},
    {"250", HY_SMTP_READ_MORE, 0, NULL},
    {"250 ok\r", HY_SMTP_READ_MORE, 250, NULL},
    {"250-a\r\n250-b\r\n", HY_SMTP_READ_LINE, 250, NULL},
    {"ok\r\n", HY_SMTP_READ_BAD, 0, "ok"},
    {"\r\n", HY_SMTP_READ_BAD, 0, ""},
    {"\n", HY_SMTP_READ_BAD, 0, ""},
    {"25\r\n", HY_SMTP_READ_BAD, 0, "25"},
    {"2500 x\r\n", HY_SMTP_READ_BAD, 0, "2500 x"},
    {"250x\r\n", HY_SMTP_READ_BAD, 0, "250x"},
    {"250\rx\r\n", HY_SMTP_READ_BAD, 0, "250?x"},
    {"150 x\r\n", HY_SMTP_READ_BAD, 0, "150 x"},
    {"650 x\r\n", HY_SMTP_READ_BAD, 0, "650 x"},
    {" 250 x\r\n", HY_SMTP_READ_BAD, 0, " 250 x"},
    {"2.0.0 ok\r\n", HY_SMTP_READ_BAD, 0, "2.0.0 ok"},
    {"250-a\r\n550 b\r\n", HY_SMTP_READ_BAD, 0, "550 b"},
    {"250-a\r\nb\r\n", HY_SMTP_READ_BAD, 0, "b"},
    {"HTTP/1.1 400 Bad Request\r\n", HY_SMTP_READ_BAD, 0, "HTTP/1.1 400 Bad Request"},
};

Test(reply, reads_the_same_however_it_is_cut)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t step = 1; step < 8; step++) {
            struct hy_smtp_reply r;
            hy_smtp_reply_init(&r);
            const char *in = cases[i].in;
            cr_assert_eq(read_all(&r, in, strlen(in), step), cases[i].want, "%s by %zu", in, step);
            cr_assert_eq(r.code, cases[i].code, "%s by %zu: got %u", in, step, r.code);
            if (cases[i].text)
                cr_assert(hy_str_eq(hy_smtp_reply_text(&r), hy_str_of(cases[i].text)),
                          "%s by %zu: got %.*s", in, step, HY_STR_ARG(hy_smtp_reply_text(&r)));
        }
    }
}

Test(reply, takes_one_line_at_a_time_and_starts_afresh_after_the_last)
{
    static const char in[] = "250-SIZE 1\r\n250 HELP\r\n354 go\r\n";
    struct hy_smtp_reply r;
    size_t used = 0, at = 0;
    hy_smtp_reply_init(&r);
    cr_assert_eq(hy_smtp_reply_read(&r, in, strlen(in), &used), HY_SMTP_READ_LINE);
    cr_assert(hy_str_eq(hy_smtp_reply_line(&r), HY_STR("SIZE 1")));
    hy_smtp_reply_forget(&r);
    at += used;
    cr_assert_eq(hy_smtp_reply_read(&r, in + at, strlen(in) - at, &used), HY_SMTP_READ_DONE);
    cr_assert(hy_str_eq(hy_smtp_reply_text(&r), HY_STR("HELP")));
    at += used;
    cr_assert_eq(hy_smtp_reply_read(&r, in + at, strlen(in) - at, &used), HY_SMTP_READ_DONE);
    cr_assert_eq(r.code, 354);
    cr_assert_eq(r.lines, 1);
    cr_assert_eq(at + used, strlen(in));
}

Test(reply, keeps_a_thousand_bytes_of_words_and_reads_past_the_rest)
{
    char in[5000];
    memset(in, 'x', sizeof in);
    memcpy(in, "550-", 4);
    memcpy(in + 3000, "\r\n550 end\r\n", 11);
    for (size_t step = 1; step < 5000; step += 1666) {
        struct hy_smtp_reply r;
        hy_smtp_reply_init(&r);
        cr_assert_eq(read_all(&r, in, 3011, step), HY_SMTP_READ_DONE);
        cr_assert_eq(r.code, 550);
        cr_assert_eq(hy_smtp_reply_text(&r).n, HY_OUTCOME_TEXT_MAX);
    }
}

Test(reply, a_cut_in_a_character_leaves_valid_utf8)
{
    char in[4 + 1023 + 3 + 2];
    memcpy(in, "550 ", 4);
    memset(in + 4, 'x', 1023);
    memcpy(in + 4 + 1023, "\xe7\x9f\xb3\r\n", 5);
    struct hy_smtp_reply r;
    hy_smtp_reply_init(&r);
    cr_assert_eq(read_all(&r, in, sizeof in, sizeof in), HY_SMTP_READ_DONE);
    cr_assert(hy_str_is_utf8(hy_smtp_reply_text(&r)));
    cr_assert_eq(hy_smtp_reply_text(&r).p[1023], '?');
}

Test(reply, has_a_maximum_of_bytes_and_of_lines)
{
    enum { N = 70000 };
    char *in = malloc(N);
    memset(in, 'x', N);
    memcpy(in, "250 ", 4);
    for (size_t step = 1; step <= N; step += N - 1) {
        struct hy_smtp_reply r;
        hy_smtp_reply_init(&r);
        cr_assert_eq(read_all(&r, in, N, step), HY_SMTP_READ_HUGE);
        cr_assert_eq(r.bytes, HY_SMTP_REPLY_BYTES_MAX);
    }
    for (size_t at = 0; at < N; at += 7)
        memcpy(in + at, "250-x\r\n", 7);
    struct hy_smtp_reply r;
    hy_smtp_reply_init(&r);
    cr_assert_eq(read_all(&r, in, N, N), HY_SMTP_READ_HUGE);
    cr_assert_eq(r.lines, HY_SMTP_REPLY_LINES_MAX);
    free(in);
}

Test(reply, garbage_without_a_line_end_is_given_up_early)
{
    char in[2000];
    memset(in, 'x', sizeof in);
    for (size_t step = 1; step <= sizeof in; step += sizeof in - 1) {
        struct hy_smtp_reply r;
        hy_smtp_reply_init(&r);
        cr_assert_eq(read_all(&r, in, sizeof in, step), HY_SMTP_READ_BAD);
        cr_assert_eq(hy_smtp_reply_text(&r).n, HY_OUTCOME_TEXT_MAX);
    }
}
