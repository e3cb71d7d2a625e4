/* lead show, lead search: who somebody is, and what happened to them. */
#include "cli.h"
#include "commands.h"
#include "moment.h"

#include <string.h>

enum { LABEL_COLUMNS = 12 };

/* Words from outside: nothing in them may move the cursor. */
static void put(struct hy_buf *out, const char *before, const char *text)
{
    struct hy_str s = hy_str_of(text);
    if (s.n == 0)
        return;
    hy_buf_printf(out, "%s", before);
    cli_put_cell(out, s, SIZE_MAX, false);
}

static void put_words(struct cli *c, const char *label, const json_t *list)
{
    struct hy_buf line = HY_BUF_INIT(4u << 20);
    size_t i;
    const json_t *x;
    if (json_array_size(list) == 0)
        return;
    cli_put_cell(&line, hy_str_of(label), LABEL_COLUMNS, true);
    json_array_foreach(list, i, x) put(&line, i ? ", " : " ", json_string_value(x));
    fprintf(c->out, "  %s\n", hy_buf_cstr(&line));
    hy_buf_free(&line);
}

static void put_profile(struct cli *c, const json_t *lead)
{
    struct hy_buf line = HY_BUF_INIT(8u << 20);
    const char *name, *address = cli_str(lead, "address");
    json_t *value;
    char when[32];
    hy_buf_printf(&line, _(c, "lead %lld  "), (long long)cli_int(lead, "lead"));
    put(&line, "", address[0] ? address : _(c, "without an address"));
    fprintf(c->out, _(c, "%s  %s, since %s\n"), hy_buf_cstr(&line),
            cli_text(c, cli_str(lead, "status")), cli_time(cli_str(lead, "created"), when));
    json_object_foreach(json_object_get(lead, "attributes"), name, value)
    {
        hy_buf_reset(&line);
        cli_put_cell(&line, hy_str_of(name), LABEL_COLUMNS, true);
        put(&line, " ", json_string_value(value));
        fprintf(c->out, "  %s\n", hy_buf_cstr(&line));
    }
    hy_buf_free(&line);
    put_words(c, _(c, "tags"), json_object_get(lead, "tags"));
    put_words(c, _(c, "groups"), json_object_get(lead, "groups"));
    put_words(c, _(c, "lists"), json_object_get(lead, "lists"));
    put_words(c, _(c, "to confirm"), json_object_get(lead, "pending"));
    put_words(c, _(c, "ids"), json_object_get(lead, "ids"));
}

static void put_moment(struct cli *c, struct cli_table *t, const json_t *m)
{
    struct hy_buf line = HY_BUF_INIT(1u << 20);
    const json_t *p;
    char when[32], what[CLI_MOMENT_MAX];
    size_t i;
    cli_table_add(t, cli_time(cli_str(m, "at"), when));
    cli_table_add(t, cli_moment_what(c, cli_str(m, "kind"), cli_str(m, "state"), what));
    cli_moment_order(m, &line);
    put(&line, line.len ? "  " : "", cli_str(m, "name"));
    put(&line, line.len ? "  " : "", cli_moment_text(c, m));
    put(&line, line.len ? "  " : "", cli_str(m, "url"));
    if (cli_str(m, "verdict")[0])
        hy_buf_printf(&line, "  (%s%s%s)", cli_text(c, cli_str(m, "verdict")),
                      cli_str(m, "reason")[0] ? ": " : "", cli_str(m, "reason"));
    json_array_foreach(json_object_get(m, "points"), i, p)
    {
        if (json_is_true(json_object_get(p, "withdrawn")))
            continue;
        hy_buf_printf(&line, "  %+g ", json_number_value(json_object_get(p, "points")));
        put(&line, "", cli_str(p, "rule"));
    }
    put(&line, line.len ? "  " : "", cli_str(m, "source"));
    cli_table_add(t, hy_buf_cstr(&line));
    hy_buf_free(&line);
}

static void put_timeline(struct cli *c, const json_t *list)
{
    static const char *const heads[] = {"AT", "WHAT", "ABOUT"};
    struct cli_table t;
    size_t i;
    const json_t *m;
    if (json_array_size(list) == 0)
        return;
    fprintf(c->out, "\n");
    cli_table_init(&t, heads, "lll");
    json_array_foreach(list, i, m) put_moment(c, &t, m);
    cli_table_print(&t, c, cli_width(c));
}

/* A number option as an argument of the request; false: it is none, and that is told. */
static bool number_arg(struct cli *c, const char *name, uint64_t max, json_t *args)
{
    const char *text = cli_option(c, name);
    uint64_t n = 0;
    if (!text)
        return true;
    if (hy_str_to_u64(hy_str_of(text), max, &n) || n == 0) {
        fprintf(c->err, _(c, "--%s must be a number from 1 to %llu\n"), name,
                (unsigned long long)max);
        return false;
    }
    json_object_set_new(args, name, json_integer((json_int_t)n));
    return true;
}

static int run_show(struct cli *c)
{
    json_t *args = json_pack("{s:s}", "lead", c->args[0]), *r;
    if (cli_option(c, "before"))
        json_object_set_new(args, "before", json_string(cli_option(c, "before")));
    if (!number_arg(c, "limit", 1000, args)) {
        json_decref(args);
        return CLI_USAGE;
    }
    int code = cli_request(c, "lead.show", args, NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    put_profile(c, json_object_get(r, "lead"));
    put_timeline(c, json_object_get(r, "timeline"));
    if (cli_str(r, "before")[0])
        fprintf(c->out, _(c, "There is more before that: --before %s\n"), cli_str(r, "before"));
    json_decref(r);
    return CLI_OK;
}

/* ---- search ---- */

/* NAME=VALUE, or NAME: it has any. */
static void attribute_arg(const char *text, json_t *args)
{
    const char *eq = strchr(text, '=');
    json_object_set_new(args, "attribute",
                        json_stringn(text, eq ? (size_t)(eq - text) : strlen(text)));
    if (eq)
        json_object_set_new(args, "value", json_string(eq + 1));
}

static int run_search(struct cli *c)
{
    static const char *const heads[] = {"LEAD", "STATUS", "ADDRESS", "TAGS"};
    static const char *const texts[] = {"tag", "group", "list"};
    json_t *args = json_object(), *r;
    struct cli_table t;
    const json_t *lead, *tag;
    size_t i, k;
    if (c->n_args)
        json_object_set_new(args, "text", json_string(c->args[0]));
    for (i = 0; i < sizeof texts / sizeof *texts; i++)
        if (cli_option(c, texts[i]))
            json_object_set_new(args, texts[i], json_string(cli_option(c, texts[i])));
    if (cli_option(c, "attribute"))
        attribute_arg(cli_option(c, "attribute"), args);
    if (!number_arg(c, "limit", 1000, args)) {
        json_decref(args);
        return CLI_USAGE;
    }
    struct hy_control_call_options o = {.timeout_ms = -1};
    int code = cli_request(c, "lead.search", args, &o, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    cli_table_init(&t, heads, "rlll");
    json_array_foreach(json_object_get(r, "leads"), i, lead)
    {
        struct hy_buf tags = HY_BUF_INIT(1u << 20);
        cli_table_add_n(&t, cli_int(lead, "lead"));
        cli_table_add(&t, cli_text(c, cli_str(lead, "status")));
        cli_table_add(&t, cli_str(lead, "address"));
        json_array_foreach(json_object_get(lead, "tags"), k, tag)
            put(&tags, k ? ", " : "", json_string_value(tag));
        cli_table_add(&t, hy_buf_cstr(&tags));
        hy_buf_free(&tags);
    }
    cli_table_print(&t, c, cli_width(c));
    if (json_is_true(json_object_get(r, "more")))
        fprintf(c->err, "%s", _(c, "There are more: --limit shows up to 1000.\n"));
    json_decref(r);
    return CLI_OK;
}

/* ---- the table ---- */

static const struct cli_option show_options[] = {
    {"limit", "N", CLI_TEXT, NULL, {"entries of the timeline (50)", "表示する履歴の件数 (50)"}},
    {"before", "ID", CLI_TEXT, NULL, {"the page before this entry", "この項目より前を表示する"}},
    {0}};
const struct cli_command cmd_lead_show = {
    .name = "lead show",
    .args = "LEAD",
    .n_min = 1,
    .n_max = 1,
    .kind = CLI_TEXT,
    .summary = {"show who a lead is, and all that happened to it",
                "リードの内容とこれまでの履歴を表示する"},
    .about = {"LEAD is its number, a mail address, ext:SYSTEM:ID, line:ID or phone:NUMBER. The\n"
              "timeline holds mail and site, online and offline, in the order in which it became\n"
              "known, the newest last.",
              "LEAD は番号、メールアドレス、ext:システム:ID、line:ID、phone:番号 のいずれかです。\n"
              "履歴はメールとサイト、オンラインとオフラインをまとめたもので、判明した順に並び、\n"
              "最も新しいものが最後です。"},
    .examples = "hayauma lead show taro@example.jp\nhayauma lead show ext:crm:123 --limit 200",
    .options = show_options,
    .run = run_show,
};

static const struct cli_option search_options[] = {
    {"tag", "TAG", CLI_TEXT, NULL, {"that have the tag", "このタグを持つもの"}},
    {"group", "GROUP", CLI_TEXT, NULL, {"that are in the group", "このグループに属するもの"}},
    {"list", "LIST", CLI_LIST, NULL, {"that are on the list", "このリストにあるもの"}},
    {"attribute",
     "NAME[=VALUE]",
     CLI_TEXT,
     NULL,
     {"that have the attribute, or this value of it", "この属性 (またはその値) を持つもの"}},
    {"limit", "N", CLI_TEXT, NULL, {"leads to show (20)", "表示する件数 (20)"}},
    {0}};
const struct cli_command cmd_lead_search = {
    .name = "lead search",
    .args = "[TEXT]",
    .n_max = 1,
    .kind = CLI_TEXT,
    .summary = {"find leads by a part of their address, tag, group, list or attribute",
                "アドレスの一部、タグ、グループ、リスト、属性でリードを探す"},
    .about = {"An address or an id in full is found at once. A part of an address without a tag,\n"
              "group or list is looked for in all leads, about a million a second.",
              "アドレスや ID の全体は即座に見つかります。アドレスの一部だけを指定すると全リードを\n"
              "調べます (毎秒およそ 100 万件)。タグ、グループ、リストを指定すると速くなります。"},
    .examples = "hayauma lead search @example.jp\nhayauma lead search --tag vip --attribute "
                "prefecture=Osaka",
    .options = search_options,
    .run = run_search,
};
