/* Rows that a person picks, and what is done to them by hand: tried now, put off, taken out. */
#pragma once
#include "hayauma/shape/reply_rules.h"
#include "hayauma/store/queue.h"

/* Which pending rows of a campaign, or of a spool. Everything it points to must outlive its use;
 * not changed while it is used, and then free for any thread. */
struct hy_pick {
    unsigned states; /* bits: 1u << HY_RCPT_FRESH, _DEFERRED, _HELD; others are not looked at */
    hy_lead_no lead; /* of campaigns: only this one's row; 0 = any */
    /* Of ready messages; rows of campaigns are not asked for them. */
    struct hy_str address;      /* recipient, as it lies in the store; empty = any */
    const char *sender;         /* of the envelope, "" the null sender; "@domain": all of it */
    hy_id message;              /* 0 = any */
    hy_wall_ms received_before; /* stored at this time or before; 0 = any */
    /* Of the last reply, or why there was none: SMTP code from..to (0, 0 = any), and a pattern that
     * is found in "421 4.7.0 text" (NULL = any). Rows that were never tried have none. */
    uint16_t code_from, code_to;
    const struct hy_reply_rules *reply;
};
/* Calls `each` for every row picked, of one domain (0: of all), until it returns non-zero, which is
 * then the answer. A campaign's come by domain, a spool's in the order of their arrival. About 5 ns
 * a row, 1 us when the reply or the sender counts. HY_ECORRUPT. Any thread. */
HY_MUST_USE int hy_pick_rows(struct hy_txn *t, hy_id campaign, hy_domain_no domain,
                             const struct hy_pick *pick,
                             int (*each)(void *ctx, const struct hy_queue_row *row), void *ctx);
/* The next blocks of a spool with such rows at one of these domains (ascending), from *at on, which
 * moves behind the last; `max` >= 1. HY_ENOTFOUND: there is none. Any thread. */
HY_MUST_USE int hy_pick_blocks(struct hy_txn *t, hy_id spool, const struct hy_pick *pick,
                               const hy_domain_no *domains, size_t n_domains, uint32_t *at,
                               uint32_t *out, size_t max, size_t *ret_n);

enum hy_alter {
    HY_ALTER_RETRY,    /* deferred rows that are not due yet, and held ones, are due now */
    HY_ALTER_POSTPONE, /* fresh and deferred rows are due at a time */
    HY_ALTER_CANCEL,   /* pending rows are given up: CANCELLED, with the reason in the log */
    HY_ALTER_BOUNCE,   /* the same, BOUNCED */
};
const char *hy_alter_name(enum hy_alter a); /* "retry" ... */

struct hy_alter_place {    /* what was done so far */
    size_t at;             /* index of the place it is at */
    uint32_t block;        /* of a campaign: in that domain */
    uint64_t rows, places; /* changed; places where at least one was */
};

/* A long job: submit job.req. HY_ALTER_RETRY may run while the campaign is sent: it only touches
 * rows that nobody can have read as due. For the others delivery must have nothing of the campaign
 * in hand but what is on the wire (hy_deliver_quiet); such a row is settled by its outcome all the
 * same, unless it was given up and the outcome is a deferral.
 * Killed in the middle, what was done is whole: rows, due index, ledger, attempts, and the act that
 * says how far it came. */
struct hy_alter_job {
    struct hy_write_req req; /* first; init sets all of it */
    hy_id campaign;          /* or a spool */
    enum hy_alter what;
    const struct hy_pick *pick;
    const uint32_t *places; /* domains of a campaign, blocks of a spool; ascending: rows of others
                               are not looked at */
    size_t n_places;
    uint32_t due_s;       /* POSTPONE */
    struct hy_str reason; /* CANCEL, BOUNCE */
    /* With every slice, in its transaction: the act as text (at most HY_OPERATOR_TEXT_MAX;
     * malloc'd, NULL: out of memory). Writer thread, as those that follow. */
    char *(*act)(struct hy_alter_job *j, const struct hy_alter_place *done, bool is_over);
    void (*progress)(struct hy_alter_job *j);      /* after each slice; NULL = nobody asks */
    bool (*is_cancelled)(struct hy_alter_job *j);  /* asked before each slice: then it ends early */
    void (*done)(struct hy_alter_job *j, int err); /* HY_ECANCELED; may free it */
    struct hy_alter_place at; /* what is durable; writer thread, and who was told `done` */
    hy_id act_id;             /* the act in the log that is written anew; 0 = a new one is made */
    /* private */
    struct hy_alter_place next;
    bool at_counted, next_counted; /* the place it is at is among those counted */
    hy_id next_act_id;
};
void hy_alter_job_init(struct hy_alter_job *j, hy_id campaign, enum hy_alter what);
