/* Decides for each column of a file what it becomes: by explicit mapping first, then by its header,
 * and finds the one with the addresses. */
#include "columns.h"

#include <stdio.h>

#include "header.h"

enum { COLUMNS_ARENA_MAX = 8 * 1024 * 1024 };

static bool is_header(struct hy_str a, struct hy_str b)
{
    char x[HY_HEADER_MAX], y[HY_HEADER_MAX];
    if (hy_str_eq(hy_str_trim(a), hy_str_trim(b)))
        return true;
    size_t n = hy_header_fold(a, x), m = hy_header_fold(b, y);
    return n > 0 && hy_str_eq(hy_str_make(x, n), hy_str_make(y, m));
}

static int find_mapped(const struct columns *c, struct hy_str column, size_t *ret,
                       struct hy_diag *diag)
{
    uint64_t number = 0;
    for (size_t i = 0; i < c->n; i++) {
        if (is_header(c->items[i].header, column)) {
            *ret = i;
            return HY_OK;
        }
    }
    if (hy_str_to_u64(column, c->n, &number) == HY_OK && number > 0) {
        *ret = (size_t)number - 1;
        return HY_OK;
    }
    return hy_fail(diag, HY_EINVAL, "the file has no column \"%.*s\"", HY_STR_ARG(column));
}

bool hy_columns_is_id(struct hy_str attr)
{
    if (hy_str_eq(attr, HY_STR("line:")) || hy_str_eq(attr, HY_STR("phone:")))
        return true;
    struct hy_str system = hy_str_slice(attr, 4, attr.n);
    return hy_str_starts(attr, HY_STR("ext:")) && system.n && attr.n <= HY_ATTR_NAME_MAX &&
           hy_str_find(system, ':', 0) == SIZE_MAX && hy_str_find(system, ' ', 0) == SIZE_MAX;
}

static bool is_taken(const struct columns *c, struct hy_str attr)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->items[i].attr.n && hy_str_eq(c->items[i].attr, attr))
            return true;
    return false;
}

static int apply_map(struct columns *c, const struct hy_import_map *map, size_t n_map,
                     bool *is_mapped, struct hy_diag *diag)
{
    for (size_t i = 0; i < n_map; i++) {
        size_t at = 0;
        int err = find_mapped(c, map[i].column, &at, diag);
        if (err)
            return err;
        is_mapped[at] = true;
        if (hy_str_eq(map[i].attr, HY_STR("-")))
            continue;
        if (is_taken(c, map[i].attr))
            return hy_fail(diag, HY_EINVAL, "two columns are mapped to \"%.*s\"",
                           HY_STR_ARG(map[i].attr));
        c->items[at].attr = hy_arena_str(&c->arena, map[i].attr);
        if (!c->items[at].attr.p)
            return HY_ENOMEM;
        c->items[at].is_id = hy_columns_is_id(map[i].attr);
        c->has_ids |= c->items[at].is_id;
    }
    return HY_OK;
}

/* A header that says it in full needs no mapping; `line:` and `phone:` may be words of a form. */
static void find_ids(struct columns *c, bool *is_mapped)
{
    for (size_t i = 0; i < c->n; i++) {
        struct hy_import_column *item = &c->items[i];
        if (is_mapped[i] || !hy_str_starts(item->header, HY_STR("ext:")) ||
            !hy_columns_is_id(item->header) || is_taken(c, item->header))
            continue;
        item->attr = item->header;
        item->is_id = is_mapped[i] = c->has_ids = true;
    }
}

/* `name`, or name_2, name_3 ... when another column has it. */
static int set_attr(struct columns *c, size_t at, const char *name)
{
    char text[HY_ATTR_NAME_MAX + 8];
    struct hy_str attr = hy_str_of(name);
    size_t stem = attr.n;
    if (stem > HY_ATTR_NAME_MAX - 5) /* room for _1024, cut before a whole character */
        for (stem = HY_ATTR_NAME_MAX - 5; ((unsigned char)name[stem] & 0xc0) == 0x80; stem--)
            ;
    for (unsigned k = 2; is_taken(c, attr); k++) {
        int n = snprintf(text, sizeof text, "%.*s_%u", (int)stem, name, k);
        attr = hy_str_make(text, (size_t)n);
    }
    c->items[at].attr = hy_arena_str(&c->arena, attr);
    return c->items[at].attr.p ? HY_OK : HY_ENOMEM;
}

/* Exports have it: whether mail may go to somebody is known here better, and is no attribute. */
static bool is_of_export(struct hy_str header)
{
    return hy_str_eq(header, HY_STR("mail_status"));
}

static int name_rest(struct columns *c, bool has_header, const bool *is_mapped)
{
    for (size_t i = 0; i < c->n; i++) {
        char name[HY_ATTR_NAME_MAX + 8];
        if (is_mapped[i] || (has_header && is_of_export(c->items[i].header)))
            continue;
        if (has_header)
            hy_import_attr_name(c->items[i].header, name);
        else
            name[0] = 0;
        if (name[0] == 0)
            snprintf(name, sizeof name, "column_%zu", i + 1);
        int err = set_attr(c, i, name);
        if (err)
            return err;
    }
    return HY_OK;
}

static bool is_address(struct hy_str field)
{
    struct hy_address a;
    enum hy_address_reason why;
    return hy_address_parse(hy_str_trim(field), NULL, &a, &why) == HY_OK;
}

static int find_email(struct columns *c, const struct hy_csv_row *first, bool has_header,
                      const bool *is_mapped, struct hy_diag *diag)
{
    for (size_t i = 0; i < c->n; i++) {
        if (hy_str_eq(c->items[i].attr, HY_STR("email"))) {
            c->email = i;
            return HY_OK;
        }
    }
    for (size_t i = 0; i < c->n && !has_header; i++) {
        if (!is_mapped[i] && is_address(first->fields[i])) {
            c->items[i].attr = HY_STR("email");
            c->email = i;
            return HY_OK;
        }
    }
    if (c->has_ids) {
        c->email = SIZE_MAX;
        return HY_OK;
    }
    struct hy_buf names HY_CLEANUP(hy_buf_free) = HY_BUF_INIT(256);
    for (size_t i = 0; i < c->n && has_header; i++)
        hy_buf_printf(&names, "%s\"%.*s\"", i ? ", " : "", HY_STR_ARG(c->items[i].header));
    if (!has_header)
        return hy_fail(diag, HY_EINVAL, "no column holds the addresses; name it with a mapping");
    return hy_fail(diag, HY_EINVAL,
                   "no column holds the addresses; name it with a mapping; the columns are %s",
                   hy_buf_cstr(&names));
}

int hy_columns_make(struct columns *c, const struct hy_csv_row *first, bool has_header,
                    const struct hy_import_map *map, size_t n_map, struct hy_diag *diag)
{
    bool is_mapped[HY_CSV_COLUMNS_MAX] = {false};
    *c = (struct columns){.arena = HY_ARENA_INIT(COLUMNS_ARENA_MAX), .n = first->n_fields};
    c->items = hy_arena_zalloc(&c->arena, c->n * sizeof *c->items);
    int err = c->items ? HY_OK : HY_ENOMEM;
    for (size_t i = 0; i < c->n && err == HY_OK; i++) {
        if (!has_header)
            continue;
        c->items[i].header = hy_arena_str(&c->arena, hy_str_trim(first->fields[i]));
        if (!c->items[i].header.p)
            err = HY_ENOMEM;
    }
    if (err == HY_OK)
        err = apply_map(c, map, n_map, is_mapped, diag);
    if (err == HY_OK)
        find_ids(c, is_mapped);
    if (err == HY_OK)
        err = name_rest(c, has_header, is_mapped);
    if (err == HY_OK)
        err = find_email(c, first, has_header, is_mapped, diag);
    if (err)
        hy_columns_free(c);
    return err;
}

void hy_columns_free(struct columns *c)
{
    hy_arena_free(&c->arena);
    *c = (struct columns){0};
}
