/* The feeder's own objects: see feeder.c. */
#pragma once
#include "parts.h"

enum {
    SCRATCH_ROWS = 4096,
    OPEN_BATCH = 128,      /* domains opened in one turn of the loop */
    URGENT_DOMAINS = 1024, /* places that only transactional campaigns may take */
    DUE_BATCH = 4096,      /* entries of the due index read in one turn */
    STEP_US = 20000,       /* between looks at rows that are still being made */
    DUE_EVERY_US = 500000  /* between looks at the due index */
};

/* To hold a campaign still, or to let go of it (fn NULL). */
struct quiet_order {
    struct hy_msg msg;   /* MSG_QUIET */
    struct hy_list link; /* camp->quiets */
    hy_id campaign;
    hy_quiet_fn *fn;
    void *ctx;
};

/* A campaign that the feeder knows. */
struct camp {
    struct hy_list link;
    hy_id id;
    struct run *run;             /* NULL: not being sent */
    struct run *old_run;         /* the one before, while rows of it or older ones are in hand */
    struct lingering *lingering; /* those rows, in the order of the queue */
    size_t n_lingering;
    struct hy_list quiets;         /* who waits until nothing of it is in hand */
    unsigned n_quiet;              /* it is not begun while somebody holds it still */
    struct hy_queue_row *reopened; /* rows of old runs that came back and were given to this one */
    size_t n_reopened;
    unsigned stops_pending;       /* workers that have not yet given back the old run's rows */
    bool is_changed;              /* look at its record once the stop is through */
    bool is_walked;               /* every domain with fresh rows was opened */
    bool is_waiting;              /* rows are still being made */
    struct hy_due due_pos;        /* how far it had its entries of the due index */
    uint32_t spool_block;         /* of a spool: the next block to read */
    struct hy_campaign_wait wait; /* without a run: why, and when it is begun */
    hy_wall_ms shuts;             /* with a run: they end then; 0 or INT64_MAX = never */
    hy_domain_no domain;          /* the last one opened */
    uint32_t n_feeds;
    struct run_watch *watch; /* of its runs; NULL before the first and after a pause */
    struct hy_surge_limit bounces, complaints; /* of the last run */
};

struct feeder {
    struct hy_deliver *d;
    struct hy_loop *loop;
    struct hy_mailbox *mailbox;
    struct hy_thread *thread;
    struct hy_resolver *resolver;
    struct tls_desk *desk;
    struct hy_deliver_policy *policy;
    struct hy_list camps;   /* round robin */
    struct hy_list waiting; /* feeds whose domain is still being queued */
    struct hy_defer step;
    struct hy_timer step_timer, due_timer;
    struct hy_txn txn; /* parked between steps */
    bool has_txn, is_draining;
    struct rooms *rooms;
    uint32_t n_feeds;         /* open */
    uint32_t n_due;           /* of those, of deferred rows */
    uint32_t n_held;          /* of sites that a person holds, */
    uint32_t n_held_due;      /* and of deferred rows among them */
    bool fresh_waits;         /* domains wait for a place, */
    bool due_waits;           /* or deferred rows do, */
    bool spool_waits;         /* or messages in spools */
    uint64_t n_spools;        /* that have been taken up */
    hy_us walk_at;            /* no domain is opened before, while many are parked */
    struct hy_due due_pos;    /* how far the due index was read, */
    struct hy_due due_urgent; /* and how far ahead for transactional mail */
    struct hy_queue_row *scratch;
};

/* feeder_campaign.c */
struct camp *camp_find(struct feeder *f, hy_id id);
/* Counts what came back about a mail of a campaign. */
void camp_came_back(struct feeder *f, hy_id id, enum hy_surge_of of, hy_wall_ms sent);
void camp_changed(struct feeder *f, hy_id id);
void camp_stopped(struct feeder *f, struct stop_order *o);
/* Takes the order; when the feeder ends: HY_ECLOSED. */
void camp_quiet(struct feeder *f, struct quiet_order *q);
/* Forgets old runs of which nothing is in hand. Before a snapshot is taken, never behind it: in an
 * older snapshot their rows still look unsent. */
void camps_forget_old(struct feeder *f);
void camp_free(struct feeder *f, struct camp *c);
void camps_load(struct feeder *f);
/* Stops and begins campaigns as their hours say. */
void camps_watch_hours(struct feeder *f);
/* Reads the hours of those that wait for them anew. */
void camps_reload_hours(struct feeder *f);
/* Lets go of campaigns that are over. */
void camps_tidy(struct feeder *f);

/* feeder_linger.c */
/* Whether a row that was read is in hand already. */
bool camp_has(const struct camp *c, const struct hy_queue_row *row);
void camp_handed_back(struct feeder *f, struct hand_back *h);
/* Remembers what a worker still has on the wire; false: out of memory, here or there. */
bool lingering_keep(struct camp *c, const struct stop_order *o);
void lingering_forget(struct camp *c);
void reopened_forget(struct camp *c);

/* feeder.c */
/* The limits that count for a domain. */
const struct hy_shape_limits *feeder_limits(const struct feeder *f, const struct hy_mx *mx,
                                            const struct hy_shape_rule **ret_rule);
bool feeder_txn(struct feeder *f); /* the newest snapshot in f->txn */
void feeder_wake(struct feeder *f);

/* feeder_rows.c */
bool rows_are_urgent(const struct camp *c); /* of a transactional campaign */
void rows_open_domains(struct feeder *f);
void rows_refill(struct feeder *f, struct feed *feed);
/* Whether a feed of this kind may be opened now for a campaign, NULL: for any. Fresh and deferred
 * rows have half of the places each while both wait for one; transactional campaigns have some of
 * their own besides. */
bool rows_may_open(const struct feeder *f, enum feed_kind kind, const struct camp *c);
/* Opens a feed again for rows that were parked; to be sent by the caller. False: no place, no
 * memory, or the store cannot be read, so try later. *ret_feed NULL: nothing is left of them.
 * Precondition: f->txn is open. */
bool rows_open_place(struct feeder *f, struct camp *c, const struct feed_place *place,
                     struct feed **ret_feed);
/* One row by itself; as it is now in *ret. HY_ENOTFOUND: it is gone or over. */
int rows_open_one(struct feeder *f, struct camp *c, const struct hy_rcpt_ref *ref,
                  struct hy_queue_row *ret);
/* A feed with these rows; NULL: out of memory. */
struct feed *feed_new(struct feeder *f, struct camp *c, const struct feed_place *begin,
                      const struct hy_queue_row *rows, size_t n);
void feed_send(struct feeder *f, struct feed *feed);
void feed_close(struct feeder *f, struct feed *feed);

/* feeder_due.c */
void due_read(struct feeder *f);
/* A campaign begins: its entries are read from the first on. */
void due_read_again(struct feeder *f, struct camp *c);
/* rows_open_place for deferred rows. */
bool due_open_place(struct feeder *f, struct camp *c, const struct feed_place *place,
                    struct feed **ret_feed);

/* feeder_spool.c */
/* What is new in spools. */
void spool_read(struct feeder *f);
/* rows_open_place for rows of a spool. */
bool spool_open_place(struct feeder *f, struct camp *c, const struct feed_place *place,
                      struct feed **ret_feed);

/* feeder_room.c */
int rooms_create(struct rooms **ret);
void rooms_free(struct feeder *f);
/* Domains that are parked. */
uint32_t rooms_parked(const struct feeder *f);
/* A feed that is resolved goes to its lane. False: the lane has enough, and the feed's rows are
 * parked; the caller closes it. */
bool room_enter(struct feeder *f, struct feed *feed);
/* Its lane is done with it; fine when it was never counted. */
void room_leave(struct feeder *f, struct feed *feed);
/* Another policy counts: orders may hold sites, or release them. */
void rooms_policy(struct feeder *f);
/* Opens up to `most` parked domains whose lanes have room; how many. Precondition as above. */
uint32_t rooms_let_in(struct feeder *f, uint32_t most);
/* Forgets what is parked of a campaign (NULL: of all). */
void rooms_drop(struct feeder *f, const struct camp *c);
