#include <criterion/criterion.h>

#include "hayauma/base/clock.h"
#include "hayauma/base/err.h"

Test(err, names_every_code_and_no_other)
{
    for (int e = HY_E_LAST; e <= 0; e++) {
        cr_assert_neq(hy_err_name(e)[0], '\0');
        cr_assert_str_neq(hy_err_name(e), "HY_E?", "code %d", e);
        cr_assert_neq(hy_err_text(e)[0], '\0');
    }
    cr_assert_str_eq(hy_err_name(HY_EFULL), "HY_EFULL");
    cr_assert_str_eq(hy_err_text(HY_EFULL), "disk full");
    cr_assert_str_eq(hy_err_name(1), "HY_E?");
    cr_assert_str_eq(hy_err_name(HY_E_LAST - 1), "HY_E?");
    cr_assert_str_eq(hy_err_text(-1000), "unknown error");
}

Test(err, keeps_the_first_cause)
{
    struct hy_diag d = {{0}};
    cr_assert_eq(hy_fail(&d, HY_EINVAL, "line %d", 7), HY_EINVAL);
    cr_assert_eq(hy_fail(&d, HY_EIO, "something later"), HY_EIO);
    cr_assert_str_eq(d.text, "line 7");
    cr_assert_eq(hy_fail(NULL, HY_EIO, "nobody asks"), HY_EIO);
}

Test(err, cuts_a_long_note)
{
    struct hy_diag d = {{0}};
    char text[2000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    cr_assert_eq(hy_fail(&d, HY_EINVAL, "%s", text), HY_EINVAL);
    cr_assert_eq(strlen(d.text), sizeof d.text - 1);
}

Test(clock, prints_wall_time_by_rfc_3339)
{
    char out[32];
    cr_assert_str_eq(hy_wall_format(0, out), "1970-01-01T00:00:00.000Z");
    cr_assert_str_eq(hy_wall_format(1795314420123, out), "2026-11-22T02:27:00.123Z");
}

Test(clock, goes_forward_and_counts_our_work)
{
    hy_us before = hy_clock_us();
    int64_t cpu = hy_clock_thread_cpu_us(), all = hy_clock_cpu_us();
    while (hy_clock_thread_cpu_us() < cpu + 2000)
        ;
    cr_assert_geq(hy_clock_us() - before, 1000);
    cr_assert_geq(hy_clock_cpu_us() - all, 1000);
}
