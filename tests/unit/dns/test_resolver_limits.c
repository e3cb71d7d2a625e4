/* The resolver with silent servers, too many questions, long answers. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "resolver_world.h"

Test(resolver, gives_up_on_a_silent_server_in_its_time)
{
    struct hy_loop *loop;
    struct hy_resolver *r;
    struct hy_resolver_settings s;
    struct hy_sockaddr dead;
    struct resolver_asked a = {0};
    int fd = dead_port(&dead);
    cr_assert_eq(hy_loop_create(&loop), 0);
    hy_resolver_settings_init(&s);
    s.servers = &dead;
    s.n_servers = 1;
    s.timeout_ms = 100;
    s.tries = 2;
    cr_assert_eq(hy_resolver_create(loop, &s, NULL, &r), 0);
    hy_us start = hy_clock_us();
    cr_assert_eq(hy_resolver_mx(r, HY_STR("plain.test"), resolver_on_result, &a), 0);
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
    struct resolver_world w;
    resolver_world_make(&w, resolver_zone);
    struct hy_sockaddr servers[2] = {w.ns.address, w.ns.address};
    int fd = dead_port(&servers[0]);
    w.s.servers = servers;
    w.s.n_servers = 2;
    w.s.timeout_ms = 100;
    resolver_world_start(&w);
    struct hy_mx *mx = resolver_ask(&w, "implicit.test");
    cr_assert_eq(mx->status, HY_MX_OK);
    hy_mx_unref(mx);
    close(fd);
    resolver_world_free(&w);
}

Test(resolver, tells_those_who_wait_when_it_is_freed)
{
    enum { N = 20 };
    struct resolver_world w;
    struct resolver_asked asked[N] = {0};
    resolver_world_make(&w, resolver_zone);
    w.s.max_in_flight = 4;
    resolver_world_start(&w);
    for (int i = 0; i < N; i++) {
        char domain[32];
        snprintf(domain, sizeof domain, "d%d.wild.test", i);
        cr_assert_eq(
            hy_resolver_mx(w.r, hy_str_of(i == 7 ? "" : domain), resolver_on_result, &asked[i]), 0);
    }
    hy_resolver_free(w.r);
    w.r = NULL;
    for (int i = 0; i < N; i++) {
        cr_assert(asked[i].called);
        cr_assert_null(asked[i].mx);
    }
    cr_assert_eq(hy_loop_turn(w.loop, 0), 0);
    resolver_world_free(&w);
}

Test(resolver, refuses_more_than_may_wait)
{
    struct resolver_world w;
    struct resolver_asked asked[8] = {0};
    resolver_world_make(&w, resolver_zone);
    w.s.max_in_flight = 1;
    w.s.max_waiting = 3;
    resolver_world_start(&w);
    int taken = 0;
    for (int i = 0; i < 8; i++) {
        char domain[32];
        snprintf(domain, sizeof domain, "d%d.wild.test", i);
        int err = hy_resolver_mx(w.r, hy_str_of(domain), resolver_on_result, &asked[i]);
        cr_assert(err == 0 || err == HY_ELIMIT);
        taken += err == 0;
    }
    cr_assert_eq(taken, 4); /* one on the wire, three wait */
    for (int i = 0; i < taken; i++) {
        resolver_wait(&w, &asked[i]);
        hy_mx_unref(asked[i].mx);
    }
    resolver_world_free(&w);
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
    struct resolver_world w;
    struct hy_buf text = big_zone();
    resolver_world_make(&w, hy_buf_cstr(&text));
    resolver_world_start(&w);
    struct hy_mx *mx = resolver_ask(&w, "many.test");
    cr_assert_eq(mx->status, HY_MX_OK, "%s", mx->text.p);
    cr_assert_eq(mx->n_hosts, HY_MX_HOSTS_MAX);
    for (size_t i = 0; i < mx->n_hosts; i++)
        cr_assert_eq(mx->hosts[i].preference, i + 1, "the best are kept");
    hy_mx_unref(mx);
    mx = resolver_ask(&w, "crowd.test");
    cr_assert_eq(mx->n_hosts, 1);
    cr_assert_eq(mx->hosts[0].n_addresses, HY_MX_ADDRESSES_MAX);
    hy_mx_unref(mx);
    hy_buf_free(&text);
    resolver_world_free(&w);
}

Test(resolver, resolves_five_thousand_domains_at_once)
{
    enum { N = 5000 };
    static struct resolver_asked asked[N];
    struct resolver_world w;
    struct hy_buf text = big_zone();
    struct hy_resolver_stats stats;
    resolver_world_make(&w, hy_buf_cstr(&text));
    resolver_world_start(&w);
    for (int i = 0; i < N; i++) {
        char domain[32];
        snprintf(domain, sizeof domain, "d%d.test", i);
        cr_assert_eq(hy_resolver_mx(w.r, hy_str_of(domain), resolver_on_result, &asked[i]), 0);
        hy_resolver_stats(w.r, &stats);
        cr_assert_leq(stats.in_flight, w.s.max_in_flight);
    }
    struct hy_mx *tenth = NULL;
    for (int i = 0; i < N; i++) {
        resolver_wait(&w, &asked[i]);
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
    resolver_world_free(&w);
}

Test(resolver, keeps_its_cache_within_its_bounds)
{
    struct resolver_world w;
    struct hy_buf text = big_zone();
    struct hy_resolver_stats stats;
    resolver_world_make(&w, hy_buf_cstr(&text));
    w.s.cache_entries = 100;
    w.s.cache_bytes = 16384;
    resolver_world_start(&w);
    for (int i = 0; i < 300; i++) {
        char domain[32];
        snprintf(domain, sizeof domain, "d%d.test", i);
        hy_mx_unref(resolver_ask(&w, domain));
        hy_resolver_stats(w.r, &stats);
        cr_assert_leq(stats.cache_entries, 100);
        cr_assert_leq(stats.cache_bytes, 16384);
    }
    cr_assert_gt(stats.cache_entries, 50);
    hy_buf_free(&text);
    resolver_world_free(&w);
}
