/* Events out: each destination reads the timeline at its own pace and remembers in the store how
 * far it is. Files of JSON lines get every line exactly once, also across kill -9; webhooks get
 * every event at least once. Nothing is copied for a destination that lags: its backlog is the log
 * itself, and mail never waits for it. */
#pragma once
#include <stdatomic.h>

#include "hayauma/base/meter.h"
#include "hayauma/events/event.h"
#include "hayauma/store/writer.h"

struct hy_events;

enum {
    HY_EVENTS_NAME_MAX = 63,
    HY_EVENTS_FILES_MAX = 32,
    HY_EVENTS_WEBHOOKS_MAX = 64,
    HY_EVENTS_SECRETS_MAX = 4,
    HY_EVENTS_SECRET_MAX = 128, /* bytes of a key */
    HY_EVENTS_BATCH_MAX = 10000,
    HY_EVENTS_URL_MAX = 1024,
    HY_EVENTS_WHY_MAX = 200,
};

enum hy_events_sync {
    HY_EVENTS_SYNC_BATCH = 0, /* on disk before the cursor moves: nothing is lost in a power cut */
    HY_EVENTS_SYNC_ROTATE,    /* when a file is complete */
    HY_EVENTS_SYNC_NEVER,     /* when the kernel likes */
};

/* Folder of JSON-lines files. */
struct hy_events_file {
    char name[HY_EVENTS_NAME_MAX + 1];
    const char *dir; /* absolute, there */
    struct hy_event_filter filter;
    uint64_t rotate_bytes; /* a file is complete when it is this large ... */
    hy_us rotate_us;       /* ... or this old and not empty; 0: never for its age */
    int level;             /* of zstd, 1..19; 0: not compressed */
    hy_us keep_us;         /* complete files older than this are deleted; 0: never */
    uint64_t keep_bytes;   /* the oldest are deleted above this; 0: never */
    enum hy_events_sync sync;
};

struct hy_events_secret { /* the key itself */
    uint8_t bytes[HY_EVENTS_SECRET_MAX];
    size_t n;
};

struct hy_events_webhook {
    char name[HY_EVENTS_NAME_MAX + 1];
    const char *url; /* https:// or, where it is allowed, http:// */
    struct hy_event_filter filter;
    struct hy_events_secret secrets[HY_EVENTS_SECRETS_MAX]; /* each signs: for a change of keys */
    size_t n_secrets;
    uint32_t batch;         /* events in a request, 1..HY_EVENTS_BATCH_MAX */
    uint64_t batch_bytes;   /* a batch is full with this, whatever its events */
    hy_us wait_us;          /* for a batch to fill */
    hy_us timeout_us;       /* of a request */
    hy_us retry_most_us;    /* between two tries */
    hy_us disable_after_us; /* of failing without a break; 0: never */
    const char *ca_file;    /* ""; the system's */
    bool allows_private;    /* addresses of this machine and of private networks */
    bool allows_http;
};

/* What a reload may change: immutable, counted, given with its reference. */
struct hy_events_policy {
    const struct hy_events_file *files;
    size_t n_files;
    const struct hy_events_webhook *webhooks;
    size_t n_webhooks;
    const struct hy_tenants *tenants;
    void (*release)(struct hy_events_policy *p); /* wipes the secrets, frees all it stands on */
    void *owner;
    atomic_uint refs; /* starts at 1 */
};
struct hy_events_policy *hy_events_policy_ref(struct hy_events_policy *p);
void hy_events_policy_unref(struct hy_events_policy *p); /* NULL is fine */

/* Starts the threads "events" and "webhooks"; the policy's reference is taken in any case. A
 * destination that the store does not know begins with what happens from now on. `env` and `writer`
 * must outlive it. HY_ENOMEM, HY_EIO with the reason. */
HY_MUST_USE int hy_events_start(struct hy_env *env, struct hy_writer *writer,
                                struct hy_events_policy *policy, struct hy_diag *diag,
                                struct hy_events **ret);
/* From now on by this policy; its reference is taken. Destinations that are gone keep their place,
 * but hold nothing back. Main thread. */
void hy_events_reload(struct hy_events *e, struct hy_events_policy *policy);
/* Ends the threads (a request on its way is given up and made again at the next start) and frees.
 * While the writer runs. NULL is fine. */
void hy_events_stop(struct hy_events *e);

enum hy_events_state {
    HY_EVENTS_GOOD,
    HY_EVENTS_FAILING,  /* it is tried again */
    HY_EVENTS_PAUSED,   /* by a person */
    HY_EVENTS_DISABLED, /* failed for too long, or said that it is gone (410) */
};
const char *hy_events_state_name(enum hy_events_state s);

struct hy_events_view {
    char name[HY_EVENTS_NAME_MAX + 1];
    bool is_webhook;
    enum hy_events_state state;
    char to[256];  /* folder or URL */
    hy_id cursor;  /* read up to here */
    uint64_t sent; /* events, since the start */
    uint64_t bytes, requests, failures, files;
    hy_wall_ms failing_since, next_try; /* 0: no */
    char why[HY_EVENTS_WHY_MAX];        /* the last failure */
};
/* The first `max` destinations into `out`; returns how many. Any thread. */
size_t hy_events_look(struct hy_events *e, struct hy_events_view *out, size_t max);

enum hy_events_order { HY_EVENTS_PAUSE, HY_EVENTS_RESUME, HY_EVENTS_REPLAY };
/* For one destination: its thread carries it out in a moment. `after`: of REPLAY, where to go on.
 * HY_ENOTFOUND: there is none of the name. Any thread. */
HY_MUST_USE int hy_events_do(struct hy_events *e, struct hy_str name, enum hy_events_order order,
                             hy_id after);
