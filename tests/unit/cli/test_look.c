#include <criterion/criterion.h>
#include <stdlib.h>

#include "../../../src/cli/cli.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

Test(look, widths_count_what_a_terminal_shows)
{
    static const struct {
        const char *text;
        size_t want;
    } cases[] = {{"", 0},  {"abc", 3},       {"早馬", 4}, {"カ\xe3\x82\x99", 2}, {"ｶﾞ", 2},
                 {"é", 1}, {"e\xcc\x81", 1}, {"a\tb", 3}, {"\xff", 1},           {"😀", 2}};
    for (size_t i = 0; i < COUNT(cases); i++)
        cr_expect_eq(cli_columns(hy_str_of(cases[i].text)), cases[i].want, "%s", cases[i].text);
}

Test(look, cells_are_cut_on_characters_padded_and_never_move_the_cursor)
{
    static const struct {
        const char *text;
        size_t columns;
        bool pad;
        const char *want;
    } cases[] = {
        {"abc", 5, true, "abc  "},
        {"abcdef", 5, true, "abcd…"},
        {"早馬便り", 5, true, "早馬…"},
        {"早馬便り", 6, true, "早馬… "},
        {"a\033[2Jb", 6, false, "a?[2Jb"},
        {"\xe2\x80\xae"
         "abc",
         4, false, "?abc"},
        {"a\r\nb", 4, false, "a??b"},
        {"\xc2\x9b"
         "1m",
         4, false, "?1m"},
        {"bad\xff", 4, false, "bad?"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct hy_buf b = HY_BUF_INIT(256);
        cli_put_cell(&b, hy_str_of(cases[i].text), cases[i].columns, cases[i].pad);
        cr_expect_str_eq(hy_buf_cstr(&b), cases[i].want);
        hy_buf_free(&b);
    }
}

Test(look, numbers_sizes_and_durations_read_well)
{
    char t[32];
    cr_expect_str_eq(cli_number(0, t), "0");
    cr_expect_str_eq(cli_number(999, t), "999");
    cr_expect_str_eq(cli_number(-1234567, t), "-1,234,567");
    cr_expect_str_eq(cli_number(INT64_MIN, t), "-9,223,372,036,854,775,808");
    cr_expect_str_eq(cli_bytes(0, t), "0 B");
    cr_expect_str_eq(cli_bytes(1536, t), "1.5 KiB");
    cr_expect_str_eq(cli_bytes(1023, t), "1.0 KiB");
    cr_expect_str_eq(cli_bytes(200LL << 30, t), "200 GiB");
    cr_expect_str_eq(cli_duration(-1, t), "-");
    cr_expect_str_eq(cli_duration(59, t), "59 s");
    cr_expect_str_eq(cli_duration(200, t), "3 m 20 s");
    cr_expect_str_eq(cli_duration(7260, t), "2 h 1 m");
    cr_expect_str_eq(cli_duration(187200, t), "2 d 4 h");
    setenv("TZ", "UTC", 1);
    cr_expect_str_eq(cli_time("2026-11-22T02:27:00.123Z", t), "2026-11-22 02:27:00");
    cr_expect_str_eq(cli_time("", t), "-");
    cr_expect_str_eq(cli_time(NULL, t), "-");
}

Test(look, bars_are_as_wide_as_asked_whatever_the_share)
{
    static const double shares[] = {-1, 0, 0.001, 0.5, 0.999, 1, 7};
    for (size_t i = 0; i < COUNT(shares); i++) {
        struct hy_buf plain = HY_BUF_INIT(256), fancy = HY_BUF_INIT(1024);
        cli_put_bar(&plain, shares[i], 20, false);
        cli_put_bar(&fancy, shares[i], 20, true);
        cr_expect_eq(plain.len, 22u);
        cr_expect_eq(cli_columns(hy_buf_str(&fancy)), 20u, "%f", shares[i]);
        hy_buf_free(&plain);
        hy_buf_free(&fancy);
    }
    struct hy_buf b = HY_BUF_INIT(256);
    cli_put_bar(&b, 0.5, 4, false);
    cr_expect_str_eq(hy_buf_cstr(&b), "[##--]");
    hy_buf_free(&b);
}

Test(look, tables_line_up_and_cut_their_last_column)
{
    static const char *const heads[] = {"N", "NAME", "TEXT"};
    char *text;
    size_t n;
    struct cli c = {.out = open_memstream(&text, &n)};
    struct cli_table t;
    cli_table_init(&t, heads, "rll");
    cli_table_add_n(&t, 1234);
    cli_table_add(&t, "早馬");
    cli_table_add(&t, "a long last column that does not fit");
    cli_table_add_n(&t, 5);
    cli_table_add(&t, "x");
    cli_table_add(&t, "");
    cli_table_print(&t, &c, 24);
    fclose(c.out);
    cr_expect_str_eq(text, "    N  NAME  TEXT\n"
                           "1,234  早馬  a long las…\n"
                           "    5  x     \n");
    free(text);
}
