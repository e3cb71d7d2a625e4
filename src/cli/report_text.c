/* A campaign's report on a terminal. */
#include "report_view.h"

enum { BAR = 20, LINKS_SHOWN = 20, HOURS_SHOWN = 48 };

static void put_bar(struct cli *c, int64_t n, int64_t all)
{
    struct hy_buf b = HY_BUF_INIT(4096);
    if (all > 0)
        cli_put_bar(&b, (double)n / (double)all, BAR, c->is_tty);
    fputs(hy_buf_cstr(&b), c->out);
    hy_buf_free(&b);
}

/* A label, a number, its share and a bar for it. */
static void share(struct cli *c, const char *label, const struct report_figure *f, bool has_bar)
{
    char number[32];
    struct hy_buf b = HY_BUF_INIT(4096);
    cli_put_cell(&b, hy_str_of(label), 26, true);
    fprintf(c->out, "%s%12s", hy_buf_cstr(&b), cli_number(f->n, number));
    hy_buf_free(&b);
    if (f->of) {
        fprintf(c->out, "  %6.2f %%  ", 100.0 * (double)f->n / (double)f->of);
        if (has_bar)
            put_bar(c, f->n, f->of);
        fprintf(c->out, "%s%s", has_bar ? "  " : "", f->of_label);
    }
    fputc('\n', c->out);
}

static void print_overview(struct cli *c, const json_t *r)
{
    struct report_figure f[REPORT_FIGURES_MAX];
    size_t n = report_figures(c, r, f);
    for (size_t i = 0; i < n; i++) {
        char label[256];
        snprintf(label, sizeof label, "%s%s", f[i].is_detail ? "  " : "", f[i].label);
        share(c, label, &f[i], f[i].of && c->is_tty);
    }
}

static void print_reasons(struct cli *c, const char *title, const json_t *by_name, int64_t of,
                          const char *of_label)
{
    struct report_reason all[REPORT_REASONS_MAX];
    size_t n = report_reasons(by_name, all);
    if (n)
        fprintf(c->out, "\n%s\n", title);
    for (size_t i = 0; i < n; i++) {
        char label[64];
        const struct report_figure f = {.n = all[i].n, .of = of, .of_label = of_label};
        snprintf(label, sizeof label, "  %s", all[i].name);
        share(c, label, &f, c->is_tty);
    }
}

/* ---- tables ---- */

static void print_links(struct cli *c, const json_t *r)
{
    const char *heads[] = {"#", _(c, "PEOPLE"), _(c, "CLICKS"), _(c, "MACHINES"), _(c, "LINK")};
    struct cli_table t;
    const json_t *o, *links = json_object_get(r, "links");
    size_t i;
    char n[32];
    if (json_array_size(links) == 0)
        return;
    cli_table_init(&t, heads, "rrrrl");
    json_array_foreach(links, i, o)
    {
        struct hy_buf name = HY_BUF_INIT(1 << 20);
        if (i == LINKS_SHOWN)
            break;
        hy_buf_printf(&name, "%s%s%s", cli_str(o, "text"), cli_str(o, "text")[0] ? "  " : "",
                      cli_str(o, "url"));
        cli_table_add_n(&t, cli_int(o, "link"));
        cli_table_add_n(&t, cli_int(o, "people"));
        cli_table_add_n(&t, cli_int(o, "clicks_human") + cli_int(o, "clicks_unknown"));
        cli_table_add_n(&t, cli_int(o, "clicks_machine"));
        cli_table_add(&t, hy_buf_cstr(&name));
        hy_buf_free(&name);
    }
    fputc('\n', c->out);
    cli_table_print(&t, c, cli_width(c));
    if (json_array_size(links) > LINKS_SHOWN)
        fprintf(c->out, _(c, "... of %s links: see --csv --table links\n"),
                cli_number((int64_t)json_array_size(links), n));
}

static int64_t people_in(const json_t *o)
{
    return cli_int(o, "opens_human") + cli_int(o, "opens_unknown") + cli_int(o, "clicks_human") +
           cli_int(o, "clicks_unknown");
}

/* "2026-11-22T10:00:00+09:00": the clock of the campaign's zone. */
static void add_time(struct cli_table *t, const char *at)
{
    char text[32];
    snprintf(text, sizeof text, "%.10s %.5s", at, strlen(at) > 16 ? at + 11 : "");
    cli_table_add(t, text);
}

/* Hours in which something happened, else days. */
static void print_times(struct cli *c, const json_t *r)
{
    const char *heads[] = {_(c, "TIME"),   _(c, "DELIVERED"), _(c, "OPENS"),
                           _(c, "CLICKS"), _(c, "MACHINES"),  ""};
    const json_t *o, *days = json_object_get(r, "days"), *hours = json_object_get(r, "hours");
    bool by_day = json_array_size(days) > 2;
    int64_t most = 1;
    struct cli_table t;
    size_t i;
    json_array_foreach(by_day ? days : hours, i, o) if (people_in(o) > most) most = people_in(o);
    cli_table_init(&t, heads, "lrrrrl");
    json_array_foreach(by_day ? days : hours, i, o)
    {
        struct hy_buf bar = HY_BUF_INIT(4096);
        int64_t machines = cli_int(o, "opens_machine") + cli_int(o, "clicks_machine");
        if (people_in(o) + machines + cli_int(o, "delivered") == 0)
            continue;
        if (by_day)
            cli_table_add(&t, cli_str(o, "day"));
        else
            add_time(&t, cli_str(o, "at"));
        cli_table_add_n(&t, cli_int(o, "delivered"));
        cli_table_add_n(&t, cli_int(o, "opens_human") + cli_int(o, "opens_unknown"));
        cli_table_add_n(&t, cli_int(o, "clicks_human") + cli_int(o, "clicks_unknown"));
        cli_table_add_n(&t, machines);
        if (c->is_tty)
            cli_put_bar(&bar, (double)people_in(o) / (double)most, BAR, true);
        cli_table_add(&t, hy_buf_cstr(&bar));
        hy_buf_free(&bar);
    }
    fputc('\n', c->out);
    cli_table_print(&t, c, 0);
}

static void print_goals(struct cli *c, const json_t *r)
{
    const char *heads[] = {_(c, "GOAL"), _(c, "PEOPLE"), _(c, "TIMES"), _(c, "REVENUE")};
    const json_t *o, *goals = json_object_get(r, "goals");
    struct cli_table t;
    size_t i;
    if (json_array_size(goals) == 0)
        return;
    cli_table_init(&t, heads, "lrrr");
    json_array_foreach(goals, i, o)
    {
        char money[64], n[32];
        snprintf(money, sizeof money, "%s %.8s",
                 cli_number((int64_t)json_number_value(json_object_get(o, "revenue")), n),
                 cli_str(o, "currency"));
        cli_table_add(&t, cli_str(o, "goal"));
        cli_table_add_n(&t, cli_int(o, "people"));
        cli_table_add_n(&t, cli_int(o, "conversions"));
        cli_table_add(&t, cli_str(o, "currency")[0] ? money : "");
    }
    fputc('\n', c->out);
    cli_table_print(&t, c, cli_width(c));
}

static void print_domains(struct cli *c, const json_t *r)
{
    const char *heads[] = {_(c, "DOMAIN"),      _(c, "QUEUED"),  _(c, "DELIVERED"),
                           _(c, "BOUNCED"),     _(c, "PUT OFF"), _(c, "COMPLAINTS"),
                           _(c, "UNSUBSCRIBES")};
    struct cli_table t;
    const json_t *o;
    size_t i;
    char n[32];
    cli_table_init(&t, heads, "lrrrrrr");
    json_array_foreach(json_object_get(r, "domains"), i, o)
    {
        cli_table_add(&t, cli_str(o, "domain"));
        cli_table_add_n(&t, cli_int(o, "queued"));
        cli_table_add_n(&t, cli_int(o, "delivered"));
        cli_table_add_n(&t, cli_int(o, "bounced"));
        cli_table_add_n(&t, cli_int(o, "deferrals"));
        cli_table_add_n(&t, cli_int(o, "complaints"));
        cli_table_add_n(&t, cli_int(o, "unsubscribes"));
    }
    fputc('\n', c->out);
    cli_table_print(&t, c, cli_width(c));
    if (cli_int(r, "n_domains") > (int64_t)i)
        fprintf(c->out, _(c, "... of %s domains: see --domains\n"),
                cli_number(cli_int(r, "n_domains"), n));
}

void report_print_text(struct cli *c, const json_t *r)
{
    int64_t sent = cli_int(r, "sent"), delivered = cli_int(r, "delivered");
    char n[32];
    cli_put_line(c, "", cli_str(r, "name"));
    if (cli_str(r, "subject")[0])
        cli_put_line(c, "  ", cli_str(r, "subject"));
    fputc('\n', c->out);
    print_overview(c, r);
    print_reasons(c, _(c, "Why it bounced or expired:"), json_object_get(r, "bounce_reasons"), sent,
                  _(c, "of sent"));
    print_reasons(c, _(c, "Why attempts were put off:"), json_object_get(r, "deferral_reasons"),
                  cli_int(r, "attempts"), _(c, "of attempts"));
    print_reasons(c, _(c, "Why mail came back later:"), json_object_get(r, "late_bounce_reasons"),
                  delivered, _(c, "of delivered"));
    if (cli_int(r, "forgotten"))
        fprintf(
            c->out,
            _(c, "Attempts of %s recipients are older than store.log_retention: in no reason.\n"),
            cli_number(cli_int(r, "forgotten"), n));
    print_goals(c, r);
    print_links(c, r);
    print_times(c, r);
    print_domains(c, r);
}
