#include <criterion/criterion.h>

#include "corpus.h"
#include "hayauma/mail/header.h"

Test(header_read, decodes_these_values)
{
    static const struct {
        const char *value, *want;
    } cases[] = {
        {"plain", "plain"},
        {" folded\r\n value", "folded value"},
        {"=?UTF-8?B?5pel5pys6Kqe?=", "日本語"},
        {"=?utf-8?q?caf=c3=a9_au_lait?=", "café au lait"},
        {"=?UTF-8?Q?a?= =?UTF-8?Q?b?=", "ab"},
        {"=?UTF-8?Q?a?=\r\n =?ISO-8859-1?Q?=E9?=", "aé"},
        {"=?UTF-8?Q?a?= b =?UTF-8?Q?c?=", "a b c"},
        {"=?UTF-8*en?Q?with_language?=", "with language"},
        {"=?UTF-8?B?5pel5g==?= =?UTF-8?B?nKw=?=", "日本"}, /* cut inside a character */
        {"=?ISO-2022-JP?B?GyRCRnxLXDhsGyhC?=", "日本語"},
        {"=?UTF-8?Q?broken", "=?UTF-8?Q?broken"},
        {"=?UTF-8?X?what?=", "=?UTF-8?X?what?="},
        {"=?no-such-charset?Q?x?=", "=?no-such-charset?Q?x?="},
        {"=?UTF-8//TRANSLIT?Q?x?=", "=?UTF-8//TRANSLIT?Q?x?="},
        {"=?UTF-8?B?!!?=", "=?UTF-8?B?!!?="},
        {"=?UTF-8?Q?two=0D=0Alines=00?=", "two  lines "},
        {"=?UTF-8?Q?=FF?=", "\xef\xbf\xbd"},
        {"raw \xff byte", "raw \xef\xbf\xbd byte"},
        {"=?", "=?"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        HY_CLEANUP(hy_buf_free)
        struct hy_buf out = HY_BUF_INIT(4096);
        cr_assert_eq(hy_header_decode(&out, hy_str_of(cases[i].value)), HY_OK);
        cr_assert_str_eq(hy_buf_cstr(&out), cases[i].want, "%s: got %s", cases[i].value,
                         hy_buf_cstr(&out));
    }
}

Test(header_read, splits_a_block_into_fields_and_body)
{
    struct hy_str rest = HY_STR("From: a@b\r\nno field here\r\n and its second line\r\n"
                                "Subject :  two\r\n\tlines\r\nEmpty:\nBad name: x\n\r\nbody: text");
    struct hy_header_field f;
    cr_assert(hy_header_next(&rest, &f));
    cr_assert(hy_str_eq(f.name, HY_STR("From")) && hy_str_eq(f.value, HY_STR(" a@b")));
    cr_assert(hy_header_next(&rest, &f));
    cr_assert(hy_str_eq(f.name, HY_STR("Subject")));
    cr_assert(hy_str_eq(f.value, HY_STR("  two\r\n\tlines")));
    cr_assert(hy_str_eq(f.whole, HY_STR("Subject :  two\r\n\tlines\r\n")));
    cr_assert(hy_header_next(&rest, &f));
    cr_assert(hy_str_eq(f.name, HY_STR("Empty")) && f.value.n == 0);
    cr_assert_not(hy_header_next(&rest, &f));
    cr_assert(hy_str_eq(rest, HY_STR("body: text")));
}

Test(header_read, finds_a_field_in_any_case)
{
    struct hy_str block = HY_STR("A: 1\r\nsubject: x\r\nSubject: y\r\n");
    struct hy_header_field f;
    cr_assert(hy_header_find(block, HY_STR("SUBJECT"), &f));
    cr_assert(hy_str_eq(f.value, HY_STR(" x")));
    cr_assert_not(hy_header_find(block, HY_STR("Subj"), &f));
}

static struct hy_str column(struct hy_str line, int no)
{
    struct hy_str piece = {0};
    for (int i = 0; i <= no; i++)
        if (!hy_str_split(&line, '\t', &piece))
            return (struct hy_str){0};
    return piece;
}

/* The table writes line ends and tabs as \n and \t. */
static void add_unescaped(struct hy_buf *out, struct hy_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\\' && i + 1 < s.n && (s.p[i + 1] == 'n' || s.p[i + 1] == 't'))
            hy_buf_add_c(out, s.p[++i] == 'n' ? '\n' : '\t');
        else
            hy_buf_add_c(out, s.p[i]);
    }
}

Test(header_read, decodes_the_corpus)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf tsv = HY_BUF_INIT(1 << 22);
    if (!corpus_read("japanese/encoded-words.tsv", &tsv))
        return;
    struct hy_str rest = hy_buf_str(&tsv), line;
    int seen = 0;
    while (hy_str_split(&rest, '\n', &line)) {
        bool bad = hy_str_eq(column(line, 1), HY_STR("BAD"));
        if (!hy_str_starts(column(line, 0), HY_STR("decode")))
            continue;
        HY_CLEANUP(hy_buf_free)
        struct hy_buf in = HY_BUF_INIT(65536), out = HY_BUF_INIT(65536);
        add_unescaped(&in, column(line, 5));
        cr_assert_eq(hy_header_decode(&out, hy_buf_str(&in)), HY_OK);
        struct hy_str want = bad ? hy_buf_str(&in) : column(line, 3);
        cr_assert(hy_str_eq(hy_buf_str(&out), want), "got \"%.*s\", want \"%.*s\"",
                  HY_STR_ARG(hy_buf_str(&out)), HY_STR_ARG(want));
        seen++;
    }
    cr_assert_geq(seen, 5);
}
