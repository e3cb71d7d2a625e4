/* sites: the lanes, the busiest first. */
#include "cli.h"
#include "commands.h"
#include "site_text.h"

static void add_row(struct cli *c, struct cli_table *t, const json_t *s)
{
    char text[64], last[512];
    snprintf(text, sizeof text, "%lld%s", (long long)cli_int(s, "connections"),
             cli_int(s, "connecting") ? "+" : "");
    cli_table_add(t, cli_str(s, "site"));
    cli_table_add(t, cli_str(s, "source"));
    cli_table_add(t, cli_str(s, "rule")[0] ? cli_str(s, "rule") : "default");
    cli_table_add(t, text);
    cli_table_add_n(t, cli_int(s, "window"));
    cli_table_add_n(t, cli_int(s, "waiting"));
    snprintf(text, sizeof text, "%.1f", json_number_value(json_object_get(s, "rate")));
    cli_table_add(t, text);
    cli_table_add_n(t, cli_int(s, "delivered"));
    cli_table_add_n(t, cli_int(s, "deferred"));
    cli_table_add_n(t, cli_int(s, "bounced"));
    snprintf(last, sizeof last, "%s%.400s", site_order_mark(c, s, text, sizeof text),
             cli_str(s, "last_reply"));
    cli_table_add(t, last);
}

static int run(struct cli *c)
{
    static const char *const heads[] = {"SITE",     "SOURCE",  "RULE",      "CONN",
                                        "WINDOW",   "WAITING", "/S",        "DELIVERED",
                                        "DEFERRED", "BOUNCED", "LAST REPLY"};
    const char *limit = cli_option(c, "limit");
    uint64_t n = 50;
    struct cli_table t;
    json_t *r;
    const json_t *s;
    size_t i;
    if (limit && (hy_str_to_u64(hy_str_of(limit), 100000, &n) || n == 0)) {
        fprintf(c->err, _(c, "--%s must be a number up to %llu\n"), "limit", 100000ULL);
        return CLI_USAGE;
    }
    int code = cli_request(c, "sites", json_pack("{s:I}", "limit", (json_int_t)n), NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    if (json_array_size(json_object_get(r, "sites")) == 0) {
        fprintf(c->out, "%s", _(c, "Nothing is being sent now.\n"));
        json_decref(r);
        return CLI_OK;
    }
    cli_table_init(&t, heads, "lllrrrrrrrl");
    json_array_foreach(json_object_get(r, "sites"), i, s) add_row(c, &t, s);
    cli_table_print(&t, c, cli_width(c));
    if (cli_int(r, "total") > (int64_t)i)
        fprintf(c->out, _(c, "... and %lld more: see --limit\n"),
                (long long)(cli_int(r, "total") - (int64_t)i));
    json_decref(r);
    return CLI_OK;
}

static const struct cli_option options[] = {
    {"limit", "N", CLI_TEXT, NULL, {"how many to show (50)", "表示する件数 (50)"}}, {0}};
const struct cli_command cmd_sites = {
    .name = "sites",
    .args = "",
    .summary = {"show the receiving sites at work: connections, window, rate, last reply",
                "稼働中の配信先(接続数、枠、速度、最後の応答)を表示する"},
    .examples = "hayauma sites --limit 10",
    .options = options,
    .run = run,
};
