#include <criterion/criterion.h>
#include <stdlib.h>

#include "hayauma/base/buf.h"

Test(buf, grows_by_need_and_keeps_its_bytes)
{
    struct hy_buf b = HY_BUF_INIT(1 << 20);
    for (int i = 0; i < 100000; i++)
        hy_buf_add_c(&b, (char)(i % 127));
    cr_assert_eq(b.err, 0);
    cr_assert_eq(b.len, 100000);
    for (int i = 0; i < 100000; i++)
        cr_assert_eq(b.data[i], (char)(i % 127));
    hy_buf_free(&b);
    cr_assert_null(b.data);
}

Test(buf, remembers_the_first_failure_and_takes_nothing_after_it)
{
    struct hy_buf b = HY_BUF_INIT(10);
    hy_buf_add_lit(&b, "12345678");
    hy_buf_add_lit(&b, "abc");
    cr_assert_eq(b.err, HY_ELIMIT);
    hy_buf_add_lit(&b, "9");
    hy_buf_printf(&b, "%d", 9);
    cr_assert_eq(b.len, 8);
    cr_assert_eq(hy_buf_reserve(&b, 1), HY_ELIMIT);
    hy_buf_reset(&b);
    hy_buf_add_lit(&b, "1234567890");
    cr_assert_eq(b.err, 0);
    cr_assert_eq(b.len, 10);
    hy_buf_free(&b);
}

Test(buf, refuses_sizes_that_overflow)
{
    struct hy_buf b = HY_BUF_INIT(1000);
    hy_buf_add_lit(&b, "x");
    cr_assert_eq(hy_buf_reserve(&b, SIZE_MAX), HY_ELIMIT);
    cr_assert_eq(b.len, 1);
    hy_buf_free(&b);
}

Test(buf, prints_behind_what_is_there)
{
    struct hy_buf b = HY_BUF_INIT(1000);
    hy_buf_add_lit(&b, "n=");
    hy_buf_printf(&b, "%d, %s", 42, "text that is long enough to make the buffer grow once more");
    cr_assert_str_eq(hy_buf_cstr(&b),
                     "n=42, text that is long enough to make the buffer grow once more");
    cr_assert_eq(b.len, strlen(b.data));
    hy_buf_free(&b);
}

Test(buf, drops_bytes_at_its_front)
{
    struct hy_buf b = HY_BUF_INIT(100);
    hy_buf_add_lit(&b, "one two");
    hy_buf_consume(&b, 4);
    cr_assert(hy_str_eq(hy_buf_str(&b), HY_STR("two")));
    hy_buf_consume(&b, 3);
    cr_assert_eq(b.len, 0);
    cr_assert_str_eq(hy_buf_cstr(&b), "");
    hy_buf_free(&b);
}

Test(buf, gives_an_empty_c_string_when_it_is_empty_or_full)
{
    struct hy_buf empty = HY_BUF_INIT(10);
    cr_assert_str_eq(hy_buf_cstr(&empty), "");
    hy_buf_free(&empty);
    hy_buf_free(NULL);
}
