/* Header fields, lines and addresses as bounces have them: read leniently. */
#include "findings.h"
#include "hayauma/mail/header.h"
#include "text.h"

enum { FIELD_MAX = 2000 };

struct bounce_item *bounce_item_add(struct bounce_items *items)
{
    if (items->n == HY_BOUNCE_RECIPIENTS_MAX)
        return NULL;
    struct bounce_item *it = &items->at[items->n++];
    *it = (struct bounce_item){0};
    return it;
}

struct hy_str bounce_line(struct hy_arena *a, struct hy_str raw, size_t max)
{
    raw = hy_str_slice(raw, 0, 4 * max); /* white space may go */
    size_t cap = 3 * raw.n < max ? 3 * raw.n : max;
    char *p = hy_arena_alloc(a, cap + 1);
    return p ? hy_str_make(p, bounce_copy_line(raw, p, cap)) : HY_STR("");
}

struct hy_str bounce_field(struct hy_arena *a, struct hy_str headers, const char *name)
{
    struct hy_header_field f;
    if (!hy_header_find(headers, hy_str_of(name), &f))
        return HY_STR("");
    return bounce_line(a, f.value, FIELD_MAX);
}

struct hy_str bounce_lower(struct hy_arena *a, struct hy_str text)
{
    char *p = hy_arena_alloc(a, text.n + 1);
    if (!p)
        return HY_STR("");
    for (size_t i = 0; i < text.n; i++)
        p[i] = hy_ascii_lower(text.p[i]);
    return hy_str_make(p, text.n);
}

bool bounce_has(struct hy_str text, const char *word)
{
    struct hy_str w = hy_str_of(word);
    for (size_t i = 0; i + w.n <= text.n; i++)
        if (hy_ascii_lower(text.p[i]) == w.p[0] && hy_str_ieq(hy_str_slice(text, i, i + w.n), w))
            return true;
    return false;
}

bool bounce_holds(struct hy_str lower, const char *word)
{
    return hy_str_find_str(lower, hy_str_of(word), 0) != SIZE_MAX;
}

bool bounce_holds_any(struct hy_str lower, const char *const *words)
{
    for (; *words; words++)
        if (bounce_holds(lower, *words))
            return true;
    return false;
}

static bool is_local_char(char c)
{
    return (unsigned char)c > ' ' && !strchr("<>()[],;:\"'`@|\\", c) && c != 0x7f;
}

static bool is_domain_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_' || c == '#' || (unsigned char)c >= 0x80;
}

/* Han, kana, Hangul and the wide forms of punctuation: what UTF-8 begins with 0xe3 or higher. Such
 * text stands right beside an address without a space. */
static bool is_wide(struct hy_str s, size_t i)
{
    while (i > 0 && ((unsigned char)s.p[i] & 0xc0) == 0x80)
        i--;
    return (unsigned char)s.p[i] >= 0xe3;
}

/* Where a word ends that goes on from ASCII into wide letters, or the other way round. */
static bool is_seam(struct hy_str s, size_t a, size_t b)
{
    return is_wide(s, a) != is_wide(s, b) && s.p[a] != '.' && s.p[b] != '.';
}

bool bounce_next_address(struct hy_str s, size_t *at, struct hy_str *ret)
{
    size_t from = *at;
    for (size_t i = from; (i = hy_str_find(s, '@', i)) != SIZE_MAX; i++) {
        size_t start = i, end = i + 1;
        if (start > from && s.p[start - 1] == '"') { /* "a b"@c */
            size_t q = start - 1;
            while (q > from && s.p[q - 1] != '"' && s.p[q - 1] != '\n')
                q--;
            if (q > from && s.p[q - 1] == '"')
                start = q - 1;
        } else {
            while (start > from && is_local_char(s.p[start - 1]) &&
                   (start == i || !is_seam(s, start - 1, start)))
                start--;
        }
        while (end < s.n && is_domain_char(s.p[end]) && (end == i + 1 || !is_seam(s, end - 1, end)))
            end++;
        while (end > i + 1 && (s.p[end - 1] == '.' || s.p[end - 1] == '-'))
            end--;
        while (start < i && (s.p[start] == '.' || s.p[start] == '*') && start + 1 < i)
            start++;
        if (hy_str_istarts(hy_str_slice(s, start, i), HY_STR("smtp="))) /* X.400's way */
            start += 5;
        if (start == i || end == i + 1 || end - start > HY_ADDRESS_MAX)
            continue;
        *ret = hy_str_slice(s, start, end);
        *at = end;
        return true;
    }
    return false;
}

struct hy_str bounce_address_of(struct hy_str value)
{
    struct hy_str found;
    size_t at = hy_str_find(value, '<', 0);
    if (at != SIZE_MAX && bounce_next_address(value, &at, &found))
        return found;
    at = 0;
    return bounce_next_address(value, &at, &found) ? found : HY_STR("");
}
