/* Records of any kind from the resolver. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "resolver_world.h"

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
    struct resolver_world w = {0};
    resolver_world_make(&w, resolver_zone);
    resolver_world_start(&w);
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
    resolver_world_free(&w);
}

Test(resolver, freeing_it_tells_those_who_wait_for_records)
{
    struct resolver_world w = {0};
    struct seen waiting = {.called = false}, malformed = {.called = false};
    resolver_world_make(&w, resolver_zone);
    resolver_world_start(&w);
    cr_assert_eq(hy_resolver_records(w.r, HY_STR("mx1.test"), HY_DNS_A, on_records, &waiting), 0);
    cr_assert_eq(hy_resolver_records(w.r, HY_STR("a b"), HY_DNS_A, on_records, &malformed), 0);
    resolver_world_free(&w);
    cr_expect(waiting.called && waiting.is_cancelled);
    cr_expect(malformed.called && malformed.is_cancelled);
}
