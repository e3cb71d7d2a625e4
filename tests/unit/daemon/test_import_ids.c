#include "import_bed.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "hayauma/store/identity.h"
static const struct hy_import_progress *import_ids(struct import_bed *b, const char *text,
                                                   const struct hy_import_job_options *more,
                                                   char report[4096])
{
    char path[128];
    struct hy_diag diag = {0};
    struct hy_import_job_options o = import_bed_options(b, import_bed_file(b, text, 0));
    snprintf(path, sizeof path, "%s/report.csv", b->dir);
    o.report_fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    o.merge = more->merge;
    o.move_addresses = more->move_addresses;
    o.only_check = more->only_check;
    o.source = more->source;
    o.tags = more->tags;
    cr_assert_eq(hy_import_job_start(b->jobs, &o, &diag), HY_OK, "%s", diag.text);
    import_bed_wait(b);
    import_bed_slurp(b->dir, "report.csv", report);
    return &b->end.progress;
}

/* "number address name=value;" of the lead that `who` names, or "none". */
static const char *lead_of(struct import_bed *b, const char *who, char out[256])
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

static void expect_lead(struct import_bed *b, const char *who, const char *want)
{
    char got[256];
    cr_expect_str_eq(lead_of(b, who, got), want, "%s: got %s", who, got);
}

Test(import_ids, a_known_id_changes_its_lead_and_a_new_one_goes_to_the_lead_of_the_address)
{
    struct import_bed b;
    char report[4096];
    const struct hy_import_job_options plain = {.source = "crm", .tags = "vip"};
    const char *file = "ext:crm,email,name\n"
                       "1,taro@x.test,Taro T\n"
                       "2,,Without\n"
                       "3,hana@x.test,Hana\n"
                       "1,,Taro U\n";
    import_bed_open(&b);
    cr_assert_eq(import_bed_import(&b, "email,name\ntaro@x.test,Taro\n", 0)->added, 1);
    const struct hy_import_progress *p = import_ids(&b, file, &plain, report);
    cr_expect_eq(b.end.err, HY_OK, "%s", b.end.diag.text);
    cr_expect(p->added == 2 && p->updated == 2 && p->refused == 0 && p->joined == 2);
    expect_lead(&b, "ext:crm:1", "1 taro@x.test name=Taro U;");
    expect_lead(&b, "ext:crm:2", "2  name=Without;source=crm;");
    expect_lead(&b, "hana@x.test", "3 hana@x.test name=Hana;source=crm;");
    cr_expect_eq(import_bed_members(&b, "news"), 3);

    p = import_ids(&b, "ext:crm,email,name\n1,taro@x.test,Taro U\n2,,Without\n3,hana@x.test,Hana\n",
                   &plain, report);
    cr_expect(p->unchanged == 3 && p->added + p->updated + p->joined == 0, "the same again");

    p = import_ids(&b, "ext:crm,email\n2,late@x.test\n", &plain, report);
    cr_expect(p->updated == 1 && p->kept_addresses == 0);
    expect_lead(&b, "late@x.test", "2 late@x.test name=Without;source=crm;");
    import_bed_close(&b);
}

Test(import_ids, an_address_is_moved_only_when_asked)
{
    struct import_bed b;
    char report[4096];
    const char *file = "ext:crm,email\n1,new@x.test\n";
    import_bed_open(&b);
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
    import_bed_close(&b);
}

Test(import_ids, a_row_that_names_two_leads_is_refused_and_the_rest_goes_in)
{
    struct import_bed b;
    char report[4096];
    const char *file = "ext:crm,email,tel,name\n"
                       "1,b@x.test,,Both\n"
                       "4,c@x.test,,C\n"
                       "5,,12,D\n";
    const struct hy_import_map map = {HY_STR("tel"), HY_STR("phone:")};
    const struct hy_import_job_options none = {0}, dry = {.only_check = true};
    import_bed_open(&b);
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
    struct hy_import_job_options o = import_bed_options(&b, import_bed_file(&b, file, 0));
    o.import.map = &map;
    o.import.n_map = 1;
    cr_assert_eq(hy_import_job_start(b.jobs, &o, &diag), HY_OK);
    import_bed_wait(&b);
    cr_expect_eq(b.end.progress.refused, 2, "12 is no phone number");
    import_bed_close(&b);
}

Test(import_ids, leads_that_are_kept_or_filled_get_their_ids_all_the_same)
{
    static const struct {
        enum hy_lead_merge merge;
        const char *want;
    } cases[] = {{HY_LEAD_MERGE_KEEP, "1 a@x.test name=A;"},
                 {HY_LEAD_MERGE_FILL, "1 a@x.test name=A;plan=gold;"},
                 {HY_LEAD_MERGE_OVERWRITE, "1 a@x.test name=Z;plan=gold;"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct import_bed b;
        char report[4096];
        import_bed_open(&b);
        (void)import_bed_import(&b, "email,name\na@x.test,A\n", 0);
        (void)import_ids(&b, "ext:crm,email,name,plan\n1,a@x.test,Z,gold\n",
                         &(struct hy_import_job_options){.merge = cases[i].merge}, report);
        expect_lead(&b, "ext:crm:1", cases[i].want);
        import_bed_close(&b);
    }
}

Test(import_ids, a_file_with_ids_that_fails_says_where_to_go_on_and_goes_on_there)
{
    struct import_bed b;
    struct hy_diag diag = {0};
    import_bed_open(&b);
    char *text = calloc(1, 64 * 1300), *to = text;
    to += sprintf(to, "ext:crm,email\n");
    for (int i = 0; i < 1200; i++)
        to += sprintf(to, "%d,u%d@x.test\n", i, i);
    b.commits_left = 2; /* the list and a batch */
    (void)import_bed_import(&b, text, 0);
    b.commits_left = -1;
    cr_expect_eq(b.end.err, HY_EFULL, "%s", b.end.diag.text);
    cr_expect_eq(b.end.progress.added, 500);
    cr_expect_eq(b.end.progress.next_line, 502);
    int err = HY_EFULL; /* until the writer has found that there is space again */
    for (int i = 0; i < 600 && err == HY_EFULL; i++, usleep(50 * 1000)) {
        struct hy_import_job_options o = import_bed_options(&b, import_bed_file(&b, text, 0));
        o.first_line = 502;
        err = hy_import_job_start(b.jobs, &o, &diag);
    }
    cr_assert_eq(err, HY_OK, "%s", diag.text);
    import_bed_wait(&b);
    cr_expect_eq(b.end.progress.added, 700);
    cr_expect_eq(import_bed_members(&b, "news"), 1200);
    free(text);
    import_bed_close(&b);
}

Test(import_ids, a_system_that_cannot_be_one_ends_a_file_before_anything_is_stored)
{
    struct import_bed b;
    import_bed_open(&b);
    (void)import_bed_import(&b, "ext:c/rm,email\n1,a@x.test\n", 0);
    cr_expect_eq(b.end.err, HY_EPARSE, "%d", b.end.err);
    cr_expect(strstr(b.end.diag.text, "no external id"), "%s", b.end.diag.text);
    expect_lead(&b, "a@x.test", "none");
    import_bed_close(&b);
}
