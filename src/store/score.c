/* Points given for what leads do and are, and read. */
#include "hayauma/store/score.h"

#include "activity.h"
#include "hayauma/base/bytes.h"
#include "hayauma/store/lead_alias.h"
#include "hayauma/store/lead_set.h"
#include "score_priv.h"

static hy_wall_ms moment_of(const struct hy_activity *a)
{
    hy_wall_ms noted = hy_id_time(a->id);
    return a->at < noted ? a->at : noted;
}

static void say(bool *ret_changed, const struct score_book *b)
{
    if (ret_changed)
        *ret_changed = b->is_changed;
}

/* ---- what leads do ---- */

/* Rules found before anything is written: what is asked for them may be views of the store. */
struct chosen {
    uint64_t bits[(HY_SCORE_RULES_MAX + 63) / 64];
};

static void choose(struct chosen *c, size_t rule)
{
    c->bits[rule / 64] |= UINT64_C(1) << rule % 64;
}

static bool is_chosen(const struct chosen *c, size_t rule)
{
    return c->bits[rule / 64] >> rule % 64 & 1;
}

static bool is_for(const struct hy_score_rule *r, const struct hy_activity *a,
                   const struct hy_segment_deed *deed)
{
    return r->on && r->on->did == a->kind && hy_segment_matches(r->on, deed);
}

int hy_score_book_note(struct score_book *b, const struct hy_activity *a,
                       const struct hy_segment_deed *deed)
{
    struct chosen c = {0};
    hy_id id = a->id;
    hy_wall_ms at = moment_of(a);
    int err = 0;
    for (size_t i = 0; i < b->plan->n_rules; i++)
        if (is_for(&b->plan->rules[i], a, deed))
            choose(&c, i);
    for (size_t i = 0; i < b->plan->n_rules && !err; i++)
        if (is_chosen(&c, i))
            err = hy_score_book_give(b, &b->plan->rules[i], id, at);
    return err;
}

bool hy_score_is_of_interest(const struct hy_score_plan *plan, enum hy_activity_kind kind)
{
    for (size_t i = 0; i < plan->n_rules; i++)
        if (plan->rules[i].on && plan->rules[i].on->did == kind)
            return true;
    return false;
}

/* What sales say became of it. */
static void close_all(struct score_book *b, struct hy_str result, bool *ret_closed)
{
    bool is_end =
        hy_str_ieq(result, HY_STR(HY_SALES_WON)) || hy_str_ieq(result, HY_STR(HY_SALES_LOST));
    for (size_t i = 0; i < b->r.n_overs; i++)
        if (is_end || hy_str_ieq(result, HY_STR(HY_SALES_RECYCLED)))
            b->r.overs[i].is_closed = is_end;
    *ret_closed = b->r.n_overs > 0;
}

int hy_scores_note(struct hy_txn *t, const struct hy_score_plan *plan, const struct hy_activity *a,
                   const struct hy_segment_deed *deed, int sign, bool *ret_changed)
{
    struct score_book b = {0};
    say(ret_changed, &b);
    bool is_sales = a->kind == HY_ACTIVITY_SALES && sign > 0, is_closed = false;
    if (!a->lead || (sign > 0 && !is_sales && !hy_score_is_of_interest(plan, a->kind)))
        return 0;
    int err = hy_score_book_open(t, plan, a->lead, &b);
    if (!err && is_sales)
        close_all(&b, a->text, &is_closed);
    if (!err)
        err = sign > 0 ? hy_score_book_note(&b, a, deed)
                       : hy_score_book_withdraw(&b, a->id, moment_of(a));
    if (!err && (b.is_changed || is_closed))
        err = hy_score_settle(&b, false);
    if (!err)
        say(ret_changed, &b);
    return err;
}

/* ---- what leads are ---- */

/* The entry of a rule with `when`. HY_ENOTFOUND. */
static int standing_of(struct score_book *b, const struct hy_score_rule *r, struct score_entry *ret)
{
    uint8_t room[SCORE_KEY];
    uint16_t no;
    struct hy_cursor c;
    int err = hy_score_name_find(b->t, SCORE_RULE, r->name, &no);
    if (err)
        return err;
    err = hy_cursor_open(b->t, HY_TABLE_SCORE_LEDGER, &c);
    if (!err)
        err = hy_cursor_prefix_first(&c, hy_score_rule_prefix(b->lead, no, SCORE_GIVEN, room));
    if (!err)
        err = hy_score_entry_decode(c.key, c.value, ret);
    hy_cursor_close(&c);
    return err;
}

static int review_one(struct score_book *b, const struct hy_score_rule *r, bool is_true)
{
    struct score_entry e;
    int err = standing_of(b, r, &e);
    if (err && err != HY_ENOTFOUND)
        return err;
    bool is_given = !err, is_same = is_given && e.print == r->print && e.activity == 0;
    err = 0;
    if (is_given && !(is_true && is_same))
        err = hy_score_book_take(b, &e, e.activity != 0);
    if (!err && is_true && !is_same)
        err = hy_score_book_give(b, r, 0, b->t->now);
    return err;
}

int hy_score_book_review(struct score_book *b, const struct hy_segment_facts *facts)
{
    const struct hy_score_rule *rules = b->plan->rules;
    struct chosen c = {0};
    int err = 0;
    for (size_t i = 0; i < b->plan->n_rules; i++)
        if (rules[i].when && facts && hy_segment_is_true(rules[i].when, facts))
            choose(&c, i);
    for (size_t i = 0; i < b->plan->n_rules && !err; i++)
        if (rules[i].when)
            err = review_one(b, &rules[i], is_chosen(&c, i));
    return err;
}

static bool has_when(const struct hy_score_plan *plan)
{
    for (size_t i = 0; i < plan->n_rules; i++)
        if (plan->rules[i].when)
            return true;
    return false;
}

int hy_scores_review(struct hy_txn *t, const struct hy_score_plan *plan, hy_lead_no lead,
                     const struct hy_segment_facts *facts, bool *ret_changed)
{
    struct score_book b = {0};
    say(ret_changed, &b);
    if (!lead || !has_when(plan))
        return 0;
    int err = hy_score_book_open(t, plan, lead, &b);
    if (!err)
        err = hy_score_book_review(&b, facts);
    if (!err && b.is_changed)
        err = hy_score_settle(&b, false);
    if (!err)
        say(ret_changed, &b);
    return err;
}

/* ---- what was trimmed ---- */

void hy_score_book_carry(struct score_book *b, const struct score_entry *e)
{
    struct score_sum *s = hy_score_record_sum(&b->r, e->group, e->half_life_s);
    if (!s)
        return;
    struct hy_score_sum one = {.value = e->worth, .at = e->at, .half_life_s = e->half_life_s};
    hy_wall_ms at = s->sum.at > one.at ? s->sum.at : one.at;
    s->sum.value = hy_score_sum_at(&s->sum, at) + hy_score_sum_at(&one, at);
    s->sum.at = at;
    s->n += e->n;
    b->is_changed = true;
}

/* Adds to what is carried of its rule, group and half-life. */
static int put_carried(struct hy_txn *t, const struct score_entry *e)
{
    struct score_entry c = *e;
    c.kind = SCORE_CARRIED;
    int err = hy_score_entry_get(t, &c);
    if (err == HY_ENOTFOUND) {
        c = *e;
        c.kind = SCORE_CARRIED;
        return hy_score_entry_put(t, &c);
    }
    if (err)
        return err;
    struct hy_score_sum sum = {.value = c.worth, .at = c.at, .half_life_s = c.half_life_s};
    struct hy_score_sum other = {.value = e->worth, .at = e->at, .half_life_s = e->half_life_s};
    hy_wall_ms at = c.at > e->at ? c.at : e->at;
    c.worth = hy_score_sum_at(&sum, at) + hy_score_sum_at(&other, at);
    c.at = at;
    c.points += e->points;
    c.n += e->n;
    return hy_score_entry_put(t, &c);
}

static int carry_one(struct hy_txn *t, struct score_entry *e)
{
    uint8_t key[SCORE_KEY];
    int err = hy_score_entry_get(t, e);
    if (!err)
        err = hy_del(t, HY_TABLE_SCORE_LEDGER, hy_score_entry_key(e, key));
    if (err || e->points == 0 || e->kind == SCORE_WITHDRAWN)
        return err;
    e->worth = e->points;
    e->activity = 0;
    return put_carried(t, e);
}

int hy_scores_carry(struct hy_txn *t, const struct hy_activity *a)
{
    struct score_entry e = {.rule = 0};
    int err = a->lead ? hy_lead_kept(t, a->lead, &e.lead) : HY_ENOTFOUND;
    if (!err)
        err = hy_score_next_rule(t, e.lead, 0, &e.rule);
    while (!err) {
        static const enum score_entry_kind kinds[] = {SCORE_GIVEN, SCORE_WITHDRAWN};
        for (size_t i = 0; i < 2 && (!err || err == HY_ENOTFOUND); i++) {
            struct score_entry there = {.lead = e.lead,
                                        .rule = e.rule,
                                        .kind = kinds[i],
                                        .at = moment_of(a),
                                        .activity = a->id};
            err = carry_one(t, &there);
        }
        if (!err || err == HY_ENOTFOUND)
            err = hy_score_next_rule(t, e.lead, e.rule, &e.rule);
    }
    return err == HY_ENOTFOUND ? 0 : err;
}

/* The first entry of a rule is a carried one, when there is one. HY_ENOTFOUND. */
static int first_carried(struct hy_txn *t, hy_lead_no lead, uint16_t rule, struct score_entry *ret)
{
    uint8_t room[SCORE_KEY];
    struct hy_cursor c;
    int err = hy_cursor_open(t, HY_TABLE_SCORE_LEDGER, &c);
    if (!err)
        err = hy_cursor_prefix_first(&c, hy_score_rule_prefix(lead, rule, SCORE_CARRIED, room));
    if (!err)
        err = hy_score_entry_decode(c.key, c.value, ret);
    hy_cursor_close(&c);
    return err;
}

static int move_carried(struct hy_txn *t, hy_lead_no from, uint16_t rule, hy_lead_no into)
{
    uint8_t key[SCORE_KEY];
    struct score_entry e;
    int err;
    while ((err = first_carried(t, from, rule, &e)) == 0) {
        err = hy_del(t, HY_TABLE_SCORE_LEDGER, hy_score_entry_key(&e, key));
        e.lead = into;
        if (!err)
            err = put_carried(t, &e);
        if (err)
            return err;
    }
    return err == HY_ENOTFOUND ? 0 : err;
}

int hy_scores_join(struct hy_txn *t, hy_lead_no from, hy_lead_no into)
{
    uint16_t rule = 0;
    int err = hy_score_next_rule(t, from, 0, &rule);
    while (!err) {
        err = move_carried(t, from, rule, into);
        if (!err)
            err = hy_score_next_rule(t, from, rule, &rule);
    }
    if (err == HY_ENOTFOUND)
        err = hy_scores_erase(t, from);
    return err == HY_EMORE ? 0 : err;
}
