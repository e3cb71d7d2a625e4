#include <criterion/criterion.h>
#include <csv.h>
#include <glob.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "corpus.h"
#include "hayauma/audience/csv.h"
#include "hayauma/base/rand.h"

/* Rows as "line:a|b|c\n"; a fault shows as "line!fault:a|b\n". The text is fed `step` bytes at a
 * time. */
static void read_all(struct hy_str text, char delimiter, size_t step, struct hy_buf *out)
{
    struct hy_csv *c = NULL;
    struct hy_csv_row row;
    cr_assert_eq(hy_csv_new(&(struct hy_csv_options){.delimiter = delimiter}, &c), HY_OK);
    for (size_t at = 0;; at += step) {
        if (at < text.n)
            hy_buf_add_str(hy_csv_input(c), hy_str_slice(text, at, at + step));
        else
            hy_csv_end(c);
        int err;
        while ((err = hy_csv_next(c, &row)) == HY_OK) {
            hy_buf_printf(out, row.fault ? "%d!%d:" : "%d:", (int)row.line, (int)row.fault);
            for (size_t i = 0; i < row.n_fields; i++) {
                if (i)
                    hy_buf_add_c(out, '|');
                hy_buf_add_str(out, row.fields[i]);
            }
            hy_buf_add_c(out, '\n');
        }
        cr_assert_eq(err, HY_EMORE);
        if (at >= text.n)
            break;
    }
    hy_csv_free(c);
}

static void expect(const char *in, char delimiter, const char *want)
{
    static const size_t steps[] = {1, 2, 3, 7, 100000};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct hy_buf got = HY_BUF_INIT(1 << 20);
        read_all(hy_str_of(in), delimiter, steps[i], &got);
        cr_expect_str_eq(hy_buf_cstr(&got), want, "step %zu of [%s]: got [%s] want [%s]", steps[i],
                         in, hy_buf_cstr(&got), want);
        hy_buf_free(&got);
    }
}

Test(csv, is_split_into_rows_and_fields)
{
    static const struct {
        const char *in, *want;
    } cases[] = {
        {"", ""},
        {"\n\r\n\r", ""},
        {"a", "1:a\n"},
        {"a,b\n", "1:a|b\n"},
        {"a,b\r\nc,d\r\n", "1:a|b\n2:c|d\n"},
        {"a,b\rc,d\r", "1:a|b\n2:c|d\n"},
        {"a,,\n,b,\n", "1:a||\n2:|b|\n"},
        {"a,b\n\n\nc\n", "1:a|b\n4:c\n"},
        {"\"a\",\"b,c\"\n", "1:a|b,c\n"},
        {"\"a\"\"b\",\"\"\"\",\"\"\n", "1:a\"b|\"|\n"},
        {"\"a\nb\",c\nd\n", "1:a\nb|c\n3:d\n"},
        {"\"a\r\nb\r\nc\",d\r\ne\r\n", "1:a\r\nb\r\nc|d\n4:e\n"},
        {"a, \"b,c\" ,d\n", "1:a|b,c|d\n"},
        {"a\"b,c\"\"d\n", "1:a\"b|c\"\"d\n"},
        {" a , b \n", "1: a | b \n"},
        {"a\n\"b\"", "1:a\n2:b\n"},
        {"a,b\n\x1a", "1:a|b\n"},
        {"氏名,メール\n", "1:氏名|メール\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect(cases[i].in, ',', cases[i].want);
    expect("a\t\"b\tc\"\t d\n", '\t', "1:a|b\tc| d\n");
    expect("a;b,c;\"d;e\"\n", ';', "1:a|b,c|d;e\n");
}

Test(csv, loses_one_line_to_a_broken_row_and_goes_on)
{
    static const struct {
        const char *in, *want;
    } cases[] = {
        /* 1 = unclosed, 2 = stray */
        {"a,\"b\nc,d\ne,f\n", "1!1:a|b\nc,d\ne,f\n\n2:c|d\n3:e|f\n"},
        {"\"a\"b,c\nd,e\n", "1!2:a\"b\n2:d|e\n"},
        {"a,\"b\nc\",d\"\n\"e\n", "1:a|b\nc|d\"\n3!1:e\n\n"},
        {"x,\"y\"\"z\"q\nd\n", "1!2:x|y\"\"z\"q\n2:d\n"},
        {"\"", "1!1:\n"},
        {"a\n\"b", "1:a\n2!1:b\n"},
        {"\"a\nb\"c,d\ne\n", "1!2:a\nb\"c\n2:b\"c|d\n3:e\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect(cases[i].in, ',', cases[i].want);
}

static struct hy_str repeat(struct hy_buf *b, const char *before, char c, size_t n,
                            const char *after)
{
    hy_buf_add_str(b, hy_str_of(before));
    for (size_t i = 0; i < n; i++)
        hy_buf_add_c(b, c);
    hy_buf_add_str(b, hy_str_of(after));
    return hy_buf_str(b);
}

Test(csv, keeps_its_limits_and_finds_the_next_row)
{
    static const struct {
        const char *before;
        char c;
        size_t n;
        const char *after;
        enum hy_csv_fault want;
        size_t want_fields;
        uint64_t want_next; /* line of the row that starts with "good" */
    } cases[] = {
        {"a,", 'x', HY_CSV_FIELD_MAX, ",b\ngood\n", HY_CSV_OK, 3, 2},
        {"a,", 'x', HY_CSV_FIELD_MAX + 1, ",b\ngood\n", HY_CSV_LONG_FIELD, 2, 2},
        {"a,\"", '\n', HY_CSV_FIELD_MAX + 1, "\",b\ngood\n", HY_CSV_LONG_FIELD, 2,
         HY_CSV_FIELD_MAX + 3},
        {"a,", 'x', HY_CSV_ROW_MAX, ",b\ngood\n", HY_CSV_LONG_ROW, 2, 2},
        {"a,\"", 'x', HY_CSV_ROW_MAX, "\",b\ngood\n", HY_CSV_UNCLOSED, 2, 2},
        {"", ',', HY_CSV_COLUMNS_MAX - 1, "\ngood\n", HY_CSV_OK, HY_CSV_COLUMNS_MAX, 2},
        {"", ',', HY_CSV_COLUMNS_MAX, "\ngood\n", HY_CSV_MANY_COLUMNS, HY_CSV_COLUMNS_MAX, 2},
    };
    static const size_t steps[] = {200000, 4 * HY_CSV_ROW_MAX};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t s = 0; s < 2; s++) {
            struct hy_buf text = HY_BUF_INIT(4 * HY_CSV_ROW_MAX);
            struct hy_str in =
                repeat(&text, cases[i].before, cases[i].c, cases[i].n, cases[i].after);
            struct hy_csv *c = NULL;
            struct hy_csv_row row;
            bool seen = false, good = false;
            cr_assert_eq(hy_csv_new(&(struct hy_csv_options){.delimiter = ','}, &c), HY_OK);
            for (size_t at = 0; at < in.n; at += steps[s]) {
                hy_buf_add_str(hy_csv_input(c), hy_str_slice(in, at, at + steps[s]));
                while (hy_csv_next(c, &row) == HY_OK) {
                    if (!seen) {
                        cr_expect_eq(row.fault, cases[i].want, "case %zu: %s", i,
                                     hy_csv_fault_text(row.fault));
                        cr_expect_eq(row.n_fields, cases[i].want_fields, "case %zu: %zu", i,
                                     row.n_fields);
                        seen = true;
                    } else if (hy_str_eq(row.fields[0], HY_STR("good"))) {
                        cr_expect_eq(row.line, cases[i].want_next, "case %zu: %d", i,
                                     (int)row.line);
                        good = true;
                    }
                }
            }
            cr_expect(seen && good, "case %zu", i);
            hy_csv_free(c);
            hy_buf_free(&text);
        }
    }
}

Test(csv, finds_the_delimiter_by_itself)
{
    static const struct {
        const char *in;
        char want;
    } cases[] = {
        {"email,name\na@b.jp,x\n", ','},
        {"email\tname\na@b.jp\tx, y\n", '\t'},
        {"email;name;note\na@b.jp;x;1,5\nc@d.jp;y;2,5\n", ';'},
        {"email|name\na@b.jp|x\n", '|'},
        {"email\na@b.jp\n", ','},
        {"\"a;b\",c\n\"d;e\",f\n", ','},
        {"sep=;\r\na,b;c\r\n", ';'},
        {"", ','},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_csv *c = NULL;
        struct hy_csv_row row = {0};
        cr_assert_eq(hy_csv_new(&(struct hy_csv_options){0}, &c), HY_OK);
        hy_buf_add_str(hy_csv_input(c), hy_str_of(cases[i].in));
        hy_csv_end(c);
        int err = hy_csv_next(c, &row);
        cr_expect_eq(hy_csv_delimiter(c), cases[i].want, "%s: got '%c'", cases[i].in,
                     hy_csv_delimiter(c));
        if (i == 6)
            cr_expect(err == HY_OK && row.line == 2 && row.n_fields == 2, "sep= is no row");
        hy_csv_free(c);
    }
    struct hy_csv *c = NULL;
    cr_expect_eq(hy_csv_new(&(struct hy_csv_options){.delimiter = '"'}, &c), HY_EINVAL);
    cr_expect_eq(hy_csv_new(&(struct hy_csv_options){.delimiter = (char)0xe3}, &c), HY_EINVAL);
}

Test(csv, written_fields_are_read_back_and_no_formula_runs)
{
    static const struct {
        const char *value, *want;
    } cases[] = {
        {"plain", "plain"},
        {"", ""},
        {"a,b", "\"a,b\""},
        {"a\"b", "\"a\"\"b\""},
        {"a\nb", "\"a\nb\""},
        {" a", "\" a\""},
        {"=1+1", "'=1+1"},
        {"+81-3", "'+81-3"},
        {"-1", "'-1"},
        {"@SUM(A1)", "'@SUM(A1)"},
        {"\t=1", "\"'\t=1\""},
        {"=\"x\",1", "\"'=\"\"x\"\",1\""},
        {"＝１＋１", "'＝１＋１"},
        {"a=b", "a=b"},
        {"\"\"", "\"\"\"\"\"\""},
    };
    struct hy_buf all = HY_BUF_INIT(10000);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_buf out = HY_BUF_INIT(1000);
        hy_csv_put(&out, hy_str_of(cases[i].value), true, true);
        cr_expect_str_eq(hy_buf_cstr(&out), cases[i].want);
        hy_buf_free(&out);
        hy_csv_put(&all, hy_str_of(cases[i].value), i == 0, false);
    }
    struct hy_csv *c = NULL;
    struct hy_csv_row row;
    cr_assert_eq(hy_csv_new(&(struct hy_csv_options){.delimiter = ','}, &c), HY_OK);
    hy_buf_add_str(hy_csv_input(c), hy_buf_str(&all));
    hy_csv_end(c);
    cr_assert_eq(hy_csv_next(c, &row), HY_OK);
    cr_assert_eq(row.n_fields, sizeof cases / sizeof *cases);
    for (size_t i = 0; i < row.n_fields; i++)
        cr_expect(hy_str_eq(row.fields[i], hy_str_of(cases[i].value)), "%s", cases[i].value);
    hy_csv_free(c);
    hy_buf_free(&all);
}

/* libcsv as the oracle, on rows that both must understand. */
struct oracle {
    struct hy_buf out;
    bool is_first;
};

static void oracle_field(void *p, size_t n, void *ctx)
{
    struct oracle *o = ctx;
    if (!o->is_first)
        hy_buf_add_c(&o->out, 1);
    o->is_first = false;
    hy_buf_add(&o->out, p, n);
}

static void oracle_row(int c, void *ctx)
{
    struct oracle *o = ctx;
    hy_buf_add_c(&o->out, 2);
    o->is_first = true;
    (void)c;
}

Test(csv, agrees_with_libcsv_on_well_formed_text)
{
    static const char alphabet[] = "ab\"\"\",,,\n\r x";
    struct hy_rng r;
    hy_rng_seed(&r, 7);
    for (int round = 0; round < 3000; round++) {
        struct hy_buf text HY_CLEANUP(hy_buf_free) = HY_BUF_INIT(4000);
        size_t rows = 1 + hy_rng_below(&r, 5);
        for (size_t i = 0; i < rows; i++) {
            size_t fields = 1 + hy_rng_below(&r, 4);
            for (size_t j = 0; j < fields; j++) {
                char value[9] = "v"; /* libcsv drops rows of one empty field, and outer spaces */
                size_t n = 1 + hy_rng_below(&r, 6);
                for (size_t k = 1; k < n; k++)
                    value[k] = alphabet[hy_rng_below(&r, sizeof alphabet - 1)];
                value[n] = '.';
                hy_csv_put(&text, hy_str_make(value, n + 1), j == 0, false);
            }
            hy_buf_add_str(&text, hy_rng_below(&r, 2) ? HY_STR("\n") : HY_STR("\r\n"));
        }
        struct oracle want = {.out = HY_BUF_INIT(8000), .is_first = true};
        struct csv_parser p;
        csv_init(&p, CSV_STRICT);
        csv_parse(&p, text.data, text.len, oracle_field, oracle_row, &want);
        csv_fini(&p, oracle_field, oracle_row, &want);
        csv_free(&p);

        struct hy_csv *c = NULL;
        struct hy_csv_row row;
        struct hy_buf got HY_CLEANUP(hy_buf_free) = HY_BUF_INIT(8000);
        cr_assert_eq(hy_csv_new(&(struct hy_csv_options){.delimiter = ','}, &c), HY_OK);
        hy_buf_add_str(hy_csv_input(c), hy_buf_str(&text));
        hy_csv_end(c);
        while (hy_csv_next(c, &row) == HY_OK) {
            for (size_t i = 0; i < row.n_fields; i++) {
                if (i)
                    hy_buf_add_c(&got, 1);
                hy_buf_add_str(&got, row.fields[i]);
            }
            hy_buf_add_c(&got, 2);
        }
        hy_csv_free(c);
        cr_assert(hy_str_eq(hy_buf_str(&got), hy_buf_str(&want.out)), "round %d: [%s]", round,
                  hy_buf_cstr(&text));
        hy_buf_free(&want.out);
    }
}

/* Equal but for CR: what was CRLF in these files once may be LF after its way through git. */
static bool same_but_for_cr(struct hy_str a, struct hy_str b)
{
    size_t i = 0, j = 0;
    for (;;) {
        i += i < a.n && a.p[i] == '\r';
        j += j < b.n && b.p[j] == '\r';
        if (i == a.n || j == b.n)
            return i == a.n && j == b.n;
        if (a.p[i++] != b.p[j++])
            return false;
    }
}

/* Every row must be the JSON object of its place, member for member. */
static void check_spectrum(struct hy_str text, const json_t *want, const char *name)
{
    struct hy_csv *c = NULL;
    struct hy_csv_row row;
    char header[64][64];
    size_t n_header = 0, n = 0;
    cr_assert_eq(hy_csv_new(&(struct hy_csv_options){.delimiter = ','}, &c), HY_OK);
    hy_buf_add_str(hy_csv_input(c), text);
    hy_csv_end(c);
    while (hy_csv_next(c, &row) == HY_OK) {
        cr_assert_eq(row.fault, HY_CSV_OK, "%s", name);
        if (n_header == 0) {
            for (; n_header < row.n_fields && n_header < 64; n_header++)
                snprintf(header[n_header], 64, "%.*s", HY_STR_ARG(row.fields[n_header]));
            continue;
        }
        const json_t *object = json_array_get(want, n++);
        cr_assert_eq(json_object_size(object), row.n_fields, "%s", name);
        for (size_t i = 0; i < row.n_fields; i++) {
            const char *value = json_string_value(json_object_get(object, header[i]));
            cr_expect(value && same_but_for_cr(hy_str_of(value), row.fields[i]),
                      "%s row %zu: got [%.*s] want [%s]", name, n, HY_STR_ARG(row.fields[i]),
                      value ? value : "nothing");
        }
    }
    cr_expect_eq(n, json_array_size(want), "%s", name);
    hy_csv_free(c);
}

Test(csv, reads_the_spectrum_as_its_json_says)
{
    const char *root = getenv("HY_CORPORA");
    char pattern[4096];
    glob_t found;
    snprintf(pattern, sizeof pattern, "%s/csv/spectrum__*.csv", root ? root : "../shared/corpora");
    if (glob(pattern, 0, NULL, &found) != 0)
        cr_skip_test("no corpora at %s", pattern);
    size_t checked = 0;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct hy_buf text HY_CLEANUP(hy_buf_free) = HY_BUF_INIT(1 << 20);
        const char *name = strstr(found.gl_pathv[i], "csv/spectrum__");
        char json_path[4096];
        snprintf(json_path, sizeof json_path, "%.*s.json", (int)strlen(found.gl_pathv[i]) - 4,
                 found.gl_pathv[i]);
        json_t *want = json_load_file(json_path, 0, NULL);
        cr_assert(corpus_read(name, &text));
        /* two of the set keep another shape than one object a row */
        if (json_is_array(want) && json_is_object(json_array_get(want, 0))) {
            check_spectrum(hy_buf_str(&text), want, name);
            checked++;
        }
        json_decref(want);
    }
    cr_expect_gt(checked, 3);
    globfree(&found);
}
