/* Points of one lead given and taken back. A rule without a limit gives each activity its points.
 * One with a limit gives what earlier activities left: when one is put among others or taken out,
 * those behind it are given anew, up to where the limit has forgotten it. An activity for which
 * nothing is left has an entry of no points, which says until when that is so: a flood of them
 * costs one look each. */
#include "hayauma/base/bytes.h"
#include "score_priv.h"

static bool is_limited(const struct hy_score_rule *r)
{
    return r->is_first_only || r->most != 0;
}

void hy_score_book_add(struct score_book *b, const struct score_entry *e, int32_t points, int n)
{
    struct score_sum *s = hy_score_record_sum(&b->r, e->group, e->half_life_s);
    if (!s)
        return;
    hy_score_sum_add(&s->sum, points, e->at);
    s->n = n < 0 && s->n < (uint32_t)-n ? 0 : s->n + (uint32_t)n;
    if (s->n == 0) /* nothing is in it: exactly 0, whatever was rounded */
        *s = b->r.sums[--b->r.n_sums];
    b->is_changed = true;
}

/* ---- a rule with a limit ---- */

/* A walk over what a rule gave: `head` goes on, `tail` stays behind at the first entry that gave
 * something within the limit's time. */
struct walk {
    struct score_book *b;
    const struct hy_score_rule *rule;
    const struct score_entry *from; /* what is behind it is given anew */
    hy_wall_ms per;                 /* the limit's time */
    struct hy_cursor head, tail;
    struct score_entry first; /* at the tail */
    int64_t given;            /* from the tail up to the head */
    int64_t carried;          /* by trimmed activities, the last at `carried_at` */
    hy_wall_ms carried_at;
    hy_wall_ms changed; /* the last entry that was */
};

static bool is_before(const struct score_entry *a, const struct score_entry *b)
{
    return a->at < b->at || (a->at == b->at && a->activity < b->activity);
}

static int read_at(struct hy_cursor *c, struct score_entry *ret)
{
    int err = hy_score_entry_decode(c->key, c->value, ret);
    return err ? hy_txn_fail(c->txn, err) : 0;
}

static int read_carried(struct walk *w)
{
    uint8_t room[SCORE_KEY];
    struct hy_str prefix = hy_score_rule_prefix(w->b->lead, w->from->rule, SCORE_CARRIED, room);
    struct score_entry e;
    struct hy_cursor c;
    int err = hy_cursor_open(w->b->t, HY_TABLE_SCORE_LEDGER, &c);
    if (!err)
        err = hy_cursor_prefix_first(&c, prefix);
    while (!err) {
        err = read_at(&c, &e);
        if (err)
            break;
        w->carried += e.points;
        w->carried_at = e.at > w->carried_at ? e.at : w->carried_at;
        err = hy_cursor_prefix_next(&c, prefix);
    }
    hy_cursor_close(&c);
    return err == HY_ENOTFOUND ? 0 : err;
}

/* The tail follows to what gave something within the time before `e`, or to `e`. */
static int move_tail(struct walk *w, const struct score_entry *e)
{
    hy_wall_ms oldest = w->per == INT64_MAX ? INT64_MIN : e->at - w->per;
    int err = read_at(&w->tail, &w->first);
    while (!err && is_before(&w->first, e) && (w->first.at <= oldest || w->first.points == 0)) {
        w->given -= w->first.points;
        err = hy_cursor_next(&w->tail);
        if (!err)
            err = read_at(&w->tail, &w->first);
    }
    return err;
}

/* What earlier entries left for `e`, and until when that is nothing. */
static void grant(const struct walk *w, struct score_entry *e)
{
    const struct hy_score_rule *r = w->rule;
    int64_t given = w->given;
    hy_wall_ms first = is_before(&w->first, e) ? w->first.at : e->at;
    if (w->carried != 0 && (r->is_first_only || w->carried_at > e->at - w->per)) {
        given += w->carried;
        first = w->carried_at < first ? w->carried_at : first;
    }
    struct hy_score_entry before = {.at = e->at, .points = (int32_t)given};
    e->points = hy_score_grant(r, &before, given != 0, e->at);
    given += e->points;
    e->shut_until = 0;
    if (r->is_first_only)
        e->shut_until = INT64_MAX;
    else if (r->most > 0 ? given >= r->most : given <= r->most)
        e->shut_until = first + w->per;
}

static int give_one(struct walk *w, const struct score_entry *was)
{
    struct score_entry e = *was;
    int err = move_tail(w, &e);
    if (err)
        return err;
    if (e.print == w->rule->print)
        grant(w, &e);
    w->given += e.points;
    if (e.points == was->points && e.shut_until == was->shut_until)
        return 0;
    if (e.points != was->points) {
        w->changed = e.at;
        hy_score_book_add(w->b, &e, e.points - was->points, (e.points != 0) - (was->points != 0));
    }
    return hy_score_entry_replace(&w->head, &e);
}

static int walk_on(struct walk *w)
{
    uint8_t room[SCORE_KEY];
    struct hy_str prefix = hy_score_rule_prefix(w->b->lead, w->from->rule, SCORE_GIVEN, room);
    struct score_entry e, start = *w->from;
    start.at = w->per > start.at ? 0 : start.at - w->per + 1;
    start.activity = 0;
    uint8_t key[SCORE_KEY];
    struct hy_str since = hy_score_entry_key(&start, key);
    int err = hy_cursor_seek(&w->tail, since);
    if (!err)
        err = hy_cursor_seek(&w->head, since);
    while (!err && hy_str_starts(w->head.key, prefix)) {
        err = read_at(&w->head, &e);
        if (!err && is_before(&e, w->from))
            w->given += e.points;
        else if (!err && e.at - w->changed >= w->per)
            break; /* the limit has forgotten what was changed */
        else if (!err)
            err = give_one(w, &e);
        if (!err)
            err = hy_cursor_next(&w->head);
    }
    return err == HY_ENOTFOUND ? 0 : err;
}

/* Gives anew what is at `from` (which need not be there) and behind it. */
static int give_anew(struct score_book *b, const struct hy_score_rule *r,
                     const struct score_entry *from)
{
    struct walk w = {.b = b, .rule = r, .from = from, .changed = from->at};
    w.per = r->is_first_only ? INT64_MAX : (hy_wall_ms)r->most_per_s * 1000;
    int err = read_carried(&w);
    if (!err)
        err = hy_cursor_open(b->t, HY_TABLE_SCORE_LEDGER, &w.tail);
    if (!err)
        err = hy_cursor_open(b->t, HY_TABLE_SCORE_LEDGER, &w.head);
    if (!err)
        err = walk_on(&w);
    hy_cursor_close(&w.head);
    hy_cursor_close(&w.tail);
    return err;
}

/* Whether the entry before `e` says that nothing is left at its moment; *ret_until then. */
static int is_shut(struct score_book *b, const struct score_entry *e, hy_wall_ms *ret_until)
{
    uint8_t room[SCORE_KEY], key[SCORE_KEY];
    struct hy_str prefix = hy_score_rule_prefix(b->lead, e->rule, SCORE_GIVEN, room);
    struct score_entry before;
    struct hy_cursor c;
    int err = hy_cursor_open(b->t, HY_TABLE_SCORE_LEDGER, &c);
    if (!err)
        err = hy_cursor_seek(&c, hy_score_entry_key(e, key));
    if (!err)
        err = hy_cursor_prev(&c);
    else if (err == HY_ENOTFOUND)
        err = hy_cursor_last(&c);
    *ret_until = 0;
    if (!err && hy_str_starts(c.key, prefix)) {
        err = read_at(&c, &before);
        if (!err && before.print == e->print && before.shut_until > e->at)
            *ret_until = before.shut_until;
    }
    hy_cursor_close(&c);
    return err == HY_ENOTFOUND ? 0 : err;
}

/* ---- one activity ---- */

static int give_limited(struct score_book *b, const struct hy_score_rule *rule,
                        struct score_entry *e)
{
    int err = is_shut(b, e, &e->shut_until);
    if (err)
        return err;
    bool is_nothing_left = e->shut_until != 0;
    err = hy_score_entry_put(b->t, e);
    return err || is_nothing_left ? err : give_anew(b, rule, e);
}

/* An activity that is given again was withdrawn before, perhaps. */
static int drop_withdrawn(struct score_book *b, struct score_entry e)
{
    uint8_t key[SCORE_KEY];
    e.kind = SCORE_WITHDRAWN;
    int err = hy_del(b->t, HY_TABLE_SCORE_LEDGER, hy_score_entry_key(&e, key));
    return err == HY_ENOTFOUND ? 0 : err;
}

int hy_score_book_give(struct score_book *b, const struct hy_score_rule *rule, hy_id activity,
                       hy_wall_ms at)
{
    struct score_entry e = {.lead = b->lead, .kind = SCORE_GIVEN, .at = at, .activity = activity};
    int err = hy_score_name_intern(b->t, SCORE_RULE, rule->name, &e.rule);
    if (!err)
        err = hy_score_name_intern(b->t, SCORE_GROUP, b->plan->groups[rule->group].name, &e.group);
    if (err)
        return err;
    struct score_entry there = e;
    err = hy_score_entry_get(b->t, &there);
    if (err != HY_ENOTFOUND)
        return err;
    err = drop_withdrawn(b, e);
    if (err)
        return err;
    e.half_life_s = rule->half_life_s;
    e.wanted = rule->points;
    e.print = rule->print;
    e.n = 1;
    if (!hy_score_record_sum(&b->r, e.group, e.half_life_s)) /* no room: told as a cut one */
        return hy_score_entry_put(b->t, &e);
    if (is_limited(rule))
        return give_limited(b, rule, &e);
    e.points = rule->points;
    hy_score_book_add(b, &e, e.points, 1);
    return hy_score_entry_put(b->t, &e);
}

/* The rule of the plan with a number's name; NULL: there is none any more. */
static const struct hy_score_rule *rule_of(struct score_book *b, uint16_t no)
{
    struct hy_str name;
    if (hy_score_name_text(b->t, SCORE_RULE, no, &name) != 0)
        return NULL;
    for (size_t i = 0; i < b->plan->n_rules; i++)
        if (hy_str_eq(b->plan->rules[i].name, name))
            return &b->plan->rules[i];
    return NULL;
}

int hy_score_book_take(struct score_book *b, const struct score_entry *e, bool is_kept)
{
    uint8_t key[SCORE_KEY];
    const struct hy_score_rule *rule = rule_of(b, e->rule);
    struct score_entry gone = *e;
    int err = hy_del(b->t, HY_TABLE_SCORE_LEDGER, hy_score_entry_key(e, key));
    if (!err && is_kept) {
        gone.kind = SCORE_WITHDRAWN;
        gone.withdrawn = b->t->now;
        err = hy_score_entry_put(b->t, &gone);
    }
    if (err || e->points == 0)
        return err;
    hy_score_book_add(b, e, -e->points, -1);
    return rule && is_limited(rule) ? give_anew(b, rule, e) : 0;
}

int hy_score_book_withdraw(struct score_book *b, hy_id activity, hy_wall_ms at)
{
    struct score_entry e = {.lead = b->lead, .kind = SCORE_GIVEN, .at = at, .activity = activity};
    int err = hy_score_next_rule(b->t, b->lead, 0, &e.rule);
    while (!err) {
        struct score_entry there = e;
        err = hy_score_entry_get(b->t, &there);
        if (!err)
            err = hy_score_book_take(b, &there, true);
        if (!err || err == HY_ENOTFOUND)
            err = hy_score_next_rule(b->t, b->lead, e.rule, &e.rule);
    }
    return err == HY_ENOTFOUND ? 0 : err;
}
