/* Reads a table of people for score rules learn: each column is an attribute, one of them is how it
 * ended. Rows with a fault are told and left out. */
#include "score_table.h"

#include <errno.h>
#include <string.h>

#include "hayauma/audience/charset.h"
#include "hayauma/audience/csv.h"

enum { CHUNK = 64 * 1024, TOLD = 5, LEFT_OUT = UINT16_MAX };

struct reading {
    struct cli *c;
    const struct score_table *of;
    struct hy_learn *l;
    struct hy_csv *csv;
    uint16_t columns[HY_CSV_COLUMNS_MAX]; /* LEFT_OUT, or the learner's number */
    size_t n_columns, goal;
    struct hy_str goal_name, goal_value;
    uint64_t rows, faults;
};

static int usage(struct cli *c, const char *text, struct hy_str what)
{
    fprintf(c->err, "%s: %.*s\n", text, HY_STR_ARG(what));
    return CLI_USAGE;
}

static bool is_left_out(const struct reading *r, struct hy_str name)
{
    struct hy_str rest = hy_str_of(r->of->without ? r->of->without : ""), one;
    while (hy_str_split(&rest, ',', &one))
        if (one.n && hy_str_eq(hy_str_trim(one), name))
            return true;
    return false;
}

static void tell_fault(struct reading *r, uint64_t line, const char *why)
{
    if (r->faults++ < TOLD)
        fprintf(r->c->err, "%s:%llu: %s\n", r->of->path, (unsigned long long)line, why);
}

static int read_head(struct reading *r, const struct hy_csv_row *row)
{
    r->goal = SIZE_MAX;
    r->n_columns = row->n_fields;
    for (size_t i = 0; i < row->n_fields; i++) {
        struct hy_str name = hy_str_trim(row->fields[i]);
        r->columns[i] = LEFT_OUT;
        if (hy_str_eq(name, r->goal_name)) {
            r->goal = i;
            continue;
        }
        if (is_left_out(r, name) || !name.n)
            continue;
        int err = hy_learn_column(r->l, HY_LEARN_ATTRIBUTE, name, &r->columns[i]);
        if (err == HY_EINVAL)
            tell_fault(r, row->line, _(r->c, "a name of a column that no condition can have"));
        else if (err != HY_OK)
            return cli_fail(r->c, err, NULL, NULL);
    }
    return r->goal == SIZE_MAX
               ? usage(r->c, _(r->c, "the table has no column of this name"), r->goal_name)
               : CLI_OK;
}

static int read_row(struct reading *r, const struct hy_csv_row *row)
{
    bool is_wanted;
    if (row->fault != HY_CSV_OK) {
        tell_fault(r, row->line, hy_csv_fault_text(row->fault));
        return CLI_OK;
    }
    if (row->n_fields != r->n_columns) {
        tell_fault(r, row->line, _(r->c, "another number of fields than the first line"));
        return CLI_OK;
    }
    bool is_good = hy_str_eq(hy_str_trim(row->fields[r->goal]), r->goal_value);
    int err = hy_learn_person(r->l, ++r->rows, is_good, &is_wanted);
    for (size_t i = 0; i < row->n_fields && is_wanted && err == HY_OK; i++)
        if (r->columns[i] != LEFT_OUT)
            err = hy_learn_value(r->l, r->columns[i], hy_str_trim(row->fields[i]));
    return err == HY_OK ? CLI_OK : cli_fail(r->c, err, NULL, NULL);
}

static int read_rows(struct reading *r)
{
    struct hy_csv_row row;
    int code = CLI_OK;
    while (code == CLI_OK && hy_csv_next(r->csv, &row) == HY_OK)
        code = r->n_columns ? read_row(r, &row) : read_head(r, &row);
    return code;
}

static int read_file(struct reading *r, FILE *f, struct hy_charset_reader *charset)
{
    char room[CHUNK];
    bool is_end = false;
    int code = CLI_OK;
    while (code == CLI_OK && !is_end) {
        size_t n = fread(room, 1, sizeof room, f);
        is_end = n < sizeof room;
        int err = hy_charset_read(charset, hy_str_make(room, n), is_end, hy_csv_input(r->csv));
        if (is_end)
            hy_csv_end(r->csv);
        code = err == HY_OK ? read_rows(r) : cli_fail(r->c, err, NULL, NULL);
    }
    if (code == CLI_OK && ferror(f)) {
        fprintf(r->c->err, "%s: %s\n", r->of->path, strerror(errno));
        return CLI_FAILED;
    }
    return code;
}

int score_table_read(struct cli *c, const struct score_table *of, struct hy_learn *l)
{
    struct reading r = {.c = c, .of = of, .l = l};
    struct hy_charset_reader *charset = NULL;
    const char *equals = strchr(of->goal, '=');
    if (!equals || equals == of->goal)
        return usage(c, _(c, "with --csv the goal is COLUMN=VALUE"), hy_str_of(of->goal));
    r.goal_name = hy_str_trim(hy_str_make(of->goal, (size_t)(equals - of->goal)));
    r.goal_value = hy_str_trim(hy_str_of(equals + 1));
    bool is_input = strcmp(of->path, "-") == 0;
    FILE *f = is_input ? stdin : fopen(of->path, "rbe");
    if (!f) {
        fprintf(c->err, "%s: %s\n", of->path, strerror(errno));
        return CLI_FAILED;
    }
    int err = hy_csv_new(&(struct hy_csv_options){0}, &r.csv);
    if (err == HY_OK)
        err = hy_charset_reader_new(HY_CHARSET_AUTO, &charset);
    int code = err == HY_OK ? read_file(&r, f, charset) : cli_fail(c, err, NULL, NULL);
    hy_charset_reader_free(charset);
    hy_csv_free(r.csv);
    if (!is_input)
        fclose(f);
    if (r.faults > TOLD)
        fprintf(c->err, _(c, "%llu lines had faults and were left out.\n"),
                (unsigned long long)r.faults);
    return code;
}
