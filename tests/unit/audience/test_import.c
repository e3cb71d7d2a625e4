#include <criterion/criterion.h>
#include <stdio.h>

#include "corpus.h"
#include "hayauma/audience/import.h"

/* What comes out, as text: "line address attr=value;...\n" for a lead, with "?domain" when another
 * is suggested, and "line !column: value: reason\n" for a refusal. */
static int run(struct hy_str text, const struct hy_import_options *o, size_t step,
               struct hy_buf *out, struct hy_diag *diag)
{
    struct hy_import *im = NULL;
    struct hy_import_row row;
    const struct hy_import_column *columns;
    int err = hy_import_new(o, &im, diag);
    for (size_t at = 0; err == HY_OK; at += step) {
        bool last = at >= text.n;
        err = last ? hy_import_end(im) : hy_import_feed(im, hy_str_slice(text, at, at + step));
        while (err == HY_OK && (err = hy_import_next(im, &row, diag)) == HY_OK) {
            hy_import_columns(im, &columns);
            hy_buf_printf(out, "%d ", (int)row.line);
            if (row.kind == HY_IMPORT_REFUSED) {
                hy_buf_printf(out, "!%.*s: %.*s: %.*s\n", HY_STR_ARG(row.column),
                              HY_STR_ARG(row.value), HY_STR_ARG(row.reason));
                continue;
            }
            hy_buf_printf(out, "%s ", row.address ? row.address->wire : "(none)");
            for (size_t i = 0; i < row.n_attrs; i++)
                hy_buf_printf(out, "%.*s=%.*s;", HY_STR_ARG(columns[row.attrs[i].column].attr),
                              HY_STR_ARG(row.attrs[i].value));
            if (row.suggestion.n)
                hy_buf_printf(out, "?%.*s", HY_STR_ARG(row.suggestion));
            hy_buf_add_c(out, '\n');
        }
        if (err == HY_EMORE && !last)
            err = HY_OK;
    }
    hy_import_free(im);
    return err == HY_EMORE ? HY_OK : err;
}

static void expect_with(const struct hy_import_options *o, const char *in, const char *want)
{
    static const size_t steps[] = {1, 13, 100000};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct hy_buf out = HY_BUF_INIT(1 << 20);
        struct hy_diag diag = {0};
        cr_expect_eq(run(hy_str_of(in), o, steps[i], &out, &diag), HY_OK, "%s", diag.text);
        cr_expect_str_eq(hy_buf_cstr(&out), want, "step %zu: got\n%s\nwant\n%s", steps[i],
                         hy_buf_cstr(&out), want);
        hy_buf_free(&out);
    }
}

static void expect(const char *in, const char *want)
{
    expect_with(&(struct hy_import_options){0}, in, want);
}

Test(import, gives_leads_with_attributes)
{
    expect("email,name,会員番号,保有ポイント\n"
           "taro@example.jp,山田 太郎,A-1,100\n"
           "hanako@example.jp,,　,　7　\n",
           "2 taro@example.jp name=山田 太郎;customer_id=A-1;points=100;\n"
           "3 hanako@example.jp points=7;\n");
}

Test(import, reports_bad_rows_and_takes_the_rest)
{
    expect("No,メールアドレス,氏名\r\n"
           "1,taro@example.jp,太郎\r\n"
           "2,taro.example.jp,次郎\r\n"
           "3,,三郎\r\n"
           "4,\"shiro@example.jp\",\"四\r\n郎\"\r\n"
           "5,goro@example.jp\r\n"
           "6,roku@example.jp,六郎,x\r\n"
           "7,nana@example.jp,七郎\r\n"
           ",,\r\n"
           "8,a b@example.jp,\"八\"郎\r\n"
           "9,ku@gmial.com,九郎\r\n",
           "2 taro@example.jp No=1;name=太郎;\n"
           "3 !メールアドレス: taro.example.jp: there is no @ in the address\n"
           "4 !メールアドレス: : there is no address\n"
           "5 shiro@example.jp No=4;name=四\r\n郎;\n"
           "7 !: 5: the row has 2 fields, the header has 3\n"
           "8 !: 6: the row has 4 fields, the header has 3: a value with a delimiter or line end "
           "in it needs quotes\n"
           "9 nana@example.jp No=7;name=七郎;\n"
           "11 !氏名: 八\"郎: text stands between a closing quote and the next delimiter\n"
           "12 ku@gmial.com No=9;name=九郎;?gmail.com\n");
}

Test(import, bytes_of_another_charset_spoil_their_row_only)
{
    struct hy_import_options o = {.charset = HY_CHARSET_SJIS};
    expect_with(&o,
                "email,name\na@x.jp,\x8e\x52\x93\x63\nb@x.jp,\xfd\xfe\nc@\xfd.jp,x\nd@x.jp,ok\n",
                "2 a@x.jp name=山田;\n"
                "3 !name: \xef\xbf\xbd\xef\xbf\xbd: bytes that are not Shift_JIS text\n"
                "4 !email: c@\xef\xbf\xbd.jp: bytes that are not Shift_JIS text\n"
                "5 d@x.jp name=ok;\n");
    expect("email,name\na@x.jp,山\nb@x.jp,山田\xe5\nc@x.jp,山田太郎鈴木次郎佐藤花子高橋\n",
           "2 a@x.jp name=山;\n"
           "3 !name: 山田\xef\xbf\xbd: bytes that are not UTF-8 text\n"
           "4 c@x.jp name=山田太郎鈴木次郎佐藤花子高橋;\n");
}

Test(import, columns_are_mapped_as_asked)
{
    const struct hy_import_map map[] = {
        {HY_STR("連絡先"), HY_STR("email")},
        {HY_STR("3"), HY_STR("rank")},
        {HY_STR("Memo"), HY_STR("-")},
    };
    struct hy_import_options o = {.map = map, .n_map = 3};
    expect_with(&o, "email,連絡先,会員ランク,memo,氏名,氏名\nx,a@x.jp,gold,secret,A,B\n",
                "2 a@x.jp email_2=x;rank=gold;name=A;name_2=B;\n");
}

Test(import, columns_of_ids_make_up_for_a_missing_address)
{
    const struct hy_import_map map[] = {{HY_STR("LINE"), HY_STR("line:")},
                                        {HY_STR("電話番号"), HY_STR("phone:")}};
    const struct hy_import_options o = {.map = map, .n_map = 2};
    expect_with(&o,
                "ext:crm,email,LINE,電話番号,ext: office,氏名\n"
                "7,a@x.jp,,,12,A\n"
                "8,　,U1,,,B\n"
                "9,no-at,,,,C\n"
                ",,,03-1,,D\n"
                ",,,,,E\n",
                "2 a@x.jp ext:crm=7;ext_office=12;name=A;\n"
                "3 (none) ext:crm=8;line:=U1;name=B;\n"
                "4 !email: no-at: there is no @ in the address\n"
                "5 (none) phone:=03-1;name=D;\n"
                "6 !email: : there is no address\n");
    char in[HY_ATTR_NAME_MAX + 64], want[HY_ATTR_NAME_MAX + 64], system[HY_ATTR_NAME_MAX + 1];
    memset(system, 's', sizeof system - 1);
    system[sizeof system - 1] = 0;
    snprintf(in, sizeof in, "ext:%s,email\n7,a@x.jp\n", system);
    snprintf(want, sizeof want, "2 a@x.jp ext_%.*s=7;\n", HY_ATTR_NAME_MAX - 5, system);
    expect(in, want);
    expect("ext:crm,name\n7,A\n,B\n", "2 (none) ext:crm=7;name=A;\n3 !: : there is no address\n");
}

Test(import, values_of_attributes_with_a_type_are_checked_row_by_row)
{
    static const struct hy_import_type types[] = {{HY_STR("points"), HY_ATTR_NUMBER},
                                                  {HY_STR("birthday"), HY_ATTR_DATE},
                                                  {HY_STR("elsewhere"), HY_ATTR_BOOL}};
    const struct hy_import_options o = {.types = types, .n_types = 3};
    expect_with(&o,
                "email,points,birthday,name\n"
                "a@example.jp,0100,1985/4/2,7\n"
                "b@example.jp,many,1985-04-02,B\n"
                "c@example.jp,1.5,soon,C\n"
                "d@example.jp,,,D\n",
                "2 a@example.jp points=100;birthday=1985-04-02;name=7;\n"
                "3 !points: many: not a number such as -12.5\n"
                "4 !birthday: soon: not a day such as 2026-11-22\n"
                "5 d@example.jp name=D;\n");
}

Test(import, a_file_without_header_is_read_too)
{
    const struct hy_import_map map[] = {{HY_STR("1"), HY_STR("name")}};
    struct hy_import_options o = {.map = map, .n_map = 1};
    expect_with(&o, "太郎,taro@example.jp,7\n花子,hanako@example.jp,\n",
                "1 taro@example.jp name=太郎;column_3=7;\n2 hanako@example.jp name=花子;\n");
    o = (struct hy_import_options){.header = HY_IMPORT_HEADER_NO};
    expect_with(&o, "a@x.jp\nb@x.jp\n", "1 a@x.jp \n2 b@x.jp \n");
    o = (struct hy_import_options){.header = HY_IMPORT_HEADER_YES, .allow_ragged = true};
    expect_with(&o, "email,name,plan\na@x.jp\nb@x.jp,B,p,,\nc@x.jp,C,,p\n",
                "2 a@x.jp \n3 b@x.jp name=B;plan=p;\n"
                "4 !: c@x.jp: the row has 4 fields, the header has 3: a value with a delimiter or "
                "line end in it needs quotes\n");
}

Test(import, what_an_export_escaped_is_restored)
{
    expect("email,note\n'+a@x.jp,'=1+1\nb@x.jp,'quoted'\n",
           "2 +a@x.jp notes==1+1;\n3 b@x.jp notes='quoted';\n");
}

Test(import, a_file_that_cannot_be_used_says_why)
{
    const struct hy_import_map none[] = {{HY_STR("no such"), HY_STR("x")}};
    const struct hy_import_map twice[] = {{HY_STR("a"), HY_STR("x")}, {HY_STR("b"), HY_STR("x")}};
    const struct hy_import_map no_system[] = {{HY_STR("a"), HY_STR("ext:")}};
    const struct hy_import_map same_id[] = {{HY_STR("a"), HY_STR("ext:crm")},
                                            {HY_STR("b"), HY_STR("ext:crm")}};
    const struct hy_import_map bad[] = {{HY_STR("a"), HY_STR("1 x")}};
    const struct {
        const char *in;
        struct hy_import_options o;
        const char *want;
    } cases[] = {
        {"name,note\nA,B\n", {0}, "the columns are \"name\", \"note\""},
        {"a,b\nA,B\n", {.map = none, .n_map = 1}, "no column \"no such\""},
        {"a,b\nA,B\n", {.map = twice, .n_map = 2}, "two columns"},
        {"a,b\nA,B\n", {.map = bad, .n_map = 1}, "\"1 x\" cannot be the name"},
        {"a,b\nA,B\n", {.map = no_system, .n_map = 1}, "\"ext:\" cannot be the name"},
        {"a,b\nA,B\n", {.map = same_id, .n_map = 2}, "two columns"},
        {"\"a\"b,c\nA,B\n", {0}, "line 1, the header"},
        {"a\n", {.delimiter = '\n'}, "delimiter"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_buf out = HY_BUF_INIT(1 << 16);
        struct hy_diag diag = {0};
        cr_expect_eq(run(hy_str_of(cases[i].in), &cases[i].o, 1000, &out, &diag), HY_EINVAL);
        cr_expect(strstr(diag.text, cases[i].want), "got %s, want %s", diag.text, cases[i].want);
        hy_buf_free(&out);
    }
    struct hy_buf out = HY_BUF_INIT(1 << 16);
    struct hy_diag diag = {0};
    cr_expect_eq(run(HY_STR(""), &(struct hy_import_options){0}, 1, &out, &diag), HY_OK,
                 "an empty file has no rows");
    cr_expect_eq(out.len, 0);
}

Test(import, headers_become_attribute_names)
{
    static const struct {
        const char *header, *want;
    } cases[] = {
        {"E-mail", "email"},
        {"Email Address", "email"},
        {"ＥＭＡＩＬ", "email"},
        {"ﾒｰﾙｱﾄﾞﾚｽ", "email"},
        {"メールアドレス（必須）", "email"},
        {"* メールアドレス", "email"},
        {"氏名", "name"},
        {"First Name", "first_name"},
        {"last_name", "last_name"},
        {"姓", "last_name"},
        {"フリガナ(全角)", "name_kana"},
        {"〒", "zip"},
        {"生年月日", "birthday"},
        {"お気に入りの 店舗", "お気に入りの_店舗"},
        {"Favourite shop!", "Favourite_shop"},
        {"2nd choice", "_2nd_choice"},
        {"--", ""},
        {"", ""},
        {"###", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char got[HY_ATTR_NAME_MAX + 1];
        hy_import_attr_name(hy_str_of(cases[i].header), got);
        cr_expect_str_eq(got, cases[i].want, "%s: got %s", cases[i].header, got);
        cr_expect(got[0] == 0 || hy_attr_name_ok(hy_str_of(got)), "%s", got);
    }
    char longest[1000], got[HY_ATTR_NAME_MAX + 1];
    for (size_t i = 0; i < sizeof longest - 1; i += 3)
        memcpy(longest + i, "あ", 3);
    longest[150] = 0;
    hy_import_attr_name(hy_str_of(longest), got);
    cr_expect(hy_attr_name_ok(hy_str_of(got)));
}

/* How often `needle` stands in the text. */
static size_t count(const char *text, const char *needle)
{
    size_t n = 0;
    for (const char *p = text; (p = strstr(p, needle)); p++)
        n++;
    return n;
}

/* Exports of real tools: everything with an address goes in. */
Test(import, reads_the_exports_of_other_tools)
{
    static const struct {
        const char *path, *start;
        size_t without_address;
    } cases[] = {
        {"csv/mautic-fakeleaddata.csv",
         "2 PennyKMoore@dayrep.com title=Mrs.;first_name=Penny;last_name=Moore;", 4},
        {"csv/listmonk-domain-blocklist.csv",
         "2 noban1-import@mail.com name=First0 Last0;attributes={\"age\": 29, \"city\": "
         "\"Bangalore\", \"clientId\": \"DAXX79\"};",
         0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_buf text HY_CLEANUP(hy_buf_free) = HY_BUF_INIT(1 << 20);
        struct hy_buf out HY_CLEANUP(hy_buf_free) = HY_BUF_INIT(1 << 20);
        struct hy_diag diag = {0};
        if (!corpus_read(cases[i].path, &text))
            cr_skip_test("no corpora here");
        cr_assert_eq(run(hy_buf_str(&text), &(struct hy_import_options){0}, 1000, &out, &diag),
                     HY_OK, "%s", diag.text);
        const char *got = hy_buf_cstr(&out);
        cr_expect(hy_str_starts(hy_buf_str(&out), hy_str_of(cases[i].start)), "%s: %.200s",
                  cases[i].path, got);
        cr_expect_eq(count(got, " !email: : there is no address\n"), cases[i].without_address);
        cr_expect_eq(count(got, " !"), cases[i].without_address);
    }
}

Test(import, reads_shift_jis_of_the_post_office)
{
    struct hy_buf text HY_CLEANUP(hy_buf_free) = HY_BUF_INIT(1 << 20);
    if (!corpus_read("csv/ja-ken-all.csv", &text))
        cr_skip_test("no corpora here");
    struct hy_csv *c = NULL;
    struct hy_csv_row row;
    struct hy_charset_reader *r = NULL;
    cr_assert_eq(hy_charset_reader_new(HY_CHARSET_AUTO, &r), HY_OK);
    cr_assert_eq(hy_csv_new(&(struct hy_csv_options){0}, &c), HY_OK);
    cr_assert_eq(hy_charset_read(r, hy_buf_str(&text), true, hy_csv_input(c)), HY_OK);
    cr_expect_eq(hy_charset_reader_charset(r), HY_CHARSET_SJIS);
    hy_csv_end(c);
    size_t rows = 0, tokyo = 0;
    while (hy_csv_next(c, &row) == HY_OK) {
        cr_assert_eq(row.fault, HY_CSV_OK);
        cr_assert_eq(row.n_fields, 15, "line %d", (int)row.line);
        for (size_t i = 0; i < row.n_fields; i++)
            cr_assert(hy_str_is_utf8(row.fields[i]));
        tokyo += hy_str_eq(row.fields[6], HY_STR("東京都"));
        rows++;
    }
    cr_expect_gt(rows, 3);
    cr_expect_gt(tokyo, 0);
    hy_csv_free(c);
    hy_charset_reader_free(r);
}
