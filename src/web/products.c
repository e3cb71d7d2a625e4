/* /v1/products: what a shop sells, up to a thousand a call. They belong to the installation: tokens
 * of tenants have no business here. */
#include <stdio.h>

#include "call.h"
#include "hayauma/base/list.h"
#include "hayauma/web/product_json.h"

enum { PRODUCTS_MAX = 1000, PAGE_USUAL = 100, FIELD_MAX = 40, TOLD_MAX = 32 };

/* ---- telling ---- */

struct item {
    struct hy_product_told told;
    const char *reason; /* why it is refused; NULL: it is not */
    char field[FIELD_MAX];
    enum hy_product_did did;
};

struct telling {
    struct hy_write_req req;
    struct web_call *call;
    struct item *items;
    size_t n, done, kept; /* items that were told, and are durable */
    hy_wall_ms now;
    bool is_one, is_delete;
    int err;
};

static const char *const did_names[] = {
    [HY_PRODUCT_ADDED] = "added", [HY_PRODUCT_CHANGED] = "changed", [HY_PRODUCT_SAME] = "same"};

static int apply(struct hy_write_req *r, struct hy_txn *t)
{
    struct telling *x = hy_container_of(r, struct telling, req);
    if (x->is_delete)
        return hy_product_delete(t, x->items[0].told.p.sku);
    for (x->done = x->kept; x->done < x->n; x->done++) {
        struct item *i = &x->items[x->done];
        if (x->done > x->kept && hy_txn_should_yield(t))
            return HY_EMORE;
        int err = i->reason ? HY_OK : hy_product_tell(t, &i->told, x->now, &i->did);
        if (err)
            return err;
    }
    return HY_OK;
}

static void slice(struct hy_write_req *r)
{
    struct telling *x = hy_container_of(r, struct telling, req);
    x->kept = x->done;
}

static json_t *results_json(const struct telling *x)
{
    uint32_t n[3] = {0}, refused = 0;
    json_t *results = json_array();
    for (size_t i = 0; i < x->n; i++) {
        const struct item *item = &x->items[i];
        json_t *o = json_pack("{s:I, s:s}", "index", (json_int_t)i, "status",
                              item->reason ? "refused" : did_names[item->did]);
        if (item->reason) {
            json_object_set_new(o, "error",
                                json_pack("{s:s, s:s, s:s}", "code", "invalid_value", "field",
                                          item->field, "message", item->reason));
            refused++;
        } else {
            n[item->did]++;
        }
        json_array_append_new(results, o);
    }
    return json_pack("{s:I, s:I, s:I, s:I, s:o}", "added", (json_int_t)n[HY_PRODUCT_ADDED],
                     "changed", (json_int_t)n[HY_PRODUCT_CHANGED], "same",
                     (json_int_t)n[HY_PRODUCT_SAME], "refused", (json_int_t)refused, "results",
                     results);
}

static void answer_one(struct web_call *c, const struct telling *x)
{
    struct hy_product p;
    json_t *o = NULL;
    struct hy_txn *t = web_snapshot(c);
    int err = t ? hy_product_get(t, x->items[0].told.p.sku, &p) : HY_EIO;
    if (!err)
        err = hy_product_json(&p, &o);
    web_snapshot_done(c);
    if (err)
        web_fail_err(c, err);
    else
        web_answer(c, x->items[0].did == HY_PRODUCT_ADDED ? 201 : 200, o);
}

static void answer(struct web_call *c)
{
    const struct telling *x = c->state;
    if (x->err == HY_ELIMIT)
        web_fail(c, 422, "too_many", NULL, "There are %d products already.", HY_PRODUCTS_MAX);
    else if (x->err == HY_ENOTFOUND)
        web_fail(c, 404, "not_found", NULL, "There is no such product.");
    else if (x->err)
        web_fail_err(c, x->err);
    else if (x->is_delete)
        web_answer_nothing(c);
    else if (x->is_one)
        answer_one(c, x);
    else
        web_answer(c, 200, results_json(x));
}

static void done(struct hy_write_req *r, int err)
{
    struct telling *x = hy_container_of(r, struct telling, req);
    x->err = err;
    web_later(x->call, answer);
}

/* ---- reading ---- */

static const char *refuse(struct item *i, const char *field, const char *reason)
{
    snprintf(i->field, sizeof i->field, "%s", field);
    return i->reason = reason;
}

/* A number as people write it; in `room`. */
static bool as_text(const json_t *v, char room[TOLD_MAX], struct hy_str *ret)
{
    const double most = (double)HY_PURCHASE_AMOUNT_MAX / 1000;
    if (json_is_string(v)) {
        *ret = hy_str_make(json_string_value(v), json_string_length(v));
        return true;
    }
    if (json_is_integer(v))
        snprintf(room, TOLD_MAX, "%lld", (long long)json_integer_value(v));
    else if (json_is_real(v) && json_real_value(v) >= 0 && json_real_value(v) <= most)
        snprintf(room, TOLD_MAX, "%.3f", json_real_value(v));
    else if (json_is_null(v))
        room[0] = '\0';
    else
        return false;
    *ret = hy_str_of(room);
    return true;
}

static int read_item(struct web_call *c, json_t *object, struct item *i)
{
    const char *name;
    json_t *v;
    if (!json_is_object(object)) {
        refuse(i, "", "This must be an object.");
        return HY_OK;
    }
    json_object_foreach(object, name, v)
    {
        int f = 0;
        char *room = hy_arena_alloc(&c->arena, TOLD_MAX);
        struct hy_str text;
        if (!room)
            return HY_ENOMEM;
        while (f < HY_PRODUCT_FIELDS && strcmp(hy_product_fields[f].name, name) != 0)
            f++;
        if (f == HY_PRODUCT_FIELDS)
            refuse(i, name, "There is no such field.");
        else if (!as_text(v, room, &text))
            refuse(i, name, "This must be a text or a number.");
        else {
            const char *reason = hy_product_take(&i->told, (enum hy_product_field)f, text);
            if (reason)
                refuse(i, name, reason);
        }
        if (i->reason)
            return HY_OK;
    }
    if (!i->told.p.sku.n)
        refuse(i, "sku", "Which product is it?");
    return HY_OK;
}

/* NULL: it is answered. */
static struct telling *telling_new(struct web_call *c, size_t n)
{
    struct telling *x = hy_arena_zalloc(&c->arena, sizeof *x);
    if (x)
        x->items = hy_arena_zalloc(&c->arena, n * sizeof *x->items);
    if (!x || !x->items) {
        web_fail_err(c, HY_ENOMEM);
        return NULL;
    }
    for (size_t i = 0; i < n; i++)
        x->items[i].told.p.price_milli = -1;
    x->call = c;
    x->n = n;
    x->now = hy_clock_wall_ms();
    c->state = x;
    return x;
}

static void submit(struct web_call *c, struct telling *x)
{
    x->req = (struct hy_write_req){.class = HY_WRITE_ADMIN,
                                   .on_full = HY_WRITE_FULL_FAIL,
                                   .apply = apply,
                                   .slice = slice,
                                   .done = done};
    int err = hy_writer_submit(web_writer(c), &x->req);
    if (err)
        web_fail_err(c, err);
}

static void post_products(struct web_call *c)
{
    json_t *body = web_is_installation(c) ? web_json(c) : NULL;
    json_t *list = json_object_get(body, "products"), *object;
    size_t i, n = json_array_size(list);
    if (!body)
        return;
    if (json_object_size(body) != 1 || n == 0 || n > PRODUCTS_MAX) {
        web_fail(c, 422, "invalid_value", "products", "This must be a list of 1 to %d products.",
                 PRODUCTS_MAX);
        return;
    }
    struct telling *x = telling_new(c, n);
    if (!x)
        return;
    json_array_foreach(list, i, object)
    {
        int err = read_item(c, object, &x->items[i]);
        if (err) {
            web_fail_err(c, err);
            return;
        }
    }
    submit(c, x);
}

static void put_product(struct web_call *c)
{
    json_t *body = web_is_installation(c) ? web_json(c) : NULL;
    if (!body)
        return;
    struct telling *x = telling_new(c, 1);
    if (!x)
        return;
    struct item *i = &x->items[0];
    x->is_one = true;
    json_object_set_new(body, "sku", web_text_json(web_param(c, 0)));
    int err = read_item(c, body, i);
    if (err)
        web_fail_err(c, err);
    else if (i->reason)
        web_fail(c, 422, "invalid_value", i->field, "%s", i->reason);
    else
        submit(c, x);
}

static void delete_product(struct web_call *c)
{
    if (!web_is_installation(c))
        return;
    struct telling *x = telling_new(c, 1);
    if (!x)
        return;
    x->is_delete = true;
    x->items[0].told.p.sku = web_param(c, 0);
    submit(c, x);
}

/* ---- looking ---- */

static void get_product(struct web_call *c)
{
    struct hy_product p;
    json_t *o = NULL;
    if (!web_is_installation(c))
        return;
    struct hy_txn *t = web_snapshot(c);
    int err = t ? hy_product_get(t, web_param(c, 0), &p) : HY_EIO;
    if (!err)
        err = hy_product_json(&p, &o);
    web_snapshot_done(c);
    if (err == HY_ENOTFOUND)
        web_fail(c, 404, "not_found", NULL, "There is no such product.");
    else if (err)
        web_fail_err(c, err);
    else
        web_answer(c, 200, o);
}

struct look {
    struct hy_str text, after;
    uint64_t limit;
};

/* The worker's thread. */
static void gather(struct web_call *c, struct hy_txn *t)
{
    struct look *l = c->state;
    c->found.json = json_object();
    c->found.err = t && c->found.json
                       ? hy_products_json(t, l->text, l->after, (size_t)l->limit, c->found.json)
                       : HY_EIO;
    web_later(c, web_answer_found);
}

static void get_products(struct web_call *c)
{
    if (!web_is_installation(c))
        return;
    struct look *l = hy_arena_zalloc(&c->arena, sizeof *l);
    if (!l) {
        web_fail_err(c, HY_ENOMEM);
        return;
    }
    c->state = l;
    (void)web_query(c, HY_STR("text"), 0, &l->text);
    (void)web_query(c, HY_STR("after"), 0, &l->after);
    if (web_query_number(c, "limit", 1, HY_PRODUCTS_PAGE_MAX, PAGE_USUAL, &l->limit) &&
        web_work(c, gather) != HY_OK)
        web_fail_err(c, HY_EBUSY);
}

const struct web_route web_product_routes[] = {
    {"GET", "/v1/products", HY_SCOPE_LEADS_READ, get_products},
    {"POST", "/v1/products", HY_SCOPE_LEADS_WRITE, post_products},
    {"GET", "/v1/products/{sku}", HY_SCOPE_LEADS_READ, get_product},
    {"PUT", "/v1/products/{sku}", HY_SCOPE_LEADS_WRITE, put_product},
    {"DELETE", "/v1/products/{sku}", HY_SCOPE_LEADS_WRITE, delete_product},
    {NULL, NULL, 0, NULL},
};
