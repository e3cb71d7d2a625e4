/* Reading on: from the logs behind the place to a batch, with the verdicts that come of it. */
#include <string.h>

#include "hayauma/base/log.h"
#include "hayauma/store/lead_change.h"
#include "hayauma/store/timeline.h"
#include "react_priv.h"

enum {
    BACK_MS = 15 * 60 * 1000, /* further back no verdict depends on what was */
    BACK_MAX = 200000,        /* activities: more than the tables of the judge hold */
};

int read_end(struct hy_txn *t, hy_id at_least, hy_id *ret)
{
    hy_id newest, change;
    int err = hy_timeline_newest(t, &newest);
    if (!err)
        err = hy_lead_change_newest(t, &change);
    if (err)
        return err;
    newest = newest > change ? newest : change;
    *ret = newest > at_least ? newest : at_least;
    return 0;
}

/* ---- what was judged before ---- */

/* Where to begin, so that at most BACK_MAX activities before the place are read. */
static int find_back(struct hy_txn *t, hy_id upto, hy_id *ret)
{
    uint8_t key[8];
    struct hy_cursor c;
    hy_wall_ms from = hy_id_time(upto) - BACK_MS;
    hy_id first = from > 0 ? hy_id_floor(from) : 0, at = upto;
    hy_put_be64(key, upto);
    int err = hy_cursor_open(t, HY_TABLE_ACTIVITIES, &c);
    if (!err)
        err = hy_cursor_seek(&c, hy_str_make(key, sizeof key));
    err = err == HY_ENOTFOUND ? hy_cursor_last(&c) : err;
    for (unsigned n = 0; !err && n < BACK_MAX && at > first; n++) {
        at = c.key.n == 8 ? hy_get_be64(c.key.p) : first;
        err = hy_cursor_prev(&c);
    }
    hy_cursor_close(&c);
    *ret = err == HY_ENOTFOUND || at < first ? first : at;
    return err == HY_ENOTFOUND ? 0 : err;
}

int read_back(struct hy_react *r, struct hy_txn *t)
{
    struct hy_verdict_change changes[HY_VERDICT_CHANGES_MAX];
    struct hy_activity a;
    struct hy_hit hit;
    hy_id after;
    int err = find_back(t, r->at.judged, &after);
    if (err)
        return err;
    while ((err = hy_activity_next(t, after, &a, NULL)) == 0 && a.id <= r->at.judged) {
        if (hit_of(r, t, &a, &hit))
            (void)hy_verdicts_judge(r->verdicts, &hit, changes);
        after = a.id;
    }
    return err == HY_ENOTFOUND ? 0 : err;
}

/* ---- reading on ---- */

static void add(struct batch *b, enum item_kind kind, hy_id id, hy_id step)
{
    b->items[b->n++] = (struct item){.id = id, .step = step, .kind = kind};
}

static void add_verdicts(struct batch *b, const struct hy_verdict_change *changes, size_t n,
                         hy_id step)
{
    static const uint8_t flags[HY_VERDICTS] = {
        [HY_VERDICT_HUMAN] = HY_ACTIVITY_HUMAN, [HY_VERDICT_MACHINE] = HY_ACTIVITY_MACHINE};
    for (size_t i = 0; i < n; i++) {
        add(b, ITEM_VERDICT, changes[i].id, step);
        b->items[b->n - 1].flags = flags[changes[i].verdict];
        b->items[b->n - 1].reason = (uint8_t)changes[i].reason;
    }
}

static void take(struct hy_react *r, struct hy_txn *t, struct batch *b, const struct hy_activity *a)
{
    struct hy_verdict_change changes[HY_VERDICT_CHANGES_MAX];
    struct hy_hit hit;
    if (a->kind == HY_ACTIVITY_VERDICT)
        return; /* ours */
    size_t n = hit_of(r, t, a, &hit) ? hy_verdicts_judge(r->verdicts, &hit, changes) : 0;
    size_t own = !hy_activity_is_hit(a->kind); /* a proof is not judged itself */
    if (n > own)
        add_verdicts(b, changes + own, n - own, a->id);
}

static void tell_damage(struct hy_react *r)
{
    if (r->has_damage)
        return;
    r->has_damage = true;
    hy_log(HY_LOG_ERROR, "react",
           "a record of the logs cannot be read and is passed over: 'hayauma audit' names it");
}

static int read_hits(struct hy_react *r, struct hy_txn *t, struct batch *b, size_t steps,
                     bool *ret_more)
{
    struct hy_timeline l;
    struct hy_moment m;
    size_t n = 0;
    hy_id end;
    int err = read_end(t, b->from.judged, &end);
    if (!err)
        err = hy_timeline_open_some(t, b->from.judged, 1u << HY_MOMENT_ACTIVITY, &l);
    if (err)
        return err;
    for (; n < steps && b->n < ITEMS_MAX - HY_VERDICT_CHANGES_MAX; n++) {
        err = hy_timeline_next(&l, &m);
        if (err)
            break;
        take(r, t, b, &m.of.activity);
        b->to.judged = m.id;
    }
    if (l.damaged)
        tell_damage(r);
    hy_timeline_close(&l);
    if (err == HY_ENOTFOUND)
        b->to.judged = end;
    *ret_more = err == 0;
    b->n_judged = b->n;
    return err == HY_ENOTFOUND ? 0 : err;
}

/* Opens and clicks whose hold is over; whether they count is seen when it is. */
static int read_held(struct hy_txn *t, struct batch *b, size_t steps, bool *ret_more)
{
    hy_id over = hy_id_floor(b->now - b->policy->hold_ms);
    hy_id until = b->policy->hold_ms == 0 || b->to.judged < over ? b->to.judged : over;
    struct hy_timeline l;
    struct hy_moment m;
    int err = 0;
    if (until <= b->from.held)
        return 0;
    err = hy_timeline_open_some(t, b->from.held, 1u << HY_MOMENT_ACTIVITY, &l);
    if (err)
        return err;
    size_t n = 0, scanned = 0;
    while (n < steps && scanned++ < 16 * STEPS_MAX && (err = hy_timeline_next(&l, &m)) == 0 &&
           m.id <= until) {
        if (hy_activity_is_hit(m.of.activity.kind) &&
            !(m.of.activity.flags & HY_ACTIVITY_COUNTED)) {
            add(b, ITEM_HELD, m.id, m.id);
            n++;
        }
        b->to.held = m.id;
    }
    hy_timeline_close(&l);
    if (err && err != HY_ENOTFOUND)
        return err;
    if (err == HY_ENOTFOUND || m.id > until)
        b->to.held = until;
    else
        *ret_more = true;
    return 0;
}

static int read_changes(struct hy_react *r, struct hy_txn *t, struct batch *b, size_t steps,
                        bool *ret_more)
{
    struct hy_lead_change c;
    uint64_t damaged = 0;
    int err = 0;
    hy_id end;
    b->n_held = b->n;
    for (size_t n = 0; n < CHANGES_MAX && n < steps; n++) {
        err = hy_lead_change_next(t, b->to.leads, &c, &damaged);
        if (err)
            break;
        add(b, ITEM_LEADS, c.id, c.id);
        b->to.leads = c.id;
        b->to.within = 0;
    }
    if (damaged)
        tell_damage(r);
    *ret_more |= err == 0;
    if (err == HY_ENOTFOUND)
        err = read_end(t, b->to.leads, &end);
    if (!err && !*ret_more)
        b->to.leads = end;
    return err;
}

int read_news(struct hy_react *r, struct hy_txn *t, hy_id *ret)
{
    struct hy_activity a;
    int err = hy_activity_next(t, r->at.now, &a, NULL);
    if (!err)
        *ret = a.id;
    else if (err == HY_ENOTFOUND)
        *ret = 0;
    return err == HY_ENOTFOUND ? 0 : err;
}

int read_on(struct hy_react *r, struct hy_txn *t, struct batch *b, size_t steps, bool *ret_more)
{
    b->n = 0;
    b->from = b->to = r->at;
    *ret_more = false;
    int err = read_hits(r, t, b, steps, ret_more);
    if (!err)
        err = read_held(t, b, steps, ret_more);
    return err ? err : read_changes(r, t, b, steps, ret_more);
}
