/* Types of attributes: what a value may look like, and how it is then kept. An attribute without a
 * type is text. */
#pragma once
#include "hayauma/model/lead.h"

/* Stored: never renumber. */
enum hy_attr_type {
    HY_ATTR_TEXT = 0,
    HY_ATTR_NUMBER = 1, /* -12.5: at most 15 digits before and behind the point */
    HY_ATTR_BOOL = 2,   /* true, yes, on, 1, はい -> "true"; the opposites -> "false" */
    HY_ATTR_DATE = 3,   /* 2026-11-22, 2026/11/22, 2026年11月22日 -> "2026-11-22" */
    HY_ATTR_MOMENT = 4, /* RFC 3339 with a zone -> in UTC: "2026-11-22T01:30:00.000Z" */
    HY_ATTR_TYPES,
};
enum { HY_ATTR_TYPED_MAX = 40 }; /* bytes of a typed value as it is kept */

const char *hy_attr_type_name(enum hy_attr_type type); /* "text" */
HY_MUST_USE int hy_attr_type_find(struct hy_str name, enum hy_attr_type *ret);

/* The value as it is kept: *ret is `value` itself (TEXT, trimmed of nothing), or lies in `room`.
 * HY_EPARSE: it is none of the type; hy_attr_type_wants() says what would be. Pure. */
HY_MUST_USE int hy_attr_type_read(enum hy_attr_type type, struct hy_str value,
                                  char room[HY_ATTR_TYPED_MAX], struct hy_str *ret);
/* "a day such as 2026-11-22" */
const char *hy_attr_type_wants(enum hy_attr_type type);
