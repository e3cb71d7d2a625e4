/* score explain: every point of a lead, and what it is worth now. */
#include "cli.h"
#include "commands.h"
#include "moment.h"

/* "12.5", without idle zeros. */
static const char *points(const json_t *o, const char *key, char out[32])
{
    snprintf(out, 32, "%.1f", json_number_value(json_object_get(o, key)));
    size_t n = strlen(out);
    if (n > 2 && strcmp(out + n - 2, ".0") == 0)
        out[n - 2] = '\0';
    return strcmp(out, "-0") == 0 ? "0" : out;
}

static void print_lead(struct cli *c, const json_t *r)
{
    char line[1024], score[32];
    snprintf(line, sizeof line, "%s%s%s%s%s", cli_str(r, "email"),
             cli_str(r, "name")[0] ? ", " : "", cli_str(r, "name"),
             cli_str(r, "company")[0] ? ", " : "", cli_str(r, "company"));
    cli_put_line(c, "", line);
    fprintf(c->out, _(c, "Score: %s\n"), points(r, "score", score));
}

static void print_groups(struct cli *c, const json_t *r)
{
    const json_t *g;
    size_t i;
    char n[32], line[256];
    json_array_foreach(json_object_get(r, "groups"), i, g)
    {
        snprintf(line, sizeof line, "%s: %s%s%s%s", cli_str(g, "group"), points(g, "points", n),
                 cli_str(g, "grade")[0] ? " (" : "", cli_str(g, "grade"),
                 cli_str(g, "grade")[0] ? ")" : "");
        cli_put_line(c, "  ", line);
    }
    json_array_foreach(json_object_get(r, "thresholds"), i, g)
    {
        char at[32];
        bool is_over = json_is_true(json_object_get(g, "is_over"));
        const char *since = cli_str(g, "since");
        if (is_over)
            snprintf(
                line, sizeof line, _(c, "%s since %s%s"), cli_str(g, "name"), cli_time(since, at),
                json_is_true(json_object_get(g, "is_closed")) ? _(c, ", closed by sales") : "");
        else
            snprintf(line, sizeof line, _(c, "not %s: that is from %lld points"),
                     cli_str(g, "name"), (long long)cli_int(g, "from"));
        cli_put_line(c, "  ", line);
    }
}

/* What it was: "click https://... (spring)" */
static void put_what(struct cli *c, const json_t *e, char out[512])
{
    const json_t *a = json_object_get(e, "activity");
    const char *what = cli_str(a, "text")[0] ? cli_moment_text(c, a) : cli_str(a, "url");
    if (strcmp(cli_str(e, "kind"), "carried") == 0)
        snprintf(out, 512, _(c, "%lld earlier ones, up to then"), (long long)cli_int(e, "times"));
    else if (json_is_object(a))
        snprintf(out, 512, "%s%s%s%s%s%s", cli_text(c, cli_str(a, "kind")), what[0] ? " " : "",
                 what, cli_str(a, "campaign")[0] ? " (" : "", cli_str(a, "campaign"),
                 cli_str(a, "campaign")[0] ? ")" : "");
    else
        snprintf(out, 512, "%s", cli_str(e, "id")[0] ? "" : _(c, "true of the lead since then"));
}

static void put_note(struct cli *c, const json_t *e, char out[128])
{
    const char *why = cli_str(e, "why");
    out[0] = '\0';
    if (strcmp(cli_str(e, "kind"), "withdrawn") == 0)
        snprintf(out, 128, _(c, " [withdrawn: %s]"), cli_text(c, why));
    else if (strcmp(why, "limit") == 0)
        snprintf(out, 128, _(c, " [of %lld: the limit of the rule is reached]"),
                 (long long)cli_int(e, "of"));
}

static void print_entries(struct cli *c, const json_t *r)
{
    static const char *const heads[] = {"POINTS", "WORTH", "WHEN", "RULE", "WHAT"};
    struct cli_table t;
    const json_t *e;
    size_t i;
    cli_table_init(&t, heads, "rrlll");
    json_array_foreach(json_object_get(r, "entries"), i, e)
    {
        char n[32], at[32], what[512], note[128], both[640];
        put_what(c, e, what);
        put_note(c, e, note);
        snprintf(both, sizeof both, "%s%s", what, note);
        cli_table_add(&t, points(e, "points", n));
        cli_table_add(&t, points(e, "worth", n));
        cli_table_add(&t, cli_time(cli_str(e, "at"), at));
        cli_table_add(&t, cli_str(e, "rule"));
        cli_table_add(&t, both);
    }
    if (i)
        cli_table_print(&t, c, cli_width(c));
    else
        hy_buf_free(&t.cells);
    if (cli_int(r, "entries_left_out"))
        fprintf(c->out, _(c, "... and %lld older ones: see --limit\n"),
                (long long)cli_int(r, "entries_left_out"));
}

static void print_sales(struct cli *c, const json_t *r)
{
    const json_t *s;
    size_t i;
    json_array_foreach(json_object_get(r, "sales"), i, s)
    {
        char at[32], amount[32] = "", line[1024];
        const json_t *meta = json_object_get(s, "meta");
        if (json_is_integer(json_object_get(meta, "amount")))
            cli_number(cli_int(meta, "amount"), amount);
        const char *note = cli_str(meta, "note");
        snprintf(line, sizeof line, "%s  %s%s%s (%s)%s%s", cli_time(cli_str(s, "at"), at),
                 cli_text(c, cli_str(s, "result")), amount[0] ? " " : "", amount, cli_str(s, "by"),
                 note[0] ? ": " : "", note);
        cli_put_line(c, _(c, "Sales: "), line);
    }
}

static int run(struct cli *c)
{
    json_t *args = json_pack("{s:s}", "lead", c->args[0]), *r;
    int code = cli_number_option(c, "limit", 5000, args);
    if (code) {
        json_decref(args);
        return code;
    }
    code = cli_request(c, "score.explain", args, NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    print_lead(c, r);
    print_groups(c, r);
    print_sales(c, r);
    print_entries(c, r);
    json_decref(r);
    return CLI_OK;
}

static const struct cli_option options[] = {
    {"limit",
     "N",
     CLI_TEXT,
     NULL,
     {"entries to show, newest first (200)", "新しい順に表示する記録の件数 (200)"}},
    {0}};
const struct cli_command cmd_score_explain = {
    .name = "score explain",
    .args = "LEAD",
    .n_min = 1,
    .n_max = 1,
    .summary = {"show every point of a lead, and what for", "リードの点数の内訳をすべて表示する"},
    .about = {"LEAD is a mail address, a number, or an id such as ext:crm:123. Shows what each "
              "activity gave, what is left of it now, where a limit cut it and what was withdrawn.",
              "LEAD はメールアドレス、番号、または ext:crm:123 のような ID です。各行動の点数、"
              "現在の価値、上限による削減、取り消しを示します。"},
    .examples = "hayauma score explain hanako@example.jp\nhayauma score explain ext:crm:123 --json",
    .options = options,
    .run = run,
};
