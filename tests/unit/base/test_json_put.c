#include <criterion/criterion.h>

#include "hayauma/base/json_put.h"

Test(json_put, what_comes_out_is_one_line_of_json_whatever_went_in)
{
    static const struct {
        struct hy_str in;
        const char *want;
    } cases[] = {
        {HY_STR("250 ok"), "\"250 ok\""},
        {HY_STR("a\"b\\c"), "\"a\\\"b\\\\c\""},
        {HY_STR("a\r\nb\tc"), "\"a\\u000d\\u000ab\\u0009c\""},
        {HY_STR("\0x"), "\"\\u0000x\""},
        {HY_STR("日本語"), "\"日本語\""},
        {HY_STR("\xff\xc0\xaf"), "\"\\ufffd\\ufffd\\ufffd\""},
        {HY_STR("\xe2\x80\xa8"), "\"\\u2028\""},
        {HY_STR("\x1b[31m\x7f\xc2\x9b"), "\"\\u001b[31m\\u007f\\u009b\""},
        {HY_STR(""), "\"\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_buf b = HY_BUF_INIT(4096);
        hy_json_put_str(&b, cases[i].in);
        cr_assert_str_eq(hy_buf_cstr(&b), cases[i].want, "case %zu", i);
        hy_buf_free(&b);
    }
}
