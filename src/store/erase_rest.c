/* Erasing one person: the suppression list, what it did, and its own records. */
#include <stdlib.h>

#include "activity.h"
#include "erase.h"
#include "hayauma/store/cart.h"
#include "hayauma/store/consent.h"
#include "hayauma/store/lead_change.h"
#include "hayauma/store/lead_edit.h"
#include "hayauma/store/lead_set.h"
#include "hayauma/store/score.h"
#include "hayauma/store/suppress.h"
#include "lead_alias.h"
#include "lead_priv.h"

/* First of all, so that nothing more is sent: what is known of its addresses becomes a hash. */
int hy_erase_suppress(struct erasing *e)
{
    int err = 0;
    for (size_t i = 0; i < e->names.n && !err; i++) {
        const struct hy_suppress_entry entry = {
            .key = {.scope = HY_SUPPRESS_ALL, .reason = HY_SUPPRESS_ERASED},
            .is_hashed = true,
            .what = hy_str_of(e->names.address[i]),
            .by = hy_str_make(e->r.by, e->r.by_n),
        };
        err = hy_suppress_put(e->t, &entry, NULL);
    }
    return err;
}

/* ---- activities ---- */

static int drop_activity(struct erasing *e, hy_id id)
{
    uint8_t key[8];
    struct hy_cursor c;
    hy_put_be64(key, id);
    int err = hy_cursor_open(e->t, HY_TABLE_ACTIVITIES, &c);
    if (!err)
        err = hy_cursor_find(&c, hy_str_make(key, sizeof key));
    if (!err)
        err = hy_activity_drop(&c);
    hy_cursor_close(&c);
    e->r.activities += !err;
    return err;
}

int hy_erase_activities_of(struct erasing *e, const struct hy_activity_who *who)
{
    struct hy_activity a;
    int err;
    for (;;) {
        err = hy_activity_prev_of(e->t, who, 0, &a);
        if (!err)
            err = drop_activity(e, a.id);
        if (err)
            return err == HY_ENOTFOUND ? 0 : err;
        if (hy_txn_should_yield(e->t))
            return HY_EMORE;
    }
}

/* Stores of before had no limit for visitors but that of all ids. */
enum { VISITORS_MAX = HY_IDENTITIES_MAX };

struct visitors {
    uint64_t no[VISITORS_MAX];
    size_t n;
};

static int add_visitor(void *ctx, const struct hy_identity *i)
{
    struct visitors *v = ctx;
    if (i->kind == HY_IDENTITY_VISITOR && i->value.n == 8 && v->n < VISITORS_MAX)
        v->no[v->n++] = hy_get_be64(i->value.p);
    return 0;
}

/* With what its browsers did before it was known whose they are. */
static int drop_of_lead(struct erasing *e, hy_lead_no lead)
{
    struct hy_activity_who who = {.by = HY_ACTIVITY_BY_LEAD, .lead = lead, .is_number = true};
    struct visitors v = {.n = 0};
    int err = hy_erase_activities_of(e, &who);
    if (!err)
        err = hy_identity_each(e->t, lead, add_visitor, &v);
    for (size_t i = 0; i < v.n && !err; i++) {
        who = (struct hy_activity_who){.by = HY_ACTIVITY_BY_VISITOR, .visitor = v.no[i]};
        err = hy_erase_activities_of(e, &who);
    }
    return err;
}

int hy_erase_activities(struct erasing *e)
{
    int err = 0;
    for (size_t i = 0; i < e->n_parts && !err; i++)
        err = drop_of_lead(e, e->parts[i]);
    for (size_t i = 0; i < e->names.n && !err; i++) {
        const struct hy_activity_who who = {.by = HY_ACTIVITY_BY_ADDRESS,
                                            .address = hy_str_of(e->names.address[i])};
        err = hy_erase_activities_of(e, &who);
    }
    return err;
}

/* ---- the lead ---- */

/* Tags and groups go with the lead's record; what a campaign counted stays, as numbers. */
static bool has_own_way(uint8_t kind)
{
    return kind == HY_LEAD_SET_TAG || kind == HY_LEAD_SET_GROUP || kind == HY_LEAD_SET_CAMPAIGN ||
           kind == HY_LEAD_SET_LINK;
}

/* Segments, thresholds and the like; kinds that are not meant are passed over at once. pos: the set
 * that was left last, its kind and `what` as one, then its number; SETS_LEFT: all were. */
#define SETS_LEFT UINT64_MAX
static int leave_sets(struct erasing *e)
{
    struct hy_lead_set s = {
        .kind = (uint8_t)(e->r.pos[0] >> 8), .what = (uint8_t)e->r.pos[0], .no = e->r.pos[1]};
    int err = 0;
    if (e->r.pos[0] == SETS_LEFT)
        return 0;
    while ((err = hy_lead_set_following(e->t, s, &s)) == 0) {
        if (has_own_way(s.kind)) {
            s.no = UINT64_MAX;
            s.what = UINT8_MAX;
            continue;
        }
        for (size_t i = 0; i < e->n_parts && !err; i++)
            err = hy_lead_set_remove(e->t, s, e->parts[i], NULL);
        if (err)
            return err;
        e->r.pos[0] = (uint64_t)s.kind << 8 | s.what;
        e->r.pos[1] = s.no;
        if (hy_txn_should_yield(e->t))
            return HY_EMORE;
    }
    if (err != HY_ENOTFOUND)
        return err;
    e->r.pos[0] = SETS_LEFT;
    return 0;
}

/* One number of the person. */
static int delete_part(struct erasing *e, hy_lead_no lead)
{
    enum { CONSENTS_AT_ONCE = 1000 };
    int err = hy_consent_forget(e->t, lead, CONSENTS_AT_ONCE);
    if (!err)
        err = hy_scores_erase(e->t, lead);
    if (!err)
        err = hy_purchase_forget(e->t, lead);
    if (!err)
        err = hy_cart_forget(e->t, lead);
    if (!err)
        err = hy_lead_changed(e->t, HY_LEAD_ERASED, &lead, 1);
    if (!err)
        err = hy_lead_delete(e->t, lead);
    return err == HY_ENOTFOUND ? 0 : err;
}

/* The parts first, the lead that stands for them last: as long as its record is there, an
 * interrupted job finds all of them. */
int hy_erase_lead(struct erasing *e)
{
    int err = e->n_parts ? leave_sets(e) : 0;
    for (size_t i = e->n_parts; i-- > 0 && !err;) {
        err = delete_part(e, e->parts[i]);
        if (!err && i > 0)
            err = hy_lead_alias_del(e->t, e->parts[i]);
        if (!err && i > 0)
            err = hy_erase_note(e, e->parts[i]);
    }
    return err;
}
