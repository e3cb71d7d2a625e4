/* Headers of the PROXY protocol. */
#include "hayauma/io/proxy_read.h"

#include "hayauma/base/bytes.h"

enum { V1_MAX = 107, V2_FIXED = 16 };
static const char signature[12] = "\r\n\r\n\0\r\nQUIT\n";

/* "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n" */
static int read_v1(struct hy_str line, struct hy_sockaddr *ret)
{
    struct hy_str words[6] = {{0}}, rest = line;
    size_t n = 0;
    uint64_t port, to_port;
    struct hy_sockaddr a, to;
    while (n < 6 && rest.p && hy_str_split(&rest, ' ', &words[n]))
        n++;
    if (n >= 2 && hy_str_eq(words[1], HY_STR("UNKNOWN"))) {
        *ret = (struct hy_sockaddr){0};
        return HY_OK;
    }
    int family = hy_str_eq(words[1], HY_STR("TCP4"))   ? AF_INET
                 : hy_str_eq(words[1], HY_STR("TCP6")) ? AF_INET6
                                                       : AF_UNSPEC;
    if (n != 6 || rest.p || family == AF_UNSPEC || hy_str_to_u64(words[4], 65535, &port) != HY_OK ||
        hy_str_to_u64(words[5], 65535, &to_port) != HY_OK ||
        hy_sockaddr_parse(words[2], (uint16_t)port, &a) != HY_OK ||
        hy_sockaddr_parse(words[3], 0, &to) != HY_OK || hy_sockaddr_family(&a) != family ||
        hy_sockaddr_family(&to) != family || hy_sockaddr_port(&a) != port)
        return HY_EPARSE;
    *ret = a;
    return HY_OK;
}

/* signature, version and command u8, family u8, length be16, addresses, TLVs */
static int read_v2(const char *p, size_t n, struct hy_sockaddr *ret, size_t *ret_used)
{
    if (n < V2_FIXED)
        return HY_EMORE;
    uint8_t head[4];
    memcpy(head, p + 12, sizeof head);
    size_t length = (size_t)head[2] << 8 | head[3];
    if (head[0] >> 4 != 2 || (head[0] & 15) > 1 || length > HY_PROXY_HEADER_MAX - V2_FIXED)
        return HY_EPARSE;
    if (n < V2_FIXED + length)
        return HY_EMORE;
    const char *addresses = p + V2_FIXED;
    uint8_t ip[16];
    struct hy_sockaddr a = {0};
    bool is_proxied = (head[0] & 15) == 1;
    if (is_proxied && head[1] == 0x11) { /* TCP over IPv4 */
        if (length < 12)
            return HY_EPARSE;
        memcpy(ip, addresses, 4);
        hy_sockaddr_from_ip4(&a, ip,
                             (uint16_t)((uint8_t)addresses[8] << 8 | (uint8_t)addresses[9]));
    } else if (is_proxied && head[1] == 0x21) { /* TCP over IPv6 */
        if (length < 36)
            return HY_EPARSE;
        memcpy(ip, addresses, 16);
        hy_sockaddr_from_ip6(&a, ip,
                             (uint16_t)((uint8_t)addresses[32] << 8 | (uint8_t)addresses[33]));
    } else if (is_proxied && head[1] != 0) {
        return HY_EPARSE;
    }
    *ret = a;
    *ret_used = V2_FIXED + length;
    return HY_OK;
}

int hy_proxy_read(const char *p, size_t n, struct hy_sockaddr *ret_client, size_t *ret_used)
{
    static const char v1[6] = "PROXY ";
    size_t common = n < sizeof signature ? n : sizeof signature;
    if (n == 0)
        return HY_EMORE;
    if (memcmp(p, signature, common) == 0)
        return n < sizeof signature ? HY_EMORE : read_v2(p, n, ret_client, ret_used);
    if (memcmp(p, v1, n < sizeof v1 ? n : sizeof v1) != 0)
        return HY_EPARSE;
    size_t lf = hy_str_find(hy_str_make(p, n < V1_MAX ? n : V1_MAX), '\n', 0);
    if (lf == SIZE_MAX)
        return n < V1_MAX ? HY_EMORE : HY_EPARSE;
    if (p[lf - 1] != '\r')
        return HY_EPARSE;
    int err = read_v1(hy_str_make(p, lf - 1), ret_client);
    if (err == HY_OK)
        *ret_used = lf + 1;
    return err;
}
