/* Lists of leads in the charsets people have, made into UTF-8 as they stream by. Pure. */
#pragma once
#include "hayauma/base/buf.h"

enum hy_charset {
    HY_CHARSET_AUTO = 0, /* found out: byte order mark, zero bytes, or what the first text that is
                            not ASCII looks like */
    HY_CHARSET_UTF8,
    HY_CHARSET_SJIS,    /* CP932, what Windows writes as Shift_JIS */
    HY_CHARSET_EUCJP,   /* EUC-JP with the vendor rows (CP51932, eucJP-ms) */
    HY_CHARSET_JIS,     /* ISO-2022-JP, also with half-width kana */
    HY_CHARSET_UTF16LE, /* with or without a byte order mark */
    HY_CHARSET_UTF16BE,
    HY_CHARSET_LATIN1, /* Windows-1252; never found out, only by name */
    HY_CHARSETS,
};
const char *hy_charset_name(enum hy_charset c); /* "Shift_JIS" ... */
/* "sjis", "shift_jis", "cp932", "utf-8", "euc-jp", "utf-16" (by its mark, else little-endian) ...,
 * in any case; HY_ENOTFOUND. */
HY_MUST_USE int hy_charset_parse(struct hy_str name, enum hy_charset *ret);

/* The best guess for these bytes, the beginning of a text or of its first part that is not ASCII;
 * HY_CHARSET_AUTO when all of it is ASCII and nothing can be said. A character cut at the end does
 * not count against a charset. */
enum hy_charset hy_charset_guess(struct hy_str bytes);

struct hy_charset_reader; /* one for a text */

/* HY_ENOMEM; HY_EUNSUPPORTED when the system's iconv lacks the charset. */
HY_MUST_USE int hy_charset_reader_new(enum hy_charset c, struct hy_charset_reader **ret);
void hy_charset_reader_free(struct hy_charset_reader *r);
/* Appends the text of `bytes` to `out` as UTF-8 without a byte order mark; `last` says that no more
 * will come. Characters may be split over calls. Up to 64 KiB are held back until the charset is
 * known. A byte that means nothing becomes one byte 0xFF, which UTF-8 never has, so that the
 * reader of the row can report it. HY_ENOMEM, HY_ELIMIT from `out`. */
HY_MUST_USE int hy_charset_read(struct hy_charset_reader *r, struct hy_str bytes, bool last,
                                struct hy_buf *out);
/* What it turned out to be (HY_CHARSET_AUTO: ASCII so far). */
enum hy_charset hy_charset_reader_charset(const struct hy_charset_reader *r);
