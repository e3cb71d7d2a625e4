/* Our own certificate for servers that ask, and the least version. */
#include <criterion/criterion.h>
#include <openssl/pem.h>

#include "tls_world.h"

/* A certificate of the authority for `name` and its key, as PEM. */
struct pem {
    struct hy_buf cert, key;
};

static void put_bio(BIO *from, struct hy_buf *to)
{
    char *data;
    long n = BIO_get_mem_data(from, &data);
    *to = HY_BUF_INIT(65536);
    hy_buf_add(to, data, (size_t)n);
    BIO_free(from);
}

static struct pem pem_make(struct pki *k, const char *name)
{
    SSL_CTX *ctx = pki_server(k, name, 30, TLS1_3_VERSION);
    BIO *cert = BIO_new(BIO_s_mem()), *key = BIO_new(BIO_s_mem());
    cr_assert_eq(PEM_write_bio_X509(cert, SSL_CTX_get0_certificate(ctx)), 1);
    cr_assert_eq(
        PEM_write_bio_PrivateKey(key, SSL_CTX_get0_privatekey(ctx), NULL, NULL, 0, NULL, NULL), 1);
    SSL_CTX_free(ctx);
    struct pem p;
    put_bio(cert, &p.cert);
    put_bio(key, &p.key);
    return p;
}

static void pem_free(struct pem *p)
{
    hy_buf_free(&p->cert);
    hy_buf_free(&p->key);
}

static struct hy_tls_self *self_make(const struct pem *p)
{
    struct hy_diag diag = {""};
    struct hy_tls_self *s = NULL;
    cr_assert_eq(hy_tls_self_read(hy_buf_str(&p->cert), hy_buf_str(&p->key), &diag, &s), 0, "%s",
                 diag.text);
    return s;
}

/* A world whose server wants a certificate of its authority. */
static void world_make(struct tls_world *w, int version, int n_conns)
{
    pki_make(&w->pki);
    struct hy_tls_options o = {.ca_file = w->pki.ca_file};
    struct hy_diag diag = {""};
    cr_assert_eq(hy_tls_create(&o, &diag, &w->tls), 0, "%s", diag.text);
    cr_assert_eq(hy_tls_cache_create(8, &w->cache), 0);
    SSL_CTX *ctx = pki_server(&w->pki, "mx.test", 30, version);
    cr_assert_eq(SSL_CTX_load_verify_locations(ctx, w->pki.ca_file, NULL), 1);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    peer_start(&w->peer, tls_answer_quit, n_conns, ctx);
    owner_init(&w->owner);
    w->owner.tls_options = (struct hy_conn_tls){
        .tls = w->tls, .cache = w->cache, .cache_key = HY_STR("site"), .server_name = "mx.test"};
}

static bool got_answer(const struct tls_world *w)
{
    return hy_str_ends(hy_buf_str(&w->owner.got), HY_STR("221 bye\r\n"));
}

Test(tls_self, a_server_that_asks_gets_our_certificate_with_either_version)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    for (size_t i = 0; i < 2; i++) {
        struct tls_world w;
        world_make(&w, versions[i], 2);
        w.owner.on_readable = tls_owner_start;
        owner_open(&w.owner, w.peer.port); /* and says nothing: it may be closed at any time */
        owner_run(&w.owner);
        cr_assert_not(got_answer(&w), "version %zu: without one it is turned away", i);
        struct pem p = pem_make(&w.pki, "out.test");
        struct hy_tls_self *self = self_make(&p);
        w.owner.tls_options.self = self;
        tls_run_once(&w.owner, &w.peer);
        cr_assert(got_answer(&w), "version %zu: %s", i, w.owner.end_text);
        hy_tls_self_free(self);
        pem_free(&p);
        tls_world_free(&w);
    }
}

Test(tls_self, a_session_of_one_certificate_is_not_resumed_with_another)
{
    struct tls_world w;
    world_make(&w, TLS1_2_VERSION, 3);
    struct pem a = pem_make(&w.pki, "a.test"), b = pem_make(&w.pki, "b.test");
    struct hy_tls_self *selves[] = {self_make(&a), self_make(&b), self_make(&a)};
    static const bool want[] = {false, false, true};
    for (size_t i = 0; i < 3; i++) {
        w.owner.tls_options.self = selves[i];
        tls_run_once(&w.owner, &w.peer);
        cr_assert(got_answer(&w), "connection %zu: %s", i, w.owner.end_text);
        cr_assert_eq(w.owner.tls.resumed, want[i], "connection %zu", i);
    }
    for (size_t i = 0; i < 3; i++)
        hy_tls_self_free(selves[i]);
    pem_free(&a);
    pem_free(&b);
    tls_world_free(&w);
}

Test(tls_self, a_server_without_the_least_version_is_refused)
{
    struct tls_world w;
    tls_world_make(&w, "mx.test", 30, TLS1_2_VERSION, 2);
    w.owner.tls_options.least = HY_TLS_1_3;
    tls_run_once(&w.owner, &w.peer);
    cr_assert_eq(w.owner.end.stage, HY_CONN_HANDSHAKE);
    w.owner.tls_options.least = HY_TLS_1_2;
    tls_run_once(&w.owner, &w.peer);
    cr_assert(got_answer(&w), "%s", w.owner.end_text);
    tls_world_free(&w);
}

Test(tls_self, what_is_no_certificate_with_its_key_is_refused_with_the_reason)
{
    struct pki k;
    pki_make(&k);
    struct pem a = pem_make(&k, "a.test"), b = pem_make(&k, "b.test");
    const struct {
        struct hy_str chain, key;
        const char *why;
    } cases[] = {
        {{0}, hy_buf_str(&a.key), "no certificate can be read"},
        {HY_STR("nonsense"), hy_buf_str(&a.key), "no certificate can be read"},
        {hy_buf_str(&a.cert), hy_buf_str(&a.cert), "no private key can be read"},
        {hy_buf_str(&a.cert), hy_buf_str(&b.key), "the key does not belong to the certificate"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_diag diag = {""};
        struct hy_tls_self *s = NULL;
        cr_expect_eq(hy_tls_self_read(cases[i].chain, cases[i].key, &diag, &s), HY_ECRYPTO,
                     "case %zu", i);
        cr_expect_null(s);
        cr_expect(strncmp(diag.text, cases[i].why, strlen(cases[i].why)) == 0, "case %zu: %s", i,
                  diag.text);
    }
    pem_free(&a);
    pem_free(&b);
    pki_free(&k);
}
