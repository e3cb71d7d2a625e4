/* Image proxies: a few words of user agents, and networks that their owners publish and seldom
 * change. */
#include "hayauma/track/proxy.h"

#include <string.h>

struct network {
    uint8_t at[16], bits;
};
#define V4(a, b, c, n)                                                                             \
    {                                                                                              \
        {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c}, 96 + (n)                              \
    }
#define V6(a, b, c, d, e, n)                                                                       \
    {                                                                                              \
        {a, b, c, d, e}, n                                                                         \
    }

/* Google's, as _netblocks.google.com, _netblocks2 and _netblocks3 list them. */
static const struct network google[] = {
    V4(35, 190, 247, 24),
    V4(64, 233, 160, 19),
    V4(66, 102, 0, 20),
    V4(66, 249, 80, 20),
    V4(72, 14, 192, 18),
    V4(74, 125, 0, 16),
    V4(108, 177, 8, 21),
    V4(173, 194, 0, 16),
    V4(209, 85, 128, 17),
    V4(216, 58, 192, 19),
    V4(216, 239, 32, 19),
    V4(172, 217, 0, 19),
    V4(172, 217, 32, 20),
    V4(172, 217, 128, 19),
    V4(172, 217, 160, 20),
    V4(172, 217, 192, 19),
    V4(172, 253, 56, 21),
    V4(172, 253, 112, 20),
    V6(0x20, 0x01, 0x48, 0x60, 0x40, 36),
    V6(0x24, 0x04, 0x68, 0x00, 0x40, 36),
    V6(0x26, 0x07, 0xf8, 0xb0, 0x40, 36),
    V6(0x28, 0x00, 0x03, 0xf0, 0x40, 36),
    V6(0x2a, 0x00, 0x14, 0x50, 0x40, 36),
    V6(0x2c, 0x0f, 0xfb, 0x50, 0x40, 36),
};

/* Apple's own (RIPE and ARIN: 17.0.0.0/8, 2620:149::/32). */
static const struct network apple[] = {
    V4(17, 0, 0, 8),
    V6(0x26, 0x20, 0x01, 0x49, 0, 32),
};

static bool is_within(const uint8_t ip[16], const struct network *n)
{
    size_t whole = n->bits / 8, rest = n->bits % 8;
    if (memcmp(ip, n->at, whole) != 0)
        return false;
    return rest == 0 || ((ip[whole] ^ n->at[whole]) >> (8 - rest)) == 0;
}

static bool is_of(const uint8_t ip[16], const struct network *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (is_within(ip, &list[i]))
            return true;
    return false;
}

static bool has(struct hy_str s, struct hy_str word)
{
    return hy_str_find_str(s, word, 0) != SIZE_MAX;
}

enum hy_proxy_kind hy_proxy_of(struct hy_str agent, const uint8_t ip[16])
{
    if (hy_str_eq(hy_str_trim(agent), HY_STR("Mozilla/5.0")) ||
        is_of(ip, apple, sizeof apple / sizeof *apple))
        return HY_PROXY_PRIVACY;
    if (has(agent, HY_STR("GoogleImageProxy")))
        return is_of(ip, google, sizeof google / sizeof *google) ? HY_PROXY_IMAGES : HY_PROXY_NONE;
    if (has(agent, HY_STR("YahooMailProxy")))
        return HY_PROXY_IMAGES;
    return HY_PROXY_NONE;
}
