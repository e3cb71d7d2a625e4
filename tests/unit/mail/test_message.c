#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "letter.h"

/* Every line of a rendered message is whole, short, and as the flags say. */
static void check_wire(const struct letter *l, const char *what)
{
    struct hy_str all = hy_buf_str(&l->out.bytes);
    cr_expect(hy_str_ends(all, HY_STR("\r\n")), "%s: ends in the middle of a line", what);
    for (size_t at = 0; at < all.n;) {
        size_t cr = hy_str_find(all, '\r', at);
        cr_assert(cr != SIZE_MAX && cr + 1 < all.n && all.p[cr + 1] == '\n', "%s: bare CR", what);
        struct hy_str line = hy_str_slice(all, at, cr);
        cr_assert_eq(hy_str_find(line, '\n', 0), SIZE_MAX, "%s: bare LF", what);
        cr_assert_leq(line.n, 998, "%s: a line of %zu", what, line.n);
        bool is_body = at >= l->out.header_bytes;
        if (is_body && l->out.has_no_dot_line)
            cr_expect(line.n == 0 || line.p[0] != '.', "%s: dot line", what);
        if (is_body && l->out.is_body_relaxed) {
            cr_expect(line.n == 0 || line.p[line.n - 1] != ' ', "%s: blank at an end", what);
            cr_expect_eq(hy_str_find(line, '\t', 0), SIZE_MAX, "%s: tab", what);
            cr_expect_eq(hy_str_find_str(line, HY_STR("  "), 0), SIZE_MAX, "%s: blanks", what);
        }
        if (is_body && !l->out.needs_8bitmime)
            cr_expect(hy_str_is_ascii(line), "%s: 8 bit", what);
        at = cr + 2;
    }
    if (l->out.is_body_relaxed)
        cr_expect(!hy_str_ends(all, HY_STR("\r\n\r\n")) || l->out.header_bytes == all.n,
                  "%s: empty lines at the end", what);
}

/* What a reader gets from a part: previews with CRLF. */
static void check_part(struct letter *l, const struct letter_value *values,
                       enum hy_message_part part, const char *what)
{
    struct hy_buf got = HY_BUF_INIT(1 << 20), plain = HY_BUF_INIT(1 << 20),
                  want = HY_BUF_INIT(1 << 20);
    struct hy_str body = letter_entity(l, part == HY_PART_HTML ? "text/html" : "text/plain");
    letter_decode(body, hy_message_transfer(l->m, part), &got);
    cr_assert_eq(letter_part(l, values, part, &plain), 0);
    for (size_t i = 0; i < plain.len; i++) {
        if (plain.data[i] == '\r')
            continue;
        if (plain.data[i] == '\n')
            hy_buf_add_c(&want, '\r');
        hy_buf_add_c(&want, plain.data[i]);
    }
    cr_expect(hy_str_eq(hy_buf_str(&got), hy_buf_str(&want)), "%s\n got %s\nwant %s", what,
              hy_buf_cstr(&got), hy_buf_cstr(&want));
    hy_buf_free(&got);
    hy_buf_free(&plain);
    hy_buf_free(&want);
}

static const char awkward[] =
    ".dot at the start\n..two\nFrom here\n  blanks  in a row  \n\ttab\t\ntrailing \n= equals =3D\n"
    "--=_hyboundary\nこんにちは{{v}}早馬{{v}}x{{v}}\n{{v}}\n {{v}} \n.{{v}}.\n{{#v}} {{/v}}\n"
    "0123456789012345678901234567890123456789012345678901234567890123456789{{v}}0123456789\n"
    "https://example.com/{{v}} {{w}}end {{w}}{{w}} . \n\n\n";

Test(message, what_is_encoded_is_decoded_to_the_same_whatever_the_values)
{
    static const struct hy_str values[] = {
        HY_STR(""),
        HY_STR("x"),
        HY_STR(" "),
        HY_STR("."),
        HY_STR("..\n.\r\n."),
        HY_STR("\r\n--=_hyboundary--\r\n"),
        HY_STR("From \nFrom x"),
        HY_STR("  a  b\t"),
        HY_STR("=\n=3D=\r"),
        HY_STR("山田 太郎 "
               "\n長い文章がここに入ります。長い文章がここに入ります。長い文章がここに入ります。"),
        HY_STR("01234567890123456789012345678901234567890123456789012345678901234567890123456789"
               "01234567890123456789012345678901234567890123456789012345678901234567890123456789"),
        HY_STR("\xff\xfe\x01\x7f"),
    };
    static const enum hy_transfer transfers[] = {HY_TRANSFER_QP, HY_TRANSFER_BASE64,
                                                 HY_TRANSFER_8BIT};
    enum { VALUES = sizeof values / sizeof *values };
    for (size_t t = 0; t < 3; t++) {
        struct letter l;
        letter_init(&l);
        l.options.html_transfer = l.options.text_transfer = transfers[t];
        l.source.html.bytes = l.source.text.bytes = HY_STR(awkward);
        cr_assert_eq(letter_compile(&l), 0, "%s", l.diag.text);
        for (size_t i = 0; i < VALUES * VALUES; i++) {
            struct letter_value v[] = {{"v", values[i % VALUES]}, {"w", values[i / VALUES]}, {0}};
            char what[64];
            snprintf(what, sizeof what, "%s, values %zu and %zu", hy_transfer_name(transfers[t]),
                     i % VALUES, i / VALUES);
            cr_assert_eq(letter_render(&l, v), 0, "%s", what);
            check_wire(&l, what);
            check_part(&l, v, HY_PART_HTML, what);
            check_part(&l, v, HY_PART_TEXT, what);
            bool is_plain = transfers[t] == HY_TRANSFER_8BIT;
            cr_expect(is_plain || (l.out.is_body_relaxed && l.out.has_no_dot_line), "%s", what);
            cr_expect_eq(l.out.needs_8bitmime, is_plain, "%s", what);
        }
        letter_free(&l);
    }
}

Test(message, the_transfer_encoding_is_the_shortest_that_needs_nothing_of_the_server)
{
    static const struct {
        const char *text;
        enum hy_mail_charset charset;
        enum hy_transfer want;
    } cases[] = {
        {"Plain text.\nhttps://x.example/\n", HY_MAIL_UTF8, HY_TRANSFER_7BIT},
        {"Plain {{v}}\n", HY_MAIL_UTF8, HY_TRANSFER_QP},
        {".dot\n", HY_MAIL_UTF8, HY_TRANSFER_QP},
        {"two  blanks\n", HY_MAIL_UTF8, HY_TRANSFER_QP},
        {"bare\rcr\n", HY_MAIL_UTF8, HY_TRANSFER_7BIT},
        {"Mostly ASCII, été\n", HY_MAIL_UTF8, HY_TRANSFER_QP},
        {"日本語の本文です\n", HY_MAIL_UTF8, HY_TRANSFER_BASE64},
        {"日本語の本文です\n", HY_MAIL_ISO_2022_JP, HY_TRANSFER_7BIT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct letter l;
        letter_init(&l);
        l.options.charset = cases[i].charset;
        l.source.text.bytes = hy_str_of(cases[i].text);
        cr_assert_eq(letter_compile(&l), 0, "%s", l.diag.text);
        enum hy_transfer got = hy_message_transfer(l.m, HY_PART_TEXT);
        cr_expect_eq(got, cases[i].want, "%s got %s want %s", cases[i].text, hy_transfer_name(got),
                     hy_transfer_name(cases[i].want));
        cr_expect_eq(hy_message_transfer(l.m, HY_PART_HTML), HY_TRANSFER_AUTO);
        cr_assert_eq(letter_render(&l, NULL), 0);
        check_wire(&l, cases[i].text);
        cr_expect(!l.out.needs_8bitmime);
        letter_free(&l);
    }
}

Test(message, a_part_alone_ends_with_one_line_end)
{
    static const char *const texts[] = {"x", "x\n", "x\n\n\n", "{{v}}", "\n", "x{{v}}\n\n", " "};
    static const enum hy_transfer transfers[] = {HY_TRANSFER_AUTO, HY_TRANSFER_QP,
                                                 HY_TRANSFER_BASE64, HY_TRANSFER_8BIT};
    for (size_t i = 0; i < sizeof texts / sizeof *texts * 4; i++) {
        struct letter l;
        letter_init(&l);
        l.options.text_transfer = transfers[i % 4];
        l.source.text.bytes = hy_str_of(texts[i / 4]);
        cr_assert_eq(letter_compile(&l), 0, "%s", l.diag.text);
        struct letter_value v[] = {{"v", HY_STR("a\n\n")}, {0}};
        cr_assert_eq(letter_render(&l, v), 0);
        check_wire(&l, texts[i / 4]);
        letter_free(&l);
    }
}

Test(message, no_value_leaves_its_header_field)
{
    static const struct letter_value values[] = {
        {"v", HY_STR("x\r\nBcc: evil@example.com\r\n\r\nbody \"<y@z>\", \xff\x01")}, {0}};
    static const struct hy_message_header headers[] = {{HY_STR("X-Note"), HY_STR("{{{v}}} あ")}};
    struct letter l;
    letter_init(&l);
    l.source.subject = HY_STR("{{v}}");
    l.source.from_name = HY_STR("{{v}}");
    l.source.to_name = HY_STR("{{& v}}");
    l.source.headers = headers;
    l.source.n_headers = 1;
    l.source.text.bytes = HY_STR("body");
    cr_assert_eq(letter_compile(&l), 0, "%s", l.diag.text);
    cr_assert_eq(letter_render(&l, values), 0);
    check_wire(&l, "header");
    struct hy_str rest = hy_str_slice(hy_buf_str(&l.out.bytes), 0, l.out.header_bytes);
    struct hy_header_field field;
    static const char *const want[] = {"Date",
                                       "From",
                                       "To",
                                       "Subject",
                                       "Message-ID",
                                       "List-Unsubscribe",
                                       "List-Unsubscribe-Post",
                                       "Precedence",
                                       "X-Note",
                                       "MIME-Version",
                                       "Content-Type",
                                       "Content-Transfer-Encoding"};
    size_t n = 0;
    for (; hy_header_next(&rest, &field); n++)
        cr_expect(n < 12 && hy_str_eq(field.name, hy_str_of(want[n])), "field %zu is %.*s", n,
                  HY_STR_ARG(field.name));
    cr_expect_eq(n, 12);
    cr_expect_eq(rest.n, 0);
    letter_free(&l);
}

Test(message, addresses_and_ids_carry_tokens_that_verify)
{
    struct letter l;
    struct hy_token token = {0};
    letter_init(&l);
    l.source.text.bytes = HY_STR("body");
    cr_assert_eq(letter_compile(&l), 0, "%s", l.diag.text);
    cr_assert_eq(letter_render(&l, NULL), 0);
    struct hy_str path = hy_str_make(l.out.return_path, l.out.return_path_n);
    cr_expect(hy_str_starts(path, HY_STR("b+")) && hy_str_ends(path, HY_STR("@b.example.jp")));
    cr_assert_eq(
        hy_token_read(&l.keys, HY_TOKEN_RETURN, hy_str_slice(path, 2, path.n - 13), &token), 0);
    cr_expect(token.campaign == l.options.campaign && token.lead == 77);
    struct hy_str id = hy_str_make(l.out.message_id, l.out.message_id_n);
    cr_expect(hy_str_starts(id, HY_STR("<")) && hy_str_ends(id, HY_STR("@example.jp>")));
    cr_assert_eq(hy_token_read(&l.keys, HY_TOKEN_MESSAGE, hy_str_slice(id, 1, id.n - 12), &token),
                 0);
    cr_expect(token.campaign == l.options.campaign && token.lead == 77);
    struct hy_str header = hy_str_slice(hy_buf_str(&l.out.bytes), 0, l.out.header_bytes);
    struct hy_header_field f;
    cr_assert(hy_header_find(header, HY_STR("Date"), &f));
    cr_expect(hy_str_eq(hy_str_trim(f.value), HY_STR("Sun, 22 Nov 2026 11:27:00 +0900")), "%.*s",
              HY_STR_ARG(f.value));
    cr_assert(hy_header_find(header, HY_STR("List-Unsubscribe-Post"), &f));
    cr_expect(hy_str_eq(hy_str_trim(f.value), HY_STR("List-Unsubscribe=One-Click")));
    letter_free(&l);
}

Test(message, dates_are_right_in_every_zone)
{
    static const struct {
        hy_wall_ms now;
        int offset;
        const char *want;
    } cases[] = {
        {0, 0, "Thu, 01 Jan 1970 00:00:00 +0000"},
        {951782400000, 0, "Tue, 29 Feb 2000 00:00:00 +0000"},
        {1709251199000, 540, "Fri, 01 Mar 2024 08:59:59 +0900"},
        {1735689599999, -570, "Tue, 31 Dec 2024 14:29:59 -0930"},
        {4102444800000, 840, "Fri, 01 Jan 2100 14:00:00 +1400"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct letter l;
        char want[64];
        letter_init(&l);
        l.options.utc_offset_min = cases[i].offset;
        l.in.now = cases[i].now;
        l.source.text.bytes = HY_STR("x");
        cr_assert_eq(letter_compile(&l), 0, "%s", l.diag.text);
        cr_assert_eq(letter_render(&l, NULL), 0);
        snprintf(want, sizeof want, "Date: %s\r\n", cases[i].want);
        cr_expect(hy_str_starts(hy_buf_str(&l.out.bytes), hy_str_of(want)), "got %.40s want %s",
                  l.out.bytes.data, want);
        letter_free(&l);
    }
}

Test(message, iso_2022_jp_spells_what_it_lacks)
{
    struct letter l;
    letter_init(&l);
    l.options.charset = HY_MAIL_ISO_2022_JP;
    l.source.text.bytes = HY_STR("①㈱髙﨑~😀ﾊﾝｶｸ{{v}}");
    cr_assert_eq(letter_compile(&l), 0, "%s", l.diag.text);
    struct letter_value v[] = {{"v", HY_STR("Ⅲ😀漢")}, {0}};
    cr_assert_eq(letter_render(&l, v), 0);
    check_wire(&l, "iso-2022-jp");
    cr_expect_eq(hy_message_transfer(l.m, HY_PART_TEXT), HY_TRANSFER_7BIT);
    struct hy_str body = hy_str_slice(hy_buf_str(&l.out.bytes), l.out.header_bytes, SIZE_MAX);
    cr_expect(hy_str_starts(body, HY_STR("(1)(\x1b$B3t\x1b(B)\x1b$B9b:j\x1b(B~\x1b$B\".")), "%.*s",
              HY_STR_ARG(body));
    cr_expect_neq(hy_str_find_str(body, HY_STR("III\x1b$B\".4A\x1b(B"), 0), SIZE_MAX, "%.*s",
                  HY_STR_ARG(body));
    letter_free(&l);
}

Test(message, a_page_says_the_charset_that_it_is_sent_in)
{
    static const struct {
        const char *html, *want;
    } cases[] = {
        {"<meta charset=\"utf-8\">あ", "<meta charset=\"iso-2022-jp\">あ"},
        {"<META http-equiv=x content='text/html; Charset=UTF-8'>",
         "<META http-equiv=x content='text/html; Charset=iso-2022-jp'>"},
        {"<meta content=\"a charset=b; c\"><p charset=utf-8>",
         "<meta content=\"a charset=iso-2022-jp; c\"><p charset=utf-8>"},
        {"<!-- <meta charset=utf-8> -->", "<!-- <meta charset=utf-8> -->"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct letter l;
        struct hy_buf out = HY_BUF_INIT(1 << 16);
        letter_init(&l);
        l.options.flags = 0;
        l.options.charset = HY_MAIL_ISO_2022_JP;
        l.source.html.bytes = hy_str_of(cases[i].html);
        l.source.text.bytes = HY_STR("-");
        cr_assert_eq(letter_compile(&l), 0, "%s", l.diag.text);
        cr_assert_eq(letter_part(&l, NULL, HY_PART_HTML, &out), 0);
        cr_expect_str_eq(hy_buf_cstr(&out), cases[i].want, "got %s", hy_buf_cstr(&out));
        hy_buf_free(&out);
        letter_free(&l);
    }
}

Test(message, long_lines_are_broken_where_the_encoding_does_not)
{
    struct letter l;
    struct hy_buf line = HY_BUF_INIT(1 << 16), value = HY_BUF_INIT(1 << 16);
    for (int i = 0; i < 400; i++)
        hy_buf_add_lit(&line, "aあ{{v}}");
    for (int i = 0; i < 700; i++)
        hy_buf_add_lit(&value, "bい");
    for (int charset = 0; charset < 2; charset++) {
        letter_init(&l);
        l.options.charset = (enum hy_mail_charset)charset;
        l.options.text_transfer = charset ? HY_TRANSFER_7BIT : HY_TRANSFER_8BIT;
        l.source.text.bytes = hy_buf_str(&line);
        cr_assert_eq(letter_compile(&l), 0, "%s", l.diag.text);
        struct letter_value v[] = {{"v", hy_buf_str(&value)}, {0}};
        cr_assert_eq(letter_render(&l, v), 0);
        check_wire(&l, charset ? "iso-2022-jp" : "utf-8");
        cr_expect_gt(l.out.bytes.len, 400u * 700u * 3u);
        letter_free(&l);
    }
    hy_buf_free(&line);
    hy_buf_free(&value);
}

Test(message, forced_7bit_refuses_what_it_cannot_hold)
{
    struct letter l;
    letter_init(&l);
    l.options.text_transfer = HY_TRANSFER_7BIT;
    l.source.text.bytes = HY_STR("あ");
    cr_expect_eq(letter_compile(&l), HY_EUNSUPPORTED);
    cr_expect_str_eq(l.diag.text, "a.txt: cannot be written in 7bit");
    l.source.text.bytes = HY_STR("{{v}}");
    cr_assert_eq(letter_compile(&l), 0, "%s", l.diag.text);
    struct letter_value good[] = {{"v", HY_STR("a\n.b")}, {0}}, bad[] = {{"v", HY_STR("あ")}, {0}};
    cr_expect_eq(letter_render(&l, good), 0);
    cr_expect(!l.out.has_no_dot_line);
    cr_expect_eq(letter_render(&l, bad), HY_EUNSUPPORTED);
    letter_free(&l);
}

Test(message, an_unpadded_boundary_in_a_value_is_refused_where_it_would_count)
{
    struct letter l;
    letter_init(&l);
    l.options.html_transfer = l.options.text_transfer = HY_TRANSFER_8BIT;
    l.source.text.bytes = l.source.html.bytes = HY_STR("{{v}}");
    cr_assert_eq(letter_compile(&l), 0, "%s", l.diag.text);
    cr_assert_eq(letter_render(&l, NULL), 0);
    struct hy_str all = hy_buf_str(&l.out.bytes);
    size_t at = hy_str_find_str(all, HY_STR("\"=_hy"), 0) + 1;
    char value[64];
    snprintf(value, sizeof value, "\r\n--%.*s", 30, all.p + at);
    struct letter_value v[] = {{"v", hy_str_of(value)}, {0}};
    cr_expect_eq(letter_render(&l, v), HY_EINVAL);
    l.options.html_transfer = l.options.text_transfer = HY_TRANSFER_QP;
    cr_assert_eq(letter_compile(&l), 0);
    cr_expect_eq(letter_render(&l, v), 0);
    check_wire(&l, "boundary in quoted-printable");
    letter_free(&l);
}

Test(message, a_source_that_makes_no_message_is_refused_in_words)
{
    static const struct hy_message_header reserved[] = {{HY_STR("bcc"), HY_STR("x")}},
                                          odd[] = {{HY_STR("a b"), HY_STR("x")}};
    static const struct hy_message_file no_cid[] = {{.name = HY_STR("a.png"),
                                                     .cid = HY_STR("a b")}},
                                        bad_type[] = {
                                            {.name = HY_STR("a"), .type = HY_STR("x\r\n")}};
    struct hy_message_source base = {.from_address = HY_STR("a@example.jp"),
                                     .subject = HY_STR("s"),
                                     .html = {HY_STR("<p>"), HY_STR("a.html")}};
    struct hy_message_source cases[8];
    for (size_t i = 0; i < 8; i++)
        cases[i] = base;
    static const char *const want[] = {
        "a message needs an HTML or a text part",
        "subject: is empty",
        "from_address: \"a@b\r\nBcc: c\" is no mail address",
        "header field bcc is written by hayauma itself",
        "\"a b\" cannot be the name of a header field",
        "a.png: an inline image needs a cid without blanks",
        "a: \"x\r\n\" is no type like image/png",
        "subject:1:4: a tag that begins here does not end on its line with }}",
    };
    cases[0].html.bytes = (struct hy_str){0};
    cases[1].subject = HY_STR(" ");
    cases[2].from_address = HY_STR("a@b\r\nBcc: c");
    cases[3].headers = reserved;
    cases[3].n_headers = 1;
    cases[4].headers = odd;
    cases[4].n_headers = 1;
    cases[5].images = no_cid;
    cases[5].n_images = 1;
    cases[6].attachments = bad_type;
    cases[6].n_attachments = 1;
    cases[7].subject = HY_STR("あい {{x");
    for (size_t i = 0; i < 8; i++) {
        struct letter l;
        letter_init(&l);
        l.source = cases[i];
        cr_expect_lt(letter_compile(&l), 0, "%s", want[i]);
        cr_expect_str_eq(l.diag.text, want[i], "got %s\nwant %s", l.diag.text, want[i]);
        letter_free(&l);
    }
}

Test(message, a_recipient_that_could_break_the_header_is_refused)
{
    static const char *const bad[] = {"a@b\r\nBcc: c@d", "a@b>", "", "a b@c"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct letter l;
        letter_init(&l);
        l.source.text.bytes = HY_STR("x");
        cr_assert_eq(letter_compile(&l), 0, "%s", l.diag.text);
        l.in.address = hy_str_of(bad[i]);
        cr_expect_eq(letter_render(&l, NULL), HY_EINVAL, "%s", bad[i]);
        letter_free(&l);
    }
}

Test(message, legacy_and_international_addresses_reach_the_header)
{
    struct letter l;
    letter_init(&l);
    l.source.text.bytes = HY_STR("x");
    cr_assert_eq(letter_compile(&l), 0, "%s", l.diag.text);
    l.in.address = HY_STR("\"a..b.\"@docomo.example");
    cr_assert_eq(letter_render(&l, NULL), 0);
    cr_expect(!l.out.needs_smtputf8);
    cr_expect_neq(
        hy_str_find_str(hy_buf_str(&l.out.bytes), HY_STR("To: \"a..b.\"@docomo.example\r\n"), 0),
        SIZE_MAX);
    l.in.address = HY_STR("太郎@example.com");
    cr_assert_eq(letter_render(&l, NULL), 0);
    cr_expect(l.out.needs_smtputf8);
    letter_free(&l);
}

Test(message, a_message_over_its_limit_is_refused_and_the_next_one_renders)
{
    struct letter l;
    struct hy_buf big = HY_BUF_INIT(1 << 16);
    for (int i = 0; i < 6000; i++)
        hy_buf_add_lit(&big, "long text ");
    letter_init(&l);
    l.options.max_bytes = 50000;
    l.source.text.bytes = HY_STR("{{v}}");
    cr_assert_eq(letter_compile(&l), 0, "%s", l.diag.text);
    struct letter_value huge[] = {{"v", hy_buf_str(&big)}, {0}},
                        small[] = {{"v", HY_STR("x")}, {0}};
    cr_expect_eq(letter_render(&l, huge), HY_ELIMIT);
    cr_expect_eq(letter_render(&l, small), 0);
    hy_buf_free(&big);
    letter_free(&l);
}

static void read_example(const char *name, struct hy_buf *out)
{
    char path[4096], chunk[4096];
    const char *root = getenv("HY_SOURCE");
    snprintf(path, sizeof path, "%s/conf/examples/newsletter/%s", root ? root : ".", name);
    FILE *f = fopen(path, "re");
    cr_assert(f, "%s", path);
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, f)) > 0;)
        hy_buf_add(out, chunk, n);
    fclose(f);
}

Test(message, the_shipped_newsletter_has_twelve_links_and_suits_everybody)
{
    struct letter l;
    struct hy_buf html = HY_BUF_INIT(1 << 20), text = HY_BUF_INIT(1 << 20),
                  png = HY_BUF_INIT(1 << 20);
    const struct hy_message_link *links;
    read_example("newsletter.html", &html);
    read_example("newsletter.txt", &text);
    read_example("station.png", &png);
    struct hy_message_file image = {.name = HY_STR("station.png"),
                                    .type = HY_STR("image/png"),
                                    .cid = HY_STR("station@hayauma"),
                                    .bytes = hy_buf_str(&png)};
    for (int charset = 0; charset < 2; charset++) {
        letter_init(&l);
        l.options.charset = (enum hy_mail_charset)charset;
        l.source.html.bytes = hy_buf_str(&html);
        l.source.text.bytes = hy_buf_str(&text);
        l.source.images = &image;
        l.source.n_images = 1;
        cr_assert_eq(letter_compile(&l), 0, "%s", l.diag.text);
        cr_expect_eq(hy_message_links(l.m, &links), 12);
        struct letter_value full[] = {
            {"name", HY_STR("山田 太郎")},    {"company", HY_STR("株式会社A&B")},
            {"prefecture", HY_STR("東京都")}, {"points", HY_STR("1200")},
            {"plan", HY_STR("標準")},         {0}};
        cr_assert_eq(letter_render(&l, full), 0);
        check_wire(&l, "newsletter");
        cr_assert_eq(letter_render(&l, NULL), 0);
        check_wire(&l, "newsletter without values");
        letter_free(&l);
    }
    hy_buf_free(&html);
    hy_buf_free(&text);
    hy_buf_free(&png);
}
