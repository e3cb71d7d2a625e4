#include <criterion/criterion.h>
#include <stdlib.h>
#include <unistd.h>

#include "hayauma/config/web_tag.h"

static struct hy_config usual(void)
{
    struct hy_config c;
    memset(&c, 0, sizeof c);
    c.tracking.base_url = "https://t.example.jp/";
    c.store.activity_retention_us = 90 * 86400 * HY_US_PER_SEC;
    c.web_tag.cookie_days = 395;
    c.web_tag.operator_name = c.web_tag.contact = c.web_tag.policy_url = c.web_tag.companies = "";
    return c;
}

static const char *notice_of(const struct hy_config *c, enum hy_notice_lang lang, bool is_html)
{
    static struct hy_buf out;
    struct hy_diag diag = {""};
    hy_buf_free(&out);
    out = HY_BUF_INIT(1 << 20);
    cr_assert_eq(hy_web_notice(c, lang, is_html, &out, &diag), HY_OK, "%s", diag.text);
    return hy_buf_cstr(&out);
}

static const char *snippet_of(const struct hy_config *c)
{
    static struct hy_buf out;
    struct hy_diag diag = {""};
    hy_buf_free(&out);
    out = HY_BUF_INIT(4096);
    cr_assert_eq(hy_web_snippet(c, &out, &diag), HY_OK, "%s", diag.text);
    return hy_buf_cstr(&out);
}

Test(web_notice, says_what_the_configuration_says)
{
    struct hy_config c = usual();
    const char *plain = notice_of(&c, HY_NOTICE_JA, false);
    cr_assert(strstr(plain, "■ 送信先\n本サイトの運営者\nt.example.jp\n"), "%s", plain);
    cr_assert(strstr(plain, "395 日間"), "%s", plain);
    cr_assert(strstr(plain, "■ 保存期間\n90 日間\n"), "%s", plain);
    cr_assert_null(strstr(plain, "会社・団体名"), "%s", plain);
    cr_assert_null(strstr(plain, "お問い合わせ\n"), "%s", plain);
    c.web_tag.operator_name = "早馬商店";
    c.web_tag.contact = "privacy@example.jp";
    c.web_tag.policy_url = "https://www.example.jp/privacy";
    c.web_tag.companies = "/etc/companies.csv";
    c.web_tag.cookie_days = 180;
    c.store.activity_retention_us = 0;
    plain = notice_of(&c, HY_NOTICE_JA, false);
    cr_assert(strstr(plain, "■ 送信先\n早馬商店\nt.example.jp\n"), "%s", plain);
    cr_assert(strstr(plain, "180 日間"), "%s", plain);
    cr_assert(strstr(plain, "会社・団体名"), "%s", plain);
    cr_assert(strstr(plain, "privacy@example.jp\nhttps://www.example.jp/privacy\n"), "%s", plain);
    cr_assert(strstr(plain, "削除のお申し出があるまで"), "%s", plain);
    c.web_tag.is_cookieless = true;
    cr_assert_null(strstr(notice_of(&c, HY_NOTICE_JA, false), "180 日間"));
    cr_assert(strstr(notice_of(&c, HY_NOTICE_EN, false), "no cookie"));
}

Test(web_notice, is_the_same_in_both_languages_and_forms)
{
    struct hy_config c = usual();
    const char *const marks[] = {"# What is sent", "# To whom", "# What for",
                                 "# How long it is kept", "# How to refuse"};
    const char *english = notice_of(&c, HY_NOTICE_EN, false), *at = english;
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        at = strstr(at, marks[i]);
        cr_assert_not_null(at, "%s", marks[i]);
    }
    for (int lang = 0; lang < HY_NOTICE_LANGS; lang++) {
        size_t n = 0;
        for (const char *p = notice_of(&c, (enum hy_notice_lang)lang, true);
             (p = strstr(p, "<h2>")); p++)
            n++;
        cr_assert_eq(n, 5);
    }
}

Test(web_notice, as_html_holds_words_and_no_marks_of_the_configuration)
{
    struct hy_config c = usual();
    c.web_tag.operator_name = "<script>alert(1)</script> & Co";
    c.web_tag.policy_url = "https://www.example.jp/?a=1&b=\"2\"";
    const char *html = notice_of(&c, HY_NOTICE_EN, true);
    cr_assert_null(strstr(html, "<script"), "%s", html);
    cr_assert(strstr(html, "&lt;script&gt;alert(1)&lt;/script&gt; &amp; Co"), "%s", html);
    cr_assert_null(strchr(html, '"'), "%s", html);
}

Test(web_notice, the_snippet_is_one_line_for_every_page)
{
    struct hy_config c = usual();
    cr_assert_str_eq(snippet_of(&c), "<script async src=\"https://t.example.jp/t.js\"></script>\n");
    c.web_tag.cookie_days = 30;
    cr_assert_str_eq(
        snippet_of(&c),
        "<script async src=\"https://t.example.jp/t.js\" data-days=\"30\"></script>\n");
    c.web_tag.is_cookieless = true;
    cr_assert_str_eq(snippet_of(&c),
                     "<script async src=\"https://t.example.jp/t.js\" data-cookieless></script>\n");
}

Test(web_notice, says_the_operators_own_purposes_and_other_recipients)
{
    static const struct hy_pair purposes[] = {{HY_STR("to plan fairs"), HY_STR("展示会の企画")},
                                              {HY_STR("to bill <you>"), HY_STR("")}},
                                others[] = {{HY_STR("Acme (pages; statistics)"),
                                             HY_STR("アクメ社 (閲覧、統計)")}};
    struct hy_config c = usual();
    const char *text = notice_of(&c, HY_NOTICE_JA, false);
    cr_assert(strstr(text, "これ以外の第三者には送信しません"), "%s", text);
    c.web_tag.purposes = (struct hy_pairs){purposes, 2};
    c.web_tag.recipients = (struct hy_pairs){others, 1};
    text = notice_of(&c, HY_NOTICE_JA, false);
    cr_assert(strstr(text, "■ 利用目的\n・展示会の企画\n・to bill <you>\n"), "%s", text);
    cr_assert(strstr(text, "・アクメ社 (閲覧、統計)\n"), "%s", text);
    cr_assert_null(strstr(text, "関心に合った"), "%s", text);
    cr_assert_null(strstr(text, "これ以外の第三者"), "%s", text);
    text = notice_of(&c, HY_NOTICE_EN, true);
    cr_assert(strstr(text, "<p>• to bill &lt;you&gt;</p>"), "%s", text);
    cr_assert(strstr(text, "<p>• Acme (pages; statistics)</p>"), "%s", text);
    cr_assert_null(strstr(text, "nobody else"), "%s", text);
}

Test(web_notice, without_a_host_there_is_nothing_to_say)
{
    struct hy_config c = usual();
    struct hy_buf out = HY_BUF_INIT(4096);
    struct hy_diag diag = {""};
    c.tracking.base_url = "";
    cr_assert_eq(hy_web_notice(&c, HY_NOTICE_EN, false, &out, &diag), HY_EINVAL);
    cr_assert(strstr(diag.text, "tracking.base_url"), "%s", diag.text);
    cr_assert_eq(hy_web_snippet(&c, &out, &diag), HY_EINVAL);
    cr_assert_eq(out.len, 0);
}

Test(web_notice, the_table_of_companies_is_read_with_the_operators_words)
{
    char path[] = "/tmp/hy-companies-XXXXXX";
    static const char table[] = "203.0.113.0/24,Acme\n198.51.100.0/24,Denwa KK\n";
    const char *const words[] = {"denwa"};
    struct hy_config c = usual();
    struct hy_web_companies w;
    struct hy_company found;
    struct hy_diag diag = {""};
    uint8_t ip[16];
    int fd = mkstemp(path);
    cr_assert_eq(write(fd, table, sizeof table - 1), (ssize_t)sizeof table - 1);
    close(fd);
    cr_assert_eq(hy_web_companies_load(&c, &w, &diag), HY_OK);
    cr_assert_null(w.table, "none is named");
    hy_web_companies_free(&w);
    c.web_tag.companies = path;
    c.web_tag.providers = (struct hy_strings){words, 1};
    cr_assert_eq(hy_web_companies_load(&c, &w, &diag), HY_OK, "%s", diag.text);
    cr_assert_eq(hy_company_ip(HY_STR("198.51.100.9"), ip), HY_OK);
    cr_assert_eq(hy_companies_find(w.table, ip, &found), HY_OK);
    cr_assert(found.is_provider);
    hy_web_companies_free(&w);
    unlink(path);
    cr_assert_eq(hy_web_companies_load(&c, &w, &diag), HY_EIO);
    hy_web_companies_free(&w);
    cr_assert(strstr(diag.text, path), "%s", diag.text);
}
