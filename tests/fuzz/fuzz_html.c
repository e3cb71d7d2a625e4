/* HTML of any bytes: rewriting changes the values of links and nothing else; making text ends. */
#include <stdlib.h>

#include "hayauma/mail/html.h"

#define MARK   "https://t.example/\x02"
#define BEACON "\x03"

static void mark(void *ctx, struct hy_str url, struct hy_buf *out)
{
    (void)ctx;
    (void)url;
    hy_buf_add_lit(out, MARK);
}

static void leave(void *ctx, struct hy_str url, struct hy_buf *out)
{
    (void)ctx;
    (void)url;
    (void)out;
}

/* The value that a mark replaced ended where the same character stands that follows the mark. */
static void check_same_elsewhere(struct hy_str before, struct hy_str after)
{
    size_t b = 0, beacons = 0;
    for (size_t a = 0; a < after.n;) {
        if (hy_str_starts(hy_str_slice(after, a, after.n), HY_STR(MARK))) {
            a += sizeof MARK - 1;
            if (a == after.n)
                abort();
            b = hy_str_find(before, after.p[a], b);
            if (b == SIZE_MAX)
                abort();
        } else if (after.p[a] == BEACON[0]) {
            beacons++;
            a++;
        } else if (b >= before.n || before.p[b++] != after.p[a++]) {
            abort();
        }
    }
    if (b != before.n || beacons != 1)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hy_str html = hy_str_make(data, size);
    if (hy_str_find(html, 2, 0) != SIZE_MAX || hy_str_find(html, 3, 0) != SIZE_MAX)
        return 0;
    struct hy_buf out = HY_BUF_INIT(1 << 24);
    if (hy_html_rewrite(html, mark, NULL, HY_STR(BEACON), &out))
        abort();
    check_same_elsewhere(html, hy_buf_str(&out));
    hy_buf_reset(&out);
    if (hy_html_rewrite(html, leave, NULL, HY_STR(""), &out) || !hy_str_eq(html, hy_buf_str(&out)))
        abort();
    hy_buf_reset(&out);
    if (hy_html_text(html, &out))
        abort();
    hy_buf_free(&out);
    return 0;
}
