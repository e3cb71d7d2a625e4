/* campaign show, campaign list. */
#include "cli.h"
#include "commands.h"
#include "hayauma/shape/tenant.h"
#include "retell.h"

const char *cli_state(const struct cli *c, const char *state)
{
    const struct {
        const char *name, *text;
    } states[] = {
        {"draft", _(c, "draft")},         {"scheduled", _(c, "scheduled")},
        {"queueing", _(c, "queueing")},   {"running", _(c, "running")},
        {"paused", _(c, "paused")},       {"cancelled", _(c, "cancelled")},
        {"done", _(c, "done")},           {"fresh", _(c, "not sent yet")},
        {"deferred", _(c, "deferred")},   {"held", _(c, "held")},
        {"delivered", _(c, "delivered")}, {"bounced", _(c, "bounced")},
        {"expired", _(c, "expired")},     {"suppressed", _(c, "suppressed")},
    };
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
        if (strcmp(states[i].name, state) == 0)
            return states[i].text;
    return state;
}

static void line(struct cli *c, const char *label, const char *value)
{
    struct hy_buf b = HY_BUF_INIT(65536);
    size_t n = cli_columns(hy_str_of(label));
    cli_put_cell(&b, hy_str_of(label), n < 18 ? 18 : n, true);
    struct hy_str v = hy_str_of(value);
    cli_put_cell(&b, v, cli_columns(v), false);
    fprintf(c->out, "%s\n", hy_buf_cstr(&b));
    hy_buf_free(&b);
}

static void share(struct cli *c, const char *label, int64_t n, int64_t all)
{
    char number[32], text[64];
    cli_number(n, number);
    snprintf(text, sizeof text, "%12s%s%.2f %%", number, "   ",
             all ? 100.0 * (double)n / (double)all : 0.0);
    line(c, label, text);
}

static void print_hours(struct cli *c, const json_t *hours)
{
    struct hy_buf b = HY_BUF_INIT(8192);
    bool is_by_lead = json_is_true(json_object_get(hours, "by_lead"));
    if (!json_is_object(hours))
        return;
    hy_buf_printf(&b, "%s", cli_str(hours, "spans"));
    if (cli_str(hours, "time_zone")[0])
        hy_buf_printf(&b, " %s", cli_str(hours, "time_zone"));
    if (is_by_lead)
        hy_buf_printf(&b, " (%s)", _(c, "or each recipient's own time zone"));
    line(c, _(c, "hours"), hy_buf_cstr(&b));
    if (cli_str(hours, "closed")[0])
        line(c, _(c, "closed on"), cli_str(hours, "closed"));
    hy_buf_free(&b);
}

/* The segment that it goes to, or leaves out. */
static void print_segment(struct cli *c, const char *label, const json_t *s)
{
    struct hy_buf b = HY_BUF_INIT(1024);
    char n[32];
    if (!s)
        return;
    cli_put_cell(&b, hy_str_of(cli_str(s, "name")), SIZE_MAX, false);
    if (strcmp(cli_str(s, "state"), "missing") == 0)
        hy_buf_printf(&b, " (%s)", _(c, "there is no such segment"));
    else
        hy_buf_printf(&b,
                      cli_int(s, "leads") == 1 ? _(c, " (%s lead now)") : _(c, " (%s leads now)"),
                      cli_number(cli_int(s, "leads"), n));
    line(c, label, hy_buf_cstr(&b));
    hy_buf_free(&b);
}

void cli_print_campaign(struct cli *c, const json_t *o)
{
    char time[32], number[32], text[64], waits[CLI_WAITS_MAX];
    int64_t queued = cli_int(o, "queued");
    const json_t *lists = json_object_get(o, "lists"), *l;
    size_t i;
    line(c, _(c, "campaign"), cli_str(o, "name"));
    line(c, _(c, "id"), cli_str(o, "id"));
    line(c, _(c, "state"), cli_campaign_state(c, o, waits));
    if (cli_str(o, "note")[0]) {
        struct hy_buf told = HY_BUF_INIT(4096);
        line(c, _(c, "why"), cli_retell(c, cli_str(o, "note"), &told));
        hy_buf_free(&told);
    }
    if (strcmp(cli_str(o, "tenant"), HY_TENANT_DEFAULT) != 0)
        line(c, _(c, "tenant"), cli_str(o, "tenant"));
    if (cli_str(o, "pool")[0])
        line(c, _(c, "pool"), cli_str(o, "pool"));
    if (json_is_true(json_object_get(o, "pool_missing")) && !cli_str(o, "ended")[0])
        line(c, "", _(c, "stands in hayauma.yaml no more: nothing is sent until it does"));
    print_hours(c, json_object_get(o, "hours"));
    json_array_foreach(lists, i, l)
        line(c, i ? "" : _(c, "lists"), json_is_string(l) ? json_string_value(l) : "");
    print_segment(c, _(c, "segment"), json_object_get(o, "segment"));
    print_segment(c, _(c, "left out"), json_object_get(o, "exclude"));
    line(c, _(c, "created"), cli_time(cli_str(o, "created"), time));
    if (cli_str(o, "start_at")[0])
        line(c, _(c, "starts at"), cli_time(cli_str(o, "start_at"), time));
    if (cli_str(o, "started")[0])
        line(c, _(c, "started"), cli_time(cli_str(o, "started"), time));
    if (cli_str(o, "ended")[0])
        line(c, _(c, "ended"), cli_time(cli_str(o, "ended"), time));
    if (!cli_str(o, "started")[0])
        return;
    snprintf(text, sizeof text, "%12s", cli_number(queued, number));
    line(c, _(c, "queued"), text);
    share(c, _(c, "delivered"), cli_int(o, "delivered"), queued);
    share(c, _(c, "bounced"), cli_int(o, "bounced"), queued);
    share(c, _(c, "expired"), cli_int(o, "expired"), queued);
    share(c, _(c, "suppressed"), cli_int(o, "suppressed"), queued);
    share(c, _(c, "cancelled"), cli_int(o, "cancelled"), queued);
    share(c, _(c, "pending"), cli_int(o, "pending"), queued);
    if (cli_int(o, "deferred"))
        share(c, _(c, "  deferred"), cli_int(o, "deferred"), queued);
    if (cli_int(o, "held"))
        share(c, _(c, "  held"), cli_int(o, "held"), queued);
    snprintf(text, sizeof text, "%12s", cli_number(cli_int(o, "attempts"), number));
    line(c, _(c, "attempts"), text);
    if (cli_int(o, "resent_in_doubt")) {
        snprintf(text, sizeof text, "%12s", cli_number(cli_int(o, "resent_in_doubt"), number));
        line(c, _(c, "sent again in doubt"), text);
    }
}

static int run_show(struct cli *c)
{
    json_t *r;
    int code =
        cli_request(c, "campaign.show", json_pack("{s:s}", "campaign", c->args[0]), NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    cli_print_campaign(c, r);
    json_decref(r);
    return CLI_OK;
}

static int run_list(struct cli *c)
{
    static const char *const heads[] = {"ID",       "STATE",   "QUEUED",  "DELIVERED", "BOUNCED",
                                        "DEFERRED", "PENDING", "CREATED", "NAME"};
    struct cli_table t;
    json_t *r;
    const json_t *o;
    size_t i;
    char time[32], waits[CLI_WAITS_MAX];
    const char *tenant = cli_option(c, "tenant");
    int code = cli_request(c, "campaign.list", tenant ? json_pack("{s:s}", "tenant", tenant) : NULL,
                           NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    cli_table_init(&t, heads, "llrrrrrll");
    json_array_foreach(json_object_get(r, "campaigns"), i, o)
    {
        cli_table_add(&t, cli_str(o, "id"));
        cli_table_add(&t, cli_campaign_state(c, o, waits));
        cli_table_add_n(&t, cli_int(o, "queued"));
        cli_table_add_n(&t, cli_int(o, "delivered"));
        cli_table_add_n(&t, cli_int(o, "bounced"));
        cli_table_add_n(&t, cli_int(o, "deferred"));
        cli_table_add_n(&t, cli_int(o, "pending"));
        cli_table_add(&t, cli_time(cli_str(o, "created"), time));
        cli_table_add(&t, cli_str(o, "name"));
    }
    cli_table_print(&t, c, cli_width(c));
    json_decref(r);
    return CLI_OK;
}

const struct cli_command cmd_campaign_show = {
    .name = "campaign show",
    .args = "NAME",
    .n_min = 1,
    .n_max = 1,
    .kind = CLI_CAMPAIGN,
    .summary = {"show a campaign and where its recipients stand",
                "キャンペーンと宛先の状況を表示する"},
    .about = {"queued = delivered + bounced + expired + suppressed + cancelled + pending, always.",
              "常に queued = 配達 + 不達 + 期限切れ + 送信停止 + 中止 + 未完 が成り立ちます。"},
    .examples = "hayauma campaign show \"Winter news\"",
    .run = run_show,
};
static const struct cli_option list_options[] = {
    {"tenant", "NAME", CLI_TEXT, NULL, {"of this tenant only", "このテナントのものだけ"}}, {0}};
const struct cli_command cmd_campaign_list = {
    .name = "campaign list",
    .args = "",
    .options = list_options,
    .summary = {"list all campaigns", "キャンペーンの一覧を表示する"},
    .examples = "hayauma campaign list\nhayauma campaign list --json | jq -r '.campaigns[].name'",
    .run = run_list,
};
