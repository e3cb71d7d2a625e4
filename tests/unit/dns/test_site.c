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

/* ---- no policy for unlike domains ---- */

enum { LISTS = 1500, NAMES = 36, FAMILIES = 6, HOSTS = 6 };

static bool is_same_host(struct hy_str a, struct hy_str b)
{
    a.n -= hy_str_ends(a, HY_STR("."));
    b.n -= hy_str_ends(b, HY_STR("."));
    return hy_str_ieq(a, b);
}

/* The same hosts, by asking for each of either among the other's. */
static bool is_same_set(const struct hy_str *a, size_t n_a, const struct hy_str *b, size_t n_b)
{
    size_t found = 0;
    for (size_t i = 0; i < n_a + n_b; i++) {
        const struct hy_str *one = i < n_a ? &a[i] : &b[i - n_a], *others = i < n_a ? b : a;
        size_t n = i < n_a ? n_b : n_a, k = 0;
        while (k < n && !is_same_host(*one, others[k]))
            k++;
        found += k < n;
    }
    return found == n_a + n_b;
}

static void fill_names(char text[NAMES][256], struct hy_rng *rng)
{
    static const struct {
        const char *before, *behind;
    } real[FAMILIES] = {{"mta", ".am0.yahoodns.net"},
                        {"alt", ".gmail-smtp-in.l.google.com"},
                        {"a", ".mail.protection.outlook.com"},
                        {"mx", ".example.com"},
                        {"example.com.mx", ""},
                        {"mx", ".example.co.jp."}};
    for (size_t i = 0; i < NAMES; i++) {
        snprintf(text[i], sizeof text[i], "%s%zu%s", real[i % FAMILIES].before, i / FAMILIES % 3,
                 real[i % FAMILIES].behind);
        for (char *c = text[i]; *c && i >= NAMES / 2; c++)
            if (*c >= 'a' && *c <= 'z' && hy_rng_below(rng, 2))
                *c = (char)(*c - 'a' + 'A');
    }
}

/* Up to six hosts, most of one provider: in any order and letters, some twice, some another's. */
static size_t draw_hosts(char names[NAMES][256], struct hy_rng *rng, struct hy_str ret[HOSTS])
{
    size_t n = 1 + hy_rng_below(rng, HOSTS), family = hy_rng_below(rng, FAMILIES);
    for (size_t i = 0; i < n; i++) {
        size_t of_family = family + FAMILIES * hy_rng_below(rng, NAMES / FAMILIES);
        ret[i] = hy_str_of(names[hy_rng_below(rng, 20) ? of_family : hy_rng_below(rng, NAMES)]);
    }
    return n;
}

Test(site, of_a_million_pairs_those_with_the_same_hosts_are_one_site_and_no_others)
{
    static char names[NAMES][256];
    static struct hy_str lists[LISTS][HOSTS];
    static size_t n_of[LISTS];
    static struct hy_buf mem[LISTS];
    static struct hy_site sites[LISTS];
    size_t same = 0, wrong = 0;
    struct hy_rng rng;
    hy_rng_seed(&rng, 4);
    fill_names(names, &rng);
    for (size_t i = 0; i < LISTS; i++) {
        n_of[i] = draw_hosts(names, &rng, lists[i]);
        mem[i] = HY_BUF_INIT(8192);
        cr_assert_eq(hy_site_of(lists[i], n_of[i], &mem[i], &sites[i]), 0);
    }
    for (size_t i = 0; i < LISTS; i++)
        for (size_t k = 0; k < i; k++) {
            bool want = is_same_set(lists[i], n_of[i], lists[k], n_of[k]);
            bool got = hy_str_eq(sites[i].key, sites[k].key);
            same += want;
            wrong += want != got || got != (sites[i].hash == sites[k].hash);
        }
    cr_expect_eq(wrong, 0u, "%zu of %d pairs", wrong, LISTS * (LISTS - 1) / 2);
    cr_expect(same > 10000 && same < 500000, "%zu pairs have the same hosts", same);
    for (size_t i = 0; i < LISTS; i++)
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
