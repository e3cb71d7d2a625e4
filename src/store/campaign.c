/* Campaign records: made once, edited before they start; the bundle lies beside them in pieces. */
#include "hayauma/store/campaign.h"

#include <stdlib.h>

#include "progress.h"
#include "record.h"

enum {
    VERSION = 4,
    NAME_VERSION = 1,
    BUNDLE_VERSION = 1,
    PIECE_BYTES = 16 * 4096 - 17
}; /* with its version byte and LMDB's header: 16 pages */
enum {
    RECORD_MAX = 64 + HY_CAMPAIGN_NAME_MAX + 5 * HY_CAMPAIGN_LISTS_MAX + HY_CAMPAIGN_SETTINGS_MAX +
                 HY_CAMPAIGN_NOTE_MAX
};

#define TO(s) (1u << HY_CAMPAIGN_##s)
static const unsigned may_become[] = {
    [HY_CAMPAIGN_DRAFT] = TO(SCHEDULED) | TO(QUEUEING) | TO(CANCELLED),
    [HY_CAMPAIGN_SCHEDULED] = TO(DRAFT) | TO(QUEUEING) | TO(PAUSED) | TO(CANCELLED),
    [HY_CAMPAIGN_QUEUEING] = TO(RUNNING) | TO(PAUSED) | TO(CANCELLED) | TO(DONE),
    [HY_CAMPAIGN_RUNNING] = TO(PAUSED) | TO(CANCELLED) | TO(DONE),
    [HY_CAMPAIGN_PAUSED] = TO(QUEUEING) | TO(RUNNING) | TO(CANCELLED) | TO(DONE),
    [HY_CAMPAIGN_CANCELLED] = 0,
    [HY_CAMPAIGN_DONE] = 0,
};

bool hy_campaign_may_become(enum hy_campaign_state from, enum hy_campaign_state to)
{
    if ((unsigned)from >= sizeof may_become / sizeof *may_become)
        return false;
    return (may_become[from] >> to) & 1;
}

static struct hy_str id_key(uint8_t key[8], hy_id id)
{
    hy_put_be64(key, id);
    return hy_str_make(key, 8);
}

const char *hy_campaign_brake_name(enum hy_campaign_brake b)
{
    static const char *const names[HY_BRAKES] = {"",           "bounces", "complaints",
                                                 "unsendable", "stale",   "other"};
    return (unsigned)b < HY_BRAKES ? names[b] : "?";
}

/* Layout: version u8; varints: created, start_at, bundle bytes, number of lists and their numbers;
 * name, settings and (since version 2) note as length and bytes; (since version 3) tenant, a
 * varint; (since version 4) brake u8.
 */
static int put_record(struct hy_txn *t, const struct hy_campaign *c, enum hy_put_mode mode)
{
    uint8_t key[8], *room = malloc(RECORD_MAX);
    if (!room)
        return hy_txn_fail(t, HY_ENOMEM);
    struct hy_rec_out out = {.p = room, .max = RECORD_MAX};
    rec_put_u8(&out, VERSION);
    rec_put_varint(&out, (uint64_t)c->created);
    rec_put_varint(&out, (uint64_t)c->start_at);
    rec_put_varint(&out, c->bundle_bytes);
    rec_put_varint(&out, c->n_lists);
    for (uint32_t i = 0; i < c->n_lists; i++)
        rec_put_varint(&out, c->lists[i]);
    rec_put_str(&out, c->name);
    rec_put_str(&out, c->settings);
    rec_put_str(&out, c->note);
    rec_put_varint(&out, c->tenant);
    rec_put_u8(&out, (uint8_t)c->brake);
    int err =
        out.bad ? hy_txn_fail(t, HY_ELIMIT)
                : hy_put(t, HY_TABLE_CAMPAIGNS, id_key(key, c->id), hy_str_make(room, out.n), mode);
    free(room);
    return err;
}

static int decode(struct hy_txn *t, hy_id id, struct hy_str value, struct hy_campaign *ret)
{
    struct hy_campaign c = {.id = id};
    struct hy_progress progress;
    int err = hy_value_check(value, VERSION);
    if (err)
        return hy_txn_fail(t, err);
    struct hy_rec_in in = rec_in(hy_str_slice(value, 1, value.n));
    c.created = (hy_wall_ms)rec_get_varint(&in, INT64_MAX);
    c.start_at = (hy_wall_ms)rec_get_varint(&in, INT64_MAX);
    c.bundle_bytes = rec_get_varint(&in, HY_CAMPAIGN_BUNDLE_MAX);
    c.n_lists = (uint32_t)rec_get_varint(&in, HY_CAMPAIGN_LISTS_MAX);
    for (uint32_t i = 0; i < c.n_lists; i++)
        c.lists[i] = (hy_list_no)rec_get_varint(&in, UINT32_MAX);
    c.name = rec_get_str(&in, HY_CAMPAIGN_NAME_MAX);
    c.settings = rec_get_str(&in, HY_CAMPAIGN_SETTINGS_MAX);
    if (value.p[0] >= 2)
        c.note = rec_get_str(&in, HY_CAMPAIGN_NOTE_MAX);
    if (value.p[0] >= 3)
        c.tenant = (uint32_t)rec_get_varint(&in, UINT32_MAX);
    if (value.p[0] >= 4)
        c.brake = (enum hy_campaign_brake)rec_get_u8(&in);
    else if (c.note.n)
        c.brake = HY_BRAKE_OTHER;
    if (in.bad || in.n)
        return hy_txn_fail(t, HY_ECORRUPT);
    err = hy_progress_get(t, id, &progress);
    if (err)
        return err == HY_ENOTFOUND ? hy_txn_fail(t, HY_ECORRUPT) : err;
    c.state = progress.state;
    c.started = progress.started;
    c.ended = progress.ended;
    *ret = c;
    return 0;
}

int hy_campaign_get(struct hy_txn *t, hy_id id, struct hy_campaign *ret)
{
    uint8_t key[8];
    struct hy_str value;
    int err = hy_get(t, HY_TABLE_CAMPAIGNS, id_key(key, id), &value);
    return err ? err : decode(t, id, value, ret);
}

int hy_campaign_next(struct hy_txn *t, hy_id after, struct hy_campaign *ret)
{
    uint8_t key[8];
    struct hy_cursor c;
    if (after == UINT64_MAX)
        return HY_ENOTFOUND;
    int err = hy_cursor_open(t, HY_TABLE_CAMPAIGNS, &c);
    if (!err)
        err = hy_cursor_seek(&c, id_key(key, after + 1));
    if (!err)
        err = c.key.n == 8 ? decode(t, hy_get_be64(c.key.p), c.value, ret)
                           : hy_txn_fail(t, HY_ECORRUPT);
    hy_cursor_close(&c);
    return err;
}

int hy_campaign_reaches(struct hy_txn *t, uint32_t tenant, hy_list_no list, bool *ret)
{
    struct hy_campaign c = {0};
    bool found = false;
    int err = HY_OK;
    while (!found && (err = hy_campaign_next(t, c.id, &c)) == HY_OK)
        for (uint32_t i = 0; i < c.n_lists && c.tenant == tenant && !found; i++)
            found = c.lists[i] == list;
    if (err && err != HY_ENOTFOUND)
        return err;
    *ret = found;
    return HY_OK;
}

int hy_campaign_find(struct hy_txn *t, struct hy_str name, hy_id *ret_id)
{
    struct hy_str value;
    if (name.n == 0 || name.n > HY_CAMPAIGN_NAME_MAX)
        return HY_ENOTFOUND;
    int err = hy_get(t, HY_TABLE_CAMPAIGN_NAMES, name, &value);
    if (err)
        return err;
    err = hy_value_check(value, NAME_VERSION);
    if (err || value.n != 9)
        return hy_txn_fail(t, err ? err : HY_ECORRUPT);
    *ret_id = hy_get_le64(value.p + 1);
    return 0;
}

int hy_campaign_progress(struct hy_txn *t, hy_id id, struct hy_campaign_progress *ret)
{
    struct hy_progress progress;
    int err = hy_progress_get(t, id, &progress);
    if (!err)
        *ret = progress.p;
    return err;
}

/* ---- the bundle: key campaign id, piece no be32; value version u8 and PIECE_BYTES of it */

static struct hy_str piece_key(uint8_t key[12], hy_id id, uint32_t piece)
{
    hy_put_be64(key, id);
    hy_put_be32(key + 8, piece);
    return hy_str_make(key, 12);
}

static int put_bundle(struct hy_txn *t, hy_id id, struct hy_str bundle)
{
    uint8_t key[12];
    for (uint32_t piece = 0; bundle.n > 0; piece++) {
        struct hy_str part = hy_str_slice(bundle, 0, PIECE_BYTES);
        uint8_t *room;
        int err = hy_put_reserve(t, HY_TABLE_BUNDLES, piece_key(key, id, piece), part.n + 1,
                                 HY_PUT_SET, &room);
        if (err)
            return err;
        room[0] = BUNDLE_VERSION;
        memcpy(room + 1, part.p, part.n);
        bundle = hy_str_slice(bundle, part.n, bundle.n);
    }
    return 0;
}

int hy_campaign_bundle(struct hy_txn *t, hy_id id, struct hy_buf *out)
{
    uint8_t key[12];
    struct hy_campaign c;
    int err = hy_campaign_get(t, id, &c);
    if (err)
        return err;
    uint64_t left = c.bundle_bytes;
    for (uint32_t piece = 0; left > 0; piece++) {
        struct hy_str v;
        err = hy_get(t, HY_TABLE_BUNDLES, piece_key(key, id, piece), &v);
        if (err)
            return err == HY_ENOTFOUND ? hy_txn_fail(t, HY_ECORRUPT) : err;
        err = hy_value_check(v, BUNDLE_VERSION);
        if (err || v.n == 1 || v.n - 1 > left)
            return hy_txn_fail(t, err ? err : HY_ECORRUPT);
        hy_buf_add(out, v.p + 1, v.n - 1);
        left -= v.n - 1;
    }
    return out->err;
}

/* ---- writing ---- */

static int check(const struct hy_campaign *c, struct hy_str bundle)
{
    if (c->name.n == 0 || c->start_at < 0 || !hy_str_is_utf8(c->name))
        return HY_EINVAL;
    for (size_t i = 0; i < c->name.n; i++)
        if ((uint8_t)c->name.p[i] < 0x20 || c->name.p[i] == 0x7f)
            return HY_EINVAL;
    if (c->name.n > HY_CAMPAIGN_NAME_MAX || c->n_lists > HY_CAMPAIGN_LISTS_MAX ||
        c->settings.n > HY_CAMPAIGN_SETTINGS_MAX || bundle.n > HY_CAMPAIGN_BUNDLE_MAX)
        return HY_ELIMIT;
    return 0;
}

int hy_campaign_create(struct hy_txn *t, struct hy_campaign *c, struct hy_str bundle)
{
    uint8_t name_value[9] = {NAME_VERSION};
    hy_id taken;
    int err = check(c, bundle);
    if (err)
        return err;
    err = hy_campaign_find(t, c->name, &taken);
    if (err != HY_ENOTFOUND)
        return err ? err : HY_EEXIST;
    struct hy_campaign fresh = *c;
    fresh.id = hy_txn_new_id(t);
    fresh.state = HY_CAMPAIGN_DRAFT;
    fresh.created = t->now;
    fresh.started = fresh.ended = 0;
    fresh.bundle_bytes = bundle.n;
    hy_put_le64(name_value + 1, fresh.id);
    err = put_record(t, &fresh, HY_PUT_NEW);
    if (!err)
        err = hy_put(t, HY_TABLE_CAMPAIGN_NAMES, fresh.name,
                     hy_str_make(name_value, sizeof name_value), HY_PUT_NEW);
    if (!err)
        err = hy_progress_create(t, fresh.id, &(struct hy_progress){0});
    if (!err)
        err = put_bundle(t, fresh.id, bundle);
    if (!err)
        *c = fresh;
    return err;
}

static int put_note(struct hy_txn *t, hy_id id, enum hy_campaign_brake brake, struct hy_str note)
{
    struct hy_campaign c;
    int err = hy_campaign_get(t, id, &c);
    if (err || (c.brake == brake && hy_str_eq(c.note, note)))
        return err;
    c.brake = brake;
    c.note = hy_str_slice(note, 0, HY_CAMPAIGN_NOTE_MAX);
    return put_record(t, &c, HY_PUT_SET);
}

int hy_campaign_hold(struct hy_txn *t, hy_id id, enum hy_campaign_brake brake, struct hy_str why)
{
    int err = hy_campaign_move(t, id, HY_CAMPAIGN_PAUSED);
    return err ? err : put_note(t, id, brake, why);
}

int hy_campaign_move(struct hy_txn *t, hy_id id, enum hy_campaign_state to)
{
    struct hy_progress now, *p;
    int err = hy_progress_get(t, id, &now);
    if (err)
        return err;
    err = hy_progress_move(&now, to, t->now);
    if (err)
        return err;
    err = hy_progress_edit(t, id, &p);
    if (!err)
        *p = now;
    return err;
}

int hy_campaign_resume(struct hy_txn *t, hy_id id, enum hy_campaign_state *ret_state)
{
    struct hy_progress now, *p;
    int err = hy_progress_get(t, id, &now);
    if (err)
        return err;
    if (now.state != HY_CAMPAIGN_PAUSED)
        return HY_EINVAL;
    now.state = HY_CAMPAIGN_QUEUEING;
    if (now.started == 0) /* its schedule was held */
        now.started = t->now;
    hy_progress_finish(&now, t->now);
    err = hy_progress_edit(t, id, &p);
    if (err)
        return err;
    *p = now;
    err = put_note(t, id, HY_BRAKE_NONE, HY_STR(""));
    if (!err)
        *ret_state = now.state;
    return err;
}

int hy_campaign_edit(struct hy_txn *t, hy_id id, struct hy_str settings, hy_wall_ms start_at)
{
    struct hy_campaign c;
    int err = hy_campaign_get(t, id, &c);
    if (err)
        return err;
    if ((c.state != HY_CAMPAIGN_DRAFT && c.state != HY_CAMPAIGN_SCHEDULED) || start_at < 0)
        return HY_EINVAL;
    if (settings.n > HY_CAMPAIGN_SETTINGS_MAX)
        return HY_ELIMIT;
    c.settings = settings;
    c.start_at = start_at;
    return put_record(t, &c, HY_PUT_SET);
}
