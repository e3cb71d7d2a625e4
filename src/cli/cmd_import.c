/* import: hands a file of leads to the daemon and shows how it goes. */
#include "cli.h"
#include "commands.h"
#include "files.h"

static void print_result(struct cli *c, const json_t *r)
{
    char rows[32], added[32], updated[32], same[32], twice[32], refused[32], took[32];
    double seconds = (double)cli_int(r, "elapsed_ms") / 1000;
    int64_t all = cli_int(r, "rows"), doubts = cli_int(r, "suggested") + cli_int(r, "disposable");
    if (cli_flag(c, "dry-run"))
        fprintf(c->out, _(c, "Checked %s rows: %s are good. Nothing was stored.\n"),
                cli_number(all, rows), cli_number(all - cli_int(r, "rejected"), added));
    else
        fprintf(
            c->out,
            _(c, "Read %s rows: %s new, %s changed, %s unchanged, %s duplicates, %s refused.\n"),
            cli_number(all, rows), cli_number(cli_int(r, "added"), added),
            cli_number(cli_int(r, "updated"), updated), cli_number(cli_int(r, "unchanged"), same),
            cli_number(cli_int(r, "duplicates"), twice),
            cli_number(cli_int(r, "rejected"), refused));
    if (doubts)
        fprintf(c->out,
                _(c, "%s addresses look misspelt or disposable: --rejects FILE lists them.\n"),
                cli_number(doubts, rows));
    if (cli_int(r, "kept_addresses"))
        fprintf(c->out,
                _(c, "Leads that keep another address: %s. --rejects FILE lists them, "
                     "--move-addresses gives them the file's.\n"),
                cli_number(cli_int(r, "kept_addresses"), rows));
    if (seconds > 0)
        fprintf(c->out, _(c, "%.1f s, %s rows a second; read as %s.\n"), seconds,
                cli_number((int64_t)((double)cli_int(r, "rows") / seconds), took),
                cli_str(r, "charset"));
}

static json_t *arguments(const struct cli *c)
{
    static const char *const names[] = {"list",   "format",   "charset", "map",
                                        "header", "existing", "tag",     "source"};
    json_t *args = json_pack("{s:b, s:b, s:b, s:b, s:b}", "dry_run", (int)cli_flag(c, "dry-run"),
                             "refuse_slips", (int)cli_flag(c, "refuse-slips"), "refuse_disposable",
                             (int)cli_flag(c, "refuse-disposable"), "allow_ragged",
                             (int)cli_flag(c, "allow-ragged"), "move_addresses",
                             (int)cli_flag(c, "move-addresses"));
    uint64_t from_line = 0;
    const char *from = cli_option(c, "from-line");
    if (from && hy_str_to_u64(hy_str_of(from), INT64_MAX, &from_line) == 0 && from_line)
        json_object_set_new(args, "from_line", json_integer((json_int_t)from_line));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (cli_option(c, names[i]))
            json_object_set_new(args, names[i], json_string(cli_option(c, names[i])));
    return args;
}

static int import(struct cli *c, const int *fds, size_t n_fds)
{
    return import_request(c, "import", arguments(c), fds, n_fds, print_result);
}

static int run(struct cli *c)
{
    const char *from = cli_option(c, "from-line");
    uint64_t from_line = 0;
    if (from && hy_str_to_u64(hy_str_of(from), INT64_MAX, &from_line)) {
        fprintf(c->err, _(c, "--%s must be a number up to %llu\n"), "from-line",
                (unsigned long long)INT64_MAX);
        return CLI_USAGE;
    }
    if (!cli_option(c, "list") && !cli_option(c, "tag") && !cli_flag(c, "dry-run")) {
        fprintf(c->err, "%s", _(c, "--list NAME says which list the leads go to\n"));
        return CLI_USAGE;
    }
    return import_files(c, c->args[0], cli_option(c, "rejects"), import);
}

static const struct cli_option options[] = {
    {"list",
     "NAME",
     CLI_LIST,
     NULL,
     {"the list they go to; made when there is none", "登録先のリスト(なければ作る)"}},
    {"tag", "A,B", CLI_TEXT, NULL, {"tags that all of them get", "全員に付けるタグ"}},
    {"source",
     "TEXT",
     CLI_TEXT,
     NULL,
     {"where new leads come from: the attribute source, unless the row says so",
      "新しいリードの獲得元 (属性 source。行に値があればそちら)"}},
    {"format",
     "FORMAT",
     CLI_WORDS,
     "auto csv tsv semicolon",
     {"auto, csv, tsv or semicolon (auto)", "auto, csv, tsv, semicolon (auto)"}},
    CLI_CHARSET_OPTION,
    {"map",
     "A=B,...",
     CLI_TEXT,
     NULL,
     {"columns (header or number) to attributes; B: a name, email, - to leave out, or an id: "
      "ext:SYSTEM, line:, phone:",
      "列(見出しか番号)と属性の対応。B は属性名、email、-(捨てる)、または ID "
      "(ext:システム、line:、phone:)"}},
    {"header",
     "WORD",
     CLI_WORDS,
     "auto yes no",
     {"whether the first row names the columns: auto, yes or no (auto)",
      "先頭行が見出しか: auto, yes, no (auto)"}},
    {"rejects",
     "FILE",
     CLI_FILE,
     NULL,
     {"write every refused row with its line and reason",
      "拒否した全行を行番号・理由とともに書く"}},
    {"existing",
     "WORD",
     CLI_WORDS,
     "overwrite fill keep",
     {"leads that are there: overwrite their values, fill only what is absent, or keep them "
      "(overwrite)",
      "既存のリードの値を overwrite(上書き)、fill(空欄のみ補う)、keep(そのまま) (overwrite)"}},
    {"move-addresses",
     NULL,
     CLI_TEXT,
     NULL,
     {"leads found by an id get the row's address in place of their own",
      "ID で見つかったリードのアドレスを、行のアドレスに変える"}},
    {"refuse-slips",
     NULL,
     CLI_TEXT,
     NULL,
     {"refuse rows whose domain looks misspelt (gmial.com), instead of a warning in the report",
      "綴り間違いらしいドメイン (gmial.com) の行を、警告でなく拒否する"}},
    {"refuse-disposable",
     NULL,
     CLI_TEXT,
     NULL,
     {"refuse rows with a disposable address, instead of a warning in the report",
      "使い捨てアドレスの行を、警告でなく拒否する"}},
    {"allow-ragged",
     NULL,
     CLI_TEXT,
     NULL,
     {"take rows with fewer fields than the header, or with empty ones too many",
      "見出しより欄の少ない行、空の欄が余る行も取り込む"}},
    {"from-line",
     "N",
     CLI_TEXT,
     NULL,
     {"leave out rows before this line: go on after an interruption",
      "この行より前を飛ばす(中断した取り込みの続き)"}},
    {"dry-run",
     NULL,
     CLI_TEXT,
     NULL,
     {"check the file and store nothing", "検査だけを行い、何も登録しない"}},
    {0}};
const struct cli_command cmd_import = {
    .name = "import",
    .args = "FILE",
    .n_min = 1,
    .n_max = 1,
    .kind = CLI_FILE,
    .summary = {"import leads from CSV or TSV into a list",
                "CSV や TSV のリードをリストに取り込む"},
    .about =
        {"Charset, delimiter and header are found out by themselves. A bad row is refused with\n"
         "its line and reason and the rest goes in. Leads that are there already get the new\n"
         "values. FILE - reads standard input. Exit code 1 when every row was refused.",
         "文字コード、区切り、見出しは自動で判定します。不正な行は行番号と理由を示して拒否し、\n"
         "残りを取り込みます。既にあるリードは新しい値になります。FILE に - を指定すると\n"
         "標準入力を読みます。全行が拒否されたときは 1 で終わります。"},
    .examples = "hayauma import leads.csv --list customers --rejects bad.csv\n"
                "hayauma import - --list seminar --map 'E-Mail=email,3=points,memo=-' < leads.tsv\n"
                "hayauma import crm.csv --tag crm --map 'ID=ext:crm' --rejects bad.csv\n"
                "hayauma import leads.csv --dry-run",
    .options = options,
    .run = run,
};
