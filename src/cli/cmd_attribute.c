/* attribute list, attribute type: what is known of leads, and what its values are. */
#include "cli.h"
#include "commands.h"

static int run_list(struct cli *c)
{
    static const char *const heads[] = {"TYPE", "ATTRIBUTE"};
    struct cli_table t;
    json_t *r;
    const json_t *a;
    size_t i;
    int code = cli_request(c, "attribute.list", NULL, NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    cli_table_init(&t, heads, "ll");
    json_array_foreach(json_object_get(r, "attributes"), i, a)
    {
        cli_table_add(&t, cli_str(a, "type"));
        cli_table_add(&t, cli_str(a, "name"));
    }
    cli_table_print(&t, c, cli_width(c));
    json_decref(r);
    return CLI_OK;
}

static int run_type(struct cli *c)
{
    json_t *r;
    int code =
        cli_request(c, "attribute.type",
                    json_pack("{s:s, s:s}", "name", c->args[0], "type", c->args[1]), NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    fprintf(c->out, _(c, "%s is a %s now; values that are stored stay as they are.\n"),
            cli_str(r, "name"), cli_str(r, "type"));
    json_decref(r);
    return CLI_OK;
}

const struct cli_command cmd_attribute_list = {
    .name = "attribute list",
    .args = "",
    .summary = {"list the attributes of leads with their types", "リードの属性と型を一覧する"},
    .examples = "hayauma attribute list",
    .run = run_list,
};

const struct cli_command cmd_attribute_type = {
    .name = "attribute type",
    .args = "NAME TYPE",
    .n_min = 2,
    .n_max = 2,
    .kind = CLI_WORDS,
    .words = "text number bool date moment",
    .summary = {"say what the values of an attribute are", "属性の値の型を決める"},
    .about =
        {"From then on imports, the API and commands refuse other values, row by row. Dates are\n"
         "kept as 2026-11-22, moments in UTC.",
         "以後、取り込み・API・コマンドはこの型でない値を 1 件ずつ拒否します。日付は 2026-11-22\n"
         "の形で、時刻は UTC で保存します。"},
    .examples = "hayauma attribute type age number\nhayauma attribute type birthday date",
    .run = run_type,
};
