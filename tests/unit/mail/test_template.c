#include <criterion/criterion.h>

#include "letter.h"

/* Renders `html` (or `text`) alone, without tracking. */
static void check(bool is_html, const char *template, const struct letter_value *values,
                  const char *want)
{
    struct letter l;
    struct hy_buf out = HY_BUF_INIT(1 << 20);
    letter_init(&l);
    l.options.base_url = (struct hy_str){0};
    l.source.text.bytes = is_html ? HY_STR("-") : hy_str_of(template);
    l.source.html.bytes = is_html ? hy_str_of(template) : (struct hy_str){0};
    cr_assert_eq(letter_compile(&l), 0, "%s: %s", template, l.diag.text);
    cr_assert_eq(letter_part(&l, values, is_html ? HY_PART_HTML : HY_PART_TEXT, &out), 0);
    cr_expect_str_eq(hy_buf_cstr(&out), want, "%s\n got %s\nwant %s", template, hy_buf_cstr(&out),
                     want);
    hy_buf_free(&out);
    letter_free(&l);
}

Test(template, values_defaults_sections_and_loops_render_as_the_guide_says)
{
    static const struct letter_value values[] = {
        {"name", HY_STR("山田")},
        {"empty", HY_STR("")},
        {"zero", HY_STR("0")},
        {"no", HY_STR("No")},
        {"vip", HY_STR("yes")},
        {"words", HY_STR("[\"a\", \"b\\u0021\", 3, true, null]")},
        {"items", HY_STR("[{\"t\":\"A\",\"p\":1.5,\"tags\":[\"x\",\"y\"]},{\"t\":\"B\"}]")},
        {"one", HY_STR("{\"t\":\"O\"}")},
        {"nothing", HY_STR("[]")},
        {"broken", HY_STR("[1, 2")},
        {0},
    };
    static const struct {
        const char *template, *want;
    } cases[] = {
        {"Hi {{name}}.", "Hi 山田."},
        {"{{ name }}{{name|x}}{{　name　}}", "山田山田山田"},
        {"{{missing|お客様}}様", "お客様様"},
        {"{{empty| x y }}|{{empty|\" x \"}}|{{empty|}}|{{empty}}", "x y| x ||"},
        {"{{{name}}} {{& name}} {{{missing|d}}}", "山田 山田 d"},
        {"a{{! a comment }}b", "ab"},
        {"{{#vip}}V{{/vip}}{{^vip}}N{{/vip}}", "V"},
        {"{{#zero}}Z{{/zero}}{{^zero}}0{{/zero}}{{#no}}N{{/no}}{{#nothing}}L{{/nothing}}", "0"},
        {"{{#missing}}M{{/missing}}{{^missing}}none{{/missing}}", "none"},
        {"{{#words}}<{{.}}>{{/words}}", "<a><b!><3><true><>"},
        {"{{#items}}{{.t}}={{.p|?}};{{/items}}", "A=1.5;B=?;"},
        {"{{#items}}{{t}}={{p|?}} {{name}};{{/items}}", "A=1.5 山田;B=? 山田;"},
        {"{{#items}}{{#.tags}}{{.t}}{{.}} {{/.tags}}{{^.tags}}-{{/.tags}}{{/items}}", "Ax Ay -"},
        {"{{#one}}{{.t}}{{/one}}", "O"},
        {"{{#broken}}{{.}}{{/broken}}", "[1, 2"},
        {"{{#vip}}{{.}}{{/vip}}", "yes"},
        {"{{#if vip}}a{{else}}b{{/if}}{{#unless vip}}c{{else}}d{{/unless}}", "ad"},
        {"{{#each items}}{{t}}{{/each}}", "AB"},
        {"1\n{{#vip}}\n2\n{{/vip}}\n3\n", "1\n2\n3\n"},
        {"1\n  {{#vip}}  \n  2\n  {{/vip}}\n3\n", "1\n  2\n3\n"},
        {"1\r\n{{! note }}\r\n2", "1\r\n2"},
        {"{{#vip}}\n{{#vip}}\nx\n{{/vip}}\n{{/vip}}", "x\n"},
        {"{{#if vip}}\na\n{{else}}\nb\n{{/if}}\n", "a\n"},
        {"{{=<% %>=}}<%name%> {{name}}", "山田 {{name}}"},
        {"a } b }} c { d", "a } b }} c { d"},
        {"{{campaign}}", "000014d2mf2db"},
        {"{{email}}", "taro@example.com"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check(false, cases[i].template, values, cases[i].want);
}

#define EVIL "\"'><script>alert(1)</script>&`=\r\n-->\x01\xff"

Test(template, a_value_is_escaped_by_the_place_it_stands_in)
{
    static const struct letter_value values[] = {
        {"v", HY_STR(EVIL)},
        {"js", HY_STR("javascript:alert(1)")},
        {"odd", HY_STR(" JaVa\tScRiPt:alert(1)")},
        {"url", HY_STR("https://x.example/a b?q='\"<>&r=あ#f")},
        {"mail", HY_STR("taro@example.com?bcc=x@y")},
        {"css", HY_STR("red;background:url(javascript:1)\"x")},
        {"blank", HY_STR("")},
        {0},
    };
#define HTML_EVIL "&quot;&#39;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;`=\n--&gt;\xef\xbf\xbd"
#define URL_EVIL  "%22%27%3E%3Cscript%3Ealert%281%29%3C%2Fscript%3E%26%60%3D%0D%0A--%3E%01%EF%BF%BD"
    static const struct {
        const char *template, *want;
    } cases[] = {
        {"<p>{{v}}</p>", "<p>" HTML_EVIL "</p>"},
        {"<p title=\"{{v}}\">", "<p title=\"" HTML_EVIL "\">"},
        {"<p title='{{v}}'>", "<p title='" HTML_EVIL "'>"},
        {"<title>{{v}}</title>", "<title>" HTML_EVIL "</title>"},
        {"<p title={{js}}>", "<p title=javascript:alert&#40;1&#41;>"},
        {"<p title={{blank}} lang=x>", "<p title=\"\" lang=x>"},
        {"<p title={{v}}>",
         "<p title=&quot;&#39;&gt;&lt;script&gt;alert&#40;1&#41;&lt;&#47;script&gt;&amp;&#96;"
         "&#61;&#13;&#10;--&gt;\xef\xbf\xbd>"},
        {"<a href=\"{{js}}\">", "<a href=\"#\">"},
        {"<a href=\"{{odd}}\">", "<a href=\"#\">"},
        {"<a href=\" {{odd}}\">", "<a href=\" #\">"},
        {"<a href=\"{{blank}}{{js}}\">", "<a href=\"#javascript%3Aalert%281%29\">"},
        {"<a href=\"java{{v}}\">", "<a href=\"java" URL_EVIL "\">"},
        {"<a href=\"https://s/?q={{v}}\">", "<a href=\"https://s/?q=" URL_EVIL "\">"},
        {"<a href=https://s/?q={{v}}>", "<a href=https://s/?q=" URL_EVIL ">"},
        {"<a href=\"{{url}}\">",
         "<a href=\"https://x.example/a%20b?q=%27%22%3C%3E&amp;r=%E3%81%82#f\">"},
        {"<a href={{url}}>", "<a href=https://x.example/a%20b?q=%27%22%3C%3E&amp;r=%E3%81%82#f>"},
        {"<img src='{{js}}'>", "<img src='#'>"},
        {"<td background=\"{{js}}\">", "<td background=\"#\">"},
        {"<a href=\"mailto:{{mail}}\">", "<a href=\"mailto:taro@example.com%3Fbcc%3Dx@y\">"},
        {"<p style=\"color:{{css}}\">", "<p style=\"color:redbackgroundurljavascript1x\">"},
        {"<!-- {{v}} -->",
         "<!-- &quot;&#39;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;`=\n&#45;&#45;&gt;"
         "\xef\xbf\xbd -->"},
        {"<!--[if mso]><v:x href=\"{{url}}\">{{v}}</v:x><![endif]-->",
         "<!--[if mso]><v:x href=\"https://x.example/a%20b?q=%27%22%3C%3E&amp;r=%E3%81%82#f\">"
         "&quot;&#39;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;`=\n&#45;&#45;&gt;\xef\xbf\xbd"
         "</v:x><![endif]-->"},
        {"<p>{{{css}}}</p>", "<p>red;background:url(javascript:1)\"x</p>"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check(true, cases[i].template, values, cases[i].want);
}

Test(template, plain_text_keeps_values_but_encodes_them_inside_urls)
{
    static const struct letter_value values[] = {{"v", HY_STR("a b&c/あ")}, {0}};
    check(false, "{{v}} https://s/?q={{v}}&r={{v}}. {{v}}", values,
          "a b&c/あ https://s/?q=a%20b%26c%2F%E3%81%82&r=a%20b%26c%2F%E3%81%82. a b&c/あ");
}

Test(template, a_template_that_cannot_be_safe_or_is_wrong_is_refused_with_its_place)
{
    static const struct {
        const char *html, *want;
    } cases[] = {
        {"<p>\n  あ{{name", "a.html:2:4: a tag that begins here does not end on its line with }}"},
        {"{{#a}}x", "a.html:1:1: section {{#a}} is not ended"},
        {"{{#a}}x{{/b}}", "a.html:1:8: {{/b}} stands where {{/a}} must end its section"},
        {"x{{/b}}", "a.html:1:2: {{/b}} ends a section that was not begun"},
        {"{{a b}}",
         "a.html:1:1: \"a b\" is no variable: a name is made of letters, digits, _ . and "
         "-"},
        {"{{> part}}", "a.html:1:1: a template cannot include others ({{> ...}})"},
        {"{{.}}", "a.html:1:1: {{.}} is the item of a loop: it can only stand in a section"},
        {"{{stranger}}", "a.html:1:1: {{stranger}}: unknown variable"},
        {"<script>var a = {{a}}</script>",
         "a.html:1:17: a variable cannot stand in a script or an unparsed element"},
        {"<style>p{color:{{a}}}</style>", "a.html:1:16: a variable cannot stand in a style sheet"},
        {"<p onclick=\"f({{a}})\">",
         "a.html:1:15: a variable cannot stand in an attribute that runs as a script"},
        {"<a href=\"javascript:f('{{a}}')\">",
         "a.html:1:24: a variable cannot stand in a URL of this scheme"},
        {"<p {{a}}>",
         "a.html:1:4: a variable cannot stand in a tag but in the value of an attribute"},
        {"<{{a}}>",
         "a.html:1:2: a variable cannot stand in a tag but in the value of an attribute"},
        {"<!doctype {{a}}>", "a.html:1:11: a variable cannot stand in a declaration <! ... >"},
        {"<p title={{a}}{{b}}>", "a.html:1:10: put quotes around the value of this attribute"},
        {"<p style={{a}}>", "a.html:1:10: put quotes around the value of this attribute"},
        {"<p title=\"{{{a}}}\">",
         "a.html:1:11: a value that is not escaped can only stand in the text of the page"},
        {"<p title=\"{{#a}}\">{{/a}}",
         "a.html:1:19: section {{#a}} ends in another kind of place than it began: inside a tag, "
         "attribute or comment"},
        {"<p {{#a}}title=\"x\"{{/a}}><p {{^a}}{{/a}}>{{#a}}<script>{{/a}}",
         "a.html:1:56: section {{#a}} ends in another kind of place than it began: inside a tag, "
         "attribute or comment"},
        {"<meta http-equiv=refresh content=\"0;url={{a}}\">",
         "a.html:1:41: a variable cannot stand in an attribute of this tag"},
        {"\xff", "a.html:1:1: not UTF-8"},
        {"<img src=\"cid:logo\">", "a.html:1:11: no inline image has the cid \"logo\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct letter l;
        letter_init(&l);
        l.unknown = "stranger";
        l.source.html.bytes = hy_str_of(cases[i].html);
        l.source.text.bytes = HY_STR("-");
        int rc = letter_compile(&l);
        cr_expect_eq(rc, HY_EINVAL, "%s: got %s", cases[i].html, hy_err_name(rc));
        cr_expect_str_eq(l.diag.text, cases[i].want, "%s\n got %s\nwant %s", cases[i].html,
                         l.diag.text, cases[i].want);
        letter_free(&l);
    }
}

Test(template, loops_inside_loops_end)
{
    struct letter l;
    struct hy_buf list = HY_BUF_INIT(1 << 16);
    letter_init(&l);
    hy_buf_add_lit(&list, "[0");
    for (int i = 1; i < 5000; i++)
        hy_buf_add_lit(&list, ",0");
    hy_buf_add_lit(&list, "]");
    l.source.text.bytes = HY_STR("{{#a}}{{#a}}{{#a}}{{#a}}x{{/a}}{{/a}}{{/a}}{{/a}}");
    cr_assert_eq(letter_compile(&l), 0, "%s", l.diag.text);
    struct letter_value values[] = {{"a", hy_buf_str(&list)}, {0}};
    cr_assert_eq(letter_render(&l, values), 0);
    cr_expect_lt(l.out.bytes.len, 50000u, "%zu", l.out.bytes.len);
    hy_buf_free(&list);
    letter_free(&l);
}
