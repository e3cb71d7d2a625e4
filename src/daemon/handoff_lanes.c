/* Receivers of hand-offs: who fails is left alone for a time that doubles, then asked with one. */
#include "handoff_lanes.h"

enum { FIRST_PAUSE_S = 5, LONGEST_PAUSE_S = 300, RETRY_AFTER_MAX_S = 3600 };

unsigned handoff_doubled(unsigned first, unsigned times, unsigned longest)
{
    unsigned s = first;
    for (; times > 0 && s < longest; times--)
        s *= 2;
    return s < longest ? s : longest;
}

struct handoff_lane *handoff_lane_of(struct handoff_lanes *l, uint16_t no)
{
    struct handoff_lane *free_one = NULL;
    for (size_t i = 0; i < HANDOFF_LANES_MAX; i++) {
        struct handoff_lane *at = &l->lanes[i];
        if (at->no == no) {
            at->is_seen = true;
            return at;
        }
        if (!free_one && at->no == 0)
            free_one = at;
    }
    if (free_one)
        *free_one = (struct handoff_lane){.no = no, .is_seen = true};
    return free_one;
}

void handoff_lanes_forget(struct handoff_lanes *l)
{
    for (size_t i = 0; i < HANDOFF_LANES_MAX; i++) {
        struct handoff_lane *at = &l->lanes[i];
        if (!at->is_seen && at->n_out == 0)
            *at = (struct handoff_lane){0};
        at->is_seen = false;
    }
}

unsigned handoff_lane_failed(struct handoff_lane *l, unsigned retry_after_s, hy_us now)
{
    unsigned s = retry_after_s < RETRY_AFTER_MAX_S ? retry_after_s : RETRY_AFTER_MAX_S;
    unsigned told = 0;
    l->n_troubles++;
    if (l->n_troubles >= HANDOFF_LANE_CLOSED_AFTER && now >= l->closed_until) {
        unsigned pause_s = handoff_doubled(FIRST_PAUSE_S, l->n_troubles - HANDOFF_LANE_CLOSED_AFTER,
                                           LONGEST_PAUSE_S);
        s = s > pause_s ? s : pause_s;
        told = s;
    }
    hy_us until = now + (hy_us)s * HY_US_PER_SEC;
    l->closed_until = until > l->closed_until ? until : l->closed_until;
    return told;
}

void handoff_lane_works(struct handoff_lane *l)
{
    l->n_troubles = 0;
    l->closed_until = 0;
}

unsigned handoff_lane_room(const struct handoff_lane *l, unsigned usual, hy_us now)
{
    unsigned max = l->n_troubles >= HANDOFF_LANE_CLOSED_AFTER ? 1 : usual;
    return now < l->closed_until || l->n_out >= max ? 0 : max - l->n_out;
}
