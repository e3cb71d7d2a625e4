/* company create, set, show, list, add, remove, merge, delete: companies and their leads. */
#include "cli.h"
#include "commands.h"
#include "edit_args.h"
#include "moment.h"
#include "order_text.h"

/* Text from outside: nothing in it may move the cursor. */
static void put(struct cli *c, const char *text)
{
    struct hy_buf safe = HY_BUF_INIT(1u << 20);
    cli_put_cell(&safe, hy_str_of(text), SIZE_MAX, false);
    fputs(hy_buf_cstr(&safe), c->out);
    hy_buf_free(&safe);
}

static void put_texts(struct cli *c, const char *what, const json_t *list)
{
    const json_t *x;
    size_t i;
    if (json_array_size(list) == 0)
        return;
    fprintf(c->out, "  %s: ", what);
    json_array_foreach(list, i, x)
    {
        fputs(i ? ", " : "", c->out);
        put(c, json_string_value(x));
    }
    fputc('\n', c->out);
}

static void put_company(struct cli *c, const json_t *r)
{
    char n[32];
    const char *name;
    json_t *value;
    put(c, cli_str(r, "name"));
    fprintf(c->out,
            cli_int(r, "leads") == 1 ? _(c, "  (company %lld, %s lead, score %.1f)\n")
                                     : _(c, "  (company %lld, %s leads, score %.1f)\n"),
            (long long)cli_int(r, "company"), cli_number(cli_int(r, "leads"), n),
            json_number_value(json_object_get(r, "score")));
    put_texts(c, _(c, "also called"), json_object_get(r, "aliases"));
    put_texts(c, _(c, "domains"), json_object_get(r, "domains"));
    put_texts(c, _(c, "ids"), json_object_get(r, "ids"));
    json_object_foreach(json_object_get(r, "attributes"), name, value)
    {
        fputs("  ", c->out);
        put(c, name);
        fputs(": ", c->out);
        put(c, json_string_value(value));
        fputc('\n', c->out);
    }
}

/* ---- changing ---- */

static int send_edit(struct cli *c, const char *company, json_t *edit)
{
    json_t *args = json_pack("{s:o}", "edit", edit), *r;
    struct hy_control_call_options o = {.timeout_ms = -1};
    if (company)
        json_object_set_new(args, "company", json_string(company));
    int code = cli_request(c, "company.edit", args, &o, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    put_company(c, r);
    json_decref(r);
    return CLI_OK;
}

static void add_word(struct cli *c, json_t *edit, const char *option, const char *key)
{
    if (cli_option(c, option))
        json_object_set_new(edit, key, json_pack("[s]", cli_option(c, option)));
}

/* NULL: it is told what is wrong. */
static json_t *edit_of(struct cli *c)
{
    json_t *edit = json_object();
    if (!cli_add_attributes(c, edit, 1)) {
        json_decref(edit);
        return NULL;
    }
    cli_add_words(c, edit, "domain", "domains");
    cli_add_words(c, edit, "remove-domain", "remove_domains");
    cli_add_words(c, edit, "id", "ids");
    cli_add_words(c, edit, "remove-id", "remove_ids");
    add_word(c, edit, "alias", "aliases");
    add_word(c, edit, "remove-alias", "remove_aliases");
    return edit;
}

static int run_create(struct cli *c)
{
    json_t *edit = edit_of(c);
    if (!edit)
        return CLI_USAGE;
    json_object_set_new(edit, "name", json_string(c->args[0]));
    return send_edit(c, NULL, edit);
}

static int run_set(struct cli *c)
{
    json_t *edit = edit_of(c);
    if (!edit)
        return CLI_USAGE;
    if (cli_option(c, "name"))
        json_object_set_new(edit, "name", json_string(cli_option(c, "name")));
    return send_edit(c, c->args[0], edit);
}

/* COMPANY, then leads: the first that fails ends it. */
static int put_leads(struct cli *c, bool is_leaving)
{
    int code = CLI_OK;
    for (size_t i = 1; i < c->n_args && code == CLI_OK; i++) {
        json_t *r, *args = json_pack("{s:s, s:s, s:b}", "company", c->args[0], "lead", c->args[i],
                                     "leave", (int)is_leaving);
        code = cli_request(c, "company.lead", args, NULL, &r);
        if (!code && c->json) {
            code = cli_print_json(c, r);
        } else if (!code) {
            const char *what = !json_is_true(json_object_get(r, "changed"))
                                   ? _(c, "nothing to change")
                               : is_leaving ? _(c, "belongs to no company now")
                                            : _(c, "belongs to the company now");
            fprintf(c->out, _(c, "lead %lld: "), (long long)cli_int(r, "lead"));
            fprintf(c->out, "%s\n", what);
            json_decref(r);
        }
    }
    return code;
}

static int run_add(struct cli *c)
{
    return put_leads(c, false);
}

static int run_remove(struct cli *c)
{
    return put_leads(c, true);
}

static int drop(struct cli *c, json_t *args, const char *told)
{
    struct hy_control_call_options o = {.timeout_ms = -1};
    json_t *r;
    int code = cli_request(c, "company.delete", args, &o, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    fputs(told, c->out);
    json_decref(r);
    return CLI_OK;
}

static int run_merge(struct cli *c)
{
    return drop(c, json_pack("{s:s, s:s}", "company", c->args[1], "into", c->args[0]),
                _(c, "They are one company now.\n"));
}

static int run_delete(struct cli *c)
{
    return drop(c, json_pack("{s:s}", "company", c->args[0]),
                _(c, "It is gone; its leads belong to no company now.\n"));
}

/* ---- looking ---- */

/* "page-view  https://acme.example/price": what it was and of what. */
static void put_what(struct cli *c, struct cli_table *t, const json_t *activity)
{
    char what[512];
    const char *of = cli_moment_text(c, activity);
    if (!of[0])
        of = cli_str(activity, "url")[0] ? cli_str(activity, "url") : cli_str(activity, "campaign");
    snprintf(what, sizeof what, "%s%s%s", cli_text(c, cli_str(activity, "kind")), of[0] ? "  " : "",
             of);
    cli_table_add(t, what);
}

static void put_members(struct cli *c, const json_t *members)
{
    static const char *const heads[] = {"LEAD", "SCORE", "STATUS", "ADDRESS", "LAST", "WHAT"};
    const json_t *x;
    struct cli_table t;
    size_t i;
    char score[32], at[32];
    cli_table_init(&t, heads, "rrllll");
    json_array_foreach(members, i, x)
    {
        const json_t *last = json_object_get(x, "last");
        snprintf(score, sizeof score, "%.1f", json_number_value(json_object_get(x, "score")));
        cli_table_add_n(&t, cli_int(x, "lead"));
        cli_table_add(&t, score);
        cli_table_add(&t, cli_text(c, cli_str(x, "status")));
        cli_table_add(&t, cli_str(x, "address"));
        cli_table_add(&t, cli_time(cli_str(last, "at"), at));
        put_what(c, &t, last);
    }
    cli_table_print(&t, c, cli_width(c));
}

static void put_visits(struct cli *c, const json_t *visits)
{
    static const char *const heads[] = {"AT", "VISITOR", "WHAT"};
    const json_t *x;
    struct cli_table t;
    size_t i;
    char at[40];
    if (!json_array_size(visits))
        return;
    fputs(_(c, "\nFrom its network, by people who are not known:\n"), c->out);
    cli_table_init(&t, heads, "lll");
    json_array_foreach(visits, i, x)
    {
        cli_table_add(&t, cli_time(cli_str(x, "at"), at));
        cli_table_add(&t, cli_str(x, "visitor"));
        put_what(c, &t, x);
    }
    cli_table_print(&t, c, cli_width(c));
}

static void put_account(struct cli *c, const json_t *r)
{
    static const char *const heads[] = {"AT", "LEAD", "WHAT"};
    const json_t *timeline = json_object_get(r, "timeline"), *x;
    struct cli_table t;
    size_t i;
    char text[40], n[32];
    json_array_foreach(json_object_get(r, "values"), i, x) fprintf(
        c->out, _(c, "Lifetime value: %s %s (orders: %s)\n"), amount_text(x, "amount", text),
        cli_str(x, "currency"), cli_number(cli_int(x, "orders"), n));
    if (json_array_size(timeline)) {
        fputc('\n', c->out);
        cli_table_init(&t, heads, "lll");
        json_array_foreach(timeline, i, x)
        {
            cli_table_add(&t, cli_time(cli_str(x, "at"), text));
            cli_table_add(&t, cli_str(x, "email"));
            put_what(c, &t, x);
        }
        cli_table_print(&t, c, cli_width(c));
    }
    put_visits(c, json_object_get(r, "visits"));
    if (cli_int(r, "left_out"))
        fprintf(c->out, _(c, "Without what %s further leads did and bought.\n"),
                cli_number(cli_int(r, "left_out"), n));
}

static int run_show(struct cli *c)
{
    json_t *args = json_pack("{s:s}", "company", c->args[0]), *r;
    int code = cli_number_option(c, "limit", 1000, args);
    if (code) {
        json_decref(args);
        return code;
    }
    code = cli_request(c, "company.show", args, NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    put_company(c, r);
    put_members(c, json_object_get(r, "members"));
    put_account(c, r);
    json_decref(r);
    return CLI_OK;
}

/* "taro@acme.example 40, jiro@acme.example 12" */
static void put_reasons(struct cli_table *t, const json_t *reasons)
{
    struct hy_buf why = HY_BUF_INIT(4096);
    const json_t *x;
    size_t i;
    json_array_foreach(reasons, i, x)
    {
        char points[32];
        snprintf(points, sizeof points, " %.0f", json_number_value(json_object_get(x, "score")));
        hy_buf_add_str(&why, hy_str_of(i ? ", " : ""));
        hy_buf_add_str(&why, hy_str_of(cli_str(x, "email")));
        hy_buf_add_str(&why, hy_str_of(points));
    }
    cli_table_add(t, hy_buf_cstr(&why));
    hy_buf_free(&why);
}

static int run_hot(struct cli *c)
{
    static const char *const heads[] = {"SCORE", "COMPANY", "LEADS", "NAME", "REASONS"};
    json_t *args = json_object(), *r;
    const json_t *x;
    struct cli_table t;
    size_t i;
    char score[32], shown[32], scored[32];
    int code = cli_number_option(c, "limit", 200, args);
    if (code) {
        json_decref(args);
        return code;
    }
    code = cli_request(c, "company.hot", args, NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    cli_table_init(&t, heads, "rrrll");
    json_array_foreach(json_object_get(r, "companies"), i, x)
    {
        snprintf(score, sizeof score, "%.1f", json_number_value(json_object_get(x, "score")));
        cli_table_add(&t, score);
        cli_table_add_n(&t, cli_int(x, "company"));
        cli_table_add_n(&t, cli_int(x, "leads"));
        cli_table_add(&t, cli_str(x, "name"));
        put_reasons(&t, json_object_get(x, "reasons"));
    }
    cli_table_print(&t, c, cli_width(c));
    fprintf(c->out, _(c, "%s of %s companies that have points.\n"), cli_number((int64_t)i, shown),
            cli_number(cli_int(r, "scored"), scored));
    json_decref(r);
    return CLI_OK;
}

static int run_list(struct cli *c)
{
    static const char *const heads[] = {"COMPANY", "LEADS", "NAME"};
    json_t *args = json_object(), *r;
    const json_t *x;
    struct cli_table t;
    size_t i;
    if (c->n_args)
        json_object_set_new(args, "text", json_string(c->args[0]));
    int code = cli_number_option(c, "limit", 1000, args);
    if (!code)
        code = cli_number_option(c, "after", UINT32_MAX, args);
    if (code) {
        json_decref(args);
        return code;
    }
    code = cli_request(c, "company.list", args, NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    cli_table_init(&t, heads, "rrl");
    json_array_foreach(json_object_get(r, "companies"), i, x)
    {
        cli_table_add_n(&t, cli_int(x, "company"));
        cli_table_add_n(&t, cli_int(x, "leads"));
        cli_table_add(&t, cli_str(x, "name"));
    }
    cli_table_print(&t, c, cli_width(c));
    if (json_is_integer(json_object_get(r, "after")))
        fprintf(c->out, _(c, "There are more: --after %lld\n"), (long long)cli_int(r, "after"));
    json_decref(r);
    return CLI_OK;
}

/* ---- the table ---- */

static const struct cli_option create_options[] = {
    {"domain",
     "A,B",
     CLI_TEXT,
     NULL,
     {"domains of its mail: leads there who have no company join it",
      "メールのドメイン (会社のないリードはここから所属します)"}},
    {"id", "A,B", CLI_TEXT, NULL, {"ids in other systems: crm:7", "他システムの ID (crm:7 など)"}},
    {"alias", "NAME", CLI_TEXT, NULL, {"a further name", "別名"}},
    {0}};
const struct cli_command cmd_company_create = {
    .name = "company create",
    .args = "NAME [NAME=VALUE...]",
    .n_min = 1,
    .n_max = CLI_ARGS_MAX,
    .kind = CLI_TEXT,
    .summary = {"make a company", "会社を作る"},
    .about = {"Leads join it by hand, by their attribute company, or by the domain of their "
              "address.",
              "リードは、手動、属性 company、またはアドレスのドメインで所属します。"},
    .examples = "hayauma company create 'Acme Inc.' --domain acme.example industry=paper",
    .options = create_options,
    .run = run_create,
};

static const struct cli_option set_options[] = {
    {"name",
     "NAME",
     CLI_TEXT,
     NULL,
     {"its new name; the former one stays as a further one", "新しい名前 (前の名前は別名になる)"}},
    {"domain", "A,B", CLI_TEXT, NULL, {"further domains", "加えるドメイン"}},
    {"remove-domain", "A,B", CLI_TEXT, NULL, {"domains it loses", "外すドメイン"}},
    {"id", "A,B", CLI_TEXT, NULL, {"further ids", "加える ID"}},
    {"remove-id", "A,B", CLI_TEXT, NULL, {"ids it loses", "外す ID"}},
    {"alias", "NAME", CLI_TEXT, NULL, {"a further name", "別名"}},
    {"remove-alias", "NAME", CLI_TEXT, NULL, {"a further name it loses", "外す別名"}},
    {0}};
const struct cli_command cmd_company_set = {
    .name = "company set",
    .args = "COMPANY [NAME=VALUE...]",
    .n_min = 1,
    .n_max = CLI_ARGS_MAX,
    .kind = CLI_TEXT,
    .summary = {"change a company; NAME= takes an attribute away",
                "会社を変更する (NAME= で属性を消す)"},
    .about = {"COMPANY is a number, a name, a domain or ext:SYSTEM:ID.",
              "COMPANY は番号、名前、ドメイン、ext:システム:ID のどれかです。"},
    .examples = "hayauma company set acme.example --name 'Acme Holdings' owner=hanako@example.jp",
    .options = set_options,
    .run = run_set,
};

static const struct cli_option show_options[] = {
    {"limit", "N", CLI_TEXT, NULL, {"leads at most (20)", "表示するリードの数 (20)"}}, {0}};
const struct cli_command cmd_company_show = {
    .name = "company show",
    .args = "COMPANY",
    .n_min = 1,
    .n_max = 1,
    .summary = {"show a company: its leads, what they did and bought",
                "会社のリード、行動、購入を表示する"},
    .about = {"The newest activities of all its leads, the newest first; the values are of orders "
              "that stand.",
              "全リードの最近の行動を新しい順に示します。購入額は有効な注文の合計です。"},
    .examples = "hayauma company show 'Acme Inc.'",
    .options = show_options,
    .run = run_show,
};

static const struct cli_option hot_options[] = {
    {"limit", "N", CLI_TEXT, NULL, {"companies at most (20)", "表示する会社の数 (20)"}}, {0}};
const struct cli_command cmd_company_hot = {
    .name = "company hot",
    .args = "",
    .summary = {"show the companies with the most points, with reasons",
                "スコアの高い会社を理由とともに表示する"},
    .about = {"The reasons are the leads with the most points; --json has their rules, too.",
              "理由は点数の高いリードです。--json ではルールも分かります。"},
    .examples = "hayauma company hot\nhayauma company hot --limit 100",
    .options = hot_options,
    .run = run_hot,
};

static const struct cli_option list_options[] = {
    {"limit", "N", CLI_TEXT, NULL, {"companies at most (100)", "表示する会社の数 (100)"}},
    {"after", "NUMBER", CLI_TEXT, NULL, {"those behind this number", "この番号より後"}},
    {0}};
const struct cli_command cmd_company_list = {
    .name = "company list",
    .args = "[TEXT]",
    .n_max = 1,
    .summary = {"list companies, or those with a text in a name or domain",
                "会社の一覧、または名前やドメインで検索"},
    .examples = "hayauma company list\nhayauma company list acme",
    .options = list_options,
    .run = run_list,
};

const struct cli_command cmd_company_add = {
    .name = "company add",
    .args = "COMPANY LEAD...",
    .n_min = 2,
    .n_max = CLI_ARGS_MAX,
    .summary = {"make leads members of a company", "リードを会社に所属させる"},
    .about = {"A lead belongs to one company: it leaves the one it was in.",
              "リードの所属は一社だけで、前の会社からは外れます。"},
    .examples = "hayauma company add 'Acme Inc.' taro@example.jp ext:crm:123",
    .run = run_add,
};

const struct cli_command cmd_company_remove = {
    .name = "company remove",
    .args = "COMPANY LEAD...",
    .n_min = 2,
    .n_max = CLI_ARGS_MAX,
    .summary = {"take leads out of a company", "リードを会社から外す"},
    .examples = "hayauma company remove 'Acme Inc.' taro@example.jp",
    .run = run_remove,
};

const struct cli_command cmd_company_merge = {
    .name = "company merge",
    .args = "COMPANY OTHER",
    .n_min = 2,
    .n_max = 2,
    .summary = {"make one company of two", "二つの会社を一つにまとめる"},
    .about = {"The first one stays: it takes the leads, names, domains and ids of the other, and "
              "the attributes that it lacks. There is no way back.",
              "最初の会社が残り、もう一方のリード、名前、ドメイン、ID と、足りない属性を"
              "引き継ぎます。元には戻せません。"},
    .examples = "hayauma company merge 'Acme Inc.' 'ACME Japan'",
    .run = run_merge,
};

const struct cli_command cmd_company_delete = {
    .name = "company delete",
    .args = "COMPANY",
    .n_min = 1,
    .n_max = 1,
    .summary = {"delete a company; its leads stay", "会社を削除する (リードは残る)"},
    .examples = "hayauma company delete 'Acme Inc.'",
    .run = run_delete,
};
