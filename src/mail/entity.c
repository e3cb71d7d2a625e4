/* Character references of HTML ("&amp;", "&#12354;") back to characters. */
#include "entity.h"

/* The names that mail uses: Latin 1, and the typographic and mathematical ones of HTML 4. */
static const struct name {
    const char *name;
    uint32_t code_point;
} names[] = {
    {"AElig", 0xc6},    {"Aacute", 0xc1},   {"Acirc", 0xc2},    {"Agrave", 0xc0},
    {"Aring", 0xc5},    {"Atilde", 0xc3},   {"Auml", 0xc4},     {"Ccedil", 0xc7},
    {"Dagger", 0x2021}, {"ETH", 0xd0},      {"Eacute", 0xc9},   {"Ecirc", 0xca},
    {"Egrave", 0xc8},   {"Euml", 0xcb},     {"Iacute", 0xcd},   {"Icirc", 0xce},
    {"Igrave", 0xcc},   {"Iuml", 0xcf},     {"Ntilde", 0xd1},   {"OElig", 0x152},
    {"Oacute", 0xd3},   {"Ocirc", 0xd4},    {"Ograve", 0xd2},   {"Oslash", 0xd8},
    {"Otilde", 0xd5},   {"Ouml", 0xd6},     {"Prime", 0x2033},  {"Scaron", 0x160},
    {"THORN", 0xde},    {"Uacute", 0xda},   {"Ucirc", 0xdb},    {"Ugrave", 0xd9},
    {"Uuml", 0xdc},     {"Yacute", 0xdd},   {"aacute", 0xe1},   {"acirc", 0xe2},
    {"acute", 0xb4},    {"aelig", 0xe6},    {"agrave", 0xe0},   {"amp", '&'},
    {"apos", '\''},     {"aring", 0xe5},    {"atilde", 0xe3},   {"auml", 0xe4},
    {"bdquo", 0x201e},  {"brvbar", 0xa6},   {"bull", 0x2022},   {"ccedil", 0xe7},
    {"cedil", 0xb8},    {"cent", 0xa2},     {"circ", 0x2c6},    {"clubs", 0x2663},
    {"copy", 0xa9},     {"curren", 0xa4},   {"dArr", 0x21d3},   {"dagger", 0x2020},
    {"darr", 0x2193},   {"deg", 0xb0},      {"diams", 0x2666},  {"divide", 0xf7},
    {"eacute", 0xe9},   {"ecirc", 0xea},    {"egrave", 0xe8},   {"emsp", 0x2003},
    {"ensp", 0x2002},   {"eth", 0xf0},      {"euml", 0xeb},     {"euro", 0x20ac},
    {"frac12", 0xbd},   {"frac14", 0xbc},   {"frac34", 0xbe},   {"frasl", 0x2044},
    {"ge", 0x2265},     {"gt", '>'},        {"hArr", 0x21d4},   {"harr", 0x2194},
    {"hearts", 0x2665}, {"hellip", 0x2026}, {"iacute", 0xed},   {"icirc", 0xee},
    {"iexcl", 0xa1},    {"igrave", 0xec},   {"infin", 0x221e},  {"iquest", 0xbf},
    {"iuml", 0xef},     {"lArr", 0x21d0},   {"laquo", 0xab},    {"larr", 0x2190},
    {"ldquo", 0x201c},  {"le", 0x2264},     {"lowast", 0x2217}, {"lrm", 0x200e},
    {"lsaquo", 0x2039}, {"lsquo", 0x2018},  {"lt", '<'},        {"macr", 0xaf},
    {"mdash", 0x2014},  {"micro", 0xb5},    {"middot", 0xb7},   {"minus", 0x2212},
    {"nbsp", 0xa0},     {"ndash", 0x2013},  {"ne", 0x2260},     {"not", 0xac},
    {"ntilde", 0xf1},   {"oacute", 0xf3},   {"ocirc", 0xf4},    {"oelig", 0x153},
    {"ograve", 0xf2},   {"oline", 0x203e},  {"ordf", 0xaa},     {"ordm", 0xba},
    {"oslash", 0xf8},   {"otilde", 0xf5},   {"ouml", 0xf6},     {"para", 0xb6},
    {"permil", 0x2030}, {"plusmn", 0xb1},   {"pound", 0xa3},    {"prime", 0x2032},
    {"quot", '"'},      {"rArr", 0x21d2},   {"raquo", 0xbb},    {"rarr", 0x2192},
    {"rdquo", 0x201d},  {"reg", 0xae},      {"rlm", 0x200f},    {"rsaquo", 0x203a},
    {"rsquo", 0x2019},  {"sbquo", 0x201a},  {"scaron", 0x161},  {"sect", 0xa7},
    {"shy", 0xad},      {"spades", 0x2660}, {"sup1", 0xb9},     {"sup2", 0xb2},
    {"sup3", 0xb3},     {"szlig", 0xdf},    {"thinsp", 0x2009}, {"thorn", 0xfe},
    {"tilde", 0x2dc},   {"times", 0xd7},    {"trade", 0x2122},  {"uArr", 0x21d1},
    {"uacute", 0xfa},   {"uarr", 0x2191},   {"ucirc", 0xfb},    {"ugrave", 0xf9},
    {"uml", 0xa8},      {"uuml", 0xfc},     {"yacute", 0xfd},   {"yen", 0xa5},
    {"yuml", 0xff},     {"zwj", 0x200d},    {"zwnj", 0x200c},
};

/* 0 = not known. */
static uint32_t look_up(struct hy_str name)
{
    size_t low = 0, high = sizeof names / sizeof *names;
    while (low < high) {
        size_t mid = (low + high) / 2;
        size_t n = strlen(names[mid].name);
        int order = memcmp(name.p, names[mid].name, name.n < n ? name.n : n);
        if (order == 0)
            order = name.n < n ? -1 : name.n > n;
        if (order == 0)
            return names[mid].code_point;
        if (order < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return 0;
}

static bool is_alnum(char c)
{
    char l = hy_ascii_lower(c);
    return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9');
}

/* "#1234" or "#x4d2"; 0 = not a number. */
static uint32_t read_number(struct hy_str s)
{
    bool is_hex = s.n > 1 && hy_ascii_lower(s.p[1]) == 'x';
    size_t at = is_hex ? 2 : 1;
    uint32_t value = 0;
    if (at == s.n)
        return 0;
    for (; at < s.n; at++) {
        char c = hy_ascii_lower(s.p[at]);
        uint32_t digit = c >= '0' && c <= '9' ? (uint32_t)(c - '0') : (uint32_t)(c - 'a' + 10);
        if (digit >= (is_hex ? 16u : 10u))
            return 0;
        value = value * (is_hex ? 16 : 10) + digit;
        if (value > 0x10ffff)
            return 0xfffd;
    }
    return value ? value : 0xfffd;
}

void hy_entity_decode(struct hy_buf *out, struct hy_str s)
{
    for (size_t at = 0; at < s.n;) {
        size_t amp = hy_str_find(s, '&', at);
        hy_buf_add_str(out, hy_str_slice(s, at, amp));
        if (amp == SIZE_MAX)
            return;
        size_t end = amp + 1;
        if (end < s.n && s.p[end] == '#')
            end++;
        while (end < s.n && end - amp < 32 && is_alnum(s.p[end]))
            end++;
        struct hy_str name = hy_str_slice(s, amp + 1, end);
        bool is_number = name.n && name.p[0] == '#';
        /* A number may do without the semicolon. A name must have it: "&copy=1" is a query. */
        bool is_ended = end < s.n && s.p[end] == ';';
        uint32_t cp = is_number ? read_number(name) : is_ended ? look_up(name) : 0;
        if (cp == 0) {
            hy_buf_add_str(out, hy_str_slice(s, amp, end));
            at = end;
            continue;
        }
        char utf8[4];
        hy_buf_add(out, utf8, hy_utf8_put(cp, utf8));
        at = is_ended ? end + 1 : end;
    }
}
