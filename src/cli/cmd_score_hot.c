/* score hot, score calls: who is over a threshold, for people and as a list to call. */
#include <errno.h>
#include <iconv.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "commands.h"
#include "files.h"
#include "hayauma/audience/csv.h"
#include "moment.h"

enum { CSV_MAX = 64 << 20, REASON_MAX = 300 };

static int ask(struct cli *c, json_t **ret)
{
    json_t *args = json_object();
    if (cli_option(c, "threshold"))
        json_object_set_new(args, "threshold", json_string(cli_option(c, "threshold")));
    json_object_set_new(args, "closed", json_boolean(cli_flag(c, "closed")));
    int code = cli_number_option(c, "limit", 5000, args);
    if (code) {
        json_decref(args);
        return code;
    }
    return cli_request(c, "score.hot", args, NULL, ret);
}

/* "seminar 10, key page 3" */
static const char *reasons(const json_t *lead, char out[REASON_MAX])
{
    const json_t *why;
    size_t i, n = 0;
    out[0] = '\0';
    json_array_foreach(json_object_get(lead, "reasons"), i, why)
    {
        double p = json_number_value(json_object_get(why, "points"));
        int more =
            snprintf(out + n, REASON_MAX - n, "%s%s %.0f", i ? ", " : "", cli_str(why, "rule"), p);
        if (more < 0 || n + (size_t)more >= REASON_MAX)
            break;
        n += (size_t)more;
    }
    return out;
}

/* "A1": the letters of all groups that have some. */
static const char *grades(const json_t *lead, char out[64])
{
    const char *group;
    json_t *g;
    size_t n = 0;
    out[0] = '\0';
    json_object_foreach(json_object_get(lead, "grades"), group, g)
    {
        const char *name = json_string_value(g);
        if (name && n + strlen(name) < 63)
            n += (size_t)snprintf(out + n, 64 - n, "%s", name);
    }
    return out;
}

static const char *score(const json_t *lead, char out[32])
{
    snprintf(out, 32, "%.0f", json_number_value(json_object_get(lead, "score")));
    return out;
}

/* ---- hot ---- */

static int run_hot(struct cli *c)
{
    static const char *const heads[] = {"SCORE", "GRADE", "SINCE", "OWNER", "LEAD", "REASONS"};
    struct cli_table t;
    const json_t *lead;
    json_t *r;
    size_t i;
    int code = ask(c, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    cli_table_init(&t, heads, "rlllll");
    json_array_foreach(json_object_get(r, "leads"), i, lead)
    {
        char n[32], g[64], at[32], why[REASON_MAX];
        cli_table_add(&t, score(lead, n));
        cli_table_add(&t, grades(lead, g));
        cli_table_add(&t, cli_time(cli_str(lead, "since"), at));
        cli_table_add(&t, cli_str(lead, "owner"));
        cli_table_add(&t, cli_str(lead, "email"));
        cli_table_add(&t, reasons(lead, why));
    }
    cli_table_print(&t, c, cli_width(c));
    char shown[32], over[32];
    fprintf(c->out, _(c, "Leads that are %s: %s of %s.\n"), cli_str(r, "threshold"),
            cli_number((int64_t)i, shown), cli_number(cli_int(r, "over"), over));
    json_decref(r);
    return CLI_OK;
}

/* ---- calls ---- */

/* By the clock of the office, as a spreadsheet reads it; empty when there is none. */
static const char *moment(const json_t *o, const char *key, char room[32])
{
    return cli_str(o, key)[0] ? cli_time(cli_str(o, key), room) : "";
}

static void put_row(struct cli *c, struct hy_buf *out, const json_t *lead, bool safe)
{
    char n[32], g[64], why[REASON_MAX], what[512], since[32], at[32];
    const json_t *last = json_object_get(lead, "last"), *sales = json_object_get(lead, "sales");
    snprintf(what, sizeof what, "%s %s", cli_text(c, cli_str(last, "kind")),
             cli_str(last, "text")[0] ? cli_moment_text(c, last) : cli_str(last, "url"));
    const char *cells[] = {
        cli_str(lead, "name"),
        cli_str(lead, "company"),
        cli_str(lead, "phone"),
        cli_str(lead, "email"),
        cli_str(lead, "owner"),
        score(lead, n),
        grades(lead, g),
        moment(lead, "since", since),
        reasons(lead, why),
        moment(last, "at", at),
        what,
        cli_text(c, cli_str(sales, "result")),
    };
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++)
        hy_csv_put(out, hy_str_trim(hy_str_of(cells[i])), i == 0, safe);
    hy_buf_add_str(out, HY_STR("\r\n"));
}

static void put_csv(struct cli *c, const json_t *r, struct hy_buf *out)
{
    static const char *const names[] = {"name",    "company", "phone", "email",
                                        "owner",   "score",   "grade", "since",
                                        "reasons", "last_at", "last",  "result"};
    const json_t *lead;
    size_t i;
    for (i = 0; i < sizeof names / sizeof *names; i++)
        hy_csv_put(out, hy_str_of(names[i]), i == 0, false);
    hy_buf_add_str(out, HY_STR("\r\n"));
    json_array_foreach(json_object_get(r, "leads"), i, lead)
        put_row(c, out, lead, !cli_flag(c, "raw"));
}

/* What Shift_JIS lacks becomes '?'. */
static int convert(struct hy_buf *b, const char *charset)
{
    struct hy_buf out = HY_BUF_INIT(CSV_MAX);
    struct hy_str in = hy_buf_str(b);
    iconv_t cd = iconv_open(charset, "UTF-8");
    if (cd == (iconv_t)-1)
        return HY_EUNSUPPORTED;
    char *from = (char *)(uintptr_t)in.p;
    size_t left = in.n;
    while (left && out.err == HY_OK) {
        char room[4096], *to = room;
        size_t space = sizeof room;
        size_t did = iconv(cd, &from, &left, &to, &space);
        hy_buf_add_str(&out, hy_str_make(room, sizeof room - space));
        if (did == (size_t)-1 && errno != E2BIG) {
            hy_buf_add_str(&out, HY_STR("?"));
            do {
                from++;
                left--;
            } while (left && ((unsigned char)*from & 0xc0) == 0x80);
        }
    }
    iconv_close(cd);
    int err = out.err;
    hy_buf_free(b);
    *b = out;
    return err;
}

static int write_csv(struct cli *c, struct hy_buf *csv)
{
    const char *path = cli_option(c, "output");
    FILE *f = path ? fopen(path, "wb") : c->out;
    if (!f) {
        fprintf(c->err, "%s: %s\n", path, strerror(errno));
        return CLI_FAILED;
    }
    struct hy_str s = hy_buf_str(csv);
    bool is_good = fwrite(s.p ? s.p : "", 1, s.n, f) == s.n && fflush(f) == 0;
    if (path)
        is_good = fclose(f) == 0 && is_good;
    if (!is_good)
        fprintf(c->err, "%s: %s\n", path ? path : "-", strerror(errno));
    return is_good ? CLI_OK : CLI_FAILED;
}

static int run_calls(struct cli *c)
{
    const char *charset = cli_option(c, "charset");
    struct hy_buf csv = HY_BUF_INIT(CSV_MAX);
    json_t *r;
    bool is_sjis = charset && strcmp(charset, "shift_jis") == 0;
    if (charset && !is_sjis && strcmp(charset, "utf-8") != 0 && strcmp(charset, "utf-8-bom") != 0) {
        fputs(_(c, "--charset is utf-8, utf-8-bom or shift_jis\n"), c->err);
        return CLI_USAGE;
    }
    int code = ask(c, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    if (charset && strcmp(charset, "utf-8-bom") == 0)
        hy_buf_add_str(&csv, HY_STR("\xef\xbb\xbf"));
    put_csv(c, r, &csv);
    json_decref(r);
    int err = csv.err;
    if (err == HY_OK && is_sjis)
        err = convert(&csv, "CP932");
    code = err == HY_OK ? write_csv(c, &csv) : cli_fail(c, err, NULL, NULL);
    hy_buf_free(&csv);
    return code;
}

#define WHO_OPTIONS                                                                                            \
    {"threshold",                                                                                              \
     "NAME",                                                                                                   \
     CLI_TEXT,                                                                                                 \
     NULL,                                                                                                     \
     {"over which threshold (the first of the rules)", "しきい値の名前 (ルールの最初のもの)"}},                \
        {"limit",                                                                                              \
         "N",                                                                                                  \
         CLI_TEXT,                                                                                             \
         NULL,                                                                                                 \
         {"leads to show, up to 5000 (50)", "表示する件数、5000 まで (50)"}},                                  \
    {                                                                                                          \
        "closed", NULL, CLI_TEXT, NULL,                                                                        \
        {                                                                                                      \
            "also those that sales closed (won, lost)", "営業が完了したもの (won, lost) も含める" \
        }                                                                                                      \
    }

static const struct cli_option hot_options[] = {WHO_OPTIONS, {0}};
const struct cli_command cmd_score_hot = {
    .name = "score hot",
    .args = "",
    .summary = {"show the leads that are hot, with reasons", "ホットリードを理由とともに表示する"},
    .about = {"Leads over a threshold of the scoring rules, the highest score first.",
              "スコアのルールのしきい値を超えたリードを点数の高い順に示します。"},
    .examples = "hayauma score hot\nhayauma score hot --threshold hot --limit 200",
    .options = hot_options,
    .run = run_hot,
};

static const struct cli_option calls_options[] = {
    WHO_OPTIONS,
    {"charset",
     "NAME",
     CLI_WORDS,
     "utf-8 utf-8-bom shift_jis",
     {"utf-8, utf-8-bom (for Excel) or shift_jis (utf-8)",
      "utf-8, utf-8-bom (Excel 向け), shift_jis (utf-8)"}},
    CLI_OUTPUT_OPTION,
    CLI_RAW_OPTION,
    {0}};
const struct cli_command cmd_score_calls = {
    .name = "score calls",
    .args = "",
    .summary = {"write the leads that are hot as a call list (CSV)",
                "ホットリードを架電リスト (CSV) として書き出す"},
    .about = {"Name, company, phone, address, owner, score, grade, reasons and what the lead did "
              "last.",
              "氏名、会社、電話、アドレス、担当、点数、グレード、理由、最後の行動を書き出します。"},
    .examples = "hayauma score calls --output calls.csv --charset utf-8-bom",
    .options = calls_options,
    .run = run_calls,
};
