/* What a hand-off says: values of strangers stay values. */
#include <criterion/criterion.h>
#include <string.h>

#include "handoff_write.h"

static struct hy_str no_attribute(void *ctx, struct hy_str name)
{
    (void)ctx;
    return hy_str_eq(name, HY_STR("title")) ? HY_STR("a \"b\"\n\\") : (struct hy_str){0};
}

static json_t *lead_of(const char *name)
{
    return json_pack("{s:i,s:s,s:s,s:s,s:f,s:[{s:s,s:f,s:i}]}", "lead", 7, "email", "a@b.test",
                     "name", name, "company", "Cats", "score", 61.4, "reasons", "rule", "page",
                     "points", 9.0, "times", 3);
}

Test(handoff_write, a_subject_is_one_line_of_bounded_length)
{
    static char name[2000];
    struct hy_score_handoff h = {.is_japanese = true};
    memset(name, 'x', sizeof name - 1);
    memcpy(name, "Taro\r\nBcc: evil@x.test\t", 23);
    memcpy(name + 198, "\xe5\xb1\xb1", 3); /* a letter across the edge */
    json_t *lead = lead_of(name);
    struct hy_buf out = HY_BUF_INIT(HANDOFF_SUBJECT_MAX);
    handoff_subject(&h, lead, "hot", &out);
    struct hy_str s = hy_buf_str(&out);
    cr_assert_eq(out.err, 0);
    cr_expect(hy_str_starts(s, HY_STR("hot: Taro  Bcc: evil@x.test x")), "%.*s", HY_STR_ARG(s));
    cr_expect(!memchr(s.p, '\n', s.n) && !memchr(s.p, '\r', s.n) && hy_str_is_utf8(s));
    cr_expect_lt(s.n, 300u);
    hy_buf_free(&out);
    json_decref(lead);
}

Test(handoff_write, a_mail_gives_commands_no_word_of_a_stranger)
{
    json_t *lead = lead_of("Taro");
    json_object_set_new(lead, "email", json_string("$(id)`id`@b.test"));
    json_object_set_new(lead, "last",
                        json_pack("{s:s,s:s,s:s}", "at", "2026-11-22T03:04:05.000Z", "kind",
                                  "key-page", "text", "pricing"));
    static const struct {
        bool is_japanese;
        const char *command, *deed;
    } cases[] = {
        {false, "hayauma score explain 7\n", "  read a key page  pricing\n"},
        {true, "hayauma score explain 7\n", "  重要ページを閲覧  pricing\n"},
    };
    for (size_t i = 0; i < 2; i++) {
        struct hy_score_handoff h = {.is_japanese = cases[i].is_japanese};
        struct hy_buf out = HY_BUF_INIT(HANDOFF_TEXT_MAX);
        handoff_text(&h, lead, "hot", &out);
        const char *text = hy_buf_cstr(&out), *commands = strstr(text, "hayauma ");
        cr_assert(commands && strstr(text, cases[i].command), "%s", text);
        cr_expect(!strpbrk(commands, "$`@"), "%s", text);
        cr_expect(strstr(text, cases[i].deed), "%s", text);
        hy_buf_free(&out);
    }
    json_decref(lead);
}

Test(handoff_write, a_body_is_json_whatever_the_values_are)
{
    struct hy_score_handoff h = {
        .body = HY_STR(
            "{\"t\": [\"{{title}} {{ email }}\", 5], \"s\": \"{{score}}\", \"x\": \"{{open\","
            " \"why\": \"{{reasons}}{{none}}\"}")};
    json_t *lead = lead_of("Taro");
    struct handoff_body b = {
        .id = "1", .threshold = "hot", .lead = lead, .attribute = no_attribute};
    struct hy_buf out = HY_BUF_INIT(65536);
    cr_assert_eq(handoff_body(&h, &b, &out, NULL), 0);
    cr_expect_str_eq(hy_buf_cstr(&out), "{\"t\":[\"a \\\"b\\\"\\n\\\\ a@b.test\",5],\"s\":\"61\","
                                        "\"x\":\"{{open\",\"why\":\"page 9\"}");
    hy_buf_free(&out);
    json_decref(lead);
}

static struct hy_str long_attribute(void *ctx, struct hy_str name)
{
    static char value[40000];
    (void)ctx, (void)name;
    memset(value, 'v', sizeof value);
    return hy_str_make(value, sizeof value);
}

Test(handoff_write, a_body_that_is_too_large_is_refused_and_nothing_of_it_is_left_out)
{
    static const struct {
        const char *body, *why;
    } cases[] = {
        {"{\"memo\": \"{{memo}}{{memo}}\"}", "a text of its body would have more than 65536 bytes"},
        {"{\"a\":\"{{m}}\",\"b\":\"{{m}}\",\"c\":\"{{m}}\",\"d\":\"{{m}}\",\"e\":\"{{m}}\","
         "\"f\":\"{{m}}\",\"g\":\"{{m}}\"}",
         "its body would have more than 262144 bytes"},
    };
    json_t *lead = lead_of("Taro");
    for (size_t i = 0; i < 2; i++) {
        const struct hy_score_handoff h = {.body = hy_str_of(cases[i].body)};
        const struct handoff_body b = {
            .id = "1", .threshold = "hot", .lead = lead, .attribute = long_attribute};
        struct hy_buf out = HY_BUF_INIT(HANDOFF_BODY_MAX);
        struct hy_diag diag = {""};
        cr_expect_eq(handoff_body(&h, &b, &out, &diag), HY_ELIMIT);
        cr_expect_str_eq(diag.text, cases[i].why);
        hy_buf_free(&out);
    }
    json_decref(lead);
}
