/* What the tests of TLS share: an authority, a server with a certificate of it, and a client that
 * does STARTTLS as SMTP does. */
#pragma once
#include "peer.h"

struct tls_world {
    struct pki pki;
    struct hy_tls *tls;
    struct hy_tls_cache *cache;
    struct peer peer;
    struct owner owner;
};
/* A server for `host` with a certificate of so many days that serves n_conns connections: it says
 * "220 go", shakes hands, and answers QUIT. */
void tls_world_make(struct tls_world *w, const char *host, int days, int version, int n_conns);
void tls_world_free(struct tls_world *w);

/* Scripts: of the server; and hooks of the owner, STARTTLS after the greeting and QUIT. */
void tls_answer_quit(struct peer *p, int fd);
void tls_owner_start(struct owner *o);
void tls_owner_quit(struct owner *o);
/* A connection with these hooks, to its end. */
void tls_run_once(struct owner *o, struct peer *p);
