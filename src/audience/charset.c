/* Text of any of our charsets into UTF-8 as it streams by. Until the charset is known, bytes are
 * held back: 64 KiB at the start, and again from the first byte that is not plain ASCII. */
#include "hayauma/audience/charset.h"

#include <errno.h>
#include <iconv.h>
#include <stdlib.h>

enum {
    HOLD_MAX = 64 * 1024,
    STAGE_MAX = 8 * 1024, /* bytes given to iconv at once, with what the last call left over */
    LEFT_MAX = 16,        /* longest character of any charset, with its shift sequence */
};

struct hy_charset_reader {
    enum hy_charset charset;
    bool at_start; /* no byte was looked at yet: a byte order mark may come */
    iconv_t cd;    /* (iconv_t)-1 when there is none */
    struct hy_buf held;
    size_t n_left;
    char stage[STAGE_MAX];
};

static const struct {
    const char *name, *iconv;
} charsets[HY_CHARSETS] = {
    [HY_CHARSET_AUTO] = {"auto", NULL},
    [HY_CHARSET_UTF8] = {"UTF-8", NULL},
    [HY_CHARSET_SJIS] = {"Shift_JIS", "CP932"},
    [HY_CHARSET_EUCJP] = {"EUC-JP", "EUC-JP-MS"},
    [HY_CHARSET_JIS] = {"ISO-2022-JP", "ISO-2022-JP-3"},
    [HY_CHARSET_UTF16LE] = {"UTF-16LE", "UTF-16LE"},
    [HY_CHARSET_UTF16BE] = {"UTF-16BE", "UTF-16BE"},
    [HY_CHARSET_LATIN1] = {"Windows-1252", "CP1252"},
};

const char *hy_charset_name(enum hy_charset c)
{
    return (unsigned)c < HY_CHARSETS ? charsets[c].name : "?";
}

int hy_charset_parse(struct hy_str name, enum hy_charset *ret)
{
    static const struct {
        const char *name;
        enum hy_charset charset;
    } names[] = {
        {"auto", HY_CHARSET_AUTO},
        {"utf-8", HY_CHARSET_UTF8},
        {"utf8", HY_CHARSET_UTF8},
        {"utf-8-bom", HY_CHARSET_UTF8},
        {"utf-8-sig", HY_CHARSET_UTF8},
        {"us-ascii", HY_CHARSET_UTF8},
        {"ascii", HY_CHARSET_UTF8},
        {"shift_jis", HY_CHARSET_SJIS},
        {"shift-jis", HY_CHARSET_SJIS},
        {"shiftjis", HY_CHARSET_SJIS},
        {"sjis", HY_CHARSET_SJIS},
        {"sjis-win", HY_CHARSET_SJIS},
        {"cp932", HY_CHARSET_SJIS},
        {"ms932", HY_CHARSET_SJIS},
        {"windows-31j", HY_CHARSET_SJIS},
        {"x-sjis", HY_CHARSET_SJIS},
        {"euc-jp", HY_CHARSET_EUCJP},
        {"eucjp", HY_CHARSET_EUCJP},
        {"eucjp-win", HY_CHARSET_EUCJP},
        {"eucjp-ms", HY_CHARSET_EUCJP},
        {"cp51932", HY_CHARSET_EUCJP},
        {"iso-2022-jp", HY_CHARSET_JIS},
        {"jis", HY_CHARSET_JIS},
        {"utf-16", HY_CHARSET_UTF16LE},
        {"utf16", HY_CHARSET_UTF16LE},
        {"utf-16le", HY_CHARSET_UTF16LE},
        {"utf16le", HY_CHARSET_UTF16LE},
        {"utf-16be", HY_CHARSET_UTF16BE},
        {"utf16be", HY_CHARSET_UTF16BE},
        {"unicode", HY_CHARSET_UTF16LE},
        {"latin1", HY_CHARSET_LATIN1},
        {"iso-8859-1", HY_CHARSET_LATIN1},
        {"windows-1252", HY_CHARSET_LATIN1},
        {"cp1252", HY_CHARSET_LATIN1},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (hy_str_ieq(name, hy_str_of(names[i].name))) {
            *ret = names[i].charset;
            return HY_OK;
        }
    }
    return HY_ENOTFOUND;
}

static int open_iconv(struct hy_charset_reader *r)
{
    const char *from = charsets[r->charset].iconv;
    if (!from)
        return HY_OK;
    r->cd = iconv_open("UTF-8", from);
    if (r->cd == (iconv_t)-1)
        return errno == ENOMEM ? HY_ENOMEM : HY_EUNSUPPORTED;
    return HY_OK;
}

int hy_charset_reader_new(enum hy_charset c, struct hy_charset_reader **ret)
{
    if ((unsigned)c >= HY_CHARSETS)
        return HY_EINVAL;
    struct hy_charset_reader *r = calloc(1, sizeof *r);
    if (!r)
        return HY_ENOMEM;
    r->charset = c;
    r->at_start = true;
    r->cd = (iconv_t)-1;
    r->held = HY_BUF_INIT(HOLD_MAX);
    int err = open_iconv(r); /* so that a missing charset is known before the first byte */
    if (err) {
        hy_charset_reader_free(r);
        return err;
    }
    *ret = r;
    return HY_OK;
}

void hy_charset_reader_free(struct hy_charset_reader *r)
{
    if (!r)
        return;
    if (r->cd != (iconv_t)-1)
        iconv_close(r->cd);
    hy_buf_free(&r->held);
    free(r);
}

enum hy_charset hy_charset_reader_charset(const struct hy_charset_reader *r)
{
    return r->charset;
}

/* ---- decoding ---- */

static size_t unit_size(const struct hy_charset_reader *r)
{
    return r->charset == HY_CHARSET_UTF16LE || r->charset == HY_CHARSET_UTF16BE ? 2 : 1;
}

/* Converts stage[0, n); *ret_left bytes of a cut character stay at its front. */
static int convert(struct hy_charset_reader *r, size_t n, struct hy_buf *out, size_t *ret_left)
{
    char *in = r->stage;
    size_t left = n;
    while (left > 0) {
        int err = hy_buf_reserve(out, 2 * left + 64);
        if (err)
            return err;
        char *to = out->data + out->len;
        size_t room = out->cap - out->len, before = room;
        size_t rc = iconv(r->cd, &in, &left, &to, &room);
        out->len += before - room;
        if (rc != (size_t)-1 || errno == E2BIG)
            continue;
        if (errno == EINVAL)
            break; /* cut character */
        size_t skip = left < unit_size(r) ? left : unit_size(r);
        hy_buf_add_c(out, (char)0xff);
        in += skip;
        left -= skip;
    }
    memmove(r->stage, in, left);
    *ret_left = left;
    return out->err;
}

/* The end: what iconv keeps to itself comes out, a cut character is an error of the text. */
static int flush(struct hy_charset_reader *r, struct hy_buf *out)
{
    int err = hy_buf_reserve(out, 64);
    if (err)
        return err;
    char *to = out->data + out->len;
    size_t room = out->cap - out->len, before = room;
    (void)iconv(r->cd, NULL, NULL, &to, &room);
    out->len += before - room;
    if (r->n_left)
        hy_buf_add_c(out, (char)0xff);
    r->n_left = 0;
    return out->err;
}

static int decode(struct hy_charset_reader *r, struct hy_str bytes, bool last, struct hy_buf *out)
{
    if (r->cd == (iconv_t)-1) {
        hy_buf_add_str(out, bytes);
        return out->err;
    }
    while (bytes.n > 0) {
        size_t n = bytes.n < STAGE_MAX - r->n_left ? bytes.n : STAGE_MAX - r->n_left;
        memcpy(r->stage + r->n_left, bytes.p, n);
        bytes = hy_str_slice(bytes, n, bytes.n);
        int err = convert(r, r->n_left + n, out, &r->n_left);
        if (err)
            return err;
        if (r->n_left > LEFT_MAX) { /* no charset does this; never stand still */
            hy_buf_add_c(out, (char)0xff);
            r->n_left = 0;
        }
    }
    return last ? flush(r, out) : out->err;
}

/* ---- the start, and finding out ---- */

/* The charset that a byte order mark names, and the length of the mark. */
static enum hy_charset mark_of(struct hy_str s, size_t *ret_n)
{
    *ret_n = 2;
    if (hy_str_starts(s, HY_STR("\xff\xfe")))
        return HY_CHARSET_UTF16LE;
    if (hy_str_starts(s, HY_STR("\xfe\xff")))
        return HY_CHARSET_UTF16BE;
    *ret_n = 3;
    if (hy_str_starts(s, HY_STR("\xef\xbb\xbf")))
        return HY_CHARSET_UTF8;
    *ret_n = 0;
    return HY_CHARSET_AUTO;
}

/* Looks at the first bytes: takes a mark off when it fits what was asked for. */
static int read_mark(struct hy_charset_reader *r, struct hy_str *bytes)
{
    size_t n = 0;
    enum hy_charset mark = mark_of(*bytes, &n);
    bool is_16 = unit_size(r) == 2;
    r->at_start = false;
    if (mark == HY_CHARSET_AUTO)
        return HY_OK;
    if (r->charset != HY_CHARSET_AUTO && mark != r->charset && !(is_16 && n == 2))
        return HY_OK; /* it is not a mark in the charset that was asked for */
    *bytes = hy_str_slice(*bytes, n, bytes->n);
    if (mark == r->charset)
        return HY_OK;
    if (r->cd != (iconv_t)-1)
        iconv_close(r->cd);
    r->cd = (iconv_t)-1;
    r->charset = mark;
    return open_iconv(r);
}

static bool says_something(char c)
{
    return ((unsigned char)c & 0x80) || c == 0x1b || c == 0;
}

/* Not known yet, and nothing held: plain ASCII goes through, the rest is held. */
static int pass_plain(struct hy_str *bytes, struct hy_buf *out)
{
    size_t n = 0;
    while (n < bytes->n && !says_something(bytes->p[n]))
        n++;
    hy_buf_add(out, bytes->p, n);
    *bytes = hy_str_slice(*bytes, n, bytes->n);
    return out->err;
}

static void hold(struct hy_charset_reader *r, struct hy_str *bytes)
{
    size_t room = HOLD_MAX - r->held.len, n = bytes->n < room ? bytes->n : room;
    hy_buf_add(&r->held, bytes->p, n);
    *bytes = hy_str_slice(*bytes, n, bytes->n);
}

/* What is held says what it is, or is plain. */
static int judge(struct hy_charset_reader *r, bool last, struct hy_buf *out)
{
    struct hy_str held = hy_buf_str(&r->held);
    int err = HY_OK;
    if (r->at_start)
        err = read_mark(r, &held);
    if (err == HY_OK && r->charset == HY_CHARSET_AUTO) {
        r->charset = hy_charset_guess(held);
        err = open_iconv(r);
    }
    if (err == HY_OK)
        err = decode(r, held, last, out);
    hy_buf_reset(&r->held);
    return err;
}

int hy_charset_read(struct hy_charset_reader *r, struct hy_str bytes, bool last, struct hy_buf *out)
{
    int err = HY_OK;
    while (err == HY_OK && bytes.n > 0 && (r->at_start || r->charset == HY_CHARSET_AUTO)) {
        if (!r->at_start && r->held.len == 0)
            err = pass_plain(&bytes, out);
        hold(r, &bytes);
        size_t enough = r->charset == HY_CHARSET_AUTO ? HOLD_MAX : 3;
        if (err == HY_OK && r->held.err)
            err = r->held.err;
        if (err == HY_OK && r->held.len >= enough)
            err = judge(r, last && bytes.n == 0, out);
    }
    if (err == HY_OK && last && r->held.len)
        err = judge(r, bytes.n == 0, out);
    if (err == HY_OK)
        err = decode(r, bytes, last, out);
    return err;
}
