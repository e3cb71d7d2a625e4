#include <criterion/criterion.h>

#include "corpus.h"
#include "hayauma/base/rand.h"
#include "hayauma/mail/header.h"

/* Every line of a field: at most 76 characters where `folds` says so, 998 at any rate; no bare CR
 * or LF, no control character, no line of white space alone, CRLF at the end. */
static void assert_well_formed(const struct hy_buf *b, bool folds)
{
    cr_assert(hy_str_ends(hy_buf_str(b), HY_STR("\r\n")));
    size_t column = 0, visible = 0;
    for (size_t i = 0; i < b->len; i++) {
        unsigned char c = (unsigned char)b->data[i];
        if (c == '\r') {
            cr_assert(i + 1 < b->len && b->data[i + 1] == '\n');
            cr_assert_gt(visible, 0, "a line of white space in %.*s", (int)b->len, b->data);
            cr_assert(i + 2 == b->len || b->data[i + 2] == ' ', "a fold without a space");
            column = visible = 0;
            i++;
            continue;
        }
        cr_assert(c >= ' ' && c != 0x7f, "control character %u", c);
        visible += c != ' ';
        column++;
        cr_assert(column <= (folds ? 76 : 998), "line too long: %.*s", (int)b->len, b->data);
    }
}

static void assert_words_are_whole(const struct hy_buf *b)
{
    struct hy_str s = hy_buf_str(b);
    for (size_t at = 0; (at = hy_str_find_str(s, HY_STR("=?"), at)) != SIZE_MAX;) {
        size_t text = hy_str_find(s, '?', hy_str_find(s, '?', at + 2) + 1) + 1;
        size_t end = hy_str_find_str(s, HY_STR("?="), text) + 2;
        cr_assert_leq(end - at, 75);
        HY_CLEANUP(hy_buf_free)
        struct hy_buf one = HY_BUF_INIT(4096);
        cr_assert_eq(hy_header_decode(&one, hy_str_slice(s, at, end)), HY_OK);
        cr_assert_eq(hy_str_find_str(hy_buf_str(&one), HY_STR("\xef\xbf\xbd"), 0), SIZE_MAX,
                     "a word splits a character: %.*s", (int)(end - at), s.p + at);
        at = end;
    }
}

/* What a reader sees behind the field's name; `out` is emptied first. */
static void decoded(const struct hy_buf *field, struct hy_buf *out)
{
    struct hy_str rest = hy_buf_str(field);
    struct hy_header_field f;
    hy_buf_reset(out);
    cr_assert(hy_header_next(&rest, &f));
    cr_assert_eq(rest.n, 0, "a second field came out: %.*s", HY_STR_ARG(rest));
    cr_assert_eq(hy_header_decode(out, f.value), HY_OK);
}

static void assert_text_round_trips(struct hy_str text, struct hy_str want,
                                    enum hy_mail_charset charset)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf out = HY_BUF_INIT(1 << 20), got = HY_BUF_INIT(1 << 20);
    cr_assert_eq(hy_header_text(&out, HY_STR("Subject"), text, charset), HY_OK);
    assert_well_formed(&out, false);
    assert_words_are_whole(&out);
    decoded(&out, &got);
    cr_assert(hy_str_eq(hy_buf_str(&got), want), "got \"%.*s\", want \"%.*s\" by %.*s",
              HY_STR_ARG(hy_buf_str(&got)), HY_STR_ARG(want), HY_STR_ARG(hy_buf_str(&out)));
}

Test(header_write, writes_these_subjects)
{
    static const struct {
        const char *text, *want;
        enum hy_mail_charset charset;
    } cases[] = {
        {"", "Subject: \r\n", 0},
        {"Plain ASCII, 100% as it was: a  b", "Subject: Plain ASCII, 100% as it was: a  b\r\n", 0},
        {"  ends trimmed \t", "Subject: ends trimmed\r\n", 0},
        {"日本語", "Subject: =?UTF-8?B?5pel5pys6Kqe?=\r\n", 0},
        {"日本語", "Subject: =?ISO-2022-JP?B?GyRCRnxLXDhsGyhC?=\r\n", HY_MAIL_ISO_2022_JP},
        {"Caféteria news", "Subject: =?UTF-8?Q?Caf=C3=A9teria?= news\r\n", 0},
        {"news of the Café", "Subject: news of the =?UTF-8?B?Q2Fmw6k=?=\r\n", 0},
        {"a  é  b", "Subject: a =?UTF-8?Q?_=C3=A9_?= b\r\n", 0},
        {"=?UTF-8?B?ISBub3QgbWluZQ==?=",
         "Subject: =?UTF-8?B?PT9VVEYtOD9CP0lTQnViM1FnYldsdVpRPT0/PQ==?=\r\n", 0},
        {"injected\r\nBcc: victim@example.org", "Subject: injected Bcc: victim@example.org\r\n", 0},
        {"nul, bell\a, tab\t, c1\xc2\x85, ls\xe2\x80\xa8.",
         "Subject: nul, bell , tab , c1 , ls .\r\n", 0},
        {"bad\xff utf8", "Subject: =?UTF-8?B?YmFk77+9?= utf8\r\n", 0},
        {"emoji 😀", "Subject: emoji =?UTF-8?B?8J+YgA==?=\r\n", HY_MAIL_ISO_2022_JP},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        HY_CLEANUP(hy_buf_free)
        struct hy_buf out = HY_BUF_INIT(65536);
        cr_assert_eq(
            hy_header_text(&out, HY_STR("Subject"), hy_str_of(cases[i].text), cases[i].charset),
            HY_OK);
        cr_assert_str_eq(hy_buf_cstr(&out), cases[i].want);
    }
}

Test(header_write, folds_plain_text_where_its_spaces_are)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf out = HY_BUF_INIT(65536), got = HY_BUF_INIT(65536);
    struct hy_str text =
        HY_STR("Many words that together are much longer than one line of a header "
               "field may be,  with two spaces, so that they  must be folded");
    cr_assert_eq(hy_header_text(&out, HY_STR("Subject"), text, HY_MAIL_UTF8), HY_OK);
    assert_well_formed(&out, true);
    cr_assert_eq(hy_str_find_str(hy_buf_str(&out), HY_STR("=?"), 0), SIZE_MAX);
    decoded(&out, &got);
    cr_assert(hy_str_eq(hy_buf_str(&got), text));
}

Test(header_write, round_trips_random_text_in_both_charsets)
{
    static const char *const pieces[] = {"日", "本語", " ",  "  ", "a",   "Hello", "é", "😀",
                                         "=?", "?=",   "\"", "_",  "=41", "ｶﾞ",    "、"};
    struct hy_rng rng;
    hy_rng_seed(&rng, 20);
    for (int round = 0; round < 4000; round++) {
        char text[1024];
        size_t n = 0, count = hy_rng_below(&rng, 90);
        bool jis = round % 2, wide_kana = false;
        for (size_t i = 0; i < count; i++) {
            const char *piece = pieces[hy_rng_below(&rng, sizeof pieces / sizeof *pieces)];
            wide_kana |= strcmp(piece, "ｶﾞ") == 0;
            memcpy(text + n, piece, strlen(piece));
            n += strlen(piece);
        }
        if (jis && wide_kana) /* comes back in full width: not the same text */
            continue;
        struct hy_str s = hy_str_make(text, n);
        assert_text_round_trips(s, hy_str_trim(s), jis ? HY_MAIL_ISO_2022_JP : HY_MAIL_UTF8);
    }
}

Test(header_write, lets_no_byte_break_out)
{
    struct hy_rng rng;
    hy_rng_seed(&rng, 21);
    for (int round = 0; round < 3000; round++) {
        char bytes[200];
        size_t n = hy_rng_below(&rng, sizeof bytes);
        for (size_t i = 0; i < n; i++)
            bytes[i] = hy_rng_below(&rng, 3) ? (char)hy_rng_u64(&rng)
                                             : "\r\n\t \0:=?"[hy_rng_below(&rng, 8)];
        struct hy_str s = hy_str_make(bytes, n);
        HY_CLEANUP(hy_buf_free)
        struct hy_buf out = HY_BUF_INIT(65536);
        cr_assert_eq(hy_header_text(&out, HY_STR("X-Any"), s, round % 2), HY_OK);
        assert_well_formed(&out, true);
        hy_buf_reset(&out);
        struct hy_header_mailbox box = {s, HY_STR("a@example.org")};
        cr_assert_eq(hy_header_mailboxes(&out, HY_STR("To"), &box, 1, round % 2), HY_OK);
        assert_well_formed(&out, false);
        cr_assert(hy_str_ends(hy_buf_str(&out), HY_STR("a@example.org>\r\n")) ||
                  hy_str_eq(hy_buf_str(&out), HY_STR("To: a@example.org\r\n")));
        hy_buf_reset(&out);
        hy_buf_add_lit(&out, "Content-Disposition: attachment");
        cr_assert_eq(hy_header_param(&out, HY_STR("filename"), s), HY_OK);
        hy_buf_add_lit(&out, "\r\n");
        assert_well_formed(&out, false);
    }
}

Test(header_write, writes_these_mailboxes)
{
    static const struct {
        const char *name, *address, *want;
        enum hy_mail_charset charset;
    } cases[] = {
        {"", "taro@example.jp", "To: taro@example.jp\r\n", 0},
        {"Taro Yamada", "taro@example.jp", "To: Taro Yamada <taro@example.jp>\r\n", 0},
        {"Yamada, Taro", "taro@example.jp", "To: \"Yamada, Taro\" <taro@example.jp>\r\n", 0},
        {"A \"B\" \\ C", "a@b.c", "To: \"A \\\"B\\\" \\\\ C\" <a@b.c>\r\n", 0},
        {"two  spaces", "a@b.c", "To: \"two  spaces\" <a@b.c>\r\n", 0},
        {"山田太郎", "taro@example.jp", "To: =?UTF-8?B?5bGx55Sw5aSq6YOO?= <taro@example.jp>\r\n",
         0},
        {"山田太郎", "taro@example.com",
         "To: =?ISO-2022-JP?B?GyRCOzNFREJATzobKEI=?= <taro@example.com>\r\n", HY_MAIL_ISO_2022_JP},
        {"José Luis", "j@b.c", "To: =?UTF-8?Q?Jos=C3=A9_Luis?= <j@b.c>\r\n", 0},
        {"evil\" <other@b.c>\r\nBcc: x", "a@b.c", "To: \"evil\\\" <other@b.c> Bcc: x\" <a@b.c>\r\n",
         0},
        {"=?utf-8?q?fake?=", "a@b.c", "To: =?UTF-8?B?PT91dGYtOD9xP2Zha2U/PQ==?= <a@b.c>\r\n", 0},
        {"D", "\"a..b\"@docomo.ne.jp", "To: D <\"a..b\"@docomo.ne.jp>\r\n", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        HY_CLEANUP(hy_buf_free)
        struct hy_buf out = HY_BUF_INIT(65536);
        struct hy_header_mailbox box = {hy_str_of(cases[i].name), hy_str_of(cases[i].address)};
        cr_assert_eq(hy_header_mailboxes(&out, HY_STR("To"), &box, 1, cases[i].charset), HY_OK);
        cr_assert_str_eq(hy_buf_cstr(&out), cases[i].want);
    }
}

Test(header_write, folds_a_long_list_of_mailboxes)
{
    struct hy_header_mailbox boxes[40];
    for (size_t i = 0; i < 40; i++)
        boxes[i] = (struct hy_header_mailbox){i % 3 == 0 ? HY_STR("山田 太郎")
                                                         : HY_STR("Somebody, Some Body"),
                                              HY_STR("somebody.with.a.name@mail.example.org")};
    HY_CLEANUP(hy_buf_free)
    struct hy_buf out = HY_BUF_INIT(65536);
    cr_assert_eq(hy_header_mailboxes(&out, HY_STR("Cc"), boxes, 40, HY_MAIL_UTF8), HY_OK);
    assert_well_formed(&out, true);
}

Test(header_write, refuses_addresses_that_could_end_early)
{
    static const char *const bad[] = {"",         "a b@c",       "a@b>",  "<a@b",
                                      "a@b, c@d", "a@b\r\nX: y", "\"a@b", "\"a\\\r\n\"@b",
                                      "a@b\x7f",  "a;b@c",       "\xff@b"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        HY_CLEANUP(hy_buf_free)
        struct hy_buf out = HY_BUF_INIT(65536);
        hy_buf_add_lit(&out, "Before: x\r\n");
        struct hy_header_mailbox box = {HY_STR("Name"), hy_str_of(bad[i])};
        cr_assert_eq(hy_header_mailboxes(&out, HY_STR("To"), &box, 1, HY_MAIL_UTF8), HY_EINVAL,
                     "%s", bad[i]);
        cr_assert_str_eq(hy_buf_cstr(&out), "Before: x\r\n");
    }
    HY_CLEANUP(hy_buf_free)
    struct hy_buf out = HY_BUF_INIT(65536);
    cr_assert_eq(hy_header_mailboxes(&out, HY_STR("To"), NULL, 0, HY_MAIL_UTF8), HY_EINVAL);
}

Test(header_write, refuses_names_that_are_none)
{
    static const char *const bad[] = {"",
                                      "a b",
                                      "a:",
                                      "a\r\nb",
                                      "\xc3\xa9",
                                      "x123456789012345678901234567890123456789"
                                      "0123456789012345678901234567890123456789"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        HY_CLEANUP(hy_buf_free)
        struct hy_buf out = HY_BUF_INIT(65536);
        cr_assert_eq(hy_header_text(&out, hy_str_of(bad[i]), HY_STR("x"), 0), HY_EINVAL);
        cr_assert_eq(hy_header_raw(&out, hy_str_of(bad[i]), HY_STR("x")), HY_EINVAL);
        cr_assert_eq(out.len, 0);
    }
}

Test(header_write, raw_values_pass_whole_or_not_at_all)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf out = HY_BUF_INIT(65536);
    cr_assert_eq(hy_header_raw(&out, HY_STR("Message-ID"), HY_STR("<abc@example.org>")), HY_OK);
    cr_assert_str_eq(hy_buf_cstr(&out), "Message-ID: <abc@example.org>\r\n");
    cr_assert_eq(hy_header_raw(&out, HY_STR("X"), HY_STR("a\r\n b")), HY_EINVAL);
    cr_assert_eq(hy_header_raw(&out, HY_STR("X"), hy_str_make("a\0b", 3)), HY_EINVAL);
    cr_assert_eq(hy_header_raw(&out, HY_STR("X"), HY_STR("\xff")), HY_EINVAL);
    cr_assert_str_eq(hy_buf_cstr(&out), "Message-ID: <abc@example.org>\r\n");
}

Test(header_write, writes_these_parameters)
{
    static const struct {
        const char *value, *want;
    } cases[] = {
        {"report.pdf", "C: attachment; filename=report.pdf"},
        {"my report.pdf", "C: attachment; filename=\"my report.pdf\""},
        {"a\"b\\c", "C: attachment; filename=\"a\\\"b\\\\c\""},
        {"", "C: attachment; filename=\"\""},
        {"請求書.pdf", "C: attachment;\r\n filename*=UTF-8''%E8%AB%8B%E6%B1%82%E6%9B%B8.pdf"},
        {"これはとても長い名前のファイルです.pdf",
         "C: attachment;\r\n"
         " filename*0*=UTF-8''%E3%81%93%E3%82%8C%E3%81%AF%E3%81%A8%E3%81%A6%E3%82%82;\r\n"
         " filename*1*=%E9%95%B7%E3%81%84%E5%90%8D%E5%89%8D%E3%81%AE%E3%83%95;\r\n"
         " filename*2*=%E3%82%A1%E3%82%A4%E3%83%AB%E3%81%A7%E3%81%99.pdf"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        HY_CLEANUP(hy_buf_free)
        struct hy_buf out = HY_BUF_INIT(65536);
        hy_buf_add_lit(&out, "C: attachment");
        cr_assert_eq(hy_header_param(&out, HY_STR("filename"), hy_str_of(cases[i].value)), HY_OK);
        cr_assert_str_eq(hy_buf_cstr(&out), cases[i].want);
    }
}

Test(header_write, keeps_the_buffer_when_a_value_or_the_buffer_is_too_long)
{
    static char huge[HY_HEADER_VALUE_MAX + 1];
    memset(huge, 'x', sizeof huge);
    HY_CLEANUP(hy_buf_free)
    struct hy_buf out = HY_BUF_INIT(1 << 20), small = HY_BUF_INIT(20);
    struct hy_str s = hy_str_make(huge, sizeof huge);
    cr_assert_eq(hy_header_text(&out, HY_STR("Subject"), s, HY_MAIL_UTF8), HY_ELIMIT);
    cr_assert_eq(out.len, 0);
    cr_assert_eq(hy_header_text(&small, HY_STR("Subject"), HY_STR("日本語日本語"), 0), HY_ELIMIT);
    cr_assert_eq(small.len, 0);
    /* One giant word cannot be folded, so it is encoded. */
    assert_text_round_trips(hy_str_slice(s, 0, HY_HEADER_VALUE_MAX),
                            hy_str_slice(s, 0, HY_HEADER_VALUE_MAX), HY_MAIL_UTF8);
}

static struct hy_str column(struct hy_str line, int no)
{
    struct hy_str piece = {0};
    for (int i = 0; i <= no; i++)
        if (!hy_str_split(&line, '\t', &piece))
            return (struct hy_str){0};
    return piece;
}

Test(header_write, encodes_the_corpus_so_that_it_reads_back)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf tsv = HY_BUF_INIT(1 << 22);
    if (!corpus_read("japanese/encoded-words.tsv", &tsv))
        return;
    struct hy_str rest = hy_buf_str(&tsv), line;
    int seen = 0;
    while (hy_str_split(&rest, '\n', &line)) {
        struct hy_str text = column(line, 3);
        if (hy_str_eq(column(line, 0), HY_STR("encode"))) {
            assert_text_round_trips(text, text, HY_MAIL_UTF8);
            assert_text_round_trips(text, text, HY_MAIL_ISO_2022_JP);
            seen++;
        } else if (hy_str_eq(column(line, 0), HY_STR("encode-iso-2022-jp"))) {
            size_t angle = hy_str_find(text, '<', text.n - 20);
            struct hy_header_mailbox box = {hy_str_trim(hy_str_slice(text, 0, angle)),
                                            hy_str_slice(text, angle + 1, text.n - 1)};
            if (box.name.n && box.name.p[0] == '"') /* the source quotes the name itself */
                box.name = hy_str_slice(box.name, 1, box.name.n - 1);
            HY_CLEANUP(hy_buf_free)
            struct hy_buf out = HY_BUF_INIT(4096), got = HY_BUF_INIT(4096),
                          want = HY_BUF_INIT(4096);
            cr_assert_eq(hy_header_mailboxes(&out, HY_STR("From"), &box, 1, HY_MAIL_ISO_2022_JP),
                         HY_OK);
            decoded(&out, &got);
            hy_buf_printf(&want, "%.*s <%.*s>", HY_STR_ARG(hy_str_trim(box.name)),
                          HY_STR_ARG(box.address));
            cr_assert_str_eq(hy_buf_cstr(&got), hy_buf_cstr(&want));
            seen++;
        }
    }
    cr_assert_geq(seen, 10);
}
