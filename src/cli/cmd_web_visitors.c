/* web visitors: which companies came to the site. */
#include "cli.h"
#include "commands.h"
#include "hayauma/audience/csv.h"

enum { CSV_MAX = 4 << 20, LEADS_TEXT = 2048 };

static const char *number(const json_t *o, const char *key, char out[32])
{
    snprintf(out, 32, "%lld", (long long)cli_int(o, key));
    return out;
}

/* "hana@example.jp taro@example.jp +3" */
static const char *leads(const json_t *o, size_t max, char out[LEADS_TEXT])
{
    const json_t *lead;
    size_t i, n = 0, shown = 0;
    int64_t all = cli_int(o, "known");
    out[0] = '\0';
    json_array_foreach(json_object_get(o, "leads"), i, lead)
    {
        const char *address = cli_str(lead, "email");
        if (shown == max || n + strlen(address) + 32 > LEADS_TEXT)
            break;
        n += (size_t)snprintf(out + n, LEADS_TEXT - n, "%s%s", n ? " " : "", address);
        shown++;
    }
    if (all > (int64_t)shown)
        snprintf(out + n, LEADS_TEXT - n, "%s+%lld", n ? " " : "", (long long)all - (int64_t)shown);
    return out;
}

static void put_csv(struct cli *c, const json_t *r, struct hy_buf *out)
{
    static const char *const names[] = {"company", "domain", "pages",       "visits", "visitors",
                                        "first",   "last",   "known_leads", "leads"};
    const json_t *o;
    size_t i, k;
    for (k = 0; k < sizeof names / sizeof *names; k++)
        hy_csv_put(out, hy_str_of(names[k]), k == 0, false);
    hy_buf_add_str(out, HY_STR("\r\n"));
    json_array_foreach(json_object_get(r, "companies"), i, o)
    {
        char n[4][32], who[LEADS_TEXT];
        const char *cells[] = {
            cli_str(o, "company"),     cli_str(o, "domain"),        number(o, "pages", n[0]),
            number(o, "visits", n[1]), number(o, "visitors", n[2]), cli_str(o, "first"),
            cli_str(o, "last"),        number(o, "known", n[3]),    leads(o, SIZE_MAX, who)};
        for (k = 0; k < sizeof cells / sizeof *cells; k++)
            hy_csv_put(out, hy_str_of(cells[k]), k == 0, !cli_flag(c, "raw"));
        hy_buf_add_str(out, HY_STR("\r\n"));
    }
}

static void put_table(struct cli *c, const json_t *r)
{
    static const char *const heads[] = {"COMPANY", "PAGES", "VISITS", "VISITORS", "LAST", "LEADS"};
    struct cli_table t;
    const json_t *o;
    size_t i;
    cli_table_init(&t, heads, "lrrrll");
    json_array_foreach(json_object_get(r, "companies"), i, o)
    {
        char n[3][32], at[32], who[LEADS_TEXT];
        cli_table_add(&t, cli_str(o, "company"));
        cli_table_add(&t, number(o, "pages", n[0]));
        cli_table_add(&t, number(o, "visits", n[1]));
        cli_table_add(&t, number(o, "visitors", n[2]));
        cli_table_add(&t, cli_time(cli_str(o, "last"), at));
        cli_table_add(&t, leads(o, 2, who));
    }
    cli_table_print(&t, c, cli_width(c));
}

static int run(struct cli *c)
{
    struct hy_buf csv = HY_BUF_INIT(CSV_MAX);
    const char *since = cli_option(c, "since"), *limit = cli_option(c, "limit");
    uint64_t n = 100;
    json_t *r;
    if (limit && (hy_str_to_u64(hy_str_of(limit), 1000, &n) != HY_OK || n == 0)) {
        fputs(_(c, "--limit is a number up to 1000\n"), c->err);
        return CLI_USAGE;
    }
    int code = cli_request(
        c, "web.visitors",
        json_pack("{s:s,s:I}", "since", since ? since : "", "limit", (json_int_t)n), NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    if (cli_flag(c, "csv")) {
        put_csv(c, r, &csv);
        code = csv.err ? cli_fail(c, csv.err, NULL, NULL) : CLI_OK;
        if (!code)
            fputs(hy_buf_cstr(&csv), c->out);
    } else {
        put_table(c, r);
    }
    if (!json_is_true(json_object_get(r, "complete")))
        fputs(_(c, "Not all is counted, there is too much: take a later --since.\n"), c->err);
    hy_buf_free(&csv);
    json_decref(r);
    return code;
}

static const struct cli_option options[] = {
    {"since",
     "TIME",
     CLI_TEXT,
     NULL,
     {"what was noted since: 2026-12-01T09:00:00+09:00 (30 days ago)",
      "これ以降の記録: 2026-12-01T09:00:00+09:00 (30 日前から)"}},
    {"limit",
     "N",
     CLI_TEXT,
     NULL,
     {"companies, those seen last (100)", "会社の数。新しい順 (100)"}},
    {"csv", NULL, CLI_TEXT, NULL, {"as CSV, for spreadsheets", "表計算ソフト用の CSV で"}},
    {"raw",
     NULL,
     CLI_TEXT,
     NULL,
     {"CSV without a ' before what a spreadsheet would take for a formula",
      "数式と見なされるセルの前に ' を付けない CSV"}},
    {0}};
const struct cli_command cmd_web_visitors = {
    .name = "web visitors",
    .args = "",
    .summary = {"list the companies whose people came to your sites",
                "自社サイトを訪れた会社を一覧にする"},
    .about =
        {"By the networks of web_tag.companies: pages, visits (a visitor counts once a day),\n"
         "visitors, when the last one came, and the leads among them. Providers are left out.",
         "web_tag.companies のネットワークごとに、ページ数、訪問数 (一訪問者につき一日一回)、\n"
         "訪問者数、最後の訪問、その中のリード。プロバイダーは除きます。"},
    .examples = "hayauma web visitors --since 2026-11-01T00:00:00+09:00\n"
                "hayauma web visitors --csv > visitors.csv",
    .options = options,
    .run = run,
};
