/* The other side's certificates: once a handshake has looked at them nobody asks for them again,
 * but OpenSSL keeps them, decoded, as long as the connection and in every session that is kept.
 *
 * A session goes without by its encoding, a SEQUENCE from which the certificate's field is cut: [3]
 * of SSL_SESSION_ASN1 (d2i_SSL_SESSION(3)). A connection that resumes it has no certificate to
 * decode, which is half of what its handshake costs. */
#include <openssl/asn1.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "tls_priv.h"

enum { SESSION_BYTES_MAX = 16 * 1024, PEER_TAG = 3 };

/* Cuts the peer's certificate out of an encoded session, if it is there; returns the new length. */
static size_t cut_peer(unsigned char *der, size_t n)
{
    const unsigned char *p = der;
    long len;
    int tag, class;
    if (ASN1_get_object(&p, &len, &tag, &class, (long)n) != V_ASN1_CONSTRUCTED)
        return n;
    const unsigned char *body = p, *end = p + len;
    while (p < end) {
        const unsigned char *field = p;
        if (ASN1_get_object(&p, &len, &tag, &class, end - p) & 0x80)
            return n;
        p += len;
        if (class != V_ASN1_CONTEXT_SPECIFIC || tag != PEER_TAG)
            continue;
        size_t before = (size_t)(field - body), behind = (size_t)(end - p);
        int all = ASN1_object_size(1, (int)(before + behind), V_ASN1_SEQUENCE);
        unsigned char *to = der + (size_t)all - before - behind; /* a head that is no longer */
        memmove(to, body, before);
        memmove(to + before, p, behind);
        to = der;
        ASN1_put_object(&to, 1, (int)(before + behind), V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
        return (size_t)all;
    }
    return n;
}

/* OpenSSL's memory. */
static unsigned char *encode(SSL_SESSION *s, size_t *ret_n)
{
    unsigned char *der = NULL;
    int n = i2d_SSL_SESSION(s, &der);
    if (n <= 0)
        return NULL;
    *ret_n = cut_peer(der, (size_t)n);
    return der;
}

unsigned char *tls_session_bytes(SSL_SESSION *s, size_t *ret_n)
{
    size_t n = 0;
    unsigned char *der = encode(s, &n);
    unsigned char *copy = der && n <= SESSION_BYTES_MAX ? malloc(n) : NULL;
    if (copy) {
        memcpy(copy, der, n);
        *ret_n = n;
    }
    OPENSSL_free(der);
    return copy;
}

/* The stacks stay OpenSSL's, empty. */
static void empty(STACK_OF(X509) * chain)
{
    for (X509 *x; chain && (x = sk_X509_pop(chain)) != NULL;)
        X509_free(x);
}

void tls_forget_peer(SSL *ssl)
{
    SSL_SESSION *s = SSL_get_session(ssl);
    if (!s || !SSL_get0_peer_certificate(ssl))
        return;
    empty(SSL_get_peer_cert_chain(ssl));
    empty(SSL_get0_verified_chain(ssl));
    size_t n;
    unsigned char *der = encode(s, &n);
    const unsigned char *p = der;
    if (!der ||
        !d2i_SSL_SESSION(&s, &p, (long)n)) /* into the same object: lets go of the last one */
        ERR_clear_error();                 /* it stays as it is, then */
    OPENSSL_free(der);
}
