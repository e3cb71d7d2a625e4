/* ISO-2022-JP by one flat table, asked of iconv once per process: a lookup a character, with no
 * iconv handle to keep per thread. */
#include "hayauma/mail/jis.h"

#include <iconv.h>
#include <pthread.h>

enum { HALF_FIRST = 0xff61, HALF_LAST = 0xff9f, VOICED = 0xff9e, HALF_VOICED = 0xff9f };

static uint16_t jis_of[0x10000]; /* by code point of the BMP; written once, before its readers */
static pthread_once_t jis_once = PTHREAD_ONCE_INIT;

/* Cells that other tables give other code points: Microsoft's, and the single-byte yen and
 * overline, which are not in ASCII. */
static const uint16_t aliases[][2] = {
    {0x301c, 0x2141}, {0xff5e, 0x2141}, {0x2016, 0x2142}, {0x2225, 0x2142}, {0x2212, 0x215d},
    {0xff0d, 0x215d}, {0x00a2, 0x2171}, {0xffe0, 0x2171}, {0x00a3, 0x2172}, {0xffe1, 0x2172},
    {0x00ac, 0x224c}, {0xffe2, 0x224c}, {0x2014, 0x213d}, {0x2015, 0x213d}, {0xff3c, 0x2140},
    {0x00a5, 0x216f}, {0xffe5, 0x216f}, {0x203e, 0x2131}, {0xffe3, 0x2131},
};

/* U+FF61..U+FF9F in full width. */
static const uint16_t full_width[HALF_LAST - HALF_FIRST + 1] = {
    0x2123, 0x2156, 0x2157, 0x2122, 0x2126, 0x2572, 0x2521, 0x2523, 0x2525, 0x2527, 0x2529,
    0x2563, 0x2565, 0x2567, 0x2543, 0x213c, 0x2522, 0x2524, 0x2526, 0x2528, 0x252a, 0x252b,
    0x252d, 0x252f, 0x2531, 0x2533, 0x2535, 0x2537, 0x2539, 0x253b, 0x253d, 0x253f, 0x2541,
    0x2544, 0x2546, 0x2548, 0x254a, 0x254b, 0x254c, 0x254d, 0x254e, 0x254f, 0x2552, 0x2555,
    0x2558, 0x255b, 0x255e, 0x255f, 0x2560, 0x2561, 0x2562, 0x2564, 0x2566, 0x2568, 0x2569,
    0x256a, 0x256b, 0x256c, 0x256d, 0x256f, 0x2573, 0x212b, 0x212c,
};

/* Without iconv's EUC-JP the table holds the aliases only: then nearly all text goes as UTF-8. */
static void fill_table(void)
{
    iconv_t cd = iconv_open("UTF-16LE", "EUC-JP");
    for (unsigned code = 0x2121; cd != (iconv_t)-1 && code <= 0x7e7e; code++) {
        if ((code & 0xff) < 0x21 || (code & 0xff) > 0x7e)
            continue;
        char in[2] = {(char)(code >> 8 | 0x80), (char)((code & 0xff) | 0x80)};
        uint8_t wide[4];
        char *src = in, *dst = (char *)wide;
        size_t n_in = sizeof in, n_out = sizeof wide;
        iconv(cd, NULL, NULL, NULL, NULL);
        if (iconv(cd, &src, &n_in, &dst, &n_out) == 0 && n_in == 0 && n_out == 2)
            jis_of[wide[0] | wide[1] << 8] = (uint16_t)code;
    }
    if (cd != (iconv_t)-1)
        iconv_close(cd);
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        jis_of[aliases[i][0]] = aliases[i][1];
}

/* The voiced form of a full-width katakana, or the katakana itself when it has none. */
static uint16_t add_voice(uint16_t kana, uint32_t mark)
{
    bool ha_row = kana >= 0x254f && kana <= 0x255b;
    if (mark == HALF_VOICED)
        return ha_row ? (uint16_t)(kana + 2) : kana;
    if (kana == 0x2526) /* u, whose voiced form stands at the end of the row */
        return 0x2574;
    bool ka_to_to = kana >= 0x252b && kana <= 0x2548 && kana != 0x2543; /* but for small tsu */
    return ha_row || ka_to_to ? (uint16_t)(kana + 1) : kana;
}

static uint16_t half_width_next(struct hy_str utf8, size_t *pos, uint32_t cp)
{
    uint16_t kana = full_width[cp - HALF_FIRST];
    if (*pos < utf8.n) {
        size_t behind = *pos;
        uint32_t mark = hy_utf8_next(utf8, &behind);
        uint16_t voiced = mark == VOICED || mark == HALF_VOICED ? add_voice(kana, mark) : kana;
        if (voiced != kana) {
            *pos = behind;
            return voiced;
        }
    }
    return kana;
}

uint16_t hy_jis_next(struct hy_str utf8, size_t *pos)
{
    uint32_t cp = hy_utf8_next(utf8, pos);
    if (cp < 0x80) {
        bool control = cp < 0x20 || cp == 0x7f;
        return control && cp != '\t' && cp != '\r' && cp != '\n' ? 0 : (uint16_t)cp;
    }
    if (cp > 0xffff)
        return 0;
    if (cp >= HALF_FIRST && cp <= HALF_LAST)
        return half_width_next(utf8, pos, cp);
    pthread_once(&jis_once, fill_table);
    return jis_of[cp];
}

int hy_jis_encode(struct hy_buf *out, struct hy_str utf8)
{
    const size_t start = out->len;
    bool wide = false;
    for (size_t pos = 0; pos < utf8.n;) {
        uint16_t code = hy_jis_next(utf8, &pos);
        if (code == 0) {
            out->len = start;
            return HY_EUNSUPPORTED;
        }
        if ((code > 0xff) != wide) {
            wide = !wide;
            hy_buf_add(out, wide ? "\x1b$B" : "\x1b(B", 3);
        }
        const char bytes[2] = {(char)(code >> 8), (char)(code & 0xff)};
        hy_buf_add(out, wide ? bytes : bytes + 1, wide ? 2 : 1);
    }
    if (wide)
        hy_buf_add_lit(out, "\x1b(B");
    if (out->err)
        out->len = start;
    return out->err;
}
