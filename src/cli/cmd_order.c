/* order show, order report: what people bought. */
#include "cli.h"
#include "commands.h"
#include "hayauma/audience/csv.h"
#include "order_text.h"

const char *amount_text(const json_t *o, const char *key, char out[40])
{
    const json_t *x = json_object_get(o, key);
    out[0] = '\0';
    if (json_is_integer(x))
        snprintf(out, 40, "%lld", (long long)json_integer_value(x));
    else if (json_is_real(x))
        snprintf(out, 40, "%.3f", json_real_value(x));
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
        c->out,
        cli_int(x, "orders") == 1 ? _(c, "Lifetime value: %s %s in %lld order\n")
                                  : _(c, "Lifetime value: %s %s in %lld orders\n"),
        amount_text(x, "amount", text), cli_str(x, "currency"), (long long)cli_int(x, "orders"));
    cli_table_init(&t, heads, "llrll");
    json_array_foreach(json_object_get(r, "orders"), i, x)
    {
        char at[32];
        cli_table_add(&t, cli_str(x, "order"));
        cli_table_add(&t, cli_word_of(c, "order-state", cli_str(x, "status")));
        cli_table_add(&t, amount_text(x, "amount", text));
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

static void print_best(struct cli *c, const json_t *list, const char *head)
{
    const char *const heads[] = {head, "NAME", "QUANTITY", "AMOUNT"};
    struct cli_table t;
    const json_t *x;
    size_t i;
    char text[40];
    if (json_array_size(list) == 0)
        return;
    cli_table_init(&t, heads, "llrr");
    json_array_foreach(list, i, x)
    {
        cli_table_add(&t, cli_str(x, "name"));
        cli_table_add(&t, cli_str(x, "label"));
        cli_table_add(&t, amount_text(x, "quantity", text));
        cli_table_add(&t, amount_text(x, "amount", text));
    }
    fputs("\n", c->out);
    cli_table_print(&t, c, cli_width(c));
}

static void print_text(struct cli *c, const json_t *r)
{
    char amount[40], median[40], members[32];
    if (!json_is_null(json_object_get(r, "members")))
        fprintf(c->out, _(c, "Leads looked at: %s. "), cli_number(cli_int(r, "members"), members));
    fprintf(c->out, _(c, "Customers: %lld. Orders: %lld, %s %s. Bought again: %.1f %%.\n"),
            (long long)cli_int(r, "customers"), (long long)cli_int(r, "orders"),
            amount_text(r, "amount", amount), cli_str(r, "currency"),
            100 * json_number_value(json_object_get(r, "repeat_rate")));
    fprintf(c->out, _(c, "An order: %.2f on average. A customer: %.2f on average, median %s.\n"),
            json_number_value(json_object_get(r, "average_order")),
            json_number_value(json_object_get(r, "value")), amount_text(r, "median_value", median));
    print_cells(c, json_object_get(r, "recency_by_frequency"));
    print_best(c, json_object_get(r, "products"), "PRODUCT");
    print_best(c, json_object_get(r, "categories"), "CATEGORY");
}

/* "section,name,label,quantity,amount" */
static void put_row(struct hy_buf *b, const char *section, const char *name, const char *label,
                    const char *quantity, const char *amount)
{
    const char *const cells[] = {section, name, label, quantity, amount};
    for (size_t i = 0; i < 5; i++)
        hy_csv_put(b, hy_str_of(cells[i]), i == 0, true);
    hy_buf_add_lit(b, "\n");
}

static void put_best(struct hy_buf *b, const json_t *list, const char *section)
{
    const json_t *x;
    size_t i;
    char quantity[40], amount[40];
    json_array_foreach(list, i, x)
        put_row(b, section, cli_str(x, "name"), cli_str(x, "label"),
                amount_text(x, "quantity", quantity), amount_text(x, "amount", amount));
}

static int print_csv(struct cli *c, const json_t *r)
{
    static const char *const numbers[] = {"members",       "customers", "repeat_customers",
                                          "orders",        "amount",    "repeat_rate",
                                          "average_order", "value",     "median_value"};
    struct hy_buf b HY_CLEANUP(hy_buf_free) = HY_BUF_INIT(4 << 20);
    char text[40], name[16];
    put_row(&b, "section", "name", "label", "quantity", "amount");
    put_row(&b, "report", "currency", cli_str(r, "currency"), "", "");
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (json_is_number(json_object_get(r, numbers[i])))
            put_row(&b, "report", numbers[i], "", amount_text(r, numbers[i], text), "");
    for (size_t f = 0; f < 25; f++) {
        const json_t *row = json_array_get(json_object_get(r, "recency_by_frequency"), f / 5);
        snprintf(name, sizeof name, "R%zuF%zu", f / 5 + 1, f % 5 + 1);
        snprintf(text, sizeof text, "%lld",
                 (long long)json_integer_value(json_array_get(row, f % 5)));
        put_row(&b, "rfm", name, "", text, "");
    }
    put_best(&b, json_object_get(r, "products"), "product");
    put_best(&b, json_object_get(r, "categories"), "category");
    fwrite(b.data, 1, b.err ? 0 : b.len, c->out);
    return b.err ? cli_fail(c, b.err, hy_err_text(b.err), NULL) : CLI_OK;
}

static int run_report(struct cli *c)
{
    static const char *const names[] = {"list", "segment", "tag", "from", "to", "currency"};
    json_t *args = json_object(), *r;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (cli_option(c, names[i]))
            json_object_set_new(args, names[i], json_string(cli_option(c, names[i])));
    int code = cli_request(c, "order.report", args, NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    if (cli_flag(c, "csv"))
        code = print_csv(c, r);
    else
        print_text(c, r);
    json_decref(r);
    return code;
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
    {"segment", "NAME", CLI_TEXT, NULL, {"of a segment only", "一つのセグメントだけ"}},
    {"tag", "NAME", CLI_TEXT, NULL, {"of leads with a tag only", "タグの付いたリードだけ"}},
    {"from",
     "DAY",
     CLI_TEXT,
     NULL,
     {"orders placed on this day or later (or a time)", "この日(または日時)以後の注文"}},
    {"to", "DAY", CLI_TEXT, NULL, {"orders placed before this day", "この日より前の注文"}},
    {"csv", NULL, CLI_TEXT, NULL, {"as CSV", "CSV で"}},
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
    .about =
        {"Repeat rate, lifetime value, and how many customers are in each fifth by their last "
         "order and by how often they ordered; what sold best, by product and category. The "
         "cut-offs are in --json.",
         "リピート率、LTV、最終注文日と注文回数の五分位ごとの人数、よく売れた商品とカテゴリー。"
         "境界の値は --json にあります。"},
    .examples = "hayauma order report --segment regulars --from 2026-04-01 --to 2026-10-01\n"
                "hayauma order report --list customers --csv > customers.csv",
    .options = report_options,
    .run = run_report,
};
