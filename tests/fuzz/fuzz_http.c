/* Any bytes as an HTTP request: no crash, and what is taken for a path is one. */
#include <stdlib.h>

#include "hayauma/io/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct hy_http_request r = {0};
    if (hy_http_request_read(hy_str_make(data, n), &r) != HY_OK)
        return 0;
    if (r.path.n == 0 || r.path.p[0] != '/' || n > HY_HTTP_HEAD_MAX + 65536)
        abort();
    for (size_t i = 0; i < r.path.n; i++)
        if (r.path.p[i] <= ' ' || r.path.p[i] == '?')
            abort();
    return 0;
}
