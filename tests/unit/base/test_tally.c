#include "hayauma/base/tally.h"

#include <criterion/criterion.h>

Test(tally, counts_what_is_there_and_forgets_what_is_gone)
{
    struct hy_tally t = {0};
    cr_expect_eq(hy_tally_count(&t, 7), 0, "before there is room");
    hy_tally_drop(&t, 7);
    cr_assert_eq(hy_tally_init(&t, 10), 0);
    hy_tally_add(&t, 7);
    hy_tally_add(&t, 7);
    cr_expect_eq(hy_tally_count(&t, 7), 2);
    cr_expect_eq(hy_tally_count(&t, 8), 0);
    hy_tally_drop(&t, 8);
    hy_tally_drop(&t, 7);
    hy_tally_drop(&t, 7);
    hy_tally_drop(&t, 7);
    cr_expect_eq(hy_tally_count(&t, 7), 0);
    hy_tally_free(&t);
}

/* Keys that want the same slot, dropped in every order, and wrapped around the end. */
Test(tally, keys_that_share_a_slot_stay_apart)
{
    enum { N = 6 };
    for (unsigned base = 0; base < 16; base++) {
        for (unsigned first = 0; first < N; first++) {
            struct hy_tally t = {0};
            cr_assert_eq(hy_tally_init(&t, 8), 0);
            for (uint64_t i = 0; i < N; i++)
                hy_tally_add(&t, base + 16 * i + i / 2);
            for (uint64_t k = 0; k < N; k++) {
                uint64_t gone = (first + k) % N;
                hy_tally_drop(&t, base + 16 * gone + gone / 2);
                for (uint64_t i = 0; i < N; i++) {
                    uint32_t want = (i + N - first) % N > k;
                    cr_expect_eq(hy_tally_count(&t, base + 16 * i + i / 2), want,
                                 "base %u, first %u, after %lu, key %lu", base, first,
                                 (unsigned long)k, (unsigned long)i);
                }
            }
            hy_tally_free(&t);
        }
    }
}
