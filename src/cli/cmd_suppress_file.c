/* suppress import, suppress export: the suppression list as a file. */
#include "cli.h"
#include "commands.h"
#include "files.h"
#include "suppress_words.h"

static void print_result(struct cli *c, const json_t *r)
{
    char rows[32], added[32], changed[32], same[32], refused[32];
    fprintf(c->out,
            cli_flag(c, "dry-run")
                ? _(c, "Checked %s rows: %s are good, %s would change, %s are there, %s refused.\n")
                : _(c, "Read %s rows: %s new, %s changed, %s there already, %s refused.\n"),
            cli_number(cli_int(r, "rows"), rows), cli_number(cli_int(r, "added"), added),
            cli_number(cli_int(r, "changed"), changed), cli_number(cli_int(r, "same"), same),
            cli_number(cli_int(r, "rejected"), refused));
}

static int import(struct cli *c, const int *fds, size_t n_fds)
{
    return import_request(c, "suppress.import", suppress_args(c), fds, n_fds, print_result);
}

static int run_import(struct cli *c)
{
    return import_files(c, c->args[0], cli_option(c, "rejects"), import);
}

static int run_export(struct cli *c)
{
    int64_t rows = -1;
    char n[32];
    json_t *args = json_pack("{s:b}", "safe", (int)!cli_flag(c, "raw"));
    int code = export_file(c, "suppress.export", args, &rows);
    if (code == CLI_OK && rows >= 0)
        fprintf(c->err, _(c, "Entries exported: %s.\n"), cli_number(rows, n));
    return code;
}

static const struct cli_option import_options[] = {
    SUPPRESS_PLACE,
    SUPPRESS_REASON,
    SUPPRESS_NEW,
    CLI_CHARSET_OPTION,
    {"rejects",
     "FILE",
     CLI_FILE,
     NULL,
     {"write every refused row with its line and reason",
      "拒否した全行を行番号・理由とともに書く"}},
    SUPPRESS_DRY,
    {0}};
static const struct cli_option export_options[] = {CLI_OUTPUT_OPTION, CLI_RAW_OPTION, {0}};

const struct cli_command cmd_suppress_import = {
    .name = "suppress import",
    .args = "FILE",
    .n_min = 1,
    .n_max = 1,
    .kind = CLI_FILE,
    .summary = {"put the addresses of a CSV or TSV file on the suppression list",
                "CSV や TSV のアドレスを送信停止リストに登録する"},
    .about =
        {"Columns by name, in any order: address (or email), scope, tenant, stream, list, reason,\n"
         "created, expires, source, by; a file without such a line has addresses in its first\n"
         "column. Options say what rows do not. A bad row is refused with its line and reason and\n"
         "the rest goes in; importing a file again does no harm. FILE - reads standard input.",
         "見出しの名前で列を読みます(順不同): address(または "
         "email)、scope、tenant、stream、list、\n"
         "reason、created、expires、source、by。見出しがなければ先頭の列がアドレスです。行にない項"
         "目\n"
         "はオプションで指定します。不正な行は行番号と理由を示して拒否し、残りを登録します。同じ\n"
         "ファイルを再び読んでも害はありません。FILE に - を指定すると標準入力を読みます。"},
    .examples = "hayauma suppress import bounced.csv --reason hard-bounce --rejects bad.csv\n"
                "hayauma suppress import - --list news --reason unsubscribe < left.txt",
    .options = import_options,
    .run = run_import,
};
const struct cli_command cmd_suppress_export = {
    .name = "suppress export",
    .args = "",
    .summary = {"write the suppression list as CSV (UTF-8), as import reads it",
                "送信停止リストを CSV (UTF-8) で書き出す(import で読める形)"},
    .examples = "hayauma suppress export --output suppressed.csv",
    .options = export_options,
    .run = run_export,
};
