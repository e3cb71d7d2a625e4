/* order show, order report: what people bought. */
#include "cli.h"
#include "commands.h"

/* "5000" or "12.34", as it came. */
static const char *number_text(const json_t *o, const char *key, char out[40])
{
    const json_t *x = json_object_get(o, key);
    if (json_is_integer(x))
        snprintf(out, 40, "%lld", (long long)json_integer_value(x));
    else
        snprintf(out, 40, "%.3f", json_number_value(x));
    return out;
}

static int run_show(struct cli *c)
{
    static const char *const heads[] = {"ORDER", "STATUS", "AMOUNT", "CURRENCY", "PLACED"};
    struct cli_table t;
    json_t *r;
    const json_t *x;
    size_t i;
    char text[40];
    int code = cli_request(c, "order.show", json_pack("{s:s}", "lead", c->args[0]), NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    json_array_foreach(json_object_get(r, "values"), i, x) fprintf(
        c->out, _(c, "Lifetime value: %s %s in %lld orders\n"), number_text(x, "amount", text),
        cli_str(x, "currency"), (long long)cli_int(x, "orders"));
    cli_table_init(&t, heads, "llrll");
    json_array_foreach(json_object_get(r, "orders"), i, x)
    {
        char at[32];
        cli_table_add(&t, cli_str(x, "order"));
        cli_table_add(&t, cli_str(x, "status"));
        cli_table_add(&t, number_text(x, "amount", text));
        cli_table_add(&t, cli_str(x, "currency"));
        cli_table_add(&t, cli_time(cli_str(x, "placed"), at));
    }
    cli_table_print(&t, c, cli_width(c));
    json_decref(r);
    return CLI_OK;
}

/* How many customers are where: recency down, the most recent first; frequency across. */
static void print_cells(struct cli *c, const json_t *rows)
{
    static const char *const heads[] = {"RECENCY", "F 1", "F 2", "F 3", "F 4", "F 5"};
    struct cli_table t;
    char level[32];
    cli_table_init(&t, heads, "lrrrrr");
    for (size_t i = json_array_size(rows); i-- > 0;) {
        const json_t *cell;
        size_t k;
        snprintf(level, sizeof level, "R %zu", i + 1);
        cli_table_add(&t, level);
        json_array_foreach(json_array_get(rows, i), k, cell)
            cli_table_add_n(&t, json_integer_value(cell));
    }
    cli_table_print(&t, c, cli_width(c));
}

static int run_report(struct cli *c)
{
    json_t *args = json_object(), *r;
    char text[40];
    for (size_t i = 0; i < 2; i++) {
        const char *name = i ? "currency" : "list";
        if (cli_option(c, name))
            json_object_set_new(args, name, json_string(cli_option(c, name)));
    }
    int code = cli_request(c, "order.report", args, NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    fprintf(c->out, _(c, "%lld customers, %lld orders, %s %s; %.1f %% bought again.\n"),
            (long long)cli_int(r, "customers"), (long long)cli_int(r, "orders"),
            number_text(r, "amount", text), cli_str(r, "currency"),
            100 * json_number_value(json_object_get(r, "repeat_rate")));
    print_cells(c, json_object_get(r, "recency_by_frequency"));
    json_decref(r);
    return CLI_OK;
}

const struct cli_command cmd_order_show = {
    .name = "order show",
    .args = "LEAD",
    .n_min = 1,
    .n_max = 1,
    .summary = {"show what a person ordered", "一人の注文を表示する"},
    .about = {"Orders as they stand: a later activity about the same order corrects it.",
              "注文の現在の状態です。同じ注文についての後の記録が前の記録を訂正します。"},
    .examples = "hayauma order show taro@example.jp",
    .run = run_show,
};

static const struct cli_option report_options[] = {
    {"list", "NAME", CLI_LIST, NULL, {"of a list only", "一つのリストだけ"}},
    {"currency",
     "CODE",
     CLI_TEXT,
     NULL,
     {"in this currency (the one with the most orders)", "この通貨で (最も注文の多い通貨)"}},
    {0}};
const struct cli_command cmd_order_report = {
    .name = "order report",
    .args = "",
    .summary = {"customers by recency, frequency and value", "顧客を RFM で集計する"},
    .about = {"Repeat rate, lifetime value, and how many customers are in each fifth by their last "
              "order and by how often they ordered. The cut-offs are in --json.",
              "リピート率、LTV、最終注文日と注文回数の五分位ごとの人数。境界の値は --json に"
              "あります。"},
    .examples = "hayauma order report --list customers",
    .options = report_options,
    .run = run_report,
};
