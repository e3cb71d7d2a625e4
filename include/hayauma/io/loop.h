/* The event loop of a thread: descriptors, timers, deferred calls, mailboxes, signals.
 *
 * A turn: wait for descriptors (not at all when something else is pending), run their callbacks,
 * drain the mailboxes, fire due timers, run what was deferred until then. Everything here
 * is called on the loop's own thread, but for hy_loop_stop. No call of this file ever calls back
 * from inside itself: callbacks come from hy_loop_run only. */
#pragma once
#include <signal.h>

#include "hayauma/base/clock.h"
#include "hayauma/base/err.h"
#include "hayauma/base/list.h"
#include "hayauma/base/wheel.h"

struct hy_loop;

/* HY_ENOMEM; HY_EIO when the system gives no epoll or eventfd descriptor. May be made on one thread
 * and run on another. */
HY_MUST_USE int hy_loop_create(struct hy_loop **ret_loop);
/* The loop does not run; its watches, connections and mailboxes were freed before. */
void hy_loop_free(struct hy_loop *loop);
/* Runs turns until hy_loop_stop. 0, or HY_EIO when the system's wait fails. */
HY_MUST_USE int hy_loop_run(struct hy_loop *loop);
/* One turn that waits at most `max_wait_us` (0 = not at all): for tests and for draining at exit.
 */
HY_MUST_USE int hy_loop_turn(struct hy_loop *loop, hy_us max_wait_us);
/* Ends hy_loop_run after the present turn (at once, if it is not running: the next run returns
 * after one turn that does not wait). Any thread, and signal-safe. */
void hy_loop_stop(struct hy_loop *loop);
/* From now on turns come `pace` microseconds apart on the average, so that a busy loop finds more
 * to do in each; a hundred may come at once. 0 (the default): whenever there is something. */
void hy_loop_pace(struct hy_loop *loop, hy_us pace);

/* Monotonic microseconds, read once a turn: what callbacks take for `now`. */
hy_us hy_loop_now(struct hy_loop *loop);
/* Reads the clock anew (after long work inside a callback). */
hy_us hy_loop_refresh_now(struct hy_loop *loop);

/* Timers: hy_timer_init(t, fn, arg), then arm. fn runs once, disarmed, and may arm it again.
 * HY_US_NEVER disarms. Late by at most a tick of the wheel (16.4 ms) and the turn. */
void hy_loop_arm(struct hy_loop *loop, struct hy_timer *t, hy_us due);
void hy_loop_arm_in(struct hy_loop *loop, struct hy_timer *t, hy_us delay);
void hy_loop_disarm(struct hy_loop *loop, struct hy_timer *t);

/* A call from the loop, at the end of this turn or, when made by a deferred call, of the next. Part
 * of a larger struct, initialised with hy_defer_init; deferring twice is deferring once. */
struct hy_defer {
    struct hy_list link;
    void (*fn)(void *arg);
    void *arg;
};
static inline void hy_defer_init(struct hy_defer *d, void (*fn)(void *arg), void *arg)
{
    hy_list_init(&d->link);
    d->fn = fn;
    d->arg = arg;
}
void hy_loop_defer(struct hy_loop *loop, struct hy_defer *d);
void hy_loop_undefer(struct hy_defer *d); /* fine when it is not deferred */

/* Watching a descriptor that the caller owns. Level-triggered and persistent. */
enum { HY_WATCH_READ = 1, HY_WATCH_WRITE = 2 };
struct hy_watch;
typedef void hy_watch_fn(void *arg, int fd, unsigned what);
/* `what` is any of HY_WATCH_*; HY_ENOMEM, HY_EIO. */
HY_MUST_USE int hy_watch_add(struct hy_loop *loop, int fd, unsigned what, hy_watch_fn *fn,
                             void *arg, struct hy_watch **ret_watch);
/* Another set of HY_WATCH_*, 0 = none for now. */
HY_MUST_USE int hy_watch_change(struct hy_watch *w, unsigned what);
/* Before the descriptor is closed; also from inside its own callback. NULL is fine. */
void hy_watch_free(struct hy_watch *w);

/* Signals as callbacks (signalfd): blocks `set` in the calling thread, so call it on the main
 * thread before any other thread is made. HY_EIO, HY_ENOMEM. */
typedef void hy_signal_fn(void *arg, int signo);
HY_MUST_USE int hy_loop_watch_signals(struct hy_loop *loop, const sigset_t *set, hy_signal_fn *fn,
                                      void *arg);
