#include "import_bed.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "hayauma/daemon/list_export.h"
Test(list_export, writes_what_an_import_reads_back)
{
    struct import_bed b;
    char path[128], text[4096];
    struct hy_txn t;
    struct hy_list_export_options o = {.lists = {.n = 1}};
    uint64_t n = 0;
    import_bed_open(&b);
    import_bed_import(&b,
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
    import_bed_slurp(b.dir, "out.csv", text);
    cr_expect(strncmp(text, "email,mail_status,name,notes,status\n", 36) == 0, "%s", text);
    cr_expect(strstr(text, "\n'+taro@example.jp,active,\"山田, 太郎\",'=1+1,customer\n"), "%s",
              text);
    cr_expect(strstr(text, "\nhana@other.test,active,花子,\"two\nlines\",\n"), "%s", text);
    cr_expect(strstr(text, "\nplain@example.jp,active,,,lost\n"), "%s", text);

    struct hy_diag diag = {0};
    struct hy_import_job_options again = import_bed_options(&b, open(path, O_RDONLY | O_CLOEXEC));
    cr_assert_eq(hy_import_job_start(b.jobs, &again, &diag), HY_OK, "%s", diag.text);
    import_bed_wait(&b);
    cr_expect_eq(b.end.progress.unchanged, 3, "the export of a list imports as itself");

    int ends[2];
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    close(ends[0]);
    signal(SIGPIPE, SIG_IGN);
    cr_expect_eq(hy_list_export(b.env, ends[1], &o, &n), HY_ECLOSED);
    close(ends[1]);
    import_bed_close(&b);
}
