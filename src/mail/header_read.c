/* Reading header blocks: splitting into fields, unfolding, decoding encoded words. Readers are
 * lenient: what is not understood stays as it stands. */
#include "hayauma/mail/header.h"

#include "hayauma/base/codec.h"

#include <errno.h>
#include <iconv.h>
#include <stdio.h>

enum {
    CHARSET_MAX = 40, /* bytes of a charset's name */
    /* Bytes of adjacent encoded words of one charset, decoded together because senders cut
     * characters in two. */
    RUN_MAX = 1 << 16,
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The line at the front of `*rest`, its end taken off; ret_whole has it. */
static bool next_line(struct hy_str *rest, struct hy_str *ret_line, struct hy_str *ret_whole)
{
    if (rest->n == 0)
        return false;
    const char *nl = memchr(rest->p, '\n', rest->n);
    size_t whole = nl ? (size_t)(nl - rest->p) + 1 : rest->n;
    size_t n = nl ? whole - 1 : whole;
    if (nl && n && rest->p[n - 1] == '\r')
        n--;
    *ret_line = hy_str_slice(*rest, 0, n);
    *ret_whole = hy_str_slice(*rest, 0, whole);
    *rest = hy_str_slice(*rest, whole, rest->n);
    return true;
}

static bool is_continuation(struct hy_str rest)
{
    return rest.n && (rest.p[0] == ' ' || rest.p[0] == '\t');
}

bool hy_header_next(struct hy_str *rest, struct hy_header_field *ret)
{
    struct hy_str line, whole;
    while (next_line(rest, &line, &whole)) {
        if (line.n == 0)
            return false;
        size_t colon = hy_str_find(line, ':', 0);
        struct hy_str name = hy_str_slice(line, 0, colon);
        while (name.n && is_space(name.p[name.n - 1]))
            name.n--;
        struct hy_str last = line;
        while (is_continuation(*rest)) {
            struct hy_str more;
            if (!next_line(rest, &last, &more))
                break;
            whole.n += more.n;
        }
        if (colon == SIZE_MAX || !hy_header_name_ok(name))
            continue;
        const char *value = line.p + colon + 1;
        ret->name = name;
        ret->value = hy_str_make(value, (size_t)(last.p + last.n - value));
        ret->whole = whole;
        return true;
    }
    return false;
}

bool hy_header_find(struct hy_str headers, struct hy_str name, struct hy_header_field *ret)
{
    struct hy_header_field f;
    while (hy_header_next(&headers, &f)) {
        if (hy_str_ieq(f.name, name)) {
            *ret = f;
            return true;
        }
    }
    return false;
}

/* encoded-word = "=?" charset ["*" language] "?" encoding "?" encoded-text "?=" */
struct word {
    struct hy_str charset;
    char encoding; /* 'B' or 'Q' */
    struct hy_str text;
    size_t length; /* of all of it */
};

static bool parse_word(struct hy_str s, struct word *ret)
{
    if (!hy_str_starts(s, HY_STR("=?")))
        return false;
    size_t charset_end = hy_str_find(s, '?', 2);
    if (charset_end == SIZE_MAX || charset_end + 3 > s.n || s.p[charset_end + 2] != '?')
        return false;
    const size_t text = charset_end + 3;
    size_t end = hy_str_find(s, '?', text);
    if (end == SIZE_MAX || end + 1 >= s.n || s.p[end + 1] != '=')
        return false;
    struct hy_str charset = hy_str_slice(s, 2, charset_end);
    charset.n = charset.n < hy_str_find(charset, '*', 0) ? charset.n : hy_str_find(charset, '*', 0);
    const char encoding = (char)(s.p[charset_end + 1] & ~0x20);
    if (charset.n == 0 || charset.n > CHARSET_MAX || (encoding != 'B' && encoding != 'Q'))
        return false;
    for (size_t i = 0; i < charset.n; i++) /* also keeps "//TRANSLIT" away from iconv */
        if (charset.p[i] <= ' ' || charset.p[i] >= 0x7f || charset.p[i] == '/')
            return false;
    for (size_t i = text; i < end; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return false;
    *ret = (struct word){charset, encoding, hy_str_slice(s, text, end), end + 2};
    return true;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = hy_ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void add_q_bytes(struct hy_buf *raw, struct hy_str text)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '_') {
            c = ' ';
        } else if (c == '=' && i + 2 < text.n) {
            int high = hex_value(text.p[i + 1]), low = hex_value(text.p[i + 2]);
            if (high >= 0 && low >= 0) {
                c = (char)(high << 4 | low);
                i += 2;
            }
        }
        hy_buf_add_c(raw, c);
    }
}

/* The bytes of a word behind those already in `raw`; false when its base64 is broken. */
static bool add_word_bytes(struct hy_buf *raw, const struct word *w)
{
    if (w->encoding == 'Q') {
        add_q_bytes(raw, w->text);
        return true;
    }
    size_t n;
    if (hy_buf_reserve(raw, w->text.n / 4 * 3 + 3) != HY_OK ||
        hy_base64_decode(w->text, raw->data + raw->len, &n) != HY_OK)
        return false;
    raw->len += n;
    return true;
}

/* UTF-8 with spaces for control characters and U+FFFD for what is not UTF-8. */
static void add_visible(struct hy_buf *out, struct hy_str s)
{
    for (size_t pos = 0; pos < s.n;) {
        uint32_t cp = hy_utf8_next(s, &pos);
        char bytes[4];
        hy_buf_add(out, bytes, hy_utf8_put(cp < 0x20 || cp == 0x7f ? ' ' : cp, bytes));
    }
}

/* Converts; undecodable bytes become U+FFFD one by one. */
static void add_converted(struct hy_buf *out, iconv_t cd, struct hy_str raw)
{
    char *in = (char *)(uintptr_t)raw.p; /* iconv does not write to its input */
    size_t n_in = raw.n;
    bool at_end = false;
    iconv(cd, NULL, NULL, NULL, NULL);
    while (!at_end && out->err == 0) {
        char chunk[256], *to = chunk;
        size_t room = sizeof chunk;
        at_end = n_in == 0; /* then iconv writes what it still holds */
        size_t done =
            at_end ? iconv(cd, NULL, NULL, &to, &room) : iconv(cd, &in, &n_in, &to, &room);
        add_visible(out, hy_str_make(chunk, (size_t)(to - chunk)));
        if (done == (size_t)-1 && errno != E2BIG && n_in) {
            hy_buf_add_lit(out, "\xef\xbf\xbd");
            in++;
            n_in--;
        }
    }
}

static iconv_t open_charset(struct hy_str charset)
{
    char name[CHARSET_MAX + 1];
    snprintf(name, sizeof name, "%.*s", HY_STR_ARG(charset));
    return iconv_open("UTF-8", name);
}

/* Reads encoded words of one charset, with the white space between them, from the front of `s`;
 * returns how many bytes they take, 0 when there is no good one. */
static size_t add_run(struct hy_buf *out, struct hy_str s)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf raw = HY_BUF_INIT(RUN_MAX);
    struct word first, w;
    if (!parse_word(s, &first) || !add_word_bytes(&raw, &first))
        return 0;
    iconv_t cd = open_charset(first.charset);
    if (cd == (iconv_t)-1)
        return 0;
    size_t used = first.length, next = used;
    for (;;) {
        while (next < s.n && is_space(s.p[next]))
            next++;
        if (next == used || !parse_word(hy_str_slice(s, next, s.n), &w) ||
            !hy_str_ieq(w.charset, first.charset) || !add_word_bytes(&raw, &w))
            break;
        next += w.length;
        used = next;
    }
    add_converted(out, cd, hy_buf_str(&raw));
    iconv_close(cd);
    return used;
}

/* The white space of a folded value as it reads unfolded. */
static void add_gap(struct hy_buf *out, struct hy_str gap)
{
    for (size_t i = 0; i < gap.n; i++)
        if (gap.p[i] != '\r' && gap.p[i] != '\n')
            hy_buf_add_c(out, ' ');
}

/* How long the plain text at the front is: up to white space or what may be an encoded word. */
static size_t plain_length(struct hy_str s)
{
    size_t n = s.n ? 1 : 0;
    while (n < s.n && !is_space(s.p[n]) && !(s.p[n] == '=' && n + 1 < s.n && s.p[n + 1] == '?'))
        n++;
    return n;
}

int hy_header_decode(struct hy_buf *out, struct hy_str value)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf run = HY_BUF_INIT(out->max);
    const size_t start = out->len;
    bool after_word = false;
    for (struct hy_str rest = hy_str_trim(value); rest.n;) {
        size_t spaces = 0;
        while (spaces < rest.n && is_space(rest.p[spaces]))
            spaces++;
        struct hy_str gap = hy_str_slice(rest, 0, spaces);
        rest = hy_str_slice(rest, spaces, rest.n);
        hy_buf_reset(&run);
        size_t used = add_run(&run, rest);
        if (used) {
            if (!after_word) /* white space between two words is not part of the text */
                add_gap(out, gap);
            hy_buf_add_str(out, hy_buf_str(&run));
            if (run.err && out->err == 0)
                out->err = run.err;
        } else {
            add_gap(out, gap);
            used = plain_length(rest);
            add_visible(out, hy_str_slice(rest, 0, used));
        }
        after_word = run.len > 0;
        rest = hy_str_slice(rest, used, rest.n);
    }
    if (out->err)
        out->len = start;
    return out->err;
}
