/* queue list, retry, move, purge: single rows of the queue, by filters. */
#include <unistd.h>

#include "cli.h"
#include "commands.h"

/* Filters of the command line as arguments; false: told what is wrong. */
static bool add_filters(struct cli *c, json_t *args)
{
    static const char *const texts[] = {"campaign", "domain",  "site",  "provider",
                                        "state",    "code",    "reply", "recipient",
                                        "sender",   "message", "tenant"};
    const char *older = cli_option(c, "older-than");
    int64_t older_s = older ? cli_seconds(older) : 0;
    if (older && older_s == 0) {
        fprintf(c->err, _(c, "--%s takes a time such as 30s, 15m, 2h or 3d\n"), "older-than");
        return false;
    }
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (cli_option(c, texts[i]))
            json_object_set_new(args, texts[i], json_string(cli_option(c, texts[i])));
    if (older_s)
        json_object_set_new(args, "older_s", json_integer(older_s));
    if (cli_flag(c, "ready"))
        json_object_set_new(args, "ready", json_true());
    return true;
}

/* What is not among the rows, although it may be meant. */
static void print_left_out(struct cli *c, const json_t *r)
{
    char n[32];
    if (cli_int(r, "queueing"))
        fprintf(c->err,
                _(c, "%s campaigns still make rows: those made from now on are left out.\n"),
                cli_number(cli_int(r, "queueing"), n));
    if (cli_int(r, "unknown_domains"))
        fprintf(c->err,
                _(c, "%s domains are left out: DNS does not say now which site is theirs.\n"),
                cli_number(cli_int(r, "unknown_domains"), n));
}

static const char *whose(struct cli *c, const json_t *row)
{
    return cli_str(row, "campaign")[0] ? cli_str(row, "campaign") : _(c, "(ready messages)");
}

/* ---- list ---- */

static void add_reply(struct cli_table *t, const json_t *row)
{
    struct hy_buf reply = HY_BUF_INIT(65536);
    if (cli_int(row, "code"))
        hy_buf_printf(&reply, "%d ", (int)cli_int(row, "code"));
    hy_buf_printf(&reply, "%s", cli_str(row, "reply"));
    cli_table_add(t, hy_buf_cstr(&reply));
    hy_buf_free(&reply);
}

static int run_list(struct cli *c)
{
    static const char *const heads[] = {"STATE",     "TRIES",    "DUE",
                                        "RECIPIENT", "CAMPAIGN", "LAST REPLY"};
    struct cli_table t;
    json_t *args = json_object(), *r;
    const json_t *row;
    size_t i;
    char time[32], total[32];
    const char *limit = cli_option(c, "limit");
    uint64_t n = 50;
    bool good = add_filters(c, args);
    if (good && limit && (hy_str_to_u64(hy_str_of(limit), 1000, &n) || n == 0)) {
        fprintf(c->err, _(c, "--%s must be a number up to %llu\n"), "limit", 1000ULL);
        good = false;
    }
    if (!good) {
        json_decref(args);
        return CLI_USAGE;
    }
    bool is_any = json_object_size(args) > 0;
    json_object_set_new(args, "limit", json_integer((json_int_t)n));
    int code = cli_request(c, "queue.list", args, NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    if (json_array_size(json_object_get(r, "rows")) == 0) {
        fprintf(c->out, "%s", _(c, is_any ? "Nothing like that waits.\n" : "Nothing waits.\n"));
        print_left_out(c, r);
        json_decref(r);
        return CLI_OK;
    }
    cli_table_init(&t, heads, "lrllll");
    json_array_foreach(json_object_get(r, "rows"), i, row)
    {
        cli_table_add(&t, cli_str(row, "state"));
        cli_table_add_n(&t, cli_int(row, "attempts"));
        cli_table_add(&t, cli_time(json_string_value(json_object_get(row, "due")), time));
        cli_table_add(&t, cli_str(row, "recipient"));
        cli_table_add(&t, whose(c, row));
        add_reply(&t, row);
    }
    cli_table_print(&t, c, cli_width(c));
    if (cli_int(r, "total") > (int64_t)i)
        fprintf(c->out, _(c, "... of %s in all: see --limit\n"),
                cli_number(cli_int(r, "total"), total));
    print_left_out(c, r);
    json_decref(r);
    return CLI_OK;
}

/* ---- retry, move, purge ---- */

static int on_progress(void *ctx, const json_t *p)
{
    struct cli *c = ctx;
    char n[32], of[32];
    bool is_rows = strcmp(cli_str(p, "doing"), "rows") == 0;
    if (c->json || !isatty(fileno(c->err)))
        return 0;
    fprintf(c->err, "\r");
    fprintf(c->err, is_rows ? _(c, "%s of %s rows") : _(c, "%s of %s domains looked up"),
            cli_number(cli_int(p, is_rows ? "rows" : "domains"), n),
            cli_number(cli_int(p, "of"), of));
    fprintf(c->err, "\033[K");
    fflush(c->err);
    return 0;
}

static int ask_daemon(struct cli *c, const char *command, json_t *args, bool is_dry, json_t **ret)
{
    const struct hy_control_call_options options = {
        .progress = on_progress, .progress_ctx = c, .timeout_ms = -1};
    json_t *copy = json_copy(args);
    json_object_set_new(copy, "dry_run", json_boolean(is_dry));
    int code = cli_request(c, command, copy, &options, ret);
    if (!c->json && isatty(fileno(c->err)))
        fprintf(c->err, "\r\033[K");
    return code;
}

static void print_plan(struct cli *c, const json_t *r)
{
    static const char *const heads[] = {"ROWS", "DOMAIN", "CAMPAIGN"};
    char rows[32], domains[32], campaigns[32], ready[32];
    struct cli_table t;
    const json_t *row;
    size_t i;
    fprintf(c->out,
            _(c, "%s recipients are meant: %s domains, %s campaigns; %s are of ready messages.\n"),
            cli_number(cli_int(r, "rows"), rows), cli_number(cli_int(r, "domains"), domains),
            cli_number(cli_int(r, "campaigns"), campaigns), cli_number(cli_int(r, "ready"), ready));
    print_left_out(c, r);
    if (cli_int(r, "rows") == 0)
        return;
    cli_table_init(&t, heads, "rll");
    json_array_foreach(json_object_get(r, "top"), i, row)
    {
        cli_table_add_n(&t, cli_int(row, "rows"));
        cli_table_add(&t, cli_str(row, "domain"));
        cli_table_add(&t, whose(c, row));
    }
    cli_table_print(&t, c, cli_width(c));
    if (cli_int(r, "domains") > (int64_t)i)
        fprintf(c->out, _(c, "... and %s more\n"),
                cli_number(cli_int(r, "domains") - (int64_t)i, rows));
}

static int change(struct cli *c, const char *command, json_t *args, const char *question)
{
    char n[32];
    json_t *r;
    bool is_dry = cli_flag(c, "dry-run");
    bool looks_first = is_dry || (cli_can_ask() && !cli_flag(c, "yes"));
    int code = CLI_OK;
    if (looks_first) {
        code = ask_daemon(c, command, args, true, &r);
        if (code || (c->json && is_dry))
            return code ? code : cli_print_json(c, r);
        if (!c->json)
            print_plan(c, r);
        bool is_none = cli_int(r, "rows") == 0;
        json_decref(r);
        if (is_dry || is_none)
            return CLI_OK;
        if (!cli_confirm(c, question))
            return CLI_FAILED;
    }
    code = ask_daemon(c, command, args, false, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    print_left_out(c, r);
    fprintf(c->out, _(c, "%s recipients were changed.\n"), cli_number(cli_int(r, "changed"), n));
    json_decref(r);
    return CLI_OK;
}

static bool has_filter(const struct cli *c)
{
    static const char *const filters[] = {"all",    "campaign", "ready",     "sender", "message",
                                          "domain", "site",     "provider",  "state",  "older-than",
                                          "code",   "reply",    "recipient", "tenant"};
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++)
        if (cli_flag(c, filters[i]))
            return true;
    return false;
}

/* The arguments that all three share; NULL: told what is wrong. */
static json_t *arguments(struct cli *c)
{
    json_t *args = json_object();
    if (!has_filter(c))
        fprintf(c->err, "%s", _(c, "say which rows: by a filter, or --all\n"));
    else if (add_filters(c, args))
        return args;
    json_decref(args);
    return NULL;
}

static int run_retry(struct cli *c)
{
    json_t *args = arguments(c);
    if (!args)
        return CLI_USAGE;
    int code = change(c, "queue.retry", args, _(c, "Try them now? [y/N] "));
    json_decref(args);
    return code;
}

/* In how many seconds; 0: told that nothing sensible is said. */
static int64_t read_when(struct cli *c)
{
    const char *in = cli_option(c, "in"), *at = cli_option(c, "at");
    int64_t in_s = in ? cli_seconds(in) : at ? cli_until(at, time(NULL)) : 0;
    if (in_s >= 60 && !(in && at))
        return in_s;
    fprintf(c->err, "%s",
            _(c,
              "say when: --in TIME, a minute at least (15m, 2h, 3d), or --at TIME to come (09:30, "
              "2026-12-01T09:30)\n"));
    return 0;
}

/* Whether nothing is said that an order to whole lines of mail cannot mean. */
static bool is_route(const struct cli *c)
{
    static const char *const known[] = {"campaign", "domain", "site",   "provider",
                                        "pool",     "all",    "for",    "dry-run",
                                        "yes",      "json",   "config", "socket"};
    for (size_t i = 0; i < c->n_given; i++) {
        bool is_known = false;
        for (size_t k = 0; k < sizeof known / sizeof *known && !is_known; k++)
            is_known = strcmp(c->given[i].option->name, known[k]) == 0;
        if (!is_known)
            return false;
    }
    return true;
}

/* By another pool: an order to what waits and to what comes; NULL: told what is wrong. */
static json_t *route_arguments(struct cli *c)
{
    static const char *const texts[] = {"campaign", "domain", "site", "provider", "pool"};
    const char *duration = cli_option(c, "for");
    int64_t for_s = duration ? cli_seconds(duration) : 0;
    if (!is_route(c)) {
        fprintf(c->err, "%s",
                _(c, "--pool moves all mail of --campaign, --domain, --site or --provider (or "
                     "--all): other filters, --in and --at do not go with it\n"));
        return NULL;
    }
    if (duration && for_s == 0) {
        fprintf(c->err, _(c, "--%s takes a time such as 30s, 15m, 2h or 3d\n"), "for");
        return NULL;
    }
    json_t *args = json_object();
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (cli_option(c, texts[i]))
            json_object_set_new(args, texts[i], json_string(cli_option(c, texts[i])));
    if (cli_flag(c, "all"))
        json_object_set_new(args, "all", json_true());
    if (for_s)
        json_object_set_new(args, "for_s", json_integer(for_s));
    return args;
}

/* Tells what waits for it now. */
static int show_route(struct cli *c)
{
    json_t *args = json_object(), *r;
    (void)add_filters(c, args);
    json_object_set_new(args, "in_s", json_integer(60));
    int code = ask_daemon(c, "queue.move", args, true, &r);
    json_decref(args);
    if (code)
        return code;
    if (c->json)
        return cli_print_json(c, r);
    print_plan(c, r);
    json_decref(r);
    return CLI_OK;
}

static int run_route(struct cli *c)
{
    json_t *args = has_filter(c) ? route_arguments(c) : arguments(c), *r;
    bool is_dry = cli_flag(c, "dry-run");
    if (!args)
        return CLI_USAGE;
    int code = CLI_OK;
    if (is_dry || (cli_can_ask() && !cli_flag(c, "yes") && !c->json))
        code = show_route(c);
    bool goes_on = code == CLI_OK && !is_dry;
    if (goes_on && !cli_confirm(c, _(c, "Send them, and what comes, by that pool? [y/N] ")))
        code = CLI_FAILED;
    if (!goes_on || code) {
        json_decref(args);
        return code;
    }
    code = cli_request(c, "lane.route", args, NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    fprintf(c->out,
            _(c, "Order %lld is in force: such mail goes by %s; 'hayauma lane release %lld' "
                 "ends it.\n"),
            (long long)cli_int(r, "no"), cli_str(r, "pool"), (long long)cli_int(r, "no"));
    json_decref(r);
    return CLI_OK;
}

static int run_move(struct cli *c)
{
    if (cli_flag(c, "pool"))
        return run_route(c);
    int64_t in_s = read_when(c);
    json_t *args = in_s ? arguments(c) : NULL;
    if (!args)
        return CLI_USAGE;
    json_object_set_new(args, "in_s", json_integer(in_s));
    int code = change(c, "queue.move", args, _(c, "Put them off? [y/N] "));
    json_decref(args);
    return code;
}

static int run_purge(struct cli *c)
{
    json_t *args = arguments(c);
    if (!args)
        return CLI_USAGE;
    if (!cli_can_ask() && !cli_flag(c, "yes") && !cli_flag(c, "dry-run")) {
        fprintf(c->err, "%s", _(c, "nobody can be asked here: say --yes, or --dry-run to look\n"));
        json_decref(args);
        return CLI_USAGE;
    }
    json_object_set_new(args, "bounce", json_boolean(cli_flag(c, "bounce")));
    if (cli_option(c, "reason"))
        json_object_set_new(args, "reason", json_string(cli_option(c, "reason")));
    int code = change(c, "queue.purge", args,
                      _(c, "Take them out for good? They will not be sent. [y/N] "));
    json_decref(args);
    return code;
}

#define FILTERS                                                                                    \
    {"campaign", "NAME", CLI_CAMPAIGN, NULL, {"rows of this campaign", "このキャンペーンの宛先"}}, \
        {"ready",                                                                                  \
         NULL,                                                                                     \
         CLI_TEXT,                                                                                 \
         NULL,                                                                                     \
         {"only ready messages (submission, 'hayauma send')",                                      \
          "受け付けた完成メール (submission、hayauma send) だけ"}},                                \
        {"tenant", "NAME", CLI_TEXT, NULL, {"of this tenant", "このテナントの宛先"}},              \
        {"sender",                                                                                 \
         "ADDRESS",                                                                                \
         CLI_TEXT,                                                                                 \
         NULL,                                                                                     \
         {"ready messages of this envelope sender; @DOMAIN: of all of it; <>: of none",            \
          "このエンベロープ送信者の完成メール。@DOMAIN はそのドメイン全体、<> は送信者なし"}},     \
        {"message",                                                                                \
         "ID",                                                                                     \
         CLI_TEXT,                                                                                 \
         NULL,                                                                                     \
         {"this ready message, by the id that 'hayauma explain' shows",                            \
          "この完成メール (explain が示す ID)"}},                                                  \
        {"domain", "NAME", CLI_TEXT, NULL, {"at this domain", "このドメインの宛先"}},              \
        {"recipient", "ADDRESS", CLI_TEXT, NULL, {"of this address", "このアドレスの宛先"}},       \
        {"site",                                                                                   \
         "NAME",                                                                                   \
         CLI_TEXT,                                                                                 \
         NULL,                                                                                     \
         {"whose MX hosts are this site, or all match (*.google.com)",                             \
          "MX ホストがこの配信先のもの、または一致するもの (*.google.com)"}},                      \
        {"provider",                                                                               \
         "NAME",                                                                                   \
         CLI_TEXT,                                                                                 \
         NULL,                                                                                     \
         {"under this shaping rule (default: none)", "この送信制限ルールの宛先 (default: なし)"}}, \
        {"state",                                                                                  \
         "LIST",                                                                                   \
         CLI_TEXT,                                                                                 \
         NULL,                                                                                     \
         {"in these states: fresh,deferred,held", "これらの状態の宛先: fresh,deferred,held"}},     \
        {"older-than",                                                                             \
         "TIME",                                                                                   \
         CLI_TEXT,                                                                                 \
         NULL,                                                                                     \
         {"whose campaign started, or message came, longer ago: 30m, 2h, 3d",                      \
          "これより前に始まったキャンペーン、または受け付けたメールの宛先: 30m、2h、3d"}},         \
        {"code",                                                                                   \
         "CODE",                                                                                   \
         CLI_TEXT,                                                                                 \
         NULL,                                                                                     \
         {"whose last reply had this code: 421, 45x, 4xx",                                         \
          "最後の応答コードがこれの宛先: 421、45x、4xx"}},                                         \
    {                                                                                              \
        "reply", "PATTERN", CLI_TEXT, NULL,                                                        \
        {                                                                                          \
            "whose last reply (\"421 4.7.0 text\") has this regular expression",                   \
                "最後の応答 (\"421 4.7.0 text\") がこの正規表現に合う宛先"        \
        }                                                                                          \
    }

#define CHANGING                                                                                   \
    {"all", NULL, CLI_TEXT, NULL, {"every pending row", "未完の宛先すべて"}},                      \
        {"dry-run",                                                                                \
         NULL,                                                                                     \
         CLI_TEXT,                                                                                 \
         NULL,                                                                                     \
         {"only say how many rows at which domains", "対象の件数とドメインだけを表示する"}},       \
    {                                                                                              \
        "yes", NULL, CLI_TEXT, NULL,                                                               \
        {                                                                                          \
            "do not ask", "確認しない"                                                        \
        }                                                                                          \
    }

static const struct cli_option list_options[] = {
    FILTERS, {"limit", "N", CLI_TEXT, NULL, {"how many to show (50)", "表示する件数 (50)"}}, {0}};
static const struct cli_option retry_options[] = {FILTERS, CHANGING, {0}};
static const struct cli_option move_options[] = {
    FILTERS,
    CHANGING,
    {"in",
     "TIME",
     CLI_TEXT,
     NULL,
     {"due after this: 15m, 2h, 3d", "この時間の後に送る: 15m、2h、3d"}},
    {"at",
     "TIME",
     CLI_TEXT,
     NULL,
     {"due then: 09:30, 2026-12-01T09:30", "この時刻に送る: 09:30、2026-12-01T09:30"}},
    {"pool",
     "NAME",
     CLI_TEXT,
     NULL,
     {"by this pool of sources, or this source, instead of the campaign's",
      "キャンペーンの指定に代えて、この送信元プールまたは送信元から送る"}},
    {"for",
     "TIME",
     CLI_TEXT,
     NULL,
     {"with --pool: only so long (until 'lane release')",
      "--pool の期間 (省略すると lane release まで)"}},
    {0}};
static const struct cli_option purge_options[] = {
    FILTERS,
    CHANGING,
    {"bounce",
     NULL,
     CLI_TEXT,
     NULL,
     {"count them as bounced, not as cancelled", "中止ではなく不達として数える"}},
    {"reason",
     "TEXT",
     CLI_TEXT,
     NULL,
     {"why, for the log and for 'explain'", "理由。記録と explain に残る"}},
    {0}};

const struct cli_command cmd_queue_list = {
    .name = "queue list",
    .args = "",
    .summary = {"show recipients that wait, with the last reply for each",
                "送信待ちの宛先を最後の応答とともに表示する"},
    .examples = "hayauma queue list --domain example.jp\n"
                "hayauma queue list --state deferred --code 421 --limit 20",
    .options = list_options,
    .run = run_list,
};
const struct cli_command cmd_queue_retry = {
    .name = "queue retry",
    .args = "",
    .summary = {"try deferred recipients now", "再送待ちの宛先を今すぐ送る"},
    .about =
        {"Limits, holds and delivery hours count as ever. The campaign goes on meanwhile.\n"
         "Those that are held, in doubt after a crash, are only sent again with --state held:\n"
         "they may have been delivered.",
         "送信制限、停止の指示、配信時間帯はいつもどおり守られます。配信は止まりません。\n"
         "クラッシュで結果が不明になり保留されたものは、届いている可能性があるので、\n"
         "--state held を付けたときだけ送り直します。"},
    .examples = "hayauma queue retry --domain example.jp\n"
                "hayauma queue retry --provider gmail --code 421 --dry-run\n"
                "hayauma queue retry --ready --state held",
    .options = retry_options,
    .run = run_retry,
};
const struct cli_command cmd_queue_move = {
    .name = "queue move",
    .args = "",
    .summary = {"put recipients off to a later time, or move them to other sources",
                "宛先の送信を後の時刻や別の送信元に移す"},
    .about = {"Those that were never tried are put off, too. While rows are moved their campaign\n"
              "rests: half a second for a million. What is on the wire is not moved.\n"
              "With --pool mail goes by other sources at once, and so does what comes later: an\n"
              "order that 'hayauma lane list' shows and 'hayauma lane release' ends.",
              "まだ送っていない宛先も移します。移す間そのキャンペーンは休みます (100 万件で約 0.5 "
              "秒)。\n"
              "送信中のものは移りません。--pool を付けると、待っているメールもこれから加わる\n"
              "メールも、すぐに別の送信元から送ります。この指示は hayauma lane list に表示され、\n"
              "hayauma lane release で終わります。"},
    .examples = "hayauma queue move --provider yahoo --in 2h\n"
                "hayauma queue move --campaign \"Winter news\" --domain example.jp --at 09:00\n"
                "hayauma queue move --provider gmail --pool spare --for 6h",
    .options = move_options,
    .run = run_move,
};
const struct cli_command cmd_queue_purge = {
    .name = "queue purge",
    .args = "",
    .summary = {"take recipients out of the queue for good", "宛先を送信待ちから外す"},
    .about =
        {"They are counted as cancelled (or bounced), and 'explain' tells who did it and why.\n"
         "While rows are taken out their campaign rests: half a second for a million. What is\n"
         "on the wire takes the outcome it gets.",
         "中止 (または不達) として数え、explain "
         "は誰がなぜ外したかを示します。外す間そのキャンペーンは\n"
         "休みます (100 万件で約 0.5 秒)。送信中のものは、その結果のとおりになります。"},
    .examples =
        "hayauma queue purge --campaign \"Winter news\" --reason \"wrong price\" --dry-run\n"
        "hayauma queue purge --domain exmaple.jp --bounce --yes\n"
        "hayauma queue purge --ready --sender @shop.example.jp --state held",
    .options = purge_options,
    .run = run_purge,
};
