/* suppress add, remove, show, list: the suppression list by hand. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "commands.h"
#include "suppress_words.h"

/* ---- what is asked ---- */

static void set_words(const struct cli *c, json_t *args)
{
    for (size_t i = 0; suppress_words[i]; i++)
        if (cli_option(c, suppress_words[i]))
            json_object_set_new(args, suppress_words[i],
                                json_string(cli_option(c, suppress_words[i])));
}

json_t *suppress_args(const struct cli *c)
{
    json_t *args = json_object();
    set_words(c, args);
    if (cli_flag(c, "dry-run"))
        json_object_set_new(args, "dry_run", json_true());
    if (cli_flag(c, "hashed"))
        json_object_set_new(args, "hashed", json_true());
    return args;
}

static json_t *addresses(const struct cli *c)
{
    json_t *list = json_array();
    for (size_t i = 0; i < c->n_args; i++)
        json_array_append_new(list, json_string(c->args[i]));
    return list;
}

static int change(struct cli *c, const char *command, json_t **ret)
{
    json_t *args = suppress_args(c), *list = addresses(c);
    if (!list || json_array_size(list) != c->n_args) {
        json_decref(list);
        json_decref(args);
        return cli_fail(c, HY_EINVAL, _(c, "an address must be UTF-8"), NULL);
    }
    json_object_set_new(args, "addresses", list);
    return cli_request(c, command, args, NULL, ret);
}

static int run_add(struct cli *c)
{
    json_t *r;
    char added[32], changed[32], same[32];
    int code = change(c, "suppress.add", &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    fprintf(c->out,
            cli_flag(c, "dry-run")
                ? _(c, "Would suppress %s, change %s; %s are suppressed like that already.\n")
                : _(c, "Suppressed %s, changed %s; %s were suppressed like that already.\n"),
            cli_number(cli_int(r, "added"), added), cli_number(cli_int(r, "changed"), changed),
            cli_number(cli_int(r, "same"), same));
    json_decref(r);
    return CLI_OK;
}

static int run_remove(struct cli *c)
{
    json_t *r;
    char removed[32], missing[32];
    int code = change(c, "suppress.remove", &r);
    if (code)
        return code;
    bool any = cli_int(r, "removed") > 0;
    if (c->json) {
        code = cli_print_json(c, r);
        return code ? code : any ? CLI_OK : CLI_FAILED;
    }
    fprintf(c->out,
            cli_flag(c, "dry-run")
                ? _(c, "Would remove %s entries; %s addresses have none like that.\n")
                : _(c, "Removed %s entries; %s addresses had none like that.\n"),
            cli_number(cli_int(r, "removed"), removed), cli_number(cli_int(r, "missing"), missing));
    json_decref(r);
    return any ? CLI_OK : CLI_FAILED;
}

/* ---- what is shown ---- */

void suppress_put_scope(const struct cli *c, const json_t *e, struct hy_buf *out)
{
    const char *scope = cli_str(e, "scope"), *tenant = cli_str(e, "tenant");
    hy_buf_printf(out, "%s", cli_text(c, scope));
    if (cli_str(e, "stream")[0])
        hy_buf_printf(out, " %s", cli_str(e, "stream"));
    if (cli_str(e, "list")[0])
        hy_buf_printf(out, " %s", cli_str(e, "list"));
    if (tenant[0] && strcmp(tenant, "default") != 0)
        hy_buf_printf(out, "%s%s", strcmp(scope, "tenant") == 0 ? " " : " / ", tenant);
}

static const char *address_of(const json_t *e)
{
    const char *address = cli_str(e, "address");
    return address[0] ? address : cli_str(e, "hash");
}

void suppress_print_entry(struct cli *c, const char *indent, const json_t *e)
{
    struct hy_buf line = HY_BUF_INIT(8192), scope = HY_BUF_INIT(2048);
    char since[32], until[32];
    suppress_put_scope(c, e, &scope);
    hy_buf_printf(&line, _(c, "suppressed since %s: %s (scope %s), by %s"),
                  cli_time(cli_str(e, "created"), since), cli_text(c, cli_str(e, "reason")),
                  hy_buf_cstr(&scope), cli_str(e, "by")[0] ? cli_str(e, "by") : "-");
    if (cli_str(e, "expires")[0])
        hy_buf_printf(&line, _(c, ", until %s"), cli_time(cli_str(e, "expires"), until));
    if (json_is_true(json_object_get(e, "domain")))
        hy_buf_printf(&line, "%s", _(c, ", the whole domain"));
    cli_put_line(c, indent, hy_buf_cstr(&line));
    if (cli_str(e, "source")[0]) {
        hy_buf_reset(&line);
        hy_buf_printf(&line, "  %s", cli_str(e, "source"));
        cli_put_line(c, indent, hy_buf_cstr(&line));
    }
    hy_buf_free(&line);
    hy_buf_free(&scope);
}

static void print_act(struct cli *c, const json_t *a)
{
    struct hy_buf line = HY_BUF_INIT(8192), scope = HY_BUF_INIT(2048);
    char at[32];
    suppress_put_scope(c, a, &scope);
    hy_buf_printf(&line, "%s  %s: %s (%s), %s", cli_time(cli_str(a, "at"), at),
                  cli_text(c, cli_str(a, "act")), cli_text(c, cli_str(a, "reason")),
                  hy_buf_cstr(&scope), cli_str(a, "by"));
    if (cli_str(a, "source")[0])
        hy_buf_printf(&line, ": %s", cli_str(a, "source"));
    cli_put_line(c, "  ", hy_buf_cstr(&line));
    hy_buf_free(&line);
    hy_buf_free(&scope);
}

static void print_soft(struct cli *c, const json_t *s)
{
    char text[256], first[32], last[32];
    snprintf(text, sizeof text, _(c, "%lld soft bounces since %s, the last %s"),
             (long long)cli_int(s, "count"), cli_time(cli_str(s, "first"), first),
             cli_time(cli_str(s, "last"), last));
    cli_put_line(c, "  ", text);
}

static int run_show(struct cli *c)
{
    json_t *r;
    const json_t *x;
    size_t i;
    int code = cli_request(c, "suppress.show", json_pack("{s:s}", "address", c->args[0]), NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    cli_put_line(c, "", cli_str(r, "address"));
    json_array_foreach(json_object_get(r, "entries"), i, x) suppress_print_entry(c, "  ", x);
    if (i == 0)
        fprintf(c->out, "  %s", _(c, "not suppressed\n"));
    json_array_foreach(json_object_get(r, "soft_bounces"), i, x) print_soft(c, x);
    if (json_array_size(json_object_get(r, "history")))
        fprintf(c->out, "%s", _(c, "History:\n"));
    json_array_foreach(json_object_get(r, "history"), i, x) print_act(c, x);
    json_decref(r);
    return CLI_OK;
}

static int print_list(struct cli *c, const json_t *r)
{
    static const char *const heads[] = {"SINCE", "UNTIL", "REASON", "SCOPE", "ADDRESS"};
    struct cli_table t;
    const json_t *e;
    size_t i;
    char since[32], until[32], total[32];
    cli_table_init(&t, heads, "lllll");
    json_array_foreach(json_object_get(r, "entries"), i, e)
    {
        struct hy_buf scope = HY_BUF_INIT(2048);
        suppress_put_scope(c, e, &scope);
        cli_table_add(&t, cli_time(cli_str(e, "created"), since));
        cli_table_add(&t, cli_time(cli_str(e, "expires"), until));
        cli_table_add(&t, cli_text(c, cli_str(e, "reason")));
        cli_table_add(&t, hy_buf_cstr(&scope));
        cli_table_add(&t, address_of(e));
        hy_buf_free(&scope);
    }
    cli_table_print(&t, c, cli_width(c));
    fprintf(c->out,
            cli_int(r, "total") == 1 ? _(c, "%s entry in all.\n") : _(c, "%s entries in all.\n"),
            cli_number(cli_int(r, "total"), total));
    if (cli_str(r, "next")[0])
        fprintf(c->out, _(c, "More with: --after %s\n"), cli_str(r, "next"));
    return CLI_OK;
}

static int run_list(struct cli *c)
{
    json_t *args = suppress_args(c), *r;
    const char *limit = cli_option(c, "limit");
    uint64_t n = 0;
    if (limit && (hy_str_to_u64(hy_str_of(limit), 1000, &n) || n == 0)) {
        json_decref(args);
        fprintf(c->err, _(c, "--%s must be a number up to %llu\n"), "limit", 1000ULL);
        return CLI_USAGE;
    }
    if (limit)
        json_object_set_new(args, "limit", json_integer((json_int_t)n));
    int code = cli_request(c, "suppress.list", args, NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    code = print_list(c, r);
    json_decref(r);
    return code;
}

/* ---- the table ---- */

const char *const suppress_words[] = {"scope",   "tenant",  "stream", "list",  "reason", "source",
                                      "expires", "charset", "since",  "after", NULL};

static const struct cli_option add_options[] = {
    SUPPRESS_PLACE,
    SUPPRESS_REASON,
    SUPPRESS_NEW,
    {"hashed",
     NULL,
     CLI_TEXT,
     NULL,
     {"keep only a hash of the address, in all that is stored of it: it outlives an erasure",
      "アドレスを残さずハッシュだけを保存する(消去後も有効)"}},
    SUPPRESS_DRY,
    {0}};
static const struct cli_option remove_options[] = {
    SUPPRESS_PLACE,
    SUPPRESS_REASON,
    {"source", "TEXT", CLI_TEXT, NULL, {"why, for the history", "理由。履歴に残る"}},
    SUPPRESS_DRY,
    {0}};
static const struct cli_option list_options[] = {
    SUPPRESS_PLACE,
    SUPPRESS_REASON,
    {"since",
     "TIME",
     CLI_TEXT,
     NULL,
     {"only those put since: 2026-12-01T09:00:00+09:00",
      "これ以降に登録されたものだけ: 2026-12-01T09:00:00+09:00"}},
    {"limit", "N", CLI_TEXT, NULL, {"how many to show (50)", "表示する件数 (50)"}},
    {"after",
     "PLACE",
     CLI_TEXT,
     NULL,
     {"go on behind what was shown before", "前回の続きから表示する"}},
    {0}};

const struct cli_command cmd_suppress_add = {
    .name = "suppress add",
    .args = "ADDRESS...",
    .n_min = 1,
    .n_max = 1000,
    .kind = CLI_TEXT,
    .summary = {"send nothing more to addresses, or to whole domains (@example.jp)",
                "アドレスやドメイン全体 (@example.jp) への送信を止める"},
    .about =
        {"Without a scope it counts for all mail of the installation. It is looked at when the\n"
         "rows of a campaign are made and again when each message is sent, so that what is\n"
         "queued already is stopped, too.",
         "範囲を指定しなければ、この環境のすべてのメールに効きます。配信の登録時と送信の直前に\n"
         "確認するので、すでに登録済みのメールも止まります。"},
    .examples = "hayauma suppress add taro@example.jp\n"
                "hayauma suppress add taro@example.jp --list news --reason unsubscribe\n"
                "hayauma suppress add @example.net --expires 30d --source 'asked by phone'",
    .options = add_options,
    .run = run_add,
};
const struct cli_command cmd_suppress_remove = {
    .name = "suppress remove",
    .args = "ADDRESS...",
    .n_min = 1,
    .n_max = 1000,
    .kind = CLI_TEXT,
    .summary = {"take addresses off the suppression list", "送信停止リストからアドレスを外す"},
    .about =
        {"Without options all entries of the address go. Exit code 1 when there was none.\n"
         "What happened stays in the history.",
         "範囲や理由を指定しなければ、そのアドレスの登録をすべて外します。該当がなければ 1 で\n"
         "終わります。履歴は残ります。"},
    .examples = "hayauma suppress remove taro@example.jp --reason hard-bounce",
    .options = remove_options,
    .run = run_remove,
};
const struct cli_command cmd_suppress_show = {
    .name = "suppress show",
    .args = "ADDRESS",
    .n_min = 1,
    .n_max = 1,
    .kind = CLI_TEXT,
    .summary = {"tell whether an address is suppressed, why, and since when",
                "アドレスの送信停止の有無、理由、履歴を示す"},
    .examples = "hayauma suppress show taro@example.jp",
    .run = run_show,
};
const struct cli_command cmd_suppress_list = {
    .name = "suppress list",
    .args = "",
    .summary = {"show what is on the suppression list", "送信停止リストを表示する"},
    .about = {"In an order of its own that stays, a page at a time.",
              "独自の(変わらない)順に、ページごとに表示します。"},
    .examples = "hayauma suppress list --reason complaint --since 2026-11-01T00:00:00+09:00",
    .options = list_options,
    .run = run_list,
};
