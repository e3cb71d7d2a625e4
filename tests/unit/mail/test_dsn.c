#include "hayauma/mail/dsn.h"

#include <criterion/criterion.h>

static const char header[] = "Received: by out.example.net; Tue, 14 Nov 2023 22:13:20 +0000\r\n"
                             "From: App <app@example.net>\r\n"
                             "Subject: Your order\r\n"
                             "Message-ID: <1@example.net>\r\n\r\n";
static const char body[] = "Thank you\r\n";

static struct hy_dsn_rcpt failed(void)
{
    return (struct hy_dsn_rcpt){
        .action = HY_DSN_FAILED,
        .address = HY_STR("gone@example.org"),
        .orcpt = HY_STR("rfc822;Gone+2BAlias@example.org"),
        .status = {5, 1, 1},
        .code = 550,
        .words = HY_STR("5.1.1 No such user"),
        .is_from_server = true,
        .host = HY_STR("mx.example.org"),
        .tried = 1700000100000,
        .log_id = 1,
    };
}

static struct hy_dsn dsn_of(const struct hy_dsn_rcpt *rcpts, size_t n)
{
    return (struct hy_dsn){
        .from = {HY_STR("Mail Delivery System"), HY_STR("mailer-daemon@out.example.net")},
        .to = HY_STR("app@example.net"),
        .host = HY_STR("out.example.net"),
        .id = HY_STR("1.dsn@out.example.net"),
        .date = 1700000200000,
        .arrival = 1700000000000,
        .envid = HY_STR("QQ+3D314159"),
        .message_id = HY_STR("<1@example.net>"),
        .header = HY_STR(header),
        .body = HY_STR(body),
        .rcpts = rcpts,
        .n_rcpts = n,
    };
}

static const char *written(const struct hy_dsn *d, struct hy_buf *out, struct hy_dsn_output *ret)
{
    cr_assert_eq(hy_dsn_write(d, out, ret), HY_OK);
    struct hy_str all = hy_buf_str(out), line;
    cr_assert_eq(hy_str_find_str(all, HY_STR("\r\n\r\n"), 0) + 4, ret->header_bytes);
    for (size_t i = 0; i < all.n; i++)
        cr_assert((all.p[i] == '\n') == (i && all.p[i - 1] == '\r'), "a bare CR or LF at %zu", i);
    for (struct hy_str rest = all; hy_str_split(&rest, '\n', &line);)
        cr_assert_leq(line.n, 999);
    return hy_buf_cstr(out);
}

static void has(const char *text, const char *what)
{
    cr_expect(strstr(text, what), "'%s' is not in:\n%s", what, text);
}

Test(dsn, a_failure_is_told_to_people_and_to_programs_with_the_header)
{
    struct hy_dsn_rcpt r = failed();
    struct hy_dsn d = dsn_of(&r, 1);
    struct hy_dsn_output made;
    struct hy_buf out = HY_BUF_INIT(1 << 20);
    const char *text = written(&d, &out, &made);
    cr_expect_not(made.has_8bit);
    has(text,
        "From: Mail Delivery System <mailer-daemon@out.example.net>\r\nTo: app@example.net\r\n"
        "Subject: Not delivered: Your order\r\n");
    has(text, "\r\nIn-Reply-To: <1@example.net>\r\nReferences: <1@example.net>\r\n"
              "Auto-Submitted: auto-replied\r\n");
    has(text, "multipart/report; report-type=delivery-status;");
    has(text, "  <gone@example.org>\r\n    mx.example.org said:\r\n      5.1.1 No such user\r\n");
    has(text, "Content-Type: message/delivery-status\r\n\r\n"
              "Original-Envelope-Id: QQ=314159\r\n"
              "Reporting-MTA: dns; out.example.net\r\n"
              "Arrival-Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n"
              "\r\n"
              "Original-Recipient: rfc822; Gone+Alias@example.org\r\n"
              "Final-Recipient: rfc822; gone@example.org\r\n"
              "Action: failed\r\n"
              "Status: 5.1.1\r\n"
              "Remote-MTA: dns; mx.example.org\r\n"
              "Diagnostic-Code: smtp; 550 5.1.1 No such user\r\n"
              "Last-Attempt-Date: Tue, 14 Nov 2023 22:15:00 +0000\r\n");
    has(text, "Content-Type: text/rfc822-headers; charset=us-ascii\r\n");
    has(text, "\r\nMessage-ID: <1@example.net>\r\n\r\n--");
    cr_expect_not(strstr(text, "Thank you"));
    hy_buf_free(&out);
}

Test(dsn, the_whole_message_is_returned_as_it_was)
{
    struct hy_dsn_rcpt r = failed();
    struct hy_dsn d = dsn_of(&r, 1);
    struct hy_dsn_output made;
    struct hy_buf out = HY_BUF_INIT(1 << 20);
    d.is_full = true;
    const char *text = written(&d, &out, &made);
    has(text,
        "Content-Type: message/rfc822\r\nContent-Description: the message\r\n\r\nReceived: by");
    has(text, "\r\n\r\nThank you\r\n\r\n--");
    hy_buf_reset(&out);
    d.body = HY_STR("na\xc3\xafve\r\n");
    text = written(&d, &out, &made);
    cr_expect(made.has_8bit);
    has(text, "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n");
    hy_buf_free(&out);
}

Test(dsn, actions_say_what_they_mean)
{
    static const struct {
        struct hy_dsn_rcpt r;
        const char *wants[4];
    } cases[] = {
        {{.action = HY_DSN_DELAYED,
          .status = {4, 2, 2},
          .code = 452,
          .words = {"Full", 4},
          .is_from_server = true,
          .retried_until = 1700000300000},
         {"Subject: Delayed: ", "Action: delayed\r\nStatus: 4.2.2\r\n",
          "Will-Retry-Until: Tue, 14 Nov 2023 22:18:20 +0000", "smtp; 452 4.2.2 Full"}},
        {{.action = HY_DSN_RELAYED, .status = {2, 0, 0}},
         {"Subject: Relayed: ", "Action: relayed\r\nStatus: 2.0.0\r\n", "does not report", ""}},
        {{.action = HY_DSN_FAILED,
          .is_expired = true,
          .status = {4, 4, 1},
          .words = {"no answer", 9}},
         {"Action: failed\r\nStatus: 4.4.7\r\n", "Diagnostic-Code: X-hayauma; no answer\r\n",
          "until its time was over", ""}},
        {{.action = HY_DSN_FAILED, .words = {"suppressed", 10}}, {"Status: 5.0.0\r\n", "", "", ""}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_dsn_rcpt r = cases[i].r;
        struct hy_buf out = HY_BUF_INIT(1 << 20);
        struct hy_dsn_output made;
        r.address = HY_STR("x@example.org");
        struct hy_dsn d = dsn_of(&r, 1);
        const char *text = written(&d, &out, &made);
        for (size_t k = 0; k < 4; k++)
            has(text, cases[i].wants[k]);
        hy_buf_free(&out);
    }
}

Test(dsn, nothing_of_a_stranger_becomes_a_field_or_a_line)
{
    struct hy_dsn_rcpt r = failed();
    r.words = HY_STR("no\r\nAction: delivered\r\n\r\n--x \x1b[2J\xff");
    r.host = HY_STR("mx\r\nEvil: 1");
    r.orcpt = HY_STR("rfc822;a+0D+0AAction:+20delivered");
    struct hy_dsn d = dsn_of(&r, 1);
    struct hy_dsn_output made;
    struct hy_buf out = HY_BUF_INIT(1 << 20);
    d.header = HY_STR("Subject: x =?utf-8?q?a=0D=0AEvil:_2?=\r\n\r\n");
    const char *text = written(&d, &out, &made);
    cr_expect_not(strstr(text, "\nAction: delivered"));
    cr_expect_not(strstr(text, "\nEvil"));
    cr_expect_not(strstr(text, "\x1b"));
    cr_expect_not(strstr(text, "\r\n--x"));
    hy_buf_free(&out);
}

Test(dsn, long_words_are_folded)
{
    static char words[1000];
    struct hy_dsn_rcpt r = failed();
    for (size_t i = 0; i < sizeof words - 1; i++)
        words[i] = i % 7 ? 'x' : ' ';
    r.words = hy_str_of(words);
    struct hy_dsn d = dsn_of(&r, 1);
    struct hy_dsn_output made;
    struct hy_buf out = HY_BUF_INIT(1 << 20);
    struct hy_str text = hy_str_of(written(&d, &out, &made)), line;
    size_t at = hy_str_find_str(text, HY_STR("Diagnostic-Code"), 0);
    struct hy_str rest = hy_str_slice(text, at, text.n);
    for (int i = 0; i < 10 && hy_str_split(&rest, '\n', &line); i++)
        cr_expect_leq(line.n, 90);
    hy_buf_free(&out);
}

Test(dsn, addresses_beyond_ascii_are_written_in_ascii)
{
    struct hy_dsn_rcpt r = failed();
    r.address = HY_STR("\xe6\x97\xa9@example.org");
    r.orcpt = (struct hy_str){0};
    struct hy_dsn d = dsn_of(&r, 1);
    struct hy_dsn_output made;
    struct hy_buf out = HY_BUF_INIT(1 << 20);
    const char *text = written(&d, &out, &made);
    has(text, "Final-Recipient: utf-8; \\x{65E9}@example.org\r\n");
    hy_buf_reset(&out);
    d.header = HY_STR("Subject: \xe6\x97\xa9\r\n\r\n");
    text = written(&d, &out, &made);
    has(text, "Content-Type: message/global-headers\r\nContent-Transfer-Encoding: base64\r\n");
    hy_buf_free(&out);
}

Test(dsn, japanese_messages_are_answered_in_japanese_too)
{
    static const struct {
        const char *header, *body;
        bool is;
    } cases[] = {
        {"Content-Type: text/plain; charset=ISO-2022-JP\r\n\r\n", "", true},
        {"Content-Type: text/plain; charset=\"Shift_JIS\"\r\n\r\n", "", true},
        {"Subject: =?utf-8?B?44GU5rOo5paH?=\r\n\r\n", "", true},
        {"Content-Language: ja\r\n\r\n", "", true},
        {"Subject: hi\r\n\r\n", "\xe3\x81\x93\xe3\x82\x93", true},
        {"Subject: =?utf-8?B?5L2g5aW9?=\r\n\r\n", "\xe4\xbd\xa0\xe5\xa5\xbd", false}, /* Chinese */
        {"Content-Type: text/plain; charset=utf-8\r\n\r\n", "hello", false},
        {"", "", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_eq(hy_dsn_is_japanese(hy_str_of(cases[i].header), hy_str_of(cases[i].body)),
                     cases[i].is, "case %zu", i);
    struct hy_dsn_rcpt r = failed();
    struct hy_dsn d = dsn_of(&r, 1);
    struct hy_dsn_output made;
    struct hy_buf out = HY_BUF_INIT(1 << 20);
    d.header = hy_str_of(cases[2].header);
    const char *text = written(&d, &out, &made);
    has(text, "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n");
    has(text, "\r\nSubject: =?");
    hy_buf_free(&out);
}

Test(dsn, a_large_header_is_cut_between_fields)
{
    struct hy_buf big = HY_BUF_INIT(1 << 20), out = HY_BUF_INIT(1 << 20);
    for (int i = 0; i < 2000; i++)
        hy_buf_printf(&big, "X-Field-%04d: %064d\r\n folded\r\n", i, i);
    hy_buf_add_lit(&big, "\r\n");
    struct hy_dsn_rcpt r = failed();
    struct hy_dsn d = dsn_of(&r, 1);
    struct hy_dsn_output made;
    d.header = hy_buf_str(&big);
    const char *text = written(&d, &out, &made);
    cr_expect_lt(out.len, HY_DSN_HEADER_MAX + 4096);
    has(text, "\r\n folded\r\n\r\n--");
    hy_buf_free(&out);
    hy_buf_free(&big);
}

Test(dsn, what_is_no_report_is_refused_and_leaves_nothing)
{
    struct hy_dsn_rcpt r = failed();
    struct hy_dsn d = dsn_of(&r, 0);
    struct hy_dsn_output made = {7, true};
    struct hy_buf out = HY_BUF_INIT(1 << 20);
    hy_buf_add_lit(&out, "x");
    cr_expect_eq(hy_dsn_write(&d, &out, &made), HY_EINVAL);
    d.n_rcpts = 1;
    d.to = HY_STR("a@b>\r\nEvil: 1");
    cr_expect_eq(hy_dsn_write(&d, &out, &made), HY_EINVAL);
    cr_expect_eq(out.len, 1);
    cr_expect_eq(made.header_bytes, 7);
    hy_buf_free(&out);
}
