/* The values a template sees: of slots, of the system, and of the items of loops. */
#include "value.h"
#include "json.h"

static struct hy_str made_url(struct hy_scope *s, enum hy_token_kind kind, struct hy_str path)
{
    const struct hy_message *m = s->m;
    char token[HY_TOKEN_TEXT_MAX];
    size_t start = s->scratch->len;
    if (m->base_url.n == 0)
        return (struct hy_str){0};
    hy_buf_add_str(s->scratch, m->base_url);
    hy_buf_add_str(s->scratch, path);
    hy_buf_add(s->scratch, token, hy_token_write(&m->stems[kind], s->in->lead, 0, token));
    return s->scratch->err ? (struct hy_str){0}
                           : hy_str_make(s->scratch->data + start, s->scratch->len - start);
}

static struct hy_str unsubscribe_url(struct hy_scope *s)
{
    const struct hy_message *m = s->m;
    if (m->base_url.n || m->unsubscribe_mailto.n == 0)
        return made_url(s, HY_TOKEN_UNSUBSCRIBE, HY_STR(HY_PATH_UNSUBSCRIBE));
    char token[HY_TOKEN_TEXT_MAX];
    size_t start = s->scratch->len;
    size_t n = hy_token_write(&m->stems[HY_TOKEN_UNSUBSCRIBE], s->in->lead, 0, token);
    hy_buf_printf(s->scratch, "mailto:%.*s?subject=unsubscribe%%20%.*s",
                  HY_STR_ARG(m->unsubscribe_mailto), (int)n, token);
    return s->scratch->err ? (struct hy_str){0}
                           : hy_str_make(s->scratch->data + start, s->scratch->len - start);
}

static struct hy_str system_value(struct hy_scope *s, unsigned which)
{
    switch (which) {
    case HY_SYSTEM_EMAIL:
        return s->in->address;
    case HY_SYSTEM_CAMPAIGN:
        return hy_str_of(s->m->campaign_text);
    case HY_SYSTEM_UNSUBSCRIBE_URL:
        return unsubscribe_url(s);
    case HY_SYSTEM_VIEW_URL:
        return made_url(s, HY_TOKEN_OPEN, HY_STR(HY_PATH_VIEW));
    default:
        return (struct hy_str){0};
    }
}

/* "." is the innermost item; a field is looked for in it, then in the items around it. */
static struct hy_value find_item(struct hy_scope *s, struct hy_str field)
{
    if (field.n == 0)
        return s->n_frames ? s->frames[s->n_frames - 1].item : (struct hy_value){0};
    for (size_t i = s->n_frames; i-- > 0;) {
        struct hy_value found = {.is_json = true};
        if (s->frames[i].is_object &&
            hy_json_member(s->frames[i].item.text, field, s->scratch, &found.text))
            return found;
    }
    return (struct hy_value){0};
}

static struct hy_value slot_value(struct hy_scope *s, uint16_t slot)
{
    return (struct hy_value){.text =
                                 slot < s->in->n_slots ? s->in->slots[slot] : (struct hy_str){0}};
}

struct hy_value hy_scope_find(struct hy_scope *s, const struct hy_ref *ref)
{
    struct hy_value found;
    switch (ref->kind) {
    case HY_REF_EITHER:
        found = find_item(s, ref->field);
        return found.text.n ? found : slot_value(s, ref->slot);
    case HY_REF_SLOT:
        return slot_value(s, ref->slot);
    case HY_REF_SYSTEM:
        return (struct hy_value){.text = system_value(s, ref->slot)};
    case HY_REF_ITEM:
        return find_item(s, ref->field);
    }
    return (struct hy_value){0};
}

struct hy_str hy_value_text(struct hy_scope *s, struct hy_value value)
{
    if (!value.is_json)
        return value.text;
    if (hy_json_kind(value.text) == HY_JSON_NULL)
        return (struct hy_str){0};
    return hy_json_text(value.text, s->scratch);
}

bool hy_value_is_list(struct hy_value value)
{
    if (value.is_json)
        return hy_json_kind(value.text) == HY_JSON_ARRAY;
    struct hy_str text = hy_str_trim(value.text);
    return text.n >= 2 && text.p[0] == '[' && hy_json_check(text) == HY_JSON_ARRAY;
}

static bool is_object(struct hy_value value)
{
    if (value.is_json)
        return hy_json_kind(value.text) == HY_JSON_OBJECT;
    struct hy_str text = hy_str_trim(value.text);
    return text.n >= 2 && text.p[0] == '{' && hy_json_check(text) == HY_JSON_OBJECT;
}

static bool is_empty_bracket(struct hy_str text, char open, char close)
{
    return text.n >= 2 && text.p[0] == open && text.p[text.n - 1] == close &&
           hy_str_trim(hy_str_slice(text, 1, text.n - 1)).n == 0;
}

bool hy_value_is_true(struct hy_scope *s, struct hy_value value)
{
    struct hy_str text = hy_str_trim(hy_value_text(s, value));
    return text.n > 0 && !hy_str_eq(text, HY_STR("0")) && !hy_str_ieq(text, HY_STR("false")) &&
           !hy_str_ieq(text, HY_STR("no")) && !hy_str_ieq(text, HY_STR("null")) &&
           !is_empty_bracket(text, '[', ']') && !is_empty_bracket(text, '{', '}');
}

void hy_scope_push(struct hy_scope *s, struct hy_value item)
{
    struct hy_frame frame = {.item = item, .is_object = is_object(item)};
    s->frames[s->n_frames++] = frame;
}

void hy_scope_pop(struct hy_scope *s)
{
    s->n_frames--;
}
