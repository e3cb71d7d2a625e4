/* lane show: the lanes of one site in full, and why each sends no faster now. */
#include <inttypes.h>

#include "cli.h"
#include "commands.h"
#include "site_text.h"

static double number(const json_t *o, const char *key)
{
    return json_number_value(json_object_get(o, key));
}

/* What lane.show calls it, for people. */
static const char *wait_text(struct cli *c, const char *what)
{
    static const char *const texts[][2] = {
        {"order", "held by an order"},
        {"source", "its source is gone, or has no address"},
        {"window", "the window is shut"},
        {"day", "the day is full"},
        {"mail", "nothing is in line"},
        {"provider", "a connection that the provider's limit allows"},
        {"provider_rate", "its turn in the provider's message rate"},
        {"speed", "the speed of a campaign, or the rate of a tenant"},
        {"turn", "its turn with the connections of the site: other domains' have them"},
        {"connecting", "a connection is being opened"},
        {"max_connections", "a connection: delivery.max_connections are in use"},
        {"connect", "a pause before the next connection"},
        {"press", "messages that are being made"},
        {"rate", "the message rate"},
        {"slowed", "the pace that an order leaves"},
        {"", "nothing: it sends"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (strcmp(texts[i][0], what) == 0)
            return _(c, texts[i][1]);
    return what;
}

const char *site_wait(struct cli *c, const json_t *l, char *room, size_t size)
{
    char time[32];
    snprintf(room, size, "%.200s", wait_text(c, cli_str(l, "waits_for")));
    if (cli_int(l, "waits_s"))
        snprintf(room, size, _(c, "%.200s, for %s still"), wait_text(c, cli_str(l, "waits_for")),
                 cli_duration(cli_int(l, "waits_s"), time));
    return room;
}

const char *site_order(struct cli *c, const json_t *l, char *room, size_t size)
{
    const json_t *o = json_object_get(l, "order");
    char how[96] = "", time[32];
    const char *user = cli_str(o, "user")[0] ? cli_str(o, "user") : "?";
    room[0] = '\0';
    if (!json_is_object(o))
        return room;
    if (strcmp(cli_str(o, "order"), "hold") == 0)
        snprintf(how, sizeof how, "%s", cli_text(c, "held"));
    else if (number(o, "rate") > 0)
        snprintf(how, sizeof how, _(c, "slowed to 1/%lld, %.4g messages/s"),
                 (long long)cli_int(o, "factor"), number(o, "rate"));
    else if (cli_int(o, "factor") > 1)
        snprintf(how, sizeof how, _(c, "slowed to 1/%lld"), (long long)cli_int(o, "factor"));
    else
        snprintf(how, sizeof how, "%s", _(c, "fewer connections"));
    snprintf(room, size, _(c, "%s by order %lld of %.63s, %s"), how, (long long)cli_int(o, "no"),
             user, cli_time(cli_str(o, "made"), time));
    return room;
}

const char *site_order_mark(const struct cli *c, const json_t *l, char *room, size_t size)
{
    const json_t *o = json_object_get(l, "order");
    bool is_held = json_is_true(json_object_get(l, "held"));
    room[0] = '\0';
    if (is_held)
        snprintf(room, size, "[%s] ", cli_text(c, "held"));
    else if (cli_int(o, "factor") > 1)
        snprintf(room, size, "[1/%lld: %lld] ", (long long)cli_int(o, "factor"),
                 (long long)cli_int(o, "no"));
    return room;
}

static void put_wait(struct cli *c, const json_t *l)
{
    char text[256];
    site_put(c, _(c, "waits for"), site_wait(c, l, text, sizeof text));
}

static void put_window(struct cli *c, const json_t *l)
{
    struct hy_buf b = HY_BUF_INIT(4096);
    hy_buf_printf(&b, _(c, "%s: %lld connections allowed now, %lld at most"),
                  cli_str(l, "window_state"), (long long)cli_int(l, "window"),
                  (long long)cli_int(l, "ceiling"));
    if (number(l, "window_rate") > 0)
        hy_buf_printf(&b, _(c, ", %.2f messages/s"), number(l, "window_rate"));
    if (cli_int(l, "messages_per_connection"))
        hy_buf_printf(&b, _(c, ", %lld messages a connection"),
                      (long long)cli_int(l, "messages_per_connection"));
    if (cli_int(l, "recipients_per_message"))
        hy_buf_printf(&b, _(c, ", %lld recipients a message"),
                      (long long)cli_int(l, "recipients_per_message"));
    site_put(c, _(c, "window"), hy_buf_cstr(&b));
    hy_buf_free(&b);
    if (cli_str(l, "why")[0])
        site_put(c, _(c, "because"), cli_str(l, "why"));
}

static void put_replies(struct cli *c, const json_t *l)
{
    const json_t *r;
    size_t i;
    json_array_foreach(json_object_get(l, "replies"), i, r)
    {
        char text[128], time[32], code[32] = "";
        if (cli_int(r, "code"))
            snprintf(code, sizeof code, "%" PRId64 " ", cli_int(r, "code"));
        cli_duration(cli_int(r, "ago_s"), time);
        snprintf(text, sizeof text, _(c, "%s%s: %lld times, the last %s ago"), code,
                 cli_str(r, "enhanced"), (long long)cli_int(r, "count"), time);
        site_put(c, i ? "" : _(c, "replies"), text);
    }
    if (cli_str(l, "last_reply")[0])
        site_put(c, _(c, "last reply"), cli_str(l, "last_reply"));
}

static void print_lane(struct cli *c, const json_t *l)
{
    char text[256];
    fprintf(c->out, "\n");
    site_put(c, _(c, "source"), cli_str(l, "source"));
    site_put(c, "TLS", cli_str(l, "tls"));
    put_window(c, l);
    if (site_order(c, l, text, sizeof text)[0])
        site_put(c, _(c, "ordered"), text);
    snprintf(text, sizeof text, _(c, "%lld up, %lld being opened"),
             (long long)cli_int(l, "connections"), (long long)cli_int(l, "connecting"));
    site_put(c, _(c, "connections"), text);
    snprintf(text, sizeof text,
             _(c, "%lld in line of %lld domains, of them %lld ready and %lld on the wire"),
             (long long)cli_int(l, "waiting"), (long long)cli_int(l, "domains"),
             (long long)cli_int(l, "ready"), (long long)cli_int(l, "on_wire"));
    site_put(c, _(c, "messages"), text);
    snprintf(text, sizeof text,
             _(c, "%lld delivered, %lld deferred, %lld bounced; %.1f/s, %.0f ms each"),
             (long long)cli_int(l, "delivered"), (long long)cli_int(l, "deferred"),
             (long long)cli_int(l, "bounced"), number(l, "rate"), number(l, "latency_us") / 1000);
    site_put(c, _(c, "outcomes"), text);
    put_replies(c, l);
    put_wait(c, l);
}

void site_print_orders(struct cli *c, const json_t *r)
{
    const json_t *o;
    size_t i;
    json_array_foreach(json_object_get(r, "orders"), i, o)
    {
        char text[640], time[32], made[32], how[64] = "";
        const char *until = json_string_value(json_object_get(o, "until"));
        if (cli_int(o, "factor"))
            snprintf(how, sizeof how, " 1/%lld", (long long)cli_int(o, "factor"));
        snprintf(text, sizeof text, "%lld: %s%s %s %.255s%s%.60s, %.63s %s, %s",
                 (long long)cli_int(o, "no"), cli_str(o, "order"), how, cli_str(o, "scope"),
                 cli_str(o, "name"), cli_str(o, "source")[0] ? " " : "", cli_str(o, "source"),
                 cli_str(o, "user"), cli_time(cli_str(o, "made"), made),
                 until ? cli_time(until, time) : _(c, "until it is released"));
        site_put(c, i ? "" : _(c, "orders"), text);
    }
}

static int run(struct cli *c)
{
    const json_t *l;
    size_t i;
    json_t *r = NULL, *args = json_pack("{s:s}", "name", c->args[0]);
    if (cli_option(c, "source"))
        json_object_set_new(args, "source", json_string(cli_option(c, "source")));
    int code = cli_request(c, "lane.show", args, NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    site_print_way(c, r);
    site_print_orders(c, r);
    json_array_foreach(json_object_get(r, "lanes"), i, l) print_lane(c, l);
    if (i == 0)
        site_put(c, _(c, "now"), _(c, "nothing is being sent there"));
    site_print_limits(c, r);
    json_decref(r);
    return CLI_OK;
}

static const struct cli_option options[] = {
    {"source", "NAME", CLI_TEXT, NULL, {"only the lane of this source", "この送信元のレーンのみ"}},
    {0}};
const struct cli_command cmd_lane_show = {
    .name = "lane show",
    .args = "SITE|DOMAIN",
    .n_min = 1,
    .n_max = 1,
    .summary = {"show the lanes of one site in full, and what each waits for",
                "一つの配信先のレーンの詳細と、何を待っているかを表示する"},
    .about =
        {"There is one lane for each source, and for each demand of TLS. Name a recipient\n"
         "domain, or a site as 'hayauma sites' shows it.",
         "レーンは送信元ごと、TLS の要求ごとに一つあります。宛先ドメインか、'hayauma sites' に\n"
         "出る配信先の名前で指定します。"},
    .examples =
        "hayauma lane show gmail.com\nhayauma lane show '*.google.com' --source pool-a --json",
    .options = options,
    .run = run,
};
