/* queue: what waits, by campaign and domain. */
#include "cli.h"
#include "commands.h"

static int run(struct cli *c)
{
    static const char *const heads[] = {"FRESH",    "DEFERRED", "HELD",
                                        "NEXT DUE", "DOMAIN",   "CAMPAIGN"};
    struct cli_table t;
    json_t *args = json_object(), *r;
    const json_t *row;
    size_t i;
    char time[32];
    if (c->n_args)
        json_object_set_new(args, "campaign", json_string(c->args[0]));
    int code = cli_request(c, "queue", args, NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    cli_table_init(&t, heads, "rrrlll");
    json_array_foreach(json_object_get(r, "rows"), i, row)
    {
        cli_table_add_n(&t, cli_int(row, "fresh"));
        cli_table_add_n(&t, cli_int(row, "deferred"));
        cli_table_add_n(&t, cli_int(row, "held"));
        cli_table_add(&t, cli_time(cli_str(row, "next_due"), time));
        cli_table_add(&t, cli_str(row, "domain"));
        cli_table_add(&t, cli_str(row, "campaign"));
    }
    cli_table_print(&t, c, cli_width(c));
    json_decref(r);
    return CLI_OK;
}

const struct cli_command cmd_queue = {
    .name = "queue",
    .args = "[CAMPAIGN]",
    .n_max = 1,
    .kind = CLI_CAMPAIGN,
    .summary = {"show what waits to be sent, by campaign and domain",
                "送信待ちの宛先を配信・ドメイン別に表示する"},
    .examples = "hayauma queue\nhayauma queue \"Winter news\" --json",
    .run = run,
};
