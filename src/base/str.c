/* Byte strings: comparing, splitting, numbers and UTF-8. */
#include "hayauma/base/str.h"

bool hy_str_ieq(struct hy_str a, struct hy_str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++) {
        if (hy_ascii_lower(a.p[i]) != hy_ascii_lower(b.p[i]))
            return false;
    }
    return true;
}

bool hy_str_starts(struct hy_str s, struct hy_str prefix)
{
    return s.n >= prefix.n && hy_str_eq(hy_str_slice(s, 0, prefix.n), prefix);
}

bool hy_str_istarts(struct hy_str s, struct hy_str prefix)
{
    return s.n >= prefix.n && hy_str_ieq(hy_str_slice(s, 0, prefix.n), prefix);
}

bool hy_str_ends(struct hy_str s, struct hy_str suffix)
{
    return s.n >= suffix.n && hy_str_eq(hy_str_slice(s, s.n - suffix.n, s.n), suffix);
}

size_t hy_str_find(struct hy_str s, char c, size_t from)
{
    if (from >= s.n)
        return SIZE_MAX;
    const char *hit = memchr(s.p + from, c, s.n - from);
    return hit ? (size_t)(hit - s.p) : SIZE_MAX;
}

size_t hy_str_find_str(struct hy_str s, struct hy_str needle, size_t from)
{
    if (from > s.n || needle.n > s.n - from)
        return SIZE_MAX;
    if (needle.n == 0)
        return from;
    const char *hit = memmem(s.p + from, s.n - from, needle.p, needle.n);
    return hit ? (size_t)(hit - s.p) : SIZE_MAX;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct hy_str hy_str_trim(struct hy_str s)
{
    while (s.n && is_space(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n && is_space(s.p[s.n - 1]))
        s.n--;
    return s;
}

bool hy_str_split(struct hy_str *rest, char sep, struct hy_str *ret_piece)
{
    if (!rest->p)
        return false;
    size_t at = hy_str_find(*rest, sep, 0);
    if (at == SIZE_MAX) {
        *ret_piece = *rest;
        *rest = (struct hy_str){0};
    } else {
        *ret_piece = hy_str_slice(*rest, 0, at);
        *rest = hy_str_slice(*rest, at + 1, rest->n);
    }
    return true;
}

int hy_str_to_u64(struct hy_str s, uint64_t max, uint64_t *ret_value)
{
    if (s.n == 0)
        return HY_EPARSE;
    uint64_t v = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return HY_EPARSE;
        uint64_t digit = (uint64_t)(s.p[i] - '0');
        if (v > (UINT64_MAX - digit) / 10)
            return HY_ELIMIT;
        v = v * 10 + digit;
    }
    if (v > max)
        return HY_ELIMIT;
    *ret_value = v;
    return HY_OK;
}

uint32_t hy_utf8_next(struct hy_str s, size_t *pos)
{
    size_t i = *pos;
    uint8_t c = (uint8_t)s.p[i];
    *pos = i + 1;
    if (c < 0x80)
        return c;
    size_t more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
    if (c < 0xc2 || c > 0xf4 || s.n - i <= more)
        return UINT32_MAX;
    uint32_t cp = c & (0x3fu >> more);
    for (size_t k = 1; k <= more; k++) {
        uint8_t d = (uint8_t)s.p[i + k];
        if ((d & 0xc0) != 0x80)
            return UINT32_MAX;
        cp = cp << 6 | (d & 0x3f);
    }
    static const uint32_t smallest[] = {0, 0x80, 0x800, 0x10000};
    if (cp < smallest[more] || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
        return UINT32_MAX;
    *pos = i + 1 + more;
    return cp;
}

size_t hy_utf8_put(uint32_t cp, char out[4])
{
    if (cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
        cp = 0xfffd;
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (char)(0xc0 | cp >> 6);
        out[1] = (char)(0x80 | (cp & 0x3f));
        return 2;
    }
    if (cp < 0x10000) {
        out[0] = (char)(0xe0 | cp >> 12);
        out[1] = (char)(0x80 | (cp >> 6 & 0x3f));
        out[2] = (char)(0x80 | (cp & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | cp >> 18);
    out[1] = (char)(0x80 | (cp >> 12 & 0x3f));
    out[2] = (char)(0x80 | (cp >> 6 & 0x3f));
    out[3] = (char)(0x80 | (cp & 0x3f));
    return 4;
}

bool hy_str_is_ascii(struct hy_str s)
{
    enum { BLOCK = 64 }; /* bytes looked at together; the compiler makes vector code of it */
    size_t i = 0;
    for (; s.n - i >= BLOCK; i += BLOCK) {
        unsigned char all = 0;
        for (size_t k = 0; k < BLOCK; k++)
            all |= (unsigned char)s.p[i + k];
        if (all >= 0x80)
            return false;
    }
    for (; i < s.n; i++) {
        if ((unsigned char)s.p[i] >= 0x80)
            return false;
    }
    return true;
}

bool hy_str_is_utf8(struct hy_str s)
{
    for (size_t i = 0; i < s.n;) {
        if (hy_utf8_next(s, &i) == UINT32_MAX)
            return false;
    }
    return true;
}
