/* lane list, hold, slow, release; acts: the operator's hands, and what they did. */
#include <inttypes.h>
#include <stdlib.h>

#include "cli.h"
#include "commands.h"

static bool add_number(struct cli *c, json_t *args, const char *option)
{
    const char *text = cli_option(c, option);
    uint64_t n;
    if (!text)
        return true;
    if (hy_str_to_u64(hy_str_of(text), 10000, &n) || n == 0) {
        fprintf(c->err, _(c, "--%s must be a number up to %llu\n"), option, 10000ULL);
        return false;
    }
    json_object_set_new(args, option, json_integer((json_int_t)n));
    return true;
}

/* What is wrong can be said without the daemon; NULL: nothing. */
static const char *fault_of(struct cli *c, bool slows)
{
    int n = cli_flag(c, "domain") + cli_flag(c, "site") + cli_flag(c, "provider");
    if (n != 1)
        return _(c, "name one of --domain, --site and --provider\n");
    if (slows && !cli_flag(c, "factor") && !cli_flag(c, "connections"))
        return _(c, "say how slow: --factor N or --connections N\n");
    if (slows && cli_flag(c, "domain"))
        return _(c, "a domain can only be held: slow its site or provider\n");
    return NULL;
}

static int order(struct cli *c, const char *command)
{
    static const char *const texts[] = {"domain", "site", "provider", "source"};
    const char *fault = fault_of(c, strcmp(command, "lane.slow") == 0);
    if (fault) {
        fputs(fault, c->err);
        return CLI_USAGE;
    }
    json_t *args = json_object(), *r;
    const char *duration = cli_option(c, "for");
    int64_t for_s = duration ? cli_seconds(duration) : 0;
    if (duration && for_s == 0) {
        fprintf(c->err, _(c, "--%s takes a time such as 30s, 15m, 2h or 3d\n"), "for");
        json_decref(args);
        return CLI_USAGE;
    }
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (cli_option(c, texts[i]))
            json_object_set_new(args, texts[i], json_string(cli_option(c, texts[i])));
    if (for_s)
        json_object_set_new(args, "for_s", json_integer(for_s));
    if (!add_number(c, args, "factor") || !add_number(c, args, "connections")) {
        json_decref(args);
        return CLI_USAGE;
    }
    int code = cli_request(c, command, args, NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    fprintf(c->out, _(c, "Order %lld is in force; 'hayauma lane release %lld' ends it.\n"),
            (long long)cli_int(r, "no"), (long long)cli_int(r, "no"));
    if (json_is_false(json_object_get(r, "at_work")))
        fprintf(c->out, "%s",
                _(c, "No such site is at work now: the order counts as soon as one is.\n"));
    json_decref(r);
    return CLI_OK;
}

static int run_hold(struct cli *c)
{
    return order(c, "lane.hold");
}

static int run_slow(struct cli *c)
{
    return order(c, "lane.slow");
}

static int run_release(struct cli *c)
{
    uint64_t no;
    json_t *r;
    if (hy_str_to_u64(hy_str_of(c->args[0]), UINT32_MAX, &no) || no == 0) {
        fprintf(c->err, "%s", _(c, "name the order by its number: 'hayauma lane list'\n"));
        return CLI_USAGE;
    }
    int code = cli_request(c, "lane.release", json_pack("{s:I}", "no", (json_int_t)no), NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    fprintf(c->out, _(c, "Order %lld is over.\n"), (long long)no);
    json_decref(r);
    return CLI_OK;
}

static int run_list(struct cli *c)
{
    static const char *const heads[] = {"NO",  "ORDER", "SCOPE", "NAME", "SOURCE",
                                        "HOW", "UNTIL", "MADE",  "BY"};
    struct cli_table t;
    json_t *r;
    const json_t *o;
    size_t i;
    int code = cli_request(c, "lane.list", NULL, NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    cli_table_init(&t, heads, "rllllllll");
    json_array_foreach(json_object_get(r, "orders"), i, o)
    {
        char time[32], speed[64] = "-";
        if (cli_int(o, "factor"))
            snprintf(speed, sizeof speed, "1/%" PRId64, cli_int(o, "factor"));
        if (cli_str(o, "pool")[0])
            snprintf(speed, sizeof speed, _(c, "by %.50s"), cli_str(o, "pool"));
        if (cli_int(o, "connections"))
            snprintf(speed + strlen(speed), sizeof speed - strlen(speed), " %" PRId64 " conn",
                     cli_int(o, "connections"));
        cli_table_add_n(&t, cli_int(o, "no"));
        cli_table_add(&t, cli_str(o, "order"));
        cli_table_add(&t, cli_str(o, "scope"));
        cli_table_add(&t, cli_str(o, "name")[0]       ? cli_str(o, "name")
                          : cli_str(o, "campaign")[0] ? cli_str(o, "campaign")
                                                      : "*");
        cli_table_add(&t, cli_str(o, "source")[0] ? cli_str(o, "source") : "*");
        cli_table_add(&t, speed);
        cli_table_add(&t, cli_time(json_string_value(json_object_get(o, "until")), time));
        cli_table_add(&t, cli_time(cli_str(o, "made"), time));
        cli_table_add(&t, cli_str(o, "user"));
    }
    cli_table_print(&t, c, cli_width(c));
    json_decref(r);
    return CLI_OK;
}

/* What an act says besides who and when. */
static void add_details(struct hy_buf *out, const json_t *act)
{
    static const char *const known[] = {"act", "uid", "user", "time"};
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)act, key, v)
    {
        bool skip = json_is_null(v) || (json_is_string(v) && !json_string_value(v)[0]) ||
                    (json_is_integer(v) && json_integer_value(v) == 0);
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            skip |= strcmp(key, known[i]) == 0;
        char *text = skip ? NULL : json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
        if (text)
            hy_buf_printf(out, "%s%s=%s", out->len ? " " : "", key, text);
        free(text);
    }
}

static int run_acts(struct cli *c)
{
    static const char *const heads[] = {"TIME", "BY", "ACT", "DETAILS"};
    struct cli_table t;
    json_t *args = json_object(), *r;
    const json_t *act;
    size_t i;
    const char *limit = cli_option(c, "limit");
    uint64_t n = 50;
    if (limit && (hy_str_to_u64(hy_str_of(limit), 1000, &n) || n == 0)) {
        fprintf(c->err, _(c, "--%s must be a number up to %llu\n"), "limit", 1000ULL);
        json_decref(args);
        return CLI_USAGE;
    }
    json_object_set_new(args, "limit", json_integer((json_int_t)n));
    int code = cli_request(c, "acts", args, NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    cli_table_init(&t, heads, "llll");
    json_array_foreach(json_object_get(r, "acts"), i, act)
    {
        char time[32], uid[32];
        struct hy_buf details = HY_BUF_INIT(65536);
        snprintf(uid, sizeof uid, "%" PRId64, cli_int(act, "uid"));
        add_details(&details, act);
        cli_table_add(&t, cli_time(cli_str(act, "time"), time));
        cli_table_add(&t, cli_str(act, "user")[0] ? cli_str(act, "user") : uid);
        cli_table_add(&t, cli_str(act, "act"));
        cli_table_add(&t, hy_buf_cstr(&details));
        hy_buf_free(&details);
    }
    cli_table_print(&t, c, cli_width(c));
    json_decref(r);
    return CLI_OK;
}

#define TARGET                                                                                     \
    {"domain",                                                                                     \
     "NAME",                                                                                       \
     CLI_TEXT,                                                                                     \
     NULL,                                                                                         \
     {"mail to this recipient domain (hold only)", "この宛先ドメインへのメール (hold のみ)"}},     \
        {"site",                                                                                   \
         "NAME",                                                                                   \
         CLI_TEXT,                                                                                 \
         NULL,                                                                                     \
         {"this site, or all whose MX hosts match (*.google.com)",                                 \
          "この配信先、または MX ホストが一致するもの (*.google.com)"}},                           \
        {"provider",                                                                               \
         "NAME",                                                                                   \
         CLI_TEXT,                                                                                 \
         NULL,                                                                                     \
         {"sites of this shaping rule", "この送信制限ルールの配信先"}},                            \
        {"source", "NAME", CLI_TEXT, NULL, {"only from this source", "この送信元からのみ"}},       \
    {                                                                                              \
        "for", "TIME", CLI_TEXT, NULL,                                                             \
        {                                                                                          \
            "ends by itself after this: 30s, 15m, 2h, 3d",                                         \
                "この時間の後に自動で終わる: 30s、15m、2h、3d"                     \
        }                                                                                          \
    }

static const struct cli_option hold_options[] = {TARGET, {0}};
static const struct cli_option slow_options[] = {
    TARGET,
    {"factor",
     "N",
     CLI_TEXT,
     NULL,
     {"one Nth of what is sent there now (2 to 1000)", "今の送信量の N 分の 1 にする (2~1000)"}},
    {"connections", "N", CLI_TEXT, NULL, {"at most N connections", "接続は N 本まで"}},
    {0}};
static const struct cli_option acts_options[] = {
    {"limit", "N", CLI_TEXT, NULL, {"how many to show (50)", "表示する件数 (50)"}}, {0}};

const struct cli_command cmd_lane_list = {
    .name = "lane list",
    .args = "",
    .summary = {"show the orders to lanes that are in force", "有効なレーンへの指示を表示する"},
    .examples = "hayauma lane list",
    .run = run_list,
};
const struct cli_command cmd_lane_hold = {
    .name = "lane hold",
    .args = "",
    .summary = {"send nothing more to a domain, site or provider until it is released",
                "解除するまで、ドメイン・配信先・provider への送信を止める"},
    .about = {"What is on the wire ends; everything else waits, and nothing is lost. The order\n"
              "outlives a restart of the daemon, and is written to the log of acts.",
              "送信中のものは終わりまで送り、残りは待ちます。何も失われません。指示はデーモンの\n"
              "再起動後も有効で、操作の記録に残ります。"},
    .examples = "hayauma lane hold --provider gmail --for 2h\n"
                "hayauma lane hold --domain example.jp",
    .options = hold_options,
    .run = run_hold,
};
const struct cli_command cmd_lane_slow = {
    .name = "lane slow",
    .args = "",
    .summary = {"send more slowly to a site or provider", "配信先・provider への送信を遅くする"},
    .about =
        {"With --factor a lane keeps one Nth of its connections and of the messages a second\n"
         "that it sent when the order came; the day and the limits of the whole provider\n"
         "are divided as well. One connection is left at least, with pauses between its\n"
         "messages. 'lane show', 'site', 'sites', 'top' and 'explain' say that a lane is\n"
         "slowed, by which order and by whom. When the order is over it goes on as before.",
         "--factor を指定すると、レーンの接続数と毎秒の通数を指示した時点の N 分の 1 にします。\n"
         "1 日の上限と provider 全体の制限も N 分の 1 になります。接続は 1 本は残し、その場合は\n"
         "メッセージの間隔を空けます。抑制中であること、どの指示か、誰が出したかは 'lane show'、\n"
         "'site'、'sites'、'top'、'explain' に表示されます。指示が終われば元の速さに戻ります。"},
    .examples = "hayauma lane slow --provider yahoo --factor 4 --for 1d\n"
                "hayauma lane slow --site '*.google.com' --connections 2",
    .options = slow_options,
    .run = run_slow,
};
const struct cli_command cmd_lane_release = {
    .name = "lane release",
    .args = "NO",
    .n_min = 1,
    .n_max = 1,
    .summary = {"end an order to lanes", "レーンへの指示を終える"},
    .examples = "hayauma lane release 3",
    .run = run_release,
};
const struct cli_command cmd_acts = {
    .name = "acts",
    .args = "",
    .summary = {"show what operators did, the newest first", "操作の記録を新しい順に表示する"},
    .examples = "hayauma acts --limit 10",
    .options = acts_options,
    .run = run_acts,
};
