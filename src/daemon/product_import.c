/* product.import: products of a shop from a file. They are known by their SKUs: one that stands
 * already as the file says is passed over, so that a file may be read again. */
#include <stdlib.h>

#include "hayauma/base/list.h"
#include "hayauma/store/product.h"
#include "import_table.h"

enum { BATCH_ROWS = 2000, BATCH_BYTES = 32 << 20, LAST_BYTES = 16 << 10 };

struct item {
    uint64_t line;
    struct hy_str column, reason, value; /* at fault, when `reason` is not empty */
    bool is_left_out;                    /* a further picture of the product before */
    struct hy_product_told told;
    enum hy_product_did did; /* set anew by each put */
};

struct job {
    struct import_table t;
    char currency[4];
    struct hy_arena last; /* of the line before: */
    struct hy_str handle, name, category;
    struct item items[BATCH_ROWS];
    uint64_t products, left_out;
};

static struct job *job_of(struct import_table *t)
{
    return hy_container_of(t, struct job, t);
}

/* ---- rows ---- */

static int blame(struct job *j, struct item *x, struct hy_str column, struct hy_str reason,
                 struct hy_str value)
{
    char shown[HY_SHEET_SHOWN_MAX];
    x->column = hy_arena_str(&j->t.arena, column);
    x->reason = hy_arena_str(&j->t.arena, reason);
    x->value = hy_arena_str(&j->t.arena, hy_sheet_shown(value, shown));
    return x->column.p && x->reason.p && x->value.p ? HY_OK : HY_ENOMEM;
}

/* A thing in several sizes has its name on its first line alone. */
static int follow(struct job *j, struct hy_sheet_row *row)
{
    struct hy_str *v = row->values;
    if (v[HY_PRODUCT_HANDLE].n == 0)
        return HY_OK;
    if (hy_str_eq(v[HY_PRODUCT_HANDLE], j->handle)) {
        if (v[HY_PRODUCT_NAME].n == 0)
            v[HY_PRODUCT_NAME] = j->name;
        if (v[HY_PRODUCT_CATEGORY].n == 0)
            v[HY_PRODUCT_CATEGORY] = j->category;
        return HY_OK;
    }
    hy_arena_reset(&j->last);
    j->handle = hy_arena_str(&j->last, v[HY_PRODUCT_HANDLE]);
    j->name = hy_arena_str(&j->last, v[HY_PRODUCT_NAME]);
    j->category = hy_arena_str(&j->last, v[HY_PRODUCT_CATEGORY]);
    return j->handle.p && j->name.p && j->category.p ? HY_OK : HY_ENOMEM;
}

/* No SKU, no price, but the same handle as the line before. */
static bool is_picture(const struct hy_sheet_row *row, struct hy_str before)
{
    const struct hy_str *v = row->values;
    return v[HY_PRODUCT_SKU].n == 0 && v[HY_PRODUCT_PRICE].n == 0 && v[HY_PRODUCT_HANDLE].n &&
           hy_str_eq(v[HY_PRODUCT_HANDLE], before);
}

static int take_cells(struct job *j, struct item *x, const struct hy_sheet_row *row)
{
    for (int f = 0; f < HY_PRODUCT_FIELDS; f++) {
        struct hy_str v = row->values[f];
        if (v.n == 0 && f != HY_PRODUCT_SKU)
            continue;
        v = hy_arena_str(&j->t.arena, v);
        if (!v.p)
            return HY_ENOMEM;
        const char *reason = hy_product_take(&x->told, (enum hy_product_field)f, v);
        if (reason)
            return blame(j, x, hy_sheet_column(j->t.sheet, (size_t)f), hy_str_of(reason), v);
    }
    const unsigned price = 1u << HY_PRODUCT_PRICE, currency = 1u << HY_PRODUCT_CURRENCY;
    if (j->currency[0] && (x->told.said & (price | currency)) == price) {
        memcpy(x->told.p.currency, j->currency, sizeof j->currency);
        x->told.said |= currency;
    }
    return HY_OK;
}

static int next(struct import_table *t, struct hy_diag *diag)
{
    struct job *j = job_of(t);
    struct item *x = &j->items[t->n];
    struct hy_sheet_row row;
    int err = hy_sheet_next(j->t.sheet, &row, diag);
    if (err)
        return err;
    if (!hy_sheet_has(j->t.sheet, HY_PRODUCT_SKU))
        return hy_fail(diag, HY_EINVAL, "no column has the SKU: --map COLUMN=sku");
    t->line = row.line;
    *x = (struct item){.line = row.line, .told.p.price_milli = -1};
    if (row.reason.n)
        return blame(j, x, row.column, row.reason, row.value);
    x->is_left_out = is_picture(&row, j->handle);
    err = follow(j, &row);
    return err || x->is_left_out ? err : take_cells(j, x, &row);
}

static bool is_product(const struct item *x)
{
    return !x->reason.n && !x->is_left_out;
}

static int put(struct import_table *t, size_t i, struct hy_txn *txn)
{
    struct item *x = &job_of(t)->items[i];
    return is_product(x) ? hy_product_tell(txn, &x->told, t->now, &x->did) : HY_OK;
}

static int look(struct import_table *t, size_t i, struct hy_txn *txn)
{
    (void)t, (void)i, (void)txn;
    return HY_OK;
}

static void count(struct import_table *t, size_t i)
{
    struct job *j = job_of(t);
    const struct item *x = &j->items[i];
    const struct hy_import_row r = {
        .line = x->line, .column = x->column, .reason = x->reason, .value = x->value};
    if (x->reason.n) {
        import_table_refuse(t, &r);
        return;
    }
    j->left_out += x->is_left_out;
    j->products += !x->is_left_out;
    if (x->is_left_out || t->is_dry)
        return;
    import_table_note(t, x->did == HY_PRODUCT_ADDED, x->did == HY_PRODUCT_CHANGED);
}

static void set_counts(struct import_table *t, json_t *o)
{
    const struct job *j = job_of(t);
    ctl_set_count(o, "products", j->products);
    import_table_set_noted(t, o);
    ctl_set_count(o, "left_out", j->left_out);
}

static void job_free(struct import_table *t)
{
    struct job *j = job_of(t);
    hy_arena_free(&j->last);
    free(j);
}

static const struct import_table_kind kind = {
    .act = "product.import",
    .rows_max = BATCH_ROWS,
    .bytes_max = BATCH_BYTES,
    .next = next,
    .put = put,
    .look = look,
    .count = count,
    .set_counts = set_counts,
    .free = job_free,
};

/* ---- starting; main thread ---- */

static int read_options(struct job *j, struct hy_diag *diag)
{
    int err = import_table_currency(hy_control_args(j->t.call), j->currency, diag);
    return err ? err
               : import_table_sheet(&j->t, hy_product_fields, HY_PRODUCT_COLUMNS, false, diag);
}

static void import(struct hy_control_call *call, void *ctx)
{
    struct hy_diag diag = {""};
    struct job *j = calloc(1, sizeof *j);
    if (!j) {
        hy_control_fail(call, HY_ENOMEM, "out of memory", NULL);
        return;
    }
    j->last = HY_ARENA_INIT(LAST_BYTES);
    import_table_init(&j->t, &kind, ctx, call);
    import_table_start(&j->t, read_options(j, &diag), &diag);
}

const struct hy_control_command ctl_product_import_commands[] = {
    {"product.import", 1, 2, import},
    {NULL, 0, 0, NULL},
};
