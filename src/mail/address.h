/* Pieces of reading an address, private to src/mail. */
#pragma once
#include "hayauma/mail/address.h"

enum { ADDRESS_FIELD_MAX = 1024 }; /* longer fields hold something else */

/* Takes off what people leave around an address: a mailto:, a name with angle brackets, a comment
 * before or after, spaces, one trailing comma or semicolon. *ret is a piece of `s`. */
HY_MUST_USE enum hy_address_reason hy_address_strip(struct hy_str s, struct hy_str *ret);

/* Full-width forms made ASCII, ideographic and no-break spaces made plain; `out` holds at least
 * `s.n` bytes (nothing grows). Returns the length. */
size_t hy_address_narrow(struct hy_str s, char *out);

/* Checks a domain and writes it in lower-case A-labels to `out` (HY_DOMAIN_MAX + 1 bytes,
 * NUL-terminated). */
HY_MUST_USE enum hy_address_reason hy_address_domain_put(struct hy_str s,
                                                         const struct hy_address_rules *rules,
                                                         char *out, size_t *ret_n);
