/* Any bytes as a segment, in text and in JSON: what is read is written in a form that is read back
 * as the same. */
#include "hayauma/audience/segment.h"

#include <stdlib.h>

typedef int read_fn(struct hy_str, struct hy_arena *, struct hy_diag *,
                    const struct hy_segment_node **);
typedef void put_fn(struct hy_buf *, const struct hy_segment_node *);

static void require(bool ok)
{
    if (!ok)
        abort();
}

/* Written and read back, it is written the same again; what is longer than a text may be is left.
 */
static void check(const struct hy_segment_node *n, read_fn *read, put_fn *put, struct hy_arena *a)
{
    struct hy_buf first = HY_BUF_INIT(1 << 24), second = HY_BUF_INIT(1 << 24);
    const struct hy_segment_node *again;
    put(&first, n);
    require(first.err == HY_OK);
    if (first.len <= HY_SEGMENT_TEXT_MAX) {
        require(read(hy_buf_str(&first), a, NULL, &again) == HY_OK);
        put(&second, again);
        require(hy_str_eq(hy_buf_str(&first), hy_buf_str(&second)));
    }
    hy_buf_free(&first);
    hy_buf_free(&second);
}

static void each(struct hy_str bytes, read_fn *read)
{
    struct hy_arena a = HY_ARENA_INIT(16 << 20);
    struct hy_diag diag = {0};
    const struct hy_segment_node *n;
    if (read(bytes, &a, &diag, &n) == HY_OK) {
        check(n, hy_segment_parse, hy_segment_put, &a);
        check(n, hy_segment_parse_json, hy_segment_put_json, &a);
    } else {
        require(diag.text[0] != '\0');
    }
    hy_arena_free(&a);
}

/* The list of faults begins with the one that reading ends with, and is empty when it is read. */
static void list_faults(struct hy_str bytes)
{
    struct hy_segment_fault f[HY_SEGMENT_FAULTS_MAX];
    struct hy_arena a = HY_ARENA_INIT(16 << 20);
    struct hy_diag diag = {0};
    const struct hy_segment_node *node;
    int err = hy_segment_parse(bytes, &a, &diag, &node);
    size_t n = hy_segment_faults(bytes, f, HY_SEGMENT_FAULTS_MAX);
    require((err == HY_OK) == (n == 0));
    require(n == 0 || strstr(diag.text, f[0].why) != NULL);
    for (size_t i = 1; i < n; i++)
        require(f[i].line > f[i - 1].line ||
                (f[i].line == f[i - 1].line && f[i].column > f[i - 1].column) || !f[i].line);
    hy_arena_free(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    each(hy_str_make(data, n), hy_segment_parse);
    each(hy_str_make(data, n), hy_segment_parse_json);
    list_faults(hy_str_make(data, n));
    return 0;
}
