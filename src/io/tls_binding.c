/* Channel bindings of a TLS session, as the server sees them (RFC 5929, RFC 9266). */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "conn_priv.h"

_Static_assert(HY_SCRAM_BINDING_MAX >= EVP_MAX_MD_SIZE, "any digest has room");

/* The certificate's hash, by that of its signature; SHA-256 in place of MD5 and SHA-1. */
static int end_point(const SSL *ssl, uint8_t *out, size_t *ret_n)
{
    X509 *x = SSL_get_certificate(ssl);
    int nid = NID_undef;
    unsigned n = 0;
    if (!x || !X509_get_signature_info(x, &nid, NULL, NULL, NULL) || nid == NID_undef)
        return HY_EUNSUPPORTED;
    if (nid == NID_md5 || nid == NID_sha1)
        nid = NID_sha256;
    const EVP_MD *md = EVP_get_digestbynid(nid);
    if (!md || !X509_digest(x, md, out, &n))
        return HY_EUNSUPPORTED;
    *ret_n = n;
    return HY_OK;
}

/* The first Finished of the handshake: the client's, or ours when a session was resumed. */
static int unique(const SSL *ssl, uint8_t *out, size_t *ret_n)
{
    size_t n = SSL_session_reused(ssl) ? SSL_get_finished(ssl, out, HY_SCRAM_BINDING_MAX)
                                       : SSL_get_peer_finished(ssl, out, HY_SCRAM_BINDING_MAX);
    if (n == 0 || n > HY_SCRAM_BINDING_MAX)
        return HY_EUNSUPPORTED;
    *ret_n = n;
    return HY_OK;
}

static int exporter(SSL *ssl, uint8_t *out, size_t *ret_n)
{
    static const char label[] = "EXPORTER-Channel-Binding";
    enum { BYTES = 32 };
    if (SSL_export_keying_material(ssl, out, BYTES, label, sizeof label - 1,
                                   (const unsigned char *)"", 0, 1) != 1)
        return HY_EUNSUPPORTED;
    *ret_n = BYTES;
    return HY_OK;
}

int hy_conn_tls_binding(const struct hy_conn *c, enum hy_scram_binding kind,
                        uint8_t out[HY_SCRAM_BINDING_MAX], size_t *ret_n)
{
    int err = HY_EUNSUPPORTED;
    if (c->stage != HY_CONN_TLS)
        return err;
    SSL *ssl = c->tls->ssl;
    bool is_13 = SSL_version(ssl) >= TLS1_3_VERSION;
    bool is_bound = is_13 || SSL_get_extms_support(ssl) == 1; /* RFC 7627: else not unique */
    if (kind == HY_SCRAM_BINDING_END_POINT)
        err = end_point(ssl, out, ret_n);
    else if (kind == HY_SCRAM_BINDING_UNIQUE && !is_13 && is_bound)
        err = unique(ssl, out, ret_n);
    else if (kind == HY_SCRAM_BINDING_EXPORTER && is_bound)
        err = exporter(ssl, out, ret_n);
    ERR_clear_error();
    return err;
}
