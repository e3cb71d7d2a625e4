/* What delivery counts for those who watch it: metrics, the live view. Every worker has a meter of
 * its own, moved by its thread alone; readers add them up. See docs/metrics.md for the meanings. */
#pragma once
#include "hayauma/base/meter.h"
#include "hayauma/model/outcome.h"

struct hy_deliver;

enum {
    HY_PROVIDERS_MAX = 48, /* names told apart; what comes later is counted as "other" */
    HY_PROVIDER_NAME_MAX = 63,
    HY_PROVIDER_DEFAULT = 0, /* sites without a rule of their own */
    HY_PROVIDER_NONE = 1,    /* rows that never reached a site: no way by DNS */
    HY_PROVIDER_OTHER = 2,
};

/* What ended an attempt. */
enum hy_reply_class {
    HY_REPLY_2XX,
    HY_REPLY_4XX,
    HY_REPLY_421, /* the server closes: told apart from other 4xx, since it is about the connection
                   */
    HY_REPLY_5XX,
    HY_REPLY_CONNECT, /* no connection */
    HY_REPLY_TLS,     /* no TLS although it is asked for */
    HY_REPLY_LOST,    /* connection lost or timed out in the dialogue */
    HY_REPLY_DNS,
    HY_REPLY_LOCAL, /* ours: expired, suppressed, not rendered */
    HY_REPLY_CLASSES,
};
const char *hy_reply_class_name(enum hy_reply_class c);
/* Pure. */
enum hy_reply_class hy_reply_class_of(const struct hy_outcome *o);

enum hy_meter_phase {
    HY_METER_CONNECT, /* TCP: from opening to connected */
    HY_METER_BANNER,  /* from connected to the first bytes of the server */
    HY_METER_TLS,     /* the handshake */
    HY_METER_READY,   /* from opening to ready for mail */
    HY_METER_REPLY,   /* from the final dot to its reply */
    HY_METER_MESSAGE, /* from handing a message to a connection to its outcome */
    HY_METER_PHASES,
};
const char *hy_meter_phase_name(enum hy_meter_phase p);

enum { HY_METER_OUTCOMES = 3, HY_METER_TLS_VERSIONS = 3 };
extern const char *const hy_meter_tls_names[HY_METER_TLS_VERSIONS];

struct hy_provider_meter {
    hy_count attempts[HY_METER_OUTCOMES][HY_REPLY_CLASSES]; /* [kind - HY_OUTCOME_DELIVERED] */
    hy_count message_us, messages; /* attempts that went over a connection, and their time */
};

struct hy_deliver_meter {
    char before[64]; /* no cache line is shared with a neighbour */
    struct hy_histogram phases[HY_METER_PHASES];
    struct hy_histogram queued;             /* from a campaign's start to delivery */
    hy_count tls[HY_METER_TLS_VERSIONS][2]; /* connections, [1]: resumed */
    hy_count in_doubt;                      /* outcomes between dot and reply */
    hy_count lanes, connections, in_hand;   /* now */
    hy_count pressed_bytes;                 /* now: of messages no connection has taken */
    hy_count notes_dropped;                 /* lines of the attempt log lost to a full ring */
    struct hy_provider_meter providers[HY_PROVIDERS_MAX];
    char behind[64];
};

/* Adds up all workers. `ret` is the caller's, zeroed or holding another sum. Any thread. */
struct hy_deliver_sum {
    struct hy_histogram_sum phases[HY_METER_PHASES], queued;
    uint64_t tls[HY_METER_TLS_VERSIONS][2];
    uint64_t in_doubt, lanes, connections, in_hand, pressed_bytes, notes_dropped;
    struct {
        char name[HY_PROVIDER_NAME_MAX + 1];
        uint64_t attempts[HY_METER_OUTCOMES][HY_REPLY_CLASSES];
        uint64_t message_us, messages;
    } providers[HY_PROVIDERS_MAX];
    unsigned n_providers;
    struct { /* as the feeder saw it half a second ago at most */
        uint64_t lookups, questions, cache_hits, shared, failures, waiting, cache_entries;
    } dns;
    uint64_t press_waiting; /* jobs that no press thread has taken */
};
void hy_deliver_meter_read(struct hy_deliver *d, struct hy_deliver_sum *ret);
