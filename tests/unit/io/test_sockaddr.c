#include <criterion/criterion.h>

#include "hayauma/io/sockaddr.h"

Test(sockaddr, reads_addresses_and_prints_them_back)
{
    static const struct {
        const char *text, *want, *ip; /* want NULL: refused */
    } cases[] = {
        {"192.0.2.1", "192.0.2.1:25", "192.0.2.1"},
        {"192.0.2.1:2525", "192.0.2.1:2525", "192.0.2.1"},
        {"2001:DB8::1", "[2001:db8::1]:25", "2001:db8::1"},
        {"[2001:db8::1]", "[2001:db8::1]:25", "2001:db8::1"},
        {"[2001:db8::1]:587", "[2001:db8::1]:587", "2001:db8::1"},
        {"::1", "[::1]:25", "::1"},
        {"", NULL, NULL},
        {":25", NULL, NULL},
        {"192.0.2.1:", NULL, NULL},
        {"192.0.2.1:65536", NULL, NULL},
        {"192.0.2.1:x", NULL, NULL},
        {"192.0.2.256", NULL, NULL},
        {"192.0.2", NULL, NULL},
        {"[192.0.2.1]:25", NULL, NULL},
        {"[::1", NULL, NULL},
        {"[::1]25", NULL, NULL},
        {"fe80::1%eth0", NULL, NULL},
        {"mx.example", NULL, NULL},
        {"1111:2222:3333:4444:5555:6666:7777:8888:9999", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_sockaddr a;
        char text[HY_SOCKADDR_TEXT_MAX];
        int err = hy_sockaddr_parse(hy_str_of(cases[i].text), 25, &a);
        cr_assert_eq(err, cases[i].want ? 0 : HY_EPARSE, "%s", cases[i].text);
        if (err)
            continue;
        cr_assert_str_eq(hy_sockaddr_format(&a, text), cases[i].want);
        cr_assert_str_eq(hy_sockaddr_format_ip(&a, text), cases[i].ip);
    }
}

Test(sockaddr, compares_with_and_without_the_port)
{
    struct hy_sockaddr a, b, c, none = {0};
    char text[HY_SOCKADDR_TEXT_MAX];
    cr_assert_eq(hy_sockaddr_parse(HY_STR("192.0.2.1:1"), 0, &a), 0);
    cr_assert_eq(hy_sockaddr_parse(HY_STR("192.0.2.1:2"), 0, &b), 0);
    cr_assert_eq(hy_sockaddr_parse(HY_STR("[::1]:1"), 0, &c), 0);
    cr_assert(hy_sockaddr_ip_eq(&a, &b));
    cr_assert_not(hy_sockaddr_eq(&a, &b));
    cr_assert_not(hy_sockaddr_ip_eq(&a, &c));
    hy_sockaddr_set_port(&b, 1);
    cr_assert(hy_sockaddr_eq(&a, &b));
    hy_sockaddr_set_port(&c, 99);
    cr_assert_eq(hy_sockaddr_port(&c), 99);
    cr_assert_eq(hy_sockaddr_port(&none), 0);
    cr_assert_eq(hy_sockaddr_family(&none), AF_UNSPEC);
    cr_assert_str_eq(hy_sockaddr_format(&none, text), "none");
}

Test(sockaddr, knows_addresses_where_no_stranger_s_mail_belongs)
{
    static const struct {
        const char *text;
        bool want;
    } cases[] = {
        {"127.0.0.1", true},
        {"127.255.0.9", true},
        {"0.0.0.0", true},
        {"169.254.1.1", true},
        {"224.0.0.1", true},
        {"255.255.255.255", true},
        {"192.0.2.1", false},
        {"10.0.0.1", false},
        {"128.0.0.1", false},
        {"::", true},
        {"::1", true},
        {"fe80::1", true},
        {"ff02::1", true},
        {"::ffff:127.0.0.1", true},
        {"::ffff:192.0.2.1", false},
        {"2001:db8::1", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_sockaddr a;
        cr_assert_eq(hy_sockaddr_parse(hy_str_of(cases[i].text), 25, &a), 0);
        cr_assert_eq(hy_sockaddr_is_local(&a), cases[i].want, "%s", cases[i].text);
    }
}

Test(sockaddr, knows_networks_of_one_s_own)
{
    static const struct {
        const char *text;
        bool want;
    } cases[] = {
        {"10.255.0.1", true},      {"11.0.0.1", false},       {"172.16.0.1", true},
        {"172.31.255.255", true},  {"172.32.0.1", false},     {"172.15.0.1", false},
        {"192.168.1.1", true},     {"192.169.0.1", false},    {"100.64.0.1", true},
        {"100.127.255.255", true}, {"100.128.0.1", false},    {"192.0.2.1", false},
        {"fc00::1", true},         {"fdff::1", true},         {"fe00::1", false},
        {"fec0::1", true},         {"::ffff:10.0.0.1", true}, {"::ffff:192.0.2.1", false},
        {"2001:db8::1", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_sockaddr a;
        cr_assert_eq(hy_sockaddr_parse(hy_str_of(cases[i].text), 25, &a), 0);
        cr_assert_eq(hy_sockaddr_is_private(&a), cases[i].want, "%s", cases[i].text);
    }
}
