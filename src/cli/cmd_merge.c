/* lead duplicates, lead merge, lead unmerge: one person who is in the store more than once. */
#include "cli.h"
#include "commands.h"
#include "score_ask.h"

static int run_merge(struct cli *c)
{
    json_t *r;
    int code =
        cli_request(c, "lead.merge",
                    json_pack("{s:s, s:s}", "keep", c->args[0], "other", c->args[1]), NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    fprintf(c->out,
            _(c,
              "Lead %lld is a part of lead %lld now: %lld attributes, %lld tags and groups, %lld "
              "lists, %lld identities went over.\n"),
            (long long)cli_int(r, "part"), (long long)cli_int(r, "kept"),
            (long long)cli_int(r, "attributes"), (long long)cli_int(r, "labels"),
            (long long)cli_int(r, "lists"), (long long)cli_int(r, "identities"));
    json_decref(r);
    return CLI_OK;
}

static int run_unmerge(struct cli *c)
{
    json_t *r;
    int code = cli_request(c, "lead.unmerge", json_pack("{s:s}", "lead", c->args[0]), NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    fprintf(c->out,
            _(c,
              "Lead %lld stands for itself again; lead %lld gave back %lld attributes, %lld tags "
              "and groups, %lld lists, %lld identities.\n"),
            (long long)cli_int(r, "part"), (long long)cli_int(r, "kept"),
            (long long)cli_int(r, "attributes"), (long long)cli_int(r, "labels"),
            (long long)cli_int(r, "lists"), (long long)cli_int(r, "identities"));
    json_decref(r);
    return CLI_OK;
}

/* "12, 15" and "taro@one.test, taro+x@one.test". */
static void join(const json_t *leads, struct hy_buf *numbers, struct hy_buf *addresses)
{
    const json_t *l;
    size_t i;
    json_array_foreach(leads, i, l)
    {
        hy_buf_printf(numbers, "%s%lld", i ? ", " : "", (long long)cli_int(l, "lead"));
        hy_buf_printf(addresses, "%s%s", i ? ", " : "", cli_str(l, "address"));
    }
}

static int run_duplicates(struct cli *c)
{
    static const char *const heads[] = {"SAME", "LEADS", "ADDRESSES"};
    struct cli_table t;
    json_t *r;
    const json_t *x;
    size_t i;
    int code = score_ask(c, "lead.duplicates", NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    const json_t *all = json_object_get(r, "duplicates");
    cli_table_init(&t, heads, "lll");
    json_array_foreach(all, i, x)
    {
        struct hy_buf numbers = HY_BUF_INIT(4096), addresses = HY_BUF_INIT(65536);
        join(json_object_get(x, "leads"), &numbers, &addresses);
        cli_table_add(&t, cli_str(x, "by"));
        cli_table_add(&t, hy_buf_cstr(&numbers));
        cli_table_add(&t, hy_buf_cstr(&addresses));
        hy_buf_free(&numbers);
        hy_buf_free(&addresses);
    }
    if (json_array_size(all))
        cli_table_print(&t, c, cli_width(c));
    else
        fprintf(c->out, "%s", _(c, "No duplicates were found.\n"));
    json_decref(r);
    return CLI_OK;
}

const struct cli_command cmd_lead_duplicates = {
    .name = "lead duplicates",
    .args = "",
    .summary = {"show leads that may be one person", "同一人物かもしれないリードを表示する"},
    .about = {"By mailbox (what is behind a + does not count, nor do dots at gmail.com) and by the "
              "attribute phone. Nothing is changed.",
              "メールボックス(+ 以降と gmail.com のドットは無視)と属性 phone で照合します。"
              "何も変更しません。"},
    .examples = "hayauma lead duplicates",
    .run = run_duplicates,
};

const struct cli_command cmd_lead_merge = {
    .name = "lead merge",
    .args = "KEEP OTHER",
    .n_min = 2,
    .n_max = 2,
    .summary = {"make one person of two leads", "二つのリードを一人に統合する"},
    .about =
        {"The kept lead's values win, the other's fill in what it lacks; tags, groups, lists and "
         "identities go over; what both did is read as one. A campaign mails the person once.",
         "残す側の値を優先し、無い値は相手の値で補います。タグ、グループ、リスト、識別子は"
         "移り、両方の履歴は一つとして読まれます。キャンペーンは一人に一通だけ送ります。"},
    .examples = "hayauma lead merge taro@example.jp 1734",
    .run = run_merge,
};

const struct cli_command cmd_lead_unmerge = {
    .name = "lead unmerge",
    .args = "NUMBER",
    .n_min = 1,
    .n_max = 1,
    .summary = {"take a merged lead out again", "統合を解除する"},
    .about =
        {"Restores what it had when it was merged; the kept lead gives back what it got and did "
         "not change since.",
         "統合時の状態に戻します。残した側は、受け取ったもののうち変更していないものを返します。"},
    .examples = "hayauma lead unmerge 1734",
    .run = run_unmerge,
};
