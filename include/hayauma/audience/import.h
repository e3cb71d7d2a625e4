/* A list of leads: bytes of a file in, checked leads and refused rows out. Pure. */
#pragma once
#include "hayauma/audience/charset.h"
#include "hayauma/audience/csv.h"
#include "hayauma/mail/address.h"
#include "hayauma/model/attr_type.h"

/* What a column becomes; several explicit mappings are joined by commas on the command line:
 * "E-Mail=email,3=points,memo=-". */
struct hy_import_map {
    struct hy_str column; /* header text, or a column number from 1 */
    struct hy_str attr;   /* attribute name, "email", "-" to leave it out, or an id: "ext:SYSTEM",
                             "line:", "phone:" */
};

/* What the values of an attribute must be; others are text. */
struct hy_import_type {
    struct hy_str attr;
    enum hy_attr_type type;
};

struct hy_import_options {
    enum hy_charset charset;
    char delimiter; /* 0 = found out */
    enum { HY_IMPORT_HEADER_AUTO = 0, HY_IMPORT_HEADER_YES, HY_IMPORT_HEADER_NO } header;
    bool allow_ragged; /* rows may have fewer fields than the header (the rest is absent), or empty
                          ones too many; otherwise they are refused, as values may have shifted */
    size_t row_max_bytes; /* as in csv.h */
    size_t columns_max;
    struct hy_address_rules rules;
    const struct hy_import_map *map; /* copied */
    size_t n_map;
    const struct hy_import_type *types; /* copied */
    size_t n_types;
};

/* What became of a column of the file. */
struct hy_import_column {
    struct hy_str header; /* as in the file; empty without a header line */
    struct hy_str attr;   /* attribute name; "email"; empty when left out; of an id as in the map */
    bool is_id;
};

enum hy_import_kind {
    HY_IMPORT_LEAD = 1,    /* address and attributes are good */
    HY_IMPORT_REFUSED = 2, /* column, reason and value say why */
};

struct hy_import_attr {
    uint16_t column;     /* index into the columns */
    struct hy_str value; /* trimmed, never empty, valid UTF-8, at most HY_ATTR_VALUE_MAX bytes; as a
                            value of its attribute's type is kept */
};

/* One row. Views live until the next call. */
struct hy_import_row {
    enum hy_import_kind kind;
    uint64_t line; /* physical line where the row starts, from 1 */

    /* a lead */
    const struct hy_address *address;   /* NULL: none, but an id */
    const struct hy_import_attr *attrs; /* ascending by column; ids among them */
    size_t n_attrs;
    struct hy_str suggestion; /* domain the person may have meant, or empty */
    bool is_disposable;       /* the domain gives out addresses to be thrown away */

    /* refused */
    struct hy_str column; /* header or number of the column at fault; empty: the whole row */
    struct hy_str reason; /* for people */
    enum hy_address_reason address_reason; /* when the address was at fault */
    struct hy_str value;                   /* shortened to 200 bytes on a character */
};

struct hy_import;
/* HY_ENOMEM; HY_EINVAL with a note for a bad mapping. */
HY_MUST_USE int hy_import_new(const struct hy_import_options *o, struct hy_import **ret,
                              struct hy_diag *diag);
void hy_import_free(struct hy_import *im);
/* The next bytes of the file, any number; hy_import_end when there are no more. HY_ENOMEM. */
HY_MUST_USE int hy_import_feed(struct hy_import *im, struct hy_str bytes);
HY_MUST_USE int hy_import_end(struct hy_import *im);
/* The next row; HY_EMORE: feed more, or after the end it is done. HY_EINVAL with a note when the
 * file cannot be used at all: no column holds addresses, a mapped column is missing. */
HY_MUST_USE int hy_import_next(struct hy_import *im, struct hy_import_row *ret,
                               struct hy_diag *diag);
/* The columns, once the first row was returned (0 before). */
size_t hy_import_columns(const struct hy_import *im, const struct hy_import_column **ret);
enum hy_charset hy_import_charset(const struct hy_import *im);
char hy_import_delimiter(const struct hy_import *im);

/* The attribute that a header stands for ("メールアドレス" -> "email", "氏名" -> "name", "Last
 * Name"
 * -> "last_name"), or the header itself made a legal attribute name. out holds HY_ATTR_NAME_MAX + 1
 * bytes, NUL-terminated; "" when nothing is left of it. */
void hy_import_attr_name(struct hy_str header, char *out);
