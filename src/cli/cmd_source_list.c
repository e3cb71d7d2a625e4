/* source list: the addresses that mail leaves from, and how warm they are. */
#include "cli.h"
#include "commands.h"

static void join(const json_t *list, struct hy_buf *out)
{
    const json_t *one;
    size_t i;
    json_array_foreach(list, i, one)
    {
        hy_buf_printf(out, "%s%s", out->len ? ", " : "", json_string_value(one));
    }
}

static const char *state_of(const struct cli *c, const json_t *s)
{
    size_t missing = json_array_size(json_object_get(s, "missing"));
    if (json_is_true(json_object_get(s, "proxy_gone")))
        return _(c, "out: its proxy fails");
    if (missing && json_array_size(json_object_get(s, "addresses")) == 0)
        return _(c, "out: its address is not on this machine");
    return missing ? _(c, "an address is not on this machine") : _(c, "ready");
}

static void add_source(struct cli_table *t, const struct cli *c, const json_t *s)
{
    struct hy_buf addresses = HY_BUF_INIT(4096);
    join(json_object_get(s, "addresses"), &addresses);
    join(json_object_get(s, "missing"), &addresses);
    cli_table_add(t, cli_str(s, "source"));
    cli_table_add(t, addresses.len ? hy_buf_cstr(&addresses) : _(c, "the system's choice"));
    cli_table_add(t, cli_str(s, "ehlo"));
    cli_table_add(t, cli_str(s, "plan")[0] ? cli_str(s, "plan") : "-");
    cli_table_add(t, state_of(c, s));
    hy_buf_free(&addresses);
}

static const char *verdict(const struct cli *c, const char *name)
{
    static const char *const names[][2] = {{"on", "good"},
                                           {"unused", "hardly used: the day again"},
                                           {"stay", "complaints: the day again"},
                                           {"back", "many complaints: a day back"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i][0], name) == 0)
            return cli_text(c, names[i][1]);
    return "-";
}

static void add_warm(struct cli_table *t, const struct cli *c, const char *source, const json_t *w)
{
    char day[64];
    bool is_warm = json_is_null(json_object_get(w, "limit"));
    snprintf(day, sizeof day, "%lld / %lld", (long long)cli_int(w, "day"),
             (long long)cli_int(w, "days"));
    cli_table_add(t, source);
    cli_table_add(t, cli_str(w, "provider"));
    cli_table_add(t, is_warm ? _(c, "warm") : day);
    cli_table_add_n(t, cli_int(w, "sent"));
    if (is_warm)
        cli_table_add(t, "-");
    else
        cli_table_add_n(t, cli_int(w, "limit"));
    cli_table_add_n(t, cli_int(w, "complaints"));
    cli_table_add(t, verdict(c, cli_str(w, "last_day")));
}

static int run(struct cli *c)
{
    static const char *const heads[] = {"SOURCE", "ADDRESSES", "EHLO", "PLAN", "STATE"};
    static const char *const warm_heads[] = {"SOURCE", "PROVIDER",   "DAY",       "SENT",
                                             "OF",     "COMPLAINTS", "DAY BEFORE"};
    struct cli_table t;
    json_t *r;
    const json_t *s, *w;
    size_t i, k, n_warm = 0;
    int code = cli_request(c, "source.list", json_object(), NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    cli_table_init(&t, heads, "lllll");
    json_array_foreach(json_object_get(r, "sources"), i, s)
    {
        add_source(&t, c, s);
        n_warm += json_array_size(json_object_get(s, "warmup"));
    }
    cli_table_print(&t, c, cli_width(c));
    if (n_warm) {
        fputc('\n', c->out);
        cli_table_init(&t, warm_heads, "lllrrrl");
        json_array_foreach(json_object_get(r, "sources"), i, s)
        {
            json_array_foreach(json_object_get(s, "warmup"), k, w)
                add_warm(&t, c, cli_str(s, "source"), w);
        }
        cli_table_print(&t, c, cli_width(c));
    }
    json_decref(r);
    return CLI_OK;
}

const struct cli_command cmd_source_list = {
    .name = "source list",
    .args = "",
    .summary = {"show the addresses that mail leaves from, and how warm they are",
                "送信元アドレスとウォームアップの状況を表示する"},
    .about =
        {"SENT is what left for the provider on this day of its plan, OF what the day allows.\n"
         "A provider is a rule of the shaping files; default stands for all sites\n"
         "without one.",
         "SENT は計画のその日に配信先へ送った数、OF はその日の上限です。PROVIDER "
         "は送信制限ルールの\n"
         "名前で、default はルールのない配信先すべてを表します。"},
    .examples = "hayauma source list",
    .run = run,
};
