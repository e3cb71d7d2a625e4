/* Settle: one outcome becomes durable. Everything is looked up and judged first; then row, due
 * index, attempt log and ledger change together. */
#include "hayauma/store/settle.h"

#include "attempt.h"
#include "block.h"
#include "dsn_mark.h"
#include "due.h"
#include "erase.h"
#include "hayauma/base/list.h"
#include "progress.h"
#include "spool_priv.h"
#include "suppress_priv.h"

struct settling {
    struct hy_txn *t;
    struct hy_attempt a;     /* as it will be stored; the request's own stays untouched */
    struct hy_queue_row row; /* before */
    struct hy_block_key key;
    size_t n;
    uint8_t b[BLOCK_MAX_BYTES];
};

static bool sent(const struct settling *s)
{
    return s->a.started != 0;
}

/* Whether it is over by somebody's will: what was on the wire then may still come back. */
static bool given_up(const struct settling *s)
{
    struct hy_attempt last;
    if (s->row.state == HY_RCPT_CANCELLED)
        return true;
    return s->row.state == HY_RCPT_BOUNCED && s->row.last_attempt != 0 &&
           hy_attempt_get(s->t, s->row.last_attempt, &last) == 0 && last.started == 0 &&
           last.outcome.phase == HY_PHASE_POLICY && !last.outcome.from_server;
}

/* The fence, see the header. */
static bool is_stale(const struct settling *s)
{
    if (s->row.ref.attempts != s->a.ref.attempts)
        return true;
    if (!hy_rcpt_is_final(s->row.state))
        return false;
    return !sent(s) || !given_up(s);
}

/* What the row becomes: one that was given up stays so unless the outcome is final; one that has
 * no number left for another attempt is over. */
static enum hy_rcpt_state next_state(const struct settling *s)
{
    enum hy_rcpt_state to = s->a.state;
    if (hy_rcpt_is_final(s->row.state) && !hy_rcpt_is_final(to))
        return s->row.state;
    if (to == HY_RCPT_DEFERRED && s->row.ref.attempts >= UINT16_MAX - 1)
        return HY_RCPT_EXPIRED;
    return to;
}

static int change_due(const struct settling *s)
{
    struct hy_due due = {0, s->key.campaign, s->key.domain, s->key.block};
    int err = 0;
    if (s->row.state == HY_RCPT_DEFERRED && hy_block_due_at(s->b, s->row.due_s) == 0) {
        due.due_s = s->row.due_s;
        err = hy_due_del(s->t, &due);
    }
    if (!err && s->a.state == HY_RCPT_DEFERRED && hy_block_due_at(s->b, s->a.due_s) == 1) {
        due.due_s = s->a.due_s;
        err = hy_due_put(s->t, &due);
    }
    return err;
}

static void change_ledger(struct hy_progress *p, const struct settling *s)
{
    struct hy_campaign_progress *cp = &p->p;
    cp->ledger.by_state[s->row.state]--;
    cp->ledger.by_state[s->a.state]++;
    if (sent(s)) {
        cp->ledger.attempts++;
        if (cp->first_attempt == 0)
            cp->first_attempt = s->a.started;
        cp->last_attempt = s->t->now;
    }
    if (s->a.state == HY_RCPT_DEFERRED && s->a.outcome.in_doubt)
        cp->ledger.resent_in_doubt++;
    hy_progress_finish(p, s->t->now);
}

static int change(struct settling *s, struct hy_cursor *c)
{
    struct hy_progress *p;
    bool was_pending = block_pending(s->b) > 0;
    unsigned slot = s->row.ref.slot, attempts = s->row.ref.attempts + sent(s);
    int err = hy_progress_edit(s->t, s->key.campaign, &p);
    if (err)
        return hy_txn_fail(s->t, err == HY_ENOTFOUND ? HY_ECORRUPT : err);
    s->a.state = next_state(s);
    s->a.due_s = s->a.state == HY_RCPT_DEFERRED ? hy_due_round(s->t, s->a.due_s) : 0;
    s->a.id = hy_txn_new_id(s->t);
    s->a.previous = s->row.last_attempt;
    hy_block_set_state(s->b, slot, s->a.state, s->a.due_s);
    hy_block_set_attempt(s->b, slot, (uint16_t)attempts, s->a.id);
    change_ledger(p, s);
    if (hy_id_is_spool(s->key.campaign))
        err = hy_dsn_note(s->t, s->b, s->n, slot, s->a.is_dsn_passed_on);
    if (!err)
        err = hy_cursor_replace(c, hy_str_make(s->b, s->n));
    if (!err)
        err = change_due(s);
    if (!err && hy_id_is_spool(s->key.campaign) && was_pending && block_pending(s->b) == 0)
        err = hy_spool_block_over(s->t, s->b, s->n);
    if (!err)
        err = hy_attempt_append(s->t, &s->a);
    if (!err && s->a.effect != HY_EFFECT_NONE)
        err = suppress_apply(s->t, &s->a);
    return err;
}

/* Finds the row under `c` and copies its block. HY_ENOTFOUND. */
static int look_up(struct settling *s, struct hy_cursor *c)
{
    uint8_t key[BLOCK_KEY_BYTES];
    const struct hy_rcpt_ref *ref = &s->a.ref;
    const uint8_t *view;
    int err = hy_cursor_find(c, block_key_put(key, s->key));
    if (err)
        return err;
    err = hy_block_check(c->key, c->value, &view);
    if (err)
        return hy_txn_fail(s->t, err);
    if (ref->slot >= block_count(view) || row_lead(block_row(view, ref->slot)) != ref->lead)
        return HY_ENOTFOUND;
    s->row = hy_block_row(view, s->key, ref->slot);
    s->n = c->value.n;
    memcpy(s->b, view, s->n);
    return 0;
}

int hy_settle_apply(struct hy_txn *t, struct hy_settle *settle)
{
    struct settling s; /* not zeroed: it holds a block */
    struct hy_cursor c;
    s.t = t;
    s.a = settle->attempt;
    hy_erase_hush(t, &s.a);
    s.key = (struct hy_block_key){s.a.ref.campaign, s.a.ref.domain, s.a.ref.block};
    if (s.a.state == HY_RCPT_FRESH || (unsigned)s.a.state >= HY_RCPT_STATES)
        return HY_EINVAL;
    int err = hy_cursor_open(t, block_table(s.key.campaign), &c);
    if (!err)
        err = look_up(&s, &c);
    if (!err) {
        settle->result = is_stale(&s) ? HY_SETTLE_STALE : HY_SETTLE_APPLIED;
        if (settle->result == HY_SETTLE_APPLIED)
            err = change(&s, &c);
        settle->state = s.a.state;
        settle->due_s = s.a.due_s;
        settle->id = s.a.id;
    } else if (err == HY_ENOTFOUND) {
        settle->result = HY_SETTLE_MISSING;
        err = 0;
    }
    hy_cursor_close(&c);
    return err;
}

static int apply(struct hy_write_req *r, struct hy_txn *t)
{
    return hy_settle_apply(t, hy_container_of(r, struct hy_settle, req));
}

void hy_settle_init(struct hy_settle *s)
{
    memset(s, 0, sizeof *s);
    s->req.class = HY_WRITE_SETTLE;
    s->req.on_full = HY_WRITE_FULL_WAIT;
    s->req.apply = apply;
}
