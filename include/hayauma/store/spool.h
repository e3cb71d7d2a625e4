/* The spool: ready messages on their way out, handed in by other applications. A message is stored
 * once and shared by its recipients; each recipient is a queue row like those of a campaign, so
 * that settling, retries, the in-flight table, recovery and the ledger are the same for both.
 *
 * A spool is the standing queue of one tenant and one priority. Its rows lie in blocks: all
 * recipients of one message at one domain (or as many as fit), numbered in the order of their
 * arrival. Where a campaign's row names a lead, a spool's row has the number of its recipient
 * within the message, 1.. */
#pragma once
#include "hayauma/base/buf.h"
#include "hayauma/shape/tenant.h"
#include "hayauma/store/queue.h"
#include "hayauma/store/writer.h"

enum {
    HY_SPOOL_TENANT_MAX = (1 << 29) - 1,
    HY_SPOOL_RCPTS_MAX = 10000,       /* of a message */
    HY_SPOOL_ENVID_MAX = 300,         /* xtext as it came (RFC 3461 4.4: 100 characters decoded) */
    HY_SPOOL_ORCPT_MAX = 500,         /* type;xtext (RFC 3461 4.2) */
    HY_SPOOL_MESSAGE_ID_MAX = 250,    /* of what can be looked up */
    HY_SPOOL_WHO_MAX = 255,           /* who handed it in, for people */
    HY_SPOOL_META_MAX = 65536,        /* tags and metadata, uninterpreted */
    HY_SPOOL_CONTENT_MAX = 256 << 20, /* bytes of a message */
};

/* Stored in ids: never renumber. */
enum hy_spool_priority {
    HY_SPOOL_TRANSACTIONAL = 0,
    HY_SPOOL_BULK = 1,
    /* Bulk that what the recipient's domain demands of TLS does not hold back (RFC 8689, field
     * TLS-Required: No): reports on that TLS. */
    HY_SPOOL_TLS_OPTIONAL = 2,
};
const char *hy_spool_priority_name(enum hy_spool_priority p); /* "transactional", "bulk" ... */

/* The id of a spool, which takes the place of a campaign's: top bit, tenant, priority, epoch (a new
 * one begins when an old one has used up its numbers). Ids of campaigns reach there in 2089. */
static inline hy_id hy_spool_id(uint32_t tenant, enum hy_spool_priority p, uint32_t epoch)
{
    return UINT64_C(1) << 63 | (hy_id)(tenant & HY_SPOOL_TENANT_MAX) << 34 | (hy_id)p << 32 | epoch;
}
static inline bool hy_id_is_spool(hy_id id)
{
    return id >> 63 != 0;
}
static inline uint32_t hy_spool_tenant(hy_id spool)
{
    return (uint32_t)(spool >> 34) & HY_SPOOL_TENANT_MAX;
}
static inline enum hy_spool_priority hy_spool_priority(hy_id spool)
{
    return (enum hy_spool_priority)(spool >> 32 & 3);
}

/* NOTIFY of RFC 3461. Stored: never renumber. 0 = not said: failure. */
enum hy_dsn_notify {
    HY_DSN_NEVER = 1,
    HY_DSN_SUCCESS = 2,
    HY_DSN_FAILURE = 4,
    HY_DSN_DELAY = 8,
};
/* Stored beside it: what became known of a recipient, and what its sender was told. */
enum hy_dsn_note {
    HY_DSN_CAME_BACK = 32,
    HY_DSN_TOLD_DELAY = 64,
    HY_DSN_TOLD = 128,
};
enum hy_dsn_ret { HY_DSN_RET_UNSAID = 0, HY_DSN_RET_HDRS = 1, HY_DSN_RET_FULL = 2 };

enum hy_spool_flag {
    HY_SPOOL_8BIT = 1,      /* has bytes >= 0x80 */
    HY_SPOOL_UTF8 = 2,      /* needs SMTPUTF8: its header or an address has UTF-8 */
    HY_SPOOL_NO_DOTS = 4,   /* no line starts with a dot */
    HY_SPOOL_NEEDS_TLS = 8, /* REQUIRETLS (RFC 8689) */
    HY_SPOOL_EMPTIED = 64,  /* set by the spool: the content is gone, every recipient is over and
                               the sender was told */
};

struct hy_spool_rcpt {
    struct hy_str address; /* wire form: see hy_lead_view.address */
    struct hy_str orcpt;   /* as it came; empty: none */
    uint8_t notify;        /* of enum hy_dsn_notify */
    uint8_t told;          /* of enum hy_dsn_note, set by the spool: what the sender knows */
};

/* A message as it goes in, and as it is read (then every string is a view that dies with the
 * transaction, and `content` is empty: see hy_spool_content). */
struct hy_spool_message {
    hy_id id;    /* given by the spool */
    hy_id spool; /* likewise */
    uint32_t tenant;
    enum hy_spool_priority priority;
    uint8_t flags; /* of enum hy_spool_flag */
    enum hy_dsn_ret ret;
    hy_wall_ms received;
    hy_wall_ms send_at;        /* to be stored: its rows are due then, not at once; 0 = at once */
    struct hy_str sender;      /* wire form; empty: the null sender */
    struct hy_str from_domain; /* of the From field, lower-case A-labels: chooses the DKIM keys */
    struct hy_str envid;
    struct hy_str message_id; /* with its brackets; what goes beyond the maximum is cut */
    struct hy_str who;
    struct hy_str meta;
    uint32_t header_bytes; /* of the content, with the empty line */
    uint64_t content_bytes;
    uint32_t n_rcpts;
    uint32_t first_block, n_blocks; /* of its rows; set by the spool */
    uint32_t open_blocks;           /* of them, those with a row that is not over; likewise */
    uint32_t
        dsn_due_s; /* when its sender is to be told something (store/dsn.h); likewise; 0 = not */
    struct hy_str content;             /* to be stored: CRLF line ends, ends in CRLF */
    const struct hy_spool_rcpt *rcpts; /* to be stored, by domain: see hy_spool_sort */
};

/* ---- handing in ---- */

/* Brings recipients into the order that hy_spool_put wants, each address once. Returns how many are
 * left. No transaction; any thread. */
size_t hy_spool_sort(struct hy_spool_rcpt *rcpts, size_t n);

/* Stores a message and makes its rows, fresh; sets id, spool, first_block, n_blocks. HY_EINVAL: no
 * recipient, not in order, an address without a domain or with one that is none, an empty content;
 * HY_ELIMIT: something is larger than its maximum: nothing was written. The writer's transaction.
 */
HY_MUST_USE int hy_spool_put(struct hy_txn *t, struct hy_spool_message *m);

/* The same as a request: when it is done with 0, the message is durable. */
struct hy_spool_job {
    struct hy_write_req req;         /* first; done is the caller's */
    struct hy_spool_message message; /* with all that it points to: lives until done */
    bool is_free;                    /* neither counts towards the quota nor is held to it */
    struct hy_tenant_quota quota;    /* which the message by itself fits into; zeroes: none */
    struct hy_quota_verdict verdict; /* with HY_EQUOTA: why it was not taken */
};
/* What it does: for requests that do something besides. The writer's transaction. */
HY_MUST_USE int hy_spool_job_put(struct hy_spool_job *j, struct hy_txn *t);
/* Sets req (intake, as soon as possible, refused when the disk is low or full) and zeroes the rest.
 */
void hy_spool_job_init(struct hy_spool_job *j);

/* Several at once: all of them, or nothing. */
struct hy_spool_batch {
    struct hy_write_req req;           /* first; done is the caller's */
    struct hy_spool_message *messages; /* of one tenant */
    size_t n;
    struct hy_tenant_quota quota; /* of all together; as in hy_spool_job */
    struct hy_quota_verdict verdict;
    /* In the same transaction, before and behind them; NULL = nothing. An error of theirs is the
     * batch's. Writer thread; see hy_write_req.apply. */
    int (*before)(struct hy_spool_batch *b, struct hy_txn *t);
    int (*behind)(struct hy_spool_batch *b, struct hy_txn *t);
};
/* As hy_spool_job_init. */
void hy_spool_batch_init(struct hy_spool_batch *b);

/* Gives up the recipients of a message that nobody can have begun with: rows that are due later and
 * were never tried. *ret_rows: how many. HY_ENOTFOUND: there is no such message. The writer's
 * transaction. */
HY_MUST_USE int hy_spool_cancel(struct hy_txn *t, hy_id message, struct hy_str reason,
                                uint64_t *ret_rows);

/* ---- reading ---- */

/* The first spool with an id greater than `after` (0: the first of all). HY_ENOTFOUND. */
HY_MUST_USE int hy_spool_next(struct hy_txn *t, hy_id after, hy_id *ret_spool);
/* Whether it is being sent: RUNNING or PAUSED (hy_campaign_move changes it). HY_ENOTFOUND. */
HY_MUST_USE int hy_spool_state(struct hy_txn *t, hy_id spool, enum hy_campaign_state *ret);
/* Where unsent rows may begin: blocks before are not fresh any more. HY_ENOTFOUND. */
HY_MUST_USE int hy_spool_floor(struct hy_txn *t, hy_id spool, uint32_t *ret_block);
/* When the oldest message with a row that was never tried and is due came in; where tens of
 * thousands of blocks before it are over, an older one's time. HY_ENOTFOUND: there is none. */
HY_MUST_USE int hy_spool_oldest_fresh(struct hy_txn *t, hy_id spool, hy_wall_ms *ret_received);
/* Up to `max` (>= HY_QUEUE_BLOCK_ROWS) fresh rows of all domains from *block on, which moves behind
 * them; at most `blocks` blocks are looked at. *ret_n may be 0 with more behind: HY_ENOTFOUND says
 * that there is nothing. */
HY_MUST_USE int hy_spool_read_fresh(struct hy_txn *t, hy_id spool, uint32_t *block, unsigned blocks,
                                    struct hy_queue_row *out, size_t max, size_t *ret_n);
/* The fresh rows of `domain` in blocks first..last; `max` as above, rows that do not fit are left
 * out. */
HY_MUST_USE int hy_spool_read_domain(struct hy_txn *t, hy_id spool, hy_domain_no domain,
                                     uint32_t first, uint32_t last, struct hy_queue_row *out,
                                     size_t max, size_t *ret_n);

/* A row's recipient, and the message it belongs to. Views. HY_ENOTFOUND. */
HY_MUST_USE int hy_spool_rcpt(struct hy_txn *t, const struct hy_rcpt_ref *ref,
                              struct hy_spool_rcpt *ret, hy_id *ret_message);
/* HY_ENOTFOUND, HY_ECORRUPT, HY_EVERSION. */
HY_MUST_USE int hy_spool_message(struct hy_txn *t, hy_id id, struct hy_spool_message *ret);
/* Appends the content of a message that was read. HY_ENOTFOUND: it is gone (HY_SPOOL_EMPTIED). */
HY_MUST_USE int hy_spool_content(struct hy_txn *t, const struct hy_spool_message *m,
                                 struct hy_buf *out);
/* The same for its first bytes, at most `max`. */
HY_MUST_USE int hy_spool_content_head(struct hy_txn *t, const struct hy_spool_message *m,
                                      uint64_t max, struct hy_buf *out);

/* ---- looking, for people ---- */

struct hy_spool_view {
    struct hy_spool_message message;
    struct hy_spool_rcpt rcpt;
    struct hy_queue_row row;
};
/* Calls `each` for rows until it returns non-zero, which is then the answer: those of a message (by
 * its id), to an address (any way of writing it in wire form), or of messages with a Message-ID
 * (with its brackets). The newest message first. */
typedef int hy_spool_each(void *ctx, const struct hy_spool_view *v);
HY_MUST_USE int hy_spool_each_of_message(struct hy_txn *t, hy_id message, hy_spool_each *each,
                                         void *ctx);
HY_MUST_USE int hy_spool_find_address(struct hy_txn *t, struct hy_str address, hy_spool_each *each,
                                      void *ctx);
HY_MUST_USE int hy_spool_find_message_id(struct hy_txn *t, struct hy_str message_id,
                                         hy_spool_each *each, void *ctx);

/* Pending rows of a spool by domain, in no order: fresh and deferred ones (held ones are in the
 * ledger only). Domains beyond `max` are counted together as domain 0. HY_ENOMEM. */
HY_MUST_USE int hy_spool_count(struct hy_txn *t, hy_id spool, size_t max,
                               int (*each)(void *ctx, const struct hy_queue_count *n), void *ctx);

/* ---- keeping it small ---- */

/* A long job: forgets messages received before `before` whose recipients are all over. (Contents go
 * with the last recipient, at once.) */
struct hy_spool_trim_job {
    struct hy_write_req req; /* first; done is the caller's */
    hy_wall_ms before;
    hy_wall_ms unread_before; /* as in struct hy_trim_job */
    hy_id at, next; /* private: what is durable, and what will be with the slice at hand */
};
void hy_spool_trim_job_init(struct hy_spool_trim_job *j, hy_wall_ms before);
