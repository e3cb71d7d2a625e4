#include <criterion/criterion.h>

#include "hayauma/mail/token.h"

static const enum hy_token_kind kinds[] = {HY_TOKEN_CLICK,  HY_TOKEN_OPEN,    HY_TOKEN_UNSUBSCRIBE,
                                           HY_TOKEN_RETURN, HY_TOKEN_MESSAGE, HY_TOKEN_VISIT};
enum { KINDS = sizeof kinds / sizeof *kinds };

static bool has_link(enum hy_token_kind kind)
{
    return kind == HY_TOKEN_CLICK || kind == HY_TOKEN_VISIT;
}
static bool is_local_part(enum hy_token_kind kind)
{
    return kind == HY_TOKEN_RETURN || kind == HY_TOKEN_MESSAGE;
}

static struct hy_token_keys keys_of(const char *secret, unsigned no)
{
    struct hy_token_keys keys = {0};
    cr_assert_eq(hy_token_keys_add(&keys, no, hy_str_of(secret)), HY_OK);
    return keys;
}

static struct hy_str write(const struct hy_token_keys *keys, enum hy_token_kind kind,
                           struct hy_token t, char *out)
{
    struct hy_token_stem stem;
    hy_token_stem_init(&stem, keys, kind, t.campaign);
    return hy_str_make(out, hy_token_write(&stem, t.lead, t.link, out));
}

Test(token, comes_back_as_it_was_written)
{
    static const struct hy_token cases[] = {
        {1, 1, 0}, {0x0123456789abcdef, 127, 128}, {UINT64_MAX, UINT32_MAX, UINT32_MAX}};
    struct hy_token_keys keys = keys_of("0123456789abcdef", 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t k = 0; k < KINDS; k++) {
            char out[HY_TOKEN_TEXT_MAX];
            struct hy_str text = write(&keys, kinds[k], cases[i], out);
            cr_assert_leq(text.n, (size_t)HY_TOKEN_TEXT_MAX);
            struct hy_token got;
            cr_assert_eq(hy_token_read(&keys, kinds[k], text, &got), HY_OK);
            cr_assert_eq(got.campaign, cases[i].campaign);
            cr_assert_eq(got.lead, cases[i].lead);
            cr_assert_eq(got.link, has_link(kinds[k]) ? cases[i].link : 0);
        }
    }
}

Test(token, uses_only_characters_that_are_safe_where_it_stands)
{
    struct hy_token_keys keys = keys_of("0123456789abcdef", 15);
    for (uint32_t lead = 1; lead < 2000; lead++) {
        for (size_t k = 0; k < KINDS; k++) {
            char out[HY_TOKEN_TEXT_MAX];
            struct hy_str text = write(&keys, kinds[k], (struct hy_token){99, lead, lead}, out);
            const char *abc =
                is_local_part(kinds[k])
                    ? "abcdefghijklmnopqrstuvwxyz234567"
                    : "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
            for (size_t i = 0; i < text.n; i++)
                cr_assert(strchr(abc, text.p[i]) && text.p[i], "%.*s", HY_STR_ARG(text));
        }
    }
}

Test(token, in_a_local_part_survives_any_case)
{
    struct hy_token_keys keys = keys_of("0123456789abcdef", 3);
    char out[HY_TOKEN_TEXT_MAX];
    struct hy_str text = write(&keys, HY_TOKEN_RETURN, (struct hy_token){42, 4711, 0}, out);
    for (size_t i = 0; i < text.n; i++)
        if (out[i] >= 'a' && out[i] <= 'z')
            out[i] = (char)(out[i] - 32);
    struct hy_token got;
    cr_assert_eq(hy_token_read(&keys, HY_TOKEN_RETURN, text, &got), HY_OK);
    cr_assert_eq(got.lead, 4711);
}

Test(token, with_any_bit_changed_is_refused)
{
    struct hy_token_keys keys = keys_of("0123456789abcdef", 0);
    for (size_t k = 0; k < KINDS; k++) {
        char out[HY_TOKEN_TEXT_MAX];
        struct hy_str text = write(&keys, kinds[k], (struct hy_token){77, 300, 5}, out);
        for (size_t i = 0; i < text.n; i++) {
            for (int c = 0; c < 256; c++) {
                char was = out[i];
                bool same_letter =
                    is_local_part(kinds[k]) && hy_ascii_lower((char)c) == hy_ascii_lower(was);
                bool same_digit = (was == '-' && c == '+') || (was == '_' && c == '/');
                if ((char)c == was || same_letter || same_digit)
                    continue;
                out[i] = (char)c;
                struct hy_token got = {1, 2, 3};
                int err = hy_token_read(&keys, kinds[k], text, &got);
                cr_assert(err == HY_EPARSE || err == HY_EAUTH, "place %zu, byte %d: %d", i, c, err);
                cr_assert(got.campaign == 1 && got.lead == 2 && got.link == 3, "output touched");
                out[i] = was;
            }
        }
    }
}

Test(token, cut_or_lengthened_is_refused)
{
    struct hy_token_keys keys = keys_of("0123456789abcdef", 0);
    char out[HY_TOKEN_TEXT_MAX + 60];
    struct hy_token got;
    struct hy_str text = write(&keys, HY_TOKEN_CLICK, (struct hy_token){77, 300, 5}, out);
    for (size_t n = 0; n < text.n; n++)
        cr_assert_neq(hy_token_read(&keys, HY_TOKEN_CLICK, hy_str_make(out, n), &got), HY_OK);
    memset(out + text.n, 'A', 60);
    for (size_t n = text.n + 1; n < sizeof out; n++)
        cr_assert_neq(hy_token_read(&keys, HY_TOKEN_CLICK, hy_str_make(out, n), &got), HY_OK);
}

Test(token, of_one_kind_is_refused_as_another)
{
    struct hy_token_keys keys = keys_of("0123456789abcdef", 0);
    for (size_t a = 0; a < KINDS; a++) {
        for (size_t b = 0; b < KINDS; b++) {
            char out[HY_TOKEN_TEXT_MAX];
            struct hy_token got;
            struct hy_str text = write(&keys, kinds[a], (struct hy_token){77, 300, 5}, out);
            int err = hy_token_read(&keys, kinds[b], text, &got);
            cr_assert_eq(err == HY_OK, a == b, "%d read as %d: %d", kinds[a], kinds[b], err);
        }
    }
}

Test(token, of_an_old_key_is_good_until_the_key_goes)
{
    struct hy_token_keys keys = keys_of("0123456789abcdef", 1);
    char old[HY_TOKEN_TEXT_MAX], new[HY_TOKEN_TEXT_MAX];
    struct hy_token got;
    struct hy_str old_text = write(&keys, HY_TOKEN_OPEN, (struct hy_token){7, 8, 0}, old);
    cr_assert_eq(hy_token_keys_add(&keys, 2, HY_STR("another secret of the store")), HY_OK);
    struct hy_str new_text = write(&keys, HY_TOKEN_OPEN, (struct hy_token){7, 8, 0}, new);
    cr_assert_not(hy_str_eq(old_text, new_text));
    cr_assert_eq(hy_token_read(&keys, HY_TOKEN_OPEN, old_text, &got), HY_OK);
    cr_assert_eq(hy_token_read(&keys, HY_TOKEN_OPEN, new_text, &got), HY_OK);
    keys.present = (uint16_t)(keys.present & ~2u);
    cr_assert_eq(hy_token_read(&keys, HY_TOKEN_OPEN, old_text, &got), HY_EAUTH);
}

Test(token, of_another_store_is_refused)
{
    struct hy_token_keys mine = keys_of("0123456789abcdef", 0);
    struct hy_token_keys theirs = keys_of("0123456789abcdeg", 0);
    char out[HY_TOKEN_TEXT_MAX];
    struct hy_token got;
    struct hy_str text = write(&theirs, HY_TOKEN_UNSUBSCRIBE, (struct hy_token){7, 8, 0}, out);
    cr_assert_eq(hy_token_read(&mine, HY_TOKEN_UNSUBSCRIBE, text, &got), HY_EAUTH);
}

Test(token, keys_ask_for_a_secret_that_is_long_enough)
{
    struct hy_token_keys keys = {0};
    cr_assert_eq(hy_token_keys_add(&keys, 0, HY_STR("fifteen bytes!!")), HY_EINVAL);
    cr_assert_eq(hy_token_keys_add(&keys, 16, HY_STR("0123456789abcdef")), HY_EINVAL);
    cr_assert_eq(keys.present, 0);
}
