#include <criterion/criterion.h>

#include "hayauma/track/proxy.h"

#define GMAIL                                                                                      \
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"

Test(proxy, is_told_by_agent_and_network)
{
    static const struct {
        const char *agent;
        uint8_t ip[4];
        enum hy_proxy_kind want;
    } cases[] = {
        {GMAIL, {66, 249, 84, 3}, HY_PROXY_IMAGES},
        {GMAIL, {66, 249, 95, 255}, HY_PROXY_IMAGES},
        {GMAIL, {66, 249, 96, 0}, HY_PROXY_NONE},
        {GMAIL, {192, 0, 2, 1}, HY_PROXY_NONE},
        {"YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html",
         {192, 0, 2, 1},
         HY_PROXY_IMAGES},
        {"Mozilla/5.0", {104, 28, 28, 3}, HY_PROXY_PRIVACY},
        {" Mozilla/5.0 ", {192, 0, 2, 1}, HY_PROXY_PRIVACY},
        {"Mozilla/5.0 (Macintosh)", {192, 0, 2, 1}, HY_PROXY_NONE},
        {"Mozilla/5.0 (Macintosh)", {17, 58, 3, 1}, HY_PROXY_PRIVACY},
        {"", {18, 0, 0, 1}, HY_PROXY_NONE},
        {"", {0}, HY_PROXY_NONE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t ip[16] = {[10] = 0xff, 0xff};
        memcpy(ip + 12, cases[i].ip, 4);
        cr_expect_eq(hy_proxy_of(hy_str_of(cases[i].agent), ip), cases[i].want, "case %zu", i);
    }
    cr_expect_eq(hy_proxy_of(hy_str_of(GMAIL), (uint8_t[16]){0x2a, 0, 0x14, 0x50, 0x4f, 1}),
                 HY_PROXY_IMAGES);
    cr_expect_eq(hy_proxy_of(hy_str_of(GMAIL), (uint8_t[16]){0x2a, 0, 0x14, 0x50, 0x50, 1}),
                 HY_PROXY_NONE);
}
