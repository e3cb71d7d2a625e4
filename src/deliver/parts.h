/* What the parts of delivery know of each other: the objects that travel between their threads, and
 * who owns them when.
 *
 *   feeder --feed--> worker (lane) --delivery--> press --delivery--> worker (session)
 *          <-feed---                                       worker --settle--> writer --delivery-->
 * worker
 *
 * A feed is some rows of one domain of one campaign. It is owned by whoever has it: the feeder
 * fills it and posts it to the worker of its lane; the worker posts it back when it ran dry, and
 * for the last time when nothing of it is in hand any more. A delivery is one row on its way; its
 * worker owns it but while the press or the writer has it. */
#pragma once
#include <pthread.h>
#include <stdio.h>

#include "hayauma/base/rand.h"
#include "hayauma/base/ring.h"
#include "hayauma/deliver/deliver.h"
#include "hayauma/io/conn.h"
#include "hayauma/io/loop.h"
#include "hayauma/io/mailbox.h"
#include "hayauma/io/thread.h"
#include "hayauma/io/tls.h"
#include "hayauma/shape/rate.h"
#include "hayauma/shape/surge.h"
#include "hayauma/shape/verdict.h"
#include "hayauma/shape/window.h"
#include "hayauma/smtp/client.h"
#include "hayauma/store/queue.h"
#include "hayauma/store/settle.h"
#include "hayauma/store/spool.h"
#include "meter.h"
#include "pace.h"
#include "pool.h"
#include "site_memory.h"
#include "sources.h"
#include "tls_site.h"
#include "tls_tally.h"
#include "waits.h"
#include "warmth.h"

enum {
    HY_TALLY_TEXT_MAX = 256, /* of a reason */
    WORKERS_MAX = 64,
    PRESS_BATCH = 16, /* jobs a press thread takes at once */
    RETURNS_MAX = 5,  /* times a row may come back untouched before that counts as an attempt */
    LANE_AHEAD_MAX = 1024, /* messages a lane has in the press or ready, at most */
    IN_HAND_MAX = 65536,   /* deliveries; above it rows that will not be sent wait for the writer */
    WRITER_LAG_MAX = 16384, /* requests, about 2 KiB each; above it lanes stop pulling */
};

struct session;
struct party;
struct lane;
struct lane_share;
struct worker;

/* Kinds of messages between threads. */
enum {
    MSG_FEED = 1,    /* feeder -> worker: rows; worker -> feeder: ran dry, or is done with it */
    MSG_PRESSED,     /* press -> worker: a delivery with its message, or with an outcome */
    MSG_SETTLED,     /* writer -> worker: a delivery whose outcome is durable */
    MSG_STOP_RUN,    /* feeder -> worker -> feeder: give back every row of a run */
    MSG_HAND_BACK,   /* worker -> feeder: a row that was in hand when its run stopped */
    MSG_CHANGED,     /* anybody -> feeder: look at a campaign */
    MSG_POLICY,      /* main -> feeder and workers */
    MSG_DRAIN,       /* main -> feeder and workers */
    MSG_STS_FETCHED, /* HTTPS client -> feeder: a policy of MTA-STS came, or did not */
    MSG_TLS_REPORT,  /* anybody -> feeder: tell what counts for a domain */
    MSG_LANES,       /* anybody -> worker: report your lanes */
    MSG_SEATS,       /* anybody -> worker: lanes of yours may connect to their provider */
    MSG_QUIET,       /* anybody -> feeder: hold a campaign still, or no longer */
    MSG_SITE,        /* anybody -> feeder: look up a domain, then ask the workers for its lanes */
    MSG_CAME_BACK,   /* anybody -> feeder: a bounce or complaint about a campaign */
    MSG_SPOOLED,     /* anybody -> feeder: there are new messages in a spool */
};

/* What the brakes of a campaign counted since a person started or resumed it, or the daemon began:
 * its runs share it, so that what comes back in the morning counts against the mail of yesterday.
 * Counted. */
struct run_watch {
    atomic_uint refs;
    hy_wall_ms since; /* mail that was sent before is not of it */
    struct hy_surge bounces, complaints;
};
struct run_watch *run_watch_new(hy_wall_ms now); /* NULL: out of memory */
void run_watch_unref(struct run_watch *w);

/* A campaign being sent, from its start or resume to its end or pause: a later resume is another
 * run. Immutable but for the atomics; counted. */
struct run {
    hy_id campaign;
    struct hy_deliver_plan plan;
    hy_wall_ms queued;        /* when the campaign started: what rows expire by */
    bool is_tls_optional;     /* DANE and MTA-STS do not hold it back (RFC 8689) */
    atomic_bool stopped;      /* nothing more of it may be sent */
    atomic_bool is_told_lost; /* that its pool is no more */
    _Atomic uint32_t in_hand; /* deliveries of it that are not settled, rows being handed back */
    atomic_uint refs;
    struct run *older;   /* the feeder's: the run before it, while rows of that are in hand */
    hy_us release_until; /* until then at `release`: its hours have just begun; 0 = not */
    struct hy_rate release;
    struct hy_rate_shared speed; /* tokens of that, or of plan.brakes.speed */
    struct pace_line *lines;     /* of those that wait for one; NULL: there was never a rate */
    struct tenant_live *tenant;  /* whose it is */
    struct run_watch *watch;     /* NULL: of ready messages */
};

struct run *run_ref(struct run *r);
void run_unref(struct run *r);
/* A tenant of the policy; NULL: it is none of it (any more), and counts as the installation. Any
 * thread. */
const struct hy_deliver_tenant *policy_tenant(const struct hy_deliver_policy *p, uint32_t number);
/* Whose suppression list its mail is held against: 0 when it shares that of the installation. Any
 * thread. */
uint32_t policy_suppressor(const struct hy_deliver_policy *p, uint32_t tenant);

/* Who signs. */
struct signing {
    struct hy_str domain; /* empty: nobody */
    const struct hy_deliver_tenant
        *whose; /* the keys are a tenant's own; NULL: the installation's */
};
/* Whose keys sign mail of a tenant from `from_domain`: those of the domain or of its nearest parent
 * that has some (RFC 7489 section 3.1.1, relaxed alignment), first among its own, then, where it
 * may, the installation's. Any thread. */
struct signing policy_signing(const struct hy_deliver_policy *p, uint32_t tenant,
                              const char *from_domain);

/* The sources of a campaign, by what its plan names; NULL: there is no such pool. Any thread. */
const struct hy_deliver_pool *policy_pool(const struct hy_deliver_policy *p, const char *name);

/* A row in a feed: what of hy_rcpt_ref the feed does not say itself. */
struct feed_row {
    uint32_t block;
    uint16_t slot, attempts;
    hy_lead_no lead;
};

/* The rows of a feed that one source sends. Its worker's, also while the feeder refills it. */
struct feed_part {
    struct hy_list link; /* in the turn of its share, or of those that are held */
    struct feed *feed;
    struct source *source; /* NULL: the rows go nowhere */
    struct lane *lane;
    struct lane_share *share;
    uint32_t next, end; /* rows[next..end) are to be sent */
    uint32_t in_turn;   /* rows taken since its turn came */
    uint64_t counted;   /* in the lane's n_rows */
};

enum feed_kind { FEED_FRESH, FEED_DUE, FEED_SPOOL };

/* Where the rows of a feed begin: enough to read them again. */
struct feed_place {
    hy_domain_no domain;
    uint32_t block;
    uint32_t last;  /* fresh: the slot; due, spool: the last block that has such rows */
    uint32_t due_s; /* 0: not due rows */
};

struct room;

struct feed {
    struct hy_msg msg;   /* MSG_FEED */
    struct hy_list link; /* in the feeder's queue of those to resolve */
    struct run *run;
    hy_domain_no domain;
    enum feed_kind kind;
    struct feed_place begin; /* where its rows began, until a worker has it */
    uint32_t due_s;          /* of its rows, as the store had it; 0 = fresh */
    struct room *room;       /* the feeder's: what counts it; NULL: nobody */
    struct hy_queue_pos pos; /* FRESH: where reading goes on */
    bool is_alone;           /* its row was handed back: no place to read it again from */
    bool is_exhausted;       /* there are no more rows behind those here */
    bool is_done;            /* worker -> feeder: nothing of it is in hand; free it */
    uint32_t worker;
    struct hy_mx *mx;            /* where it goes; NULL until resolved */
    struct tls_site *tls;        /* and what it demands of TLS there; NULL unless there is a way */
    struct feed_row *rows;       /* owned */
    uint32_t next, n;            /* rows[next..n) are to be dealt out to sources */
    uint32_t cap;                /* grows with what is read */
    uint64_t behind;             /* about how many rows follow those */
    struct {                     /* the worker's, also while the feeder refills it */
        struct feed_part *parts; /* one for each source of its pool; `one` when that is all */
        uint32_t n_parts;
        uint32_t left; /* rows of all parts that are to be sent */
        uint32_t in_hand;
        bool is_away; /* with the feeder */
        struct feed_part one;
    } w;
    char domain_name[]; /* NUL-terminated */
};

/* One row on its way. */
struct delivery {
    struct hy_msg msg;   /* MSG_PRESSED, MSG_SETTLED, or a job of the press */
    struct hy_list link; /* lane's ready queue, or the session's messages in order */
    struct hy_list all;  /* of its worker */
    struct worker *worker;
    struct lane *lane;
    struct source *source;       /* of the lane, when it was given to the press */
    struct lane *lane_of_settle; /* counts it as settling */
    struct feed *feed;
    struct run *run;
    struct party *party; /* those it travels with; NULL: it is alone */
    struct hy_rcpt_ref ref;
    uint32_t inflight; /* slot, or HY_INFLIGHT_NONE */
    uint16_t returns;
    bool is_pressed;
    bool is_settling;       /* with the writer */
    uint64_t pressed_bytes; /* counted in the worker's */

    /* from the press */
    struct hy_buf signature; /* DKIM-Signature fields */
    struct hy_buf bytes;     /* the message */
    size_t header_bytes;
    size_t size_bytes; /* of both; stays when the bytes are freed */
    bool needs_8bitmime, needs_smtputf8, has_no_dot_line, needs_tls;
    char return_path[HY_ADDRESS_MAX + 1];
    char address[HY_ADDRESS_MAX + 1];
    hy_wall_ms queued;         /* since when it waits to be sent */
    hy_wall_ms expires;        /* to the press: not sent any more from then on */
    struct hy_outcome refusal; /* kind != 0: it will not be sent, this is why */
    enum hy_rcpt_state refusal_state;
    hy_wall_ms refusal_due; /* when DEFERRED: not before; 0 = by the retry plan */
    bool has_claim;         /* on the lead's contacts */

    /* on the wire */
    struct iovec content[2];
    struct hy_str recipient;
    struct hy_smtp_message smtp;
    struct delivery_dsn *dsn; /* NULL: nothing is wished; owned */
    hy_us submitted;
    hy_us dot_at; /* the final dot left, no reply yet; 0 = not */
    hy_wall_ms started;

    struct hy_deliver_policy *policy; /* holds the name of the source */
    struct tls_site *tls;             /* and that of the certificate */

    char *words; /* of the attempt: text, host, cipher; owned */

    /* settled; not cleared between uses */
    struct hy_settle settle;
    char message_id[HY_SPOOL_MESSAGE_ID_MAX + 1]; /* of a ready message; "" = a campaign's */
};

/* What the sender of a ready message wishes to be told, for servers that know DSN. */
struct delivery_dsn {
    struct hy_smtp_dsn dsn;
    struct hy_smtp_dsn_rcpt rcpt;
    char text[]; /* ENVID, ORCPT */
};

struct worker {
    struct hy_deliver *d;
    unsigned index;
    struct hy_loop *loop;
    struct hy_mailbox *mailbox;
    struct hy_thread *thread;
    struct hy_deliver_policy *policy;
    struct hy_tls_cache *tls_cache;
    struct tls_tallies *tallies; /* NULL without memory */
    struct hy_timer tally_timer;
    struct hy_timer windows_timer; /* what windows learned goes to the store */
    struct hy_rng rng;
    struct lane **table; /* hash of lanes, a power of two */
    uint32_t table_size, n_lanes;
    struct hy_list lanes; /* all */
    struct hy_list seats; /* of lanes that wait for a connection of their provider, or have one */
    struct hy_msg seats_msg;   /* MSG_SEATS, */
    atomic_bool seats_told;    /* and whether it is on its way */
    struct hy_list held;       /* parts of feeds that an order holds */
    struct deal_room *dealing; /* where rows are dealt out; NULL until it is used */
    struct hy_list starved;    /* lanes that wait for memory, slots, connections or the writer */
    struct hy_list deliveries; /* all in hand */
    struct hy_list spare;      /* deliveries to use again */
    uint32_t n_spare;
    struct site_memory memory; /* of windows whose lanes were freed */
    uint32_t n_active;         /* lanes with a connection, open or opening */
    struct hy_list poor;       /* lanes that have none and wait for one, the first in front */
    uint32_t n_poor;
    uint32_t n_giving;      /* connections that end so that those may have one */
    uint32_t n_connections; /* open or opening */
    uint32_t max_connections;
    uint64_t pressed_bytes; /* of messages that no session has taken */
    uint64_t pressed_max;
    uint32_t pressing;                  /* jobs at the press */
    uint32_t n_deliveries;              /* in hand, of any stage */
    uint32_t typical_bytes;             /* running mean of message sizes */
    struct hy_msg *jobs[HY_PRIORITIES]; /* for the press, pushed once a turn */
    struct hy_msg **jobs_tail[HY_PRIORITIES];
    struct hy_defer flush;
    struct hy_timer lag_timer, drain_timer, sweep_timer;
    bool is_draining, is_cut, is_done;
    uint64_t cut_off; /* between dot and reply when the drain ended */
    struct hy_deliver_meter meter;
    _Atomic(struct hy_ring *) notes;      /* where attempts are noted; NULL: they are not */
    _Atomic(struct hy_ring *) notes_ring; /* made once, stays until the end */
};

/* A row that is in hand although its run was stopped: on the wire, or with the writer. */
struct lingering {
    struct hy_rcpt_ref ref;
    uint32_t due_s; /* as it was read */
    bool is_sent;   /* its end counts as an attempt, whatever it is */
};

/* The order to stop a run: one for each worker. */
struct stop_order {
    struct hy_msg msg;
    struct run *run;
    struct lingering *lingering; /* owned by the feeder when answered */
    size_t n_lingering;
    bool is_lost; /* no memory for them: which rows linger is not known */
    struct worker *worker;
};

struct hand_back {
    struct hy_msg msg;
    struct hy_rcpt_ref ref;
    struct run *run; /* one reference; the row counts as in its hand until the feeder has it */
};

struct policy_msg {
    struct hy_msg msg;
    struct hy_deliver_policy *policy; /* one reference, the receiver's */
};

struct drain_msg {
    struct hy_msg msg;
    hy_us timeout_us;
};

struct feeder;

struct hy_deliver {
    struct hy_deliver_settings settings;
    struct hy_env *env;
    struct hy_writer *writer;
    struct hy_inflight *inflight;
    struct pools pools;
    struct dailies dailies;
    struct sources sources;
    struct warmths warmths;
    struct tenants_live tenants;
    struct waits waits;
    struct hy_tls *tls;
    struct hy_deliver_counters counters;
    _Atomic uint64_t rows_before; /* about how many rows all lanes have before them */
    struct providers providers;
    struct dns_meter dns;
    struct hy_deliver_policy *policy; /* the main thread's */
    struct feeder *feeder;
    struct hy_msg spooled_msg; /* MSG_SPOOLED, */
    atomic_bool spooled_told;  /* and whether it is on its way */
    struct worker workers[WORKERS_MAX];
    unsigned n_workers;
    struct hy_jobs *jobs;
    struct hy_thread *press[WORKERS_MAX];
    unsigned n_press;
    pthread_rwlock_t policy_lock; /* for the press: its policy is read at each batch */
    struct hy_deliver_policy *press_policy;
};

/* feeder.c; any thread but for make, free */
int feeder_create(struct hy_deliver *d, struct hy_diag *diag, struct feeder **ret);
int feeder_start(struct feeder *f);
void feeder_free(struct feeder *f);
struct hy_mailbox *feeder_mailbox(struct feeder *f);
struct hy_thread *feeder_thread(struct feeder *f);
void feeder_join(struct feeder *f);

/* window_store.c: gives the workers what the store has, before they start */
void windows_load(struct hy_deliver *d);

/* worker.c */
int worker_init(struct worker *w, struct hy_deliver *d, unsigned index);
int worker_start(struct worker *w);
void worker_close(struct worker *w);
struct delivery *delivery_new(struct worker *w);
void delivery_free(struct delivery *d); /* worker thread; also lets go of feed and run */
void delivery_drop_bytes(struct delivery *d);
void worker_press(struct worker *w, struct delivery *d); /* pushed at the end of the turn */
/* The press has more to do for it than its threads have taken: to send faster would be no use. */
bool worker_is_pressing(const struct worker *w);
void worker_feed_return(struct worker *w, struct feed *f);
void worker_wake_starved(struct worker *w);
void worker_starve(struct worker *w, struct lane *l);
/* Its part of IN_HAND_MAX is used up. */
bool worker_is_full(const struct worker *w);
bool worker_may_take(struct worker *w, const struct lane *l, bool is_urgent);
/* The next row of a part as a delivery; NULL when out of memory. Precondition: it has one. */
struct delivery *worker_take(struct worker *w, struct feed_part *p);
void worker_connection_over(struct worker *w);
/* Its lanes that wait for a provider look again. Any thread. */
void worker_tell_seats(struct worker *w);
/* Nothing more of the feed is to be sent. */
bool worker_is_over(const struct worker *w, const struct feed *f);
void worker_drop_rows(struct feed *f);

/* worker_orders.c; worker thread */
/* Returns every feed of a run, and answers with what lingers. Takes the order. */
void worker_stop_run(struct worker *w, struct stop_order *o);
/* Lanes go by another policy. Takes the message. */
void worker_policy(struct worker *w, struct policy_msg *m);
/* Nothing new is begun, what is on the wire may end. Takes the message. */
void worker_drain(struct worker *w, struct drain_msg *m);
/* The time for that is over: cuts what is left, then waits for the writer only so long. */
void worker_drain_over(void *worker);
/* Its part of all connections, at least one. */
void worker_share_connections(struct worker *w);

/* deal.c; worker thread: the rows of a feed among the sources of its pool */
/* Deals out rows[next..n) and puts them into lanes, or among those that are held. */
void deal(struct worker *w, struct feed *f);
/* Takes what is left in its lanes back and deals it out anew. */
void deal_again(struct worker *w, struct feed *f);
/* Puts all rows into one part without a lane. */
void deal_nowhere(struct feed *f);
/* The rows of a part are not sent now; the caller returns the feed. */
void deal_drop(struct feed_part *p);
/* The feed has nothing to do with its lanes any more. */
void deal_leave(struct feed *f);
/* Whether a source of its pool may send to its site now. */
bool deal_may(const struct worker *w, const struct feed *f);
/* A lane for a message whose own is out; NULL: there is none. */
/* Whether its lane's source is of the pool that it goes by; also when there is no such pool. */
bool deal_may_stay(const struct lane *l, const struct delivery *d);
struct lane *deal_elsewhere(struct worker *w, const struct delivery *d);

/* site.c: on the way from hy_deliver_site to its answer */
struct site_order {
    struct hy_msg msg; /* MSG_SITE */
    struct hy_deliver *d;
    struct hy_resolver *resolver;
    struct hy_deliver_policy *policy; /* in force when it was asked; counted */
    const struct hy_shape_rule *rule; /* of that policy */
    struct hy_mx *mx;
    hy_site_fn *fn;
    void *ctx;
    char domain[HY_DOMAIN_MAX + 1];
};
/* Feeder thread; `resolver` NULL: the feeder ends. Takes the order. */
void site_look_up(struct site_order *o, struct hy_resolver *resolver,
                  struct hy_deliver_policy *policy);
/* Gathers the lanes of the order's site; as hy_deliver_lanes. */
int report_site(struct site_order *o, hy_lanes_fn *fn);
/* The rule of a domain, by its name or by its hosts; NULL: the default. */
const struct hy_shape_rule *rule_of_mx(const struct hy_deliver_policy *p, const struct hy_mx *mx);

/* orders.c: whether a person who says `name` means this site. Any thread. */
bool orders_name_site(struct hy_str name, const struct hy_site *site);

/* tls_report.c; feeder's thread */
void tls_report_answer(struct feeder *f, struct hy_msg *m);
/* When it will not be answered: the mailbox is emptied. */
void tls_report_drop(struct hy_msg *m);

/* report_sources.c; any thread. Its strings stay until delivery ends. */
struct hy_warm_report report_warmth(struct warmth *w, const struct hy_warmup_plan *p,
                                    hy_wall_ms now);

/* report.c; worker thread */
void report_lanes(struct worker *w, struct hy_msg *m);

/* press.c */
void press_main(void *arg);

/* notes.c; worker thread: what became of an attempt, once it is durable */
void note_attempt(struct worker *w, const struct delivery *d);

/* settle.c; worker thread; both take the delivery */
/* The outcome of an attempt that a session made. */
void settle_outcome(struct delivery *d, const struct hy_outcome *o, const struct session *s);
/* What its expiry is counted from: the start of its campaign when that says how long it may take;
 * else, if later, when its attempts began by the plan of its site. So what a row waited for its
 * turn, or in a pause, is not taken off its retries. */
hy_wall_ms settle_since(const struct delivery *d, hy_wall_ms now);
/* The row ends without an attempt (expired, suppressed), or a deferral of ours. */
void settle_refusal(struct delivery *d, enum hy_rcpt_state state, const struct hy_outcome *o);
