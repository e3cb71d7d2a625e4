/* A message for tests: compile from a few strings, render for a made-up lead, take it apart again.
 */
#include "letter.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "hayauma/base/codec.h"

static int find_slot(void *ctx, struct hy_str name, uint16_t *ret_slot, struct hy_diag *diag)
{
    struct letter *l = ctx;
    (void)diag;
    if (l->unknown && hy_str_eq(name, hy_str_of(l->unknown)))
        return HY_ENOTFOUND;
    for (size_t i = 0; i < l->n_names; i++) {
        if (hy_str_eq(name, hy_str_of(l->names[i]))) {
            *ret_slot = (uint16_t)i;
            return 0;
        }
    }
    if (l->n_names == LETTER_SLOTS)
        return HY_ELIMIT;
    snprintf(l->names[l->n_names], sizeof l->names[0], "%.*s", HY_STR_ARG(name));
    *ret_slot = (uint16_t)l->n_names++;
    return 0;
}

void letter_init(struct letter *l)
{
    *l = (struct letter){0};
    cr_assert_eq(hy_token_keys_add(&l->keys, 0, HY_STR("a secret of 32 bytes for testing")), 0);
    l->source = (struct hy_message_source){.from_address = HY_STR("news@example.jp"),
                                           .subject = HY_STR("Hello"),
                                           .html.name = HY_STR("a.html"),
                                           .text.name = HY_STR("a.txt")};
    l->options = (struct hy_message_options){
        .slot = find_slot,
        .slot_ctx = l,
        .campaign = 0x123456789ab,
        .keys = &l->keys,
        .flags = HY_MESSAGE_CLICKS | HY_MESSAGE_TEXT_CLICKS | HY_MESSAGE_BEACON |
                 HY_MESSAGE_UNSUBSCRIBE | HY_MESSAGE_BULK,
        .base_url = HY_STR("https://t.example.jp"),
        .return_domain = HY_STR("b.example.jp"),
        .return_prefix = HY_STR("b"),
        .message_id_domain = HY_STR("example.jp"),
        .unsubscribe_mailto = HY_STR("leave@example.jp"),
        .utc_offset_min = 540,
        .seed = "sixteen bytes...",
    };
    l->in = (struct hy_render_input){
        .address = HY_STR("taro@example.com"), .lead = 77, .now = 1795314420123};
    hy_rendered_init(&l->out);
}

int letter_compile(struct letter *l)
{
    hy_message_free(l->m);
    l->m = NULL;
    l->diag.text[0] = '\0';
    return hy_message_compile(&l->source, &l->options, &l->diag, &l->m);
}

static void fill(struct letter *l, const struct letter_value *values)
{
    memset(l->slots, 0, sizeof l->slots);
    for (; values && values->name; values++)
        for (size_t i = 0; i < l->n_names; i++)
            if (strcmp(l->names[i], values->name) == 0)
                l->slots[i] = values->value;
    l->in.slots = l->slots;
    l->in.n_slots = l->n_names;
}

int letter_render(struct letter *l, const struct letter_value *values)
{
    fill(l, values);
    return hy_message_render(l->m, &l->in, &l->out);
}

int letter_part(struct letter *l, const struct letter_value *values, enum hy_message_part part,
                struct hy_buf *out)
{
    fill(l, values);
    return hy_message_render_part(l->m, part, &l->in, out);
}

void letter_free(struct letter *l)
{
    hy_message_free(l->m);
    hy_rendered_free(&l->out);
}

static void decode_qp(struct hy_str s, struct hy_buf *out)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '=') {
            hy_buf_add_c(out, s.p[i]);
            continue;
        }
        if (i + 2 < s.n && s.p[i + 1] == '\r') {
            i += 2;
            continue;
        }
        uint8_t byte = 0;
        size_t n = 0;
        char lower[2] = {hy_ascii_lower(s.p[i + 1]), hy_ascii_lower(s.p[i + 2])};
        cr_assert_eq(hy_hex_decode(hy_str_make(lower, 2), &byte, &n), 0, "no hex behind =");
        hy_buf_add_c(out, (char)byte);
        i += 2;
    }
}

static void decode_base64(struct hy_str s, struct hy_buf *out)
{
    struct hy_buf packed = HY_BUF_INIT(1 << 24);
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != '\r' && s.p[i] != '\n')
            hy_buf_add_c(&packed, s.p[i]);
    size_t n = 0;
    cr_assert_eq(hy_buf_reserve(out, packed.len + 3), 0);
    cr_assert_eq(hy_base64_decode(hy_buf_str(&packed), out->data + out->len, &n), 0);
    out->len += n;
    hy_buf_free(&packed);
}

void letter_decode(struct hy_str body, enum hy_transfer transfer, struct hy_buf *out)
{
    if (transfer == HY_TRANSFER_QP)
        decode_qp(body, out);
    else if (transfer == HY_TRANSFER_BASE64)
        decode_base64(body, out);
    else
        hy_buf_add_str(out, body);
}

struct hy_str letter_entity(const struct letter *l, const char *type)
{
    char field[64];
    snprintf(field, sizeof field, "Content-Type: %s", type);
    struct hy_str all = hy_buf_str(&l->out.bytes);
    size_t at = hy_str_find_str(all, hy_str_of(field), 0);
    cr_assert_neq(at, SIZE_MAX, "no %s", type);
    size_t begin = hy_str_find_str(all, HY_STR("\r\n\r\n"), at) + 4;
    char delimiter[64];
    size_t boundary = hy_str_find_str(all, HY_STR("boundary=\""), 0) + 10;
    snprintf(delimiter, sizeof delimiter, "\r\n--%.30s", all.p + boundary);
    return hy_str_slice(all, begin, hy_str_find_str(all, hy_str_of(delimiter), begin));
}
