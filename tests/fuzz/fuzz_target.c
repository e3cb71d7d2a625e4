/* Any bytes as a link, with a parameter that is added to it: what goes into a Location field has no
 * byte that ends it, nothing is lost, and no parameter makes another site of it. */
#include <stdlib.h>

#include "hayauma/track/target.h"

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void check_field(struct hy_str url)
{
    for (size_t i = 0; i < url.n; i++)
        must(url.p[i] > ' ' && url.p[i] < 0x7f && url.p[i] != '"' && url.p[i] != '<' &&
             url.p[i] != '>' && url.p[i] != '\\');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const struct hy_str sites[] = {{"www.example.jp", 14}, {"*.example.com", 13}};
    enum { SITES = sizeof sites / sizeof *sites };
    if (n < 1 || n > 4096)
        return 0;
    size_t cut = data[0] < n ? data[0] : n - 1;
    struct hy_str value = hy_str_make(data + 1, cut),
                  url = hy_str_make(data + 1 + cut, n - 1 - cut);
    struct hy_str before, fragment;
    struct hy_buf out = HY_BUF_INIT(1 << 16), again = HY_BUF_INIT(1 << 16);

    hy_target_put(&out, url);
    check_field(hy_buf_str(&out));
    hy_target_put(&again, hy_buf_str(&out));
    must(hy_str_eq(hy_buf_str(&out), hy_buf_str(&again))); /* once encoded, it stays */

    hy_target_split(hy_buf_str(&again), &before, &fragment);
    must(before.n + fragment.n == again.len && (!fragment.n || fragment.p[0] == '#'));
    must(hy_str_find(before, '#', 0) == SIZE_MAX);
    bool is_site = hy_target_is_site(before, sites, SITES);
    out.len = 0;
    hy_buf_add_str(&out, before);
    hy_target_add(&out, 0, HY_STR("hy"), value);
    hy_target_add_utm(&out, 0, &(struct hy_utm){.source = value, .content = HY_STR("x")});
    must(!out.err && hy_str_starts(hy_buf_str(&out), before));
    check_field(hy_buf_str(&out));
    must(hy_target_is_site(hy_buf_str(&out), sites, SITES) == is_site);
    size_t len = out.len;
    hy_target_add(&out, 0, HY_STR("utm_content"), HY_STR("y")); /* it is there */
    must(out.len == len);
    (void)hy_target_is_site(url, sites, SITES);
    hy_buf_free(&out);
    hy_buf_free(&again);
    return 0;
}
