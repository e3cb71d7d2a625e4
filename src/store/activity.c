/* The activity log: records only ever appended, trimmed at the old end.
 *
 * Key: activity id be64. Value: version u8, kind u8, flags u8, reason u8; varints: at, tenant,
 * campaign, message, lead, domain, link, visitor (since version 2); the address it came from
 * (length 0, 4 or 16, bytes); recipient, source, text, user agent, url, meta, since version 2 ref
 * (length, bytes). */
#include "activity.h"

#include "campaign_tally.h"
#include "erase.h"
#include "hayauma/store/cart.h"
#include "lead_priv.h"
#include "record.h"

enum { VERSION = 2, FLAGS_AT = 2, REASON_AT = 3 }; /* these places stay in every version */

static bool is_storable(enum hy_activity_kind k)
{
    return k >= HY_ACTIVITY_LATE_BOUNCE && hy_activity_kind_name(k)[0] != '?';
}

static int check(const struct hy_activity *a)
{
    if (!is_storable(a->kind) || a->at < 0)
        return HY_EINVAL;
    if (a->address.n > HY_ADDRESS_MAX || a->url.n > HY_ACTIVITY_URL_MAX ||
        a->meta.n > HY_ACTIVITY_META_MAX || a->ref.n > HY_ACTIVITY_REF_MAX)
        return HY_ELIMIT;
    return 0;
}

static struct hy_str encode(const struct hy_activity *a, uint8_t room[ACTIVITY_RECORD_MAX])
{
    struct hy_rec_out o = {.p = room, .max = ACTIVITY_RECORD_MAX};
    const uint64_t numbers[] = {(uint64_t)a->at, a->tenant, a->campaign, a->message,
                                a->lead,         a->domain, a->link,     a->visitor};
    const struct hy_str texts[] = {
        a->address,
        hy_str_slice(a->source, 0, HY_ACTIVITY_SOURCE_MAX),
        hy_str_slice(a->text, 0, HY_ACTIVITY_TEXT_MAX),
        hy_str_slice(a->agent, 0, HY_ACTIVITY_AGENT_MAX),
        a->url,
        a->meta,
        a->ref,
    };
    rec_put_u8(&o, VERSION);
    rec_put_u8(&o, (uint8_t)a->kind);
    rec_put_u8(&o, a->flags);
    rec_put_u8(&o, a->reason);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        rec_put_varint(&o, numbers[i]);
    rec_put_ip(&o, a->ip);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        rec_put_str(&o, texts[i]);
    return hy_str_make(room, o.n);
}

int hy_activity_encode(const struct hy_activity *a, uint8_t room[ACTIVITY_RECORD_MAX],
                       struct hy_str *ret)
{
    int err = check(a);
    if (!err)
        *ret = encode(a, room);
    return err;
}

int hy_activity_decode(struct hy_str key, struct hy_str value, struct hy_activity *ret)
{
    int err = hy_value_check(value, VERSION);
    if (err)
        return err;
    if (key.n != 8)
        return HY_ECORRUPT;
    struct hy_activity a = {.id = hy_get_be64(key.p)};
    struct hy_rec_in in = rec_in(hy_str_slice(value, 1, value.n));
    a.kind = (enum hy_activity_kind)rec_get_u8(&in);
    a.flags = rec_get_u8(&in);
    a.reason = rec_get_u8(&in);
    a.at = (hy_wall_ms)rec_get_varint(&in, INT64_MAX);
    a.tenant = (uint32_t)rec_get_varint(&in, UINT32_MAX);
    a.campaign = rec_get_varint(&in, UINT64_MAX);
    a.message = rec_get_varint(&in, UINT64_MAX);
    a.lead = (uint32_t)rec_get_varint(&in, UINT32_MAX);
    a.domain = (uint32_t)rec_get_varint(&in, UINT32_MAX);
    a.link = (uint32_t)rec_get_varint(&in, UINT32_MAX);
    if (value.p[0] >= 2)
        a.visitor = rec_get_varint(&in, UINT64_MAX);
    rec_get_ip(&in, a.ip);
    a.address = rec_get_str(&in, HY_ADDRESS_MAX);
    a.source = rec_get_str(&in, HY_ACTIVITY_SOURCE_MAX);
    a.text = rec_get_str(&in, HY_ACTIVITY_TEXT_MAX);
    a.agent = rec_get_str(&in, HY_ACTIVITY_AGENT_MAX);
    a.url = rec_get_str(&in, HY_ACTIVITY_URL_MAX);
    a.meta = rec_get_str(&in, HY_ACTIVITY_META_MAX);
    if (value.p[0] >= 2)
        a.ref = rec_get_str(&in, HY_ACTIVITY_REF_MAX);
    if (in.bad || in.n || !is_storable(a.kind))
        return HY_ECORRUPT;
    *ret = a;
    return 0;
}

/* The domain of its lead, when nobody said it. */
static void find_domain(struct hy_txn *t, struct hy_activity *a)
{
    struct lead_record lead;
    if (!a->domain && a->lead && hy_lead_record_get(t, a->lead, &lead) == 0)
        a->domain = lead.domain;
}

/* What is counted of a campaign moves when an activity is noted (`before` is NULL) and when it is
 * judged anew: everything that counts activities hangs here. */
static int count(struct hy_txn *t, const struct hy_activity *before, const struct hy_activity *now)
{
    int err = 0;
    if (now->campaign && before)
        err = hy_activity_count_add(t, before, -1);
    if (now->campaign && !err)
        err = hy_activity_count_add(t, now, 1);
    if (err)
        return err;
    return before ? hy_campaign_tally_judge(t, before, now->flags) : hy_campaign_tally_put(t, now);
}

int hy_activity_put(struct hy_txn *t, struct hy_activity *a)
{
    uint8_t key[8], room[ACTIVITY_RECORD_MAX];
    int err = check(a);
    if (err)
        return err;
    struct hy_activity full = *a;
    hy_erase_strip(t, &full);
    find_domain(t, &full);
    full.id = hy_txn_new_id(t);
    if (full.at == 0)
        full.at = t->now;
    hy_put_be64(key, full.id);
    err = hy_put(t, HY_TABLE_ACTIVITIES, hy_str_make(key, sizeof key), encode(&full, room),
                 HY_PUT_APPEND);
    if (err == HY_EEXIST) /* ids only grow */
        return hy_txn_fail(t, HY_ECORRUPT);
    if (!err)
        err = hy_activity_index_put(t, &full);
    if (!err)
        err = count(t, NULL, &full);
    if (!err)
        err = hy_purchase_note(t, &full);
    if (!err)
        err = hy_cart_note(t, &full);
    if (err)
        return err;
    a->id = full.id;
    a->at = full.at;
    return 0;
}

/* A copy of a record in `room`, and what it says: a write may move what it reads. */
static int copy(struct hy_txn *t, struct hy_str key, uint8_t room[ACTIVITY_RECORD_MAX],
                struct hy_str *ret_value, struct hy_activity *ret)
{
    struct hy_str value;
    int err = hy_get(t, HY_TABLE_ACTIVITIES, key, &value);
    if (err)
        return err;
    if (value.n > ACTIVITY_RECORD_MAX)
        return HY_ECORRUPT;
    memcpy(room, value.p, value.n);
    *ret_value = hy_str_make(room, value.n);
    return hy_activity_decode(key, *ret_value, ret);
}

int hy_activity_judge(struct hy_txn *t, hy_id id, uint8_t flags, uint8_t reason)
{
    uint8_t key[8], room[ACTIVITY_RECORD_MAX];
    struct hy_str value, k = hy_str_make(key, sizeof key);
    struct hy_activity before, now;
    hy_put_be64(key, id);
    int err = copy(t, k, room, &value, &before);
    if (err)
        return err;
    if (before.kind != HY_ACTIVITY_OPEN && before.kind != HY_ACTIVITY_CLICK)
        return HY_EINVAL;
    now = before;
    now.flags = (uint8_t)((before.flags & ~HY_ACTIVITY_JUDGED) | (flags & HY_ACTIVITY_JUDGED));
    now.reason = reason;
    if (now.flags == before.flags && now.reason == before.reason)
        return 0;
    room[FLAGS_AT] = now.flags;
    room[REASON_AT] = now.reason;
    err = hy_put(t, HY_TABLE_ACTIVITIES, k, value, HY_PUT_SET); /* of the same size: in place */
    return err ? err : count(t, &before, &now);
}

int hy_activity_give(struct hy_txn *t, hy_id id, hy_lead_no lead, uint8_t flags)
{
    uint8_t key[8], old[ACTIVITY_RECORD_MAX], room[ACTIVITY_RECORD_MAX];
    struct hy_str value, k = hy_str_make(key, sizeof key);
    struct hy_activity a;
    hy_put_be64(key, id);
    int err = copy(t, k, old, &value, &a);
    if (!err && a.lead)
        err = HY_EINVAL;
    if (err)
        return err;
    a.lead = lead;
    a.flags |= flags;
    find_domain(t, &a);
    err = hy_put(t, HY_TABLE_ACTIVITIES, k, encode(&a, room), HY_PUT_SET);
    if (!err)
        err = hy_activity_index_put(t, &a);
    return err ? err : hy_cart_give(t, &a);
}

int hy_activity_drop(struct hy_cursor *c)
{
    struct hy_activity a;
    int err = 0;
    if (hy_activity_decode(c->key, c->value, &a) == 0) {
        err = hy_activity_index_drop(c->txn, &a);
        if (!err)
            err = hy_campaign_tally_lose(c->txn, &a);
    }
    return err ? err : hy_cursor_delete(c);
}

/* ---- reading ---- */

int hy_activity_get(struct hy_txn *t, hy_id id, struct hy_activity *ret)
{
    uint8_t key[8];
    struct hy_str value, k = hy_str_make(key, sizeof key);
    hy_put_be64(key, id);
    int err = hy_get(t, HY_TABLE_ACTIVITIES, k, &value);
    return err ? err : hy_activity_decode(k, value, ret);
}

int hy_activity_next(struct hy_txn *t, hy_id after, struct hy_activity *ret, uint64_t *damaged)
{
    uint8_t key[8];
    struct hy_cursor c;
    if (after == UINT64_MAX)
        return HY_ENOTFOUND;
    hy_put_be64(key, after + 1);
    int err = hy_cursor_open(t, HY_TABLE_ACTIVITIES, &c);
    if (!err)
        err = hy_cursor_seek(&c, hy_str_make(key, sizeof key));
    while (!err && hy_activity_decode(c.key, c.value, ret) != 0) {
        if (damaged)
            ++*damaged;
        err = hy_cursor_next(&c);
    }
    hy_cursor_close(&c);
    return err;
}
