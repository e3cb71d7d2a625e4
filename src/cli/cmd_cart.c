/* cart show, cart list: what people left in their carts. */
#include "cli.h"
#include "commands.h"
#include "order_text.h"

static void print_carts(struct cli *c, const json_t *r)
{
    static const char *const heads[] = {"CART",   "LEAD",     "STATUS",  "ITEMS",
                                        "AMOUNT", "CURRENCY", "CHANGED", "ORDER"};
    struct cli_table t;
    const json_t *x;
    size_t i;
    cli_table_init(&t, heads, "lrlrrlll");
    json_array_foreach(json_object_get(r, "carts"), i, x)
    {
        char at[32], text[40];
        cli_table_add(&t, cli_str(x, "cart"));
        cli_table_add_n(&t, cli_int(x, "lead"));
        cli_table_add(&t, cli_word_of(c, "cart-state", cli_str(x, "status")));
        cli_table_add_n(&t, (int64_t)json_array_size(json_object_get(x, "items")));
        cli_table_add(&t, amount_text(x, "amount", text));
        cli_table_add(&t, cli_str(x, "currency"));
        cli_table_add(&t, cli_time(cli_str(x, "changed"), at));
        cli_table_add(&t, cli_str(x, "order"));
    }
    cli_table_print(&t, c, cli_width(c));
}

static int ask(struct cli *c, const char *command, json_t *args)
{
    json_t *r;
    int code = cli_request(c, command, args, NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    print_carts(c, r);
    json_decref(r);
    return CLI_OK;
}

static int run_show(struct cli *c)
{
    return ask(c, "cart.show", json_pack("{s:s}", "lead", c->args[0]));
}

static int run_list(struct cli *c)
{
    static const struct {
        const char *option, *arg;
        uint64_t unit;
    } numbers[] = {{"older", "older_s", 60}, {"limit", "limit", 1}};
    json_t *args = json_object();
    for (size_t i = 0; i < 2; i++) {
        const char *text = cli_option(c, numbers[i].option);
        uint64_t n = 0;
        if (text && hy_str_to_u64(hy_str_of(text), 10000000, &n) != HY_OK) {
            fprintf(c->err, _(c, "--%s must be a number up to %llu\n"), numbers[i].option,
                    10000000ULL);
            json_decref(args);
            return CLI_USAGE;
        }
        if (text)
            json_object_set_new(args, numbers[i].arg,
                                json_integer((json_int_t)(n * numbers[i].unit)));
    }
    return ask(c, "cart.list", args);
}

const struct cli_command cmd_cart_show = {
    .name = "cart show",
    .args = "LEAD",
    .n_min = 1,
    .n_max = 1,
    .summary = {"show the carts of a person", "一人のカートを表示する"},
    .about = {"Carts as they stand: open, ordered or emptied; what lies in them is in --json.",
              "カートの現在の状態 (open、ordered、emptied)。中身は --json にあります。"},
    .examples = "hayauma cart show taro@example.jp",
    .run = run_show,
};

static const struct cli_option list_options[] = {
    {"older",
     "MINUTES",
     CLI_TEXT,
     NULL,
     {"not changed for so many minutes", "これだけの分数、変更のないもの"}},
    {"limit", "N", CLI_TEXT, NULL, {"at most so many (100)", "最大件数 (100)"}},
    {0}};
const struct cli_command cmd_cart_list = {
    .name = "cart list",
    .args = "",
    .summary = {"list open carts, those left longest first",
                "開いているカートを、放置の長い順に表示する"},
    .about = {"A cart is open until an order closes it or it is emptied.",
              "カートは、注文で閉じるか空にされるまで開いています。"},
    .examples = "hayauma cart list --older 60",
    .options = list_options,
    .run = run_list,
};
