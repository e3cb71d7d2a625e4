/* Which rows a person means: the queue is walked block by block; what the header of a block rules
 * out is not looked into, and a row's last attempt, a message's record, are read only when the pick
 * asks for them. */
#include <stdlib.h>

#include "hayauma/store/attempt.h"
#include "pick_priv.h"
#include "progress.h"
#include "spool_priv.h"
#include "walk.h"

bool hy_pick_has_state(const struct hy_pick *p, const uint8_t *b)
{
    for (unsigned s = HY_RCPT_FRESH; s <= HY_RCPT_HELD; s++)
        if ((p->states >> s & 1) && block_of_state(b, (enum hy_rcpt_state)s) > 0)
            return true;
    return false;
}

static bool matches_reply(struct hy_txn *t, const struct hy_pick *p, hy_id last)
{
    struct hy_attempt a;
    if (last == 0 || hy_attempt_get(t, last, &a) != 0)
        return false; /* never tried, or trimmed: nobody knows what was said */
    if (p->code_to && (a.outcome.code < p->code_from || a.outcome.code > p->code_to))
        return false;
    return !p->reply || hy_reply_rules_find(p->reply, a.outcome.code, a.outcome.text);
}

static bool takes_row(struct hy_txn *t, const struct hy_pick *p, const struct hy_queue_row *row)
{
    if (row->state > HY_RCPT_HELD || !(p->states >> row->state & 1))
        return false;
    return (!p->code_to && !p->reply) || matches_reply(t, p, row->last_attempt);
}

/* ---- ready messages ---- */

/* The whole address, or all of a domain: "@example.net". */
static bool is_sender(struct hy_str pattern, struct hy_str sender)
{
    if (pattern.n > 1 && pattern.p[0] == '@' && sender.n > pattern.n)
        sender = hy_str_slice(sender, sender.n - pattern.n, sender.n);
    return hy_str_ieq(pattern, sender);
}

/* Whether rows of the message may be meant. A message that is forgotten has none that are pending.
 */
static int takes_message(struct hy_txn *t, const struct hy_pick *p, hy_id id, bool *ret)
{
    struct hy_spool_message m;
    *ret = (!p->message || p->message == id) &&
           (!p->received_before || hy_id_time(id) <= p->received_before);
    if (!*ret || !p->sender)
        return 0;
    int err = hy_spool_message(t, id, &m);
    *ret = !err && is_sender(hy_str_of(p->sender), m.sender);
    return err == HY_ENOTFOUND ? 0 : err;
}

static int pick_ready(struct hy_txn *t, const struct hy_pick *p, const uint8_t *b, size_t n,
                      bool takes[HY_QUEUE_BLOCK_ROWS])
{
    struct hy_spool_tail tail;
    struct hy_spool_rcpt r;
    bool is_meant = false;
    int err = hy_spool_tail(b, n, &tail);
    if (!err)
        err = takes_message(t, p, tail.message, &is_meant);
    for (unsigned i = 0; i < block_count(b) && !err; i++) {
        takes[i] = is_meant;
        if (!is_meant || !p->address.n)
            continue;
        err = hy_spool_tail_next(&tail, &r);
        takes[i] = !err && hy_str_eq(r.address, p->address);
    }
    return err;
}

/* ---- blocks ---- */

int hy_pick_block(struct hy_txn *t, const struct hy_pick *p, struct hy_block_key k,
                  const uint8_t *b, size_t n, bool takes[HY_QUEUE_BLOCK_ROWS], unsigned *ret_n)
{
    unsigned found = 0, count = block_count(b);
    int err = 0;
    memset(takes, 0, HY_QUEUE_BLOCK_ROWS * sizeof *takes);
    if (!hy_pick_has_state(p, b)) {
        *ret_n = 0;
        return 0;
    }
    if (hy_id_is_spool(k.campaign))
        err = pick_ready(t, p, b, n, takes);
    else
        for (unsigned i = 0; i < count; i++)
            takes[i] = !p->lead || p->lead == row_lead(block_row(b, i));
    if (err)
        return hy_txn_fail(t, err);
    for (unsigned i = 0; i < count; i++) {
        struct hy_queue_row row = hy_block_row(b, k, i);
        takes[i] = takes[i] && takes_row(t, p, &row);
        found += takes[i];
    }
    *ret_n = found;
    return 0;
}

static int each_of_block(const struct hy_block_walk *w, const struct hy_pick *pick,
                         int (*each)(void *ctx, const struct hy_queue_row *row), void *ctx)
{
    bool takes[HY_QUEUE_BLOCK_ROWS];
    unsigned n;
    int err = hy_pick_block(w->c.txn, pick, w->k, w->b, w->c.value.n, takes, &n);
    for (unsigned i = 0; n && i < block_count(w->b) && !err; i++) {
        if (!takes[i])
            continue;
        struct hy_queue_row row = hy_block_row(w->b, w->k, i);
        err = each(ctx, &row);
    }
    return err;
}

/* Where rows of these states may begin in a spool. HY_ENOTFOUND: it has none. */
static int first_block(struct hy_txn *t, hy_id spool, const struct hy_pick *p, uint32_t *ret)
{
    struct hy_progress g;
    uint64_t n = 0;
    int err = hy_progress_get(t, spool, &g);
    if (err)
        return err;
    for (unsigned s = HY_RCPT_FRESH; s <= HY_RCPT_HELD; s++)
        n += p->states >> s & 1 ? g.p.ledger.by_state[s] : 0;
    if (n == 0)
        return HY_ENOTFOUND;
    *ret = 0;
    return p->states == 1u << HY_RCPT_FRESH ? hy_spool_floor(t, spool, ret) : 0;
}

int hy_pick_rows(struct hy_txn *t, hy_id campaign, hy_domain_no domain, const struct hy_pick *pick,
                 int (*each)(void *ctx, const struct hy_queue_row *row), void *ctx)
{
    struct hy_block_walk w = {0};
    struct hy_block_key from = {.campaign = campaign, .domain = domain};
    int err = hy_id_is_spool(campaign) ? first_block(t, campaign, pick, &from.block) : 0;
    if (!err)
        err = hy_walk_from(t, from, domain, &w);
    for (; !err; err = hy_walk_next(&w)) {
        if (domain && w.k.domain != domain)
            continue;
        err = each_of_block(&w, pick, each, ctx);
        if (err)
            break;
    }
    hy_walk_close(&w);
    return err == HY_ENOTFOUND ? 0 : err;
}

static int compare(const void *a, const void *b)
{
    hy_domain_no x = *(const hy_domain_no *)a, y = *(const hy_domain_no *)b;
    return x < y ? -1 : x > y;
}

int hy_pick_blocks(struct hy_txn *t, hy_id spool, const struct hy_pick *pick,
                   const hy_domain_no *domains, size_t n_domains, uint32_t *at, uint32_t *out,
                   size_t max, size_t *ret_n)
{
    bool takes[HY_QUEUE_BLOCK_ROWS];
    struct hy_block_walk w = {0};
    struct hy_block_key from = {.campaign = spool};
    unsigned rows;
    size_t n = 0;
    int err = first_block(t, spool, pick, &from.block);
    if (from.block < *at)
        from.block = *at;
    if (!err)
        err = hy_walk_from(t, from, 0, &w);
    for (; !err && n < max; err = hy_walk_next(&w)) {
        from.block = w.k.block + 1;
        if (!bsearch(&w.k.domain, domains, n_domains, sizeof *domains, compare))
            continue;
        err = hy_pick_block(t, pick, w.k, w.b, w.c.value.n, takes, &rows);
        if (err)
            break;
        if (rows)
            out[n++] = w.k.block;
    }
    hy_walk_close(&w);
    if (err && (err != HY_ENOTFOUND || n == 0))
        return err;
    *at = from.block;
    *ret_n = n;
    return 0;
}
