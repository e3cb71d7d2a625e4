/* The inside of the tracking server: what its requests share. */
#pragma once
#include "hayauma/track/agent.h"
#include "track_priv.h"

struct track_campaigns;
struct hy_rate;

struct hy_track {
    struct hy_track_options o;
    struct hy_http_server *http;
    pthread_mutex_t policy_lock;
    struct hy_track_policy *fresh; /* of a reload that the thread has not seen; NULL: none */
    atomic_bool is_reloaded;
    /* the server's thread */
    struct hy_track_policy *policy;
    struct hy_txn txn; /* parked between calls; zeroed before the first */
    struct hy_failures failures;
    struct hy_failures *batches; /* of the web tag, by address */
    struct hy_agents *agents;
    struct track_campaigns *campaigns; /* asked for lately: their links */
    struct track_campaigns *views;     /* and the messages that were looked at */
    struct hy_rate *minute, *hour;     /* what was noted of whom */
    struct hy_track_counters counters;
};

/* track.c: the newest policy; valid until the next call of this. The server's thread. */
struct hy_track_policy *track_policy(struct hy_track *s);
/* track_call.c: what io/http.h calls. */
extern const struct hy_http_ops track_http_ops;

/* track_limits.c: the tables behind it; their freeing is fine at any time. */
HY_MUST_USE int track_limits_new(struct hy_track *s); /* HY_ENOMEM */
void track_limits_free(struct hy_track *s);
/* Counts a hit; false: there are too many of whoever it comes from, and it is not to be noted. */
bool track_is_within(struct track_call *c, const struct hy_activity *a);

/* Counts a look at a whole mail; false: too many from there, and 429 was answered. */
bool track_may_view(struct track_call *c, const struct hy_token *token);

/* track_campaigns.c: those `n` that were asked for last, with their messages or with those that
 * their links need. HY_ENOMEM. */
HY_MUST_USE int track_campaigns_new(size_t n, bool keeps_whole, struct track_campaigns **ret);
void track_campaigns_free(struct track_campaigns *a);   /* NULL is fine */
void track_campaigns_forget(struct track_campaigns *a); /* all of them */
