/* order import: hands a shop's file of orders to the daemon and shows how it goes. */
#include "cli.h"
#include "commands.h"
#include "files.h"
#include "order_text.h"

void print_columns(struct cli *c, const json_t *r)
{
    const json_t *x;
    size_t i;
    fputs(_(c, "Columns:"), c->out);
    json_array_foreach(json_object_get(r, "columns"), i, x)
        fprintf(c->out, "%s %s=%s", i ? "," : "", cli_str(x, "column"), cli_str(x, "field"));
    fputs("\n", c->out);
}

static void print_result(struct cli *c, const json_t *r)
{
    char rows[32], orders[32], added[32], changed[32], same[32], left[32], refused[32], leads[32];
    cli_number(cli_int(r, "rows"), rows);
    cli_number(cli_int(r, "orders"), orders);
    cli_number(cli_int(r, "rejected"), refused);
    print_columns(c, r);
    if (cli_flag(c, "dry-run")) {
        fprintf(c->out,
                _(c, "Lines checked: %s. Good orders: %s. Lines refused: %s. Nothing was noted.\n"),
                rows, orders, refused);
        return;
    }
    fprintf(c->out,
            _(c, "Lines read: %s. Orders: %s (%s new, %s changed, %s as they were, %s left out). "
                 "Lines refused: %s. New leads: %s.\n"),
            rows, orders, cli_number(cli_int(r, "added"), added),
            cli_number(cli_int(r, "changed"), changed), cli_number(cli_int(r, "same"), same),
            cli_number(cli_int(r, "left_out"), left), refused,
            cli_number(cli_int(r, "leads"), leads));
}

static int import(struct cli *c, const int *fds, size_t n_fds)
{
    static const char *const texts[] = {"map",      "status", "time-zone",
                                        "currency", "system", "charset"};
    json_t *args = import_args(c, texts, sizeof texts / sizeof *texts);
    json_object_set_new(args, "create", json_boolean(cli_flag(c, "create")));
    return import_request(c, "order.import", args, fds, n_fds, print_result);
}

static int run(struct cli *c)
{
    return import_files(c, c->args[0], cli_option(c, "rejects"), import);
}

static const struct cli_option options[] = {
    {"create",
     NULL,
     CLI_TEXT,
     NULL,
     {"make leads of customers that nobody is", "いない顧客のリードを作る"}},
    {"map",
     "A=B,...",
     CLI_TEXT,
     NULL,
     {"columns (header or number) to fields: order, email, at, amount ... or - to leave out",
      "列(見出しか番号)と項目の対応: order、email、at、amount など。- は使わない"}},
    {"status",
     "A=B,...",
     CLI_TEXT,
     NULL,
     {"words of the file to placed, cancelled, refunded or skip",
      "ファイルの状態の語と placed、cancelled、refunded、skip の対応"}},
    {"currency",
     "CODE",
     CLI_TEXT,
     NULL,
     {"of lines that do not say theirs, like JPY", "通貨の列がないときの通貨 (JPY など)"}},
    {"system",
     "NAME",
     CLI_TEXT,
     NULL,
     {"customer numbers of the file are external ids of this system (shop:17)",
      "顧客番号をこのシステムの外部 ID とみなす (shop:17)"}},
    {"time-zone",
     "NAME",
     CLI_TEXT,
     NULL,
     {"of times that do not say theirs (the system's)",
      "時差のない日時のタイムゾーン (システムの設定)"}},
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
const struct cli_command cmd_order_import = {
    .name = "order import",
    .args = "FILE",
    .n_min = 1,
    .n_max = 1,
    .kind = CLI_FILE,
    .summary = {"read the orders of a shop from CSV or TSV",
                "ショップの注文を CSV や TSV から取り込む"},
    .about =
        {"A line for each order, or one for each item, those of an order together. The usual\n"
         "headers of shops are known (Shopify, EC-CUBE, MakeShop ...); --map names others. "
         "Fields:\n"
         "order, lead, email, external_id, customer, phone, at, changed, cancelled, status,\n"
         "amount, currency, cart, product, name, category, quantity, price. A bad line refuses\n"
         "its order, with line and reason, and the rest goes in. Orders are known by their\n"
         "numbers: a file may be read again, and a later one corrects. FILE - reads standard\n"
         "input.",
         "注文ごとに 1 行、または商品ごとに 1 行(同じ注文の行は続けて並べる)です。よくある\n"
         "見出し(Shopify、EC-CUBE、MakeShop など)は自動で判別し、ほかは --map で指定します。項目:\n"
         "order、lead、email、external_id、customer、phone、at、changed、cancelled、status、\n"
         "amount、currency、cart、product、name、category、quantity、price。不正な行があると\n"
         "その注文を行番号・理由とともに拒否し、残りを取り込みます。注文は番号で識別するため、\n"
         "同じファイルを再び読んでも害はなく、後のファイルは訂正になります。FILE に - を\n"
         "指定すると標準入力を読みます。"},
    .examples = "hayauma order import orders.csv --currency JPY --create --rejects bad.csv\n"
                "hayauma order import eccube.csv --map payment=- --status reserved=skip",
    .options = options,
    .run = run,
};
