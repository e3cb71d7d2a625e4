/* Much data over TLS, and closing at every point. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <unistd.h>

#include "tls_world.h"

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
    struct tls_world w;
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
    o->on_readable = tls_owner_start;
    o->on_tls = o->on_writable = send_all;
    owner_open(o, w.peer.port);
    owner_run(o);
    cr_assert_str_eq(hy_buf_cstr(&o->got), "220 go\r\n250 16777216 bytes, 0 wrong\r\n", "%s: %s",
                     hy_buf_cstr(&o->got), o->end_text);
    free(o->data);
    tls_world_free(&w);
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
    struct tls_world w;
    tls_world_make(&w, "mx.test", 30, TLS1_3_VERSION, 0);
    peer_join(&w.peer);
    peer_start(&w.peer, pour, 1, pki_server(&w.pki, "mx.test", 30, TLS1_3_VERSION));
    w.owner.on_readable = tls_owner_start;
    owner_open(&w.owner, w.peer.port);
    owner_run(&w.owner);
    cr_assert_eq(w.owner.got.len, 8 + 5000000, "%zu", w.owner.got.len);
    cr_assert_eq(w.owner.end.err, HY_ECLOSED);
    tls_world_free(&w);
}

/* ---- closing at every point ---- */

static void close_now(struct owner *o)
{
    hy_conn_close(o->conn);
    cr_assert_not(o->closed);
}

static void start_and_close(struct owner *o)
{
    tls_owner_start(o);
    hy_conn_close(o->conn);
}

static void quit_then_close_on_answer(struct owner *o)
{
    if (hy_conn_stage(o->conn) == HY_CONN_TLS)
        hy_conn_close(o->conn);
    else
        tls_owner_start(o);
}

Test(tls, can_be_closed_at_every_point)
{
    static const struct {
        const char *where;
        void (*on_readable)(struct owner *o), (*on_tls)(struct owner *o);
    } cases[] = {
        {"right after the start", start_and_close, tls_owner_quit},
        {"in on_tls", tls_owner_start, close_now},
        {"in on_readable", quit_then_close_on_answer, tls_owner_quit},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tls_world w;
        tls_world_make(&w, "mx.test", 30, TLS1_3_VERSION, 1);
        w.owner.on_readable = cases[i].on_readable;
        w.owner.on_tls = cases[i].on_tls;
        owner_open(&w.owner, w.peer.port);
        owner_run(&w.owner);
        cr_assert_eq(w.owner.end.err, HY_ECANCELED, "%s: %s", cases[i].where, w.owner.end_text);
        tls_world_free(&w);
    }
}
