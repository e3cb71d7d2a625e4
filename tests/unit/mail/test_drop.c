#include "hayauma/mail/drop.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static struct hy_drop_rcpt got[HY_DROP_RCPTS_MAX];

Test(drop, a_file_is_read_as_it_was_written)
{
    const struct hy_drop_rcpt rcpts[] = {{HY_STR("a@b.example"), HY_STR("rfc822;A+2B@b"), 6},
                                         {HY_STR("\"x y\"@b.example"), {0}, 0}};
    struct hy_drop d = {.sender = HY_STR("s@b.example"),
                        .envid = HY_STR("e+2B1"),
                        .ret = 2,
                        .message = HY_STR("From: x\n\nto 0 - evil@b\n"),
                        .n_rcpts = 2},
                   back;
    struct hy_buf out = HY_BUF_INIT(1 << 20);
    cr_assert_eq(hy_drop_write(&d, rcpts, &out), HY_OK);
    cr_assert_eq(hy_drop_read(hy_buf_str(&out), &back, got), HY_OK);
    cr_expect(hy_str_eq(back.sender, d.sender) && hy_str_eq(back.envid, d.envid));
    cr_expect(hy_str_eq(back.message, d.message));
    cr_expect_eq(back.ret, 2);
    cr_assert_eq(back.n_rcpts, 2);
    for (size_t i = 0; i < 2; i++) {
        cr_expect(hy_str_eq(got[i].address, rcpts[i].address));
        cr_expect(hy_str_eq(got[i].orcpt, rcpts[i].orcpt));
        cr_expect_eq(got[i].notify, rcpts[i].notify);
    }
    for (size_t n = 0; n < out.len; n++)
        cr_expect_eq(hy_drop_read(hy_str_make(out.data, n), &back, got), HY_EPARSE, "%zu bytes", n);
    hy_buf_free(&out);
}

Test(drop, what_would_be_another_line_is_not_written)
{
    struct hy_buf out = HY_BUF_INIT(1 << 20);
    struct hy_drop_rcpt r = {HY_STR("a@b\nto 0 - evil@b"), {0}, 0};
    struct hy_drop d = {.message = HY_STR("x"), .n_rcpts = 1};
    cr_expect_eq(hy_drop_write(&d, &r, &out), HY_EINVAL);
    r.address = HY_STR("a@b");
    r.orcpt = HY_STR("rfc822;a b");
    cr_expect_eq(hy_drop_write(&d, &r, &out), HY_EINVAL);
    r.orcpt = (struct hy_str){0};
    d.sender = HY_STR("a\nsize 1");
    cr_expect_eq(hy_drop_write(&d, &r, &out), HY_EINVAL);
    d.sender = (struct hy_str){0};
    d.n_rcpts = 0;
    cr_expect_eq(hy_drop_write(&d, &r, &out), HY_EINVAL);
    hy_buf_free(&out);
}

Test(drop, what_is_none_is_told)
{
    static const char *const files[] = {
        "",
        "hayauma-drop 2\nfrom \nto 0 - a@b\nsize 1\n\nx",
        "hayauma-drop 1\nto 0 - a@b\nsize 1\n\nx",
        "hayauma-drop 1\nfrom \nsize 1\n\nx",
        "hayauma-drop 1\nfrom \nto 16 - a@b\nsize 1\n\nx",
        "hayauma-drop 1\nfrom \nto 0 a@b\nsize 1\n\nx",
        "hayauma-drop 1\nfrom \nto 0 - \nsize 1\n\nx",
        "hayauma-drop 1\nfrom \nret 3\nto 0 - a@b\nsize 1\n\nx",
        "hayauma-drop 1\nfrom \nwhat\nto 0 - a@b\nsize 1\n\nx",
        "hayauma-drop 1\nfrom \nto 0 - a@b\nsize 2\n\nx",
        "hayauma-drop 1\nfrom \nto 0 - a@b\nsize 1\n\nxy",
        "hayauma-drop 1\nfrom \nto 0 - a@b\nsize 1\nx",
        "hayauma-drop 1\nfrom a\x01\nto 0 - a@b\nsize 1\n\nx",
    };
    struct hy_drop d;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        cr_expect_eq(hy_drop_read(hy_str_of(files[i]), &d, got), HY_EPARSE, "file %zu", i);
}
