/* score grades, lead result: how leads spread over the grades, and what became of one. */
#include "cli.h"
#include "commands.h"

static const char *grade(const json_t *names, size_t i)
{
    const char *name = json_string_value(json_array_get(names, i));
    return name ? name : "-";
}

static int run_grades(struct cli *c)
{
    enum { COLUMNS_MAX = 20 };
    const char *heads[COLUMNS_MAX] = {0};
    char align[COLUMNS_MAX + 1] = "l";
    struct cli_table t;
    const json_t *row;
    json_t *r;
    size_t i;
    int code = cli_request(c, "score.grades", NULL, NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    const json_t *columns = json_object_get(r, "columns"), *rows = json_object_get(r, "rows");
    size_t n = json_array_size(json_array_get(json_object_get(r, "leads"), 0));
    n = n < COLUMNS_MAX - 1 ? n : COLUMNS_MAX - 1;
    heads[0] = "";
    for (size_t k = 0; k < n; k++) {
        heads[k + 1] = columns ? grade(columns, k) : "LEADS";
        align[k + 1] = 'r';
    }
    align[n + 1] = '\0';
    if (columns)
        fprintf(c->out, _(c, "Leads with points: rows by %s, columns by %s.\n"),
                cli_str(r, "row_group"), cli_str(r, "column_group"));
    cli_table_init(&t, heads, align);
    json_array_foreach(json_object_get(r, "leads"), i, row)
    {
        cli_table_add(&t, grade(rows, i));
        for (size_t k = 0; k < n; k++)
            cli_table_add_n(&t, json_integer_value(json_array_get(row, k)));
    }
    cli_table_print(&t, c, cli_width(c));
    json_decref(r);
    return CLI_OK;
}

static int run_result(struct cli *c)
{
    json_t *args = json_pack("{s:s,s:s}", "lead", c->args[0], "result", c->args[1]), *r;
    int code = cli_number_option(c, "amount", 1000000000000000, args);
    if (code) {
        json_decref(args);
        return code;
    }
    if (cli_option(c, "note"))
        json_object_set_new(args, "note", json_string(cli_option(c, "note")));
    code = cli_request(c, "lead.result", args, NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    fprintf(c->out, _(c, "Noted: %s.\n"), cli_text(c, cli_str(r, "result")));
    json_decref(r);
    return CLI_OK;
}

const struct cli_command cmd_score_grades = {
    .name = "score grades",
    .args = "",
    .summary = {"show how leads spread over the grades", "グレードごとのリード数を表示する"},
    .about = {"A table of the first two groups of the rules that have grades, such as fit and "
              "engagement; - is without a grade.",
              "ルールでグレードを持つ最初の 2 つのグループ (fit と engagement など) の表です。- "
              "はグレードなしです。"},
    .examples = "hayauma score grades",
    .run = run_grades,
};

static const struct cli_option result_options[] = {
    {"amount", "N", CLI_TEXT, NULL, {"what was sold, a whole number", "成約額 (整数)"}},
    {"note", "TEXT", CLI_TEXT, NULL, {"for people", "メモ"}},
    {0}};
const struct cli_command cmd_lead_result = {
    .name = "lead result",
    .args = "LEAD won|lost|recycled",
    .n_min = 2,
    .n_max = 2,
    .summary = {"note what became of a lead that sales has", "営業に渡したリードの結果を記録する"},
    .about = {"Won and lost close the lead, which leaves the hot list; recycled opens it again.",
              "won と lost で完了となりホットリードの一覧から外れます。recycled で戻ります。"},
    .examples = "hayauma lead result hanako@example.jp won --amount 480000 --note \"two years\"",
    .options = result_options,
    .run = run_result,
};
