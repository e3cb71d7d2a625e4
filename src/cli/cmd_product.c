/* product set, show, list, delete, export: the products of a shop. */
#include "cli.h"
#include "commands.h"
#include "files.h"
#include "order_text.h"

static void print_line(struct cli *c, const char *key, const char *value)
{
    struct hy_buf line = HY_BUF_INIT(1u << 20);
    cli_put_cell(&line, hy_str_of(cli_word_of(c, "product", key)), 12, true);
    cli_put_cell(&line, hy_str_of(value), SIZE_MAX, false);
    fprintf(c->out, "%s\n", hy_buf_cstr(&line));
    hy_buf_free(&line);
}

static void print_one(struct cli *c, const json_t *r)
{
    static const char *const texts[] = {"sku",      "name", "category", "price",
                                        "currency", "url",  "image",    "stock"};
    char text[40], at[32];
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *value = json_is_number(json_object_get(r, texts[i]))
                                ? amount_text(r, texts[i], text)
                                : cli_str(r, texts[i]);
        if (value[0])
            print_line(c, texts[i], value);
    }
    print_line(c, "changed", cli_time(cli_str(r, "changed"), at));
}

/* Asks for one product and shows it. */
static int ask(struct cli *c, const char *command, json_t *args)
{
    json_t *r;
    int code = cli_request(c, command, args, NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    print_one(c, r);
    json_decref(r);
    return CLI_OK;
}

static int run_show(struct cli *c)
{
    return ask(c, "product.show", json_pack("{s:s}", "sku", c->args[0]));
}

static int run_set(struct cli *c)
{
    static const char *const names[] = {"name", "category", "price", "currency",
                                        "url",  "image",    "stock"};
    json_t *args = json_pack("{s:s}", "sku", c->args[0]);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (cli_option(c, names[i]))
            json_object_set_new(args, names[i], json_string(cli_option(c, names[i])));
    return ask(c, "product.set", args);
}

static int run_list(struct cli *c)
{
    static const char *const heads[] = {"SKU", "PRICE", "CURRENCY", "STOCK", "CATEGORY", "NAME"};
    json_t *args = json_object(), *r;
    const json_t *x;
    struct cli_table t;
    size_t i;
    char text[40];
    if (c->n_args)
        json_object_set_new(args, "text", json_string(c->args[0]));
    if (cli_option(c, "after"))
        json_object_set_new(args, "after", json_string(cli_option(c, "after")));
    int code = cli_number_option(c, "limit", 500, args);
    if (code) {
        json_decref(args);
        return code;
    }
    code = cli_request(c, "product.list", args, NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    cli_table_init(&t, heads, "lrlrll");
    json_array_foreach(json_object_get(r, "products"), i, x)
    {
        cli_table_add(&t, cli_str(x, "sku"));
        cli_table_add(&t, amount_text(x, "price", text));
        cli_table_add(&t, cli_str(x, "currency"));
        cli_table_add(&t, cli_str(x, "stock"));
        cli_table_add(&t, cli_str(x, "category"));
        cli_table_add(&t, cli_str(x, "name"));
    }
    cli_table_print(&t, c, cli_width(c));
    if (cli_str(r, "after")[0])
        fprintf(c->out, _(c, "There are more: --after '%s'\n"), cli_str(r, "after"));
    json_decref(r);
    return CLI_OK;
}

static int run_delete(struct cli *c)
{
    json_t *r;
    int code = cli_request(c, "product.delete", json_pack("{s:s}", "sku", c->args[0]), NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    fputs(_(c, "It is gone; orders keep its name and category.\n"), c->out);
    json_decref(r);
    return CLI_OK;
}

static int run_export(struct cli *c)
{
    int64_t rows = -1;
    char n[32];
    int code = export_file(c, "product.export",
                           json_pack("{s:b}", "safe", (int)!cli_flag(c, "raw")), &rows);
    if (code == CLI_OK && rows >= 0)
        fprintf(c->err, _(c, "Products exported: %s.\n"), cli_number(rows, n));
    return code;
}

const struct cli_command cmd_product_show = {
    .name = "product show",
    .args = "SKU",
    .n_min = 1,
    .n_max = 1,
    .summary = {"show a product", "商品を表示する"},
    .examples = "hayauma product show T-1",
    .run = run_show,
};

static const struct cli_option set_options[] = {
    {"name", "NAME", CLI_TEXT, NULL, {"what it is called", "商品名"}},
    {"category", "NAME", CLI_TEXT, NULL, {"its category", "カテゴリー"}},
    {"price", "AMOUNT", CLI_TEXT, NULL, {"of one piece: 5000, 12.50", "単価 (5000、12.50 など)"}},
    {"currency", "CODE", CLI_TEXT, NULL, {"of the price, like JPY", "通貨 (JPY など)"}},
    {"url", "URL", CLI_TEXT, NULL, {"its page", "商品ページの URL"}},
    {"image", "URL", CLI_TEXT, NULL, {"a picture of it", "画像の URL"}},
    {"stock", "STOCK", CLI_TEXT, NULL, {"in, out or a number", "在庫 (in、out、または数)"}},
    {0}};
const struct cli_command cmd_product_set = {
    .name = "product set",
    .args = "SKU",
    .n_min = 1,
    .n_max = 1,
    .summary = {"make or change a product", "商品を作る、または変更する"},
    .about = {"What is not said stays as it was; an empty text takes it away.",
              "指定しない項目はそのまま残ります。空の文字列は項目を消します。"},
    .examples = "hayauma product set T-1 --name Kettle --category kitchen --price 5000 "
                "--currency JPY --stock 12",
    .options = set_options,
    .run = run_set,
};

static const struct cli_option list_options[] = {
    {"limit", "N", CLI_TEXT, NULL, {"products at most (100)", "表示する商品の数 (100)"}},
    {"after", "SKU", CLI_TEXT, NULL, {"those behind this one", "この SKU より後"}},
    {0}};
const struct cli_command cmd_product_list = {
    .name = "product list",
    .args = "[TEXT]",
    .n_max = 1,
    .summary = {"list products, or those with a text in their name or SKU",
                "商品の一覧、または商品名や SKU で検索"},
    .about = {"In the order of their SKUs.", "SKU の順です。"},
    .examples = "hayauma product list\nhayauma product list kettle",
    .options = list_options,
    .run = run_list,
};

const struct cli_command cmd_product_delete = {
    .name = "product delete",
    .args = "SKU",
    .n_min = 1,
    .n_max = 1,
    .summary = {"delete a product; orders of it stay", "商品を削除する (注文は残る)"},
    .examples = "hayauma product delete T-1",
    .run = run_delete,
};

static const struct cli_option export_options[] = {CLI_OUTPUT_OPTION, CLI_RAW_OPTION, {0}};
const struct cli_command cmd_product_export = {
    .name = "product export",
    .args = "",
    .summary = {"write all products as CSV (UTF-8)", "全商品を CSV (UTF-8) で書き出す"},
    .about = {"product import reads it again.", "product import で再び読めます。"},
    .examples = "hayauma product export --output products.csv",
    .options = export_options,
    .run = run_export,
};
