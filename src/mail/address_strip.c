/* What people leave around an address, and full-width letters from Japanese keyboards. */
#include "address.h"

size_t hy_address_narrow(struct hy_str s, char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n;) {
        size_t from = i;
        uint32_t cp = hy_utf8_next(s, &i);
        if (cp >= 0xff01 && cp <= 0xff5e) /* full-width ! to ~ */
            out[n++] = (char)(cp - 0xff01 + '!');
        else if (cp == 0x3000 || cp == 0xa0) /* ideographic space, no-break space */
            out[n++] = ' ';
        else
            for (; from < i; from++)
                out[n++] = s.p[from];
    }
    return n;
}

/* Space, tab, and the marks that copying leaves at the ends: byte order mark, zero-width spaces,
 * directions. */
static struct hy_str trim(struct hy_str s)
{
    static const char marks[][4] = {"\ufeff", "\u200b", "\u200e", "\u200f",
                                    "\u202a", "\u202c", "\u2060"};
    for (bool again = true; again;) {
        again = false;
        while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
            s = hy_str_slice(s, 1, s.n);
        while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
            s.n--;
        if (s.n == 0 || (!((unsigned char)s.p[0] & 0x80) && !((unsigned char)s.p[s.n - 1] & 0x80)))
            return s;
        for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
            struct hy_str m = hy_str_make(marks[i], 3);
            if (hy_str_starts(s, m)) {
                s = hy_str_slice(s, 3, s.n);
                again = true;
            }
            if (hy_str_ends(s, m)) {
                s.n -= 3;
                again = true;
            }
        }
    }
    return s;
}

/* The place behind the comment that opens at `pos` (RFC 5322 3.2.2: nested, with backslashes), or 0
 * when it does not close. */
static size_t comment_end(struct hy_str s, size_t pos)
{
    size_t depth = 0;
    for (size_t i = pos; i < s.n; i++) {
        if (s.p[i] == '\\')
            i++;
        else if (s.p[i] == '(')
            depth++;
        else if (s.p[i] == ')' && --depth == 0)
            return i + 1;
    }
    return 0;
}

/* The first `c` outside quotes at or after `from`, or SIZE_MAX. */
static size_t find_unquoted(struct hy_str s, char c, size_t from)
{
    bool quoted = false;
    for (size_t i = from; i < s.n; i++) {
        if (quoted && s.p[i] == '\\')
            i++;
        else if (s.p[i] == '"')
            quoted = !quoted;
        else if (!quoted && s.p[i] == c)
            return i;
    }
    return SIZE_MAX;
}

/* (comment) before or after; inside an address they are refused. */
static enum hy_address_reason strip_comments(struct hy_str *s)
{
    if (s->n && s->p[0] == '(') {
        size_t end = comment_end(*s, 0);
        if (end == 0)
            return HY_ADDRESS_COMMENT;
        *s = trim(hy_str_slice(*s, end, s->n));
    }
    size_t open = find_unquoted(*s, '(', 0);
    if (open == SIZE_MAX)
        return HY_ADDRESS_OK;
    if (comment_end(*s, open) != s->n)
        return HY_ADDRESS_COMMENT;
    *s = trim(hy_str_slice(*s, 0, open));
    return HY_ADDRESS_OK;
}

/* Any name, then <address>. */
static enum hy_address_reason strip_brackets(struct hy_str *s)
{
    size_t open = find_unquoted(*s, '<', 0);
    if (open == SIZE_MAX)
        return HY_ADDRESS_OK;
    size_t close = find_unquoted(*s, '>', open + 1);
    if (close == SIZE_MAX)
        return HY_ADDRESS_LOCAL_CHAR;
    if (close + 1 != s->n)
        return HY_ADDRESS_SEVERAL;
    *s = trim(hy_str_slice(*s, open + 1, close));
    return HY_ADDRESS_OK;
}

static void strip_mailto(struct hy_str *s)
{
    if (!hy_str_istarts(*s, HY_STR("mailto:")))
        return;
    *s = trim(hy_str_slice(*s, sizeof "mailto:" - 1, s->n));
    size_t at = find_unquoted(*s, '@', 0);
    size_t query = at == SIZE_MAX ? at : hy_str_find(*s, '?', at);
    if (query != SIZE_MAX)
        *s = trim(hy_str_slice(*s, 0, query));
}

enum hy_address_reason hy_address_strip(struct hy_str s, struct hy_str *ret)
{
    s = trim(s);
    if (s.n && (s.p[s.n - 1] == ',' || s.p[s.n - 1] == ';'))
        s = trim(hy_str_slice(s, 0, s.n - 1));
    if (s.n == 0)
        return HY_ADDRESS_EMPTY;
    enum hy_address_reason why = HY_ADDRESS_OK;
    if (find_unquoted(s, '(', 0) != SIZE_MAX)
        why = strip_comments(&s);
    if (why == HY_ADDRESS_OK)
        why = strip_brackets(&s);
    if (why)
        return why;
    strip_mailto(&s);
    if (s.n == 0)
        return HY_ADDRESS_EMPTY;
    *ret = s;
    return HY_ADDRESS_OK;
}
