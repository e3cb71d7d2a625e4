/* company import, export: companies from and to files. */
#include "cli.h"
#include "commands.h"
#include "files.h"
#include "order_text.h"

static void print_result(struct cli *c, const json_t *r)
{
    char rows[32], companies[32], added[32], changed[32], same[32], refused[32];
    cli_number(cli_int(r, "rows"), rows);
    cli_number(cli_int(r, "companies"), companies);
    cli_number(cli_int(r, "rejected"), refused);
    cli_number(cli_int(r, "added"), added);
    cli_number(cli_int(r, "changed"), changed);
    cli_number(cli_int(r, "same"), same);
    print_columns(c, r);
    fprintf(c->out,
            cli_flag(c, "dry-run")
                ? _(c, "Lines checked: %s. Companies: %s (%s would be new, %s changed, %s as they "
                       "are). Lines refused: %s. Nothing was noted.\n")
                : _(c, "Lines read: %s. Companies: %s (%s new, %s changed, %s as they were). Lines "
                       "refused: %s.\n"),
            rows, companies, added, changed, same, refused);
}

static int import(struct cli *c, const int *fds, size_t n_fds)
{
    static const char *const texts[] = {"map", "system", "charset"};
    json_t *args = import_args(c, texts, sizeof texts / sizeof *texts);
    return import_request(c, "company.import", args, fds, n_fds, print_result);
}

static int run_import(struct cli *c)
{
    return import_files(c, c->args[0], cli_option(c, "rejects"), import);
}

static int run_export(struct cli *c)
{
    int64_t rows = -1;
    char n[32];
    int code = export_file(c, "company.export",
                           json_pack("{s:b}", "safe", (int)!cli_flag(c, "raw")), &rows);
    if (code == CLI_OK && rows >= 0)
        fprintf(c->err, _(c, "Companies exported: %s.\n"), cli_number(rows, n));
    return code;
}

static const struct cli_option import_options[] = {
    {"map",
     "A=B,...",
     CLI_TEXT,
     NULL,
     {"columns (header or number) to name, aliases, domains, ids, an attribute, or - to leave out",
      "列(見出しか番号)と項目の対応: name、aliases、domains、ids、属性名。- は使わない"}},
    {"system",
     "NAME",
     CLI_TEXT,
     NULL,
     {"whose the ids are that do not say it: crm makes 7 crm:7",
      "ID の持ち主が書かれていないときの名前 (crm なら 7 は crm:7)"}},
    CLI_CHARSET_OPTION,
    {"rejects",
     "FILE",
     CLI_FILE,
     NULL,
     {"write every refused line with its number and reason",
      "拒否した全行を行番号・理由とともに書く"}},
    {"dry-run",
     NULL,
     CLI_TEXT,
     NULL,
     {"check the file and note nothing", "検査だけを行い、何も記録しない"}},
    {0}};
const struct cli_command cmd_company_import = {
    .name = "company import",
    .args = "FILE",
    .n_min = 1,
    .n_max = 1,
    .kind = CLI_FILE,
    .summary = {"read companies from CSV or TSV", "会社を CSV や TSV から取り込む"},
    .about =
        {"A line for each company, known by its ids, else its name, else its domains. Fields:\n"
         "name, aliases, domains, ids; several in a cell have ; between them. Every other column\n"
         "is an attribute. What a line says is added, and an empty cell leaves what is known; a\n"
         "company known by its id takes a new name. A bad line is refused with its number and\n"
         "reason, and the rest goes in; a file may be read again. FILE - reads standard input.",
         "1 行が 1 社で、ID、名前、ドメインの順に識別します。項目: name、aliases、domains、ids\n"
         "(一つのセルに複数書くときは ; で区切る)。ほかの列は属性になります。行の内容を加え、空の\n"
         "セルは前の値を残します。ID "
         "で見つかった会社は新しい名前になります。不正な行は行番号・理由と\n"
         "ともに拒否し、残りを取り込みます。同じファイルを再び読んでも害はありません。FILE に - "
         "を\n"
         "指定すると標準入力を読みます。"},
    .examples = "hayauma company import companies.csv --system crm --rejects bad.csv\n"
                "hayauma company import accounts.csv --map 'Account=name,Web=domains,Memo=-'",
    .options = import_options,
    .run = run_import,
};

static const struct cli_option export_options[] = {CLI_OUTPUT_OPTION, CLI_RAW_OPTION, {0}};
const struct cli_command cmd_company_export = {
    .name = "company export",
    .args = "",
    .summary = {"write all companies as CSV (UTF-8)", "全会社を CSV (UTF-8) で書き出す"},
    .about = {"company import reads it again.", "company import で再び読めます。"},
    .examples = "hayauma company export --output companies.csv",
    .options = export_options,
    .run = run_export,
};
