/* What a lane knew of its site, kept for the next one. */
#include "window_priv.h"

enum { DOUBT_S = 600 };

bool hy_window_save(const struct hy_window *w, struct hy_window_learned *ret, hy_us now)
{
    const struct hy_window_conns *c = &w->conns;
    const struct hy_window_pace *p = &w->pace;
    bool is_grown = c->window > w->adaptive.start;
    if (!is_grown && !c->bad && p->cap <= 0 && p->bad <= 0 && !w->per_connection)
        return false;
    *ret = (struct hy_window_learned){
        .at = now,
        .connections = c->window,
        .bad_connections = c->bad,
        .messages_per_connection = w->per_connection,
        .rate = (float)p->cap,
        .bad_rate = (float)p->bad,
        .noise = (float)p->noise,
    };
    return true;
}

void hy_window_restore(struct hy_window *w, const struct hy_window_learned *l, hy_us now)
{
    bool is_doubted = now - l->at > DOUBT_S * SEC;
    struct hy_window_conns *c = &w->conns;
    if (!w->adaptive.enabled)
        return;
    if (l->connections < w->ceiling)
        c->window = l->connections ? l->connections : 1;
    else
        c->window = w->ceiling;
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
