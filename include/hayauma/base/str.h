/* A run of bytes that somebody else owns: the currency of all parsing and rendering. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "hayauma/base/err.h"

/* Not NUL-terminated; `p` may be NULL when `n` is 0. Never owns. */
struct hy_str {
    const char *p;
    size_t n;
};

#define HY_STR(lit)   ((struct hy_str){(lit), sizeof(lit) - 1})
#define HY_STR_ARG(s) (int)(s).n, (s).p /* for "%.*s" */

static inline struct hy_str hy_str_of(const char *cstr)
{
    return (struct hy_str){cstr, cstr ? strlen(cstr) : 0};
}

static inline struct hy_str hy_str_make(const void *p, size_t n)
{
    return (struct hy_str){(const char *)p, n};
}

/* The part [from, to), both cut to the string's length. */
static inline struct hy_str hy_str_slice(struct hy_str s, size_t from, size_t to)
{
    if (to > s.n)
        to = s.n;
    if (from > to)
        from = to;
    return (struct hy_str){s.p ? s.p + from : NULL, to - from};
}

static inline bool hy_str_eq(struct hy_str a, struct hy_str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* ASCII only, independent of the locale. */
static inline char hy_ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* Equal but for the case of ASCII letters. */
bool hy_str_ieq(struct hy_str a, struct hy_str b);
bool hy_str_starts(struct hy_str s, struct hy_str prefix);
bool hy_str_istarts(struct hy_str s, struct hy_str prefix);
bool hy_str_ends(struct hy_str s, struct hy_str suffix);
/* The place of the first `c` at or after `from`, or SIZE_MAX. */
size_t hy_str_find(struct hy_str s, char c, size_t from);
/* The place of the first `needle` at or after `from`, or SIZE_MAX. */
size_t hy_str_find_str(struct hy_str s, struct hy_str needle, size_t from);
/* Without spaces, tabs, CR and LF at both ends. */
struct hy_str hy_str_trim(struct hy_str s);
/* Takes the piece before the next `sep` off the front of `*rest`; false when nothing is left.
 * "a,,b" gives "a", "", "b"; the end is marked by rest->p == NULL. */
bool hy_str_split(struct hy_str *rest, char sep, struct hy_str *ret_piece);
/* The candidate nearest to `word`, if near enough to be a slip of the finger; NULL otherwise. Of at
 * most 40 bytes. */
const char *hy_str_nearest(struct hy_str word, const char *const *candidates, size_t n);
/* A decimal number 0..max that is the whole string: HY_EPARSE if not digits, HY_ELIMIT if larger.
 */
HY_MUST_USE int hy_str_to_u64(struct hy_str s, uint64_t max, uint64_t *ret_value);
/* Whether it is well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms). */
bool hy_str_is_utf8(struct hy_str s);
bool hy_str_is_ascii(struct hy_str s);
/* Decodes one code point at `*pos` and moves past it; UINT32_MAX (and one byte on) where the bytes
 * are not UTF-8. Precondition: *pos < s.n. */
uint32_t hy_utf8_next(struct hy_str s, size_t *pos);
/* Writes 1..4 bytes to `out`, returns how many; U+FFFD for what is no scalar value. */
size_t hy_utf8_put(uint32_t cp, char out[4]);
