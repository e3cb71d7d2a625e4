#include <criterion/criterion.h>

#include "site_memory.h"

static struct site_key key(uint64_t site)
{
    return (struct site_key){site, site_memory_source("default", NULL)};
}

Test(site_memory, finds_what_was_kept_last_and_nothing_else)
{
    struct site_memory m = {0};
    cr_assert_null(site_memory_find(&m, key(7)), "empty, and without memory");
    struct hy_window_learned l = {.at = 1, .connections = 3};
    site_memory_keep(&m, key(7), &l);
    l = (struct hy_window_learned){.at = 2, .connections = 5};
    site_memory_keep(&m, key(7), &l);
    l = (struct hy_window_learned){.at = 1, .connections = 4};
    site_memory_keep(&m, key(7), &l);
    cr_assert_eq(site_memory_find(&m, key(7))->connections, 5, "the newest, whatever came last");
    cr_assert_null(site_memory_find(&m, key(8)));
    cr_assert_null(site_memory_find(&m, (struct site_key){7, site_memory_source("other", NULL)}));
    cr_assert_null(
        site_memory_find(&m, (struct site_key){7, site_memory_source("default", "strict")}),
        "another rule's ceiling is no news");
    site_memory_free(&m);
}

Test(site_memory, is_bounded_and_forgets_the_oldest_of_a_set)
{
    struct site_memory m = {0};
    const uint32_t many = 64 * SITE_MEMORY_SETS * SITE_MEMORY_WAYS;
    for (uint32_t i = 1; i <= many; i++) {
        struct hy_window_learned l = {.at = i, .connections = i};
        site_memory_keep(&m, key(i), &l);
        cr_assert_eq(site_memory_find(&m, key(i))->connections, i);
    }
    uint32_t found = 0, recent = 0;
    for (uint32_t i = 1; i <= many; i++) {
        bool is_found = site_memory_find(&m, key(i)) != NULL;
        found += is_found;
        recent += is_found && i > many / 2;
    }
    cr_assert_leq(found, SITE_MEMORY_SETS * SITE_MEMORY_WAYS);
    cr_assert_eq(found, recent, "what is left is what came last");
    site_memory_free(&m);
}

static void keep(void *ctx, struct site_key lane, const struct hy_window_learned *l)
{
    site_memory_keep(ctx, lane, l);
}

Test(site_memory, what_is_written_is_read_by_another_clock_as_old_as_it_is)
{
    enum { WALL = 1700000000 };
    const hy_us sec = HY_US_PER_SEC;
    struct site_memory m = {0}, next = {0};
    struct hy_buf bytes = HY_BUF_INIT(1 << 20);
    struct hy_window_learned l = {.at = 900 * sec,
                                  .state = HY_WINDOW_SUSPENDED,
                                  .shut_us = 60 * sec,
                                  .pause_us = 3 * sec,
                                  .failures = 2,
                                  .connections = 7,
                                  .bad_connections = 8,
                                  .messages_per_connection = 100,
                                  .rate = 12.5f,
                                  .bad_rate = 14,
                                  .noise = 0.25f};
    site_memory_keep(&m, key(7), &l);
    cr_assert_eq(site_memory_write(&m, 1000 * sec, (hy_wall_ms)WALL * 1000, &bytes), 1);
    /* Thirty seconds later the machine's own clock says 50. */
    cr_assert_eq(
        site_memory_read(hy_buf_str(&bytes), 50 * sec, (hy_wall_ms)(WALL + 30) * 1000, keep, &next),
        HY_OK);
    struct hy_window_learned got = *site_memory_find(&next, key(7));
    cr_assert_eq(50 * sec - got.at, 130 * sec, "a hundred seconds before it was written");
    cr_assert_eq(got.state, l.state);
    cr_assert(got.shut_us == l.shut_us && got.pause_us == l.pause_us && got.failures == l.failures);
    cr_assert(got.connections == 7 && got.bad_connections == 8);
    cr_assert_eq(got.messages_per_connection, 100);
    cr_assert(got.rate == l.rate && got.bad_rate == l.bad_rate && got.noise == l.noise);
    site_memory_free(&m);
    site_memory_free(&next);
    hy_buf_free(&bytes);
}

Test(site_memory, bytes_that_make_no_sense_are_passed_over)
{
    static const struct {
        size_t at;
        uint8_t byte;
        const char *what;
    } cases[] = {{58, 9, "no state"},
                 {39, 0x7f, "no number"},
                 {43, 0xff, "a negative pace"},
                 {47, 0x43, "more noise than all"}};
    struct hy_window_learned l = {
        .at = 1, .connections = 3, .rate = 1.0f, .bad_rate = 2, .noise = 0.5f};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct site_memory m = {0}, next = {0};
        struct hy_buf bytes = HY_BUF_INIT(1 << 20);
        site_memory_keep(&m, key(7), &l);
        cr_assert_eq(site_memory_write(&m, 1, 1700000000000, &bytes), 1);
        bytes.data[cases[i].at] = (char)cases[i].byte;
        if (i == 1)
            bytes.data[38] = (char)0x80;
        cr_expect_eq(site_memory_read(hy_buf_str(&bytes), 1, 1700000000000, keep, &next),
                     HY_ECORRUPT, "%s", cases[i].what);
        cr_expect_null(site_memory_find(&next, key(7)), "%s", cases[i].what);
        cr_expect_eq(site_memory_read(hy_str_make(bytes.data, bytes.len - 1), 1, 1, keep, &next),
                     HY_ECORRUPT, "cut short");
        site_memory_free(&m);
        site_memory_free(&next);
        hy_buf_free(&bytes);
    }
}
