/* queue: what waits, by campaign and domain. */
#include "cli.h"
#include "commands.h"

/* Whether an earlier row is of the same campaign. */
static bool is_told(const json_t *rows, size_t at)
{
    const char *campaign = cli_str(json_array_get(rows, at), "campaign");
    for (size_t i = 0; i < at; i++)
        if (strcmp(cli_str(json_array_get(rows, i), "campaign"), campaign) == 0)
            return true;
    return false;
}

/* Below the table, what keeps whole campaigns waiting: a line each. */
static void print_waits(struct cli *c, const json_t *rows)
{
    char waits[CLI_WAITS_MAX], line[CLI_WAITS_MAX + 64];
    const json_t *row;
    size_t i;
    json_array_foreach(rows, i, row)
    {
        if (!cli_waits(c, json_object_get(row, "waits"), waits)[0] || is_told(rows, i))
            continue;
        snprintf(line, sizeof line, "%.40s: %s", cli_str(row, "campaign"), waits);
        cli_put_line(c, "", line);
    }
}

static int run(struct cli *c)
{
    static const char *const heads[] = {"FRESH",    "DEFERRED", "HELD",
                                        "NEXT DUE", "DOMAIN",   "CAMPAIGN"};
    struct cli_table t;
    json_t *args = json_object(), *r;
    const json_t *row;
    size_t i;
    char time[32], domains[32], pending[32];
    const char *limit = cli_option(c, "limit");
    uint64_t n = 50;
    if (limit && (hy_str_to_u64(hy_str_of(limit), 1000, &n) || n == 0)) {
        fprintf(c->err, _(c, "--%s must be a number up to %llu\n"), "limit", 1000ULL);
        json_decref(args);
        return CLI_USAGE;
    }
    json_object_set_new(args, "limit", json_integer((json_int_t)n));
    if (cli_option(c, "tenant"))
        json_object_set_new(args, "tenant", json_string(cli_option(c, "tenant")));
    if (c->n_args)
        json_object_set_new(args, "campaign", json_string(c->args[0]));
    int code = cli_request(c, "queue", args, NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    if (json_array_size(json_object_get(r, "rows")) == 0) {
        fprintf(c->out, "%s", _(c, "Nothing waits.\n"));
        json_decref(r);
        return CLI_OK;
    }
    cli_table_init(&t, heads, "rrrlll");
    json_array_foreach(json_object_get(r, "rows"), i, row)
    {
        cli_table_add_n(&t, cli_int(row, "fresh"));
        cli_table_add_n(&t, cli_int(row, "deferred"));
        cli_table_add_n(&t, cli_int(row, "held"));
        cli_table_add(&t, cli_time(cli_str(row, "next_due"), time));
        cli_table_add(&t, cli_str(row, "domain"));
        cli_table_add(&t, json_is_true(json_object_get(row, "relay")) ? _(c, "(ready messages)")
                                                                      : cli_str(row, "campaign"));
    }
    cli_table_print(&t, c, cli_width(c));
    print_waits(c, json_object_get(r, "rows"));
    if (cli_int(r, "domains") > (int64_t)i)
        fprintf(c->out, _(c, "... in all %s pending at %s domains: see --limit\n"),
                cli_number(cli_int(r, "pending"), pending),
                cli_number(cli_int(r, "domains"), domains));
    json_decref(r);
    return CLI_OK;
}

static const struct cli_option options[] = {
    {"limit", "N", CLI_TEXT, NULL, {"how many to show (50)", "表示する件数 (50)"}},
    {"tenant", "NAME", CLI_TEXT, NULL, {"of this tenant only", "このテナントのものだけ"}},
    {0}};
const struct cli_command cmd_queue = {
    .name = "queue",
    .args = "[CAMPAIGN]",
    .n_max = 1,
    .kind = CLI_CAMPAIGN,
    .summary = {"show what waits to be sent, by campaign and domain",
                "送信待ちの宛先をキャンペーン・ドメイン別に表示する"},
    .examples = "hayauma queue\nhayauma queue \"Winter news\" --json",
    .options = options,
    .run = run,
};
