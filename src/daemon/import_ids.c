/* Rows of an import with ids in them, through hy_lead_edit: a batch is one transaction, in which
 * each row is looked at before it is written, so that one that cannot be leaves the others alone.
 */
#include "import_ids.h"

#include <stdlib.h>

#include "hayauma/base/list.h"

enum {
    ROWS = 500,              /* of a batch: a transaction that others wait for */
    BYTES = 4 * 1024 * 1024, /* of a batch, besides one row more */
    ARENA_MAX = 2 * BYTES,   /* a row has HY_CSV_ROW_MAX at the most */
};

struct id_row {
    uint64_t line;
    struct hy_str address; /* empty: none */
    struct hy_lead_edit_attr *attrs;
    struct hy_lead_edit_identity *ids;
    size_t n_attrs, n_ids;
    /* set anew by each apply */
    bool is_refused, keeps_address;
    hy_lead_no lead;
    struct hy_diag why;
};

struct import_ids {
    struct import_ids_options o;
    const struct hy_import_column *columns;
    struct hy_str email; /* header of the addresses */
    struct hy_arena arena;
    struct hy_write_req req;
    struct hy_lead_upsert_result result; /* of the batch */
    size_t n;
    struct id_row rows[ROWS];
};

bool import_ids_any(const struct hy_import_column *columns, size_t n_columns)
{
    for (size_t i = 0; i < n_columns; i++)
        if (columns[i].is_id)
            return true;
    return false;
}

static enum hy_identity_kind kind_of(struct hy_str attr)
{
    return hy_str_eq(attr, HY_STR("line:"))    ? HY_IDENTITY_LINE
           : hy_str_eq(attr, HY_STR("phone:")) ? HY_IDENTITY_PHONE
                                               : HY_IDENTITY_EXTERNAL;
}

/* ---- the writer's thread, or a reader's ---- */

static bool is_of_row(int err)
{
    return err == HY_EINVAL || err == HY_EPARSE || err == HY_ENOTFOUND || err == HY_EEXIST ||
           err == HY_ELIMIT;
}

static bool has_source(const struct id_row *r)
{
    for (size_t i = 0; i < r->n_attrs; i++)
        if (hy_str_eq(r->attrs[i].name, HY_STR("source")))
            return true;
    return false;
}

/* Completes the edit of a lead that is there: which of two addresses it has. */
static int of_old_lead(struct import_ids *x, struct hy_txn *t, struct id_row *r,
                       struct hy_lead_edit *e)
{
    struct hy_str has;
    hy_domain_no domain;
    hy_lead_no found = 0;
    e->lead = r->lead;
    e->is_filling = x->o.how->merge == HY_LEAD_MERGE_FILL;
    if (x->o.how->merge == HY_LEAD_MERGE_KEEP)
        e->n_attrs = 0;
    if (x->o.moves_addresses || e->address.n == 0)
        return HY_OK;
    int err = hy_lead_address(t, r->lead, &has, &domain);
    if (err || has.n == 0)
        return err;
    err = hy_lead_find(t, e->address, &found);
    r->keeps_address = err == HY_ENOTFOUND;
    e->address = (struct hy_str){0};
    return err == HY_ENOTFOUND ? HY_OK : err;
}

/* What all rows get, as hy_lead_upsert gives it. */
static int join(struct import_ids *x, struct hy_txn *t, hy_lead_no lead, uint8_t *what)
{
    const struct hy_lead_upsert *how = x->o.how;
    struct hy_str address;
    hy_domain_no domain = 0;
    uint64_t joined = 0;
    int err = how->list ? hy_lead_address(t, lead, &address, &domain) : HY_OK;
    if (!err && how->list)
        err = hy_list_add(t, how->list, domain, &lead, 1, &joined);
    x->result.joined += joined;
    *what |= joined ? HY_LEAD_LISTS : 0;
    for (size_t i = 0; i < how->n_tags && !err; i++) {
        bool changed = false;
        err = hy_lead_label(t, lead, HY_LABEL_TAG, how->tags[i], &changed);
        *what |= changed ? HY_LEAD_TAGS : 0;
        if (err == HY_ELIMIT) {
            x->result.untagged++;
            err = HY_OK;
        }
    }
    return err;
}

static void count(struct import_ids *x, const struct hy_lead_edit_result *r)
{
    const struct hy_lead_upsert *how = x->o.how;
    if (r->is_new)
        x->result.added++;
    else if (how->own_from && r->lead >= how->own_from)
        x->result.duplicates++;
    else if (r->what)
        x->result.updated++;
    else
        x->result.unchanged++;
}

static int store(struct import_ids *x, struct hy_txn *t, struct id_row *r,
                 const struct hy_lead_edit *e)
{
    struct hy_lead_edit_result done;
    uint8_t what = 0;
    int err = hy_lead_edit(t, e, &done, &r->why);
    if (err)
        return err;
    r->lead = done.lead;
    count(x, &done);
    err = join(x, t, done.lead, &what);
    if (!err && what)
        err = hy_lead_changed(t, what, &r->lead, 1);
    return err ? hy_txn_fail(t, err) : HY_OK;
}

static int take_row(struct import_ids *x, struct hy_txn *t, struct id_row *r)
{
    struct hy_lead_edit_result found;
    struct hy_lead_edit e = {.address = r->address,
                             .identities = r->ids,
                             .n_identities = r->n_ids,
                             .attrs = r->attrs,
                             .n_attrs = r->n_attrs};
    r->is_refused = r->keeps_address = false;
    r->why.text[0] = 0;
    int err = hy_lead_edit_look(t, &e, &found, &r->why);
    r->lead = err ? 0 : found.lead;
    if (!err && !found.is_new)
        err = of_old_lead(x, t, r, &e);
    else if (!err && x->o.how->source.n && !has_source(r)) /* there is room for one more */
        r->attrs[e.n_attrs++] = (struct hy_lead_edit_attr){HY_STR("source"), x->o.how->source};
    if (!err && !x->o.only_look)
        err = store(x, t, r, &e);
    r->is_refused = is_of_row(err) && r->why.text[0];
    return r->is_refused ? HY_OK : err;
}

static int apply(struct hy_write_req *req, struct hy_txn *t)
{
    struct import_ids *x = hy_container_of(req, struct import_ids, req);
    int err = HY_OK;
    x->result = (struct hy_lead_upsert_result){0};
    for (size_t i = 0; i < x->n && err == HY_OK; i++)
        err = take_row(x, t, &x->rows[i]);
    return err;
}

static int look(struct import_ids *x)
{
    struct hy_txn t = {0};
    int err = hy_txn_read(x->o.env, &t);
    for (size_t i = 0; i < x->n && err == HY_OK; i++)
        err = take_row(x, &t, &x->rows[i]);
    hy_txn_end(&t);
    return err;
}

/* ---- the job's thread ---- */

int import_ids_open(const struct import_ids_options *o, const struct hy_import_column *columns,
                    size_t n_columns, struct import_ids **ret, struct hy_diag *diag)
{
    size_t n_ids = 0;
    char room[HY_IDENTITY_MAX], probe[HY_ATTR_NAME_MAX + 8];
    for (size_t i = 0; i < n_columns; i++) {
        struct hy_str value;
        n_ids += columns[i].is_id;
        if (!columns[i].is_id || kind_of(columns[i].attr) != HY_IDENTITY_EXTERNAL)
            continue;
        int n = snprintf(probe, sizeof probe, "%.*s:0",
                         HY_STR_ARG(hy_str_slice(columns[i].attr, 4, columns[i].attr.n)));
        int err = hy_identity_read(HY_IDENTITY_EXTERNAL, hy_str_make(probe, (size_t)n), room,
                                   &value, diag);
        if (err)
            return err;
    }
    if (n_columns >= HY_LEAD_EDIT_MAX || n_ids > HY_LEAD_EDIT_IDS_MAX)
        return hy_fail(diag, HY_EINVAL,
                       "a file with ids has at most %d columns, %d of them with ids",
                       HY_LEAD_EDIT_MAX - 1, HY_LEAD_EDIT_IDS_MAX);
    struct import_ids *x = calloc(1, sizeof *x);
    if (!x)
        return HY_ENOMEM;
    x->o = *o;
    x->columns = columns;
    x->arena = HY_ARENA_INIT(ARENA_MAX);
    for (size_t i = 0; i < n_columns; i++)
        if (hy_str_eq(columns[i].attr, HY_STR("email")))
            x->email = columns[i].header;
    *ret = x;
    return HY_OK;
}

void import_ids_close(struct import_ids *x)
{
    if (!x)
        return;
    hy_arena_free(&x->arena);
    free(x);
}

static struct hy_str id_text(struct import_ids *x, struct hy_str attr, struct hy_str value)
{
    if (kind_of(attr) != HY_IDENTITY_EXTERNAL)
        return hy_arena_str(&x->arena, value);
    struct hy_str system = hy_str_slice(attr, 4, attr.n);
    char *p = hy_arena_alloc(&x->arena, system.n + 1 + value.n);
    if (!p)
        return (struct hy_str){0};
    memcpy(p, system.p, system.n);
    p[system.n] = ':';
    memcpy(p + system.n + 1, value.p, value.n);
    return hy_str_make(p, system.n + 1 + value.n);
}

static bool copy_value(struct import_ids *x, struct id_row *r, const struct hy_import_attr *a)
{
    const struct hy_import_column *c = &x->columns[a->column];
    if (!c->is_id) {
        r->attrs[r->n_attrs] =
            (struct hy_lead_edit_attr){c->attr, hy_arena_str(&x->arena, a->value)};
        return r->attrs[r->n_attrs++].value.p;
    }
    r->ids[r->n_ids] = (struct hy_lead_edit_identity){
        .identity = {kind_of(c->attr), id_text(x, c->attr, a->value)}};
    return r->ids[r->n_ids++].identity.value.p;
}

int import_ids_add(struct import_ids *x, const struct hy_import_row *row)
{
    if (x->n == ROWS || x->arena.used_bytes > BYTES)
        return HY_EMORE;
    struct id_row *r = &x->rows[x->n];
    *r = (struct id_row){.line = row->line};
    r->attrs = hy_arena_alloc(&x->arena, (row->n_attrs + 1) * sizeof *r->attrs);
    r->ids = hy_arena_alloc(&x->arena, (row->n_attrs + 1) * sizeof *r->ids);
    if (!r->attrs || !r->ids)
        return HY_ENOMEM;
    if (row->address) {
        r->address = hy_arena_str(&x->arena, hy_address_wire(row->address));
        if (!r->address.p)
            return HY_ENOMEM;
    }
    for (size_t i = 0; i < row->n_attrs; i++)
        if (!copy_value(x, r, &row->attrs[i]))
            return HY_ENOMEM;
    x->n++;
    return HY_OK;
}

static void tell_row(struct import_ids *x, const struct id_row *r, struct import_report *report,
                     struct hy_import_progress *p)
{
    struct hy_import_row told = {.line = r->line, .column = x->email, .value = r->address};
    if (r->address.n == 0 && r->n_ids)
        told.value = r->ids[0].identity.value;
    if (r->is_refused) {
        told.reason = hy_str_of(r->why.text);
        told.column = (struct hy_str){0};
        p->refused++;
        import_report_add(report, &told, false);
    } else if (r->keeps_address) {
        char text[160];
        int n = snprintf(text, sizeof text,
                         "lead %u keeps the address it has: --move-addresses gives it this one",
                         r->lead);
        told.reason = hy_str_make(text, (size_t)n);
        p->kept_addresses++;
        import_report_add(report, &told, true);
    }
}

int import_ids_flush(struct import_ids *x, struct import_report *report,
                     struct hy_import_progress *p)
{
    int err = HY_OK;
    if (x->n == 0)
        return HY_OK;
    x->req = (struct hy_write_req){
        .class = HY_WRITE_INTAKE, .on_full = HY_WRITE_FULL_FAIL, .apply = apply};
    err = x->o.only_look ? look(x) : hy_writer_run(x->o.writer, &x->req);
    if (err)
        return err;
    for (size_t i = 0; i < x->n; i++)
        tell_row(x, &x->rows[i], report, p);
    p->added += x->result.added;
    p->updated += x->result.updated;
    p->unchanged += x->result.unchanged;
    p->duplicates += x->result.duplicates;
    p->joined += x->result.joined;
    p->untagged += x->result.untagged;
    x->n = 0;
    hy_arena_reset(&x->arena);
    return HY_OK;
}

uint64_t import_ids_line(const struct import_ids *x)
{
    return x->n ? x->rows[0].line : UINT64_MAX;
}
