/* Charsets of bodies, with iconv where the bytes are neither ASCII nor UTF-8. */
#include "text.h"

#include <errno.h>
#include <iconv.h>
#include <stdio.h>

enum { CHARSET_MAX = 40 };

static bool is_named(struct hy_str charset, const char *const *names)
{
    for (; *names; names++)
        if (hy_str_ieq(charset, hy_str_of(*names)))
            return true;
    return false;
}

static bool may_be_charset(struct hy_str s)
{
    for (size_t i = 0; i < s.n; i++) /* also keeps "//TRANSLIT" away from iconv */
        if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'z') ||
              (s.p[i] >= 'A' && s.p[i] <= 'Z') || s.p[i] == '-' || s.p[i] == '_'))
            return false;
    return s.n > 0 && s.n <= CHARSET_MAX;
}

static iconv_t open_charset(struct hy_str charset)
{
    /* What mail calls them, and those of iconv that hold more and fail less. */
    static const char *const chinese[] = {"gb2312", "gbk", "gb18030", NULL};
    static const char *const utf7[] = {"unicode-1-1-utf-7", NULL};
    static const char *const korean[] = {"ks_c_5601-1987", "euc-kr", NULL};
    static const char *const japanese[] = {"shift_jis", "shift-jis", "x-sjis", "sjis", NULL};
    char name[CHARSET_MAX + 1];
    if (!may_be_charset(charset))
        return (iconv_t)-1;
    if (is_named(charset, chinese))
        return iconv_open("UTF-8", "GB18030");
    if (is_named(charset, utf7))
        return iconv_open("UTF-8", "UTF-7");
    if (is_named(charset, korean))
        return iconv_open("UTF-8", "CP949");
    if (is_named(charset, japanese))
        return iconv_open("UTF-8", "CP932");
    snprintf(name, sizeof name, "%.*s", HY_STR_ARG(charset));
    return iconv_open("UTF-8", name);
}

static void put_clean(struct hy_buf *out, struct hy_str s)
{
    if (hy_buf_reserve(out, s.n) != HY_OK)
        return;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        out->data[out->len++] = (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f ? ' ' : (char)c;
    }
}

static void put_converted(struct hy_buf *out, iconv_t cd, struct hy_str raw)
{
    char *in = (char *)(uintptr_t)raw.p; /* iconv does not write to its input */
    size_t n_in = raw.n;
    while (n_in && out->err == 0) {
        char chunk[4096], *to = chunk;
        size_t room = sizeof chunk;
        size_t done = iconv(cd, &in, &n_in, &to, &room);
        put_clean(out, hy_str_make(chunk, (size_t)(to - chunk)));
        if (done == (size_t)-1 && errno != E2BIG && n_in) {
            hy_buf_add_lit(out, "\xef\xbf\xbd");
            in++;
            n_in--;
        }
    }
}

static void put_latin1(struct hy_buf *out, struct hy_str raw)
{
    for (size_t i = 0; i < raw.n && out->err == 0; i++) {
        unsigned char c = (unsigned char)raw.p[i];
        char bytes[4];
        if (c < 0x80)
            put_clean(out, hy_str_make(raw.p + i, 1));
        else
            hy_buf_add(out, bytes, hy_utf8_put(c, bytes));
    }
}

void bounce_put_text(struct hy_buf *out, struct hy_str raw, struct hy_str charset)
{
    bool is_jis = hy_str_find_str(raw, HY_STR("\x1b$"), 0) != SIZE_MAX;
    if (!is_jis && hy_str_is_utf8(raw)) {
        put_clean(out, raw);
        return;
    }
    if (is_jis)
        charset = HY_STR("ISO-2022-JP-3");
    iconv_t cd = open_charset(charset);
    if (cd == (iconv_t)-1) {
        put_latin1(out, raw);
        return;
    }
    put_converted(out, cd, raw);
    iconv_close(cd);
}

size_t bounce_copy_line(struct hy_str raw, char *out, size_t cap)
{
    bool at_space = true;
    size_t len = 0;
    for (size_t pos = 0; pos < raw.n;) {
        unsigned char c = (unsigned char)raw.p[pos];
        char bytes[4] = {(char)c};
        size_t n = 1;
        bool is_space = c <= 0x20 || c == 0x7f;
        if (c >= 0x80) {
            uint32_t cp = hy_utf8_next(raw, &pos);
            is_space = cp >= 0x80 && cp < 0xa0;
            n = hy_utf8_put(cp, bytes);
        } else {
            pos++;
        }
        if (is_space && at_space)
            continue;
        if (len + n > cap)
            break;
        if (is_space)
            out[len++] = ' ';
        else
            for (size_t i = 0; i < n; i++)
                out[len++] = bytes[i];
        at_space = is_space;
    }
    return len && out[len - 1] == ' ' ? len - 1 : len;
}
