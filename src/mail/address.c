/* Reads one mail address: takes it out of its surroundings, checks local part and domain, and
 * writes the form that goes on the wire and the key that finds its twins. */
#include "address.h"

#include <stdlib.h>
#include <unicase.h>
#include <unictype.h>

/* atext of RFC 5322 3.2.3. */
static bool is_atext(unsigned char c)
{
    static const uint8_t table[128] = {
        ['!'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1, ['&'] = 1, ['\''] = 1, ['*'] = 1, ['+'] = 1,
        ['-'] = 1, ['/'] = 1, ['='] = 1, ['?'] = 1, ['^'] = 1, ['_'] = 1,  ['`'] = 1, ['{'] = 1,
        ['|'] = 1, ['}'] = 1, ['~'] = 1, ['0'] = 1, ['1'] = 1, ['2'] = 1,  ['3'] = 1, ['4'] = 1,
        ['5'] = 1, ['6'] = 1, ['7'] = 1, ['8'] = 1, ['9'] = 1, ['A'] = 1,  ['B'] = 1, ['C'] = 1,
        ['D'] = 1, ['E'] = 1, ['F'] = 1, ['G'] = 1, ['H'] = 1, ['I'] = 1,  ['J'] = 1, ['K'] = 1,
        ['L'] = 1, ['M'] = 1, ['N'] = 1, ['O'] = 1, ['P'] = 1, ['Q'] = 1,  ['R'] = 1, ['S'] = 1,
        ['T'] = 1, ['U'] = 1, ['V'] = 1, ['W'] = 1, ['X'] = 1, ['Y'] = 1,  ['Z'] = 1, ['a'] = 1,
        ['b'] = 1, ['c'] = 1, ['d'] = 1, ['e'] = 1, ['f'] = 1, ['g'] = 1,  ['h'] = 1, ['i'] = 1,
        ['j'] = 1, ['k'] = 1, ['l'] = 1, ['m'] = 1, ['n'] = 1, ['o'] = 1,  ['p'] = 1, ['q'] = 1,
        ['r'] = 1, ['s'] = 1, ['t'] = 1, ['u'] = 1, ['v'] = 1, ['w'] = 1,  ['x'] = 1, ['y'] = 1,
        ['z'] = 1,
    };
    return c >= 128 || table[c];
}

/* A local part taken apart: its text without quotes and backslashes. */
struct local {
    char text[HY_LOCAL_MAX];
    size_t n;
    bool was_quoted;
    bool bad_dots; /* at an end, or two in a row: not a Dot-string */
    bool is_atoms; /* atext and dots only */
    bool is_ascii;
};

static enum hy_address_reason local_add(struct local *l, char c)
{
    if (l->n == sizeof l->text)
        return HY_ADDRESS_LOCAL_LONG;
    l->text[l->n++] = c;
    return HY_ADDRESS_OK;
}

/* Quoted-string = DQUOTE *QcontentSMTP DQUOTE (RFC 5321 4.1.2; UTF-8 by RFC 6531 3.3, but no
 * backslash before it). *pos moves behind the closing quote. */
static enum hy_address_reason read_quoted(struct hy_str s, size_t *pos, struct local *l)
{
    for (size_t i = *pos + 1; i < s.n; i++) {
        char c = s.p[i];
        if (c == '"') {
            *pos = i + 1;
            l->was_quoted = true;
            return HY_ADDRESS_OK;
        }
        if (c == '\\') {
            if (++i == s.n)
                return HY_ADDRESS_LOCAL_QUOTE;
            c = s.p[i];
            if ((unsigned char)c >= 128)
                return HY_ADDRESS_LOCAL_CHAR;
        }
        enum hy_address_reason why = local_add(l, c);
        if (why)
            return why;
    }
    return HY_ADDRESS_LOCAL_QUOTE;
}

static enum hy_address_reason read_atoms(struct hy_str s, size_t *pos, struct local *l)
{
    size_t i = *pos;
    for (; i < s.n && s.p[i] != '@'; i++) {
        char c = s.p[i];
        if (c == '"')
            return HY_ADDRESS_LOCAL_QUOTE;
        if (c != '.' && !is_atext((unsigned char)c))
            return memchr(s.p + i, '@', s.n - i) ? HY_ADDRESS_LOCAL_CHAR : HY_ADDRESS_NO_AT;
        enum hy_address_reason why = local_add(l, c);
        if (why)
            return why;
    }
    *pos = i;
    return l->n ? HY_ADDRESS_OK : HY_ADDRESS_NO_LOCAL;
}

static void judge_local(struct local *l)
{
    l->is_ascii = hy_str_is_ascii(hy_str_make(l->text, l->n));
    l->is_atoms = l->n > 0;
    for (size_t i = 0; i < l->n && l->is_atoms; i++)
        l->is_atoms = l->text[i] == '.' || is_atext((unsigned char)l->text[i]);
    l->bad_dots = l->n && (l->text[0] == '.' || l->text[l->n - 1] == '.');
    for (size_t i = 1; i < l->n && !l->bad_dots; i++)
        l->bad_dots = l->text[i] == '.' && l->text[i - 1] == '.';
}

/* Controls, spaces other than ' ', invisible and unassigned characters; they have no place in an
 * address and make two that look alike. */
static bool has_forbidden(struct hy_str s)
{
    bool ascii = true;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < 32 || c == 127)
            return true;
        ascii = ascii && c < 128;
    }
    if (ascii)
        return false;
    const uint32_t mask = UC_CATEGORY_MASK_C | UC_CATEGORY_MASK_Z;
    for (size_t i = 0; i < s.n;) {
        uint32_t cp = hy_utf8_next(s, &i);
        if (cp >= 128 && uc_is_general_category_withtable(cp, mask))
            return true;
    }
    return false;
}

/* Local part in its simplest form (RFC 5321 4.1.2: "SHOULD"). Returns its length, 0 when it does
 * not fit. */
static size_t put_local(const struct local *l, char out[HY_LOCAL_MAX])
{
    if (l->is_atoms && !l->bad_dots) {
        memcpy(out, l->text, l->n);
        return l->n;
    }
    size_t n = 0;
    out[n++] = '"';
    for (size_t i = 0; i < l->n; i++) {
        bool escape = l->text[i] == '"' || l->text[i] == '\\';
        if (n + escape + 2 > HY_LOCAL_MAX)
            return 0;
        if (escape)
            out[n++] = '\\';
        out[n++] = l->text[i];
    }
    if (n + 1 > HY_LOCAL_MAX)
        return 0;
    out[n++] = '"';
    return n;
}

/* The key: local part folded, @, domain. */
static enum hy_address_reason put_key(const struct local *l, struct hy_str domain, char *out,
                                      size_t *ret_n)
{
    size_t n = l->n;
    if (l->is_ascii) {
        for (size_t i = 0; i < n; i++)
            out[i] = hy_ascii_lower(l->text[i]);
    } else {
        n = HY_ADDRESS_KEY_MAX - HY_DOMAIN_MAX - 1;
        uint8_t *folded =
            u8_casefold((const uint8_t *)l->text, l->n, "", UNINORM_NFC, (uint8_t *)out, &n);
        if (folded != (uint8_t *)out) { /* did not fit, or it makes no sense */
            free(folded);
            return HY_ADDRESS_LOCAL_LONG;
        }
    }
    out[n++] = '@';
    memcpy(out + n, domain.p, domain.n);
    *ret_n = n + domain.n;
    return HY_ADDRESS_OK;
}

static enum hy_address_reason read_local(struct hy_str s, size_t *pos, struct local *l)
{
    enum hy_address_reason why = s.p[0] == '"' ? read_quoted(s, pos, l) : read_atoms(s, pos, l);
    if (why)
        return why;
    if (*pos == s.n)
        return HY_ADDRESS_NO_AT;
    if (s.p[*pos] != '@')
        return HY_ADDRESS_LOCAL_QUOTE;
    judge_local(l);
    return HY_ADDRESS_OK;
}

static enum hy_address_reason read_address(struct hy_str s, const struct hy_address_rules *rules,
                                           struct hy_address *a)
{
    struct local l = {0};
    size_t pos = 0;
    enum hy_address_reason why = read_local(s, &pos, &l);
    if (why)
        return why;
    struct hy_str rest = hy_str_slice(s, pos + 1, s.n);
    if (memchr(rest.p, '@', rest.n))
        return HY_ADDRESS_SEVERAL;

    char domain[HY_DOMAIN_MAX + 1];
    size_t domain_n = 0;
    why = hy_address_domain_put(rest, rules, domain, &domain_n);
    if (why)
        return why;
    struct hy_str d = hy_str_make(domain, domain_n);
    if (l.bad_dots && !l.was_quoted && !hy_address_is_carrier(d))
        return HY_ADDRESS_LOCAL_DOTS;

    size_t at = put_local(&l, a->wire);
    if (at == 0)
        return HY_ADDRESS_LOCAL_LONG;
    if (at + 1 + domain_n > HY_ADDRESS_MAX)
        return HY_ADDRESS_TOO_LONG;
    size_t key_n = 0;
    why = put_key(&l, d, a->key, &key_n);
    if (why)
        return why;
    a->wire[at] = '@';
    memcpy(a->wire + at + 1, domain, domain_n);
    a->at = (uint8_t)at;
    a->n = (uint8_t)(at + 1 + domain_n);
    a->wire[a->n] = 0;
    a->key_n = (uint16_t)key_n;
    a->needs_smtputf8 = !l.is_ascii;
    return HY_ADDRESS_OK;
}

static enum hy_address_reason read_field(struct hy_str field, const struct hy_address_rules *rules,
                                         struct hy_address *a)
{
    char narrow[ADDRESS_FIELD_MAX];
    struct hy_str s = field;
    if (s.n > ADDRESS_FIELD_MAX)
        return HY_ADDRESS_TOO_LONG;
    for (size_t i = 0; i < s.n; i++) /* in a name around it too; tabs are seen to later */
        if (((unsigned char)s.p[i] < 32 && s.p[i] != '\t') || s.p[i] == 127)
            return HY_ADDRESS_CONTROL;
    if (!hy_str_is_ascii(s)) {
        if (!hy_str_is_utf8(s))
            return HY_ADDRESS_NOT_UTF8;
        s = hy_str_make(narrow, hy_address_narrow(s, narrow));
    }
    enum hy_address_reason why = hy_address_strip(s, &s);
    if (why)
        return why;
    if (has_forbidden(s))
        return HY_ADDRESS_CONTROL;
    why = read_address(s, rules, a);
    if (why)
        return why;
    a->repaired = !hy_str_ieq(field, hy_address_wire(a));
    return HY_ADDRESS_OK;
}

int hy_address_parse(struct hy_str field, const struct hy_address_rules *rules,
                     struct hy_address *ret, enum hy_address_reason *ret_reason)
{
    static const struct hy_address_rules campaign;
    struct hy_address a; /* big: only what is used is written and copied */
    enum hy_address_reason why = read_field(field, rules ? rules : &campaign, &a);
    if (why) {
        *ret_reason = why;
        return HY_EPARSE;
    }
    ret->n = a.n;
    ret->at = a.at;
    ret->needs_smtputf8 = a.needs_smtputf8;
    ret->repaired = a.repaired;
    ret->key_n = a.key_n;
    memcpy(ret->wire, a.wire, (size_t)a.n + 1);
    memcpy(ret->key, a.key, a.key_n);
    return HY_OK;
}

int hy_address_wire_key(struct hy_str wire, char *out, size_t *ret_n)
{
    struct local l = {0};
    size_t pos = 0;
    if (wire.n == 0 || wire.n > HY_ADDRESS_MAX || read_local(wire, &pos, &l))
        return HY_EPARSE;
    struct hy_str domain = hy_str_slice(wire, pos + 1, wire.n);
    if (domain.n == 0 || domain.n > HY_DOMAIN_MAX)
        return HY_EPARSE;
    return put_key(&l, domain, out, ret_n) ? HY_EPARSE : HY_OK;
}
