/* Who we are to a server that asks for a client's certificate: a chain and its key, read once. A
 * connection takes references of its own, so that this may go while it lasts. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "tls_priv.h"

enum { CHAIN_MAX = 16 };

struct hy_tls_self {
    X509 *leaf;
    STACK_OF(X509) * chain; /* behind the leaf */
    EVP_PKEY *key;
    uint64_t print; /* of the leaf: sessions of one certificate are not resumed with another */
};

static int fail(struct hy_diag *diag, const char *what)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return hy_fail(diag, HY_ECRYPTO, "%s%s%s", what, reason ? ": " : "", reason ? reason : "");
}

static int read_chain(struct hy_tls_self *s, BIO *in, struct hy_diag *diag)
{
    s->leaf = PEM_read_bio_X509(in, NULL, NULL, NULL);
    if (!s->leaf)
        return fail(diag, "no certificate can be read");
    s->chain = sk_X509_new_null();
    if (!s->chain)
        return HY_ENOMEM;
    for (X509 *x; (x = PEM_read_bio_X509(in, NULL, NULL, NULL)) != NULL;) {
        if (sk_X509_num(s->chain) >= CHAIN_MAX || !sk_X509_push(s->chain, x)) {
            X509_free(x);
            return hy_fail(diag, HY_ECRYPTO, "the chain has more than %d certificates", CHAIN_MAX);
        }
    }
    ERR_clear_error(); /* that there is no further one */
    return HY_OK;
}

static int set_print(struct hy_tls_self *s)
{
    unsigned char md[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    if (!X509_digest(s->leaf, EVP_sha256(), md, &n) || n < sizeof s->print)
        return HY_ECRYPTO;
    memcpy(&s->print, md, sizeof s->print);
    return HY_OK;
}

/* There is nobody to ask for a password. */
static int no_password(char *out, int n, int is_writing, void *ctx)
{
    (void)out;
    (void)n;
    (void)is_writing;
    (void)ctx;
    return 0;
}

int hy_tls_self_read(struct hy_str chain, struct hy_str key, struct hy_diag *diag,
                     struct hy_tls_self **ret_self)
{
    struct hy_tls_self *s = calloc(1, sizeof *s);
    BIO *chain_in = BIO_new_mem_buf(chain.n ? chain.p : "", (int)chain.n);
    BIO *key_in = BIO_new_mem_buf(key.n ? key.p : "", (int)key.n);
    int err = s && chain_in && key_in ? HY_OK : HY_ENOMEM;
    ERR_clear_error();
    if (err == HY_OK)
        err = read_chain(s, chain_in, diag);
    if (err == HY_OK && !(s->key = PEM_read_bio_PrivateKey(key_in, NULL, no_password, NULL)))
        err = fail(diag, "no private key can be read");
    if (err == HY_OK && X509_check_private_key(s->leaf, s->key) != 1)
        err = fail(diag, "the key does not belong to the certificate");
    if (err == HY_OK)
        err = set_print(s);
    BIO_free(chain_in);
    BIO_free(key_in);
    if (err == HY_OK)
        *ret_self = s;
    else
        hy_tls_self_free(s);
    return err;
}

void hy_tls_self_free(struct hy_tls_self *s)
{
    if (!s)
        return;
    X509_free(s->leaf);
    sk_X509_pop_free(s->chain, X509_free);
    EVP_PKEY_free(s->key);
    free(s);
}

uint64_t tls_self_print(const struct hy_tls_self *s)
{
    return s ? s->print : 0;
}

bool tls_self_use(const struct hy_tls_self *s, SSL *ssl)
{
    return !s || SSL_use_cert_and_key(ssl, s->leaf, s->key, s->chain, 1) == 1;
}
