#include <criterion/criterion.h>

#include "json.h"

Test(json, one_value_and_nothing_else_is_accepted)
{
    static const struct {
        const char *in;
        enum hy_json_kind want;
    } cases[] = {
        {"[]", HY_JSON_ARRAY},
        {" [1, -2.5e+3, \"a\\u00e9\\n\", true, null, {\"k\": []}] ", HY_JSON_ARRAY},
        {"{}", HY_JSON_OBJECT},
        {"{\"a\":{\"b\":[{}]}}", HY_JSON_OBJECT},
        {"\"x\"", HY_JSON_STRING},
        {"0", HY_JSON_NUMBER},
        {"null", HY_JSON_NULL},
        {"", HY_JSON_NONE},
        {"[", HY_JSON_NONE},
        {"[1,]", HY_JSON_NONE},
        {"[,1]", HY_JSON_NONE},
        {"[1 2]", HY_JSON_NONE},
        {"[1]]", HY_JSON_NONE},
        {"[1}", HY_JSON_NONE},
        {"{\"a\"}", HY_JSON_NONE},
        {"{a:1}", HY_JSON_NONE},
        {"{\"a\":1,}", HY_JSON_NONE},
        {"\"\\x\"", HY_JSON_NONE},
        {"\"\\u12g4\"", HY_JSON_NONE},
        {"\"a\nb\"", HY_JSON_NONE},
        {"01", HY_JSON_NONE},
        {"1.", HY_JSON_NONE},
        {"-", HY_JSON_NONE},
        {"truth", HY_JSON_NONE},
        {"[1] x", HY_JSON_NONE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_eq(hy_json_check(hy_str_of(cases[i].in)), cases[i].want, "%s got %d", cases[i].in,
                     hy_json_check(hy_str_of(cases[i].in)));
}

Test(json, nesting_is_bounded)
{
    for (size_t depth = HY_JSON_DEPTH_MAX; depth <= HY_JSON_DEPTH_MAX + 1; depth++) {
        char text[2 * (HY_JSON_DEPTH_MAX + 1)];
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        cr_expect_eq(hy_json_check(hy_str_make(text, 2 * depth)),
                     depth <= HY_JSON_DEPTH_MAX ? HY_JSON_ARRAY : HY_JSON_NONE);
    }
}

Test(json, members_are_found_by_their_decoded_names_and_the_last_wins)
{
    struct hy_buf scratch = HY_BUF_INIT(1 << 16);
    struct hy_str object =
        HY_STR("{\"a\": 1, \"\\u0062\": [2, {\"a\": 9}], \"a\": \"\\ud83d\\ude00x\"}");
    struct hy_str value = {0};
    cr_assert(hy_json_member(object, HY_STR("b"), &scratch, &value));
    cr_expect(hy_str_eq(value, HY_STR("[2, {\"a\": 9}]")), "%.*s", HY_STR_ARG(value));
    cr_assert(hy_json_member(object, HY_STR("a"), &scratch, &value));
    struct hy_str text = hy_json_text(value, &scratch);
    cr_expect(hy_str_eq(text, HY_STR("😀x")), "%.*s", HY_STR_ARG(text));
    cr_expect(!hy_json_member(object, HY_STR("c"), &scratch, &value));
    size_t n = 0, pos = 0;
    while (hy_json_next(HY_STR("[1, [2, 3] ,{\"x\":4} ]"), &pos, &value))
        n++;
    cr_expect_eq(n, 3);
    hy_buf_free(&scratch);
}
