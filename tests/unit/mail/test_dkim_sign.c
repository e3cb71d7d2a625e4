#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>

#include "corpus.h"
#include "dkim_dns.h"
#include "hayauma/mail/dkim.h"
#include "hayauma/mail/dkim_check.h"
#include "hayauma/mail/header.h"

#define NOW ((hy_wall_ms)1800000000000)

static const char headers[] = "From: =?UTF-8?B?5bGx55Sw?= <news@example.jp>\r\n"
                              "To: taro@example.com\r\n"
                              "Subject: =?UTF-8?B?5pel5pys6Kqe?=\r\n two lines\r\n"
                              "Date: Sun, 22 Nov 2026 02:27:00 +0900\r\n"
                              "Message-ID: <abc@example.jp>\r\n"
                              "MIME-Version: 1.0\r\n"
                              "Content-Type: text/plain;\tcharset=utf-8  \r\n"
                              "List-Unsubscribe: <https://example.jp/u/x>\r\n"
                              "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
                              "X-Other: not signed\r\n";
static const char body[] = "Hello  world \r\n\r\n\ttab\r\nend\r\n\r\n\r\n";

/* A domain with keys of both kinds, made once for each test program. */
struct bench {
    struct hy_dkim_keyset *set;
    struct hy_dkim_signer *signer;
    struct dkim_dns dns;
};

static struct hy_dkim_key *new_key(const char *domain, const char *selector,
                                   enum hy_dkim_algorithm algorithm)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf pem = HY_BUF_INIT(HY_DKIM_PEM_MAX);
    struct hy_dkim_key *key = NULL;
    cr_assert_eq(hy_dkim_key_generate(algorithm, 2048, &pem), HY_OK);
    cr_assert_eq(
        hy_dkim_key_load(hy_str_of(domain), hy_str_of(selector), hy_buf_str(&pem), &key, NULL),
        HY_OK);
    return key;
}

static struct bench bench_new(void)
{
    struct bench b = {.dns = DKIM_DNS_INIT};
    struct hy_dkim_key *keys[] = {new_key("example.jp", "rsa", HY_DKIM_RSA_SHA256),
                                  new_key("example.jp", "ed", HY_DKIM_ED25519_SHA256),
                                  new_key("sender.example", "ed", HY_DKIM_ED25519_SHA256)};
    cr_assert_eq(hy_dkim_keyset_new(keys, 3, &b.set, NULL), HY_OK);
    for (size_t i = 0; i < 3; i++) {
        dkim_dns_add_key(&b.dns, keys[i]);
        hy_dkim_key_unref(keys[i]);
    }
    cr_assert_eq(hy_dkim_signer_new(b.set, &b.signer), HY_OK);
    return b;
}

static void bench_free(struct bench *b)
{
    hy_dkim_signer_free(b->signer);
    hy_dkim_keyset_unref(b->set);
    dkim_dns_free(&b->dns);
}

static const struct hy_str domain = {"example.jp", 10};

/* Signs, and puts the whole signed message into `out`. */
static int sign(struct bench *b, struct hy_str head, struct hy_str text,
                const struct hy_dkim_options *options, struct hy_buf *out)
{
    struct hy_dkim_message m = {head, text, hy_dkim_body_is_canonical(text)};
    int err = hy_dkim_sign(b->signer, &domain, 1, &m, options, out);
    hy_buf_add_str(out, head);
    hy_buf_add_lit(out, "\r\n");
    hy_buf_add_str(out, text);
    return err;
}

static struct hy_dkim_report check(struct bench *b, const struct hy_buf *message, hy_wall_ms now)
{
    struct hy_dkim_report report;
    cr_assert_eq(hy_dkim_check(hy_buf_str(message), now, dkim_dns_txt, &b->dns, &report), HY_OK);
    return report;
}

static void assert_all_pass(const struct hy_dkim_report *r, size_t n, const char *what)
{
    cr_assert_eq(r->n, n, "%s: %zu signatures", what, r->n);
    for (size_t i = 0; i < r->n; i++)
        cr_assert_eq(r->signatures[i].result, HY_DKIM_PASS, "%s: signature %zu (%s): %s", what, i,
                     r->signatures[i].algorithm, r->signatures[i].reason);
}

Test(dkim_sign, makes_signatures_that_libopendkim_accepts_in_every_canonical_form)
{
    static const char *const bodies[] = {body,
                                         "",
                                         "\r\n",
                                         "no line end",
                                         " \t \r\n \r\n",
                                         "canonical\r\n",
                                         "a\r\n\r\n\r\nb \r\n \t\r\n\r\n",
                                         "..dot\r\n.\r\n"};
    struct bench b = bench_new();
    for (int form = 0; form < 4; form++) {
        for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
            HY_CLEANUP(hy_buf_free)
            struct hy_buf m = HY_BUF_INIT(1 << 20);
            struct hy_dkim_options o = {.header_canon = (enum hy_dkim_canon)(form & 1),
                                        .body_canon = (enum hy_dkim_canon)(form >> 1),
                                        .signed_at = NOW,
                                        .lifetime_s = 86400,
                                        .identity = HY_STR("news@mail.example.jp")};
            cr_assert_eq(sign(&b, HY_STR(headers), hy_str_of(bodies[i]), &o, &m), HY_OK);
            struct hy_dkim_report r = check(&b, &m, NOW);
            assert_all_pass(&r, 2, bodies[i]);
            cr_assert_eq(r.signatures[0].key_bits + r.signatures[1].key_bits, 256 + 2048);
        }
    }
    bench_free(&b);
}

Test(dkim_sign, hashes_a_body_flagged_canonical_like_any_other)
{
    struct bench b = bench_new();
    HY_CLEANUP(hy_buf_free)
    struct hy_buf flagged = HY_BUF_INIT(1 << 20), not = HY_BUF_INIT(1 << 20);
    struct hy_dkim_options o = {0};
    struct hy_dkim_message m = {HY_STR(headers), HY_STR("two\r\nlines here\r\n"), true};
    for (int simple = 0; simple < 2; simple++) {
        o.body_canon = simple ? HY_DKIM_SIMPLE : HY_DKIM_RELAXED;
        hy_buf_reset(&flagged);
        hy_buf_reset(&not );
        m.body_is_canonical = true;
        cr_assert_eq(hy_dkim_sign(b.signer, &domain, 1, &m, &o, &flagged), HY_OK);
        m.body_is_canonical = false;
        cr_assert_eq(hy_dkim_sign(b.signer, &domain, 1, &m, &o, &not ), HY_OK);
        cr_assert_str_eq(hy_buf_cstr(&flagged), hy_buf_cstr(&not ));
    }
    bench_free(&b);
}

Test(dkim_sign, writes_well_formed_fields)
{
    struct bench b = bench_new();
    HY_CLEANUP(hy_buf_free)
    struct hy_buf out = HY_BUF_INIT(1 << 20);
    struct hy_dkim_message m = {HY_STR(headers), HY_STR(body), false};
    struct hy_dkim_options o = {.signed_at = NOW, .lifetime_s = 60};
    cr_assert_eq(hy_dkim_sign(b.signer, &domain, 1, &m, &o, &out), HY_OK);
    struct hy_str rest = hy_buf_str(&out), line;
    while (hy_str_split(&rest, '\n', &line)) {
        cr_assert_leq(line.n, 77, "%.*s", HY_STR_ARG(line));
        cr_assert(line.n == 0 || hy_str_ends(line, HY_STR("\r")));
        cr_assert_not(hy_str_ends(line, HY_STR(" \r")));
    }
    cr_assert_neq(hy_str_find_str(hy_buf_str(&out), HY_STR(" t=1800000000; x=1800000060;"), 0),
                  SIZE_MAX, "%s", hy_buf_cstr(&out));
    cr_assert_neq(
        hy_str_find_str(hy_buf_str(&out), HY_STR("h=From:From:To:To:Cc:Subject:Subject:"), 0),
        SIZE_MAX, "%s", hy_buf_cstr(&out));
    cr_assert_eq(hy_str_find_str(hy_buf_str(&out), HY_STR("i="), 0), SIZE_MAX);
    bench_free(&b);
}

Test(dkim_sign, signs_for_several_domains_over_one_body)
{
    struct bench b = bench_new();
    HY_CLEANUP(hy_buf_free)
    struct hy_buf out = HY_BUF_INIT(1 << 20);
    const struct hy_str domains[] = {HY_STR("EXAMPLE.jp"), HY_STR("sender.example")};
    struct hy_dkim_message m = {HY_STR(headers), HY_STR(body), false};
    struct hy_dkim_options o = {.identity = HY_STR("@sender.example")};
    cr_assert_eq(hy_dkim_sign(b.signer, domains, 2, &m, &o, &out), HY_OK);
    hy_buf_add_lit(&out, headers);
    hy_buf_add_lit(&out, "\r\n");
    hy_buf_add_lit(&out, body);
    struct hy_dkim_report r = check(&b, &out, NOW);
    assert_all_pass(&r, 3, "three");
    cr_assert_str_eq(r.signatures[2].domain, "sender.example");
    bench_free(&b);
}

Test(dkim_sign, lets_a_verifier_see_every_change)
{
    static const struct {
        const char *what, *from, *to;
    } cases[] = {
        {"body", "Hello", "hello"},
        {"subject", "two lines", "two Lines"},
        {"link", "example.jp/u/x", "example.jp/u/y"},
        {"second From", "X-Other: not signed\r\n", "From: evil@example.jp\r\n"},
        {"second Subject", "X-Other: not signed\r\n", "Subject: evil\r\n"},
        {"added Reply-To", "X-Other: not signed\r\n", "Reply-To: evil@example.jp\r\n"},
        {"added body", "end\r\n", "end\r\nmore\r\n"},
        {"signed domain", "d=example.jp", "d=sender.example"},
    };
    struct bench b = bench_new();
    HY_CLEANUP(hy_buf_free)
    struct hy_buf m = HY_BUF_INIT(1 << 20);
    struct hy_dkim_options o = {0};
    cr_assert_eq(sign(&b, HY_STR(headers), HY_STR(body), &o, &m), HY_OK);
    struct hy_dkim_report r = check(&b, &m, NOW);
    assert_all_pass(&r, 2, "unchanged");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        HY_CLEANUP(hy_buf_free)
        struct hy_buf changed = HY_BUF_INIT(1 << 20);
        struct hy_str rest = hy_buf_str(&m), from = hy_str_of(cases[i].from);
        for (size_t at; (at = hy_str_find_str(rest, from, 0)) != SIZE_MAX;) {
            hy_buf_add_str(&changed, hy_str_slice(rest, 0, at));
            hy_buf_add_str(&changed, hy_str_of(cases[i].to));
            rest = hy_str_slice(rest, at + from.n, rest.n);
        }
        hy_buf_add_str(&changed, rest);
        cr_assert_not(hy_str_eq(hy_buf_str(&changed), hy_buf_str(&m)), "%s", cases[i].what);
        r = check(&b, &changed, NOW);
        for (size_t k = 0; k < r.n; k++)
            cr_assert_neq(r.signatures[k].result, HY_DKIM_PASS, "%s, signature %zu", cases[i].what,
                          k);
    }
    bench_free(&b);
}

Test(dkim_sign, survives_what_relaxed_allows)
{
    struct bench b = bench_new();
    HY_CLEANUP(hy_buf_free)
    struct hy_buf sig = HY_BUF_INIT(1 << 20);
    struct hy_dkim_message m = {HY_STR("From: a@example.jp\r\nSubject: x y\r\n"), HY_STR("a b\r\n"),
                                true};
    struct hy_dkim_options o = {0};
    cr_assert_eq(hy_dkim_sign(b.signer, &domain, 1, &m, &o, &sig), HY_OK);
    hy_buf_add_lit(&sig, "FROM:   a@example.jp \r\nX-Added: by a gateway\r\nSubject: x\r\n\ty\r\n"
                         "\r\na \t b \r\n\r\n");
    struct hy_dkim_report r = check(&b, &sig, NOW);
    assert_all_pass(&r, 2, "relaxed");
    bench_free(&b);
}

Test(dkim_sign, is_refused_after_its_lifetime)
{
    struct bench b = bench_new();
    HY_CLEANUP(hy_buf_free)
    struct hy_buf m = HY_BUF_INIT(1 << 20);
    struct hy_dkim_options o = {.signed_at = NOW, .lifetime_s = 3600};
    cr_assert_eq(sign(&b, HY_STR(headers), HY_STR(body), &o, &m), HY_OK);
    struct hy_dkim_report r = check(&b, &m, NOW + 7200 * 1000);
    cr_assert_eq(r.result, HY_DKIM_PERMERROR);
    cr_assert(strstr(r.signatures[0].reason, "expired"), "%s", r.signatures[0].reason);
    bench_free(&b);
}

Test(dkim_sign, signs_repeated_fields_from_the_last_to_the_first)
{
    struct bench b = bench_new();
    HY_CLEANUP(hy_buf_free)
    struct hy_buf m = HY_BUF_INIT(1 << 20);
    const struct hy_dkim_field fields[] = {
        {HY_STR("from"), true}, {HY_STR("X-Trace"), false}, {HY_STR("Absent"), false}};
    struct hy_dkim_options o = {.fields = fields, .n_fields = 3};
    cr_assert_eq(sign(&b,
                      HY_STR("X-Trace: 1\r\nFrom: a@example.jp\r\nx-trace: 2\r\nX-TRACE: 3\r\n"),
                      HY_STR(body), &o, &m),
                 HY_OK);
    struct hy_dkim_report r = check(&b, &m, NOW);
    assert_all_pass(&r, 2, "repeated");
    cr_assert_neq(
        hy_str_find_str(hy_buf_str(&m), HY_STR("h=from:from:X-Trace:X-Trace:X-Trace;"), 0),
        SIZE_MAX, "%s", hy_buf_cstr(&m));
    bench_free(&b);
}

Test(dkim_sign, refuses_and_leaves_the_buffer)
{
    struct bench b = bench_new();
    static const struct hy_dkim_field no_from[] = {{{"To", 2}, false}};
    static struct hy_dkim_field many[HY_DKIM_LIST_MAX + 1];
    static char lots[HY_DKIM_FIELDS_MAX * 5 + 64] = "From: a@example.jp\r\n";
    for (size_t i = 0; i < HY_DKIM_FIELDS_MAX; i++)
        strcat(lots, "X:y\r\n");
    const struct hy_dkim_options plain = {0};
    const struct {
        const char *what;
        struct hy_str domain, headers;
        struct hy_dkim_options options;
        int want;
    } cases[] = {
        {"unknown domain", HY_STR("other.example"), HY_STR(headers), plain, HY_ENOTFOUND},
        {"no From", domain, HY_STR("To: a@example.jp\r\n"), plain, HY_EINVAL},
        {"no field", domain, HY_STR(""), plain, HY_EINVAL},
        {"empty line", domain, HY_STR("From: a@example.jp\r\n\r\nTo: b\r\n"), plain, HY_EINVAL},
        {"bare LF", domain, HY_STR("From: a@example.jp\nTo: b\r\n"), plain, HY_EINVAL},
        {"bare CR", domain, HY_STR("From: a@example.jp\r\nTo: b\rc\r\n"), plain, HY_EINVAL},
        {"identity", domain, HY_STR(headers), {.identity = HY_STR("a@example.jp; d=x")}, HY_EINVAL},
        {"list without From",
         domain,
         HY_STR(headers),
         {.fields = no_from, .n_fields = 1},
         HY_EINVAL},
        {"long list",
         domain,
         HY_STR(headers),
         {.fields = many, .n_fields = HY_DKIM_LIST_MAX + 1},
         HY_ELIMIT},
        {"many fields", domain, hy_str_of(lots), plain, HY_ELIMIT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        HY_CLEANUP(hy_buf_free)
        struct hy_buf out = HY_BUF_INIT(1 << 20);
        hy_buf_add_lit(&out, "before");
        struct hy_dkim_message m = {cases[i].headers, HY_STR(body), false};
        cr_assert_eq(hy_dkim_sign(b.signer, &cases[i].domain, 1, &m, &cases[i].options, &out),
                     cases[i].want, "%s", cases[i].what);
        cr_assert_str_eq(hy_buf_cstr(&out), "before", "%s", cases[i].what);
    }
    HY_CLEANUP(hy_buf_free)
    struct hy_buf small = HY_BUF_INIT(400);
    struct hy_dkim_message m = {HY_STR(headers), HY_STR(body), false};
    cr_assert_eq(hy_dkim_sign(b.signer, &domain, 1, &m, &plain, &small), HY_ELIMIT);
    cr_assert_eq(small.len, 0);
    bench_free(&b);
}

Test(dkim_sign, goes_on_with_its_keys_when_the_set_is_replaced)
{
    struct bench b = bench_new();
    struct hy_dkim_keyset *newer = NULL;
    struct hy_dkim_key *key = new_key("example.jp", "next", HY_DKIM_ED25519_SHA256);
    cr_assert_eq(hy_dkim_keyset_new(&key, 1, &newer, NULL), HY_OK);
    dkim_dns_add_key(&b.dns, key);
    hy_dkim_key_unref(key);
    hy_dkim_keyset_unref(b.set); /* a reload lets the old set go; its signer still holds it */
    b.set = newer;
    HY_CLEANUP(hy_buf_free)
    struct hy_buf old_mail = HY_BUF_INIT(1 << 20), new_mail = HY_BUF_INIT(1 << 20);
    struct hy_dkim_options o = {0};
    cr_assert_eq(sign(&b, HY_STR(headers), HY_STR(body), &o, &old_mail), HY_OK);
    hy_dkim_signer_free(b.signer);
    cr_assert_eq(hy_dkim_signer_new(b.set, &b.signer), HY_OK);
    cr_assert_eq(sign(&b, HY_STR(headers), HY_STR(body), &o, &new_mail), HY_OK);
    struct hy_dkim_report r = check(&b, &old_mail, NOW);
    assert_all_pass(&r, 2, "old");
    r = check(&b, &new_mail, NOW);
    assert_all_pass(&r, 1, "new");
    cr_assert_str_eq(r.signatures[0].selector, "next");
    bench_free(&b);
}

struct thread_work {
    struct hy_dkim_keyset *set;
    struct hy_buf mails[20];
};

static void *sign_in_a_thread(void *arg)
{
    struct thread_work *w = arg;
    struct hy_dkim_signer *signer = NULL;
    struct hy_dkim_message m = {HY_STR(headers), HY_STR(body), false};
    const struct hy_dkim_options o = {0};
    cr_assert_eq(hy_dkim_signer_new(w->set, &signer), HY_OK);
    hy_dkim_keyset_unref(w->set);
    for (size_t i = 0; i < 20; i++) {
        w->mails[i] = HY_BUF_INIT(1 << 16);
        cr_assert_eq(hy_dkim_sign(signer, &domain, 1, &m, &o, &w->mails[i]), HY_OK);
        hy_buf_add_lit(&w->mails[i], headers);
        hy_buf_add_lit(&w->mails[i], "\r\n");
        hy_buf_add_lit(&w->mails[i], body);
    }
    hy_dkim_signer_free(signer);
    return NULL;
}

Test(dkim_sign, lets_threads_share_a_set_that_the_last_of_them_frees)
{
    struct bench b = bench_new();
    struct thread_work work[3];
    pthread_t threads[3];
    for (size_t i = 0; i < 3; i++) {
        work[i].set = hy_dkim_keyset_ref(b.set);
        cr_assert_eq(pthread_create(&threads[i], NULL, sign_in_a_thread, &work[i]), 0);
    }
    hy_dkim_keyset_unref(b.set);
    b.set = NULL;
    for (size_t i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
        for (size_t k = 0; k < 20; k++) {
            struct hy_dkim_report r = check(&b, &work[i].mails[k], NOW);
            assert_all_pass(&r, 2, "thread");
            hy_buf_free(&work[i].mails[k]);
        }
    }
    bench_free(&b);
}

/* Any mail of the corpus that has a From, signed as it is and checked. */
Test(dkim_sign, signs_real_mail_that_libopendkim_then_accepts)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf tsv = HY_BUF_INIT(1 << 20);
    if (!corpus_read("dkim/expected.tsv", &tsv))
        return;
    struct bench b = bench_new();
    struct hy_str rest = hy_buf_str(&tsv), line, name;
    size_t signed_mails = 0;
    while (hy_str_split(&rest, '\n', &line)) {
        HY_CLEANUP(hy_buf_free)
        struct hy_buf file = HY_BUF_INIT(1 << 22), mail = HY_BUF_INIT(1 << 22),
                      out = HY_BUF_INIT(1 << 22);
        char path[512];
        if (!hy_str_split(&line, '\t', &name) || hy_str_eq(name, HY_STR("file")) || name.n == 0)
            continue;
        snprintf(path, sizeof path, "dkim/%.*s", HY_STR_ARG(name));
        if (!corpus_read(path, &file))
            continue;
        for (size_t i = 0; i < file.len; i++) { /* line ends as on the wire, old signatures left */
            if (file.data[i] == '\n')
                hy_buf_add_c(&mail, '\r');
            if (file.data[i] != '\r')
                hy_buf_add_c(&mail, file.data[i]);
        }
        struct hy_str text = hy_buf_str(&mail);
        struct hy_header_field f;
        HY_CLEANUP(hy_buf_free)
        struct hy_buf head = HY_BUF_INIT(1 << 20);
        bool from = false;
        while (hy_header_next(&text, &f)) {
            from |= hy_str_ieq(f.name, HY_STR("From"));
            if (!hy_str_ieq(f.name, HY_STR("DKIM-Signature")))
                hy_buf_add_str(&head, f.whole);
        }
        if (!from)
            continue;
        struct hy_dkim_options o = {.signed_at = NOW};
        cr_assert_eq(sign(&b, hy_buf_str(&head), text, &o, &out), HY_OK, "%s", path);
        struct hy_dkim_report r;
        int err = hy_dkim_check(hy_buf_str(&out), NOW, dkim_dns_txt, &b.dns, &r);
        cr_assert_eq(err, HY_OK, "%s: %s", path, hy_err_name(err));
        assert_all_pass(&r, 2, path);
        signed_mails++;
    }
    cr_assert_gt(signed_mails, 30);
    bench_free(&b);
}
