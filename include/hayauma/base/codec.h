/* Base64 (RFC 4648 sections 4 and 5), lower-case base32 (section 6) and hex. */
#pragma once
#include "hayauma/base/buf.h"

/* Writes 4 * ceil(n / 3) characters with padding; returns how many. */
size_t hy_base64_encode(const void *src, size_t n, char *out);
/* The same in lines of 76 characters, as bodies of mail have it (RFC 2045 section 6.8): CRLF
 * between them, none behind the last. A failure is noted in `out`. */
void hy_base64_lines(struct hy_buf *out, struct hy_str bytes);
/* URL-safe alphabet, no padding: ceil(n * 4 / 3) characters. */
size_t hy_base64url_encode(const void *src, size_t n, char *out);
/* Either alphabet, padding optional, no white space. `out` holds at least n / 4 * 3 + 3 bytes.
 * HY_EPARSE on a stray character or on bits that a shorter form would drop. */
HY_MUST_USE int hy_base64_decode(struct hy_str s, void *out, size_t *ret_n);
/* a-z2-7 without padding, for places where case is lost (local parts): ceil(n * 8 / 5) chars. */
size_t hy_base32_encode(const void *src, size_t n, char *out);
HY_MUST_USE int hy_base32_decode(struct hy_str s, void *out, size_t *ret_n);
size_t hy_hex_encode(const void *src, size_t n, char *out);
HY_MUST_USE int hy_hex_decode(struct hy_str s, void *out, size_t *ret_n);
