/* order.import: orders of a shop from a file. Orders are known by their numbers: one that stands
 * already as the file says is passed over, so that a file may be read again. */
#include <stdlib.h>

#include "hayauma/base/list.h"
#include "hayauma/store/order_tell.h"
#include "hayauma/track/order_rows.h"
#include "import_table.h"

enum {
    BATCH_ROWS = 2000,
    BATCH_BYTES = 32 << 20,
};

struct item {
    struct hy_order_row row;
    struct hy_order_told told;
    struct hy_order_result result; /* set anew by each put */
    struct hy_diag why;
};

struct job {
    struct import_table t;
    struct hy_told_how how;
    struct hy_order_rows *rows;
    struct hy_zone *zone;
    hy_id since; /* before all that this import notes */
    struct item items[BATCH_ROWS];
    uint64_t orders, left_out, made;
};

static struct job *job_of(struct import_table *t)
{
    return hy_container_of(t, struct job, t);
}

static int feed(struct import_table *t, struct hy_str bytes)
{
    return hy_order_rows_feed(job_of(t)->rows, bytes);
}

static int end(struct import_table *t)
{
    return hy_order_rows_end(job_of(t)->rows);
}

static int next(struct import_table *t, struct hy_diag *diag)
{
    struct item *x = &job_of(t)->items[t->n];
    const struct hy_order_row *row = &x->row;
    *x = (struct item){.result = {.told = {.did = HY_TOLD_NOTED}}};
    int err = hy_order_rows_next(job_of(t)->rows, t->now, &t->arena, &x->row, diag);
    if (err != HY_OK)
        return err;
    t->line = row->line;
    t->read += row->n_lines - 1; /* the first is counted with the row */
    x->told = (struct hy_order_told){.who = {.by = row->by, .lead = row->lead, .who = row->who},
                                     .order = row->order,
                                     .changed = row->changed};
    return HY_OK;
}

static bool is_order(const struct item *x)
{
    return !x->row.reason.n && !x->row.is_left_out;
}

static int put(struct import_table *t, size_t i, struct hy_txn *txn)
{
    struct job *j = job_of(t);
    struct item *x = &j->items[i];
    if (!j->since)
        j->since = hy_txn_new_id(txn);
    x->why.text[0] = '\0';
    return is_order(x) ? hy_order_tell(txn, &x->told, &j->how, j->since, &x->result, &x->why)
                       : HY_OK;
}

static int look(struct import_table *t, size_t i, struct hy_txn *txn)
{
    struct item *x = &job_of(t)->items[i];
    return is_order(x) ? import_table_look(txn, &x->told.who, job_of(t)->how.makes_leads,
                                           &x->result.told, &x->why)
                       : HY_OK;
}

/* Each line of an order that is not taken. */
static void refuse_order(struct job *j, const struct item *x, struct hy_import_row *r)
{
    for (size_t i = 0; i < x->row.n_lines; i++) {
        r->line = x->row.lines[i];
        import_table_refuse(&j->t, r);
    }
}

static void count(struct import_table *t, size_t i)
{
    struct job *j = job_of(t);
    const struct item *x = &j->items[i];
    const struct hy_order_row *row = &x->row;
    struct hy_import_row r = {
        .line = row->line, .column = row->column, .reason = row->reason, .value = row->value};
    if (row->reason.n) {
        import_table_refuse(t, &r);
    } else if (row->is_left_out) {
        j->left_out++;
    } else if (x->result.is_apart) {
        r.reason = HY_STR("lines of this order stand apart in the file: sort it by order number");
        r.value = row->order.id;
        refuse_order(j, x, &r);
    } else if (x->result.told.did > HY_TOLD_DUPLICATE) {
        r.column = hy_order_rows_column(j->rows, row->by);
        r.reason = import_table_who_reason(&x->result.told, &x->why);
        r.value = row->who;
        refuse_order(j, x, &r);
    } else {
        bool is_noted = x->result.told.did == HY_TOLD_NOTED;
        j->orders++;
        import_table_note(t, is_noted && x->result.is_new, is_noted && !x->result.is_new);
        j->made += x->result.told.is_new;
    }
}

static void set_counts(struct import_table *t, json_t *o)
{
    const struct job *j = job_of(t);
    const struct hy_sheet_head *heads;
    size_t n = hy_order_rows_heads(j->rows, &heads);
    ctl_set_count(o, "orders", j->orders);
    import_table_set_noted(t, o);
    ctl_set_count(o, "left_out", j->left_out);
    ctl_set_count(o, "leads", j->made);
    import_table_set_columns(o, heads, n);
}

static void job_free(struct import_table *t)
{
    struct job *j = job_of(t);
    hy_order_rows_free(j->rows);
    hy_zone_free(j->zone);
    free(j);
}

static const struct import_table_kind kind = {
    .act = "order.import",
    .rows_max = BATCH_ROWS,
    .bytes_max = BATCH_BYTES,
    .feed = feed,
    .end = end,
    .next = next,
    .put = put,
    .look = look,
    .count = count,
    .set_counts = set_counts,
    .free = job_free,
};

/* ---- starting; main thread ---- */

/* "WORD=placed,WORD=skip" */
static int read_words(const char *text, struct hy_order_word words[HY_ORDER_WORDS_MAX],
                      size_t *ret_n, struct hy_diag *diag)
{
    struct hy_import_map map[IMPORT_TABLE_MAP_MAX];
    int err = import_table_map(text, map, ret_n, diag);
    for (size_t i = 0; i < *ret_n && err == HY_OK; i++) {
        int state = HY_PURCHASE_PLACED;
        words[i] = (struct hy_order_word){.word = map[i].column};
        if (hy_str_eq(map[i].attr, HY_STR("skip")))
            continue;
        while (state <= HY_PURCHASE_REFUNDED &&
               !hy_str_eq(map[i].attr,
                          hy_str_of(hy_purchase_state_name((enum hy_purchase_state)state))))
            state++;
        if (state > HY_PURCHASE_REFUNDED)
            return hy_fail(diag, HY_EINVAL,
                           "--status: '%.*s' is none of placed, cancelled, refunded and skip",
                           HY_STR_ARG(map[i].attr));
        words[i].state = (enum hy_purchase_state)state;
    }
    return err;
}

static int find_zone(const char *name, struct hy_zone **ret, struct hy_diag *diag)
{
    if (name[0] == '\0') {
        *ret = hy_zone_local();
        return *ret ? HY_OK : HY_ENOMEM;
    }
    return hy_zone_find(hy_str_of(name), ret) == HY_OK
               ? HY_OK
               : hy_fail(diag, HY_EINVAL, "the time zone '%.100s' is not known to this system",
                         name);
}

static int read_options(struct job *j, struct hy_diag *diag)
{
    const json_t *args = hy_control_args(j->t.call);
    const char *map_text = "", *words_text = "", *zone = "", *system = "";
    const struct {
        const char *name, **to;
    } texts[] = {
        {"map", &map_text}, {"status", &words_text}, {"time_zone", &zone}, {"system", &system}};
    struct hy_import_map map[IMPORT_TABLE_MAP_MAX];
    struct hy_order_word words[HY_ORDER_WORDS_MAX];
    struct hy_order_rows_options o = {.map = map, .words = words};
    j->how.source = j->how.by = hy_str_of(j->t.by);
    int err = import_table_charset(args, &o.charset, diag);
    for (size_t i = 0; i < sizeof texts / sizeof *texts && err == HY_OK; i++)
        err = hy_control_arg_string(args, texts[i].name, "", diag, texts[i].to);
    if (err == HY_OK)
        err = hy_control_arg_bool(args, "create", false, diag, &j->how.makes_leads);
    if (err == HY_OK)
        err = import_table_map(map_text, map, &o.n_map, diag);
    if (err == HY_OK)
        err = read_words(words_text, words, &o.n_words, diag);
    if (err == HY_OK)
        err = find_zone(zone, &j->zone, diag);
    if (err == HY_OK)
        err = import_table_currency(args, o.currency, diag);
    if (err != HY_OK)
        return err;
    o.zone = j->zone;
    o.system = hy_str_of(system);
    return hy_order_rows_new(&o, &j->rows, diag);
}

static void import(struct hy_control_call *call, void *ctx)
{
    struct hy_diag diag = {""};
    struct job *j = calloc(1, sizeof *j);
    if (!j) {
        hy_control_fail(call, HY_ENOMEM, "out of memory", NULL);
        return;
    }
    import_table_init(&j->t, &kind, ctx, call);
    import_table_start(&j->t, read_options(j, &diag), &diag);
}

const struct hy_control_command ctl_order_import_commands[] = {
    {"order.import", 1, 2, import},
    {NULL, 0, 0, NULL},
};
