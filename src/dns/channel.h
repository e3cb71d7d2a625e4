/* c-ares on the event loop: one question out, one packet (or a failure) back. */
#pragma once
#include "hayauma/dns/resolver.h"
#include "packet.h"

struct dns_channel;

HY_MUST_USE int dns_channel_create(struct hy_loop *loop, const struct hy_resolver_settings *s,
                                   struct hy_diag *diag, struct dns_channel **ret_channel);
/* Questions on the wire are forgotten, without a call. */
void dns_channel_free(struct dns_channel *c);

/* `packet` is a complete answer, whatever its code, or NULL: then `failure` (static) says why. May
 * come from inside dns_channel_ask. */
typedef void dns_packet_fn(void *arg, const uint8_t *packet, size_t n, const char *failure);
void dns_channel_ask(struct dns_channel *c, const char *name, enum dns_type type, dns_packet_fn *fn,
                     void *arg);
