/* What the resolver answers, and how long it remembers. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "resolver_world.h"

/* "10:mx1.test=192.0.2.1,2001:db8::1 20:mx2.test=192.0.2.2" */
static const char *describe(const struct hy_mx *mx, char *out, size_t max)
{
    size_t n = 0;
    out[0] = '\0';
    for (size_t i = 0; i < mx->n_hosts; i++) {
        const struct hy_mx_host *h = &mx->hosts[i];
        n += (size_t)snprintf(out + n, max - n, "%s%u:%s=", i ? " " : "", h->preference, h->name.p);
        for (size_t k = 0; k < h->n_addresses; k++) {
            char ip[HY_SOCKADDR_TEXT_MAX];
            n += (size_t)snprintf(out + n, max - n, "%s%s", k ? "," : "",
                                  hy_sockaddr_format_ip(&h->addresses[k], ip));
        }
    }
    return out;
}

Test(resolver, knows_what_every_kind_of_domain_wants)
{
    static const struct {
        const char *domain;
        enum hy_mx_status status;
        const char *enhanced, *hosts;
        const char *site;
    } cases[] = {
        {"plain.test", HY_MX_OK, "0.0.0", "10:mx1.test=192.0.2.1,2001:db8::1 20:mx2.test=192.0.2.2",
         "(mx1|mx2).test"},
        {"PLAIN.Test.", HY_MX_OK, "0.0.0",
         "10:mx1.test=192.0.2.1,2001:db8::1 20:mx2.test=192.0.2.2", "(mx1|mx2).test"},
        {"null.test", HY_MX_NULL, "5.1.10", "", ""},
        {"notquitenull.test", HY_MX_OK, "0.0.0", "10:mx1.test=192.0.2.1,2001:db8::1", "mx1.test"},
        {"nosuch.test", HY_MX_NXDOMAIN, "5.1.2", "", ""},
        {"implicit.test", HY_MX_OK, "0.0.0", "0:implicit.test=192.0.2.9", "implicit.test"},
        {"empty.test", HY_MX_NO_ADDRESS, "5.1.2", "", ""},
        {"alias.test", HY_MX_OK, "0.0.0", "10:mx1.test=192.0.2.1,2001:db8::1 20:mx2.test=192.0.2.2",
         "(mx1|mx2).test"},
        {"hostalias.test", HY_MX_OK, "0.0.0", "10:aka.test=192.0.2.1,2001:db8::1", "aka.test"},
        {"far.test", HY_MX_TEMPFAIL, "4.4.3", "", ""},
        {"circle1.test", HY_MX_TEMPFAIL, "4.4.3", "", ""},
        {"deadfirst.test", HY_MX_OK, "0.0.0", "10:mx2.test=192.0.2.2", "(gone|mx2).test"},
        {"alldead.test", HY_MX_NO_ADDRESS, "5.4.4", "", ""},
        {"onefails.test", HY_MX_OK, "0.0.0", "10:mx2.test=192.0.2.2", "(host|mx2).(broken|test)"},
        {"allfail.test", HY_MX_TEMPFAIL, "4.4.3", "", ""},
        {"gonebutfail.test", HY_MX_TEMPFAIL, "4.4.3", "", ""},
        {"x.broken", HY_MX_TEMPFAIL, "4.4.3", "", ""},
        {"refused.example", HY_MX_TEMPFAIL, "4.4.3", "", ""},
        {"local.test", HY_MX_NO_ADDRESS, "5.4.4", "", ""},
        {"localname.test", HY_MX_NO_ADDRESS, "5.4.4", "", ""},
        {"localandgood.test", HY_MX_OK, "0.0.0", "20:mx2.test=192.0.2.2", "mx2.test"},
        {"literal.test", HY_MX_NO_ADDRESS, "5.4.4", "", ""},
        {"odd.test", HY_MX_OK, "0.0.0", "20:mx2.test=192.0.2.2", "mx2.test"},
        {"underscore.test", HY_MX_OK, "0.0.0", "10:_dc-mx.test=192.0.2.8", "_dc-mx.test"},
        {"repeat.test", HY_MX_OK, "0.0.0", "10:mx1.test=192.0.2.1,2001:db8::1", "mx1.test"},
        {"loop.test", HY_MX_OK, "0.0.0", "10:better.test=192.0.2.10", "better.test"},
        {"loopbest.test", HY_MX_LOOP, "5.4.6", "", ""},
        {"loopaddress.test", HY_MX_LOOP, "5.4.6", "", ""},
        {"ourselves.test", HY_MX_LOOP, "5.4.6", "", ""},
        {"xn--fsqu00a.test", HY_MX_OK, "0.0.0", "10:mx2.test=192.0.2.2", "mx2.test"},
        {"any.wild.test", HY_MX_OK, "0.0.0", "10:mx1.test=192.0.2.1,2001:db8::1", "mx1.test"},
        {"192.0.2.1", HY_MX_NXDOMAIN, "5.1.2", "", ""},
        {"[192.0.2.1]", HY_MX_NXDOMAIN, "5.1.2", "", ""},
        {"", HY_MX_NXDOMAIN, "5.1.2", "", ""},
        {".", HY_MX_NXDOMAIN, "5.1.2", "", ""},
        {"a..test", HY_MX_NXDOMAIN, "5.1.2", "", ""},
        {"sp ace.test", HY_MX_NXDOMAIN, "5.1.2", "", ""},
        {"a123456789012345678901234567890123456789012345678901234567890123.test", HY_MX_NXDOMAIN,
         "5.1.2", "", ""},
    };
    struct resolver_world w;
    resolver_world_make(&w, resolver_zone);
    resolver_world_start(&w);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_mx *mx = resolver_ask(&w, cases[i].domain);
        char got[1024], enhanced[16];
        cr_expect_eq(mx->status, cases[i].status, "%s: got %s, want %s (%s)", cases[i].domain,
                     hy_mx_status_name(mx->status), hy_mx_status_name(cases[i].status), mx->text.p);
        hy_enhanced_format(mx->enhanced, enhanced);
        cr_expect_str_eq(enhanced, cases[i].enhanced, "%s: got %s", cases[i].domain, enhanced);
        describe(mx, got, sizeof got);
        cr_expect_str_eq(got, cases[i].hosts, "%s: got %s", cases[i].domain, got);
        cr_expect(hy_str_eq(mx->site.name, hy_str_of(cases[i].site)), "%s: got site %.*s",
                  cases[i].domain, HY_STR_ARG(mx->site.name));
        cr_expect_eq(mx->status == HY_MX_OK, mx->text.n == 0);
        hy_mx_unref(mx);
    }
    resolver_world_free(&w);
}

Test(resolver, obeys_the_family_policy)
{
    static const struct {
        enum hy_mx_families families;
        const char *both, *sixonly;
    } cases[] = {
        {HY_MX_IPV4_FIRST, "10:two.test=192.0.2.20,2001:db8::20", "10:six.test=2001:db8::6"},
        {HY_MX_IPV6_FIRST, "10:two.test=2001:db8::20,192.0.2.20", "10:six.test=2001:db8::6"},
        {HY_MX_IPV4_ONLY, "10:two.test=192.0.2.20", ""},
        {HY_MX_IPV6_ONLY, "10:two.test=2001:db8::20", "10:six.test=2001:db8::6"},
    };
    struct resolver_world w;
    resolver_world_make(&w, resolver_zone);
    for (size_t i = 0; i < 4; i++) {
        char got[256];
        w.s.families = cases[i].families;
        resolver_world_start(&w);
        struct hy_mx *both = resolver_ask(&w, "both.test"), *six = resolver_ask(&w, "sixonly.test");
        cr_assert_str_eq(describe(both, got, sizeof got), cases[i].both, "got %s", got);
        cr_assert_str_eq(describe(six, got, sizeof got), cases[i].sixonly, "got %s", got);
        hy_mx_unref(both);
        hy_mx_unref(six);
        if (i < 3)
            hy_resolver_free(w.r);
    }
    resolver_world_free(&w);
}

Test(resolver, allows_local_addresses_where_it_is_told_to)
{
    struct resolver_world w;
    char got[256];
    resolver_world_make(&w, resolver_zone);
    w.s.allow_local = true;
    resolver_world_start(&w);
    struct hy_mx *mx = resolver_ask(&w, "local.test");
    cr_assert_str_eq(describe(mx, got, sizeof got), "10:me.test=127.0.0.1");
    hy_mx_unref(mx);
    resolver_world_free(&w);
}

Test(resolver, shuffles_hosts_of_equal_preference_fairly)
{
    struct resolver_world w;
    int first[5] = {0};
    resolver_world_make(&w, resolver_zone);
    resolver_world_start(&w);
    for (int i = 0; i < 400; i++) {
        struct hy_mx *mx = resolver_ask(&w, "equal.test");
        cr_assert_eq(mx->n_hosts, 4);
        first[mx->hosts[0].name.p[2] - '0']++;
        hy_mx_unref(mx);
    }
    for (int i = 1; i <= 4; i++)
        cr_assert(first[i] > 60 && first[i] < 140, "mx%d came first %d times of 400", i, first[i]);
    resolver_world_free(&w);
}

Test(resolver, answers_from_the_cache_until_the_time_to_live_is_over)
{
    struct resolver_world w;
    struct hy_resolver_stats before, within, after;
    resolver_world_make(&w, resolver_zone);
    w.s.min_ttl_s = 1;
    resolver_world_start(&w);
    struct hy_mx *first = resolver_ask(&w, "short.test");
    cr_assert_leq(first->expires, hy_clock_us() + HY_US_PER_SEC);
    hy_mx_unref(first);
    hy_resolver_stats(w.r, &before);
    cr_assert_eq(before.questions, 3); /* MX, A, AAAA */
    hy_mx_unref(resolver_ask(&w, "short.test"));
    hy_resolver_stats(w.r, &within);
    cr_assert_eq(within.questions, 3);
    cr_assert_eq(within.cache_hits, 3);
    usleep(1100000);
    cr_assert_eq(hy_loop_turn(w.loop, 0), 0); /* the loop sees that time has passed */
    hy_mx_unref(resolver_ask(&w, "short.test"));
    hy_resolver_stats(w.r, &after);
    cr_assert_eq(after.questions, 4, "the MX is asked for anew, the addresses live on");
    resolver_world_free(&w);
}

Test(resolver, keeps_failures_and_absences_for_their_time)
{
    static const struct {
        const char *domain;
        uint32_t want_s;
    } cases[] = {
        {"nosuch.test", 60}, /* the SOA's last field */
        {"x.broken", 5},     /* failures are not known for long */
    };
    struct resolver_world w;
    resolver_world_make(&w, resolver_zone);
    resolver_world_start(&w);
    for (size_t i = 0; i < 2; i++) {
        struct hy_mx *mx = resolver_ask(&w, cases[i].domain);
        hy_us left = mx->expires - hy_clock_us(), want = cases[i].want_s * HY_US_PER_SEC;
        cr_assert(left <= want && left > want - 2 * HY_US_PER_SEC, "%s: %lld us", cases[i].domain,
                  (long long)left);
        hy_mx_unref(mx);
        struct hy_resolver_stats one, two;
        hy_resolver_stats(w.r, &one);
        hy_mx_unref(resolver_ask(&w, cases[i].domain));
        hy_resolver_stats(w.r, &two);
        cr_assert_eq(one.questions, two.questions);
    }
    resolver_world_free(&w);
}

Test(resolver, shares_a_question_that_is_on_its_way)
{
    enum { N = 100 };
    struct resolver_world w;
    struct resolver_asked asked[N] = {0};
    struct hy_resolver_stats stats;
    resolver_world_make(&w, resolver_zone);
    resolver_world_start(&w);
    for (int i = 0; i < N; i++)
        cr_assert_eq(hy_resolver_mx(w.r, HY_STR("plain.test"), resolver_on_result, &asked[i]), 0);
    for (int i = 0; i < N; i++) {
        resolver_wait(&w, &asked[i]);
        cr_assert_eq(asked[i].mx->n_hosts, 2);
        hy_mx_unref(asked[i].mx);
    }
    hy_resolver_stats(w.r, &stats);
    cr_assert_eq(stats.lookups, N);
    cr_assert_eq(stats.questions, 5); /* one MX, two A, two AAAA */
    cr_assert_eq(stats.failures, 0);
    resolver_world_free(&w);
}
