/* What lines of a file say of companies. */
#include "hayauma/track/company_rows.h"

#include <string.h>

const struct hy_sheet_field hy_company_fields[HY_COMPANY_FIELDS] = {
    [HY_COMPANY_FIELD_NAME] = {"name", "name company companyname account accountname 会社名 企業名 "
                                       "法人名 取引先名 顧客企業名 名称"},
    [HY_COMPANY_FIELD_ALIASES] = {"aliases", "aliases alias othernames 別名 略称 旧社名"},
    [HY_COMPANY_FIELD_DOMAINS] = {"domains", "domains domain companydomain companydomainname "
                                             "ドメイン ドメイン名"},
    [HY_COMPANY_FIELD_IDS] = {"ids", "ids id externalid companyid accountid 会社id 企業id 取引先id "
                                     "顧客番号 法人番号"},
};

static int blame(struct hy_company_row *x, struct hy_arena *arena, struct hy_str column,
                 const char *reason, struct hy_str value)
{
    char shown[HY_SHEET_SHOWN_MAX];
    x->column = column;
    x->reason = hy_str_of(reason);
    x->value = hy_arena_str(arena, hy_sheet_shown(value, shown));
    return x->value.p ? HY_OK : HY_ENOMEM;
}

/* The next text of a cell, without the \ that are not its own; false: there is none. */
static bool next_text(struct hy_str *rest, char *out, struct hy_str *ret)
{
    size_t i = 0, n = 0;
    while (i < rest->n && rest->p[i] != ';') {
        if (rest->p[i] == '\\' && i + 1 < rest->n &&
            (rest->p[i + 1] == ';' || rest->p[i + 1] == '\\'))
            i++;
        out[n++] = rest->p[i++];
    }
    bool has = rest->n > 0;
    *rest = hy_str_slice(*rest, i + (i < rest->n), rest->n);
    *ret = hy_str_trim(hy_str_make(out, n));
    return has;
}

/* An id says whose it is: "crm:7"; NULL text: out of memory. */
static struct hy_str id_text(struct hy_arena *arena, struct hy_str system, struct hy_str text)
{
    struct hy_buf b HY_CLEANUP(hy_buf_free) = HY_BUF_INIT(HY_SHEET_VALUE_MAX + 64);
    if (system.n && hy_str_find(text, ':', 0) == SIZE_MAX) {
        hy_buf_add_str(&b, system);
        hy_buf_add_c(&b, ':');
    }
    hy_buf_add_str(&b, text);
    return b.err ? (struct hy_str){0} : hy_arena_str(arena, hy_buf_str(&b));
}

static int take_texts(struct hy_company_row *x, const struct hy_sheet *sheet, struct hy_str system,
                      struct hy_arena *arena, enum hy_company_field field, struct hy_str cell)
{
    char room[HY_SHEET_VALUE_MAX];
    struct hy_str rest = cell, text;
    while (next_text(&rest, room, &text)) {
        if (text.n == 0)
            continue;
        if (x->n_parts == HY_COMPANY_ROW_MAX)
            return blame(x, arena, hy_sheet_column(sheet, field),
                         "more than 64 further names, domains and ids", cell);
        text = id_text(arena, field == HY_COMPANY_FIELD_IDS ? system : HY_STR(""), text);
        if (!text.p)
            return HY_ENOMEM;
        x->parts[x->n_parts++] = (struct hy_company_row_part){field, text};
    }
    return HY_OK;
}

static int take_attrs(struct hy_company_row *x, const struct hy_sheet *sheet,
                      const struct hy_sheet_row *from, struct hy_arena *arena)
{
    const struct hy_sheet_head *heads;
    size_t n = hy_sheet_heads(sheet, &heads);
    for (size_t i = 0; i < n && !x->reason.n; i++) {
        struct hy_str value = from->rest[i];
        if (value.n == 0)
            continue;
        if (x->n_attrs == HY_COMPANY_ROW_MAX)
            return blame(x, arena, heads[i].head, "more than 64 attributes", value);
        value = hy_arena_str(arena, value);
        if (!value.p)
            return HY_ENOMEM;
        x->attrs[x->n_attrs++] = (struct hy_company_row_attr){hy_str_of(heads[i].field), value, i};
    }
    return HY_OK;
}

int hy_company_row_read(const struct hy_sheet *sheet, const struct hy_sheet_row *from,
                        struct hy_str system, struct hy_arena *arena, struct hy_company_row *ret)
{
    *ret = (struct hy_company_row){.line = from->line};
    if (from->reason.n) {
        ret->column = hy_arena_str(arena, from->column);
        ret->reason = hy_arena_str(arena, from->reason);
        ret->value = hy_arena_str(arena, from->value);
        return ret->column.p && ret->reason.p && ret->value.p ? HY_OK : HY_ENOMEM;
    }
    ret->name = hy_arena_str(arena, from->values[HY_COMPANY_FIELD_NAME]);
    int err = ret->name.p ? HY_OK : HY_ENOMEM;
    for (int f = HY_COMPANY_FIELD_ALIASES; f < HY_COMPANY_FIELDS && !err && !ret->reason.n; f++)
        err = take_texts(ret, sheet, system, arena, (enum hy_company_field)f, from->values[f]);
    if (!err && !ret->reason.n)
        err = take_attrs(ret, sheet, from, arena);
    if (!err && !ret->reason.n && ret->name.n == 0 && ret->n_parts == 0)
        err = blame(ret, arena, hy_sheet_column(sheet, HY_COMPANY_FIELD_NAME),
                    "there is no name, domain or id", HY_STR(""));
    return err;
}

void hy_company_cell_add(struct hy_buf *cell, struct hy_str text)
{
    if (cell->len)
        hy_buf_add_c(cell, ';');
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == ';' || text.p[i] == '\\')
            hy_buf_add_c(cell, '\\');
        hy_buf_add_c(cell, text.p[i]);
    }
}

void hy_company_attr_head(struct hy_str name, struct hy_buf *head)
{
    char again[HY_ATTR_NAME_MAX + 8];
    hy_import_attr_name(name, again);
    if (!hy_str_eq(hy_str_of(again), name) ||
        hy_sheet_is_head(hy_company_fields, HY_COMPANY_FIELDS, name))
        hy_buf_add_lit(head, HY_SHEET_REST);
    hy_buf_add_str(head, name);
}
