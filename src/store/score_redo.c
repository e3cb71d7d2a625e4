/* All points of one lead given anew. That of a lead which did very much takes several transactions,
 * between which others write: first its entries go, those that were taken out of its sums; then
 * each activity gives its points again; then thresholds are looked at. In between its record says
 * so, and nobody enters or leaves a threshold by half a score. What is noted of it meanwhile is
 * given as ever: points do not depend on the order in which activities are told. */
#include "activity.h"
#include "hayauma/base/bytes.h"
#include "score_priv.h"

enum { LOOK_EVERY = 64 }; /* entries between two looks at the time */

struct redo {
    struct score_book b;
    unsigned n;
};

/* Whether to go on in another transaction. */
static bool is_time(struct redo *r)
{
    return ++r->n % LOOK_EVERY == 0 && hy_txn_should_yield(r->b.t);
}

/* ---- old entries ---- */

static void take_out(struct score_book *b, const struct score_entry *e)
{
    if (e->kind == SCORE_GIVEN && e->points != 0)
        hy_score_book_add(b, e, -e->points, -1);
}

/* Deletes entries but those that are carried. HY_EMORE. */
static int clear(struct redo *r)
{
    uint8_t key[4];
    struct hy_cursor c;
    struct score_entry e;
    struct hy_str prefix = hy_str_make(key, sizeof key);
    hy_put_be32(key, r->b.lead);
    int err = hy_cursor_open(r->b.t, HY_TABLE_SCORE_LEDGER, &c);
    if (!err)
        err = hy_cursor_prefix_first(&c, prefix);
    while (!err) {
        err = hy_score_entry_decode(c.key, c.value, &e);
        bool is_good = !err, is_carried = is_good && e.kind == SCORE_CARRIED;
        if (is_good && !is_carried)
            take_out(&r->b, &e);
        if (!is_carried && (is_good || err == HY_ECORRUPT))
            err = hy_cursor_delete(&c);
        if (!err && is_time(r))
            err = HY_EMORE;
        if (!err)
            err = hy_cursor_prefix_next(&c, prefix);
    }
    hy_cursor_close(&c);
    return err == HY_ENOTFOUND ? 0 : err;
}

/* The sums are what is carried, exactly; or that goes, too. */
static int restart(struct score_book *b, bool carried_too)
{
    struct hy_score_place at = {0};
    struct score_entry e;
    uint8_t key[SCORE_KEY];
    int err;
    b->r.n_sums = 0;
    while (!(err = hy_score_entry_next(b->t, b->lead, &at, &e))) {
        if (!carried_too)
            hy_score_book_carry(b, &e);
        else
            err = hy_del(b->t, HY_TABLE_SCORE_LEDGER, hy_score_entry_key(&e, key));
        if (err)
            return err;
    }
    return err == HY_ENOTFOUND ? 0 : err;
}

/* ---- given again ---- */

static int give(struct redo *r, const struct hy_score_past *past)
{
    struct score_book *b = &r->b;
    struct hy_activity_who who = {.by = HY_ACTIVITY_BY_LEAD, .lead = b->lead};
    struct hy_activity a = {0};
    int err = 0;
    while (!err && !(err = hy_activity_next_of(b->t, &who, b->r.redo.after, &a))) {
        b->r.redo.after = a.id;
        const struct hy_segment_deed *deed =
            hy_score_is_of_interest(b->plan, a.kind) ? past->deed(past->ctx, b->t, &a) : NULL;
        if (deed)
            err = hy_score_book_note(b, &a, deed);
        if (!err && is_time(r))
            err = HY_EMORE;
    }
    return err == HY_ENOTFOUND ? 0 : err;
}

/* HY_EMORE: the record has how far it is. */
static int go_on(struct redo *r, const struct hy_score_past *past)
{
    struct score_book *b = &r->b;
    int err = b->r.redo.is_giving ? 0 : clear(r);
    if (!err && !b->r.redo.is_giving) {
        err = restart(b, false);
        b->r.redo.is_giving = true;
        b->r.redo.after = 0;
    }
    if (!err)
        err = give(r, past);
    return err ? err : hy_score_book_review(b, past->facts);
}

int hy_scores_redo(struct hy_txn *t, const struct hy_score_plan *plan, hy_lead_no lead,
                   const struct hy_score_past *past, bool *ret_changed)
{
    struct redo r = {.n = 0};
    struct score_book *b = &r.b;
    uint64_t print = hy_score_plan_print(plan);
    if (!lead)
        return HY_EINVAL;
    int err = hy_score_book_open(t, plan, lead, b);
    if (err)
        return err;
    bool was_held = b->r.redo.is_held;
    int64_t before = hy_score_record_total(&b->r, t->now);
    if (!was_held || b->r.redo.print != print) {
        b->r.redo.is_giving = false;
        b->r.redo.print = print;
    }
    err = go_on(&r, past);
    b->r.redo.is_held = err == HY_EMORE;
    if (err == HY_EMORE) {
        int failed = hy_score_record_put(t, lead, &b->r);
        return failed ? failed : HY_EMORE;
    }
    b->is_changed = !err && (was_held || before != hy_score_record_total(&b->r, t->now));
    if (!err)
        err = hy_score_settle(b, past->is_silent);
    if (!err && ret_changed)
        *ret_changed = b->is_changed;
    return err;
}

int hy_scores_erase(struct hy_txn *t, hy_lead_no lead)
{
    static const struct hy_score_plan none; /* of whose thresholds nobody is over any */
    struct redo r = {.n = 0};
    int err = hy_score_book_open(t, &none, lead, &r.b);
    r.b.r.redo.is_held = r.b.r.redo.is_giving = false;
    r.b.r.redo.print = r.b.r.redo.after = 0;
    if (!err)
        err = hy_score_settle(&r.b, true);
    if (!err)
        err = clear(&r);
    if (!err)
        err = restart(&r.b, true);
    if (err && err != HY_EMORE)
        return err;
    r.b.r.redo.is_held = err == HY_EMORE;
    int failed = hy_score_record_put(t, lead, &r.b.r);
    return failed ? failed : err;
}
