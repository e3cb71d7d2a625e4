/* The event loop: libevent waits for descriptors; turns, timers and deferred calls are ours. */
#include "loop_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

enum { PACE_BURST = 100 }; /* turns that may come without a pause after a quiet time */

static void on_alarm(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    ((struct hy_loop *)arg)->alarm_due = HY_US_NEVER;
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    (void)arg;
    uint64_t count;
    if (read(fd, &count, sizeof count) < 0)
        return; /* EAGAIN: somebody stopped us twice, and we read once */
}

static struct event_base *make_base(void)
{
    struct event_config *conf = event_config_new();
    if (!conf)
        return NULL;
    struct event_base *base = NULL;
    if (event_config_require_features(conf, EV_FEATURE_ET | EV_FEATURE_O1 |
                                                EV_FEATURE_EARLY_CLOSE) == 0 &&
        event_config_set_flag(conf, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV) == 0)
        base = event_base_new_with_config(conf);
    event_config_free(conf);
    return base;
}

int hy_loop_create(struct hy_loop **ret_loop)
{
    int err = HY_ENOMEM;
    struct hy_loop *loop = calloc(1, sizeof *loop);
    if (!loop)
        return HY_ENOMEM;
    loop->buffers = malloc(sizeof *loop->buffers); /* touched only where used */
    if (!loop->buffers)
        goto free_loop;
    err = HY_EIO;
    loop->base = make_base();
    if (!loop->base)
        goto free_buffers;
    loop->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (loop->wake_fd < 0)
        goto free_base;
    if (event_assign(&loop->wake, loop->base, loop->wake_fd, EV_READ | EV_PERSIST, on_wake, loop) ||
        event_add(&loop->wake, NULL) || evtimer_assign(&loop->alarm, loop->base, on_alarm, loop))
        goto close_wake;
    loop->now = hy_clock_us();
    loop->alarm_due = HY_US_NEVER;
    loop->signal_fd = -1;
    hy_wheel_init(&loop->wheel, loop->now);
    hy_list_init(&loop->deferred);
    hy_list_init(&loop->mailboxes);
    *ret_loop = loop;
    return 0;

close_wake:
    close(loop->wake_fd);
free_base:
    event_base_free(loop->base);
free_buffers:
    free(loop->buffers);
free_loop:
    free(loop);
    return err;
}

void hy_loop_free(struct hy_loop *loop)
{
    if (!loop)
        return;
    hy_watch_free(loop->signal_watch);
    if (loop->signal_fd >= 0)
        close(loop->signal_fd);
    event_del(&loop->alarm);
    event_del(&loop->wake);
    close(loop->wake_fd);
    event_base_free(loop->base);
    free(loop->buffers);
    free(loop);
}

hy_us hy_loop_refresh_now(struct hy_loop *loop)
{
    loop->now = hy_clock_us();
    loop->now_is_fresh = true;
    return loop->now;
}

hy_us hy_loop_now(struct hy_loop *loop)
{
    return loop->now_is_fresh ? loop->now : hy_loop_refresh_now(loop);
}

/* ---- a turn ---- */

static bool mail_waits(struct hy_loop *loop)
{
    hy_list_for_each (n, &loop->mailboxes) {
        if (!hy_mailbox_is_empty(hy_container_of(n, struct hy_loop_inbox, link)->mb))
            return true;
    }
    return false;
}

/* Whether the loop may block: nothing is pending, and every writer knows that it must wake us. */
static bool fall_asleep(struct hy_loop *loop)
{
    if (!hy_list_empty(&loop->deferred) || atomic_load(&loop->stopping) || mail_waits(loop))
        return false;
    hy_list_for_each (n, &loop->mailboxes) {
        if (!hy_mailbox_sleep(hy_container_of(n, struct hy_loop_inbox, link)->mb))
            return false;
    }
    return true;
}

/* Sets the alarm for `due`, and says whether the loop may sleep until it rings. One that is set for
 * earlier stays: being woken once too often is cheaper than moving it at each change. */
static bool set_alarm(struct hy_loop *loop, hy_us due)
{
    if (due >= loop->alarm_due)
        return true;
    hy_us wait = due - hy_loop_refresh_now(loop);
    if (wait <= 0)
        return false;
    struct timeval tv = {.tv_sec = wait / HY_US_PER_SEC, .tv_usec = wait % HY_US_PER_SEC};
    if (event_add(&loop->alarm, &tv))
        return false; /* no memory: look again at once instead of sleeping too long */
    loop->alarm_due = due;
    return true;
}

/* Where turns have come too fast, sleeps until one is due, or something of ours is: what comes
 * meanwhile is met by one turn instead of many, and nobody takes the trouble to wake us. */
static void rest(struct hy_loop *loop, hy_us due)
{
    if (!loop->pace || !hy_list_empty(&loop->deferred) || atomic_load(&loop->stopping))
        return;
    hy_us now = hy_loop_refresh_now(loop), earliest = now - PACE_BURST * loop->pace;
    loop->pace_at = (loop->pace_at > earliest ? loop->pace_at : earliest) + loop->pace;
    hy_us until = loop->pace_at < due ? loop->pace_at : due;
    if (until <= now)
        return;
    struct timespec at = {.tv_sec = until / HY_US_PER_SEC, .tv_nsec = until % HY_US_PER_SEC * 1000};
    (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL); /* a signal: sooner is fine */
}

static void drain_mailboxes(struct hy_loop *loop)
{
    struct hy_list todo;
    hy_list_init(&todo);
    for (struct hy_list *n; (n = hy_list_pop(&loop->mailboxes)) != NULL;)
        hy_list_push(&todo, n);
    /* Each goes back before its turn, so that callbacks may detach any of them. */
    for (struct hy_list *n; (n = hy_list_pop(&todo)) != NULL;) {
        hy_list_push(&loop->mailboxes, n);
        hy_mailbox_deliver(hy_container_of(n, struct hy_loop_inbox, link)->mb);
    }
}

static void fire_timers(struct hy_loop *loop)
{
    if (loop->wheel.n_armed == 0)
        return;
    hy_wheel_advance(&loop->wheel, hy_loop_refresh_now(loop));
    for (struct hy_timer *t; (t = hy_wheel_pop(&loop->wheel)) != NULL;)
        t->fn(t->arg);
}

static void run_deferred(struct hy_loop *loop)
{
    struct hy_list todo;
    hy_list_init(&todo);
    for (struct hy_list *n; (n = hy_list_pop(&loop->deferred)) != NULL;)
        hy_list_push(&todo, n);
    for (struct hy_list *n; (n = hy_list_pop(&todo)) != NULL;) {
        struct hy_defer *d = hy_container_of(n, struct hy_defer, link);
        d->fn(d->arg);
    }
}

int hy_loop_turn(struct hy_loop *loop, hy_us max_wait_us)
{
    hy_us due = hy_wheel_next(&loop->wheel);
    if (max_wait_us < HY_US_NEVER / 2) {
        hy_us end = hy_loop_refresh_now(loop) + max_wait_us;
        due = due < end ? due : end;
    }
    if (max_wait_us > 0)
        rest(loop, due);
    bool may_block = max_wait_us > 0 && set_alarm(loop, due) && fall_asleep(loop);
    loop->now_is_fresh = false;
    if (event_base_loop(loop->base, EVLOOP_ONCE | (may_block ? 0 : EVLOOP_NONBLOCK)) < 0)
        return HY_EIO;
    drain_mailboxes(loop);
    fire_timers(loop);
    run_deferred(loop);
    return 0;
}

int hy_loop_run(struct hy_loop *loop)
{
    int err = 0;
    do {
        err = hy_loop_turn(loop, HY_US_NEVER);
    } while (!err && !atomic_load(&loop->stopping));
    atomic_store(&loop->stopping, false);
    return err;
}

void hy_loop_pace(struct hy_loop *loop, hy_us pace)
{
    loop->pace = pace;
}

void hy_loop_stop(struct hy_loop *loop)
{
    atomic_store(&loop->stopping, true);
    uint64_t one = 1;
    ssize_t n = write(loop->wake_fd, &one, sizeof one);
    (void)n; /* it cannot fill: the loop reads it, and the flag is what counts */
}

/* ---- timers and deferred calls ---- */

void hy_loop_arm(struct hy_loop *loop, struct hy_timer *t, hy_us due)
{
    hy_wheel_arm(&loop->wheel, t, due);
}

void hy_loop_arm_in(struct hy_loop *loop, struct hy_timer *t, hy_us delay)
{
    hy_us now = hy_loop_now(loop);
    hy_wheel_arm(&loop->wheel, t, delay >= HY_US_NEVER - now ? HY_US_NEVER : now + delay);
}

void hy_loop_disarm(struct hy_loop *loop, struct hy_timer *t)
{
    hy_wheel_disarm(&loop->wheel, t);
}

void hy_loop_defer(struct hy_loop *loop, struct hy_defer *d)
{
    if (hy_list_empty(&d->link))
        hy_list_push(&loop->deferred, &d->link);
}

void hy_loop_undefer(struct hy_defer *d)
{
    hy_list_remove(&d->link);
}

/* ---- signals ---- */

static void on_signal_fd(void *arg, int fd, unsigned what)
{
    (void)what;
    struct hy_loop *loop = arg;
    struct signalfd_siginfo info;
    while (read(fd, &info, sizeof info) == (ssize_t)sizeof info)
        loop->signal_fn(loop->signal_arg, (int)info.ssi_signo);
}

int hy_loop_watch_signals(struct hy_loop *loop, const sigset_t *set, hy_signal_fn *fn, void *arg)
{
    if (loop->signal_fd >= 0)
        return HY_EEXIST;
    errno = pthread_sigmask(SIG_BLOCK, set, NULL);
    if (errno)
        return HY_EIO;
    int fd = signalfd(-1, set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0)
        return HY_EIO;
    loop->signal_fn = fn;
    loop->signal_arg = arg;
    int err = hy_watch_add(loop, fd, HY_WATCH_READ, on_signal_fd, loop, &loop->signal_watch);
    if (err) {
        close(fd);
        return err;
    }
    loop->signal_fd = fd;
    return 0;
}
