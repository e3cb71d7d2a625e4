/* UTF-8 to ISO-2022-JP (RFC 1468): ASCII and JIS X 0208, the old form that Japanese mail still
 * asks for. */
#pragma once
#include "hayauma/base/buf.h"

/* The next unit of UTF-8 text at `*pos`, moving past it: an ASCII byte, or a JIS X 0208 code
 * (0x2121..0x7e7e); 0 when it has no place in ISO-2022-JP (also for ESC and other controls that are
 * not tab, CR or LF, and for bytes that are not UTF-8). Code points that Microsoft maps to the same
 * cells are taken (U+FF5E for the wave dash ...); half-width katakana and a voice mark behind it
 * become one full-width unit. Precondition: *pos < utf8.n. Any thread. */
uint16_t hy_jis_next(struct hy_str utf8, size_t *pos);
/* Appends `utf8` in ISO-2022-JP, back in ASCII state at every line end and at the end.
 * HY_EUNSUPPORTED when hy_jis_next finds no place for something: send UTF-8 instead. Errors also:
 * HY_ELIMIT, HY_ENOMEM. On failure `out` is as long as before. Any thread. */
HY_MUST_USE int hy_jis_encode(struct hy_buf *out, struct hy_str utf8);
