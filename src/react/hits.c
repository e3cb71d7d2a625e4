/* What a hit says of itself: from a stored activity to what is judged. */
#include "react_priv.h"

#include "hayauma/store/attempt.h"
#include "hayauma/store/queue.h"
#include "hayauma/store/spool.h"
#include "hayauma/track/proxy.h"

/* What only a person in front of a page or of the mail does. */
static bool is_proof(enum hy_activity_kind k)
{
    return (k >= HY_ACTIVITY_PAGE_VIEW && k <= HY_ACTIVITY_IDENTIFY) || k == HY_ACTIVITY_REPLY;
}

/* When the server answered the final dot of the row's message; INT64_MAX: it has not yet. 0: that
 * is not known, or is in doubt. */
static hy_wall_ms taken_at(struct hy_txn *t, const struct hy_queue_row *row)
{
    struct hy_attempt a;
    if (row->state == HY_RCPT_HELD)
        return 0;
    if (row->last_attempt == 0 || hy_attempt_get(t, row->last_attempt, &a) != 0)
        return hy_rcpt_is_final(row->state) || row->last_attempt ? 0 : INT64_MAX;
    if (a.outcome.in_doubt)
        return 0;
    if (!hy_rcpt_is_final(row->state))
        return INT64_MAX;
    hy_wall_ms end = a.started ? a.started + a.duration_ms : 0;
    bool was_in_doubt = a.previous && hy_attempt_get(t, a.previous, &a) == 0 && a.outcome.in_doubt;
    return was_in_doubt ? 0 : end;
}

/* Whether the mail was asked for while it was still on its way: a filter looks into what it has not
 * yet accepted. */
static bool is_early(struct hy_txn *t, const struct hy_activity *a)
{
    struct hy_queue_row row;
    if (!a->campaign || !a->lead || !a->domain || hy_id_is_spool(a->campaign))
        return false;
    if (hy_queue_find(t, a->campaign, a->domain, a->lead, &row) != 0)
        return false;
    return a->at < taken_at(t, &row);
}

static unsigned signs_of(struct hy_react *r, struct hy_txn *t, const struct hy_activity *a)
{
    unsigned signs = 0;
    enum hy_proxy_kind proxy = hy_proxy_of(a->agent, a->ip);
    if (a->reason == HY_VERDICT_HEAD)
        signs |= HY_HIT_HEAD;
    if (a->reason == HY_VERDICT_PREFETCH)
        signs |= HY_HIT_PREFETCH;
    if (a->kind == HY_ACTIVITY_OPEN &&
        (proxy == HY_PROXY_PRIVACY || a->reason == HY_VERDICT_PRIVACY))
        signs |= HY_HIT_PRIVACY;
    else if (a->kind == HY_ACTIVITY_OPEN && proxy == HY_PROXY_IMAGES)
        signs |= HY_HIT_PROXY;
    else if (hy_agent_of(r->agents, a->agent).kind != HY_AGENT_HUMAN)
        signs |= HY_HIT_ROBOT;
    if (is_early(t, a))
        signs |= HY_HIT_EARLY;
    return signs;
}

bool hit_of(struct hy_react *r, struct hy_txn *t, const struct hy_activity *a, struct hy_hit *ret)
{
    bool is_hit = a->kind == HY_ACTIVITY_OPEN || a->kind == HY_ACTIVITY_CLICK;
    if (!is_hit && !(is_proof(a->kind) && a->campaign && a->lead))
        return false;
    *ret = (struct hy_hit){
        .id = a->id,
        .at = a->at,
        .kind = a->kind == HY_ACTIVITY_OPEN    ? HY_HIT_OPEN
                : a->kind == HY_ACTIVITY_CLICK ? HY_HIT_CLICK
                                               : HY_HIT_PROOF,
        .campaign = a->message ? a->message : a->campaign,
        .lead = a->lead,
        .link = a->link,
        .agent = a->agent,
    };
    memcpy(ret->ip, a->ip, sizeof ret->ip);
    if (is_hit)
        ret->signs = signs_of(r, t, a);
    else if (a->agent.n && hy_agent_of(r->agents, a->agent).kind != HY_AGENT_HUMAN)
        ret->signs = HY_HIT_ROBOT;
    return true;
}
