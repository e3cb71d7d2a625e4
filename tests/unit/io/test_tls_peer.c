#include <criterion/criterion.h>
#include <openssl/err.h>
#include <stdlib.h>

#include "peer.h"
#include "tls_priv.h"

/* Client and server in one process, over a pair of buffers. */
struct pair {
    struct pki pki;
    SSL_CTX *server_ctx, *client_ctx;
    SSL *server, *client;
    SSL_SESSION *got; /* the last session the client may resume */
};

static int keep_session(SSL *ssl, SSL_SESSION *s)
{
    struct pair *p = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    SSL_SESSION_free(p->got);
    p->got = s;
    return 1;
}

static void make(struct pair *p, int version)
{
    *p = (struct pair){0};
    pki_make(&p->pki);
    p->server_ctx = pki_server(&p->pki, "mx.test", 30, version);
    cr_assert(SSL_CTX_add1_chain_cert(p->server_ctx, p->pki.ca));
    p->client_ctx = SSL_CTX_new(TLS_client_method());
    cr_assert(SSL_CTX_load_verify_locations(p->client_ctx, p->pki.ca_file, NULL));
    SSL_CTX_set_app_data(p->client_ctx, p);
    SSL_CTX_set_session_cache_mode(p->client_ctx,
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(p->client_ctx, keep_session);
}

static void say(SSL *from, SSL *to, const char *text)
{
    char got[64];
    int n = (int)strlen(text);
    cr_assert_eq(SSL_write(from, text, n), n);
    cr_assert_eq(SSL_read(to, got, sizeof got), n);
    cr_assert_arr_eq(got, text, (size_t)n);
}

/* Verifies when it is no resumption; forgets the certificates when it is told to. */
static void connect_pair(struct pair *p, SSL_SESSION *resume, bool forgets)
{
    BIO *a, *b;
    p->server = SSL_new(p->server_ctx);
    p->client = SSL_new(p->client_ctx);
    cr_assert(BIO_new_bio_pair(&a, 65536, &b, 65536));
    SSL_set_bio(p->server, a, a);
    SSL_set_bio(p->client, b, b);
    SSL_set_accept_state(p->server);
    SSL_set_connect_state(p->client);
    SSL_set_verify(p->client, SSL_VERIFY_PEER, NULL);
    if (resume)
        cr_assert(SSL_set_session(p->client, resume));
    for (int i = 0; i < 6; i++) {
        SSL_do_handshake(p->client);
        SSL_do_handshake(p->server);
    }
    cr_assert(SSL_is_init_finished(p->client) && SSL_is_init_finished(p->server));
    if (forgets)
        tls_forget_peer(p->client);
    say(p->client, p->server, "EHLO");
    say(p->server, p->client, "250 with a ticket in front");
}

static void disconnect(struct pair *p)
{
    SSL_shutdown(p->client);
    SSL_shutdown(p->server);
    SSL_free(p->client);
    SSL_free(p->server);
}

static void end(struct pair *p)
{
    SSL_SESSION_free(p->got);
    SSL_CTX_free(p->client_ctx);
    SSL_CTX_free(p->server_ctx);
    pki_free(&p->pki);
}

static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

Test(tls_peer, a_connection_goes_on_without_the_certificates_it_was_made_with)
{
    for (size_t i = 0; i < 2; i++) {
        struct pair p;
        make(&p, versions[i]);
        connect_pair(&p, NULL, false);
        cr_expect(SSL_get0_peer_certificate(p.client), "nothing to forget: the test tests nothing");
        cr_expect_gt(sk_X509_num(SSL_get_peer_cert_chain(p.client)), 1);
        cr_expect_gt(sk_X509_num(SSL_get0_verified_chain(p.client)), 1);
        tls_forget_peer(p.client);
        cr_expect_null(SSL_get0_peer_certificate(p.client));
        cr_expect_eq(sk_X509_num(SSL_get_peer_cert_chain(p.client)), 0);
        cr_expect_eq(sk_X509_num(SSL_get0_verified_chain(p.client)), 0);
        cr_expect_eq(SSL_get_verify_result(p.client), X509_V_OK);
        cr_expect_eq(SSL_version(p.client), versions[i]);
        cr_expect_not_null(SSL_get_current_cipher(p.client));
        say(p.client, p.server, "MAIL");
        say(p.server, p.client, "250 still here");
        tls_forget_peer(p.client);
        cr_expect_eq(ERR_peek_error(), 0);
        disconnect(&p);
        end(&p);
    }
}

Test(tls_peer, a_session_is_kept_and_resumed_without_the_certificate)
{
    for (size_t i = 0; i < 4; i++) {
        struct pair p;
        bool forgets = i / 2; /* before the ticket of TLS 1.3 comes */
        make(&p, versions[i % 2]);
        connect_pair(&p, NULL, forgets);
        disconnect(&p);
        cr_assert_not_null(p.got);
        int whole = i2d_SSL_SESSION(p.got, NULL);
        size_t n = 0;
        unsigned char *der = tls_session_bytes(p.got, &n);
        cr_assert_not_null(der);
        if (!forgets)
            cr_expect_lt(n + 300, (size_t)whole, "%zu bytes of %d", n, whole);
        const unsigned char *at = der;
        SSL_SESSION *s = d2i_SSL_SESSION(NULL, &at, (long)n);
        cr_assert_not_null(s);
        cr_expect_eq(at, der + n, "bytes behind the end");
        cr_expect_null(SSL_SESSION_get0_peer(s));
        connect_pair(&p, s, true);
        cr_expect(SSL_session_reused(p.client), "case %zu", i);
        cr_expect_eq(SSL_get_verify_result(p.client), X509_V_OK);
        cr_expect_null(SSL_get0_peer_certificate(p.client));
        disconnect(&p);
        SSL_SESSION_free(s);
        free(der);
        end(&p);
    }
}
