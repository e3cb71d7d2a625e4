/* suppress.import: a file of suppressed addresses into the store, on a thread of its own.
 *
 * Happy path: rows are read, checked and gathered; a full batch is put by the writer in one
 * transaction, in the order of its keys, and the next is gathered after its commit. A bad row is
 * reported with its line and the rest goes in. When the client goes away or the daemon stops, what
 * was committed stays, and doing it again does no harm. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl_common.h"
#include "hayauma/audience/suppress_rows.h"
#include "hayauma/base/list.h"
#include "hayauma/web/suppress_json.h"
#include "import_priv.h"

enum {
    BATCH_ROWS = 4000,
    BATCH_BYTES = 8 << 20, /* of their texts: more than the longest rows take */
    CHUNK_BYTES = 256 * 1024,
    WAIT_MS = 200,
};

struct batch {
    struct hy_write_req req;
    struct hy_suppress_entry rows[BATCH_ROWS];
    size_t n;
    struct hy_arena arena;
    uint64_t added, changed, same; /* set anew by each apply */
};

struct job {
    struct hy_daemon *d;
    struct hy_control_call *call;
    int fd, report_fd;
    bool is_dry;
    struct hy_config *config;
    struct hy_suppress_names names;
    struct hy_suppress_words given; /* for rows that do not say */
    struct hy_str source, by;
    hy_wall_ms expires, now;
    struct hy_suppress_rows *rows;
    struct import_report report;
    struct batch *batch;
    struct hy_txn t; /* for names of lists; renewed with each batch */
    uint64_t read, refused, added, changed, same, bytes, bytes_total, line;
    char by_room[HY_SUPPRESS_BY_MAX + 1];
    char chunk[CHUNK_BYTES];
};

/* ---- batches ---- */

static int compare(const void *x, const void *y)
{
    const struct hy_suppress_id *a = &((const struct hy_suppress_entry *)x)->key.id,
                                *b = &((const struct hy_suppress_entry *)y)->key.id;
    return a->a != b->a ? (a->a < b->a ? -1 : 1) : a->b < b->b ? -1 : a->b > b->b;
}

/* Writer thread. */
static int apply(struct hy_write_req *r, struct hy_txn *t)
{
    struct batch *b = hy_container_of(r, struct batch, req);
    b->added = b->changed = b->same = 0;
    for (size_t i = 0; i < b->n; i++) {
        enum hy_suppress_did did = HY_SUPPRESS_SAME;
        int err = hy_suppress_put(t, &b->rows[i], &did);
        if (err)
            return err;
        b->added += did == HY_SUPPRESS_ADDED;
        b->changed += did == HY_SUPPRESS_CHANGED;
        b->same += did == HY_SUPPRESS_SAME;
    }
    return 0;
}

static void tell(struct job *j)
{
    hy_control_progress(
        j->call, json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "rows", (json_int_t)j->read, "rejected",
                           (json_int_t)j->refused, "added", (json_int_t)j->added, "changed",
                           (json_int_t)j->changed, "same", (json_int_t)j->same, "bytes",
                           (json_int_t)j->bytes, "total_bytes", (json_int_t)j->bytes_total));
}

static int flush(struct job *j)
{
    struct batch *b = j->batch;
    int err = HY_OK;
    qsort(b->rows, b->n, sizeof *b->rows, compare);
    hy_txn_park(&j->t);
    if (b->n && !j->is_dry) {
        b->req = (struct hy_write_req){
            .class = HY_WRITE_INTAKE, .on_full = HY_WRITE_FULL_FAIL, .apply = apply};
        while ((err = hy_writer_run(j->d->writer, &b->req)) == HY_EBUSY)
            usleep(WAIT_MS * 1000);
    }
    if (err == HY_OK && b->n) {
        j->added += j->is_dry ? b->n : b->added;
        j->changed += j->is_dry ? 0 : b->changed;
        j->same += j->is_dry ? 0 : b->same;
    }
    b->n = 0;
    hy_arena_reset(&b->arena);
    tell(j);
    int renewed = hy_txn_renew(&j->t);
    return err ? err : renewed;
}

/* ---- rows ---- */

static void refuse(struct job *j, const struct hy_suppress_row *row, const char *column,
                   const char *reason, struct hy_str value)
{
    struct hy_import_row r = {
        .line = row->line,
        .column = row->reason.n ? row->column : hy_str_of(column),
        .reason = row->reason.n ? row->reason : hy_str_of(reason),
        .value = row->reason.n ? row->value : value,
    };
    j->refused++;
    import_report_add(&j->report, &r, false);
}

/* "h1:...", with an @ before it when it is of a domain. */
static int read_hash(struct job *j, struct hy_str text, struct hy_suppress_entry *e)
{
    e->is_hashed = true;
    e->is_domain = text.n && text.p[0] == '@';
    return hy_suppress_token_read(j->d->env, hy_str_slice(text, e->is_domain, text.n), &e->key.id);
}

static struct hy_str or_given(struct hy_str said, struct hy_str given)
{
    return said.n ? said : given;
}

/* Where a row names a place of its own, what was given for all does not mix with it. */
static void words_of(const struct job *j, const struct hy_suppress_row *row,
                     struct hy_suppress_words *w)
{
    const struct hy_str *v = row->values;
    bool own = v[HY_SUPPRESS_COL_SCOPE].n || v[HY_SUPPRESS_COL_TENANT].n ||
               v[HY_SUPPRESS_COL_STREAM].n || v[HY_SUPPRESS_COL_LIST].n;
    *w = j->given;
    if (own)
        *w = (struct hy_suppress_words){.scope = v[HY_SUPPRESS_COL_SCOPE],
                                        .tenant =
                                            or_given(v[HY_SUPPRESS_COL_TENANT], j->given.tenant),
                                        .stream = v[HY_SUPPRESS_COL_STREAM],
                                        .list = v[HY_SUPPRESS_COL_LIST]};
    if (own && hy_str_eq(w->scope, HY_STR("all")) && !v[HY_SUPPRESS_COL_TENANT].n)
        w->tenant = HY_STR("");
    w->reason = or_given(v[HY_SUPPRESS_COL_REASON], j->given.reason);
}

static int add_row(struct job *j, const struct hy_suppress_row *row)
{
    struct batch *b = j->batch;
    struct hy_suppress_entry e = {
        .created = row->created && row->created < j->now ? row->created : 0,
        .expires = row->expires ? row->expires : j->expires,
    };
    struct hy_suppress_key key = {0};
    struct hy_suppress_words w;
    struct hy_diag diag = {""};
    const char *word = "";
    words_of(j, row, &w);
    if (row->reason.n) {
        refuse(j, row, "", "", HY_STR(""));
        return HY_OK;
    }
    if (hy_suppress_key_read(&j->names, &j->t, &w, HY_SUPPRESS_ALL, HY_SUPPRESS_IMPORTED, &key,
                             &word, &diag) != HY_OK) {
        refuse(j, row, word, diag.text, HY_STR(""));
        return HY_OK;
    }
    if (row->expires && row->expires <= j->now) {
        refuse(j, row, "expires", "it is over already", row->values[HY_SUPPRESS_COL_EXPIRES]);
        return HY_OK;
    }
    struct hy_str hash = row->values[HY_SUPPRESS_COL_HASH];
    int err =
        row->what.n ? hy_suppress_id_of(j->d->env, row->what, &e.key.id) : read_hash(j, hash, &e);
    if (err) {
        refuse(j, row, row->what.n ? "address" : "hash",
               err == HY_EAUTH ? "a hash of another installation means nothing here"
                               : "it cannot be read",
               row->what.n ? row->what : hash);
        return HY_OK;
    }
    key.id = e.key.id;
    e.key = key;
    struct hy_str source = or_given(row->values[HY_SUPPRESS_COL_SOURCE], j->source);
    e.what = hy_arena_str(&b->arena, row->what);
    e.source = hy_arena_str(&b->arena, hy_str_slice(source, 0, HY_SUPPRESS_SOURCE_MAX));
    e.by = hy_arena_str(&b->arena, hy_str_slice(or_given(row->values[HY_SUPPRESS_COL_BY], j->by), 0,
                                                HY_SUPPRESS_BY_MAX));
    if (!e.what.p || !e.source.p || !e.by.p)
        return HY_ENOMEM;
    b->rows[b->n++] = e;
    return b->n == BATCH_ROWS ? flush(j) : HY_OK;
}

static int take_rows(struct job *j)
{
    struct hy_suppress_row row;
    int err;
    while ((err = hy_suppress_rows_next(j->rows, &row)) == HY_OK) {
        j->read++;
        j->line = row.line;
        err = add_row(j, &row);
        if (err)
            break;
    }
    return err == HY_EMORE ? HY_OK : err;
}

/* ---- the file ---- */

static int run(struct job *j)
{
    size_t n = 1;
    int err = hy_txn_read(j->d->env, &j->t);
    while (err == HY_OK && n > 0) {
        err = import_file_read(j->d, j->call, j->fd, j->chunk, sizeof j->chunk, &n);
        j->bytes += err == HY_OK ? n : 0;
        if (err == HY_OK)
            err = n ? hy_suppress_rows_feed(j->rows, hy_str_make(j->chunk, n))
                    : hy_suppress_rows_end(j->rows);
        if (err == HY_OK)
            err = take_rows(j);
    }
    if (err == HY_OK)
        err = flush(j);
    hy_txn_end(&j->t);
    return err;
}

/* ---- the answer ---- */

static json_t *result(const struct job *j)
{
    json_t *o = json_object();
    ctl_set_count(o, "rows", j->read);
    ctl_set_count(o, "rejected", j->refused);
    ctl_set_count(o, "added", j->added);
    ctl_set_count(o, "changed", j->changed);
    ctl_set_count(o, "same", j->same);
    json_object_set_new(o, "rejects", import_rejects_json(&j->report));
    json_object_set_new(o, "report_complete", json_boolean(j->report.err == 0));
    return o;
}

static void job_free(struct job *j)
{
    if (j->fd >= 0)
        close(j->fd);
    if (j->report_fd >= 0)
        close(j->report_fd);
    import_report_free(&j->report);
    hy_suppress_rows_free(j->rows);
    if (j->batch)
        hy_arena_free(&j->batch->arena);
    free(j->batch);
    hy_config_unref(j->config);
    free(j);
}

static void job_main(void *arg)
{
    struct job *j = arg;
    char text[256];
    int err = run(j);
    import_report_finish(&j->report);
    if (!j->is_dry && j->added + j->changed)
        act_log(j->d, "suppress.import", hy_control_uid(j->call),
                json_pack("{s:I,s:I,s:I}", "added", (json_int_t)j->added, "changed",
                          (json_int_t)j->changed, "rejected", (json_int_t)j->refused));
    if (err == HY_OK) {
        hy_control_finish(j->call, result(j));
    } else {
        snprintf(
            text, sizeof text, "the import ended near line %llu: %s", (unsigned long long)j->line,
            err == HY_EFULL ? "the disk is full, or nearly so (store.min_free)" : hy_err_text(err));
        hy_control_fail(j->call, err, text,
                        "what was read before is in; importing the file again does no harm");
    }
    job_free(j);
}

/* ---- starting; main thread ---- */

static int read_options(struct job *j, struct hy_diag *diag)
{
    const json_t *args = hy_control_args(j->call);
    const struct {
        const char *name;
        struct hy_str *to;
    } words[] = {{"scope", &j->given.scope},   {"tenant", &j->given.tenant},
                 {"stream", &j->given.stream}, {"list", &j->given.list},
                 {"reason", &j->given.reason}, {"source", &j->source}};
    const char *text = "", *expires = "", *charset = "auto";
    enum hy_charset c = HY_CHARSET_AUTO;
    int err = HY_OK;
    for (size_t i = 0; i < sizeof words / sizeof *words && err == HY_OK; i++) {
        err = hy_control_arg_string(args, words[i].name, "", diag, &text);
        *words[i].to = hy_str_of(text); /* the call's */
    }
    if (err == HY_OK)
        err = hy_control_arg_string(args, "expires", "", diag, &expires);
    if (err == HY_OK)
        err = hy_control_arg_string(args, "charset", "auto", diag, &charset);
    if (err == HY_OK)
        err = hy_control_arg_bool(args, "dry_run", false, diag, &j->is_dry);
    if (err == HY_OK && strcmp(charset, "auto") != 0 &&
        hy_charset_parse(hy_str_of(charset), &c) != HY_OK)
        err = hy_fail(diag, HY_EINVAL, "the charset '%s' is not known", charset);
    if (err == HY_OK)
        err = hy_suppress_end_read(hy_str_of(expires), j->now, &j->expires, diag);
    if (err == HY_OK)
        err = hy_suppress_rows_new(c, 0, &j->rows);
    return err;
}

/* What is given for all rows must make sense before the first is read. */
static int check_given(struct job *j, struct hy_diag *diag)
{
    struct hy_txn t = {0};
    struct hy_suppress_key k;
    const char *word = "";
    int err = hy_txn_read(j->d->env, &t);
    if (err == HY_OK)
        err = hy_suppress_key_read(&j->names, &t, &j->given, HY_SUPPRESS_ALL, HY_SUPPRESS_IMPORTED,
                                   &k, &word, diag);
    hy_txn_end(&t);
    return err;
}

static int prepare(struct job *j, struct hy_diag *diag)
{
    struct stat st;
    int err = read_options(j, diag);
    j->config = daemon_config(j->d);
    j->names = (struct hy_suppress_names){.tenants = &j->config->tenants};
    if (err == HY_OK)
        err = check_given(j, diag);
    user_name(hy_control_uid(j->call), j->by_room, sizeof j->by_room);
    j->by = hy_str_of(j->by_room);
    j->batch = calloc(1, sizeof *j->batch);
    if (err == HY_OK && !j->batch)
        err = HY_ENOMEM;
    if (err != HY_OK)
        return err;
    j->batch->arena = HY_ARENA_INIT(BATCH_BYTES);
    j->fd = hy_control_take_fd(j->call, 0);
    j->report_fd = hy_control_take_fd(j->call, 1);
    if (fstat(j->fd, &st) == 0 && S_ISREG(st.st_mode))
        j->bytes_total = (uint64_t)st.st_size;
    err = import_report_open(&j->report, j->report_fd, j->d->config->import.rejects_shown);
    if (err == HY_OK)
        j->report_fd = -1; /* the report's */
    return err;
}

static void import(struct hy_control_call *call, void *ctx)
{
    struct hy_diag diag = {""};
    struct job *j = calloc(1, sizeof *j);
    if (!j) {
        hy_control_fail(call, HY_ENOMEM, "out of memory", NULL);
        return;
    }
    j->d = ctx;
    j->call = call;
    j->fd = j->report_fd = -1;
    j->now = hy_clock_wall_ms();
    int err = prepare(j, &diag);
    if (err != HY_OK)
        hy_control_fail_diag(call, err, &diag);
    if (err != HY_OK || !ctl_job_start(ctx, call, CTL_JOB_ALTER, job_main, j))
        job_free(j);
}

const struct hy_control_command ctl_suppress_import_commands[] = {
    {"suppress.import", 1, 2, import},
    {NULL, 0, 0, NULL},
};
