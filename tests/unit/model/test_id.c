#include <criterion/criterion.h>

#include "hayauma/model/id.h"

Test(id, grows_when_the_clock_runs_backwards)
{
    struct hy_id_gen g;
    hy_id_gen_init(&g, 5, 0);
    hy_id a = hy_id_next(&g, 1800000000000), b = hy_id_next(&g, 1700000000000);
    cr_assert_gt(b, a);
    cr_assert_eq(hy_id_time(b), 1800000000000);
    cr_assert_eq(hy_id_node(b), 5);
}

Test(id, grows_past_a_full_sequence)
{
    struct hy_id_gen g;
    hy_id_gen_init(&g, 1023, 0);
    hy_id last = 0;
    for (int i = 0; i < 10000; i++) {
        hy_id id = hy_id_next(&g, 1800000000000);
        cr_assert_gt(id, last);
        cr_assert_eq(hy_id_node(id), 1023);
        last = id;
    }
    cr_assert_eq(hy_id_time(last), 1800000000002);
}

Test(id, neighbours_are_those_of_one_moment)
{
    struct hy_id_gen g;
    hy_id_gen_init(&g, 5, 0);
    hy_id before = hy_id_next(&g, 1800000000000);
    for (int i = 0; i < 10000; i++) {
        hy_id id = hy_id_next(&g, 1800000000000);
        cr_assert_eq(hy_id_after(before), id);
        cr_assert_eq(hy_id_before(id), before);
        before = id;
    }
}

Test(id, reads_back_what_it_prints_and_keeps_the_order)
{
    struct hy_id_gen g;
    hy_id_gen_init(&g, 0, 0);
    char before[HY_ID_TEXT_MAX] = "", text[HY_ID_TEXT_MAX];
    for (int i = 0; i < 5000; i++) {
        hy_id id = hy_id_next(&g, 1800000000000 + i / 7), got;
        hy_id_format(id, text);
        cr_assert_eq(hy_id_parse(hy_str_of(text), &got), HY_OK);
        cr_assert_eq(got, id);
        cr_assert_gt(strcmp(text, before), 0);
        strcpy(before, text);
    }
}

Test(id, refuses_what_is_no_id)
{
    static const char *const bad[] = {"",
                                      "0000000000000",
                                      "000000000000",
                                      "00000000000000",
                                      "g000000000001",
                                      "000000000000w",
                                      "00000000 0001"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        hy_id got = 77;
        cr_assert_eq(hy_id_parse(hy_str_of(bad[i]), &got), HY_EPARSE, "%s", bad[i]);
        cr_assert_eq(got, 77);
    }
}
