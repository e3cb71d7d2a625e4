/* The transaction of a batch: verdicts, effects and the new place together.
 *
 * Verdicts come with the batch. Activities that take effect at once are read here, so that those
 * noted in the same group of the writer do so in the same commit. When the writer should go on to
 * others, verdicts ask for another slice; of everything else the next batch does the rest. */
#include <stdlib.h>
#include <string.h>

#include "hayauma/base/list.h"
#include "hayauma/store/lead_alias.h"
#include "hayauma/store/lead_change.h"
#include "hayauma/store/visitor.h"
#include "react_priv.h"

enum {
    STRINGS_MAX = HY_ADDRESS_MAX + HY_ACTIVITY_SOURCE_MAX + HY_ACTIVITY_TEXT_MAX +
                  HY_ACTIVITY_AGENT_MAX + HY_ACTIVITY_URL_MAX + HY_ACTIVITY_META_MAX +
                  HY_ACTIVITY_REF_MAX
};

/* What effects get, copied out of the store, since they write: an activity with its strings, or
 * leads. */
struct copy {
    struct hy_activity a;
    char text[STRINGS_MAX];
    hy_lead_no leads[HY_LEAD_CHANGE_MAX];
};

static struct hy_str keep(struct copy *c, size_t *at, struct hy_str s)
{
    memcpy(c->text + *at, s.p, s.n);
    *at += s.n;
    return hy_str_make(c->text + *at - s.n, s.n);
}

static void keep_strings(struct copy *c)
{
    size_t at = 0;
    struct hy_str *strings[] = {&c->a.address, &c->a.source, &c->a.text, &c->a.agent,
                                &c->a.url,     &c->a.meta,   &c->a.ref};
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++)
        if (strings[i]->n)
            *strings[i] = keep(c, &at, *strings[i]);
}

static int copy_of(struct hy_txn *t, hy_id id, struct copy *c)
{
    int err = hy_activity_get(t, id, &c->a);
    if (!err)
        keep_strings(c);
    return err;
}

/* What effects left for later. */
static int settle(struct batch *b, struct hy_txn *t)
{
    const struct hy_react_effects *e = &b->policy->effects;
    struct hy_react_fault f = {.skip = b->skip.lead};
    int err = b->unsettled && e->settle ? e->settle(e->ctx, t, &f) : 0;
    b->unsettled = 0;
    if (err)
        b->failed = (struct culprit){.lead = f.failed};
    return err;
}

/* Behind each effect. */
static int settle_many(struct batch *b, struct hy_txn *t)
{
    return ++b->unsettled < HY_REACT_UNSETTLED_MAX ? 0 : settle(b, t);
}

/* What a lead does that was merged into another is that one's. */
static int note(struct batch *b, struct hy_txn *t, const struct hy_activity *a, int sign)
{
    const struct hy_react_effects *e = &b->policy->effects;
    struct hy_activity of = *a;
    if (!e->note || a->id == b->skip.id)
        return 0;
    int err = a->lead ? hy_lead_kept(t, a->lead, &of.lead) : 0;
    if (!err)
        err = e->note(e->ctx, t, &of, sign);
    return err ? err : settle_many(b, t);
}

static bool counts(uint8_t flags)
{
    return flags & HY_ACTIVITY_HUMAN;
}

/* Stores what is thought of it and moves its effect. */
static int think(struct batch *b, struct hy_txn *t, struct hy_activity *a, uint8_t flags,
                 uint8_t reason)
{
    bool was = a->flags & HY_ACTIVITY_COUNTED, is = flags & HY_ACTIVITY_COUNTED;
    int err = hy_activity_judge(t, a->id, flags, reason);
    if (err)
        return err;
    a->flags = (uint8_t)((a->flags & ~HY_ACTIVITY_JUDGED) | flags);
    a->reason = reason;
    b->tally.counted += is && !was;
    b->tally.withdrawn += was && !is;
    return was == is ? 0 : note(b, t, a, is ? 1 : -1);
}

/* Others may have been told of it as it was before, or without a verdict. */
static int tell(struct hy_txn *t, const struct hy_activity *a)
{
    char id[HY_ID_TEXT_MAX];
    struct hy_activity v = {
        .kind = HY_ACTIVITY_VERDICT,
        .flags = a->flags & (HY_ACTIVITY_HUMAN | HY_ACTIVITY_MACHINE),
        .reason = a->reason,
        .tenant = a->tenant,
        .campaign = a->campaign,
        .message = a->message,
        .lead = a->lead,
        .domain = a->domain,
        .link = a->link,
        .address = a->address,
        .text = hy_str_of(hy_id_format(a->id, id)),
    };
    return hy_activity_put(t, &v);
}

static bool is_late(const struct hy_txn *t, const struct hy_activity *a)
{
    return t->now - hy_id_time(a->id) > HY_REACT_LATE_MS;
}

/* An open or click is judged. It counts when its hold is over, or at once when it is proved; one
 * that counted already counts on if the new verdict lets it. */
static int judge(struct batch *b, struct hy_txn *t, const struct item *i, struct hy_activity *a)
{
    bool is_free = a->id <= b->reached.held || (a->flags & HY_ACTIVITY_COUNTED) ||
                   i->reason == HY_VERDICT_PROOF;
    uint8_t flags = i->flags;
    if (is_free && counts(flags))
        flags |= HY_ACTIVITY_COUNTED;
    if (i->id == i->step)
        b->tally.verdicts[hy_verdict_of_flags(flags)][i->reason]++;
    else
        b->tally.revised++;
    int err = think(b, t, a, flags, i->reason);
    if (err || (i->id == i->step && !is_late(t, a)))
        return err;
    return tell(t, a);
}

static int release(struct batch *b, struct hy_txn *t, struct hy_activity *a)
{
    if (!counts(a->flags) || (a->flags & HY_ACTIVITY_COUNTED))
        return 0;
    return think(b, t, a, (uint8_t)((a->flags & HY_ACTIVITY_JUDGED) | HY_ACTIVITY_COUNTED),
                 a->reason);
}

/* It was trimmed, or nobody can read it: everybody passes over it. */
static bool is_gone(int err)
{
    return err == HY_ENOTFOUND || err == HY_ECORRUPT || err == HY_EVERSION;
}

/* Lead after lead, also over several slices. */
static int do_leads(struct batch *b, struct hy_txn *t, hy_id id, hy_lead_no *leads)
{
    const struct hy_react_effects *e = &b->policy->effects;
    struct hy_lead_change change;
    int err = hy_lead_change_next(t, id - 1, &change, NULL);
    if (is_gone(err) || (!err && change.id != id) || !e->lead)
        return 0;
    if (err)
        return err;
    hy_lead_change_leads(&change, leads);
    while (!err && b->reached.within < change.n) {
        bool is_skipped = b->skip.id == id && b->skip.nth == b->reached.within;
        b->failed.nth = b->reached.within;
        b->tally.skipped += is_skipped;
        err = is_skipped ? 0 : e->lead(e->ctx, t, leads[b->reached.within], change.what);
        if (err == HY_EMORE) /* the same lead again */
            return err;
        if (!err)
            err = settle_many(b, t);
        b->reached.within++;
        if (!err && b->reached.within < change.n && hy_txn_should_yield(t))
            return HY_EMORE;
    }
    return err;
}

struct joining {
    struct batch *b;
    struct hy_txn *t;
    struct copy *c;
};

static int note_one_joined(void *ctx, const struct hy_activity *a)
{
    struct joining *j = ctx;
    int err = copy_of(j->t, a->id, j->c);
    return err ? err : note(j->b, j->t, &j->c->a, 1);
}

/* A visitor who became known brings what it did before: it counts now, and not at its own place,
 * whether that was read before the visitor was known or after. */
static int note_all(struct batch *b, struct hy_txn *t, struct copy *c)
{
    struct joining j = {b, t, c};
    const struct hy_activity identify = c->a;
    if (identify.flags & HY_ACTIVITY_JOINED)
        return 0;
    int err = note(b, t, &c->a, 1);
    if (err || identify.kind != HY_ACTIVITY_IDENTIFY || !identify.lead || !identify.link)
        return err;
    return hy_visitor_joined(t, &identify, note_one_joined, &j);
}

static int do_item(struct batch *b, struct hy_txn *t, const struct item *i, struct copy *c)
{
    if (i->kind == ITEM_LEADS)
        return do_leads(b, t, i->id, c->leads);
    int err = copy_of(t, i->id, c);
    if (is_gone(err))
        return 0;
    if (err)
        return err;
    switch (i->kind) {
    case ITEM_VERDICT:
        return judge(b, t, i, &c->a);
    case ITEM_HELD:
        return release(b, t, &c->a);
    case ITEM_LEADS:
        break;
    }
    return HY_EINVAL;
}

/* The items of one step, from *at on, which moves behind them; `place` is theirs. */
static int do_step(struct batch *b, struct hy_txn *t, size_t *at, size_t end, hy_id *place,
                   struct copy *c)
{
    hy_id step = b->items[*at].step;
    int err = 0;
    for (; !err && *at < end && b->items[*at].step == step; ++*at) {
        b->failed = (struct culprit){.id = b->items[*at].id};
        err = do_item(b, t, &b->items[*at], c);
    }
    if (!err)
        *place = step;
    return err;
}

/* HY_EMORE: the rest of them in another slice. */
static int do_verdicts(struct batch *b, struct hy_txn *t, struct copy *c)
{
    size_t i = 0;
    int err = 0;
    while (i < b->n_judged && b->items[i].step <= b->from.judged)
        i++;
    while (!err && i < b->n_judged) {
        err = do_step(b, t, &i, b->n_judged, &b->reached.judged, c);
        b->tally.applied++;
        if (!err && i < b->n_judged && hy_txn_should_yield(t))
            return HY_EMORE;
    }
    if (!err)
        b->reached.judged = b->to.judged;
    return err;
}

/* As long as the commit that follows takes (decision 0055), whoever is in a hurry: those who tell
 * of activities are, and what they told must not fall behind them. */
static bool is_over(const struct hy_txn *t)
{
    return t->yield_by && hy_clock_us() >= t->yield_by;
}

/* What takes effect at once, as far as the log goes in this transaction. */
static int do_notes(struct batch *b, struct hy_txn *t, struct copy *c)
{
    int err = 0;
    while (b->n_noted < NOTES_MAX &&
           (err = hy_activity_next(t, b->reached.now, &c->a, NULL)) == 0) {
        hy_id id = c->a.id;
        if (!hy_activity_is_hit(c->a.kind) && c->a.kind != HY_ACTIVITY_VERDICT) {
            b->failed = (struct culprit){.id = id};
            keep_strings(c);
            err = note_all(b, t, c);
            if (err)
                return err;
            b->noted[b->n_noted++] = id;
            b->tally.applied++;
            b->tally.skipped += id == b->skip.id;
        }
        b->reached.now = id;
        if (is_over(t))
            break;
    }
    b->is_cut = err == 0;
    return err == HY_ENOTFOUND ? read_end(t, b->reached.now, &b->reached.now) : err;
}

/* From `i` on; one at least. */
static int do_rest(struct batch *b, struct hy_txn *t, size_t i, size_t end, hy_id *place,
                   struct copy *c)
{
    int err = 0;
    while (!err && i < end) {
        err = do_step(b, t, &i, end, place, c);
        if (!err && place == &b->reached.leads) {
            b->reached.within = 0;
            b->tally.applied++;
        }
        if (err == HY_EMORE || (!err && i < end && hy_txn_should_yield(t))) {
            b->is_cut = true;
            return 0;
        }
    }
    return err;
}

static int do_due(struct batch *b, struct hy_txn *t)
{
    const struct hy_react_effects *e = &b->policy->effects;
    struct hy_react_fault f = {.skip = b->skip.lead};
    b->failed = (struct culprit){0};
    if (!b->has_due || !e->due)
        return 0;
    int err = e->due(e->ctx, t, b->now, &f);
    b->is_due_left = err == HY_EMORE;
    b->failed.lead = f.failed;
    return b->is_due_left ? 0 : err;
}

static int do_all(struct batch *b, struct hy_txn *t, struct copy *c)
{
    int err = do_verdicts(b, t, c);
    if (!err)
        err = do_notes(b, t, c);
    bool is_cut = b->is_cut;
    b->is_cut = false;
    if (!err)
        err = do_rest(b, t, b->n_judged, b->n_held, &b->reached.held, c);
    if (!err && !b->is_cut)
        b->reached.held = b->to.held;
    is_cut |= b->is_cut;
    b->is_cut = false;
    if (!err)
        err = do_rest(b, t, b->n_held, b->n, &b->reached.leads, c);
    if (!err && !b->is_cut) {
        b->reached.leads = b->to.leads;
        b->reached.within = b->to.within;
    }
    b->is_cut |= is_cut;
    return err ? err : do_due(b, t);
}

static bool is_same(const struct place *a, const struct place *b)
{
    return a->now == b->now && a->judged == b->judged && a->held == b->held &&
           a->leads == b->leads && a->within == b->within;
}

int batch_apply(struct hy_write_req *r, struct hy_txn *t)
{
    struct batch *b = hy_container_of(r, struct batch, req);
    struct place stored = {0};
    struct copy *c;
    int err = place_get(t, &stored);
    if (err && err != HY_ENOTFOUND)
        return err;
    if (!err && !is_same(&stored, &b->from))
        return HY_EINVAL; /* another place than it was made for */
    c = malloc(sizeof *c);
    if (!c)
        return HY_ENOMEM;
    b->reached = b->from;
    b->tally = (struct tally){0};
    b->n_noted = 0;
    b->is_cut = false;
    b->is_due_left = b->has_due; /* until it is reached */
    b->unsettled = 0;
    b->tally.skipped = b->skip.lead != 0;
    err = do_all(b, t, c);
    free(c);
    if (!err || err == HY_EMORE) {
        int settled = settle(b, t);
        err = settled ? settled : err;
    }
    if (err && err != HY_EMORE)
        return err;
    b->failed = (struct culprit){0};
    if (is_same(&stored, &b->reached))
        return err;
    int put = place_put(t, &b->reached);
    return put ? put : err;
}
