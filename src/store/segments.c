/* Records of segments.
 *
 * Key: segment be32. Value: version u8, state u8, flags u8 (1 announces), 0; varints: created,
 * changed, version; name, text, who, note (length, bytes). Key 0: version u8, newest number le32,
 * generation le64, ground le64. Names: name -> version u8, segment le32. */
#include "hayauma/store/segments.h"

#include "record.h"

enum { VERSION = 1, HEAD_BYTES = 21, ANNOUNCES = 1 };
enum {
    RECORD_MAX = 4 + 3 * 10 + 4 * 10 + HY_SEGMENTS_NAME_MAX + HY_SEGMENTS_TEXT_MAX +
                 HY_SEGMENTS_WHO_MAX + HY_SEGMENTS_NOTE_MAX
};

const char *hy_segment_state_name(enum hy_segment_state s)
{
    static const char *const names[] = {"?", "building", "ready", "broken"};
    return s >= HY_SEGMENT_BUILDING && s <= HY_SEGMENT_BROKEN ? names[s] : names[0];
}

static struct hy_str key_of(hy_segment_no no, uint8_t room[4])
{
    hy_put_be32(room, no);
    return hy_str_make(room, 4);
}

/* ---- the newest number, and the generation ---- */

struct head {
    hy_segment_no newest;
    uint64_t generation, ground;
};

static int head_get(struct hy_txn *t, struct head *ret)
{
    uint8_t key[4];
    struct hy_str value;
    int err = hy_get(t, HY_TABLE_SEGMENTS, key_of(0, key), &value);
    if (err == HY_ENOTFOUND) {
        *ret = (struct head){0};
        return HY_OK;
    }
    if (!err)
        err = hy_value_check(value, VERSION);
    if (!err && value.n != HEAD_BYTES)
        err = HY_ECORRUPT;
    if (!err)
        *ret = (struct head){hy_get_le32(value.p + 1), hy_get_le64(value.p + 5),
                             hy_get_le64(value.p + 13)};
    return err;
}

/* A new generation: a number that no transaction that was dropped had, either. */
static int head_put(struct hy_txn *t, struct head h)
{
    uint8_t key[4], value[HEAD_BYTES] = {VERSION};
    hy_put_le32(value + 1, h.newest);
    hy_put_le64(value + 5, hy_txn_new_id(t));
    hy_put_le64(value + 13, h.ground);
    return hy_put(t, HY_TABLE_SEGMENTS, key_of(0, key), hy_str_make(value, sizeof value),
                  HY_PUT_SET);
}

int hy_segments_generation(struct hy_txn *t, uint64_t *ret)
{
    struct head h;
    int err = head_get(t, &h);
    if (!err)
        *ret = h.generation;
    return err;
}

int hy_segments_ground(struct hy_txn *t, uint64_t *ret)
{
    struct head h;
    int err = head_get(t, &h);
    if (!err)
        *ret = h.ground;
    return err;
}

int hy_segments_ground_set(struct hy_txn *t, uint64_t ground)
{
    struct head h;
    int err = head_get(t, &h);
    h.ground = ground;
    return err ? err : head_put(t, h);
}

/* ---- records ---- */

static int decode(struct hy_str key, struct hy_str value, struct hy_segment *ret)
{
    int err = hy_value_check(value, VERSION);
    if (err)
        return err;
    if (key.n != 4)
        return HY_ECORRUPT;
    struct hy_segment s = {.no = hy_get_be32(key.p)};
    struct hy_rec_in in = rec_in(hy_str_slice(value, 1, value.n));
    s.state = (enum hy_segment_state)rec_get_u8(&in);
    s.announces = rec_get_u8(&in) & ANNOUNCES;
    rec_get_u8(&in);
    s.created = (hy_wall_ms)rec_get_varint(&in, INT64_MAX);
    s.changed = (hy_wall_ms)rec_get_varint(&in, INT64_MAX);
    s.version = rec_get_varint(&in, UINT64_MAX);
    s.name = rec_get_str(&in, HY_SEGMENTS_NAME_MAX);
    s.text = rec_get_str(&in, HY_SEGMENTS_TEXT_MAX);
    s.who = rec_get_str(&in, HY_SEGMENTS_WHO_MAX);
    s.note = rec_get_str(&in, HY_SEGMENTS_NOTE_MAX);
    if (in.bad || in.n || s.state < HY_SEGMENT_BUILDING || s.state > HY_SEGMENT_BROKEN)
        return HY_ECORRUPT;
    *ret = s;
    return HY_OK;
}

static int encode(const struct hy_segment *s, uint8_t *room, struct hy_str *ret)
{
    struct hy_rec_out o = {.p = room, .max = RECORD_MAX};
    rec_put_u8(&o, VERSION);
    rec_put_u8(&o, (uint8_t)s->state);
    rec_put_u8(&o, s->announces ? ANNOUNCES : 0);
    rec_put_u8(&o, 0);
    rec_put_varint(&o, (uint64_t)s->created);
    rec_put_varint(&o, (uint64_t)s->changed);
    rec_put_varint(&o, s->version);
    rec_put_str(&o, s->name);
    rec_put_str(&o, s->text);
    rec_put_str(&o, s->who);
    rec_put_str(&o, s->note);
    *ret = hy_str_make(room, o.n);
    return o.bad ? HY_ELIMIT : HY_OK;
}

int hy_segment_read(struct hy_txn *t, hy_segment_no no, struct hy_segment *ret)
{
    uint8_t key[4];
    struct hy_str value, k = key_of(no, key);
    int err = no ? hy_get(t, HY_TABLE_SEGMENTS, k, &value) : HY_ENOTFOUND;
    return err ? err : decode(k, value, ret);
}

int hy_segment_next(struct hy_txn *t, hy_segment_no after, struct hy_segment *ret)
{
    uint8_t key[4];
    struct hy_cursor c;
    if (after == UINT32_MAX)
        return HY_ENOTFOUND;
    int err = hy_cursor_open(t, HY_TABLE_SEGMENTS, &c);
    if (!err)
        err = hy_cursor_seek(&c, key_of(after + 1, key));
    if (!err)
        err = decode(c.key, c.value, ret);
    hy_cursor_close(&c);
    return err;
}

int hy_segment_find(struct hy_txn *t, struct hy_str name, hy_segment_no *ret)
{
    struct hy_str value;
    if (name.n == 0 || name.n > HY_SEGMENTS_NAME_MAX)
        return HY_ENOTFOUND;
    int err = hy_get(t, HY_TABLE_SEGMENT_NAMES, name, &value);
    if (!err)
        err = hy_value_check(value, VERSION);
    if (!err && value.n != 5)
        err = HY_ECORRUPT;
    if (!err)
        *ret = hy_get_le32(value.p + 1);
    return err;
}

static bool is_name(struct hy_str name)
{
    if (name.n == 0 || name.n > HY_SEGMENTS_NAME_MAX || !hy_str_is_utf8(name))
        return false;
    for (size_t i = 0; i < name.n; i++)
        if ((unsigned char)name.p[i] < 32 || name.p[i] == 127)
            return false;
    return true;
}

/* Makes its name lead to it, and a former one nowhere. */
static int name_it(struct hy_txn *t, const struct hy_segment *s)
{
    uint8_t value[5] = {VERSION};
    struct hy_segment old;
    int err = hy_segment_read(t, s->no, &old);
    if (!err && hy_str_eq(old.name, s->name))
        return HY_OK;
    if (!err)
        err = hy_del(t, HY_TABLE_SEGMENT_NAMES, old.name);
    if (err && err != HY_ENOTFOUND)
        return err;
    hy_put_le32(value + 1, s->no);
    return hy_put(t, HY_TABLE_SEGMENT_NAMES, s->name, hy_str_make(value, sizeof value), HY_PUT_NEW);
}

static int check(struct hy_txn *t, const struct hy_segment *s)
{
    hy_segment_no other;
    uint64_t n;
    if (!is_name(s->name))
        return HY_EINVAL;
    if (s->text.n > HY_SEGMENTS_TEXT_MAX || s->who.n > HY_SEGMENTS_WHO_MAX ||
        s->note.n > HY_SEGMENTS_NOTE_MAX)
        return HY_ELIMIT;
    int err = hy_segment_find(t, s->name, &other);
    if (err != HY_ENOTFOUND)
        return err ? err : other == s->no ? HY_OK : HY_EEXIST;
    err = hy_table_count(t, HY_TABLE_SEGMENT_NAMES, &n);
    return err ? err : !s->no && n >= HY_SEGMENTS_MAX ? HY_ELIMIT : HY_OK;
}

int hy_segment_save(struct hy_txn *t, struct hy_segment *s)
{
    uint8_t key[4], room[RECORD_MAX];
    struct head h;
    struct hy_str record;
    int err = check(t, s);
    if (!err)
        err = head_get(t, &h);
    if (!err && !s->no)
        s->no = ++h.newest;
    if (!err)
        err = encode(s, room, &record); /* its strings may be views: before any write */
    if (!err)
        err = name_it(t, s);
    if (!err)
        err = hy_put(t, HY_TABLE_SEGMENTS, key_of(s->no, key), record, HY_PUT_SET);
    return err ? err : head_put(t, h);
}

int hy_segment_drop(struct hy_txn *t, hy_segment_no no)
{
    uint8_t key[4];
    struct head h;
    struct hy_segment s;
    int err = hy_segment_read(t, no, &s);
    if (!err)
        err = hy_del(t, HY_TABLE_SEGMENT_NAMES, s.name);
    if (!err)
        err = hy_del(t, HY_TABLE_SEGMENTS, key_of(no, key));
    if (!err)
        err = head_get(t, &h);
    return err ? err : head_put(t, h);
}

/* ---- what is due: sets of leads by (second, segment) ---- */

enum { NEAR_S = 2 * 3600, FAR_S = 2 * 86400, HOUR_S = 3600, DAY_S = 86400 };

static struct hy_lead_set due_set(uint32_t due_s, hy_segment_no no)
{
    return (struct hy_lead_set){.kind = HY_LEAD_SET_DUE, .no = (uint64_t)due_s << 32 | no};
}

uint32_t hy_segment_due_at(hy_wall_ms moment, hy_wall_ms now)
{
    int64_t now_s = now / 1000, at = (moment + 999) / 1000;
    if (at - now_s > FAR_S)
        at -= at % DAY_S;
    else if (at - now_s > NEAR_S)
        at -= at % HOUR_S;
    at = at > now_s ? at : now_s + 1;
    return at < UINT32_MAX ? (uint32_t)at : UINT32_MAX - 1;
}

int hy_segment_due_put(struct hy_txn *t, hy_segment_no no, uint32_t due_s, const hy_lead_no *leads,
                       size_t n)
{
    struct hy_lead_set set = due_set(due_s, no);
    return n == 1 ? hy_lead_set_add(t, set, leads[0], NULL)
                  : hy_lead_set_add_many(t, set, leads, n);
}

/* The first set that is due at or before that second. */
static int due_first(struct hy_txn *t, uint32_t now_s, struct hy_lead_set *ret)
{
    struct hy_lead_set s = {.kind = HY_LEAD_SET_DUE};
    int err = hy_lead_set_following(t, s, &s);
    if (!err && (s.kind != HY_LEAD_SET_DUE || s.no >> 32 > now_s))
        err = HY_ENOTFOUND;
    if (!err)
        *ret = s;
    return err;
}

int hy_segment_due_take(struct hy_txn *t, uint32_t now_s, hy_segment_no *ret_no,
                        hy_lead_no *ret_leads, size_t max, size_t *ret_n)
{
    struct hy_lead_set s;
    size_t n = 0;
    int err = due_first(t, now_s, &s);
    if (!err)
        err = hy_lead_set_next(t, s, 0, ret_leads, max, &n);
    if (!err)
        err = hy_lead_set_remove_many(t, s, ret_leads, n);
    if (err)
        return err;
    *ret_no = (hy_segment_no)s.no;
    *ret_n = n;
    return HY_OK;
}

int hy_segment_due_lag(struct hy_txn *t, uint32_t now_s, uint32_t *ret_s)
{
    struct hy_lead_set s;
    int err = due_first(t, now_s, &s);
    if (err && err != HY_ENOTFOUND)
        return err;
    *ret_s = err ? 0 : now_s - (uint32_t)(s.no >> 32);
    return HY_OK;
}
