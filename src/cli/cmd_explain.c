/* explain: the life of a message, or all of somebody's. */
#include "cli.h"
#include "commands.h"
#include "moment.h"
#include "retell.h"
#include "site_text.h"
#include "suppress_words.h"

/* "rcpt: 550 5.1.1 No such user": where it happened, and the words. */
static void print_reply(struct cli *c, const json_t *a)
{
    struct hy_buf b = HY_BUF_INIT(65536), told = HY_BUF_INIT(65536);
    hy_buf_printf(&b, "%s: ", cli_str(a, "phase"));
    if (cli_int(a, "code"))
        hy_buf_printf(&b, "%lld ", (long long)cli_int(a, "code"));
    const char *enhanced = cli_str(a, "enhanced"), *text = cli_str(a, "text");
    if (strcmp(enhanced, "0.0.0") != 0 && strncmp(text, enhanced, strlen(enhanced)) != 0)
        hy_buf_printf(&b, "%s ", enhanced); /* ours, or of a line that is not shown */
    bool is_ours = json_is_false(json_object_get(a, "from_server"));
    hy_buf_printf(&b, "%s", is_ours ? cli_retell(c, text, &told) : text);
    if (cli_str(a, "reason")[0])
        hy_buf_printf(&b, " [%s]", cli_str(a, "reason"));
    cli_put_line(c, "      ", hy_buf_cstr(&b));
    hy_buf_free(&told);
    hy_buf_free(&b);
}

static void print_attempt(struct cli *c, const json_t *a)
{
    char at[32], line[1024];
    const char *tls = cli_str(a, "tls"), *source = cli_str(a, "source");
    snprintf(line, sizeof line, "%s  %s  %s%s%s%s%s%s%s%s%s", cli_time(cli_str(a, "at"), at),
             cli_state(c, cli_str(a, "outcome")), cli_str(a, "mx_host"),
             cli_str(a, "mx_ip")[0] ? " [" : "", cli_str(a, "mx_ip"),
             cli_str(a, "mx_ip")[0] ? "]" : "", tls[0] ? " " : "", tls,
             source[0] ? _(c, " from ") : "", source,
             json_is_true(json_object_get(a, "in_doubt")) ? _(c, " (in doubt)") : "");
    cli_put_line(c, "    ", line);
    if (cli_str(a, "tls_policy")[0]) {
        snprintf(line, sizeof line, _(c, "TLS policy: %s%s%s%s%s"),
                 cli_text(c, cli_str(a, "tls_policy")), cli_str(a, "tls_check")[0] ? "; " : "",
                 cli_text(c, cli_str(a, "tls_check")), cli_str(a, "tls_name")[0] ? ": " : "",
                 cli_str(a, "tls_name"));
        cli_put_line(c, "      ", line);
    }
    print_reply(c, a);
    if (cli_str(a, "due")[0]) {
        snprintf(line, sizeof line, _(c, "tried again: %s"), cli_time(cli_str(a, "due"), at));
        cli_put_line(c, "      ", line);
    }
}

/* Who opened or clicked, and why that is thought; "" for what is neither. */
static const char *who_did(const struct cli *c, const json_t *a)
{
    static const struct {
        const char *verdict, *reason, *words;
    } all[] = {
        {"human", "", " by a person"},
        {"human", "proof", " by a person: a visit of the site or an answer followed"},
        {"human", "proxy", " by a person, through the proxy of a mail service"},
        {"unknown", "privacy", " by Apple's privacy proxy: whether anybody read it is not known"},
        {"machine", "agent", " by a machine: a robot or a library by its own words"},
        {"machine", "head", " by a machine: it asked for the head only"},
        {"machine", "prefetch", " by a machine: a browser fetched ahead"},
        {"machine", "early", " by a machine: the mail was not yet accepted"},
        {"machine", "burst", " by a machine: several links at once"},
        {"machine", "crowd", " by a machine: the mails of many people at once"},
        {"unknown", "", ", not judged yet"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(cli_str(a, "verdict"), all[i].verdict) == 0 &&
            strcmp(cli_str(a, "reason"), all[i].reason) == 0)
            return _(c, all[i].words);
    return "";
}

/* Consents and orders: what became of them is in their details. */
static bool is_stated(const char *kind)
{
    return strcmp(kind, "consent") == 0 || strcmp(kind, "order") == 0;
}

static void put_text(const json_t *a, const json_t *details, struct hy_buf *out)
{
    if (strcmp(cli_str(a, "kind"), "order") == 0)
        cli_moment_order(details, out);
    if (cli_str(a, "text")[0])
        hy_buf_printf(out, "%s%s", out->len ? "  " : "", cli_str(a, "text"));
}

/* What came back, a line or two each. */
static void print_noted(struct cli *c, const json_t *list, const char *indent)
{
    const json_t *a;
    size_t i;
    json_array_foreach(list, i, a)
    {
        char at[32], line[2048], what[CLI_MOMENT_MAX];
        const json_t *details = json_object_get(a, "details");
        const char *kind = cli_str(a, "kind");
        const char *state = cli_str(details, strcmp(kind, "order") == 0 ? "status" : "what");
        struct hy_buf text = HY_BUF_INIT(4096);
        put_text(a, details, &text);
        bool is_hard = json_is_true(json_object_get(a, "hard"));
        const char *who = who_did(c, a);
        bool has_reason = cli_str(a, "reason")[0] && !who[0];
        snprintf(line, sizeof line, "%s  %s%s%s%s%s%s%s%.1100s", cli_time(cli_str(a, "at"), at),
                 cli_moment_what(c, kind, is_stated(kind) ? state : "", what), who,
                 is_hard ? _(c, " (for good)") : "", has_reason ? " [" : "",
                 has_reason ? cli_str(a, "reason") : "", has_reason ? "]" : "",
                 text.len ? ": " : "", hy_buf_cstr(&text));
        cli_put_line(c, indent, line);
        hy_buf_free(&text);
    }
}

static void print_message(struct cli *c, const json_t *m)
{
    char time[32], line[1024], waits[CLI_WAITS_MAX];
    const json_t *a;
    size_t i;
    if (cli_str(m, "message")[0]) /* a ready one */
        snprintf(line, sizeof line, _(c, "%.300s to %.260s (%s, from %.260s)"),
                 cli_str(m, "message_id"), cli_str(m, "recipient"), cli_str(m, "message"),
                 cli_str(m, "who"));
    else
        snprintf(line, sizeof line, "%s (%s), %s", cli_str(m, "name"), cli_str(m, "campaign"),
                 cli_state(c, cli_str(m, "campaign_state")));
    fputc('\n', c->out);
    cli_put_line(c, c->is_color ? "\033[1m" : "", line);
    if (c->is_color)
        fputs("\033[0m", c->out);
    snprintf(line, sizeof line, _(c, "queued %s"), cli_time(cli_str(m, "queued"), time));
    cli_put_line(c, "  ", line);
    json_array_foreach(json_object_get(m, "attempts"), i, a) print_attempt(c, a);
    print_noted(c, json_object_get(m, "noted"), "    ");
    snprintf(line, sizeof line, "%s; %s%s%s", cli_state(c, cli_str(m, "state")),
             cli_text(c, cli_str(m, "next")), cli_str(m, "due")[0] ? ": " : "",
             cli_str(m, "due")[0] ? cli_time(cli_str(m, "due"), time) : "");
    cli_put_line(c, "  ", line);
    if (cli_waits(c, json_object_get(m, "waits"), waits)[0])
        cli_put_line(c, "  ", waits);
}

/* What holds mail to the domain back, where something waits. */
static void print_lanes(struct cli *c, const json_t *lanes)
{
    const json_t *l;
    size_t i;
    json_array_foreach(lanes, i, l)
    {
        char line[1024], wait[256], warm[256] = "", order[256];
        site_add_warmth(c, json_object_get(l, "warmup"), warm, sizeof warm);
        site_order(c, l, order, sizeof order);
        snprintf(line, sizeof line, _(c, "from %.63s waits for: %s%s%s%s%s"), cli_str(l, "source"),
                 site_wait(c, l, wait, sizeof wait), warm[0] ? "; " : "", warm,
                 order[0] ? "; " : "", order);
        if (i == 0)
            fputc('\n', c->out);
        cli_put_line(c, "", line);
    }
}

static int run(struct cli *c)
{
    json_t *r;
    const json_t *m;
    const char *key;
    json_t *v;
    size_t i;
    json_t *args = json_pack("{s:s}", "what", c->args[0]);
    if (cli_option(c, "tenant"))
        json_object_set_new(args, "tenant", json_string(cli_option(c, "tenant")));
    int code = cli_request(c, "explain", args, NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    const json_t *lead = json_object_get(r, "lead");
    if (lead) {
        cli_put_line(c, "", cli_str(lead, "address"));
        cli_put_line(c, "  ", cli_text(c, cli_str(lead, "status")));
    }
    json_object_foreach(json_object_get(lead, "attributes"), key, v)
    {
        char line[1024];
        snprintf(line, sizeof line, "%.200s: %.700s", key,
                 json_is_string(v) ? json_string_value(v) : "");
        cli_put_line(c, "  ", line);
    }
    json_array_foreach(json_object_get(r, "suppressions"), i, m) suppress_print_entry(c, "  ", m);
    print_noted(c, json_object_get(r, "noted"), "  ");
    json_array_foreach(json_object_get(r, "messages"), i, m) print_message(c, m);
    print_lanes(c, json_object_get(r, "lanes"));
    if (i == 0)
        fprintf(c->out, "%s", _(c, "No campaign has this lead among its recipients.\n"));
    json_decref(r);
    return CLI_OK;
}

static const struct cli_option options[] = {
    {"tenant", "NAME", CLI_TEXT, NULL, {"of this tenant only", "このテナントのものだけ"}}, {0}};
const struct cli_command cmd_explain = {
    .name = "explain",
    .args = "ADDRESS|MESSAGE-ID",
    .n_min = 1,
    .n_max = 1,
    .kind = CLI_TEXT,
    .summary = {"tell every step of a message so far, and the next",
                "宛先やメッセージのこれまでの経過と次の動作を示す"},
    .about =
        {"For an address: every campaign and every ready message that has it. For a Message-ID, a\n"
         "return path of ours or the id of a ready message: that one message. Each attempt comes\n"
         "with the server's own words; bounces, complaints and answers that came back later are\n"
         "told, too.",
         "アドレスなら関係する全キャンペーンと個別のメール、Message-"
         "ID、返送先アドレス、個別のメールの id\n"
         "ならその一通について、各送信試行を相手サーバーの応答とともに表示します。後から戻ってきた"
         "\n"
         "不達通知・苦情・返信も示します。"},
    .examples = "hayauma explain taro@example.jp\nhayauma explain '<token@mx.example.jp>' --json",
    .options = options,
    .run = run,
};
