/* Any bytes as the header of a proxy: what is one ends within the bytes, and fewer bytes of it are
 * never refused. */
#include "hayauma/io/proxy_read.h"

#include <stdlib.h>

static void require(bool ok)
{
    if (!ok)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct hy_str s = hy_str_make(data, n);
    struct hy_sockaddr a = {0}, b;
    size_t used = 0, again;
    int err = hy_proxy_read(s.p, s.n, &a, &used);
    require(err == HY_OK || err == HY_EMORE || err == HY_EPARSE);
    if (err != HY_OK)
        return 0;
    require(used > 0 && used <= n && used <= HY_PROXY_HEADER_MAX);
    require(hy_proxy_read(s.p, used, &b, &again) == HY_OK && again == used);
    for (size_t i = 0; i < used; i++)
        require(hy_proxy_read(s.p, i, &b, &again) == HY_EMORE);
    return 0;
}
