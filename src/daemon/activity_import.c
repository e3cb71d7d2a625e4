/* activity.import: a file of what leads did elsewhere into the log. Rows are known by their ids, so
 * that a file may be read again. */
#include <stdlib.h>

#include "hayauma/base/list.h"
#include "hayauma/store/told.h"
#include "hayauma/track/told_rows.h"
#include "import_table.h"

enum {
    BATCH_ROWS = 500,
    BATCH_BYTES = 32 << 20, /* of their texts: more than the longest rows take */
};

struct item {
    struct hy_told_row row;
    struct hy_told_result result; /* set anew by each put */
    struct hy_diag why;
};

struct job {
    struct import_table t;
    struct hy_told_how how;
    struct hy_told_rows *rows;
    struct item items[BATCH_ROWS];
    uint64_t noted, duplicates, made;
};

static struct job *job_of(struct import_table *t)
{
    return hy_container_of(t, struct job, t);
}

static int feed(struct import_table *t, struct hy_str bytes)
{
    return hy_told_rows_feed(job_of(t)->rows, bytes);
}

static int end(struct import_table *t)
{
    return hy_told_rows_end(job_of(t)->rows);
}

static int next(struct import_table *t, struct hy_diag *diag)
{
    struct item *x = &job_of(t)->items[t->n];
    *x = (struct item){.result = {.did = HY_TOLD_NOTED}};
    int err = hy_told_rows_next(job_of(t)->rows, t->now, &t->arena, &x->row, diag);
    if (err == HY_OK)
        t->line = x->row.line;
    return err;
}

static int put(struct import_table *t, size_t i, struct hy_txn *txn)
{
    struct item *x = &job_of(t)->items[i];
    x->why.text[0] = '\0';
    return x->row.object ? hy_told_put(txn, &x->row.told, &job_of(t)->how, &x->result, &x->why)
                         : HY_OK;
}

static int look(struct import_table *t, size_t i, struct hy_txn *txn)
{
    struct item *x = &job_of(t)->items[i];
    if (!x->row.object)
        return HY_OK;
    return import_table_look(txn, &x->row.told, job_of(t)->how.makes_leads, &x->result, &x->why);
}

static void count(struct import_table *t, size_t i)
{
    struct job *j = job_of(t);
    const struct item *x = &j->items[i];
    const struct hy_told_row *row = &x->row;
    struct hy_import_row r = {
        .line = row->line, .column = row->column, .reason = row->reason, .value = row->value};
    if (row->object && x->result.did > HY_TOLD_DUPLICATE) {
        r.column = hy_told_rows_column(j->rows, row->told.by);
        r.value = row->told.who;
        r.reason = import_table_who_reason(&x->result, &x->why);
    }
    if (r.reason.n) {
        import_table_refuse(t, &r);
        return;
    }
    j->noted += x->result.did == HY_TOLD_NOTED;
    j->duplicates += x->result.did == HY_TOLD_DUPLICATE;
    j->made += x->result.is_new;
}

static void clear(struct import_table *t, size_t i)
{
    json_decref(job_of(t)->items[i].row.object);
}

static void set_counts(struct import_table *t, json_t *o)
{
    const struct job *j = job_of(t);
    ctl_set_count(o, "noted", j->noted);
    ctl_set_count(o, "duplicates", j->duplicates);
    ctl_set_count(o, "leads", j->made);
}

static bool is_any(struct import_table *t)
{
    return job_of(t)->noted > 0;
}

static void job_free(struct import_table *t)
{
    hy_told_rows_free(job_of(t)->rows);
    free(job_of(t));
}

static const struct import_table_kind kind = {
    .act = "activity.import",
    .rows_max = BATCH_ROWS,
    .bytes_max = BATCH_BYTES,
    .feed = feed,
    .end = end,
    .next = next,
    .put = put,
    .look = look,
    .count = count,
    .clear = clear,
    .set_counts = set_counts,
    .is_any = is_any,
    .free = job_free,
};

/* ---- starting; main thread ---- */

/* What is given for all rows, checked before the first is read. */
static int check_given(struct job *j, const json_t *given, struct hy_diag *diag)
{
    struct hy_told told;
    struct hy_told_fault fault;
    struct hy_arena arena = HY_ARENA_INIT(1 << 20);
    json_t *probe = given ? json_deep_copy(given) : json_object();
    int err = HY_OK;
    if (!json_is_object(probe)) {
        json_decref(probe);
        return hy_fail(diag, HY_EINVAL, "'fields' must be an object");
    }
    json_object_set_new(probe, "lead", json_integer(1));
    /* what each row must say itself is no matter here */
    if (hy_told_read(probe, j->t.now, &arena, &told, &fault) == HY_EINVAL &&
        json_object_get(given, fault.field))
        err = hy_fail(diag, HY_EINVAL, "%s: %s", fault.field, fault.message);
    json_decref(probe);
    hy_arena_free(&arena);
    return err;
}

static int read_options(struct job *j, struct hy_diag *diag)
{
    const json_t *args = hy_control_args(j->t.call), *fields = json_object_get(args, "fields");
    struct hy_config *config = daemon_config(j->t.d);
    enum hy_charset charset = HY_CHARSET_AUTO;
    j->how.back_ms = config->web_tag.join_back_us / 1000;
    hy_config_unref(config);
    j->how.source = j->how.by = hy_str_of(j->t.by);
    int err = import_table_charset(args, &charset, diag);
    if (err == HY_OK)
        err = hy_control_arg_bool(args, "create", false, diag, &j->how.makes_leads);
    if (err == HY_OK)
        err = check_given(j, fields, diag);
    return err == HY_OK ? hy_told_rows_new(charset, fields, &j->rows) : err;
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

const struct hy_control_command ctl_activity_import_commands[] = {
    {"activity.import", 1, 2, import},
    {NULL, 0, 0, NULL},
};
