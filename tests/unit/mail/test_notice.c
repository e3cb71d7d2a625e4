#include "hayauma/mail/notice.h"

#include <criterion/criterion.h>

#include "hayauma/base/codec.h"

static struct hy_notice notice(const char *text)
{
    return (struct hy_notice){
        .from = {HY_STR("hayauma"), HY_STR("reports@example.jp")},
        .to = {HY_STR(""), HY_STR("tls@example.com")},
        .subject = HY_STR("Report Domain: example.com"),
        .date = 1700000000000,
        .id = HY_STR("1@out.example.jp"),
        .text = hy_str_of(text),
    };
}

static size_t written(const struct hy_notice *n, struct hy_buf *out)
{
    size_t header = 0;
    cr_assert_eq(hy_notice_write(n, out, &header), HY_OK);
    struct hy_str all = hy_buf_str(out);
    cr_assert_eq(hy_str_find_str(all, HY_STR("\r\n\r\n"), 0) + 4, header, "the header's end");
    for (size_t i = 0; i < all.n; i++) {
        cr_assert_lt((unsigned char)all.p[i], 0x80);
        cr_assert(all.p[i] != '\n' || (i && all.p[i - 1] == '\r'), "bare LF at %zu", i);
        cr_assert(all.p[i] != '\r' || (i + 1 < all.n && all.p[i + 1] == '\n'), "bare CR at %zu", i);
    }
    cr_assert(hy_str_ends(all, HY_STR("\r\n")));
    return header;
}

Test(notice, a_plain_one_is_plain)
{
    struct hy_buf out = HY_BUF_INIT(HY_NOTICE_MAX);
    struct hy_notice n = notice("All is well.\n\n.\nBye");
    n.fields[n.n_fields++] = (struct hy_notice_field){HY_STR("TLS-Required"), HY_STR("No")};
    (void)written(&n, &out);
    cr_expect_str_eq(hy_buf_cstr(&out), "From: hayauma <reports@example.jp>\r\n"
                                        "To: tls@example.com\r\n"
                                        "Subject: Report Domain: example.com\r\n"
                                        "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n"
                                        "Message-ID: <1@out.example.jp>\r\n"
                                        "TLS-Required: No\r\n"
                                        "Auto-Submitted: auto-generated\r\n"
                                        "MIME-Version: 1.0\r\n"
                                        "Content-Type: text/plain; charset=us-ascii\r\n"
                                        "\r\n"
                                        "All is well.\r\n\r\n.\r\nBye\r\n");
    hy_buf_free(&out);
}

Test(notice, text_that_mail_cannot_carry_goes_as_base64)
{
    static char long_line[1200];
    memset(long_line, 'x', sizeof long_line - 1);
    const char *texts[] = {"早馬", "a\rb", long_line};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct hy_buf out = HY_BUF_INIT(HY_NOTICE_MAX);
        struct hy_notice n = notice(texts[i]);
        size_t header = written(&n, &out);
        char body[4096], got[4096];
        size_t n_body = 0, n_got;
        for (size_t at = header; at < out.len; at++)
            if (out.data[at] != '\r' && out.data[at] != '\n')
                body[n_body++] = out.data[at];
        cr_assert_eq(hy_base64_decode(hy_str_make(body, n_body), got, &n_got), HY_OK);
        cr_expect(hy_str_eq(hy_str_make(got, n_got), n.text), "text %zu", i);
        hy_buf_free(&out);
    }
}

Test(notice, a_report_has_its_file)
{
    struct hy_buf out = HY_BUF_INIT(HY_NOTICE_MAX);
    struct hy_notice n = notice("See the file.\n");
    n.report_type = HY_STR("tlsrpt");
    n.file_type = HY_STR("application/tlsrpt+gzip");
    n.file_name = HY_STR("out.example.jp!example.com!1!2!001.json.gz");
    n.file = HY_STR("\x1f\x8b bytes");
    (void)written(&n, &out);
    const char *text = hy_buf_cstr(&out);
    cr_expect(strstr(text, "Content-Type: multipart/report; report-type=\"tlsrpt\";"), "%s", text);
    cr_expect(strstr(text, "\r\nContent-Type: application/tlsrpt+gzip"), "%s", text);
    cr_expect(strstr(text, "out.example.jp!example.com!1!2!001.json.gz"), "%s", text);
    cr_expect(strstr(text, "\r\n\r\nH4sgYnl0ZXM=\r\n"), "%s", text);
    hy_buf_free(&out);
}

Test(notice, nothing_gets_out_of_its_field)
{
    static const struct {
        const char *what;
        struct hy_str value;
    } cases[] = {
        {"report type", HY_STR("x\"\r\nBcc: y")}, {"file type", HY_STR("text/html\r\n\r\nhello")},
        {"to", HY_STR("a@b>\r\nBcc: c@d")},       {"id", HY_STR("a\r\nBcc: c@d")},
        {"field", HY_STR("a\r\nBcc: c@d")},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_buf out = HY_BUF_INIT(HY_NOTICE_MAX);
        struct hy_notice n = notice("x\n");
        size_t header = 0;
        n.file_type = HY_STR("application/gzip");
        n.file_name = HY_STR("x");
        struct hy_str *places[] = {&n.report_type, &n.file_type, &n.to.address, &n.id,
                                   &n.fields[0].value};
        n.fields[0].name = HY_STR("X-Field");
        n.n_fields = 1;
        *places[i] = cases[i].value;
        cr_expect_eq(hy_notice_write(&n, &out, &header), HY_EINVAL, "%s", cases[i].what);
        cr_expect_eq(out.len, 0);
        hy_buf_free(&out);
    }
    struct hy_buf out = HY_BUF_INIT(HY_NOTICE_MAX);
    struct hy_notice n = notice("x\n");
    n.subject = HY_STR("a\r\nBcc: c@d");
    (void)written(&n, &out);
    cr_expect(strstr(hy_buf_cstr(&out), "Subject: a Bcc: c@d\r\n"), "it stays in its line");
    hy_buf_free(&out);
}

Test(notice, one_that_is_too_long_leaves_nothing)
{
    struct hy_buf out = HY_BUF_INIT(300);
    struct hy_notice n = notice("x\n");
    size_t header = 7;
    hy_buf_add_lit(&out, "before");
    n.file_type = HY_STR("application/gzip");
    n.file_name = HY_STR("x");
    n.file = hy_str_make("0123456789", 10);
    cr_expect_eq(hy_notice_write(&n, &out, &header), HY_ELIMIT);
    cr_expect_eq(out.len, 6);
    cr_expect_eq(header, 7);
    hy_buf_free(&out);
}
