/* The words of a refusal made plain: codes read, line marks, white space and addresses out of the
 * way, so that one pattern fits however the refusal was quoted. */
#include <stdio.h>

#include "hayauma/bounce/rules.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_space(char c)
{
    return (unsigned char)c <= ' ' || c == 0x7f;
}

/* A number of 1..3 digits at *at, moving past it. */
static bool take_number(struct hy_str s, size_t *at, uint16_t *ret)
{
    size_t i = *at;
    uint16_t v = 0;
    while (i < s.n && i < *at + 3 && is_digit(s.p[i]))
        v = (uint16_t)(v * 10 + (s.p[i++] - '0'));
    if (i == *at || (i < s.n && is_digit(s.p[i])))
        return false;
    *at = i;
    *ret = v;
    return true;
}

/* "5.1.1" at `at`: its length, 0 when none stands there. */
static size_t status_at(struct hy_str s, size_t at, struct hy_enhanced *ret)
{
    struct hy_enhanced e = {0};
    size_t i = at;
    if (i >= s.n || (s.p[i] != '2' && s.p[i] != '4' && s.p[i] != '5'))
        return 0;
    e.class = (uint8_t)(s.p[i++] - '0');
    if (i >= s.n || s.p[i++] != '.' || !take_number(s, &i, &e.subject))
        return 0;
    if (i >= s.n || s.p[i++] != '.' || !take_number(s, &i, &e.detail))
        return 0;
    if (i + 1 < s.n && s.p[i] == '.' && is_digit(s.p[i + 1])) /* an address: 5.1.1.7 */
        return 0;
    *ret = e;
    return i - at;
}

/* "550" and what separates it at `at`: 0 when none stands there. */
static size_t code_at(struct hy_str s, size_t at, uint16_t *ret)
{
    uint16_t v;
    size_t i = at;
    if (!take_number(s, &i, &v) || i - at != 3 || v < 200 || v > 599)
        return 0;
    if (i < s.n && s.p[i] != ' ' && s.p[i] != '-' && s.p[i] != ':' && s.p[i] != '\t' &&
        s.p[i] != '\n')
        return 0;
    *ret = v;
    return i - at;
}

static bool is_word_start(struct hy_str s, size_t i)
{
    char c = i ? s.p[i - 1] : ' ';
    return is_space(c) || c == '(' || c == '#' || c == ':' || c == '\'' || c == '"' || c == '<' ||
           c == '[' || c == ';' || c == '-' || c == '/' || c == '>';
}

static bool is_refusal(uint16_t code)
{
    return code >= 400 && code < 560;
}

/* "550 5.1.1", "550-5.1.1", "550 #5.1.1", "550: 5.1.1 ": the status behind the code. */
static void status_behind(struct hy_str s, size_t i, struct hy_enhanced *status)
{
    while (i < s.n && (is_space(s.p[i]) || s.p[i] == '-' || s.p[i] == ':' || s.p[i] == '#' ||
                       s.p[i] == '(' || s.p[i] == '['))
        i++;
    (void)status_at(s, i, status);
}

void hy_bounce_read_codes(struct hy_str text, bool anywhere, uint16_t *code,
                          struct hy_enhanced *status)
{
    struct hy_enhanced e;
    uint16_t c;
    size_t n;
    if (text.n > HY_BOUNCE_SUBJECT_MAX)
        text.n = HY_BOUNCE_SUBJECT_MAX;
    size_t i = 0;
    while (i < text.n && is_space(text.p[i]))
        i++;
    if ((n = code_at(text, i, &c)) > 0) {
        *code = c;
        status_behind(text, i + n, status);
        if (!anywhere || status->class)
            return;
    } else if (status_at(text, i, &e)) {
        *status = e;
        if (!anywhere)
            return;
    }
    for (; anywhere && i < text.n; i++) {
        if (!is_digit(text.p[i]) || !is_word_start(text, i))
            continue;
        if (*code == 0 && (n = code_at(text, i, &c)) > 0 && is_refusal(c)) {
            *code = c;
            if (status->class == 0)
                status_behind(text, i + n, status);
        } else if (status->class == 0 && status_at(text, i, &e) && e.class != 2) {
            *status = e;
        }
    }
}

static bool is_local_char(char c)
{
    return (unsigned char)c > ' ' && c != '<' && c != '>' && c != '(' && c != ')' && c != '[' &&
           c != ']' && c != ',' && c != ';' && c != ':' && c != '"' && c != '\'' && c != '@' &&
           (unsigned char)c < 0x7f;
}

static bool is_domain_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '.' ||
           c == '-' || c == '_';
}

/* What of code and status stands again at a word's start: the marks of further lines. */
static size_t repeated_at(const struct hy_bounce_words *w, struct hy_str s, size_t i)
{
    struct hy_enhanced e;
    uint16_t code;
    size_t n = 0, used;
    if ((used = code_at(s, i, &code)) > 0 && code == w->code)
        n = used + (i + used < s.n && s.p[i + used] == '-');
    if ((used = status_at(s, i + n, &e)) > 0 && e.class == w->status.class &&
        e.subject == w->status.subject && e.detail == w->status.detail)
        n += used;
    return n;
}

struct hy_str hy_bounce_subject(const struct hy_bounce_words *w,
                                char out[HY_BOUNCE_SUBJECT_MAX + 24])
{
    struct hy_str s = w->text;
    int head = snprintf(out, 24, "%03u %u.%u.%u ", (unsigned)(w->code % 1000),
                        (unsigned)(w->status.class % 10), (unsigned)(w->status.subject % 1000),
                        (unsigned)(w->status.detail % 1000));
    size_t n = (size_t)head, from = n;
    if (s.n > HY_BOUNCE_SUBJECT_MAX)
        s.n = HY_BOUNCE_SUBJECT_MAX;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool at_word = n == from || out[n - 1] == ' ';
        if (is_space(c)) {
            if (!at_word)
                out[n++] = ' ';
            continue;
        }
        if (at_word && is_digit(c)) {
            size_t skip = repeated_at(w, s, i);
            if (skip) {
                i += skip - 1;
                continue;
            }
        }
        if (at_word && c == '/' && i + 1 < s.n && s.p[i + 1] == ' ') /* between joined lines */
            continue;
        if (c == '@' && i > 0 && is_local_char(s.p[i - 1]) && i + 1 < s.n &&
            is_domain_char(s.p[i + 1])) {
            while (n > from && is_local_char(out[n - 1]))
                n--;
            while (i + 1 < s.n && is_domain_char(s.p[i + 1]))
                i++;
            if (s.p[i] == '.') /* the end of a sentence */
                i--;
        }
        out[n++] = c;
    }
    return hy_str_make(out, n);
}
