#include <criterion/criterion.h>

#include "hayauma/base/str.h"

Test(str, slices_never_leave_the_string)
{
    static const struct {
        size_t from, to;
        const char *want;
    } cases[] = {{0, 5, "hello"}, {1, 3, "el"}, {3, 99, "lo"},
                 {9, 12, ""},     {4, 2, ""},   {SIZE_MAX, SIZE_MAX, ""}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_str got = hy_str_slice(HY_STR("hello"), cases[i].from, cases[i].to);
        cr_assert(hy_str_eq(got, hy_str_of(cases[i].want)), "case %zu: got %.*s", i,
                  HY_STR_ARG(got));
    }
    struct hy_str none = hy_str_slice((struct hy_str){NULL, 0}, 0, 4);
    cr_assert_eq(none.n, 0);
}

Test(str, compares_with_and_without_the_case_of_ascii_letters)
{
    cr_assert(hy_str_ieq(HY_STR("Example.COM"), HY_STR("eXample.com")));
    cr_assert_not(hy_str_eq(HY_STR("Example"), HY_STR("example")));
    cr_assert_not(hy_str_ieq(HY_STR("\xc3\x84"), HY_STR("\xc3\xa4")), "only ASCII folds");
    cr_assert_not(hy_str_ieq(HY_STR("["), HY_STR("{")), "not letters, though 32 apart");
    cr_assert(hy_str_eq((struct hy_str){NULL, 0}, HY_STR("")));
    cr_assert(hy_str_starts(HY_STR("MAIL FROM"), HY_STR("MAIL")));
    cr_assert_not(hy_str_starts(HY_STR("MA"), HY_STR("MAIL")));
    cr_assert(hy_str_istarts(HY_STR("mail from"), HY_STR("MAIL")));
    cr_assert(hy_str_ends(HY_STR("a.example"), HY_STR(".example")));
    cr_assert_not(hy_str_ends(HY_STR("e"), HY_STR(".example")));
}

Test(str, finds_bytes_and_strings_from_a_place_on)
{
    struct hy_str s = HY_STR("a,b,,c");
    cr_assert_eq(hy_str_find(s, ',', 0), 1);
    cr_assert_eq(hy_str_find(s, ',', 2), 3);
    cr_assert_eq(hy_str_find(s, 'x', 0), SIZE_MAX);
    cr_assert_eq(hy_str_find(s, ',', 100), SIZE_MAX);
    cr_assert_eq(hy_str_find_str(s, HY_STR(",,"), 0), 3);
    cr_assert_eq(hy_str_find_str(s, HY_STR(""), 6), 6);
    cr_assert_eq(hy_str_find_str(s, HY_STR("c!"), 0), SIZE_MAX);
    cr_assert_eq(hy_str_find_str(s, HY_STR("c"), 7), SIZE_MAX);
}

Test(str, splits_at_every_separator_and_keeps_empty_pieces)
{
    static const struct {
        const char *text, *want; /* pieces joined by "|", each closed by one */
    } cases[] = {{"a,,b", "a||b|"}, {"", "|"}, {",", "||"}, {"abc", "abc|"}, {"a,", "a||"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char got[64] = "";
        struct hy_str rest = hy_str_of(cases[i].text), piece;
        while (hy_str_split(&rest, ',', &piece)) {
            strncat(got, piece.p, piece.n);
            strcat(got, "|");
        }
        cr_assert_str_eq(got, cases[i].want);
    }
    struct hy_str nothing = {NULL, 0}, piece;
    cr_assert_not(hy_str_split(&nothing, ',', &piece));
}

Test(str, trims_white_space_at_both_ends)
{
    cr_assert(hy_str_eq(hy_str_trim(HY_STR(" \t a b\r\n")), HY_STR("a b")));
    cr_assert_eq(hy_str_trim(HY_STR(" \r\n")).n, 0);
}

Test(str, reads_numbers_that_are_the_whole_string)
{
    static const struct {
        const char *text;
        uint64_t max;
        int err;
        uint64_t want;
    } cases[] = {
        {"0", 9, 0, 0},
        {"007", 9, 0, 7},
        {"18446744073709551615", UINT64_MAX, 0, UINT64_MAX},
        {"18446744073709551616", UINT64_MAX, HY_ELIMIT, 77},
        {"99999999999999999999999", UINT64_MAX, HY_ELIMIT, 77},
        {"256", 255, HY_ELIMIT, 77},
        {"", 9, HY_EPARSE, 77},
        {"-1", 9, HY_EPARSE, 77},
        {"+1", 9, HY_EPARSE, 77},
        {" 1", 9, HY_EPARSE, 77},
        {"1x", 9, HY_EPARSE, 77},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t got = 77;
        int err = hy_str_to_u64(hy_str_of(cases[i].text), cases[i].max, &got);
        cr_assert_eq(err, cases[i].err, "%s: got %s", cases[i].text, hy_err_name(err));
        cr_assert_eq(got, cases[i].want, "%s", cases[i].text);
    }
}

Test(str, knows_well_formed_utf8)
{
    static const struct {
        const char *text;
        size_t n;
        bool want;
    } cases[] = {
        {"", 0, true},
        {"plain", 5, true},
        {"\xe6\x97\xa5\xe6\x9c\xac", 6, true},
        {"\xf0\x9f\x90\xb4", 4, true},
        {"\xf4\x8f\xbf\xbf", 4, true},  /* U+10FFFF */
        {"\xf4\x90\x80\x80", 4, false}, /* above it */
        {"\xc0\x80", 2, false},         /* overlong NUL */
        {"\xc1\xbf", 2, false},
        {"\xe0\x9f\xbf", 3, false}, /* overlong */
        {"\xf0\x8f\xbf\xbf", 4, false},
        {"\xed\xa0\x80", 3, false}, /* surrogate */
        {"\xe6\x97", 2, false},     /* cut */
        {"\x80", 1, false},
        {"\xff", 1, false},
        {"a\x00"
         "b",
         3, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_assert_eq(hy_str_is_utf8(hy_str_make(cases[i].text, cases[i].n)), cases[i].want,
                     "case %zu", i);
    cr_assert(hy_str_is_ascii(HY_STR("plain")));
    cr_assert_not(hy_str_is_ascii(HY_STR("\xe6\x97\xa5")));
}

Test(str, a_byte_that_is_not_ascii_is_found_wherever_it_stands)
{
    char text[200];
    memset(text, 'a', sizeof text);
    for (size_t n = 0; n <= sizeof text; n++)
        cr_assert(hy_str_is_ascii(hy_str_make(text, n)), "%zu bytes", n);
    for (size_t at = 0; at < sizeof text; at++) {
        text[at] = (char)0x80;
        cr_assert_not(hy_str_is_ascii(hy_str_make(text, sizeof text)), "at %zu", at);
        cr_assert_not(hy_str_is_ascii(hy_str_make(text, at + 1)), "last, at %zu", at);
        cr_assert(hy_str_is_ascii(hy_str_make(text, at)), "behind %zu", at);
        text[at] = 'a';
    }
}

Test(str, decodes_what_it_encodes_for_every_code_point)
{
    for (uint32_t cp = 0; cp <= 0x10ffff; cp++) {
        char text[4];
        size_t n = hy_utf8_put(cp, text), pos = 0;
        uint32_t got = hy_utf8_next(hy_str_make(text, n), &pos);
        cr_assert_eq(got, cp >= 0xd800 && cp <= 0xdfff ? 0xfffd : cp);
        cr_assert_eq(pos, n);
    }
    char text[4];
    cr_assert_eq(hy_utf8_put(0x110000, text), 3); /* U+FFFD */
}

Test(str, steps_over_a_bad_byte_one_at_a_time)
{
    struct hy_str s = HY_STR("\xe6\x97"
                             "A");
    size_t pos = 0;
    cr_assert_eq(hy_utf8_next(s, &pos), UINT32_MAX);
    cr_assert_eq(pos, 1);
    cr_assert_eq(hy_utf8_next(s, &pos), UINT32_MAX);
    cr_assert_eq(hy_utf8_next(s, &pos), 'A');
    cr_assert_eq(pos, 3);
}

Test(str, a_slip_of_the_finger_finds_its_word_and_another_word_does_not)
{
    static const char *const words[] = {"connections", "connection_rate", "retry", "tls"};
    static const struct {
        const char *in, *want;
    } cases[] = {
        {"conections", "connections"},
        {"connetcions", "connections"},
        {"Retry", "retry"},
        {"rtery", "retry"},
        {"connection_rates", "connection_rate"},
        {"xyz", NULL},
        {"", NULL},
        {"window", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *got =
            hy_str_nearest(hy_str_of(cases[i].in), words, sizeof words / sizeof *words);
        if (cases[i].want)
            cr_expect(got && strcmp(got, cases[i].want) == 0, "%s: got %s", cases[i].in,
                      got ? got : "nothing");
        else
            cr_expect_null(got, "%s: got %s", cases[i].in, got ? got : "");
    }
}
