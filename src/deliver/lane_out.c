/* When the source of a lane cannot send to its site: what nothing was sent of goes to the others of
 * its pool. A pause of a moment moves nothing: whoever is next would meet the same. */
#include "lane.h"

enum {
    OUT_US = 5 * 1000 * 1000,   /* shut for less than this is a pause */
    AGAIN_US = 1 * 1000 * 1000, /* between looks whether somebody else may */
};

bool lane_is_out(const struct lane *l, hy_us now)
{
    if (!l->from || l->is_held || (l->day_until > now && !l->is_day_warmup))
        return true;
    return lane_shut_until(l, now) > now + OUT_US || source_family(l->source, l->from, now) < 0;
}

static bool is_signed_alike(const struct hy_deliver_source *a, const struct hy_deliver_source *b)
{
    if (!a || !b || a->n_dkim != b->n_dkim)
        return false;
    for (size_t i = 0; i < a->n_dkim; i++)
        if (!hy_str_eq(a->dkim[i], b->dkim[i]))
            return false;
    return true;
}

bool lane_pass_on(struct lane *l, struct delivery *d)
{
    struct lane *to = deal_elsewhere(l->worker, d);
    if (!to || to == l)
        return false;
    bool is_same = is_signed_alike(source_in(l->worker->policy, d->source), to->from);
    for (uint32_t i = 0; i < party_size(d); i++)
        party_member(d, i)->lane = to;
    if (!is_same && d->is_pressed)
        delivery_drop_bytes(d);
    lane_take_back(to, d);
    return true;
}

/* Those that may stay where they are do, when `only_strays` is set. */
static void pass_on(struct lane *l, bool only_strays)
{
    struct hy_list mine;
    hy_list_init(&mine);
    while (!hy_list_empty(&l->ready))
        hy_list_push(&mine, hy_list_pop(&l->ready));
    for (struct hy_list *it; (it = hy_list_pop(&mine));) {
        struct delivery *d = hy_container_of(it, struct delivery, link);
        l->n_ready--;
        lane_count_ahead(l, d, -1);
        bool stays = only_strays && deal_may_stay(l, d);
        if (!stays && lane_pass_on(l, d))
            continue;
        hy_list_push(&l->ready, &d->link); /* in the order they had */
        l->n_ready++;
        lane_count_ahead(l, d, 1);
    }
}

static void pass_on_ready(struct lane *l)
{
    const struct delivery *first = hy_container_of(l->ready.next, struct delivery, link);
    if (!l->from || deal_may(l->worker, first->feed))
        pass_on(l, false);
}

void lane_reroute(struct lane *l)
{
    if (l->n_ready)
        pass_on(l, true);
}

void lane_leave(struct lane *l, hy_us now)
{
    bool has_work = l->n_ready > 0;
    struct hy_list parts;
    if (l->leave_at > now) {
        lane_wait_until(l, l->leave_at);
        return;
    }
    hy_list_init(&parts);
    hy_list_for_each (it, &l->shares) {
        struct lane_share *s = hy_container_of(it, struct lane_share, link);
        if (hy_list_empty(&s->feeds))
            continue;
        has_work = true;
        const struct feed_part *first = hy_container_of(s->feeds.next, struct feed_part, link);
        bool moves = !l->from || deal_may(l->worker, first->feed);
        while (moves && !hy_list_empty(&s->feeds))
            hy_list_push(&parts, hy_list_pop(&s->feeds));
    }
    for (struct hy_list *it; (it = hy_list_pop(&parts));)
        deal_again(l->worker, hy_container_of(it, struct feed_part, link)->feed);
    if (l->n_ready)
        pass_on_ready(l);
    l->leave_at = now + AGAIN_US;
    if (has_work)
        lane_wait_until(l, l->leave_at);
}
