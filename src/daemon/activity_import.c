/* activity.import: a file of what leads did elsewhere into the log, on a thread of its own.
 *
 * Happy path: rows are read, checked and gathered; a full batch is noted by the writer in one
 * transaction, and the next is gathered after its commit. A bad row is reported with its line and
 * the rest goes in. When the client goes away or the daemon stops, what was committed stays, and
 * doing it again does no harm: rows are known by their ids. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl_common.h"
#include "hayauma/base/list.h"
#include "hayauma/store/told.h"
#include "hayauma/track/told_rows.h"
#include "import_priv.h"

enum {
    BATCH_ROWS = 500,
    BATCH_BYTES = 32 << 20, /* of their texts: more than the longest rows take */
    CHUNK_BYTES = 256 * 1024,
    WAIT_MS = 200,
};

struct item {
    struct hy_told_row row;
    struct hy_told_result result; /* set anew by each apply */
    struct hy_diag why;
};

struct job {
    struct hy_daemon *d;
    struct hy_control_call *call;
    int fd, report_fd;
    bool is_dry;
    char by[80];
    struct hy_told_how how;
    hy_wall_ms now;
    struct hy_told_rows *rows;
    struct import_report report;
    struct hy_write_req req; /* of the batch: */
    struct item items[BATCH_ROWS];
    size_t n;
    struct hy_arena arena;
    uint64_t read, refused, noted, duplicates, made, bytes, bytes_total, line;
    char chunk[CHUNK_BYTES];
};

/* ---- batches ---- */

/* Writer thread. */
static int apply(struct hy_write_req *r, struct hy_txn *t)
{
    struct job *j = hy_container_of(r, struct job, req);
    int err = HY_OK;
    for (size_t i = 0; i < j->n && err == HY_OK; i++) {
        struct item *x = &j->items[i];
        x->why.text[0] = '\0';
        if (x->row.object)
            err = hy_told_put(t, &x->row.told, &j->how, &x->result, &x->why);
    }
    return err;
}

/* Nothing is noted: only whether there are such leads. */
static int look(struct job *j)
{
    struct hy_txn t = {0};
    int err = hy_txn_read(j->d->env, &t);
    for (size_t i = 0; i < j->n && err == HY_OK; i++) {
        struct item *x = &j->items[i];
        hy_lead_no lead;
        x->result = (struct hy_told_result){.did = HY_TOLD_NOTED};
        if (!x->row.object || x->row.told.by == HY_TOLD_NOBODY)
            continue;
        err = hy_told_find_lead(&t, &x->row.told, &lead, &x->why);
        if (err == HY_EPARSE)
            x->result.did = HY_TOLD_BAD_WHO;
        else if (err == HY_ENOTFOUND && !j->how.makes_leads)
            x->result.did = HY_TOLD_NO_LEAD;
        if (err == HY_EPARSE || err == HY_ENOTFOUND)
            err = HY_OK;
    }
    hy_txn_end(&t);
    return err;
}

static void count(struct job *j, const struct item *x)
{
    const struct hy_told_row *row = &x->row;
    struct hy_import_row r = {
        .line = row->line, .column = row->column, .reason = row->reason, .value = row->value};
    if (row->object && x->result.did > HY_TOLD_DUPLICATE) {
        r.column = hy_told_rows_column(j->rows, row->told.by);
        r.value = row->told.who;
        r.reason = x->result.did == HY_TOLD_NO_LEAD ? HY_STR("there is no such lead")
                   : x->why.text[0]                 ? hy_str_of(x->why.text)
                                                    : HY_STR("this names no lead");
    }
    if (r.reason.n) {
        j->refused++;
        import_report_add(&j->report, &r, false);
        return;
    }
    j->noted += x->result.did == HY_TOLD_NOTED;
    j->duplicates += x->result.did == HY_TOLD_DUPLICATE;
    j->made += x->result.is_new;
}

static void set_counts(const struct job *j, json_t *o)
{
    ctl_set_count(o, "rows", j->read);
    ctl_set_count(o, "rejected", j->refused);
    ctl_set_count(o, "noted", j->noted);
    ctl_set_count(o, "duplicates", j->duplicates);
    ctl_set_count(o, "leads", j->made);
}

static void tell(struct job *j)
{
    json_t *o = json_object();
    set_counts(j, o);
    ctl_set_count(o, "bytes", j->bytes);
    ctl_set_count(o, "total_bytes", j->bytes_total);
    hy_control_progress(j->call, o);
}

static void clear(struct job *j)
{
    for (size_t i = 0; i < j->n; i++)
        json_decref(j->items[i].row.object);
    j->n = 0;
    hy_arena_reset(&j->arena);
}

static int flush(struct job *j)
{
    int err = HY_OK;
    if (j->is_dry)
        err = look(j);
    else if (j->n) {
        j->req = (struct hy_write_req){
            .class = HY_WRITE_INTAKE, .on_full = HY_WRITE_FULL_FAIL, .apply = apply};
        while ((err = hy_writer_run(j->d->writer, &j->req)) == HY_EBUSY)
            usleep(WAIT_MS * 1000);
    }
    for (size_t i = 0; i < j->n && err == HY_OK; i++)
        count(j, &j->items[i]);
    clear(j);
    tell(j);
    return err;
}

static int take_rows(struct job *j, struct hy_diag *diag)
{
    int err = HY_OK;
    while (err == HY_OK) {
        struct item *x = &j->items[j->n];
        *x = (struct item){.result = {.did = HY_TOLD_NOTED}};
        err = hy_told_rows_next(j->rows, j->now, &j->arena, &x->row, diag);
        if (err == HY_OK) {
            j->read++;
            j->line = x->row.line;
            j->n++;
            if (j->n == BATCH_ROWS)
                err = flush(j);
        }
    }
    return err == HY_EMORE ? HY_OK : err;
}

static int run(struct job *j, struct hy_diag *diag)
{
    size_t n = 1;
    int err = HY_OK;
    while (err == HY_OK && n > 0) {
        err = import_file_read(j->d, j->call, j->fd, j->chunk, sizeof j->chunk, &n);
        j->bytes += err == HY_OK ? n : 0;
        if (err == HY_OK)
            err = n ? hy_told_rows_feed(j->rows, hy_str_make(j->chunk, n))
                    : hy_told_rows_end(j->rows);
        if (err == HY_OK)
            err = take_rows(j, diag);
    }
    return err == HY_OK ? flush(j) : err;
}

/* ---- the job ---- */

static void job_free(struct job *j)
{
    clear(j);
    if (j->fd >= 0)
        close(j->fd);
    if (j->report_fd >= 0)
        close(j->report_fd);
    import_report_free(&j->report);
    hy_told_rows_free(j->rows);
    hy_arena_free(&j->arena);
    free(j);
}

static void fail(struct job *j, int err, const struct hy_diag *why)
{
    struct hy_diag diag = {""};
    if (why->text[0])
        hy_fail(&diag, err, "%s", why->text);
    else
        hy_fail(&diag, err, "the import ended near line %llu: %s", (unsigned long long)j->line,
                err == HY_EFULL ? "the disk is full, or nearly so (store.min_free)"
                                : hy_err_text(err));
    hy_control_fail(j->call, err, diag.text,
                    j->noted ? "what was read before is in; importing the file again does no harm"
                             : NULL);
}

static void job_main(void *arg)
{
    struct job *j = arg;
    struct hy_diag diag = {""};
    int err = run(j, &diag);
    import_report_finish(&j->report);
    json_t *o = json_object();
    set_counts(j, o);
    if (!j->is_dry && j->noted)
        act_log(j->d, "activity.import", hy_control_uid(j->call), json_copy(o));
    if (err == HY_OK) {
        json_object_set_new(o, "rejects", import_rejects_json(&j->report));
        json_object_set_new(o, "report_complete", json_boolean(j->report.err == 0));
        hy_control_finish(j->call, o);
    } else {
        json_decref(o);
        fail(j, err, &diag);
    }
    job_free(j);
}

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
    if (hy_told_read(probe, j->now, &arena, &told, &fault) == HY_EINVAL &&
        json_object_get(given, fault.field))
        err = hy_fail(diag, HY_EINVAL, "%s: %s", fault.field, fault.message);
    json_decref(probe);
    hy_arena_free(&arena);
    return err;
}

static int read_options(struct job *j, struct hy_diag *diag)
{
    const json_t *args = hy_control_args(j->call), *given = json_object_get(args, "fields");
    const char *charset = "auto";
    enum hy_charset c = HY_CHARSET_AUTO;
    int err = hy_control_arg_string(args, "charset", "auto", diag, &charset);
    if (err == HY_OK)
        err = hy_control_arg_bool(args, "dry_run", false, diag, &j->is_dry);
    if (err == HY_OK)
        err = hy_control_arg_bool(args, "create", false, diag, &j->how.makes_leads);
    if (err == HY_OK && strcmp(charset, "auto") != 0 &&
        hy_charset_parse(hy_str_of(charset), &c) != HY_OK)
        err = hy_fail(diag, HY_EINVAL, "the charset '%s' is not known", charset);
    if (err == HY_OK)
        err = check_given(j, given, diag);
    return err == HY_OK ? hy_told_rows_new(c, given, &j->rows) : err;
}

static int prepare(struct job *j, struct hy_diag *diag)
{
    struct stat st;
    int err = read_options(j, diag);
    struct hy_config *config = daemon_config(j->d);
    const size_t shown = config->import.rejects_shown;
    j->how.back_ms = config->web_tag.join_back_us / 1000;
    hy_config_unref(config);
    user_name(hy_control_uid(j->call), j->by, sizeof j->by);
    j->how.source = j->how.by = hy_str_of(j->by);
    if (err != HY_OK)
        return err;
    j->fd = hy_control_take_fd(j->call, 0);
    j->report_fd = hy_control_take_fd(j->call, 1);
    if (fstat(j->fd, &st) == 0 && S_ISREG(st.st_mode))
        j->bytes_total = (uint64_t)st.st_size;
    err = import_report_open(&j->report, j->report_fd, shown);
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
    j->report.fd = -1;
    j->arena = HY_ARENA_INIT(BATCH_BYTES);
    j->now = hy_clock_wall_ms();
    int err = prepare(j, &diag);
    if (err != HY_OK)
        hy_control_fail_diag(call, err, &diag);
    if (err != HY_OK || !ctl_job_start(ctx, call, CTL_JOB_ALTER, job_main, j))
        job_free(j);
}

const struct hy_control_command ctl_activity_import_commands[] = {
    {"activity.import", 1, 2, import},
    {NULL, 0, 0, NULL},
};
