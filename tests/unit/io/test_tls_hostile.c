/* Servers that break TLS, or its end. */
#include <criterion/criterion.h>
#include <openssl/err.h>
#include <unistd.h>

#include "tls_world.h"

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
        struct tls_world w;
        tls_world_make(&w, "mx.test", 30, TLS1_3_VERSION, 0);
        peer_join(&w.peer);
        peer_start(&w.peer, cases[i].script, 1, pki_server(&w.pki, "mx.test", 30, TLS1_3_VERSION));
        tls_run_once(&w.owner, &w.peer);
        /* A close with unread bytes is a reset: whether the FIN or it wins is the system's choice.
         */
        bool closed = w.owner.end.err == HY_ECLOSED || w.owner.end.err == HY_EIO;
        bool want_closed = cases[i].err == HY_ECLOSED || cases[i].err == HY_EIO;
        cr_assert(want_closed ? closed : w.owner.end.err == cases[i].err, "%s: got %s (%s)",
                  cases[i].what, hy_err_name(w.owner.end.err), w.owner.end_text);
        cr_assert_eq(w.owner.end.stage, cases[i].stage, "%s", cases[i].what);
        tls_world_free(&w);
    }
}

Test(tls, resumes_after_a_peer_that_hung_up_without_goodbye)
{
    struct tls_world w;
    tls_world_make(&w, "mx.test", 30, TLS1_2_VERSION, 0);
    peer_join(&w.peer);
    peer_start(&w.peer, hang_up_without_goodbye, 2,
               pki_server(&w.pki, "mx.test", 30, TLS1_2_VERSION));
    tls_run_once(&w.owner, &w.peer);
    tls_run_once(&w.owner, &w.peer);
    cr_assert(w.owner.tls.resumed);
    tls_world_free(&w);
}

Test(tls, forgets_the_session_of_a_connection_that_tls_broke)
{
    struct tls_world w;
    tls_world_make(&w, "mx.test", 30, TLS1_3_VERSION, 1);
    tls_run_once(&w.owner, &w.peer);
    cr_assert_gt(hy_tls_cache_count(w.cache), 0);
    peer_join(&w.peer);
    peer_start(&w.peer, break_a_record_later, 1, pki_server(&w.pki, "mx.test", 30, TLS1_3_VERSION));
    tls_run_once(&w.owner, &w.peer);
    cr_assert_eq(w.owner.end.err, HY_ECRYPTO);
    cr_assert_eq(hy_tls_cache_count(w.cache), 0);
    tls_world_free(&w);
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
