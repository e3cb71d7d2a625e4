/* The shared part of TLS: contexts that look at certificates and one that does not, and the BIO
 * by which OpenSSL reaches the connection's buffers instead of the socket. */
#include "hayauma/io/tls.h"

#include <openssl/err.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "tls_priv.h"

/* A peer that nobody verifies is asked for no more than encryption: refusing its 1024-bit key would
 * only send the mail in the clear. */
#define OPPORTUNISTIC_CIPHERS "DEFAULT:@SECLEVEL=1"
#define VERIFIED_CIPHERS      "DEFAULT:@SECLEVEL=2"

struct hy_tls {
    atomic_uint refs;
    SSL_CTX *plain_trust; /* any certificate */
    SSL_CTX *watched;     /* looks, but lets any pass unless told otherwise; knows DANE */
    SSL_CTX *verified;
    SSL_CTX *server; /* of hy_tls_create_server, which has no others */
    BIO_METHOD *bio;
    struct name { /* further ones of hy_tls_create_hosts */
        char *name;
        SSL_CTX *context;
    } * names;
    size_t n_names;
};

struct link { /* a BIO's data: ends with its SSL */
    const struct tls_hooks *hooks;
    void *arg;
};

/* ---- the BIO ---- */

static int bio_read(BIO *b, char *p, size_t n, size_t *ret_n)
{
    struct link *l = BIO_get_data(b);
    BIO_clear_retry_flags(b);
    *ret_n = l->hooks->pull(l->arg, p, n);
    if (*ret_n)
        return 1;
    BIO_set_retry_read(b);
    return 0;
}

static int bio_write(BIO *b, const char *p, size_t n, size_t *ret_n)
{
    struct link *l = BIO_get_data(b);
    BIO_clear_retry_flags(b);
    if (!l->hooks->push(l->arg, p, n))
        return 0;
    *ret_n = n;
    return 1;
}

static long bio_ctrl(BIO *b, int cmd, long num, void *ptr)
{
    (void)b;
    (void)num;
    (void)ptr;
    return cmd == BIO_CTRL_FLUSH; /* all else: not supported, which OpenSSL takes well */
}

static int bio_destroy(BIO *b)
{
    free(BIO_get_data(b));
    return 1;
}

static BIO_METHOD *bio_method_make(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "hayauma connection");
    if (m && BIO_meth_set_read_ex(m, bio_read) && BIO_meth_set_write_ex(m, bio_write) &&
        BIO_meth_set_ctrl(m, bio_ctrl) && BIO_meth_set_destroy(m, bio_destroy))
        return m;
    BIO_meth_free(m);
    return NULL;
}

/* ---- contexts ---- */

static int accept_any(X509_STORE_CTX *store, void *arg)
{
    (void)store;
    (void)arg;
    return 1; /* not even the chain is built: that would be work for nothing */
}

static int on_session(SSL *ssl, SSL_SESSION *s)
{
    struct link *l = BIO_get_data(SSL_get_rbio(ssl));
    l->hooks->session(l->arg, s);
    return 0; /* the reference stays OpenSSL's */
}

static SSL_CTX *context_make(const SSL_METHOD *method, const char *ciphers)
{
    SSL_CTX *ctx = SSL_CTX_new(method);
    if (!ctx)
        return NULL;
    if (!SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) ||
        !SSL_CTX_set_cipher_list(ctx, ciphers)) {
        SSL_CTX_free(ctx);
        return NULL;
    }
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    return ctx;
}

static SSL_CTX *client_context(const char *ciphers)
{
    SSL_CTX *ctx = context_make(TLS_client_method(), ciphers);
    if (!ctx)
        return NULL;
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, on_session);
    return ctx;
}

static int fail_crypto(struct hy_diag *diag, const char *what)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return hy_fail(diag, HY_ECRYPTO, "%s: %s", what, reason ? reason : "OpenSSL gives no reason");
}

static int load_trust(SSL_CTX *ctx, const struct hy_tls_options *o, struct hy_diag *diag)
{
    if (!o->ca_file && !o->ca_dir) {
        if (!SSL_CTX_set_default_verify_paths(ctx))
            return fail_crypto(diag, "the system's CA certificates");
        return 0;
    }
    if (o->ca_file && !SSL_CTX_load_verify_file(ctx, o->ca_file))
        return fail_crypto(diag, o->ca_file);
    if (o->ca_dir && !SSL_CTX_load_verify_dir(ctx, o->ca_dir))
        return fail_crypto(diag, o->ca_dir);
    return 0;
}

int hy_tls_create(const struct hy_tls_options *o, struct hy_diag *diag, struct hy_tls **ret_tls)
{
    const struct hy_tls_options defaults = {0};
    o = o ? o : &defaults;
    struct hy_tls *t = calloc(1, sizeof *t);
    if (!t)
        return HY_ENOMEM;
    int err = HY_ENOMEM;
    atomic_init(&t->refs, 1);
    t->bio = bio_method_make();
    if (!t->bio)
        goto unref;
    t->plain_trust = client_context(o->ciphers ? o->ciphers : OPPORTUNISTIC_CIPHERS);
    t->verified = client_context(o->ciphers ? o->ciphers : VERIFIED_CIPHERS);
    t->watched = client_context(o->ciphers ? o->ciphers : OPPORTUNISTIC_CIPHERS);
    if (!t->plain_trust || !t->verified || !t->watched || SSL_CTX_dane_enable(t->watched) <= 0) {
        err = fail_crypto(diag, o->ciphers ? o->ciphers : "cipher list");
        goto unref;
    }
    SSL_CTX_set_cert_verify_callback(t->plain_trust, accept_any, NULL);
    SSL_CTX_set_verify(t->verified, SSL_VERIFY_PEER, NULL);
    err = load_trust(t->verified, o, diag);
    if (err)
        goto unref;
    SSL_CTX_set1_cert_store(t->watched, SSL_CTX_get_cert_store(t->verified));
    *ret_tls = t;
    return 0;

unref:
    hy_tls_unref(t);
    return err;
}

static SSL_CTX *server_context(void)
{
    SSL_CTX *ctx = context_make(TLS_server_method(), VERIFIED_CIPHERS);
    if (ctx)
        SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF); /* tickets only: nothing is kept */
    return ctx;
}

static int load_host(const struct hy_tls_host *h, struct hy_diag *diag, SSL_CTX **ret)
{
    SSL_CTX *ctx = server_context();
    int err = HY_OK;
    if (!ctx)
        return HY_ENOMEM;
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(ctx, h->chain_file) != 1)
        err = fail_crypto(diag, h->chain_file);
    else if (SSL_CTX_use_PrivateKey_file(ctx, h->key_file, SSL_FILETYPE_PEM) != 1 ||
             SSL_CTX_check_private_key(ctx) != 1)
        err = fail_crypto(diag, h->key_file);
    if (err)
        SSL_CTX_free(ctx);
    else
        *ret = ctx;
    return err;
}

static int on_server_name(SSL *ssl, int *alert, void *arg)
{
    const struct hy_tls *t = arg;
    const char *asked = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    (void)alert;
    for (size_t i = 0; asked && i < t->n_names; i++) {
        if (hy_str_ieq(hy_str_of(asked), hy_str_of(t->names[i].name))) {
            SSL_set_SSL_CTX(ssl, t->names[i].context);
            break;
        }
    }
    return SSL_TLSEXT_ERR_OK;
}

static int load_names(struct hy_tls *t, const struct hy_tls_host *hosts, size_t n,
                      struct hy_diag *diag)
{
    t->names = calloc(n, sizeof *t->names);
    if (!t->names)
        return HY_ENOMEM;
    for (; t->n_names < n; t->n_names++) {
        struct name *here = &t->names[t->n_names];
        int err = load_host(&hosts[t->n_names], diag, &here->context);
        if (err)
            return err;
        here->name = strdup(hosts[t->n_names].name);
        if (!here->name) {
            SSL_CTX_free(here->context);
            return HY_ENOMEM;
        }
    }
    SSL_CTX_set_tlsext_servername_callback(t->server, on_server_name);
    SSL_CTX_set_tlsext_servername_arg(t->server, t);
    return HY_OK;
}

int hy_tls_create_hosts(const struct hy_tls_host *hosts, size_t n, struct hy_diag *diag,
                        struct hy_tls **ret_tls)
{
    struct hy_tls *t = calloc(1, sizeof *t);
    if (!t)
        return HY_ENOMEM;
    atomic_init(&t->refs, 1);
    t->bio = bio_method_make();
    int err = t->bio ? load_host(&hosts[0], diag, &t->server) : HY_ENOMEM;
    if (!err && n > 1)
        err = load_names(t, hosts + 1, n - 1, diag);
    if (err) {
        hy_tls_unref(t);
        return err;
    }
    *ret_tls = t;
    return HY_OK;
}

int hy_tls_create_server(const char *chain_file, const char *key_file, struct hy_diag *diag,
                         struct hy_tls **ret_tls)
{
    const struct hy_tls_host host = {.name = "", .chain_file = chain_file, .key_file = key_file};
    return hy_tls_create_hosts(&host, 1, diag, ret_tls);
}

struct hy_tls *hy_tls_ref(struct hy_tls *t)
{
    atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    return t;
}

void hy_tls_unref(struct hy_tls *t)
{
    if (!t || atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1)
        return;
    SSL_CTX_free(t->plain_trust);
    SSL_CTX_free(t->watched);
    SSL_CTX_free(t->verified);
    SSL_CTX_free(t->server);
    for (size_t i = 0; i < t->n_names; i++) {
        SSL_CTX_free(t->names[i].context);
        free(t->names[i].name);
    }
    free(t->names);
    BIO_meth_free(t->bio);
    free(t);
}

static SSL *ssl_make(struct hy_tls *t, SSL_CTX *context, const struct tls_hooks *hooks, void *arg)
{
    struct link *l = malloc(sizeof *l);
    BIO *bio = l ? BIO_new(t->bio) : NULL;
    SSL *ssl = bio ? SSL_new(context) : NULL;
    if (!ssl) {
        BIO_free(bio);
        free(l);
        return NULL;
    }
    *l = (struct link){hooks, arg};
    BIO_set_data(bio, l);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio); /* one reference for both */
    return ssl;
}

SSL *tls_ssl_create(struct hy_tls *t, enum hy_tls_check check, const struct tls_hooks *hooks,
                    void *arg)
{
    SSL_CTX *const contexts[] = {[HY_TLS_CHECK_NOTHING] = t->plain_trust,
                                 [HY_TLS_CHECK_WATCH] = t->watched,
                                 [HY_TLS_CHECK_NAME] = t->verified,
                                 [HY_TLS_CHECK_DANE] = t->watched};
    SSL *ssl = ssl_make(t, contexts[check], hooks, arg);
    if (ssl)
        SSL_set_connect_state(ssl);
    return ssl;
}

SSL *tls_ssl_accept(struct hy_tls *t, const struct tls_hooks *hooks, void *arg)
{
    SSL *ssl = t->server ? ssl_make(t, t->server, hooks, arg) : NULL;
    if (ssl)
        SSL_set_accept_state(ssl);
    return ssl;
}
