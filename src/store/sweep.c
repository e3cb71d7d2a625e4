/* Sweeps: pending rows of a campaign that become something else without an attempt; those that are
 * over by it are told of as endings. */
#include "due.h"
#include "ending.h"
#include "hayauma/base/list.h"
#include "progress.h"
#include "spool_priv.h"

static const struct sweep {
    unsigned from; /* bits of states */
    enum hy_rcpt_state to;
    enum hy_ending_cause cause; /* where `to` is final */
} sweeps[] = {
    [HY_SWEEP_CANCEL] = {1u << HY_RCPT_FRESH | 1u << HY_RCPT_DEFERRED | 1u << HY_RCPT_HELD,
                         HY_RCPT_CANCELLED, HY_ENDING_CANCELLED},
    [HY_SWEEP_HELD_RESEND] = {1u << HY_RCPT_HELD, HY_RCPT_DEFERRED, 0},
    [HY_SWEEP_HELD_DELIVERED] = {1u << HY_RCPT_HELD, HY_RCPT_DELIVERED, HY_ENDING_DECIDED},
    [HY_SWEEP_HELD_CANCEL] = {1u << HY_RCPT_HELD, HY_RCPT_CANCELLED, HY_ENDING_DECIDED},
};

static bool concerns(const struct sweep *s, const uint8_t *b)
{
    for (unsigned state = 0; state < HY_RCPT_STATES; state++)
        if ((s->from >> state & 1) && block_of_state(b, (enum hy_rcpt_state)state) > 0)
            return true;
    return false;
}

static int sweep_block(struct hy_cursor *c, const struct sweep *s, struct hy_block_key k,
                       const uint8_t *view, struct hy_ledger *ledger)
{
    uint8_t b[BLOCK_MAX_BYTES];
    struct ending_rows over; /* not zeroed: it holds the rows of a block */
    struct hy_due due = {hy_due_round(c->txn, 0), k.campaign, k.domain, k.block};
    size_t n = c->value.n;
    bool was_pending = block_pending(view) > 0;
    memcpy(b, view, n);
    hy_ending_start(&over, k, s->cause, s->to);
    int err = 0;
    if (s->from >> HY_RCPT_DEFERRED & 1)
        err = hy_due_drop_block(c->txn, k.campaign, k.domain, k.block, b);
    for (unsigned i = 0; i < block_count(b) && !err; i++) {
        enum hy_rcpt_state from = row_state(block_row(b, i));
        if (!(s->from >> from & 1))
            continue;
        hy_block_set_state(b, i, s->to, due.due_s);
        ledger->by_state[from]--;
        ledger->by_state[s->to]++;
        if (s->cause)
            hy_ending_add(&over, i, row_lead(block_row(b, i)), HY_LEAD_ACTIVE);
        ledger->resent_in_doubt += s->to == HY_RCPT_DEFERRED;
    }
    if (!err && s->to == HY_RCPT_DEFERRED)
        err = hy_due_put(c->txn, &due);
    if (!err)
        err = hy_cursor_replace(c, hy_str_make(b, n));
    if (!err)
        err = hy_ending_put(c->txn, &over);
    if (!err && hy_id_is_spool(k.campaign) && was_pending && block_pending(b) == 0)
        err = hy_spool_block_over(c->txn, b, n);
    return err;
}

/* The block under the cursor; HY_EMORE when the slice should end behind it, HY_ENOTFOUND behind the
 * campaign. Only a changed block may end a slice, so every slice comes further. */
static int sweep_here(struct hy_cursor *c, const struct hy_sweep_job *j, struct hy_progress *p)
{
    const struct sweep *s = &sweeps[j->what];
    const uint8_t *b;
    int err = hy_block_check(c->key, c->value, &b);
    if (err)
        return hy_txn_fail(c->txn, err);
    struct hy_block_key k = block_key_get(c->key, b);
    if (k.campaign != j->campaign)
        return HY_ENOTFOUND;
    if (!concerns(s, b))
        return 0;
    err = sweep_block(c, s, k, b, &p->p.ledger);
    if (err)
        return err;
    if (j->what == HY_SWEEP_CANCEL) {
        p->p.domain = k.domain;
        p->p.block = k.block + 1;
    }
    return hy_txn_should_yield(c->txn) ? HY_EMORE : 0;
}

/* A cancel starts where the slice before it ended (the progress record's place is free: nothing is
 * made any more); the others are few and start at the front. */
static int sweep_blocks(struct hy_txn *t, const struct hy_sweep_job *j, struct hy_progress *p)
{
    bool cancel = j->what == HY_SWEEP_CANCEL;
    uint8_t key[BLOCK_KEY_BYTES];
    struct hy_block_key k = {j->campaign, cancel ? p->p.domain : 0, cancel ? p->p.block : 0};
    struct hy_cursor c;
    int err = hy_cursor_open(t, block_table(j->campaign), &c);
    if (!err)
        err = hy_cursor_seek(&c, block_key_put(key, k));
    while (!err) {
        err = sweep_here(&c, j, p);
        if (!err)
            err = hy_cursor_next(&c);
    }
    hy_cursor_close(&c);
    return err == HY_ENOTFOUND ? 0 : err;
}

static int sweep_slice(struct hy_write_req *r, struct hy_txn *t)
{
    struct hy_sweep_job *j = hy_container_of(r, struct hy_sweep_job, req);
    struct hy_progress now, *p;
    int err = hy_progress_get(t, j->campaign, &now);
    if (err)
        return err;
    if (j->what == HY_SWEEP_CANCEL && now.state != HY_CAMPAIGN_CANCELLED)
        return HY_EINVAL;
    err = hy_progress_edit(t, j->campaign, &p);
    if (err)
        return err;
    err = sweep_blocks(t, j, p);
    if (err)
        return err;
    if (j->what == HY_SWEEP_CANCEL)
        p->p.cancelled_all = true;
    else
        hy_progress_finish(p, t->now);
    return 0;
}

void hy_sweep_job_init(struct hy_sweep_job *j, hy_id campaign, enum hy_sweep what)
{
    *j = (struct hy_sweep_job){
        .req = {.class = HY_WRITE_ADMIN, .on_full = HY_WRITE_FULL_WAIT, .apply = sweep_slice},
        .campaign = campaign,
        .what = what,
    };
}
