#include "hayauma/io/proxy_read.h"

#include <criterion/criterion.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V2_TCP4   SIGNATURE "\x21\x11\0\x0c\xc0\0\2\1\xc6\x33\x64\1\xdc\4\1\xbb"
#define BYTES(s)  s, sizeof s - 1

static const struct {
    const char *bytes;
    size_t n;
    const char *client; /* NULL: refused; "": the proxy itself */
} cases[] = {
    {BYTES("PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n"), "192.0.2.1:56324"},
    {BYTES("PROXY TCP6 2001:db8::1 2001:db8::2 1 25\r\n"), "[2001:db8::1]:1"},
    {BYTES("PROXY UNKNOWN\r\n"), ""},
    {BYTES("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n"), ""},
    {BYTES(V2_TCP4), "192.0.2.1:56324"},
    {BYTES(SIGNATURE "\x21\x21\0\x24 \1\r\xb8\0\0\0\0\0\0\0\0\0\0\0\1 "
                     "\1\r\xb8\0\0\0\0\0\0\0\0\0\0\0\2\0\7\0\x19"),
     "[2001:db8::1]:7"},
    {BYTES(SIGNATURE "\x20\0\0\0"), ""},      /* LOCAL: it looks whether we live */
    {BYTES(SIGNATURE "\x21\0\0\0"), ""},      /* UNSPEC */
    {BYTES(SIGNATURE "\x20\x11\0\3abc"), ""}, /* what LOCAL says is passed over */
    {BYTES("PROXY TCP4 192.0.2.1 2001:db8::1 1 2\r\n"), NULL},
    {BYTES("PROXY TCP4 192.0.2.1:99 198.51.100.1 1 2\r\n"), NULL},
    {BYTES("PROXY TCP4 192.0.2.1 198.51.100.1 65536 2\r\n"), NULL},
    {BYTES("PROXY TCP4 192.0.2.1 198.51.100.1 1\r\n"), NULL},
    {BYTES("PROXY TCP4 192.0.2.1 198.51.100.1 1 2 3\r\n"), NULL},
    {BYTES("PROXY TCP5 192.0.2.1 198.51.100.1 1 2\r\n"), NULL},
    {BYTES("PROXY TCP4 192.0.2.1 198.51.100.1 1 2\n"), NULL},
    {BYTES("EHLO a\r\n"), NULL},
    {BYTES("\x16\x03\x01"), NULL},
    {BYTES(SIGNATURE "\x11\x11\0\x0c"), NULL},   /* version 1 of version 2 */
    {BYTES(SIGNATURE "\x21\x11\0\4abcd"), NULL}, /* too short for its addresses */
    {BYTES(SIGNATURE "\x21\x12\0\x0c"
                     "abcdabcdabcd"),
     NULL}, /* UDP */
    {BYTES(SIGNATURE "\x21\x11\xff\xff"), NULL},
};

Test(proxy_read, headers_say_who_the_client_is)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_sockaddr a = {0};
        char text[HY_SOCKADDR_TEXT_MAX];
        size_t used = 0;
        int err = hy_proxy_read(cases[i].bytes, cases[i].n, &a, &used);
        cr_expect_eq(err, cases[i].client ? HY_OK : HY_EPARSE, "case %zu: %d", i, err);
        if (err != HY_OK)
            continue;
        cr_expect_eq(used, cases[i].n, "case %zu", i);
        bool is_known = hy_sockaddr_family(&a) != AF_UNSPEC;
        cr_expect_str_eq(is_known ? hy_sockaddr_format(&a, text) : "", cases[i].client, "case %zu",
                         i);
    }
}

Test(proxy_read, what_comes_in_pieces_is_waited_for)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_sockaddr a;
        size_t used;
        for (size_t n = 0; cases[i].client && n < cases[i].n; n++)
            cr_expect_eq(hy_proxy_read(cases[i].bytes, n, &a, &used), HY_EMORE, "case %zu, %zu", i,
                         n);
    }
    struct hy_sockaddr a;
    size_t used;
    char line[200] = "PROXY TCP4 ";
    memset(line + 11, '1', sizeof line - 11);
    cr_expect_eq(hy_proxy_read(line, 106, &a, &used), HY_EMORE);
    cr_expect_eq(hy_proxy_read(line, 107, &a, &used), HY_EPARSE, "no line is longer");
}

Test(proxy_read, what_is_behind_the_header_stays)
{
    struct hy_sockaddr a;
    size_t used = 0;
    cr_assert_eq(hy_proxy_read(BYTES(V2_TCP4 "\x16\x03\x01"), &a, &used), HY_OK);
    cr_assert_eq(used, sizeof V2_TCP4 - 1);
}
