#include "import_bed.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

static int before_commit(void *ctx)
{
    struct import_bed *b = ctx;
    if (b->commits_left < 0)
        return 0;
    if (b->commits_left == 0)
        return ENOSPC;
    b->commits_left--;
    return 0;
}

void import_bed_open(struct import_bed *b)
{
    struct hy_diag diag = {0};
    *b = (struct import_bed){
        .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER, .commits_left = -1};
    strcpy(b->dir, "/tmp/hy-import-XXXXXX");
    cr_assert_neq(mkdtemp(b->dir), NULL);
    const struct hy_env_options o = {.data_dir = b->dir,
                                     .map_bytes = 256 << 20,
                                     .fault = {.before_commit = before_commit, .ctx = b}};
    cr_assert_eq(hy_env_open(&o, &b->env, &diag), HY_OK, "%s", diag.text);
    cr_assert_eq(hy_writer_start(b->env, &(struct hy_writer_options){0}, &b->writer), HY_OK);
    cr_assert_eq(hy_import_jobs_new(b->env, b->writer, &b->jobs), HY_OK);
}

void import_bed_close(struct import_bed *b)
{
    char command[128];
    hy_import_jobs_free(b->jobs);
    hy_writer_stop(b->writer);
    hy_env_close(b->env);
    snprintf(command, sizeof command, "rm -rf %s", b->dir);
    cr_assert_eq(system(command), 0);
}

static void on_done(void *ctx, const struct hy_import_end *end)
{
    struct import_bed *b = ctx;
    pthread_mutex_lock(&b->lock);
    b->end = *end;
    if (end->n_rejects)
        snprintf(b->first_reject, sizeof b->first_reject, "%d %s: %s: %s",
                 (int)end->rejects[0].line, end->rejects[0].field, end->rejects[0].value,
                 end->rejects[0].reason);
    size_t n = 0;
    for (size_t i = 0; i < end->n_columns; i++)
        n += (size_t)snprintf(b->columns + n, sizeof b->columns - n, "%.*s;",
                              HY_STR_ARG(end->columns[i].attr));
    b->is_done = true;
    pthread_cond_signal(&b->changed);
    pthread_mutex_unlock(&b->lock);
}

static void on_progress(void *ctx, const struct hy_import_progress *p)
{
    struct import_bed *b = ctx;
    pthread_mutex_lock(&b->lock);
    b->told = p->rows;
    pthread_mutex_unlock(&b->lock);
}

static bool is_cancelled(void *ctx)
{
    struct import_bed *b = ctx;
    pthread_mutex_lock(&b->lock);
    bool is = b->is_cancelled;
    pthread_mutex_unlock(&b->lock);
    return is;
}

void import_bed_wait(struct import_bed *b)
{
    pthread_mutex_lock(&b->lock);
    while (!b->is_done)
        pthread_cond_wait(&b->changed, &b->lock);
    b->is_done = false;
    pthread_mutex_unlock(&b->lock);
}

struct hy_import_job_options import_bed_options(struct import_bed *b, int fd)
{
    return (struct hy_import_job_options){
        .fd = fd,
        .report_fd = -1,
        .list = "news",
        .create_list = true,
        .rejects_max = 5,
        .progress = on_progress,
        .is_cancelled = is_cancelled,
        .done = on_done,
        .ctx = b,
    };
}

/* An open file with this text, or with `rows` made-up leads behind the header when text is NULL. */
int import_bed_file(struct import_bed *b, const char *text, int rows)
{
    char path[128];
    snprintf(path, sizeof path, "%s/in.csv", b->dir);
    FILE *f = fopen(path, "we");
    cr_assert_neq(f, NULL);
    if (text)
        fputs(text, f);
    else
        fputs("email,name\n", f);
    for (int i = 0; i < rows; i++)
        fprintf(f, "user%d@d%d.test,name %d\n", i, i % 97, i);
    fclose(f);
    return open(path, O_RDONLY | O_CLOEXEC);
}

const struct hy_import_progress *import_bed_import(struct import_bed *b, const char *text, int rows)
{
    struct hy_diag diag = {0};
    struct hy_import_job_options o = import_bed_options(b, import_bed_file(b, text, rows));
    cr_assert_eq(hy_import_job_start(b->jobs, &o, &diag), HY_OK, "%s", diag.text);
    import_bed_wait(b);
    return &b->end.progress;
}

uint64_t import_bed_members(struct import_bed *b, const char *list)
{
    struct hy_txn t;
    struct hy_list_view v = {0};
    hy_list_no no = 0;
    cr_assert_eq(hy_txn_read(b->env, &t), HY_OK);
    if (hy_list_find(&t, hy_str_of(list), &no) == HY_OK)
        cr_assert_eq(hy_list_read(&t, no, &v), HY_OK);
    hy_txn_end(&t);
    return v.members;
}

const char *import_bed_slurp(const char *dir, const char *name, char out[4096])
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "re");
    cr_assert_neq(f, NULL);
    out[fread(out, 1, 4095, f)] = 0;
    fclose(f);
    return out;
}
