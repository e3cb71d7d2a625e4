/* Segments kept up to date. What happened says which segments are concerned; when a number of
 * things happened, each lead is looked at once: every segment concerned is asked anew of it, in an
 * order in which those that name others come behind them, and what changes concerns who names them.
 *
 * A lead that did very much is dear to look at. It is then left alone for a while, and what happens
 * to it meanwhile waits in the wheel of moments: no lead gets more than a tenth of the time. */
#include "hayauma/react/segments.h"

#include <stdlib.h>

#include "hayauma/store/cart.h"
#include "hayauma/store/lead_alias.h"
#include "hayauma/store/lead_change.h"
#include "segments_priv.h"

enum {
    COMPANIES = 64,  /* that changed by what was noted, and are looked at with it */
    MEMBERS = 256,   /* of these */
    DEAR = 2000,     /* steps of a look that a lead rests behind */
    STEPS_A_MS = 50, /* of the rest: a step takes 1 to 2 us */
    REST_MIN_MS = 1000,
    REST_MAX_MS = 60000,
};

int hy_segments_new(const struct hy_facts_options *o, struct hy_segments_meter *meter,
                    struct hy_segments **ret)
{
    struct hy_segments *s = calloc(1, sizeof *s);
    int err = s ? hy_facts_new(o, &s->facts) : HY_ENOMEM;
    if (!err)
        err = hy_deed_new(&s->deed);
    if (err) {
        hy_segments_free(s);
        return err;
    }
    s->meter = meter ? meter : &s->own;
    *ret = s;
    return HY_OK;
}

void hy_segments_free(struct hy_segments *s)
{
    if (!s)
        return;
    hy_facts_free(s->facts);
    hy_deed_free(s->deed);
    segment_plan_free(&s->plan);
    concerns_free(&s->concerns);
    free(s);
}

/* Reads the segments anew when they changed, in whichever transaction that was. Who is concerned
 * then is of one that was dropped. */
int segments_follow(struct hy_txn *t, struct hy_segments *s)
{
    struct segment_plan plan;
    struct concerns concerns;
    uint64_t generation;
    int err = hy_segments_generation(t, &generation);
    if (err || (s->is_read && generation == s->plan.generation))
        return err;
    err = segment_plan_read(t, &plan);
    if (err)
        return err;
    err = concerns_new(plan.n, &concerns);
    if (err) {
        segment_plan_free(&plan);
        return err;
    }
    concerns_free(&s->concerns);
    segment_plan_free(&s->plan);
    s->concerns = concerns;
    s->plan = plan;
    s->is_read = true;
    return HY_OK;
}

/* ---- who is concerned ---- */

static bool is_concerned(const struct hy_segments *s, size_t place)
{
    return s->concerned[place / 64] >> place % 64 & 1;
}

void segments_concern_uses(struct hy_segments *s, unsigned uses)
{
    for (size_t i = 0; i < s->plan.n; i++)
        if (s->plan.segments[i].uses & uses)
            segments_concern(s, i);
}

static void concern_all(struct hy_segments *s)
{
    for (size_t i = 0; i < s->plan.n; i++)
        segments_concern(s, i);
}

void segments_concern_kind(struct hy_segments *s, struct hy_txn *t, enum hy_activity_kind kind,
                           const struct hy_activity *a)
{
    const struct plan_did *list = s->plan.by_kind[kind];
    const struct hy_segment_deed *deed = hy_deed_of(s->deed, t, a);
    for (size_t i = 0; i < s->plan.n_by_kind[kind]; i++)
        if (!is_concerned(s, list[i].segment) && hy_segment_matches(list[i].did, deed))
            segments_concern(s, list[i].segment);
}

/* ---- looking ---- */

static int announce(struct hy_txn *t, const struct plan_segment *to, hy_lead_no lead, bool is_in)
{
    struct hy_activity a = {.kind = is_in ? HY_ACTIVITY_SEGMENT_ENTERED : HY_ACTIVITY_SEGMENT_LEFT,
                            .lead = lead,
                            .text = to->name};
    return hy_activity_put(t, &a);
}

/* What is true of the lead, stored; and when to look again. */
static int look(struct hy_txn *t, struct hy_segments *s, size_t place, hy_lead_no lead,
                bool is_there, bool *ret_changed)
{
    const struct plan_segment *to = &s->plan.segments[place];
    struct hy_lead_set set = hy_segment_set_of(to->no);
    hy_wall_ms until = INT64_MAX;
    bool is_in = false;
    if (is_there) {
        until = hy_segment_next_change(to->tree, hy_facts_ask(s->facts), &is_in);
        if (hy_facts_err(s->facts))
            return hy_facts_err(s->facts);
    }
    atomic_fetch_add_explicit(&s->meter->looks, 1, memory_order_relaxed);
    int err = is_in ? hy_lead_set_add(t, set, lead, ret_changed)
                    : hy_lead_set_remove(t, set, lead, ret_changed);
    if (!err && *ret_changed)
        atomic_fetch_add_explicit(is_in ? &s->meter->entered : &s->meter->left, 1,
                                  memory_order_relaxed);
    if (!err && until != INT64_MAX) {
        hy_wall_ms now = hy_facts_ask(s->facts)->now;
        err = hy_segment_due_put(t, to->no, hy_segment_due_at(until, now), &lead, 1);
    }
    return err;
}

static int look_and_tell(struct hy_txn *t, struct hy_segments *s, size_t place, hy_lead_no lead,
                         bool is_there)
{
    const struct plan_segment *to = &s->plan.segments[place];
    bool changed = false, is_in = false;
    if (to->state == HY_SEGMENT_BUILDING) /* when it is ready, it is looked at */
        return hy_lead_set_add(t, hy_segment_touched(to->no), lead, NULL);
    int err = look(t, s, place, lead, is_there, &changed);
    if (err || !changed)
        return err;
    for (size_t i = 0; i < to->n_dependents; i++)
        segments_concern(s, to->dependents[i]);
    if (!to->announces || !is_there)
        return HY_OK;
    err = hy_lead_set_has(t, hy_segment_set_of(to->no), lead, &is_in);
    return err ? err : announce(t, to, lead, is_in);
}

/* Makes the facts tell of the lead; false: there is none (any more). */
static int ask(struct hy_txn *t, struct hy_segments *s, hy_lead_no lead, hy_wall_ms now,
               bool *ret_is_there)
{
    int err = hy_facts_of(s->facts, t, lead, now);
    *ret_is_there = err != HY_ENOTFOUND;
    return err == HY_ENOTFOUND ? HY_OK : err;
}

/* ---- leads that are dear ---- */

static struct rest *rest_of(struct hy_segments *s, hy_lead_no lead)
{
    return &s->rests[lead % RESTS];
}

/* Until when it is left alone; 0: it is not. A clock that went back ends a rest. */
static hy_wall_ms rests_until(struct hy_segments *s, hy_lead_no lead, hy_wall_ms now)
{
    const struct rest *r = rest_of(s, lead);
    return r->lead == lead && now >= r->from && now < r->until ? r->until : 0;
}

static void let_rest(struct hy_segments *s, hy_lead_no lead, hy_wall_ms now)
{
    uint64_t steps = hy_facts_steps(s->facts), ms = steps / STEPS_A_MS;
    atomic_fetch_add_explicit(&s->meter->steps, steps, memory_order_relaxed);
    if (steps < DEAR)
        return;
    ms = ms < REST_MIN_MS ? REST_MIN_MS : ms > REST_MAX_MS ? REST_MAX_MS : ms;
    *rest_of(s, lead) = (struct rest){lead, now, now + (hy_wall_ms)ms};
}

static int put_off(struct hy_txn *t, struct hy_segments *s, size_t place, hy_lead_no lead,
                   hy_wall_ms now, hy_wall_ms until)
{
    const struct plan_segment *to = &s->plan.segments[place];
    if (to->state == HY_SEGMENT_BUILDING)
        return hy_lead_set_add(t, hy_segment_touched(to->no), lead, NULL);
    atomic_fetch_add_explicit(&s->meter->put_off, 1, memory_order_relaxed);
    return hy_segment_due_put(t, to->no, hy_segment_due_at(until, now), &lead, 1);
}

/* ---- looking at all ---- */

/* Asks all who are concerned, and those whom that concerns. */
static int look_at(struct hy_txn *t, struct hy_segments *s, hy_lead_no lead, hy_wall_ms now)
{
    hy_wall_ms until = rests_until(s, lead, now);
    bool is_there = false;
    int err = until ? HY_OK : ask(t, s, lead, now, &is_there);
    for (size_t w = 0; w < s->concerns.words; w++)
        while (s->concerned[w] && !err) { /* dependents lie behind: their bits may still come */
            size_t place = 64 * w + (size_t)__builtin_ctzll(s->concerned[w]);
            s->concerned[w] &= s->concerned[w] - 1;
            err = until ? put_off(t, s, place, lead, now, until)
                        : look_and_tell(t, s, place, lead, is_there);
        }
    if (!err && !until && is_there)
        let_rest(s, lead, now);
    return err;
}

/* In the order of their numbers, as they lie in the store. */
int segments_look_at_all(struct hy_txn *t, struct hy_segments *s, hy_wall_ms now,
                         struct hy_segments_fault *f)
{
    uint16_t order[CONCERNS_MAX];
    int err = HY_OK;
    concerns_sort(&s->concerns, order);
    for (size_t i = 0; i < s->concerns.n && !err; i++) {
        hy_lead_no lead = s->concerns.leads[order[i]];
        s->concerned = s->concerns.bits + order[i] * s->concerns.words;
        if (!concerns_any(&s->concerns, s->concerned) || (f && lead == f->skip))
            continue;
        err = look_at(t, s, lead, now);
        if (err && f)
            f->failed = lead;
    }
    concerns_clear(&s->concerns);
    return err;
}

int hy_segments_look(struct hy_txn *t, struct hy_segments *s, struct hy_segments_fault *f)
{
    int err = s->concerns.n ? segments_follow(t, s) : HY_OK;
    if (!err && s->concerns.n && s->plan.uses & PLAN_COMPANY)
        err = segments_companies(t, s, t->now, COMPANIES, MEMBERS);
    return err && err != HY_EMORE ? err : segments_look_at_all(t, s, t->now, f);
}

/* Whoever is concerned from now on concerns the lead. */
int segments_turn_to(struct hy_txn *t, struct hy_segments *s, hy_lead_no lead)
{
    int err = segments_follow(t, s);
    if (err)
        return err;
    s->concerned = concerns_of(&s->concerns, lead);
    if (s->concerned)
        return HY_OK;
    err = segments_look_at_all(t, s, t->now, NULL);
    s->concerned = concerns_of(&s->concerns, lead);
    return err;
}

/* ---- what happens ---- */

/* An order closes the cart that it names, whoever placed it. */
static int note_shop(struct hy_txn *t, struct hy_segments *s, const struct hy_activity *a)
{
    struct hy_cart cart;
    if (!(s->plan.uses & PLAN_SHOP) ||
        (a->kind != HY_ACTIVITY_ORDER && a->kind != HY_ACTIVITY_CART &&
         a->kind != HY_ACTIVITY_IDENTIFY))
        return HY_OK;
    segments_concern_uses(s, PLAN_SHOP);
    if (a->kind != HY_ACTIVITY_ORDER)
        return HY_OK;
    const struct hy_segment_deed *deed = hy_deed_of(s->deed, t, a);
    int err = hy_cart_get(t, deed->value(deed->ctx, HY_STR("meta.cart")), &cart);
    if (err == HY_ENOTFOUND || (!err && (!cart.lead || cart.lead == a->lead)))
        return HY_OK;
    hy_lead_no kept = 0;
    if (!err)
        err = hy_lead_kept(t, cart.lead, &kept);
    if (!err)
        err = segments_turn_to(t, s, kept);
    if (!err)
        segments_concern_uses(s, PLAN_SHOP);
    return err;
}

int hy_segments_note(struct hy_txn *t, struct hy_segments *s, const struct hy_activity *a,
                     bool score_changed)
{
    if (!a->lead)
        return HY_OK;
    int err = segments_turn_to(t, s, a->lead);
    if (err)
        return err;
    segments_concern_kind(s, t, a->kind, a);
    if (a->kind == HY_ACTIVITY_LATE_BOUNCE)
        segments_concern_kind(s, t, HY_ACTIVITY_BOUNCED, a);
    if (a->kind == HY_ACTIVITY_IDENTIFY) /* what the visitor did is the lead's from now on */
        segments_concern_uses(s, PLAN_DEEDS);
    if (a->kind == HY_ACTIVITY_MERGED)
        concern_all(s);
    if (score_changed)
        segments_concern_uses(s, PLAN_SCORE);
    return note_shop(t, s, a);
}

int hy_segments_lead(struct hy_txn *t, struct hy_segments *s, hy_lead_no lead, unsigned what,
                     bool score_changed)
{
    static const struct {
        unsigned what, uses;
    } uses[] = {
        {HY_LEAD_ATTRIBUTES,
         PLAN_ATTRIBUTES | PLAN_SHOP | PLAN_COMPANY}, /* a cart may have gone to another */
        {HY_LEAD_TAGS, PLAN_TAGS},
        {HY_LEAD_GROUPS, PLAN_GROUPS},
        {HY_LEAD_LISTS, PLAN_LISTS},
        {HY_LEAD_ADDRESSES, PLAN_RECORD | PLAN_LISTS | PLAN_MAIL},
    };
    int err = segments_turn_to(t, s, lead);
    if (err)
        return err;
    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++)
        if (what & uses[i].what)
            segments_concern_uses(s, uses[i].uses);
    if (what & (HY_LEAD_MERGED | HY_LEAD_ERASED | HY_LEAD_CREATED))
        concern_all(s);
    if (score_changed)
        segments_concern_uses(s, PLAN_SCORE);
    return HY_OK;
}

int hy_segments_settle(struct hy_txn *t, struct hy_segments *s, hy_segment_no no, hy_lead_no lead)
{
    bool is_there, changed;
    int err = segments_follow(t, s);
    size_t place = err ? 0 : segment_plan_find(&s->plan, no);
    if (!err && place == SIZE_MAX)
        err = HY_ENOTFOUND;
    if (!err)
        err = ask(t, s, lead, t->now, &is_there);
    return err ? err : look(t, s, place, lead, is_there, &changed);
}
