/* From what was told to an activity of a lead. */
#include "hayauma/store/told.h"

#include "hayauma/mail/address.h"
#include "hayauma/store/activity.h"
#include "hayauma/store/lead_edit.h"
#include "hayauma/store/visitor.h"
#include "lead_priv.h"

/* The identity that stands in for an address as well: a lead is found by further ones, too. */
static enum hy_identity_kind identity_kind(enum hy_told_by by)
{
    switch (by) {
    case HY_TOLD_EXTERNAL:
        return HY_IDENTITY_EXTERNAL;
    case HY_TOLD_LINE:
        return HY_IDENTITY_LINE;
    case HY_TOLD_PHONE:
        return HY_IDENTITY_PHONE;
    default:
        return HY_IDENTITY_ADDRESS;
    }
}

static int find_by_number(struct hy_txn *t, hy_lead_no no, hy_lead_no *ret)
{
    struct lead_record lead;
    int err = hy_lead_record_get(t, no, &lead);
    if (err == HY_OK)
        *ret = no;
    return err;
}

/* HY_ENOTFOUND, HY_EPARSE with a note. */
static int find_by_identity(struct hy_txn *t, const struct hy_told *x, hy_lead_no *ret,
                            struct hy_diag *diag)
{
    char room[HY_IDENTITY_MAX];
    struct hy_identity i = {.kind = identity_kind(x->by)};
    int err = hy_identity_read(i.kind, x->who, room, &i.value, diag);
    if (err == HY_OK && x->by == HY_TOLD_EMAIL && hy_lead_find(t, i.value, ret) == HY_OK)
        return HY_OK;
    return err ? err : hy_identity_find(t, &i, ret);
}

int hy_told_find_lead(struct hy_txn *t, const struct hy_told *x, hy_lead_no *ret,
                      struct hy_diag *diag)
{
    return x->by == HY_TOLD_LEAD ? find_by_number(t, x->lead, ret)
                                 : find_by_identity(t, x, ret, diag);
}

static int make(struct hy_txn *t, const struct hy_told *x, const struct hy_told_how *how,
                struct hy_told_result *r, struct hy_diag *diag)
{
    const struct hy_lead_edit_identity i = {.identity = {identity_kind(x->by), x->who}};
    struct hy_lead_edit edit = {.mode = HY_LEAD_EDIT_NEW, .by = how->by};
    struct hy_lead_edit_result made;
    if (x->by == HY_TOLD_EMAIL) {
        edit.address = x->who;
    } else {
        edit.identities = &i;
        edit.n_identities = 1;
    }
    int err = hy_lead_edit(t, &edit, &made, diag);
    if (err == HY_OK) {
        r->lead = made.lead;
        r->is_new = true;
    }
    return err;
}

/* 0: r->lead is known, or r->did says why nothing is noted. */
static int find_lead(struct hy_txn *t, const struct hy_told *x, const struct hy_told_how *how,
                     struct hy_told_result *r, struct hy_diag *diag)
{
    int err = x->by == HY_TOLD_NOBODY ? HY_OK : hy_told_find_lead(t, x, &r->lead, diag);
    if (err == HY_ENOTFOUND && how->makes_leads && x->by != HY_TOLD_LEAD)
        err = make(t, x, how, r, diag);
    if (err == HY_ENOTFOUND)
        r->did = HY_TOLD_NO_LEAD;
    else if (err == HY_EPARSE || (err == HY_EINVAL && !t->err))
        r->did = HY_TOLD_BAD_WHO;
    else
        return err;
    return HY_OK;
}

static bool is_duplicate(struct hy_txn *t, const struct hy_told *x, struct hy_told_result *r)
{
    const struct hy_activity_who who = {.by = HY_ACTIVITY_BY_REF, .ref = x->ref};
    struct hy_activity before;
    if (!x->ref.n || hy_activity_prev_of(t, &who, 0, &before) != HY_OK)
        return false;
    r->did = HY_TOLD_DUPLICATE;
    r->id = before.id;
    r->lead = before.lead;
    return true;
}

int hy_told_put(struct hy_txn *t, const struct hy_told *x, const struct hy_told_how *how,
                struct hy_told_result *ret, struct hy_diag *diag)
{
    struct hy_told_result r = {.did = HY_TOLD_NOTED};
    if (!is_duplicate(t, x, &r)) {
        int err = find_lead(t, x, how, &r, diag);
        if (err)
            return err;
        if (r.did == HY_TOLD_NOTED) {
            struct hy_activity a = hy_told_activity(x);
            a.lead = r.lead;
            if (!a.source.n)
                a.source = how->source;
            err = a.visitor ? hy_visitor_put(t, &a, how->back_ms) : hy_activity_put(t, &a);
            if (err)
                return err;
            r.id = a.id;
            r.lead = a.lead;
        }
    }
    *ret = r;
    return HY_OK;
}
