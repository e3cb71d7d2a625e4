/* Sums lie in a table as version, i64 under "sum" be32 lead. */
#include "reacting.h"

#include <criterion/criterion.h>
#include <time.h>

#include "hayauma/base/list.h"
#include "hayauma/store/lead_change.h"
#include "hayauma/store/visitor.h"

struct hy_writer *writer;
struct hy_react *react;
_Atomic unsigned due_calls;

static struct hy_str key_of(uint8_t key[7], hy_lead_no lead)
{
    memcpy(key, "sum", 3);
    hy_put_be32(key + 3, lead);
    return hy_str_make(key, 7);
}

static int64_t sum_in(struct hy_txn *t, hy_lead_no lead)
{
    uint8_t key[7];
    struct hy_str v;
    return hy_get(t, HY_TABLE_ONCE, key_of(key, lead), &v) == 0 ? (int64_t)hy_get_le64(v.p + 1) : 0;
}

static int add_to(struct hy_txn *t, hy_lead_no lead, int64_t by)
{
    uint8_t key[7], value[9] = {1};
    hy_put_le64(value + 1, (uint64_t)(sum_in(t, lead) + by));
    int err = hy_put(t, HY_TABLE_ONCE, key_of(key, lead), hy_str_make(value, 9), HY_PUT_SET);
    return lead == POISON_LEAD ? HY_ECORRUPT : err;
}

static int add_up(void *ctx, struct hy_txn *t, const struct hy_activity *a, int sign)
{
    (void)ctx;
    return add_to(t, a->lead, sign * (int64_t)(a->link ? a->link : 1));
}

static int add_change(void *ctx, struct hy_txn *t, hy_lead_no lead, unsigned what)
{
    (void)ctx;
    cr_assert_eq(what, HY_LEAD_TAGS);
    int err = add_to(t, lead, 1000000);
    bool is_over = sum_in(t, lead) / 1000000 % SLOW_SLICES == 0;
    return !err && lead == SLOW_LEAD && !is_over ? HY_EMORE : err;
}

static int is_due(void *ctx, struct hy_txn *t, hy_wall_ms now, struct hy_react_fault *f)
{
    (void)f;
    (void)ctx;
    (void)t;
    cr_assert_gt(now, 0);
    atomic_fetch_add(&due_calls, 1);
    return 0;
}

const struct hy_react_effects summing = {.note = add_up, .lead = add_change, .due = is_due};

void reacting_writer(void)
{
    const struct hy_writer_options o = {.commit_interval_ms = 5, .retry_ms = 5};
    cr_assert_eq(hy_writer_start(env, &o, &writer), 0);
}

void reacting_open(void)
{
    case_open();
    reacting_writer();
}

void reacting_close(void)
{
    reacting_stop();
    hy_writer_stop(writer);
    case_close();
}

void reacting_start(uint32_t hold_ms)
{
    static struct hy_react_policy policy;
    struct hy_diag diag = {""};
    policy = (struct hy_react_policy){.hold_ms = hold_ms, .effects = summing};
    hy_verdict_settings_init(&policy.verdicts);
    atomic_init(&policy.refs, 1);
    cr_assert_eq(hy_react_start(env, writer, &policy, &diag, &react), 0, "%s", diag.text);
}

void reacting_stop(void)
{
    hy_react_stop(react);
    react = NULL;
}

struct noting {
    struct hy_write_req req; /* first */
    struct hy_activity a;
};

static int apply(struct hy_write_req *r, struct hy_txn *t)
{
    return hy_activity_put(t, &hy_container_of(r, struct noting, req)->a);
}

hy_id noted(struct hy_activity a)
{
    struct noting n = {.req = {.class = HY_WRITE_ADMIN, .apply = apply}, .a = a};
    cr_assert_eq(hy_writer_run(writer, &n.req), 0);
    return n.a.id;
}

static int apply_visit(struct hy_write_req *r, struct hy_txn *t)
{
    struct noting *n = hy_container_of(r, struct noting, req);
    return hy_visitor_put(t, &n->a, 86400000);
}

hy_id visited(struct hy_activity a)
{
    struct noting n = {.req = {.class = HY_WRITE_ADMIN, .apply = apply_visit}, .a = a};
    cr_assert_eq(hy_writer_run(writer, &n.req), 0);
    return n.a.id;
}

struct changing {
    struct hy_write_req req; /* first */
    hy_lead_no leads[1000];
    unsigned n;
};

static int apply_change(struct hy_write_req *r, struct hy_txn *t)
{
    const struct changing *c = hy_container_of(r, struct changing, req);
    return hy_lead_changed(t, HY_LEAD_TAGS, c->leads, c->n);
}

void changed(hy_lead_no first, unsigned n)
{
    struct changing c = {.req = {.class = HY_WRITE_ADMIN, .apply = apply_change}, .n = n};
    for (unsigned i = 0; i < n; i++)
        c.leads[i] = first + i;
    cr_assert_eq(hy_writer_run(writer, &c.req), 0);
}

static void wait_for(hy_id upto, bool is_held, bool is_leads)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    for (;;) {
        struct hy_react_position p = hy_react_position(react);
        if ((is_held ? p.held : is_leads ? p.leads : p.now) >= upto)
            return;
        nanosleep(&pause, NULL);
    }
}

void reacted(hy_id upto)
{
    wait_for(upto, false, false);
}

void reacted_held(hy_id upto)
{
    wait_for(upto, true, false);
}

void reacted_leads(hy_id upto)
{
    wait_for(upto, false, true);
}

int64_t sum_of(hy_lead_no lead)
{
    struct hy_txn t;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    int64_t sum = sum_in(&t, lead);
    hy_txn_end(&t);
    return sum;
}

struct hy_activity activity_now(hy_id id)
{
    struct hy_activity a;
    struct hy_txn t;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_activity_get(&t, id, &a), 0);
    hy_txn_end(&t);
    return a;
}
