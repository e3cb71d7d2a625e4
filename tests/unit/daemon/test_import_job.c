#include "import_bed.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

Test(import_job, takes_good_rows_and_reports_bad_ones)
{
    struct import_bed b;
    struct hy_diag diag = {0};
    char path[128], text[4096];
    import_bed_open(&b);
    struct hy_import_job_options o =
        import_bed_options(&b, import_bed_file(&b,
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
    import_bed_wait(&b);
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
    cr_expect_str_eq(import_bed_slurp(b.dir, "report.csv", text),
                     "line,field,reason,value,kind\n"
                     "3,メールアドレス,there is no @ in the address,broken,refused\n"
                     "5,メールアドレス,was docomo.ne.jp meant?,hana@docmo.ne.jp,warning\n"
                     "7,メールアドレス,there is no address,,refused\n"
                     "8,メールアドレス,a character before the @ is not allowed without "
                     "quotes,'=cmd @x,refused\n");
    cr_expect_eq(import_bed_members(&b, "news"), 3);
    import_bed_close(&b);
}

Test(import_job, run_again_changes_nothing)
{
    struct import_bed b;
    import_bed_open(&b);
    const struct hy_import_progress *p = import_bed_import(&b, NULL, 50000);
    cr_expect_eq(b.end.err, HY_OK, "%s", b.end.diag.text);
    cr_expect_eq(p->added, 50000);
    cr_expect_eq(p->joined, 50000);
    cr_expect_eq(p->next_line, 50002);
    p = import_bed_import(&b, NULL, 50000);
    cr_expect_eq(p->added + p->updated + p->duplicates + p->joined, 0);
    cr_expect_eq(p->unchanged, 50000);
    cr_expect_eq(import_bed_members(&b, "news"), 50000);
    import_bed_close(&b);
}

Test(import_job, that_only_checks_stores_nothing)
{
    struct import_bed b;
    struct hy_diag diag = {0};
    import_bed_open(&b);
    struct hy_import_job_options o =
        import_bed_options(&b, import_bed_file(&b, "email\na@x.jp\nb\n", 0));
    o.only_check = true;
    cr_assert_eq(hy_import_job_start(b.jobs, &o, &diag), HY_OK, "%s", diag.text);
    import_bed_wait(&b);
    cr_expect_eq(b.end.progress.rows, 2);
    cr_expect_eq(b.end.progress.refused, 1);
    cr_expect_eq(import_bed_members(&b, "news"), 0);
    import_bed_close(&b);
}

Test(import_job, refuses_slips_and_disposable_addresses_when_asked)
{
    struct import_bed b;
    struct hy_diag diag = {0};
    import_bed_open(&b);
    struct hy_import_job_options o = import_bed_options(
        &b, import_bed_file(&b, "email\na@docmo.ne.jp\nb@x.jp\nc@mailinator.com\n", 0));
    o.refuse_slips = true;
    o.refuse_disposable = true;
    cr_assert_eq(hy_import_job_start(b.jobs, &o, &diag), HY_OK, "%s", diag.text);
    import_bed_wait(&b);
    cr_expect_eq(b.end.progress.refused, 2);
    cr_expect_eq(b.end.progress.suggested, 1);
    cr_expect_eq(b.end.progress.disposable, 1);
    cr_expect_eq(b.end.progress.added, 1);
    cr_expect_str_eq(b.first_reject, "2 email: a@docmo.ne.jp: was docomo.ne.jp meant?");
    import_bed_close(&b);
}

Test(import_job, stopped_by_a_full_disk_says_where_to_go_on_and_goes_on_there)
{
    struct import_bed b;
    struct hy_diag diag = {0};
    import_bed_open(&b);
    import_bed_import(&b, "email\nfirst@x.jp\n", 0);
    b.commits_left = 1; /* the start looks for the list */
    const struct hy_import_progress *p = import_bed_import(&b, NULL, 100000);
    cr_expect_eq(b.end.err, HY_EFULL, "%s", hy_err_name(b.end.err));
    cr_expect_eq(p->next_line, 2, "%d", (int)p->next_line);
    cr_expect(strstr(b.end.diag.text, "disk is full"), "%s", b.end.diag.text);
    cr_expect_eq(import_bed_members(&b, "news"), 1, "nothing of it was stored");

    b.commits_left = -1;
    for (int i = 0; i < 100 && hy_env_state(b.env) != HY_ENV_READY; i++)
        usleep(100 * 1000);
    struct hy_import_job_options o = import_bed_options(&b, import_bed_file(&b, NULL, 100000));
    o.first_line = p->next_line;
    cr_assert_eq(hy_import_job_start(b.jobs, &o, &diag), HY_OK, "%s", diag.text);
    import_bed_wait(&b);
    cr_expect_eq(b.end.err, HY_OK, "%s", b.end.diag.text);
    cr_expect_eq(import_bed_members(&b, "news"), 100001);
    import_bed_close(&b);
}

Test(import_job, cancelled_keeps_what_was_committed_and_can_go_on)
{
    struct import_bed b;
    struct hy_diag diag = {0};
    int ends[2];
    import_bed_open(&b);
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    struct hy_import_job_options o = import_bed_options(&b, ends[0]);
    cr_assert_eq(hy_import_job_start(b.jobs, &o, &diag), HY_OK, "%s", diag.text);
    dprintf(ends[1], "email\na@x.jp\nb@x.jp\n");
    usleep(300 * 1000); /* it waits for more: the pipe stays open */
    pthread_mutex_lock(&b.lock);
    b.is_cancelled = true;
    pthread_mutex_unlock(&b.lock);
    import_bed_wait(&b);
    cr_expect_eq(b.end.err, HY_ECANCELED);
    cr_expect(strstr(b.end.diag.text, "cancelled"), "%s", b.end.diag.text);
    cr_expect_geq(b.end.progress.next_line, 1);
    close(ends[1]);
    b.is_cancelled = false;
    import_bed_import(&b, "email\na@x.jp\nb@x.jp\n", 0);
    cr_expect_eq(import_bed_members(&b, "news"), 2);
    import_bed_close(&b);
}

Test(import_job, ends_with_the_daemon)
{
    struct import_bed b;
    struct hy_diag diag = {0};
    int ends[2];
    import_bed_open(&b);
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    struct hy_import_job_options o = import_bed_options(&b, ends[0]);
    o.is_cancelled = NULL;
    cr_assert_eq(hy_import_job_start(b.jobs, &o, &diag), HY_OK, "%s", diag.text);
    cr_expect_eq(hy_import_jobs_running(b.jobs), 1);
    hy_import_jobs_free(b.jobs);
    cr_expect(b.is_done, "free waits for the end");
    cr_expect_eq(b.end.err, HY_ECLOSED);
    b.jobs = NULL;
    close(ends[1]);
    import_bed_close(&b);
}

Test(import_job, that_cannot_start_says_why)
{
    struct import_bed b;
    struct hy_diag diag = {0};
    import_bed_open(&b);
    struct hy_import_job_options o = import_bed_options(&b, import_bed_file(&b, "email\n", 0));
    o.create_list = false;
    cr_expect_eq(hy_import_job_start(b.jobs, &o, &diag), HY_ENOTFOUND);
    cr_expect_str_eq(diag.text, "there is no list \"news\"");
    cr_expect_eq(fcntl(o.fd, F_GETFD), -1, "the descriptor is closed");

    diag.text[0] = 0;
    o = import_bed_options(&b, import_bed_file(&b, "email\n", 0));
    o.list = "a\nb";
    cr_expect_eq(hy_import_job_start(b.jobs, &o, &diag), HY_EINVAL);
    cr_expect(strstr(diag.text, "list's name"), "%s", diag.text);

    import_bed_import(&b, "name\nTaro\n", 0);
    cr_expect_eq(b.end.err, HY_EINVAL);
    cr_expect(strstr(b.end.diag.text, "no column holds the addresses"), "%s", b.end.diag.text);
    for (int i = 0; i < 1000 && hy_import_jobs_running(b.jobs) > 0; i++)
        usleep(1000); /* done comes just before */
    cr_expect_eq(hy_import_jobs_running(b.jobs), 0);
    import_bed_close(&b);
}
