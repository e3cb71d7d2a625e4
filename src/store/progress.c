/* Progress records, and the cache that lets a group of settles write each once. */
#include "progress.h"

#include "env_priv.h"
#include "record.h"

enum { VERSION = 1, FLAG_QUEUED_ALL = 1, FLAG_CANCELLED_ALL = 2, NUMBERS = 8 + HY_RCPT_STATES };
enum { RECORD_BYTES = 4 + 3 * 4 + NUMBERS * 8 - 8 };

/* Layout: version u8, state u8, flags u8, 0; domain, lead, block u32; then u64: started, ended,
 * first and last attempt (ms), queued, rows by state, attempts, resent in doubt. All little-endian.
 */
static void encode(const struct hy_progress *r, uint8_t out[RECORD_BYTES])
{
    const struct hy_campaign_progress *p = &r->p;
    uint64_t numbers[NUMBERS - 1] = {(uint64_t)r->started, (uint64_t)r->ended,
                                     (uint64_t)p->first_attempt, (uint64_t)p->last_attempt,
                                     p->ledger.queued};
    memcpy(numbers + 5, p->ledger.by_state, sizeof p->ledger.by_state);
    numbers[5 + HY_RCPT_STATES] = p->ledger.attempts;
    numbers[6 + HY_RCPT_STATES] = p->ledger.resent_in_doubt;
    out[0] = VERSION;
    out[1] = (uint8_t)r->state;
    out[2] = (uint8_t)((p->queued_all ? FLAG_QUEUED_ALL : 0) |
                       (p->cancelled_all ? FLAG_CANCELLED_ALL : 0));
    out[3] = 0;
    hy_put_le32(out + 4, p->domain);
    hy_put_le32(out + 8, p->lead);
    hy_put_le32(out + 12, p->block);
    for (size_t i = 0; i < NUMBERS - 1; i++)
        hy_put_le64(out + 16 + 8 * i, numbers[i]);
}

static int decode(struct hy_str value, struct hy_progress *ret)
{
    int err = hy_value_check(value, VERSION);
    if (err)
        return err;
    if (value.n != RECORD_BYTES)
        return HY_ECORRUPT;
    const uint8_t *b = rec_in(value).p;
    struct hy_progress r = {.state = (enum hy_campaign_state)b[1]};
    uint64_t numbers[NUMBERS - 1];
    for (size_t i = 0; i < NUMBERS - 1; i++)
        numbers[i] = hy_get_le64(b + 16 + 8 * i);
    r.p.queued_all = b[2] & FLAG_QUEUED_ALL;
    r.p.cancelled_all = b[2] & FLAG_CANCELLED_ALL;
    r.p.domain = hy_get_le32(b + 4);
    r.p.lead = hy_get_le32(b + 8);
    r.p.block = hy_get_le32(b + 12);
    r.started = (hy_wall_ms)numbers[0];
    r.ended = (hy_wall_ms)numbers[1];
    r.p.first_attempt = (hy_wall_ms)numbers[2];
    r.p.last_attempt = (hy_wall_ms)numbers[3];
    r.p.ledger.queued = numbers[4];
    memcpy(r.p.ledger.by_state, numbers + 5, sizeof r.p.ledger.by_state);
    r.p.ledger.attempts = numbers[5 + HY_RCPT_STATES];
    r.p.ledger.resent_in_doubt = numbers[6 + HY_RCPT_STATES];
    *ret = r;
    return 0;
}

static int load(struct hy_txn *t, hy_id campaign, struct hy_progress *ret)
{
    uint8_t key[8];
    struct hy_str value;
    hy_put_be64(key, campaign);
    int err = hy_get(t, HY_TABLE_LEDGERS, hy_str_make(key, sizeof key), &value);
    if (err)
        return err;
    err = decode(value, ret);
    return err ? hy_txn_fail(t, err) : 0;
}

static int store(struct hy_txn *t, hy_id campaign, const struct hy_progress *r,
                 enum hy_put_mode mode)
{
    uint8_t key[8], value[RECORD_BYTES];
    hy_put_be64(key, campaign);
    encode(r, value);
    return hy_put(t, HY_TABLE_LEDGERS, hy_str_make(key, sizeof key),
                  hy_str_make(value, sizeof value), mode);
}

static struct hy_progress_slot *cached(struct hy_env *env, hy_id campaign)
{
    for (size_t i = 0; i < HY_PROGRESS_CACHE; i++)
        if (env->progress[i].campaign == campaign)
            return &env->progress[i];
    return NULL;
}

int hy_progress_edit(struct hy_txn *t, hy_id campaign, struct hy_progress **ret)
{
    struct hy_env *env = t->env;
    if (t->err)
        return t->err;
    if (campaign == 0)
        return HY_ENOTFOUND;
    struct hy_progress_slot *s = cached(env, campaign);
    if (!s) {
        struct hy_progress r;
        int err = load(t, campaign, &r);
        if (err)
            return err;
        s = cached(env, 0);
        if (!s) {
            hy_progress_flush(t);
            s = &env->progress[0];
        }
        *s = (struct hy_progress_slot){campaign, r};
    }
    t->writes++;
    *ret = &s->record;
    return 0;
}

int hy_progress_get(struct hy_txn *t, hy_id campaign, struct hy_progress *ret)
{
    struct hy_progress_slot *s = NULL;
    if (t->mode == HY_TXN_WRITE && campaign != 0)
        s = cached(t->env, campaign);
    if (!s)
        return load(t, campaign, ret);
    *ret = s->record;
    return t->err;
}

int hy_progress_create(struct hy_txn *t, hy_id campaign, const struct hy_progress *p)
{
    return store(t, campaign, p, HY_PUT_NEW);
}

void hy_progress_flush(struct hy_txn *t)
{
    for (size_t i = 0; i < HY_PROGRESS_CACHE; i++) {
        struct hy_progress_slot *s = &t->env->progress[i];
        if (s->campaign != 0)
            store(t, s->campaign, &s->record, HY_PUT_SET);
    }
    hy_progress_forget(t->env);
}

void hy_progress_forget(struct hy_env *env)
{
    for (size_t i = 0; i < HY_PROGRESS_CACHE; i++)
        env->progress[i].campaign = 0;
}

int hy_progress_move(struct hy_progress *p, enum hy_campaign_state to, hy_wall_ms now)
{
    if (p->state == to)
        return 0;
    if (!hy_campaign_may_become(p->state, to))
        return HY_EINVAL;
    p->state = to;
    if (to == HY_CAMPAIGN_QUEUEING && p->started == 0)
        p->started = now;
    if (to == HY_CAMPAIGN_DONE || to == HY_CAMPAIGN_CANCELLED)
        p->ended = now;
    if (to == HY_CAMPAIGN_CANCELLED) { /* no more rows; the place is now the sweep's */
        p->p.queued_all = true;
        p->p.domain = p->p.lead = p->p.block = 0;
    }
    return 0;
}

void hy_progress_finish(struct hy_progress *p, hy_wall_ms now)
{
    if (!p->p.queued_all || !hy_campaign_sends(p->state))
        return;
    p->state = HY_CAMPAIGN_RUNNING;
    if (hy_ledger_pending(&p->p.ledger) == 0) {
        p->state = HY_CAMPAIGN_DONE;
        p->ended = now;
    }
}
