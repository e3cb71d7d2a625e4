/* A real authoritative name server (nsd) for the tests, on a free port of this host. */
#pragma once
#include <sys/types.h>

#include "hayauma/dns/resolver.h"

struct nameserver {
    char dir[64];
    struct hy_sockaddr address;
    pid_t pid;
};

/* Serves `zone` (text of the zone "test."), and the zone "broken.", whose file does not exist: it
 * answers SERVFAIL there and REFUSED elsewhere. Skips the test when nsd is not installed. */
void nameserver_start(struct nameserver *ns, const char *zone);
void nameserver_stop(struct nameserver *ns);
/* A port of this host where nobody answers; the descriptor keeps it. */
int dead_port(struct hy_sockaddr *ret_addr);
