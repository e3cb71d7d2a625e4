/* Files (CSV or TSV, any charset that lists of leads may have) whose columns are known fields under
 * the names that shops and spreadsheets give them: bytes in, rows of values out. Pure. */
#pragma once
#include "hayauma/audience/charset.h"
#include "hayauma/audience/csv.h"
#include "hayauma/audience/import.h"

enum { HY_SHEET_FIELDS_MAX = 32, HY_SHEET_VALUE_MAX = 4096 };

struct hy_sheet_field {
    const char *name; /* as people map it: "order" */
    /* Headers that mean it, the surest first, folded (letters and digits in lower case), with
     * blanks between; "a&b": a, when the file has a column b as well. */
    const char *heads;
};

struct hy_sheet_options {
    enum hy_charset charset;
    const struct hy_sheet_field *fields; /* must outlive the sheet */
    size_t n_fields;                     /* at most HY_SHEET_FIELDS_MAX */
    const struct hy_import_map *map;     /* copied; "-" leaves a column out */
    size_t n_map;
    /* Columns that are no field are kept as well, under the name that they are mapped to, or that
     * hy_import_attr_name gives them; "attribute:NAME" above one says it in full. */
    bool keeps_rest;
};
#define HY_SHEET_REST "attribute:"

struct hy_sheet;
/* HY_ENOMEM, HY_EUNSUPPORTED; HY_EINVAL with a note: a mapping to what is no field. */
HY_MUST_USE int hy_sheet_new(const struct hy_sheet_options *o, struct hy_sheet **ret,
                             struct hy_diag *diag);
void hy_sheet_free(struct hy_sheet *s);
/* The next bytes of the file, any number; hy_sheet_end when there are no more. HY_ENOMEM. */
HY_MUST_USE int hy_sheet_feed(struct hy_sheet *s, struct hy_str bytes);
HY_MUST_USE int hy_sheet_end(struct hy_sheet *s);

/* One row. Views live until the next call. */
struct hy_sheet_row {
    uint64_t line; /* physical line where it starts, from 1 */
    /* at fault, when `reason` is not empty: */
    struct hy_str column; /* empty: the whole row */
    struct hy_str reason;
    struct hy_str value;
    /* By field: trimmed, valid UTF-8, without what an export put before formulas; empty: not said.
     * At fault: what could be read. */
    struct hy_str values[HY_SHEET_FIELDS_MAX];
    const struct hy_str *cells; /* all of them, by column of the file */
    const struct hy_str *rest;  /* kept columns that are no field, as values are, by column */
    size_t n_cells;
};
/* HY_EMORE: feed more, or after the end it is done. HY_EINVAL with a note: the first line makes no
 * sense, or a mapped column is missing. */
HY_MUST_USE int hy_sheet_next(struct hy_sheet *s, struct hy_sheet_row *ret, struct hy_diag *diag);
/* Whether the file has a column of that field, once a row was returned or refused. */
bool hy_sheet_has(const struct hy_sheet *s, size_t field);
/* Its header in the file; the field's name when there is none. */
struct hy_str hy_sheet_column(const struct hy_sheet *s, size_t field);
/* Columns of the file: their headers, and the field's name ("": it is none of the fields). */
struct hy_sheet_head {
    struct hy_str head;
    const char *field; /* of what is kept beside the fields: its name */
    bool is_rest;      /* kept beside the fields */
};
size_t hy_sheet_heads(const struct hy_sheet *s, const struct hy_sheet_head **ret);

/* Whether a column of that header would be taken as one of the fields. */
bool hy_sheet_is_head(const struct hy_sheet_field *fields, size_t n, struct hy_str head);

/* A text for a report: at most 200 bytes, whole characters; what is no text shows as U+FFFD. */
enum { HY_SHEET_SHOWN_MAX = 208 };
struct hy_str hy_sheet_shown(struct hy_str v, char room[HY_SHEET_SHOWN_MAX]);
