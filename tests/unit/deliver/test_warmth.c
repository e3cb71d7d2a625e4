#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "fixture.h"
#include "hayauma/deliver/deliver.h"
#include "warmth.h"

#define DAY   ((hy_wall_ms)24 * 3600 * 1000)
#define START ((hy_wall_ms)1795600800000)

static const uint32_t limits[] = {10, 20, 40, 80};
static const struct hy_warmup_plan plan = {.name = "p", .days = {limits, 4}, .bad_percent = 5};

struct bed {
    struct store_dir dir;
    struct hy_env *env;
    struct hy_writer *writer;
    struct warmths all;
};

static void bed_start(struct bed *b)
{
    b->env = store_open(&b->dir);
    cr_assert_eq(
        hy_writer_start(b->env, &(struct hy_writer_options){.commit_interval_ms = 1}, &b->writer),
        HY_OK);
    warmths_init(&b->all, b->env, b->writer);
}

/* `exact`: in order; otherwise what was not flushed is lost, as with a kill. */
static void bed_end(struct bed *b, bool exact)
{
    if (exact)
        warmths_save(&b->all);
    hy_writer_stop(b->writer);
    warmths_close(&b->all);
    hy_env_close(b->env);
    b->all = (struct warmths){0};
}

static void flush(struct bed *b)
{
    warmths_flush(&b->all);
    pthread_mutex_lock(&b->all.lock);
    while (b->all.is_writing)
        pthread_cond_wait(&b->all.written, &b->all.lock);
    pthread_mutex_unlock(&b->all.lock);
}

static struct warmth *get(struct bed *b, const char *source, hy_wall_ms start, const char *provider,
                          hy_wall_ms now)
{
    const struct hy_deliver_source from = {.name = source, .warmup = &plan, .warmup_start = start};
    struct warmth *w = warmth_get(&b->all, &from, provider, now);
    cr_assert_not_null(w);
    return w;
}

static uint32_t step_of(struct warmth *w, hy_wall_ms now)
{
    return warmth_look(w, &plan, now).step;
}

static uint64_t sent_of(struct warmth *w, hy_wall_ms now)
{
    return warmth_look(w, &plan, now).sent;
}

Test(warmth, the_day_is_shared_by_all_who_ask)
{
    struct bed b = {.dir = store_dir_make()};
    bed_start(&b);
    struct warmth *x = get(&b, "a", START, "gmail", START),
                  *y = get(&b, "a", START, "gmail", START),
                  *z = get(&b, "a", START, "yahoo", START);
    cr_assert(x == y && x != z);
    for (int i = 0; i < 10; i++)
        cr_assert_eq(warmth_take(i % 2 ? x : y, &plan, START), 0);
    cr_expect_eq(warmth_take(x, &plan, START), START + DAY);
    cr_expect_eq(warmth_ask(y, &plan, START), START + DAY);
    cr_expect_eq(warmth_ask(z, &plan, START), 0);
    warmth_give_back(y);
    cr_expect_eq(warmth_take(x, &plan, START), 0, "what came back may go");
    warmth_unref(x);
    warmth_unref(y);
    warmth_unref(z);
    bed_end(&b, true);
    store_dir_remove(&b.dir);
}

Test(warmth, a_kill_counts_no_less_than_was_sent_and_a_stop_counts_exactly)
{
    struct bed b = {.dir = store_dir_make()};
    bed_start(&b);
    struct warmth *w = get(&b, "a", START, "gmail", START);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(warmth_take(w, &plan, START), 0);
    flush(&b);
    for (int i = 0; i < 3; i++) /* at the pace they had, and never flushed */
        cr_assert_eq(warmth_take(w, &plan, START), 0);
    bed_end(&b, false);
    bed_start(&b);
    w = get(&b, "a", START, "gmail", START);
    cr_expect_eq(sent_of(w, START), 6u, "%lu", sent_of(w, START));
    cr_assert_eq(warmth_take(w, &plan, START), 0);
    flush(&b);
    flush(&b);
    bed_end(&b, false);
    bed_start(&b);
    w = get(&b, "a", START, "gmail", START);
    cr_expect_eq(sent_of(w, START), 7u, "once it rests it is written as it is");
    cr_assert_eq(warmth_take(w, &plan, START), 0);
    bed_end(&b, true);
    bed_start(&b);
    cr_expect_eq(sent_of(get(&b, "a", START, "gmail", START), START), 8u);
    bed_end(&b, true);
    store_dir_remove(&b.dir);
}

Test(warmth, a_provider_that_is_mailed_late_begins_where_its_source_began)
{
    struct bed b = {.dir = store_dir_make()};
    bed_start(&b);
    cr_expect_eq(step_of(get(&b, "new", START, "gmail", START), START), 0u);
    cr_expect_eq(step_of(get(&b, "new", START, "yahoo", START + 3 * DAY), START + 3 * DAY), 0u);
    hy_wall_ms second = START + 2 * DAY;
    cr_expect_eq(step_of(get(&b, "known", START, "gmail", second), second), 2u,
                 "taken at its word");
    cr_expect_eq(step_of(get(&b, "known", START, "yahoo", second + 1), second + 1), 2u);
    cr_expect_eq(step_of(get(&b, "known", START + DAY, "gmail", second), second), 1u, "anew");
    bed_end(&b, true);
    bed_start(&b); /* what only the store knows counts as well */
    cr_expect_eq(step_of(get(&b, "new", START, "icloud", START + 3 * DAY), START + 3 * DAY), 0u);
    cr_expect_eq(step_of(get(&b, "known", START, "icloud", START + 3 * DAY), START + 3 * DAY), 2u);
    bed_end(&b, true);
    store_dir_remove(&b.dir);
}

Test(warmth, those_that_nobody_uses_make_room)
{
    struct bed b = {.dir = store_dir_make()};
    const struct hy_deliver_source from = {.name = "last", .warmup = &plan, .warmup_start = START};
    struct warmth **all = calloc(WARMTHS_MAX, sizeof *all);
    char name[16];
    cr_assert_not_null(all);
    bed_start(&b);
    for (int i = 0; i < WARMTHS_MAX; i++) {
        snprintf(name, sizeof name, "s%d", i);
        all[i] = get(&b, name, START, "gmail", START);
    }
    cr_expect_null(warmth_get(&b.all, &from, "gmail", START), "all are in use");
    warmth_unref(all[0]);
    cr_expect_null(warmth_get(&b.all, &from, "gmail", START), "the store does not know it yet");
    warmths_save(&b.all);
    cr_expect_not_null(warmth_get(&b.all, &from, "gmail", START));
    cr_expect_eq(b.all.n, (size_t)WARMTHS_MAX);
    cr_expect_eq(get(&b, "s1", START, "gmail", START), all[1]);
    bed_end(&b, true);
    free(all);
    store_dir_remove(&b.dir);
}
