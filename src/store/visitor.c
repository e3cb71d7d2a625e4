/* Visitors that become leads. */
#include "hayauma/store/visitor.h"

#include "activity.h"
#include "hayauma/store/company_visit.h"
#include "hayauma/store/identity.h"
#include "hayauma/store/lead_alias.h"
#include "lead_priv.h"

static struct hy_identity identity_of(uint64_t visitor, uint8_t room[8])
{
    hy_put_be64(room, visitor);
    return (struct hy_identity){.kind = HY_IDENTITY_VISITOR, .value = hy_str_make(room, 8)};
}

/* 0 in *ret: nobody's. */
static int owner_of(struct hy_txn *t, uint64_t visitor, hy_lead_no *ret)
{
    uint8_t room[8];
    struct hy_identity i = identity_of(visitor, room);
    *ret = 0;
    int err = hy_identity_find(t, &i, ret);
    return err == HY_ENOTFOUND ? HY_OK : err;
}

/* Somebody else at the same browser: always the same number for the same two. */
static uint64_t number_of(const struct hy_env *env, uint64_t visitor, hy_lead_no lead)
{
    const struct hy_hash_key key = hy_lead_hash_key(env);
    uint8_t both[12];
    hy_put_be64(both, visitor);
    hy_put_be32(both + 8, lead);
    uint64_t n = hy_siphash(&key, both, sizeof both);
    return n ? n : 1;
}

/* ---- joining ---- */

struct ids {
    hy_id id[HY_VISITOR_JOINED_MAX];
    size_t n;
    size_t want;
    uint8_t flag; /* those that have it, or (0) those of nobody */
};

/* The visitor's newest ones before `before` (0: all) that were noted at `floor` or later. Bounded
 * by what is looked at, too: claims, and what is somebody's already, are passed over. */
static int collect(struct hy_txn *t, uint64_t visitor, hy_id before, hy_id floor, struct ids *ids)
{
    const struct hy_activity_who who = {.by = HY_ACTIVITY_BY_VISITOR, .visitor = visitor};
    struct hy_activity a = {0};
    int err = HY_OK;
    for (size_t looked = 0; looked < HY_VISITOR_LOOKED_MAX && ids->n < ids->want; looked++) {
        err = hy_activity_prev_of(t, &who, before, &a);
        if (err || a.id < floor)
            break;
        before = a.id;
        bool is_one =
            ids->flag ? (a.flags & ids->flag) != 0 : a.lead == 0 && a.kind != HY_ACTIVITY_IDENTIFY;
        if (is_one)
            ids->id[ids->n++] = a.id;
    }
    return err == HY_ENOTFOUND ? HY_OK : err;
}

static int join(struct hy_txn *t, const struct hy_activity *a, int64_t back_ms, uint32_t *ret_n)
{
    struct ids ids = {.want = HY_VISITOR_JOINED_MAX};
    hy_wall_ms since = t->now - back_ms;
    int err =
        back_ms <= 0 ? HY_OK : collect(t, a->visitor, 0, hy_id_floor(since > 0 ? since : 0), &ids);
    for (size_t i = 0; i < ids.n && !err; i++)
        err = hy_activity_give(t, ids.id[i], a->lead, HY_ACTIVITY_JOINED);
    *ret_n = (uint32_t)ids.n;
    return err;
}

static int identify(struct hy_txn *t, const struct hy_activity *a, int64_t back_ms, uint32_t *ret_n)
{
    uint8_t room[8];
    struct hy_identity i = identity_of(a->visitor, room);
    int err = hy_identity_put(t, &i, a->lead);
    return err ? err : join(t, a, back_ms, ret_n);
}

static int note_identify(struct hy_txn *t, const struct hy_activity *a, uint32_t joined)
{
    struct hy_activity note = {
        .kind = HY_ACTIVITY_IDENTIFY,
        .at = a->at,
        .tenant = a->tenant,
        .campaign = a->campaign,
        .message = a->message,
        .lead = a->lead,
        .visitor = a->visitor,
        .link = joined,
        .text = HY_STR("mail"),
        .source = a->source,
        .agent = a->agent,
        .url = a->url,
    };
    memcpy(note.ip, a->ip, sizeof note.ip);
    return hy_activity_put(t, &note);
}

static int put_known(struct hy_txn *t, struct hy_activity *a, int64_t back_ms)
{
    uint32_t joined = 0;
    int err = identify(t, a, back_ms, &joined);
    if (!err && a->kind == HY_ACTIVITY_IDENTIFY)
        a->link = joined;
    else if (!err)
        err = note_identify(t, a, joined);
    return err ? err : hy_activity_put(t, a);
}

/* A token outlives its lead: who was erased is nobody again, who was merged is the lead that was
 * kept. */
static int find_now(struct hy_txn *t, struct hy_activity *a)
{
    struct lead_record lead;
    int err = a->lead ? hy_lead_kept(t, a->lead, &a->lead) : HY_OK;
    if (!err && a->lead)
        err = hy_lead_record_get(t, a->lead, &lead);
    if (err != HY_ENOTFOUND)
        return err;
    a->lead = 0;
    a->campaign = 0;
    return HY_OK;
}

int hy_visitor_put(struct hy_txn *t, struct hy_activity *a, int64_t back_ms)
{
    hy_lead_no owner = 0;
    int err = find_now(t, a);
    if (!err)
        err = owner_of(t, a->visitor, &owner);
    if (!err && owner && a->lead && owner != a->lead) {
        a->visitor = number_of(t->env, a->visitor, a->lead);
        err = owner_of(t, a->visitor, &owner);
    }
    if (err)
        return err;
    if (a->lead && owner != a->lead)
        return put_known(t, a, back_ms);
    if (!a->lead && a->kind != HY_ACTIVITY_IDENTIFY)
        a->lead = owner;
    if (a->kind == HY_ACTIVITY_IDENTIFY)
        a->link = 0; /* nothing joins by it */
    err = hy_activity_put(t, a);
    return err ? err : hy_company_visit_note(t, a);
}

int hy_visitor_joined(struct hy_txn *t, const struct hy_activity *note,
                      int (*each)(void *ctx, const struct hy_activity *a), void *ctx)
{
    struct ids ids = {.want = note->link, .flag = HY_ACTIVITY_JOINED};
    struct hy_activity a;
    if (ids.want > HY_VISITOR_JOINED_MAX)
        ids.want = HY_VISITOR_JOINED_MAX;
    int err = collect(t, note->visitor, note->id, 0, &ids);
    while (ids.n && !err) {
        err = hy_activity_get(t, ids.id[--ids.n], &a);
        err = err == HY_OK ? each(ctx, &a) : err == HY_ENOTFOUND ? HY_OK : err;
    }
    return err;
}
