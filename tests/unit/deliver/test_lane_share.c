#include <criterion/criterion.h>
#include <stdlib.h>

#include "lane.h"

enum { N = 6 };

static struct hy_tenant tenants[] = {{.number = 0, .name = "default", .weight = 10},
                                     {.number = 1, .name = "heavy", .weight = 30},
                                     {.number = 2, .name = "light", .weight = 10}};
static struct hy_deliver_tenant table[] = {
    {&tenants[0], NULL}, {&tenants[1], NULL}, {&tenants[2], NULL}};
static struct hy_deliver_policy policy = {.tenants = table, .n_tenants = 3};

/* A lane with parts of feeds that never run dry, each of a run of its own. */
struct scene {
    struct hy_deliver *d;
    struct worker *w;
    struct lane l;
    struct run runs[N];
    struct feed *feeds[N];
    struct feed_part parts[N];
    unsigned taken[N];
};

static void set_up(struct scene *s)
{
    *s = (struct scene){0};
    s->d = calloc(1, sizeof *s->d);
    s->w = &s->d->workers[0];
    s->w->d = s->d;
    s->w->policy = &policy;
    s->l = (struct lane){.worker = s->w, .round = 1};
    hy_list_init(&s->l.shares);
    hy_list_init(&s->l.tenants);
    cr_assert_eq(hy_loop_create(&s->w->loop), HY_OK);
}

static void tear_down(struct scene *s)
{
    share_free_all(&s->l);
    cr_expect(hy_list_empty(&s->l.tenants));
    tenants_live_close(&s->d->tenants);
    for (int i = 0; i < N; i++)
        free(s->feeds[i]);
    hy_loop_free(s->w->loop);
    free(s->d);
}

static void come(struct scene *s, int i, uint32_t tenant, uint32_t weight,
                 enum hy_priority priority)
{
    struct run *r = &s->runs[i];
    atomic_init(&r->refs, 1);
    r->plan.tenant = tenant;
    r->plan.brakes.weight = weight;
    r->plan.brakes.priority = priority;
    r->tenant = tenant_live_get(&s->d->tenants, tenant, s->w, 1);
    cr_assert_not_null(r->tenant);
    s->feeds[i] = calloc(1, sizeof(struct feed) + 1);
    s->feeds[i]->run = r;
    s->feeds[i]->cap = 100;
    s->parts[i].feed = s->feeds[i];
    s->parts[i].end = 100;
    hy_list_init(&s->parts[i].link);
    cr_assert_eq(share_add(&s->l, &s->parts[i]), HY_OK);
}

static void leave(struct scene *s, int i)
{
    hy_list_remove(&s->parts[i].link);
    share_leave(&s->parts[i]);
}

/* Takes `n` rows at most and counts whose they are. Returns how many there were. */
static unsigned take(struct scene *s, enum hy_priority priority, unsigned n, hy_us now)
{
    memset(s->taken, 0, sizeof s->taken);
    for (unsigned i = 0; i < n; i++) {
        struct feed_part *p = share_next(&s->l, priority, now);
        if (!p)
            return i;
        s->taken[p - s->parts]++;
        hy_list_push(&p->share->feeds, &p->link);
    }
    return n;
}

Test(lane_share, tenants_share_by_weight_whatever_campaigns_they_have)
{
    struct scene s;
    set_up(&s);
    come(&s, 0, 1, 10, HY_PRIORITY_BULK);
    come(&s, 1, 2, 10, HY_PRIORITY_BULK);
    come(&s, 2, 2, 100, HY_PRIORITY_BULK);
    come(&s, 3, 2, 20, HY_PRIORITY_BULK);
    cr_assert_eq(take(&s, HY_PRIORITY_BULK, 4000, 0), 4000u);
    cr_expect_float_eq(s.taken[0], 3000, 4);
    cr_expect_float_eq(s.taken[1], 1000.0 * 10 / 130, 4);
    cr_expect_float_eq(s.taken[2], 1000.0 * 100 / 130, 4);
    cr_expect_float_eq(s.taken[3], 1000.0 * 20 / 130, 4);
    tear_down(&s);
}

Test(lane_share, one_that_comes_late_has_its_share_at_once_and_no_more)
{
    struct scene s;
    set_up(&s);
    come(&s, 0, 1, 10, HY_PRIORITY_BULK);
    come(&s, 1, 2, 10, HY_PRIORITY_BULK);
    take(&s, HY_PRIORITY_BULK, 10000, 0);
    come(&s, 2, 0, 10, HY_PRIORITY_BULK);
    take(&s, HY_PRIORITY_BULK, 5, 0);
    cr_expect_eq(s.taken[2], 1u, "among the first five");
    take(&s, HY_PRIORITY_BULK, 1000, 0);
    cr_expect_float_eq(s.taken[0], 600, 4);
    cr_expect_float_eq(s.taken[1], 200, 4);
    cr_expect_float_eq(s.taken[2], 200, 4);
    leave(&s, 0);
    take(&s, HY_PRIORITY_BULK, 100, 0);
    cr_expect_float_eq(s.taken[1], 50, 4);
    come(&s, 3, 2, 10, HY_PRIORITY_BULK); /* a second campaign of the second tenant */
    take(&s, HY_PRIORITY_BULK, 1000, 0);
    cr_expect_float_eq(s.taken[1], 250, 4);
    cr_expect_float_eq(s.taken[3], 250, 4);
    cr_expect_float_eq(s.taken[2], 500, 4);
    tear_down(&s);
}

Test(lane_share, a_reload_changes_weights_and_a_tenant_may_be_gone)
{
    struct scene s;
    set_up(&s);
    come(&s, 0, 1, 10, HY_PRIORITY_BULK);
    come(&s, 1, 2, 10, HY_PRIORITY_BULK);
    struct hy_tenant other[] = {{.number = 2, .name = "light", .weight = 90}};
    struct hy_deliver_tenant others[] = {{&other[0], NULL}};
    struct hy_deliver_policy fresh = {.tenants = others, .n_tenants = 1};
    s.w->policy = &fresh;
    share_apply_policy(&s.l);
    take(&s, HY_PRIORITY_BULK, 1000, 0);
    cr_expect_float_eq(s.taken[0], 100, 5);
    cr_expect_float_eq(s.taken[1], 900, 5);
    tear_down(&s);
}

Test(lane_share, priorities_are_asked_apart_but_paid_together)
{
    struct scene s;
    set_up(&s);
    come(&s, 0, 1, 10, HY_PRIORITY_TRANSACTIONAL);
    come(&s, 1, 1, 10, HY_PRIORITY_BULK);
    come(&s, 2, 2, 10, HY_PRIORITY_BULK);
    cr_expect_eq(take(&s, HY_PRIORITY_TRANSACTIONAL, 90, 0), 90u);
    cr_expect_eq(s.taken[0], 90u);
    take(&s, HY_PRIORITY_BULK, 30, 0);
    cr_expect_float_eq(s.taken[2], 30, 2, "the other has had its share");
    take(&s, HY_PRIORITY_BULK, 400, 0);
    cr_expect_float_eq(s.taken[1], 300, 4);
    tear_down(&s);
}

Test(lane_share, a_rate_of_a_tenant_holds_all_its_campaigns_and_nobody_else)
{
    struct scene s;
    set_up(&s);
    tenants[1].rate = (struct hy_rate){.count = 10, .period_us = 1000000};
    come(&s, 0, 1, 10, HY_PRIORITY_BULK);
    come(&s, 1, 1, 10, HY_PRIORITY_TRANSACTIONAL);
    hy_us now = hy_loop_now(s.w->loop);
    unsigned n = 0;
    for (int i = 0; i < 100; i++) { /* ten seconds of the lane */
        s.l.round++;
        n += take(&s, HY_PRIORITY_TRANSACTIONAL, 50, now + i * 100000);
        n += take(&s, HY_PRIORITY_BULK, 50, now + i * 100000);
    }
    cr_expect(n >= 90 && n <= 101, "%u", n);
    cr_expect_not(share_any(&s.l), "who waits for a token has nothing to send");
    come(&s, 2, 2, 10, HY_PRIORITY_BULK);
    s.l.round++;
    cr_expect(share_any(&s.l));
    cr_expect_eq(take(&s, HY_PRIORITY_BULK, 500, now + 10000000), 500u);
    cr_expect(s.taken[0] <= 2 && s.taken[2] >= 498);
    tenants[1].rate = (struct hy_rate){0};
    tear_down(&s);
}

Test(lane_share, a_token_of_the_tenant_comes_back_when_the_campaign_has_none)
{
    struct scene s;
    set_up(&s);
    tenants[1].rate = (struct hy_rate){.count = 100, .period_us = 1000000};
    come(&s, 0, 1, 10, HY_PRIORITY_BULK);
    s.runs[0].plan.brakes.speed = (struct hy_rate){.count = 1, .period_us = 1000000};
    s.runs[0].lines = pace_lines_new(s.w, 1);
    come(&s, 1, 1, 10, HY_PRIORITY_BULK);
    hy_us now = hy_loop_now(s.w->loop);
    unsigned slow = 0, fast = 0;
    for (int i = 0; i < 1000; i++) {
        s.l.round++;
        take(&s, HY_PRIORITY_BULK, 5, now + i * 10000);
        slow += s.taken[0];
        fast += s.taken[1];
    }
    cr_expect(slow >= 9 && slow <= 11, "%u", slow);
    cr_expect(fast >= 930, "%u: the slow one eats no tokens", fast);
    tenants[1].rate = (struct hy_rate){0};
    leave(&s, 0);
    free(s.runs[0].lines);
    tear_down(&s);
}
