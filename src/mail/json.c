/* Reading JSON in place, without memory of its own: the lists that leads carry in attributes. */
#include "json.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t skip_space(struct hy_str s, size_t at)
{
    while (at < s.n && is_space(s.p[at]))
        at++;
    return at;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (hy_ascii_lower(c) >= 'a' && hy_ascii_lower(c) <= 'f');
}

/* The scanners return the place behind what they know, or 0: a value is never empty. */

static size_t skip_escape(struct hy_str s, size_t at)
{
    if (at >= s.n)
        return 0;
    if (s.p[at] != 'u')
        return memchr("\"\\/bfnrt", s.p[at], 8) ? at + 1 : 0;
    for (size_t i = 1; i <= 4; i++)
        if (at + i >= s.n || !is_hex(s.p[at + i]))
            return 0;
    return at + 5;
}

static size_t skip_string(struct hy_str s, size_t at)
{
    if (at >= s.n || s.p[at] != '"')
        return 0;
    for (at++; at < s.n; at++) {
        unsigned char c = (unsigned char)s.p[at];
        if (c == '"')
            return at + 1;
        if (c < 0x20)
            return 0;
        if (c != '\\')
            continue;
        size_t end = skip_escape(s, at + 1);
        if (end == 0)
            return 0;
        at = end - 1;
    }
    return 0;
}

static size_t skip_digits(struct hy_str s, size_t at)
{
    while (at < s.n && is_digit(s.p[at]))
        at++;
    return at;
}

/* number = [ "-" ] ( "0" / digit1-9 *digit ) [ "." 1*digit ] [ ("e" / "E") [ "+" / "-" ] 1*digit ]
 */
static size_t skip_number(struct hy_str s, size_t at)
{
    if (at < s.n && s.p[at] == '-')
        at++;
    size_t end = at < s.n && s.p[at] == '0' ? at + 1 : skip_digits(s, at);
    if (end == at)
        return 0;
    if (end < s.n && s.p[end] == '.') {
        at = end + 1;
        end = skip_digits(s, at);
        if (end == at)
            return 0;
    }
    if (end < s.n && (s.p[end] == 'e' || s.p[end] == 'E')) {
        at = end + 1;
        if (at < s.n && (s.p[at] == '+' || s.p[at] == '-'))
            at++;
        end = skip_digits(s, at);
        if (end == at)
            return 0;
    }
    return end;
}

static size_t skip_word(struct hy_str s, size_t at, struct hy_str word)
{
    return hy_str_starts(hy_str_slice(s, at, s.n), word) ? at + word.n : 0;
}

static size_t skip_scalar(struct hy_str s, size_t at)
{
    switch (at < s.n ? s.p[at] : 0) {
    case '"':
        return skip_string(s, at);
    case 't':
        return skip_word(s, at, HY_STR("true"));
    case 'f':
        return skip_word(s, at, HY_STR("false"));
    case 'n':
        return skip_word(s, at, HY_STR("null"));
    default:
        return skip_number(s, at);
    }
}

/* "name" : with the space around it; the place where the member's value begins. */
static size_t skip_name(struct hy_str s, size_t at)
{
    at = skip_string(s, at);
    if (at == 0)
        return 0;
    at = skip_space(s, at);
    return at < s.n && s.p[at] == ':' ? skip_space(s, at + 1) : 0;
}

/* One value of any kind from its first byte. A loop with a stack of brackets: hostile nesting costs
 * no stack. */
static size_t skip_value(struct hy_str s, size_t at)
{
    char open[HY_JSON_DEPTH_MAX];
    size_t depth = 0;
    for (;;) {
        char c = at < s.n ? s.p[at] : 0;
        if (c == '[' || c == '{') {
            if (depth == HY_JSON_DEPTH_MAX)
                return 0;
            char close = c == '[' ? ']' : '}';
            at = skip_space(s, at + 1);
            if (at >= s.n || s.p[at] != close) {
                open[depth++] = close;
                if (close == '}' && (at = skip_name(s, at)) == 0)
                    return 0;
                continue;
            }
            at++;
        } else if ((at = skip_scalar(s, at)) == 0) {
            return 0;
        }
        for (;;) { /* behind a value: close what ends here, or go on to the next one */
            if (depth == 0)
                return at;
            at = skip_space(s, at);
            if (at >= s.n)
                return 0;
            if (s.p[at] == open[depth - 1]) {
                depth--;
                at++;
                continue;
            }
            if (s.p[at] != ',')
                return 0;
            at = skip_space(s, at + 1);
            if (open[depth - 1] == '}' && (at = skip_name(s, at)) == 0)
                return 0;
            break;
        }
    }
}

enum hy_json_kind hy_json_kind(struct hy_str value)
{
    size_t at = skip_space(value, 0);
    switch (at < value.n ? value.p[at] : 0) {
    case 0:
        return HY_JSON_NONE;
    case 'n':
        return HY_JSON_NULL;
    case 't':
    case 'f':
        return HY_JSON_BOOL;
    case '"':
        return HY_JSON_STRING;
    case '[':
        return HY_JSON_ARRAY;
    case '{':
        return HY_JSON_OBJECT;
    default:
        return HY_JSON_NUMBER;
    }
}

enum hy_json_kind hy_json_check(struct hy_str s)
{
    size_t at = skip_value(s, skip_space(s, 0));
    return at != 0 && skip_space(s, at) == s.n ? hy_json_kind(s) : HY_JSON_NONE;
}

/* Moves *pos, 0 at first, to where the next element or member begins. */
static bool to_next(struct hy_str s, size_t *pos)
{
    size_t at = *pos == 0 ? skip_space(s, 0) + 1 : skip_space(s, *pos);
    at = skip_space(s, at);
    if (at < s.n && *pos != 0 && s.p[at] == ',')
        at = skip_space(s, at + 1);
    *pos = at;
    return at < s.n && s.p[at] != ']' && s.p[at] != '}';
}

bool hy_json_next(struct hy_str array, size_t *pos, struct hy_str *ret_value)
{
    if (!to_next(array, pos))
        return false;
    size_t end = skip_value(array, *pos);
    if (end == 0)
        return false;
    *ret_value = hy_str_slice(array, *pos, end);
    *pos = end;
    return true;
}

bool hy_json_next_member(struct hy_str object, size_t *pos, struct hy_str *ret_name,
                         struct hy_str *ret_value)
{
    if (!to_next(object, pos))
        return false;
    size_t name_end = skip_string(object, *pos);
    size_t value = name_end ? skip_name(object, *pos) : 0;
    size_t end = value ? skip_value(object, value) : 0;
    if (end == 0)
        return false;
    *ret_name = hy_str_slice(object, *pos, name_end);
    *ret_value = hy_str_slice(object, value, end);
    *pos = end;
    return true;
}

bool hy_json_member(struct hy_str object, struct hy_str name, struct hy_buf *scratch,
                    struct hy_str *ret_value)
{
    struct hy_str member, value;
    bool found = false;
    for (size_t pos = 0; hy_json_next_member(object, &pos, &member, &value);) {
        size_t before = scratch->len;
        if (hy_str_eq(hy_json_text(member, scratch), name)) {
            *ret_value = value;
            found = true;
        }
        scratch->len = before;
    }
    return found;
}

static uint32_t hex4(const char *p)
{
    uint32_t v = 0;
    for (int i = 0; i < 4; i++)
        v = v << 4 | (uint32_t)(is_digit(p[i]) ? p[i] - '0' : hy_ascii_lower(p[i]) - 'a' + 10);
    return v;
}

/* Decodes the escape behind a backslash at s[*at]; the string is well-formed. */
static void unescape(struct hy_str s, size_t *at, struct hy_buf *out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    char c = s.p[*at];
    if (c != 'u') {
        hy_buf_add_c(out, to[(const char *)memchr(from, c, 8) - from]);
        *at += 1;
        return;
    }
    uint32_t cp = hex4(s.p + *at + 1);
    *at += 5;
    if (cp >= 0xd800 && cp < 0xdc00 && *at + 6 <= s.n && s.p[*at] == '\\' && s.p[*at + 1] == 'u') {
        uint32_t low = hex4(s.p + *at + 2);
        if (low >= 0xdc00 && low < 0xe000) {
            cp = 0x10000 + ((cp - 0xd800) << 10) + (low - 0xdc00);
            *at += 6;
        }
    }
    char utf8[4];
    hy_buf_add(out, utf8, hy_utf8_put(cp, utf8));
}

struct hy_str hy_json_text(struct hy_str value, struct hy_buf *scratch)
{
    value = hy_str_trim(value);
    if (value.n < 2 || value.p[0] != '"')
        return value;
    struct hy_str s = hy_str_slice(value, 1, value.n - 1);
    if (hy_str_find(s, '\\', 0) == SIZE_MAX)
        return s;
    size_t start = scratch->len;
    for (size_t at = 0; at < s.n;) {
        size_t run = hy_str_find(s, '\\', at);
        hy_buf_add_str(scratch, hy_str_slice(s, at, run));
        if (run == SIZE_MAX)
            break;
        at = run + 1;
        unescape(s, &at, scratch);
    }
    if (scratch->err)
        return (struct hy_str){"", 0};
    return hy_str_make(scratch->data + start, scratch->len - start);
}
