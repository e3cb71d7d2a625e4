/* The due index. Key: due second be32, campaign be64, domain be32, block be32; value: version u8.
 */
#include "due.h"

#include "block.h"
#include "env_priv.h"

enum { VERSION = 1, KEY_BYTES = 20, GRID_S = 4, GRID_FROM_S = 60 };

/* The feeder reads the index forward and never looks back, so an entry must not appear behind its
 * place. It asks for the horizon, then takes a snapshot. If a write transaction is open, entries
 * that it will bring are later than its base, so reading up to the base is safe. If none is open,
 * one may begin at once: it announces itself (0) before it reads the clock and the horizon given,
 * so either we see the announcement, or it sees our horizon and puts its base at or behind it. */
uint32_t hy_due_horizon(struct hy_env *env, uint32_t now_s)
{
    uint32_t given = atomic_load(&env->shared.horizon_given);
    while (given < now_s &&
           !atomic_compare_exchange_weak(&env->shared.horizon_given, &given, now_s))
        ;
    uint32_t base = atomic_load(&env->shared.base_s);
    return base < now_s ? base : now_s;
}

uint32_t hy_due_round(const struct hy_txn *t, uint32_t due_s)
{
    if (due_s <= t->base_s)
        return t->base_s + 1;
    if (due_s - t->base_s > GRID_FROM_S && due_s <= UINT32_MAX - GRID_S)
        return (due_s + GRID_S - 1) / GRID_S * GRID_S;
    return due_s;
}

static struct hy_str encode(uint8_t key[KEY_BYTES], const struct hy_due *due)
{
    hy_put_be32(key, due->due_s);
    hy_put_be64(key + 4, due->campaign);
    hy_put_be32(key + 12, due->domain);
    hy_put_be32(key + 16, due->block);
    return hy_str_make(key, KEY_BYTES);
}

int hy_due_decode(struct hy_str key, struct hy_due *ret)
{
    if (key.n != KEY_BYTES)
        return HY_ECORRUPT;
    *ret = (struct hy_due){hy_get_be32(key.p), hy_get_be64(key.p + 4), hy_get_be32(key.p + 12),
                           hy_get_be32(key.p + 16)};
    return 0;
}

int hy_due_put(struct hy_txn *t, const struct hy_due *due)
{
    static const char version = VERSION;
    uint8_t key[KEY_BYTES];
    return hy_put(t, HY_TABLE_DUE, encode(key, due), hy_str_make(&version, 1), HY_PUT_SET);
}

int hy_due_del(struct hy_txn *t, const struct hy_due *due)
{
    uint8_t key[KEY_BYTES];
    int err = hy_del(t, HY_TABLE_DUE, encode(key, due));
    return err == HY_ENOTFOUND ? hy_txn_fail(t, HY_ECORRUPT) : err;
}

bool hy_due_exists(struct hy_txn *t, const struct hy_due *due)
{
    uint8_t key[KEY_BYTES];
    struct hy_str value;
    return hy_get(t, HY_TABLE_DUE, encode(key, due), &value) == 0;
}

int hy_due_drop_block(struct hy_txn *t, hy_id campaign, hy_domain_no domain, uint32_t block,
                      const uint8_t *b)
{
    struct hy_due due = {.campaign = campaign, .domain = domain, .block = block};
    for (unsigned i = 0; i < block_count(b); i++) {
        const uint8_t *row = block_row(b, i);
        if (row_state(row) != HY_RCPT_DEFERRED)
            continue;
        bool seen = false;
        for (unsigned j = 0; j < i && !seen; j++)
            seen = row_state(block_row(b, j)) == HY_RCPT_DEFERRED &&
                   row_due(block_row(b, j)) == row_due(row);
        if (seen)
            continue;
        due.due_s = row_due(row);
        int err = hy_due_del(t, &due);
        if (err)
            return err;
    }
    return 0;
}

int hy_due_next(struct hy_txn *t, struct hy_due *pos, uint32_t upto_s)
{
    uint8_t key[KEY_BYTES];
    struct hy_cursor c;
    struct hy_due due;
    struct hy_str from = encode(key, pos);
    int err = hy_cursor_open(t, HY_TABLE_DUE, &c);
    if (!err)
        err = hy_cursor_seek(&c, from);
    if (!err && hy_str_eq(c.key, from))
        err = hy_cursor_next(&c);
    if (!err && hy_due_decode(c.key, &due) != 0)
        err = hy_txn_fail(t, HY_ECORRUPT);
    hy_cursor_close(&c);
    if (err)
        return err;
    if (due.due_s > upto_s)
        return HY_ENOTFOUND;
    *pos = due;
    return 0;
}
