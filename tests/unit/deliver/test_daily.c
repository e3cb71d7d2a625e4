#include <criterion/criterion.h>
#include <stdio.h>
#include <unistd.h>

#include "daily.h"
#include "fixture.h"

/* 2026-11-22 12:00 UTC */
#define NOON (INT64_C(1795348800) * 1000)

struct bed {
    struct store_dir dir;
    struct hy_env *env;
    struct hy_writer *writer;
    struct dailies all;
};

static void bed_start(struct bed *b)
{
    b->env = store_open(&b->dir);
    cr_assert_eq(
        hy_writer_start(b->env, &(struct hy_writer_options){.commit_interval_ms = 1}, &b->writer),
        HY_OK);
    dailies_init(&b->all, b->env, b->writer);
}

/* `exact`: in order; otherwise what was not flushed is lost, as with a kill. */
static void bed_end(struct bed *b, bool exact)
{
    if (exact)
        dailies_save(&b->all);
    hy_writer_stop(b->writer);
    dailies_close(&b->all);
    hy_env_close(b->env);
    b->all = (struct dailies){0};
}

static void flush(struct bed *b)
{
    dailies_flush(&b->all);
    pthread_mutex_lock(&b->all.lock);
    while (b->all.is_writing)
        pthread_cond_wait(&b->all.written, &b->all.lock);
    pthread_mutex_unlock(&b->all.lock);
}

static uint64_t stored(struct bed *b, const char *key, hy_wall_ms now)
{
    struct hy_txn t;
    struct hy_day_count c = {0};
    cr_assert_eq(hy_txn_read(b->env, &t), HY_OK);
    int err = hy_daily_get(&t, hy_str_of(key), &c);
    hy_txn_end(&t);
    return err == HY_OK ? hy_day_total(&c, now) : 0;
}

Test(daily, one_name_is_one_counter_for_all_who_ask)
{
    struct bed b = {.dir = store_dir_make()};
    bed_start(&b);
    struct daily *x = daily_get(&b.all, "a"), *y = daily_get(&b.all, "a"),
                 *z = daily_get(&b.all, "b");
    cr_assert_eq(x, y);
    cr_assert_neq(x, z);
    cr_assert_eq(daily_take(x, 2, NOON), 0);
    cr_assert_eq(daily_take(y, 2, NOON), 0);
    cr_assert_gt(daily_take(x, 2, NOON), NOON, "the day is full");
    cr_assert_gt(daily_ask(x, 2, NOON), NOON);
    daily_give_back(y);
    cr_assert_eq(daily_ask(x, 2, NOON), 0);
    cr_assert_eq(daily_total(x, NOON), 1u);
    cr_assert_eq(daily_total(z, NOON), 0u);
    daily_unref(x);
    daily_unref(y);
    daily_unref(z);
    bed_end(&b, true);
    store_dir_remove(&b.dir);
}

Test(daily, a_kill_counts_no_less_than_was_sent_at_a_steady_pace_and_a_stop_counts_exactly)
{
    struct bed b = {.dir = store_dir_make()};
    hy_wall_ms now = hy_clock_wall_ms();
    bed_start(&b);
    struct daily *d = daily_get(&b.all, "a");
    for (int i = 0; i < 10; i++)
        cr_assert_eq(daily_take(d, 1000, now), 0);
    flush(&b);
    cr_assert_eq(stored(&b, "a", now), 20u, "ten, and ten more until the next flush");
    for (int i = 0; i < 10; i++)
        cr_assert_eq(daily_take(d, 1000, now), 0);
    daily_unref(d);
    bed_end(&b, false);
    bed_start(&b);
    d = daily_get(&b.all, "a");
    cr_assert_geq(daily_total(d, now), 20u, "what was sent behind the last flush counts");
    cr_assert_eq(daily_take(d, 1000, now), 0);
    uint64_t total = daily_total(d, now);
    daily_unref(d);
    bed_end(&b, true);
    bed_start(&b);
    cr_assert_eq(stored(&b, "a", now), total);
    bed_end(&b, true);
    store_dir_remove(&b.dir);
}

Test(daily, a_flush_reaches_more_counters_than_one_write_holds)
{
    enum { MANY = 3 * DAILY_BATCH + 7 };
    struct bed b = {.dir = store_dir_make()};
    hy_wall_ms now = hy_clock_wall_ms();
    static struct daily *d[MANY];
    char key[32];
    bed_start(&b);
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(key, sizeof key, "lane/%u", i);
        d[i] = daily_get(&b.all, key);
        cr_assert_not_null(d[i]);
        cr_assert_eq(daily_take(d[i], 10, now), 0);
    }
    flush(&b);
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(key, sizeof key, "lane/%u", i);
        cr_assert_geq(stored(&b, key, now), 1u, "%s was left out", key);
    }
    /* Those that go on changing do not keep the others away. */
    for (unsigned i = 0; i < DAILY_BATCH; i++)
        cr_assert_eq(daily_take(d[i], 10, now), 0);
    cr_assert_eq(daily_take(d[MANY - 1], 10, now), 0);
    flush(&b);
    snprintf(key, sizeof key, "lane/%u", MANY - 1);
    cr_assert_geq(stored(&b, key, now), 2u);
    for (unsigned i = 0; i < MANY; i++)
        daily_unref(d[i]);
    bed_end(&b, true);
    store_dir_remove(&b.dir);
}

Test(daily, those_that_nobody_uses_make_room_and_are_read_again)
{
    struct bed b = {.dir = store_dir_make()};
    hy_wall_ms now = hy_clock_wall_ms();
    char key[32];
    bed_start(&b);
    struct daily *kept = daily_get(&b.all, "kept"), *first = daily_get(&b.all, "lane/0");
    cr_assert_eq(daily_take(first, 10, now), 0);
    daily_unref(first);
    for (unsigned i = 1; i < DAILIES_MAX - 1; i++) {
        snprintf(key, sizeof key, "lane/%u", i);
        struct daily *d = daily_get(&b.all, key);
        cr_assert_not_null(d);
        daily_unref(d);
    }
    cr_assert_eq(b.all.n, DAILIES_MAX);
    struct daily *more = daily_get(&b.all, "more");
    cr_assert_not_null(more, "one that is idle and stored goes, not the one that has moved");
    cr_assert_eq(b.all.n, DAILIES_MAX);
    struct daily *again = daily_get(&b.all, "lane/0");
    cr_assert_eq(again, first);
    cr_assert_eq(daily_total(again, now), 1u);
    daily_unref(again);
    daily_unref(more);
    daily_unref(kept);
    bed_end(&b, true);
    store_dir_remove(&b.dir);
}

Test(daily, with_all_in_use_there_is_no_more)
{
    struct bed b = {.dir = store_dir_make()};
    static struct daily *all[DAILIES_MAX];
    char key[32];
    bed_start(&b);
    for (unsigned i = 0; i < DAILIES_MAX; i++) {
        snprintf(key, sizeof key, "lane/%u", i);
        all[i] = daily_get(&b.all, key);
        cr_assert_not_null(all[i]);
    }
    cr_expect_null(daily_get(&b.all, "more"));
    daily_unref(all[7]);
    struct daily *more = daily_get(&b.all, "more");
    cr_expect_not_null(more);
    daily_unref(more);
    for (unsigned i = 0; i < DAILIES_MAX; i++)
        if (i != 7)
            daily_unref(all[i]);
    bed_end(&b, true);
    store_dir_remove(&b.dir);
}
