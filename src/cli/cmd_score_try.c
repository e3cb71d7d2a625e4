/* score try, score apply: what other rules would make of the history, and giving all points anew.
 */
#include <errno.h>
#include <string.h>

#include "cli.h"
#include "commands.h"
#include "hayauma/config/scoring.h"
#include "page.h"
#include "retell.h"
#include "score_ask.h"

enum { RULES_MAX = 200 * 1024, PAGE_MAX = 4 << 20, BAR = 30 };

/* ---- the rules ---- */

/* The file, once its rules are found to be good. */
static int read_rules(struct cli *c, const char *path, struct hy_buf *out)
{
    struct hy_problems p = {0};
    struct hy_scoring *s = NULL;
    int err = hy_scoring_load(path, &p, &s);
    cli_print_problems(c, &p);
    hy_problems_free(&p);
    hy_scoring_free(s);
    if (err != HY_OK)
        return err == HY_EINVAL ? CLI_FAILED : cli_fail(c, err, NULL, NULL);
    FILE *f = fopen(path, "rb");
    char room[4096];
    size_t n = 1;
    while (f && n && out->err == HY_OK) {
        n = fread(room, 1, sizeof room, f);
        hy_buf_add_str(out, hy_str_make(room, n));
    }
    bool is_good = f && !ferror(f);
    if (!is_good)
        fprintf(c->err, "%s: %s\n", path, strerror(errno));
    if (f)
        fclose(f);
    if (!is_good)
        return CLI_FAILED;
    return out->err ? cli_fail(c, out->err, NULL, NULL) : CLI_OK;
}

/* ---- told in words ---- */

static const char *points(double p, char out[32])
{
    snprintf(out, 32, "%.1f", p);
    return out;
}

/* "0", "1-5", "60 and more": the points of a bin. */
static const char *bin_label(struct cli *c, int64_t step, size_t i, size_t n, char out[64])
{
    int64_t from = ((int64_t)i - 2) * step;
    if (i == 0)
        snprintf(out, 64, "%s", _(c, "below 0"));
    else if (i == 1)
        snprintf(out, 64, "%d", 0);
    else if (i == n - 1)
        snprintf(out, 64, _(c, "%lld and more"), (long long)from);
    else
        snprintf(out, 64, "%lld - %lld", (long long)from, (long long)(from + step));
    return out;
}

static int64_t count_of(const json_t *r, const char *which, size_t i)
{
    return json_integer_value(json_array_get(json_object_get(r, which), i));
}

static void print_bins(struct cli *c, const json_t *r)
{
    static const char *const heads[] = {"POINTS", "BEFORE", "AFTER", ""};
    size_t n = json_array_size(json_object_get(r, "after"));
    struct cli_table t;
    int64_t most = 1;
    cli_table_init(&t, heads, "rrrl");
    for (size_t i = 0; i < n; i++)
        if (i != 1 && count_of(r, "after", i) > most) /* those of no points would hide the rest */
            most = count_of(r, "after", i);
    for (size_t i = 0; i < n; i++) {
        char label[64];
        struct hy_buf bar = HY_BUF_INIT(1024);
        double share = (double)count_of(r, "after", i) / (double)most;
        if (!count_of(r, "after", i) && !count_of(r, "before", i))
            continue;
        cli_put_bar(&bar, share > 1 ? 1 : share, BAR, c->is_tty);
        cli_table_add(&t, bin_label(c, cli_int(r, "step"), i, n, label));
        cli_table_add_n(&t, count_of(r, "before", i));
        cli_table_add_n(&t, count_of(r, "after", i));
        cli_table_add(&t, hy_buf_cstr(&bar));
        hy_buf_free(&bar);
    }
    cli_table_print(&t, c, 0);
}

static void print_result(struct cli *c, const json_t *r)
{
    static const char *const heads[] = {"BEFORE", "AFTER", "LEAD"};
    const json_t *o;
    struct cli_table t;
    size_t i;
    char a[32], b[32], n[32], m[32];
    fprintf(c->out,
            _(c, "Leads that would have other points: %s of %s; the mean goes from %s to %s.\n"),
            cli_number(cli_int(r, "changed"), n), cli_number(cli_int(r, "leads"), m),
            points(json_number_value(json_object_get(r, "mean_before")), a),
            points(json_number_value(json_object_get(r, "mean_after")), b));
    json_array_foreach(json_object_get(r, "thresholds"), i, o)
    {
        char enter[32], leave[32];
        fprintf(c->out, _(c, "%s: leads now %s, then %s; %s would enter, %s leave.\n"),
                cli_str(o, "name"), cli_number(cli_int(o, "before"), n),
                cli_number(cli_int(o, "after"), m), cli_number(cli_int(o, "enter"), enter),
                cli_number(cli_int(o, "leave"), leave));
    }
    if (cli_int(r, "skipped"))
        fprintf(c->out, _(c, "Leads that did too much to be tried: %s.\n"),
                cli_number(cli_int(r, "skipped"), n));
    print_bins(c, r);
    if (!json_array_size(json_object_get(r, "movers")))
        return;
    fputs(_(c, "Whose points change most:\n"), c->out);
    cli_table_init(&t, heads, "rrl");
    json_array_foreach(json_object_get(r, "movers"), i, o)
    {
        cli_table_add(&t, points(json_number_value(json_object_get(o, "before")), a));
        cli_table_add(&t, points(json_number_value(json_object_get(o, "after")), b));
        cli_table_add(&t, cli_str(o, "email"));
    }
    cli_table_print(&t, c, cli_width(c));
}

/* ---- as a page ---- */

struct picture {
    struct cli *c;
    const json_t *r;
};

static const char *chart_label(void *ctx, size_t i, char room[64])
{
    struct picture *p = ctx;
    return bin_label(p->c, cli_int(p->r, "step"), i + 2,
                     json_array_size(json_object_get(p->r, "after")), room);
}

static int64_t chart_before(void *ctx, size_t series, size_t i)
{
    (void)series;
    return count_of(((struct picture *)ctx)->r, "before", i + 2);
}

static int64_t chart_after(void *ctx, size_t series, size_t i)
{
    (void)series;
    return count_of(((struct picture *)ctx)->r, "after", i + 2);
}

static void put_rows(struct picture *p, struct hy_buf *out)
{
    const json_t *o;
    size_t i;
    json_array_foreach(json_object_get(p->r, "movers"), i, o)
    {
        hy_buf_printf(out, "<tr><td>%.1f<td>%.1f<td>",
                      json_number_value(json_object_get(o, "before")),
                      json_number_value(json_object_get(o, "after")));
        page_put(out, cli_str(o, "email"));
    }
}

static void put_words(struct picture *p, struct hy_buf *out)
{
    char line[512], a[32], b[32], n[32], m[32];
    const json_t *o;
    size_t i;
    snprintf(
        line, sizeof line,
        _(p->c, "Leads that would have other points: %s of %s; the mean goes from %s to %s.\n"),
        cli_number(cli_int(p->r, "changed"), n), cli_number(cli_int(p->r, "leads"), m),
        points(json_number_value(json_object_get(p->r, "mean_before")), a),
        points(json_number_value(json_object_get(p->r, "mean_after")), b));
    hy_buf_add_str(out, HY_STR("<p>"));
    page_put(out, line);
    json_array_foreach(json_object_get(p->r, "thresholds"), i, o)
    {
        char enter[32], leave[32];
        snprintf(line, sizeof line,
                 _(p->c, "%s: leads now %s, then %s; %s would enter, %s leave.\n"),
                 cli_str(o, "name"), cli_number(cli_int(o, "before"), n),
                 cli_number(cli_int(o, "after"), m), cli_number(cli_int(o, "enter"), enter),
                 cli_number(cli_int(o, "leave"), leave));
        hy_buf_add_str(out, HY_STR("<p>"));
        page_put(out, line);
    }
}

static void put_page(struct picture *p, struct hy_buf *out)
{
    static const char style[] =
        "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;"
        "color:#222;background:#fff}svg{width:100%;height:16rem}.machines{fill:#9aa5b1;background:"
        "#9aa5b1}.people{fill:#0b6e4f;background:#0b6e4f}td{padding:.1rem .8rem .1rem 0}"
        "@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}}";
    struct page_chart before = {.title = _(p->c, "Leads by points, by the rules in force"),
                                .n = json_array_size(json_object_get(p->r, "after")) - 2,
                                .label = chart_label,
                                .value = chart_before,
                                .ctx = p,
                                .n_series = 1,
                                .names = {_(p->c, "before")},
                                .kinds = {"machines"}};
    struct page_chart after = before;
    after.title = _(p->c, "Leads by points, by the rules that are tried");
    after.value = chart_after;
    after.names[0] = _(p->c, "after");
    after.kinds[0] = "people";
    hy_buf_printf(
        out,
        "<!DOCTYPE html><html lang=\"%s\"><meta charset=\"utf-8\"><meta name=\"viewport\" "
        "content=\"width=device-width\"><title>hayauma score try</title><style>%s</style>"
        "<h1>hayauma score try</h1>",
        p->c->lang == CLI_JA ? "ja" : "en", style);
    put_words(p, out);
    for (int i = 0; i < 2; i++) {
        hy_buf_add_str(out, HY_STR("<h2>"));
        page_put(out, i ? after.title : before.title);
        hy_buf_add_str(out, HY_STR("</h2>"));
        page_put_chart(out, i ? &after : &before);
    }
    hy_buf_add_str(out, HY_STR("<h2>"));
    page_put(out, _(p->c, "Whose points change most:\n"));
    hy_buf_add_str(out, HY_STR("</h2><table>"));
    put_rows(p, out);
    hy_buf_add_str(out, HY_STR("</table></html>\n"));
}

static int write_page(struct cli *c, const json_t *r, const char *path)
{
    struct hy_buf page = HY_BUF_INIT(PAGE_MAX);
    put_page(&(struct picture){c, r}, &page);
    FILE *f = page.err ? NULL : fopen(path, "wb");
    struct hy_str s = hy_buf_str(&page);
    bool is_good = f && fwrite(s.p, 1, s.n, f) == s.n;
    is_good = f && fclose(f) == 0 && is_good;
    if (!is_good)
        fprintf(c->err, "%s: %s\n", path, page.err ? hy_err_text(page.err) : strerror(errno));
    hy_buf_free(&page);
    return is_good ? CLI_OK : CLI_FAILED;
}

/* ---- commands ---- */

static int run_try(struct cli *c)
{
    struct hy_buf rules = HY_BUF_INIT(RULES_MAX);
    const char *html = cli_option(c, "html");
    json_t *r = NULL;
    int code = read_rules(c, c->args[0], &rules);
    if (code == CLI_OK) {
        json_t *args = json_object();
        struct hy_str text = hy_buf_str(&rules);
        json_object_set_new(args, "rules", json_stringn(text.p ? text.p : "", text.n));
        code = score_ask(c, "score.try", args, &r);
    }
    hy_buf_free(&rules);
    if (code)
        return code;
    code = html ? write_page(c, r, html) : CLI_OK;
    if (c->json)
        return cli_print_json(c, r) || code;
    print_result(c, r);
    json_decref(r);
    return code;
}

static int run_apply(struct cli *c)
{
    char n[32], m[32];
    json_t *r;
    if (!cli_confirm(c, _(c, "Give all leads their points anew by the rules in force? ")))
        return CLI_FAILED;
    json_t *args = json_pack("{s:b}", "announce", (int)cli_flag(c, "announce"));
    int code = score_ask(c, "score.apply", args, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    fprintf(c->out, _(c, "Leads with other points now: %s of %s.\n"),
            cli_number(cli_int(r, "changed"), n), cli_number(cli_int(r, "of"), m));
    json_decref(r);
    return CLI_OK;
}

static const struct cli_option try_options[] = {
    {"html", "FILE", CLI_FILE, NULL, {"write a page with plots, too", "図のあるページも書く"}},
    {0}};
const struct cli_command cmd_score_try = {
    .name = "score try",
    .args = "RULES",
    .n_min = 1,
    .n_max = 1,
    .kind = CLI_FILE,
    .summary = {"show what other rules would make of the history",
                "別のルールを履歴に当てはめるとどうなるかを示す"},
    .about =
        {"Reads one snapshot of the store beside the daemon's work and stores nothing: who "
         "would enter or leave a threshold, how points would spread, whose would change most.",
         "保存はせず、ストアのある時点を読みます。しきい値に入るリードと出るリード、点数の分布、"
         "最も変わるリードを示します。"},
    .examples =
        "hayauma score try new-rules.yaml\nhayauma score try new-rules.yaml --html try.html",
    .options = try_options,
    .run = run_try,
};

static const struct cli_option apply_options[] = {
    {"announce",
     NULL,
     CLI_TEXT,
     NULL,
     {"note and hand over who enters a threshold by this",
      "これによりしきい値に入るリードを記録し引き渡す"}},
    {"yes", NULL, CLI_TEXT, NULL, {"do not ask", "確認を求めない"}},
    {0}};
const struct cli_command cmd_score_apply = {
    .name = "score apply",
    .args = "",
    .summary = {"give all points anew by the rules in force",
                "現在のルールですべての点数を付け直す"},
    .about =
        {"Lead by lead while everything goes on; interrupted, it goes on where it was. What "
         "activities gave that are no more in the log stays.",
         "ほかの処理と並行して 1 件ずつ行い、中断しても続きから再開します。ログから消えた行動の"
         "点数は残ります。"},
    .examples = "hayauma score apply",
    .options = apply_options,
    .run = run_apply,
};
