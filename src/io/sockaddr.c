/* Addresses: text, bytes, and which of them are nobody's mail server. */
#include "hayauma/io/sockaddr.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "hayauma/base/hash.h"

void hy_sockaddr_from_ip4(struct hy_sockaddr *a, const uint8_t ip[4], uint16_t port)
{
    *a = (struct hy_sockaddr){.in4 = {.sin_family = AF_INET, .sin_port = htons(port)}};
    memcpy(&a->in4.sin_addr, ip, 4);
}

void hy_sockaddr_from_ip6(struct hy_sockaddr *a, const uint8_t ip[16], uint16_t port)
{
    *a = (struct hy_sockaddr){.in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)}};
    memcpy(&a->in6.sin6_addr, ip, 16);
}

static bool parse_ip(struct hy_str text, uint16_t port, struct hy_sockaddr *ret_addr)
{
    char s[INET6_ADDRSTRLEN];
    uint8_t ip[16];
    if (text.n >= sizeof s || memchr(text.p ? text.p : "", 0, text.n))
        return false;
    if (text.n)
        memcpy(s, text.p, text.n);
    s[text.n] = '\0';
    if (inet_pton(AF_INET, s, ip) == 1)
        hy_sockaddr_from_ip4(ret_addr, ip, port);
    else if (inet_pton(AF_INET6, s, ip) == 1)
        hy_sockaddr_from_ip6(ret_addr, ip, port);
    else
        return false;
    return true;
}

int hy_sockaddr_parse(struct hy_str text, uint16_t default_port, struct hy_sockaddr *ret_addr)
{
    struct hy_str ip = text, port = {NULL, 0};
    size_t colon = hy_str_find(text, ':', 0);
    if (text.n && text.p[0] == '[') {
        size_t end = hy_str_find(text, ']', 1);
        if (end == SIZE_MAX || (end + 1 < text.n && text.p[end + 1] != ':'))
            return HY_EPARSE;
        ip = hy_str_slice(text, 1, end);
        if (hy_str_find(ip, ':', 0) == SIZE_MAX)
            return HY_EPARSE;
        if (end + 1 < text.n)
            port = hy_str_slice(text, end + 2, text.n);
        colon = end + 1 < text.n ? end + 1 : SIZE_MAX;
    } else if (colon != SIZE_MAX && hy_str_find(text, ':', colon + 1) == SIZE_MAX) {
        ip = hy_str_slice(text, 0, colon);
        port = hy_str_slice(text, colon + 1, text.n);
    } else {
        colon = SIZE_MAX; /* no port, or a bare IPv6 address */
    }
    uint64_t number = default_port;
    if (colon != SIZE_MAX && hy_str_to_u64(port, UINT16_MAX, &number))
        return HY_EPARSE;
    return parse_ip(ip, (uint16_t)number, ret_addr) ? 0 : HY_EPARSE;
}

const char *hy_sockaddr_format_ip(const struct hy_sockaddr *a, char out[HY_SOCKADDR_TEXT_MAX])
{
    const char *s = NULL;
    if (a->sa.sa_family == AF_INET)
        s = inet_ntop(AF_INET, &a->in4.sin_addr, out, HY_SOCKADDR_TEXT_MAX);
    else if (a->sa.sa_family == AF_INET6)
        s = inet_ntop(AF_INET6, &a->in6.sin6_addr, out, HY_SOCKADDR_TEXT_MAX);
    if (!s)
        snprintf(out, HY_SOCKADDR_TEXT_MAX, "none");
    return out;
}

void hy_sockaddr_ip16(const struct hy_sockaddr *a, uint8_t ret_ip[16])
{
    memset(ret_ip, 0, 16);
    if (hy_sockaddr_family(a) == AF_INET6) {
        memcpy(ret_ip, &a->in6.sin6_addr, 16);
    } else if (hy_sockaddr_family(a) == AF_INET) {
        ret_ip[10] = ret_ip[11] = 0xff;
        memcpy(ret_ip + 12, &a->in4.sin_addr, 4);
    }
}

const char *hy_sockaddr_format(const struct hy_sockaddr *a, char out[HY_SOCKADDR_TEXT_MAX])
{
    char ip[HY_SOCKADDR_TEXT_MAX];
    hy_sockaddr_format_ip(a, ip);
    if (a->sa.sa_family == AF_INET)
        snprintf(out, HY_SOCKADDR_TEXT_MAX, "%.46s:%u", ip, hy_sockaddr_port(a));
    else if (a->sa.sa_family == AF_INET6)
        snprintf(out, HY_SOCKADDR_TEXT_MAX, "[%.46s]:%u", ip, hy_sockaddr_port(a));
    else
        snprintf(out, HY_SOCKADDR_TEXT_MAX, "none");
    return out;
}

int hy_sockaddr_family(const struct hy_sockaddr *a)
{
    return a->sa.sa_family;
}

socklen_t hy_sockaddr_len(const struct hy_sockaddr *a)
{
    return a->sa.sa_family == AF_INET6 ? sizeof a->in6 : sizeof a->in4;
}

uint16_t hy_sockaddr_port(const struct hy_sockaddr *a)
{
    if (a->sa.sa_family == AF_INET)
        return ntohs(a->in4.sin_port);
    return a->sa.sa_family == AF_INET6 ? ntohs(a->in6.sin6_port) : 0;
}

void hy_sockaddr_set_port(struct hy_sockaddr *a, uint16_t port)
{
    if (a->sa.sa_family == AF_INET)
        a->in4.sin_port = htons(port);
    else if (a->sa.sa_family == AF_INET6)
        a->in6.sin6_port = htons(port);
}

bool hy_sockaddr_ip_eq(const struct hy_sockaddr *a, const struct hy_sockaddr *b)
{
    if (a->sa.sa_family != b->sa.sa_family)
        return false;
    if (a->sa.sa_family == AF_INET)
        return a->in4.sin_addr.s_addr == b->in4.sin_addr.s_addr;
    if (a->sa.sa_family == AF_INET6)
        return memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, 16) == 0;
    return true;
}

bool hy_sockaddr_eq(const struct hy_sockaddr *a, const struct hy_sockaddr *b)
{
    return hy_sockaddr_ip_eq(a, b) && hy_sockaddr_port(a) == hy_sockaddr_port(b);
}

/* 0/8 (this network), 127/8, 169.254/16, multicast and what is above (RFC 6890). */
static bool ip4_is_local(uint32_t ip)
{
    return ip >> 24 == 0 || ip >> 24 == 127 || ip >> 16 == 0xa9fe || ip >> 28 >= 0xe;
}

/* The IPv4 address that one of IPv6 stands for: mapped, compatible, of NAT64 (64:ff9b::/96, RFC
 * 6052) or 6to4 (2002::/16). */
static bool embedded_ip4(const struct in6_addr *ip, uint32_t *ret)
{
    static const uint8_t nat64[12] = {0, 0x64, 0xff, 0x9b};
    size_t at = 12;
    uint32_t v4;
    if (ip->s6_addr[0] == 0x20 && ip->s6_addr[1] == 0x02)
        at = 2;
    else if (!IN6_IS_ADDR_V4MAPPED(ip) && !IN6_IS_ADDR_V4COMPAT(ip) &&
             memcmp(ip->s6_addr, nat64, sizeof nat64) != 0)
        return false;
    memcpy(&v4, ip->s6_addr + at, sizeof v4);
    *ret = ntohl(v4);
    return true;
}

bool hy_sockaddr_is_local(const struct hy_sockaddr *a)
{
    if (a->sa.sa_family == AF_INET)
        return ip4_is_local(ntohl(a->in4.sin_addr.s_addr));
    if (a->sa.sa_family != AF_INET6)
        return true;
    const struct in6_addr *ip = &a->in6.sin6_addr;
    uint32_t v4;
    if (embedded_ip4(ip, &v4))
        return ip4_is_local(v4);
    return IN6_IS_ADDR_UNSPECIFIED(ip) || IN6_IS_ADDR_LOOPBACK(ip) || IN6_IS_ADDR_MULTICAST(ip) ||
           IN6_IS_ADDR_LINKLOCAL(ip);
}

/* 10/8, 172.16/12, 192.168/16, 100.64/10. */
static bool ip4_is_private(uint32_t ip)
{
    return ip >> 24 == 10 || ip >> 20 == 0xac1 || ip >> 16 == 0xc0a8 || ip >> 22 == 0x191;
}

bool hy_sockaddr_is_private(const struct hy_sockaddr *a)
{
    if (a->sa.sa_family == AF_INET)
        return ip4_is_private(ntohl(a->in4.sin_addr.s_addr));
    if (a->sa.sa_family != AF_INET6)
        return false;
    const struct in6_addr *ip = &a->in6.sin6_addr;
    uint32_t v4;
    if (embedded_ip4(ip, &v4))
        return ip4_is_private(v4);
    return (ip->s6_addr[0] & 0xfe) == 0xfc || IN6_IS_ADDR_SITELOCAL(ip);
}

uint64_t hy_sockaddr_network_hash(const struct hy_sockaddr *a)
{
    const uint8_t *ip = (const uint8_t *)&a->in4.sin_addr;
    size_t n = 4;
    if (a->sa.sa_family == AF_INET6) {
        bool is_v4 = IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr);
        ip = a->in6.sin6_addr.s6_addr + (is_v4 ? 12 : 0);
        n = is_v4 ? 4 : 8;
    } else if (a->sa.sa_family != AF_INET) {
        return 0;
    }
    return hy_siphash(hy_hash_process_key(), ip, n);
}

bool hy_sockaddr_is_public(const struct hy_sockaddr *a)
{
    return !hy_sockaddr_is_local(a) && !hy_sockaddr_is_private(a);
}
