#include <criterion/criterion.h>
#include <stdio.h>

#include "hayauma/base/names.h"

struct thing {
    int number;
    const char *name;
    char room[12];
};

Test(names, each_of_many_is_found_and_nothing_else)
{
    enum { MANY = 5000 };
    static struct thing all[MANY];
    struct hy_names t = {0};
    size_t twice = 0;
    cr_assert_eq(hy_names_find(&t, HY_STR("a")), SIZE_MAX, "zeroed");
    for (int i = 0; i < MANY; i++) {
        snprintf(all[i].room, sizeof all[i].room, "n%d", i);
        all[i].name = all[i].room;
    }
    cr_assert_eq(hy_names_build(&t, &all[0].name, sizeof *all, MANY, &twice), HY_OK);
    for (size_t i = 0; i < MANY; i++)
        cr_assert_eq(hy_names_find(&t, hy_str_of(all[i].name)), i);
    static const char *const others[] = {"", "n", "n5000", "N1", "n1 "};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        cr_expect_eq(hy_names_find(&t, hy_str_of(others[i])), SIZE_MAX, "%s", others[i]);
    hy_names_free(&t);
    cr_assert_eq(hy_names_find(&t, HY_STR("n1")), SIZE_MAX);
}

Test(names, a_name_that_is_there_twice_is_told)
{
    static const struct thing all[] = {{.name = "a"}, {.name = "b"}, {.name = "a"}};
    struct hy_names t = {0};
    size_t twice = 0;
    cr_assert_eq(hy_names_build(&t, &all[0].name, sizeof *all, 3, &twice), HY_EEXIST);
    cr_assert_eq(twice, 2);
    hy_names_free(&t);
}
