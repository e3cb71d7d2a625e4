/* What lanes of one source, site and rule have in common, whatever each demands of TLS: the site
 * sees one sender, so there is one window for all of them, and connections and messages count
 * together. A lane that has no connection while the others have all that are allowed stands in
 * turn, and is given one of theirs. What keeps back one lane alone, because its TLS fails, or
 * because it cannot reach what the others can, is its own. */
#include "lane.h"

#include <stdlib.h>

enum {
    SHUT_FIRST_S = 15, /* for a fault of its own; doubling */
    SHUT_LONGEST_S = 600,
};

static struct lane *chain_of(const struct lane *l)
{
    const struct worker *w = l->worker;
    return w->table[l->hash & (w->table_size - 1)];
}

static bool is_same_site(const struct lane *a, const struct lane *b)
{
    return a->hash == b->hash && a->source == b->source && a->rule == b->rule &&
           hy_str_eq(a->mx->site.key, b->mx->site.key);
}

bool joint_join(struct lane *l)
{
    for (struct lane *o = chain_of(l); o && !l->joint; o = o->chain)
        if (o != l && is_same_site(o, l))
            l->joint = o->joint;
    bool is_new = !l->joint;
    if (is_new)
        l->joint = calloc(1, sizeof *l->joint);
    if (!l->joint)
        return false;
    if (is_new)
        hy_list_init(&l->joint->in_turn);
    l->joint->n_lanes++;
    return true;
}

void joint_leave(struct lane *l)
{
    struct worker *w = l->worker;
    struct hy_window_learned learned;
    joint_leave_turn(l);
    if (--l->joint->n_lanes == 0) {
        if (hy_window_save(&l->joint->window, &learned, hy_loop_now(w->loop)))
            site_memory_keep(&w->memory, lane_key(l), &learned);
        free(l->joint);
    }
    l->joint = NULL;
}

/* Rules that a reload brought may name one domain of the site and not another. Lanes that are under
 * one rule go on with a window of their own, which begins as it was. */
bool joint_part(struct lane *l)
{
    struct lane_joint *old = l->joint;
    bool is_apart = false;
    for (const struct lane *o = chain_of(l); o && old->n_lanes > 1; o = o->chain)
        is_apart |= o->joint == old && o->rule != l->rule;
    struct lane_joint *own = is_apart ? calloc(1, sizeof *own) : NULL;
    if (!own) /* without memory they go on together */
        return false;
    hy_list_init(&own->in_turn);
    own->window = old->window;
    for (struct lane *o = chain_of(l); o; o = o->chain) {
        if (o->joint != old || o->rule != l->rule)
            continue;
        joint_leave_turn(o);
        o->joint = own;
        own->n_lanes++;
        old->n_lanes--;
    }
    return true;
}

struct lane_sum joint_sum(const struct lane *l)
{
    struct lane_sum sum = {0};
    for (const struct lane *o = l->joint->n_lanes > 1 ? chain_of(l) : l; o; o = o->chain) {
        if (o->joint != l->joint)
            continue;
        sum.sessions += o->n_sessions;
        sum.leaving += o->n_leaving;
        sum.up += o->n_up;
        sum.on_wire += o->n_on_wire;
        if (o->n_sessions - o->n_leaving > sum.most)
            sum.most = o->n_sessions - o->n_leaving;
        if (l->joint->n_lanes == 1)
            break;
    }
    return sum;
}

bool joint_is_busy(const struct lane *l)
{
    for (const struct lane *o = l->joint->n_lanes > 1 ? chain_of(l) : l; o; o = o->chain)
        if (o->joint == l->joint && (o->n_ready || o->n_pressing || share_any(o)))
            return true;
    return false;
}

void joint_wake(struct lane *l)
{
    if (l->joint->n_lanes == 1) {
        lane_wake(l);
        return;
    }
    for (struct lane *o = chain_of(l); o; o = o->chain)
        if (o->joint == l->joint)
            lane_wake(o);
}

bool joint_is_up_at(const struct lane *l, const struct hy_sockaddr *addr)
{
    for (const struct lane *o = chain_of(l); o; o = o->chain) {
        if (o->joint != l->joint)
            continue;
        hy_list_for_each (it, &o->sessions) {
            const struct session *s = hy_container_of(it, struct session, link);
            if (s->is_up && hy_sockaddr_ip_eq(&s->addr, addr))
                return true;
        }
    }
    return false;
}

/* ---- turns ---- */

void joint_leave_turn(struct lane *l)
{
    struct lane_joint *j = l->joint;
    if (hy_list_empty(&l->turn))
        return;
    bool was_next = j->in_turn.next == &l->turn;
    hy_list_remove(&l->turn);
    j->n_in_turn--;
    if (was_next && j->n_in_turn)
        lane_wake(hy_container_of(j->in_turn.next, struct lane, turn));
}

/* Whether `n` connections are more than are allowed. */
static bool is_too_many(const struct lane *l, uint32_t n)
{
    return hy_window_surplus(&l->joint->window, n) > 0;
}

bool joint_must_wait(struct lane *l)
{
    struct lane_joint *j = l->joint;
    if (j->n_lanes == 1)
        return false;
    struct lane_sum sum = joint_sum(l);
    if (l->n_sessions) /* those that have none come first */
        return j->n_in_turn && is_too_many(l, sum.sessions + 1 + j->n_in_turn);
    bool is_next = hy_list_empty(&j->in_turn) || j->in_turn.next == &l->turn;
    if (is_next && (sum.sessions == 0 || !is_too_many(l, sum.sessions + 1)))
        return false;
    if (hy_list_empty(&l->turn)) {
        hy_list_push(&j->in_turn, &l->turn);
        j->n_in_turn++;
        joint_wake(l);
    }
    return true;
}

bool joint_must_give(const struct lane *l)
{
    const struct lane_joint *j = l->joint;
    uint32_t stay = l->n_sessions - l->n_leaving;
    if (j->n_in_turn == 0 || stay == 0 || j->window.state != HY_WINDOW_OPEN)
        return false;
    struct lane_sum sum = joint_sum(l);
    return stay == sum.most && sum.leaving < j->n_in_turn && is_too_many(l, sum.sessions + 1);
}

/* ---- one lane alone ---- */

bool joint_is_own_tls(const struct lane *l, const struct hy_outcome *why)
{
    bool is_tls = why->phase == HY_PHASE_STARTTLS || why->phase == HY_PHASE_TLS ||
                  why->phase == HY_PHASE_POLICY;
    return is_tls && l->tls && l->tls->print;
}

bool joint_is_own_fault(const struct lane *l, const struct hy_outcome *why)
{
    return joint_is_own_tls(l, why) || joint_sum(l).sessions > l->n_sessions;
}

void lane_shut_alone(struct lane *l, hy_us now)
{
    hy_us pause = SHUT_FIRST_S * HY_US_PER_SEC;
    for (uint32_t i = 0; i < l->own_faults && pause < SHUT_LONGEST_S * HY_US_PER_SEC; i++)
        pause *= 2;
    l->own_faults++;
    l->shut_until =
        now + (pause < SHUT_LONGEST_S * HY_US_PER_SEC ? pause : SHUT_LONGEST_S * HY_US_PER_SEC);
}

hy_us lane_shut_until(const struct lane *l, hy_us now)
{
    hy_us until = hy_window_shut_until(&l->joint->window, now);
    return l->shut_until > now && l->shut_until > until ? l->shut_until : until;
}
