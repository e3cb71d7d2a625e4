/* What a campaign brought: for each of its goals, who did what it names within so long of a click,
 * an open or the delivery. Nothing is kept of this: it is read from the activities of those leads
 * when the report is asked for. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "ctl_common.h"
#include "hayauma/base/zone.h"
#include "hayauma/config/campaign_file.h"
#include "hayauma/react/facts.h"
#include "hayauma/store/activity.h"
#include "hayauma/store/campaign_report.h"
#include "report.h"

enum {
    LOOKS_MAX = 4096, /* latest activities of a lead that are looked at */
    BEGINS_MAX = 64,  /* clicks of a lead from which a goal is reached */
    CURRENCIES = 8,
    CURRENCY_MAX = 8,
    GONE_MAX = 64, /* orders of a lead that were cancelled or given back */
    ORDER_MAX = 64,
};

struct money {
    char currency[CURRENCY_MAX + 1];
    double sum;
    uint64_t n;
};

struct goal {
    const struct hy_bundle_goal *told;
    const struct hy_segment_node *did;
    uint64_t people, conversions;
    struct money money[CURRENCIES];
    size_t n_money;
    bool has_lead; /* of the lead that is looked at */
};

struct goals {
    struct report *r;
    struct hy_deed *deed;
    struct goal *items;
    size_t n;
    enum hy_goal_after after; /* those of this kind are looked at */
    uint64_t n_leads;
    int err;
};

/* A lead, from when on its activities count. */
struct begins {
    hy_wall_ms at[BEGINS_MAX];
    size_t n;
};

/* ---- one activity ---- */

static void add_money(struct goal *g, struct hy_str currency, struct hy_str amount)
{
    double sum = 0;
    size_t i = 0;
    char text[48];
    if (amount.n == 0)
        return;
    snprintf(text, sizeof text, "%.*s", HY_STR_ARG(amount));
    sum = strtod(text, NULL);
    currency = hy_str_slice(currency, 0, CURRENCY_MAX);
    while (i < g->n_money && !hy_str_eq(hy_str_of(g->money[i].currency), currency))
        i++;
    if (i == CURRENCIES)
        return; /* nobody sells in so many */
    if (i == g->n_money)
        snprintf(g->money[g->n_money++].currency, CURRENCY_MAX + 1, "%.*s", HY_STR_ARG(currency));
    g->money[i].sum += sum;
    g->money[i].n++;
}

static bool is_in_time(const struct goal *g, const struct begins *b, hy_wall_ms at)
{
    for (size_t i = 0; i < b->n; i++)
        if (at >= b->at[i] && at - b->at[i] <= g->told->within_us / 1000)
            return true;
    return false;
}

static void look(struct goals *all, const struct hy_activity *a, const struct begins *b)
{
    const struct hy_segment_deed *deed = NULL;
    for (size_t i = 0; i < all->n; i++) {
        struct goal *g = &all->items[i];
        if (g->told->after != all->after || a->kind != g->did->did ||
            !is_in_time(g, b, hy_deed_moment(a)))
            continue;
        if (!deed)
            deed = hy_deed_of(all->deed, all->r->t, a);
        if (!hy_deed_counts(all->deed, a) || !hy_segment_matches(g->did, deed))
            continue;
        g->conversions++;
        g->people += !g->has_lead;
        g->has_lead = true;
        if (a->kind == HY_ACTIVITY_ORDER)
            add_money(g, deed->value(deed->ctx, HY_STR("meta.currency")),
                      deed->value(deed->ctx, HY_STR("amount")));
    }
}

/* ---- one lead ---- */

static bool is_begin(const struct goals *all, const struct hy_activity *a)
{
    enum hy_activity_kind kind =
        all->after == HY_GOAL_AFTER_CLICK ? HY_ACTIVITY_CLICK : HY_ACTIVITY_OPEN;
    return a->campaign == all->r->c.id && a->kind == kind &&
           hy_tally_who(a->flags) == HY_TALLY_HUMAN;
}

/* Orders that came to nothing, by their numbers. */
struct gone {
    char order[GONE_MAX][ORDER_MAX + 1];
    size_t n;
};

/* Whether an order is cancelled by what came later; what cancels is remembered. Activities come
 * from the latest to the first. */
static bool is_gone(struct goals *all, const struct hy_activity *a, struct gone *gone)
{
    if (a->kind != HY_ACTIVITY_ORDER)
        return false;
    const struct hy_segment_deed *deed = hy_deed_of(all->deed, all->r->t, a);
    struct hy_str status = deed->value(deed->ctx, HY_STR("meta.status"));
    bool ends = hy_str_eq(status, HY_STR("cancelled")) || hy_str_eq(status, HY_STR("refunded"));
    struct hy_str order = deed->value(deed->ctx, HY_STR("meta.order"));
    if (order.n == 0 || order.n > ORDER_MAX)
        return ends;
    for (size_t i = 0; i < gone->n; i++)
        if (hy_str_eq(hy_str_of(gone->order[i]), order))
            return true;
    if (ends && gone->n < GONE_MAX)
        snprintf(gone->order[gone->n++], ORDER_MAX + 1, "%.*s", HY_STR_ARG(order));
    return ends;
}

typedef void lead_fn(struct goals *all, const struct hy_activity *a, struct begins *b,
                     struct gone *gone);

static int walk(struct goals *all, hy_lead_no lead, lead_fn *fn, struct begins *b)
{
    const struct hy_activity_who who = {.by = HY_ACTIVITY_BY_LEAD, .lead = lead};
    struct hy_activity a = {.id = 0};
    struct gone gone = {.n = 0};
    for (unsigned i = 0; i < LOOKS_MAX; i++) {
        int err = hy_activity_prev_of(all->r->t, &who, a.id, &a);
        if (err || a.id < all->r->c.id)
            return err == HY_ENOTFOUND ? HY_OK : err;
        fn(all, &a, b, &gone);
    }
    return HY_OK;
}

static void find_begin(struct goals *all, const struct hy_activity *a, struct begins *b,
                       struct gone *gone)
{
    (void)gone;
    if (is_begin(all, a) && b->n < BEGINS_MAX)
        b->at[b->n++] = a->at;
}

static void find_reached(struct goals *all, const struct hy_activity *a, struct begins *b,
                         struct gone *gone)
{
    if (!is_gone(all, a, gone))
        look(all, a, b);
}

static int look_at_lead(struct goals *all, hy_lead_no lead, hy_wall_ms delivered)
{
    struct begins b = {.n = 0};
    int err = HY_OK;
    if (delivered)
        b.at[b.n++] = delivered;
    else
        err = walk(all, lead, find_begin, &b);
    for (size_t i = 0; i < all->n; i++)
        all->items[i].has_lead = false;
    if (err == HY_OK && b.n)
        err = walk(all, lead, find_reached, &b);
    if (++all->n_leads % 10000 == 0 && all->r->wish->progress)
        all->r->wish->progress(all->r->wish->ctx, "leads", all->n_leads);
    return err ? err : report_is_over(all->r) ? HY_ECANCELED : HY_OK;
}

/* ---- everybody who is concerned ---- */

static int look_at_set(struct goals *all, enum hy_lead_set_deed deed)
{
    const struct hy_lead_set set = {
        .kind = HY_LEAD_SET_CAMPAIGN, .no = all->r->c.id, .what = (uint8_t)deed};
    hy_lead_no leads[512], after = 0;
    size_t n = 512;
    int err = HY_OK;
    while (err == HY_OK && n == 512) {
        err = hy_lead_set_next(all->r->t, set, after, leads, 512, &n);
        for (size_t i = 0; err == HY_OK && i < n; i++)
            err = look_at_lead(all, leads[i], 0);
        after = n ? leads[n - 1] : after;
    }
    return err;
}

static void on_end(void *ctx, enum hy_rcpt_state state, hy_lead_no lead, hy_wall_ms at)
{
    struct goals *all = ctx;
    if (all->err == HY_OK && state == HY_RCPT_DELIVERED)
        all->err = look_at_lead(all, lead, at);
}

static int look_at_delivered(struct goals *all)
{
    const struct hy_report_ends ends = {on_end, all};
    struct hy_domain_report r = {.domain = 0};
    int err = HY_OK;
    while (err == HY_OK && all->err == HY_OK)
        err = hy_campaign_report_next(all->r->t, all->r->c.id, r.domain, &ends, &r);
    return all->err ? all->err : err == HY_ENOTFOUND ? HY_OK : err;
}

static int look_at_all(struct goals *all)
{
    int err = HY_OK;
    bool has[HY_GOAL_AFTER_DELIVERY + 1] = {false};
    for (size_t i = 0; i < all->n; i++)
        has[all->items[i].told->after] = true;
    for (unsigned after = 1; err == HY_OK && after <= HY_GOAL_AFTER_DELIVERY; after++) {
        all->after = (enum hy_goal_after)after;
        if (!has[after])
            continue;
        err = after == HY_GOAL_AFTER_CLICK  ? look_at_set(all, HY_LEAD_SET_CLICKED)
              : after == HY_GOAL_AFTER_OPEN ? look_at_set(all, HY_LEAD_SET_OPENED)
                                            : look_at_delivered(all);
    }
    return err;
}

/* ---- telling ---- */

static void put_goal(json_t *out, const struct goal *g, const struct money *m)
{
    static const char *const afters[] = {"", "click", "open", "delivery"};
    char within[48];
    int64_t s = g->told->within_us / 1000000;
    json_t *o = json_object();
    snprintf(within, sizeof within, "%" PRId64 "%s",
             s % 86400 == 0  ? s / 86400
             : s % 3600 == 0 ? s / 3600
                             : s / 60,
             s % 86400 == 0  ? "d"
             : s % 3600 == 0 ? "h"
                             : "m");
    json_object_set_new(o, "goal", ctl_text_json(g->told->name));
    json_object_set_new(o, "when", ctl_text_json(g->told->activity));
    json_object_set_new(o, "within", json_string(within));
    json_object_set_new(o, "after", json_string(afters[g->told->after]));
    ctl_set_count(o, "conversions", g->conversions);
    ctl_set_count(o, "people", g->people);
    json_object_set_new(o, "currency", ctl_text_json(hy_str_of(m ? m->currency : "")));
    json_object_set_new(o, "revenue", json_real(m ? m->sum : 0));
    json_array_append_new(out, o);
}

static json_t *goals_json(const struct goals *all)
{
    json_t *out = json_array();
    for (size_t i = 0; i < all->n; i++) {
        const struct goal *g = &all->items[i];
        for (size_t k = 0; k < g->n_money; k++)
            put_goal(out, g, &g->money[k]);
        if (g->n_money == 0)
            put_goal(out, g, NULL);
    }
    return out;
}

static int read_goals(struct goals *all, const struct hy_bundle *b, struct hy_arena *arena)
{
    struct hy_diag diag = {""};
    all->items = hy_arena_zalloc(arena, (b->n_goals + 1) * sizeof *all->items);
    if (!all->items)
        return HY_ENOMEM;
    for (size_t i = 0; i < b->n_goals; i++) {
        struct goal *g = &all->items[all->n];
        g->told = &b->goals[i];
        int err = hy_segment_parse(g->told->activity, arena, &diag, &g->did);
        if (err == HY_ENOMEM)
            return err;
        all->n += err == HY_OK && g->did->kind == HY_SEGMENT_DID; /* it was checked when made */
    }
    return HY_OK;
}

int report_goals_put(struct report *r)
{
    HY_CLEANUP(hy_arena_free)
    struct hy_arena arena = HY_ARENA_INIT(4 << 20);
    HY_CLEANUP(hy_buf_free)
    struct hy_buf bytes = HY_BUF_INIT(HY_CAMPAIGN_BUNDLE_MAX);
    struct goals all = {.r = r};
    struct hy_bundle b = {.n_goals = 0};
    int err = hy_campaign_bundle(r->t, r->c.id, &bytes);
    if (err == HY_OK)
        err = hy_bundle_decode(hy_buf_str(&bytes), &arena, &b);
    if (err != HY_OK)
        b.n_goals = 0; /* which the links tell */
    err = read_goals(&all, &b, &arena);
    if (err == HY_OK && all.n)
        err = hy_deed_new(&all.deed);
    if (err == HY_OK)
        err = look_at_all(&all);
    if (err == HY_OK)
        json_object_set_new(r->o, "goals", goals_json(&all));
    hy_deed_free(all.deed);
    return err;
}
