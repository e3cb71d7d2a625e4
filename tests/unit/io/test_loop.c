#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "hayauma/base/rand.h"
#include "hayauma/io/loop.h"
#include "hayauma/io/mailbox.h"
#include "hayauma/io/thread.h"

static struct hy_loop *loop_make(void)
{
    struct hy_loop *loop;
    cr_assert_eq(hy_loop_create(&loop), 0);
    return loop;
}

/* ---- timers ---- */

struct alarm {
    struct hy_timer t;
    struct hy_loop *loop;
    hy_us due, fired_at;
    int *n_fired;
};

static void on_alarm(void *arg)
{
    struct alarm *a = arg;
    a->fired_at = hy_loop_now(a->loop);
    ++*a->n_fired;
}

Test(loop, fires_ten_thousand_timers_in_time)
{
    enum { N = 10000 };
    static struct alarm alarms[N];
    struct hy_loop *loop = loop_make();
    struct hy_rng rng;
    int fired = 0;
    hy_rng_seed(&rng, 1);
    hy_us start = hy_loop_now(loop);
    for (int i = 0; i < N; i++) {
        alarms[i].loop = loop;
        alarms[i].n_fired = &fired;
        hy_timer_init(&alarms[i].t, on_alarm, &alarms[i]);
        hy_loop_arm(loop, &alarms[i].t, start + 10 * HY_US_PER_SEC);
        alarms[i].due = start + (hy_us)hy_rng_below(&rng, 300 * HY_US_PER_MS);
        hy_loop_arm(loop, &alarms[i].t, alarms[i].due); /* moved */
    }
    while (fired < N && hy_clock_us() < start + 5 * HY_US_PER_SEC)
        cr_assert_eq(hy_loop_turn(loop, HY_US_NEVER), 0);
    cr_assert_eq(fired, N);
    for (int i = 0; i < N; i++) {
        cr_assert_geq(alarms[i].fired_at, alarms[i].due, "early");
        cr_assert_lt(alarms[i].fired_at - alarms[i].due, 300 * HY_US_PER_MS, "late");
    }
    hy_loop_free(loop);
}

Test(loop, sleeps_until_the_timer_instead_of_turning_idly)
{
    struct hy_loop *loop = loop_make();
    int fired = 0, turns = 0;
    struct alarm a = {.loop = loop, .n_fired = &fired};
    hy_timer_init(&a.t, on_alarm, &a);
    hy_loop_arm_in(loop, &a.t, 300 * HY_US_PER_MS);
    int64_t cpu = hy_clock_thread_cpu_us();
    for (; fired == 0; turns++)
        cr_assert_eq(hy_loop_turn(loop, HY_US_NEVER), 0);
    cr_assert_leq(turns, 8, "%d turns", turns);
    cr_assert_lt(hy_clock_thread_cpu_us() - cpu, 20 * HY_US_PER_MS);
    hy_loop_free(loop);
}

static void post_again(void *arg, struct hy_msg *m)
{
    cr_assert_eq(hy_mailbox_post(arg, m), 0);
}

Test(loop, turns_no_faster_than_its_pace_after_a_burst)
{
    struct hy_loop *loop = loop_make();
    struct hy_mailbox *mb;
    struct hy_msg m = {0};
    cr_assert_eq(hy_mailbox_create(1, &mb), 0);
    cr_assert_eq(hy_mailbox_attach(mb, loop, post_again, mb), 0);
    post_again(mb, &m);
    hy_loop_pace(loop, HY_US_PER_MS);
    hy_us start = hy_clock_us();
    for (int turns = 0; turns < 200; turns++)
        cr_assert_eq(hy_loop_turn(loop, HY_US_NEVER), 0);
    cr_assert_geq(hy_clock_us() - start, 99 * HY_US_PER_MS);
    hy_mailbox_free(mb);
    hy_loop_free(loop);
}

Test(loop, keeps_its_timers_whatever_the_pace)
{
    struct hy_loop *loop = loop_make();
    hy_loop_pace(loop, 3600 * HY_US_PER_SEC);
    int fired = 0;
    struct alarm a = {.loop = loop, .n_fired = &fired};
    hy_timer_init(&a.t, on_alarm, &a);
    for (int i = 0; i < 102; i++) { /* more than a burst */
        hy_loop_arm_in(loop, &a.t, 1);
        while (fired == i)
            cr_assert_eq(hy_loop_turn(loop, HY_US_NEVER), 0);
    }
    hy_loop_free(loop);
}

Test(loop, waits_no_longer_than_asked)
{
    struct hy_loop *loop = loop_make();
    hy_us start = hy_clock_us();
    cr_assert_eq(hy_loop_turn(loop, 30 * HY_US_PER_MS), 0);
    hy_us took = hy_clock_us() - start;
    cr_assert(took >= 29 * HY_US_PER_MS && took < HY_US_PER_SEC, "%lld us", (long long)took);
    hy_loop_free(loop);
}

struct again {
    struct hy_timer t;
    struct hy_loop *loop;
    int n;
};

static void arm_in_the_past(void *arg)
{
    struct again *a = arg;
    a->n++;
    hy_loop_arm(a->loop, &a->t, hy_loop_now(a->loop) - 5);
}

Test(loop, lets_others_have_their_turn_when_a_timer_arms_itself_for_now)
{
    struct hy_loop *loop = loop_make();
    struct again a = {.loop = loop};
    hy_timer_init(&a.t, arm_in_the_past, &a);
    hy_loop_arm(loop, &a.t, hy_loop_now(loop));
    for (int i = 1; i <= 5; i++) {
        cr_assert_eq(hy_loop_turn(loop, HY_US_NEVER), 0);
        cr_assert_leq(a.n, i, "more than once a turn");
    }
    cr_assert_geq(a.n, 3);
    hy_loop_disarm(loop, &a.t);
    hy_loop_free(loop);
}

/* ---- deferred calls ---- */

struct note {
    struct hy_defer d;
    struct hy_loop *loop;
    char *story;
    const char *word;
    struct note *then, *instead;
};

static void on_note(void *arg)
{
    struct note *n = arg;
    strcat(n->story, n->word);
    if (n->then)
        hy_loop_defer(n->loop, &n->then->d);
    if (n->instead)
        hy_loop_undefer(&n->instead->d);
}

Test(loop, runs_deferred_calls_in_order_and_those_made_meanwhile_a_turn_later)
{
    struct hy_loop *loop = loop_make();
    char story[64] = "";
    struct note notes[4];
    static const char *const words[] = {"a", "b", "c", "d"};
    for (int i = 0; i < 4; i++) {
        notes[i] = (struct note){.loop = loop, .story = story, .word = words[i]};
        hy_defer_init(&notes[i].d, on_note, &notes[i]);
    }
    notes[0].then = &notes[3];
    notes[0].instead = &notes[1];
    hy_loop_defer(loop, &notes[0].d);
    hy_loop_defer(loop, &notes[1].d);
    hy_loop_defer(loop, &notes[2].d);
    hy_loop_defer(loop, &notes[0].d); /* once is enough */
    cr_assert_str_eq(story, "", "nothing runs inside hy_loop_defer");
    cr_assert_eq(hy_loop_turn(loop, HY_US_NEVER), 0);
    cr_assert_str_eq(story, "ac");
    cr_assert_eq(hy_loop_turn(loop, HY_US_NEVER), 0);
    cr_assert_str_eq(story, "acd");
    hy_loop_free(loop);
}

/* ---- descriptors ---- */

struct watcher {
    struct hy_watch *watch;
    unsigned seen;
    int n;
    bool free_it;
};

static void on_watch(void *arg, int fd, unsigned what)
{
    struct watcher *w = arg;
    char c;
    w->seen |= what;
    w->n++;
    if ((what & HY_WATCH_READ) && read(fd, &c, 1) < 1)
        return;
    if (w->free_it) {
        hy_watch_free(w->watch);
        w->watch = NULL;
    }
}

Test(loop, watches_a_descriptor_until_told_otherwise)
{
    struct hy_loop *loop = loop_make();
    int fds[2];
    cr_assert(pipe(fds) == 0 && write(fds[1], "123", 3) == 3);
    struct watcher r = {0}, w = {.free_it = true};
    cr_assert_eq(hy_watch_add(loop, fds[0], HY_WATCH_READ, on_watch, &r, &r.watch), 0);
    cr_assert_eq(hy_watch_add(loop, fds[1], HY_WATCH_WRITE, on_watch, &w, &w.watch), 0);
    for (int i = 0; i < 5; i++)
        cr_assert_eq(hy_loop_turn(loop, HY_US_PER_MS), 0);
    cr_assert_eq(r.n, 3, "level-triggered: as long as there is something");
    cr_assert_eq(w.n, 1, "freed inside its own callback");
    cr_assert_eq(w.seen, HY_WATCH_WRITE);
    cr_assert_eq(hy_watch_change(r.watch, 0), 0);
    cr_assert_eq(write(fds[1], "4", 1), 1);
    cr_assert_eq(hy_loop_turn(loop, HY_US_PER_MS), 0);
    cr_assert_eq(r.n, 3);
    cr_assert_eq(hy_watch_change(r.watch, HY_WATCH_READ), 0);
    cr_assert_eq(hy_loop_turn(loop, HY_US_PER_SEC), 0);
    cr_assert_eq(r.n, 4);
    hy_watch_free(r.watch);
    hy_watch_free(NULL);
    close(fds[0]);
    close(fds[1]);
    hy_loop_free(loop);
}

/* ---- stopping, signals ---- */

static void stop_soon(void *arg)
{
    usleep(50000);
    hy_loop_stop(arg);
}

Test(loop, stops_when_another_thread_says_so)
{
    struct hy_loop *loop = loop_make();
    struct hy_thread *t;
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(hy_thread_start("stopper", stop_soon, loop, &t), 0);
        hy_us start = hy_clock_us();
        cr_assert_eq(hy_loop_run(loop), 0);
        cr_assert_geq(hy_clock_us() - start, 40 * HY_US_PER_MS);
        hy_thread_join(t);
    }
    hy_loop_stop(loop); /* before the run: it ends at once */
    cr_assert_eq(hy_loop_run(loop), 0);
    hy_loop_free(loop);
}

static void on_signal(void *arg, int signo)
{
    *(int *)arg = signo;
}

Test(loop, hands_out_signals_as_callbacks)
{
    struct hy_loop *loop = loop_make();
    sigset_t set;
    int seen = 0;
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    cr_assert_eq(hy_loop_watch_signals(loop, &set, on_signal, &seen), 0);
    kill(getpid(), SIGHUP);
    for (int i = 0; i < 10 && !seen; i++)
        cr_assert_eq(hy_loop_turn(loop, 100 * HY_US_PER_MS), 0);
    cr_assert_eq(seen, SIGHUP);
    hy_loop_free(loop);
}

/* ---- threads ---- */

struct spin {
    int64_t cpu_us;
    bool signals_blocked;
};

static void burn(void *arg)
{
    struct spin *s = arg;
    sigset_t now;
    pthread_sigmask(SIG_SETMASK, NULL, &now);
    s->signals_blocked = sigismember(&now, SIGTERM) == 1 && sigismember(&now, SIGHUP) == 1;
    while (hy_clock_thread_cpu_us() < s->cpu_us)
        ;
    usleep(100000);
}

Test(thread, has_a_name_no_signals_and_a_meter)
{
    struct spin s = {.cpu_us = 50000};
    struct hy_thread *t;
    cr_assert_eq(hy_thread_start("a-name-that-is-too-long", burn, &s, &t), 0);
    cr_assert_str_eq(hy_thread_name(t), "a-name-that-is-");
    hy_us end = hy_clock_us() + 5 * HY_US_PER_SEC;
    while (hy_thread_cpu_us(t) < 50000 && hy_clock_us() < end)
        usleep(1000);
    cr_assert_geq(hy_thread_cpu_us(t), 50000);
    hy_thread_join(t);
    cr_assert(s.signals_blocked);
    hy_thread_join(NULL);
}
