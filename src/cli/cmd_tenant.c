/* tenant list, tenant show: what each tenant may, has used up, and how its mail stands. */
#include "cli.h"
#include "commands.h"

/* Of ready messages and of campaigns together. */
static int64_t both(const json_t *t, const char *state)
{
    return cli_int(json_object_get(t, "messages"), state) +
           cli_int(json_object_get(t, "campaigns"), state);
}

/* "12 / 1,000", or "12" without a limit. */
static const char *used(const json_t *t, const char *what, char out[64])
{
    const json_t *q = json_object_get(json_object_get(t, "quota"), what);
    char n[32], limit[32];
    cli_number(cli_int(q, "used"), n);
    if (json_is_null(json_object_get(q, "limit")))
        snprintf(out, 64, "%s", n);
    else
        snprintf(out, 64, "%s / %s", n, cli_number(cli_int(q, "limit"), limit));
    return out;
}

static int run_list(struct cli *c)
{
    static const char *const heads[] = {"NUMBER",  "ACCEPTED",   "DELIVERED", "BOUNCED", "DEFERRED",
                                        "PENDING", "SUPPRESSED", "HOUR",      "DAY",     "TENANT"};
    struct cli_table t;
    json_t *r;
    const json_t *x;
    size_t i;
    char text[64];
    int code = cli_request(c, "tenant.list", json_object(), NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    cli_table_init(&t, heads, "rrrrrrrrrl");
    json_array_foreach(json_object_get(r, "tenants"), i, x)
    {
        cli_table_add_n(&t, cli_int(x, "number"));
        cli_table_add_n(&t, both(x, "queued"));
        cli_table_add_n(&t, both(x, "delivered"));
        cli_table_add_n(&t, both(x, "bounced"));
        cli_table_add_n(&t, both(x, "deferred"));
        cli_table_add_n(&t, both(x, "pending"));
        cli_table_add_n(&t, both(x, "suppressed"));
        cli_table_add(&t, used(x, "hour", text));
        cli_table_add(&t, used(x, "day", text));
        cli_table_add(&t, cli_str(x, "tenant"));
    }
    cli_table_print(&t, c, cli_width(c));
    json_decref(r);
    return CLI_OK;
}

static void label(struct cli *c, const char *name)
{
    struct hy_buf b = HY_BUF_INIT(4096);
    cli_put_cell(&b, hy_str_of(name), 20, true);
    fprintf(c->out, "%s", hy_buf_cstr(&b));
    hy_buf_free(&b);
}

static void line(struct cli *c, const char *name, const char *value)
{
    label(c, name);
    fprintf(c->out, "%s\n", value);
}

static void print_keys(struct cli *c, const json_t *t)
{
    const json_t *keys = json_object_get(t, "dkim"), *k;
    size_t i;
    json_array_foreach(keys, i, k)
    {
        label(c, i ? "" : _(c, "DKIM keys"));
        fprintf(c->out, "%s._domainkey.%s\n", cli_str(k, "selector"), cli_str(k, "domain"));
    }
    if (json_array_size(keys) == 0 || json_is_true(json_object_get(t, "installation_keys")))
        line(c, json_array_size(keys) ? "" : _(c, "DKIM keys"),
             json_is_true(json_object_get(t, "installation_keys"))
                 ? _(c, "those of the installation")
                 : _(c, "none"));
}

static void print_rules(struct cli *c, const json_t *t)
{
    const json_t *domains = json_object_get(t, "from_domains"), *one;
    char text[64];
    size_t i;
    json_array_foreach(domains, i, one)
        line(c, i ? "" : _(c, "From domains"), json_is_string(one) ? json_string_value(one) : "");
    print_keys(c, t);
    snprintf(text, sizeof text, "%lld", (long long)cli_int(t, "weight"));
    line(c, _(c, "weight"), text);
    if (cli_int(t, "rate_count")) {
        snprintf(text, sizeof text, "%lld / %g s", (long long)cli_int(t, "rate_count"),
                 json_number_value(json_object_get(t, "rate_period_s")));
        line(c, _(c, "rate"), text);
    }
    if (cli_str(t, "pool")[0])
        line(c, _(c, "pool"), cli_str(t, "pool"));
    if (cli_str(t, "contact")[0])
        line(c, _(c, "contact"), cli_str(t, "contact"));
}

static void print_sums(struct cli *c, const json_t *t)
{
    static const char *const states[] = {"queued",  "delivered",  "bounced",
                                         "expired", "suppressed", "cancelled",
                                         "pending", "deferred",   "held"};
    char n[32], m[32];
    label(c, "");
    fprintf(c->out, "%16s %16s\n", _(c, "messages"), _(c, "campaigns"));
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        label(c, i ? cli_state(c, states[i]) : _(c, "queued"));
        fprintf(c->out, "%16s %16s\n",
                cli_number(cli_int(json_object_get(t, "messages"), states[i]), n),
                cli_number(cli_int(json_object_get(t, "campaigns"), states[i]), m));
    }
}

static int run_show(struct cli *c)
{
    json_t *args = json_object(), *r;
    char text[64], n[32];
    json_object_set_new(args, "tenant", json_string(c->args[0]));
    int code = cli_request(c, "tenant.list", args, NULL, &r);
    const json_t *t = code ? NULL : json_array_get(json_object_get(r, "tenants"), 0);
    if (code)
        return code;
    if (c->json) {
        json_t *only = json_incref((json_t *)(uintptr_t)t);
        json_decref(r);
        return cli_print_json(c, only);
    }
    snprintf(text, sizeof text, "%lld", (long long)cli_int(t, "number"));
    line(c, _(c, "tenant"), cli_str(t, "tenant"));
    line(c, _(c, "number"), text);
    print_rules(c, t);
    const json_t *accepted = json_object_get(t, "accepted");
    line(c, _(c, "messages handed in"), cli_number(cli_int(accepted, "messages"), n));
    line(c, _(c, "last of them"),
         cli_str(accepted, "last")[0] ? cli_time(cli_str(accepted, "last"), n) : "-");
    line(c, _(c, "this hour"), used(t, "hour", text));
    line(c, _(c, "the last day"), used(t, "day", text));
    line(c, _(c, "waiting"), used(t, "queued", text));
    fputc('\n', c->out);
    print_sums(c, t);
    json_decref(r);
    return CLI_OK;
}

static int run_report(struct cli *c)
{
    json_t *args = json_object(), *r;
    const char *days = cli_option(c, "days");
    uint64_t n = 1;
    if (days && (hy_str_to_u64(hy_str_of(days), 31, &n) != HY_OK || n == 0)) {
        json_decref(args);
        cli_fail(c, HY_EINVAL, _(c, "--days is a number from 1 to 31"), NULL);
        return CLI_USAGE;
    }
    json_object_set_new(args, "tenant", json_string(c->args[0]));
    json_object_set_new(args, "days", json_integer((json_int_t)n));
    json_object_set_new(args, "language", json_string(c->lang == CLI_JA ? "ja" : "en"));
    struct hy_control_call_options o = {.timeout_ms = -1};
    int code = cli_request(c, "tenant.report", args, &o, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    fputs(cli_str(r, "text"), c->out);
    json_decref(r);
    return CLI_OK;
}

static const struct cli_option report_options[] = {
    {"days", "N", CLI_TEXT, NULL, {"how many back, up to 31 (1)", "さかのぼる日数、31 まで (1)"}},
    {0}};

const struct cli_command cmd_tenant_report = {
    .name = "tenant report",
    .args = "TENANT",
    .n_min = 1,
    .n_max = 1,
    .kind = CLI_TEXT,
    .summary = {"what became of a tenant's mail in the last days",
                "直近のテナントのメールの結果を示す"},
    .about =
        {"The same that its contact gets by mail (tenants[].contact, report, report_hour,\n"
         "language). It is read from the logs, as far back as store.log_retention keeps them.",
         "連絡先にメールで届くもの (tenants[] の contact、report、report_hour、language) と同じ\n"
         "です。store.log_retention の期間のログから読みます。"},
    .examples = "hayauma tenant report shop\nhayauma tenant report shop --days 7 --json",
    .options = report_options,
    .run = run_report,
};

const struct cli_command cmd_tenant_list = {
    .name = "tenant list",
    .args = "",
    .summary = {"show tenants, what they have used up and how their mail stands",
                "テナントと、使用量・配信状況を表示する"},
    .about = {"Counts are recipients, of messages that applications handed in and of campaigns\n"
              "together. HOUR and DAY are what the quotas of the tenant count: recipients handed\n"
              "in during this clock hour and the last 24 hours, of how many.",
              "数は宛先数で、アプリケーションのメールとキャンペーンの合計です。「1 "
              "時間」と「日」はクォータの\n"
              "使用量 (この 1 時間と直近 24 時間に受け付けた宛先数) と上限です。"},
    .examples = "hayauma tenant list\nhayauma tenant list --json",
    .run = run_list,
};

const struct cli_command cmd_tenant_show = {
    .name = "tenant show",
    .args = "TENANT",
    .n_min = 1,
    .n_max = 1,
    .kind = CLI_TEXT,
    .summary = {"show one tenant: its rules, quotas and mail",
                "テナントの規則・クォータ・配信状況を表示する"},
    .examples = "hayauma tenant show shop\nhayauma tenant show 7 --json",
    .run = run_show,
};
