#include <criterion/criterion.h>

#include "site_memory.h"

Test(site_memory, finds_what_was_kept_last_and_nothing_else)
{
    struct site_memory m = {0};
    cr_assert_null(site_memory_find(&m, 7), "empty, and without memory");
    struct hy_window_learned l = {.at = 1, .connections = 3};
    site_memory_keep(&m, 7, &l);
    l.connections = 5;
    site_memory_keep(&m, 7, &l);
    cr_assert_eq(site_memory_find(&m, 7)->connections, 5);
    cr_assert_null(site_memory_find(&m, 8));
    site_memory_free(&m);
}

Test(site_memory, is_bounded_and_forgets_the_oldest_of_a_set)
{
    struct site_memory m = {0};
    const uint32_t many = 64 * SITE_MEMORY_SETS * SITE_MEMORY_WAYS;
    for (uint32_t i = 1; i <= many; i++) {
        struct hy_window_learned l = {.at = i, .connections = i};
        site_memory_keep(&m, i, &l);
        cr_assert_eq(site_memory_find(&m, i)->connections, i);
    }
    uint32_t found = 0, recent = 0;
    for (uint32_t i = 1; i <= many; i++) {
        bool is_found = site_memory_find(&m, i) != NULL;
        found += is_found;
        recent += is_found && i > many / 2;
    }
    cr_assert_leq(found, SITE_MEMORY_SETS * SITE_MEMORY_WAYS);
    cr_assert_eq(found, recent, "what is left is what came last");
    site_memory_free(&m);
}
