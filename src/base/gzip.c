/* gzip by zlib. */
#include "hayauma/base/gzip.h"

#include <zlib.h>

enum { GZIP_WINDOW = 15 + 16 /* with the header of gzip, not zlib's */, MEMORY_LEVEL = 8 };

int hy_gzip(struct hy_str in, struct hy_buf *out)
{
    z_stream z = {0};
    if (in.n > UINT32_MAX)
        return HY_ELIMIT;
    if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, MEMORY_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        return HY_ENOMEM;
    size_t most = deflateBound(&z, in.n);
    int err = hy_buf_reserve(out, most);
    if (err == HY_OK) {
        z.next_in = (Bytef *)(uintptr_t)in.p;
        z.avail_in = (uInt)in.n;
        z.next_out = (Bytef *)out->data + out->len;
        z.avail_out = (uInt)most;
        err = deflate(&z, Z_FINISH) == Z_STREAM_END ? HY_OK : HY_ELIMIT;
    }
    if (err == HY_OK)
        out->len += z.total_out;
    (void)deflateEnd(&z);
    return err;
}
