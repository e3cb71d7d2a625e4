/* Text parts of mail that hayauma itself writes. */
#pragma once
#include "hayauma/base/buf.h"

/* Appends the Content-* fields of a text part, the empty line and the text (UTF-8, lines end in
 * \n): as it is when that is short lines of ASCII, else in base64. Returns where its body begins.
 */
size_t hy_text_part(struct hy_buf *out, struct hy_str text);
enum { HY_BOUNDARY_MAX = 48 };
/* A boundary that stands in no base64 and, being a hash of them, in none of the texts. */
struct hy_str hy_text_boundary(struct hy_str id, struct hy_str a, struct hy_str b,
                               char out[HY_BOUNDARY_MAX]);
