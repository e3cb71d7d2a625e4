#include "tls_world.h"

#include <criterion/criterion.h>

/* STARTTLS as an SMTP client does it: "220 go" in plain text, then the handshake. */
void tls_owner_start(struct owner *o)
{
    if (hy_conn_stage(o->conn) == HY_CONN_PLAIN && o->got.len)
        cr_assert_eq(hy_conn_start_tls(o->conn, &o->tls_options), 0);
}

void tls_owner_quit(struct owner *o)
{
    owner_say(o, "QUIT\r\n");
}

void tls_answer_quit(struct peer *p, int fd)
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

void tls_run_once(struct owner *o, struct peer *p)
{
    o->on_readable = tls_owner_start;
    o->on_tls = tls_owner_quit;
    owner_open(o, p->port);
    owner_run(o);
}

void tls_world_make(struct tls_world *w, const char *host, int days, int version, int n_conns)
{
    pki_make(&w->pki);
    struct hy_tls_options o = {.ca_file = w->pki.ca_file};
    struct hy_diag diag = {{0}};
    cr_assert_eq(hy_tls_create(&o, &diag, &w->tls), 0, "%s", diag.text);
    cr_assert_eq(hy_tls_cache_create(8, &w->cache), 0);
    peer_start(&w->peer, tls_answer_quit, n_conns, pki_server(&w->pki, host, days, version));
    owner_init(&w->owner);
    w->owner.tls_options = (struct hy_conn_tls){
        .tls = w->tls, .cache = w->cache, .cache_key = HY_STR("site"), .server_name = host};
}

void tls_world_free(struct tls_world *w)
{
    peer_join(&w->peer);
    owner_free(&w->owner);
    hy_tls_cache_free(w->cache);
    hy_tls_unref(w->tls);
    pki_free(&w->pki);
}
