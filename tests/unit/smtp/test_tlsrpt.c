#include "hayauma/smtp/tlsrpt.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "table.h"

Test(tlsrpt, reads_where_reports_go)
{
    static const struct {
        const char *txt;
        int err;
        const char *want; /* "m address" or "h uri", one after the other */
    } cases[] = {
        {"v=TLSRPTv1;rua=mailto:reports@example.com", 0, "m reports@example.com "},
        {"v=TLSRPTv1; rua=https://r.example/v1/x;", 0, "h https://r.example/v1/x "},
        {"v=TLSRPTv1; rua=mailto:a@b.c , https://d.e/", 0, "m a@b.c h https://d.e/ "},
        {"v=TLSRPTv1; rua=mailto:a@b.c?subject=x; ext=1", 0, "m a@b.c "},
        {"v=TLSRPTv1; rua=ftp://x/,mailto:a@b.c", 0, "m a@b.c "},
        {"v=TLSRPTv1; rua=ftp://x/", HY_ENOTFOUND, ""},
        {"v=TLSRPTv1; rua=http://x/", HY_ENOTFOUND, ""},
        {"v=TLSRPTv1; rua=mailto:nobody", HY_ENOTFOUND, ""},
        {"v=TLSRPTv1; rua=mailto:a b@c.d", HY_ENOTFOUND, ""},
        {"v=TLSRPTv1; rua=mailto:tls%2Breports@b.c", 0, "m tls+reports@b.c "},
        {"v=TLSRPTv1; rua=mailto:a%21b%2cc%40d.e", 0, "m a!b,c@d.e "},
        {"v=TLSRPTv1; rua=mailto:a@b.c!10m", 0, "m a@b.c "},
        {"v=TLSRPTv1; rua=mailto:a@b.c!10m?subject=%0d%0a", 0, "m a@b.c "},
        {"v=TLSRPTv1; rua=mailto:a%0d%0aBcc:x@b.c", HY_ENOTFOUND, ""},
        {"v=TLSRPTv1; rua=mailto:a%00@b.c", HY_ENOTFOUND, ""},
        {"v=TLSRPTv1; rua=mailto:a%20b@b.c", HY_ENOTFOUND, ""},
        {"v=TLSRPTv1; rua=mailto:%e3%81%82@b.c", HY_ENOTFOUND, ""},
        {"v=TLSRPTv1; rua=mailto:a%7f@b.c", HY_ENOTFOUND, ""},
        {"v=TLSRPTv1; rua=mailto:a%4@b.c", HY_ENOTFOUND, ""},
        {"v=TLSRPTv1; rua=mailto:a%@b.c", HY_ENOTFOUND, ""},
        {"v=TLSRPTv1; rua=mailto:a@b.c%4", HY_ENOTFOUND, ""},
        {"v=TLSRPTv1; rua=mailto:!a@b.c", HY_ENOTFOUND, ""},
        {"v=TLSRPTv1; rua=https://r.example/%41!x", 0, "h https://r.example/%41!x "},
        {"v=TLSRPTv1; rua=nobody", HY_EPARSE, ""},
        {"v=TLSRPTv1; rua=", HY_EPARSE, ""},
        {"v=TLSRPTv1;", HY_EPARSE, ""},
        {"v=TLSRPTv1; nonsense", HY_EPARSE, ""},
        {"v=TLSRPTv2; rua=mailto:a@b.c", HY_ENOTFOUND, ""},
        {"v=spf1", HY_ENOTFOUND, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_tlsrpt_record r = {0};
        struct hy_str txt = hy_str_of(cases[i].txt);
        char got[1024] = "";
        int err = hy_tlsrpt_record_read(&txt, 1, &r), n = 0;
        cr_expect_eq(err, cases[i].err, "%s: got %d", cases[i].txt, err);
        for (size_t k = 0; k < r.n; k++)
            n += snprintf(got + n, sizeof got - (size_t)n, "%c %s ", r.rua[k].is_https ? 'h' : 'm',
                          r.rua[k].text);
        cr_expect_str_eq(got, cases[i].want, "%s", cases[i].txt);
    }
}

Test(tlsrpt, two_records_are_none)
{
    struct hy_str txts[] = {HY_STR("v=TLSRPTv1;rua=mailto:a@b.c"),
                            HY_STR("v=TLSRPTv1;rua=mailto:d@e.f")};
    struct hy_tlsrpt_record r;
    cr_expect_eq(hy_tlsrpt_record_read(txts, 2, &r), HY_EPARSE);
}

static void corpus_record(const struct hy_str *c, size_t n)
{
    struct hy_tlsrpt_record r;
    if (n < 3 || !hy_str_eq(c[0], HY_STR("_smtp._tls")))
        return;
    cr_expect_eq(hy_tlsrpt_record_read(&c[1], 1, &r) == 0, hy_str_eq(c[2], HY_STR("1")), "%.*s",
                 HY_STR_ARG(c[1]));
}

Test(tlsrpt, records_of_the_corpus)
{
    if (!table_read("tls-policy/txt-records.tsv", corpus_record))
        cr_skip_test();
}

Test(tlsrpt, names_are_those_of_the_standard)
{
    cr_expect_str_eq(hy_tlsrpt_result_name(HY_TLSRPT_STARTTLS_NOT_SUPPORTED),
                     "starttls-not-supported");
    cr_expect_str_eq(hy_tlsrpt_result_name(HY_TLSRPT_STS_WEBPKI_INVALID), "sts-webpki-invalid");
    cr_expect_str_eq(hy_tlsrpt_policy_name(HY_TLSRPT_NO_POLICY), "no-policy-found");
    cr_expect_str_eq(hy_tlsrpt_policy_name(HY_TLSRPT_TLSA), "tlsa");
}
