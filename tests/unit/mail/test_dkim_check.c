#include <criterion/criterion.h>
#include <stdio.h>

#include "corpus.h"
#include "dkim_dns.h"
#include "hayauma/mail/dkim_check.h"

/* The corpus says at which time its mails with x= are to be verified. */
#define CORPUS_TIME ((hy_wall_ms)1667843664000)

enum { COLUMNS = 14 };

static bool agrees(struct hy_str expected, enum hy_dkim_result got)
{
    if (hy_str_eq(expected, HY_STR("pass")))
        return got == HY_DKIM_PASS;
    if (hy_str_eq(expected, HY_STR("none")))
        return got == HY_DKIM_NONE;
    return got != HY_DKIM_PASS; /* fail, invalid, not-pass, temperror */
}

Test(dkim_check, agrees_with_the_corpus_where_it_is_to_be_trusted)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf tsv = HY_BUF_INIT(1 << 20);
    if (!corpus_read("dkim/expected.tsv", &tsv))
        return;
    struct hy_str rest = hy_buf_str(&tsv), line;
    size_t seen = 0, wrong = 0;
    while (hy_str_split(&rest, '\n', &line)) {
        struct hy_str c[COLUMNS] = {{0}};
        for (size_t i = 0; i < COLUMNS && hy_str_split(&line, '\t', &c[i]); i++)
            ;
        if (!hy_str_eq(c[3], HY_STR("1")) || !hy_str_eq(c[4], HY_STR("1")))
            continue;
        struct dkim_dns dns = DKIM_DNS_INIT;
        HY_CLEANUP(hy_buf_free)
        struct hy_buf mail = HY_BUF_INIT(1 << 22);
        char path[512];
        snprintf(path, sizeof path, "dkim/%.*s", HY_STR_ARG(c[0]));
        cr_assert(dkim_dns_read(&dns, c[12], c[0]), "%s", path);
        cr_assert(corpus_read(path, &mail));
        struct hy_dkim_report r;
        cr_assert_eq(hy_dkim_check(hy_buf_str(&mail), CORPUS_TIME, dkim_dns_txt, &dns, &r), HY_OK);
        seen++;
        if (!agrees(c[2], r.result)) {
            wrong++;
            fprintf(stderr, "%s: got %s (%s), want %.*s: %.*s\n", path,
                    hy_dkim_result_name(r.result), r.n ? r.signatures[0].reason : "",
                    HY_STR_ARG(c[2]), HY_STR_ARG(c[13]));
        }
        dkim_dns_free(&dns);
    }
    cr_assert_gt(seen, 5);
    cr_assert_eq(wrong, 0, "%zu of %zu rows", wrong, seen);
}

Test(dkim_check, tells_no_signature_from_no_message)
{
    struct dkim_dns dns = DKIM_DNS_INIT;
    struct hy_dkim_report r;
    cr_assert_eq(hy_dkim_check(HY_STR("From: a@b.example\nSubject: x\n\nbody\n"), CORPUS_TIME,
                               dkim_dns_txt, &dns, &r),
                 HY_OK);
    cr_assert_eq(r.result, HY_DKIM_NONE);
    cr_assert_eq(hy_dkim_check(HY_STR("\x01\x02 no mail"), CORPUS_TIME, dkim_dns_txt, &dns, &r),
                 HY_EPARSE);
    dkim_dns_free(&dns);
}

Test(dkim_check, calls_a_silent_dns_server_temporary)
{
    struct dkim_dns dns = DKIM_DNS_INIT;
    struct hy_dkim_report r;
    hy_buf_add_lit(&dns.table, "s._domainkey.b.example\t~~timeout~~\n");
    cr_assert_eq(
        hy_dkim_check(HY_STR("DKIM-Signature: v=1; a=rsa-sha256; d=b.example; s=s; h=From;\r\n"
                             " bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA\r\n"
                             "From: a@b.example\r\n\r\n"),
                      CORPUS_TIME, dkim_dns_txt, &dns, &r),
        HY_OK);
    cr_assert_eq(r.result, HY_DKIM_TEMPERROR, "%s", r.signatures[0].reason);
    dkim_dns_free(&dns);
}
