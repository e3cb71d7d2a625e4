/* The queue: one row for each recipient of each campaign, packed into blocks of one domain, so that
 * a giant that is slow never stands before another domain. See docs/storage.md for the layout.
 *
 * Reading it for sending, without ever giving a row twice in the life of the process:
 * - fresh rows: walk the domains (hy_queue_next_domain) and read each forward
 * (hy_queue_read_fresh); rows of a domain only ever appear behind the position.
 * - deferred rows: read the due index forward (hy_due_next, up to hy_due_horizon) and take the rows
 *   of each entry (hy_queue_read_due). A deferral is always due later than the horizon at its
 * commit. After a restart both begin at the start: what is not final and not in hand is found
 * again. */
#pragma once
#include "hayauma/model/campaign.h"
#include "hayauma/store/audience.h"
#include "hayauma/store/env.h"
#include "hayauma/store/writer.h"

enum {
    HY_QUEUE_BLOCK_ROWS = 202, /* rows of a full block: header and rows fill one LMDB page */
};

struct hy_queue_row {
    struct hy_rcpt_ref ref;
    enum hy_rcpt_state state;
    uint32_t due_s; /* seconds since 1970; 0 when not DEFERRED */
    hy_id last_attempt;
};

/* ---- fresh rows ---- */

struct hy_queue_pos { /* the next slot to look at; zeroed = the beginning of the domain */
    uint32_t block;
    uint16_t slot;
};
/* The next domain behind `after` (0: the first) with fresh rows; *ret_fresh is a lower bound of how
 * many (those of its first block that has any), *ret_pos is where they begin. HY_ENOTFOUND: there
 * is none; HY_EMORE: there is none yet, rows are still being made. */
HY_MUST_USE int hy_queue_next_domain(struct hy_txn *t, hy_id campaign, hy_domain_no after,
                                     hy_domain_no *ret_domain, struct hy_queue_pos *ret_pos,
                                     uint32_t *ret_fresh);
/* Up to `max` fresh rows from `pos` on, which moves behind them. *ret_n may be 0 only with
 * HY_ENOTFOUND (the domain is through) and HY_EMORE (its rows are still being made). */
HY_MUST_USE int hy_queue_read_fresh(struct hy_txn *t, hy_id campaign, hy_domain_no domain,
                                    struct hy_queue_pos *pos, struct hy_queue_row *out, size_t max,
                                    size_t *ret_n);

/* ---- due rows ---- */

struct hy_due { /* one entry of the index: rows of this block are due at this second */
    uint32_t due_s;
    hy_id campaign;
    hy_domain_no domain;
    uint32_t block;
};
/* The largest due time that is safe to read up to in a snapshot taken (or renewed) AFTER this call:
 * whatever commits later is due later. `now_s` is the wall clock. Any thread. */
uint32_t hy_due_horizon(struct hy_env *env, uint32_t now_s);
/* The first entry behind *pos (zeroed: the first of all) that is due at or before `upto_s`, into
 * *pos. HY_ENOTFOUND. With upto_s UINT32_MAX it tells when the next one will be due. */
HY_MUST_USE int hy_due_next(struct hy_txn *t, struct hy_due *pos, uint32_t upto_s);
/* The rows of the entry; `out` holds HY_QUEUE_BLOCK_ROWS. None when it was settled meanwhile. */
HY_MUST_USE int hy_queue_read_due(struct hy_txn *t, const struct hy_due *due,
                                  struct hy_queue_row *out, size_t *ret_n);

/* One row as it is now. HY_ENOTFOUND. */
HY_MUST_USE int hy_queue_get(struct hy_txn *t, const struct hy_rcpt_ref *ref,
                             struct hy_queue_row *ret);
/* The row of a lead in a campaign, by bisection of its domain's blocks. HY_ENOTFOUND. */
HY_MUST_USE int hy_queue_find(struct hy_txn *t, hy_id campaign, hy_domain_no domain,
                              hy_lead_no lead, struct hy_queue_row *ret);

/* Calls `each` for the rows of a campaign in these states (bits: 1u << state), by domain, until it
 * returns non-zero, which is then the answer. About 5 ns a row. */
HY_MUST_USE int hy_queue_each(struct hy_txn *t, hy_id campaign, unsigned states,
                              int (*each)(void *ctx, const struct hy_queue_row *row), void *ctx);

/* ---- counting ---- */

struct hy_queue_count { /* the rows of one domain of one campaign */
    hy_domain_no domain;
    uint64_t by_state[HY_RCPT_STATES];
    uint32_t next_due_s; /* the earliest of its deferred rows; 0 = none */
};
/* Counts the first domain behind `after` (0: the first) that has rows: reads all of its blocks.
 * HY_ENOTFOUND behind the last. */
HY_MUST_USE int hy_queue_count(struct hy_txn *t, hy_id campaign, hy_domain_no after,
                               struct hy_queue_count *ret);

/* About how many rows of a domain there are from `pos` on, of any state: all blocks but its last
 * are taken as full. One look at the end of the domain, however long it is; 0 when there are none.
 */
uint64_t hy_queue_rows_left(struct hy_txn *t, hy_id campaign, hy_domain_no domain,
                            struct hy_queue_pos pos);

/* ---- long jobs: submit job.req; all go on where they were after a restart ---- */

/* Makes the rows of a campaign in QUEUEING from its audience; leads that are not active get
 * SUPPRESSED rows. Each slice's rows can be read (and sent) at once. At the end the campaign is
 * RUNNING, or DONE when nothing is pending. done: 0, also when the campaign was paused or cancelled
 * meanwhile. */
struct hy_enqueue_job {
    struct hy_write_req
        req; /* first; init sets class, when, apply: done and slice are the caller's */
    hy_id campaign;
    struct hy_audience audience;
    uint64_t rows;                  /* in the store when the last slice ended; writer thread */
    struct hy_audience_lead *leads; /* private: room for one call of the iterator */
};
HY_MUST_USE int hy_enqueue_job_init(struct hy_enqueue_job *j, hy_id campaign,
                                    struct hy_audience audience);
void hy_enqueue_job_free(struct hy_enqueue_job *j);

/* Turns pending rows of a campaign into something else: a cancelled campaign's into CANCELLED (rows
 * on the wire are settled by their outcome all the same), or HELD rows, after a person has decided,
 * into DEFERRED (send them again, now), DELIVERED (believe it) or CANCELLED. */
enum hy_sweep {
    HY_SWEEP_CANCEL,
    HY_SWEEP_HELD_RESEND,
    HY_SWEEP_HELD_DELIVERED,
    HY_SWEEP_HELD_CANCEL
};
struct hy_sweep_job {
    struct hy_write_req req; /* as above; HY_WRITE_ADMIN */
    hy_id campaign;
    enum hy_sweep what;
};
void hy_sweep_job_init(struct hy_sweep_job *j, hy_id campaign, enum hy_sweep what);
