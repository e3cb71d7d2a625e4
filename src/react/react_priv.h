/* The reader, inside: its place, a batch on its way to the writer, and who makes it. */
#pragma once
#include <pthread.h>

#include "hayauma/io/thread.h"
#include "hayauma/react/react.h"
#include "hayauma/track/agent.h"

enum {
    STEPS_MAX = 4096, /* moments of a batch */
    ITEMS_MAX = STEPS_MAX + HY_VERDICT_CHANGES_MAX,
    CHANGES_MAX = 4,  /* of leads, in a batch */
    NOTES_MAX = 4096, /* activities that a transaction finds behind the place `now` */
};

/* Up to where all took effect; stored with every batch. Each kind of work has a place of its own:
 * opens and clicks are judged outside of the transaction, and a long import must not stand before
 * what people do; neither depends on the order between them. */
struct place {
    hy_id now;       /* of activities that take effect at once */
    hy_id judged;    /* of opens and clicks, and of what proves them */
    hy_id held;      /* of opens and clicks behind their hold; <= judged */
    hy_id leads;     /* of changes of leads */
    uint32_t within; /* leads done of the change behind it */
};

/* place.c. HY_ENOTFOUND, HY_ECORRUPT, HY_EVERSION. */
HY_MUST_USE int place_get(struct hy_txn *t, struct place *ret);
HY_MUST_USE int place_put(struct hy_txn *t, const struct place *p);

/* What is to be done for a moment of the log: the items of one `step` belong together. */
enum item_kind {
    ITEM_VERDICT, /* an open or click is judged, or judged anew */
    ITEM_HELD,    /* its hold is over */
    ITEM_LEADS,   /* leads changed */
};
struct item {
    hy_id id;   /* of the activity, or of the change of leads */
    hy_id step; /* the place when it is done */
    enum item_kind kind;
    uint8_t flags, reason; /* of a verdict */
};

/* What a batch did, for the counters: set by each try of its transaction, added once. */
struct tally {
    uint64_t applied, counted, withdrawn, revised, skipped;
    uint64_t verdicts[HY_VERDICTS][HY_VERDICT_REASONS];
};

/* An item that fails, and which lead of a change; or the lead that cannot be looked at. All 0:
 * none. */
struct culprit {
    hy_id id;
    uint32_t nth;
    hy_lead_no lead;
};

struct batch {
    struct hy_write_req req; /* first */
    struct hy_react *r;
    struct hy_react_policy *policy;
    struct place from, to; /* `from` moves on with each slice */
    struct place reached;  /* by the slice that was applied last; at its end maybe less than `to` */
    struct tally tally;    /* of that slice */
    struct culprit failed; /* set by a try: what failed in it */
    struct culprit skip;   /* what failed too often: its effects are left out */
    bool has_due;          /* what falls due by time, too */
    bool is_due_left;      /* there is more of it */
    bool is_cut;           /* it had to end before all was done */
    hy_wall_ms now;
    unsigned unsettled; /* effects since the last settling */
    size_t n_noted;     /* in the slice that was applied last */
    hy_id noted[NOTES_MAX];
    size_t n_judged, n_held, n; /* items: verdicts; up to here held ones; changes of leads */
    struct item items[2 * ITEMS_MAX + CHANGES_MAX];
};

/* apply.c: the transaction of a batch. */
int batch_apply(struct hy_write_req *r, struct hy_txn *t);

/* hits.c: what a hit says of itself. */
bool hit_of(struct hy_react *r, struct hy_txn *t, const struct hy_activity *a, struct hy_hit *ret);

/* read.c */
/* The end of all the logs that are read; whatever is committed later comes behind it. At least
 * `at_least`. */
HY_MUST_USE int read_end(struct hy_txn *t, hy_id at_least, hy_id *ret);
/* Judges what lies before the place, so that what follows is judged as if it had never stopped. */
HY_MUST_USE int read_back(struct hy_react *r, struct hy_txn *t);
/* Fills the batch, whose `now` and policy are set, from r->at on, at most `steps`; *ret_more: it is
 * full. */
HY_MUST_USE int read_on(struct hy_react *r, struct hy_txn *t, struct batch *b, size_t steps,
                        bool *ret_more);
/* The first activity behind the place `now`: what the transaction will find. 0: there is none yet.
 */
HY_MUST_USE int read_news(struct hy_react *r, struct hy_txn *t, hy_id *ret);

struct hy_react {
    struct hy_env *env;
    struct hy_writer *writer;
    struct hy_thread *thread;
    struct hy_agents *agents;
    struct hy_hash_key key;
    struct hy_verdicts *verdicts;
    struct place at; /* as the store has it; the thread's */
    struct batch *batch;
    bool has_damage; /* told once */
    struct {
        pthread_mutex_t lock;
        pthread_cond_t wake;
        bool is_ending, is_busy; /* the writer has the batch */
        int err;
        struct hy_react_policy *policy;
        struct tally tally;
        uint64_t failures;
        int last_err;
        struct hy_histogram_sum delay;
        hy_wall_ms waiting_since; /* when the oldest was noted that should have taken effect; 0 */
        hy_wall_ms submitted;     /* when the writer got the batch */
    } shared;                     /* under its lock */
    _Atomic hy_id now, judged, held, leads;
};
