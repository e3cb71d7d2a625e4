/* The part of /metrics about ready messages: spools of all tenants, by priority. The server's
 * thread. */
#include "metrics_spool.h"

#include "hayauma/store/campaign.h"
#include "hayauma/store/spool.h"

/* Reports of ours that TLS does not hold back are bulk. */
enum { KINDS = HY_SPOOL_BULK + 1 };

struct sums {
    uint64_t pending[KINDS][HY_RCPT_DELIVERED];
    hy_wall_ms oldest[KINDS]; /* 0 = none */
};

static unsigned kind_of(hy_id spool)
{
    return hy_spool_priority(spool) == HY_SPOOL_TRANSACTIONAL ? HY_SPOOL_TRANSACTIONAL
                                                              : HY_SPOOL_BULK;
}

static int add(struct hy_txn *t, hy_id spool, struct sums *s)
{
    struct hy_campaign_progress p;
    unsigned kind = kind_of(spool);
    hy_wall_ms oldest = 0;
    int err = hy_campaign_progress(t, spool, &p);
    if (err != HY_OK)
        return err;
    for (unsigned i = 0; i < HY_RCPT_DELIVERED; i++)
        s->pending[kind][i] += p.ledger.by_state[i];
    if (p.ledger.by_state[HY_RCPT_FRESH])
        err = hy_spool_oldest_fresh(t, spool, &oldest);
    if (oldest && (s->oldest[kind] == 0 || oldest < s->oldest[kind]))
        s->oldest[kind] = oldest;
    return err == HY_ENOTFOUND ? HY_OK : err;
}

static int sum(struct hy_txn *t, struct sums *s)
{
    hy_id spool = 0;
    int err;
    while ((err = hy_spool_next(t, spool, &spool)) == HY_OK) {
        err = add(t, spool, s);
        if (err != HY_OK)
            return err;
    }
    return err == HY_ENOTFOUND ? HY_OK : err;
}

static void put(struct expo *e, const struct sums *s)
{
    hy_wall_ms now = hy_clock_wall_ms();
    expo_head(e, HY_M_MESSAGE_RECIPIENTS);
    for (unsigned k = 0; k < KINDS; k++)
        for (unsigned i = 0; i < HY_RCPT_DELIVERED; i++) {
            struct expo_label l[] = {{"priority", hy_str_of(hy_spool_priority_name(k))},
                                     {"state", hy_str_of(hy_rcpt_state_name(i))}};
            expo_sample(e, HY_M_MESSAGE_RECIPIENTS, l, 2, (double)s->pending[k][i]);
        }
    expo_head(e, HY_M_MESSAGE_OLDEST);
    for (unsigned k = 0; k < KINDS; k++) {
        struct expo_label l = {"priority", hy_str_of(hy_spool_priority_name(k))};
        hy_wall_ms age = s->oldest[k] && s->oldest[k] < now ? now - s->oldest[k] : 0;
        expo_sample(e, HY_M_MESSAGE_OLDEST, &l, 1, (double)age / 1000);
    }
}

void metrics_put_spools(struct expo *e, struct hy_env *env)
{
    struct hy_txn t = {0};
    struct sums s = {0};
    if (hy_txn_read(env, &t) == HY_OK && sum(&t, &s) == HY_OK)
        put(e, &s);
    hy_txn_end(&t);
}
