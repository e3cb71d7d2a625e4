/* The table of tenants, and how their mail stands. Key: be32 number. Value: version byte; le64:
 * messages, recipients, bytes, last (ms); hour u32 and 25 counters u32 as in the table "daily". */
#include "hayauma/store/tenant.h"

#include <stdlib.h>

#include "hayauma/base/bytes.h"
#include "hayauma/store/campaign.h"
#include "hayauma/store/spool.h"

enum { VERSION = 1, DAY_AT = 1 + 4 * 8, VALUE_BYTES = DAY_AT + 4 + 4 * HY_DAY_HOURS };

static struct hy_str key_of(uint8_t key[4], uint32_t tenant)
{
    hy_put_be32(key, tenant);
    return hy_str_make(key, 4);
}

static int decode(struct hy_str v, struct hy_tenant_used *ret)
{
    int err = hy_value_check(v, VERSION);
    if (err)
        return err;
    if (v.n != VALUE_BYTES)
        return HY_ECORRUPT;
    const uint8_t *p = (const uint8_t *)v.p + 1;
    *ret = (struct hy_tenant_used){.messages = hy_get_le64(p),
                                   .rcpts = hy_get_le64(p + 8),
                                   .bytes = hy_get_le64(p + 16),
                                   .last = (hy_wall_ms)hy_get_le64(p + 24)};
    p += 32;
    ret->day.hour = hy_get_le32(p);
    for (int i = 0; i < HY_DAY_HOURS; i++)
        ret->day.sent[i] = hy_get_le32(p + 4 + 4 * i);
    return HY_OK;
}

int hy_tenant_used(struct hy_txn *t, uint32_t tenant, struct hy_tenant_used *ret)
{
    uint8_t key[4];
    struct hy_str v;
    int err = hy_get(t, HY_TABLE_TENANTS, key_of(key, tenant), &v);
    if (err == HY_ENOTFOUND)
        *ret = (struct hy_tenant_used){0};
    return err == HY_ENOTFOUND ? HY_OK : err ? err : decode(v, ret);
}

int hy_tenant_count(struct hy_txn *t, uint32_t tenant, uint32_t n_rcpts, uint64_t bytes)
{
    uint8_t key[4], v[VALUE_BYTES] = {VERSION};
    struct hy_tenant_used u;
    int err = hy_tenant_used(t, tenant, &u);
    if (err)
        return hy_txn_fail(t, err);
    hy_day_add(&u.day, n_rcpts, t->now);
    hy_put_le64(v + 1, u.messages + 1);
    hy_put_le64(v + 9, u.rcpts + n_rcpts);
    hy_put_le64(v + 17, u.bytes + bytes);
    hy_put_le64(v + 25, (uint64_t)t->now);
    hy_put_le32(v + DAY_AT, u.day.hour);
    for (int i = 0; i < HY_DAY_HOURS; i++)
        hy_put_le32(v + DAY_AT + 4 + 4 * i, u.day.sent[i]);
    return hy_put(t, HY_TABLE_TENANTS, key_of(key, tenant), hy_str_make(v, sizeof v), HY_PUT_SET);
}

/* ---- reports: version byte; until when, le64 (ms) ---- */

int hy_tenant_reported(struct hy_txn *t, uint32_t tenant, hy_wall_ms *ret)
{
    uint8_t key[4];
    struct hy_str v;
    int err = hy_get(t, HY_TABLE_TENANT_REPORTS, key_of(key, tenant), &v);
    if (!err)
        err = hy_value_check(v, VERSION);
    if (!err && v.n != 1 + 8)
        err = HY_ECORRUPT;
    if (!err)
        *ret = (hy_wall_ms)hy_get_le64(v.p + 1);
    return err;
}

int hy_tenant_report_mark(struct hy_txn *t, uint32_t tenant, hy_wall_ms until)
{
    uint8_t key[4], v[1 + 8] = {VERSION};
    hy_put_le64(v + 1, (uint64_t)until);
    return hy_put(t, HY_TABLE_TENANT_REPORTS, key_of(key, tenant), hy_str_make(v, sizeof v),
                  HY_PUT_SET);
}

/* ---- quotas ---- */

int hy_tenant_queued(struct hy_txn *t, uint32_t tenant, uint64_t *ret)
{
    hy_id spool = hy_spool_id(tenant, HY_SPOOL_TRANSACTIONAL, 0) - 1;
    struct hy_campaign_progress p;
    uint64_t n = 0;
    int err;
    while ((err = hy_spool_next(t, spool, &spool)) == HY_OK && hy_spool_tenant(spool) == tenant) {
        err = hy_campaign_progress(t, spool, &p);
        if (err)
            return err;
        n += hy_ledger_pending(&p.ledger);
    }
    if (err && err != HY_ENOTFOUND)
        return err;
    *ret = n;
    return HY_OK;
}

int hy_tenant_ask(struct hy_txn *t, uint32_t tenant, const struct hy_tenant_quota *q,
                  uint32_t n_rcpts, struct hy_quota_verdict *ret)
{
    struct hy_tenant_used u = {0};
    uint64_t queued = 0;
    hy_wall_ms hour, day;
    int err = q->per_hour || q->per_day ? hy_tenant_used(t, tenant, &u) : HY_OK;
    if (!err && q->queued)
        err = hy_tenant_queued(t, tenant, &queued);
    if (err)
        return err;
    hour = hy_hour_ask_many(&u.day, n_rcpts, q->per_hour, t->now);
    day = hy_day_ask_many(&u.day, n_rcpts, q->per_day, t->now);
    *ret = (struct hy_quota_verdict){0};
    if (day) /* the longer wait of the two */
        *ret = (struct hy_quota_verdict){HY_QUOTA_DAY, false, q->per_day, day};
    else if (hour)
        *ret = (struct hy_quota_verdict){HY_QUOTA_HOUR, false, q->per_hour, hour};
    else if (q->queued && queued + n_rcpts > q->queued)
        *ret = (struct hy_quota_verdict){HY_QUOTA_QUEUED, false, q->queued, 0};
    return ret->kind == HY_QUOTA_NONE ? HY_OK : HY_EQUOTA;
}

/* ---- sums ---- */

static void add(struct hy_ledger *sum, const struct hy_ledger *l)
{
    sum->queued += l->queued;
    sum->attempts += l->attempts;
    sum->resent_in_doubt += l->resent_in_doubt;
    for (int i = 0; i < HY_RCPT_STATES; i++)
        sum->by_state[i] += l->by_state[i];
}

/* Those met so far, by number. */
struct entry {
    uint32_t tenant;
    struct hy_tenant_sums sums;
};
struct all {
    struct entry *items;
    size_t n, cap;
};

static int make_room(struct all *a)
{
    if (a->n > HY_TENANTS_MAX)
        return HY_ELIMIT;
    if (a->n < a->cap)
        return HY_OK;
    size_t cap = a->cap ? 2 * a->cap : 16;
    struct entry *more = realloc(a->items, cap * sizeof *more);
    if (!more)
        return HY_ENOMEM;
    a->items = more;
    a->cap = cap;
    return HY_OK;
}

static int sums_of(struct all *a, uint32_t tenant, struct hy_tenant_sums **ret)
{
    size_t low = 0, high = a->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (a->items[mid].tenant < tenant)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == a->n || a->items[low].tenant != tenant) {
        int err = make_room(a);
        if (err)
            return err;
        memmove(a->items + low + 1, a->items + low, (a->n++ - low) * sizeof *a->items);
        a->items[low] = (struct entry){.tenant = tenant};
    }
    *ret = &a->items[low].sums;
    return HY_OK;
}

static int add_spools(struct hy_txn *t, struct all *a)
{
    struct hy_campaign_progress p;
    struct hy_tenant_sums *sums;
    hy_id spool = 0;
    int err;
    while ((err = hy_spool_next(t, spool, &spool)) == HY_OK) {
        err = hy_campaign_progress(t, spool, &p);
        if (!err)
            err = sums_of(a, hy_spool_tenant(spool), &sums);
        if (err)
            return err;
        add(&sums->messages, &p.ledger);
    }
    return err == HY_ENOTFOUND ? HY_OK : err;
}

static int add_campaigns(struct hy_txn *t, struct all *a)
{
    struct hy_campaign_progress p;
    struct hy_tenant_sums *sums;
    struct hy_campaign c = {0};
    int err;
    while ((err = hy_campaign_next(t, c.id, &c)) == HY_OK) {
        err = hy_campaign_progress(t, c.id, &p);
        if (!err)
            err = sums_of(a, c.tenant, &sums);
        if (err)
            return err;
        add(&sums->campaigns, &p.ledger);
        sums->n_campaigns++;
    }
    return err == HY_ENOTFOUND ? HY_OK : err;
}

int hy_tenant_each(struct hy_txn *t, hy_tenant_each_fn *each, void *ctx)
{
    struct all a = {0};
    int err = add_spools(t, &a);
    if (!err)
        err = add_campaigns(t, &a);
    for (size_t i = 0; i < a.n && !err; i++)
        err = each(ctx, a.items[i].tenant, &a.items[i].sums);
    free(a.items);
    return err;
}
