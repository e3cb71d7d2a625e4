/* The part of /metrics about scores: points given, hot leads, hand-offs. The server's thread. */
#include "metrics_scores.h"

#include "daemon.h"
#include "handoff_sender.h"
#include "hayauma/config/scoring.h"
#include "hayauma/store/handoff.h"
#include "hayauma/store/lead_set.h"

static uint64_t over(struct hy_txn *t, struct hy_str threshold)
{
    struct hy_lead_set set = {.kind = HY_LEAD_SET_THRESHOLD};
    uint32_t no = 0;
    uint64_t n = 0;
    if (hy_score_threshold_no(t, threshold, &no) != HY_OK)
        return 0;
    set.no = no;
    return hy_lead_set_count(t, set, &n) == HY_OK ? n : 0;
}

static void put_hot(struct expo *e, struct hy_txn *t, const struct hy_score_plan *plan)
{
    expo_head(e, HY_M_SCORE_OVER);
    for (size_t i = 0; plan && i < plan->n_thresholds; i++) {
        struct expo_label l = {"threshold", plan->thresholds[i].name};
        expo_sample(e, HY_M_SCORE_OVER, &l, 1, (double)over(t, plan->thresholds[i].name));
    }
}

static void put_waiting(struct expo *e, uint64_t pending, uint64_t failed)
{
    const struct expo_label waits = {"state", HY_STR("waits")}, ended = {"state", HY_STR("failed")};
    expo_head(e, HY_M_HANDOFFS);
    expo_sample(e, HY_M_HANDOFFS, &waits, 1, (double)pending);
    expo_sample(e, HY_M_HANDOFFS, &ended, 1, (double)failed);
}

void metrics_put_scores(struct expo *e, struct hy_daemon *d)
{
    struct hy_scoring *scoring = daemon_scoring(d);
    uint64_t scored = 0, entries = 0, pending = 0, failed = 0;
    struct handoff_counts counts;
    struct hy_txn t = {0};
    if (hy_txn_read(d->env, &t) == HY_OK) {
        put_hot(e, &t, scoring ? hy_scoring_plan(scoring) : NULL);
        (void)!hy_table_count(&t, HY_TABLE_SCORES, &scored); /* 0 where they cannot be read */
        (void)!hy_table_count(&t, HY_TABLE_SCORE_LEDGER, &entries);
        (void)!hy_handoff_count(&t, &pending, &failed);
    }
    hy_txn_end(&t);
    hy_scoring_free(scoring);
    handoff_sender_counts(d->handoff_sender, &counts);
    expo_one(e, HY_M_SCORE_LEADS, (double)scored);
    expo_one(e, HY_M_SCORE_ENTRIES, (double)entries);
    put_waiting(e, pending, failed);
    expo_one(e, HY_M_HANDOFFS_DONE, (double)counts.arrived);
    expo_one(e, HY_M_HANDOFF_FAILURES, (double)counts.tries_failed);
}
