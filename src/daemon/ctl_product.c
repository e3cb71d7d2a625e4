/* product.*: products by hand and as a whole. Each on a thread of its own: a change waits for its
 * commit, looking may go through all of them. */
#include "ctl_common.h"
#include "export_rows.h"
#include "hayauma/audience/csv.h"
#include "hayauma/base/list.h"
#include "hayauma/store/product.h"
#include "hayauma/web/product_json.h"

enum { ROW_BYTES = 32 << 10 };

static int find(struct ctl_task *k, struct hy_txn *t, struct hy_product *ret, struct hy_diag *diag)
{
    const char *sku = "";
    int err = hy_control_arg_string_required(k->args, "sku", diag, &sku);
    if (!err)
        err = hy_product_get(t, hy_str_of(sku), ret);
    return err == HY_ENOTFOUND ? hy_fail(diag, err, "there is no product '%.200s'", sku) : err;
}

/* ---- looking ---- */

static int tell(const struct hy_product *p, json_t *o)
{
    json_t *one = NULL;
    int err = hy_product_json(p, &one);
    if (!err)
        json_object_update(o, one);
    json_decref(one);
    return err;
}

static int run_show(struct ctl_task *k, json_t *o, struct hy_diag *diag)
{
    struct hy_txn t = {0};
    struct hy_product p;
    int err = hy_txn_read(k->d->env, &t);
    if (!err)
        err = find(k, &t, &p, diag);
    if (!err)
        err = tell(&p, o);
    hy_txn_end(&t);
    return err;
}

static int run_list(struct ctl_task *k, json_t *o, struct hy_diag *diag)
{
    struct hy_txn t = {0};
    const char *text = "", *after = "";
    int64_t limit = 0;
    int err = hy_control_arg_int(k->args, "limit", 100, 1, HY_PRODUCTS_PAGE_MAX, diag, &limit);
    if (!err)
        err = hy_control_arg_string(k->args, "after", "", diag, &after);
    if (!err)
        err = hy_control_arg_string(k->args, "text", "", diag, &text);
    if (!err)
        err = hy_txn_read(k->d->env, &t);
    if (!err)
        err = hy_products_json(&t, hy_str_of(text), hy_str_of(after), (size_t)limit, o);
    hy_txn_end(&t);
    return err;
}

struct export
{
    struct export_rows e;
    char last[HY_PURCHASE_PRODUCT_MAX];
    struct hy_str after;
};

static int put_row(struct export_rows *e, struct hy_txn *t)
{
    struct export *x = hy_container_of(e, struct export, e);
    char price[HY_DECIMAL_MAX] = "", stock[HY_DECIMAL_MAX];
    struct hy_product p;
    int err = hy_product_next(t, x->after, &p);
    if (err)
        return err;
    if (p.price_milli >= 0)
        hy_decimal_text(p.price_milli, price);
    const struct hy_str cells[HY_PRODUCT_FIELDS] = {
        [HY_PRODUCT_SKU] = p.sku,
        [HY_PRODUCT_NAME] = p.name,
        [HY_PRODUCT_CATEGORY] = p.category,
        [HY_PRODUCT_PRICE] = hy_str_of(price),
        [HY_PRODUCT_CURRENCY] = hy_str_of(p.currency),
        [HY_PRODUCT_URL] = p.url,
        [HY_PRODUCT_IMAGE] = p.image,
        [HY_PRODUCT_STOCK] = hy_str_of(hy_product_stock_text(&p, stock)),
    };
    for (size_t i = 0; i < HY_PRODUCT_FIELDS; i++)
        hy_csv_put(&e->out, cells[i], i == 0, e->is_safe);
    memcpy(x->last, p.sku.p, p.sku.n);
    x->after = hy_str_make(x->last, p.sku.n);
    return HY_OK;
}

static int run_export(struct ctl_task *k, json_t *o, struct hy_diag *diag)
{
    struct export x = {.e.put = put_row};
    int err = export_rows_begin(&x.e, k, ROW_BYTES, diag);
    for (size_t i = 0; i < HY_PRODUCT_FIELDS; i++)
        hy_csv_put(&x.e.out, hy_str_of(hy_product_fields[i].name), i == 0, false);
    return export_rows(&x.e, k, err, o);
}

/* ---- changing ---- */

struct change {
    struct hy_write_req req;
    struct hy_product_told told;
    bool is_delete;
    hy_wall_ms now;
    enum hy_product_did did;
};

static int apply(struct hy_write_req *r, struct hy_txn *t)
{
    struct change *x = hy_container_of(r, struct change, req);
    return x->is_delete ? hy_product_delete(t, x->told.p.sku)
                        : hy_product_tell(t, &x->told, x->now, &x->did);
}

static int commit(struct ctl_task *k, struct change *x, struct hy_diag *diag)
{
    x->req = (struct hy_write_req){.class = HY_WRITE_ADMIN, .apply = apply};
    x->now = hy_clock_wall_ms();
    int err = hy_writer_run(k->d->writer, &x->req);
    if (err == HY_ENOTFOUND)
        return hy_fail(diag, err, "there is no product '%.*s'", HY_STR_ARG(x->told.p.sku));
    if (err == HY_ELIMIT)
        return hy_fail(diag, err, "there are %d products already", HY_PRODUCTS_MAX);
    if (!err)
        act_log(k->d, hy_control_command_name(k->call), hy_control_uid(k->call),
                json_pack("{s:o}", "sku", ctl_text_json(x->told.p.sku)));
    return err;
}

static int run_set(struct ctl_task *k, json_t *o, struct hy_diag *diag)
{
    struct change x = {.told.p.price_milli = -1};
    const char *text = "";
    int err = hy_control_arg_string_required(k->args, "sku", diag, &text);
    for (int f = 0; f < HY_PRODUCT_FIELDS && !err; f++) {
        const char *name = hy_product_fields[f].name;
        if (!json_object_get(k->args, name))
            continue;
        err = hy_control_arg_string(k->args, name, "", diag, &text);
        const char *reason =
            err ? NULL : hy_product_take(&x.told, (enum hy_product_field)f, hy_str_of(text));
        if (reason)
            err = hy_fail(diag, HY_EINVAL, "%s: %s", name, reason);
    }
    if (!err)
        err = commit(k, &x, diag);
    if (err)
        return err;
    json_object_set_new(o, "new", json_boolean(x.did == HY_PRODUCT_ADDED));
    return run_show(k, o, diag);
}

static int run_delete(struct ctl_task *k, json_t *o, struct hy_diag *diag)
{
    struct change x = {.is_delete = true};
    const char *sku = "";
    int err = hy_control_arg_string_required(k->args, "sku", diag, &sku);
    x.told.p.sku = hy_str_of(sku);
    if (!err)
        err = commit(k, &x, diag);
    if (!err)
        json_object_set_new(o, "deleted", ctl_text_json(x.told.p.sku));
    return err;
}

/* ---- the table ---- */

static void show(struct hy_control_call *call, void *ctx)
{
    ctl_task_start(call, ctx, CTL_JOB_LOOK, run_show);
}

static void list(struct hy_control_call *call, void *ctx)
{
    ctl_task_start(call, ctx, CTL_JOB_LOOK, run_list);
}

static void export_all(struct hy_control_call *call, void *ctx)
{
    ctl_task_start(call, ctx, CTL_JOB_LOOK, run_export);
}

static void set(struct hy_control_call *call, void *ctx)
{
    ctl_task_start(call, ctx, CTL_JOB_ACT, run_set);
}

static void delete (struct hy_control_call *call, void *ctx)
{
    ctl_task_start(call, ctx, CTL_JOB_ACT, run_delete);
}

const struct hy_control_command ctl_product_commands[] = {
    {"product.show", 0, 0, show},         {"product.list", 0, 0, list},
    {"product.set", 0, 0, set},           {"product.delete", 0, 0, delete},
    {"product.export", 1, 1, export_all}, {NULL, 0, 0, NULL},
};
