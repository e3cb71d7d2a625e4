#include <criterion/criterion.h>
#include <stdio.h>

#include "case.h"
#include "company_score.h"
#include "hayauma/store/audit.h"
#include "hayauma/store/company.h"
#include "hayauma/store/lead_edit.h"
#include "hayauma/store/merge.h"

TestSuite(company, .init = case_open, .fini = case_close);

static struct hy_diag diag;

static struct hy_txn write_txn(void)
{
    diag.text[0] = '\0';
    return case_write();
}

/* A lead with this address; `company` NULL: the edit says nothing of it. */
static hy_lead_no lead(const char *address, const char *company)
{
    const struct hy_lead_edit_attr attr = {HY_STR("company"), hy_str_of(company)};
    const struct hy_lead_edit e = {
        .address = hy_str_of(address), .attrs = &attr, .n_attrs = company ? 1 : 0};
    struct hy_lead_edit_result r;
    struct hy_txn t = write_txn();
    cr_assert_eq(hy_lead_edit(&t, &e, &r, &diag), 0, "%s", diag.text);
    cr_assert_eq(hy_txn_commit(&t), 0);
    return r.lead;
}

static int edit(hy_company_no no, const char *name, const struct hy_company_part *parts, size_t n,
                hy_company_no *ret)
{
    const struct hy_company_edit e = {
        .no = no, .name = hy_str_of(name), .parts = parts, .n_parts = n};
    struct hy_company_edit_result r;
    struct hy_txn t = write_txn();
    int err = hy_company_edit(&t, &e, &r, &diag);
    cr_assert(err == 0 || t.writes == 0, "an edit that failed wrote something");
    if (!err)
        *ret = r.no;
    if (!err)
        cr_assert_eq(hy_company_work(&t), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    return err;
}

static hy_company_no company(const char *name, const char *domain)
{
    const struct hy_company_part part = {.kind = HY_COMPANY_DOMAIN, .text = hy_str_of(domain)};
    hy_company_no no = 0;
    cr_assert_eq(edit(0, name, &part, domain ? 1 : 0, &no), 0, "%s", diag.text);
    return no;
}

static void drop(hy_company_no no, hy_company_no into)
{
    struct hy_txn t = write_txn();
    cr_assert_eq(hy_company_drop(&t, no, into, &diag), 0, "%s", diag.text);
    cr_assert_eq(hy_company_work(&t), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
}

static void keep_problem(void *ctx, const char *text)
{
    (void)ctx;
    cr_log_warn("%s", text);
}

/* What its attribute says, and whether all that knows of its company agrees: "-" of none. */
static const char *told(hy_lead_no no, char out[300])
{
    struct hy_audit_sink sink = {.problem = keep_problem};
    struct hy_audit_report report;
    struct hy_company_record c;
    struct hy_txn t;
    hy_company_no of = 0;
    bool has = false;
    cr_assert_eq(hy_audit(env, &sink, &report), 0);
    cr_assert_eq(report.problems, 0);
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_company_of(&t, no, &of), 0);
    snprintf(out, 300, "-");
    if (of) {
        cr_assert_eq(hy_lead_set_has(&t, hy_company_members(of), no, &has), 0);
        cr_assert(has);
        cr_assert_eq(hy_company_read(&t, of, &c), 0);
        snprintf(out, 300, "%.*s", HY_STR_ARG(c.name));
    }
    hy_txn_end(&t);
    return out;
}

static uint64_t members(hy_company_no no)
{
    struct hy_txn t;
    uint64_t n = 0;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_lead_set_count(&t, hy_company_members(no), &n), 0);
    hy_txn_end(&t);
    return n;
}

static hy_company_no find(const char *text)
{
    struct hy_txn t;
    hy_company_no no = 0;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    if (hy_company_resolve(&t, hy_str_of(text), &no) != 0)
        no = 0;
    hy_txn_end(&t);
    return no;
}

Test(company_name, is_compared_as_people_mean_it)
{
    static const struct {
        const char *name, *want; /* NULL: it names none */
    } cases[] = {
        {"Acme Inc.", "acme inc"},
        {"ACME, Inc", "acme inc"},
        {"  acme   inc.", "acme inc"},
        {"ＡＣＭＥ", "acme"},
        {"㈱アクメ", "株式会社アクメ"},
        {"（株）アクメ", "株式会社アクメ"},
        {"株式会社 ｱｸﾒ", "株式会社アクメ"},
        {"アクメ (株)", "アクメ株式会社"},
        {"(有) 山田　商店", "有限会社山田 商店"},
        {"3.14 Ltd.", "3.14 ltd"},
        {"Müller", "müller"},
        {"MÜLLER", "müller"},
        {"", NULL},
        {"   ", NULL},
        {"...", NULL},
        {"a\nb", NULL},
        {"\xff", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[HY_COMPANY_KEY_MAX];
        size_t n = 0;
        int err = hy_company_fold(hy_str_of(cases[i].name), out, &n);
        cr_expect_eq(err, cases[i].want ? 0 : HY_EPARSE, "%s", cases[i].name);
        if (!err && cases[i].want)
            cr_expect(hy_str_eq(hy_str_make(out, n), hy_str_of(cases[i].want)),
                      "%s: got %.*s, want %s", cases[i].name, (int)n, out, cases[i].want);
    }
}

Test(company_name, of_more_than_its_bytes_is_none)
{
    char name[HY_COMPANY_NAME_MAX + 2], out[HY_COMPANY_KEY_MAX];
    size_t n = 0;
    memset(name, 'x', sizeof name);
    cr_expect_eq(hy_company_fold(hy_str_make(name, HY_COMPANY_NAME_MAX), out, &n), 0);
    cr_expect_eq(hy_company_fold(hy_str_make(name, HY_COMPANY_NAME_MAX + 1), out, &n), HY_EPARSE);
    for (size_t i = 0; i + 3 <= HY_COMPANY_NAME_MAX; i += 3)
        memcpy(name + i, "\xef\xb7\xba", 3); /* one sign that is eighteen when it is written out */
    cr_expect_eq(hy_company_fold(hy_str_make(name, 198), out, &n), HY_EPARSE);
}

Test(company, is_made_of_the_attribute_and_joined_however_it_is_written)
{
    char now[300];
    hy_lead_no a = lead("a@x.test", "Acme Inc."), b = lead("b@x.test", "ACME, Inc");
    cr_expect_str_eq(told(a, now), "Acme Inc.");
    cr_expect_str_eq(told(b, now), "Acme Inc.");
    cr_expect_eq(members(find("acme inc")), 2);
    lead("b@x.test", "Other");
    cr_expect_str_eq(told(b, now), "Other");
    cr_expect_eq(members(find("acme inc")), 1);
    lead("b@x.test", "");
    cr_expect_str_eq(told(b, now), "-");
    cr_expect_eq(find("Other"), 0, "one that a lead had named goes with its last member");
}

Test(company, made_by_hand_stays_without_members)
{
    char now[300];
    hy_company_no no = company("Acme", NULL);
    hy_lead_no a = lead("a@x.test", "acme");
    cr_expect_str_eq(told(a, now), "Acme");
    lead("a@x.test", "");
    cr_expect_eq(find("Acme"), no);
}

Test(company, is_joined_by_the_domain_of_the_address)
{
    char now[300];
    hy_lead_no before = lead("a@mail.acme.test", NULL), other = lead("o@acme.test", "Other");
    company("Acme", "acme.test");
    hy_lead_no after = lead("b@acme.test", NULL), no = lead("c@notacme.test", NULL);
    cr_expect_str_eq(told(before, now), "Acme");
    cr_expect_str_eq(told(other, now), "Other");
    cr_expect_str_eq(told(after, now), "Acme");
    cr_expect_str_eq(told(no, now), "-");
    hy_lead_no imported = case_lead("d@acme.test");
    cr_expect_str_eq(told(imported, now), "Acme");
}

Test(company, is_never_that_of_free_mail_or_of_a_provider)
{
    static const char *const shared[] = {"gmail.com",      "yahoo.co.jp", "docomo.ne.jp", "ne.jp",
                                         "mail.ocn.ne.jp", "co.jp",       "hotmail.com",  "com"};
    static const char *const own[] = {"acme.co.jp", "gmail-fans.test", "livemusic.co.jp"};
    for (size_t i = 0; i < sizeof shared / sizeof *shared; i++) {
        const struct hy_company_part part = {.kind = HY_COMPANY_DOMAIN,
                                             .text = hy_str_of(shared[i])};
        hy_company_no no;
        cr_expect_neq(edit(0, "Acme", &part, 1, &no), 0, "%s", shared[i]);
    }
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        cr_expect_gt(company(own[i], own[i]), 0);
}

Test(company, that_is_renamed_takes_its_members_along_and_keeps_its_former_name)
{
    char now[300];
    hy_lead_no a = lead("a@x.test", "Acme");
    hy_company_no no = find("Acme"), same = 0;
    cr_expect_eq(edit(no, "Acme Holdings", NULL, 0, &same), 0);
    cr_expect_str_eq(told(a, now), "Acme Holdings");
    hy_lead_no b = lead("b@x.test", "ACME");
    cr_expect_str_eq(told(b, now), "Acme Holdings");
    cr_expect_eq(edit(no, "Acme", NULL, 0, &same), 0);
    cr_expect_str_eq(told(a, now), "Acme");
    cr_expect_eq(find("Acme Holdings"), no);
}

Test(company, that_others_have_is_refused_with_nothing_written)
{
    hy_company_no acme = company("Acme", "acme.test"), no = 0;
    const struct hy_company_part domain = {.kind = HY_COMPANY_DOMAIN, .text = HY_STR("ACME.test")};
    const struct hy_company_part id = {.kind = HY_COMPANY_ID, .text = HY_STR("crm:7")};
    const struct hy_company_part none = {
        .kind = HY_COMPANY_DOMAIN, .is_removed = true, .text = HY_STR("b.test")};
    cr_expect_eq(edit(0, "ACME.", NULL, 0, &no), HY_EEXIST);
    cr_expect_eq(edit(0, "Other", &domain, 1, &no), HY_EEXIST);
    cr_expect_eq(edit(acme, "", &id, 1, &no), 0);
    cr_expect_eq(edit(0, "Other", &id, 1, &no), HY_EEXIST);
    cr_expect_eq(edit(acme, "", &none, 1, &no), HY_ENOTFOUND);
    cr_expect_eq(edit(99, "Other", NULL, 0, &no), HY_ENOTFOUND);
    cr_expect_eq(edit(0, "", NULL, 0, &no), HY_EINVAL);
    cr_expect_eq(find("ext:crm:7"), acme);
    cr_expect_eq(find("Acme.Test"), acme);
    cr_expect_eq(find("1"), acme);
    cr_expect_eq(find("Other"), 0);
}

Test(company, that_is_deleted_leaves_its_members_without_one)
{
    char now[300];
    hy_company_no no = company("Acme", "acme.test");
    hy_lead_no a = lead("a@acme.test", NULL);
    cr_expect_str_eq(told(a, now), "Acme");
    drop(no, 0);
    cr_expect_str_eq(told(a, now), "-");
    cr_expect_eq(find("Acme"), 0);
    cr_expect_eq(find("acme.test"), 0);
    cr_expect_gt(company("Acme", NULL), no, "numbers are not given twice");
}

Test(company, that_is_merged_gives_all_it_has_to_the_other)
{
    char now[300];
    hy_company_no a = company("Acme", "acme.test"), b = company("Ace", "ace.test");
    hy_lead_no of_b = lead("x@ace.test", NULL);
    drop(b, a);
    cr_expect_str_eq(told(of_b, now), "Acme");
    cr_expect_eq(find("Ace"), a);
    cr_expect_eq(find("ace.test"), a);
    hy_lead_no later = lead("y@x.test", "ace");
    cr_expect_str_eq(told(later, now), "Acme");
}

Test(company, merged_twice_before_its_leads_moved_ends_where_the_last_one_is)
{
    char now[300];
    hy_company_no a = company("A", NULL), b = company("B", NULL), c = company("C", NULL);
    hy_lead_no x = lead("x@x.test", "C"), y = lead("y@x.test", "B");
    struct hy_txn t = write_txn();
    cr_assert_eq(hy_company_drop(&t, c, b, &diag), 0);
    cr_assert_eq(hy_company_drop(&t, b, a, &diag), 0);
    cr_assert_eq(hy_company_work(&t), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    cr_expect_str_eq(told(x, now), "A");
    cr_expect_str_eq(told(y, now), "A");
    cr_expect_eq(members(a), 2);
    cr_expect_eq(members(b), 0);
}

Test(company, of_leads_that_are_merged_is_that_of_the_one_that_is_kept)
{
    char now[300];
    hy_lead_no kept = lead("a@x.test", NULL), part = lead("b@x.test", "Acme"),
               third = lead("c@x.test", "Other");
    struct hy_merged did;
    struct hy_txn t = write_txn();
    cr_assert_eq(hy_lead_merge(&t, kept, part, HY_STR("test"), &did, &diag), 0);
    cr_assert_eq(hy_lead_merge(&t, kept, third, HY_STR("test"), &did, &diag), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    cr_expect_str_eq(told(kept, now), "Acme");
    cr_expect_str_eq(told(part, now), "-");
    cr_expect_eq(members(find("Acme")), 1);
    cr_expect_eq(find("Other"), 0, "its only member is a part of another");
    t = write_txn();
    cr_assert_eq(hy_lead_unmerge(&t, part, HY_STR("test"), &did, &diag), 0);
    cr_assert_eq(hy_lead_unmerge(&t, third, HY_STR("test"), &did, &diag), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    cr_expect_str_eq(told(kept, now), "-");
    cr_expect_str_eq(told(part, now), "Acme");
    cr_expect_str_eq(told(third, now), "Other");
}

Test(company, loses_a_lead_that_is_deleted)
{
    hy_company_no no = company("Acme", NULL);
    hy_lead_no a = lead("a@x.test", "Acme");
    struct hy_txn t = write_txn();
    cr_assert_eq(hy_lead_delete(&t, a), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    cr_expect_eq(members(no), 0);
}

Test(company, is_given_and_taken_by_hand)
{
    char now[300];
    hy_company_no no = company("Acme", "acme.test");
    hy_lead_no a = lead("a@x.test", "Other"), b = lead("b@acme.test", NULL);
    bool changed = false;
    struct hy_txn t = write_txn();
    cr_assert_eq(hy_company_put_lead(&t, a, no, &changed), 0);
    cr_expect(changed);
    cr_assert_eq(hy_company_put_lead(&t, a, no, &changed), 0);
    cr_expect_not(changed);
    cr_assert_eq(hy_company_put_lead(&t, b, 0, &changed), 0);
    cr_expect(changed);
    cr_assert_eq(hy_txn_commit(&t), 0);
    cr_expect_str_eq(told(a, now), "Acme");
    cr_expect_str_eq(told(b, now), "-");
}

/* Attributes that were written before the store knew companies. */
Test(company, of_an_older_store_is_made_of_its_attributes)
{
    char now[300];
    hy_lead_no a = lead("a@x.test", "Acme"), b = lead("b@x.test", "acme");
    struct hy_txn t = write_txn();
    struct hy_cursor c;
    struct hy_lead_set s = hy_company_members(1);
    cr_assert_eq(hy_lead_set_clear(&t, s), 0);
    cr_assert_eq(hy_cursor_open(&t, HY_TABLE_COMPANIES, &c), 0);
    while (hy_cursor_first(&c) == 0)
        cr_assert_eq(hy_cursor_delete(&c), 0);
    hy_cursor_close(&c);
    cr_assert_eq(hy_txn_commit(&t), 0);
    cr_expect_str_eq(told(a, now), "-");
    t = write_txn();
    cr_assert_eq(hy_company_adopt(&t), 0);
    cr_assert_eq(hy_company_work(&t), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    cr_expect_str_eq(told(a, now), "Acme");
    cr_expect_str_eq(told(b, now), "Acme");
}

/* Any order of many changes leaves the three sides of membership alike. */
Test(company, membership_agrees_after_many_changes_in_any_order)
{
    enum { LEADS = 20, NAMES = 5, STEPS = 400 };
    static const char *const names[NAMES] = {"A", "B", "C", "D", ""};
    hy_lead_no leads[LEADS];
    char address[32], now[300];
    uint32_t seed = 12345;
    for (size_t i = 0; i < LEADS; i++) {
        snprintf(address, sizeof address, "u%zu@x.test", i);
        leads[i] = lead(address, names[i % NAMES]);
    }
    for (size_t i = 0; i < STEPS; i++) {
        seed = seed * 1664525 + 1013904223;
        uint32_t who = seed >> 8 & 0xff, what = seed >> 20;
        hy_company_no no = find(names[what % (NAMES - 1)]), to = find(names[who % (NAMES - 1)]);
        if (what % 40 == 0 && no && to && no != to) {
            drop(no, what % 3 ? to : 0);
        } else if (what % 41 == 0 && no) {
            snprintf(address, sizeof address, "N%zu", i);
            int err = edit(no, address, NULL, 0, &no);
            cr_assert(err == 0 || err == HY_ELIMIT, "%s", diag.text);
        } else {
            snprintf(address, sizeof address, "u%u@x.test", who % LEADS);
            lead(address, names[what % NAMES]);
        }
    }
    (void)told(leads[0], now);
}

/* Points of a lead: `fading` of a group with a half-life of ten seconds, given at `at`. */
static void points(hy_lead_no no, double lasting, double fading, hy_wall_ms at)
{
    struct score_record r = {.n_sums = 0};
    struct hy_txn t = write_txn();
    if (lasting != 0)
        r.sums[r.n_sums++] = (struct score_sum){1, 1, {lasting, at, 0}};
    if (fading != 0)
        r.sums[r.n_sums++] = (struct score_sum){2, 1, {fading, at, 10}};
    cr_assert_eq(hy_score_record_put(&t, no, &r), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
}

static int64_t score(hy_company_no no, hy_wall_ms now)
{
    struct hy_txn t;
    int64_t milli = -1;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_company_score(&t, no, now, &milli), 0);
    hy_txn_end(&t);
    return milli;
}

Test(company, score_is_that_of_its_members_together_as_it_fades)
{
    hy_company_no no = company("Acme", NULL), next = 0;
    hy_lead_no a = lead("a@x.test", "Acme"), b = lead("b@x.test", NULL);
    struct hy_txn t;
    points(a, 10, 8, 100000);
    points(b, 5, 4, 110000);
    cr_expect_eq(score(no, 100000), 18000);
    cr_expect_eq(score(no, 110000), 14000);
    lead("b@x.test", "acme");
    cr_expect_eq(score(no, 110000), 23000);
    cr_expect_eq(score(no, 120000), 19000);
    points(a, 20, 0, 120000);
    cr_expect_eq(score(no, 120000), 27000);
    lead("b@x.test", "");
    cr_expect_eq(score(no, 120000), 20000);
    points(a, 0, 0, 120000);
    cr_expect_eq(score(no, 120000), 0);
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_expect_eq(hy_company_scored_next(&t, 0, &next), HY_ENOTFOUND, "nothing is left of it");
    hy_txn_end(&t);
}

static uint64_t problems(void)
{
    struct hy_audit_sink sink = {.problem = NULL}; /* they are meant */
    struct hy_audit_report report;
    cr_assert_eq(hy_audit(env, &sink, &report), 0);
    return report.problems;
}

/* As the daemon does at its start. */
static void adopt(void)
{
    struct hy_txn t = write_txn();
    cr_assert_eq(hy_company_adopt(&t), 0);
    cr_assert_eq(hy_company_work(&t), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
}

Test(company, points_that_are_not_those_of_its_members_are_found_and_counted_once_in_an_older_store)
{
    static const struct score_record wrong = {.n_sums = 1, .sums = {{1, 1, {3, 100000, 0}}}};
    static const struct score_record none = {.n_sums = 0};
    hy_company_no acme = company("Acme", NULL), beta = company("Beta", NULL);
    struct hy_txn t;
    points(lead("a@x.test", "Acme"), 10, 8, 100000);
    points(lead("b@x.test", "Acme"), 5, 0, 100000);
    lead("c@x.test", "Beta");
    cr_assert_eq(problems(), 0);
    t = write_txn();
    cr_assert_eq(hy_company_sums_put(&t, acme, &none), 0); /* as a version without points left it */
    cr_assert_eq(hy_company_sums_put(&t, beta, &wrong), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    cr_expect_eq(problems(), 2);
    adopt();
    cr_expect_eq(problems(), 0);
    cr_expect_eq(score(acme, 100000), 23000);
    cr_expect_eq(score(beta, 100000), 0);

    t = write_txn();
    cr_assert_eq(hy_company_sums_put(&t, beta, &wrong), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    adopt();
    cr_expect_eq(problems(), 1, "once");
}

Test(company, an_edit_aims_at_ids_then_names_then_domains)
{
    const struct hy_company_part id = {.kind = HY_COMPANY_ID, .text = HY_STR("crm:7")},
                                 domain = {.kind = HY_COMPANY_DOMAIN, .text = HY_STR("ACME.test")},
                                 alias = {.kind = HY_COMPANY_ALIAS, .text = HY_STR("Acme Trading")};
    hy_company_no acme = company("Acme", "acme.test"), other = company("Other", NULL), no = 0;
    cr_assert_eq(edit(other, "", &id, 1, &no), 0);
    cr_assert_eq(edit(acme, "", &alias, 1, &no), 0);
    const struct {
        struct hy_str name;
        const struct hy_company_part *part;
        hy_company_no want;
        const char *becomes;
    } cases[] = {
        {HY_STR("Acme"), &id, other, "Acme"},     {HY_STR("ACME"), NULL, acme, "ACME"},
        {HY_STR("acme trading"), NULL, acme, ""}, {HY_STR(""), &domain, acme, ""},
        {HY_STR("Third"), &domain, 0, "Third"},   {HY_STR(""), NULL, 0, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_company_edit e = {
            .name = cases[i].name, .parts = cases[i].part, .n_parts = cases[i].part ? 1 : 0};
        struct hy_txn t = {0};
        cr_assert_eq(hy_txn_read(env, &t), 0);
        cr_assert_eq(hy_company_edit_aim(&t, &e), cases[i].want ? 0 : HY_ENOTFOUND);
        cr_assert(e.no == cases[i].want && hy_str_eq(e.name, hy_str_of(cases[i].becomes)),
                  "case %zu: got %u \"%.*s\"", i, e.no, HY_STR_ARG(e.name));
        hy_txn_end(&t);
    }
}

Test(company, an_edit_that_changes_nothing_writes_nothing_and_says_so)
{
    const struct hy_company_part domain = {.kind = HY_COMPANY_DOMAIN, .text = HY_STR("acme.test")},
                                 free_mail = {.kind = HY_COMPANY_DOMAIN,
                                              .text = HY_STR("gmail.com")};
    const struct hy_lead_edit_attr size = {HY_STR("size"), HY_STR("500")};
    const hy_company_no no = company("Acme", NULL);
    struct hy_company_edit e = {.no = no,
                                .name = HY_STR("Acme"),
                                .parts = &domain,
                                .n_parts = 1,
                                .attrs = &size,
                                .n_attrs = 1};
    struct hy_company_edit_result r;
    struct hy_txn t = write_txn();
    cr_assert_eq(hy_company_edit_look(&t, &e, &r, &diag), 0);
    cr_assert(r.is_changed && !r.is_new && t.writes == 0, "a look");
    cr_assert_eq(hy_company_edit(&t, &e, &r, &diag), 0);
    cr_assert(r.is_changed && r.no == no && t.writes > 0, "a change");
    cr_assert_eq(hy_company_work(&t), 0);
    const size_t writes = t.writes;
    cr_assert_eq(hy_company_edit(&t, &e, &r, &diag), 0);
    cr_assert(!r.is_changed && r.no == no && t.writes == writes, "the same again");
    e.parts = &free_mail;
    cr_assert_eq(hy_company_edit(&t, &e, &r, &diag), HY_EINVAL);
    cr_assert(r.fault == HY_COMPANY_FAULT_PART && r.fault_at == 0 && t.writes == writes, "a fault");
    cr_assert_eq(hy_txn_commit(&t), 0);
}

Test(company, work_on_a_domain_waits_for_room_for_the_attribute_while_other_work_goes_on)
{
    hy_company_no acme, other, has = 0;
    unsigned waiting = 0;
    bool has_work = true;
    char name[32];
    hy_attr_no no;
    hy_lead_no one = lead("taro@acme.example", NULL);
    struct hy_txn t = write_txn();
    for (int i = 0; i < HY_ATTR_MAX; i++) {
        snprintf(name, sizeof name, "a%d", i);
        cr_assert_eq(hy_attr_intern(&t, hy_str_of(name), &no), 0);
    }
    cr_assert_eq(hy_attr_intern(&t, HY_STR("company"), &no), HY_ELIMIT);
    cr_assert_eq(hy_txn_commit(&t), 0);
    acme = company("Acme", "acme.example");
    other = company("Other", NULL);
    drop(other, acme); /* work behind that of the domain */
    t = write_txn();
    cr_expect_eq(hy_company_waiting(&t, &waiting), 0);
    cr_expect_eq(waiting, 1);
    cr_expect_eq(hy_company_has_work(&t, &has_work), 0);
    cr_expect_not(has_work, "nobody is to try again and again");
    cr_expect_eq(hy_company_work(&t), 0);
    cr_expect_eq(t.writes, 0);
    cr_expect_eq(hy_company_of(&t, one, &has), 0);
    cr_expect_eq(has, 0);
    /* room comes */
    cr_assert_eq(hy_del(&t, HY_TABLE_ATTRS, HY_STR("n\x03\xff")), 0);
    cr_assert_eq(hy_del(&t, HY_TABLE_ATTRS, HY_STR("ta1023")), 0);
    cr_expect_eq(hy_company_waiting(&t, &waiting), 0);
    cr_expect_eq(waiting, 0);
    cr_expect_eq(hy_company_has_work(&t, &has_work), 0);
    cr_expect(has_work);
    cr_assert_eq(hy_company_work(&t), 0);
    cr_expect_eq(hy_company_of(&t, one, &has), 0);
    cr_expect_eq(has, acme);
    cr_assert_eq(hy_txn_commit(&t), 0);
}
