#include <criterion/criterion.h>

#include "hayauma/base/rand.h"
#include "hayauma/config/control.h"

Test(control_line, lines_are_found_however_the_bytes_are_cut)
{
    static const char stream[] = "{\"a\":1}\n{\"b\":\"\xe5\xb1\xb1\"}\n[]\n{\"c\":\n{\"d\":4}\n";
    struct hy_rng rng;
    hy_rng_seed(&rng, 7);
    for (int round = 0; round < 200; round++) {
        struct hy_buf in = HY_BUF_INIT(4096);
        size_t sent = 0;
        int objects = 0, errors = 0;
        while (sent < sizeof stream - 1) {
            size_t n = 1 + (size_t)hy_rng_below(&rng, 9);
            if (n > sizeof stream - 1 - sent)
                n = sizeof stream - 1 - sent;
            hy_buf_add(&in, stream + sent, n);
            sent += n;
            json_t *obj;
            int err;
            while ((err = hy_control_line_take(&in, 100, NULL, &obj)) != HY_EMORE) {
                objects += err == 0;
                errors += err == HY_EPARSE;
                cr_assert(err == 0 || err == HY_EPARSE);
                if (err == 0)
                    json_decref(obj);
            }
        }
        cr_expect_eq(objects, 3);
        cr_expect_eq(errors, 2);
        cr_expect_eq(in.len, 0u);
        hy_buf_free(&in);
    }
}

Test(control_line, a_line_past_the_maximum_is_refused_before_its_end_comes)
{
    struct hy_buf in = HY_BUF_INIT(4096);
    json_t *obj;
    for (int i = 0; i < 100; i++)
        hy_buf_add_c(&in, ' ');
    cr_expect_eq(hy_control_line_take(&in, 100, NULL, &obj), HY_EMORE);
    hy_buf_add_c(&in, ' ');
    cr_expect_eq(hy_control_line_take(&in, 100, NULL, &obj), HY_ELIMIT);
    hy_buf_add_c(&in, '\n');
    cr_expect_eq(hy_control_line_take(&in, 100, NULL, &obj), HY_ELIMIT);
    hy_buf_free(&in);
}

Test(control_line, every_error_name_finds_its_code_again)
{
    for (int code = HY_EINVAL; code >= HY_EMORE; code--)
        cr_expect_eq(hy_control_error_code(hy_err_name(code)), code);
    cr_expect_eq(hy_control_error_code("HY_ENEW"), HY_EIO);
}

Test(control_line, arguments_are_checked_for_type_and_range)
{
    json_t *args = json_pack("{s:s, s:i, s:b, s:n}", "name", "x", "n", 5, "flag", 1, "nothing");
    struct hy_diag diag = {0};
    const char *s = NULL;
    int64_t n = 0;
    bool b = false;
    cr_expect_eq(hy_control_arg_string(args, "name", "y", &diag, &s), 0);
    cr_expect_str_eq(s, "x");
    cr_expect_eq(hy_control_arg_string(args, "nothing", "y", &diag, &s), 0);
    cr_expect_str_eq(s, "y");
    cr_expect_eq(hy_control_arg_int(args, "n", 1, 0, 5, &diag, &n), 0);
    cr_expect_eq(n, 5);
    cr_expect_eq(hy_control_arg_bool(args, "flag", false, &diag, &b), 0);
    cr_expect(b);
    cr_expect_str_eq(diag.text, "");
    static const struct {
        const char *name, *want;
    } cases[] = {{"name", "argument 'name' must be a whole number from 0 to 4"},
                 {"n", "argument 'n' must be a whole number from 0 to 4"},
                 {"flag", "argument 'flag' must be a whole number from 0 to 4"}};
    for (size_t i = 0; i < 3; i++) {
        struct hy_diag d = {0};
        cr_expect_eq(hy_control_arg_int(args, cases[i].name, 1, 0, 4, &d, &n), HY_EINVAL);
        cr_expect_str_eq(d.text, cases[i].want);
    }
    cr_expect_eq(hy_control_arg_bool(args, "n", false, NULL, &b), HY_EINVAL);
    cr_expect_eq(hy_control_arg_string(args, "n", NULL, NULL, &s), HY_EINVAL);
    cr_expect_eq(hy_control_arg_string_required(args, "missing", &diag, &s), HY_EINVAL);
    cr_expect_str_eq(diag.text, "argument 'missing' is missing");
    json_decref(args);
}
