/* A campaign bundle as the daemon gets it; what decodes must encode to something that decodes. */
#include <stddef.h>
#include <stdlib.h>

#include "hayauma/config/campaign_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hy_arena arena = HY_ARENA_INIT(1 << 20);
    struct hy_buf out = HY_BUF_INIT(64u << 20);
    struct hy_bundle b, again;
    if (hy_bundle_decode(hy_str_make(data, size), &arena, &b) == 0 &&
        (hy_bundle_encode(&b, &out) || hy_bundle_decode(hy_buf_str(&out), &arena, &again)))
        abort();
    hy_buf_free(&out);
    hy_arena_free(&arena);
    return 0;
}
