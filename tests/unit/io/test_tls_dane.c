/* DANE: certificates that TLSA records name. */
#include <criterion/criterion.h>

#include "tls_world.h"

/* By the SHA-256 of a certificate. */
static struct hy_tlsa tlsa_of(X509 *x, uint8_t usage, unsigned char out[32])
{
    unsigned n = 32;
    cr_assert_eq(X509_digest(x, EVP_sha256(), out, &n), 1);
    return (struct hy_tlsa){usage, 0, 1, {(char *)out, 32}};
}

/* By that of its public key. */
static struct hy_tlsa tlsa_of_key(X509 *x, unsigned char out[32])
{
    unsigned char *der = NULL;
    int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);
    cr_assert_gt(n, 0);
    cr_assert(EVP_Digest(der, (size_t)n, out, NULL, EVP_sha256(), NULL));
    OPENSSL_free(der);
    return (struct hy_tlsa){3, 1, 1, {(char *)out, 32}};
}

static void expect_dane(struct tls_world *w, const char *what, const struct hy_tlsa *r, size_t n,
                        bool is_good)
{
    w->owner.tls_options.check = HY_TLS_CHECK_DANE;
    w->owner.tls_options.tlsa = r;
    w->owner.tls_options.n_tlsa = n;
    w->owner.tls_options.server_name = "mx.test";
    tls_run_once(&w->owner, &w->peer);
    cr_expect_eq(w->owner.end.err, is_good ? HY_ECLOSED : HY_EAUTH, "%s: %s", what,
                 w->owner.end_text);
    if (is_good)
        cr_expect(w->owner.tls.verified, "%s", what);
    else
        cr_expect_eq(w->owner.end.fault, HY_TLS_FAULT_DANE, "%s: %d", what,
                     (int)w->owner.end.fault);
}

Test(tls, dane_takes_the_certificate_or_the_key_that_a_record_names)
{
    struct tls_world w;
    unsigned char cert[32], key[32], wrong[32] = {1};
    /* of another name and expired: neither counts for DANE-EE */
    tls_world_make(&w, "other.test", -1, TLS1_3_VERSION, 5);
    X509 *x = SSL_CTX_get0_certificate(w.peer.ctx);
    struct hy_tlsa records[] = {{3, 1, 1, {(char *)wrong, 32}}, tlsa_of(x, 3, cert)};
    struct hy_tlsa of_key = tlsa_of_key(x, key);
    expect_dane(&w, "a wrong record", records, 1, false);
    expect_dane(&w, "a wrong record and a good one", records, 2, true);
    expect_dane(&w, "the key", &of_key, 1, true);
    expect_dane(&w, "the key again", &of_key, 1, true);
    cr_expect(w.owner.tls.resumed, "the same records take the same session");
    expect_dane(&w, "a wrong record is not helped by a session", records, 1, false);
    tls_world_free(&w);
}

Test(tls, dane_takes_an_authority_that_a_record_names_and_then_looks_at_the_name)
{
    static const struct {
        const char *cert, *other;
        int days;
        enum hy_tls_fault fault;
    } cases[] = {
        {"mx.test", NULL, 30, HY_TLS_FAULT_NONE},
        {"domain.test", "domain.test", 30, HY_TLS_FAULT_NONE},
        {"other.test", "domain.test", 30, HY_TLS_FAULT_HOST},
        {"mx.test", NULL, -1, HY_TLS_FAULT_EXPIRED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tls_world w;
        unsigned char digest[32];
        tls_world_make(&w, cases[i].cert, cases[i].days, TLS1_3_VERSION, 1);
        X509_up_ref(w.pki.ca);
        cr_assert_eq(SSL_CTX_add_extra_chain_cert(w.peer.ctx, w.pki.ca), 1);
        struct hy_tlsa r = tlsa_of(w.pki.ca, 2, digest);
        w.owner.tls_options.check = HY_TLS_CHECK_DANE;
        w.owner.tls_options.tlsa = &r;
        w.owner.tls_options.n_tlsa = 1;
        w.owner.tls_options.server_name = "mx.test";
        w.owner.tls_options.other_name = cases[i].other;
        tls_run_once(&w.owner, &w.peer);
        cr_expect_eq(w.owner.end.fault, cases[i].fault, "case %zu: %d %s", i,
                     (int)w.owner.end.fault, w.owner.end_text);
        tls_world_free(&w);
    }
}

static void start_dane_without_records(struct owner *o)
{
    struct hy_tlsa nothing = {3, 1, 1, {"short", 5}};
    struct hy_conn_tls none = o->tls_options;
    none.check = HY_TLS_CHECK_DANE;
    cr_assert_eq(hy_conn_start_tls(o->conn, &none), HY_EINVAL);
    none.tlsa = &nothing;
    none.n_tlsa = 1;
    cr_assert_eq(hy_conn_start_tls(o->conn, &none), HY_EINVAL);
    hy_conn_close(o->conn);
}

Test(tls, dane_without_a_usable_record_trusts_nobody)
{
    struct tls_world w;
    tls_world_make(&w, "mx.test", 30, TLS1_3_VERSION, 1);
    w.owner.on_readable = start_dane_without_records;
    owner_open(&w.owner, w.peer.port);
    owner_run(&w.owner);
    cr_assert_eq(w.owner.end.err, HY_ECANCELED);
    tls_world_free(&w);
}
