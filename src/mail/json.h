/* Reading JSON in place, without memory of its own: the lists that leads carry in attributes. */
#pragma once
#include "hayauma/base/buf.h"

enum hy_json_kind {
    HY_JSON_NONE = 0, /* not well-formed */
    HY_JSON_NULL,
    HY_JSON_BOOL,
    HY_JSON_NUMBER,
    HY_JSON_STRING,
    HY_JSON_ARRAY,
    HY_JSON_OBJECT,
};

enum { HY_JSON_DEPTH_MAX = 64 };

/* The kind of `s` when all of it, but for white space at both ends, is one JSON value (RFC 8259);
 * deeper nesting than HY_JSON_DEPTH_MAX counts as not well-formed. */
enum hy_json_kind hy_json_check(struct hy_str s);
/* The kind of a value that hy_json_check or an iterator has accepted. */
enum hy_json_kind hy_json_kind(struct hy_str value);

/* The next element of a checked array, or the next member of a checked object. Begin with *pos = 0.
 * False at the end. */
bool hy_json_next(struct hy_str array, size_t *pos, struct hy_str *ret_value);
bool hy_json_next_member(struct hy_str object, size_t *pos, struct hy_str *ret_name,
                         struct hy_str *ret_value);
/* The value of the member of that name (the last one wins); false when there is none. `scratch` is
 * used for names with escapes. */
bool hy_json_member(struct hy_str object, struct hy_str name, struct hy_buf *scratch,
                    struct hy_str *ret_value);
/* The text of a value: of strings the contents, of the others as they stand. A view of `value`, or
 * of what was appended to `scratch` when the string has escapes. */
struct hy_str hy_json_text(struct hy_str value, struct hy_buf *scratch);
