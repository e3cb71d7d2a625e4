#include "peer.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- the server ---- */

static void *serve(void *arg)
{
    struct peer *p = arg;
    for (int i = 0; i < p->n_conns; i++) {
        int fd = accept(p->listen_fd, NULL, NULL);
        if (fd < 0)
            break;
        p->script(p, fd);
        close(fd); /* fails with EBADF where the script closed it itself: no harm, no other opens */
        p->served++;
    }
    return NULL;
}

void peer_start(struct peer *p, void (*script)(struct peer *p, int fd), int n_conns, SSL_CTX *ctx)
{
    signal(SIGPIPE, SIG_IGN);
    *p = (struct peer){.n_conns = n_conns, .script = script, .ctx = ctx};
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    p->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(bind(p->listen_fd, (struct sockaddr *)&a, sizeof a) == 0);
    cr_assert(listen(p->listen_fd, 128) == 0);
    cr_assert(getsockname(p->listen_fd, (struct sockaddr *)&a, &n) == 0);
    p->port = ntohs(a.sin_port);
    cr_assert(pthread_create(&p->thread, NULL, serve, p) == 0);
}

void peer_join(struct peer *p)
{
    pthread_join(p->thread, NULL);
    close(p->listen_fd);
    SSL_CTX_free(p->ctx);
}

void peer_say(int fd, const char *text)
{
    size_t n = strlen(text);
    while (n) {
        ssize_t w = write(fd, text, n);
        if (w <= 0)
            return;
        text += w;
        n -= (size_t)w;
    }
}

bool peer_expect(int fd, const char *text)
{
    char seen[4096] = "";
    size_t n = 0;
    while (n < sizeof seen - 1 && !strstr(seen, text)) {
        if (read(fd, seen + n, 1) != 1)
            return false;
        seen[++n] = '\0';
    }
    return true;
}

void peer_wait_for_end(int fd)
{
    char buf[4096];
    while (read(fd, buf, sizeof buf) > 0)
        ;
}

void peer_reset(int fd)
{
    struct linger l = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof l);
    close(fd);
}

SSL *peer_accept_tls(struct peer *p, int fd)
{
    peer_say(fd, "220 go\r\n");
    SSL *ssl = SSL_new(p->ctx);
    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) == 1)
        return ssl;
    ERR_clear_error();
    SSL_free(ssl);
    return NULL;
}

/* ---- certificates ---- */

static X509 *cert_make(EVP_PKEY *key, const char *name, int days, X509 *ca, EVP_PKEY *ca_key)
{
    X509 *x = X509_new();
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), rand());
    X509_gmtime_adj(X509_getm_notBefore(x), -86400L * 30);
    X509_gmtime_adj(X509_getm_notAfter(x), 86400L * days);
    X509_set_pubkey(x, key);
    X509_NAME *subject = X509_NAME_new();
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_subject_name(x, subject);
    X509_set_issuer_name(x, ca ? X509_get_subject_name(ca) : subject);
    X509_NAME_free(subject);
    char san[300];
    snprintf(san, sizeof san, "DNS:%s", name);
    X509V3_CTX v3;
    X509V3_set_ctx(&v3, ca ? ca : x, x, NULL, NULL, 0);
    X509_EXTENSION *ext =
        ca ? X509V3_EXT_conf_nid(NULL, &v3, NID_subject_alt_name, san)
           : X509V3_EXT_conf_nid(NULL, &v3, NID_basic_constraints, "critical,CA:TRUE");
    X509_add_ext(x, ext, -1);
    X509_EXTENSION_free(ext);
    cr_assert(X509_sign(x, ca_key ? ca_key : key, EVP_sha256()));
    return x;
}

void pki_make(struct pki *k)
{
    snprintf(k->dir, sizeof k->dir, "/tmp/hayauma-pki-XXXXXX");
    cr_assert(mkdtemp(k->dir));
    snprintf(k->ca_file, sizeof k->ca_file, "%s/ca.pem", k->dir);
    k->ca_key = EVP_EC_gen("P-256");
    k->ca = cert_make(k->ca_key, "Test CA", 30, NULL, NULL);
    FILE *f = fopen(k->ca_file, "w");
    PEM_write_X509(f, k->ca);
    fclose(f);
}

void pki_free(struct pki *k)
{
    unlink(k->ca_file);
    rmdir(k->dir);
    EVP_PKEY_free(k->ca_key);
    X509_free(k->ca);
}

SSL_CTX *pki_server(struct pki *k, const char *host, int days, int max_version)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = cert_make(key, host, days, k->ca, k->ca_key);
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_max_proto_version(ctx, max_version);
    SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"test", 4);
    cr_assert(SSL_CTX_use_certificate(ctx, cert) == 1 && SSL_CTX_use_PrivateKey(ctx, key) == 1);
    X509_free(cert);
    EVP_PKEY_free(key);
    return ctx;
}

/* ---- the client's owner ---- */

static void tell(struct owner *o, const char *word)
{
    size_t n = strlen(word);
    if (o->story.len >= n && memcmp(o->story.data + o->story.len - n, word, n) == 0)
        return;
    hy_buf_add(&o->story, word, n);
}

static void on_connected(void *ctx)
{
    struct owner *o = ctx;
    tell(o, "connected ");
    if (o->on_connected)
        o->on_connected(o);
}

static void on_readable(void *ctx, const char *p, size_t n)
{
    struct owner *o = ctx;
    cr_assert_gt(n, 0);
    tell(o, "readable ");
    hy_buf_add(&o->got, p, n);
    if (o->on_readable)
        o->on_readable(o);
}

static void on_writable(void *ctx)
{
    struct owner *o = ctx;
    tell(o, "writable ");
    if (o->on_writable)
        o->on_writable(o);
}

static void on_tls(void *ctx, const struct hy_tls_info *info)
{
    struct owner *o = ctx;
    o->tls = *info;
    tell(o, "tls ");
    if (o->on_tls)
        o->on_tls(o);
}

static void on_closed(void *ctx, const struct hy_conn_end *end)
{
    struct owner *o = ctx;
    tell(o, "closed ");
    o->end = *end;
    snprintf(o->end_text, sizeof o->end_text, "%s", end->text);
    o->n_closed++;
    o->closed = true;
    o->conn = NULL;
}

const struct hy_conn_ops owner_ops = {on_connected, on_readable, on_writable, on_tls, on_closed};

void owner_init(struct owner *o)
{
    *o = (struct owner){.got = HY_BUF_INIT(64 << 20), .story = HY_BUF_INIT(4096)};
    cr_assert_eq(hy_loop_create(&o->loop), 0);
}

void owner_free(struct owner *o)
{
    hy_buf_free(&o->got);
    hy_buf_free(&o->story);
    hy_loop_free(o->loop);
}

void owner_open(struct owner *o, uint16_t port)
{
    struct hy_conn_options opt = {.connect_timeout_us = 5 * HY_US_PER_SEC};
    cr_assert_eq(hy_sockaddr_parse(HY_STR("127.0.0.1"), port, &opt.peer), 0);
    o->closed = false;
    o->n_closed = 0;
    hy_buf_reset(&o->got);
    hy_buf_reset(&o->story);
    cr_assert_eq(hy_conn_open(o->loop, &opt, &owner_ops, o, &o->conn), 0);
    cr_assert_eq(o->story.len, 0, "a callback came from inside hy_conn_open");
}

void owner_run(struct owner *o)
{
    hy_us end = hy_clock_us() + 10 * HY_US_PER_SEC;
    while (!o->closed) {
        cr_assert_eq(hy_loop_turn(o->loop, 100 * HY_US_PER_MS), 0);
        cr_assert(hy_clock_us() < end, "no end after 10 s; so far: %s", hy_buf_cstr(&o->story));
    }
    for (int i = 0; i < 3; i++)
        cr_assert_eq(hy_loop_turn(o->loop, 0), 0);
    cr_assert_eq(o->n_closed, 1, "on_closed came %d times", o->n_closed);
}

void owner_say(struct owner *o, const char *text)
{
    struct iovec v = {.iov_base = strdup(text), .iov_len = strlen(text)};
    cr_assert_eq(hy_conn_writev(o->conn, &v, 1), v.iov_len);
    free(v.iov_base);
}
