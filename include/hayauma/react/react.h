/* What follows from activities: one thread reads the logs behind its place, judges who opened and
 * clicked, and has the writer store verdicts, effects (scores, segments) and the new place in one
 * transaction. So each activity takes effect exactly once, whenever the program is killed.
 *
 * An open or click gets its verdict at once, but takes effect only when it is older than the hold,
 * since a machine may give itself away by the next hit; at once when a person's doing proves it. A
 * verdict that is revised later takes the effect back, or adds it.
 *
 * Nobody waits for this thread: the logs keep what it has not read, and that it lags is told
 * (hy_react_look). */
#pragma once
#include <stdatomic.h>

#include "hayauma/base/meter.h"
#include "hayauma/store/activity.h"
#include "hayauma/store/writer.h"
#include "hayauma/track/verdict.h"

struct hy_react;

/* Of effects that look at leads: for whom it failed; who is passed over, since it keeps failing. */
struct hy_react_fault {
    hy_lead_no skip, failed; /* 0: nobody */
};

enum { HY_REACT_UNSETTLED_MAX = 256 };

/* What is done in the transaction in which an activity takes effect. Writer thread; may be called
 * again for the same when a transaction was dropped, so all that is remembered is in the store. A
 * negative result drops the transaction; what keeps failing is passed over and told. Any of them
 * may be NULL. */
struct hy_react_effects {
    void *ctx;
    /* The activity counts (sign 1), or counts no longer (-1: an open or click whose verdict was
     * revised). `a` and its strings are a copy: they outlive writes. */
    int (*note)(void *ctx, struct hy_txn *t, const struct hy_activity *a, int sign);
    /* A lead's attributes, tags, lists ... changed; `what` of enum hy_lead_what. HY_EMORE: there is
     * more to do for it than the transaction should last; called again in the next. */
    int (*lead)(void *ctx, struct hy_txn *t, hy_lead_no lead, unsigned what);
    /* What these two left for later: behind HY_REACT_UNSETTLED_MAX of them at most, and before the
     * transaction ends. */
    int (*settle)(void *ctx, struct hy_txn *t, struct hy_react_fault *f);
    /* Each second: what falls due by time. HY_EMORE: there is more at `now`; it is called again
     * soon, behind what happened meanwhile. Long work looks at hy_txn_should_yield. */
    int (*due)(void *ctx, struct hy_txn *t, hy_wall_ms now, struct hy_react_fault *f);
};

/* What a reload may change: immutable, counted, given with its reference. */
struct hy_react_policy {
    uint32_t hold_ms;                    /* 0..3,600,000 */
    struct hy_verdict_settings verdicts; /* taken at the start */
    struct hy_react_effects effects;
    void (*release)(struct hy_react_policy *p);
    void *owner;
    atomic_uint refs; /* starts at 1 */
};
struct hy_react_policy *hy_react_policy_ref(struct hy_react_policy *p);
void hy_react_policy_unref(struct hy_react_policy *p); /* NULL is fine */

enum {
    HY_REACT_HOLD_MAX_MS = 3600000,
    HY_REACT_LATE_MS = 500, /* a verdict that comes later is told by an activity of its own, like
                               one that is revised */
};

/* Starts the thread; the policy's reference is taken in any case. In a store that knows no place it
 * begins with what is noted from now on. `env` and `writer` must outlive it. HY_ENOMEM, HY_EIO with
 * the reason. */
HY_MUST_USE int hy_react_start(struct hy_env *env, struct hy_writer *writer,
                               struct hy_react_policy *policy, struct hy_diag *diag,
                               struct hy_react **ret);
/* From the next batch on by this policy; its reference is taken. Any thread. */
void hy_react_reload(struct hy_react *r, struct hy_react_policy *policy);
/* Ends the thread behind the batch it is at, and frees. While the writer runs. NULL is fine. */
void hy_react_stop(struct hy_react *r);

/* How far it is: every activity with such an id, or a lesser one, has taken effect and is
 * committed; `held` the same for opens and clicks, `leads` for changes of leads. Any thread, no
 * lock. */
struct hy_react_position {
    hy_id now, held, leads;
};
struct hy_react_position hy_react_position(const struct hy_react *r);
/* The same, from the store, when none runs. HY_ENOTFOUND: there never was one. */
HY_MUST_USE int hy_react_position_stored(struct hy_txn *t, struct hy_react_position *ret);

struct hy_react_view {
    struct hy_react_position at;
    int64_t lag_ms;   /* age of the oldest activity that should have taken effect and has not; 0 */
    uint64_t applied; /* activities since the start, and changes of leads */
    uint64_t counted, withdrawn; /* opens and clicks that took effect; that were taken back */
    uint64_t revised;            /* verdicts that changed after they were given */
    uint64_t verdicts[HY_VERDICTS][HY_VERDICT_REASONS]; /* as given at first */
    uint64_t skipped;              /* activities, leads of changes, whose effects kept failing */
    uint64_t failures;             /* batches that could not be committed */
    int err;                       /* why the last batch could not; 0: it could */
    int64_t cpu_us;                /* of the thread */
    struct hy_histogram_sum delay; /* from being noted to the commit of the effect, without holds */
};
void hy_react_look(struct hy_react *r, struct hy_react_view *ret); /* any thread */
