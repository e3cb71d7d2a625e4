/* An IPv4 or IPv6 address with a port. */
#pragma once
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "hayauma/base/str.h"

struct hy_sockaddr {
    union {
        struct sockaddr sa;
        struct sockaddr_in in4;
        struct sockaddr_in6 in6;
    };
};

enum { HY_SOCKADDR_TEXT_MAX = 64 };

/* "192.0.2.1", "192.0.2.1:25", "2001:db8::1", "[2001:db8::1]:25", "fe80::1%eth0" is refused.
 * Without a port `default_port` is taken. HY_EPARSE. */
HY_MUST_USE int hy_sockaddr_parse(struct hy_str text, uint16_t default_port,
                                  struct hy_sockaddr *ret_addr);
/* From 4 or 16 bytes in network order, as DNS has them. */
void hy_sockaddr_from_ip4(struct hy_sockaddr *a, const uint8_t ip[4], uint16_t port);
void hy_sockaddr_from_ip6(struct hy_sockaddr *a, const uint8_t ip[16], uint16_t port);
/* As 16 bytes: IPv6, or ::ffff:a.b.c.d; zeroed for {0}. */
void hy_sockaddr_ip16(const struct hy_sockaddr *a, uint8_t ret_ip[16]);
/* With the port ("192.0.2.1:25", "[2001:db8::1]:25") and without ("192.0.2.1", "2001:db8::1"). */
const char *hy_sockaddr_format(const struct hy_sockaddr *a, char out[HY_SOCKADDR_TEXT_MAX]);
const char *hy_sockaddr_format_ip(const struct hy_sockaddr *a, char out[HY_SOCKADDR_TEXT_MAX]);
/* AF_INET, AF_INET6, or AF_UNSPEC for {0}. */
int hy_sockaddr_family(const struct hy_sockaddr *a);
socklen_t hy_sockaddr_len(const struct hy_sockaddr *a);
uint16_t hy_sockaddr_port(const struct hy_sockaddr *a);
void hy_sockaddr_set_port(struct hy_sockaddr *a, uint16_t port);
bool hy_sockaddr_eq(const struct hy_sockaddr *a, const struct hy_sockaddr *b);    /* and the port */
bool hy_sockaddr_ip_eq(const struct hy_sockaddr *a, const struct hy_sockaddr *b); /* not the port */
/* This host, "any", multicast, link-local, unspecified ...: nowhere to send mail of strangers to.
 */
bool hy_sockaddr_is_local(const struct hy_sockaddr *a);
/* Its network as one number of this process: /32 of IPv4, also within IPv6, /64 of IPv6. */
uint64_t hy_sockaddr_network_hash(const struct hy_sockaddr *a);
/* Networks of one's own: RFC 1918, RFC 6598 (100.64/10), fc00::/7, fec0::/10. */
bool hy_sockaddr_is_private(const struct hy_sockaddr *a);
/* Neither of this machine nor of a private network. */
bool hy_sockaddr_is_public(const struct hy_sockaddr *a);
