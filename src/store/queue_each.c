/* All rows of a campaign, in any state, one behind the other. */
#include "hayauma/store/queue.h"

#include "walk.h"

static bool has_any(const uint8_t *b, unsigned states)
{
    for (unsigned s = 0; s < HY_RCPT_STATES; s++)
        if (states >> s & 1 && block_of_state(b, (enum hy_rcpt_state)s))
            return true;
    return false;
}

static int each_of(const struct hy_block_walk *w, unsigned states,
                   int (*each)(void *ctx, const struct hy_queue_row *row), void *ctx)
{
    if (!has_any(w->b, states))
        return HY_OK;
    for (unsigned i = 0; i < block_count(w->b); i++) {
        struct hy_queue_row row = hy_block_row(w->b, w->k, i);
        int err = states >> row.state & 1 ? each(ctx, &row) : HY_OK;
        if (err)
            return err;
    }
    return HY_OK;
}

int hy_queue_each(struct hy_txn *t, hy_id campaign, unsigned states,
                  int (*each)(void *ctx, const struct hy_queue_row *row), void *ctx)
{
    struct hy_block_walk w;
    int err = hy_walk_from(t, (struct hy_block_key){.campaign = campaign}, 0, &w);
    while (!err) {
        err = each_of(&w, states, each, ctx);
        if (!err)
            err = hy_walk_next(&w);
    }
    hy_walk_close(&w);
    return err == HY_ENOTFOUND ? HY_OK : err;
}
