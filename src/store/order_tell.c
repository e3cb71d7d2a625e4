/* From what a shop tells of an order to an activity, if it is news. */
#include "hayauma/store/order_tell.h"

#include "hayauma/store/lead_alias.h"
#include "hayauma/track/order.h"
#include "purchase_items.h"

/* What is told against what is known. */
struct news {
    bool is_known; /* there is such an order */
    bool is_same;  /* nothing new is told */
    bool has_other_items;
    enum hy_purchase_state was;
    hy_id told;
};

static bool is_older(const struct hy_order_told *x, const struct hy_purchase *old)
{
    if (x->changed)
        return x->changed < old->changed;
    return x->order.state == HY_PURCHASE_PLACED && old->state != HY_PURCHASE_PLACED;
}

/* Whether the order is that lead's already; one that is not there is another's. */
static int is_lead(struct hy_txn *t, const struct hy_order_told *x, hy_lead_no old, bool *ret)
{
    struct hy_diag diag = {""};
    hy_lead_no lead = 0, kept = 0;
    *ret = false;
    int err = hy_told_find_lead(t, &x->who, &lead, &diag);
    if (err == HY_ENOTFOUND || err == HY_EPARSE)
        return HY_OK;
    if (!err && old)
        err = hy_lead_kept(t, old, &kept);
    *ret = lead == old || lead == kept;
    return err;
}

static int compare(struct hy_txn *t, const struct hy_order_told *x, struct hy_arena *arena,
                   struct news *ret)
{
    struct hy_order order = x->order;
    struct hy_purchase old, p;
    bool is_its = false;
    *ret = (struct news){.is_known = true};
    int err = hy_purchase_get(t, x->order.id, &old);
    if (err == HY_ENOTFOUND) {
        ret->is_known = false;
        return HY_OK;
    }
    if (!err)
        err = is_lead(t, x, old.lead, &is_its);
    if (!err)
        err = purchase_complete(t, &old, arena, &order);
    if (!err)
        err = hy_purchase_after(&old, &order, arena, &p);
    if (err)
        return err;
    ret->was = old.state;
    ret->told = old.told;
    ret->has_other_items = !hy_str_eq(p.items, old.items);
    ret->is_same =
        is_older(x, &old) || (is_its && !ret->has_other_items && p.state == old.state &&
                              p.placed == old.placed && p.amount_milli == old.amount_milli &&
                              strcmp(p.currency, old.currency) == 0 && hy_str_eq(p.cart, old.cart));
    return HY_OK;
}

/* As an activity: an order that was placed before, and still is, was changed. */
static int tell(struct hy_txn *t, const struct hy_order_told *x, const struct hy_told_how *how,
                const struct news *news, struct hy_order_result *ret, struct hy_diag *diag)
{
    struct hy_buf meta HY_CLEANUP(hy_buf_free) = HY_BUF_INIT(HY_ACTIVITY_META_MAX);
    enum hy_purchase_state state = x->order.state;
    struct hy_order order = x->order;
    struct hy_told told = x->who;
    bool is_change = news->is_known && (!state || state == news->was);
    told.kind = HY_ACTIVITY_ORDER;
    told.at = x->changed ? x->changed : news->is_known ? 0 : x->order.placed;
    if (!news->is_known && told.at == order.placed)
        order.placed = 0; /* the activity says it */
    hy_order_write(&meta, &order,
                   is_change ? "changed"
                             : hy_purchase_state_name(state ? state : HY_PURCHASE_PLACED));
    if (meta.err)
        return meta.err;
    told.meta = hy_buf_str(&meta);
    return hy_told_put(t, &told, how, &ret->told, diag);
}

int hy_order_tell(struct hy_txn *t, const struct hy_order_told *x, const struct hy_told_how *how,
                  hy_id since, struct hy_order_result *ret, struct hy_diag *diag)
{
    struct hy_arena arena = HY_ARENA_INIT(PURCHASE_ARENA_MAX);
    struct hy_order_result r = {.told = {.did = HY_TOLD_DUPLICATE}};
    struct news news;
    int err = compare(t, x, &arena, &news);
    hy_arena_free(&arena);
    if (err)
        return err;
    r.is_new = !news.is_known;
    if (news.is_known && since && news.told > since && news.has_other_items)
        r.is_apart = true;
    else if (!news.is_same)
        err = tell(t, x, how, &news, &r, diag);
    else
        r.told.id = news.told;
    if (!err)
        *ret = r;
    return err;
}
