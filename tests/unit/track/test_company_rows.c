/* Lines of files as companies: fields, several texts in a cell, attributes, faults; what an export
 * writes is read as it was. */
#include <criterion/criterion.h>

#include "hayauma/track/company_rows.h"

static struct hy_sheet *sheet;
static struct hy_arena arena;
static struct hy_diag diag;

static int open_sheet(const char *text, const struct hy_import_map *map, size_t n_map)
{
    const struct hy_sheet_options o = {.fields = hy_company_fields,
                                       .n_fields = HY_COMPANY_FIELDS,
                                       .map = map,
                                       .n_map = n_map,
                                       .keeps_rest = true};
    arena = HY_ARENA_INIT(1 << 20);
    int err = hy_sheet_new(&o, &sheet, &diag);
    if (!err)
        err = hy_sheet_feed(sheet, hy_str_of(text));
    return err ? err : hy_sheet_end(sheet);
}

static void close_sheet(void)
{
    hy_sheet_free(sheet);
    hy_arena_free(&arena);
    sheet = NULL;
}

static int next(struct hy_company_row *ret)
{
    struct hy_sheet_row row;
    int err = hy_sheet_next(sheet, &row, &diag);
    return err ? err : hy_company_row_read(sheet, &row, HY_STR("crm"), &arena, ret);
}

static void check_text(struct hy_str got, const char *want)
{
    cr_assert(hy_str_eq(got, hy_str_of(want)), "got \"%.*s\", want \"%s\"", HY_STR_ARG(got), want);
}

Test(company_rows, fields_and_attributes_are_told_apart)
{
    struct hy_company_row row;
    cr_assert_eq(open_sheet("会社名,ドメイン,取引先ID,業種,Size,Memo\n"
                            "アクメ,acme.example; acme.test;,7;sfa:8,紙,500,x\n",
                            (const struct hy_import_map[]){{HY_STR("Memo"), HY_STR("-")},
                                                           {HY_STR("Size"), HY_STR("people")}},
                            2),
                 0);
    cr_assert_eq(next(&row), 0);
    check_text(row.name, "アクメ");
    static const struct {
        enum hy_company_field field;
        const char *text;
    } want[] = {{HY_COMPANY_FIELD_DOMAINS, "acme.example"},
                {HY_COMPANY_FIELD_DOMAINS, "acme.test"},
                {HY_COMPANY_FIELD_IDS, "crm:7"},
                {HY_COMPANY_FIELD_IDS, "sfa:8"}};
    cr_assert_eq(row.n_parts, 4);
    for (size_t i = 0; i < 4; i++) {
        cr_assert_eq(row.parts[i].field, want[i].field);
        check_text(row.parts[i].text, want[i].text);
    }
    cr_assert_eq(row.n_attrs, 2);
    check_text(row.attrs[0].name, "業種");
    check_text(row.attrs[0].value, "紙");
    check_text(row.attrs[1].name, "people");
    check_text(row.attrs[1].value, "500");
    cr_assert_eq(next(&row), HY_EMORE);
    close_sheet();
}

Test(company_rows, faults_are_told_with_line_and_column)
{
    static const struct {
        const char *text, *column, *reason;
    } cases[] = {
        {"name,domains,size\n,,500\n", "name", "there is no name, domain or id"},
        {"name,size\nAcme\n", "", "another number of fields than the first line"},
    };
    struct hy_company_row row;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_assert_eq(open_sheet(cases[i].text, NULL, 0), 0);
        cr_assert_eq(next(&row), 0);
        cr_assert_eq(row.line, 2);
        check_text(row.column, cases[i].column);
        check_text(row.reason, cases[i].reason);
        close_sheet();
    }
}

Test(company_rows, more_texts_or_attributes_than_there_may_be_are_refused)
{
    struct hy_company_row row;
    struct hy_buf text = HY_BUF_INIT(1 << 16);
    hy_buf_add_lit(&text, "name,domains\nAcme,");
    for (int i = 0; i <= HY_COMPANY_ROW_MAX; i++)
        hy_buf_printf(&text, "d%d.test;", i);
    cr_assert_eq(open_sheet(hy_buf_cstr(&text), NULL, 0), 0);
    cr_assert_eq(next(&row), 0);
    check_text(row.column, "domains");
    close_sheet();
    hy_buf_reset(&text);
    hy_buf_add_lit(&text, "name");
    for (int i = 0; i <= HY_COMPANY_ROW_MAX; i++)
        hy_buf_printf(&text, ",a%d", i);
    hy_buf_add_lit(&text, "\nAcme");
    for (int i = 0; i <= HY_COMPANY_ROW_MAX; i++)
        hy_buf_add_lit(&text, ",x");
    cr_assert_eq(open_sheet(hy_buf_cstr(&text), NULL, 0), 0);
    cr_assert_eq(next(&row), 0);
    check_text(row.column, "a64");
    check_text(row.reason, "more than 64 attributes");
    close_sheet();
    hy_buf_free(&text);
}

Test(company_rows, two_columns_of_one_attribute_are_refused_as_a_whole)
{
    struct hy_company_row row;
    cr_assert_eq(open_sheet("name,size,attribute:size\nAcme,1,2\n", NULL, 0), 0);
    cr_assert_eq(next(&row), HY_EINVAL);
    cr_assert(strstr(diag.text, "\"size\""), "%s", diag.text);
    close_sheet();
}

Test(company_rows, what_is_written_is_read_as_it_was)
{
    static const char *const names[] = {"size", "Name", "name", "会社名", "owner", "domain", "_1"};
    static const char *const aliases[] = {"Acme; Inc", "back\\slash", "plain", "end\\"};
    struct hy_buf text = HY_BUF_INIT(4096), cell = HY_BUF_INIT(4096);
    struct hy_company_row row;
    hy_buf_add_lit(&text, "name,aliases");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        hy_buf_add_c(&text, ',');
        hy_company_attr_head(hy_str_of(names[i]), &text);
    }
    for (size_t i = 0; i < 4; i++)
        hy_company_cell_add(&cell, hy_str_of(aliases[i]));
    hy_buf_printf(&text, "\nAcme,%s", hy_buf_cstr(&cell));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        hy_buf_printf(&text, ",v%zu", i);
    cr_assert_eq(open_sheet(hy_buf_cstr(&text), NULL, 0), 0);
    cr_assert_eq(next(&row), 0, "%s", diag.text);
    check_text(row.name, "Acme");
    cr_assert_eq(row.n_parts, 4);
    for (size_t i = 0; i < 4; i++)
        check_text(row.parts[i].text, aliases[i]);
    cr_assert_eq(row.n_attrs, sizeof names / sizeof *names);
    for (size_t i = 0; i < row.n_attrs; i++)
        check_text(row.attrs[i].name, names[i]);
    close_sheet();
    hy_buf_free(&text);
    hy_buf_free(&cell);
}
