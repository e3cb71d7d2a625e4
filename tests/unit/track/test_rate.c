#include <criterion/criterion.h>

#include "hayauma/track/rate.h"

static const struct hy_hash_key key = {1, 2};

static struct hy_rate *table_of(uint32_t lines)
{
    struct hy_rate *r = NULL;
    cr_assert_eq(hy_rate_new(lines, &key, &r), HY_OK);
    return r;
}

static uint32_t seen_in(struct hy_rate *r, uint32_t window, const void *what, size_t n)
{
    return hy_rate_add(hy_rate_find(r, what, n), window);
}

Test(rate, counts_each_key_within_a_window)
{
    struct hy_rate *r = table_of(1024);
    for (uint32_t i = 1; i <= 5; i++)
        cr_expect_eq(seen_in(r, 7, "one", 3), i);
    cr_expect_eq(seen_in(r, 7, "two", 3), 1);
    cr_expect_eq(seen_in(r, 7, "on", 2), 1);
    cr_expect_eq(seen_in(r, 8, "one", 3), 1, "a new window begins with nothing");
    cr_expect_eq(seen_in(r, 8, "one", 3), 2);
    hy_rate_free(r);
}

Test(rate, ends_at_its_most_and_does_not_begin_again)
{
    struct hy_rate *r = table_of(1);
    for (uint32_t i = 1; i < HY_RATE_MAX; i++)
        cr_assert_eq(seen_in(r, 1, "x", 1), i);
    for (int i = 0; i < 3; i++)
        cr_expect_eq(seen_in(r, 1, "x", 1), HY_RATE_MAX);
    hy_rate_free(r);
}

/* One key is asked for a thousand times among 200,000 others: nothing pushes it out, and the others
 * are hardly taken for more than they are. */
Test(rate, nothing_is_pushed_out_by_many_others)
{
    enum { OTHERS = 200000, TIMES = 1000 };
    struct hy_rate *r = table_of(1 << 15);
    uint32_t seen = 0, too_high = 0;
    for (uint32_t i = 0; i < OTHERS; i++) {
        too_high += seen_in(r, 3, &i, sizeof i) > 10;
        if (i % (OTHERS / TIMES) == 0)
            seen = seen_in(r, 3, "attacker", 8);
    }
    cr_expect(seen >= TIMES && seen <= TIMES + 10, "got %u", seen);
    cr_expect(too_high < OTHERS / 100, "%u of %d", too_high, OTHERS);
    hy_rate_free(r);
}

Test(rate, its_size_is_a_power_of_two)
{
    static const uint32_t bad[] = {0, 3, 1000, HY_RATE_LINES_MAX + 1, UINT32_MAX};
    struct hy_rate *r = NULL;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect_eq(hy_rate_new(bad[i], &key, &r), HY_EINVAL, "%u", bad[i]);
    cr_expect_null(r);
    hy_rate_free(NULL);
}
