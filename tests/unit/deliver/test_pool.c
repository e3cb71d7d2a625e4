#include <criterion/criterion.h>
#include <stdio.h>

#include "fixture.h"
#include "parts.h"

enum { LANES = 4 };

/* Two workers whose lanes share the limits of one provider; nobody runs. */
struct bed {
    struct store_dir dir;
    struct hy_deliver d;
    struct hy_shape_rule rule;
    struct hy_shape_rules rules;
    struct hy_deliver_policy policy;
    struct seat seats[LANES]; /* the even ones of worker 0 */
};

static void limit(struct bed *b, struct hy_provider_limits limits)
{
    b->rule.limits.provider = limits;
    cr_assert_eq(pools_adopt(&b->d, &b->policy), HY_OK);
}

static void bed_open(struct bed *b, struct hy_provider_limits limits)
{
    *b = (struct bed){.dir = store_dir_make()};
    b->d.env = store_open(&b->dir);
    cr_assert_eq(hy_writer_start(b->d.env, &(struct hy_writer_options){.commit_interval_ms = 1},
                                 &b->d.writer),
                 HY_OK);
    dailies_init(&b->d.dailies, b->d.env, b->d.writer);
    pools_init(&b->d.pools);
    b->rule.name = "gmail";
    b->rules.rules = &b->rule;
    b->rules.n_rules = 1;
    b->policy.rules = &b->rules;
    b->d.n_workers = 2;
    for (unsigned i = 0; i < 2; i++) {
        b->d.workers[i].d = &b->d;
        b->d.workers[i].index = i;
        hy_list_init(&b->d.workers[i].seats);
        cr_assert_eq(hy_mailbox_create(16, &b->d.workers[i].mailbox), HY_OK);
    }
    limit(b, limits);
    for (int i = 0; i < LANES; i++) {
        seat_init(&b->seats[i], &b->d.workers[i % 2]);
        seat_move(&b->seats[i], pool_of(&b->policy, &b->rule));
    }
}

static void bed_close(struct bed *b)
{
    for (int i = 0; i < LANES; i++)
        seat_move(&b->seats[i], NULL);
    pools_release(&b->policy);
    pools_close(&b->d.pools);
    dailies_save(&b->d.dailies);
    hy_writer_stop(b->d.writer);
    dailies_close(&b->d.dailies);
    for (unsigned i = 0; i < 2; i++)
        hy_mailbox_free(b->d.workers[i].mailbox);
    hy_env_close(b->d.env);
    store_dir_remove(&b->dir);
}

/* Whether the worker was told that a lane of it may connect; once. */
static bool is_told(struct bed *b, unsigned worker)
{
    bool told = false;
    for (struct hy_msg *m = hy_mailbox_take(b->d.workers[worker].mailbox); m; m = m->next) {
        cr_assert_eq(m->kind, MSG_SEATS);
        told = true;
    }
    atomic_store(&b->d.workers[worker].seats_told, false);
    return told;
}

static struct pool_view look(struct bed *b)
{
    return pool_look(b->seats[0].pool, hy_clock_wall_ms());
}

Test(pool, a_rule_without_limits_of_its_provider_has_no_pool)
{
    struct bed b;
    bed_open(&b, (struct hy_provider_limits){.connections = 2});
    cr_assert_not_null(pool_of(&b.policy, &b.rule));
    cr_assert_null(pool_of(&b.policy, NULL));
    bed_close(&b);
    bed_open(&b, (struct hy_provider_limits){0});
    cr_assert_null(pool_of(&b.policy, &b.rule));
    bed_close(&b);
}

Test(pool, a_seat_goes_to_the_lane_that_waits_longest_whichever_worker_has_it)
{
    struct bed b;
    bed_open(&b, (struct hy_provider_limits){.connections = 2});
    struct pool *p = b.seats[0].pool;
    cr_assert(seat_take(&b.seats[0]));
    cr_assert(seat_take(&b.seats[0]), "a lane may have them all");
    cr_assert(!seat_take(&b.seats[1]));
    cr_assert(!seat_take(&b.seats[2]));
    cr_assert(!seat_take(&b.seats[1]), "to ask again is no second place in the line");
    cr_assert_eq(pool_waiting(p), 2);
    pool_give_back(p, &b.d);
    cr_assert(is_told(&b, 1) && !is_told(&b, 0), "the worker of the first in line");
    cr_assert(!seat_take(&b.seats[0]), "who has had one stands behind those who wait");
    cr_assert(seat_take(&b.seats[1]));
    cr_assert_eq(look(&b).connections, 2);
    pool_give_back(p, &b.d);
    cr_assert(is_told(&b, 0) && !is_told(&b, 1));
    cr_assert(seat_take(&b.seats[2]));
    pool_give_back(p, &b.d);
    pool_give_back(p, &b.d);
    bed_close(&b);
}

Test(pool, who_leaves_the_line_or_does_not_use_a_seat_passes_it_on)
{
    struct bed b;
    bed_open(&b, (struct hy_provider_limits){.connections = 1});
    struct pool *p = b.seats[0].pool;
    cr_assert(seat_take(&b.seats[0]));
    for (int i = 1; i < LANES; i++)
        cr_assert(!seat_take(&b.seats[i]));
    seat_leave(&b.seats[1]);
    cr_assert_eq(pool_waiting(p), 2);
    pool_give_back(p, &b.d);
    cr_assert(is_told(&b, 0));
    seat_leave(&b.seats[2]); /* granted, and not wanted any more */
    cr_assert(is_told(&b, 1));
    cr_assert(seat_take(&b.seats[3]));
    cr_assert_eq(look(&b).connections, 1);
    cr_assert_eq(pool_waiting(p), 0);
    pool_give_back(p, &b.d);
    cr_assert_eq(look(&b).connections, 0);
    bed_close(&b);
}

Test(pool, a_lower_limit_is_a_surplus_and_a_higher_one_lets_those_in_who_wait)
{
    struct bed b;
    bed_open(&b, (struct hy_provider_limits){.connections = 3});
    struct pool *p = b.seats[0].pool;
    for (int i = 0; i < 3; i++)
        cr_assert(seat_take(&b.seats[0]));
    cr_assert(!seat_take(&b.seats[1]));
    struct hy_deliver_policy old = b.policy; /* kept by somebody */
    limit(&b, (struct hy_provider_limits){.connections = 1});
    cr_assert_eq(pool_surplus(p), 2);
    pool_give_back(p, &b.d);
    pool_give_back(p, &b.d);
    cr_assert_eq(pool_surplus(p), 0);
    cr_assert(!is_told(&b, 1), "there is still one too many for another");
    pools_release(&old);
    old = b.policy;
    limit(&b, (struct hy_provider_limits){.connections = 2});
    cr_assert_eq(pool_of(&b.policy, &b.rule), p, "kept by its name");
    cr_assert(is_told(&b, 1));
    cr_assert(seat_take(&b.seats[1]));
    pools_release(&old);
    pool_give_back(p, &b.d);
    pool_give_back(p, &b.d);
    bed_close(&b);
}

Test(pool, connections_start_at_a_rate_of_all_lanes_together_and_what_was_not_used_comes_back)
{
    struct bed b;
    struct hy_provider_limits l = {.connection_rate = {1, 10 * HY_US_PER_SEC}};
    bed_open(&b, l);
    struct pool *p = b.seats[0].pool;
    hy_us now = 1000 * HY_US_PER_SEC;
    cr_assert_eq(pool_take_connect(p, &l, now), 0);
    cr_assert_gt(pool_take_connect(p, &l, now), now);
    pool_put_back_connect(p, &l);
    cr_assert_eq(pool_take_connect(p, &l, now), 0);
    bed_close(&b);
}

Test(pool, a_limit_of_the_day_brings_a_counter_under_the_name_of_the_rule)
{
    struct bed b;
    bed_open(&b, (struct hy_provider_limits){.messages_per_day = 5});
    struct pool *p = b.seats[0].pool;
    struct daily *same = daily_get(&b.d.dailies, "provider/gmail");
    cr_assert_eq(pool_day(p), same);
    hy_wall_ms now = hy_clock_wall_ms();
    cr_assert_eq(daily_take(pool_day(p), 5, now), 0);
    cr_assert_eq(look(&b).sent_today, 1u);
    daily_unref(same);
    bed_close(&b);
}
