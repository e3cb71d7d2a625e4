/* The sink: an SMTP server that accepts and forgets, built not to be the bottleneck, and able to
 * misbehave by script. Shared declarations of its files. */
#pragma once
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "hayauma/base/buf.h"
#include "hayauma/base/clock.h"
#include "hayauma/base/list.h"
#include "hayauma/base/rand.h"
#include "provider_model.h"

enum {
    SINK_THREADS_MAX = 64,
    SINK_ADDRS_MAX = 4096,
    SINK_RULES_MAX = 512,
    SINK_DOMAINS_MAX = 1 << 20, /* that an option may ask to tell apart */
    SINK_LINE_MAX = 4096,
    SINK_READ_MAX = 256 * 1024,
    SINK_HEAD_MAX = 32 * 1024, /* of a message, read for its Message-ID */
    SINK_CAPTURE_MAX = 32 * 1024 * 1024,
    SINK_RCPTS_MAX = 1000,  /* of one message */
    SINK_CLIENTS_MAX = 256, /* that a provider model tells apart; the others are one */
    SINK_TRAVEL_MAX = 8,    /* batches of replies on their way; later ones join the last */
};

enum phase {
    PH_CONNECT,
    PH_EHLO,
    PH_STARTTLS,
    PH_MAIL,
    PH_RCPT,
    PH_DATA,
    PH_DOT,
    PH_OTHER, /* RSET, NOOP, QUIT, ... */
    PH_COUNT
};
extern const char *const phase_names[PH_COUNT];

enum action { ACT_REPLY, ACT_CLOSE, ACT_RESET, ACT_STALL };

/* Who and when a rule is about; zero fields match everything. */
struct scope {
    uint64_t domain_hash; /* of the recipient's domain, lower-case */
    int addr;             /* index + 1 of the listening address */
    hy_us from, until;    /* since the start */
};

struct reply_rule {
    struct scope scope;
    enum phase phase;
    enum action action;
    int code;
    char text[480];
    uint32_t share_ppm;
    bool by_user; /* the share is of addresses (the same every time), not of occasions */
};

struct delay_rule {
    struct scope scope;
    int phase; /* or -1: all */
    uint32_t min_us, max_us;
};

struct grey_rule {
    uint64_t domain_hash; /* 0: all domains */
    hy_us wait;
};

enum tls_mode { TLS_OFF, TLS_ON, TLS_GARBAGE, TLS_HANGUP };

struct listen_addr {
    struct sockaddr_in sin;
    char name[32]; /* "127.0.1.1:2525" */
    atomic_uint open;
    atomic_uint open_max;
    atomic_ullong conns, messages, refused;
};

struct grey; /* first attempts seen */

/* A provider model, and its state for each client address. */
struct providers {
    pthread_mutex_t lock;
    struct provider_model model;
    struct provider_client {
        uint32_t ip;
        struct provider state;
    } client[SINK_CLIENTS_MAX];
    int n;
};

struct sink {
    /* what was asked for */
    struct listen_addr *addrs; /* SINK_ADDRS_MAX of them */
    int n_addrs;
    struct reply_rule *replies;
    int n_replies;
    struct delay_rule *delays;
    int n_delays;
    struct grey_rule greys[64];
    int n_greys;
    unsigned threads;
    char hostname[128];
    uint64_t size_max;
    unsigned conns_per_addr; /* 0: any number */
    unsigned messages_per_conn;
    uint32_t rtt_us;        /* each batch of replies is on its way so long */
    uint32_t read_pause_us; /* between reads of at most read_chunk bytes */
    size_t read_chunk;
    hy_us idle_timeout;
    struct hy_str hidden[8]; /* extensions not offered */
    int n_hidden;
    enum tls_mode tls;
    int tls_min, tls_max; /* TLS1_2_VERSION ..., 0: any */
    bool tls_no_resume;
    const char *tls_cert, *tls_key; /* NULL: made at the start */
    const char *capture_dir;
    uint64_t capture_every;
    uint64_t capture_limit; /* messages stored at most */
    const char *record_path;
    const char *first_path;
    const char *stamp_path, *stamp_prefix; /* NULL: nobody's messages are stamped */
    uint32_t domains_max; /* counted apart, per thread; the rest counts as "other" */
    const char *stats_path;
    unsigned stats_interval;
    uint64_t seed;
    /* running */
    hy_us start;
    SSL_CTX *ctx;
    struct grey *grey;
    struct providers *providers; /* NULL: no model */
    int record_fd, first_fd, stamp_fd;
    atomic_bool stop;
    atomic_uint open, open_max;
    atomic_ullong captured;
    struct worker *workers[SINK_THREADS_MAX];
};

struct domain_count {
    uint64_t hash;
    char name[64];
    uint64_t rcpts, refused, messages;
};

/* Written by one worker, read by the statistics: relaxed loads and stores, no locks. */
struct counters {
    uint64_t conns, refused, messages, bytes, mails, rcpts, replies[6], batches, commands, bare_lf,
        starttls, tls_resumed, tls_failed, injected, aborted, first_us, last_us;
};
#define BUMP(field, by) __atomic_store_n(&(field), (field) + (by), __ATOMIC_RELAXED)

enum conn_state { ST_COMMAND, ST_DATA, ST_BDAT, ST_HANDSHAKE };
/* Where the scanner of the body stands. */
enum scan { SCAN_BOL, SCAN_MID, SCAN_CR, SCAN_DOT, SCAN_DOT_CR };

struct conn {
    int fd;
    SSL *ssl;
    struct worker *w;
    struct listen_addr *addr;
    int addr_index;
    enum conn_state state;
    enum scan scan;
    bool closing; /* no more input; goes when everything is written */
    bool reset;   /* goes at once, with RST */
    bool stalled; /* never answers again */
    bool peer_done;
    struct provider *provider; /* counts this connection; under the lock of providers */
    uint32_t peer_ip;
    bool helo_seen, mail_seen, bdat_last, line_too_long;
    hy_us wake;      /* paused until then; 0: not paused */
    hy_us due;       /* its place in the heap */
    hy_us last_seen; /* for the idle timeout */
    int heap_at;     /* in the worker's heap of wakes; -1: not there */
    struct hy_buf in;
    struct hy_buf out;
    size_t out_ready; /* bytes of `out` that may be written now, while it is paused */
    struct {
        hy_us due;  /* when it arrives */
        size_t end; /* where in `out` it ends */
    } travel[SINK_TRAVEL_MAX];
    int n_travel;
    size_t arrived; /* bytes of `out` whose way is over */
    /* the transaction */
    struct hy_buf sender;
    struct hy_buf rcpts; /* accepted addresses, one a line; only when somebody wants them */
    unsigned n_rcpts;
    struct domain_count *domain; /* of the last recipient */
    uint64_t domain_hash, user_hash;
    uint64_t body_bytes;
    uint64_t bdat_left;
    struct hy_buf body; /* head or whole message, when wanted */
    size_t body_want;
    uint64_t capture_no; /* 0: not captured */
    struct hy_buf sent;  /* lines for the record, due when `out` is written */
    unsigned messages;
    struct hy_list link; /* in the worker's open or spare connections */
};

struct worker {
    struct sink *s;
    pthread_t thread;
    int epfd, wakefd;
    int *listen_fds;
    hy_us now;
    struct hy_rng rng;
    struct counters n;
    struct conn **heap;
    int heap_len, heap_cap;
    struct hy_list conns, spare;
    struct domain_count **domains; /* open addressing */
    size_t slots;                  /* of it: a power of two */
    uint32_t n_domains;
    struct domain_count other;
    struct hy_buf record, first, stamp;
    uint64_t message_no;
    char *rbuf;
};

/* options.c: fills `s` from the command line and the files it names; exits with 2 on nonsense. */
void sink_options(struct sink *s, int argc, char **argv);

/* rules.c */
uint64_t name_hash(struct hy_str s); /* FNV-1a of the lower-case form, never 0 */
int rules_add_reply(struct sink *s, struct hy_str spec, struct hy_diag *d);
int rules_add_delay(struct sink *s, struct hy_str spec, struct hy_diag *d);
int rules_add_grey(struct sink *s, struct hy_str spec, struct hy_diag *d);
const struct reply_rule *rules_reply(struct conn *c, enum phase phase);
uint32_t rules_delay(struct conn *c, enum phase phase);
/* Whether this recipient (c->domain_hash, c->user_hash) comes too early. */
bool rules_grey(struct conn *c);

/* provider.c: what the model says; code 0: the usual reply. All do nothing without a model. */
int provider_option(struct sink *s, struct hy_str spec, struct hy_diag *d);
struct provider_reply provider_on_connect(struct conn *c);
struct provider_reply provider_on_mail(struct conn *c);
struct provider_reply provider_on_rcpt(struct conn *c);
/* How long the reply to the content takes. */
uint32_t provider_on_content(struct conn *c);
void provider_on_close(struct conn *c);

/* loop.c */
struct worker *worker_new(struct sink *s, unsigned index);
void *worker_run(void *worker);
void worker_free(struct worker *w);

/* smtp.c: takes what it can of the input, appends replies to c->out; returns how many bytes it
 * took. It stops early when the connection pauses, closes or changes to TLS. */
size_t smtp_input(struct conn *c, const char *p, size_t n);
void smtp_banner(struct conn *c);
/* A line of reply, by the rules: delays and actions included. */
void smtp_say(struct conn *c, enum phase phase, int code, const char *text);

/* body.c: the bytes of a message. */
void body_begin(struct conn *c);
void body_add(struct conn *c, const char *p, size_t n);
/* Scans DATA; returns the bytes taken, *ret_end when the final dot was among them. */
size_t body_scan(struct conn *c, const char *p, size_t n, bool *ret_end);
/* The message is complete and was answered with `code`. */
void body_end(struct conn *c, int code);

/* record.c */
void record_line(struct conn *c, struct hy_buf *to, const char *what, int code);
/* Whether its messages are stamped. */
bool record_is_stamped(const struct sink *s, struct hy_str rcpt);
void record_stamp(struct conn *c);
void record_flush(struct worker *w);
void capture_write(struct conn *c);

/* stats.c */
struct domain_count *stats_domain(struct worker *w, struct hy_str name, uint64_t hash);
void stats_write(struct sink *s, FILE *f);
/* To s->stats_path, replaced in one step. */
void stats_save(struct sink *s);

/* tls.c: a context with a certificate made on the spot; NULL after saying why. */
SSL_CTX *tls_context(const struct sink *s);
