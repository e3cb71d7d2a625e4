/* company.import: companies from a file. They are known by their ids, names or domains: one that
 * stands already as the file says is passed over, so that a file may be read again. */
#include <stdlib.h>

#include "hayauma/base/list.h"
#include "hayauma/store/company.h"
#include "hayauma/track/company_rows.h"
#include "import_table.h"

enum { BATCH_ROWS = 500, BATCH_BYTES = 32 << 20 };

struct item {
    struct hy_company_row row;
    struct hy_company_edit_result result; /* set anew by each put */
    struct hy_diag why;                   /* not empty: it is refused */
};

struct job {
    struct import_table t;
    const char *system;
    struct item items[BATCH_ROWS];
    uint64_t companies;
};

static struct job *job_of(struct import_table *t)
{
    return hy_container_of(t, struct job, t);
}

/* ---- rows ---- */

static int next(struct import_table *t, struct hy_diag *diag)
{
    struct job *j = job_of(t);
    struct item *x = &j->items[t->n];
    struct hy_sheet_row row;
    int err = hy_sheet_next(t->sheet, &row, diag);
    if (err)
        return err;
    if (!hy_sheet_has(t->sheet, HY_COMPANY_FIELD_NAME) &&
        !hy_sheet_has(t->sheet, HY_COMPANY_FIELD_DOMAINS) &&
        !hy_sheet_has(t->sheet, HY_COMPANY_FIELD_IDS))
        return hy_fail(diag, HY_EINVAL, "no column has the names of companies: --map COLUMN=name");
    t->line = row.line;
    x->why.text[0] = '\0';
    return hy_company_row_read(t->sheet, &row, hy_str_of(j->system), &t->arena, &x->row);
}

typedef int edit_fn(struct hy_txn *t, const struct hy_company_edit *e,
                    struct hy_company_edit_result *ret, struct hy_diag *diag);

static int tell(struct item *x, struct hy_txn *t, edit_fn *edit)
{
    static const enum hy_company_part_kind kinds[HY_COMPANY_FIELDS] = {
        [HY_COMPANY_FIELD_ALIASES] = HY_COMPANY_ALIAS,
        [HY_COMPANY_FIELD_DOMAINS] = HY_COMPANY_DOMAIN,
        [HY_COMPANY_FIELD_IDS] = HY_COMPANY_ID,
    };
    const struct hy_company_row *row = &x->row;
    struct hy_company_part parts[HY_COMPANY_ROW_MAX];
    struct hy_lead_edit_attr attrs[HY_COMPANY_ROW_MAX];
    struct hy_company_edit e = {.name = row->name,
                                .parts = parts,
                                .n_parts = row->n_parts,
                                .attrs = attrs,
                                .n_attrs = row->n_attrs};
    x->why.text[0] = '\0';
    if (row->reason.n)
        return HY_OK;
    for (size_t i = 0; i < row->n_parts; i++)
        parts[i] = (struct hy_company_part){.kind = kinds[row->parts[i].field],
                                            .text = row->parts[i].text};
    for (size_t i = 0; i < row->n_attrs; i++)
        attrs[i] = (struct hy_lead_edit_attr){row->attrs[i].name, row->attrs[i].value};
    int err = hy_company_edit_aim(t, &e);
    if (!err || err == HY_ENOTFOUND)
        err = edit(t, &e, &x->result, &x->why);
    return x->why.text[0] ? HY_OK : err; /* that row alone */
}

static int put(struct import_table *t, size_t i, struct hy_txn *txn)
{
    return tell(&job_of(t)->items[i], txn, hy_company_edit);
}

static int look(struct import_table *t, size_t i, struct hy_txn *txn)
{
    return tell(&job_of(t)->items[i], txn, hy_company_edit_look);
}

/* Where an edit was at fault. */
static void blame(const struct import_table *t, const struct item *x, struct hy_import_row *r)
{
    const struct hy_sheet_head *heads;
    const size_t at = x->result.fault_at, n = hy_sheet_heads(t->sheet, &heads);
    r->reason = hy_str_of(x->why.text);
    if (x->result.fault == HY_COMPANY_FAULT_PART) {
        r->column = hy_sheet_column(t->sheet, x->row.parts[at].field);
        r->value = x->row.parts[at].text;
    } else if (x->result.fault == HY_COMPANY_FAULT_ATTR && at < x->row.n_attrs) {
        r->column = x->row.attrs[at].column < n ? heads[x->row.attrs[at].column].head : r->column;
        r->value = x->row.attrs[at].value;
    } else {
        r->column = hy_sheet_column(t->sheet, HY_COMPANY_FIELD_NAME);
        r->value = x->row.name;
    }
}

static void count(struct import_table *t, size_t i)
{
    struct job *j = job_of(t);
    const struct item *x = &j->items[i];
    char shown[HY_SHEET_SHOWN_MAX];
    struct hy_import_row r = {.line = x->row.line,
                              .column = x->row.column,
                              .reason = x->row.reason,
                              .value = x->row.value};
    if (!r.reason.n && x->why.text[0])
        blame(t, x, &r);
    if (r.reason.n) {
        r.value = hy_sheet_shown(r.value, shown);
        import_table_refuse(t, &r);
        return;
    }
    j->companies++;
    import_table_note(t, x->result.is_new, x->result.is_changed);
}

static void set_counts(struct import_table *t, json_t *o)
{
    ctl_set_count(o, "companies", job_of(t)->companies);
    import_table_set_noted(t, o);
}

/* Writer thread. */
static int work(struct hy_write_req *r, struct hy_txn *txn)
{
    (void)r;
    return hy_company_work(txn);
}

/* Leads whose company follows from what was read. */
static int finish(struct import_table *t)
{
    t->req = (struct hy_write_req){
        .class = HY_WRITE_ADMIN, .on_full = HY_WRITE_FULL_WAIT, .apply = work};
    return hy_writer_run(t->d->writer, &t->req);
}

static void job_free(struct import_table *t)
{
    free(job_of(t));
}

static const struct import_table_kind kind = {
    .act = "company.import",
    .rows_max = BATCH_ROWS,
    .bytes_max = BATCH_BYTES,
    .next = next,
    .put = put,
    .look = look,
    .count = count,
    .set_counts = set_counts,
    .finish = finish,
    .free = job_free,
};

/* ---- starting; main thread ---- */

static int read_options(struct job *j, struct hy_diag *diag)
{
    int err = hy_control_arg_string(hy_control_args(j->t.call), "system", "", diag, &j->system);
    return err ? err : import_table_sheet(&j->t, hy_company_fields, HY_COMPANY_FIELDS, true, diag);
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

const struct hy_control_command ctl_company_import_commands[] = {
    {"company.import", 1, 2, import},
    {NULL, 0, 0, NULL},
};
