#include <criterion/criterion.h>
#include <stdio.h>

#include "hayauma/mail/preview.h"

static char words[1000];

static uint32_t link_of(void *ctx, struct hy_str href)
{
    (void)ctx;
    return hy_str_starts(href, HY_STR("https://t.example/c/")) ? (uint32_t)(href.p[20] - '0') : 0;
}
static void on_words(void *ctx, uint32_t link, struct hy_str text)
{
    (void)ctx;
    size_t n = strlen(words);
    snprintf(words + n, sizeof words - n, "%u=%.*s;", link, HY_STR_ARG(text));
}
static bool on_image(void *ctx, struct hy_str src, struct hy_buf *out)
{
    (void)ctx;
    if (!hy_str_starts(src, HY_STR("cid:")))
        return false;
    hy_buf_add_lit(out, "data:image/png;base64,AA==");
    return true;
}
static struct hy_str target_of(void *ctx, uint32_t link)
{
    (void)ctx;
    (void)link;
    return HY_STR("https://shop.example/?a=1&b=2");
}
static const struct hy_preview how = {link_of, on_words, on_image, target_of, NULL};

static const char *preview(const char *html)
{
    static char out[20000];
    struct hy_buf b = HY_BUF_INIT(1 << 20);
    words[0] = '\0';
    cr_assert_eq(hy_preview_put(hy_str_of(html), &how, &b), 0);
    snprintf(out, sizeof out, "%s", hy_buf_cstr(&b));
    hy_buf_free(&b);
    return out;
}

Test(preview, what_runs_or_leads_away_or_asks_the_net_is_not_in_it)
{
    static const char *const cases[][2] = {
        {"<p onclick=\"x()\" style='color:red'>a</p>", "<p style=\"color:red\">a</p>"},
        {"<script>alert(1)</script>b", "b"},
        {"<SCRIPT SRC=//x.example/a.js></SCRIPT >b", "b"},
        {"<a href='javascript:alert(1)'>x</a>", "<a>x</a>"},
        {"<a href=https://evil.example/>x</a>", "<a>x</a>"},
        {"<img src=https://x.example/a.png alt='A &amp; B'>", "<img alt=\"A &amp; B\">"},
        {"<img src=\"cid:logo\">", "<img src=\"data:image/png;base64,AA==\">"},
        {"<img srcset='https://x.example/b.png 2x' onerror=alert(1)>", "<img>"},
        {"<meta http-equiv=refresh content='0;url=//x.example'>a", "a"},
        {"<base href=//x.example/><link rel=stylesheet href=//x.example/a.css>a", "a"},
        {"<iframe src=//x.example></iframe><object data=x><embed src=y></object>a", "a"},
        {"<svg onload=alert(1)><a xlink:href=x></svg>a", "a"},
        {"<form action=//x.example><input name=a><button>go</button></form>", "go"},
        {"<td background=\"//x.example/a.png\" bgcolor=#fff>a</td>", "<td bgcolor=\"#fff\">a</td>"},
        {"<p title='\"><script>alert(1)</script>'>a", "<p title=\"&quot;&gt;&lt;script&gt;"
                                                      "alert(1)&lt;/script&gt;\">a"},
        {"a <b <script>x</script>", NULL},
        {"&lt;script&gt;x&lt;/script&gt;", "&lt;script&gt;x&lt;/script&gt;"},
        {"<!--[if mso]><a href=x>m</a><![endif]-->a", "a"},
        {"<title>t</title><style>a{color:red}</style>b", "<style>a{color:red}</style>b"},
        {"<style>a{color:red}", "<style>"},
        {"<p style=\"background: url(//x); color:red\">a</p>",
         "<p style=\"background: no-url(//x); color:red\">a</p>"},
        {"<style>@IMPORT 'x';p{background:image-set('y' 1x)}</style>",
         "<style>@no-IMPORT 'x';p{background:no-image-set('y' 1x)}</style>"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *got = preview(cases[i][0]);
        if (cases[i][1])
            cr_expect_str_eq(got, cases[i][1], "%s: got %s, want %s", cases[i][0], got,
                             cases[i][1]);
        cr_expect(!strstr(got, "<script") && !strstr(got, "example"), "%s: %s", cases[i][0], got);
    }
}

Test(preview, links_of_ours_are_numbered_and_tell_their_words)
{
    const char *got = preview("<a class=b href=\"https://t.example/c/3x\">Read\n <b>more</b></a> "
                              "<A HREF='https://t.example/c/1y'><img alt='The  &lt;shop&gt;'></A>"
                              "<a href=https://t.example/c/2z>one <a href=/x>two</a>");
    cr_assert_str_eq(got, "<a data-hy-link=\"3\" class=\"b\">Read\n <b>more</b></a> "
                          "<a data-hy-link=\"1\"><img alt=\"The  &lt;shop&gt;\"></a>"
                          "<a data-hy-link=\"2\">one <a>two</a>");
    cr_assert_str_eq(words, "3=Read more;1=The <shop>;2=one;");
}

Test(preview, a_text_shows_targets_instead_of_addresses_with_the_recipient_in_them)
{
    struct hy_buf b = HY_BUF_INIT(1 << 20);
    cr_assert_eq(
        hy_preview_put_text(HY_STR("Hi <you>\nhttps://t.example/c/2abc\nhttp://x/ end"), &how, &b),
        0);
    cr_assert_str_eq(hy_buf_cstr(&b),
                     "<pre style=\"white-space:pre-wrap\">Hi &lt;you&gt;\n<a data-hy-link=\"2\">"
                     "https://shop.example/?a=1&amp;b=2</a>\nhttp://x/ end</pre>");
    hy_buf_free(&b);
}

Test(preview, what_is_too_long_is_an_error)
{
    struct hy_buf b = HY_BUF_INIT(20);
    cr_assert_eq(hy_preview_put(HY_STR("<p>a long text that does not fit</p>"), &how, &b),
                 HY_ELIMIT);
    hy_buf_free(&b);
}
