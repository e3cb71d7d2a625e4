#include <criterion/criterion.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <unistd.h>

#include "peer.h"

/* STARTTLS as an SMTP client does it: "220 go" in plain text, then the handshake. */
static void start_tls(struct owner *o)
{
    if (hy_conn_stage(o->conn) == HY_CONN_PLAIN && o->got.len)
        cr_assert_eq(hy_conn_start_tls(o->conn, &o->tls_options), 0);
}

static void quit(struct owner *o)
{
    owner_say(o, "QUIT\r\n");
}

/* ---- servers ---- */

static void answer_quit(struct peer *p, int fd)
{
    SSL *ssl = peer_accept_tls(p, fd);
    if (!ssl)
        return;
    char buf[64] = "";
    size_t n = 0;
    while (n < 6 && SSL_read(ssl, buf + n, (int)(sizeof buf - n)) > 0)
        n = strlen(buf);
    SSL_write(ssl, "221 bye\r\n", 9);
    SSL_shutdown(ssl);
    SSL_free(ssl);
}

static void run_once(struct owner *o, struct peer *p)
{
    o->on_readable = start_tls;
    o->on_tls = quit;
    owner_open(o, p->port);
    owner_run(o);
}

struct world {
    struct pki pki;
    struct hy_tls *tls;
    struct hy_tls_cache *cache;
    struct peer peer;
    struct owner owner;
};

static void world_make(struct world *w, const char *host, int days, int version, int n_conns)
{
    pki_make(&w->pki);
    struct hy_tls_options o = {.ca_file = w->pki.ca_file};
    struct hy_diag diag = {{0}};
    cr_assert_eq(hy_tls_create(&o, &diag, &w->tls), 0, "%s", diag.text);
    cr_assert_eq(hy_tls_cache_create(8, &w->cache), 0);
    peer_start(&w->peer, answer_quit, n_conns, pki_server(&w->pki, host, days, version));
    owner_init(&w->owner);
    w->owner.tls_options = (struct hy_conn_tls){
        .tls = w->tls, .cache = w->cache, .cache_key = HY_STR("site"), .server_name = host};
}

static void world_free(struct world *w)
{
    peer_join(&w->peer);
    owner_free(&w->owner);
    hy_tls_cache_free(w->cache);
    hy_tls_unref(w->tls);
    pki_free(&w->pki);
}

/* ---- handshakes ---- */

Test(tls, encrypts_and_says_with_what)
{
    struct world w;
    world_make(&w, "mx.test", 30, TLS1_3_VERSION, 1);
    run_once(&w.owner, &w.peer);
    cr_assert_str_eq(hy_buf_cstr(&w.owner.story), "connected readable tls readable closed ",
                     "%s: %s", hy_buf_cstr(&w.owner.story), w.owner.end_text);
    cr_assert_str_eq(hy_buf_cstr(&w.owner.got), "220 go\r\n221 bye\r\n");
    cr_assert_eq(w.owner.end.err, HY_ECLOSED);
    cr_assert_eq(w.owner.end.stage, HY_CONN_TLS);
    cr_assert_str_eq(w.owner.tls.version, "TLSv1.3");
    cr_assert_not(w.owner.tls.verified);
    cr_assert_not(w.owner.tls.resumed);
    world_free(&w);
}

Test(tls, resumes_the_second_connection_with_either_version)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    for (size_t i = 0; i < 2; i++) {
        struct world w;
        world_make(&w, "mx.test", 30, versions[i], 3);
        for (int k = 0; k < 3; k++) {
            run_once(&w.owner, &w.peer);
            cr_assert_eq(w.owner.end.err, HY_ECLOSED, "%s", w.owner.end_text);
            cr_assert_eq(w.owner.tls.resumed, k > 0, "version %zu, connection %d", i, k);
        }
        cr_assert_gt(hy_tls_cache_count(w.cache), 0);
        world_free(&w);
    }
}

Test(tls, never_takes_an_unverified_session_for_a_verified_one)
{
    struct world w;
    world_make(&w, "mx.test", 30, TLS1_2_VERSION, 3);
    run_once(&w.owner, &w.peer);
    w.owner.tls_options.check = HY_TLS_CHECK_NAME;
    run_once(&w.owner, &w.peer);
    cr_assert_not(w.owner.tls.resumed);
    cr_assert(w.owner.tls.verified);
    run_once(&w.owner, &w.peer);
    cr_assert(w.owner.tls.resumed);
    cr_assert(w.owner.tls.verified);
    world_free(&w);
}

Test(tls, verifies_the_chain_and_the_name)
{
    static const struct {
        const char *cert, *asked;
        int days;
        const char *text; /* "" = good */
    } cases[] = {
        {"mx.test", "mx.test", 30, ""},
        {"mx.test", "MX.TEST", 30, ""},
        {"*.example.test", "mx.example.test", 30, ""},
        {"mx.test", "other.test", 30, "hostname mismatch"},
        {"*.example.test", "a.mx.example.test", 30, "hostname mismatch"},
        {"m*.example.test", "mx.example.test", 30, "hostname mismatch"},
        {"mx.test", "mx.test", -1, "certificate has expired"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world w;
        world_make(&w, cases[i].cert, cases[i].days, TLS1_3_VERSION, 1);
        w.owner.tls_options.check = HY_TLS_CHECK_NAME;
        w.owner.tls_options.server_name = cases[i].asked;
        run_once(&w.owner, &w.peer);
        if (cases[i].text[0] == '\0') {
            cr_assert_eq(w.owner.end.err, HY_ECLOSED, "case %zu: %s", i, w.owner.end_text);
            cr_assert(w.owner.tls.verified);
        } else {
            cr_assert_eq(w.owner.end.err, HY_EAUTH, "case %zu: %s", i, w.owner.end_text);
            cr_assert_eq(w.owner.end.stage, HY_CONN_HANDSHAKE);
            cr_assert_str_eq(w.owner.end_text, cases[i].text);
            cr_assert_eq(hy_tls_cache_count(w.cache), 0, "a session nobody may trust was kept");
        }
        world_free(&w);
    }
}

Test(tls, does_not_trust_a_stranger_s_authority)
{
    struct world w;
    struct pki other;
    world_make(&w, "mx.test", 30, TLS1_3_VERSION, 1);
    pki_make(&other);
    struct hy_tls_options o = {.ca_file = other.ca_file};
    struct hy_tls *tls;
    cr_assert_eq(hy_tls_create(&o, NULL, &tls), 0);
    w.owner.tls_options.tls = tls;
    w.owner.tls_options.check = HY_TLS_CHECK_NAME;
    run_once(&w.owner, &w.peer);
    cr_assert_eq(w.owner.end.err, HY_EAUTH, "%s", w.owner.end_text);
    hy_tls_unref(tls);
    pki_free(&other);
    world_free(&w);
}

static void start_tls_without_a_name(struct owner *o)
{
    struct hy_conn_tls no_name = o->tls_options;
    no_name.check = HY_TLS_CHECK_NAME;
    no_name.server_name = NULL;
    cr_assert_eq(hy_conn_start_tls(o->conn, &no_name), HY_EINVAL);
    hy_conn_close(o->conn);
}

Test(tls, refuses_to_verify_against_no_name)
{
    struct world w;
    world_make(&w, "mx.test", 30, TLS1_3_VERSION, 1);
    w.owner.on_readable = start_tls_without_a_name;
    owner_open(&w.owner, w.peer.port);
    owner_run(&w.owner);
    cr_assert_eq(w.owner.end.err, HY_ECANCELED);
    world_free(&w);
}

Test(tls, says_which_ca_file_it_cannot_read)
{
    struct hy_tls_options o = {.ca_file = "/nonexistent/ca.pem"};
    struct hy_diag diag = {{0}};
    struct hy_tls *tls = NULL;
    cr_assert_eq(hy_tls_create(&o, &diag, &tls), HY_ECRYPTO);
    cr_assert(strstr(diag.text, "/nonexistent/ca.pem"), "%s", diag.text);
    cr_assert_null(tls);
}

/* ---- watching and DANE ---- */

Test(tls, watching_lets_any_certificate_pass_and_tells_what_is_wrong)
{
    static const struct {
        const char *cert;
        int days;
        enum hy_tls_fault fault;
    } cases[] = {
        {"mx.test", 30, HY_TLS_FAULT_NONE},
        {"other.test", 30, HY_TLS_FAULT_HOST},
        {"mx.test", -1, HY_TLS_FAULT_EXPIRED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world w;
        world_make(&w, cases[i].cert, cases[i].days, TLS1_3_VERSION, 2);
        w.owner.tls_options.check = HY_TLS_CHECK_WATCH;
        w.owner.tls_options.server_name = "mx.test";
        for (int k = 0; k < 2; k++) { /* a resumed session tells the same */
            run_once(&w.owner, &w.peer);
            cr_assert_eq(w.owner.end.err, HY_ECLOSED, "case %zu: %s", i, w.owner.end_text);
            cr_expect_eq(w.owner.tls.fault, cases[i].fault, "case %zu.%d: got %d", i, k,
                         (int)w.owner.tls.fault);
            cr_expect_eq(w.owner.tls.verified, cases[i].fault == HY_TLS_FAULT_NONE);
            cr_expect_eq(w.owner.tls.resumed, k == 1, "case %zu.%d", i, k);
        }
        world_free(&w);
    }
}

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

static void expect_dane(struct world *w, const char *what, const struct hy_tlsa *r, size_t n,
                        bool is_good)
{
    w->owner.tls_options.check = HY_TLS_CHECK_DANE;
    w->owner.tls_options.tlsa = r;
    w->owner.tls_options.n_tlsa = n;
    w->owner.tls_options.server_name = "mx.test";
    run_once(&w->owner, &w->peer);
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
    struct world w;
    unsigned char cert[32], key[32], wrong[32] = {1};
    /* of another name and expired: neither counts for DANE-EE */
    world_make(&w, "other.test", -1, TLS1_3_VERSION, 5);
    X509 *x = SSL_CTX_get0_certificate(w.peer.ctx);
    struct hy_tlsa records[] = {{3, 1, 1, {(char *)wrong, 32}}, tlsa_of(x, 3, cert)};
    struct hy_tlsa of_key = tlsa_of_key(x, key);
    expect_dane(&w, "a wrong record", records, 1, false);
    expect_dane(&w, "a wrong record and a good one", records, 2, true);
    expect_dane(&w, "the key", &of_key, 1, true);
    expect_dane(&w, "the key again", &of_key, 1, true);
    cr_expect(w.owner.tls.resumed, "the same records take the same session");
    expect_dane(&w, "a wrong record is not helped by a session", records, 1, false);
    world_free(&w);
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
        struct world w;
        unsigned char digest[32];
        world_make(&w, cases[i].cert, cases[i].days, TLS1_3_VERSION, 1);
        X509_up_ref(w.pki.ca);
        cr_assert_eq(SSL_CTX_add_extra_chain_cert(w.peer.ctx, w.pki.ca), 1);
        struct hy_tlsa r = tlsa_of(w.pki.ca, 2, digest);
        w.owner.tls_options.check = HY_TLS_CHECK_DANE;
        w.owner.tls_options.tlsa = &r;
        w.owner.tls_options.n_tlsa = 1;
        w.owner.tls_options.server_name = "mx.test";
        w.owner.tls_options.other_name = cases[i].other;
        run_once(&w.owner, &w.peer);
        cr_expect_eq(w.owner.end.fault, cases[i].fault, "case %zu: %d %s", i,
                     (int)w.owner.end.fault, w.owner.end_text);
        world_free(&w);
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
    struct world w;
    world_make(&w, "mx.test", 30, TLS1_3_VERSION, 1);
    w.owner.on_readable = start_dane_without_records;
    owner_open(&w.owner, w.peer.port);
    owner_run(&w.owner);
    cr_assert_eq(w.owner.end.err, HY_ECANCELED);
    world_free(&w);
}

/* ---- much data ---- */

static void count_bytes(struct peer *p, int fd)
{
    SSL *ssl = peer_accept_tls(p, fd);
    if (!ssl)
        return;
    static char buf[65536];
    size_t n = 0, bad = 0;
    for (int r, i = 0; n < (16u << 20) && (r = SSL_read(ssl, buf, sizeof buf)) > 0; i++) {
        for (int k = 0; k < r; k++)
            bad += buf[k] != (char)((n + (size_t)k) % 251);
        n += (size_t)r;
        if (i % 64 == 0)
            usleep(1000);
    }
    char line[80];
    snprintf(line, sizeof line, "250 %zu bytes, %zu wrong\r\n", n, bad);
    SSL_write(ssl, line, (int)strlen(line));
    SSL_shutdown(ssl);
    SSL_free(ssl);
}

static void send_all(struct owner *o)
{
    while (o->sent < o->to_send) {
        struct iovec v[90];
        int n = 0;
        size_t offered = 0;
        for (size_t at = o->sent; n < 90 && at < o->to_send; n++) {
            size_t len = n % 5 == 4 ? 40000 : (at * 31) % 700;
            if (len > o->to_send - at)
                len = o->to_send - at;
            v[n] = (struct iovec){o->data + at, len};
            at += len;
            offered += len;
        }
        size_t taken = hy_conn_writev(o->conn, v, n);
        o->sent += taken;
        if (taken < offered)
            return;
    }
}

Test(tls, writes_megabytes_through_a_full_socket_without_losing_a_byte)
{
    struct world w;
    pki_make(&w.pki);
    cr_assert_eq(hy_tls_create(NULL, NULL, &w.tls), 0);
    cr_assert_eq(hy_tls_cache_create(8, &w.cache), 0);
    peer_start(&w.peer, count_bytes, 1, pki_server(&w.pki, "mx.test", 30, TLS1_3_VERSION));
    owner_init(&w.owner);
    struct owner *o = &w.owner;
    o->tls_options = (struct hy_conn_tls){.tls = w.tls, .cache = w.cache};
    o->to_send = 16 << 20;
    o->data = malloc(o->to_send);
    for (size_t i = 0; i < o->to_send; i++)
        o->data[i] = (char)(i % 251);
    o->on_readable = start_tls;
    o->on_tls = o->on_writable = send_all;
    owner_open(o, w.peer.port);
    owner_run(o);
    cr_assert_str_eq(hy_buf_cstr(&o->got), "220 go\r\n250 16777216 bytes, 0 wrong\r\n", "%s: %s",
                     hy_buf_cstr(&o->got), o->end_text);
    free(o->data);
    world_free(&w);
}

static void pour(struct peer *p, int fd)
{
    SSL *ssl = peer_accept_tls(p, fd);
    if (!ssl)
        return;
    static char buf[50000];
    memset(buf, 'y', sizeof buf);
    for (int i = 0; i < 100; i++)
        SSL_write(ssl, buf, sizeof buf);
    SSL_shutdown(ssl);
    SSL_free(ssl);
}

Test(tls, reads_megabytes_and_the_end_behind_them)
{
    struct world w;
    world_make(&w, "mx.test", 30, TLS1_3_VERSION, 0);
    peer_join(&w.peer);
    peer_start(&w.peer, pour, 1, pki_server(&w.pki, "mx.test", 30, TLS1_3_VERSION));
    w.owner.on_readable = start_tls;
    owner_open(&w.owner, w.peer.port);
    owner_run(&w.owner);
    cr_assert_eq(w.owner.got.len, 8 + 5000000, "%zu", w.owner.got.len);
    cr_assert_eq(w.owner.end.err, HY_ECLOSED);
    world_free(&w);
}

/* ---- hostile servers ---- */

static void say_garbage(struct peer *p, int fd)
{
    (void)p;
    peer_say(fd, "220 go\r\n");
    char hello[5];
    if (read(fd, hello, 5) == 5)
        peer_say(fd, "250-what\r\n250 do you mean\r\n");
    peer_wait_for_end(fd);
}

static void close_before_hello(struct peer *p, int fd)
{
    (void)p;
    peer_say(fd, "220 go\r\n");
}

static void close_after_hello(struct peer *p, int fd)
{
    (void)p;
    peer_say(fd, "220 go\r\n");
    char hello[5];
    if (read(fd, hello, 5) != 5)
        return;
}

static void half_a_record(struct peer *p, int fd)
{
    (void)p;
    peer_say(fd, "220 go\r\n");
    char hello[2048];
    if (read(fd, hello, sizeof hello) <= 0)
        return;
    static const char part[] = "\x16\x03\x03\x40\x00\x02\x00"; /* 16 KiB announced, 2 bytes come */
    if (write(fd, part, 7) != 7)
        return;
}

static void inject_before_handshake(struct peer *p, int fd)
{
    (void)p;
    peer_say(fd, "220 go\r\n250 injected\r\n");
    peer_wait_for_end(fd);
}

static void break_a_record_later(struct peer *p, int fd)
{
    SSL *ssl = peer_accept_tls(p, fd);
    if (!ssl)
        return;
    char buf[64];
    SSL_read(ssl, buf, sizeof buf);
    static const char forged[] = "\x17\x03\x03\x00\x20"
                                 "0123456789abcdef0123456789abcdef";
    if (write(fd, forged, 37) != 37)
        return;
    peer_wait_for_end(fd);
    SSL_free(ssl);
    ERR_clear_error();
}

static void hang_up_without_goodbye(struct peer *p, int fd)
{
    SSL *ssl = peer_accept_tls(p, fd);
    if (!ssl)
        return;
    char buf[64];
    SSL_read(ssl, buf, sizeof buf);
    SSL_write(ssl, "221 bye\r\n", 9);
    SSL_free(ssl);
}

Test(tls, survives_hostile_servers)
{
    static const struct {
        const char *what;
        void (*script)(struct peer *p, int fd);
        int err;
        enum hy_conn_stage stage;
    } cases[] = {
        {"garbage instead of a handshake", say_garbage, HY_ECRYPTO, HY_CONN_HANDSHAKE},
        {"closes before the hello", close_before_hello, HY_ECLOSED, HY_CONN_HANDSHAKE},
        {"resets after part of the hello", close_after_hello, HY_EIO, HY_CONN_HANDSHAKE},
        {"half a record", half_a_record, HY_ECLOSED, HY_CONN_HANDSHAKE},
        {"a forged record", break_a_record_later, HY_ECRYPTO, HY_CONN_TLS},
        {"no close_notify", hang_up_without_goodbye, HY_ECLOSED, HY_CONN_TLS},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world w;
        world_make(&w, "mx.test", 30, TLS1_3_VERSION, 0);
        peer_join(&w.peer);
        peer_start(&w.peer, cases[i].script, 1, pki_server(&w.pki, "mx.test", 30, TLS1_3_VERSION));
        run_once(&w.owner, &w.peer);
        /* A close with unread bytes is a reset: whether the FIN or it wins is the system's choice.
         */
        bool closed = w.owner.end.err == HY_ECLOSED || w.owner.end.err == HY_EIO;
        bool want_closed = cases[i].err == HY_ECLOSED || cases[i].err == HY_EIO;
        cr_assert(want_closed ? closed : w.owner.end.err == cases[i].err, "%s: got %s (%s)",
                  cases[i].what, hy_err_name(w.owner.end.err), w.owner.end_text);
        cr_assert_eq(w.owner.end.stage, cases[i].stage, "%s", cases[i].what);
        world_free(&w);
    }
}

Test(tls, resumes_after_a_peer_that_hung_up_without_goodbye)
{
    struct world w;
    world_make(&w, "mx.test", 30, TLS1_2_VERSION, 0);
    peer_join(&w.peer);
    peer_start(&w.peer, hang_up_without_goodbye, 2,
               pki_server(&w.pki, "mx.test", 30, TLS1_2_VERSION));
    run_once(&w.owner, &w.peer);
    run_once(&w.owner, &w.peer);
    cr_assert(w.owner.tls.resumed);
    world_free(&w);
}

Test(tls, forgets_the_session_of_a_connection_that_tls_broke)
{
    struct world w;
    world_make(&w, "mx.test", 30, TLS1_3_VERSION, 1);
    run_once(&w.owner, &w.peer);
    cr_assert_gt(hy_tls_cache_count(w.cache), 0);
    peer_join(&w.peer);
    peer_start(&w.peer, break_a_record_later, 1, pki_server(&w.pki, "mx.test", 30, TLS1_3_VERSION));
    run_once(&w.owner, &w.peer);
    cr_assert_eq(w.owner.end.err, HY_ECRYPTO);
    cr_assert_eq(hy_tls_cache_count(w.cache), 0);
    world_free(&w);
}

static void note_injection(struct owner *o)
{
    cr_assert_str_eq(hy_buf_cstr(&o->got), "220 go\r\n250 injected\r\n");
    hy_conn_close(o->conn);
}

Test(tls, shows_plain_text_injected_before_the_handshake_to_the_owner)
{
    struct peer p;
    struct owner o;
    peer_start(&p, inject_before_handshake, 1, NULL);
    owner_init(&o);
    o.on_readable = note_injection;
    owner_open(&o, p.port);
    owner_run(&o);
    cr_assert_eq(o.end.err, HY_ECANCELED);
    peer_join(&p);
    owner_free(&o);
}

/* ---- closing at every point ---- */

static void close_now(struct owner *o)
{
    hy_conn_close(o->conn);
    cr_assert_not(o->closed);
}

static void start_and_close(struct owner *o)
{
    start_tls(o);
    hy_conn_close(o->conn);
}

static void quit_then_close_on_answer(struct owner *o)
{
    if (hy_conn_stage(o->conn) == HY_CONN_TLS)
        hy_conn_close(o->conn);
    else
        start_tls(o);
}

Test(tls, can_be_closed_at_every_point)
{
    static const struct {
        const char *where;
        void (*on_readable)(struct owner *o), (*on_tls)(struct owner *o);
    } cases[] = {
        {"right after the start", start_and_close, quit},
        {"in on_tls", start_tls, close_now},
        {"in on_readable", quit_then_close_on_answer, quit},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world w;
        world_make(&w, "mx.test", 30, TLS1_3_VERSION, 1);
        w.owner.on_readable = cases[i].on_readable;
        w.owner.on_tls = cases[i].on_tls;
        owner_open(&w.owner, w.peer.port);
        owner_run(&w.owner);
        cr_assert_eq(w.owner.end.err, HY_ECANCELED, "%s: %s", cases[i].where, w.owner.end_text);
        world_free(&w);
    }
}

Test(tls, keeps_no_more_sessions_than_the_cache_may_hold)
{
    struct world w;
    world_make(&w, "mx.test", 30, TLS1_3_VERSION, 12);
    for (int i = 0; i < 12; i++) {
        char key[16];
        snprintf(key, sizeof key, "site-%d", i);
        w.owner.tls_options.cache_key = hy_str_of(key);
        run_once(&w.owner, &w.peer);
        cr_assert_not(w.owner.tls.resumed);
        cr_assert_leq(hy_tls_cache_count(w.cache), 8);
    }
    cr_assert_eq(hy_tls_cache_count(w.cache), 8);
    world_free(&w);
}
