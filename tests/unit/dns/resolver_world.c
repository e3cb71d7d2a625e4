#include "resolver_world.h"

#include <criterion/criterion.h>

/* Only the addresses matter: nothing is sent there. */
const char resolver_zone[] =
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

void resolver_on_result(void *ctx, struct hy_mx *mx)
{
    struct resolver_asked *a = ctx;
    cr_assert_not(a->called, "called twice");
    a->called = true;
    a->mx = mx;
}

void resolver_world_make(struct resolver_world *w, const char *text)
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

void resolver_world_start(struct resolver_world *w)
{
    struct hy_diag diag = {{0}};
    cr_assert_eq(hy_resolver_create(w->loop, &w->s, &diag, &w->r), 0, "%s", diag.text);
}

void resolver_world_free(struct resolver_world *w)
{
    hy_resolver_free(w->r);
    hy_loop_free(w->loop);
    nameserver_stop(&w->ns);
}

void resolver_wait(struct resolver_world *w, const struct resolver_asked *a)
{
    hy_us end = hy_clock_us() + 20 * HY_US_PER_SEC;
    while (!a->called) {
        cr_assert_eq(hy_loop_turn(w->loop, 100 * HY_US_PER_MS), 0);
        cr_assert_lt(hy_clock_us(), end, "no answer");
    }
}

struct hy_mx *resolver_ask(struct resolver_world *w, const char *domain)
{
    struct resolver_asked a = {0};
    cr_assert_eq(hy_resolver_mx(w->r, hy_str_of(domain), resolver_on_result, &a), 0);
    cr_assert_not(a.called, "the callback came from inside the call");
    resolver_wait(w, &a);
    cr_assert_not_null(a.mx);
    return a.mx;
}
