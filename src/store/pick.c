/* Which rows a person means: the queue is walked block by block, and a row's last attempt is read
 * only when the pick asks for its reply. */
#include "pick_priv.h"

#include <stdio.h>

#include "block.h"
#include "hayauma/store/attempt.h"

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

bool hy_pick_takes(struct hy_txn *t, const struct hy_pick *p, const struct hy_queue_row *row)
{
    if (row->state > HY_RCPT_HELD || !(p->states >> row->state & 1))
        return false;
    if (p->lead && p->lead != row->ref.lead)
        return false;
    return (!p->code_to && !p->reply) || matches_reply(t, p, row->last_attempt);
}

int hy_pick_rows(struct hy_txn *t, hy_id campaign, hy_domain_no domain, const struct hy_pick *pick,
                 int (*each)(void *ctx, const struct hy_queue_row *row), void *ctx)
{
    uint8_t key[BLOCK_KEY_BYTES];
    struct hy_cursor c;
    int err = hy_cursor_open(t, HY_TABLE_QUEUE, &c);
    if (!err)
        err = hy_cursor_seek(&c, block_key_put(key, (struct hy_block_key){campaign, domain, 0}));
    for (; !err; err = hy_cursor_next(&c)) {
        const uint8_t *b;
        err = hy_block_check(c.key, c.value, &b);
        if (err)
            break;
        struct hy_block_key k = block_key_get(c.key, b);
        if (k.campaign != campaign || (domain && k.domain != domain)) {
            err = HY_ENOTFOUND;
            break;
        }
        if (!hy_pick_has_state(pick, b))
            continue;
        for (unsigned i = 0; i < block_count(b) && !err; i++) {
            struct hy_queue_row row = hy_block_row(b, k, i);
            if (hy_pick_takes(t, pick, &row))
                err = each(ctx, &row);
        }
        if (err)
            break;
    }
    hy_cursor_close(&c);
    return err == HY_ENOTFOUND ? 0 : err;
}
