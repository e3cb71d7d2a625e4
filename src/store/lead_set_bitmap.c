/* Sets of leads from and to bitmaps in memory. */
#include <roaring/roaring.h>

#include "lead_set_priv.h"

enum { LOAD_AT_ONCE = 4 * HY_LEAD_SET_BLOCK };

int hy_lead_set_load(struct hy_txn *t, struct hy_lead_set s, struct roaring_bitmap_s **ret)
{
    hy_lead_no leads[LOAD_AT_ONCE], after = 0;
    size_t n;
    roaring_bitmap_t *b = roaring_bitmap_create();
    if (!b)
        return HY_ENOMEM;
    do {
        int err = hy_lead_set_next(t, s, after, leads, LOAD_AT_ONCE, &n);
        if (err) {
            roaring_bitmap_free(b);
            return err;
        }
        roaring_bitmap_add_many(b, n, leads);
        if (n)
            after = leads[n - 1];
    } while (n == LOAD_AT_ONCE);
    *ret = b;
    return HY_OK;
}

/* The members of a block, where the iterator stands on the first of them or behind all. */
static void bits_of(roaring_uint32_iterator_t *it, uint32_t block, uint64_t bits[HY_LEAD_SET_WORDS])
{
    memset(bits, 0, HY_LEAD_SET_WORDS * sizeof *bits);
    while (it->has_value && it->current_value / HY_LEAD_SET_BLOCK == block) {
        uint32_t place = it->current_value % HY_LEAD_SET_BLOCK;
        bits[place / 64] |= UINT64_C(1) << place % 64;
        roaring_advance_uint32_iterator(it);
    }
}

/* One past the last block that has members here or there. */
static int end_of(struct hy_txn *t, struct hy_lead_set s, const roaring_bitmap_t *leads,
                  uint32_t *ret)
{
    uint32_t stored = 0, end = 0;
    int err = hy_lead_set_last_block(t, s, &stored);
    if (err && err != HY_ENOTFOUND)
        return err;
    if (!err)
        end = stored + 1;
    if (!roaring_bitmap_is_empty(leads)) {
        uint32_t last = roaring_bitmap_maximum(leads) / HY_LEAD_SET_BLOCK;
        end = last + 1 > end ? last + 1 : end;
    }
    *ret = end;
    return HY_OK;
}

int hy_lead_set_store(struct hy_txn *t, struct hy_lead_set s, const struct roaring_bitmap_s *leads,
                      uint32_t *block)
{
    uint64_t bits[HY_LEAD_SET_WORDS];
    uint32_t end, b = *block;
    roaring_uint32_iterator_t it;
    int err = end_of(t, s, leads, &end);
    if (err || b >= end)
        return err;
    roaring_init_iterator(leads, &it);
    roaring_move_uint32_iterator_equalorlarger(&it, b * HY_LEAD_SET_BLOCK);
    while (!err && b < end) {
        bits_of(&it, b, bits);
        err = hy_lead_set_block_put(t, s, b, bits);
        b++;
        if (!err && b < end && hy_txn_should_yield(t))
            err = HY_EMORE;
    }
    if (!err || err == HY_EMORE)
        *block = b;
    return err;
}
