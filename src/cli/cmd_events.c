/* events endpoints, tail, pause, resume, replay: what goes to others, and how far. */
#include <stdlib.h>
#include <time.h>

#include "cli.h"
#include "commands.h"

/* ---- endpoints ---- */

static const char *unread(const json_t *r, const json_t *o, char room[40])
{
    char n[32];
    int64_t count = cli_int(o, "unread");
    snprintf(room, 40, "%s%s", cli_number(count, n), count >= cli_int(r, "unread_max") ? "+" : "");
    return room;
}

static int run_endpoints(struct cli *c)
{
    static const char *const heads[] = {"STATE", "NAME", "KIND", "SENT", "UNREAD", "READ TO", "TO"};
    struct cli_table t;
    json_t *r;
    const json_t *o;
    size_t i;
    char time[32], room[40];
    int code = cli_request(c, "events.endpoints", NULL, NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    cli_table_init(&t, heads, "lllrrll");
    json_array_foreach(json_object_get(r, "endpoints"), i, o)
    {
        cli_table_add(&t, _(c, cli_str(o, "state")));
        cli_table_add(&t, cli_str(o, "name"));
        cli_table_add(&t, cli_str(o, "kind"));
        cli_table_add_n(&t, cli_int(o, "sent"));
        cli_table_add(&t, unread(r, o, room));
        cli_table_add(&t, cli_time(json_string_value(json_object_get(o, "read_to")), time));
        cli_table_add(&t, cli_str(o, "to"));
    }
    cli_table_print(&t, c, cli_width(c));
    json_array_foreach(json_object_get(r, "endpoints"), i, o)
    {
        struct hy_buf line = HY_BUF_INIT(4096);
        hy_buf_printf(&line, "%s: %s", cli_str(o, "name"), cli_str(o, "why"));
        if (cli_str(o, "why")[0])
            cli_put_line(c, "", hy_buf_cstr(&line));
        hy_buf_free(&line);
    }
    json_decref(r);
    return CLI_OK;
}

/* ---- tail ---- */

static void print_event(struct cli *c, const json_t *e)
{
    char time[32];
    struct hy_buf line = HY_BUF_INIT(65536);
    if (c->json) {
        json_dumpf(e, c->out, JSON_COMPACT);
        fputc('\n', c->out);
        return;
    }
    const char *words = cli_str(e, "diagnostic")[0] ? cli_str(e, "diagnostic") : cli_str(e, "text");
    hy_buf_printf(&line, "%s %-12s %s", cli_time(cli_str(e, "time"), time), cli_str(e, "type"),
                  cli_str(e, "recipient")[0] ? cli_str(e, "recipient") : cli_str(e, "sender"));
    if (cli_str(e, "reason")[0])
        hy_buf_printf(&line, " %s", cli_str(e, "reason"));
    if (words[0])
        hy_buf_printf(&line, " %s", words);
    cli_put_line(c, "", hy_buf_cstr(&line));
    hy_buf_free(&line);
}

static void set_from(struct cli *c, json_t *args)
{
    char text[32];
    const char *from = cli_option(c, "from");
    if (!from)
        return;
    int64_t ago = cli_seconds(from);
    if (ago) {
        hy_wall_ms now = (hy_wall_ms)time(NULL) * 1000;
        from = hy_wall_format(now - ago * 1000, text);
    }
    json_object_set_new(args, "from", json_string(from));
}

static void set_types(struct cli *c, json_t *args)
{
    struct hy_str rest = hy_str_of(cli_option(c, "type")), piece;
    json_t *types = json_array();
    while (rest.p && hy_str_split(&rest, ',', &piece))
        json_array_append_new(types, json_stringn(piece.p, piece.n));
    json_object_set_new(args, "types", types);
}

static void wait_a_moment(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 500 * 1000 * 1000}, NULL);
}

static int run_tail(struct cli *c)
{
    const char *limit = cli_option(c, "limit");
    uint64_t n = 20;
    bool follows = cli_flag(c, "follow");
    json_t *args = json_object(), *r;
    if (limit && (hy_str_to_u64(hy_str_of(limit), 1000, &n) || n == 0)) {
        fprintf(c->err, _(c, "--%s must be a number up to %llu\n"), "limit", 1000ULL);
        json_decref(args);
        return CLI_USAGE;
    }
    set_from(c, args);
    set_types(c, args);
    json_object_set_new(args, "limit", json_integer((json_int_t)n));
    for (;;) {
        const json_t *e;
        size_t i;
        int code = cli_request(c, "events.tail", json_deep_copy(args), NULL, &r);
        if (code) {
            json_decref(args);
            return code;
        }
        json_array_foreach(json_object_get(r, "events"), i, e) print_event(c, e);
        fflush(c->out);
        json_object_del(args, "from");
        json_object_set_new(args, "after", json_string(cli_str(r, "next")));
        json_object_set_new(args, "limit", json_integer(1000));
        bool is_all = json_array_size(json_object_get(r, "events")) == 0;
        json_decref(r);
        if (!follows) {
            json_decref(args);
            return CLI_OK;
        }
        if (is_all)
            wait_a_moment();
    }
}

/* ---- orders ---- */

static int order(struct cli *c, const char *command, bool has_from, const char *said)
{
    json_t *args = json_pack("{s:s}", "name", c->args[0]), *r;
    if (has_from && !cli_option(c, "from")) {
        fprintf(c->err, "%s", _(c, "--from is needed: a time, or how long ago, such as 2h\n"));
        json_decref(args);
        return CLI_USAGE;
    }
    set_from(c, args);
    int code = cli_request(c, command, args, NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    fprintf(c->out, "%s", said);
    json_decref(r);
    return CLI_OK;
}

static int run_pause(struct cli *c)
{
    return order(c, "events.pause", false,
                 _(c, "Nothing goes there until it is resumed; what comes is kept.\n"));
}

static int run_resume(struct cli *c)
{
    return order(c, "events.resume", false, _(c, "It goes on from where it was.\n"));
}

static int run_replay(struct cli *c)
{
    return order(c, "events.replay", true,
                 _(c, "Everything since then goes there once more, as far as the logs reach.\n"));
}

const struct cli_command cmd_events_endpoints = {
    .name = "events endpoints",
    .args = "",
    .summary = {"show where events go, and how far they are",
                "イベントの送り先と進み具合を表示する"},
    .about =
        {"Every destination of events.files and events.webhooks: its state, what it has been\n"
         "sent since the daemon's start, and how much of the logs it has not read.",
         "events.files と events.webhooks の各送り先について、状態、デーモンの起動から送った数、\n"
         "まだ読んでいないログの量を表示します。"},
    .examples = "hayauma events endpoints",
    .run = run_endpoints,
};

static const struct cli_option tail_options[] = {
    {"follow", NULL, CLI_TEXT, NULL, {"go on with what happens", "起きるたびに表示を続ける"}},
    {"from",
     "TIME",
     CLI_TEXT,
     NULL,
     {"begin there: a time, or 30m, 2h ago", "この時刻から。30m、2h は「どれだけ前」"}},
    {"type",
     "TYPES",
     CLI_WORDS,
     "accepted delivered deferred bounced expired suppressed late-bounce complaint unsubscribe "
     "reply "
     "open click",
     {"only these, with commas", "この種類だけ(コンマ区切り)"}},
    {"limit", "N", CLI_TEXT, NULL, {"so many to begin with (20)", "最初に表示する数(20)"}},
    {0}};
const struct cli_command cmd_events_tail = {
    .name = "events tail",
    .args = "",
    .summary = {"show what happens to messages and leads", "メールとリードに起きたことを表示する"},
    .about = {"Needs no destination: it reads the logs. With --json each event is a line, as\n"
              "docs/events.md has them.",
              "送り先の設定がなくても、ログから読みます。--json では 1 行に 1 件です\n"
              "(docs/events.md)。"},
    .examples = "hayauma events tail --follow --type bounced,complaint\n"
                "hayauma events tail --from 2h --limit 1000 --json",
    .options = tail_options,
    .run = run_tail,
};

const struct cli_command cmd_events_pause = {
    .name = "events pause",
    .args = "NAME",
    .n_min = 1,
    .n_max = 1,
    .summary = {"send no events to a destination for now", "送り先へのイベントを止める"},
    .about = {"Its place is kept, also over a restart, and what comes meanwhile is kept for it as\n"
              "long as events.keep_unread says.",
              "進んだ位置は再起動後も残り、その間のものは events.keep_unread の間保たれます。"},
    .examples = "hayauma events pause crm",
    .run = run_pause,
};

const struct cli_command cmd_events_resume = {
    .name = "events resume",
    .args = "NAME",
    .n_min = 1,
    .n_max = 1,
    .summary = {"let a destination go on that was paused or disabled",
                "止めた送り先、無効になった送り先を再開する"},
    .about = {"It goes on from its place, as far as the logs still reach; one that fails is tried\n"
              "at once.",
              "ログに残っている限り続きから送ります。失敗中の送り先はすぐに再試行します。"},
    .examples = "hayauma events resume crm",
    .run = run_resume,
};

static const struct cli_option replay_options[] = {
    {"from",
     "TIME",
     CLI_TEXT,
     NULL,
     {"begin there: a time, or 30m, 2h ago", "この時刻から。30m、2h は「どれだけ前」"}},
    {0}};
const struct cli_command cmd_events_replay = {
    .name = "events replay",
    .args = "NAME",
    .n_min = 1,
    .n_max = 1,
    .summary = {"send a destination everything since a time once more",
                "ある時刻からのイベントを送り先へもう一度送る"},
    .about = {"Events keep their ids, so receivers that drop what they have seen take no harm;\n"
              "files get the lines again.",
              "id は変わらないので、重複を捨てる受け手には影響しません。ファイルには同じ行が\n"
              "もう一度書かれます。"},
    .examples = "hayauma events replay crm --from 2026-11-22T00:00:00+09:00",
    .options = replay_options,
    .run = run_replay,
};
