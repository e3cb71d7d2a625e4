/* How many connections. Doubles while nothing goes wrong; then searches between what is good and
 * what went wrong, waits below it, and tries beyond it ever more seldom while that goes wrong at
 * the same level. Where messages take long it also compares levels: more connections that bring no
 * more mail are given up. */
#include "window_priv.h"

enum {
    ROUND_US = 1000000,    /* the window may double this often though no reply came */
    STEP_US = 2000000,     /* between two steps of the search */
    HOLD_FIRST_S = 60,     /* below a bad level */
    HOLD_LONGEST_S = 300,  /* when it is bad again and again */
    FLIGHT_US = 2000000,   /* refusals within this time are one event */
    REFUSED_US = 15000000, /* with fixed limits: no more than there are for this long */
    QUICK_US = 100000,     /* a site that takes a message within this time is not slowed down */
    EPOCH_US = 1000000,    /* the shortest */
    EPOCH_LONGEST_S = 120, /* one that finds too little mail is given up */
    EPOCH_START = 16,      /* outcomes, while the window doubles */
    EPOCH_LEAST = 32,      /* outcomes */
    EPOCH_MOST = 640,      /* outcomes */
    LESS_FIRST_S = 20,     /* steady for this long, then fewer are tried */
    LESS_LONGEST_S = 2400, /* when that helped nothing again and again */
    LOSSES_MANY = 3,       /* of the last thirty messages or so */
};
/* Of a growth in messages in flight, the share that must be found in messages taken. */
#define GAIN_LEAST 0.35
/* Levels that differ by less are the same. */
#define LEVEL_DIFFERS 1.12

static void begin_epoch(struct hy_window_conns *c, hy_us now)
{
    c->took_us = c->in_flight = 0;
    c->n = 0;
    c->since = now;
}

static void set_window(struct hy_window *w, uint32_t n, hy_us now)
{
    struct hy_window_conns *c = &w->conns;
    if (n < w->adaptive.floor)
        n = w->adaptive.floor;
    if (n > w->ceiling)
        n = w->ceiling;
    if (n == c->window)
        return;
    c->window = n;
    c->changed_at = now;
    c->round = 0;
    c->is_judged = false;
    begin_epoch(c, now);
}

void hy_conns_init(struct hy_window *w, hy_us now)
{
    struct hy_window_conns *c = &w->conns;
    *c = (struct hy_window_conns){.stride = 1, .since = now, .changed_at = now};
    c->window = w->adaptive.start < w->ceiling ? w->adaptive.start : w->ceiling;
    c->hold_until = now + ROUND_US;
    c->less_wait_us = LESS_FIRST_S * SEC;
}

static bool is_near(uint32_t a, uint32_t b)
{
    uint32_t apart = a > b ? a - b : b - a;
    return apart <= 1 || apart <= a / 8;
}

static void hold_below(struct hy_window_conns *c, uint32_t bad, hy_us now)
{
    c->hold_us = hy_window_hold(c->hold_us, c->wrong && is_near(c->wrong, bad), HOLD_FIRST_S * SEC,
                                HOLD_LONGEST_S * SEC);
    c->hold_until = now + c->hold_us;
    c->bad = c->wrong = bad;
    c->stride = 1;
}

void hy_conns_cut(struct hy_window *w, uint32_t to, uint32_t bad, hy_us now)
{
    struct hy_window_conns *c = &w->conns;
    hold_below(c, bad > to ? bad : to + 1, now);
    c->is_less = false;
    set_window(w, to, now);
}

static bool is_slow(const struct hy_window_conns *c)
{
    return c->n && c->took_us >= (double)QUICK_US * c->n;
}

hy_us hy_conns_grow(struct hy_window *w, hy_us now)
{
    struct hy_window_conns *c = &w->conns;
    if (!w->adaptive.enabled || c->window >= w->ceiling || c->is_less)
        return HY_US_NEVER;
    bool is_round = !c->bad && c->round >= c->window;
    if (now < c->hold_until && !is_round)
        return c->hold_until;
    if (is_slow(c) && !c->is_judged) /* what these bring is not known yet */
        return now + STEP_US;
    if (w->pace.cap > 0 && now - w->pace.limited_at < STEP_US) /* more would idle */
        return now + STEP_US;
    uint32_t to;
    if (!c->bad) {
        to = c->window * 2;
        c->hold_until = now + ROUND_US;
    } else if (c->window + 1 < c->bad) {
        uint32_t half = (c->bad - c->window) / 2;
        to = c->window + (half ? half : 1);
        c->hold_until = now + STEP_US;
        if (to + 1 >= c->bad && c->bad == c->wrong)
            c->hold_until = now + (c->hold_us ? c->hold_us : STEP_US);
    } else { /* what was bad may have changed: one more, then more and more */
        to = c->window + c->stride;
        c->bad = to + c->stride * 2;
        c->stride *= 2;
        c->hold_until = now + 2 * STEP_US;
        if (c->bad > w->ceiling + 1)
            c->bad = 0;
    }
    hy_us until = c->hold_until;
    set_window(w, to, now);
    c->hold_until = until;
    return 0;
}

void hy_window_refused(struct hy_window *w, uint32_t up, const struct hy_outcome *o, hy_us now)
{
    struct hy_window_conns *c = &w->conns;
    struct hy_window_words buf;
    uint32_t bad = up + 1;
    if (!w->adaptive.enabled) {
        c->refused_at = now;
        c->bad = bad;
        c->hold_until = now + REFUSED_US;
        return;
    }
    bool is_same_event = c->refused_at && now - c->refused_at < FLIGHT_US;
    c->refused_at = now;
    if (is_same_event && c->bad && c->bad <= bad)
        return;
    hy_us held = c->hold_us;
    hold_below(c, bad, now);
    if (is_same_event && held) { /* counted already */
        c->hold_us = held;
        c->hold_until = now + held;
    }
    c->is_less = false;
    set_window(w, up, now);
    hy_window_note(w, now, "one more connection than %u was refused: %s", up,
                   hy_window_quote(&buf, o));
}

void hy_conns_lost(struct hy_window *w, const struct hy_window_event *ev, hy_us now)
{
    struct hy_window_conns *c = &w->conns;
    if (ev->submitted < c->changed_at)
        return;
    c->losses += 1;
    if (c->losses < LOSSES_MANY)
        return;
    c->losses = 0;
    struct hy_window_words buf;
    uint32_t from = c->window;
    hy_conns_cut(w, from - from / 4 - (from > 1 && from < 4), from, now);
    hy_window_note(w, now, "connections break: %s", hy_window_quote(&buf, ev->outcome));
}

/* ---- whether more connections bring more ---- */

/* The share of the growth in flight that is found in messages taken, by Little's law: 1 when each
 * connection is as quick as before, 0 when all are slower by as much as there are more. */
static double gain(double low_flight, double low_took, double high_flight, double high_took)
{
    double more = high_flight / low_flight - 1;
    double taken = (high_flight / high_took) / (low_flight / low_took) - 1;
    return taken / more;
}

static void set_reference(struct hy_window_conns *c, double flight, double took)
{
    c->ref_flight = flight;
    c->ref_took_us = took;
    c->ref_window = c->window;
}

/* This level is higher than the reference and brings no more. */
static void give_up_more(struct hy_window *w, double took, hy_us now)
{
    struct hy_window_conns *c = &w->conns;
    uint32_t from = c->window;
    hy_window_note(w, now, "%u connections bring no more than %u: %.0f ms a message, not %.0f",
                   from, c->ref_window, took / 1000, c->ref_took_us / 1000);
    hy_conns_cut(w, c->ref_window, from, now);
}

/* This level is lower than the reference: fewer were tried. */
static void judge_less(struct hy_window *w, double flight, double took, hy_us now)
{
    struct hy_window_conns *c = &w->conns;
    uint32_t before = c->ref_window;
    bool is_enough = gain(flight, took, c->ref_flight, c->ref_took_us) < GAIN_LEAST;
    c->is_less = false;
    if (is_enough) {
        hy_window_note(w, now, "%u connections bring as much as %u: %.0f ms a message, not %.0f",
                       c->window, before, took / 1000, c->ref_took_us / 1000);
        hold_below(c, before, now);
        set_reference(c, flight, took);
        c->less_wait_us = LESS_FIRST_S * SEC;
    } else {
        uint32_t bad = c->bad;
        set_window(w, before, now);
        c->bad = bad;
        c->less_wait_us *= 2;
        if (c->less_wait_us > LESS_LONGEST_S * SEC)
            c->less_wait_us = LESS_LONGEST_S * SEC;
    }
    c->less_at = now + c->less_wait_us;
}

/* The same level as the reference: has the site become slow by itself? */
static void judge_same(struct hy_window *w, double took, hy_us now)
{
    struct hy_window_conns *c = &w->conns;
    double was = c->ref_took_us;
    c->ref_took_us += (took - was) / 4;
    if (took > 2 * was && c->window > 1) {
        uint32_t from = c->window;
        hy_conns_cut(w, from - from / 4 - (from < 4), from, now);
        hy_window_note(w, now, "a message takes %.0f ms, it was %.0f", took / 1000, was / 1000);
    }
}

static void try_less(struct hy_window *w, hy_us now)
{
    struct hy_window_conns *c = &w->conns;
    if (!c->less_at)
        c->less_at = now + c->less_wait_us;
    if (now < c->less_at || c->window <= w->adaptive.floor || c->window < 2)
        return;
    uint32_t bad = c->bad;
    hy_us hold = c->hold_until;
    c->is_less = true;
    set_window(w, c->window - (c->window * 3 + 9) / 10, now);
    c->bad = bad;
    c->hold_until = hold;
    if (c->window == c->ref_window)
        c->is_less = false;
}

static void end_epoch(struct hy_window *w, hy_us now)
{
    struct hy_window_conns *c = &w->conns;
    double took = c->took_us / c->n, flight = c->in_flight / c->n;
    begin_epoch(c, now);
    c->is_judged = true;
    if (took < QUICK_US) {
        if (c->is_less)
            set_window(w, c->ref_window, now);
        c->is_less = false;
        c->ref_flight = 0;
        return;
    }
    double ratio = c->ref_flight > 0 ? flight / c->ref_flight : 0;
    if (ratio == 0) {
        set_reference(c, flight, took);
    } else if (ratio > LEVEL_DIFFERS) {
        if (gain(c->ref_flight, c->ref_took_us, flight, took) < GAIN_LEAST &&
            c->window > c->ref_window) {
            give_up_more(w, took, now);
            return;
        }
        set_reference(c, flight, took);
    } else if (ratio < 1 / LEVEL_DIFFERS) {
        if (c->is_less) {
            judge_less(w, flight, took, now);
            return;
        }
        set_reference(c, flight, took);
    } else if (!c->is_less) {
        judge_same(w, took, now);
        if (c->window != c->ref_window && c->ref_window > c->window)
            c->ref_window = c->window;
        try_less(w, now);
    } else { /* there was too little to send: nothing is learned */
        c->is_less = false;
        set_window(w, c->ref_window, now);
        c->less_at = now + c->less_wait_us;
    }
}

/* The finer the difference looked for, the more it takes to see it. */
static uint32_t epoch_outcomes(const struct hy_window_conns *c)
{
    if (!c->bad && !c->is_less)
        return 3 * c->window > EPOCH_START ? 3 * c->window : EPOCH_START;
    uint32_t n = (c->is_less ? 16 : 8) * c->window;
    if (n < EPOCH_LEAST)
        return EPOCH_LEAST;
    return n < EPOCH_MOST ? n : EPOCH_MOST;
}

void hy_conns_taken(struct hy_window *w, const struct hy_window_event *ev, hy_us now)
{
    struct hy_window_conns *c = &w->conns;
    c->round++;
    c->losses *= 31.0 / 32;
    bool is_ordered = w->order.factor > 1; /* this is not the level that would be judged */
    if (!w->adaptive.enabled || is_ordered || ev->submitted < c->changed_at)
        return;
    c->took_us += (double)(now - ev->submitted);
    c->in_flight += ev->in_flight;
    c->n++;
    if (c->n >= epoch_outcomes(c) && now - c->since >= EPOCH_US)
        end_epoch(w, now);
}

void hy_conns_tick(struct hy_window *w, hy_us now)
{
    struct hy_window_conns *c = &w->conns;
    if (now - c->since < EPOCH_LONGEST_S * SEC)
        return;
    if (c->n >= EPOCH_LEAST / 2) {
        end_epoch(w, now);
        return;
    }
    if (c->is_less) {
        c->is_less = false;
        set_window(w, c->ref_window, now);
        c->less_at = now + c->less_wait_us;
    }
    begin_epoch(c, now);
}
