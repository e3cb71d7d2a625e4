#include <criterion/criterion.h>

#include "hayauma/base/meter.h"

Test(meter, a_time_is_counted_in_the_first_bucket_that_holds_it)
{
    static const struct {
        hy_us took;
        unsigned bucket;
    } cases[] = {
        {-5, 0},     {0, 0},      {1000, 0},         {1001, 1},         {5000, 1},
        {250000, 6}, {250001, 7}, {86400000000, 17}, {86400000001, 18}, {HY_US_NEVER, 18},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_histogram h = {0};
        hy_histogram_add(&h, cases[i].took);
        for (unsigned b = 0; b <= HY_HISTOGRAM_BOUNDS; b++)
            cr_assert_eq(hy_count_read(&h.buckets[b]), b == cases[i].bucket, "%ld, bucket %u",
                         cases[i].took, b);
        cr_assert_eq(hy_count_read(&h.sum_us), cases[i].took > 0 ? (uint64_t)cases[i].took : 0);
    }
}

Test(meter, bounds_rise)
{
    for (unsigned i = 1; i < HY_HISTOGRAM_BOUNDS; i++)
        cr_assert_gt(hy_histogram_bounds[i], hy_histogram_bounds[i - 1]);
}

Test(meter, a_sum_adds_what_several_threads_counted)
{
    struct hy_histogram a = {0}, b = {0};
    struct hy_histogram_sum sum = {0};
    hy_histogram_add(&a, 500);
    hy_histogram_add(&a, 7000);
    hy_histogram_add(&b, 600);
    hy_histogram_read(&a, &sum);
    hy_histogram_read(&b, &sum);
    cr_assert_eq(sum.count, 3);
    cr_assert_eq(sum.sum_us, 8100);
    cr_assert_eq(sum.buckets[0], 2);
    cr_assert_eq(sum.buckets[2], 1);
}
