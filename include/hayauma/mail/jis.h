/* UTF-8 to ISO-2022-JP (RFC 1468): ASCII and JIS X 0208, the old form that Japanese mail still
 * asks for. */
#pragma once
#include "hayauma/base/buf.h"

/* JIS X 0208 code (0x2121..0x7e7e) of a code point, 0 when it has none. Code points that Microsoft
 * maps to the same cells (U+FF5E for the wave dash and the like) are taken too. Any thread. */
uint16_t hy_jis_code(uint32_t code_point);
/* Appends `utf8` in ISO-2022-JP, back in ASCII state at every line end and at the end. Half-width
 * katakana become full-width, with their voice marks. HY_EUNSUPPORTED, with `out` as before, when
 * a character has no place in it or the bytes are not UTF-8: send UTF-8 instead. Errors also:
 * HY_ELIMIT, HY_ENOMEM. Any thread. */
HY_MUST_USE int hy_jis_encode(struct hy_buf *out, struct hy_str utf8);
