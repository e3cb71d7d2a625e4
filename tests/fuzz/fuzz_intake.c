/* Any bytes as a mail that is taken in, the first line as to whom it came: no crash, and what is
 * handed to the store is within its bounds, UTF-8, and JSON where it should be. */
#include <jansson.h>
#include <stdlib.h>

#include "../../src/receive/intake.h"

static void check_item(const struct hy_returned_item *i)
{
    json_t *meta = i->meta.n ? json_loadb(i->meta.p, i->meta.n, 0, NULL) : json_object();
    if (i->kind < HY_ACTIVITY_LATE_BOUNCE || i->kind > HY_ACTIVITY_DELAY_NOTICE ||
        i->meta.n > HY_ACTIVITY_META_MAX || !hy_str_is_utf8(i->text) || !json_is_object(meta))
        abort();
    json_decref(meta);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct hy_bounce_reader *reader;
    struct hy_token_keys keys = {0};
    struct hy_str rest = hy_str_make(data, n), to;
    if (hy_token_keys_add(&keys, 0, HY_STR("0123456789abcdef")) != HY_OK ||
        (!reader && hy_bounce_reader_new(NULL, &reader) != HY_OK))
        abort();
    if (!hy_str_split(&rest, '\n', &to))
        return 0;
    struct hy_intake_addresses a = {
        .prefix = HY_STR("b"), .domain = HY_STR("b.example"), .tokens = &keys};
    (void)hy_intake_accepts(&a, to);
    struct hy_intake_mail m = {
        .content = rest, .to = {to}, .n_to = 1, .arena = HY_ARENA_INIT(INTAKE_ARENA_MAX)};
    if (intake_read(reader, &keys, &m) != HY_OK || m.job.mail.n > HY_RETURNED_ITEMS_MAX)
        abort();
    for (size_t i = 0; i < m.job.mail.n; i++)
        check_item(&m.job.mail.items[i]);
    hy_arena_free(&m.arena);
    return 0;
}
