/* STARTTLS with a certificate that was given, or one made when the sink starts: P-256, self-signed,
 * ten years. */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "sink.h"

static X509 *make_cert(EVP_PKEY *key, const char *name)
{
    X509 *x = X509_new();
    if (!x)
        return NULL;
    X509_set_version(x, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x), 10L * 365 * 86400);
    X509_NAME *n = X509_get_subject_name(x);
    X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(x, n);
    if (X509_set_pubkey(x, key) != 1 || X509_sign(x, key, EVP_sha256()) == 0) {
        X509_free(x);
        return NULL;
    }
    return x;
}

static bool use_certificate(const struct sink *s, SSL_CTX *ctx, X509 *cert, EVP_PKEY *key)
{
    if (s->tls_cert && s->tls_key)
        return SSL_CTX_use_certificate_chain_file(ctx, s->tls_cert) == 1 &&
               SSL_CTX_use_PrivateKey_file(ctx, s->tls_key, SSL_FILETYPE_PEM) == 1;
    return SSL_CTX_use_certificate(ctx, cert) == 1 && SSL_CTX_use_PrivateKey(ctx, key) == 1;
}

SSL_CTX *tls_context(const struct sink *s)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = key ? make_cert(key, s->hostname) : NULL;
    bool ok = ctx && cert && use_certificate(s, ctx, cert, key) &&
              SSL_CTX_set_min_proto_version(ctx, s->tls_min) == 1 &&
              SSL_CTX_set_max_proto_version(ctx, s->tls_max) == 1 &&
              SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"sink", 4) == 1;
    if (ok) {
        SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
        SSL_CTX_set_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_NO_RENEGOTIATION);
        if (s->tls_no_resume) {
            SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
            SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
            SSL_CTX_set_num_tickets(ctx, 0);
        }
    } else {
        ERR_print_errors_fp(stderr);
        SSL_CTX_free(ctx);
        ctx = NULL;
    }
    X509_free(cert);
    EVP_PKEY_free(key);
    return ctx;
}
