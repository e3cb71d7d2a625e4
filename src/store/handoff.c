/* Leads on their way to sales. Key: lane be16 (the number of the hand-off's name), second be32, id
 * be64; stores of before have keys without the lane. Value: version u8; varints: lead, when it
 * entered (ms), tries, number of the hand-off's name, of the threshold's; why the last try failed
 * (length, bytes). Turns of owners: 't', number of the hand-off be16 -> version u8, u32. */
#include "hayauma/store/handoff.h"

#include <stdlib.h>

#include "hayauma/base/bytes.h"
#include "hayauma/mail/address.h"
#include "hayauma/store/lead_edit.h"
#include "record.h"
#include "score_priv.h"

enum { VERSION = 1, KEY = 14, OLD_KEY = 12, RECORD_MAX = 64 + HY_HANDOFF_WHY_MAX };

struct row {
    struct hy_handoff h;
    uint16_t threshold;
};

static struct hy_str key_of(uint16_t lane, uint32_t due_s, hy_id id, uint8_t room[KEY])
{
    hy_put_be16(room, lane);
    hy_put_be32(room + 2, due_s);
    hy_put_be64(room + 6, id);
    return hy_str_make(room, KEY);
}

static struct hy_str key_of_one(const struct hy_handoff *h, uint8_t room[KEY])
{
    return key_of(h->lane, h->due_s, h->id, room);
}

static int put(struct hy_txn *t, const struct row *r)
{
    uint8_t key[KEY], room[RECORD_MAX];
    struct hy_rec_out o = {.p = room, .max = sizeof room};
    rec_put_u8(&o, VERSION);
    rec_put_varint(&o, r->h.lead);
    rec_put_varint(&o, (uint64_t)r->h.entered);
    rec_put_varint(&o, r->h.tries);
    rec_put_varint(&o, r->h.lane);
    rec_put_varint(&o, r->threshold);
    rec_put_str(&o, hy_str_slice(r->h.why, 0, HY_HANDOFF_WHY_MAX));
    return hy_put(t, HY_TABLE_HANDOFFS, key_of_one(&r->h, key), hy_str_make(room, o.n), HY_PUT_SET);
}

static int decode(struct hy_str key, struct hy_str value, struct row *ret)
{
    int err = hy_value_check(value, VERSION);
    if (err)
        return err;
    struct hy_rec_in in = rec_in(hy_str_slice(value, 1, value.n));
    struct hy_str rest = hy_str_slice(key, key.n - OLD_KEY, key.n);
    struct row r = {.h = {.due_s = hy_get_be32(rest.p), .id = hy_get_be64(rest.p + 4)}};
    r.h.lead = (uint32_t)rec_get_varint(&in, UINT32_MAX);
    r.h.entered = (hy_wall_ms)rec_get_varint(&in, INT64_MAX);
    r.h.tries = (uint32_t)rec_get_varint(&in, UINT32_MAX);
    r.h.lane = (uint16_t)rec_get_varint(&in, UINT16_MAX);
    r.threshold = (uint16_t)rec_get_varint(&in, UINT16_MAX);
    r.h.why = rec_get_str(&in, HY_HANDOFF_WHY_MAX);
    if (in.bad || in.n)
        return HY_ECORRUPT;
    *ret = r;
    return 0;
}

/* ---- a lead enters ---- */

/* Whose turn it is among the owners of a hand-off. */
static int take_turn(struct hy_txn *t, uint16_t no, uint32_t *ret)
{
    uint8_t key[3] = {'t'}, value[5] = {VERSION};
    struct hy_str k = hy_str_make(key, sizeof key), old;
    hy_put_be16(key + 1, no);
    int err = hy_get(t, HY_TABLE_SCORE_NAMES, k, &old);
    *ret = !err && old.n == sizeof value ? hy_get_le32(old.p + 1) : 0;
    if (err && err != HY_ENOTFOUND)
        return err;
    hy_put_le32(value + 1, *ret + 1);
    return hy_put(t, HY_TABLE_SCORE_NAMES, k, hy_str_make(value, sizeof value), HY_PUT_SET);
}

static int has_owner(struct hy_txn *t, hy_lead_no lead, bool *ret)
{
    struct hy_lead_attr *attrs = malloc(HY_ATTR_MAX * sizeof *attrs);
    struct hy_lead_view view;
    hy_attr_no owner;
    *ret = false;
    int err = attrs ? hy_attr_find(t, HY_STR("owner"), &owner) : HY_ENOMEM;
    if (!err)
        err = hy_lead_read(t, lead, attrs, HY_ATTR_MAX, &view);
    for (size_t i = 0; !err && i < view.n_attrs; i++) {
        struct hy_address a;
        enum hy_address_reason why;
        if (view.attrs[i].no == owner)
            *ret = hy_address_parse(view.attrs[i].value, NULL, &a, &why) == 0;
    }
    free(attrs);
    return err == HY_ENOTFOUND ? 0 : err;
}

/* A lead without an owner gets the one whose turn it is. */
static int assign(struct score_book *b, const struct hy_score_handoff *h, uint16_t no)
{
    struct hy_diag diag = {""};
    struct hy_lead_edit_result result;
    bool has_one = false;
    uint32_t turn = 0;
    int err = has_owner(b->t, b->lead, &has_one);
    if (err || has_one)
        return err;
    err = take_turn(b->t, no, &turn);
    struct hy_lead_edit_attr owner = {HY_STR("owner"), h->owners[turn % h->n_owners]};
    struct hy_lead_edit e = {.mode = HY_LEAD_EDIT_CHANGE,
                             .lead = b->lead,
                             .attrs = &owner,
                             .n_attrs = 1,
                             .by = HY_STR("scoring")};
    if (!err)
        err = hy_lead_edit(b->t, &e, &result, &diag);
    return err == HY_ENOTFOUND || err == HY_EINVAL ? 0 : err; /* it goes to the first, then */
}

int hy_score_hand_over(struct score_book *b, size_t threshold, struct score_over *o)
{
    const struct hy_score_threshold *of = &b->plan->thresholds[threshold];
    hy_wall_ms now = b->t->now;
    int err = 0;
    if (o->handed && now - o->handed < (hy_wall_ms)of->again_after_s * 1000)
        return 0;
    for (size_t i = 0; i < b->plan->n_handoffs && !err; i++) {
        const struct hy_score_handoff *h = &b->plan->handoffs[i];
        if (h->threshold != threshold)
            continue;
        struct row r = {.h = {.due_s = (uint32_t)(now / 1000),
                              .id = hy_txn_new_id(b->t),
                              .lead = b->lead,
                              .entered = now},
                        .threshold = o->threshold};
        err = hy_score_name_intern(b->t, SCORE_HANDOFF, h->name, &r.h.lane);
        if (!err && h->n_owners)
            err = assign(b, h, r.h.lane);
        if (!err)
            err = put(b->t, &r);
        o->handed = now;
    }
    return err;
}

/* ---- who tells ---- */

/* Whether it is an entry of the lane in its key. */
static bool is_good(struct hy_str key, struct hy_str value, struct row *ret)
{
    return key.n == KEY && decode(key, value, ret) == 0 && ret->h.lane == hy_get_be16(key.p);
}

/* The entry at or behind a key; damaged ones are passed over. What is behind all lanes is of before
 * there were any. */
static int read_from(struct hy_txn *t, struct hy_str key, struct row *ret)
{
    struct hy_cursor c;
    int err = hy_cursor_open(t, HY_TABLE_HANDOFFS, &c);
    if (!err)
        err = hy_cursor_seek(&c, key);
    while (!err && !is_good(c.key, c.value, ret))
        err = c.key.n == OLD_KEY ? HY_ENOTFOUND : hy_cursor_next(&c);
    hy_cursor_close(&c);
    return err;
}

int hy_handoff_damaged(struct hy_txn *t, void (*each)(void *ctx, struct hy_str key), void *ctx,
                       uint64_t *ret_n)
{
    struct hy_cursor c;
    struct row r;
    uint64_t n = 0;
    int err = hy_cursor_open(t, HY_TABLE_HANDOFFS, &c);
    if (!err)
        err = hy_cursor_first(&c);
    for (; !err; err = hy_cursor_next(&c)) {
        bool is_old = c.key.n == OLD_KEY && decode(c.key, c.value, &r) == 0;
        if (is_old || is_good(c.key, c.value, &r))
            continue;
        n++;
        if (each)
            each(ctx, c.key);
    }
    hy_cursor_close(&c);
    if (err != HY_ENOTFOUND)
        return err;
    *ret_n = n;
    return 0;
}

int hy_handoff_next(struct hy_txn *t, const struct hy_handoff *after, struct hy_handoff *ret)
{
    static const struct hy_str unknown = {"?", 1};
    uint8_t key[KEY];
    struct row r;
    hy_id from = after->id ? after->id + 1 : 0;
    int err = read_from(t, key_of(after->lane, after->due_s, from, key), &r);
    if (err)
        return err;
    r.h.name = r.h.threshold = unknown;
    (void)!hy_score_name_text(t, SCORE_HANDOFF, r.h.lane, &r.h.name);
    (void)!hy_score_name_text(t, SCORE_THRESHOLD, r.threshold, &r.h.threshold);
    *ret = r.h;
    return 0;
}

int hy_handoff_next_lane(struct hy_txn *t, uint16_t after, uint16_t *ret)
{
    uint8_t key[KEY];
    struct row r;
    int err = after == UINT16_MAX ? HY_ENOTFOUND
                                  : read_from(t, key_of((uint16_t)(after + 1), 0, 0, key), &r);
    if (!err)
        *ret = r.h.lane;
    return err;
}

int hy_handoff_done(struct hy_txn *t, const struct hy_handoff *h)
{
    uint8_t key[KEY];
    return hy_del(t, HY_TABLE_HANDOFFS, key_of_one(h, key));
}

int hy_handoff_again(struct hy_txn *t, const struct hy_handoff *h, uint32_t due_s,
                     struct hy_str why)
{
    uint8_t key[KEY];
    struct hy_str k = key_of_one(h, key), value;
    struct row r;
    int err = hy_get(t, HY_TABLE_HANDOFFS, k, &value);
    if (!err)
        err = decode(k, value, &r);
    if (err)
        return err;
    r.h.due_s = due_s;
    r.h.tries = why.n ? r.h.tries + 1 : 0;
    r.h.why = why;
    err = hy_del(t, HY_TABLE_HANDOFFS, k);
    return err ? err : put(t, &r);
}

int hy_handoff_move_old(struct hy_txn *t)
{
    while (!hy_txn_should_yield(t)) {
        char why[HY_HANDOFF_WHY_MAX];
        struct hy_cursor c;
        struct row r;
        int err = hy_cursor_open(t, HY_TABLE_HANDOFFS, &c);
        if (!err)
            err = hy_cursor_last(&c); /* their seconds are behind all lanes */
        while (!err && c.key.n == OLD_KEY && decode(c.key, c.value, &r) != 0)
            err = hy_cursor_prev(&c); /* damaged: it stays */
        bool is_old = !err && c.key.n == OLD_KEY;
        if (is_old) {
            memcpy(why, r.h.why.p, r.h.why.n);
            r.h.why.p = why;
            err = hy_cursor_delete(&c);
        }
        hy_cursor_close(&c);
        if (err || !is_old)
            return err == HY_ENOTFOUND ? 0 : err;
        err = put(t, &r);
        if (err)
            return err;
    }
    return HY_EMORE;
}

int hy_handoff_count(struct hy_txn *t, uint64_t *ret_pending, uint64_t *ret_failed)
{
    uint64_t all = 0, failed = 0;
    uint16_t lane = 0;
    int err = hy_table_count(t, HY_TABLE_HANDOFFS, &all);
    if (err)
        return err;
    while (!(err = hy_handoff_next_lane(t, lane, &lane))) {
        struct hy_handoff h = {.lane = lane, .due_s = HY_HANDOFF_FAILED};
        while (!(err = hy_handoff_next(t, &h, &h)) && h.lane == lane)
            failed++;
        if (err && err != HY_ENOTFOUND)
            return err;
    }
    if (err != HY_ENOTFOUND)
        return err;
    *ret_pending = all - failed;
    *ret_failed = failed;
    return 0;
}
