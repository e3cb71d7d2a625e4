#include <criterion/criterion.h>
#include <iconv.h>

#include "hayauma/audience/charset.h"

/* UTF-8 text in another charset. */
static struct hy_str as(const char *charset, const char *text, struct hy_buf *out)
{
    iconv_t cd = iconv_open(charset, "UTF-8");
    cr_assert_neq(cd, (iconv_t)-1);
    char copy[8192];
    size_t left = strlen(text);
    cr_assert_lt(left, sizeof copy);
    memcpy(copy, text, left);
    char *in = copy;
    cr_assert_eq(hy_buf_reserve(out, 4 * left + 64), HY_OK);
    char *to = out->data + out->len;
    size_t room = out->cap - out->len, before = room;
    cr_assert_neq(iconv(cd, &in, &left, &to, &room), (size_t)-1, "%s", text);
    iconv(cd, NULL, NULL, &to, &room);
    out->len += before - room;
    iconv_close(cd);
    return hy_buf_str(out);
}

static void expect_text(enum hy_charset given, struct hy_str bytes, const char *want,
                        enum hy_charset want_charset)
{
    static const size_t steps[] = {1, 2, 3, 5, 70000};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct hy_charset_reader *r = NULL;
        struct hy_buf out = HY_BUF_INIT(1 << 20);
        cr_assert_eq(hy_charset_reader_new(given, &r), HY_OK);
        for (size_t at = 0; at < bytes.n; at += steps[i])
            cr_assert_eq(hy_charset_read(r, hy_str_slice(bytes, at, at + steps[i]), false, &out),
                         HY_OK);
        cr_assert_eq(hy_charset_read(r, HY_STR(""), true, &out), HY_OK);
        cr_expect_str_eq(hy_buf_cstr(&out), want, "%s, step %zu: got [%s]", hy_charset_name(given),
                         steps[i], hy_buf_cstr(&out));
        cr_expect_eq(hy_charset_reader_charset(r), want_charset, "[%s]: %s", want,
                     hy_charset_name(hy_charset_reader_charset(r)));
        hy_charset_reader_free(r);
        hy_buf_free(&out);
    }
}

Test(charset, is_found_out_and_read_whatever_it_is)
{
    static const struct {
        const char *iconv, *text;
        enum hy_charset want;
    } cases[] = {
        {"UTF-8", "email,name\na@b.jp,Taro\n", HY_CHARSET_AUTO},
        {"UTF-8", "メールアドレス,氏名\na@b.jp,山田太郎\n", HY_CHARSET_UTF8},
        {"CP932", "メールアドレス,氏名\na@b.jp,山田太郎\n", HY_CHARSET_SJIS},
        {"EUC-JP-MS", "メールアドレス,氏名\na@b.jp,山田太郎\n", HY_CHARSET_EUCJP},
        {"ISO-2022-JP", "メールアドレス,氏名\na@b.jp,山田太郎\n", HY_CHARSET_JIS},
        {"UTF-16LE", "メールアドレス,氏名\na@b.jp,山田太郎\n", HY_CHARSET_UTF16LE},
        {"UTF-16BE", "メールアドレス,氏名\na@b.jp,山田太郎\n", HY_CHARSET_UTF16BE},
        {"UTF-16LE", "email,name\na@b.jp,Taro\n", HY_CHARSET_UTF16LE},
        {"CP932", "email,name\na@b.jp,髙橋①～ｶﾅ\n", HY_CHARSET_SJIS},
        {"EUC-JP-MS", "email,name\na@b.jp,髙橋①～ｶﾅ\n", HY_CHARSET_EUCJP},
        {"CP932", "email,kana\na@b.jp,ﾔﾏﾀﾞﾀﾛｳ\n", HY_CHARSET_SJIS},
        {"EUC-JP", "email,name\na@b.jp,山田太郎\nc@d.jp,佐藤花子\n", HY_CHARSET_EUCJP},
        {"CP932", "email,name\na@b.jp,表示十能ソ\n", HY_CHARSET_SJIS},
        {"UTF-8", "email,name\na@b.fr,Hélène Müller\n", HY_CHARSET_UTF8},
        {"CP932", "a@b.jp,株式会社 ほげ,東京都\n", HY_CHARSET_SJIS},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_buf bytes = HY_BUF_INIT(1 << 16);
        expect_text(HY_CHARSET_AUTO, as(cases[i].iconv, cases[i].text, &bytes), cases[i].text,
                    cases[i].want);
        if (cases[i].want != HY_CHARSET_AUTO)
            expect_text(cases[i].want, hy_buf_str(&bytes), cases[i].text, cases[i].want);
        hy_buf_free(&bytes);
    }
}

Test(charset, byte_order_marks_are_taken_off)
{
    expect_text(HY_CHARSET_AUTO,
                HY_STR("\xef\xbb\xbf"
                       "a,b"),
                "a,b", HY_CHARSET_UTF8);
    expect_text(HY_CHARSET_UTF8,
                HY_STR("\xef\xbb\xbf"
                       "a,b"),
                "a,b", HY_CHARSET_UTF8);
    expect_text(HY_CHARSET_AUTO,
                HY_STR("\xff\xfe"
                       "a\0b\0"),
                "ab", HY_CHARSET_UTF16LE);
    expect_text(HY_CHARSET_AUTO, HY_STR("\xfe\xff\0a\0b"), "ab", HY_CHARSET_UTF16BE);
    expect_text(HY_CHARSET_UTF16LE, HY_STR("\xfe\xff\0a\0b"), "ab", HY_CHARSET_UTF16BE);
    expect_text(HY_CHARSET_UTF8, HY_STR(""), "", HY_CHARSET_UTF8);
    expect_text(HY_CHARSET_UTF8, HY_STR("\xef\xbb"), "\xef\xbb", HY_CHARSET_UTF8);
}

Test(charset, bytes_that_mean_nothing_are_marked_and_the_rest_is_read)
{
    expect_text(HY_CHARSET_SJIS, HY_STR("a\x81\nb\xfd,\x82\xa0"), "a\xff\nb\xff,あ",
                HY_CHARSET_SJIS);
    expect_text(HY_CHARSET_SJIS, HY_STR("a\x82"), "a\xff", HY_CHARSET_SJIS);
    expect_text(HY_CHARSET_EUCJP, HY_STR("a\xff,\xa4\xa2"), "a\xff,あ", HY_CHARSET_EUCJP);
    expect_text(HY_CHARSET_UTF16LE,
                HY_STR("a\0\x00\xdc"
                       "b\0c"),
                "a\xff"
                "b\xff",
                HY_CHARSET_UTF16LE);
}

Test(charset, names_are_understood)
{
    static const struct {
        const char *name;
        int want;
        enum hy_charset charset;
    } cases[] = {
        {"sjis", HY_OK, HY_CHARSET_SJIS},    {"Shift_JIS", HY_OK, HY_CHARSET_SJIS},
        {"CP932", HY_OK, HY_CHARSET_SJIS},   {"utf8", HY_OK, HY_CHARSET_UTF8},
        {"EUC-JP", HY_OK, HY_CHARSET_EUCJP}, {"UTF-16", HY_OK, HY_CHARSET_UTF16LE},
        {"ebcdic", HY_ENOTFOUND, 0},         {"", HY_ENOTFOUND, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum hy_charset got = 0;
        cr_expect_eq(hy_charset_parse(hy_str_of(cases[i].name), &got), cases[i].want);
        cr_expect_eq(got, cases[i].charset, "%s", cases[i].name);
    }
}

Test(charset, japanese_far_down_an_english_file_is_still_found)
{
    struct hy_buf text = HY_BUF_INIT(1 << 20), bytes = HY_BUF_INIT(1 << 20),
                  sjis = HY_BUF_INIT(1 << 16);
    for (int i = 0; i < 9000; i++)
        hy_buf_add_lit(&text, "user@example.jp,Taro\n");
    hy_buf_add_str(&bytes, hy_buf_str(&text));
    hy_buf_add_lit(&text, "a@b.jp,山田太郎\n");
    hy_buf_add_str(&bytes, as("CP932", "a@b.jp,山田太郎\n", &sjis));
    struct hy_charset_reader *r = NULL;
    struct hy_buf out = HY_BUF_INIT(1 << 20);
    cr_assert_eq(hy_charset_reader_new(HY_CHARSET_AUTO, &r), HY_OK);
    for (size_t at = 0; at < bytes.len; at += 10000)
        cr_assert_eq(
            hy_charset_read(r, hy_str_slice(hy_buf_str(&bytes), at, at + 10000), false, &out),
            HY_OK);
    cr_assert_eq(hy_charset_read(r, HY_STR(""), true, &out), HY_OK);
    cr_expect(hy_str_eq(hy_buf_str(&out), hy_buf_str(&text)));
    cr_expect_eq(hy_charset_reader_charset(r), HY_CHARSET_SJIS);
    hy_charset_reader_free(r);
    hy_buf_free(&text);
    hy_buf_free(&bytes);
    hy_buf_free(&sjis);
    hy_buf_free(&out);
}
