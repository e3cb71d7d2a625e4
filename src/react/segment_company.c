/* Companies in segments. What all segments say of a company is looked at when it changes, however
 * many members it has; only when that is something else than before are its members gone through,
 * in slices. So a company of 100,000 leads whose points change all day costs as much as any, until
 * it passes a number that somebody asks for. */
#include "hayauma/base/hash.h"
#include "hayauma/store/company_watch.h"
#include "segments_priv.h"

enum { MEMBERS = 256 }; /* at once */

struct seen {
    uint64_t print;
    hy_wall_ms until; /* it is so before this moment */
};

static struct hy_str more(void *ctx)
{
    return fact_company_more(ctx);
}

static uint64_t mix(uint64_t print, const void *data, size_t n)
{
    const struct hy_hash_key key = {print, 0x636f6d70616e79};
    return hy_siphash(&key, data, n);
}

/* What a condition says of it, and until when. A date that time will pass counts itself. */
static int look_leaf(struct hy_txn *t, const struct plan_segment *of,
                     const struct hy_segment_node *n, struct fact_company *c,
                     const struct hy_segment_facts *ask, struct seen *s)
{
    struct hy_str value;
    int err = fact_company_value(t, c, n->name, ask->now, &value);
    if (err)
        return err;
    if (n->op == HY_SEGMENT_WITHIN || n->op == HY_SEGMENT_OLDER)
        s->print = mix(s->print, value.p, value.n);
    uint64_t says[] = {of->no, of->version, hy_segment_compares_all(n, value, ask)};
    s->print = mix(s->print, says, sizeof says);
    hy_wall_ms until = fact_company_stays(t, c, n, ask->now);
    s->until = until < s->until ? until : s->until;
    return HY_OK;
}

static int look(struct hy_txn *t, const struct hy_segments *s, struct fact_company *c,
                hy_wall_ms now, struct seen *ret)
{
    const struct segment_plan *p = &s->plan;
    const struct hy_segment_facts ask = {
        .ctx = c, .more = more, .now = now, .zone = hy_facts_ask(s->facts)->zone};
    int err = HY_OK;
    *ret = (struct seen){.until = INT64_MAX};
    for (size_t i = 0; i < p->n_by_company && !err; i++) {
        const struct plan_leaf *l = &p->by_company[i];
        err = look_leaf(t, &p->segments[l->segment], l->leaf, c, &ask, ret);
    }
    if (ret->print == 0) /* which means: never looked at */
        ret->print = 1;
    return err;
}

static uint32_t due_second(hy_wall_ms at, hy_wall_ms now)
{
    return at == INT64_MAX ? 0 : hy_segment_due_at(at, now);
}

/* Begins a round of its members when something else is true of it. */
static int review(struct hy_txn *t, struct hy_segments *s, hy_company_no no, hy_wall_ms now)
{
    struct fact_company c = {.no = 0};
    struct hy_company_seen was, is = {0};
    struct seen seen;
    int err = hy_company_seen_get(t, no, &was);
    if (!err)
        err = fact_company_read(t, no, &c);
    if (err == HY_ECORRUPT || err == HY_EVERSION) /* looking at its members fails for each */
        err = HY_OK;
    if (!err && c.no) {
        err = look(t, s, &c, now, &seen);
        is = (struct hy_company_seen){seen.print, due_second(seen.until, now)};
    }
    if (!err)
        err = hy_company_seen_put(t, no, &is);
    if (!err && c.no && was.print != is.print)
        err = hy_company_round_begin(t, no);
    fact_company_free(&c);
    return err;
}

static int review_some(struct hy_txn *t, struct hy_segments *s, hy_wall_ms now, unsigned max)
{
    hy_company_no no;
    int err = HY_OK;
    for (unsigned i = 0; i < max && !err; i++) {
        err = hy_company_watch_take(t, (uint32_t)(now / 1000), &no);
        if (!err)
            err = review(t, s, no, now);
        if (!err && hy_txn_should_yield(t))
            return HY_EMORE;
    }
    return err ? err : HY_EMORE;
}

static int go_round(struct hy_txn *t, struct hy_segments *s, unsigned max)
{
    hy_lead_no leads[MEMBERS];
    unsigned done = 0;
    int err = HY_OK;
    while (!err && done < max) {
        size_t n = 0, room = max - done < MEMBERS ? max - done : MEMBERS;
        err = hy_company_round_next(t, s->round, leads, room, &n, &s->round);
        for (size_t i = 0; i < n && !err; i++) {
            err = segments_turn_to(t, s, leads[i]);
            if (!err)
                segments_concern_uses(s, PLAN_COMPANY);
        }
        done += (unsigned)n + 1; /* a round that ends costs, too */
        if (!err && hy_txn_should_yield(t))
            return HY_EMORE;
    }
    return err ? err : HY_EMORE;
}

int segments_companies(struct hy_txn *t, struct hy_segments *s, hy_wall_ms now, unsigned companies,
                       unsigned members)
{
    bool is_watched = false;
    if (!(s->plan.uses & PLAN_COMPANY)) {
        int err = hy_company_is_watched(t, &is_watched);
        return err || !is_watched ? err : hy_company_unwatch(t, companies);
    }
    int err = review_some(t, s, now, companies);
    if (err && err != HY_EMORE && err != HY_ENOTFOUND)
        return err;
    int round = go_round(t, s, members);
    if (round && round != HY_EMORE && round != HY_ENOTFOUND)
        return round;
    return err == HY_EMORE || round == HY_EMORE ? HY_EMORE : HY_OK;
}

int segments_arm(struct hy_txn *t, struct hy_segments *s, hy_company_no no, hy_wall_ms since)
{
    struct fact_company c = {.no = 0};
    struct hy_company_seen known;
    struct seen seen = {.until = INT64_MAX};
    int err = hy_company_seen_get(t, no, &known);
    if (!err)
        err = fact_company_read(t, no, &c);
    if (!err && c.no)
        err = look(t, s, &c, since, &seen);
    uint32_t due = due_second(seen.until, since);
    if (!err && due && (!known.due_s || due < known.due_s)) {
        known.due_s = due;
        err = hy_company_seen_put(t, no, &known);
    }
    fact_company_free(&c);
    return err;
}
