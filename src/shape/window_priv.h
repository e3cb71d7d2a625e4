/* The parts of a window: connections, pace, and what they share. */
#pragma once
#include <stdarg.h>

#include "hayauma/shape/signal.h"
#include "hayauma/shape/window.h"

#define SEC HY_US_PER_SEC

/* Messages may go ahead of a pace by this much: timers are coarse. */
enum { HY_WINDOW_SMOOTH_US = 10000 };

/* Writes down why the window was changed. */
void hy_window_note(struct hy_window *w, hy_us now, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The words of an outcome for a note: short, printable. `buf` lives in the caller. */
struct hy_window_words {
    char text[80];
};
const char *hy_window_quote(struct hy_window_words *buf, const struct hy_outcome *o);

/* The next hold: twice as long where the same level went wrong again, from the start otherwise. */
hy_us hy_window_hold(hy_us last, bool is_same, hy_us first, hy_us longest);

void hy_conns_init(struct hy_window *w, hy_us now);
/* Grows when the time has come; returns when to ask again. */
hy_us hy_conns_grow(struct hy_window *w, hy_us now);
/* `to` connections at most from now on; `bad` went wrong. */
void hy_conns_cut(struct hy_window *w, uint32_t to, uint32_t bad, hy_us now);
void hy_conns_taken(struct hy_window *w, const struct hy_window_event *ev, hy_us now);
void hy_conns_lost(struct hy_window *w, const struct hy_window_event *ev, hy_us now);
/* Ends an epoch that takes too long. */
void hy_conns_tick(struct hy_window *w, hy_us now);

/* Messages/s taken over the last one or two buckets. */
double hy_pace_measured(const struct hy_window_pace *p, hy_us now);
/* The same while messages are being taken one behind the other; 0: they are not, or are too few to
 * tell. */
double hy_pace_lately(const struct hy_window_pace *p, hy_us now);
void hy_pace_set(struct hy_window *w, double cap, hy_us now);
/* A level went wrong: `cap` from now on, `bad` is remembered. */
void hy_pace_cut(struct hy_window *w, double cap, double bad, hy_us now);
void hy_pace_grow(struct hy_window *w, hy_us now);
void hy_pace_taken(struct hy_window *w, hy_us now);
/* A signal; true when there are so many in a row that nothing more should go. */
bool hy_pace_signal(struct hy_window *w, const struct hy_window_event *ev, bool is_strong,
                    hy_us now);
/* After a pause that ended well. */
void hy_pace_resume(struct hy_window *w, hy_us now);

/* Messages/s that an order leaves; 0 = there is none, or nobody knows yet. */
double hy_order_pace(const struct hy_window *w);
/* Connections that are allowed now, with an order or without. */
uint32_t hy_order_connections(const struct hy_window *w);
void hy_order_outcome(struct hy_window *w, const struct hy_window_event *ev, hy_us now);
