/* All conditions on activities by one walk over their log, from as far back as any of them looks;
 * those on mail by the rows of campaigns. Where one activity is enough, the newest of each lead is
 * kept; where more are counted, all that count are, thinned out when they become many. */
#include <stdlib.h>

#include "hayauma/store/activity_scan.h"
#include "hayauma/store/campaign.h"
#include "hayauma/store/queue.h"
#include "search.h"

static bool is_mail(const struct search_leaf *l)
{
    return l->node->did == HY_ACTIVITY_DELIVERED || l->node->did == HY_ACTIVITY_BOUNCED;
}

/* ---- what is kept ---- */

static int begin(struct search *s, struct search_leaf *l)
{
    hy_segment_window(l->node, s->o->now, s->o->facts.zone, &l->from, &l->until);
    l->enough = hy_segment_enough(l->node);
    l->rest = hy_segment_is_often(l->node, 0);
    if (l->enough > 1)
        return HY_OK;
    s->memory += (uint64_t)s->end * sizeof *l->newest;
    if (s->memory > search_memory)
        return hy_fail(s->diag, HY_ELIMIT,
                       "too many conditions on activities for so many leads: split the segment");
    l->newest = calloc(s->end, sizeof *l->newest);
    return l->newest ? HY_OK : HY_ENOMEM;
}

/* Calls `group` with the pairs of each lead, the newest last. */
static int each_group(struct search_leaf *l,
                      int (*group)(void *ctx, struct search_leaf *l, const uint64_t *pairs,
                                   size_t n),
                      void *ctx)
{
    int err = search_sort(l->pairs, l->n_pairs);
    for (size_t i = 0, end; i < l->n_pairs && !err; i = end) {
        for (end = i + 1; end < l->n_pairs && l->pairs[end] >> 32 == l->pairs[i] >> 32; end++)
            ;
        err = group(ctx, l, l->pairs + i, end - i);
    }
    return err;
}

static int keep_newest(void *ctx, struct search_leaf *l, const uint64_t *pairs, size_t n)
{
    size_t *to = ctx, keep = n < l->enough ? n : l->enough;
    memmove(l->pairs + *to, pairs + n - keep, keep * sizeof *pairs);
    *to += keep;
    return HY_OK;
}

static int thin_out(struct search *s, struct search_leaf *l)
{
    size_t n = 0;
    int err = each_group(l, keep_newest, &n);
    if (err)
        return err;
    l->n_pairs = n;
    if (n <= l->cap_pairs / 2)
        return HY_OK;
    s->memory += l->cap_pairs * sizeof *l->pairs;
    uint64_t *more =
        s->memory > search_memory ? NULL : realloc(l->pairs, 2 * l->cap_pairs * sizeof *more);
    if (!more)
        return hy_fail(s->diag, HY_ELIMIT, "more activities are counted than there is memory for");
    l->pairs = more;
    l->cap_pairs *= 2;
    return HY_OK;
}

static int see(struct search *s, struct search_leaf *l, hy_lead_no lead, hy_wall_ms at)
{
    uint32_t second = (uint32_t)(at / 1000);
    if (lead >= s->end)
        return HY_OK;
    if (l->newest) {
        if (second >= l->newest[lead])
            l->newest[lead] = second + 1;
        return HY_OK;
    }
    if (l->n_pairs == l->cap_pairs && l->cap_pairs < SEARCH_PAIRS) {
        size_t cap = l->cap_pairs ? 2 * l->cap_pairs : 4096;
        uint64_t *more = realloc(l->pairs, cap * sizeof *more);
        if (!more)
            return HY_ENOMEM;
        l->pairs = more;
        l->cap_pairs = cap;
    }
    int err = l->n_pairs == l->cap_pairs ? thin_out(s, l) : HY_OK;
    if (!err)
        l->pairs[l->n_pairs++] = (uint64_t)lead << 32 | second;
    return err;
}

/* ---- what comes of it ---- */

/* `second`: that of the one with whose leaving it will be otherwise; 0: none is. */
static int end_lead(struct search *s, struct search_leaf *l, hy_lead_no lead, uint32_t count,
                    uint32_t second)
{
    if (hy_segment_is_often(l->node, count) != l->rest)
        search_flip(l, lead);
    if (!s->o->wants_due || !l->node->within_s || !second)
        return HY_OK;
    return search_due(s, lead, ((hy_wall_ms)second + l->node->within_s) * 1000 + 1);
}

static int end_group(void *ctx, struct search_leaf *l, const uint64_t *pairs, size_t n)
{
    uint32_t count = n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
    uint32_t rank = hy_segment_rank(l->node, count);
    return end_lead(ctx, l, (hy_lead_no)(pairs[0] >> 32), count,
                    rank && rank <= n ? (uint32_t)pairs[n - rank] : 0);
}

static int end(struct search *s, struct search_leaf *l)
{
    int err = HY_OK;
    if (!l->newest)
        return each_group(l, end_group, s);
    for (hy_lead_no lead = 1; lead < s->end && !err; lead++)
        if (l->newest[lead])
            err = end_lead(s, l, lead, 1, hy_segment_rank(l->node, 1) ? l->newest[lead] - 1 : 0);
    return err;
}

/* ---- the log ---- */

/* Nothing that a leaf counts was noted before. */
static int floor_of(struct search *s, const struct search_leaf *l, hy_id *ret)
{
    hy_id campaign = 0;
    int err = fact_campaign_of(s->t, l->node, &campaign);
    hy_id from = l->from > 0 ? hy_id_floor(l->from) : 0;
    *ret = campaign > from ? campaign : from;
    return err;
}

static int look(struct search *s, struct hy_deed *deed, const struct hy_activity *a)
{
    hy_wall_ms at = hy_deed_moment(a);
    int err = HY_OK;
    hy_deed_of(deed, s->t, a);
    if (!a->lead || !hy_deed_counts(deed, a))
        return HY_OK;
    const struct hy_segment_deed *d = hy_deed_of(deed, s->t, a);
    for (size_t i = 0; i < s->n && !err; i++) {
        struct search_leaf *l = &s->leaves[i];
        if (l->node->kind == HY_SEGMENT_DID && fact_is_of_kind(l->node, a->kind) && at >= l->from &&
            at < l->until && hy_segment_matches(l->node, d))
            err = see(s, l, a->lead, at);
    }
    return err;
}

static int walk(struct search *s, struct hy_deed *deed, hy_id from)
{
    struct hy_activity_scan scan;
    struct hy_activity a;
    int err = hy_activity_scan_open(s->t, from ? from - 1 : 0, &scan);
    for (size_t i = 0; i < s->n; i++)
        for (int k = 0; s->leaves[i].node->kind == HY_SEGMENT_DID && k < HY_ACTIVITY_KINDS; k++)
            scan.wanted[k] = scan.wanted[k] || fact_is_of_kind(s->leaves[i].node, (uint8_t)k);
    while (!err) {
        err = hy_activity_scan_next(&scan, SEARCH_CHECK, &a);
        if (!err)
            err = look(s, deed, &a);
        else if (err == HY_EMORE)
            err = HY_OK;
        if (!err)
            err = search_step(s);
    }
    hy_activity_scan_close(&scan);
    return err == HY_ENOTFOUND ? HY_OK : err;
}

/* ---- mail ---- */

struct mail {
    struct search *s;
    struct search_leaf *leaf;
    struct hy_deed *deed;
    hy_id campaign;
};

static int look_row(void *ctx, const struct hy_queue_row *row)
{
    struct mail *m = ctx;
    struct search *s = m->s;
    struct hy_activity a;
    int err = search_step(s);
    if (!err)
        err = fact_of_row(s->t, m->leaf->node->did, row->state, row->last_attempt, m->campaign, &a);
    if (err)
        return err == HY_ENOTFOUND ? HY_OK : err;
    if (a.at < m->leaf->from || a.at >= m->leaf->until ||
        !hy_segment_matches(m->leaf->node, hy_deed_of(m->deed, s->t, &a)))
        return HY_OK;
    return see(s, m->leaf, row->ref.lead, a.at);
}

static int walk_mail(struct search *s, struct search_leaf *l, struct hy_deed *deed)
{
    struct mail m = {s, l, deed, 0};
    struct hy_campaign c = {0};
    hy_id only = 0;
    unsigned states =
        1u << (l->node->did == HY_ACTIVITY_DELIVERED ? HY_RCPT_DELIVERED : HY_RCPT_BOUNCED);
    int err = fact_campaign_of(s->t, l->node, &only);
    while (!err && (err = hy_campaign_next(s->t, c.id, &c)) == HY_OK) {
        bool is_near = c.started && c.started < l->until && (!c.ended || c.ended >= l->from);
        if ((only && c.id != only) || !is_near)
            continue;
        m.campaign = c.id;
        err = hy_queue_each(s->t, c.id, states, look_row, &m);
    }
    return err == HY_ENOTFOUND ? HY_OK : err;
}

int search_deeds(struct search *s)
{
    struct hy_deed *deed = NULL;
    hy_id from = UINT64_MAX;
    int err = hy_deed_new(&deed);
    for (size_t i = 0; i < s->n && !err; i++) {
        struct search_leaf *l = &s->leaves[i];
        hy_id floor = UINT64_MAX;
        if (l->node->kind != HY_SEGMENT_DID)
            continue;
        err = begin(s, l);
        if (!err && is_mail(l))
            err = walk_mail(s, l, deed);
        if (!err && l->node->did != HY_ACTIVITY_DELIVERED)
            err = floor_of(s, l, &floor);
        from = floor < from ? floor : from;
    }
    if (!err && from != UINT64_MAX)
        err = walk(s, deed, from);
    for (size_t i = 0; i < s->n && !err; i++)
        if (s->leaves[i].node->kind == HY_SEGMENT_DID)
            err = end(s, &s->leaves[i]);
    hy_deed_free(deed);
    return err;
}
