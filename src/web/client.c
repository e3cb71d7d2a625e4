/* Who stands behind a connection. */
#include "client.h"

bool web_is_one_of(const struct hy_network *networks, size_t n, const struct hy_sockaddr *a)
{
    for (size_t i = 0; i < n; i++)
        if (hy_network_has(&networks[i], a))
            return true;
    return false;
}

/* The last address of X-Forwarded-For that is no proxy of ours: what stands before it is hearsay.
 */
static void believe(const struct hy_network *proxies, size_t n, struct hy_str list,
                    struct hy_sockaddr *ret)
{
    while (list.n) {
        size_t comma = list.n;
        while (comma && list.p[comma - 1] != ',')
            comma--;
        struct hy_sockaddr a;
        if (hy_sockaddr_parse(hy_str_trim(hy_str_slice(list, comma, list.n)), 0, &a) != HY_OK)
            return;
        *ret = a;
        if (!web_is_one_of(proxies, n, &a))
            return;
        list = hy_str_slice(list, 0, comma ? comma - 1 : 0);
    }
}

bool web_find_client(const struct hy_network *proxies, size_t n, const struct hy_http_call *call,
                     struct hy_sockaddr *ret)
{
    struct hy_str list;
    *ret = call->peer;
    bool is_trusted = web_is_one_of(proxies, n, &call->peer);
    if (is_trusted && hy_http_field(&call->head, HY_STR("X-Forwarded-For"), &list))
        believe(proxies, n, list, ret);
    return is_trusted;
}
