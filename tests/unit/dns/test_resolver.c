#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "hayauma/io/loop.h"
#include "nameserver.h"

/* Only the addresses matter: nothing is sent there. */
static const char zone[] =
    "$ORIGIN test.\n$TTL 300\n"
    "@ SOA ns.test. admin.test. 1 3600 600 86400 60\n"
    "@ NS ns\nns A 127.0.0.1\n"
    "plain MX 10 mx1\nplain MX 20 mx2\n"
    "mx1 A 192.0.2.1\nmx1 AAAA 2001:db8::1\nmx2 A 192.0.2.2\nmx3 A 192.0.2.3\nmx4 A 192.0.2.4\n"
    "equal MX 10 mx1\nequal MX 10 mx2\nequal MX 10 mx3\nequal MX 10 mx4\n"
    "null MX 0 .\n"
    "notquitenull MX 0 .\nnotquitenull MX 10 mx1\n"
    "implicit A 192.0.2.9\n"
    "empty TXT \"nothing here\"\n"
    "alias CNAME plain\n"
    "hostalias MX 10 aka\naka CNAME mx1\n"
    "far CNAME very.far.broken.\n"
    "circle1 CNAME circle2\ncircle2 CNAME circle1\n"
    "deadfirst MX 5 gone\ndeadfirst MX 10 mx2\n"
    "alldead MX 5 gone\nalldead MX 10 gone2\n"
    "onefails MX 5 host.broken.\nonefails MX 10 mx2\n"
    "allfail MX 5 host.broken.\nallfail MX 10 other.broken.\n"
    "gonebutfail MX 5 gone\ngonebutfail MX 10 host.broken.\n"
    "local MX 10 me\nme A 127.0.0.1\n"
    "localname MX 10 localhost.\n"
    "localandgood MX 10 localhost.\nlocalandgood MX 20 mx2\n"
    "literal MX 10 192.0.2.7.\n"
    "odd MX 10 a\\.b.test.\nodd MX 20 mx2\n"
    "underscore MX 10 _dc-mx\n_dc-mx A 192.0.2.8\n"
    "repeat MX 10 mx1\nrepeat MX 20 mx1\nrepeat MX 30 MX1\n"
    "loop MX 10 better\nloop MX 20 ourselves\nloop MX 30 worse\n"
    "better A 192.0.2.10\nourselves A 192.0.2.11\nworse A 192.0.2.12\n"
    "loopbest MX 10 ourselves\nloopbest MX 20 worse\n"
    "loopaddress MX 10 hidden\nhidden A 192.0.2.11\n"
    "short 1 MX 10 mx1\n"
    "xn--fsqu00a MX 10 mx2\n"
    "both MX 10 two\ntwo A 192.0.2.20\ntwo AAAA 2001:db8::20\n"
    "sixonly MX 10 six\nsix AAAA 2001:db8::6\n"
    "*.wild MX 10 mx1\n"
    "_25._tcp.mx1 TLSA 3 1 1 "
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n"
    "_mta-sts.plain TXT \"v=STSv1; \" \"id=1;\"\n";

struct asked {
    struct hy_mx *mx;
    bool called;
};

struct world {
    struct hy_loop *loop;
    struct hy_resolver *r;
    struct nameserver ns;
    struct hy_resolver_settings s;
};

static void on_result(void *ctx, struct hy_mx *mx)
{
    struct asked *a = ctx;
    cr_assert_not(a->called, "called twice");
    a->called = true;
    a->mx = mx;
}

static void world_make(struct world *w, const char *text)
{
    static const struct hy_str own_names[] = {{"Ourselves.Test.", 15}};
    static struct hy_sockaddr own_address;
    nameserver_start(&w->ns, text);
    cr_assert_eq(hy_loop_create(&w->loop), 0);
    cr_assert_eq(hy_sockaddr_parse(HY_STR("192.0.2.11"), 0, &own_address), 0);
    hy_resolver_settings_init(&w->s);
    w->s.servers = &w->ns.address;
    w->s.n_servers = 1;
    w->s.own_names = own_names;
    w->s.n_own_names = 1;
    w->s.own_addresses = &own_address;
    w->s.n_own_addresses = 1;
    w->s.shuffle_seed = 42;
}

static void resolver_start(struct world *w)
{
    struct hy_diag diag = {{0}};
    cr_assert_eq(hy_resolver_create(w->loop, &w->s, &diag, &w->r), 0, "%s", diag.text);
}

static void world_free(struct world *w)
{
    hy_resolver_free(w->r);
    hy_loop_free(w->loop);
    nameserver_stop(&w->ns);
}

static void wait_for(struct world *w, const struct asked *a)
{
    hy_us end = hy_clock_us() + 20 * HY_US_PER_SEC;
    while (!a->called) {
        cr_assert_eq(hy_loop_turn(w->loop, 100 * HY_US_PER_MS), 0);
        cr_assert_lt(hy_clock_us(), end, "no answer");
    }
}

static struct hy_mx *ask(struct world *w, const char *domain)
{
    struct asked a = {0};
    cr_assert_eq(hy_resolver_mx(w->r, hy_str_of(domain), on_result, &a), 0);
    cr_assert_not(a.called, "the callback came from inside the call");
    wait_for(w, &a);
    cr_assert_not_null(a.mx);
    return a.mx;
}

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
    struct world w;
    world_make(&w, zone);
    resolver_start(&w);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_mx *mx = ask(&w, cases[i].domain);
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
    world_free(&w);
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
    struct world w;
    world_make(&w, zone);
    for (size_t i = 0; i < 4; i++) {
        char got[256];
        w.s.families = cases[i].families;
        resolver_start(&w);
        struct hy_mx *both = ask(&w, "both.test"), *six = ask(&w, "sixonly.test");
        cr_assert_str_eq(describe(both, got, sizeof got), cases[i].both, "got %s", got);
        cr_assert_str_eq(describe(six, got, sizeof got), cases[i].sixonly, "got %s", got);
        hy_mx_unref(both);
        hy_mx_unref(six);
        if (i < 3)
            hy_resolver_free(w.r);
    }
    world_free(&w);
}

Test(resolver, allows_local_addresses_where_it_is_told_to)
{
    struct world w;
    char got[256];
    world_make(&w, zone);
    w.s.allow_local = true;
    resolver_start(&w);
    struct hy_mx *mx = ask(&w, "local.test");
    cr_assert_str_eq(describe(mx, got, sizeof got), "10:me.test=127.0.0.1");
    hy_mx_unref(mx);
    world_free(&w);
}

Test(resolver, shuffles_hosts_of_equal_preference_fairly)
{
    struct world w;
    int first[5] = {0};
    world_make(&w, zone);
    resolver_start(&w);
    for (int i = 0; i < 400; i++) {
        struct hy_mx *mx = ask(&w, "equal.test");
        cr_assert_eq(mx->n_hosts, 4);
        first[mx->hosts[0].name.p[2] - '0']++;
        hy_mx_unref(mx);
    }
    for (int i = 1; i <= 4; i++)
        cr_assert(first[i] > 60 && first[i] < 140, "mx%d came first %d times of 400", i, first[i]);
    world_free(&w);
}

Test(resolver, answers_from_the_cache_until_the_time_to_live_is_over)
{
    struct world w;
    struct hy_resolver_stats before, within, after;
    world_make(&w, zone);
    w.s.min_ttl_s = 1;
    resolver_start(&w);
    struct hy_mx *first = ask(&w, "short.test");
    cr_assert_leq(first->expires, hy_clock_us() + HY_US_PER_SEC);
    hy_mx_unref(first);
    hy_resolver_stats(w.r, &before);
    cr_assert_eq(before.questions, 3); /* MX, A, AAAA */
    hy_mx_unref(ask(&w, "short.test"));
    hy_resolver_stats(w.r, &within);
    cr_assert_eq(within.questions, 3);
    cr_assert_eq(within.cache_hits, 3);
    usleep(1100000);
    cr_assert_eq(hy_loop_turn(w.loop, 0), 0); /* the loop sees that time has passed */
    hy_mx_unref(ask(&w, "short.test"));
    hy_resolver_stats(w.r, &after);
    cr_assert_eq(after.questions, 4, "the MX is asked for anew, the addresses live on");
    world_free(&w);
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
    struct world w;
    world_make(&w, zone);
    resolver_start(&w);
    for (size_t i = 0; i < 2; i++) {
        struct hy_mx *mx = ask(&w, cases[i].domain);
        hy_us left = mx->expires - hy_clock_us(), want = cases[i].want_s * HY_US_PER_SEC;
        cr_assert(left <= want && left > want - 2 * HY_US_PER_SEC, "%s: %lld us", cases[i].domain,
                  (long long)left);
        hy_mx_unref(mx);
        struct hy_resolver_stats one, two;
        hy_resolver_stats(w.r, &one);
        hy_mx_unref(ask(&w, cases[i].domain));
        hy_resolver_stats(w.r, &two);
        cr_assert_eq(one.questions, two.questions);
    }
    world_free(&w);
}

Test(resolver, shares_a_question_that_is_on_its_way)
{
    enum { N = 100 };
    struct world w;
    struct asked asked[N] = {0};
    struct hy_resolver_stats stats;
    world_make(&w, zone);
    resolver_start(&w);
    for (int i = 0; i < N; i++)
        cr_assert_eq(hy_resolver_mx(w.r, HY_STR("plain.test"), on_result, &asked[i]), 0);
    for (int i = 0; i < N; i++) {
        wait_for(&w, &asked[i]);
        cr_assert_eq(asked[i].mx->n_hosts, 2);
        hy_mx_unref(asked[i].mx);
    }
    hy_resolver_stats(w.r, &stats);
    cr_assert_eq(stats.lookups, N);
    cr_assert_eq(stats.questions, 5); /* one MX, two A, two AAAA */
    cr_assert_eq(stats.failures, 0);
    world_free(&w);
}

Test(resolver, gives_up_on_a_silent_server_in_its_time)
{
    struct hy_loop *loop;
    struct hy_resolver *r;
    struct hy_resolver_settings s;
    struct hy_sockaddr dead;
    struct asked a = {0};
    int fd = dead_port(&dead);
    cr_assert_eq(hy_loop_create(&loop), 0);
    hy_resolver_settings_init(&s);
    s.servers = &dead;
    s.n_servers = 1;
    s.timeout_ms = 100;
    s.tries = 2;
    cr_assert_eq(hy_resolver_create(loop, &s, NULL, &r), 0);
    hy_us start = hy_clock_us();
    cr_assert_eq(hy_resolver_mx(r, HY_STR("plain.test"), on_result, &a), 0);
    while (!a.called && hy_clock_us() < start + 5 * HY_US_PER_SEC)
        cr_assert_eq(hy_loop_turn(loop, 100 * HY_US_PER_MS), 0);
    cr_assert(a.called);
    cr_assert_eq(a.mx->status, HY_MX_TEMPFAIL);
    cr_assert_geq(hy_clock_us() - start, 250 * HY_US_PER_MS);
    cr_assert(strstr(a.mx->text.p, "plain.test"), "%s", a.mx->text.p);
    hy_mx_unref(a.mx);
    hy_resolver_free(r);
    hy_loop_free(loop);
    close(fd);
}

Test(resolver, asks_the_second_server_when_the_first_is_silent)
{
    struct world w;
    world_make(&w, zone);
    struct hy_sockaddr servers[2] = {w.ns.address, w.ns.address};
    int fd = dead_port(&servers[0]);
    w.s.servers = servers;
    w.s.n_servers = 2;
    w.s.timeout_ms = 100;
    resolver_start(&w);
    struct hy_mx *mx = ask(&w, "implicit.test");
    cr_assert_eq(mx->status, HY_MX_OK);
    hy_mx_unref(mx);
    close(fd);
    world_free(&w);
}

Test(resolver, tells_those_who_wait_when_it_is_freed)
{
    enum { N = 20 };
    struct world w;
    struct asked asked[N] = {0};
    world_make(&w, zone);
    w.s.max_in_flight = 4;
    resolver_start(&w);
    for (int i = 0; i < N; i++) {
        char domain[32];
        snprintf(domain, sizeof domain, "d%d.wild.test", i);
        cr_assert_eq(hy_resolver_mx(w.r, hy_str_of(i == 7 ? "" : domain), on_result, &asked[i]), 0);
    }
    hy_resolver_free(w.r);
    w.r = NULL;
    for (int i = 0; i < N; i++) {
        cr_assert(asked[i].called);
        cr_assert_null(asked[i].mx);
    }
    cr_assert_eq(hy_loop_turn(w.loop, 0), 0);
    world_free(&w);
}

Test(resolver, refuses_more_than_may_wait)
{
    struct world w;
    struct asked asked[8] = {0};
    world_make(&w, zone);
    w.s.max_in_flight = 1;
    w.s.max_waiting = 3;
    resolver_start(&w);
    int taken = 0;
    for (int i = 0; i < 8; i++) {
        char domain[32];
        snprintf(domain, sizeof domain, "d%d.wild.test", i);
        int err = hy_resolver_mx(w.r, hy_str_of(domain), on_result, &asked[i]);
        cr_assert(err == 0 || err == HY_ELIMIT);
        taken += err == 0;
    }
    cr_assert_eq(taken, 4); /* one on the wire, three wait */
    for (int i = 0; i < taken; i++) {
        wait_for(&w, &asked[i]);
        hy_mx_unref(asked[i].mx);
    }
    world_free(&w);
}

Test(resolver, refuses_settings_that_cannot_work)
{
    struct hy_loop *loop;
    struct hy_resolver *r = NULL;
    struct hy_resolver_settings s;
    struct hy_sockaddr no_port;
    struct hy_diag diag = {{0}};
    cr_assert_eq(hy_loop_create(&loop), 0);
    cr_assert_eq(hy_sockaddr_parse(HY_STR("127.0.0.1"), 0, &no_port), 0);
    hy_resolver_settings_init(&s);
    s.servers = &no_port;
    s.n_servers = 1;
    cr_assert_eq(hy_resolver_create(loop, &s, &diag, &r), HY_EINVAL);
    cr_assert(strstr(diag.text, "port"), "%s", diag.text);
    hy_resolver_settings_init(&s);
    s.max_in_flight = 0;
    cr_assert_eq(hy_resolver_create(loop, &s, NULL, &r), HY_EINVAL);
    cr_assert_null(r);
    hy_loop_free(loop);
}

/* ---- size ---- */

static struct hy_buf big_zone(void)
{
    struct hy_buf b = HY_BUF_INIT(8 << 20);
    hy_buf_add_lit(&b, "$ORIGIN test.\n$TTL 300\n@ SOA ns admin 1 3600 600 86400 60\n@ NS ns\n"
                       "ns A 127.0.0.1\n");
    for (int i = 0; i < 50; i++)
        hy_buf_printf(&b, "mx%d A 198.18.0.%d\n", i, i + 1);
    for (int i = 0; i < 5000; i++)
        hy_buf_printf(&b, "d%d MX 10 mx%d\n", i, i % 50);
    for (int i = 0; i < 60; i++) /* more than a datagram holds, and than we take */
        hy_buf_printf(&b,
                      "many MX %d host-with-quite-a-long-name-to-fill-the-packet-%d\n"
                      "host-with-quite-a-long-name-to-fill-the-packet-%d A 192.0.2.%d\n",
                      60 - i, i, i, i + 1);
    for (int i = 1; i <= 40; i++)
        hy_buf_printf(&b, "crowd A 198.51.100.%d\n", i);
    return b;
}

Test(resolver, asks_by_tcp_when_the_answer_is_too_long_and_bounds_what_it_takes)
{
    struct world w;
    struct hy_buf text = big_zone();
    world_make(&w, hy_buf_cstr(&text));
    resolver_start(&w);
    struct hy_mx *mx = ask(&w, "many.test");
    cr_assert_eq(mx->status, HY_MX_OK, "%s", mx->text.p);
    cr_assert_eq(mx->n_hosts, HY_MX_HOSTS_MAX);
    for (size_t i = 0; i < mx->n_hosts; i++)
        cr_assert_eq(mx->hosts[i].preference, i + 1, "the best are kept");
    hy_mx_unref(mx);
    mx = ask(&w, "crowd.test");
    cr_assert_eq(mx->n_hosts, 1);
    cr_assert_eq(mx->hosts[0].n_addresses, HY_MX_ADDRESSES_MAX);
    hy_mx_unref(mx);
    hy_buf_free(&text);
    world_free(&w);
}

Test(resolver, resolves_five_thousand_domains_at_once)
{
    enum { N = 5000 };
    static struct asked asked[N];
    struct world w;
    struct hy_buf text = big_zone();
    struct hy_resolver_stats stats;
    world_make(&w, hy_buf_cstr(&text));
    resolver_start(&w);
    for (int i = 0; i < N; i++) {
        char domain[32];
        snprintf(domain, sizeof domain, "d%d.test", i);
        cr_assert_eq(hy_resolver_mx(w.r, hy_str_of(domain), on_result, &asked[i]), 0);
        hy_resolver_stats(w.r, &stats);
        cr_assert_leq(stats.in_flight, w.s.max_in_flight);
    }
    struct hy_mx *tenth = NULL;
    for (int i = 0; i < N; i++) {
        wait_for(&w, &asked[i]);
        cr_assert_eq(asked[i].mx->status, HY_MX_OK, "d%d: %s", i, asked[i].mx->text.p);
        char want[16];
        snprintf(want, sizeof want, "mx%d.test", i % 50);
        cr_assert_str_eq(asked[i].mx->hosts[0].name.p, want);
        if (i == 10)
            tenth = hy_mx_ref(asked[i].mx);
        else if (i % 50 == 10)
            cr_assert_eq(asked[i].mx->site.hash, tenth->site.hash);
        hy_mx_unref(asked[i].mx);
    }
    hy_mx_unref(tenth);
    hy_resolver_stats(w.r, &stats);
    cr_assert_eq(stats.questions, N + 50 * 2);
    cr_assert_eq(stats.failures, 0);
    hy_buf_free(&text);
    world_free(&w);
}

Test(resolver, keeps_its_cache_within_its_bounds)
{
    struct world w;
    struct hy_buf text = big_zone();
    struct hy_resolver_stats stats;
    world_make(&w, hy_buf_cstr(&text));
    w.s.cache_entries = 100;
    w.s.cache_bytes = 16384;
    resolver_start(&w);
    for (int i = 0; i < 300; i++) {
        char domain[32];
        snprintf(domain, sizeof domain, "d%d.test", i);
        hy_mx_unref(ask(&w, domain));
        hy_resolver_stats(w.r, &stats);
        cr_assert_leq(stats.cache_entries, 100);
        cr_assert_leq(stats.cache_bytes, 16384);
    }
    cr_assert_gt(stats.cache_entries, 50);
    hy_buf_free(&text);
    world_free(&w);
}

struct seen {
    char text[512];
    enum hy_dns_status status;
    bool called, is_cancelled;
};

static void on_records(void *ctx, const struct hy_records *r)
{
    struct seen *s = ctx;
    size_t n = 0;
    cr_assert_not(s->called, "called twice");
    s->called = true;
    s->is_cancelled = r == NULL;
    if (!r)
        return;
    s->status = r->status;
    cr_expect_not(r->is_secure, "nobody trusts this server");
    for (size_t i = 0; i < r->n; i++) {
        char ip[HY_SOCKADDR_TEXT_MAX];
        if (r->addresses)
            n += (size_t)snprintf(s->text + n, sizeof s->text - n, "%s ",
                                  hy_sockaddr_format_ip(&r->addresses[i], ip));
        else
            n += (size_t)snprintf(s->text + n, sizeof s->text - n, "%zu:%.*s ", r->data[i].n,
                                  r->data[i].n > 30 ? 0 : (int)r->data[i].n, r->data[i].p);
    }
}

Test(resolver, gives_records_of_any_kind)
{
    static const struct {
        const char *name;
        enum hy_dns_type type;
        enum hy_dns_status status;
        const char *want;
    } cases[] = {
        {"_mta-sts.plain.test", HY_DNS_TXT, HY_DNS_OK, "14:v=STSv1; id=1; "},
        {"_MTA-STS.Plain.Test", HY_DNS_TXT, HY_DNS_OK, "14:v=STSv1; id=1; "},
        {"_25._tcp.mx1.test", HY_DNS_TLSA, HY_DNS_OK, "35: "},
        {"mx1.test", HY_DNS_A, HY_DNS_OK, "192.0.2.1 "},
        {"mx1.test", HY_DNS_AAAA, HY_DNS_OK, "2001:db8::1 "},
        {"me.test", HY_DNS_A, HY_DNS_OK, ""},
        {"mx1.test", HY_DNS_TXT, HY_DNS_NODATA, ""},
        {"nobody.test", HY_DNS_TXT, HY_DNS_NXDOMAIN, ""},
        {"x.broken", HY_DNS_TLSA, HY_DNS_FAILED, ""},
        {"sp ace.test", HY_DNS_TXT, HY_DNS_NXDOMAIN, ""},
    };
    struct world w = {0};
    world_make(&w, zone);
    resolver_start(&w);
    for (int round = 0; round < 2; round++) { /* the second is answered by the cache */
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            struct seen s = {.called = false};
            cr_assert_eq(
                hy_resolver_records(w.r, hy_str_of(cases[i].name), cases[i].type, on_records, &s),
                0);
            cr_assert_not(s.called, "the callback came from inside the call");
            hy_us end = hy_clock_us() + 20 * HY_US_PER_SEC;
            while (!s.called && hy_clock_us() < end)
                cr_assert_eq(hy_loop_turn(w.loop, 100 * HY_US_PER_MS), 0);
            cr_expect(s.called && !s.is_cancelled, "%s", cases[i].name);
            cr_expect_eq(s.status, cases[i].status, "%s: got %d", cases[i].name, (int)s.status);
            cr_expect_str_eq(s.text, cases[i].want, "%s: got %s", cases[i].name, s.text);
        }
    }
    world_free(&w);
}

Test(resolver, freeing_it_tells_those_who_wait_for_records)
{
    struct world w = {0};
    struct seen waiting = {.called = false}, malformed = {.called = false};
    world_make(&w, zone);
    resolver_start(&w);
    cr_assert_eq(hy_resolver_records(w.r, HY_STR("mx1.test"), HY_DNS_A, on_records, &waiting), 0);
    cr_assert_eq(hy_resolver_records(w.r, HY_STR("a b"), HY_DNS_A, on_records, &malformed), 0);
    world_free(&w);
    cr_expect(waiting.called && waiting.is_cancelled);
    cr_expect(malformed.called && malformed.is_cancelled);
}
