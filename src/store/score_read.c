/* Scores read: totals, thresholds, the ledger, reasons. */
#include "hayauma/base/bytes.h"
#include "score_priv.h"

static size_t group_of(struct hy_txn *t, const struct hy_score_plan *plan, uint16_t no)
{
    struct hy_str name;
    size_t i = 0;
    if (hy_score_name_text(t, SCORE_GROUP, no, &name) != 0)
        return plan->n_groups;
    while (i < plan->n_groups && !hy_str_eq(plan->groups[i].name, name))
        i++;
    return i;
}

static int64_t of_group(struct hy_txn *t, const struct hy_score_plan *plan,
                        const struct score_record *r, size_t group, hy_wall_ms now)
{
    struct hy_score_sum sums[SCORE_SUMS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < r->n_sums; i++)
        if (group_of(t, plan, r->sums[i].group) == group)
            sums[n++] = r->sums[i].sum;
    return hy_score_total_milli(sums, n, now);
}

static const struct score_over *over_of(struct hy_txn *t, const struct score_record *r,
                                        struct hy_str name)
{
    static const struct score_over never;
    uint16_t no;
    if (hy_score_name_find(t, SCORE_THRESHOLD, name, &no) != 0)
        return &never;
    for (size_t i = 0; i < r->n_overs; i++)
        if (r->overs[i].threshold == no)
            return &r->overs[i];
    return &never;
}

int hy_score_read(struct hy_txn *t, const struct hy_score_plan *plan, hy_lead_no lead,
                  hy_wall_ms now, struct hy_score *ret)
{
    struct score_record r;
    int err = hy_score_record_get(t, lead, &r);
    if (err)
        return err;
    *ret = (struct hy_score){.total_milli = hy_score_record_total(&r, now)};
    for (size_t i = 0; i < plan->n_groups && r.n_sums; i++)
        ret->groups[i] = of_group(t, plan, &r, i, now);
    for (size_t i = 0; i < plan->n_grades; i++) {
        const struct hy_score_grades *g = &plan->grades[i];
        ret->grades[i] = (uint8_t)hy_score_level(g->levels, g->n, ret->groups[g->group]);
    }
    for (size_t i = 0; i < plan->n_thresholds && r.n_overs; i++) {
        const struct score_over *o = over_of(t, &r, plan->thresholds[i].name);
        ret->thresholds[i].is_over = o->is_over;
        ret->thresholds[i].is_closed = o->is_closed;
        ret->thresholds[i].since = o->since;
    }
    return 0;
}

int hy_score_next_lead(struct hy_txn *t, hy_lead_no after, hy_lead_no *ret)
{
    uint8_t key[4];
    struct hy_cursor c;
    if (after == UINT32_MAX)
        return HY_ENOTFOUND;
    hy_put_be32(key, after + 1);
    int err = hy_cursor_open(t, HY_TABLE_SCORES, &c);
    if (!err)
        err = hy_cursor_seek(&c, hy_str_make(key, sizeof key));
    if (!err && c.key.n != sizeof key)
        err = HY_ECORRUPT;
    if (!err)
        *ret = hy_get_be32(c.key.p);
    hy_cursor_close(&c);
    return err;
}

/* ---- the ledger ---- */

int hy_score_entry_next(struct hy_txn *t, hy_lead_no lead, struct hy_score_place *at,
                        struct score_entry *ret)
{
    uint8_t prefix[4];
    struct hy_cursor c;
    hy_put_be32(prefix, lead);
    int err = hy_cursor_open(t, HY_TABLE_SCORE_LEDGER, &c);
    if (!err)
        err = hy_cursor_seek(&c, at->n ? hy_str_make(at->key, at->n) : hy_str_make(prefix, 4));
    if (!err && at->n && hy_str_eq(c.key, hy_str_make(at->key, at->n)))
        err = hy_cursor_next(&c);
    if (!err && !hy_str_starts(c.key, hy_str_make(prefix, 4)))
        err = HY_ENOTFOUND;
    if (!err && c.key.n > sizeof at->key)
        err = HY_ECORRUPT;
    if (!err)
        err = hy_score_entry_decode(c.key, c.value, ret);
    if (!err) {
        memcpy(at->key, c.key.p, c.key.n);
        at->n = (uint8_t)c.key.n;
    }
    hy_cursor_close(&c);
    return err;
}

int hy_score_ledger_next(struct hy_txn *t, hy_lead_no lead, struct hy_score_place *at,
                         struct hy_score_item *ret)
{
    static const struct hy_str unknown = {"?", 1};
    struct score_entry e;
    int err = hy_score_entry_next(t, lead, at, &e);
    if (err)
        return err;
    struct hy_score_item i = {
        .kind = e.kind == SCORE_CARRIED ? HY_SCORE_CARRIED
                : e.kind == SCORE_GIVEN ? HY_SCORE_GIVEN
                                        : HY_SCORE_WITHDRAWN,
        .rule = unknown,
        .group = unknown,
        .activity = e.activity,
        .at = e.at,
        .points = e.kind == SCORE_CARRIED ? e.worth : e.points,
        .given = e.points,
        .wanted = e.wanted,
        .n = e.n,
        .half_life_s = e.half_life_s,
        .withdrawn = e.withdrawn,
    };
    err = hy_score_name_text(t, SCORE_RULE, e.rule, &i.rule);
    if (!err || err == HY_ENOTFOUND)
        err = hy_score_name_text(t, SCORE_GROUP, e.group, &i.group);
    if (err && err != HY_ENOTFOUND)
        return err;
    *ret = i;
    return 0;
}

double hy_score_item_worth(const struct hy_score_item *i, hy_wall_ms now)
{
    return i->kind == HY_SCORE_WITHDRAWN ? 0
                                         : hy_score_worth(i->points, i->half_life_s, i->at, now);
}

/* ---- reasons ---- */

static void keep_best(struct hy_score_reason *out, size_t max, size_t *n,
                      const struct hy_score_reason *one)
{
    size_t i = *n < max ? (*n)++ : max;
    if (one->times == 0 || one->worth == 0 || (i == max && out[max - 1].worth >= one->worth)) {
        *n = i == max ? *n : *n - 1;
        return;
    }
    for (i = i == max ? max - 1 : i; i > 0 && out[i - 1].worth < one->worth; i--)
        out[i] = out[i - 1];
    out[i] = *one;
}

int hy_score_reasons(struct hy_txn *t, hy_lead_no lead, hy_wall_ms now, struct hy_score_reason *out,
                     size_t max, size_t *ret_n)
{
    struct hy_score_place at = {0};
    struct hy_score_item item;
    struct hy_score_reason one = {0};
    size_t n = 0;
    int err;
    max = max < HY_SCORE_REASONS_MAX ? max : HY_SCORE_REASONS_MAX;
    if (max == 0)
        return HY_EINVAL;
    while ((err = hy_score_ledger_next(t, lead, &at, &item)) == 0) {
        if (!hy_str_eq(item.rule, one.rule)) {
            keep_best(out, max, &n, &one);
            one = (struct hy_score_reason){.rule = item.rule};
        }
        if (item.kind == HY_SCORE_WITHDRAWN || item.points == 0)
            continue;
        one.worth += hy_score_item_worth(&item, now);
        one.times += item.n;
    }
    keep_best(out, max, &n, &one);
    if (err != HY_ENOTFOUND)
        return err;
    *ret_n = n;
    return 0;
}
