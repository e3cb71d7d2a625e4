/* activity add, activity import: what leads did where hayauma does not see it, by hand and from
 * files. */
#include "cli.h"
#include "commands.h"
#include "files.h"

/* The fields that options say for all rows. */
static json_t *given(struct cli *c)
{
    static const char *const names[] = {"kind", "name", "at", "url", "source", "id"};
    json_t *o = json_object();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (cli_option(c, names[i]))
            json_object_set_new(o, names[i], json_string(cli_option(c, names[i])));
    return o;
}

/* ---- import ---- */

static void print_result(struct cli *c, const json_t *r)
{
    char rows[32], noted[32], known[32], refused[32], leads[32];
    cli_number(cli_int(r, "rows"), rows);
    cli_number(cli_int(r, "noted"), noted);
    cli_number(cli_int(r, "rejected"), refused);
    if (cli_flag(c, "dry-run"))
        fprintf(c->out, _(c, "Checked %s rows: %s are good, %s refused. Nothing was noted.\n"),
                rows, noted, refused);
    else
        fprintf(c->out,
                _(c, "Read %s rows: %s noted, %s known already, %s refused; new leads: %s.\n"),
                rows, noted, cli_number(cli_int(r, "duplicates"), known), refused,
                cli_number(cli_int(r, "leads"), leads));
}

static int import(struct cli *c, const int *fds, size_t n_fds)
{
    json_t *args = json_pack("{s:o, s:b, s:b}", "fields", given(c), "create",
                             (int)cli_flag(c, "create"), "dry_run", (int)cli_flag(c, "dry-run"));
    if (cli_option(c, "charset"))
        json_object_set_new(args, "charset", json_string(cli_option(c, "charset")));
    return import_request(c, "activity.import", args, fds, n_fds, print_result);
}

static int run_import(struct cli *c)
{
    return import_files(c, c->args[0], cli_option(c, "rejects"), import);
}

/* ---- add ---- */

static int run_add(struct cli *c)
{
    const char *meta = cli_option(c, "meta");
    json_t *activity = given(c), *r;
    json_object_set_new(activity, "kind", json_string(c->args[1]));
    if (c->n_args > 2)
        json_object_set_new(activity, "name", json_string(c->args[2]));
    if (meta) {
        json_t *details = json_loads(meta, JSON_REJECT_DUPLICATES, NULL);
        if (!json_is_object(details)) {
            fprintf(c->err, _(c, "--%s: this is no JSON object\n"), "meta");
            json_decref(details);
            json_decref(activity);
            return CLI_USAGE;
        }
        json_object_set_new(activity, "meta", details);
    }
    int code =
        cli_request(c, "activity.add",
                    json_pack("{s:s, s:o}", "lead", c->args[0], "activity", activity), NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    if (json_is_true(json_object_get(r, "duplicate")))
        fprintf(c->out, _(c, "It is known already, as %s: nothing was noted.\n"),
                cli_str(r, "activity"));
    else
        fprintf(c->out, _(c, "Noted as %s.\n"), cli_str(r, "activity"));
    json_decref(r);
    return CLI_OK;
}

/* ---- the table ---- */

#define KINDS "offline sales order cart custom page-view key-page download video form-post scroll"
#define FIELD_OPTIONS                                                                              \
    {"at", "TIME", CLI_TEXT, NULL, {"when, with its zone (now)", "いつ、時差付きで (いま)"}},      \
        {"url", "URL", CLI_TEXT, NULL, {"page of it", "そのページ"}},                              \
    {                                                                                              \
        "source", "TEXT", CLI_TEXT, NULL,                                                          \
        {                                                                                          \
            "who tells (your user name)", "記録する人や仕組み (ユーザー名)"          \
        }                                                                                          \
    }

static const struct cli_option add_options[] = {
    FIELD_OPTIONS,
    {"id",
     "TEXT",
     CLI_TEXT,
     NULL,
     {"your name of it: it is noted once", "固有の名前: 一度だけ記録する"}},
    {"meta", "JSON", CLI_TEXT, NULL, {"details: an object", "詳細 (オブジェクト)"}},
    {0}};
const struct cli_command cmd_activity_add = {
    .name = "activity add",
    .args = "LEAD KIND [NAME]",
    .n_min = 2,
    .n_max = 3,
    .kind = CLI_TEXT,
    .summary = {"note what a lead did elsewhere", "リードがほかの場所でしたことを記録する"},
    .about = {"KIND is offline (a fair, a call), sales, order, cart, custom, or one of the web:\n"
              "page-view key-page download video form-post scroll.",
              "KIND は offline(展示会、電話など)、sales、order、cart、custom、またはウェブの\n"
              "page-view key-page download video form-post scroll です。"},
    .examples =
        "hayauma activity add taro@example.jp offline \"Expo 2026\" --at "
        "2026-11-20T14:00:00+09:00\n"
        "hayauma activity add ext:shop:4711 order --meta '{\"order\": \"A-17\", \"amount\": 5000}'",
    .options = add_options,
    .run = run_add,
};

static const struct cli_option import_options[] = {
    {"kind", "KIND", CLI_WORDS, KINDS, {"of all rows", "全行の種類"}},
    {"name", "NAME", CLI_TEXT, NULL, {"of all rows", "全行の名前"}},
    FIELD_OPTIONS,
    {"create",
     NULL,
     CLI_TEXT,
     NULL,
     {"make leads of addresses and ids that nobody has", "いないアドレスや ID のリードを作る"}},
    CLI_CHARSET_OPTION,
    {"rejects",
     "FILE",
     CLI_FILE,
     NULL,
     {"write every refused row with its line and reason",
      "拒否した全行を行番号・理由とともに書く"}},
    {"dry-run",
     NULL,
     CLI_TEXT,
     NULL,
     {"check the file and note nothing", "検査だけを行い、何も記録しない"}},
    {0}};
const struct cli_command cmd_activity_import = {
    .name = "activity import",
    .args = "FILE",
    .n_min = 1,
    .n_max = 1,
    .kind = CLI_FILE,
    .summary = {"note what many leads did elsewhere, from CSV or TSV",
                "CSV や TSV から、多くのリードがほかの場所でしたことを記録する"},
    .about =
        {"The first line names the columns: whose it is (email, lead, external_id, line_id, phone\n"
         "or visitor), kind, name, at, url, percent, source, id. All others are details under\n"
         "their own names; what an option says is for all rows. A bad row is refused with its\n"
         "line and reason and the rest goes in; importing a file again does no harm. FILE - reads\n"
         "standard input.",
         "1 行目は列の名前です: 誰か (email、lead、external_id、line_id、phone、visitor)、kind、\n"
         "name、at、url、percent、source、id。ほかの列はその名前の詳細になります。オプションで\n"
         "指定したものは全行に使います。不正な行は行番号と理由を示して拒否し、残りを記録します。\n"
         "同じファイルを再び読んでも害はありません。FILE に - を指定すると標準入力を読みます。"},
    .examples = "hayauma activity import visitors.csv --kind offline --name \"Expo 2026\" --at "
                "2026-11-20T14:00:00+09:00 --create",
    .options = import_options,
    .run = run_import,
};
