/* MTA-STS policies that were fetched: kept across restarts until their max_age is over. */
#pragma once
#include "hayauma/store/writer.h"

enum { HY_STS_TEXT_MAX = 64 * 1024, HY_STS_DOMAIN_MAX = 253 };

struct hy_sts_stored {
    hy_wall_ms fetched, expires;
    struct hy_str id;   /* of the TXT record that announced it; views */
    struct hy_str text; /* as fetched */
};
/* `domain`: lower-case. Views die with the transaction. HY_ENOTFOUND, HY_ECORRUPT, HY_EVERSION. An
 * expired one is still there until it is trimmed: look at `expires`. */
HY_MUST_USE int hy_sts_stored_get(struct hy_txn *t, struct hy_str domain,
                                  struct hy_sts_stored *ret);

/* Stores or replaces one. Strings live until done. */
struct hy_sts_put {
    struct hy_write_req req; /* done is the caller's */
    struct hy_str domain;
    struct hy_sts_stored policy;
};
void hy_sts_put_init(struct hy_sts_put *p);

/* Forgets what has expired: a long job of the writer. */
struct hy_sts_trim {
    struct hy_write_req req; /* done is the caller's */
    size_t n_key;            /* where the next slice begins; 0 = at the start */
    char key[HY_STS_DOMAIN_MAX];
};
void hy_sts_trim_init(struct hy_sts_trim *j);
