/* What TLS reports are made of (RFC 8460): sessions counted by recipient domain, UTC day, policy
 * and result. Counts are added up by their makers first: never a write a message. */
#pragma once
#include "hayauma/smtp/tlsrpt.h"
#include "hayauma/store/writer.h"

enum {
    HY_TALLY_DOMAIN_MAX = 253,
    HY_TALLY_POLICY_MAX = 2048, /* bytes of a policy as reports quote it; cut */
    HY_TALLY_REASON_MAX = 128,
    HY_TALLIES_PER_DOMAIN = 64, /* kinds a day; what comes behind them is counted without host */
    HY_TALLIES_MAX = 1000000,   /* in the table, with marks; what comes behind them is dropped */
};

/* One kind of session. Views. */
struct hy_tally {
    uint32_t day; /* days since 1970-01-01 UTC */
    struct hy_str domain;
    enum hy_tlsrpt_policy policy;
    struct hy_str policy_text; /* lines as in "policy-string"; "" = none */
    enum hy_tlsrpt_result result;
    struct hy_str mx_host;
    uint8_t mx_ip[16], our_ip[16]; /* as in struct hy_attempt; zeroed = none */
    struct hy_str reason;          /* in our words, "" = none */
    uint64_t count;
};

/* Adds to what is stored. The tallies and their strings live until done. */
struct hy_tally_add {
    struct hy_write_req req; /* done is the caller's */
    const struct hy_tally *tallies;
    size_t n;
    uint64_t dropped; /* sessions that were not counted: the table is full */
};
void hy_tally_add_init(struct hy_tally_add *a);

/* Calls `each` for every tally of that day and domain until it returns non-zero, which is then the
 * answer. Views die with the call. */
HY_MUST_USE int hy_tally_each(struct hy_txn *t, uint32_t day, struct hy_str domain,
                              int (*each)(void *ctx, const struct hy_tally *tally), void *ctx);
/* The first domain of the day behind `after` (empty: the first of all), copied to `ret`.
 * HY_ENOTFOUND. */
HY_MUST_USE int hy_tally_next_domain(struct hy_txn *t, uint32_t day, struct hy_str after,
                                     char ret[HY_TALLY_DOMAIN_MAX + 1]);
/* Whether the day's report for the domain was dealt with. */
bool hy_tally_is_reported(struct hy_txn *t, uint32_t day, struct hy_str domain);
/* The same for one of those it goes to: dealt with altogether, or sent there. */
bool hy_tally_is_reported_to(struct hy_txn *t, uint32_t day, struct hy_str domain,
                             struct hy_str uri);

/* Remembers that it was; `uri` empty: altogether, and then its tallies of the day go, since nobody
 * needs them any more. HY_EINVAL: a domain that is none. The writer's transaction. */
HY_MUST_USE int hy_tally_mark_put(struct hy_txn *t, uint32_t day, struct hy_str domain,
                                  struct hy_str uri);
/* Nobody wants a report: the domain has no tallies and no mark of that day any more. The writer's
 * transaction. */
HY_MUST_USE int hy_tally_forget(struct hy_txn *t, uint32_t day, struct hy_str domain);
/* The same as a request. The strings live until done. */
struct hy_tally_mark {
    struct hy_write_req req; /* done is the caller's */
    uint32_t day;
    struct hy_str domain, uri;
    bool is_unwanted; /* hy_tally_forget instead */
};
void hy_tally_mark_init(struct hy_tally_mark *m);

/* Forgets the days before: a long job of the writer. */
struct hy_tally_trim {
    struct hy_write_req req; /* done is the caller's */
    uint32_t before_day;
};
void hy_tally_trim_init(struct hy_tally_trim *j);
