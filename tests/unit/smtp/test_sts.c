#include "hayauma/smtp/sts.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "table.h"

/* ---- records ---- */

static void check_record(const char *txt, int want, const char *id)
{
    struct hy_str one = hy_str_of(txt), got = {"", 0};
    int err = hy_sts_record_read(&one, 1, &got);
    cr_expect_eq(err, want, "%s: got %d, want %d", txt, err, want);
    if (!want)
        cr_expect(hy_str_eq(got, hy_str_of(id)), "%s: got %.*s", txt, HY_STR_ARG(got));
}

Test(sts, reads_ids)
{
    static const struct {
        const char *txt;
        int err;
        const char *id;
    } cases[] = {
        {"v=STSv1; id=20160831085700Z;", 0, "20160831085700Z"},
        {"v=STSv1;id=a", 0, "a"},
        {"v=STSv1 ; id=a ; x=y", 0, "a"},
        {"v=STSv1; x=y; id=a; id=b", 0, "a"},
        {"v=STSv1;", HY_EPARSE, ""},
        {"v=STSv1; id=", HY_EPARSE, ""},
        {"v=STSv1; id=a b", HY_EPARSE, ""},
        {"v=STSv1; id=a-b", HY_EPARSE, ""},
        {"v=STSv1; id=123456789012345678901234567890123", HY_EPARSE, ""},
        {"v=STSv1; id=a; nonsense", HY_EPARSE, ""},
        {"v=STSv1; id=a;; x=y", HY_EPARSE, ""},
        {"v=STSv2; id=a;", HY_ENOTFOUND, ""},
        {"v=STSv12; id=a;", HY_ENOTFOUND, ""},
        {" v=STSv1; id=a;", HY_ENOTFOUND, ""},
        {"v=spf1 -all", HY_ENOTFOUND, ""},
        {"", HY_ENOTFOUND, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_record(cases[i].txt, cases[i].err, cases[i].id);
}

Test(sts, two_records_are_none)
{
    struct hy_str txts[] = {HY_STR("v=spf1 -all"), HY_STR("v=STSv1; id=a;"),
                            HY_STR("v=STSv1; id=a;")};
    struct hy_str id;
    cr_expect_eq(hy_sts_record_read(txts, 2, &id), 0);
    cr_expect_eq(hy_sts_record_read(txts, 3, &id), HY_EPARSE);
    cr_expect_eq(hy_sts_record_read(NULL, 0, &id), HY_ENOTFOUND);
}

static void corpus_record(const struct hy_str *c, size_t n)
{
    struct hy_str id;
    if (n < 3 || !hy_str_starts(hy_str_slice(c[0], 0, 9), HY_STR("_mta-sts.")))
        return;
    int err = hy_sts_record_read(&c[1], 1, &id);
    cr_expect_eq(err == 0, hy_str_eq(c[2], HY_STR("1")), "%.*s: got %d", HY_STR_ARG(c[1]), err);
}

Test(sts, records_of_the_corpus)
{
    if (!table_read("tls-policy/txt-records.tsv", corpus_record))
        cr_skip_test();
}

/* ---- policies ---- */

static const struct {
    const char *what, *text;
    int err;
    enum hy_sts_mode mode;
    uint32_t max_age_s;
    size_t n_mx;
} policies[] = {
    {"CRLF",
     "version: STSv1\r\nmode: enforce\r\nmx: a.example\r\nmx: *.b.example\r\nmax_age: 86400\r\n", 0,
     HY_STS_ENFORCE, 86400, 2},
    {"LF, no end", "version: STSv1\nmode: testing\nmx: a\nmax_age: 1", 0, HY_STS_TESTING, 1, 1},
    {"no blank behind the colon", "version:STSv1\nmode:enforce\nmx:a\nmax_age:5", 0, HY_STS_ENFORCE,
     5, 1},
    {"blanks at line ends", "version: STSv1 \nmode: enforce\t\nmx: a  \nmax_age: 5 \n", 0,
     HY_STS_ENFORCE, 5, 1},
    {"any order", "max_age: 5\nmx: a\nmode: enforce\nversion: STSv1", 0, HY_STS_ENFORCE, 5, 1},
    {"none needs no mx", "version: STSv1\nmode: none\nmax_age: 5", 0, HY_STS_NONE, 5, 0},
    {"unknown fields", "version: STSv1\nfuture: x: y\nmode: none\nmax_age: 5", 0, HY_STS_NONE, 5,
     0},
    {"the first of two counts", "version: STSv1\nmode: none\nmode: wrong\nmax_age: 5\nmax_age: x",
     0, HY_STS_NONE, 5, 0},
    {"too old an age", "version: STSv1\nmode: none\nmax_age: 9999999999", 0, HY_STS_NONE,
     HY_STS_AGE_MAX_S, 0},
    {"blank lines", "version: STSv1\n\nmode: none\nmax_age: 5\n\n", 0, HY_STS_NONE, 5, 0},
    {"enforce needs mx", "version: STSv1\nmode: enforce\nmax_age: 5", HY_EPARSE, 0, 0, 0},
    {"no version", "mode: none\nmax_age: 5", HY_EPARSE, 0, 0, 0},
    {"no mode", "version: STSv1\nmax_age: 5", HY_EPARSE, 0, 0, 0},
    {"no age", "version: STSv1\nmode: none", HY_EPARSE, 0, 0, 0},
    {"another version", "version: STSv2\nmode: none\nmax_age: 5", HY_EPARSE, 0, 0, 0},
    {"another mode", "version: STSv1\nmode: Enforce\nmx: a\nmax_age: 5", HY_EPARSE, 0, 0, 0},
    {"a negative age", "version: STSv1\nmode: none\nmax_age: -5", HY_EPARSE, 0, 0, 0},
    {"a long age", "version: STSv1\nmode: none\nmax_age: 00000000005", HY_EPARSE, 0, 0, 0},
    {"no colon", "version: STSv1\nmode none\nmax_age: 5", HY_EPARSE, 0, 0, 0},
    {"an mx of two words", "version: STSv1\nmode: none\nmx: a b\nmax_age: 5", HY_EPARSE, 0, 0, 0},
    {"an empty mx", "version: STSv1\nmode: none\nmx:\nmax_age: 5", HY_EPARSE, 0, 0, 0},
    {"not UTF-8", "version: STSv1\nmode: none\nx: \xff\nmax_age: 5", HY_EPARSE, 0, 0, 0},
    {"nothing", "", HY_EPARSE, 0, 0, 0},
};

Test(sts, reads_policies)
{
    for (size_t i = 0; i < sizeof policies / sizeof *policies; i++) {
        struct hy_sts_policy p = {0};
        struct hy_diag diag = {""};
        int err = hy_sts_policy_read(hy_str_of(policies[i].text), &diag, &p);
        cr_expect_eq(err, policies[i].err, "%s: got %d (%s)", policies[i].what, err, diag.text);
        cr_expect_eq(err != 0, diag.text[0] != '\0', "%s", policies[i].what);
        cr_expect_eq(p.mode, policies[i].mode, "%s: got %d", policies[i].what, (int)p.mode);
        cr_expect_eq(p.max_age_s, policies[i].max_age_s, "%s: got %u", policies[i].what,
                     p.max_age_s);
        cr_expect_eq(p.n_mx, policies[i].n_mx, "%s: got %zu", policies[i].what, p.n_mx);
    }
}

Test(sts, patterns_past_the_maximum_are_passed_over)
{
    struct hy_buf text HY_CLEANUP(hy_buf_free) = HY_BUF_INIT(65536);
    struct hy_sts_policy p;
    hy_buf_add_lit(&text, "version: STSv1\nmode: enforce\nmax_age: 5\n");
    for (int i = 0; i < 2 * HY_STS_MX_MAX; i++)
        hy_buf_printf(&text, "mx: mx%d.example\n", i);
    cr_assert_eq(hy_sts_policy_read(hy_buf_str(&text), NULL, &p), 0);
    cr_expect_eq(p.n_mx, HY_STS_MX_MAX);
    cr_expect(hy_sts_allows(&p, HY_STR("mx0.example")));
    cr_expect(!hy_sts_allows(&p, HY_STR("mx127.example")));
}

/* "mode=testing mx=a,b max_age=86401" */
static void expect_described(const struct hy_str *c, const struct hy_sts_policy *p)
{
    char got[4096];
    int n = snprintf(got, sizeof got, "mode=%s", hy_sts_mode_name(p->mode));
    for (size_t i = 0; i < p->n_mx; i++)
        if (!hy_str_eq(p->mx[i], HY_STR(".")))
            n += snprintf(got + n, sizeof got - (size_t)n, "%s%.*s",
                          i ? "," : " mx=", HY_STR_ARG(p->mx[i]));
    snprintf(got + n, sizeof got - (size_t)n, " max_age=%u", p->max_age_s);
    cr_expect(hy_str_eq(c[4], hy_str_of(got)), "%.*s: got %s, want %.*s", HY_STR_ARG(c[1]), got,
              HY_STR_ARG(c[4]));
}

static void corpus_policy(const struct hy_str *c, size_t n)
{
    struct hy_sts_policy p;
    if (n < 6)
        return;
    bool is_served = hy_str_eq(c[2], HY_STR("200")) && hy_sts_media_type_is_good(c[3]) &&
                     hy_str_find_str(n > 6 ? c[6] : c[0], HY_STR("bad certificate"), 0) == SIZE_MAX;
    int err = is_served ? hy_sts_policy_read(c[5], NULL, &p) : HY_EPARSE;
    if (hy_str_starts(c[4], HY_STR("mode="))) {
        cr_expect_eq(err, 0, "%.*s: got %d", HY_STR_ARG(c[1]), err);
        if (!err)
            expect_described(c, &p);
    } else if (hy_str_starts(c[4], HY_STR("no enforcement"))) {
        cr_expect(err || p.mode != HY_STS_ENFORCE, "%.*s", HY_STR_ARG(c[1]));
    } else if (hy_str_starts(c[4], HY_STR("invalid"))) {
        cr_expect(err, "%.*s", HY_STR_ARG(c[1]));
    }
}

Test(sts, policies_of_the_corpus)
{
    if (!table_read("tls-policy/mta-sts-policies.tsv", corpus_policy))
        cr_skip_test();
}

Test(sts, media_types)
{
    cr_expect(hy_sts_media_type_is_good(HY_STR("text/plain")));
    cr_expect(hy_sts_media_type_is_good(HY_STR("Text/Plain ; charset=utf-8")));
    cr_expect(!hy_sts_media_type_is_good(HY_STR("text/html")));
    cr_expect(!hy_sts_media_type_is_good(HY_STR("text/plainer")));
    cr_expect(!hy_sts_media_type_is_good(HY_STR("")));
}

/* ---- hosts ---- */

Test(sts, matches_hosts)
{
    static const struct {
        const char *host, *pattern;
        bool want;
    } cases[] = {
        {"mx.example", "mx.example", true},
        {"MX.example.", "mx.Example", true},
        {"a.mx.example", "*.mx.example", true},
        {"a.b.mx.example", "*.mx.example", false},
        {"mx.example", "*.mx.example", false},
        {".mx.example", "*.mx.example", false},
        {"a.mx.example", "a.*.example", false},
        {"a.example", "*.example.", true},
        {"a", "*.", false},
        {"", "", false},
        {".", ".", false},
        {"a.example", "*example", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_eq(hy_sts_mx_matches(hy_str_of(cases[i].host), hy_str_of(cases[i].pattern)),
                     cases[i].want, "%s, %s", cases[i].host, cases[i].pattern);
}

static void corpus_match(const struct hy_str *c, size_t n)
{
    if (n >= 3)
        cr_expect_eq(hy_sts_mx_matches(c[0], c[1]), hy_str_eq(c[2], HY_STR("1")), "%.*s, %.*s",
                     HY_STR_ARG(c[0]), HY_STR_ARG(c[1]));
}

Test(sts, matches_of_the_corpus)
{
    if (!table_read("tls-policy/mta-sts-mx-match.tsv", corpus_match))
        cr_skip_test();
}
