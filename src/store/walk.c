/* Walking blocks: what is no block ends it, and so does what belongs to somebody else. */
#include "walk.h"

/* What the cursor shows after a step that ended with `err`. */
static int here(struct hy_block_walk *w, int err)
{
    if (!err)
        err = hy_block_check(w->c.key, w->c.value, &w->b);
    if (err && err != HY_ENOTFOUND)
        return hy_txn_fail(w->c.txn, err);
    if (err)
        return err;
    w->k = block_key_get(w->c.key, w->b);
    bool is_ours = w->k.campaign == w->campaign && (!w->domain || w->k.domain == w->domain);
    return is_ours ? 0 : HY_ENOTFOUND;
}

int hy_walk_from(struct hy_txn *t, struct hy_block_key from, hy_domain_no only,
                 struct hy_block_walk *ret)
{
    uint8_t key[BLOCK_KEY_BYTES];
    *ret = (struct hy_block_walk){.campaign = from.campaign,
                                  .domain = hy_id_is_spool(from.campaign) ? 0 : only};
    int err = hy_cursor_open(t, block_table(from.campaign), &ret->c);
    return err ? err : here(ret, hy_cursor_seek(&ret->c, block_key_put(key, from)));
}

int hy_walk_next(struct hy_block_walk *w)
{
    return here(w, hy_cursor_next(&w->c));
}

int hy_walk_to(struct hy_block_walk *w, uint32_t no)
{
    uint8_t key[BLOCK_KEY_BYTES];
    struct hy_block_key k = {.campaign = w->campaign, .block = no};
    return here(w, hy_cursor_seek(&w->c, block_key_put(key, k)));
}

void hy_walk_close(struct hy_block_walk *w)
{
    hy_cursor_close(&w->c);
}
