/* Imports of files of rows: on a thread of their own, each batch of rows one transaction.
 *
 * Happy path: rows are read, checked and gathered; a full batch is put by the writer, and the next
 * is gathered after its commit. A bad row is reported with its line and the rest goes in. When the
 * client goes away or the daemon stops, what was committed stays, and doing it again does no harm.
 */
#include "import_table.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hayauma/base/list.h"
#include "hayauma/model/order.h"

enum { WAIT_MS = 200 };

/* ---- batches ---- */

/* Writer thread. */
static int apply(struct hy_write_req *r, struct hy_txn *txn)
{
    struct import_table *t = hy_container_of(r, struct import_table, req);
    int err = HY_OK;
    for (size_t i = 0; i < t->n && err == HY_OK; i++)
        err = t->kind->put(t, i, txn);
    return err;
}

/* Nothing is stored: only what would come of it. */
static int look(struct import_table *t)
{
    struct hy_txn txn = {0};
    int err = hy_txn_read(t->d->env, &txn);
    for (size_t i = 0; i < t->n && err == HY_OK; i++)
        err = t->kind->look(t, i, &txn);
    hy_txn_end(&txn);
    return err;
}

void import_table_note(struct import_table *t, bool is_new, bool is_changed)
{
    t->added += is_new;
    t->changed += is_changed && !is_new;
    t->same += !is_changed && !is_new;
}

void import_table_set_noted(const struct import_table *t, json_t *o)
{
    ctl_set_count(o, "added", t->added);
    ctl_set_count(o, "changed", t->changed);
    ctl_set_count(o, "same", t->same);
}

void import_table_set_columns(json_t *o, const struct hy_sheet_head *heads, size_t n)
{
    json_t *columns = json_array();
    for (size_t i = 0; i < n; i++)
        if (heads[i].field[0])
            json_array_append_new(columns,
                                  json_pack("{s:o, s:s}", "column", ctl_text_json(heads[i].head),
                                            "field", heads[i].field));
    json_object_set_new(o, "columns", columns);
}

static bool is_any(struct import_table *t)
{
    return t->kind->is_any ? t->kind->is_any(t) : t->added + t->changed > 0;
}

static void set_counts(struct import_table *t, json_t *o)
{
    const struct hy_sheet_head *heads;
    ctl_set_count(o, "rows", t->read);
    ctl_set_count(o, "rejected", t->refused);
    t->kind->set_counts(t, o);
    size_t n = t->sheet ? hy_sheet_heads(t->sheet, &heads) : 0;
    if (t->sheet)
        import_table_set_columns(o, heads, n);
}

static void tell(struct import_table *t)
{
    json_t *o = json_object();
    set_counts(t, o);
    ctl_set_count(o, "bytes", t->bytes);
    ctl_set_count(o, "total_bytes", t->bytes_total);
    hy_control_progress(t->call, o);
}

static void clear(struct import_table *t)
{
    for (size_t i = 0; i < t->n && t->kind->clear; i++)
        t->kind->clear(t, i);
    t->n = 0;
    hy_arena_reset(&t->arena);
}

static int flush(struct import_table *t)
{
    int err = HY_OK;
    if (t->is_dry)
        err = look(t);
    else if (t->n) {
        t->req = (struct hy_write_req){
            .class = HY_WRITE_INTAKE, .on_full = HY_WRITE_FULL_FAIL, .apply = apply};
        while ((err = hy_writer_run(t->d->writer, &t->req)) == HY_EBUSY)
            usleep(WAIT_MS * 1000);
    }
    for (size_t i = 0; i < t->n && err == HY_OK; i++)
        t->kind->count(t, i);
    clear(t);
    tell(t);
    return err;
}

static int take_rows(struct import_table *t, struct hy_diag *diag)
{
    int err = HY_OK;
    while (err == HY_OK) {
        err = t->kind->next(t, diag);
        if (err != HY_OK)
            break;
        t->read++;
        t->n++;
        /* the rows of a batch have about the same size: none overflows the rest */
        if (t->n == t->kind->rows_max || t->arena.used_bytes > t->kind->bytes_max / 2)
            err = flush(t);
    }
    return err == HY_EMORE ? HY_OK : err;
}

static int feed(struct import_table *t, size_t n)
{
    struct hy_str bytes = hy_str_make(t->chunk, n);
    if (t->sheet)
        return n ? hy_sheet_feed(t->sheet, bytes) : hy_sheet_end(t->sheet);
    return n ? t->kind->feed(t, bytes) : t->kind->end(t);
}

static int run(struct import_table *t, struct hy_diag *diag)
{
    size_t n = 1;
    int err = HY_OK;
    while (err == HY_OK && n > 0) {
        err = import_file_read(t->d, t->call, t->fd, t->chunk, sizeof t->chunk, &n);
        t->bytes += err == HY_OK ? n : 0;
        if (err == HY_OK)
            err = feed(t, n);
        if (err == HY_OK)
            err = take_rows(t, diag);
    }
    if (err == HY_OK)
        err = flush(t);
    return err == HY_OK && t->kind->finish && !t->is_dry ? t->kind->finish(t) : err;
}

void import_table_refuse(struct import_table *t, const struct hy_import_row *row)
{
    t->refused++;
    import_report_add(&t->report, row, false);
}

struct hy_str import_table_who_reason(const struct hy_told_result *r, const struct hy_diag *why)
{
    return r->did == HY_TOLD_NO_LEAD ? HY_STR("there is no such lead")
           : why->text[0]            ? hy_str_of(why->text)
                                     : HY_STR("this names no lead");
}

int import_table_look(struct hy_txn *txn, const struct hy_told *told, bool makes_leads,
                      struct hy_told_result *ret, struct hy_diag *why)
{
    hy_lead_no lead;
    *ret = (struct hy_told_result){.did = HY_TOLD_NOTED};
    int err = told->by == HY_TOLD_NOBODY ? HY_OK : hy_told_find_lead(txn, told, &lead, why);
    if (err == HY_EPARSE)
        ret->did = HY_TOLD_BAD_WHO;
    else if (err == HY_ENOTFOUND && (!makes_leads || told->by == HY_TOLD_LEAD))
        ret->did = HY_TOLD_NO_LEAD;
    return err == HY_EPARSE || err == HY_ENOTFOUND ? HY_OK : err;
}

/* ---- the job ---- */

static void job_free(struct import_table *t)
{
    clear(t);
    if (t->fd >= 0)
        close(t->fd);
    if (t->report_fd >= 0)
        close(t->report_fd);
    import_report_free(&t->report);
    hy_arena_free(&t->arena);
    hy_sheet_free(t->sheet);
    t->kind->free(t);
}

static void fail(struct import_table *t, int err, const struct hy_diag *why)
{
    struct hy_diag diag = {""};
    if (why->text[0])
        hy_fail(&diag, err, "%s", why->text);
    else
        hy_fail(&diag, err, "the import ended near line %llu: %s", (unsigned long long)t->line,
                err == HY_EFULL ? "the disk is full, or nearly so (store.min_free)"
                                : hy_err_text(err));
    hy_control_fail(t->call, err, diag.text,
                    is_any(t) ? "what was read before is in; importing the file again does no harm"
                              : NULL);
}

static void job_main(void *arg)
{
    struct import_table *t = arg;
    struct hy_diag diag = {""};
    int err = run(t, &diag);
    import_report_finish(&t->report);
    json_t *o = json_object();
    set_counts(t, o);
    if (!t->is_dry && is_any(t))
        act_log(t->d, t->kind->act, hy_control_uid(t->call), json_copy(o));
    if (err == HY_OK) {
        json_object_set_new(o, "rejects", import_rejects_json(&t->report));
        json_object_set_new(o, "report_complete", json_boolean(t->report.err == 0));
        hy_control_finish(t->call, o);
    } else {
        json_decref(o);
        fail(t, err, &diag);
    }
    job_free(t);
}

/* ---- starting; main thread ---- */

void import_table_init(struct import_table *t, const struct import_table_kind *kind,
                       struct hy_daemon *d, struct hy_control_call *call)
{
    t->kind = kind;
    t->d = d;
    t->call = call;
    t->fd = t->report_fd = t->report.fd = -1;
    t->arena = HY_ARENA_INIT(kind->bytes_max);
    t->now = hy_clock_wall_ms();
    user_name(hy_control_uid(call), t->by, sizeof t->by);
}

int import_table_charset(const json_t *args, enum hy_charset *ret, struct hy_diag *diag)
{
    const char *charset = "auto";
    int err = hy_control_arg_string(args, "charset", "auto", diag, &charset);
    *ret = HY_CHARSET_AUTO;
    if (err == HY_OK && strcmp(charset, "auto") != 0 &&
        hy_charset_parse(hy_str_of(charset), ret) != HY_OK)
        err = hy_fail(diag, HY_EINVAL, "the charset '%s' is not known", charset);
    return err;
}

int import_table_currency(const json_t *args, char ret[4], struct hy_diag *diag)
{
    const char *text = "";
    int err = hy_control_arg_string(args, "currency", "", diag, &text);
    if (err != HY_OK)
        return err;
    hy_currency_read(hy_str_of(text), ret);
    if (text[0] && !ret[0])
        return hy_fail(diag, HY_EINVAL, "'%.20s' is no currency like JPY", text);
    return HY_OK;
}

int import_table_map(const char *text, struct hy_import_map map[IMPORT_TABLE_MAP_MAX],
                     size_t *ret_n, struct hy_diag *diag)
{
    struct hy_str rest = hy_str_of(text), piece;
    size_t n = 0;
    while (rest.n && hy_str_split(&rest, ',', &piece)) {
        size_t eq = hy_str_find(piece, '=', 0);
        if (eq == SIZE_MAX || eq == 0 || eq + 1 == piece.n)
            return hy_fail(diag, HY_EINVAL,
                           "'%.*s' is no mapping: write COLUMN=FIELD, with commas between them",
                           HY_STR_ARG(piece));
        if (n == IMPORT_TABLE_MAP_MAX)
            return hy_fail(diag, HY_ELIMIT, "more than %d mappings", IMPORT_TABLE_MAP_MAX);
        map[n++] = (struct hy_import_map){
            .column = hy_str_trim(hy_str_slice(piece, 0, eq)),
            .attr = hy_str_trim(hy_str_slice(piece, eq + 1, piece.n)),
        };
    }
    *ret_n = n;
    return HY_OK;
}

int import_table_sheet(struct import_table *t, const struct hy_sheet_field *fields, size_t n_fields,
                       bool keeps_rest, struct hy_diag *diag)
{
    const json_t *args = hy_control_args(t->call);
    const char *text = "";
    struct hy_import_map map[IMPORT_TABLE_MAP_MAX];
    struct hy_sheet_options o = {
        .fields = fields, .n_fields = n_fields, .map = map, .keeps_rest = keeps_rest};
    int err = import_table_charset(args, &o.charset, diag);
    if (err == HY_OK)
        err = hy_control_arg_string(args, "map", "", diag, &text);
    if (err == HY_OK)
        err = import_table_map(text, map, &o.n_map, diag);
    return err == HY_OK ? hy_sheet_new(&o, &t->sheet, diag) : err;
}

static int prepare(struct import_table *t, struct hy_diag *diag)
{
    struct stat st;
    struct hy_config *config = daemon_config(t->d);
    const size_t shown = config->import.rejects_shown;
    hy_config_unref(config);
    int err = hy_control_arg_bool(hy_control_args(t->call), "dry_run", false, diag, &t->is_dry);
    if (err != HY_OK)
        return err;
    t->fd = hy_control_take_fd(t->call, 0);
    t->report_fd = hy_control_take_fd(t->call, 1);
    if (fstat(t->fd, &st) == 0 && S_ISREG(st.st_mode))
        t->bytes_total = (uint64_t)st.st_size;
    err = import_report_open(&t->report, t->report_fd, shown);
    if (err == HY_OK)
        t->report_fd = -1; /* the report's */
    return err;
}

void import_table_start(struct import_table *t, int err, struct hy_diag *diag)
{
    if (err == HY_OK)
        err = prepare(t, diag);
    if (err != HY_OK)
        hy_control_fail_diag(t->call, err, diag);
    if (err != HY_OK || !ctl_job_start(t->d, t->call, CTL_JOB_ALTER, job_main, t))
        job_free(t);
}
