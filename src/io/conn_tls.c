/* TLS on a connection: OpenSSL works on the loop's buffers. What it writes is gathered and sent
 * with one call for up to 64 KiB of records; what the socket does not take waits in the backlog,
 * and until that is gone nothing more is taken from the owner.
 *
 * How it fails: a bad handshake, record or certificate ends the connection with HY_ECRYPTO or
 * HY_EAUTH and OpenSSL's reason. */
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#include "conn_priv.h"

enum {
    RECORD_MAX = 16 * 1024,
    BACKLOG_MAX = 2 * LOOP_BUFFER_BYTES,
    FLUSH_AT = LOOP_BUFFER_BYTES - RECORD_MAX - 1024, /* another record still fits */
};

/* ---- hooks: OpenSSL's side ---- */

static size_t pull(void *arg, char *p, size_t n)
{
    struct conn_tls *t = ((struct hy_conn *)arg)->tls;
    if (n > t->n_in)
        n = t->n_in;
    if (n)
        memcpy(p, t->in, n);
    t->in += n;
    t->n_in -= n;
    return n;
}

static bool push(void *arg, const char *p, size_t n)
{
    struct hy_conn *c = arg;
    if (n > LOOP_BUFFER_BYTES - c->tls->n_out)
        (void)conn_tls_flush(c);
    if (n > LOOP_BUFFER_BYTES - c->tls->n_out)
        return false; /* a record is never that long */
    memcpy(c->loop->buffers->out + c->tls->n_out, p, n);
    c->tls->n_out += n;
    return true;
}

static void keep_session(void *arg, SSL_SESSION *s)
{
    struct conn_tls *t = ((struct hy_conn *)arg)->tls;
    t->got_ticket = true;
    if (t->cache)
        tls_cache_put(t->cache, &t->key, s);
}

static const struct tls_hooks hooks = {pull, push, keep_session};

/* ---- out ---- */

/* The backlog first, then the out buffer, whose rest joins the backlog. */
bool conn_tls_flush(struct hy_conn *c)
{
    struct conn_tls *t = c->tls;
    if (t->backlog.len) {
        struct iovec old = {.iov_base = t->backlog.data, .iov_len = t->backlog.len};
        hy_buf_consume(&t->backlog, conn_send(c, &old, 1));
    }
    size_t sent = 0;
    if (t->n_out && t->backlog.len == 0) {
        struct iovec fresh = {.iov_base = c->loop->buffers->out, .iov_len = t->n_out};
        sent = conn_send(c, &fresh, 1);
    }
    if (!c->ended)
        hy_buf_add(&t->backlog, c->loop->buffers->out + sent, t->n_out - sent);
    t->n_out = 0;
    if (t->backlog.err)
        conn_fail(c, t->backlog.err, 0, "no memory for unsent TLS records");
    else if (t->backlog.len == 0)
        hy_buf_free(&t->backlog);
    return !c->ended && t->backlog.len == 0;
}

static enum hy_tls_fault fault_of(long verdict)
{
    switch (verdict) {
    case X509_V_OK:
        return HY_TLS_FAULT_NONE;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return HY_TLS_FAULT_HOST;
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return HY_TLS_FAULT_EXPIRED;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_UNTRUSTED:
        return HY_TLS_FAULT_UNTRUSTED;
    case X509_V_ERR_DANE_NO_MATCH:
        return HY_TLS_FAULT_DANE;
    default:
        return HY_TLS_FAULT_OTHER;
    }
}

/* OpenSSL said no; what is that to us? False when it only waits for more bytes. */
static bool judge_failure(struct hy_conn *c, int ret)
{
    int why = SSL_get_error(c->tls->ssl, ret);
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
        return false;
    (void)conn_tls_flush(c); /* the alert, if there is one */
    if (why == SSL_ERROR_ZERO_RETURN) {
        conn_fail(c, HY_ECLOSED, 0, "closed by the other side");
        return true;
    }
    long verdict = SSL_get_verify_result(c->tls->ssl);
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    ERR_clear_error();
    bool must = c->tls->check == HY_TLS_CHECK_NAME || c->tls->check == HY_TLS_CHECK_DANE;
    if (must && c->stage == HY_CONN_HANDSHAKE && verdict != X509_V_OK) {
        conn_fail(c, HY_EAUTH, 0, X509_verify_cert_error_string(verdict));
        c->end.fault = fault_of(verdict);
        return true;
    }
    conn_fail(c, HY_ECRYPTO, 0, reason ? reason : "TLS failed");
    return true;
}

/* The next run of bytes for one record: a long piece as it is, short ones gathered. */
static struct hy_str next_run(struct hy_conn *c, const struct iovec *iov, int n_iov, size_t skip)
{
    int i = 0;
    while (i < n_iov && skip >= iov[i].iov_len)
        skip -= iov[i++].iov_len;
    if (i == n_iov)
        return hy_str_make(NULL, 0);
    struct hy_str piece = hy_str_make((const char *)iov[i].iov_base + skip, iov[i].iov_len - skip);
    if (piece.n >= RECORD_MAX || i + 1 == n_iov)
        return hy_str_slice(piece, 0, RECORD_MAX);
    char *gather = c->loop->buffers->gather;
    size_t n = 0;
    for (; i < n_iov && n < RECORD_MAX; i++, skip = 0) {
        size_t part = iov[i].iov_len - skip;
        if (part > RECORD_MAX - n)
            part = RECORD_MAX - n;
        if (part)
            memcpy(gather + n, (const char *)iov[i].iov_base + skip, part);
        n += part;
    }
    return hy_str_make(gather, n);
}

size_t conn_tls_writev(struct hy_conn *c, const struct iovec *iov, int n_iov)
{
    struct conn_tls *t = c->tls;
    size_t taken = 0;
    while (c->room && !c->ended) {
        struct hy_str run = next_run(c, iov, n_iov, taken);
        if (run.n == 0)
            break;
        ERR_clear_error();
        int n = SSL_write(t->ssl, run.p, (int)run.n);
        if (n <= 0) {
            if (!judge_failure(c, n))
                conn_fail(c, HY_ECRYPTO, 0, "TLS asks for a read before a write");
            break;
        }
        taken += (size_t)n;
        if (t->n_out >= FLUSH_AT)
            (void)conn_tls_flush(c);
    }
    if (!c->ended && t->n_out)
        (void)conn_tls_flush(c);
    return c->ended ? 0 : taken;
}

/* ---- in ---- */

static void shake_hands(struct hy_conn *c)
{
    struct conn_tls *t = c->tls;
    ERR_clear_error();
    int ret = SSL_do_handshake(t->ssl);
    if (ret != 1) {
        if (!judge_failure(c, ret))
            (void)conn_tls_flush(c);
        return;
    }
    if (t->n_out)
        (void)conn_tls_flush(c);
    if (c->ended)
        return;
    conn_move(c, HY_CONN_TLS);
    struct hy_tls_info info = {.version = SSL_get_version(t->ssl),
                               .cipher = SSL_get_cipher_name(t->ssl),
                               .resumed = SSL_session_reused(t->ssl) == 1,
                               .verified = t->check >= HY_TLS_CHECK_NAME};
    if (t->check == HY_TLS_CHECK_WATCH) {
        long verdict = SSL_get_verify_result(t->ssl); /* a resumed session brings its own */
        info.verified = verdict == X509_V_OK;
        info.fault = fault_of(verdict);
        info.fault_text = info.verified ? NULL : X509_verify_cert_error_string(verdict);
    }
    tls_forget_peer(t->ssl);
    c->ops->on_tls(c->ctx, &info);
}

static void read_records(struct hy_conn *c)
{
    while (!c->ended) {
        ERR_clear_error();
        int n = SSL_read(c->tls->ssl, c->loop->buffers->read, LOOP_BUFFER_BYTES);
        if (n <= 0 && judge_failure(c, n))
            return;
        if (c->tls->n_out)
            (void)conn_tls_flush(c); /* an answer to a key update */
        if (n <= 0 || c->ended)
            break;
        c->ops->on_readable(c->ctx, c->loop->buffers->read, (size_t)n);
    }
    if (c->tls->got_ticket) { /* reading it, OpenSSL made a write buffer and left it lying */
        c->tls->got_ticket = false;
        (void)SSL_free_buffers(c->tls->ssl);
    }
}

void conn_tls_input(struct hy_conn *c, const char *p, size_t n)
{
    c->tls->in = p;
    c->tls->n_in = n;
    if (c->stage == HY_CONN_HANDSHAKE)
        shake_hands(c);
    if (!c->ended && c->stage == HY_CONN_TLS)
        read_records(c);
}

/* ---- start and end ---- */

static bool is_ip(const char *name)
{
    struct hy_sockaddr a;
    return hy_sockaddr_parse(hy_str_of(name), 0, &a) == 0;
}

/* Sets SNI and the names as well. The name of a certificate that a record names directly does not
 * count, nor when it ends (RFC 7672 section 3.1.1). */
static bool set_dane(struct conn_tls *t, const struct hy_conn_tls *o)
{
    bool has_record = false;
    SSL_set_verify(t->ssl, SSL_VERIFY_PEER, NULL);
    if (!o->server_name || SSL_dane_enable(t->ssl, o->server_name) <= 0)
        return false;
    (void)SSL_dane_set_flags(t->ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
    SSL_set_hostflags(t->ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (o->other_name && !SSL_add1_host(t->ssl, o->other_name))
        return false;
    for (size_t i = 0; i < o->n_tlsa; i++) {
        const struct hy_tlsa *r = &o->tlsa[i];
        const unsigned char *data = (const unsigned char *)r->data.p;
        if (SSL_dane_tlsa_add(t->ssl, r->usage, r->selector, r->matching, data, r->data.n) > 0)
            has_record = true;
        else
            ERR_clear_error(); /* a full certificate that is none: the others must do */
    }
    return has_record;
}

static bool set_names(struct conn_tls *t, const struct hy_conn_tls *o)
{
    const char *name = o->server_name;
    bool looks = t->check != HY_TLS_CHECK_NOTHING;
    if (t->check == HY_TLS_CHECK_DANE)
        return set_dane(t, o);
    if (!name)
        return !looks; /* nothing to verify against: refuse instead of trusting anybody */
    X509_VERIFY_PARAM *want = SSL_get0_param(t->ssl);
    if (is_ip(name))
        return !looks || X509_VERIFY_PARAM_set1_ip_asc(want, name);
    char host[256]; /* OpenSSL's macro wants it writable */
    if ((size_t)snprintf(host, sizeof host, "%s", name) >= sizeof host ||
        !SSL_set_tlsext_host_name(t->ssl, host))
        return false;
    X509_VERIFY_PARAM_set_hostflags(want, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return !looks || X509_VERIFY_PARAM_set1_host(want, name, 0);
}

static void resume(struct conn_tls *t)
{
    SSL_SESSION *s = t->cache ? tls_cache_find(t->cache, &t->key) : NULL;
    if (!s)
        return;
    if (!SSL_set_session(t->ssl, s))
        ERR_clear_error(); /* a full handshake, then */
    SSL_SESSION_free(s);
}

int hy_conn_start_tls(struct hy_conn *c, const struct hy_conn_tls *o)
{
    if (c->ended || c->stage != HY_CONN_PLAIN)
        return HY_EINVAL;
    struct tls_key key;
    tls_key_make(&key, o);
    struct conn_tls *t = calloc(1, offsetof(struct conn_tls, key.bytes) + key.n);
    if (!t)
        return HY_ENOMEM;
    t->key.n = key.n;
    memcpy(t->key.bytes, key.bytes, key.n);
    t->check = o->check;
    t->cache = o->cache;
    t->backlog = HY_BUF_INIT(BACKLOG_MAX);
    t->shared = hy_tls_ref(o->tls);
    t->ssl = tls_ssl_create(t->shared, o->check, &hooks, c);
    if (!t->ssl) {
        conn_tls_free(t, true);
        return HY_ENOMEM;
    }
    if (!set_names(t, o) || !tls_self_use(o->self, t->ssl) ||
        (o->least && !SSL_set_min_proto_version(t->ssl, (int)o->least))) {
        ERR_clear_error();
        conn_tls_free(t, true);
        return HY_EINVAL;
    }
    resume(t);
    c->tls = t;
    conn_move(c, HY_CONN_HANDSHAKE);
    c->blocked = false;
    shake_hands(c); /* sends the ClientHello; nothing was read yet, so no callback comes of it */
    return 0;
}

int hy_conn_accept_tls(struct hy_conn *c, struct hy_tls *tls)
{
    if (c->ended || c->stage != HY_CONN_PLAIN)
        return HY_EINVAL;
    struct conn_tls *t = calloc(1, sizeof *t);
    if (!t)
        return HY_ENOMEM;
    t->backlog = HY_BUF_INIT(BACKLOG_MAX);
    t->shared = hy_tls_ref(tls);
    t->ssl = tls_ssl_accept(t->shared, &hooks, c);
    if (!t->ssl) {
        conn_tls_free(t, true);
        return HY_ENOMEM;
    }
    c->tls = t;
    conn_move(c, HY_CONN_HANDSHAKE); /* the client speaks first */
    c->blocked = false;
    return 0;
}

void conn_tls_say_goodbye(struct hy_conn *c)
{
    if (c->stage != HY_CONN_TLS || c->tls->backlog.len || !c->room)
        return;
    ERR_clear_error();
    (void)SSL_shutdown(c->tls->ssl); /* one way: we do not wait for the peer's */
    ERR_clear_error();
    (void)conn_tls_flush(c);
}

void conn_tls_free(struct conn_tls *t, bool sound)
{
    if (!t)
        return;
    if (!sound && t->cache)
        tls_cache_drop(t->cache, &t->key);
    SSL_free(t->ssl);
    hy_buf_free(&t->backlog);
    hy_tls_unref(t->shared);
    free(t);
}
