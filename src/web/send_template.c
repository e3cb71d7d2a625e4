/* A template and the variables of each recipient: compiled once, rendered for each. */
#include <stdio.h>
#include <stdlib.h>

#include "hayauma/base/rand.h"
#include "hayauma/mail/address.h"
#include "hayauma/web/template_names.h"
#include "send.h"

/* "order.total" is the member of a member, unless there is one of that very name. */
static json_t *look_up(json_t *variables, struct hy_str name)
{
    char key[HY_ATTR_NAME_MAX + 1];
    if (!variables || name.n > HY_ATTR_NAME_MAX)
        return NULL;
    snprintf(key, sizeof key, "%.*s", HY_STR_ARG(name));
    json_t *found = json_object_get(variables, key);
    for (char *dot = strchr(key, '.'); dot && !found; dot = NULL) {
        *dot = '\0';
        json_t *outer = json_object_get(variables, key);
        found = json_is_object(outer) ? look_up(outer, hy_str_of(dot + 1)) : NULL;
    }
    return found;
}

/* Its text: of strings the contents, of lists and objects JSON, which sections walk. */
static int text_of(struct send *s, const json_t *value, struct hy_str *ret)
{
    *ret = (struct hy_str){0};
    if (!value || json_is_null(value) || json_is_false(value))
        return HY_OK;
    if (json_is_string(value)) {
        *ret = hy_str_make(json_string_value(value), json_string_length(value));
        return HY_OK;
    }
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    *ret = text ? hy_arena_str(&s->call->arena, hy_str_of(text)) : (struct hy_str){0};
    free(text);
    return ret->p ? HY_OK : send_fail_err(s, HY_ENOMEM);
}

static int fill_slots(struct send *s, const struct hy_template_names *names,
                      const struct send_rcpt *r, struct hy_str *slots)
{
    int err = HY_OK;
    for (size_t i = 0; i < names->n && err == HY_OK; i++) {
        json_t *value = look_up(r->variables, names->items[i]);
        if (!value)
            value = look_up(s->variables, names->items[i]);
        err = text_of(s, value, &slots[i]);
        if (!value && hy_str_eq(names->items[i], HY_STR("name")))
            slots[i] = r->name;
    }
    return err;
}

static int compile(struct send *s, struct hy_template_names *names)
{
    struct web_call *c = s->call;
    struct hy_diag diag = {""};
    struct hy_token_keys keys = {0};
    uint8_t secret[32];
    struct hy_message_source source = {
        .from_address = s->from.address,
        .from_name = s->from.name,
        .to_name = HY_STR("{{name}}"),
        .reply_to = s->reply_to.address,
        .subject = s->subject,
        .html = {s->html, HY_STR("template.html")},
        .text = {s->text, HY_STR("template.text")},
        .headers = s->headers,
        .n_headers = s->n_headers,
        .images = s->files,
        .n_images = s->n_images,
        .attachments = send_attachments(s),
        .n_attachments = s->n_files - s->n_images,
    };
    struct hy_message_options o = {
        .slot = hy_template_slot,
        .slot_ctx = names,
        .keys = &keys,
        .return_domain = web_host(c),
        .message_id_domain = web_host(c),
        .utc_offset_min = c->policy->utc_offset_min,
        .max_bytes = c->policy->message_max,
    };
    uint64_t unique[2];
    int err = web_unique(c, unique);
    if (err == HY_OK) /* Message-IDs are this call's, and a recipient's number */
        err = hy_rand_bytes(secret, sizeof secret);
    if (err == HY_OK)
        err = hy_rand_bytes(o.seed, sizeof o.seed);
    if (err == HY_OK)
        err = hy_token_keys_add(&keys, 0, hy_str_make(secret, sizeof secret));
    if (err != HY_OK)
        return send_fail_err(s, err);
    o.campaign = unique[0] ? unique[0] : 1;
    err = hy_message_compile(&source, &o, &diag, &s->template);
    if (err == HY_EINVAL || err == HY_ELIMIT || err == HY_EUNSUPPORTED)
        return send_fail(s, 422, "invalid_template", "template", "%.390s", diag.text);
    return err == HY_OK ? err : send_fail_err(s, err);
}

static int render(struct send *s, const struct hy_template_names *names, struct send_rcpt *r,
                  size_t i, struct hy_str *slots)
{
    struct hy_rendered *out = &s->rendered;
    char field[64];
    int err = fill_slots(s, names, r, slots);
    if (err != HY_OK)
        return err;
    struct hy_render_input in = {.slots = slots,
                                 .n_slots = names->n,
                                 .address = r->wire,
                                 .lead = (hy_lead_no)(i + 1),
                                 .now = s->send_at > s->now ? s->send_at : s->now};
    err = hy_message_render(s->template, &in, out);
    if (err == HY_EINVAL || err == HY_EUNSUPPORTED)
        return send_fail(s, 422, "invalid_variables", send_rcpt_field(r, field),
                         "A value, or the address, cannot stand in the message.");
    if (err == HY_ELIMIT)
        return send_fail(s, 413, "too_large", send_rcpt_field(r, field),
                         "The message for this recipient is too large.");
    struct hy_str id = hy_arena_str(&s->call->arena, hy_str_of(out->message_id));
    if (err != HY_OK || !id.p)
        return send_fail_err(s, HY_ENOMEM);
    uint8_t flags = (uint8_t)((out->needs_8bitmime || out->needs_smtputf8 ? HY_SPOOL_8BIT : 0) |
                              (out->needs_smtputf8 ? HY_SPOOL_UTF8 : 0) |
                              (out->has_no_dot_line ? HY_SPOOL_NO_DOTS : 0));
    return send_add_message(s, hy_buf_str(&out->bytes), false, (uint32_t)out->header_bytes, flags,
                            hy_wire_domain(s->from.address), id, &r, 1);
}

int send_make_rendered(struct send *s)
{
    struct hy_template_names *names = hy_arena_zalloc(&s->call->arena, sizeof *names);
    struct hy_str *slots =
        hy_arena_zalloc(&s->call->arena, HY_TEMPLATE_VARIABLES_MAX * sizeof *slots);
    if (!names || !slots)
        return send_fail_err(s, HY_ENOMEM);
    names->arena = &s->call->arena;
    hy_rendered_init(&s->rendered);
    int err = compile(s, names);
    for (size_t i = 0; i < s->n_rcpts && err == HY_OK; i++)
        if (!s->rcpts[i].code)
            err = render(s, names, &s->rcpts[i], i, slots);
    return err;
}
