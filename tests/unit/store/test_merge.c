#include "hayauma/store/merge.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "case.h"
#include "hayauma/store/activity.h"
#include "hayauma/store/campaign.h"
#include "hayauma/store/consent.h"
#include "hayauma/store/duplicates.h"
#include "hayauma/store/erase.h"
#include "hayauma/store/lead_edit.h"
#include "spools.h"

TestSuite(merge, .init = case_open, .fini = case_close);

static struct hy_diag diag;

static hy_list_no make_list(const char *name)
{
    hy_list_no no = 0;
    struct hy_txn t = case_write();
    cr_assert_eq(hy_list_create(&t, hy_str_of(name), 1, &no), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    return no;
}

/* A lead with an attribute of its own, one that all have, a tag, a list and an external id. */
static hy_lead_no make(const char *address, const char *own, const char *tag, const char *list)
{
    const struct hy_lead_edit_attr attrs[] = {{HY_STR("name"), hy_str_of(address)},
                                              {hy_str_of(own), HY_STR("x")}};
    const struct hy_lead_edit_label label = {HY_LABEL_TAG, false, hy_str_of(tag)};
    const struct hy_lead_edit_list lists = {.name = hy_str_of(list), .is_confirmed = true};
    char id[64];
    snprintf(id, sizeof id, "crm:%.*s", 5, address);
    const struct hy_lead_edit_identity ext = {.identity = {HY_IDENTITY_EXTERNAL, hy_str_of(id)}};
    const struct hy_lead_edit e = {.mode = HY_LEAD_EDIT_NEW,
                                   .address = hy_str_of(address),
                                   .attrs = attrs,
                                   .n_attrs = 2,
                                   .labels = &label,
                                   .n_labels = 1,
                                   .identities = &ext,
                                   .n_identities = 1,
                                   .lists = &lists,
                                   .n_lists = 1,
                                   .by = HY_STR("test")};
    struct hy_lead_edit_result r;
    struct hy_txn t = case_write();
    cr_assert_eq(hy_lead_edit(&t, &e, &r, &diag), 0, "%s", diag.text);
    cr_assert_eq(hy_txn_commit(&t), 0);
    return r.lead;
}

static int put_label(void *ctx, const struct hy_label *l)
{
    char *out = ctx;
    sprintf(out + strlen(out), " t:%.*s", HY_STR_ARG(l->name));
    return 0;
}

static int put_identity(void *ctx, const struct hy_identity *i)
{
    char *out = ctx, text[HY_IDENTITY_TEXT_MAX];
    sprintf(out + strlen(out), " %s", hy_identity_text(i, text));
    return 0;
}

/* All that the tables of leads say of one. */
static const char *told(hy_lead_no no, char out[2000])
{
    struct hy_lead_attr attrs[16];
    struct hy_lead_view v;
    struct hy_list_view l = {0};
    struct hy_txn t;
    hy_lead_no found = 0;
    out[0] = '\0';
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_lead_read(&t, no, attrs, 16, &v), 0);
    if (hy_lead_find(&t, v.address, &found) == 0)
        sprintf(out, "%.*s is %s:", HY_STR_ARG(v.address), found == no ? "it" : "another");
    for (size_t i = 0; i < v.n_attrs; i++) {
        struct hy_str name;
        cr_assert_eq(hy_attr_name(&t, v.attrs[i].no, &name), 0);
        sprintf(out + strlen(out), " %.*s=%.*s", HY_STR_ARG(name), HY_STR_ARG(v.attrs[i].value));
    }
    cr_assert_eq(hy_lead_labels(&t, no, put_label, out), 0);
    while (hy_list_next(&t, l.no, &l) == 0) {
        bool is_in = false;
        cr_assert_eq(hy_list_has(&t, l.no, v.domain_no, no, &is_in), 0);
        if (is_in)
            sprintf(out + strlen(out), " [%.*s]", HY_STR_ARG(l.name));
    }
    cr_assert_eq(hy_identity_each(&t, no, put_identity, out), 0);
    hy_txn_end(&t);
    return out;
}

static int merge(hy_lead_no kept, hy_lead_no part, struct hy_merged *ret)
{
    struct hy_txn t = case_write();
    int err = hy_lead_merge(&t, kept, part, HY_STR("test"), ret, &diag);
    cr_assert(err == 0 || t.writes == 0, "a merge that failed wrote something");
    cr_assert_eq(hy_txn_commit(&t), 0);
    return err;
}

static int unmerge(hy_lead_no part)
{
    struct hy_merged m;
    struct hy_txn t = case_write();
    int err = hy_lead_unmerge(&t, part, HY_STR("test"), &m, &diag);
    cr_assert_eq(hy_txn_commit(&t), 0);
    return err;
}

Test(merge, a_merge_gives_and_taking_apart_restores_exactly)
{
    char before_a[2000], before_b[2000], now[2000];
    make_list("one");
    make_list("two");
    hy_lead_no a = make("taro@one.test", "left", "vip", "one"),
               b = make("yamada@two.test", "right", "old", "two");
    struct hy_merged m;
    (void)told(a, before_a);
    (void)told(b, before_b);
    cr_assert_eq(merge(a, b, &m), 0, "%s", diag.text);
    cr_expect_eq(m.attributes, 1);
    cr_expect_eq(m.labels, 1);
    cr_expect_eq(m.lists, 1);
    cr_expect_eq(m.identities, 2, "its id and its address");
    cr_expect_str_eq(told(a, now),
                     "taro@one.test is it: name=taro@one.test left=x right=x t:vip t:old [one] "
                     "[two] yamada@two.test ext:crm:taro@ ext:crm:yamad");
    cr_expect_str_eq(told(b, now), "yamada@two.test is another: name=yamada@two.test right=x");
    cr_expect_eq(store_problems(env), 0);
    cr_assert_eq(unmerge(b), 0, "%s", diag.text);
    cr_expect_str_eq(told(a, now), before_a);
    cr_expect_str_eq(told(b, now), before_b);
    cr_expect_eq(store_problems(env), 0);
    cr_expect_eq(unmerge(b), HY_ENOTFOUND);
}

Test(merge, what_was_noted_of_both_is_read_as_one_in_order)
{
    make_list("one");
    hy_lead_no a = make("taro@one.test", "left", "vip", "one"),
               b = make("yamada@two.test", "right", "old", "one"), order[] = {a, b, b, a, b};
    hy_id ids[5];
    struct hy_merged m;
    for (size_t i = 0; i < 5; i++) {
        struct hy_txn t = case_write();
        struct hy_activity x = {.kind = HY_ACTIVITY_OFFLINE, .lead = order[i]};
        struct hy_consent c = {.lead = order[i],
                               .what = HY_CONSENT_GIVEN,
                               .how = HY_CONSENT_FORM,
                               .purpose = HY_STR("x")};
        cr_assert_eq(hy_activity_put(&t, &x), 0);
        cr_assert_eq(hy_consent_put(&t, &c), 0);
        cr_assert_eq(hy_txn_commit(&t), 0);
        ids[i] = x.id;
    }
    cr_assert_eq(merge(a, b, &m), 0);
    const struct hy_activity_who who = {.by = HY_ACTIVITY_BY_LEAD, .lead = a};
    struct hy_activity x = {.id = 0};
    struct hy_consent c = {.id = 0};
    struct hy_txn t;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    for (size_t i = 0; i < 5;) {
        cr_assert_eq(hy_activity_next_of(&t, &who, x.id, &x), 0);
        if (x.kind == HY_ACTIVITY_OFFLINE)
            cr_expect_eq(x.id, ids[i++]);
    }
    for (size_t i = 5; i > 0;) {
        cr_assert_eq(hy_activity_prev_of(&t, &who, x.id + 1, &x), 0);
        if (x.kind == HY_ACTIVITY_OFFLINE)
            cr_expect_eq(x.id, ids[--i]);
        x.id--;
    }
    unsigned consents = 0;
    for (; hy_consent_next_of(&t, a, c.id, &c) == 0; consents++)
        ;
    cr_expect_eq(consents, 5);
    hy_txn_end(&t);
    cr_assert_eq(unmerge(b), 0);
    cr_assert_eq(hy_txn_read(env, &t), 0);
    c.id = 0;
    for (consents = 0; hy_consent_next_of(&t, a, c.id, &c) == 0; consents++)
        ;
    cr_expect_eq(consents, 2);
    hy_txn_end(&t);
}

Test(merge, a_campaign_that_has_rows_for_both_mails_one)
{
    hy_list_no list = make_list("one");
    hy_lead_no a = make("taro@one.test", "left", "vip", "one"),
               b = make("yamada@two.test", "right", "old", "one"),
               c = make("jiro@two.test", "right", "old", "one"), instead = 0;
    struct hy_list_audience audience = {.lists = {{list}, 1}};
    struct hy_campaign spring = {.name = HY_STR("spring"), .n_lists = 1, .lists = {list}};
    struct hy_audience who;
    struct hy_enqueue_job job;
    struct hy_merged m;
    struct hy_txn t = case_write();
    cr_assert_eq(hy_campaign_create(&t, &spring, HY_STR("bundle")), 0);
    cr_assert_eq(hy_campaign_move(&t, spring.id, HY_CAMPAIGN_QUEUEING), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    hy_list_set_audience(&audience, &who);
    cr_assert_eq(hy_enqueue_job_init(&job, spring.id, who), 0);
    cr_assert_eq(run_request(env, &job.req), 0);
    hy_enqueue_job_free(&job);
    cr_assert_eq(merge(a, b, &m), 0);
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_expect_eq(hy_merge_may_mail(&t, spring.id, a, &instead), 0);
    cr_expect_eq(hy_merge_may_mail(&t, spring.id, b, &instead), HY_EEXIST);
    cr_expect_eq(instead, a);
    cr_expect_eq(hy_merge_may_mail(&t, spring.id, c, &instead), 0);
    cr_expect_eq(hy_merge_may_mail(&t, spring.id + 1, b, &instead), 0, "mail to it alone goes out");
    struct hy_queue_row row;
    struct hy_str address;
    hy_domain_no domain = 0;
    cr_assert_eq(hy_lead_address(&t, b, &address, &domain), 0);
    cr_assert_eq(hy_queue_find(&t, spring.id, domain, b, &row), 0);
    hy_txn_end(&t);
    struct hy_settle s = settle_of(&row.ref, HY_RCPT_DELIVERED, 0);
    cr_assert_eq(settle_now(env, &s), HY_SETTLE_APPLIED);
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_expect_eq(hy_merge_may_mail(&t, spring.id, a, &instead), HY_EEXIST,
                 "the other's was delivered before they were known to be one");
    hy_txn_end(&t);
}

Test(merge, parts_of_parts_are_one_person_and_none_is_merged_twice)
{
    make_list("one");
    hy_lead_no a = make("aaaaa@one.test", "x1", "t", "one"),
               b = make("bbbbb@one.test", "x2", "t", "one"),
               c = make("ccccc@one.test", "x3", "t", "one"), parts[HY_LEAD_PARTS_MAX], kept = 0;
    struct hy_merged m;
    size_t n = 0;
    cr_assert_eq(merge(b, c, &m), 0);
    cr_assert_eq(merge(a, b, &m), 0);
    cr_expect_eq(merge(a, b, &m), HY_EINVAL, "twice");
    cr_expect_eq(merge(a, c, &m), HY_EINVAL, "it is a part already");
    cr_expect_eq(merge(c, a, &m), HY_EINVAL, "into its own part");
    cr_expect_eq(merge(a, a, &m), HY_EINVAL);
    cr_expect_eq(merge(a, 99, &m), HY_ENOTFOUND);
    struct hy_txn t;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_lead_kept(&t, c, &kept), 0);
    cr_expect_eq(kept, a);
    cr_assert_eq(hy_lead_parts(&t, a, parts, &n), 0);
    cr_expect_eq(n, 3);
    hy_txn_end(&t);
    cr_assert_eq(unmerge(b), 0, "%s", diag.text);
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_lead_kept(&t, c, &kept), 0);
    cr_expect_eq(kept, b, "what was merged into it comes along");
    hy_txn_end(&t);
}

Test(merge, who_is_erased_is_erased_with_all_parts)
{
    make_list("one");
    hy_lead_no a = make("taro@one.test", "left", "vip", "one"),
               b = make("yamada@two.test", "right", "old", "one");
    struct hy_merged m;
    struct hy_erase_job j;
    struct hy_erasure e;
    struct hy_txn t;
    hy_lead_no found = 0;
    cr_assert_eq(merge(a, b, &m), 0);
    hy_erase_job_init(&j, a, HY_STR("test"));
    cr_assert_eq(run_request(env, &j.req), 0);
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_expect_eq(hy_lead_find(&t, HY_STR("yamada@two.test"), &found), HY_ENOTFOUND);
    cr_expect_eq(hy_lead_find(&t, HY_STR("taro@one.test"), &found), HY_ENOTFOUND);
    cr_expect_eq(hy_erasure_get(&t, b, &e), 0);
    hy_txn_end(&t);
    cr_expect_eq(store_problems(env), 0);
    cr_expect_eq(store_entries(env, HY_TABLE_LEAD_ALIASES), 0);
}

static int put_group(void *ctx, const struct hy_duplicates *x)
{
    char *out = ctx;
    sprintf(out + strlen(out), "%s", hy_duplicate_name(x->by));
    for (size_t i = 0; i < x->n; i++)
        sprintf(out + strlen(out), " %u", (unsigned)x->leads[i]);
    strcat(out, ";");
    return 0;
}

static hy_lead_no with_phone(const char *address, const char *phone)
{
    const struct hy_lead_edit_attr attr = {HY_STR("phone"), hy_str_of(phone)};
    const struct hy_lead_edit e = {.mode = HY_LEAD_EDIT_NEW,
                                   .address = hy_str_of(address),
                                   .attrs = &attr,
                                   .n_attrs = 1,
                                   .by = HY_STR("test")};
    struct hy_lead_edit_result r;
    struct hy_txn t = case_write();
    cr_assert_eq(hy_lead_edit(&t, &e, &r, &diag), 0, "%s", diag.text);
    cr_assert_eq(hy_txn_commit(&t), 0);
    return r.lead;
}

static const char *groups(char out[500])
{
    struct hy_txn t;
    out[0] = '\0';
    cr_assert_eq(hy_txn_read(env, &t), 0);
    const struct hy_duplicates_ask ask = {.each = put_group, .ctx = out};
    cr_assert_eq(hy_duplicates_each(&t, &ask), 0);
    hy_txn_end(&t);
    return out;
}

Test(merge, duplicates_are_found_by_mailbox_and_by_phone)
{
    char got[500];
    struct hy_merged m;
    hy_lead_no a = with_phone("taro@one.test", "1"), b = with_phone("taro+news@one.test", "1");
    (void)with_phone("ta.ro@one.test", "1");
    (void)with_phone("taro@two.test", "1");
    cr_expect_str_eq(groups(got), "mailbox 1 2;");
    hy_lead_no c = with_phone("c@one.test", "090-1234-5678"),
               d = with_phone("d@one.test", "+81 90 1234 5678");
    (void)with_phone("e@one.test", "123");
    (void)with_phone("f@one.test", "123");
    cr_assert_eq(merge(a, b, &m), 0);
    char want[100];
    snprintf(want, sizeof want, "phone %u %u;", (unsigned)c, (unsigned)d);
    cr_expect_str_eq(groups(got), want, "who was merged is no duplicate");
}

struct counted {
    unsigned groups, leads, asked;
    uint64_t of;
    unsigned stop_at; /* 0: never */
};

static int count_group(void *ctx, const struct hy_duplicates *x)
{
    struct counted *n = ctx;
    n->groups++;
    n->leads += (unsigned)x->n;
    return 0;
}

static bool count_go(void *ctx, uint64_t seen, uint64_t of)
{
    struct counted *n = ctx;
    cr_expect_leq(seen, of);
    n->of = of;
    return ++n->asked != n->stop_at;
}

static int count_all(size_t pairs_max, struct counted *n)
{
    const struct hy_duplicates_ask ask = {count_group, count_go, n, pairs_max};
    struct hy_txn t;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    int err = hy_duplicates_each(&t, &ask);
    hy_txn_end(&t);
    return err;
}

Test(merge, duplicates_are_found_in_bounded_memory_however_many_goes_it_takes)
{
    enum { PEOPLE = 300, SAME = 40 };
    char address[64], phone[32];
    struct counted n = {0};
    for (unsigned i = 0; i < PEOPLE; i++)
        for (unsigned k = 0; k < 2; k++) {
            snprintf(address, sizeof address, "p%u%s@one.test", i, k ? "+x" : "");
            snprintf(phone, sizeof phone, "03%08u", i);
            (void)with_phone(address, phone);
        }
    cr_assert_eq(count_all(0, &n), 0);
    cr_expect_eq(n.groups, 2 * PEOPLE);
    cr_expect_eq(n.leads, 4 * PEOPLE);
    cr_expect_eq(n.of, 2 * PEOPLE, "one go");
    n = (struct counted){0};
    cr_assert_eq(count_all(100, &n), 0);
    cr_expect_eq(n.groups, 2 * PEOPLE, "each group once, %u", n.groups);
    cr_expect_eq(n.leads, 4 * PEOPLE);
    cr_expect_geq(n.of, 12 * 2 * PEOPLE, "a go for each hundred");
    for (unsigned i = 0; i < SAME; i++) {
        snprintf(address, sizeof address, "all%u@two.test", i);
        (void)with_phone(address, "0399999999");
    }
    n = (struct counted){0};
    cr_assert_eq(count_all(30, &n), 0, "more of one key than there is room for");
    cr_expect_eq(n.groups, 2 * PEOPLE + 1);
    cr_expect_eq(n.leads, 4 * PEOPLE + HY_DUPLICATES_MAX);
    n = (struct counted){.stop_at = 3};
    cr_expect_eq(count_all(30, &n), HY_ECANCELED);
    cr_expect_eq(n.asked, 3, "nothing is looked at behind that");
}
