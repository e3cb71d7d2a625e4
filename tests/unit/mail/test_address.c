#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "corpus.h"
#include "hayauma/mail/address.h"

static int parse(const char *in, struct hy_address *a, enum hy_address_reason *why)
{
    return hy_address_parse(hy_str_of(in), NULL, a, why);
}

Test(address, is_written_the_way_the_wire_wants_it)
{
    static const struct {
        const char *in, *want, *key;
    } cases[] = {
        {"taro@example.jp", "taro@example.jp", "taro@example.jp"},
        {"Taro.Yamada@Example.JP", "Taro.Yamada@example.jp", "taro.yamada@example.jp"},
        {" a+b@example.jp\t", "a+b@example.jp", "a+b@example.jp"},
        {"!#$%&'*+-/=?^_`{}|~@example.org", "!#$%&'*+-/=?^_`{}|~@example.org",
         "!#$%&'*+-/=?^_`{}|~@example.org"},
        {"\"plain\"@example.jp", "plain@example.jp", "plain@example.jp"},
        {"\"pl\\a\\in\"@example.jp", "plain@example.jp", "plain@example.jp"},
        {"\"two words\"@example.jp", "\"two words\"@example.jp", "two words@example.jp"},
        {"\"a\\\"b\\\\c\"@example.jp", "\"a\\\"b\\\\c\"@example.jp", "a\"b\\c@example.jp"},
        {"\"\"@example.jp", "\"\"@example.jp", "@example.jp"},
        {"\"a@b\"@example.jp", "\"a@b\"@example.jp", "a@b@example.jp"},
        {"\"a..b\"@example.jp", "\"a..b\"@example.jp", "a..b@example.jp"},
        {"taro@3com.example", "taro@3com.example", "taro@3com.example"},
        {"taro@xn--r8jz45g.xn--zckzah", "taro@xn--r8jz45g.xn--zckzah",
         "taro@xn--r8jz45g.xn--zckzah"},
        {"taro@例え.テスト", "taro@xn--r8jz45g.xn--zckzah", "taro@xn--r8jz45g.xn--zckzah"},
        {"taro@例え。テスト", "taro@xn--r8jz45g.xn--zckzah", "taro@xn--r8jz45g.xn--zckzah"},
        {"taro@faß.example", "taro@xn--fa-hia.example", "taro@xn--fa-hia.example"},
        {"taro@BÜCHER.example", "taro@xn--bcher-kva.example", "taro@xn--bcher-kva.example"},
        {"ÄNNE@example.jp", "ÄNNE@example.jp", "änne@example.jp"},
        {"山田@example.jp", "山田@example.jp", "山田@example.jp"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_address a;
        enum hy_address_reason why = HY_ADDRESS_OK;
        cr_assert_eq(parse(cases[i].in, &a, &why), HY_OK, "%s: %s", cases[i].in,
                     hy_address_reason_text(why));
        cr_expect_str_eq(a.wire, cases[i].want, "%s: got %s", cases[i].in, a.wire);
        cr_expect(hy_str_eq(hy_address_key(&a), hy_str_of(cases[i].key)), "%s: key %.*s",
                  cases[i].in, a.key_n, a.key);
        cr_expect_eq(a.wire[a.at], '@');
        cr_expect_eq(a.n, strlen(a.wire));
        cr_expect_eq(a.needs_smtputf8, !hy_str_is_ascii(hy_address_local(&a)));
    }
}

Test(address, of_japanese_carriers_may_have_dots_where_others_may_not)
{
    static const struct {
        const char *in, *want;
    } cases[] = {
        {"a..b@docomo.ne.jp", "\"a..b\"@docomo.ne.jp"},
        {"a.@ezweb.ne.jp", "\"a.\"@ezweb.ne.jp"},
        {".a@t.vodafone.ne.jp", "\".a\"@t.vodafone.ne.jp"},
        {"a-.-.@DOCOMO.NE.JP", "\"a-.-.\"@docomo.ne.jp"},
        {"\"a..b\"@docomo.ne.jp", "\"a..b\"@docomo.ne.jp"},
        {"a..b@xx.pdx.ne.jp", "\"a..b\"@xx.pdx.ne.jp"},
        {"a..b@notdocomo.ne.jp", NULL},
        {"a..b@docomo.ne.jp.example.com", NULL},
        {"a..b@example.jp", NULL},
        {"a.@example.jp", NULL},
        {".a@example.jp", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_address a;
        enum hy_address_reason why = HY_ADDRESS_OK;
        int err = parse(cases[i].in, &a, &why);
        if (cases[i].want) {
            cr_assert_eq(err, HY_OK, "%s: %s", cases[i].in, hy_address_reason_text(why));
            cr_expect_str_eq(a.wire, cases[i].want);
        } else {
            cr_expect_eq(err, HY_EPARSE, "%s", cases[i].in);
            cr_expect_eq(why, HY_ADDRESS_LOCAL_DOTS, "%s", cases[i].in);
        }
    }
    struct hy_address bare, quoted;
    enum hy_address_reason why;
    cr_assert_eq(parse("a..b@docomo.ne.jp", &bare, &why), HY_OK);
    cr_assert_eq(parse("\"A..b\"@docomo.ne.jp", &quoted, &why), HY_OK);
    cr_expect(hy_str_eq(hy_address_key(&bare), hy_address_key(&quoted)),
              "with and without quotes it is one person");
}

Test(address, is_taken_out_of_what_people_leave_around_it)
{
    static const struct {
        const char *in, *want;
    } cases[] = {
        {"Taro Yamada <taro@example.jp>", "taro@example.jp"},
        {"\"Yamada, Taro <x@y>\" <taro@example.jp>", "taro@example.jp"},
        {"山田太郎＜taro@example.jp＞", "taro@example.jp"},
        {"<taro@example.jp>", "taro@example.jp"},
        {"< taro@example.jp >", "taro@example.jp"},
        {"mailto:taro@example.jp", "taro@example.jp"},
        {"MailTo:taro@example.jp?subject=hi", "taro@example.jp"},
        {"<mailto:taro@example.jp>", "taro@example.jp"},
        {"taro@example.jp;", "taro@example.jp"},
        {"taro@example.jp ,", "taro@example.jp"},
        {"taro@example.jp (Taro \\) Yamada (private))", "taro@example.jp"},
        {"(home) taro@example.jp", "taro@example.jp"},
        {"\xef\xbb\xbf"
         "taro@example.jp",
         "taro@example.jp"},
        {"taro@example.jp\u200b", "taro@example.jp"},
        {"　taro@example.jp　", "taro@example.jp"},
        {"ｔａｒｏ＠ｅｘａｍｐｌｅ．ｊｐ", "taro@example.jp"},
        {"ＴＡＲＯ＿１＠ｄｏｃｏｍｏ．ｎｅ．ｊｐ", "TARO_1@docomo.ne.jp"},
        {"taro＠example。jp", "taro@example.jp"},
        {"who?me@example.jp", "who?me@example.jp"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_address a;
        enum hy_address_reason why = HY_ADDRESS_OK;
        cr_assert_eq(parse(cases[i].in, &a, &why), HY_OK, "%s: %s", cases[i].in,
                     hy_address_reason_text(why));
        cr_expect_str_eq(a.wire, cases[i].want, "%s: got %s", cases[i].in, a.wire);
        cr_expect_eq(a.repaired, strcmp(cases[i].in, cases[i].want) != 0, "%s", cases[i].in);
    }
}

Test(address, is_refused_with_the_reason)
{
    static const struct {
        const char *in;
        enum hy_address_reason want;
    } cases[] = {
        {"", HY_ADDRESS_EMPTY},
        {" \t ", HY_ADDRESS_EMPTY},
        {"　", HY_ADDRESS_EMPTY},
        {"<>", HY_ADDRESS_EMPTY},
        {"mailto:", HY_ADDRESS_EMPTY},
        {"なし", HY_ADDRESS_NO_AT},
        {"taro example.jp", HY_ADDRESS_NO_AT},
        {"@example.jp", HY_ADDRESS_NO_LOCAL},
        {"taro@", HY_ADDRESS_NO_DOMAIN},
        {"taro@@example.jp", HY_ADDRESS_SEVERAL},
        {"a@example.jp, b@example.jp", HY_ADDRESS_SEVERAL},
        {"<a@example.jp> <b@example.jp>", HY_ADDRESS_SEVERAL},
        {"taro yamada@example.jp", HY_ADDRESS_LOCAL_CHAR},
        {"taro @example.jp", HY_ADDRESS_LOCAL_CHAR},
        {"ta(x)ro@example.jp", HY_ADDRESS_COMMENT},
        {"taro@example.jp(x", HY_ADDRESS_COMMENT},
        {"taro@(x)example.jp", HY_ADDRESS_COMMENT},
        {"\"taro@example.jp", HY_ADDRESS_LOCAL_QUOTE},
        {"\"ta\"ro@example.jp", HY_ADDRESS_LOCAL_QUOTE},
        {"ta\"ro\"@example.jp", HY_ADDRESS_LOCAL_QUOTE},
        {"\"ta\".\"ro\"@example.jp", HY_ADDRESS_LOCAL_QUOTE},
        {"taro@example", HY_ADDRESS_DOMAIN_SINGLE},
        {"taro@example.jp.", HY_ADDRESS_DOMAIN_DOTS},
        {"taro@.example.jp", HY_ADDRESS_DOMAIN_DOTS},
        {"taro@example..jp", HY_ADDRESS_DOMAIN_DOTS},
        {"taro@-example.jp", HY_ADDRESS_DOMAIN_CHAR},
        {"taro@example-.jp", HY_ADDRESS_DOMAIN_CHAR},
        {"taro@exa_mple.jp", HY_ADDRESS_DOMAIN_CHAR},
        {"taro@exa mple.jp", HY_ADDRESS_DOMAIN_CHAR},
        {"taro@xn--0.jp", HY_ADDRESS_DOMAIN_IDN},
        {"taro@\u2665.jp", HY_ADDRESS_DOMAIN_IDN},
        {"taro@[192.0.2.1]", HY_ADDRESS_LITERAL},
        {"taro@example.jp\r\nRCPT TO:<x@example.jp>", HY_ADDRESS_CONTROL},
        {"taro@example.jp\n", HY_ADDRESS_CONTROL},
        {"\"ta\rro\"@example.jp", HY_ADDRESS_CONTROL},
        {"ta\x7fro@example.jp", HY_ADDRESS_CONTROL},
        {"ta\u200bro@example.jp", HY_ADDRESS_CONTROL},
        {"ta\xc2\x85ro@example.jp", HY_ADDRESS_CONTROL},
        {"ta\u202ero@example.jp", HY_ADDRESS_CONTROL},
        {"ta\xffro@example.jp", HY_ADDRESS_NOT_UTF8},
        {"0123456789012345678901234567890123456789012345678901234567890123x@example.jp",
         HY_ADDRESS_LOCAL_LONG},
        {"a@0123456789012345678901234567890123456789012345678901234567890123.jp",
         HY_ADDRESS_DOMAIN_LONG},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_address a = {.n = 77};
        enum hy_address_reason why = HY_ADDRESS_OK;
        cr_expect_eq(parse(cases[i].in, &a, &why), HY_EPARSE, "%s", cases[i].in);
        cr_expect_eq(why, cases[i].want, "%s: got %s, want %s", cases[i].in,
                     hy_address_reason_name(why), hy_address_reason_name(cases[i].want));
        cr_expect_eq(a.n, 77, "%s: untouched", cases[i].in);
    }
    struct hy_address a;
    enum hy_address_reason why = HY_ADDRESS_OK;
    cr_expect_eq(hy_address_parse(HY_STR("ta\0ro@example.jp"), NULL, &a, &why), HY_EPARSE);
    cr_expect_eq(why, HY_ADDRESS_CONTROL);
}

Test(address, keeps_the_limits_of_rfc_5321)
{
    struct {
        size_t local, labels; /* labels of 61 letters and a dot before "aa.jp" */
        int want;
    } cases[] = {
        {64, 0, HY_OK},    {65, 0, HY_EPARSE}, {64, 2, HY_OK},
        {60, 3, HY_OK},    {63, 3, HY_EPARSE}, /* 63 + 1 + 191 = 255 */
        {62, 3, HY_OK},                        /* 254 */
        {1, 4, HY_EPARSE},                     /* 253 + 2 */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_buf b = HY_BUF_INIT(4096);
        for (size_t j = 0; j < cases[i].local; j++)
            hy_buf_add_c(&b, 'a');
        hy_buf_add_c(&b, '@');
        for (size_t j = 0; j < cases[i].labels; j++)
            hy_buf_printf(&b, "%061d.", 7);
        hy_buf_add_lit(&b, "aa.jp");
        struct hy_address a;
        enum hy_address_reason why;
        cr_expect_eq(parse(hy_buf_cstr(&b), &a, &why), cases[i].want, "%zu bytes", b.len);
        hy_buf_free(&b);
    }
}

Test(address, literals_and_single_labels_are_a_choice)
{
    static const struct {
        const char *in;
        int want;
    } cases[] = {
        {"a@[192.0.2.1]", HY_OK},       {"a@[IPv6:2001:db8::1]", HY_OK},
        {"a@[192.0.2.256]", HY_EPARSE}, {"a@[IPv6:192.0.2.1]", HY_EPARSE},
        {"a@[2001:db8::1]", HY_EPARSE}, {"a@[192.0.2.1", HY_EPARSE},
        {"a@[192.0.2.1]x", HY_EPARSE},  {"a@localhost", HY_OK},
    };
    const struct hy_address_rules rules = {.allow_literal = true, .allow_single = true};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_address a;
        enum hy_address_reason why;
        cr_expect_eq(hy_address_parse(hy_str_of(cases[i].in), &rules, &a, &why), cases[i].want,
                     "%s", cases[i].in);
        cr_expect_eq(parse(cases[i].in, &a, &why), HY_EPARSE, "%s", cases[i].in);
    }
}

Test(address, gives_the_same_key_from_its_stored_form)
{
    static const char *const in[] = {"Taro@Example.jp", "\"A..B\"@docomo.ne.jp", "ÄNNE@example.jp",
                                     "\"q \\\" q\"@example.jp", "taro@例え.テスト"};
    for (size_t i = 0; i < sizeof in / sizeof *in; i++) {
        struct hy_address a;
        enum hy_address_reason why;
        char key[HY_ADDRESS_KEY_MAX];
        size_t n = 0;
        cr_assert_eq(parse(in[i], &a, &why), HY_OK);
        cr_assert_eq(hy_address_wire_key(hy_address_wire(&a), key, &n), HY_OK, "%s", in[i]);
        cr_expect(hy_str_eq(hy_str_make(key, n), hy_address_key(&a)), "%s", in[i]);
    }
    char key[HY_ADDRESS_KEY_MAX];
    size_t n = 0;
    cr_expect_eq(hy_address_wire_key(HY_STR("nobody"), key, &n), HY_EPARSE);
    cr_expect_eq(hy_address_wire_key(HY_STR("\"x@y"), key, &n), HY_EPARSE);
}

/* Python's escapes as the corpus writes them: \xNN and \uNNNN name code points. */
static size_t unescape(struct hy_str s, char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '\\' || i + 1 == s.n) {
            out[n++] = s.p[i];
            continue;
        }
        char c = s.p[++i];
        size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : 0;
        if (digits && i + digits < s.n) {
            char hex[5] = {0};
            memcpy(hex, s.p + i + 1, digits);
            n += hy_utf8_put((uint32_t)strtoul(hex, NULL, 16), out + n);
            i += digits;
        } else {
            out[n++] = c == 'r' ? '\r' : c == 'n' ? '\n' : c == 't' ? '\t' : c;
        }
    }
    return n;
}

/* What the rules of docs/decisions/0030 say of flanker's and isemail's verdicts. */
static int expected(struct hy_str category, struct hy_str diagnosis)
{
    if (hy_str_eq(category, HY_STR("ISEMAIL_VALID_CATEGORY")) ||
        hy_str_eq(category, HY_STR("ISEMAIL_DNSWARN")) ||
        hy_str_eq(category, HY_STR("ISEMAIL_RFC5321")))
        return HY_OK;
    if (hy_str_eq(category, HY_STR("ISEMAIL_ERR")))
        return HY_EPARSE;
    if (hy_str_eq(diagnosis, HY_STR("local part only")) || !hy_str_starts(category, HY_STR("ISE")))
        return hy_str_eq(category, HY_STR("VALID")) ? HY_OK : HY_EPARSE;
    return 1; /* CFWS, DEPREC, RFC5322: either, but never a crash or a control character */
}

Test(address, agrees_with_the_corpus_of_isemail_and_flanker)
{
    struct hy_buf file HY_CLEANUP(hy_buf_free) = HY_BUF_INIT(1 << 20);
    if (!corpus_read("addresses/syntax.tsv", &file))
        cr_skip_test("no corpora here");
    const struct hy_address_rules rules = {.allow_literal = true, .allow_single = true};
    struct hy_str rest = hy_buf_str(&file), line;
    hy_str_split(&rest, '\n', &line);
    size_t judged = 0, differ = 0;
    while (hy_str_split(&rest, '\n', &line)) {
        struct hy_str f[5] = {{0}};
        for (size_t i = 0; i < 5; i++)
            if (!hy_str_split(&line, '\t', &f[i]))
                break;
        int want = expected(f[2], f[3]);
        char text[4096];
        size_t n = unescape(f[4], text);
        if (f[4].n == 0 || n > 2000)
            continue;
        if (hy_str_eq(f[3], HY_STR("local part only"))) {
            memcpy(text + n, "@example.com", 12);
            n += 12;
        }
        struct hy_address a;
        enum hy_address_reason why = HY_ADDRESS_OK;
        int got = hy_address_parse(hy_str_make(text, n), &rules, &a, &why);
        if (got == HY_OK)
            for (size_t i = 0; i < a.n; i++)
                cr_assert((unsigned char)a.wire[i] >= 32 && a.wire[i] != 127);
        if (want == 1)
            continue;
        judged++;
        if (got != want) {
            differ++;
            fprintf(stderr, "differs: %.*s %.*s %.*s: %s\n", HY_STR_ARG(f[0]), HY_STR_ARG(f[1]),
                    HY_STR_ARG(f[4]), got == HY_OK ? "accepted" : hy_address_reason_name(why));
        }
    }
    cr_expect_gt(judged, 150);
    /* flanker takes underscores for host names */
    cr_expect_leq(differ, 1, "%zu of %zu differ", differ, judged);
}

Test(address_suggest, agrees_with_the_corpus_of_typos)
{
    struct hy_buf file HY_CLEANUP(hy_buf_free) = HY_BUF_INIT(1 << 20);
    if (!corpus_read("addresses/domain-typos.tsv", &file))
        cr_skip_test("no corpora here");
    struct hy_str rest = hy_buf_str(&file), line;
    hy_str_split(&rest, '\n', &line);
    while (hy_str_split(&rest, '\n', &line)) {
        struct hy_str domain, want = {0};
        if (!hy_str_split(&line, '\t', &domain) || !hy_str_split(&line, '\t', &want))
            continue;
        char got[HY_DOMAIN_MAX + 1] = "";
        int err = hy_address_suggest(domain, got);
        cr_expect_eq(err, want.n ? HY_OK : HY_ENOTFOUND, "%.*s: got %s", HY_STR_ARG(domain), got);
        cr_expect(err || hy_str_eq(hy_str_of(got), want), "%.*s: got %s", HY_STR_ARG(domain), got);
    }
}

Test(address, domains_that_are_thrown_away_are_known)
{
    static const struct {
        const char *domain;
        bool want;
    } cases[] = {
        {"mailinator.com", true},
        {"x.mailinator.com", true},
        {"yopmail.com", true},
        {"my-mailinator.com", false},
        {"mailinator.co", false},
        {"gmail.com", false},
        {"docomo.ne.jp", false},
        {"com", false},
        {"", false},
        {"mailinator.com.jp", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_eq(hy_address_is_disposable(hy_str_of(cases[i].domain)), cases[i].want, "%s",
                     cases[i].domain);
    struct hy_buf file HY_CLEANUP(hy_buf_free) = HY_BUF_INIT(1 << 20);
    if (!corpus_read("lists/disposable-domains.txt", &file))
        return;
    struct hy_str rest = hy_buf_str(&file), line;
    while (hy_str_split(&rest, '\n', &line))
        cr_assert(line.n == 0 || hy_address_is_disposable(line), "%.*s", HY_STR_ARG(line));
}

Test(address_suggest, knows_the_slips_of_japanese_lists)
{
    static const struct {
        const char *in, *want;
    } cases[] = {
        {"docomo.co.jp", "docomo.ne.jp"},
        {"docmo.ne.jp", "docomo.ne.jp"},
        {"docomo.ne.jo", "docomo.ne.jp"},
        {"ezeb.ne.jp", "ezweb.ne.jp"},
        {"yahoo.c.jp", "yahoo.co.jp"},
        {"yahooo.co.jp", "yahoo.co.jp"},
        {"i.softbank.ne.jp", "i.softbank.jp"},
        {"gmail.co.jp", "gmail.com"},
        {"iclould.com", "icloud.com"},
        {"yahoo.co.jp", NULL},
        {"softbank.ne.jp", NULL},
        {"outlook.jp", NULL},
        {"example.co.jp", NULL},
        {"mail.example.com", NULL},
        {"ymail.com", NULL},
        {"", NULL},
        {".", NULL},
        {"gmail", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char got[HY_DOMAIN_MAX + 1] = "untouched";
        int err = hy_address_suggest(hy_str_of(cases[i].in), got);
        cr_expect_eq(err, cases[i].want ? HY_OK : HY_ENOTFOUND, "%s: got %s", cases[i].in, got);
        cr_expect_str_eq(got, cases[i].want ? cases[i].want : "untouched", "%s", cases[i].in);
    }
}
