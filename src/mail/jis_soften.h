/* Text that ISO-2022-JP lacks characters for, written with those it has. */
#pragma once
#include "hayauma/base/buf.h"

/* Appends `utf8` with every character that hy_jis_encode would refuse replaced: by its usual
 * spelling (a circled 1 by "(1)", the Roman numeral three by "III"), else in HTML by a character
 * reference, else by the geta mark U+3013. Control characters go. */
void hy_jis_soften(struct hy_buf *out, struct hy_str utf8, bool is_html);
