/* Any bytes as the answers of a SOCKS5 proxy, in pieces of any length, and as the text that names
 * one: the talk ends, never takes bytes behind its end, and never sends what is not SOCKS5. */
#include <stdlib.h>

#include "hayauma/io/proxy.h"

static void check_output(struct hy_proxy_talk *t, size_t take)
{
    struct hy_str out = hy_proxy_output(t);
    if (out.n > sizeof t->out)
        abort();
    if (out.n && t->sent == 0 && (uint8_t)out.p[0] != 5 && (uint8_t)out.p[0] != 1)
        abort();
    hy_proxy_sent(t, take && take < out.n ? take : out.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct hy_proxy named = {0}, proxy = {.kind = HY_PROXY_SOCKS5, .password = "password"};
    struct hy_sockaddr peer;
    struct hy_proxy_talk t;
    if (hy_proxy_parse(hy_str_make(data, n), NULL, &named) == HY_OK &&
        (named.kind == HY_PROXY_NONE || hy_sockaddr_port(&named.address) == 0))
        abort();
    if (n == 0)
        return 0;
    proxy.user = data[0] & 1 ? "user" : NULL;
    size_t step = 1 + (data[0] >> 1 & 7);
    if (hy_sockaddr_parse(data[0] & 0x80 ? HY_STR("[2001:db8::1]:25") : HY_STR("192.0.2.1:25"), 25,
                          &peer) != HY_OK)
        abort();
    hy_proxy_start(&t, &proxy, &peer, NULL);
    for (size_t at = 1; at < n && t.state == HY_PROXY_TALKING;) {
        check_output(&t, data[0] & 0x40 ? 0 : step);
        size_t give = n - at < step ? n - at : step;
        size_t used = hy_proxy_input(&t, (const char *)data + at, give);
        if (used > give || (used < give && t.state == HY_PROXY_TALKING))
            abort();
        at += used;
    }
    bool was_open = t.state == HY_PROXY_TALKING;
    hy_proxy_end(&t, n & 1);
    if ((was_open || t.state == HY_PROXY_FAILED) && (!t.text || t.fault == HY_PROXY_FAULT_NONE))
        abort();
    return 0;
}
