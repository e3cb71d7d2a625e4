/* Settle: what became of an attempt, made durable. The row changes, the attempt is appended to the
 * log, the ledger and the due index move, all in one transaction.
 *
 * Exactly once: `ref.attempts` is a fence. A settle whose row has seen another attempt since, or is
 * final already, changes nothing and is counted as stale. A row that was given up by hand
 * (cancelled, or bounced by a purge) while its message was on the wire is settled by the outcome
 * all the same, unless that was only a deferral.
 */
#pragma once
#include "hayauma/store/attempt.h"
#include "hayauma/store/writer.h"

enum hy_settle_result {
    HY_SETTLE_APPLIED = 1,
    HY_SETTLE_STALE,   /* settled before: nothing changed */
    HY_SETTLE_MISSING, /* there is no such row */
};

struct hy_settle {
    struct hy_write_req req; /* first; done is the caller's */
    /* What happened: ref, state (the verdict: DEFERRED with due_s, HELD or a final state), outcome,
     * started and the rest; id and previous are not read. All views must live until done. */
    struct hy_attempt attempt;
    /* What became of it; valid in done when its err is 0. */
    enum hy_settle_result result;
    enum hy_rcpt_state state; /* of the row, when APPLIED */
    uint32_t due_s;           /* when DEFERRED: later than asked if that was too soon */
    hy_id id;                 /* of the attempt in the log */
};
/* Sets req (class, apply) and zeroes the rest; then fill `attempt`, set req.done and submit. */
void hy_settle_init(struct hy_settle *s);
/* The same within a write transaction at hand (recovery, tests). 0 with s->result, or the
 * transaction's error. An attempt without `started` (expired, suppressed, cancelled before it was
 * sent) does not count in the row's attempts. */
HY_MUST_USE int hy_settle_apply(struct hy_txn *t, struct hy_settle *s);
