/* What the tests of the resolver share: a zone with every kind of domain, its name server,
 * and asking. */
#pragma once
#include "hayauma/io/loop.h"
#include "nameserver.h"

extern const char resolver_zone[];

struct resolver_asked {
    struct hy_mx *mx;
    bool called;
};

struct resolver_world {
    struct hy_loop *loop;
    struct hy_resolver *r;
    struct nameserver ns;
    struct hy_resolver_settings s;
};

/* A name server with the zone `text`, a loop, and settings that may still be changed; then
 * the resolver. */
void resolver_world_make(struct resolver_world *w, const char *text);
void resolver_world_start(struct resolver_world *w);
void resolver_world_free(struct resolver_world *w);

/* What is answered goes to a struct resolver_asked. */
void resolver_on_result(void *ctx, struct hy_mx *mx);
void resolver_wait(struct resolver_world *w, const struct resolver_asked *a);
/* Asks, and turns the loop until it is answered; the caller unrefs. */
struct hy_mx *resolver_ask(struct resolver_world *w, const char *domain);
