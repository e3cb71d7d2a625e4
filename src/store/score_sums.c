/* The sums of which scores are made, for who computes with them. */
#include "hayauma/base/bytes.h"
#include "score_priv.h"

_Static_assert((int)HY_SCORE_SUMS_MAX == (int)SCORE_SUMS_MAX, "room for all");

int hy_score_sums(struct hy_txn *t, hy_lead_no lead, struct hy_str group,
                  struct hy_score_sum ret[HY_SCORE_SUMS_MAX], size_t *ret_n)
{
    struct score_record r;
    uint16_t no = 0;
    size_t n = 0;
    int err = group.n ? hy_score_name_find(t, SCORE_GROUP, group, &no) : 0;
    if (err == HY_ENOTFOUND) { /* nobody ever had points of it */
        *ret_n = 0;
        return 0;
    }
    if (!err)
        err = hy_score_record_get(t, lead, &r);
    if (err)
        return err;
    for (size_t i = 0; i < r.n_sums; i++)
        if (!group.n || r.sums[i].group == no)
            ret[n++] = r.sums[i].sum;
    *ret_n = n;
    return 0;
}

int hy_score_lead_next(struct hy_txn *t, hy_lead_no after, hy_lead_no *ret)
{
    uint8_t key[4];
    struct hy_cursor c;
    if (after == UINT32_MAX)
        return HY_ENOTFOUND;
    hy_put_be32(key, after + 1);
    int err = hy_cursor_open(t, HY_TABLE_SCORES, &c);
    if (!err)
        err = hy_cursor_seek(&c, hy_str_make((const char *)key, sizeof key));
    if (!err && c.key.n != 4)
        err = HY_ECORRUPT;
    if (!err)
        *ret = hy_get_be32(c.key.p);
    hy_cursor_close(&c);
    return err;
}
