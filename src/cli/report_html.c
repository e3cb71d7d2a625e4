/* A campaign's report as one page of HTML: no script, no request to anywhere, everything from
 * outside escaped. The mail stands in a frame that may do nothing (report_mail.c). */
#include "page.h"
#include "report_page.h"

/* Colours are told apart by those who see few of them; sizes are those of the reader. */
static const char style[] =
    ":root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--ink:#1b2330;--dim:#5b6675;"
    "--line:#dfe3e9;--people:#2563c9;--clicks:#d9660b;--unknown:#9db7e8;--machine:#a7adb6;"
    "--good:#1f8a5b;--bad:#c43d3d}"
    "@media(prefers-color-scheme:dark){:root{--bg:#12161c;--card:#1b212a;--ink:#e7ebf1;"
    "--dim:#9aa6b6;--line:#2e3743;--people:#6ea3ff;--clicks:#ff9d4d;--unknown:#40608f;"
    "--machine:#666f7c;--good:#4fc08d;--bad:#f07b7b}}"
    "*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--ink);font:16px/1.55 "
    "system-ui,-apple-system,'Segoe UI','Hiragino Sans','Noto Sans JP','Noto Sans CJK JP',"
    "sans-serif}"
    "main,header,footer{max-width:1280px;margin:0 auto;padding:0 20px}"
    "header{padding-top:32px}h1{font-size:1.75rem;line-height:1.25;margin:0 0 4px;"
    "overflow-wrap:anywhere}h2{font-size:1.15rem;margin:0 0 12px}h3{font-size:1rem;margin:20px 0 "
    "6px}.dim,footer,.legend,small{color:var(--dim)}.subject{margin:0;overflow-wrap:anywhere}"
    "section{background:var(--card);border:1px solid var(--line);border-radius:12px;"
    "padding:20px;margin:20px 0}"
    ".cards{display:grid;grid-template-columns:repeat(4,1fr);gap:12px;"
    "margin:20px 0}.card{background:var(--card);border:1px solid var(--line);border-radius:12px;"
    "padding:14px 16px}.card b{display:block;font-size:1.6rem;line-height:1.2;"
    "font-variant-numeric:tabular-nums}.card span{color:var(--dim);font-size:.85rem;display:block}"
    ".card span:first-child::first-letter,.f::first-letter,#figures td:first-child::first-letter,"
    ".legend span::first-letter{text-transform:uppercase}"
    ".two{display:grid;grid-template-columns:1fr 1fr;gap:28px}.two>*{min-width:0}"
    ".mail{display:grid;grid-template-columns:minmax(0,660px) minmax(0,1fr);gap:24px}"
    "iframe{width:100%;height:var(--mail);border:1px solid var(--line);border-radius:8px;"
    "background:#fff;resize:vertical}"
    "table{border-collapse:collapse;width:100%;font-size:.9rem;font-variant-numeric:tabular-nums}"
    "th,td{text-align:right;padding:5px 8px;border-bottom:1px solid var(--line);"
    "vertical-align:top}th{color:var(--dim);font-weight:600;white-space:nowrap}"
    "th:first-child,td:first-child,.l{text-align:left}td.l{overflow-wrap:anywhere;min-width:9em}"
    "#links th:nth-child(2){text-align:left}td:not(.l){white-space:nowrap}"
    ".scroll{overflow-x:auto}td.share{min-width:70px;width:22%}td.share svg{margin-top:6px}"
    "svg{display:block}.chart{overflow:visible}svg "
    "text{fill:var(--dim);font-size:11px}.g{stroke:var(--line)}"
    ".people{fill:var(--people)}.clicks{fill:var(--clicks)}.unknown{fill:var(--unknown)}"
    ".machine{fill:var(--machine)}.good{fill:var(--good)}.bad{fill:var(--bad)}"
    ".track{fill:var(--line)}.legend{display:flex;flex-wrap:wrap;gap:4px 16px;font-size:.85rem;"
    "margin:6px 0 0}.legend svg{display:inline-block}"
    ".funnel{display:grid;grid-template-columns:max-content minmax(60px,1fr) max-content "
    "max-content;gap:8px 12px;align-items:center}.funnel i{font-style:normal;text-align:right;"
    "font-variant-numeric:tabular-nums}"
    "details{margin-top:10px}summary{cursor:pointer;color:var(--dim);font-size:.9rem}"
    "footer{padding-bottom:40px;font-size:.85rem}"
    "@media(max-width:1100px){.mail{grid-template-columns:1fr}}"
    "@media(max-width:760px){.cards{grid-template-columns:1fr "
    "1fr}.two,.mail{grid-template-columns:1fr}main,header,footer{padding:0 "
    "12px}header{padding-top:20px}section{padding:14px}h1{font-size:1.4rem}"
    ".funnel{grid-template-columns:max-content 1fr}.funnel i{text-align:left}.funnel "
    "svg{grid-column:1/-1}.funnel "
    ".f{grid-column:1/-1;margin-bottom:-6px}iframe{height:calc(var(--mail)*.85)}}"
    "@media(max-width:490px){iframe{height:calc(var(--mail)*.66)}}"
    "@media print{:root{--bg:#fff;--card:#fff;--ink:#000;--dim:#444;--line:#ccc}"
    "body{font-size:11pt}section{break-inside:avoid;border:0;padding:0}summary{display:none}"
    ".mail section,.scroll{break-inside:auto}}";

/* ---- small things ---- */

void report_put_percent(struct hy_buf *out, int64_t n, int64_t of)
{
    if (of > 0)
        hy_buf_printf(out, "%.2f %%", 100.0 * (double)n / (double)of);
    else
        hy_buf_add_lit(out, "\xe2\x80\x93");
}

void report_put_n(struct hy_buf *out, int64_t n)
{
    char text[32];
    hy_buf_add_str(out, hy_str_of(cli_number(n, text)));
}

void report_put_head_cells(struct hy_buf *out, const char *const *heads, size_t n)
{
    hy_buf_add_lit(out, "<thead><tr>");
    for (size_t i = 0; i < n; i++) {
        hy_buf_add_lit(out, "<th scope=\"col\">");
        page_put(out, heads[i]);
        hy_buf_add_lit(out, "</th>");
    }
    hy_buf_add_lit(out, "</tr></thead>");
}

/* "2026-11-22T10:00:00+09:00" as "2026-11-22 10:00". */
static void put_time(struct hy_buf *out, const char *at)
{
    char text[32];
    snprintf(text, sizeof text, "%.10s %.5s", at, strlen(at) > 16 ? at + 11 : "");
    page_put(out, text);
}

/* ---- top ---- */

static void put_header(struct cli *c, const json_t *r, struct hy_buf *out)
{
    hy_buf_add_lit(out, "<header><p class=\"dim\">");
    page_put(out, _(c, "Campaign report"));
    hy_buf_add_lit(out, "</p><h1>");
    page_put(out, cli_str(r, "name"));
    hy_buf_add_lit(out, "</h1><p class=\"subject\">");
    page_put(out, cli_str(r, "subject"));
    hy_buf_add_lit(out, "</p><p class=\"dim\">");
    if (cli_str(r, "first_attempt")[0]) {
        put_time(out, cli_str(r, "first_attempt"));
        hy_buf_add_lit(out, " \xe2\x80\x93 ");
        put_time(out, cli_str(r, "last_attempt"));
        hy_buf_add_lit(out, " \xc2\xb7 ");
    }
    page_put(out, cli_str(r, "time_zone"));
    hy_buf_add_lit(out, " \xc2\xb7 ");
    page_put(out, cli_text(c, cli_str(r, "state")));
    hy_buf_add_lit(out, "</p></header>");
}

struct card {
    const char *label;
    int64_t n, of;
    const char *of_label;
    const char *key; /* among the people of earlier campaigns; NULL: no comparison */
    bool is_rate;    /* the share is what counts */
};

/* The same share of the campaigns before, all together. */
static void put_before(struct cli *c, const json_t *r, const struct card *card, struct hy_buf *out)
{
    const json_t *o, *previous = json_object_get(r, "previous");
    int64_t n = 0, of = 0;
    size_t i;
    json_array_foreach(previous, i, o)
    {
        n += cli_int(json_object_get(o, "people"), card->key);
        of += cli_int(o, "delivered");
    }
    if (of == 0 || card->of == 0 || n + card->n == 0)
        return;
    double before = 100.0 * (double)n / (double)of;
    double now = 100.0 * (double)card->n / (double)card->of;
    hy_buf_add_lit(out, "<span>");
    hy_buf_printf(out, _(c, "before: %.2f %% (%+.2f points)"), before, now - before);
    hy_buf_add_lit(out, "</span>");
}

static void put_card(struct cli *c, const json_t *r, const struct card *card, struct hy_buf *out)
{
    hy_buf_add_lit(out, "<div class=\"card\"><span>");
    page_put(out, card->label);
    hy_buf_add_lit(out, "</span><b>");
    if (card->is_rate)
        report_put_percent(out, card->n, card->of);
    else
        report_put_n(out, card->n);
    hy_buf_add_lit(out, "</b>");
    if (card->of) {
        hy_buf_add_lit(out, "<span>");
        if (!card->is_rate) {
            report_put_percent(out, card->n, card->of);
            hy_buf_add_c(out, ' ');
        }
        page_put(out, card->of_label);
        hy_buf_add_lit(out, "</span>");
    }
    if (card->key)
        put_before(c, r, card, out);
    hy_buf_add_lit(out, "</div>");
}

static void put_cards(struct cli *c, const json_t *r, struct hy_buf *out)
{
    const json_t *p = json_object_get(r, "people");
    int64_t sent = cli_int(r, "sent"), delivered = cli_int(r, "delivered");
    const struct card cards[] = {
        {_(c, "delivered"), delivered, sent, _(c, "of sent"), NULL, false},
        {_(c, "people who opened"), cli_int(p, "opened"), delivered, _(c, "of delivered"), "opened",
         false},
        {_(c, "people who clicked"), cli_int(p, "clicked"), delivered, _(c, "of delivered"),
         "clicked", false},
        {_(c, "click-to-open"), cli_int(p, "clicked"), cli_int(p, "opened"),
         _(c, "of those who opened"), NULL, true},
        {_(c, "bounced"), cli_int(r, "bounced"), sent, _(c, "of sent"), NULL, false},
        {_(c, "unsubscribes"), cli_int(p, "unsubscribed"), delivered, _(c, "of delivered"),
         "unsubscribed", false},
        {_(c, "complaints"), cli_int(p, "complained"), delivered, _(c, "of delivered"),
         "complained", false},
        {_(c, "answered"), cli_int(p, "replied"), delivered, _(c, "of delivered"), NULL, false},
    };
    hy_buf_add_lit(out, "<div class=\"cards\">");
    for (size_t i = 0; i < sizeof cards / sizeof *cards; i++)
        put_card(c, r, &cards[i], out);
    hy_buf_add_lit(out, "</div>");
}

/* ---- funnel, and all figures ---- */

/* The bars are parts of those queued; each share names its base. */
static void put_funnel(struct cli *c, const json_t *r, struct hy_buf *out)
{
    const json_t *p = json_object_get(r, "people");
    int64_t queued = cli_int(r, "queued"), sent = cli_int(r, "sent");
    int64_t delivered = cli_int(r, "delivered");
    const char *of_delivered = _(c, "of delivered");
    const struct {
        const char *label, *kind;
        int64_t n, of; /* the same base as everywhere on the page */
        const char *of_label;
    } steps[] = {
        {_(c, "queued"), "machine", queued, 0, ""},
        {_(c, "sent"), "machine", sent, queued, _(c, "of queued")},
        {_(c, "delivered"), "good", delivered, sent, _(c, "of sent")},
        {_(c, "people who opened"), "people", cli_int(p, "opened"), delivered, of_delivered},
        {_(c, "people who clicked"), "clicks", cli_int(p, "clicked"), delivered, of_delivered},
    };
    hy_buf_add_lit(out, "<div class=\"funnel\">");
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        hy_buf_add_lit(out, "<span class=\"f\">");
        page_put(out, steps[i].label);
        hy_buf_add_lit(out, "</span>");
        page_put_bar(out, queued ? (double)steps[i].n / (double)queued : 0, steps[i].kind);
        hy_buf_add_lit(out, "<i>");
        report_put_n(out, steps[i].n);
        hy_buf_add_lit(out, "</i><i class=\"dim\">");
        if (steps[i].of) {
            report_put_percent(out, steps[i].n, steps[i].of);
            hy_buf_add_c(out, ' ');
            page_put(out, steps[i].of_label);
        }
        hy_buf_add_lit(out, "</i>");
    }
    hy_buf_add_lit(out, "</div>");
}

static void put_figures(struct cli *c, const json_t *r, struct hy_buf *out)
{
    struct report_figure f[REPORT_FIGURES_MAX];
    size_t n = report_figures(c, r, f);
    hy_buf_add_lit(out, "<details><summary>");
    page_put(out, _(c, "All figures"));
    hy_buf_add_lit(out, "</summary><table id=\"figures\"><tbody>");
    for (size_t i = 0; i < n; i++) {
        hy_buf_printf(out, "<tr data-figure=\"%s\"><td>%s", f[i].key,
                      f[i].is_detail ? "&emsp;" : "");
        page_put(out, f[i].label);
        hy_buf_add_lit(out, "</td><td>");
        report_put_n(out, f[i].n);
        hy_buf_add_lit(out, "</td><td>");
        if (f[i].of)
            report_put_percent(out, f[i].n, f[i].of);
        hy_buf_add_lit(out, "</td><td class=\"l dim\">");
        page_put(out, f[i].of ? f[i].of_label : "");
        hy_buf_add_lit(out, "</td></tr>");
    }
    hy_buf_add_lit(out, "</tbody></table></details>");
}

/* ---- goals, and campaigns before ---- */

static void put_goals(struct cli *c, const json_t *r, struct hy_buf *out)
{
    const char *heads[] = {_(c, "GOAL"), _(c, "PEOPLE"), _(c, "TIMES"), _(c, "REVENUE"), ""};
    const json_t *o, *goals = json_object_get(r, "goals");
    size_t i;
    if (json_array_size(goals) == 0)
        return;
    page_put_section(out, _(c, "Goals"));
    hy_buf_add_lit(out, "<div class=\"scroll\"><table id=\"goals\">");
    report_put_head_cells(out, heads, 5);
    json_array_foreach(goals, i, o)
    {
        double revenue = json_number_value(json_object_get(o, "revenue"));
        hy_buf_add_lit(out, "<tr><td class=\"l\">");
        page_put(out, cli_str(o, "goal"));
        hy_buf_add_lit(out, "</td><td>");
        report_put_n(out, cli_int(o, "people"));
        hy_buf_add_lit(out, "</td><td>");
        report_put_n(out, cli_int(o, "conversions"));
        hy_buf_add_lit(out, "</td><td>");
        if (cli_str(o, "currency")[0]) {
            report_put_n(out, (int64_t)revenue);
            hy_buf_add_c(out, ' ');
            page_put(out, cli_str(o, "currency"));
        }
        hy_buf_add_lit(out, "</td><td class=\"l dim\">");
        page_put(out, cli_str(o, "when"));
        hy_buf_add_lit(out, ", ");
        page_put(out, cli_str(o, "within"));
        hy_buf_add_lit(out, "</td></tr>");
    }
    hy_buf_add_lit(out, "</table></div></section>");
}

static void put_previous(struct cli *c, const json_t *r, struct hy_buf *out)
{
    const char *heads[] = {_(c, "CAMPAIGN"), _(c, "STARTED"), _(c, "DELIVERED"),
                           _(c, "OPENED"),   _(c, "CLICKED"), _(c, "UNSUBSCRIBED")};
    static const char *const keys[] = {"opened", "clicked", "unsubscribed"};
    const json_t *o, *previous = json_object_get(r, "previous");
    size_t i;
    if (json_array_size(previous) == 0)
        return;
    page_put_section(out, _(c, "Campaigns before it"));
    hy_buf_add_lit(out, "<div class=\"scroll\"><table id=\"previous\">");
    report_put_head_cells(out, heads, 6);
    json_array_foreach(previous, i, o)
    {
        const json_t *p = json_object_get(o, "people");
        hy_buf_add_lit(out, "<tr><td class=\"l\">");
        page_put(out, cli_str(o, "name"));
        hy_buf_add_lit(out, "</td><td>");
        put_time(out, cli_str(o, "started"));
        hy_buf_add_lit(out, "</td><td>");
        report_put_n(out, cli_int(o, "delivered"));
        for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
            hy_buf_add_lit(out, "</td><td>");
            report_put_percent(out, cli_int(p, keys[k]), cli_int(o, "delivered"));
        }
        hy_buf_add_lit(out, "</td></tr>");
    }
    hy_buf_add_lit(out, "</table></div></section>");
}

static void put_footer(struct cli *c, const json_t *r, struct hy_buf *out)
{
    hy_buf_add_lit(out, "<footer><p>");
    page_put(out,
             _(c, "People are counted once, however often they opened or clicked. Machines are "
                  "filters and robots that fetch mail before anybody reads it; of some opens "
                  "(privacy services fetch all images) nobody can say whose they were."));
    hy_buf_add_lit(out, "</p><p>");
    page_put(out, _(c, "Made by hayauma, "));
    put_time(out, cli_str(r, "made"));
    hy_buf_add_lit(out, "</p></footer>");
}

void report_put_html(struct cli *c, const json_t *r, struct hy_buf *out)
{
    hy_buf_printf(out,
                  "<!doctype html>\n<html lang=\"%s\"><head><meta charset=\"utf-8\">"
                  "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                  "style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action "
                  "'none'\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
                  "<meta name=\"referrer\" content=\"no-referrer\"><title>",
                  c->lang == CLI_JA ? "ja" : "en");
    page_put(out, cli_str(r, "name"));
    hy_buf_add_lit(out, "</title><style>");
    hy_buf_add_lit(out, style);
    hy_buf_add_lit(out, "</style></head><body>");
    put_header(c, r, out);
    hy_buf_add_lit(out, "<main>");
    put_cards(c, r, out);
    page_put_section(out, _(c, "From the list to the click"));
    put_funnel(c, r, out);
    put_figures(c, r, out);
    hy_buf_add_lit(out, "</section>");
    report_put_times(c, r, out);
    report_put_links(c, r, out);
    put_goals(c, r, out);
    report_put_bounces(c, r, out);
    put_previous(c, r, out);
    hy_buf_add_lit(out, "</main>");
    put_footer(c, r, out);
    hy_buf_add_lit(out, "</body></html>\n");
}
