/* The window of a lane: how many connections it may hold, when the next may be opened, when the
 * next message may go. The limits of its rule are the ceiling; below it the window finds what the
 * site welcomes, from the site's own signals. docs/internals/window.md tells how.
 *
 * Pure: `now` is a monotonic clock. One thread. A window costs no memory beyond the struct. */
#pragma once
#include "hayauma/model/outcome.h"
#include "hayauma/shape/rate.h"

enum hy_window_state {
    HY_WINDOW_OPEN = 0,  /* mail goes; connections and pace grow */
    HY_WINDOW_PAUSED,    /* the site said enough: no message until the next probe */
    HY_WINDOW_PROBING,   /* one message, or one connection, goes ahead to see */
    HY_WINDOW_SUSPENDED, /* the site cannot be reached, or a rule said so: no connection */
};

enum { HY_WINDOW_WHY_MAX = 120 };

/* How many connections: a search between what is known to be good and what went wrong. */
struct hy_window_conns {
    uint32_t window;                /* allowed now */
    uint32_t bad;                   /* the least that went wrong; 0 = not known */
    uint32_t wrong;                 /* the level of the last sign, also when it is doubted */
    uint32_t stride;                /* how far above a bad level that went well the next is tried */
    uint32_t round;                 /* taken since the window was doubled last */
    hy_us hold_us, hold_until;      /* no growth before; how long it was, for the next time */
    hy_us refused_at;               /* the last refusal */
    hy_us changed_at;               /* what was submitted before tells nothing of this window */
    double losses;                  /* connections that broke lately, fading */
    double took_us, in_flight;      /* sums over the epoch */
    uint32_t n;                     /* outcomes in the epoch */
    hy_us since;                    /* when it began */
    double ref_took_us, ref_flight; /* means at another level, to compare with; 0 = none */
    uint32_t ref_window;
    hy_us less_at, less_wait_us; /* when to try whether fewer do as well */
    bool is_less;                /* trying that now */
    bool is_judged;              /* an epoch of this window has ended */
};

/* How many messages a second. */
struct hy_window_pace {
    double cap, bad; /* messages/s; 0 = none, not known */
    struct hy_rate_gate gate;
    hy_us limited_at;          /* when it last held a message back */
    hy_us taken_at;            /* when the site last took one */
    hy_us grown_at;            /* up to when growth was reckoned */
    uint32_t grown_passed;     /* messages taken since */
    hy_us hold_us, hold_until; /* as above */
    uint32_t hold_n, passed;   /* messages that must pass before more is tried; that have */
    struct hy_window_count {
        uint32_t taken, taken_before;
        hy_us since, before;    /* when the bucket of now began, and the one before; 0 = none */
    } lately, minute;           /* over what tells a pace; over a minute or so */
    uint32_t burst;             /* signals in a row */
    uint32_t signals, outcomes; /* of the period */
    double noise;               /* share of signals that does not follow our pace */
    hy_us noise_at;
    double trial_pace; /* before the cut whose effect is looked for; 0 = none is */
    uint32_t trial_outcomes, trial_signals;
};

/* An order of a person to send less. */
enum { HY_WINDOW_ORDER_MOST = 10000 };
struct hy_window_order {
    uint32_t factor; /* a share of one of so many; 0, 1 = there is none */
    double did;      /* messages/s when it came; 0 = there was too little to tell */
    double most;     /* the pace that was learned by then; 0 = none */
    double took_us;  /* what a message takes; 0 = not known */
    hy_us since;
    struct hy_rate_gate gate;
};

struct hy_window {
    uint32_t ceiling; /* connections of the rule */
    struct hy_shape_adaptive adaptive;
    struct hy_rate_gate connection_gate, message_gate; /* of the rule */
    double rule_rate;                                  /* messages/s; 0 = none */
    enum hy_window_state state;
    hy_us until;              /* PAUSED, SUSPENDED: when the next probe may go */
    hy_us pause_us;           /* how long the last pause was */
    hy_us paused_at;          /* since when nothing passed */
    hy_us cut_at;             /* what was submitted before has no news */
    uint32_t failures_in_row; /* unreachable since the last connection */
    bool is_probe_out;
    uint32_t probes_in_vain;      /* answered by what is neither for nor against */
    uint32_t per_connection;      /* messages after which the site says 421; 0 = not known */
    uint32_t per_connection_seen; /* said once */
    hy_us per_connection_at;
    uint32_t recipients; /* of a message, that the site was seen to take; 0 = not known */
    hy_us recipients_until, recipients_us; /* for so long */
    double first_taken; /* share of first attempts that were taken, over some 256 */
    struct hy_window_conns conns;
    struct hy_window_pace pace;
    struct hy_window_order order;
    hy_us changed_at; /* when `why` was written */
    char why[HY_WINDOW_WHY_MAX];
};

/* One outcome of an attempt, RETURNED ones too. */
struct hy_window_event {
    const struct hy_outcome *outcome;
    hy_us submitted;    /* when the message was given to its connection */
    uint32_t attempts;  /* 1 = the first for this recipient */
    uint32_t done;      /* messages that the connection had carried before */
    uint32_t open;      /* connections that are up, with this one */
    uint32_t in_flight; /* messages submitted on all of them, with this one */
};

void hy_window_init(struct hy_window *w, const struct hy_shape_limits *l, hy_us now);
/* New limits after a reload; keeps what was learned, suspension, and what was used of the rates. */
void hy_window_change(struct hy_window *w, const struct hy_shape_limits *l);

/* 0 and takes a connection start when one may be opened now with `open` already open or opening;
 * HY_US_NEVER when the window is full (ask again when something happens); otherwise the time to ask
 * again. Asking is how the window learns that more would be used: it grows only then. */
hy_us hy_window_may_connect(struct hy_window *w, uint32_t open, hy_us now);
/* 0 when a message may go; HY_US_NEVER while a probe is on its way; otherwise the time to ask
 * again. */
hy_us hy_window_may_send(struct hy_window *w, hy_us now);
/* Takes one message of the rate. */
void hy_window_sent(struct hy_window *w, hy_us now);
/* How many of `open` connections are more than the window allows: to be closed, each behind its
 * message. */
uint32_t hy_window_surplus(const struct hy_window *w, uint32_t open);
/* Messages a connection should carry at most: the rule's, or what the site was seen to allow;
 * 0 = no limit. */
uint32_t hy_window_messages_per_connection(const struct hy_window *w, uint32_t by_rule);

/* Recipients that a message may have, 1..: the rule's number, or what the site was seen to take. */
uint32_t hy_window_recipients(const struct hy_window *w, uint32_t by_rule, hy_us now);
/* It took `taken` recipients of a message and said of the next that they are too many. That is no
 * sign against our pace. */
void hy_window_too_many(struct hy_window *w, uint32_t taken, const struct hy_outcome *o, hy_us now);

/* A connection reached its first ready state; `up` with it. */
void hy_window_connected(struct hy_window *w, uint32_t up, hy_us now);
/* One more connection was refused, by a reply or by the network, while `up` (1..) others are fine:
 * what is up is the limit, until a try much later says otherwise. */
void hy_window_refused(struct hy_window *w, uint32_t up, const struct hy_outcome *o, hy_us now);
/* Every address of the site failed: no connection for 15 s, doubling up to 10 minutes, then one. */
void hy_window_unreachable(struct hy_window *w, const struct hy_outcome *o, hy_us now);
void hy_window_outcome(struct hy_window *w, const struct hy_window_event *ev, hy_us now);

/* A person's order: a `factor`th (2..HY_WINDOW_ORDER_MOST) of what the lane did until now, of its
 * connections and of the messages it sent a second; 1: the order is over. `is_busy`: it has more
 * mail than it can send, so that what was taken lately is what it does; otherwise that is what its
 * connections can carry. The same factor again changes nothing. The window of a new lane is
 * restored first. */
void hy_window_order(struct hy_window *w, uint32_t factor, bool is_busy, hy_us now);

/* Rules and people. `why`: what they will read; a copy is kept. */
/* Goes on at `keep_percent` (1..99) of the pace of now, and grows again from there. Once in a
 * second at most: replies that come together are one reason. */
void hy_window_slow(struct hy_window *w, uint32_t keep_percent, struct hy_str why, hy_us now);
/* No connection and no message until then; one probe after it. A suspension that lasts longer
 * stays. */
void hy_window_suspend(struct hy_window *w, hy_us until, struct hy_str why, hy_us now);
/* Ends a pause or suspension: one probe at once. */
void hy_window_release(struct hy_window *w, struct hy_str why, hy_us now);

/* Until when no message goes (paused or suspended); 0 = it may. */
hy_us hy_window_shut_until(const struct hy_window *w, hy_us now);
/* A new window in its place would do something else within the next minutes: too much, too soon. */
bool hy_window_counts(const struct hy_window *w, hy_us now);

/* For `hayauma site`, `top` and metrics. */
struct hy_window_view {
    const char *state;    /* "starting", "growing", "steady", "paused", "probing", "suspended" */
    uint32_t connections; /* allowed now */
    uint32_t factor;      /* an order leaves one of so many; 1 = there is none */
    double order_rate;    /* messages/s that it leaves; 0 = none, or not known yet */
    uint32_t ceiling;     /* by the rule */
    uint32_t bad_connections;         /* the least that went wrong; 0 = not known */
    double rate, bad_rate;            /* messages/s; 0 = none learned */
    double rule_rate;                 /* messages/s; 0 = none */
    double measured;                  /* messages/s that were taken lately */
    uint32_t messages_per_connection; /* learned; 0 = none */
    uint32_t recipients_per_message;  /* likewise */
    double latency_us;                /* what a message takes; 0 = not known */
    hy_us suspended_until;            /* paused or suspended until then; 0 = open */
    hy_us changed_at;                 /* when the window was last changed; 0 = never */
    const char *why;                  /* by what; "" = never; lives as long as the window */
};
void hy_window_look(const struct hy_window *w, hy_us now, struct hy_window_view *ret);

/* What is worth keeping when a lane is freed, and over a restart. `at`: when it was learned. */
struct hy_window_learned {
    hy_us at;
    enum hy_window_state state;
    hy_us shut_us, pause_us; /* not OPEN: how long it was still shut; how long its last pause was */
    uint32_t failures;       /* unreachable, in a row */
    uint32_t connections, bad_connections, messages_per_connection;
    float rate, bad_rate, noise;
    float did; /* without the order that was in force, messages/s; 0 = there was none. Not kept
                  over a restart: then it is reckoned from the connections */
};
/* False when there is nothing that a new window would not know. */
bool hy_window_save(const struct hy_window *w, struct hy_window_learned *ret, hy_us now);
/* Into a new window. What was shut stays so for its time, and is probed then. After ten minutes the
 * rest is doubted: what went wrong may be tried again at once, growth starts from the level that
 * was good; after six hours from half of it; after a week it is nothing. */
void hy_window_restore(struct hy_window *w, const struct hy_window_learned *l, hy_us now);
