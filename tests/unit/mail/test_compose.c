#include "hayauma/mail/compose.h"

#include <criterion/criterion.h>
#include <stdio.h>

static const struct hy_header_mailbox taro = {HY_STR("山田 太郎"), HY_STR("taro@example.net")};

static struct hy_compose message(const char *text, const char *html)
{
    return (struct hy_compose){
        .from = {HY_STR("Shop"), HY_STR("shop@example.jp")},
        .to = {&taro, 1},
        .subject = HY_STR("Hi"),
        .text = hy_str_of(text),
        .html = hy_str_of(html),
        .message_id = HY_STR("<1@mx.example.jp>"),
        .date = 1700000000000,
        .seed = {1, 2},
    };
}

/* Writes it, and holds what goes for all messages. */
static struct hy_composed written(const struct hy_compose *c, struct hy_buf *out)
{
    struct hy_composed facts = {0};
    struct hy_diag diag = {""};
    size_t line = 0;
    cr_assert_eq(hy_compose_write(c, out, &facts, &diag), HY_OK, "%s", diag.text);
    struct hy_str all = hy_buf_str(out);
    cr_assert_eq(hy_str_find_str(all, HY_STR("\r\n\r\n"), 0) + 4, facts.header_bytes,
                 "the header's end");
    for (size_t i = 0; i < all.n; i++) {
        unsigned char ch = (unsigned char)all.p[i];
        cr_assert(ch < 0x80 && ch != '\0', "byte %zu", i);
        cr_assert(ch != '\n' || (i && all.p[i - 1] == '\r'), "bare LF at %zu", i);
        cr_assert(ch != '\r' || (i + 1 < all.n && all.p[i + 1] == '\n'), "bare CR at %zu", i);
        line = ch == '\n' ? 0 : line + 1;
        cr_assert_leq(line, 999);
    }
    cr_assert(hy_str_ends(all, HY_STR("\r\n")));
    bool has_dot = hy_str_find_str(all, HY_STR("\n."), 0) != SIZE_MAX;
    cr_assert_eq(facts.has_no_dot_line, !has_dot);
    return facts;
}

static bool has(struct hy_buf *b, const char *text)
{
    return hy_str_find_str(hy_buf_str(b), hy_str_of(text), 0) != SIZE_MAX;
}

Test(compose, a_plain_text_stays_plain)
{
    struct hy_buf out = HY_BUF_INIT(HY_COMPOSE_MAX);
    struct hy_compose c = message("Hello\r\nyou\n.dot\rold", "");
    (void)written(&c, &out);
    cr_expect_str_eq(hy_buf_cstr(&out),
                     "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n"
                     "From: Shop <shop@example.jp>\r\n"
                     "To: =?UTF-8?B?5bGx55SwIOWkqumDjg==?= <taro@example.net>\r\n"
                     "Subject: Hi\r\n"
                     "Message-ID: <1@mx.example.jp>\r\n"
                     "MIME-Version: 1.0\r\n"
                     "Content-Type: text/plain; charset=us-ascii\r\n"
                     "Content-Transfer-Encoding: 7bit\r\n"
                     "\r\n"
                     "Hello\r\nyou\r\n.dot\r\nold\r\n");
    hy_buf_free(&out);
}

Test(compose, what_is_not_plain_is_encoded)
{
    static char longest[3000];
    memset(longest, 'x', sizeof longest - 1);
    static const struct {
        const char *text, *encoding;
    } cases[] = {
        {"日本語の本文です。", "base64"},
        {"mostly ASCII, and one \xc3\xa9 that is not", "quoted-printable"},
        {"a control \x01 character", "quoted-printable"},
        {longest, "quoted-printable"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_buf out = HY_BUF_INIT(HY_COMPOSE_MAX);
        struct hy_compose c = message(cases[i].text, "");
        char want[80];
        snprintf(want, sizeof want, "\r\nContent-Transfer-Encoding: %s\r\n\r\n", cases[i].encoding);
        (void)written(&c, &out);
        cr_expect(has(&out, want), "case %zu: %s", i, hy_buf_cstr(&out));
        hy_buf_free(&out);
    }
}

Test(compose, parts_lie_in_the_order_of_their_meaning)
{
    static const struct hy_message_file image = {HY_STR("l.png"), HY_STR("image/png"),
                                                 HY_STR("logo"), HY_STR("PNG")},
                                        file = {HY_STR("請求書.pdf"),
                                                HY_STR("application/pdf"),
                                                {0},
                                                HY_STR("PDF")};
    struct hy_buf out = HY_BUF_INIT(HY_COMPOSE_MAX);
    struct hy_compose c = message("", "<p>Hello <img src='cid:logo'></p>");
    c.images = &image;
    c.attachments = &file;
    c.n_images = c.n_attachments = 1;
    (void)written(&c, &out);
    static const char *const order[] = {
        "multipart/mixed",    "multipart/related", "multipart/alternative",
        "text/plain",         "text/html",         "image/png",
        "Content-ID: <logo>", "application/pdf",   "filename*=UTF-8''%E8%AB%8B"};
    size_t at = 0;
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        at = hy_str_find_str(hy_buf_str(&out), hy_str_of(order[i]), at);
        cr_assert_neq(at, SIZE_MAX, "%s in %s", order[i], hy_buf_cstr(&out));
    }
    hy_buf_free(&out);
}

Test(compose, nothing_breaks_out_of_its_field)
{
    static const struct hy_message_header header = {HY_STR("X-One"),
                                                    HY_STR("a\r\nBcc: b@c.jp\r\n\r\nd")};
    static const struct hy_header_mailbox evil = {HY_STR("x\r\nBcc: b@c.jp"),
                                                  HY_STR("taro@example.net")};
    struct hy_buf out = HY_BUF_INIT(HY_COMPOSE_MAX);
    struct hy_compose c = message("text", "");
    c.headers = &header;
    c.n_headers = 1;
    c.subject = HY_STR("s\r\nBcc: b@c.jp");
    c.to = (struct hy_compose_boxes){&evil, 1};
    (void)written(&c, &out);
    cr_expect_not(has(&out, "\nBcc:"), "%s", hy_buf_cstr(&out));
    hy_buf_free(&out);
}

Test(compose, without_anybody_to_show_the_header_says_so)
{
    struct hy_buf out = HY_BUF_INIT(HY_COMPOSE_MAX);
    struct hy_compose c = message("text", "");
    c.to.n = 0;
    (void)written(&c, &out);
    cr_expect(has(&out, "\r\nTo: undisclosed-recipients:;\r\n"));
    hy_buf_free(&out);
}

Test(compose, what_cannot_stand_there_is_refused_and_nothing_is_left)
{
    static const struct hy_message_header own = {HY_STR("From"), HY_STR("x")},
                                          bad = {HY_STR("X:Y"), HY_STR("x")};
    static const struct hy_message_file type = {HY_STR("f"), HY_STR("a/b\r\nc: d"), {0}, {0}},
                                        cid = {HY_STR("f"), HY_STR("a/b"), HY_STR("a>b"), {0}};
    static const struct hy_header_mailbox box = {HY_STR(""), HY_STR("a\r\n@b.jp")};
    struct hy_compose cases[6];
    for (size_t i = 0; i < 6; i++)
        cases[i] = message("text", "<p>");
    cases[0].headers = &own;
    cases[1].headers = &bad;
    cases[0].n_headers = cases[1].n_headers = 1;
    cases[2].attachments = &type;
    cases[3].images = &cid;
    cases[2].n_attachments = cases[3].n_images = 1;
    cases[4].to.items = &box;
    cases[5].text = cases[5].html = HY_STR("");
    for (size_t i = 0; i < 6; i++) {
        struct hy_buf out = HY_BUF_INIT(HY_COMPOSE_MAX);
        struct hy_composed facts;
        struct hy_diag diag = {""};
        hy_buf_add_lit(&out, "before");
        cr_expect_eq(hy_compose_write(&cases[i], &out, &facts, &diag), HY_EINVAL, "case %zu", i);
        cr_expect_eq(out.len, 6, "case %zu", i);
        cr_expect(diag.text[0]);
        hy_buf_free(&out);
    }
}
