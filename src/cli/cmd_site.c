/* site: which site a domain belongs to, which rule applies there, and which limits hold now and
 * why. Asks the daemon; without one it looks the domain up and reads the rules itself. */
#include <inttypes.h>
#include <stdlib.h>

#include "cli.h"
#include "commands.h"
#include "hayauma/config/config.h"
#include "hayauma/config/shaping.h"
#include "hayauma/config/site_json.h"
#include "hayauma/io/loop.h"
#include "retell.h"
#include "site_text.h"

/* ---- without the daemon ---- */

struct lookup {
    struct hy_loop *loop;
    struct hy_mx *mx;
};

static void on_mx(void *ctx, struct hy_mx *mx)
{
    struct lookup *l = ctx;
    l->mx = mx;
    hy_loop_stop(l->loop);
}

static int look_up(const struct hy_config *config, const char *domain, struct hy_diag *diag,
                   struct hy_mx **ret)
{
    struct lookup l = {NULL, NULL};
    struct hy_resolver *resolver = NULL;
    struct hy_resolver_settings s;
    struct hy_str self = hy_str_of(config->node.hostname);
    hy_resolver_settings_init(&s);
    s.servers = config->dns.servers.items;
    s.n_servers = config->dns.servers.n;
    s.timeout_ms = (uint32_t)(config->dns.timeout_us / HY_US_PER_MS);
    s.tries = config->dns.tries;
    s.families = config->dns.family;
    s.allow_local = config->dns.allow_local;
    s.own_names = &self;
    s.n_own_names = 1;
    int err = hy_loop_create(&l.loop);
    if (err == HY_OK)
        err = hy_resolver_create(l.loop, &s, diag, &resolver);
    if (err == HY_OK)
        err = hy_resolver_mx(resolver, hy_str_of(domain), on_mx, &l);
    if (err == HY_OK)
        err = hy_loop_run(l.loop);
    hy_resolver_free(resolver);
    if (l.loop)
        hy_loop_free(l.loop);
    if (err == HY_OK && !l.mx)
        err = HY_ENOMEM;
    if (err == HY_OK)
        *ret = l.mx;
    return err;
}

static int offline(struct cli *c, json_t **ret)
{
    struct hy_problems p = {0};
    struct hy_config *config = NULL;
    struct hy_shape_rules *rules = NULL;
    struct hy_mx *mx = NULL;
    struct hy_diag diag = {""};
    char domain[256];
    int err = hy_site_domain(c->args[0], &diag, domain);
    if (err == HY_OK)
        err = hy_config_load(cli_config_path(c), &p, &config);
    if (err == HY_OK)
        err = hy_shaping_load(config->paths.shaping.items, config->paths.shaping.n, &p, &rules);
    cli_print_problems(c, &p);
    if (err == HY_OK)
        err = look_up(config, domain, &diag, &mx);
    if (err == HY_OK) {
        *ret = hy_site_json(rules, mx);
        err = *ret ? HY_OK : HY_ENOMEM;
    }
    int code = err == HY_OK   ? CLI_OK
               : p.n_errors   ? CLI_FAILED
               : diag.text[0] ? cli_fail(c, err, diag.text, NULL)
                              : cli_fail(c, err, NULL, NULL);
    hy_mx_unref(mx);
    hy_shaping_free(rules);
    hy_config_unref(config);
    hy_problems_free(&p);
    return code;
}

/* The daemon's answer, or ours when none runs. */
static int ask(struct cli *c, json_t **ret)
{
    struct hy_control_client *client = NULL;
    struct hy_diag diag = {""};
    char room[512];
    int err = HY_ENOTFOUND;
    if (!cli_flag(c, "offline"))
        err = hy_control_connect(cli_socket(c, room, sizeof room), &diag, &client);
    if (err == HY_ENOTFOUND) {
        if (!cli_flag(c, "offline"))
            fprintf(c->err, "%s", _(c, "The daemon does not run: this is what it would go by.\n"));
        return offline(c, ret);
    }
    if (err != HY_OK)
        return cli_fail(c, err, diag.text, NULL);
    int code =
        cli_request_on(c, client, "site", json_pack("{s:s}", "domain", c->args[0]), NULL, ret);
    hy_control_close(client);
    return code;
}

/* ---- for people ---- */

void site_put(struct cli *c, const char *label, const char *text)
{
    struct hy_buf b = HY_BUF_INIT(1u << 20);
    hy_buf_add_lit(&b, "  ");
    cli_put_cell(&b, hy_str_of(label), 12, true);
    struct hy_str s = hy_str_of(text);
    cli_put_cell(&b, s, cli_columns(s), false);
    fprintf(c->out, "%s\n", hy_buf_cstr(&b));
    hy_buf_free(&b);
}

static void print_hosts(struct cli *c, const json_t *r)
{
    const json_t *host, *address;
    size_t i, k;
    json_array_foreach(json_object_get(r, "hosts"), i, host)
    {
        struct hy_buf b = HY_BUF_INIT(65536);
        hy_buf_printf(&b, "%lld %s", (long long)cli_int(host, "preference"), cli_str(host, "name"));
        json_array_foreach(json_object_get(host, "addresses"), k, address)
            hy_buf_printf(&b, "%s%s", k ? " " : "  ", json_string_value(address));
        site_put(c, i ? "" : _(c, "hosts"), hy_buf_cstr(&b));
        hy_buf_free(&b);
    }
}

static void print_rule(struct cli *c, const json_t *r)
{
    char text[768];
    if (!cli_str(r, "rule")[0])
        snprintf(text, sizeof text, "%s", _(c, "none: the default block applies"));
    else
        snprintf(text, sizeof text,
                 strcmp(cli_str(r, "by"), "domain") == 0
                     ? _(c, "%.100s (%.400s), which names the domain")
                     : _(c, "%.100s (%.400s), which matches every host"),
                 cli_str(r, "rule"), cli_str(r, "rule_at"));
    site_put(c, _(c, "rule"), text);
}

/* Rules that somebody may have expected here. */
static void print_passed_over(struct cli *c, const json_t *r)
{
    const json_t *list = json_object_get(r, "passed_over"), *p;
    size_t i;
    json_array_foreach(list, i, p)
    {
        const char *matches = cli_str(p, "matches");
        char text[900];
        snprintf(text, sizeof text,
                 strcmp(matches, "domain") == 0 ? _(c, "%.100s (%.400s) names the domain, too")
                 : strcmp(matches, "mx") == 0
                     ? _(c, "%.100s (%.400s) matches every host, too")
                     : _(c, "%.100s (%.400s) does not match every host: %.255s"),
                 cli_str(p, "rule"), cli_str(p, "at"), cli_str(p, "other_host"));
        site_put(c, i ? "" : _(c, "passed over"), text);
    }
}

static int decimals(double v)
{
    return v < 100 && v > (double)(int64_t)v;
}

/* What the lanes found, or were told, to be right below a limit: "3", "3 - 7"; "" = nothing. */
static const char *found(const json_t *lanes, const char *key, char out[64])
{
    static const char *const found_as[][3] = {
        {"connections", "window", ""},
        {"message_rate", "window_rate", "/s"},
        {"messages_per_connection", "messages_per_connection", ""}};
    const json_t *l;
    size_t i;
    out[0] = '\0';
    for (size_t k = 0; k < sizeof found_as / sizeof *found_as; k++) {
        double least = 0, most = 0;
        if (strcmp(found_as[k][0], key) != 0)
            continue;
        json_array_foreach(lanes, i, l)
        {
            double v = json_number_value(json_object_get(l, found_as[k][1]));
            if (v <= 0)
                continue;
            least = least > 0 && least < v ? least : v;
            most = most > v ? most : v;
        }
        if (most > least)
            snprintf(out, 64, "%.*f - %.*f%s", decimals(least), least, decimals(most), most,
                     found_as[k][2]);
        else if (most > 0)
            snprintf(out, 64, "%.*f%s", decimals(most), most, found_as[k][2]);
    }
    return out;
}

/* Of the limits that orders divide where they stand: "1/4"; "" = none does. */
static const char *ordered(const json_t *orders, const json_t *limit, char out[64])
{
    const char *key = cli_str(limit, "key");
    bool is_provider = strncmp(key, "provider.", 9) == 0;
    bool is_divided =
        is_provider || strcmp(key, "messages_per_day") == 0 || strcmp(key, "connection_rate") == 0;
    const json_t *o;
    int64_t factor = 1;
    size_t i;
    out[0] = '\0';
    if (!is_divided || strcmp(cli_str(limit, "value"), "unlimited") == 0)
        return out;
    json_array_foreach(orders, i, o)
    {
        bool is_whole = strcmp(cli_str(o, "scope"), "provider") == 0 && !cli_str(o, "source")[0];
        if (cli_int(o, "factor") > 1 && (is_whole || !is_provider))
            factor *= cli_int(o, "factor");
    }
    if (factor > 1)
        snprintf(out, 64, "1/%" PRId64, factor);
    return out;
}

void site_print_limits(struct cli *c, const json_t *r)
{
    const char *const heads[] = {_(c, "LIMIT"), _(c, "VALUE"), _(c, "FOUND"), _(c, "FROM")};
    const json_t *lanes = json_object_get(r, "lanes"), *l;
    struct cli_table t;
    char now[64];
    size_t i;
    cli_table_init(&t, heads, "llll");
    json_array_foreach(json_object_get(r, "limits"), i, l)
    {
        cli_table_add(&t, cli_str(l, "key"));
        cli_table_add(&t, cli_str(l, "value"));
        if (!found(lanes, cli_str(l, "key"), now)[0])
            (void)ordered(json_object_get(r, "orders"), l, now);
        cli_table_add(&t, now);
        cli_table_add(&t, cli_str(l, "at")[0] ? cli_str(l, "at") : _(c, "built in"));
    }
    fputc('\n', c->out);
    cli_table_print(&t, c, cli_width(c));
}

/* As the rules write it: 2h, 30m, 90s. */
static const char *span(int64_t s, char out[32])
{
    const bool hours = s % 3600 == 0, minutes = s % 60 == 0;
    snprintf(out, 32, "%" PRId64 "%c",
             s / (hours     ? 3600
                  : minutes ? 60
                            : 1),
             hours     ? 'h'
             : minutes ? 'm'
                       : 's');
    return out;
}

static void print_patterns(struct cli *c, const json_t *r)
{
    const char *const heads[] = {_(c, "DO"), _(c, "FROM"), _(c, "WHEN A REPLY SAYS")};
    const json_t *list = json_object_get(r, "patterns"), *p;
    struct cli_table t;
    size_t i;
    if (json_array_size(list) == 0)
        return;
    cli_table_init(&t, heads, "lll");
    json_array_foreach(list, i, p)
    {
        char text[64], time[32];
        snprintf(text, sizeof text, "%s", cli_str(p, "do"));
        if (cli_int(p, "for_s"))
            snprintf(text, sizeof text, "%.16s %s", cli_str(p, "do"),
                     span(cli_int(p, "for_s"), time));
        if (cli_int(p, "to_percent"))
            snprintf(text, sizeof text, "%.16s %lld%%", cli_str(p, "do"),
                     (long long)cli_int(p, "to_percent"));
        cli_table_add(&t, text);
        cli_table_add(&t, cli_str(p, "at"));
        cli_table_add(&t, cli_str(p, "reply"));
    }
    fputc('\n', c->out);
    cli_table_print(&t, c, cli_width(c));
}

void site_add_warmth(struct cli *c, const json_t *w, char *text, size_t size)
{
    char sent[32], limit[32];
    size_t n = strlen(text);
    if (!json_is_object(w) || n + 3 > size)
        return;
    snprintf(text + n, size - n, n ? "; " : "");
    n = strlen(text);
    snprintf(
        text + n, size - n,
        json_is_true(json_object_get(w, "waits"))
            ? _(c, "warm-up, day %lld of %lld: %s of %s in 24 hours, the rest waits")
            : _(c, "warm-up, day %lld of %lld: %s of %s in 24 hours, the rest by other sources"),
        (long long)cli_int(w, "day"), (long long)cli_int(w, "days"),
        cli_number(cli_int(w, "sent"), sent), cli_number(cli_int(w, "limit"), limit));
}

/* What holds a lane back now, below its rule. */
static void print_lanes(struct cli *c, const json_t *r)
{
    const char *const heads[] = {_(c, "SOURCE"), _(c, "CONN"), _(c, "ALLOWED NOW"), _(c, "WAITING"),
                                 _(c, "NOW")};
    const json_t *list = json_object_get(r, "lanes"), *l;
    struct cli_table t;
    size_t i;
    if (!list)
        return;
    if (json_array_size(list) == 0) {
        site_put(c, _(c, "now"), _(c, "nothing is being sent there"));
        return;
    }
    cli_table_init(&t, heads, "lrrrl");
    json_array_foreach(list, i, l)
    {
        char text[700], time[32], order[256];
        snprintf(text, sizeof text, "%.200s", cli_str(l, "why"));
        if (cli_int(l, "suspended_s"))
            snprintf(text, sizeof text, _(c, "shut for %s: %.200s"),
                     cli_duration(cli_int(l, "suspended_s"), time), cli_str(l, "why"));
        if (cli_int(l, "day_full_s"))
            snprintf(text, sizeof text, _(c, "the day is full for %s"),
                     cli_duration(cli_int(l, "day_full_s"), time));
        site_add_warmth(c, json_object_get(l, "warmup"), text, sizeof text);
        if (site_order(c, l, order, sizeof order)[0]) {
            size_t n = strlen(text);
            snprintf(text + n, sizeof text - n, "%s%s", n ? "; " : "", order);
        }
        cli_table_add(&t, cli_str(l, "source"));
        cli_table_add_n(&t, cli_int(l, "connections"));
        cli_table_add_n(&t, cli_int(l, "window"));
        cli_table_add_n(&t, cli_int(l, "waiting"));
        cli_table_add(&t, text);
    }
    fputc('\n', c->out);
    cli_table_print(&t, c, cli_width(c));
}

void site_print_way(struct cli *c, const json_t *r)
{
    fprintf(c->out, "%s\n", cli_str(r, "domain"));
    if (strcmp(cli_str(r, "status"), "ok") == 0) {
        site_put(c, _(c, "site"), cli_str(r, "site"));
        site_put(c, _(c, "identity"), cli_str(r, "key"));
        print_hosts(c, r);
    } else {
        site_put(c, cli_str(r, "status"), cli_str(r, "text"));
    }
    print_rule(c, r);
    print_passed_over(c, r);
}

static int run(struct cli *c)
{
    json_t *r = NULL;
    int code = ask(c, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    site_print_way(c, r);
    site_print_orders(c, r);
    print_lanes(c, r);
    site_print_limits(c, r);
    print_patterns(c, r);
    json_decref(r);
    return CLI_OK;
}

static const struct cli_option options[] = {
    {"offline",
     NULL,
     CLI_TEXT,
     NULL,
     {"do not ask the daemon: look up and read here", "デーモンに問い合わせず、この場で調べる"}},
    {0}};
const struct cli_command cmd_site = {
    .name = "site",
    .args = "DOMAIN",
    .n_min = 1,
    .n_max = 1,
    .summary = {"show where mail for a domain goes, which rule applies and which limits hold now",
                "ドメインの配信先、適用されるルール、現在の制限とその理由を表示する"},
    .about =
        {"Every limit is shown with the file and line it comes from, what the lanes found to be\n"
         "right below it, and what holds them back; rules that match as well are named with the\n"
         "reason why they do not apply. When no daemon runs, the domain is looked up and the "
         "rules\n"
         "are read here.",
         "制限ごとに、それを定めたファイル名と行番号、送信中に分かった適切な値、抑えられている場合"
         "は"
         "その\n理由を示します。一致しても適用されないルールも理由とともに示します。\n"
         "デーモンが動いていなければ、この場で DNS を引き、ルールを読みます。"},
    .examples = "hayauma site gmail.com\nhayauma site someone@example.jp --json",
    .options = options,
    .run = run,
};
