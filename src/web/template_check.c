/* Whether a template can be sent: compiled as a call would compile it, and thrown away. */
#include <stdlib.h>

#include "hayauma/web/template.h"
#include "hayauma/web/template_names.h"

enum { NAMES_MAX = 1 << 20 }; /* bytes of all names */

int hy_template_slot(void *ctx, struct hy_str name, uint16_t *ret, struct hy_diag *diag)
{
    struct hy_template_names *n = ctx;
    for (size_t i = 0; i < n->n; i++) {
        if (hy_str_eq(n->items[i], name)) {
            *ret = (uint16_t)i;
            return HY_OK;
        }
    }
    if (n->n == HY_TEMPLATE_VARIABLES_MAX)
        return hy_fail(diag, HY_ELIMIT, "more than %d variables", HY_TEMPLATE_VARIABLES_MAX);
    n->items[n->n] = hy_arena_str(n->arena, name);
    if (!n->items[n->n].p)
        return HY_ENOMEM;
    *ret = (uint16_t)n->n++;
    return HY_OK;
}

/* How large it is, and that there is something. */
static int check_sizes(const struct hy_stored_template *m, struct hy_diag *diag)
{
    if (!hy_template_name_is_good(m->name))
        return hy_fail(diag, HY_EINVAL,
                       "a template's name has 1 to %d letters, digits, dots, hyphens and "
                       "underscores, and begins with a letter or digit",
                       HY_TEMPLATE_NAME_MAX);
    if (!m->text.n && !m->html.n)
        return hy_fail(diag, HY_EINVAL, "a template needs a text or HTML");
    if (m->subject.n > HY_TEMPLATE_SUBJECT_MAX)
        return hy_fail(diag, HY_ELIMIT, "a subject has at most %d bytes", HY_TEMPLATE_SUBJECT_MAX);
    if (m->text.n > HY_TEMPLATE_TEXT_MAX || m->html.n > HY_TEMPLATE_TEXT_MAX)
        return hy_fail(diag, HY_ELIMIT, "text and HTML of a template have at most %d bytes each",
                       HY_TEMPLATE_TEXT_MAX);
    return HY_OK;
}

int hy_template_check(const struct hy_stored_template *m, struct hy_diag *diag)
{
    struct hy_arena arena = HY_ARENA_INIT(NAMES_MAX);
    struct hy_template_names *names = calloc(1, sizeof *names);
    struct hy_token_keys keys = {0};
    struct hy_message *compiled = NULL;
    const struct hy_message_source source = {
        .from_address = HY_STR("check@example.org"),
        .to_name = HY_STR("{{name}}"),
        .subject = m->subject,
        .html = {m->html, HY_STR("html")},
        .text = {m->text, HY_STR("text")},
    };
    struct hy_message_options o = {
        .slot = hy_template_slot,
        .slot_ctx = names,
        .keys = &keys,
        .campaign = 1,
        .return_domain = HY_STR("example.org"),
        .message_id_domain = HY_STR("example.org"),
        .max_bytes = 2 * HY_TEMPLATE_BYTES_MAX,
    };
    int err = names ? check_sizes(m, diag) : HY_ENOMEM;
    if (err == HY_OK) {
        names->arena = &arena;
        err = hy_token_keys_add(&keys, 0, HY_STR("0123456789abcdef0123456789abcdef"));
    }
    if (err == HY_OK)
        err = hy_message_compile(&source, &o, diag, &compiled);
    hy_message_free(compiled);
    hy_arena_free(&arena);
    free(names);
    return err;
}
