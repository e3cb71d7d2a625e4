/* What a lane knew of its site, kept for the next one. */
#include "window_priv.h"

enum {
    DOUBT_S = 600,
    OLD_S = 6 * 3600,
    STALE_S = 7 * 86400,
    SHUT_S = 1200, /* a site that was shut is probed first so long after its time */
};

bool hy_window_save(const struct hy_window *w, struct hy_window_learned *ret, hy_us now)
{
    const struct hy_window_conns *c = &w->conns;
    const struct hy_window_pace *p = &w->pace;
    bool is_grown = c->window > w->adaptive.start;
    bool is_shut = w->state != HY_WINDOW_OPEN && now - w->until < SHUT_S * SEC;
    if (!is_grown && !c->bad && p->cap <= 0 && p->bad <= 0 && !w->per_connection && !is_shut &&
        w->order.factor <= 1)
        return false;
    *ret = (struct hy_window_learned){
        .at = now,
        .state = is_shut ? w->state : HY_WINDOW_OPEN,
        .shut_us = is_shut && w->until > now ? w->until - now : 0,
        .pause_us = w->pause_us,
        .failures = w->failures_in_row,
        .connections = c->window,
        .bad_connections = c->bad,
        .messages_per_connection = w->per_connection,
        .rate = (float)p->cap,
        .bad_rate = (float)p->bad,
        .noise = (float)p->noise,
        .did = w->order.factor > 1 ? (float)(hy_order_pace(w) * w->order.factor) : 0,
    };
    return true;
}

/* What was paused or suspended is so for what is left of its time; then one message goes ahead. */
static void restore_shut(struct hy_window *w, const struct hy_window_learned *l, hy_us now)
{
    hy_us until = l->at + l->shut_us;
    if (l->state == HY_WINDOW_OPEN || now - until > SHUT_S * SEC)
        return;
    bool is_suspended = l->state == HY_WINDOW_SUSPENDED;
    w->state = until <= now   ? HY_WINDOW_PROBING
               : is_suspended ? HY_WINDOW_SUSPENDED
                              : HY_WINDOW_PAUSED;
    w->until = until;
    w->pause_us = l->pause_us;
    w->paused_at = is_suspended || l->pause_us == 0 ? 0 : now;
    w->failures_in_row = l->failures;
    hy_window_note(w, now, "shut before, and still so");
}

/* The level to begin with: of what is old, half. */
static uint32_t trusted(const struct hy_window *w, uint32_t level, hy_us age)
{
    uint32_t half = level / 2 > w->adaptive.start ? level / 2 : w->adaptive.start;
    if (age > OLD_S * SEC && half < level)
        level = half;
    if (level > w->ceiling)
        level = w->ceiling;
    return level ? level : 1;
}

void hy_window_restore(struct hy_window *w, const struct hy_window_learned *l, hy_us now)
{
    hy_us age = now - l->at;
    bool is_doubted = age > DOUBT_S * SEC;
    struct hy_window_conns *c = &w->conns;
    restore_shut(w, l, now);
    w->order.did = age > STALE_S * SEC ? 0 : (double)l->did;
    if (!w->adaptive.enabled || age > STALE_S * SEC)
        return;
    c->window = trusted(w, l->connections, age);
    c->bad = l->bad_connections;
    if (c->bad && !is_doubted)
        c->hold_until = now + DOUBT_S * SEC / 10;
    w->per_connection = w->per_connection_seen = l->messages_per_connection;
    w->per_connection_at = l->at;
    w->pace.noise = (double)l->noise;
    if (l->rate > 0) {
        hy_pace_cut(w, (double)l->rate, (double)l->bad_rate, now);
        if (is_doubted)
            w->pace.hold_until = now;
    }
}
