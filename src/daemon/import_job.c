/* One import: reads the file in a thread of its own, parses, feeds the writer, reports.
 *
 * Happy path: read a chunk, take its rows, give full batches to the writer, tell the progress; at
 * the end of the file flush, wait for the last commit, call `done`. When something fails, or the
 * client goes away, nothing more is read; batches that are out are waited for, what was committed
 * stays, and the end says at which line to go on. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hayauma/base/list.h"
#include "hayauma/model/activity.h"
#include "hayauma/store/attr_type.h"
#include "hayauma/store/label.h"
#include "import_ids.h"
#include "import_priv.h"

enum {
    CHUNK_BYTES = 256 * 1024,
    PROGRESS_US = 200 * 1000,
    BUSY_MS = 50,
};

struct hy_import_jobs {
    struct hy_env *env;
    struct hy_writer *writer;
    atomic_bool is_stopping;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t running;
};

struct job {
    struct hy_import_jobs *jobs;
    struct hy_import_job_options o;
    struct hy_import *import;
    struct import_report report;
    struct import_feed feed;
    bool has_feed;
    struct import_ids *ids; /* in place of the feed, when columns hold ids */
    struct hy_lead_upsert how;
    hy_label_no tags[HY_IMPORT_TAGS_MAX];
    char source[HY_ACTIVITY_SOURCE_MAX];
    struct hy_import_progress progress;
    struct hy_diag diag;
    hy_us started_at, told_at;
    char chunk[CHUNK_BYTES];
};

/* ---- the thread ---- */

static bool is_cancelled(const struct job *j)
{
    return atomic_load(&j->jobs->is_stopping) || (j->o.is_cancelled && j->o.is_cancelled(j->o.ctx));
}

static int cancel_code(const struct job *j)
{
    return atomic_load(&j->jobs->is_stopping) ? HY_ECLOSED : HY_ECANCELED;
}

/* Brings the counts up to date and tells them now and then. */
static int tell(struct job *j, uint64_t line)
{
    hy_us now = hy_clock_us();
    j->progress.next_line = line;
    j->progress.elapsed_us = now - j->started_at;
    j->progress.charset = hy_import_charset(j->import);
    j->progress.delimiter = hy_import_delimiter(j->import);
    int err = j->has_feed ? import_feed_progress(&j->feed, &j->progress) : HY_OK;
    if (j->ids && import_ids_line(j->ids) < j->progress.next_line)
        j->progress.next_line = import_ids_line(j->ids);
    if (j->o.progress && now - j->told_at >= PROGRESS_US) {
        j->told_at = now;
        j->o.progress(j->o.ctx, &j->progress);
    }
    return err;
}

static int open_feed(struct job *j)
{
    const struct hy_import_column *columns;
    size_t n = hy_import_columns(j->import, &columns);
    if (j->has_feed || j->ids)
        return HY_OK;
    if (import_ids_any(columns, n)) {
        const struct import_ids_options o = {.env = j->jobs->env,
                                             .writer = j->jobs->writer,
                                             .how = &j->how,
                                             .moves_addresses = j->o.move_addresses,
                                             .only_look = j->o.only_check};
        return import_ids_open(&o, columns, n, &j->ids, &j->diag);
    }
    if (j->o.only_check)
        return HY_OK;
    int err = import_feed_open(&j->feed, j->jobs->env, j->jobs->writer, &j->how, columns, n);
    j->has_feed = err == HY_OK;
    return err;
}

/* Stores the rows with ids that are there, waiting for the writer when it is behind. */
static int flush_ids(struct job *j, uint64_t line)
{
    int err;
    while ((err = import_ids_flush(j->ids, &j->report, &j->progress)) == HY_EBUSY) {
        (void)poll(NULL, 0, BUSY_MS);
        if (is_cancelled(j))
            return cancel_code(j);
        err = tell(j, line);
        if (err)
            return err;
    }
    return err ? err : tell(j, line);
}

static int give_with_ids(struct job *j, const struct hy_import_row *row)
{
    int err = import_ids_add(j->ids, row);
    if (err != HY_EMORE)
        return err;
    if (is_cancelled(j))
        return cancel_code(j);
    err = flush_ids(j, row->line);
    return err ? err : import_ids_add(j->ids, row);
}

/* Gives a lead to the feed, waiting for the writer when it is behind. */
static int give(struct job *j, const struct hy_import_row *row)
{
    int err = open_feed(j);
    if (!err && j->ids)
        return give_with_ids(j, row);
    if (err || j->o.only_check)
        return err;
    while ((err = import_feed_add(&j->feed, row)) == HY_EMORE) {
        (void)import_feed_wait(&j->feed);
        if (is_cancelled(j))
            return cancel_code(j);
        err = tell(j, row->line);
        if (err)
            return err;
    }
    return err;
}

static void refuse(struct job *j, const struct hy_import_row *row)
{
    j->progress.refused++;
    if (row->address_reason)
        j->progress.by_reason[row->address_reason]++;
    import_report_add(&j->report, row, false);
}

/* A doubt about a good row: a line of the report, or a refusal. Returns whether it was refused. */
static bool doubt(struct job *j, const struct hy_import_row *row, struct hy_str reason,
                  bool is_refused)
{
    const struct hy_import_column *columns;
    size_t n = hy_import_columns(j->import, &columns);
    struct hy_import_row line = *row;
    for (size_t i = 0; i < n; i++)
        if (hy_str_eq(columns[i].attr, HY_STR("email")))
            line.column = columns[i].header;
    line.reason = reason;
    line.value = hy_address_wire(row->address);
    if (is_refused)
        refuse(j, &line);
    else
        import_report_add(&j->report, &line, true);
    return is_refused;
}

static bool doubt_domain(struct job *j, const struct hy_import_row *row)
{
    char text[128];
    if (row->suggestion.n) {
        j->progress.suggested++;
        int n = snprintf(text, sizeof text, "was %.*s meant?", HY_STR_ARG(row->suggestion));
        if (doubt(j, row, hy_str_make(text, (size_t)n), j->o.refuse_slips))
            return true;
    }
    if (!row->is_disposable)
        return false;
    j->progress.disposable++;
    return doubt(j, row, HY_STR("the domain gives out disposable addresses"),
                 j->o.refuse_disposable);
}

static int take_row(struct job *j, const struct hy_import_row *row)
{
    if (row->line < j->o.first_line)
        return HY_OK;
    j->progress.rows++;
    if (row->kind == HY_IMPORT_REFUSED) {
        refuse(j, row);
        return HY_OK;
    }
    if ((row->suggestion.n || row->is_disposable) && doubt_domain(j, row))
        return HY_OK;
    j->progress.repaired += row->address && row->address->repaired;
    return give(j, row);
}

/* Takes the rows that are there; HY_EMORE when a chunk is needed. */
static int take_rows(struct job *j, uint64_t *line)
{
    struct hy_import_row row;
    int err;
    while ((err = hy_import_next(j->import, &row, &j->diag)) == HY_OK) {
        *line = row.line + 1;
        err = take_row(j, &row);
        if (err) {
            *line = row.line;
            return err;
        }
    }
    return err;
}

/* The next chunk; 0 bytes at the end. Looks up several times a second when the file is a pipe. */
static int read_chunk(struct job *j, size_t *ret_n)
{
    for (;;) {
        struct pollfd p = {.fd = j->o.fd, .events = POLLIN};
        if (is_cancelled(j))
            return cancel_code(j);
        int ready = poll(&p, 1, PROGRESS_US / 1000);
        if (ready == 0 || (ready < 0 && errno == EINTR))
            continue;
        ssize_t n = ready < 0 ? -1 : read(j->o.fd, j->chunk, sizeof j->chunk);
        if (n >= 0) {
            *ret_n = (size_t)n;
            return HY_OK;
        }
        if (errno != EINTR && errno != EAGAIN)
            return hy_fail(&j->diag, HY_EIO, "the file cannot be read: %s", strerror(errno));
    }
}

static int run(struct job *j, uint64_t *line)
{
    for (;;) {
        size_t n = 0;
        int err = read_chunk(j, &n);
        if (err)
            return err;
        j->progress.bytes += n;
        err = n ? hy_import_feed(j->import, hy_str_make(j->chunk, n)) : hy_import_end(j->import);
        if (err)
            return err;
        err = take_rows(j, line);
        if (err != HY_EMORE)
            return err;
        err = tell(j, *line);
        if (err || n == 0)
            return err;
    }
}

/* Gives away the last batch and waits for all of them, also when nobody waits for us any more:
 * the memory they stand in must not go before. */
static int finish(struct job *j, int err, uint64_t line)
{
    if (j->ids && err == HY_OK)
        return flush_ids(j, line);
    if (!j->has_feed)
        return err;
    while (err == HY_OK && (err = import_feed_flush(&j->feed)) == HY_EMORE) {
        (void)import_feed_wait(&j->feed);
        err = is_cancelled(j) ? cancel_code(j) : tell(j, line);
    }
    while (!import_feed_wait(&j->feed))
        (void)tell(j, line);
    return err;
}

static void say_why(struct job *j, int err)
{
    if (err == HY_ELIMIT)
        hy_fail(&j->diag, err,
                "the store has its %d attribute names already: leave out columns (COLUMN=-)",
                HY_ATTR_MAX);
    else if (err == HY_EFULL)
        hy_fail(&j->diag, err, "the disk is full, or nearly so (store.min_free): free some space");
    else if (err)
        hy_fail(&j->diag, err, "%s",
                err == HY_ECANCELED ? "the import was cancelled"
                : err == HY_ECLOSED ? "the daemon is stopping"
                                    : hy_err_text(err));
}

static void job_free(struct job *j)
{
    if (j->has_feed)
        import_feed_close(&j->feed);
    import_ids_close(j->ids);
    import_report_free(&j->report);
    hy_import_free(j->import);
    free(j);
}

static void *job_main(void *arg)
{
    struct job *j = arg;
    struct hy_import_jobs *jobs = j->jobs;
    uint64_t line = 1;
    j->started_at = hy_clock_us();
    int err = run(j, &line);
    err = finish(j, err, line);
    import_report_finish(&j->report);
    close(j->o.fd);
    j->told_at = hy_clock_us(); /* the last counts go with the end */
    int feed_err = tell(j, line);
    err = err ? err : feed_err;
    say_why(j, err);

    const struct hy_import_column *columns;
    struct hy_import_end end = {
        .err = err,
        .diag = j->diag,
        .progress = j->progress,
        .n_columns = hy_import_columns(j->import, &columns),
        .rejects = j->report.kept,
        .n_rejects = j->report.n_kept,
        .report_err = j->report.err,
    };
    end.columns = columns;
    j->o.done(j->o.ctx, &end);
    job_free(j);
    pthread_mutex_lock(&jobs->lock);
    jobs->running--;
    pthread_cond_broadcast(&jobs->changed);
    pthread_mutex_unlock(&jobs->lock);
    return NULL;
}

/* ---- starting ---- */

struct list_req {
    struct hy_write_req req;
    struct hy_str name;
    bool create;
    hy_list_no no;
    hy_lead_no next_lead;
    struct hy_str tags; /* with commas */
    hy_label_no *tag_nos;
    size_t n_tags; /* set anew by each apply */
};

static int make_tags(struct list_req *l, struct hy_txn *t)
{
    struct hy_str rest = l->tags, name;
    int err = HY_OK;
    l->n_tags = 0;
    while (!err && rest.n && hy_str_split(&rest, ',', &name)) {
        if (l->n_tags == HY_IMPORT_TAGS_MAX)
            return HY_ELIMIT;
        err = hy_label_intern(t, HY_LABEL_TAG, name, &l->tag_nos[l->n_tags]);
        l->n_tags += err == HY_OK;
    }
    return err == HY_EINVAL ? HY_EPARSE : err;
}

static int find_list(struct hy_write_req *r, struct hy_txn *t)
{
    struct list_req *l = hy_container_of(r, struct list_req, req);
    int err = hy_lead_next_no(t, &l->next_lead);
    if (!err)
        err = make_tags(l, t);
    if (err || l->name.n == 0)
        return err;
    err = hy_list_find(t, l->name, &l->no);
    if (err == HY_ENOTFOUND && l->create)
        err = hy_list_create(t, l->name, hy_txn_new_id(t), &l->no);
    return err;
}

static int open_list(struct job *j, struct hy_diag *diag)
{
    struct list_req l = {
        .req = {.class = HY_WRITE_INTAKE, .when = HY_WRITE_NOW, .apply = find_list},
        .name = hy_str_of(j->o.list),
        .create = j->o.create_list,
        .tags = hy_str_of(j->o.tags),
        .tag_nos = j->tags,
    };
    struct hy_str source = hy_str_of(j->o.source);
    if (source.n > sizeof j->source || !hy_str_is_utf8(source))
        return hy_fail(diag, HY_EINVAL, "the source is a text of at most %zu bytes",
                       sizeof j->source);
    if (j->o.only_check)
        return HY_OK;
    if (source.n)
        memcpy(j->source, source.p, source.n);
    int err = hy_writer_run(j->jobs->writer, &l.req);
    j->how = (struct hy_lead_upsert){.list = l.no,
                                     .merge = j->o.merge,
                                     .own_from = l.next_lead,
                                     .tags = j->tags,
                                     .n_tags = l.n_tags,
                                     .source = hy_str_make(j->source, source.n)};
    if (err == HY_EPARSE)
        return hy_fail(diag, HY_EINVAL,
                       "a tag has 1 to %d bytes of text without blanks at its ends",
                       HY_LABEL_NAME_MAX);
    if (err == HY_ELIMIT)
        return hy_fail(diag, err, "an import gives at most %d tags", HY_IMPORT_TAGS_MAX);
    if (err == HY_ENOTFOUND)
        return hy_fail(diag, err, "there is no list \"%s\"", j->o.list);
    if (err == HY_EINVAL)
        return hy_fail(diag, err, "a list's name has 1 to %d bytes and no control characters",
                       HY_LIST_NAME_MAX);
    if (err)
        return hy_fail(diag, err, "the import cannot start: %s", hy_err_text(err));
    return HY_OK;
}

static int take_place(struct hy_import_jobs *jobs, struct hy_diag *diag)
{
    int err = HY_OK;
    pthread_mutex_lock(&jobs->lock);
    if (atomic_load(&jobs->is_stopping))
        err = HY_ECLOSED;
    else if (jobs->running == HY_IMPORT_JOBS_MAX)
        err = HY_EBUSY;
    else
        jobs->running++;
    pthread_mutex_unlock(&jobs->lock);
    if (err)
        hy_fail(diag, err, err == HY_EBUSY ? "%d imports are running already" : "stopping",
                HY_IMPORT_JOBS_MAX);
    return err;
}

static void give_place(struct hy_import_jobs *jobs)
{
    pthread_mutex_lock(&jobs->lock);
    jobs->running--;
    pthread_cond_broadcast(&jobs->changed);
    pthread_mutex_unlock(&jobs->lock);
}

/* A detached thread that takes no signals: they are the main thread's. */
static int start_thread(struct job *j)
{
    pthread_t thread;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int rc = pthread_create(&thread, NULL, job_main, j);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc)
        return HY_ENOMEM;
    pthread_detach(thread);
    return HY_OK;
}

/* The types of attributes as they are now, in the arena. */
static int read_types(struct hy_import_jobs *jobs, struct hy_arena *arena,
                      struct hy_import_type **ret, size_t *ret_n)
{
    struct hy_import_type *types = hy_arena_alloc(arena, HY_ATTR_MAX * sizeof *types);
    struct hy_txn t = {0};
    size_t n_attrs = 0, n = 0;
    int err = types ? hy_txn_read(jobs->env, &t) : HY_ENOMEM;
    if (!err)
        err = hy_attr_count(&t, &n_attrs);
    for (size_t i = 0; i < n_attrs && i < HY_ATTR_MAX && !err; i++) {
        struct hy_str name;
        enum hy_attr_type type = HY_ATTR_TEXT;
        err = hy_attr_type_get(&t, (hy_attr_no)i, &type);
        if (err || type == HY_ATTR_TEXT)
            continue;
        err = hy_attr_name(&t, (hy_attr_no)i, &name);
        if (!err)
            types[n] = (struct hy_import_type){hy_arena_str(arena, name), type};
        if (!err && !types[n++].attr.p)
            err = HY_ENOMEM;
    }
    hy_txn_end(&t);
    *ret = types;
    *ret_n = n;
    return err;
}

static int make_import(struct job *j, struct hy_diag *diag)
{
    struct hy_arena arena = HY_ARENA_INIT(1 << 20);
    struct hy_import_options o = j->o.import;
    struct hy_import_type *types = NULL;
    int err = read_types(j->jobs, &arena, &types, &o.n_types);
    o.types = types;
    if (err == HY_OK)
        err = hy_import_new(&o, &j->import, diag);
    hy_arena_free(&arena);
    return err;
}

static int make_job(struct hy_import_jobs *jobs, const struct hy_import_job_options *o,
                    struct hy_diag *diag, struct job **ret)
{
    struct stat st;
    struct job *j = calloc(1, sizeof *j);
    if (!j)
        return HY_ENOMEM;
    j->jobs = jobs;
    j->o = *o;
    if (fstat(o->fd, &st) == 0 && S_ISREG(st.st_mode))
        j->progress.bytes_total = (uint64_t)st.st_size;
    int err = import_report_open(&j->report, o->report_fd, o->rejects_max);
    if (err == HY_OK)
        err = make_import(j, diag);
    if (err == HY_OK)
        err = open_list(j, diag);
    if (err) {
        job_free(j);
        return err;
    }
    *ret = j;
    return HY_OK;
}

int hy_import_job_start(struct hy_import_jobs *jobs, const struct hy_import_job_options *o,
                        struct hy_diag *diag)
{
    struct job *j = NULL;
    int err = take_place(jobs, diag);
    if (err == HY_OK) {
        err = make_job(jobs, o, diag, &j);
        if (err == HY_OK && (err = start_thread(j)) != HY_OK)
            job_free(j);
        if (err)
            give_place(jobs);
    }
    if (err == HY_OK)
        return HY_OK;
    close(o->fd);
    if (o->report_fd >= 0)
        close(o->report_fd);
    return hy_fail(diag, err, "the import cannot start: %s", hy_err_text(err));
}

/* ---- all jobs ---- */

int hy_import_jobs_new(struct hy_env *env, struct hy_writer *w, struct hy_import_jobs **ret)
{
    struct hy_import_jobs *jobs = calloc(1, sizeof *jobs);
    if (!jobs)
        return HY_ENOMEM;
    jobs->env = env;
    jobs->writer = w;
    pthread_mutex_init(&jobs->lock, NULL);
    pthread_cond_init(&jobs->changed, NULL);
    *ret = jobs;
    return HY_OK;
}

size_t hy_import_jobs_running(struct hy_import_jobs *jobs)
{
    pthread_mutex_lock(&jobs->lock);
    size_t n = jobs->running;
    pthread_mutex_unlock(&jobs->lock);
    return n;
}

void hy_import_jobs_free(struct hy_import_jobs *jobs)
{
    if (!jobs)
        return;
    atomic_store(&jobs->is_stopping, true);
    pthread_mutex_lock(&jobs->lock);
    while (jobs->running > 0)
        pthread_cond_wait(&jobs->changed, &jobs->lock);
    pthread_mutex_unlock(&jobs->lock);
    pthread_mutex_destroy(&jobs->lock);
    pthread_cond_destroy(&jobs->changed);
    free(jobs);
}
