/* A lane: one source to one site. Its worker's thread only. */
#pragma once
#include "hosts.h"
#include "party.h"
#include "pool.h"

struct lane {
    struct hy_list link;    /* worker->lanes */
    struct hy_list starved; /* worker->starved, when it waits */
    struct lane *chain;     /* hash table */
    struct worker *worker;
    uint64_t hash;
    struct source *source;
    const struct hy_deliver_source *from; /* what worker->policy says of it; NULL: it is no more */
    hy_us leave_at;                       /* when it is out: not asked again before */
    struct hy_mx *mx;                 /* hosts and site; the newest answer for any of its domains */
    struct tls_site *tls;             /* what it demands of TLS; the newest, of the same print */
    const struct hy_shape_rule *rule; /* NULL: the fallback; of worker->policy */
    bool is_held;                     /* by an order: nothing new is sent */
    uint32_t slow;                    /* by orders: one of so many of what it did; 1 = all */
    const struct hy_lane_order
        *order;        /* the newest that holds it, or slows it; of worker->policy */
    unsigned provider; /* number of the rule's name, for meters */
    struct hy_shape_limits limits;
    struct lane_joint *joint;     /* its window, and what else it shares with lanes of its site */
    struct hy_list turn;          /* joint->in_turn, when it has no connection and waits for one */
    hy_us shut_until;             /* for what is wrong with it alone: no connection before */
    uint32_t own_faults;          /* such ones in a row */
    struct seat seat;             /* its place among the lanes of its provider */
    struct pace_place token;      /* while it waits for one of the provider's message rate */
    struct hy_list granted;       /* places of it that have a token; empty between its turns */
    struct daily *day;            /* counts its messages, when its rule limits a day */
    struct warmth *warm;          /* of its source with its provider; NULL: warm, or see has_day */
    hy_us heeded_at;              /* when a reply last slowed or suspended it */
    hy_us day_until;              /* the day is full until then; 0 = has room */
    bool is_day_warmup;           /* of the warm-up, by a plan whose rows wait for the next */
    struct hy_smtp_settings smtp; /* what every session of it starts with */
    struct hy_list shares;        /* of campaigns, lane_share.c */
    struct hy_list tenants;       /* of those whose shares they are */
    uint64_t pass;                /* of the tenant that went last */
    uint32_t round;               /* of asking shares for rows; never 0 */
    struct hy_list ready;         /* pressed deliveries: transactional ones, bulk behind them */
    struct hy_list sessions;      /* all */
    struct hy_list takers;        /* those that can take a message, idle ones in front */
    hy_us expire_at;              /* mail of some campaign expires then; 0 = look */
    uint32_t n_feeds;             /* known to it, here or with the feeder */
    uint64_t n_rows;              /* about how many rows it has before it, as its feeds came */
    uint32_t n_ready, n_pressing, n_sessions, n_connecting, n_up, n_on_wire, n_settling;
    uint32_t n_busy;     /* sessions with a message */
    uint32_t n_urgent;   /* transactional ones among ready and pressing */
    struct hy_list poor; /* worker->poor, when it has no connection and waits for one */
    uint32_t n_leaving;  /* sessions that end behind their last message, as we want it */
    uint32_t next_host;  /* rotates over hosts of equal preference */
    struct host_notes notes;
    hy_us connect_pause;          /* no new connection before, */
    uint32_t pause_from;          /* while there are this many */
    hy_us connect_us, message_us; /* smoothed: from opening to ready, from submitting to result */
    struct hy_defer pump;
    struct hy_timer timer; /* rates, suspension */
    uint64_t delivered, deferred, bounced;
    double rate; /* delivered a second, smoothed */
    uint64_t rate_count;
    hy_us rate_since, last_used;
    struct hy_lane_reply replies[HY_LANE_REPLIES]; /* the newest kinds; see lane_count */
    char last_reply[256];
};

/* Of lanes of one source, site and rule. Its worker's; lane_joint.c */
struct lane_joint {
    uint32_t n_lanes, n_in_turn;
    struct hy_list
        in_turn; /* lanes without a connection, while the others have all; oldest first */
    struct hy_window window;
};

/* A tenant with shares in a lane. */
struct lane_tenant {
    struct hy_list link;                /* lane->tenants */
    const struct hy_deliver_tenant *of; /* worker->policy; NULL: it is none of it, any more */
    struct tenant_live *live;
    struct pace_place place; /* while it waits for a token of its rate */
    uint32_t n_shares;
    uint32_t asked;      /* the round in which it had no token */
    uint64_t pass;       /* among the tenants of the lane */
    uint64_t share_pass; /* of its share that went last */
};

/* What one campaign has for a lane. */
struct lane_share {
    struct hy_list link; /* lane->shares */
    struct lane *lane;
    struct lane_tenant *tenant;
    struct run *run;
    struct pace_place place; /* while it waits for a token of its run's speed */
    struct hy_list feeds;    /* parts of them with rows, in turn */
    uint32_t n_feeds;        /* known to it, here or with the feeder */
    uint32_t asked;          /* the round in which it had no token */
    uint64_t pass;           /* among the shares of its tenant */
};

enum { SESSION_DOMAINS_MAX = 16 }; /* more on one connection are not counted for reports */

struct session {
    struct hy_list link;  /* lane->sessions */
    struct hy_list taker; /* lane->takers */
    struct lane *lane;
    struct pool *pool; /* one of its connections is this; NULL: none */
    struct hy_conn *conn;
    hy_us opened, connected, tls_began;
    struct hy_timer timer;
    struct hy_list deliveries; /* submitted, in order */
    uint32_t n_deliveries;
    bool is_up;        /* READY was seen */
    bool is_leaving;   /* counted in the lane's n_leaving */
    bool is_given;     /* so that another lane may have it; counted in the worker's n_giving */
    bool is_closing;   /* the dialogue is over; the socket is being closed */
    bool is_started;   /* the dialogue was begun */
    bool is_greeted;   /* the server has said something */
    uint32_t messages; /* submitted on it */
    struct hy_sockaddr addr;
    struct hy_mx *mx; /* holds the name of the host */
    const char *host;
    struct tls_site *tls;             /* what is demanded of it, */
    const struct tls_host *demand;    /* of this host; NULL: the rule alone counts */
    enum hy_attempt_check tls_check;  /* what became of looking at the certificate */
    enum hy_tlsrpt_result tls_result; /* for reports */
    char *tls_reason;                 /* owned; mostly NULL, as end_text is */
    uint32_t n_counted;               /* domains that it was counted for */
    hy_domain_no counted[SESSION_DOMAINS_MAX];
    uint16_t tls_version; /* 0x0304 = TLS 1.3; 0 = plain */
    char tls_cipher[HY_ATTEMPT_CIPHER_MAX];
    bool has_end;
    enum hy_smtp_hint hint;
    struct hy_outcome end; /* what its end means for messages that wait for this host; the text is
                              in the client or in end_text */
    char *end_text;
    struct hy_smtp_settings smtp;
    struct hy_deliver_policy *policy; /* holds the source's names */
    const struct hy_deliver_source *from;
    struct hy_smtp_client client;
};

/* lane.c */
/* The lane of a feed's site from a source; made when there is none. NULL: out of memory. */
struct lane *lane_get(struct worker *w, const struct feed *f, struct source *source);
/* NULL when there is none. */
struct lane *lane_find(const struct worker *w, const struct feed *f, const struct source *source);
void lane_apply_policy(struct lane *l);
/* HY_ENOMEM: it was not taken. */
HY_MUST_USE int lane_add_part(struct lane *l, struct feed_part *p);
/* The lane has nothing to do with it any more; it must be in no list. */
void lane_drop_part(struct feed_part *p);
void lane_pressed(struct lane *l, struct delivery *d);
/* It was handed to the press, or came to be ready (1), or is neither any more (-1). */
void lane_count_ahead(struct lane *l, const struct delivery *d, int by);
void lane_wake(struct lane *l);
void lane_free(struct lane *l);
/* Nothing of it is in hand; it may be freed. */
bool lane_is_idle(const struct lane *l);
/* A new lane in its place would do something else: too soon, too much, or to a bad address. */
bool lane_knows_something(const struct lane *l, hy_us now);
/* A delivery that a session gave back untouched, with its party. */
void lane_take_back(struct lane *l, struct delivery *d);
/* It is woken at `at` at the latest; HY_US_NEVER: no need. */
void lane_wait_until(struct lane *l, hy_us at);
void lane_stop_run(struct lane *l, const struct run *r);
void lane_drain(struct lane *l);
void lane_count(struct lane *l, const struct hy_outcome *o);
/* A moving average over some eight values. */
static inline void lane_smooth(hy_us *mean, hy_us value)
{
    *mean = *mean ? *mean + (value - *mean) / 8 : value;
}

/* lane_joint.c */
/* Finds what a lane shares; its source, site and rule are set. False: out of memory. A new one has
 * n_lanes 1 and an empty window. */
HY_MUST_USE bool joint_join(struct lane *l);
/* The last one keeps what the window learned. */
void joint_leave(struct lane *l);
/* After all lanes are under rules of another policy. True: some have a window of their own now, and
 * are to look at the policy again. */
bool joint_part(struct lane *l);
struct lane_sum {
    uint32_t sessions, leaving, up, on_wire;
    uint32_t most; /* connections of one lane that stay */
};
struct lane_sum joint_sum(const struct lane *l);
/* There is mail in line. */
bool joint_is_busy(const struct lane *l);
void joint_wake(struct lane *l);
bool joint_is_up_at(const struct lane *l, const struct hy_sockaddr *addr);
/* Whether others have their turn before it may open a connection; a lane without one is in line
 * then. */
bool joint_must_wait(struct lane *l);
/* It opened one, or wants none now. */
void joint_leave_turn(struct lane *l);
/* Whether it should give a connection up, for one that has none. */
bool joint_must_give(const struct lane *l);
/* What its own demands of TLS made of it, others of the site may not meet. */
bool joint_is_own_tls(const struct lane *l, const struct hy_outcome *why);
/* Whether what keeps it from its site is about this lane alone; then it is shut alone, for 15 s,
 * doubling to 10 min. */
bool joint_is_own_fault(const struct lane *l, const struct hy_outcome *why);
void lane_shut_alone(struct lane *l, hy_us now);
/* Until when nothing goes, by its window or alone; 0 = it may. */
hy_us lane_shut_until(const struct lane *l, hy_us now);

/* window_store.c: what its window learned is known by this. */
struct site_key lane_key(const struct lane *l);
/* Worker's thread: hands what its windows know to the writer. */
void windows_save(struct worker *w);

/* lane_expire.c */
/* When a row is given up; INT64_MAX: never, as far as is known now. */
hy_wall_ms lane_expiry(const struct lane *l, const struct delivery *d);
/* Rows of a run come into the lane: lane_expire is to know when they are over. */
void lane_look_at_expiry(struct lane *l, const struct run *r);
/* Settles what has expired among what waits here; l->expire_at says when there may be more. */
void lane_expire(struct lane *l, hy_us now);

/* lane_share.c */
/* Puts a part that has rows in the turn of its campaign. HY_ENOMEM. */
HY_MUST_USE int share_add(struct lane *l, struct feed_part *p);
/* The share has nothing to do with it any more; it must be in no list. */
void share_leave(struct feed_part *p);
/* Weights and rates of tenants are those of another policy now. */
void share_apply_policy(struct lane *l);
/* When the lane goes: of feeds that are with the feeder, which frees them by itself. */
void share_free_all(struct lane *l);
/* The part whose row goes next among campaigns of a priority, taken out of its list; NULL: none has
 * rows, or each waits for a token and wakes the lane then. */
struct feed_part *share_next(struct lane *l, enum hy_priority priority, hy_us now);
/* The row behind the one that share_next gave goes along with it; false: it has no token. */
bool share_again(struct lane *l, struct feed_part *p, hy_us now);
/* Whether there is a feed with rows that does not wait for a token. */
bool share_any(const struct lane *l);
/* Whether there is one that does. */
bool share_is_paced(const struct lane *l);
/* Rows in line for the press, of campaigns that may go as fast as they can; `most` when more. */
uint32_t share_rows(const struct lane *l, uint32_t most);

/* lane_pump.c */
/* What its hy_defer runs. */
void lane_pump(void *lane);
/* Puts a session where its room for messages says. */
void lane_place_session(struct lane *l, struct session *s);
/* `s` is about to write: if it can take another message and one is ready, that one goes along. */
void lane_offer(struct lane *l, struct session *s);

/* lane_connect.c */
/* Whether `n` messages take `n_sessions` longer than `limit`. A lane that is told no looks again
 * when the answer may be another for all that no reply came. */
bool lane_takes_longer(struct lane *l, uint32_t n, uint32_t n_sessions, hy_us limit, hy_us now);
/* Whether one more connection would be up before those there are have worked off what waits; told
 * no, the lane looks again as above. */
bool lane_is_worth_connecting(struct lane *l, hy_us now);
/* Opens one connection; false when it did not, and need not be asked again this turn. */
bool lane_open_one(struct lane *l, hy_us now);
void lane_session_up(struct lane *l, struct session *s);
/* It waits for a connection no more. */
void lane_not_poor(struct lane *l);
/* Where others wait for a connection and this one has more than its share, one of them ends. */
void lane_share_connections(struct lane *l);
/* It takes no further message, and ends behind the last. */
void lane_give_up(struct lane *l, struct session *s);
/* The window learns from a result, RETURNED ones too; the transaction still counts as on the wire.
 */
void lane_tell_window(struct lane *l, const struct session *s, const struct delivery *d,
                      const struct hy_outcome *o);
/* `s` is over; `failed`: it never came up, and this is why. */
void lane_session_over(struct lane *l, struct session *s, const struct hy_outcome *failed,
                       enum hy_smtp_hint hint);

/* lane_replies.c */
/* Does what the rule's patterns say of the outcome's words: slows or suspends the lane, or makes
 * the outcome final or not. */
void lane_heed_reply(struct lane *l, struct hy_outcome *o, hy_us now);

/* lane_limits.c */
/* Takes what its rule says of the provider and the day; after a new rule or source. */
void lane_limits_apply(struct lane *l);
void lane_limits_drop(struct lane *l);
/* 0 and takes a message of the provider's rate and of the days; otherwise when to ask again. */
hy_us lane_take_message(struct lane *l, hy_us now);
void lane_put_back_message(struct lane *l);
/* The same of the days alone, for each further recipient of a message; false: they are full. */
bool lane_take_recipient(struct lane *l, hy_us now);
void lane_put_back_recipient(struct lane *l);
/* 0 when the day has room; otherwise until when it is full. */
hy_us lane_day_full(struct lane *l, hy_us now);
/* 0 and takes a connection of the provider; HY_US_NEVER: it waits for its turn and is woken;
 * otherwise when to ask again. */
hy_us lane_take_connection(struct lane *l, hy_us now);
void lane_put_back_connection(struct lane *l);
/* At the end of a pump: lets go of a turn that it does not use, and of connections that other lanes
 * of the provider wait for. */
void lane_make_room(struct lane *l, hy_us now);
/* orders.c: what a person ordered, after the limits are those of the rule. */
void orders_apply(struct lane *l);
/* The sources that a person ordered the feed's mail to go by; NULL: it goes by those of its
 * campaign.
 */
const struct hy_deliver_pool *orders_pool(const struct hy_deliver_policy *p, const struct feed *f);
/* An order of a person holds all mail to the site, from every source. Any thread. */
bool orders_hold_site(const struct hy_deliver_policy *p, const struct hy_mx *mx);
/* Whether mail takes the same pools under both. */
bool orders_route_alike(const struct hy_deliver_policy *a, const struct hy_deliver_policy *b);
/* Divides what all lanes of a provider share, where orders name it as a whole. */
void orders_slow_provider(const struct hy_deliver_policy *p, const char *provider,
                          struct hy_provider_limits *l);
/* The domain is held for the source of the part. */
bool orders_hold_part(const struct worker *w, const struct feed_part *p);
/* An order of a person holds the feed's domain, for this source or for all. */
bool orders_hold(const struct worker *w, const struct feed *f, const struct source *source);

/* report_lane.c */
/* All but the domain; `waiting`: rows in line. */
void lane_look(const struct lane *l, hy_us now, uint32_t waiting, struct hy_lane_detail *ret);

/* lane_out.c */
/* Its source cannot send there now, and not in a moment: shut, full, held, or without an address.
 */
bool lane_is_out(const struct lane *l, hy_us now);
/* What nothing was sent of goes to other sources of its campaign's pool, when one may. */
void lane_leave(struct lane *l, hy_us now);
/* Ready messages whose pool does not have its source any more go to those that it has. */
void lane_reroute(struct lane *l);
/* One message with its party, likewise; false: it stays. It must be in no list. */
bool lane_pass_on(struct lane *l, struct delivery *d);

/* session_tls.c */
/* Takes up what the lane demands for the host; before the dialogue starts. */
void session_tls_init(struct session *s);
void session_tls_start(struct session *s);
/* The handshake is through, or has failed. */
void session_tls_note(struct session *s, const struct hy_tls_info *info);
void session_tls_failed(struct session *s, const struct hy_conn_end *end);
/* STARTTLS was demanded and not to be had. */
void session_tls_stripped(struct session *s);
/* Counts it for TLS reports: once for each domain whose mail it carries; when it never came up, for
 * the domain that waits for it. */
void session_tls_count(struct session *s, const struct delivery *d);
void session_tls_count_failure(struct session *s);
/* For the log of attempts. */
void session_tls_tell(const struct session *s, struct delivery *d, struct hy_attempt *a);
/* Why a lane has no host left, if it is for TLS: fills `why` and counts it; false: it is not. */
bool lane_tls_refusal(struct lane *l, struct hy_outcome *why);

/* session.c */
/* `host` is one of the lane's mx. */
int session_open(struct lane *l, const struct hy_mx_host *host, const struct hy_sockaddr *addr,
                 bool no_tls, bool use_helo);
/* With its party. False: it did not take it (the delivery is still the caller's). Else
 * session_write is to follow. */
bool session_submit(struct session *s, struct delivery *d);
void session_write(struct session *s);
void session_quit(struct session *s);
void session_abort(struct session *s);
/* Words of a session, in place of those before; NULL without memory. */
void session_say(char **to, const char *format, ...) __attribute__((format(printf, 2, 3)));
