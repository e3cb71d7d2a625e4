/* PTR records of an address, and addresses of a name (RFC 1035 section 3.5, RFC 3596 section 2.5).
 */
#include "hayauma/dns/reverse.h"

#include <ares.h>
#include <netdb.h>
#include <stdio.h>

#include "txt_query.h"

enum { TYPE_A = 1, TYPE_PTR = 12, TYPE_AAAA = 28, ADDRESSES_MAX = 64, REVERSE_MAX = 80 };

/* "10.2.0.192.in-addr.arpa" */
static void reverse_name(const struct hy_sockaddr *a, char out[REVERSE_MAX])
{
    static const char hex[] = "0123456789abcdef";
    if (hy_sockaddr_family(a) == AF_INET) {
        const uint8_t *p = (const uint8_t *)&a->in4.sin_addr;
        snprintf(out, REVERSE_MAX, "%u.%u.%u.%u.in-addr.arpa", p[3], p[2], p[1], p[0]);
        return;
    }
    const uint8_t *p = (const uint8_t *)&a->in6.sin6_addr;
    for (int i = 0; i < 16; i++) {
        char *to = out + 4 * (15 - i);
        to[0] = hex[p[i] & 15];
        to[2] = hex[p[i] >> 4];
        to[1] = to[3] = '.';
    }
    snprintf(out + 64, REVERSE_MAX - 64, "ip6.arpa");
}

struct names {
    struct hy_buf *out;
    const struct hy_sockaddr *address;
};

static int read_names(void *ctx, const unsigned char *packet, int n)
{
    struct names *to = ctx;
    int family = hy_sockaddr_family(to->address);
    const void *ip = family == AF_INET ? (const void *)&to->address->in4.sin_addr
                                       : (const void *)&to->address->in6.sin6_addr;
    struct hostent *host = NULL;
    int status = ares_parse_ptr_reply(packet, n, ip, family == AF_INET ? 4 : 16, family, &host);
    if (status != ARES_SUCCESS)
        return status == ARES_ENODATA ? HY_ENOTFOUND : HY_EPARSE;
    for (char **name = host->h_aliases; *name; name++) {
        for (const char *p = *name; *p; p++)
            hy_buf_add_c(to->out, hy_ascii_lower(*p));
        hy_buf_add_c(to->out, '\n');
    }
    ares_free_hostent(host);
    return to->out->err;
}

int hy_ptr_lookup(const struct hy_txt_settings *s, const struct hy_sockaddr *address,
                  struct hy_buf *out)
{
    char name[REVERSE_MAX];
    struct names to = {out, address};
    size_t start = out->len;
    reverse_name(address, name);
    int err = txt_query(s, name, TYPE_PTR, read_names, &to);
    if (err)
        out->len = start;
    return err;
}

struct search {
    const struct hy_sockaddr *address;
    bool has;
};

static int read_addresses4(void *ctx, const unsigned char *packet, int n)
{
    struct search *f = ctx;
    struct ares_addrttl found[ADDRESSES_MAX];
    int count = ADDRESSES_MAX;
    if (ares_parse_a_reply(packet, n, NULL, found, &count) != ARES_SUCCESS)
        return HY_ENOTFOUND;
    for (int i = 0; i < count; i++)
        f->has |= memcmp(&found[i].ipaddr, &f->address->in4.sin_addr, 4) == 0;
    return HY_OK;
}

static int read_addresses6(void *ctx, const unsigned char *packet, int n)
{
    struct search *f = ctx;
    struct ares_addr6ttl found[ADDRESSES_MAX];
    int count = ADDRESSES_MAX;
    if (ares_parse_aaaa_reply(packet, n, NULL, found, &count) != ARES_SUCCESS)
        return HY_ENOTFOUND;
    for (int i = 0; i < count; i++)
        f->has |= memcmp(&found[i].ip6addr, &f->address->in6.sin6_addr, 16) == 0;
    return HY_OK;
}

int hy_name_has_address(const struct hy_txt_settings *s, const char *name,
                        const struct hy_sockaddr *address, bool *ret_has)
{
    struct search f = {.address = address};
    bool is_4 = hy_sockaddr_family(address) == AF_INET;
    int err =
        txt_query(s, name, is_4 ? TYPE_A : TYPE_AAAA, is_4 ? read_addresses4 : read_addresses6, &f);
    if (err && err != HY_ENOTFOUND)
        return err;
    *ret_has = f.has;
    return HY_OK;
}
