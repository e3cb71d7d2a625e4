/* What charset a text is in, from how its bytes follow each other. */
#include "hayauma/audience/charset.h"

/* How well bytes fit a charset. */
struct fit {
    size_t chars; /* characters of more than one byte, or half-width kana */
    size_t bad;   /* bytes that cannot stand where they do */
    size_t usual; /* kana, punctuation, everyday kanji */
};

static struct fit fit_utf8(struct hy_str s)
{
    struct fit f = {0};
    for (size_t i = 0; i < s.n;) {
        size_t from = i;
        uint32_t cp = hy_utf8_next(s, &i);
        if (cp != UINT32_MAX) {
            f.chars += cp >= 128;
            continue;
        }
        /* a character cut at the end is nobody's fault */
        unsigned char c = (unsigned char)s.p[from];
        size_t need = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc2 ? 2 : 1;
        size_t got = 1;
        while (from + got < s.n && ((unsigned char)s.p[from + got] & 0xc0) == 0x80)
            got++;
        if (from + got < s.n || got >= need)
            f.bad++;
        else
            break;
    }
    return f;
}

static bool in(unsigned c, unsigned low, unsigned high)
{
    return c >= low && c <= high;
}

static struct fit fit_sjis(struct hy_str s)
{
    struct fit f = {0};
    const unsigned char *p = (const unsigned char *)s.p;
    for (size_t i = 0; i < s.n; i++) {
        unsigned c = p[i];
        if (c < 0x80)
            continue;
        if (in(c, 0xa1, 0xdf)) { /* half-width kana */
            f.chars++;
            continue;
        }
        if (i + 1 == s.n)
            break;
        unsigned d = p[i + 1];
        bool lead = in(c, 0x81, 0x9f) || in(c, 0xe0, 0xfc);
        if (!lead || !in(d, 0x40, 0xfc) || d == 0x7f) {
            f.bad++;
            continue;
        }
        i++;
        f.chars++;
        f.usual += (c == 0x82 && in(d, 0x4f, 0xf1)) || (c == 0x83 && in(d, 0x40, 0x96)) ||
                   (c == 0x81 && d < 0xad) || in(c, 0x88, 0x97);
    }
    return f;
}

static struct fit fit_eucjp(struct hy_str s)
{
    struct fit f = {0};
    const unsigned char *p = (const unsigned char *)s.p;
    for (size_t i = 0; i < s.n; i++) {
        unsigned c = p[i];
        size_t n = c == 0x8f ? 3 : 2;
        if (c < 0x80)
            continue;
        if (i + n > s.n)
            break;
        bool ok = c == 0x8e ? in(p[i + 1], 0xa1, 0xdf)
                            : (c == 0x8f || in(c, 0xa1, 0xfe)) && in(p[i + 1], 0xa1, 0xfe) &&
                                  in(p[i + n - 1], 0xa1, 0xfe);
        if (!ok) {
            f.bad++;
            continue;
        }
        f.chars++;
        f.usual += in(c, 0xa1, 0xa5) || in(c, 0xb0, 0xcf);
        i += n - 1;
    }
    return f;
}

/* Bytes that read as EUC-JP kanji and as half-width kana of Shift_JIS alike: kana when every
 * voicing mark follows a sound that can be voiced. */
static bool looks_like_half_kana(struct hy_str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    size_t marks = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (p[i] < 0x80)
            continue;
        if (!in(p[i], 0xa1, 0xdf))
            return false;
        if (p[i] != 0xde && p[i] != 0xdf)
            continue;
        unsigned before = i ? p[i - 1] : 0;
        bool can =
            in(before, 0xca, 0xce) || (p[i] == 0xde && (before == 0xb3 || in(before, 0xb6, 0xc4)));
        if (!can)
            return false;
        marks++;
    }
    return marks > 0;
}

/* Zero bytes stand in every second place of the ASCII in UTF-16, and nowhere else. */
static enum hy_charset guess_utf16(struct hy_str s)
{
    size_t zeros[2] = {0};
    for (size_t i = 0; i < s.n; i++)
        zeros[i & 1] += s.p[i] == 0;
    if (zeros[1] > s.n / 32 && zeros[0] <= zeros[1] / 8)
        return HY_CHARSET_UTF16LE;
    if (zeros[0] > s.n / 32 && zeros[1] <= zeros[0] / 8)
        return HY_CHARSET_UTF16BE;
    return HY_CHARSET_AUTO;
}

static bool has_jis_escape(struct hy_str s)
{
    for (size_t i = 0; i + 2 < s.n; i++)
        if (s.p[i] == 0x1b && ((s.p[i + 1] == '$' && strchr("@B(", s.p[i + 2])) ||
                               (s.p[i + 1] == '(' && strchr("BJI", s.p[i + 2]))))
            return true;
    return false;
}

/* Lower is better: what cannot be, against what there is. */
static size_t misfit(struct fit f)
{
    return f.chars + f.bad == 0 ? 1000 : f.bad * 1000 / (f.chars + f.bad);
}

enum hy_charset hy_charset_guess(struct hy_str s)
{
    if (hy_str_starts(s, HY_STR("\xef\xbb\xbf")))
        return HY_CHARSET_UTF8;
    if (hy_str_starts(s, HY_STR("\xff\xfe")))
        return HY_CHARSET_UTF16LE;
    if (hy_str_starts(s, HY_STR("\xfe\xff")))
        return HY_CHARSET_UTF16BE;
    enum hy_charset wide = guess_utf16(s);
    if (wide != HY_CHARSET_AUTO)
        return wide;
    if (hy_str_is_ascii(s))
        return has_jis_escape(s) ? HY_CHARSET_JIS : HY_CHARSET_AUTO;

    struct fit utf8 = fit_utf8(s), sjis = fit_sjis(s), euc = fit_eucjp(s);
    if (utf8.bad == 0)
        return HY_CHARSET_UTF8;
    size_t u = misfit(utf8), j = misfit(sjis), e = misfit(euc);
    if (u < 200) /* broken bytes in a UTF-8 file: no other text comes near that by chance */
        return HY_CHARSET_UTF8;
    if (e < j)
        return HY_CHARSET_EUCJP;
    if (j < e)
        return HY_CHARSET_SJIS;
    if (looks_like_half_kana(s))
        return HY_CHARSET_SJIS;
    return euc.usual * sjis.chars >= sjis.usual * euc.chars ? HY_CHARSET_EUCJP : HY_CHARSET_SJIS;
}
