/* The part of /metrics about what follows from activities: how far it is, what was thought of opens
 * and clicks, and whom segments hold. The server's thread. */
#include "metrics_reaction.h"

#include "daemon.h"
#include "hayauma/react/react.h"

static void put_verdicts(struct expo *e, const struct hy_react_view *v)
{
    expo_head(e, HY_M_VERDICTS);
    for (int verdict = 0; verdict < HY_VERDICTS; verdict++)
        for (int reason = 0; reason < HY_VERDICT_REASONS; reason++) {
            const char *why = hy_verdict_reason_name((enum hy_verdict_reason)reason);
            const struct expo_label labels[] = {
                {"verdict", hy_str_of(hy_verdict_name((enum hy_verdict)verdict))},
                {"reason", hy_str_of(why)},
            };
            if (v->verdicts[verdict][reason])
                expo_sample(e, HY_M_VERDICTS, labels, 2, (double)v->verdicts[verdict][reason]);
        }
}

static void put_segments(struct expo *e, struct hy_daemon *d)
{
    const struct expo_label in = {"direction", HY_STR("in")}, out = {"direction", HY_STR("out")};
    struct hy_segments_meter *m = &d->segments_meter;
    struct hy_txn t = {0};
    uint32_t lag = 0;
    expo_one(e, HY_M_SEGMENT_LOOKS, (double)atomic_load(&m->looks));
    expo_one(e, HY_M_SEGMENT_STEPS, (double)atomic_load(&m->steps));
    expo_one(e, HY_M_SEGMENT_PUT_OFF, (double)atomic_load(&m->put_off));
    expo_head(e, HY_M_SEGMENT_MOVES);
    expo_sample(e, HY_M_SEGMENT_MOVES, &in, 1, (double)atomic_load(&m->entered));
    expo_sample(e, HY_M_SEGMENT_MOVES, &out, 1, (double)atomic_load(&m->left));
    int err = hy_txn_read(d->env, &t);
    if (err == HY_OK)
        err = hy_segment_due_lag(&t, (uint32_t)(hy_clock_wall_ms() / 1000), &lag);
    hy_txn_end(&t);
    if (err == HY_OK)
        expo_one(e, HY_M_SEGMENT_LAG, (double)lag);
}

void metrics_put_reaction(struct expo *e, struct hy_daemon *d)
{
    struct hy_react_view v;
    if (!d->react)
        return;
    hy_react_look(d->react, &v);
    expo_one(e, HY_M_REACTION_LAG, (double)v.lag_ms / 1000);
    expo_head(e, HY_M_REACTION_SECONDS);
    expo_histogram(e, HY_M_REACTION_SECONDS, NULL, 0, &v.delay);
    expo_one(e, HY_M_REACTION_SKIPPED, (double)v.skipped);
    expo_one(e, HY_M_REACTION_FAILURES, (double)v.failures);
    expo_one(e, HY_M_REACTION_COUNTED, (double)v.counted);
    expo_one(e, HY_M_REACTION_WITHDRAWN, (double)v.withdrawn);
    expo_one(e, HY_M_REACTION_CPU, (double)v.cpu_us / 1000000);
    expo_one(e, HY_M_VERDICTS_REVISED, (double)v.revised);
    put_verdicts(e, &v);
    put_segments(e, d);
}
