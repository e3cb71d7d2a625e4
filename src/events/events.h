/* Events out, inside: two threads, each with the destinations of its kind. */
#pragma once
#include <pthread.h>

#include "hayauma/events/events.h"
#include "hayauma/io/https.h"
#include "hayauma/io/thread.h"
#include "hayauma/store/log_reader.h"

enum {
    SCAN_MAX = 20000,          /* moments looked at in one step of a destination */
    LOOK_US = 200 * 1000,      /* between looks for something new */
    QUIET_COMMIT_US = 5000000, /* a place that moved over what is not wanted is stored this often */
    STATE_TEXT_MAX = 512,
};

/* ---- place.c: how far a destination is, kept in the store ---- */

struct place {
    struct hy_write_req req; /* first; of the commit under way */
    char reader[HY_LOG_READER_NAME_MAX + 1];
    char state[STATE_TEXT_MAX]; /* of the commit under way */
    hy_id cursor;
    bool holds;
    struct side *side;
    hy_us committed_at;
    atomic_bool is_busy; /* the writer has the request */
    atomic_int err;      /* of the last one */
};

/* A thread with its destinations, and how it is woken. */
struct side {
    struct hy_events *all;
    struct hy_thread *thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool is_woken, is_ending;         /* under the lock */
    struct hy_events_policy *pending; /* under the lock: to be taken */
    /* the thread's */
    struct hy_events_policy *policy;
    struct hy_event_writer writer;
    struct hy_txn txn; /* parked between steps */
    bool has_txn;
    atomic_bool is_up; /* its destinations are there: orders find them */
    bool is_over;      /* the daemon ends: destinations keep what they hold */
    struct dest *dests;
    bool has_damage; /* a record could not be read; told once */
};

/* Starts the thread; `policy`'s reference is taken in any case. */
HY_MUST_USE int side_start(struct side *s, struct hy_events *all, const char *name,
                           struct hy_events_policy *policy);
void side_reload(struct side *s, struct hy_events_policy *policy);
/* One that was not started is fine. */
void side_end(struct side *s);
void side_wake(struct side *s);
/* Until `until`, or somebody wakes it. True: it is to end. */
bool side_sleep(struct side *s, hy_us until);
bool side_is_ending(struct side *s);

/* ---- dest.c: what both kinds of destination have in common ---- */

/* Moved by the thread of its side, read by any. */
struct dest_counts {
    hy_count sent, bytes, requests, failures, files;
};

struct dest {
    struct dest *next;
    struct side *side;
    bool is_webhook, is_configured;
    char name[HY_EVENTS_NAME_MAX + 1];
    const struct hy_event_filter *filter; /* in the policy */
    struct place place;
    hy_id cursor; /* read and handed over up to here; place.cursor is what the store knows */
    bool is_paused, is_disabled;
    hy_wall_ms failing_since;
    bool owes;         /* something went out that the store does not know yet */
    uint32_t failures; /* in a row */
    hy_us next_try;
    struct dest_counts counts;
    struct { /* under the lock of the side */
        struct hy_events_view view;
        bool has_order[3];
        hy_id replay_after;
    } shared;
};

/* Reads its place from the store, or begins at the newest moment; `state` gets what the destination
 * itself had kept. */
HY_MUST_USE int dest_load(struct dest *d, char state[STATE_TEXT_MAX]);
/* Stores its place with `own` as its state, with the next group of the writer; when the last commit
 * is still under way, nothing happens and HY_EBUSY is returned. */
int dest_commit(struct dest *d, const char *own);
/* The same, and waits for it. HY_EFULL, HY_EIO, HY_ECLOSED ...; dest_catch_up tries again. */
int dest_commit_wait(struct dest *d, const char *own);
/* Waits for a commit under way; its error. */
int dest_settle(struct dest *d);
/* Stores what went out while an earlier commit was under way, or failed. */
void dest_catch_up(struct dest *d, const char *own);
/* Counts a failure and shows why; true: it is the first in a row. */
bool dest_note_failure(struct dest *d, const char *why);
/* The same; told when it is the first, and tried again after a pause of `retry_most_us` at most. */
void dest_failed(struct dest *d, hy_us retry_most_us, const char *fmt, ...) HY_PRINTF(3, 4);
void dest_succeeded(struct dest *d);
/* Carries out orders; true when the place moved by hand. */
bool dest_take_orders(struct dest *d);
/* Brings what others see up to date. */
void dest_show(struct dest *d, const char *to, hy_us now);

/* What dest_read gathers. */
struct batch {
    struct hy_buf bytes;
    uint32_t n;  /* events */
    hy_id first; /* of them; 0: none */
    hy_id last;  /* looked at */
    bool is_all; /* there is no more for now */
};
/* Appends events behind d->cursor, `separator` between or behind them, until `n_max` or `bytes_max`
 * is reached or SCAN_MAX were looked at. */
HY_MUST_USE int dest_read(struct dest *d, char separator, bool is_behind, uint32_t n_max,
                          uint64_t bytes_max, struct batch *b);

/* ---- lines.c ---- */

struct lines;
/* One step of a file destination; returns when it wants the next. */
hy_us lines_step(struct dest *d, hy_us now);
HY_MUST_USE int lines_new(struct side *s, const struct hy_events_file *f, struct dest **ret);
void lines_apply(struct dest *d, const struct hy_events_file *f);
void lines_free(struct dest *d);

/* lines_done.c: complete files */
/* Names a part "NAME-00000001-20261122T024100Z.jsonl.part" in `dir`. */
void lines_part_name(const char *name, uint64_t seq, hy_wall_ms opened, char *out, size_t room);
/* Makes a part its final file: compressed (level > 0) and renamed. HY_EIO, HY_EFULL, HY_ENOMEM. */
HY_MUST_USE int lines_finish(const char *dir, const char *part, int level);
/* Finishes parts that a crash left, all but `current`. Returns how many; what fails is told. */
unsigned lines_finish_rest(const char *dir, const char *name, const char *current, int level);
/* Deletes complete files that are too old or too many. Returns how many. */
unsigned lines_expire(const char *dir, const char *name, hy_wall_ms before, uint64_t keep_bytes);

/* ---- hook.c ---- */

hy_us hook_step(struct dest *d, hy_us now);
HY_MUST_USE int hook_new(struct side *s, const struct hy_events_webhook *w, struct dest **ret);
void hook_apply(struct dest *d, const struct hy_events_webhook *w);
/* A request is on its way: it cannot be freed now. */
bool hook_is_sending(struct dest *d);
void hook_free(struct dest *d);

/* sign.c: "v1,BASE64 v1,BASE64" over "ID.TIMESTAMP.BODY" with each secret. */
HY_MUST_USE int hook_sign(const struct hy_events_webhook *w, struct hy_str id, int64_t timestamp_s,
                          struct hy_str body, struct hy_buf *out);

struct hy_events {
    struct hy_env *env;
    struct hy_writer *writer;
    struct hy_https *https;
    struct side files, hooks;
};
