/* The window: its states, what moves them, and what the lane asks. */
#include <stdio.h>
#include <string.h>

#include "window_priv.h"

enum {
    UNREACHABLE_FIRST_S = 15,
    UNREACHABLE_LONGEST_S = 600,
    PAUSE_FIRST_US = 1000000,
    PAUSE_DOUBLES_S = 60, /* pauses grow by half until then, and double after */
    PAUSE_LONGEST_S = 1800,
    PROBES_IN_VAIN = 5,              /* so many tell that it speaks of mailboxes again */
    PROBE_LONGEST_S = 900,           /* a probe without an answer is taken for lost */
    PER_CONNECTION_S = 6 * 3600,     /* what was learned is doubted after this long, */
    RECIPIENTS_FIRST_S = 300,        /* and this: one mailbox that is full may have said it; */
    RECIPIENTS_LONGEST_S = 6 * 3600, /* doubling while the same number is found again */
    SLOW_AGAIN_US = 1000000,
    FAILING_S = 1200, /* how often a site failed is forgotten when nobody asks it for this long */
};
/* Of first attempts: where fewer were taken, a vague refusal may be greylisting. */
#define FIRST_TAKEN_USUAL 0.9

/* ---- states ---- */

static void move(struct hy_window *w, enum hy_window_state to)
{
    static const uint8_t may[4] = {
        [HY_WINDOW_OPEN] =
            1 << HY_WINDOW_PAUSED | 1 << HY_WINDOW_SUSPENDED | 1 << HY_WINDOW_PROBING,
        [HY_WINDOW_PAUSED] = 1 << HY_WINDOW_PROBING | 1 << HY_WINDOW_SUSPENDED,
        [HY_WINDOW_PROBING] =
            1 << HY_WINDOW_OPEN | 1 << HY_WINDOW_PAUSED | 1 << HY_WINDOW_SUSPENDED,
        [HY_WINDOW_SUSPENDED] = 1 << HY_WINDOW_PROBING,
    };
    if (!(may[w->state] & 1 << to))
        return;
    w->state = to;
    w->is_probe_out = false;
    w->probes_in_vain = 0;
}

void hy_window_note(struct hy_window *w, hy_us now, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(w->why, sizeof w->why, format, args);
    va_end(args);
    w->changed_at = now;
}

const char *hy_window_quote(struct hy_window_words *buf, const struct hy_outcome *o)
{
    size_t n = 0;
    if (o->code)
        n = (size_t)snprintf(buf->text, sizeof buf->text, "%u ", o->code);
    for (size_t i = 0; i < o->text.n && n + 1 < sizeof buf->text; i++) {
        char c = o->text.p[i];
        buf->text[n++] = c >= ' ' && c < 127 ? c : '?';
    }
    buf->text[n] = 0;
    return buf->text;
}

hy_us hy_window_hold(hy_us last, bool is_same, hy_us first, hy_us longest)
{
    if (!is_same || last == 0)
        return first;
    return 2 * last < longest ? 2 * last : longest;
}

static double per_second(struct hy_rate r)
{
    return r.count && r.period_us > 0 ? r.count * 1e6 / (double)r.period_us : 0;
}

static void take_limits(struct hy_window *w, const struct hy_shape_limits *l)
{
    w->ceiling = l->connections ? l->connections : 1;
    w->adaptive = l->adaptive;
    if (!l->adaptive.enabled || l->adaptive.start == 0)
        w->adaptive.start = w->ceiling;
    if (w->adaptive.floor == 0)
        w->adaptive.floor = 1;
    w->rule_rate = per_second(l->message_rate);
    hy_rate_gate_change(&w->connection_gate, l->connection_rate);
    hy_rate_gate_change(&w->message_gate, l->message_rate);
}

void hy_window_init(struct hy_window *w, const struct hy_shape_limits *l, hy_us now)
{
    *w = (struct hy_window){0};
    take_limits(w, l);
    hy_conns_init(w, now);
}

void hy_window_change(struct hy_window *w, const struct hy_shape_limits *l)
{
    take_limits(w, l);
    if (w->conns.window > w->ceiling || !w->adaptive.enabled)
        w->conns.window = w->ceiling;
    if (!w->adaptive.enabled)
        w->conns.bad = 0;
}

/* Time alone ends a suspension or pause, and begins the probe. */
static void pass_time(struct hy_window *w, hy_us now)
{
    if ((w->state == HY_WINDOW_SUSPENDED || w->state == HY_WINDOW_PAUSED) && now >= w->until)
        move(w, HY_WINDOW_PROBING);
    if (w->state == HY_WINDOW_PROBING && w->is_probe_out && now - w->until > PROBE_LONGEST_S * SEC)
        w->is_probe_out = false;
}

static void pause_mail(struct hy_window *w, const struct hy_window_event *ev, hy_us now)
{
    struct hy_window_words buf;
    if (w->state == HY_WINDOW_OPEN) {
        w->paused_at = now;
        w->pause_us = PAUSE_FIRST_US;
    } else {
        w->pause_us += w->pause_us < PAUSE_DOUBLES_S * SEC ? w->pause_us / 2 : w->pause_us;
        if (w->pause_us > PAUSE_LONGEST_S * SEC)
            w->pause_us = PAUSE_LONGEST_S * SEC;
    }
    move(w, HY_WINDOW_PAUSED);
    w->until = now + w->pause_us;
    w->cut_at = now;
    hy_window_note(w, now, "paused: %s", hy_window_quote(&buf, ev->outcome));
}

static void open_again(struct hy_window *w, hy_us now)
{
    if (w->paused_at)
        hy_pace_resume(w, now);
    w->paused_at = 0;
    w->failures_in_row = 0;
    move(w, HY_WINDOW_OPEN);
}

/* ---- what the lane asks ---- */

hy_us hy_window_may_connect(struct hy_window *w, uint32_t open, hy_us now)
{
    pass_time(w, now);
    if (w->state == HY_WINDOW_SUSPENDED || w->state == HY_WINDOW_PAUSED)
        return w->until;
    const struct hy_window_conns *c = &w->conns;
    if (!w->adaptive.enabled && c->bad && open + 1 >= c->bad && now < c->hold_until)
        return c->hold_until;
    uint32_t room = w->state == HY_WINDOW_PROBING ? 1 : hy_order_connections(w);
    if (open >= room) {
        if (w->state == HY_WINDOW_PROBING || w->order.factor > 1)
            return HY_US_NEVER;
        hy_us at = hy_conns_grow(w, now);
        if (at)
            return at;
    }
    return hy_rate_gate_take(&w->connection_gate, now);
}

hy_us hy_window_may_send(struct hy_window *w, hy_us now)
{
    pass_time(w, now);
    if (w->state == HY_WINDOW_PAUSED || w->state == HY_WINDOW_SUSPENDED)
        return w->until;
    if (w->state == HY_WINDOW_PROBING && w->is_probe_out)
        return HY_US_NEVER;
    hy_pace_grow(w, now);
    hy_us own = hy_rate_gate_ask(&w->pace.gate, now),
          rule = hy_rate_gate_ask(&w->message_gate, now);
    hy_us order = hy_rate_gate_ask(&w->order.gate, now);
    if (own)
        w->pace.limited_at = now;
    if (order > own)
        own = order;
    return own > rule ? own : rule;
}

void hy_window_sent(struct hy_window *w, hy_us now)
{
    (void)hy_rate_gate_take(&w->pace.gate, now);
    (void)hy_rate_gate_take(&w->message_gate, now);
    (void)hy_rate_gate_take(&w->order.gate, now);
    if (w->state == HY_WINDOW_PROBING)
        w->is_probe_out = true;
}

uint32_t hy_window_surplus(const struct hy_window *w, uint32_t open)
{
    uint32_t room = hy_order_connections(w);
    return open > room ? open - room : 0;
}

uint32_t hy_window_messages_per_connection(const struct hy_window *w, uint32_t by_rule)
{
    uint32_t own = w->per_connection;
    if (own == 0 || (by_rule && by_rule < own))
        return by_rule;
    return own;
}

uint32_t hy_window_recipients(const struct hy_window *w, uint32_t by_rule, hy_us now)
{
    bool is_known = w->recipients && now < w->recipients_until;
    return is_known && w->recipients < by_rule ? w->recipients : by_rule;
}

/* ---- what it is told ---- */

void hy_window_too_many(struct hy_window *w, uint32_t taken, const struct hy_outcome *o, hy_us now)
{
    struct hy_window_words buf;
    if (taken == 0 || hy_window_recipients(w, UINT32_MAX, now) <= taken)
        return;
    w->recipients_us = hy_window_hold(w->recipients_us, taken == w->recipients,
                                      RECIPIENTS_FIRST_S * SEC, RECIPIENTS_LONGEST_S * SEC);
    w->recipients_until = now + w->recipients_us;
    w->recipients = taken;
    hy_window_note(w, now, "%u recipients a message: %s", taken, hy_window_quote(&buf, o));
}

void hy_window_connected(struct hy_window *w, uint32_t up, hy_us now)
{
    struct hy_window_conns *c = &w->conns;
    pass_time(w, now);
    if (w->state == HY_WINDOW_PROBING && !w->paused_at)
        open_again(w, now);
    if (c->bad && up >= c->bad) { /* one that came while others were refused */
        c->bad = up + 1;
        if (c->window < up && up <= w->ceiling)
            c->window = up;
    }
}

static void suspend(struct hy_window *w, hy_us until)
{
    w->until = until;
    w->is_probe_out = false;
    if (w->state != HY_WINDOW_SUSPENDED)
        move(w, HY_WINDOW_SUSPENDED);
    w->paused_at = 0;
}

void hy_window_unreachable(struct hy_window *w, const struct hy_outcome *o, hy_us now)
{
    struct hy_window_words buf;
    hy_us pause = UNREACHABLE_FIRST_S * SEC;
    for (uint32_t i = 0; i < w->failures_in_row && pause < UNREACHABLE_LONGEST_S * SEC; i++)
        pause *= 2;
    if (pause > UNREACHABLE_LONGEST_S * SEC)
        pause = UNREACHABLE_LONGEST_S * SEC;
    if (w->failures_in_row == 0 && w->adaptive.enabled && w->conns.window > 1) {
        uint32_t from = w->conns.window;
        hy_conns_cut(w, from / 2, from + 1, now);
        w->conns.hold_until = now;
    }
    w->failures_in_row++;
    if (w->state != HY_WINDOW_SUSPENDED || w->until < now + pause)
        suspend(w, now + pause);
    w->cut_at = now;
    hy_window_note(w, now, "no address takes mail: %s", hy_window_quote(&buf, o));
}

/* 421 to the same number of messages on a connection twice: that is how many it may carry. */
static void learn_per_connection(struct hy_window *w, const struct hy_window_event *ev, hy_us now)
{
    const struct hy_outcome *o = ev->outcome;
    if (o->code != 421 || o->phase != HY_PHASE_MAIL || ev->done == 0)
        return;
    if (w->per_connection_seen == ev->done && w->per_connection != ev->done) {
        struct hy_window_words buf;
        w->per_connection = ev->done;
        hy_window_note(w, now, "%u messages a connection: %s", ev->done, hy_window_quote(&buf, o));
        w->per_connection_at = now;
    }
    w->per_connection_seen = ev->done;
}

/* A refusal that may be greylisting is a signal only where first attempts are usually taken. */
static enum hy_signal sharpen(struct hy_window *w, const struct hy_window_event *ev,
                              enum hy_signal s)
{
    double taken_before = w->first_taken;
    if (ev->attempts <= 1 && (s == HY_SIGNAL_GOOD || s == HY_SIGNAL_VAGUE))
        w->first_taken += ((s == HY_SIGNAL_GOOD) - w->first_taken) / 256;
    if (s != HY_SIGNAL_VAGUE || w->state == HY_WINDOW_PROBING)
        return s;
    return taken_before > FIRST_TAKEN_USUAL ? HY_SIGNAL_LOAD : HY_SIGNAL_NONE;
}

/* True when a probe was answered by this, and it was for or against. */
static void answer_probe(struct hy_window *w, const struct hy_window_event *ev, enum hy_signal s,
                         hy_us now)
{
    if (ev->submitted < w->until)
        return; /* from before the pause */
    if (s == HY_SIGNAL_GOOD)
        open_again(w, now);
    else if (s == HY_SIGNAL_NONE || s == HY_SIGNAL_VAGUE) {
        w->is_probe_out = false; /* says nothing: the next one */
        if (++w->probes_in_vain >= PROBES_IN_VAIN)
            open_again(w, now);
    } else
        pause_mail(w, ev, now);
}

void hy_window_outcome(struct hy_window *w, const struct hy_window_event *ev, hy_us now)
{
    const struct hy_outcome *o = ev->outcome;
    learn_per_connection(w, ev, now);
    hy_order_outcome(w, ev, now);
    enum hy_signal s = sharpen(w, ev, hy_signal_of(o));
    if (w->per_connection && now - w->per_connection_at > PER_CONNECTION_S * SEC)
        w->per_connection = w->per_connection_seen = 0;
    if (w->state == HY_WINDOW_PROBING) {
        answer_probe(w, ev, s, now);
        return;
    }
    if (s == HY_SIGNAL_GOOD) {
        hy_pace_taken(w, now);
        hy_conns_taken(w, ev, now);
    } else {
        hy_conns_tick(w, now);
    }
    if (!w->adaptive.enabled || w->state != HY_WINDOW_OPEN)
        return;
    if (s == HY_SIGNAL_CONNECTIONS && ev->open > 1)
        hy_window_refused(w, ev->open - 1, o, now);
    else if (s == HY_SIGNAL_LOST)
        hy_conns_lost(w, ev, now);
    else if (s == HY_SIGNAL_RATE || s == HY_SIGNAL_CONNECTIONS || s == HY_SIGNAL_LOAD) {
        if (hy_pace_signal(w, ev, s != HY_SIGNAL_LOAD, now))
            pause_mail(w, ev, now);
    }
}

/* ---- rules and people ---- */

void hy_window_slow(struct hy_window *w, uint32_t keep_percent, struct hy_str why, hy_us now)
{
    if (w->cut_at && now - w->cut_at < SLOW_AGAIN_US)
        return;
    double pace = hy_pace_measured(&w->pace, now);
    if (w->pace.cap > 0 && w->pace.cap < pace)
        pace = w->pace.cap;
    if (w->rule_rate > 0 && w->rule_rate < pace)
        pace = w->rule_rate;
    if (pace <= 0)
        pace = 1;
    hy_pace_cut(w, pace * keep_percent / 100, pace, now);
    hy_window_note(w, now, "slowed to %u %%: %.*s", keep_percent, HY_STR_ARG(why));
}

void hy_window_suspend(struct hy_window *w, hy_us until, struct hy_str why, hy_us now)
{
    if (w->state == HY_WINDOW_SUSPENDED && w->until >= until)
        return;
    suspend(w, until);
    hy_window_note(w, now, "suspended: %.*s", HY_STR_ARG(why));
}

void hy_window_release(struct hy_window *w, struct hy_str why, hy_us now)
{
    if (w->state != HY_WINDOW_SUSPENDED && w->state != HY_WINDOW_PAUSED)
        return;
    w->until = now;
    pass_time(w, now);
    hy_window_note(w, now, "released: %.*s", HY_STR_ARG(why));
}

/* ---- to look at ---- */

hy_us hy_window_shut_until(const struct hy_window *w, hy_us now)
{
    bool is_shut = w->state == HY_WINDOW_PAUSED || w->state == HY_WINDOW_SUSPENDED;
    return is_shut && w->until > now ? w->until : 0;
}

bool hy_window_counts(const struct hy_window *w, hy_us now)
{
    bool is_failing = w->state != HY_WINDOW_OPEN && now - w->until < FAILING_S * SEC;
    return is_failing || w->message_gate.next_us > now || w->connection_gate.next_us > now ||
           w->pace.gate.next_us > now || w->order.gate.next_us > now;
}

static const char *state_name(const struct hy_window *w, hy_us now)
{
    const struct hy_window_conns *c = &w->conns;
    const struct hy_window_pace *p = &w->pace;
    switch (w->state) {
    case HY_WINDOW_PAUSED:
        return "paused";
    case HY_WINDOW_PROBING:
        return "probing";
    case HY_WINDOW_SUSPENDED:
        return "suspended";
    default:
        break;
    }
    if (!c->bad && p->cap <= 0)
        return c->window < w->ceiling ? "starting" : "steady";
    bool is_held = (!c->bad || now < c->hold_until || c->window >= w->ceiling) &&
                   (p->cap <= 0 || now < p->hold_until || p->passed < p->hold_n);
    return is_held ? "steady" : "growing";
}

void hy_window_look(const struct hy_window *w, hy_us now, struct hy_window_view *ret)
{
    const struct hy_window_conns *c = &w->conns;
    *ret = (struct hy_window_view){
        .state = state_name(w, now),
        .connections = hy_order_connections(w),
        .factor = w->order.factor > 1 ? w->order.factor : 1,
        .order_rate = hy_order_pace(w),
        .ceiling = w->ceiling,
        .bad_connections = c->bad,
        .rate = w->pace.cap,
        .bad_rate = w->pace.bad,
        .rule_rate = w->rule_rate,
        .measured = w->pace.lately.since ? hy_pace_measured(&w->pace, now) : 0,
        .messages_per_connection = w->per_connection,
        .recipients_per_message =
            hy_window_recipients(w, UINT32_MAX, now) < UINT32_MAX ? w->recipients : 0,
        .latency_us = c->n ? c->took_us / c->n : c->ref_took_us,
        .suspended_until = hy_window_shut_until(w, now),
        .changed_at = w->changed_at,
        .why = w->why,
    };
}
