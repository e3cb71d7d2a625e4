/* Values made harmless for the kind of place they go to. */
#include "hayauma/mail/escape.h"

/* What becomes of an ASCII character; UTF-8 beyond it is looked at by character. */
enum {
    COPY = 0,
    DROP,
    NEWLINE, /* CR LF, CR or LF as one LF */
    SPACE,
    REFERENCE, /* &amp; or &#NN; */
    PERCENT,   /* %XX */
    AMP,       /* &amp; */
};

#define CONTROLS [0 ... 8] = DROP, [11 ... 12] = DROP, [14 ... 31] = DROP, [127] = DROP
#define NEWLINES ['\n'] = NEWLINE, ['\r'] = NEWLINE
#define ALNUM    ['0' ... '9'] = COPY, ['A' ... 'Z'] = COPY, ['a' ... 'z'] = COPY

/* The later entry of a place wins, so the tables of what passes begin with a range for all. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
static const uint8_t actions[HY_ESCAPE_KINDS][128] = {
    [HY_ESCAPE_PLAIN] = {CONTROLS, NEWLINES},
    [HY_ESCAPE_LINE] = {[0 ... 31] = SPACE, [127] = SPACE, NEWLINES},
    [HY_ESCAPE_HTML] = {CONTROLS, NEWLINES, ['&'] = REFERENCE, ['<'] = REFERENCE, ['>'] = REFERENCE,
                        ['"'] = REFERENCE, ['\''] = REFERENCE},
    [HY_ESCAPE_UNQUOTED] = {[0 ... 127] = REFERENCE,
                            CONTROLS,
                            ALNUM,
                            ['_'] = COPY,
                            ['.'] = COPY,
                            ['%'] = COPY,
                            ['#'] = COPY,
                            [':'] = COPY,
                            ['-'] = COPY},
    [HY_ESCAPE_CSS] = {[0 ... 127] = DROP,
                       ALNUM,
                       ['#'] = COPY,
                       ['%'] = COPY,
                       ['.'] = COPY,
                       [','] = COPY,
                       ['-'] = COPY,
                       ['_'] = COPY,
                       [' '] = COPY},
    [HY_ESCAPE_URL_PART] =
        {[0 ... 127] = PERCENT, ALNUM, ['-'] = COPY, ['.'] = COPY, ['_'] = COPY, ['~'] = COPY},
    [HY_ESCAPE_URL_MAILTO] = {[0 ... 127] = PERCENT,
                              ALNUM,
                              ['-'] = COPY,
                              ['.'] = COPY,
                              ['_'] = COPY,
                              ['~'] = COPY,
                              ['@'] = COPY},
    [HY_ESCAPE_URL] = {[0 ... 32] = PERCENT,
                       [127] = PERCENT,
                       ['"'] = PERCENT,
                       ['\''] = PERCENT,
                       ['<'] = PERCENT,
                       ['>'] = PERCENT,
                       ['\\'] = PERCENT,
                       ['^'] = PERCENT,
                       ['`'] = PERCENT,
                       ['{' ... '}'] = PERCENT},
    [HY_ESCAPE_URL_HTML] = {[0 ... 32] = PERCENT,
                            [127] = PERCENT,
                            ['"'] = PERCENT,
                            ['\''] = PERCENT,
                            ['<'] = PERCENT,
                            ['>'] = PERCENT,
                            ['\\'] = PERCENT,
                            ['^'] = PERCENT,
                            ['`'] = PERCENT,
                            ['{' ... '}'] = PERCENT,
                            ['&'] = AMP},
};
#pragma GCC diagnostic pop

static bool is_url(unsigned kind)
{
    return kind >= HY_ESCAPE_URL_PART && kind <= HY_ESCAPE_URL_HTML;
}

static void add_percent(struct hy_buf *out, unsigned char c)
{
    static const char hex[] = "0123456789ABCDEF";
    char text[3] = {'%', hex[c >> 4], hex[c & 15]};
    hy_buf_add(out, text, 3);
}

static void add_reference(struct hy_buf *out, unsigned char c)
{
    switch (c) {
    case '&':
        hy_buf_add_lit(out, "&amp;");
        return;
    case '<':
        hy_buf_add_lit(out, "&lt;");
        return;
    case '>':
        hy_buf_add_lit(out, "&gt;");
        return;
    case '"':
        hy_buf_add_lit(out, "&quot;");
        return;
    }
    char text[8] = "&#";
    size_t n = 2;
    if (c >= 100)
        text[n++] = '1';
    if (c >= 10)
        text[n++] = (char)('0' + c / 10 % 10);
    text[n++] = (char)('0' + c % 10);
    text[n++] = ';';
    hy_buf_add(out, text, n);
}

/* One character beyond ASCII at s[*at]; a byte that is not UTF-8 becomes U+FFFD. */
static void add_wide(struct hy_buf *out, struct hy_str s, size_t *at, unsigned kind)
{
    uint32_t cp = hy_utf8_next(s, at);
    if (kind == HY_ESCAPE_CSS)
        return;
    char utf8[4];
    size_t n = hy_utf8_put(cp, utf8);
    if (!is_url(kind)) {
        hy_buf_add(out, utf8, n);
        return;
    }
    for (size_t i = 0; i < n; i++)
        add_percent(out, (unsigned char)utf8[i]);
}

static void add_special(struct hy_buf *out, struct hy_str s, size_t *at, unsigned kind)
{
    unsigned char c = (unsigned char)s.p[*at];
    if (c >= 0x80) {
        add_wide(out, s, at, kind);
        return;
    }
    *at += 1;
    switch (actions[kind][c]) {
    case NEWLINE:
        if (c == '\r' && *at < s.n && s.p[*at] == '\n')
            *at += 1;
        hy_buf_add_c(out, kind == HY_ESCAPE_LINE ? ' ' : '\n');
        break;
    case SPACE:
        hy_buf_add_c(out, ' ');
        break;
    case REFERENCE:
        add_reference(out, c);
        break;
    case PERCENT:
        add_percent(out, c);
        break;
    case AMP:
        hy_buf_add_lit(out, "&amp;");
        break;
    default:
        break;
    }
}

static size_t skip_same(struct hy_str s, size_t at, const uint8_t *action)
{
    while (at < s.n && (unsigned char)s.p[at] < 0x80 && action[(unsigned char)s.p[at]] == COPY)
        at++;
    return at;
}

static void add_all(struct hy_buf *out, struct hy_str s, unsigned kind)
{
    for (size_t at = 0; at < s.n;) {
        size_t run = skip_same(s, at, actions[kind]);
        hy_buf_add_str(out, hy_str_slice(s, at, run));
        at = run;
        if (at < s.n)
            add_special(out, s, &at, kind);
    }
}

bool hy_url_is_http(struct hy_str url)
{
    return hy_str_istarts(url, HY_STR("http://")) || hy_str_istarts(url, HY_STR("https://"));
}

static bool is_safe_scheme(struct hy_str url)
{
    return hy_url_is_http(url) || hy_str_istarts(url, HY_STR("mailto:")) ||
           hy_str_istarts(url, HY_STR("tel:")) || hy_str_istarts(url, HY_STR("cid:"));
}

/* Inside a comment the hyphens of a value that stand at its ends or beside another are written so
 * that they do not count: as references, in URLs percent-encoded, in CSS not at all. */
static void add_in_comment(struct hy_buf *out, struct hy_str s, unsigned kind)
{
    for (size_t at = 0; at < s.n;) {
        if (s.p[at] != '-') {
            size_t run = hy_str_find(s, '-', at);
            add_all(out, hy_str_slice(s, at, run), kind);
            at = run < s.n ? run : s.n;
            continue;
        }
        bool is_alone = at > 0 && at + 1 < s.n && s.p[at - 1] != '-' && s.p[at + 1] != '-' &&
                        (unsigned char)s.p[at - 1] > ' ' && (unsigned char)s.p[at + 1] > ' ';
        if (is_alone)
            hy_buf_add_c(out, '-');
        else if (is_url(kind))
            hy_buf_add_lit(out, "%2D");
        else if (kind != HY_ESCAPE_CSS)
            hy_buf_add_lit(out, "&#45;");
        at++;
    }
}

void hy_escape(struct hy_buf *out, struct hy_str value, unsigned escape)
{
    unsigned kind = escape & HY_ESCAPE_MASK;
    if (kind == HY_ESCAPE_URL || kind == HY_ESCAPE_URL_HTML) {
        value = hy_str_trim(value);
        if (!is_safe_scheme(value))
            value = HY_STR("#");
    }
    if (escape & HY_ESCAPE_IN_COMMENT)
        add_in_comment(out, value, kind);
    else
        add_all(out, value, kind);
}

bool hy_escape_is_same(struct hy_str value, unsigned escape)
{
    if (escape >= HY_ESCAPE_URL)
        return false;
    return skip_same(value, 0, actions[escape]) == value.n;
}
