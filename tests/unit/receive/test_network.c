#include <criterion/criterion.h>

#include "hayauma/receive/receive.h"

static bool has(const char *network, const char *address)
{
    struct hy_network n;
    struct hy_sockaddr a;
    cr_assert_eq(hy_network_parse(hy_str_of(network), &n), HY_OK, "%s", network);
    cr_assert_eq(hy_sockaddr_parse(hy_str_of(address), 25, &a), HY_OK, "%s", address);
    return hy_network_has(&n, &a);
}

Test(network, addresses_are_found_in_their_networks_only)
{
    static const struct {
        const char *network, *address;
        bool want;
    } cases[] = {
        {"127.0.0.1", "127.0.0.1", true},
        {"127.0.0.1", "127.0.0.2", false},
        {"10.1.0.0/16", "10.1.255.255", true},
        {"10.1.0.0/16", "10.2.0.0", false},
        {"10.1.2.4/30", "10.1.2.7", true},
        {"10.1.2.4/30", "10.1.2.8", false},
        {"0.0.0.0/0", "203.0.113.9", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"2001:db8::/32", "2001:db8:1::1", true},
        {"2001:db8::/32", "2001:db9::1", false},
        {"::1", "::1", true},
        {"::/0", "127.0.0.1", false},
        {"127.0.0.0/8", "::ffff:127.0.0.1", true},
        {"::/0", "::ffff:127.0.0.1", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_assert_eq(has(cases[i].network, cases[i].address), cases[i].want, "%s in %s",
                     cases[i].address, cases[i].network);
}

Test(network, what_is_no_network_is_refused)
{
    static const char *const bad[] = {
        "",       "x",           "10.0.0.0/33",  "10.0.0.0/",     "10.0.0.1/8", "10.0.0.0/-1",
        "::/129", "10.0.0.1:25", "10.0.0.0/8/8", "2001:db8::1/32"};
    struct hy_network n;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert_eq(hy_network_parse(hy_str_of(bad[i]), &n), HY_EPARSE, "%s", bad[i]);
}
