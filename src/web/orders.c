/* /v1/orders, /v1/carts: what people bought, and what lies in their carts: told by shops, up to a
 * thousand a call, and asked for. */
#include "hayauma/base/list.h"
#include "hayauma/store/order_tell.h"
#include "hayauma/track/order.h"
#include "hayauma/web/order_json.h"
#include "hayauma/web/order_report.h"
#include "tell.h"

enum { CARTS_USUAL = 100, CARTS_MAX = 1000, REPORT_S_MAX = 60 };

/* ---- POST ---- */

/* Of one object: whose it is and when, as of any activity, and the details beside that. */
static const char *const whose[] = {"lead",    "email", "external_id", "line_id", "phone",
                                    "visitor", "at",    "source",      "id"};

static bool is_whose(const char *name)
{
    for (size_t i = 0; i < sizeof whose / sizeof *whose; i++)
        if (strcmp(name, whose[i]) == 0)
            return true;
    return false;
}

/* References of both are the caller's. HY_ENOMEM. */
static int part(json_t *object, const char *kind, json_t **ret_activity, json_t **ret_meta)
{
    json_t *a = json_pack("{s:s}", "kind", kind), *meta = json_object(), *v;
    const char *name;
    int err = a && meta ? HY_OK : HY_ENOMEM;
    json_object_foreach(object, name, v) if (json_object_set(is_whose(name) ? a : meta, name, v) !=
                                             0) err = HY_ENOMEM;
    *ret_activity = a;
    *ret_meta = meta;
    return err;
}

static const char *const order_fields[] = {"order", "amount", "currency", "status",
                                           "cart",  "placed", "items",    NULL};
static const char *const cart_fields[] = {"cart", "amount", "currency", "status", "items", NULL};

static int check_fields(json_t *meta, const char *const *known, struct hy_told_fault *fault)
{
    const char *name;
    json_t *v;
    json_object_foreach(meta, name, v)
    {
        size_t i = 0;
        while (known[i] && strcmp(known[i], name) != 0)
            i++;
        if (known[i])
            continue;
        fault->code = "unknown_field";
        snprintf(fault->field, sizeof fault->field, "%.60s", name);
        snprintf(fault->message, sizeof fault->message, "There is no such field.");
        return HY_EINVAL;
    }
    return HY_OK;
}

static int not_an_object(struct hy_told_fault *fault)
{
    fault->code = "invalid_type";
    snprintf(fault->message, sizeof fault->message, "This must be an object.");
    return HY_EINVAL;
}

static int read_order(json_t *object, hy_wall_ms now, struct hy_arena *arena, struct web_told *ret,
                      struct hy_told_fault *fault)
{
    json_t *activity = NULL, *meta = NULL;
    if (!json_is_object(object))
        return not_an_object(fault);
    int err = part(object, "order", &activity, &meta);
    if (!err)
        err = hy_told_read(activity, now, arena, &ret->told, fault);
    if (!err)
        err = check_fields(meta, order_fields, fault);
    if (!err)
        err = hy_order_read(meta, arena, &ret->order, fault); /* its strings are the call's JSON */
    json_decref(activity);
    json_decref(meta);
    return err;
}

static int put_order(struct hy_txn *t, const struct web_told *x, const struct hy_told_how *how,
                     struct hy_told_result *ret, struct hy_diag *diag)
{
    const struct hy_order_told told = {.who = x->told, .order = x->order, .changed = x->told.at};
    struct hy_order_result r = {.is_new = false};
    int err = hy_order_tell(t, &told, how, 0, &r, diag);
    if (!err)
        *ret = r.told;
    return err;
}

static int read_cart(json_t *object, hy_wall_ms now, struct hy_arena *arena, struct web_told *ret,
                     struct hy_told_fault *fault)
{
    json_t *activity = NULL, *meta = NULL;
    enum hy_cart_state state;
    if (!json_is_object(object))
        return not_an_object(fault);
    int err = part(object, "cart", &activity, &meta);
    if (!err)
        err = check_fields(meta, cart_fields, fault);
    if (!err)
        err = hy_cart_read(meta, arena, &ret->order, &state, fault);
    if (!err && json_object_set(activity, "meta", meta) != 0)
        err = HY_ENOMEM;
    if (!err)
        err = hy_told_read(activity, now, arena, &ret->told, fault);
    json_decref(activity);
    json_decref(meta);
    return err;
}

static int put_cart(struct hy_txn *t, const struct web_told *x, const struct hy_told_how *how,
                    struct hy_told_result *ret, struct hy_diag *diag)
{
    return hy_told_put(t, &x->told, how, ret, diag);
}

static void post_orders(struct web_call *c)
{
    static const struct web_telling orders = {"orders", read_order, put_order};
    web_tell(c, &orders);
}

static void post_carts(struct web_call *c)
{
    static const struct web_telling carts = {"carts", read_cart, put_cart};
    web_tell(c, &carts);
}

/* ---- GET ---- */

struct look {
    struct hy_told who;
    struct hy_str id; /* of one order or cart */
    bool is_of_all;   /* open carts */
    hy_wall_ms until;
    size_t limit;
    json_t *found;
    int err;
};

static void look_free(void *state)
{
    json_decref(((struct look *)state)->found);
}

static void answer(struct web_call *c)
{
    struct look *l = c->state;
    if (l->err == HY_ENOTFOUND || l->err == HY_EPARSE)
        web_fail(c, 404, "not_found", l->id.n ? NULL : hy_told_by_name(l->who.by),
                 l->id.n ? "There is nothing of this number." : "There is no such lead.");
    else if (l->err != HY_OK)
        web_fail_err(c, l->err);
    else
        web_answer(c, 200, json_incref(l->found));
}

/* The worker's thread, as those below. */
static void gather_order(struct web_call *c, struct hy_txn *t)
{
    struct look *l = c->state;
    struct hy_purchase p;
    l->err = t ? hy_purchase_get(t, l->id, &p) : HY_EIO;
    if (l->err == HY_OK)
        l->err = hy_purchase_json(&p, &l->found);
    web_later(c, answer);
}

static void gather_cart(struct web_call *c, struct hy_txn *t)
{
    struct look *l = c->state;
    struct hy_cart cart;
    l->err = t ? hy_cart_get(t, l->id, &cart) : HY_EIO;
    if (l->err == HY_OK)
        l->err = hy_cart_json(&cart, &l->found);
    web_later(c, answer);
}

static void gather_orders(struct web_call *c, struct hy_txn *t)
{
    struct look *l = c->state;
    struct hy_diag diag = {""};
    hy_lead_no lead = 0;
    l->found = json_object();
    l->err = t ? hy_told_find_lead(t, &l->who, &lead, &diag) : HY_EIO;
    if (l->err == HY_OK)
        l->err = hy_customer_json(t, lead, l->found);
    web_later(c, answer);
}

static void gather_carts(struct web_call *c, struct hy_txn *t)
{
    struct look *l = c->state;
    struct hy_diag diag = {""};
    hy_lead_no lead = 0;
    l->found = json_object();
    l->err = !t ? HY_EIO : l->is_of_all ? HY_OK : hy_told_find_lead(t, &l->who, &lead, &diag);
    if (l->err == HY_OK)
        l->err = l->is_of_all ? hy_open_carts_json(t, l->until, l->limit, l->found)
                              : hy_carts_json(t, lead, l->found);
    web_later(c, answer);
}

/* NULL: it is answered. */
static struct look *look_new(struct web_call *c)
{
    if (!web_is_installation(c))
        return NULL;
    struct look *l = hy_arena_zalloc(&c->arena, sizeof *l);
    if (!l) {
        web_fail_err(c, HY_ENOMEM);
        return NULL;
    }
    c->state = l;
    c->state_free = look_free;
    return l;
}

static void look_with(struct web_call *c, web_work_fn *gather)
{
    if (web_work(c, gather) != HY_OK)
        web_fail_err(c, HY_EBUSY);
}

static void get_one(struct web_call *c, web_work_fn *gather)
{
    struct look *l = look_new(c);
    if (!l)
        return;
    l->id = web_param(c, 0);
    look_with(c, gather);
}

static void get_order(struct web_call *c)
{
    get_one(c, gather_order);
}

static void get_cart(struct web_call *c)
{
    get_one(c, gather_cart);
}

static void get_orders(struct web_call *c)
{
    struct look *l = look_new(c);
    if (l && web_read_who(c, &l->who))
        look_with(c, gather_orders);
}

/* Open carts of all, or those of one lead. */
static void get_carts(struct web_call *c)
{
    struct look *l = look_new(c);
    struct hy_str text;
    uint64_t older_s, limit;
    if (!l)
        return;
    l->is_of_all = web_query(c, HY_STR("older"), 0, &text);
    if (!web_query_number(c, "older", 0, UINT32_MAX, 0, &older_s) ||
        !web_query_number(c, "limit", 1, CARTS_MAX, CARTS_USUAL, &limit))
        return;
    l->limit = (size_t)limit;
    l->until = hy_clock_wall_ms() - (hy_wall_ms)older_s * 1000;
    if (l->is_of_all || web_read_who(c, &l->who))
        look_with(c, gather_carts);
}

/* ---- GET /v1/orders/report: on the thread for what goes through all ---- */

struct reporting {
    struct hy_order_report wish;
    hy_us until;
    json_t *found;
    const char *field;
    int err;
    struct hy_diag diag;
};

static void reporting_free(void *state)
{
    json_decref(((struct reporting *)state)->found);
}

static void answer_report(struct web_call *c)
{
    struct reporting *r = c->state;
    if (r->err == HY_OK)
        web_answer(c, 200, json_incref(r->found));
    else if (r->err == HY_ECANCELED)
        web_fail(c, 503, "timeout", NULL, "This takes more than %d seconds.", REPORT_S_MAX);
    else if (r->err == HY_ENOTFOUND)
        web_fail(c, 404, "not_found", r->field, "There is no such %s.", r->field);
    else if (r->err == HY_EBUSY)
        web_fail(c, 409, "in_use", r->field, "%s", r->diag.text);
    else if (r->err == HY_EINVAL)
        web_fail(c, 422, "invalid_value", r->field, "%s", r->diag.text);
    else
        web_fail_err(c, r->err);
}

static bool is_over(void *ctx)
{
    const struct web_call *c = ctx;
    const struct reporting *r = c->state;
    return web_is_closing(c) || hy_clock_us() > r->until;
}

/* The long worker's thread. */
static void gather_report(struct web_call *c, struct hy_txn *t)
{
    struct reporting *r = c->state;
    r->until = hy_clock_us() + REPORT_S_MAX * HY_US_PER_SEC;
    r->found = json_object();
    r->err = t ? hy_order_report_json(t, &r->wish, r->found, &r->field, &r->diag) : HY_EIO;
    web_later(c, answer_report);
}

static void get_report(struct web_call *c)
{
    if (!web_is_installation(c))
        return;
    struct reporting *r = hy_arena_zalloc(&c->arena, sizeof *r);
    if (!r) {
        web_fail_err(c, HY_ENOMEM);
        return;
    }
    *r = (struct reporting){.wish = {.is_over = is_over, .ctx = c}};
    for (size_t i = 0; i < HY_ORDER_REPORT_FIELDS; i++) {
        struct hy_str text = HY_STR("");
        (void)web_query(c, hy_str_of(hy_order_report_fields[i]), 0, &text);
        *hy_order_report_field(&r->wish, i) = hy_arena_str(&c->arena, text).p;
        if (!*hy_order_report_field(&r->wish, i)) {
            web_fail_err(c, HY_ENOMEM);
            return;
        }
    }
    c->state = r;
    c->state_free = reporting_free;
    if (web_work_long(c, gather_report) != HY_OK)
        web_fail_err(c, HY_EBUSY);
}

const struct web_route web_order_routes[] = {
    {"GET", "/v1/orders", HY_SCOPE_LEADS_READ, get_orders},
    {"POST", "/v1/orders", HY_SCOPE_LEADS_WRITE, post_orders},
    {"GET", "/v1/orders/report", HY_SCOPE_LEADS_READ, get_report},
    {"GET", "/v1/orders/{order}", HY_SCOPE_LEADS_READ, get_order},
    {"GET", "/v1/carts", HY_SCOPE_LEADS_READ, get_carts},
    {"POST", "/v1/carts", HY_SCOPE_LEADS_WRITE, post_carts},
    {"GET", "/v1/carts/{cart}", HY_SCOPE_LEADS_READ, get_cart},
    {0},
};
