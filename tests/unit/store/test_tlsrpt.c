#include "hayauma/store/tlsrpt.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "case.h"

TestSuite(tally, .init = case_open, .fini = case_close);

static struct hy_tally tally(const char *domain, enum hy_tlsrpt_result result, const char *mx,
                             uint64_t count)
{
    return (struct hy_tally){.day = 20000,
                             .domain = hy_str_of(domain),
                             .policy = HY_TLSRPT_STS,
                             .policy_text = HY_STR("version: STSv1\nmode: testing"),
                             .result = result,
                             .mx_host = hy_str_of(mx),
                             .count = count};
}

static void add(const struct hy_tally *tallies, size_t n)
{
    struct hy_tally_add a;
    hy_tally_add_init(&a);
    a.tallies = tallies;
    a.n = n;
    cr_assert_eq(run_request(env, &a.req), 0);
}

struct sum {
    uint64_t kinds, good, bad, without_host;
};

static int add_up(void *ctx, const struct hy_tally *a)
{
    struct sum *s = ctx;
    s->kinds++;
    *(a->result == HY_TLSRPT_SUCCESS ? &s->good : &s->bad) += a->count;
    s->without_host += a->mx_host.n ? 0 : a->count;
    return 0;
}

static struct sum sum_of(uint32_t day, const char *domain)
{
    struct hy_txn t;
    struct sum s = {0};
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_tally_each(&t, day, hy_str_of(domain), add_up, &s), 0);
    hy_txn_end(&t);
    return s;
}

Test(tally, like_sessions_are_added_up)
{
    struct hy_tally a[] = {tally("a.test", HY_TLSRPT_SUCCESS, "", 3),
                           tally("a.test", HY_TLSRPT_CERTIFICATE_EXPIRED, "mx.a.test", 1),
                           tally("a.test", HY_TLSRPT_CERTIFICATE_EXPIRED, "mx2.a.test", 1),
                           tally("b.test", HY_TLSRPT_SUCCESS, "", 7)};
    add(a, 4);
    add(a, 2);
    struct sum s = sum_of(20000, "a.test");
    cr_expect_eq(s.kinds, 3);
    cr_expect_eq(s.good, 6);
    cr_expect_eq(s.bad, 3);
    cr_expect_eq(sum_of(20000, "b.test").good, 7);
    cr_expect_eq(sum_of(20001, "a.test").kinds, 0);
    cr_expect_eq(sum_of(20000, "a.tes").kinds, 0);
}

static int look(void *ctx, const struct hy_tally *a)
{
    *(struct hy_tally *)ctx = *a;
    cr_expect(hy_str_eq(a->domain, HY_STR("a.test")));
    cr_expect(hy_str_eq(a->policy_text, HY_STR("version: STSv1\nmode: testing")));
    cr_expect(hy_str_eq(a->mx_host, HY_STR("mx.a.test")));
    cr_expect(hy_str_eq(a->reason, HY_STR("because")));
    return 1;
}

Test(tally, all_of_it_comes_back)
{
    struct hy_txn t;
    struct hy_tally got, a = tally("a.test", HY_TLSRPT_TLSA_INVALID, "mx.a.test", 2);
    a.reason = HY_STR("because");
    a.mx_ip[15] = 1;
    a.our_ip[0] = 2;
    add(&a, 1);
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_tally_each(&t, 20000, HY_STR("a.test"), look, &got), 1);
    hy_txn_end(&t);
    cr_expect_eq(got.day, 20000);
    cr_expect_eq(got.policy, HY_TLSRPT_STS);
    cr_expect_eq(got.result, HY_TLSRPT_TLSA_INVALID);
    cr_expect_eq(got.mx_ip[15], 1);
    cr_expect_eq(got.our_ip[0], 2);
    cr_expect_eq(got.count, 2);
}

Test(tally, a_domain_of_a_thousand_hosts_is_bounded)
{
    char mx[32];
    for (int i = 0; i < 1000; i++) {
        snprintf(mx, sizeof mx, "mx%d.test", i);
        struct hy_tally a = tally("a.test", HY_TLSRPT_CERTIFICATE_HOST_MISMATCH, mx, 1);
        add(&a, 1);
    }
    struct sum s = sum_of(20000, "a.test");
    cr_expect_eq(s.bad, 1000);
    cr_expect_eq(s.kinds, HY_TALLIES_PER_DOMAIN + 1);
    cr_expect_eq(s.without_host, 1000 - HY_TALLIES_PER_DOMAIN);
}

static void mark(const char *domain)
{
    struct hy_tally_mark m;
    hy_tally_mark_init(&m);
    m.day = 20000;
    m.domain = hy_str_of(domain);
    cr_assert_eq(run_request(env, &m.req), 0);
}

Test(tally, domains_are_walked_in_order_and_marked)
{
    static const char *const names[] = {"a.test", "a.test.more", "b.test"};
    char name[HY_TALLY_DOMAIN_MAX + 1] = "";
    struct hy_txn t;
    for (size_t i = 0; i < 3; i++) {
        struct hy_tally a[] = {tally(names[i], HY_TLSRPT_SUCCESS, "", 1),
                               tally(names[i], HY_TLSRPT_CERTIFICATE_EXPIRED, "mx", 1)};
        add(a, 2);
    }
    mark("a.test.more");
    cr_expect_eq(sum_of(20000, "a.test.more").kinds, 0, "what was reported is not needed any more");
    cr_expect_eq(sum_of(20000, "a.test").kinds, 2);
    cr_assert_eq(hy_txn_read(env, &t), 0);
    for (size_t i = 0; i < 3; i++) {
        cr_assert_eq(hy_tally_next_domain(&t, 20000, hy_str_of(name), name), 0);
        cr_expect_str_eq(name, names[i]);
        cr_expect_eq(hy_tally_is_reported(&t, 20000, hy_str_of(name)), i == 1);
    }
    cr_expect_eq(hy_tally_next_domain(&t, 20000, hy_str_of(name), name), HY_ENOTFOUND);
    cr_expect_eq(hy_tally_next_domain(&t, 19999, HY_STR(""), name), HY_ENOTFOUND);
    hy_txn_end(&t);
}

Test(tally, what_nobody_wants_leaves_nothing)
{
    struct hy_tally a[] = {tally("a.test", HY_TLSRPT_SUCCESS, "", 1),
                           tally("a.test", HY_TLSRPT_CERTIFICATE_EXPIRED, "mx", 1),
                           tally("a.test.b", HY_TLSRPT_SUCCESS, "", 1)};
    struct hy_tally_mark m;
    char name[HY_TALLY_DOMAIN_MAX + 1] = "";
    struct hy_txn t;
    add(a, 3);
    hy_tally_mark_init(&m);
    m.day = 20000;
    m.domain = HY_STR("a.test");
    m.is_unwanted = true;
    cr_assert_eq(run_request(env, &m.req), 0);
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_tally_next_domain(&t, 20000, HY_STR(""), name), 0);
    cr_expect_str_eq(name, "a.test.b");
    cr_expect_not(hy_tally_is_reported(&t, 20000, HY_STR("a.test")));
    hy_txn_end(&t);
}

Test(tally, old_days_are_trimmed)
{
    struct hy_tally old = tally("a.test", HY_TLSRPT_SUCCESS, "", 1), fresh = old;
    old.day = 19990;
    add(&old, 1);
    add(&fresh, 1);
    struct hy_tally_trim j;
    hy_tally_trim_init(&j);
    j.before_day = 20000;
    cr_assert_eq(run_request(env, &j.req), 0);
    cr_expect_eq(sum_of(19990, "a.test").kinds, 0);
    cr_expect_eq(sum_of(20000, "a.test").kinds, 1);
}

static void mark_sent(struct hy_str uri)
{
    struct hy_tally_mark m;
    hy_tally_mark_init(&m);
    m.day = 20000;
    m.domain = HY_STR("a.test");
    m.uri = uri;
    cr_assert_eq(run_request(env, &m.req), 0);
}

static void check_marks(const char *when, bool all, bool first, bool second)
{
    struct hy_txn t;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_expect_eq(hy_tally_is_reported(&t, 20000, HY_STR("a.test")), all, "%s", when);
    cr_expect_eq(hy_tally_is_reported_to(&t, 20000, HY_STR("a.test"), HY_STR("https://one/")),
                 first, "%s", when);
    cr_expect_eq(hy_tally_is_reported_to(&t, 20000, HY_STR("a.test"), HY_STR("x@two.test")), second,
                 "%s", when);
    hy_txn_end(&t);
}

Test(tally, who_has_the_report_is_remembered_one_by_one)
{
    check_marks("nothing was sent", false, false, false);
    mark_sent(HY_STR("https://one/"));
    check_marks("one has it", false, true, false);
    mark_sent(HY_STR("x@two.test"));
    check_marks("both have it", false, true, true);
    mark_sent(HY_STR(""));
    check_marks("it is over", true, true, true);
    mark_sent(HY_STR("https://one/"));
    check_marks("and stays so", true, true, true);
}
