#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hayauma/daemon/import_job.h"
#include "hayauma/daemon/list_export.h"
#include "hayauma/store/identity.h"

/* A store with its writer, and the end of one import. */
struct bed {
    char dir[64];
    struct hy_env *env;
    struct hy_writer *writer;
    struct hy_import_jobs *jobs;
    _Atomic int commits_left; /* after so many the disk is full; < 0 = never */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_done, is_cancelled;
    uint64_t told;
    struct hy_import_end end;
    char first_reject[256], columns[256];
};

static int before_commit(void *ctx)
{
    struct bed *b = ctx;
    if (b->commits_left < 0)
        return 0;
    if (b->commits_left == 0)
        return ENOSPC;
    b->commits_left--;
    return 0;
}

static void bed_open(struct bed *b)
{
    struct hy_diag diag = {0};
    *b = (struct bed){
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

static void bed_close(struct bed *b)
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
    struct bed *b = ctx;
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
    struct bed *b = ctx;
    pthread_mutex_lock(&b->lock);
    b->told = p->rows;
    pthread_mutex_unlock(&b->lock);
}

static bool is_cancelled(void *ctx)
{
    struct bed *b = ctx;
    pthread_mutex_lock(&b->lock);
    bool is = b->is_cancelled;
    pthread_mutex_unlock(&b->lock);
    return is;
}

static void wait_done(struct bed *b)
{
    pthread_mutex_lock(&b->lock);
    while (!b->is_done)
        pthread_cond_wait(&b->changed, &b->lock);
    b->is_done = false;
    pthread_mutex_unlock(&b->lock);
}

static struct hy_import_job_options options(struct bed *b, int fd)
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
static int file_of(struct bed *b, const char *text, int rows)
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

static const struct hy_import_progress *import(struct bed *b, const char *text, int rows)
{
    struct hy_diag diag = {0};
    struct hy_import_job_options o = options(b, file_of(b, text, rows));
    cr_assert_eq(hy_import_job_start(b->jobs, &o, &diag), HY_OK, "%s", diag.text);
    wait_done(b);
    return &b->end.progress;
}

static uint64_t members(struct bed *b, const char *list)
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

static const char *slurp(const char *dir, const char *name, char out[4096])
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "re");
    cr_assert_neq(f, NULL);
    out[fread(out, 1, 4095, f)] = 0;
    fclose(f);
    return out;
}

Test(import_job, takes_good_rows_and_reports_bad_ones)
{
    struct bed b;
    struct hy_diag diag = {0};
    char path[128], text[4096];
    bed_open(&b);
    struct hy_import_job_options o = options(&b, file_of(&b,
                                                         "メールアドレス,氏名,points\n"
                                                         "taro@example.jp,太郎,1\n"
                                                         "broken,=1+1,2\n"
                                                         "TARO@example.jp,Taro,\n"
                                                         "hana@docmo.ne.jp,花子,3\n"
                                                         "ｊｉｒｏ＠example.jp,次郎,4\n"
                                                         ",,5\n"
                                                         "=cmd @x,x,6\n",
                                                         0));
    snprintf(path, sizeof path, "%s/report.csv", b.dir);
    o.report_fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    cr_assert_eq(hy_import_job_start(b.jobs, &o, &diag), HY_OK, "%s", diag.text);
    wait_done(&b);
    const struct hy_import_progress *p = &b.end.progress;
    cr_expect_eq(b.end.err, HY_OK, "%s", b.end.diag.text);
    cr_expect_eq(p->rows, 7);
    cr_expect_eq(p->added, 3);
    cr_expect_eq(p->duplicates, 1);
    cr_expect_eq(p->refused, 3);
    cr_expect_eq(p->joined, 3);
    cr_expect_eq(p->suggested, 1);
    cr_expect_eq(p->repaired, 1);
    cr_expect_eq(p->by_reason[HY_ADDRESS_NO_AT], 1);
    cr_expect_eq(p->by_reason[HY_ADDRESS_EMPTY], 1);
    cr_expect_eq(p->bytes, p->bytes_total);
    cr_expect_eq(p->charset, HY_CHARSET_UTF8);
    cr_expect_eq(p->delimiter, ',');
    cr_expect_str_eq(b.columns, "email;name;points;");
    cr_expect_str_eq(b.first_reject, "3 メールアドレス: broken: there is no @ in the address");
    cr_expect_str_eq(slurp(b.dir, "report.csv", text),
                     "line,field,reason,value,kind\n"
                     "3,メールアドレス,there is no @ in the address,broken,refused\n"
                     "5,メールアドレス,was docomo.ne.jp meant?,hana@docmo.ne.jp,warning\n"
                     "7,メールアドレス,there is no address,,refused\n"
                     "8,メールアドレス,a character before the @ is not allowed without "
                     "quotes,'=cmd @x,refused\n");
    cr_expect_eq(members(&b, "news"), 3);
    bed_close(&b);
}

Test(import_job, run_again_changes_nothing)
{
    struct bed b;
    bed_open(&b);
    const struct hy_import_progress *p = import(&b, NULL, 50000);
    cr_expect_eq(b.end.err, HY_OK, "%s", b.end.diag.text);
    cr_expect_eq(p->added, 50000);
    cr_expect_eq(p->joined, 50000);
    cr_expect_eq(p->next_line, 50002);
    p = import(&b, NULL, 50000);
    cr_expect_eq(p->added + p->updated + p->duplicates + p->joined, 0);
    cr_expect_eq(p->unchanged, 50000);
    cr_expect_eq(members(&b, "news"), 50000);
    bed_close(&b);
}

Test(import_job, that_only_checks_stores_nothing)
{
    struct bed b;
    struct hy_diag diag = {0};
    bed_open(&b);
    struct hy_import_job_options o = options(&b, file_of(&b, "email\na@x.jp\nb\n", 0));
    o.only_check = true;
    cr_assert_eq(hy_import_job_start(b.jobs, &o, &diag), HY_OK, "%s", diag.text);
    wait_done(&b);
    cr_expect_eq(b.end.progress.rows, 2);
    cr_expect_eq(b.end.progress.refused, 1);
    cr_expect_eq(members(&b, "news"), 0);
    bed_close(&b);
}

Test(import_job, refuses_slips_and_disposable_addresses_when_asked)
{
    struct bed b;
    struct hy_diag diag = {0};
    bed_open(&b);
    struct hy_import_job_options o =
        options(&b, file_of(&b, "email\na@docmo.ne.jp\nb@x.jp\nc@mailinator.com\n", 0));
    o.refuse_slips = true;
    o.refuse_disposable = true;
    cr_assert_eq(hy_import_job_start(b.jobs, &o, &diag), HY_OK, "%s", diag.text);
    wait_done(&b);
    cr_expect_eq(b.end.progress.refused, 2);
    cr_expect_eq(b.end.progress.suggested, 1);
    cr_expect_eq(b.end.progress.disposable, 1);
    cr_expect_eq(b.end.progress.added, 1);
    cr_expect_str_eq(b.first_reject, "2 email: a@docmo.ne.jp: was docomo.ne.jp meant?");
    bed_close(&b);
}

Test(import_job, stopped_by_a_full_disk_says_where_to_go_on_and_goes_on_there)
{
    struct bed b;
    struct hy_diag diag = {0};
    bed_open(&b);
    import(&b, "email\nfirst@x.jp\n", 0);
    b.commits_left = 1; /* the start looks for the list */
    const struct hy_import_progress *p = import(&b, NULL, 100000);
    cr_expect_eq(b.end.err, HY_EFULL, "%s", hy_err_name(b.end.err));
    cr_expect_eq(p->next_line, 2, "%d", (int)p->next_line);
    cr_expect(strstr(b.end.diag.text, "disk is full"), "%s", b.end.diag.text);
    cr_expect_eq(members(&b, "news"), 1, "nothing of it was stored");

    b.commits_left = -1;
    for (int i = 0; i < 100 && hy_env_state(b.env) != HY_ENV_READY; i++)
        usleep(100 * 1000);
    struct hy_import_job_options o = options(&b, file_of(&b, NULL, 100000));
    o.first_line = p->next_line;
    cr_assert_eq(hy_import_job_start(b.jobs, &o, &diag), HY_OK, "%s", diag.text);
    wait_done(&b);
    cr_expect_eq(b.end.err, HY_OK, "%s", b.end.diag.text);
    cr_expect_eq(members(&b, "news"), 100001);
    bed_close(&b);
}

Test(import_job, cancelled_keeps_what_was_committed_and_can_go_on)
{
    struct bed b;
    struct hy_diag diag = {0};
    int ends[2];
    bed_open(&b);
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    struct hy_import_job_options o = options(&b, ends[0]);
    cr_assert_eq(hy_import_job_start(b.jobs, &o, &diag), HY_OK, "%s", diag.text);
    dprintf(ends[1], "email\na@x.jp\nb@x.jp\n");
    usleep(300 * 1000); /* it waits for more: the pipe stays open */
    pthread_mutex_lock(&b.lock);
    b.is_cancelled = true;
    pthread_mutex_unlock(&b.lock);
    wait_done(&b);
    cr_expect_eq(b.end.err, HY_ECANCELED);
    cr_expect(strstr(b.end.diag.text, "cancelled"), "%s", b.end.diag.text);
    cr_expect_geq(b.end.progress.next_line, 1);
    close(ends[1]);
    b.is_cancelled = false;
    import(&b, "email\na@x.jp\nb@x.jp\n", 0);
    cr_expect_eq(members(&b, "news"), 2);
    bed_close(&b);
}

Test(import_job, ends_with_the_daemon)
{
    struct bed b;
    struct hy_diag diag = {0};
    int ends[2];
    bed_open(&b);
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    struct hy_import_job_options o = options(&b, ends[0]);
    o.is_cancelled = NULL;
    cr_assert_eq(hy_import_job_start(b.jobs, &o, &diag), HY_OK, "%s", diag.text);
    cr_expect_eq(hy_import_jobs_running(b.jobs), 1);
    hy_import_jobs_free(b.jobs);
    cr_expect(b.is_done, "free waits for the end");
    cr_expect_eq(b.end.err, HY_ECLOSED);
    b.jobs = NULL;
    close(ends[1]);
    bed_close(&b);
}

Test(import_job, that_cannot_start_says_why)
{
    struct bed b;
    struct hy_diag diag = {0};
    bed_open(&b);
    struct hy_import_job_options o = options(&b, file_of(&b, "email\n", 0));
    o.create_list = false;
    cr_expect_eq(hy_import_job_start(b.jobs, &o, &diag), HY_ENOTFOUND);
    cr_expect_str_eq(diag.text, "there is no list \"news\"");
    cr_expect_eq(fcntl(o.fd, F_GETFD), -1, "the descriptor is closed");

    diag.text[0] = 0;
    o = options(&b, file_of(&b, "email\n", 0));
    o.list = "a\nb";
    cr_expect_eq(hy_import_job_start(b.jobs, &o, &diag), HY_EINVAL);
    cr_expect(strstr(diag.text, "list's name"), "%s", diag.text);

    import(&b, "name\nTaro\n", 0);
    cr_expect_eq(b.end.err, HY_EINVAL);
    cr_expect(strstr(b.end.diag.text, "no column holds the addresses"), "%s", b.end.diag.text);
    for (int i = 0; i < 1000 && hy_import_jobs_running(b.jobs) > 0; i++)
        usleep(1000); /* done comes just before */
    cr_expect_eq(hy_import_jobs_running(b.jobs), 0);
    bed_close(&b);
}

Test(list_export, writes_what_an_import_reads_back)
{
    struct bed b;
    char path[128], text[4096];
    struct hy_txn t;
    struct hy_list_export_options o = {.lists = {.n = 1}};
    uint64_t n = 0;
    bed_open(&b);
    import(&b,
           "email,name,memo,status\n"
           "+taro@example.jp,\"山田, 太郎\",=1+1,customer\n"
           "hana@other.test,花子,\"two\nlines\",\n"
           "plain@example.jp,,,lost\n",
           0);
    cr_assert_eq(hy_txn_read(b.env, &t), HY_OK);
    cr_assert_eq(hy_list_find(&t, HY_STR("news"), &o.lists.lists[0]), HY_OK);
    hy_txn_end(&t);
    snprintf(path, sizeof path, "%s/out.csv", b.dir);
    int fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    cr_assert_eq(hy_list_export(b.env, fd, &o, &n), HY_OK);
    cr_expect_eq(n, 3);
    close(fd);
    slurp(b.dir, "out.csv", text);
    cr_expect(strncmp(text, "email,mail_status,name,notes,status\n", 36) == 0, "%s", text);
    cr_expect(strstr(text, "\n'+taro@example.jp,active,\"山田, 太郎\",'=1+1,customer\n"), "%s",
              text);
    cr_expect(strstr(text, "\nhana@other.test,active,花子,\"two\nlines\",\n"), "%s", text);
    cr_expect(strstr(text, "\nplain@example.jp,active,,,lost\n"), "%s", text);

    struct hy_diag diag = {0};
    struct hy_import_job_options again = options(&b, open(path, O_RDONLY | O_CLOEXEC));
    cr_assert_eq(hy_import_job_start(b.jobs, &again, &diag), HY_OK, "%s", diag.text);
    wait_done(&b);
    cr_expect_eq(b.end.progress.unchanged, 3, "the export of a list imports as itself");

    int ends[2];
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    close(ends[0]);
    signal(SIGPIPE, SIG_IGN);
    cr_expect_eq(hy_list_export(b.env, ends[1], &o, &n), HY_ECLOSED);
    close(ends[1]);
    bed_close(&b);
}

/* ---- files with ids ---- */

static const struct hy_import_progress *import_ids(struct bed *b, const char *text,
                                                   const struct hy_import_job_options *more,
                                                   char report[4096])
{
    char path[128];
    struct hy_diag diag = {0};
    struct hy_import_job_options o = options(b, file_of(b, text, 0));
    snprintf(path, sizeof path, "%s/report.csv", b->dir);
    o.report_fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    o.merge = more->merge;
    o.move_addresses = more->move_addresses;
    o.only_check = more->only_check;
    o.source = more->source;
    o.tags = more->tags;
    cr_assert_eq(hy_import_job_start(b->jobs, &o, &diag), HY_OK, "%s", diag.text);
    wait_done(b);
    slurp(b->dir, "report.csv", report);
    return &b->end.progress;
}

/* "number address name=value;" of the lead that `who` names, or "none". */
static const char *lead_of(struct bed *b, const char *who, char out[256])
{
    struct hy_txn t;
    struct hy_diag diag = {0};
    struct hy_lead_attr attrs[8];
    struct hy_lead_view v = {0};
    hy_lead_no no = 0;
    cr_assert_eq(hy_txn_read(b->env, &t), HY_OK);
    strcpy(out, "none");
    if (hy_lead_resolve(&t, hy_str_of(who), &no, &diag) == HY_OK) {
        cr_assert_eq(hy_lead_read(&t, no, attrs, 8, &v), HY_OK);
        size_t n = (size_t)snprintf(out, 256, "%u %.*s ", no, HY_STR_ARG(v.address));
        for (size_t i = 0; i < v.n_attrs; i++) {
            struct hy_str name;
            cr_assert_eq(hy_attr_name(&t, attrs[i].no, &name), HY_OK);
            n += (size_t)snprintf(out + n, 256 - n, "%.*s=%.*s;", HY_STR_ARG(name),
                                  HY_STR_ARG(attrs[i].value));
        }
    }
    hy_txn_end(&t);
    return out;
}

static void expect_lead(struct bed *b, const char *who, const char *want)
{
    char got[256];
    cr_expect_str_eq(lead_of(b, who, got), want, "%s: got %s", who, got);
}

Test(import_job, a_known_id_changes_its_lead_and_a_new_one_goes_to_the_lead_of_the_address)
{
    struct bed b;
    char report[4096];
    const struct hy_import_job_options plain = {.source = "crm", .tags = "vip"};
    const char *file = "ext:crm,email,name\n"
                       "1,taro@x.test,Taro T\n"
                       "2,,Without\n"
                       "3,hana@x.test,Hana\n"
                       "1,,Taro U\n";
    bed_open(&b);
    cr_assert_eq(import(&b, "email,name\ntaro@x.test,Taro\n", 0)->added, 1);
    const struct hy_import_progress *p = import_ids(&b, file, &plain, report);
    cr_expect_eq(b.end.err, HY_OK, "%s", b.end.diag.text);
    cr_expect(p->added == 2 && p->updated == 2 && p->refused == 0 && p->joined == 2);
    expect_lead(&b, "ext:crm:1", "1 taro@x.test name=Taro U;");
    expect_lead(&b, "ext:crm:2", "2  name=Without;source=crm;");
    expect_lead(&b, "hana@x.test", "3 hana@x.test name=Hana;source=crm;");
    cr_expect_eq(members(&b, "news"), 3);

    p = import_ids(&b, "ext:crm,email,name\n1,taro@x.test,Taro U\n2,,Without\n3,hana@x.test,Hana\n",
                   &plain, report);
    cr_expect(p->unchanged == 3 && p->added + p->updated + p->joined == 0, "the same again");

    p = import_ids(&b, "ext:crm,email\n2,late@x.test\n", &plain, report);
    cr_expect(p->updated == 1 && p->kept_addresses == 0);
    expect_lead(&b, "late@x.test", "2 late@x.test name=Without;source=crm;");
    bed_close(&b);
}

Test(import_job, an_address_is_moved_only_when_asked)
{
    struct bed b;
    char report[4096];
    const char *file = "ext:crm,email\n1,new@x.test\n";
    bed_open(&b);
    (void)import_ids(&b, "ext:crm,email\n1,old@x.test\n", &(struct hy_import_job_options){0},
                     report);
    const struct hy_import_progress *p =
        import_ids(&b, file, &(struct hy_import_job_options){0}, report);
    cr_expect(p->unchanged == 1 && p->kept_addresses == 1 && p->refused == 0);
    cr_expect(strstr(report, "\n2,email,lead 1 keeps the address it has: --move-addresses gives it "
                             "this one,new@x.test,warning\n"),
              "%s", report);
    expect_lead(&b, "ext:crm:1", "1 old@x.test ");
    expect_lead(&b, "new@x.test", "none");
    p = import_ids(&b, file, &(struct hy_import_job_options){.move_addresses = true}, report);
    cr_expect(p->updated == 1 && p->kept_addresses == 0);
    expect_lead(&b, "ext:crm:1", "1 new@x.test ");
    expect_lead(&b, "old@x.test", "1 new@x.test ");
    p = import_ids(&b, "ext:crm,email\n1,old@x.test\n",
                   &(struct hy_import_job_options){.move_addresses = true}, report);
    cr_expect_eq(p->updated, 1, "a further address becomes the first again");
    expect_lead(&b, "new@x.test", "1 old@x.test ");
    bed_close(&b);
}

Test(import_job, a_row_that_names_two_leads_is_refused_and_the_rest_goes_in)
{
    struct bed b;
    char report[4096];
    const char *file = "ext:crm,email,tel,name\n"
                       "1,b@x.test,,Both\n"
                       "4,c@x.test,,C\n"
                       "5,,12,D\n";
    const struct hy_import_map map = {HY_STR("tel"), HY_STR("phone:")};
    const struct hy_import_job_options none = {0}, dry = {.only_check = true};
    bed_open(&b);
    (void)import_ids(&b, "ext:crm,email\n1,a@x.test\n2,b@x.test\n", &none, report);
    const struct hy_import_progress *p = import_ids(&b, file, &dry, report);
    cr_expect(p->refused == 1 && p->rows == 3, "a check says it before");
    expect_lead(&b, "c@x.test", "none");
    p = import_ids(&b, file, &none, report);
    cr_expect(p->refused == 1 && p->added == 2 && b.end.err == HY_OK);
    cr_expect_str_eq(b.first_reject, "2 : b@x.test: ext:crm:1 is of lead 1, the rest names lead 2: "
                                     "merge them");
    expect_lead(&b, "ext:crm:1", "1 a@x.test ");

    struct hy_diag diag = {0};
    struct hy_import_job_options o = options(&b, file_of(&b, file, 0));
    o.import.map = &map;
    o.import.n_map = 1;
    cr_assert_eq(hy_import_job_start(b.jobs, &o, &diag), HY_OK);
    wait_done(&b);
    cr_expect_eq(b.end.progress.refused, 2, "12 is no phone number");
    bed_close(&b);
}

Test(import_job, leads_that_are_kept_or_filled_get_their_ids_all_the_same)
{
    static const struct {
        enum hy_lead_merge merge;
        const char *want;
    } cases[] = {{HY_LEAD_MERGE_KEEP, "1 a@x.test name=A;"},
                 {HY_LEAD_MERGE_FILL, "1 a@x.test name=A;plan=gold;"},
                 {HY_LEAD_MERGE_OVERWRITE, "1 a@x.test name=Z;plan=gold;"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bed b;
        char report[4096];
        bed_open(&b);
        (void)import(&b, "email,name\na@x.test,A\n", 0);
        (void)import_ids(&b, "ext:crm,email,name,plan\n1,a@x.test,Z,gold\n",
                         &(struct hy_import_job_options){.merge = cases[i].merge}, report);
        expect_lead(&b, "ext:crm:1", cases[i].want);
        bed_close(&b);
    }
}

Test(import_job, a_file_with_ids_that_fails_says_where_to_go_on_and_goes_on_there)
{
    struct bed b;
    struct hy_diag diag = {0};
    bed_open(&b);
    char *text = calloc(1, 64 * 1300), *to = text;
    to += sprintf(to, "ext:crm,email\n");
    for (int i = 0; i < 1200; i++)
        to += sprintf(to, "%d,u%d@x.test\n", i, i);
    b.commits_left = 2; /* the list and a batch */
    (void)import(&b, text, 0);
    b.commits_left = -1;
    cr_expect_eq(b.end.err, HY_EFULL, "%s", b.end.diag.text);
    cr_expect_eq(b.end.progress.added, 500);
    cr_expect_eq(b.end.progress.next_line, 502);
    int err = HY_EFULL; /* until the writer has found that there is space again */
    for (int i = 0; i < 600 && err == HY_EFULL; i++, usleep(50 * 1000)) {
        struct hy_import_job_options o = options(&b, file_of(&b, text, 0));
        o.first_line = 502;
        err = hy_import_job_start(b.jobs, &o, &diag);
    }
    cr_assert_eq(err, HY_OK, "%s", diag.text);
    wait_done(&b);
    cr_expect_eq(b.end.progress.added, 700);
    cr_expect_eq(members(&b, "news"), 1200);
    free(text);
    bed_close(&b);
}

Test(import_job, a_system_that_cannot_be_one_ends_a_file_before_anything_is_stored)
{
    struct bed b;
    bed_open(&b);
    (void)import(&b, "ext:c/rm,email\n1,a@x.test\n", 0);
    cr_expect_eq(b.end.err, HY_EPARSE, "%d", b.end.err);
    cr_expect(strstr(b.end.diag.text, "no external id"), "%s", b.end.diag.text);
    expect_lead(&b, "a@x.test", "none");
    bed_close(&b);
}
