#include <criterion/criterion.h>
#include <iconv.h>

#include "hayauma/mail/jis.h"

Test(jis, writes_what_iconv_reads_back)
{
    static const char *const texts[] = {"",
                                        "plain ASCII",
                                        "日本語",
                                        "メール配信 start 開始\r\n次の行",
                                        "ひらがなカタカナ漢字、。「」",
                                        "αβγ ЖЗ ■□"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        HY_CLEANUP(hy_buf_free)
        struct hy_buf out = HY_BUF_INIT(4096);
        cr_assert_eq(hy_jis_encode(&out, hy_str_of(texts[i])), HY_OK, "%s", texts[i]);
        char back[512], *in = out.data, *to = back;
        size_t n_in = out.len, n_out = sizeof back;
        iconv_t cd = iconv_open("UTF-8", "ISO-2022-JP");
        cr_assert_eq(iconv(cd, &in, &n_in, &to, &n_out), 0, "%s", texts[i]);
        iconv_close(cd);
        cr_assert(hy_str_eq(hy_str_make(back, sizeof back - n_out), hy_str_of(texts[i])), "%s",
                  texts[i]);
    }
}

Test(jis, writes_the_bytes_of_rfc_1468)
{
    static const struct {
        const char *utf8, *want;
    } cases[] = {
        {"あa", "\x1b$B$\"\x1b(Ba"},      {"あ\nい", "\x1b$B$\"\x1b(B\n\x1b$B$$\x1b(B"},
        {"〜～", "\x1b$B!A!A\x1b(B"}, /* wave dash, and Microsoft's for it */
        {"－−", "\x1b$B!]!]\x1b(B"},  /* minus */
        {"¥", "\x1b$B!o\x1b(B"},          {"ｱｲｳ", "\x1b$B%\"%$%&\x1b(B"}, /* half-width katakana */
        {"ｶﾞﾊﾟｳﾞ", "\x1b$B%,%Q%t\x1b(B"},                                 /* with voice marks */
        {"ｯﾞ", "\x1b$B%C!+\x1b(B"}, /* a mark that does not combine */
        {"ﾞ", "\x1b$B!+\x1b(B"},          {"ﾄﾞﾅﾞ", "\x1b$B%I%J!+\x1b(B"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        HY_CLEANUP(hy_buf_free)
        struct hy_buf out = HY_BUF_INIT(4096);
        cr_assert_eq(hy_jis_encode(&out, hy_str_of(cases[i].utf8)), HY_OK, "%s", cases[i].utf8);
        cr_assert_str_eq(hy_buf_cstr(&out), cases[i].want, "%s", cases[i].utf8);
    }
}

Test(jis, refuses_what_it_cannot_hold_and_leaves_the_buffer)
{
    static const char *const bad[] = {"日本😀", "한국", "\x1b$B", "a\x0e", "\xe3\x81", "\xff", "€"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        HY_CLEANUP(hy_buf_free)
        struct hy_buf out = HY_BUF_INIT(4096);
        hy_buf_add_lit(&out, "before");
        cr_assert_eq(hy_jis_encode(&out, hy_str_of(bad[i])), HY_EUNSUPPORTED, "%s", bad[i]);
        cr_assert_str_eq(hy_buf_cstr(&out), "before");
    }
}

Test(jis, keeps_the_buffer_when_it_is_full)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf out = HY_BUF_INIT(8);
    cr_assert_eq(hy_jis_encode(&out, HY_STR("日本語")), HY_ELIMIT);
    cr_assert_eq(out.len, 0);
}
