/* campaign report: what became of a campaign and what people did with it; as text, JSON or CSV. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "report_view.h"

enum { DOMAINS_MAX = 10000, PAGE_MAX = 64 << 20 };

/* 20 for people; all of them for a table of domains. */
static int read_domains(struct cli *c, uint64_t *ret)
{
    const char *domains = cli_option(c, "domains");
    *ret = cli_flag(c, "csv") ? DOMAINS_MAX : 20;
    if (!domains || hy_str_to_u64(hy_str_of(domains), DOMAINS_MAX, ret) == HY_OK)
        return CLI_OK;
    fprintf(c->err, _(c, "--%s must be a number up to %llu\n"), "domains",
            (unsigned long long)DOMAINS_MAX);
    return CLI_USAGE;
}

/* "-" is the output. */
static int write_page(struct cli *c, const json_t *r, const char *path)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf page = HY_BUF_INIT(PAGE_MAX);
    struct hy_diag diag = {""};
    report_put_html(c, r, &page);
    if (page.err)
        return cli_fail(c, page.err, hy_err_text(page.err), NULL);
    if (strcmp(path, "-") == 0)
        return fwrite(page.data, 1, page.len, c->out) == page.len ? CLI_OK : CLI_FAILED;
    FILE *f = fopen(path, "we");
    bool good = f && fwrite(page.data, 1, page.len, f) == page.len;
    if (f && fclose(f) != 0)
        good = false;
    if (!good) {
        hy_fail(&diag, HY_EIO, "%s: %s", path, strerror(errno));
        return cli_fail(c, HY_EIO, diag.text, NULL);
    }
    fprintf(c->out, _(c, "the page is written: %s\n"), path);
    return CLI_OK;
}

static int print(struct cli *c, json_t *r)
{
    const char *table = cli_option(c, "table"), *page = cli_option(c, "html");
    if (page) {
        int code = write_page(c, r, page);
        json_decref(r);
        return code;
    }
    if (c->json)
        return cli_print_json(c, r);
    if (cli_flag(c, "csv"))
        report_print_csv(c, r, table ? table : "domains", cli_flag(c, "bom"));
    else
        report_print_text(c, r);
    json_decref(r);
    return CLI_OK;
}

static int run(struct cli *c)
{
    uint64_t domains;
    json_t *r;
    int code = read_domains(c, &domains);
    if (code)
        return code;
    if (!cli_flag(c, "csv") && (cli_flag(c, "table") || cli_flag(c, "bom"))) {
        fputs(_(c, "--table and --bom go with --csv\n"), c->err);
        return CLI_USAGE;
    }
    code = cli_request(c, "campaign.report",
                       json_pack("{s:s, s:I, s:b}", "campaign", c->args[0], "domains",
                                 (json_int_t)domains, "mail", cli_flag(c, "html")),
                       NULL, &r);
    return code ? code : print(c, r);
}

static const struct cli_option options[] = {
    {"csv",
     NULL,
     CLI_TEXT,
     NULL,
     {"a table as CSV: by domain, or --table", "表を CSV で出力(ドメイン別、または --table)"}},
    {"table",
     "NAME",
     CLI_WORDS,
     report_csv_tables,
     {"which table goes into the CSV (domains)", "CSV にする表(既定は domains)"}},
    {"bom",
     NULL,
     CLI_TEXT,
     NULL,
     {"begin the CSV with a byte order mark, for Excel", "CSV の先頭に BOM を付ける(Excel 用)"}},
    {"html",
     "FILE",
     CLI_FILE,
     NULL,
     {"write a page with plots and the mail itself (- = output)",
      "グラフとメールの画面を含むページを書き出す(- は標準出力)"}},
    {"domains",
     "N",
     CLI_TEXT,
     NULL,
     {"so many domains, those with the most recipients (20; 10000 with --csv)",
      "宛先の多い順に表示するドメインの数(20、--csv では 10000)"}},
    {0}};
const struct cli_command cmd_campaign_report = {
    .name = "campaign report",
    .args = "NAME",
    .n_min = 1,
    .n_max = 1,
    .kind = CLI_CAMPAIGN,
    .summary = {"show what became of a campaign, and what people did with it",
                "キャンペーンの配信結果と読者の反応を集計する"},
    .about =
        {"Delivery with the reasons of bounces, in all and by domain; who opened and clicked, "
         "with\n"
         "machines told apart; every link; hours and days; bounces, complaints, unsubscribes and\n"
         "replies that came back; named goals. People are counted once, however often they "
         "clicked.",
         "配信結果と不達の理由(全体とドメイン別)、開封とクリック(機械によるものは別に数えます)、\n"
         "リンク別、時間別・日別、返ってきたもの(不達、苦情、配信停止、返信)、目標の達成を\n"
         "集計します。人数は、何度クリックしても 1 人と数えます。"},
    .examples = "hayauma campaign report \"Winter news\"\n"
                "hayauma campaign report \"Winter news\" --html winter.html\n"
                "hayauma campaign report \"Winter news\" --csv --table links > links.csv",
    .options = options,
    .run = run,
};
