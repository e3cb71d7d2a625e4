#include "hayauma/base/gzip.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <zlib.h>

/* What zlib makes of it again; its length. */
static size_t unpack(struct hy_str in, char *out, size_t room)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)in.p,
                  .avail_in = (uInt)in.n,
                  .next_out = (Bytef *)out,
                  .avail_out = (uInt)room};
    cr_assert_eq(inflateInit2(&z, 15 + 16), Z_OK);
    cr_assert_eq(inflate(&z, Z_FINISH), Z_STREAM_END);
    size_t n = z.total_out;
    inflateEnd(&z);
    return n;
}

Test(gzip, packs_what_unpacks_to_the_same)
{
    enum { MOST = 200000 };
    char *bytes = malloc(MOST), *back = malloc(MOST + 1);
    for (size_t i = 0; i < MOST; i++)
        bytes[i] = (char)(i * 2654435761u >> 13);
    const size_t sizes[] = {0, 1, 57, 4096, MOST};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct hy_buf out = HY_BUF_INIT(2 * MOST);
        hy_buf_add_lit(&out, "before");
        cr_assert_eq(hy_gzip(hy_str_make(bytes, sizes[i]), &out), HY_OK);
        struct hy_str packed = hy_str_slice(hy_buf_str(&out), 6, out.len);
        cr_expect_eq(unpack(packed, back, MOST + 1), sizes[i]);
        cr_expect(memcmp(back, bytes, sizes[i]) == 0, "%zu bytes", sizes[i]);
        hy_buf_free(&out);
    }
    struct hy_buf small = HY_BUF_INIT(100);
    cr_expect_eq(hy_gzip(hy_str_make(bytes, MOST), &small), HY_ELIMIT);
    cr_expect_eq(small.len, 0);
    hy_buf_free(&small);
    free(bytes);
    free(back);
}
