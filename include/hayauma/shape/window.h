/* The window of a lane: how many connections it may hold, when the next may be opened, when the
 * next message may go. Today it follows the limits of its rule and backs off a site that cannot be
 * reached; everything an adaptive window needs to see passes through here already. */
#pragma once
#include "hayauma/model/outcome.h"
#include "hayauma/shape/rate.h"

struct hy_window {
    uint32_t max_connections;
    struct hy_rate_gate connection_gate;
    struct hy_rate_gate message_gate;
    hy_us suspended_until;    /* 0 = open */
    uint32_t failures_in_row; /* connection failures since the last success */
};

void hy_window_init(struct hy_window *w, const struct hy_shape_limits *l);
/* New limits after a reload; keeps suspension and what was used of the rates. */
void hy_window_change(struct hy_window *w, const struct hy_shape_limits *l);

/* 0 and takes a connection start when one may be opened now with `open` already open or opening;
 * HY_US_NEVER when the window is full (ask again when one closes); otherwise the time to ask again.
 */
hy_us hy_window_may_connect(struct hy_window *w, uint32_t open, hy_us now);
/* 0 when the rate lets a message go; otherwise the time to ask again. */
hy_us hy_window_may_send(struct hy_window *w, hy_us now);
/* Takes one message of the rate. */
void hy_window_sent(struct hy_window *w, hy_us now);

/* A connection reached its first ready state. */
void hy_window_connected(struct hy_window *w, hy_us now);
/* Every address of the site failed: no new connection for 15 s, doubling up to 10 minutes. */
void hy_window_unreachable(struct hy_window *w, hy_us now);
/* Every outcome of an attempt, with the time it took. One that spoils the whole site suspends it
 * like a site that cannot be reached. */
void hy_window_outcome(struct hy_window *w, const struct hy_outcome *o, hy_us took_us, hy_us now);
