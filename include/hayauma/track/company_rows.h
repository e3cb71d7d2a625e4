/* Companies in a file (CSV or TSV): a line for each, what is no field is an attribute. Pure. */
#pragma once
#include "hayauma/audience/sheet.h"
#include "hayauma/base/arena.h"

enum hy_company_field {
    HY_COMPANY_FIELD_NAME,
    HY_COMPANY_FIELD_ALIASES,
    HY_COMPANY_FIELD_DOMAINS,
    HY_COMPANY_FIELD_IDS,
    HY_COMPANY_FIELDS,
};
/* Their names, and the usual headers of files. */
extern const struct hy_sheet_field hy_company_fields[HY_COMPANY_FIELDS];

enum { HY_COMPANY_ROW_MAX = 64 }; /* further names, domains and ids together; attributes */

struct hy_company_row {
    uint64_t line;
    struct hy_str column, reason, value; /* at fault, when `reason` is not empty */
    struct hy_str name;
    struct hy_company_row_part {
        enum hy_company_field field;
        struct hy_str text;
    } parts[HY_COMPANY_ROW_MAX];
    struct hy_company_row_attr {
        struct hy_str name, value; /* never empty: an empty cell says nothing */
        size_t column;
    } attrs[HY_COMPANY_ROW_MAX];
    size_t n_parts, n_attrs;
};
/* What a row of a sheet that keeps the rest says; names of attributes and columns are views of the
 * sheet, other strings the arena's. `system` is put before ids that do not say whose they are:
 * "crm" makes 7 crm:7; empty: nothing is. HY_ENOMEM. */
HY_MUST_USE int hy_company_row_read(const struct hy_sheet *sheet, const struct hy_sheet_row *from,
                                    struct hy_str system, struct hy_arena *arena,
                                    struct hy_company_row *ret);

/* Several texts in one cell: with ; between them, and \ before a ; or \ of their own. Puts one
 * more behind those that are there. */
void hy_company_cell_add(struct hy_buf *cell, struct hy_str text);
/* The head of a column that is read as the attribute of that name again. */
void hy_company_attr_head(struct hy_str name, struct hy_buf *head);
