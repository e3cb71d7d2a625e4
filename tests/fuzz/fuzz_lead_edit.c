/* Any bytes as an edit of a lead: what is read has no more than an edit may, and its values and ids
 * are read to a form that is read to itself. */
#include <stdlib.h>

#include "hayauma/model/attr_type.h"
#include "hayauma/web/leads.h"

static void require(bool ok)
{
    if (!ok)
        abort();
}

static void check_value(struct hy_str value)
{
    for (int t = 0; t < HY_ATTR_TYPES; t++) {
        char room[HY_ATTR_TYPED_MAX], again[HY_ATTR_TYPED_MAX];
        struct hy_str once, twice;
        enum hy_attr_type type = (enum hy_attr_type)t;
        if (hy_attr_type_read(type, value, room, &once) != HY_OK)
            continue;
        require(hy_attr_type_read(type, once, again, &twice) == HY_OK);
        require(hy_str_eq(once, twice));
    }
}

static void check_identity(const struct hy_identity *i)
{
    char room[HY_IDENTITY_MAX], again[HY_IDENTITY_MAX], text[HY_IDENTITY_TEXT_MAX];
    struct hy_identity once = {.kind = i->kind}, twice = once;
    struct hy_diag diag = {""};
    if (hy_identity_read(i->kind, i->value, room, &once.value, &diag) != HY_OK)
        return;
    require(once.value.n > 0 && once.value.n <= HY_IDENTITY_MAX);
    require(hy_identity_read(once.kind, once.value, again, &twice.value, NULL) == HY_OK);
    require(hy_str_eq(once.value, twice.value));
    (void)hy_identity_text(&once, text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hy_arena arena = HY_ARENA_INIT(16 << 20);
    struct hy_diag diag = {""};
    struct hy_lead_edit e;
    char field[64];
    json_t *body = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
    int err = body ? hy_lead_edit_read(body, &arena, &e, field, &diag) : HY_EPARSE;
    require(memchr(field, 0, sizeof field) || !body);
    if (!err) {
        require(e.n_attrs <= HY_LEAD_EDIT_MAX && e.n_labels <= HY_LEAD_EDIT_MAX);
        require(e.n_identities <= HY_LEAD_EDIT_IDS_MAX && e.n_lists <= HY_LEAD_EDIT_MAX);
        for (size_t i = 0; i < e.n_attrs; i++)
            check_value(e.attrs[i].value);
        for (size_t i = 0; i < e.n_identities; i++)
            check_identity(&e.identities[i].identity);
    }
    json_decref(body);
    hy_arena_free(&arena);
    return 0;
}
