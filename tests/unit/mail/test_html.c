#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "corpus.h"
#include "hayauma/mail/html.h"
#include "letter.h"

#define MARK   "https://t.example/L"
#define BEACON "<BEACON>"

/* Tracked links as MARK, the beacon as BEACON. */
static void show_marks(struct hy_str html, struct hy_buf *out, size_t *ret_links)
{
    struct hy_str click = HY_STR("https://t.example.jp/c/");
    struct hy_str beacon = HY_STR("<img src=\"https://t.example.jp/o/");
    *ret_links = 0;
    for (size_t at = 0; at < html.n;) {
        struct hy_str rest = hy_str_slice(html, at, html.n);
        if (hy_str_starts(rest, click)) {
            hy_buf_add_lit(out, MARK);
            ++*ret_links;
            at += click.n;
            while (at < html.n && !strchr("\"'> \t\r\n/", html.p[at]))
                at++;
        } else if (hy_str_starts(rest, beacon)) {
            hy_buf_add_lit(out, BEACON);
            at = hy_str_find(html, '>', at) + 1;
        } else {
            hy_buf_add_c(out, html.p[at++]);
        }
    }
}

/* What a tracked message makes of the page. */
static void rewrite(struct hy_str html, struct hy_buf *out, size_t *ret_links)
{
    struct letter l;
    struct hy_buf page = HY_BUF_INIT(1 << 22);
    struct hy_message_file images[32];
    letter_init(&l);
    l.source.html.bytes = html;
    l.source.text.bytes = HY_STR("-");
    l.source.images = images;
    for (size_t at = 0; (at = hy_str_find_str(html, HY_STR("cid:"), at)) != SIZE_MAX;) {
        at += 4;
        struct hy_str cid = hy_str_slice(html, at, hy_str_find(html, html.p[at - 5], at));
        cr_assert_lt(l.source.n_images, 32u);
        images[l.source.n_images++] =
            (struct hy_message_file){.cid = cid, .type = HY_STR("image/png"), .bytes = HY_STR("x")};
    }
    cr_assert_eq(letter_compile(&l), 0, "%s", l.diag.text);
    cr_assert_eq(letter_part(&l, NULL, HY_PART_HTML, &page), 0);
    show_marks(hy_buf_str(&page), out, ret_links);
    hy_buf_free(&page);
    letter_free(&l);
}

/* Whether `after` is `before` with the values of some attributes replaced by MARK and one BEACON
 * put in. */
static bool is_same_elsewhere(struct hy_str before, struct hy_str after, size_t *ret_beacons)
{
    size_t b = 0, a = 0;
    *ret_beacons = 0;
    while (a < after.n) {
        struct hy_str rest = hy_str_slice(after, a, after.n);
        if (hy_str_starts(rest, HY_STR(MARK))) {
            a += sizeof MARK - 1;
            char quote = a < after.n ? after.p[a] : 0;
            while (b < before.n && before.p[b] != quote)
                b++;
        } else if (hy_str_starts(rest, HY_STR(BEACON))) {
            a += sizeof BEACON - 1;
            ++*ret_beacons;
        } else if (b >= before.n || before.p[b++] != after.p[a++]) {
            return false;
        }
    }
    return b == before.n;
}

static void check_file(const char *name, size_t want)
{
    char path[512];
    struct hy_buf html = HY_BUF_INIT(1 << 22), out = HY_BUF_INIT(1 << 22);
    snprintf(path, sizeof path, "html/%s", name);
    cr_assert(corpus_read(path, &html), "%s", path);
    size_t links = 0, beacons = 0;
    for (size_t i = 0; i + 1 < html.len; i++) /* merge tags of others are not ours to fill */
        if (html.data[i] == '{' && html.data[i + 1] == '{')
            html.data[i] = '[';
    rewrite(hy_buf_str(&html), &out, &links);
    cr_expect_eq(links, want, "%s: %zu links rewritten, %zu there", name, links, want);
    cr_expect(is_same_elsewhere(hy_buf_str(&html), hy_buf_str(&out), &beacons), "%s", name);
    cr_expect_eq(beacons, 1, "%s: %zu beacons", name, beacons);
    hy_buf_free(&html);
    hy_buf_free(&out);
}

Test(html, every_http_link_of_the_corpus_is_rewritten_and_nothing_else_changes)
{
    struct hy_buf table = HY_BUF_INIT(1 << 20);
    if (!corpus_read("html/links.tsv", &table))
        return;
    struct hy_str rest = hy_buf_str(&table), line, cell;
    size_t files = 0;
    hy_str_split(&rest, '\n', &line); /* its head */
    while (hy_str_split(&rest, '\n', &line)) {
        char name[256] = "";
        unsigned long want = 0;
        for (int column = 0; hy_str_split(&line, '\t', &cell); column++) {
            if (column == 0)
                snprintf(name, sizeof name, "%.*s", HY_STR_ARG(cell));
            if (column == 3)
                want = strtoul(cell.p, NULL, 10);
        }
        if (!name[0])
            continue;
        check_file(name, want);
        files++;
    }
    cr_expect_gt(files, 20);
    hy_buf_free(&table);
}

Test(html, links_are_found_as_browsers_find_them)
{
    static const struct {
        const char *html, *want;
    } cases[] = {
        {"<a href=\"http://x\">", "<a href=\"" MARK "\">" BEACON},
        {"<A class=b HREF = 'HTTPS://x/y' >t</A>", "<A class=b HREF = '" MARK "' >t</A>" BEACON},
        {"<area href=http://x/?a=b>", "<area href=" MARK ">" BEACON},
        {"<a\nhref=\" http://x \"/>", "<a\nhref=\"" MARK "\"/>" BEACON},
        {"<a href=\"&#104;ttp://x\">", "<a href=\"" MARK "\">" BEACON},
        {"<a title='>' href=\"http://x\">", "<a title='>' href=\"" MARK "\">" BEACON},
        {"<a href=\"http://x\" href=\"http://y\">",
         "<a href=\"" MARK "\" href=\"http://y\">" BEACON},
        {"<a href=\"http://x\" data-hy-notrack>", "<a href=\"http://x\" data-hy-notrack>" BEACON},
        {"<a data-href=\"http://x\">", "<a data-href=\"http://x\">" BEACON},
        {"<link href=\"http://x\"><base href='http://y'><ab href=http://z>",
         "<link href=\"http://x\"><base href='http://y'><ab href=http://z>" BEACON},
        {"<a href=\"mailto:x\"><a href=\"#\"><a href=\"\"><a href><a href=\"ftp://x\">",
         "<a href=\"mailto:x\"><a href=\"#\"><a href=\"\"><a href><a href=\"ftp://x\">" BEACON},
        {"<!-- <a href=\"http://x\"> --><a href=\"http://y\">",
         "<!-- <a href=\"http://x\"> --><a href=\"" MARK "\">" BEACON},
        {"<!--[if mso]><a href=\"http://x\"><![endif]--><a href=\"http://y\">",
         "<!--[if mso]><a href=\"http://x\"><![endif]--><a href=\"" MARK "\">" BEACON},
        {"<!--[if !mso]><!--><a href=\"http://x\"><!--<![endif]-->",
         "<!--[if !mso]><!--><a href=\"" MARK "\"><!--<![endif]-->" BEACON},
        {"<![if !mso]><a href=\"http://x\"><![endif]>",
         "<![if !mso]><a href=\"" MARK "\"><![endif]>" BEACON},
        {"<!--><a href=\"http://x\">-->", "<!--><a href=\"" MARK "\">-->" BEACON},
        {"<script>'<a href=\"http://x\">'</scriptx></script><a href=\"http://y\">",
         "<script>'<a href=\"http://x\">'</scriptx></script><a href=\"" MARK "\">" BEACON},
        {"<style><a href=\"http://x\"></style >", "<style><a href=\"http://x\"></style >" BEACON},
        {"<body><a href='http://x'></body></html>",
         "<body><a href='" MARK "'>" BEACON "</body></html>"},
        {"</body>x</BODY >y<!-- </body> -->", "</body>x" BEACON "</BODY >y<!-- </body> -->"},
        {"a < b <a href=\"http://x\">", "a < b <a href=\"" MARK "\">" BEACON},
        {"<<a href=\"http://x\">", "<<a href=\"" MARK "\">" BEACON},
        {"</a href=\"http://x\">", "</a href=\"http://x\">" BEACON},
        {"<a href=\"http://x", "<a href=\"http://x" BEACON},
        {" ", " " BEACON},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_buf out = HY_BUF_INIT(1 << 16);
        size_t links = 0;
        rewrite(hy_str_of(cases[i].html), &out, &links);
        cr_expect_str_eq(hy_buf_cstr(&out), cases[i].want, "got %s\nwant %s", hy_buf_cstr(&out),
                         cases[i].want);
        hy_buf_free(&out);
    }
}

static const struct text_case {
    const char *html, *want;
} text_cases[] = {
    {"<p>One\n  two</p><p>three</p>", "One two\n\nthree\n"},
    {"<h1>見出し</h1>本文<br>次", "■ 見出し\n\n本文\n次\n"},
    {"<ul><li>a</li><li>b<ul><li>c</li></ul></li></ul>x", "- a\n- b\n  - c\n\nx\n"},
    {"<ol><li>a<li>b</ol>", "1. a\n2. b\n"},
    {"<a href=\"https://x/?a=1&amp;b=2\">こちら</a>", "こちら <https://x/?a=1&b=2>\n"},
    {"<a href=\"https://x/\">https://x/</a>", "https://x/\n"},
    {"<a href=\"mailto:a@b\">a@b</a> <a href=\"#top\">top</a>", "a@b top\n"},
    {"<a href=\"https://x/\"><img src=y alt=\"Logo\"></a>", "Logo <https://x/>\n"},
    {"<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc\n"},
    {"&lt;&copy;&nbsp;&#x3042;&unknown;&amp;amp;", "<© あ&unknown;&amp;\n"},
    {"<head><title>t</title></head><style>x</style><script>y</script>z", "z\n"},
    {"<div style=\"display:none\">pre<div>head</div>er</div>body", "body\n"},
    {"<div style='color:red; DISPLAY : none'>x</div><p>y", "x\n\ny\n"},
    {"a<hr>b", "a\n\n----------------------------------------\n\nb\n"},
    {"<pre>a\n b</pre>", "a\n b\n"},
    {"{{name}}様<br>\n{{#items}}\n<li>{{.}}</li>\n{{/items}}\n<p>x</p>",
     "{{name}}様\n{{#items}}\n- {{.}}\n{{/items}}\n\nx\n"},
    {"<a href=\"{{url}}\">go</a>", "go <{{url}}>\n"},
    {"<a data-hy-notrack href=\"https://x\">go</a>", "go <{{!notrack}}https://x>\n"},
    {"a &#123;&#123;b}}", "a { {b}}\n"},
    {"", ""},
};

Test(html, text_is_made_for_people)
{
    for (size_t i = 0; i < sizeof text_cases / sizeof *text_cases; i++) {
        struct hy_buf out = HY_BUF_INIT(1 << 16);
        cr_assert_eq(hy_html_text(hy_str_of(text_cases[i].html), &out), 0);
        cr_expect_str_eq(hy_buf_cstr(&out), text_cases[i].want, "%s\n got %s\nwant %s",
                         text_cases[i].html, hy_buf_cstr(&out), text_cases[i].want);
        hy_buf_free(&out);
    }
}

static void check_links(const char *html, const char *text, const struct letter_value *values,
                        const char *want_html, const char *want_text)
{
    struct letter l;
    struct hy_buf h = HY_BUF_INIT(1 << 16), t = HY_BUF_INIT(1 << 16), seen = HY_BUF_INIT(1 << 16);
    letter_init(&l);
    l.options.flags &= ~(unsigned)HY_MESSAGE_BEACON;
    l.source.html.bytes = hy_str_of(html);
    l.source.text.bytes = hy_str_of(text);
    cr_assert_eq(letter_compile(&l), 0, "%s", l.diag.text);
    cr_assert_eq(letter_part(&l, values, HY_PART_HTML, &h), 0);
    cr_assert_eq(letter_part(&l, values, HY_PART_TEXT, &t), 0);
    /* click tokens back to [number:target] */
    struct hy_buf *parts[] = {&h, &t};
    for (size_t i = 0; i < 2; i++) {
        hy_buf_reset(&seen);
        struct hy_str all = hy_buf_str(parts[i]), start = HY_STR("https://t.example.jp/c/");
        for (size_t at = 0; at < all.n;) {
            size_t next = hy_str_find_str(all, start, at);
            hy_buf_add_str(&seen, hy_str_slice(all, at, next));
            if (next == SIZE_MAX)
                break;
            at = next += start.n;
            while (at < all.n &&
                   (strchr("-_", all.p[at]) || (all.p[at] >= '0' && all.p[at] <= '9') ||
                    (hy_ascii_lower(all.p[at]) >= 'a' && hy_ascii_lower(all.p[at]) <= 'z')))
                at++;
            struct hy_token token;
            cr_assert_eq(
                hy_token_read(&l.keys, HY_TOKEN_CLICK, hy_str_slice(all, next, at), &token), 0);
            cr_expect_eq(token.lead, 77);
            hy_buf_printf(&seen, "[%u:", token.link);
            cr_expect_eq(hy_message_link_target(l.m, token.link, &l.in, &seen), 0);
            hy_buf_add_c(&seen, ']');
        }
        const char *want = i ? want_text : want_html;
        cr_expect_str_eq(hy_buf_cstr(&seen), want, "got %s\nwant %s", hy_buf_cstr(&seen), want);
    }
    hy_buf_free(&h);
    hy_buf_free(&t);
    hy_buf_free(&seen);
    letter_free(&l);
}

Test(html, links_with_variables_lead_to_the_url_of_their_recipient)
{
    static const struct letter_value values[] = {
        {"id", HY_STR("7 &8")},
        {"url", HY_STR("https://u.example/?x=1&y=2")},
        {"mail", HY_STR("mailto:a@b")},
        {"vip", HY_STR("1")},
        {"items", HY_STR("[{\"u\":\"https://i/1\"},{\"u\":\"x:2\"},{\"u\":\"https://i/3\"}]")},
        {"grid", HY_STR("[[1,2],[3]]")},
        {0},
    };
    check_links("<a href=\"https://s/?a=1&amp;id={{id}}\">", "https://s/?id={{id}}.", values,
                "<a href=\"[1:https://s/?a=1&id=7%20%268]\">", "[2:https://s/?id=7%20%268].");
    check_links("<a href=\"{{url}}\"><a href=\"{{mail}}\"><a href='{{none}}'>",
                "<{{url}}> <{{mail}}> {{url}} <{{other}}>", values,
                "<a href=\"[1:https://u.example/?x=1&y=2]\"><a href=\"mailto:a@b\"><a href='#'>",
                "<[1:https://u.example/?x=1&y=2]> <mailto:a@b> https://u.example/?x=1&y=2 <>");
    check_links("{{#items}}<a href=\"{{.u}}\"><a href='https://s/{{.u}}'>{{/items}}", "-", values,
                "<a href=\"[1:https://i/1]\"><a href='[2:https://s/https%3A%2F%2Fi%2F1]'>"
                "<a href=\"#\"><a href='[4098:https://s/x%3A2]'>"
                "<a href=\"[8193:https://i/3]\"><a href='[8194:https://s/https%3A%2F%2Fi%2F3]'>",
                "-");
    check_links("<a href=\"{{#vip}}https://v/{{/vip}}{{^vip}}https://n/{{/vip}}\">",
                "{{!notrack}}https://raw/ (https://x/a_(b)) 見てhttps://y/。", values,
                "<a href=\"[1:https://v/]\">",
                "https://raw/ ([2:https://x/a_(b)]) 見て[3:https://y/]。");
    /* the same place in both parts is one link */
    check_links("<a href=\"https://s/?a=1&amp;i={{id}}\"><a href='https://s/'>",
                "https://s/ https://s/?a=1&i={{id}} https://t/ https://t/", values,
                "<a href=\"[1:https://s/?a=1&i=7%20%268]\"><a href='[2:https://s/]'>",
                "[2:https://s/] [1:https://s/?a=1&i=7%20%268] [3:https://t/] [4:https://t/]");
    /* lists inside lists have no number for their turn: the links stay as they are */
    check_links("{{#grid}}{{#.}}<a href=\"https://s/{{.}}\">{{/.}}{{/grid}}", "-", values,
                "<a href=\"https://s/1\"><a href=\"https://s/2\"><a href=\"https://s/3\">", "-");
}

Test(html, links_of_the_system_are_not_counted_as_clicks)
{
    struct letter l;
    struct hy_buf out = HY_BUF_INIT(1 << 16);
    const struct hy_message_link *links;
    letter_init(&l);
    l.source.html.bytes =
        HY_STR("<a href=\"{{unsubscribe_url}}\">x</a><a href='{{view_url}}'>y</a>");
    cr_assert_eq(letter_compile(&l), 0, "%s", l.diag.text);
    cr_expect_eq(hy_message_links(l.m, &links), 0);
    cr_assert_eq(letter_part(&l, NULL, HY_PART_HTML, &out), 0);
    cr_expect_neq(hy_str_find_str(hy_buf_str(&out), HY_STR("\"https://t.example.jp/u/"), 0),
                  SIZE_MAX);
    cr_expect_neq(hy_str_find_str(hy_buf_str(&out), HY_STR("'https://t.example.jp/v/"), 0),
                  SIZE_MAX);
    hy_buf_free(&out);
    letter_free(&l);
}
