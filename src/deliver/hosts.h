/* Which address of a site to connect to, and what was learned about each. Pure. */
#pragma once
#include <stdbool.h>

#include "hayauma/base/clock.h"
#include "hayauma/dns/resolver.h"
#include "tls_site.h"

enum { HOST_NOTES_MAX = 32 };

enum host_fault {
    HOST_UNUSABLE,   /* refused, or does not answer: leave it alone */
    HOST_BROKEN_TLS, /* speak to it without */
    HOST_NO_EHLO,    /* hangs up on EHLO: say HELO */
};

/* Zeroed: nothing is known, and takes no memory. */
struct host_notes {
    struct host_note {
        struct hy_sockaddr addr;
        enum host_fault fault;
        hy_us until;
    } * list;
    uint32_t n;
};

/* Remembers a fault of an address until then; of HOST_NOTES_MAX the one that ends first makes room.
 * HY_ENOMEM. */
HY_MUST_USE int host_note(struct host_notes *notes, enum host_fault fault,
                          const struct hy_sockaddr *addr, hy_us until);
bool host_is_noted(const struct host_notes *notes, enum host_fault fault,
                   const struct hy_sockaddr *addr, hy_us now);
bool host_notes_any(const struct host_notes *notes, hy_us now);
void host_notes_forget(struct host_notes *notes, enum host_fault fault);
void host_notes_free(struct host_notes *notes);

/* The address to try (RFC 5321 section 5.1): of the best preference that has a usable one; among
 * all usable addresses of hosts of equal preference the `turn`-th, so that connections spread
 * evenly over them. `family`: that of the source address, AF_UNSPEC = any. `tls`: hosts that its
 * demands exclude are passed over; may be NULL. NULL: there is none. */
const struct hy_mx_host *host_choose(const struct hy_mx *mx, const struct tls_site *tls,
                                     const struct host_notes *notes, int family, uint32_t turn,
                                     hy_us now, const struct hy_sockaddr **ret_addr);
