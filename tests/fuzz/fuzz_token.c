/* Any text as a token: it is refused, since nobody here has the key; and any numbers as a token
 * that is written, read back, and refused when one bit is turned. */
#include "hayauma/base/bytes.h"
#include "hayauma/mail/token.h"

#include <stdlib.h>

static void require(bool ok)
{
    if (!ok)
        abort();
}

static void go_round(const struct hy_token_keys *keys, enum hy_token_kind kind, const uint8_t *p)
{
    char text[HY_TOKEN_TEXT_MAX];
    struct hy_token_stem stem;
    struct hy_token got;
    const hy_id campaign = hy_get_be64(p);
    const uint32_t lead = hy_get_be32(p + 8), link = hy_get_be32(p + 12);
    hy_token_stem_init(&stem, keys, kind, campaign);
    size_t n = hy_token_write(&stem, lead, link, text);
    require(n <= sizeof text);
    require(hy_token_read(keys, kind, hy_str_make(text, n), &got) == HY_OK);
    require(got.campaign == campaign && got.lead == lead);
    require(got.link == (kind == HY_TOKEN_CLICK || kind == HY_TOKEN_VISIT ? link : 0));
    text[p[0] % n] ^= 1; /* the other case is bit 5; +- and /_ differ in more than bit 0 */
    require(hy_token_read(keys, kind, hy_str_make(text, n), &got) != HY_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hy_token_keys keys = {0};
    struct hy_token got;
    if (size == 0 || hy_token_keys_add(&keys, 0, HY_STR("a secret for fuzzing")) != HY_OK)
        return 0;
    const enum hy_token_kind kind = (enum hy_token_kind)(1 + data[0] % HY_TOKEN_VISIT);
    require(hy_token_read(&keys, kind, hy_str_make(data + 1, size - 1), &got) != HY_OK);
    if (size >= 17)
        go_round(&keys, kind, data + 1);
    return 0;
}
