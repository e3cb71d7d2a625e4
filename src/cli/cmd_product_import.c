/* product import: hands a shop's file of products to the daemon and shows how it goes. */
#include "cli.h"
#include "commands.h"
#include "files.h"
#include "order_text.h"

static void print_result(struct cli *c, const json_t *r)
{
    char rows[32], products[32], added[32], changed[32], same[32], left[32], refused[32];
    cli_number(cli_int(r, "rows"), rows);
    cli_number(cli_int(r, "products"), products);
    cli_number(cli_int(r, "rejected"), refused);
    print_columns(c, r);
    if (cli_flag(c, "dry-run"))
        fprintf(
            c->out,
            _(c, "Lines checked: %s. Good products: %s. Lines refused: %s. Nothing was noted.\n"),
            rows, products, refused);
    else
        fprintf(c->out,
                _(c, "Lines read: %s. Products: %s (%s new, %s changed, %s as they were). Lines "
                     "left out: %s, refused: %s.\n"),
                rows, products, cli_number(cli_int(r, "added"), added),
                cli_number(cli_int(r, "changed"), changed), cli_number(cli_int(r, "same"), same),
                cli_number(cli_int(r, "left_out"), left), refused);
}

static int import(struct cli *c, const int *fds, size_t n_fds)
{
    static const char *const texts[] = {"map", "currency", "charset"};
    json_t *args = import_args(c, texts, sizeof texts / sizeof *texts);
    return import_request(c, "product.import", args, fds, n_fds, print_result);
}

static int run(struct cli *c)
{
    return import_files(c, c->args[0], cli_option(c, "rejects"), import);
}

static const struct cli_option options[] = {
    {"map",
     "A=B,...",
     CLI_TEXT,
     NULL,
     {"columns (header or number) to fields: sku, name, price ... or - to leave out",
      "列(見出しか番号)と項目の対応: sku、name、price など。- は使わない"}},
    {"currency",
     "CODE",
     CLI_TEXT,
     NULL,
     {"of prices that do not say theirs, like JPY", "通貨の列がないときの通貨 (JPY など)"}},
    CLI_CHARSET_OPTION,
    {"rejects",
     "FILE",
     CLI_FILE,
     NULL,
     {"write every refused line with its number and reason",
      "拒否した全行を行番号・理由とともに書く"}},
    {"dry-run",
     NULL,
     CLI_TEXT,
     NULL,
     {"check the file and note nothing", "検査だけを行い、何も記録しない"}},
    {0}};
const struct cli_command cmd_product_import = {
    .name = "product import",
    .args = "FILE",
    .n_min = 1,
    .n_max = 1,
    .kind = CLI_FILE,
    .summary = {"read the products of a shop from CSV or TSV",
                "ショップの商品を CSV や TSV から取り込む"},
    .about =
        {"A line for each product, known by its SKU. The usual headers of shops are known\n"
         "(Shopify, EC-CUBE, MakeShop ...); --map names others. Fields: sku, name, category,\n"
         "price, currency, url, image, stock. An empty cell leaves what is known. A bad line\n"
         "is refused with its number and reason, and the rest goes in; a file may be read\n"
         "again. FILE - reads standard input.",
         "1 行が 1 商品で、SKU で識別します。よくある見出し(Shopify、EC-CUBE、MakeShop など)は\n"
         "自動で判別し、ほかは --map で指定します。項目: sku、name、category、price、currency、\n"
         "url、image、stock。空のセルは前の値を残します。不正な行は行番号・理由とともに拒否し、\n"
         "残りを取り込みます。同じファイルを再び読んでも害はありません。FILE に - を指定すると\n"
         "標準入力を読みます。"},
    .examples = "hayauma product import products.csv --currency JPY --rejects bad.csv\n"
                "hayauma product import eccube.csv --map description=-",
    .options = options,
    .run = run,
};
