/* Endings: writing and reading their records. */
#include "ending.h"

enum { VERSION = 1, STATUS_BITS = 2 };

void hy_ending_start(struct ending_rows *e, struct hy_block_key key, enum hy_ending_cause cause,
                     enum hy_rcpt_state state)
{
    e->key = key;
    e->cause = cause;
    e->state = state;
    e->n = e->slot = 0;
    e->lead = 0;
    e->out = (struct hy_rec_out){.p = e->bytes, .max = sizeof e->bytes};
}

void hy_ending_add(struct ending_rows *e, unsigned slot, hy_lead_no lead,
                   enum hy_lead_status status)
{
    rec_put_varint(&e->out, (uint64_t)(slot - e->slot) << STATUS_BITS | ((unsigned)status & 3));
    rec_put_varint(&e->out, lead - e->lead);
    e->slot = slot;
    e->lead = lead;
    e->n++;
}

int hy_ending_put(struct hy_txn *t, const struct ending_rows *e)
{
    uint8_t key[8], room[ENDING_RECORD_MAX];
    struct hy_rec_out o = {.p = room, .max = sizeof room};
    if (e->n == 0)
        return 0;
    hy_id first = hy_txn_new_id(t), last = first;
    for (unsigned i = 1; i < e->n; i++)
        last = hy_txn_new_id(t);
    rec_put_u8(&o, VERSION);
    rec_put_u8(&o, (uint8_t)e->cause);
    rec_put_u8(&o, (uint8_t)e->state);
    rec_put_varint(&o, last - first);
    rec_put_varint(&o, (uint64_t)t->now);
    rec_put_varint(&o, e->key.campaign);
    rec_put_varint(&o, e->key.domain);
    rec_put_varint(&o, e->key.block);
    rec_put_varint(&o, e->n);
    rec_put(&o, e->bytes, e->out.n);
    if (o.bad || e->out.bad)
        return hy_txn_fail(t, HY_EINVAL);
    hy_put_be64(key, last);
    int err = hy_put(t, HY_TABLE_ENDINGS, hy_str_make(key, sizeof key), hy_str_make(room, o.n),
                     HY_PUT_APPEND);
    return err == HY_EEXIST ? hy_txn_fail(t, HY_ECORRUPT) : err; /* ids only grow */
}

int hy_ending_open(struct hy_str key, struct hy_str value, struct hy_ending_reader *ret)
{
    int err = hy_value_check(value, VERSION);
    if (err)
        return err;
    if (key.n != 8)
        return HY_ECORRUPT;
    struct hy_rec_in in = rec_in(hy_str_slice(value, 1, value.n));
    struct hy_ending e = {.id = hy_get_be64(key.p)};
    e.cause = (enum hy_ending_cause)rec_get_u8(&in);
    e.state = (enum hy_rcpt_state)rec_get_u8(&in);
    e.id -= rec_get_varint(&in, e.id);
    e.at = (hy_wall_ms)rec_get_varint(&in, INT64_MAX);
    e.ref.campaign = rec_get_varint(&in, UINT64_MAX);
    e.ref.domain = (hy_domain_no)rec_get_varint(&in, UINT32_MAX);
    e.ref.block = (uint32_t)rec_get_varint(&in, UINT32_MAX);
    unsigned n = (unsigned)rec_get_varint(&in, HY_QUEUE_BLOCK_ROWS);
    if (in.bad || n == 0 || e.cause < HY_ENDING_LEFT_OUT || e.cause >= HY_ENDING_CAUSES ||
        e.state >= HY_RCPT_STATES || !hy_rcpt_is_final(e.state))
        return HY_ECORRUPT;
    *ret = (struct hy_ending_reader){.next = e, .left = n, .rest = hy_str_make(in.p, in.n)};
    return 0;
}

int hy_ending_next(struct hy_ending_reader *r, struct hy_ending *ret)
{
    struct hy_ending *e = &r->next;
    struct hy_rec_in in = rec_in(r->rest);
    if (r->left == 0)
        return HY_ENOTFOUND;
    uint64_t slot = rec_get_varint(&in, (uint64_t)HY_QUEUE_BLOCK_ROWS << STATUS_BITS);
    e->ref.lead += (hy_lead_no)rec_get_varint(&in, UINT32_MAX);
    e->ref.slot = (uint16_t)(e->ref.slot + (slot >> STATUS_BITS));
    e->status = (enum hy_lead_status)(slot & 3);
    if (in.bad || e->ref.slot >= HY_QUEUE_BLOCK_ROWS)
        return HY_ECORRUPT;
    *ret = *e;
    e->id = hy_id_after(e->id);
    r->left--;
    r->rest = hy_str_make(in.p, in.n);
    return 0;
}
