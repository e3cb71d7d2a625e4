/* How many messages a second. No cap until the site asks for one; then a little below what it took,
 * growing back towards it, waiting there, and trying beyond it ever more seldom while that goes
 * wrong at the same pace. */
#include <math.h>

#include "window_priv.h"

enum {
    BUCKET_US = 30000000,     /* what was taken is counted over the last one or two of these */
    BUCKET_SHORT_US = 500000, /* a shorter time says nothing of a pace */
    LATELY_US = 1000000,      /* and with as many messages as this, one of these tells it */
    LATELY_N = 20,
    FLOW_US = 2000000, /* when nothing was taken for this long, mail does not flow */
    HOLD_FIRST_S = 30,
    HOLD_LONGEST_S = 300,
    HOLD_FIRST_N = 300, /* messages: a site that takes one a minute is not tried twice an hour */
    HOLD_LONGEST_N = 1800,
    LIMITED_US = 2000000, /* held back this lately: more would be used */
    BURST_MANY = 3,       /* signals in a row */
    BURST_VAGUE = 8,      /* of the kinds that may have other reasons */
    PERIOD_N = 200,       /* outcomes over which the share of signals is taken */
    SIGNALS_LEAST = 2,
    TRIAL_N = 300,         /* outcomes after a cut that tell whether it helps */
    TRIAL_SETTLES_N = 100, /* the first of them do not count */
    NOISE_S = 900,         /* then it is tried again */
    DRIP_BLOCK_S = 8,
    QUOTA_BLOCK_S = 120,
};
#define SHARE_LEAST  0.01 /* of signals, before a cut */
#define TRIAL_SLOWER 0.92
#define NOISE_MOST   0.25  /* a larger share is taken for a limit whatever it follows */
#define CUT          0.95  /* of what was taken, after single signals */
#define CUT_HARD     0.90  /* after many in a row */
#define NEAR_BAD     0.98  /* growth waits here */
#define APPROACH_S   10.0  /* to there from the cut */
#define BEYOND       0.005 /* of the bad pace a second, when it is tried again */
#define FORGET       1.15  /* this far beyond it, it was another time's */
#define FREE         0.15  /* growth a second with no bad pace in sight */
#define WORST        0.70  /* one reason never takes more than to this share of the cap */
#define MESSAGE_S    0.3   /* growth by one message is at most that of this time */
#define ANOTHER      1.5 /* times as much in a bucket: the pace is another than in the one before */
#define CAP_LEAST    0.01 /* a message in 100 s */

/* ---- what was taken ---- */

static double measured(const struct hy_window_count *c, hy_us now)
{
    hy_us span = now - (c->before ? c->before : c->since);
    double n = c->taken + (c->before ? c->taken_before : 0);
    if (span < BUCKET_SHORT_US)
        span = BUCKET_SHORT_US;
    return n * 1e6 / (double)span;
}

/* A bucket ends when it is long enough, or full enough to tell a pace. */
static void count(struct hy_window_count *c, hy_us shortest, uint32_t enough, hy_us now)
{
    hy_us span = now - c->since;
    if (c->since == 0 || span >= 2 * BUCKET_US) { /* idle for long: the past does not count */
        *c = (struct hy_window_count){.since = now};
    } else if (span >= BUCKET_US || (span >= shortest && c->taken >= enough)) {
        c->before = c->since;
        c->taken_before = c->taken;
        c->since = now;
        c->taken = 0;
    }
    c->taken++;
}

double hy_pace_measured(const struct hy_window_pace *p, hy_us now)
{
    return measured(&p->lately, now);
}

/* The bucket of now alone tells a pace that has just become another. */
double hy_pace_lately(const struct hy_window_pace *p, hy_us now)
{
    const struct hy_window_count *c = &p->lately;
    uint32_t n = c->taken + (c->before ? c->taken_before : 0);
    if (p->taken_at == 0 || now - p->taken_at > FLOW_US || n < LATELY_N)
        return 0;
    struct hy_window_count of_now = {.taken = c->taken, .since = c->since};
    bool tells = c->taken >= LATELY_N && now - c->since >= LATELY_US;
    double both = measured(c, now), own = tells ? measured(&of_now, now) : 0;
    return own > ANOTHER * both ? own : both;
}

/* ---- the cap ---- */

void hy_pace_set(struct hy_window *w, double cap, hy_us now)
{
    struct hy_window_pace *p = &w->pace;
    p->cap = cap;
    p->grown_at = now;
    if (cap <= 0) {
        p->cap = 0;
        p->gate.interval_us = p->gate.burst_us = 0;
        return;
    }
    if (cap < CAP_LEAST)
        p->cap = cap = CAP_LEAST;
    p->gate.interval_us = (hy_us)(1e6 / cap) > 1 ? (hy_us)(1e6 / cap) : 1;
    p->gate.burst_us = HY_WINDOW_SMOOTH_US;
}

void hy_pace_cut(struct hy_window *w, double cap, double bad, hy_us now)
{
    struct hy_window_pace *p = &w->pace;
    bool is_same = p->bad > 0 && fabs(bad - p->bad) < 0.15 * p->bad;
    p->hold_us = hy_window_hold(p->hold_us, is_same, HOLD_FIRST_S * SEC, HOLD_LONGEST_S * SEC);
    p->hold_n = is_same && p->hold_n ? p->hold_n * 2 : HOLD_FIRST_N;
    if (p->hold_n > HOLD_LONGEST_N)
        p->hold_n = HOLD_LONGEST_N;
    p->hold_until = now + p->hold_us;
    p->passed = 0;
    p->bad = bad;
    p->signals = p->outcomes = 0;
    w->cut_at = now;
    hy_pace_set(w, cap, now);
}

void hy_pace_grow(struct hy_window *w, hy_us now)
{
    struct hy_window_pace *p = &w->pace;
    double s = (double)(now - p->grown_at) / 1e6;
    if (p->cap <= 0 || s < 0.1)
        return;
    if (s > 1)
        s = 1; /* time that nobody asked is no experience, */
    if (s > p->grown_passed * MESSAGE_S)
        s = p->grown_passed * MESSAGE_S; /* nor is time without messages */
    p->grown_at = now;
    p->grown_passed = 0;
    if (now - p->limited_at > LIMITED_US || !w->adaptive.enabled)
        return;
    double to = p->cap, near = NEAR_BAD * p->bad;
    if (p->bad <= 0) {
        to += FREE * p->cap * s;
    } else if (p->cap < near) {
        to += (1 - CUT_HARD) / APPROACH_S * p->bad * s;
        to = to < near ? to : near;
    } else {
        bool is_held = now < p->hold_until || p->passed < p->hold_n;
        if (is_held)
            return;
        p->trial_pace = 0;
        to += BEYOND * p->bad * s;
        if (to > FORGET * p->bad) {
            p->bad = 0;
            p->hold_us = 0;
            p->hold_n = 0;
        }
    }
    if (w->rule_rate > 0 && to > 2 * w->rule_rate) /* the rule holds it back, not we */
        to = 0;
    hy_pace_set(w, to, now);
}

/* ---- signals ---- */

/* Where a share p of refusals has nothing to do with our pace, as many in a row are expected by
 * chance once in a million messages. */
static uint32_t burst_of_chance(double p)
{
    if (p <= 0.001)
        return BURST_MANY;
    if (p > 0.9)
        return 200;
    uint32_t n = (uint32_t)(log(1e-6) / log(p)) + 1;
    return n > BURST_MANY ? n : BURST_MANY;
}

/* After a cut: whether the refusals go on when we are slower. They do when they have nothing to do
 * with our pace, and the cuts are taken back. */
static void judge_trial(struct hy_window *w, hy_us now)
{
    struct hy_window_pace *p = &w->pace;
    if (p->trial_outcomes < TRIAL_N)
        return;
    double share = (double)p->trial_signals / (TRIAL_N - TRIAL_SETTLES_N);
    bool is_slower = p->cap > 0 && p->cap < TRIAL_SLOWER * p->trial_pace;
    p->trial_outcomes = p->trial_signals = 0;
    if (!is_slower || share < SHARE_LEAST || share > NOISE_MOST) {
        p->trial_pace = 0;
        return;
    }
    double pace = p->trial_pace;
    p->trial_pace = 0;
    p->noise = share;
    p->noise_at = now;
    p->bad = 0;
    p->hold_us = 0;
    p->signals = p->outcomes = 0;
    hy_pace_set(w, pace, now);
    hy_window_note(w, now, "%.1f %% are deferred whatever the pace", 100 * share);
}

static void count_outcome(struct hy_window *w, bool is_signal, hy_us now)
{
    struct hy_window_pace *p = &w->pace;
    p->signals += is_signal;
    p->outcomes++;
    if (p->outcomes >= PERIOD_N) { /* noise that is less than it was is known at once */
        double share = (double)p->signals / p->outcomes;
        if (share < p->noise)
            p->noise += (share - p->noise) / 4;
        if (p->noise < SHARE_LEAST / 4 || now - p->noise_at > NOISE_S * SEC)
            p->noise = 0;
        p->signals = p->outcomes = 0;
    }
    if (p->trial_pace > 0) {
        p->trial_outcomes++;
        p->trial_signals += is_signal && p->trial_outcomes > TRIAL_SETTLES_N;
        judge_trial(w, now);
    }
}

void hy_pace_taken(struct hy_window *w, hy_us now)
{
    struct hy_window_pace *p = &w->pace;
    count(&p->lately, LATELY_US, LATELY_N, now);
    count(&p->minute, BUCKET_US, 0, now);
    p->taken_at = now;
    p->burst = 0;
    p->passed++;
    p->grown_passed++;
    count_outcome(w, false, now);
}

/* A measured pace as a level of a lane that was capped: a pace that was growing, or for which there
 * was too little mail, is measured too low. */
static double within(double cap, double pace)
{
    if (cap <= 0)
        return pace;
    if (pace > cap)
        return cap;
    return pace < WORST * cap ? WORST * cap : pace;
}

static void cut_a_little(struct hy_window *w, const struct hy_window_event *ev, hy_us now)
{
    struct hy_window_pace *p = &w->pace;
    double share = (double)p->signals / p->outcomes;
    double least = p->noise > 0 ? 2 * p->noise + SHARE_LEAST : SHARE_LEAST;
    if (p->signals < SIGNALS_LEAST || p->outcomes == 0 || share < least ||
        (p->noise > 0 && p->outcomes < PERIOD_N / 4))
        return;
    double pace = within(p->cap, hy_pace_measured(p, now));
    if (p->trial_pace <= 0 && share < NOISE_MOST) {
        p->trial_pace = pace;
        p->trial_outcomes = p->trial_signals = 0;
    }
    bool is_known = p->cap > 0 || p->lately.before || p->lately.taken >= LATELY_N;
    struct hy_window_words buf;
    hy_pace_cut(w, pace * CUT, is_known ? pace : 0, now);
    hy_window_note(w, now, "%.4g messages/s are too many: %s", pace,
                   hy_window_quote(&buf, ev->outcome));
}

bool hy_pace_signal(struct hy_window *w, const struct hy_window_event *ev, bool is_strong,
                    hy_us now)
{
    struct hy_window_pace *p = &w->pace;
    if (ev->submitted < w->cut_at)
        return false;
    p->burst++;
    count_outcome(w, true, now);
    uint32_t many = burst_of_chance(p->noise);
    if (!is_strong && many < BURST_VAGUE)
        many = BURST_VAGUE;
    if (p->burst >= many)
        return true;
    if (is_strong)
        cut_a_little(w, ev, now);
    return false;
}

/* A short block is that of a rate that drips: the pace was a little too high. A longer one is that
 * of a count in a period: its pace is what was taken over the time that holds both, the mail and
 * the block. A very long one is a quota, and says nothing of the pace. */
void hy_pace_resume(struct hy_window *w, hy_us now)
{
    struct hy_window_pace *p = &w->pace;
    hy_us block = now - w->paused_at;
    double cap = p->cap;
    p->burst = p->signals = p->outcomes = 0;
    p->trial_pace = 0;
    if (block > QUOTA_BLOCK_S * SEC) {
        hy_pace_set(w, cap, now);
    } else if (block > DRIP_BLOCK_S * SEC) {
        double pace = within(cap, measured(&p->minute, now));
        hy_pace_cut(w, pace * CUT_HARD, pace, now);
    } else if (cap > 0) {
        hy_pace_cut(w, cap * CUT_HARD, cap, now);
    } else { /* the first time: how much was too much is not known, where to begin is */
        hy_pace_cut(w, measured(&p->lately, now) * CUT_HARD, 0, now);
    }
    p->lately = p->minute = (struct hy_window_count){.since = now};
}
