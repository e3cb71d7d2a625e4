/* list create, list show, list export. */
#include "cli.h"
#include "commands.h"
#include "files.h"
#include "retell.h"

#include <string.h>

static int show_all(struct cli *c)
{
    static const char *const heads[] = {"LEADS", "CREATED", "LIST"};
    struct cli_table t;
    json_t *r;
    const json_t *l;
    size_t i;
    char time[32];
    int code = cli_request(c, "list.list", NULL, NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    cli_table_init(&t, heads, "rll");
    json_array_foreach(json_object_get(r, "lists"), i, l)
    {
        cli_table_add_n(&t, cli_int(l, "members"));
        cli_table_add(&t, cli_time(cli_str(l, "created"), time));
        cli_table_add(&t, cli_str(l, "name"));
    }
    cli_table_print(&t, c, cli_width(c));
    json_decref(r);
    return CLI_OK;
}

static void print_lead(struct cli *c, const json_t *lead)
{
    struct hy_buf line = HY_BUF_INIT(1u << 20);
    const char *key;
    json_t *v;
    hy_buf_printf(&line, "%s  %s", cli_str(lead, "address"), cli_text(c, cli_str(lead, "status")));
    json_object_foreach(json_object_get(lead, "attributes"), key, v)
    {
        hy_buf_printf(&line, "  %s=%s", key, json_is_string(v) ? json_string_value(v) : "");
    }
    struct hy_buf safe = HY_BUF_INIT(4u << 20);
    size_t width = cli_width(c), n = cli_columns(hy_buf_str(&line));
    cli_put_cell(&safe, hy_buf_str(&line), width && n > width ? width : n, false);
    fprintf(c->out, "%s\n", hy_buf_cstr(&safe));
    hy_buf_free(&line);
    hy_buf_free(&safe);
}

static int show_one(struct cli *c)
{
    json_t *args = json_pack("{s:s}", "list", c->args[0]), *r;
    const json_t *lead;
    size_t i;
    char n[32], time[32];
    int code = cli_number_option(c, "limit", 1000, args);
    if (!code)
        code = cli_number_option(c, "offset", INT64_MAX, args);
    if (code) {
        json_decref(args);
        return code;
    }
    code = cli_request(c, "list.show", args, NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    const json_t *list = json_object_get(r, "list");
    fprintf(c->out, _(c, "%s: leads %s, made %s\n"), cli_str(list, "name"),
            cli_number(cli_int(list, "members"), n), cli_time(cli_str(list, "created"), time));
    json_array_foreach(json_object_get(r, "leads"), i, lead) print_lead(c, lead);
    json_decref(r);
    return CLI_OK;
}

static int run_show(struct cli *c)
{
    return c->n_args ? show_one(c) : show_all(c);
}

static int run_export(struct cli *c)
{
    int64_t rows = -1;
    char n[32];
    json_t *args = json_pack("{s:s, s:b}", "list", c->args[0], "safe", (int)!cli_flag(c, "raw"));
    int code = export_file(c, "list.export", args, &rows);
    if (code == CLI_OK && rows >= 0)
        fprintf(c->err, _(c, "Leads exported: %s.\n"), cli_number(rows, n));
    return code;
}

static int run_create(struct cli *c)
{
    static const char *const texts[][2] = {
        {"opt-in", "opt_in"}, {"from", "from"}, {"template", "template"}};
    json_t *args = json_pack("{s:s}", "name", c->args[0]), *r;
    const char *within = cli_option(c, "confirm-within");
    const json_t *warning;
    size_t i;
    for (i = 0; i < sizeof texts / sizeof *texts; i++)
        if (cli_option(c, texts[i][0]))
            json_object_set_new(args, texts[i][1], json_string(cli_option(c, texts[i][0])));
    json_object_set_new(args, "change", json_boolean(cli_flag(c, "change")));
    if (within && cli_seconds(within) == 0) {
        json_decref(args);
        fprintf(c->err, "%s", _(c, "--confirm-within is a time such as 7d\n"));
        return CLI_USAGE;
    }
    if (within)
        json_object_set_new(args, "confirm_s", json_integer(cli_seconds(within)));
    int code = cli_request(c, "list.create", args, NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    fprintf(c->out,
            strcmp(cli_str(r, "opt_in"), "double") == 0
                ? _(c, "%s: who joins is asked by mail first.\n")
                : _(c, "%s: who joins is a member at once.\n"),
            cli_str(r, "name"));
    json_array_foreach(json_object_get(r, "warnings"), i, warning)
    {
        struct hy_buf told = HY_BUF_INIT(4096);
        fprintf(c->err, "%s: %s\n", _(c, "warning"),
                cli_retell(c, json_string_value(warning), &told));
        hy_buf_free(&told);
    }
    json_decref(r);
    return CLI_OK;
}

static const struct cli_option create_options[] = {
    {"opt-in",
     "HOW",
     CLI_WORDS,
     "single double",
     {"single, or double: a mail asks whoever joins (single)",
      "single、または確認メールで問う double (single)"}},
    {"confirm-within",
     "TIME",
     CLI_TEXT,
     NULL,
     {"how long one may confirm (7d)", "確認を受け付ける期間 (7d)"}},
    {"from", "ADDRESS", CLI_TEXT, NULL, {"who writes the mail that asks", "確認メールの差出人"}},
    {"template",
     "NAME",
     CLI_TEXT,
     NULL,
     {"the stored template that asks", "確認メールのテンプレート"}},
    {"change", NULL, CLI_TEXT, NULL, {"of a list that is there", "既にあるリストを変える"}},
    {0}};
const struct cli_command cmd_list_create = {
    .name = "list create",
    .args = "NAME",
    .n_min = 1,
    .n_max = 1,
    .kind = CLI_LIST,
    .summary = {"make a list, and say how one joins it", "リストを作り、加わり方を決める"},
    .about = {"With --opt-in double whoever is put on the list waits until the link in a mail was\n"
              "pressed and confirmed; campaigns go to confirmed members only.",
              "--opt-in double では、加えられた人は確認メールのリンク先で承認するまで待ちになり、\n"
              "キャンペーンは承認済みの人だけに届きます。"},
    .examples = "hayauma list create news --opt-in double --from news@example.jp",
    .options = create_options,
    .run = run_create,
};

static const struct cli_option show_options[] = {
    {"limit", "N", CLI_TEXT, NULL, {"leads to show (20)", "表示する件数 (20)"}},
    {"offset", "N", CLI_TEXT, NULL, {"leads to pass over first (0)", "最初に飛ばす件数 (0)"}},
    {0}};
const struct cli_command cmd_list_show = {
    .name = "list show",
    .args = "[NAME]",
    .n_max = 1,
    .kind = CLI_LIST,
    .summary = {"show all lists, or the first leads of one",
                "リスト一覧、または一つのリストの先頭を表示する"},
    .examples = "hayauma list show\nhayauma list show customers --limit 5",
    .options = show_options,
    .run = run_show,
};

static const struct cli_option export_options[] = {CLI_OUTPUT_OPTION, CLI_RAW_OPTION, {0}};
const struct cli_command cmd_list_export = {
    .name = "list export",
    .args = "NAME",
    .n_min = 1,
    .n_max = 1,
    .kind = CLI_LIST,
    .summary = {"write a list as CSV (UTF-8), with all attributes",
                "リストを全属性とともに CSV (UTF-8) で書き出す"},
    .examples = "hayauma list export customers --output customers.csv",
    .options = export_options,
    .run = run_export,
};
