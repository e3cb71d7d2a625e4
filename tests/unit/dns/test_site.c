#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "hayauma/base/rand.h"
#include "hayauma/dns/site.h"

static size_t split_hosts(struct hy_str text, struct hy_str *hosts)
{
    size_t n = 0;
    struct hy_str piece;
    while (n < HY_SITE_HOSTS_MAX && hy_str_split(&text, ' ', &piece))
        hosts[n++] = piece;
    return n;
}

static void assert_name(const char *hosts_text, struct hy_str want)
{
    struct hy_str hosts[HY_SITE_HOSTS_MAX];
    struct hy_buf got HY_CLEANUP(hy_buf_free) = HY_BUF_INIT(4096);
    size_t n = split_hosts(hy_str_of(hosts_text), hosts);
    hy_site_name(hosts, n, &got);
    cr_assert(hy_str_eq(hy_buf_str(&got), want), "%s: got %s, want %.*s", hosts_text,
              hy_buf_cstr(&got), HY_STR_ARG(want));
}

Test(site, names_show_what_the_hosts_share)
{
    static const struct {
        const char *hosts, *want;
    } cases[] = {
        {"mx.example.com", "mx.example.com"},
        {"MX.Example.COM.", "mx.example.com"},
        {"mx1.example.com mx2.example.com", "(mx1|mx2).example.com"},
        {"example.com mx.example.com", "mx?.example.com"},
        {"example.com a.example.com b.example.com", "(a|b)?.example.com"},
        {"a.b.c c", "a?.b?.c"},
        {"mx.example.com mx.example.net", "mx.example.(com|net)"},
        {"localhost", "localhost"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_name(cases[i].hosts, hy_str_of(cases[i].want));
}

/* Names that another engine's operators know: one line a case, "hosts<TAB>name". */
Test(site, names_are_those_that_operators_know)
{
    char path[4096], line[4096];
    const char *root = getenv("HY_CORPORA");
    snprintf(path, sizeof path, "%s/mx-rollup/site-names.tsv", root ? root : "../shared/corpora");
    FILE *f = fopen(path, "re");
    if (!f)
        cr_skip_test("no corpus at %s", path);
    int n = 0;
    while (fgets(line, sizeof line, f)) {
        struct hy_str rest = hy_str_trim(hy_str_of(line)), hosts;
        if (!hy_str_split(&rest, '\t', &hosts) || hy_str_eq(hosts, HY_STR("hosts")))
            continue;
        char text[4096];
        snprintf(text, sizeof text, "%.*s", HY_STR_ARG(hosts));
        assert_name(text, rest);
        n++;
    }
    fclose(f);
    cr_assert_gt(n, 0);
}

Test(site, the_same_hosts_are_the_same_site_in_any_order_and_case)
{
    static const char *const same[] = {
        "mx2.example.com mx1.example.com mx3.example.com",
        "MX3.example.com. mx1.Example.com mx2.example.com mx1.example.com",
        "mx1.example.com mx2.example.com. mx3.example.com",
    };
    struct hy_buf mem[3];
    struct hy_site site[3];
    for (size_t i = 0; i < 3; i++) {
        struct hy_str hosts[HY_SITE_HOSTS_MAX];
        mem[i] = HY_BUF_INIT(16384);
        size_t n = split_hosts(hy_str_of(same[i]), hosts);
        cr_assert_eq(hy_site_of(hosts, n, &mem[i], &site[i]), 0);
        cr_assert_str_eq(site[i].key.p, "mx1.example.com,mx2.example.com,mx3.example.com");
        cr_assert_str_eq(site[i].name.p, "(mx1|mx2|mx3).example.com");
        cr_assert_eq(site[i].hash, site[0].hash);
    }
    for (size_t i = 0; i < 3; i++)
        hy_buf_free(&mem[i]);
}

Test(site, different_hosts_are_different_sites_even_when_their_names_agree)
{
    static const char *const a = "a.x.example b.y.example", *const b = "a.y.example b.x.example";
    struct hy_str hosts[HY_SITE_HOSTS_MAX];
    struct hy_buf mem_a = HY_BUF_INIT(16384), mem_b = HY_BUF_INIT(16384);
    struct hy_site one, two;
    size_t n = split_hosts(hy_str_of(a), hosts);
    cr_assert_eq(hy_site_of(hosts, n, &mem_a, &one), 0);
    n = split_hosts(hy_str_of(b), hosts);
    cr_assert_eq(hy_site_of(hosts, n, &mem_b, &two), 0);
    cr_assert_neq(one.hash, two.hash);
    cr_assert_not(hy_str_eq(one.key, two.key));
    hy_buf_free(&mem_a);
    hy_buf_free(&mem_b);
}

Test(site, hash_is_the_same_in_every_process)
{
    struct hy_str host = HY_STR("mx.example.com");
    struct hy_buf mem = HY_BUF_INIT(1024);
    struct hy_site site;
    cr_assert_eq(hy_site_of(&host, 1, &mem, &site), 0);
    cr_assert_eq(site.hash, 0x358e376253c72273u, "got 0x%016llx", (unsigned long long)site.hash);
    hy_buf_free(&mem);
}

Test(site, is_bounded)
{
    static char text[HY_SITE_HOSTS_MAX][254];
    struct hy_str hosts[HY_SITE_HOSTS_MAX + 1];
    struct hy_rng rng;
    hy_rng_seed(&rng, 2);
    for (size_t i = 0; i < HY_SITE_HOSTS_MAX; i++) {
        for (size_t k = 0; k < 253; k++)
            text[i][k] = k % 2 ? '.' : (char)('a' + hy_rng_below(&rng, 26));
        hosts[i] = hy_str_make(text[i], 253);
    }
    hosts[HY_SITE_HOSTS_MAX] = HY_STR("one.too.many");
    struct hy_buf mem = HY_BUF_INIT(16 * 1024), small = HY_BUF_INIT(1024);
    struct hy_site site;
    cr_assert_eq(hy_site_of(hosts, HY_SITE_HOSTS_MAX, &mem, &site), 0);
    cr_assert_eq(site.name.n, HY_SITE_NAME_MAX);
    cr_assert(hy_str_ends(site.name, HY_STR("...")));
    cr_assert_eq(hy_site_of(hosts, HY_SITE_HOSTS_MAX + 1, &mem, &site), HY_EINVAL);
    cr_assert_eq(hy_site_of(hosts, 0, &mem, &site), HY_EINVAL);
    cr_assert_eq(hy_site_of(hosts, HY_SITE_HOSTS_MAX, &small, &site), HY_ELIMIT);
    hy_buf_free(&mem);
    hy_buf_free(&small);
}
