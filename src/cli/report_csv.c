/* A campaign's report as CSV (RFC 4180), a table at a time. What a spreadsheet would run is made a
 * text. */
#include "hayauma/bounce/reason.h"
#include "report_view.h"

const char report_csv_tables[] = "overview links hours days domains reasons goals";

struct column {
    const char *key; /* in the object, and at the head */
    bool is_text;
};

/* A cell that begins like a formula gets an apostrophe; controls, which terminals and spreadsheets
 * act on, become blanks. */
static void put_text(struct cli *c, const char *s)
{
    fputc('"', c->out);
    if (s[0] && strchr("=+-@\t\r\n", s[0]))
        fputc('\'', c->out);
    for (; *s; s++) {
        unsigned char u = (unsigned char)*s;
        if (u == '"')
            fputc('"', c->out);
        fputc(u < ' ' || u == 0x7f ? ' ' : u, c->out);
    }
    fputc('"', c->out);
}

static void put_end(struct cli *c)
{
    fputs("\r\n", c->out);
}

static void put_cell(struct cli *c, const json_t *o, const struct column *col)
{
    const json_t *v = json_object_get(o, col->key);
    if (col->is_text)
        put_text(c, cli_str(o, col->key));
    else if (json_is_real(v))
        fprintf(c->out, "%.2f", json_real_value(v));
    else
        fprintf(c->out, "%ld", (long)json_integer_value(v));
}

static void put_rows(struct cli *c, const json_t *rows, const struct column *columns, size_t n)
{
    const json_t *o;
    size_t i;
    for (size_t k = 0; k < n; k++)
        fprintf(c->out, k ? ",%s" : "%s", columns[k].key);
    put_end(c);
    json_array_foreach(rows, i, o)
    {
        for (size_t k = 0; k < n; k++) {
            if (k)
                fputc(',', c->out);
            put_cell(c, o, &columns[k]);
        }
        put_end(c);
    }
}

static void put_overview(struct cli *c, const json_t *r)
{
    struct report_figure f[REPORT_FIGURES_MAX];
    size_t n = report_figures(c, r, f);
    fputs("figure,count,of,percent", c->out);
    put_end(c);
    for (size_t i = 0; i < n; i++) {
        fprintf(c->out, "%s,%ld,", f[i].key, (long)f[i].n);
        if (f[i].of)
            fprintf(c->out, "%ld,%.2f", (long)f[i].of, 100.0 * (double)f[i].n / (double)f[i].of);
        else
            fputc(',', c->out);
        put_end(c);
    }
}

static void put_reasons(struct cli *c, const json_t *r)
{
    static const char *const kinds[][2] = {{"bounced", "bounce_reasons"},
                                           {"deferred", "deferral_reasons"},
                                           {"came_back_later", "late_bounce_reasons"}};
    fputs("what,reason,count", c->out);
    put_end(c);
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        struct report_reason all[REPORT_REASONS_MAX];
        size_t n = report_reasons(json_object_get(r, kinds[k][1]), all);
        for (size_t i = 0; i < n; i++) {
            fprintf(c->out, "%s,%s,%ld", kinds[k][0], all[i].name, (long)all[i].n);
            put_end(c);
        }
    }
}

/* ---- domains, the first row all of them ---- */

static const char *const counts[] = {"queued",
                                     "delivered",
                                     "bounced",
                                     "expired",
                                     "suppressed",
                                     "cancelled",
                                     "deferred",
                                     "fresh",
                                     "held",
                                     "attempts",
                                     "deferrals",
                                     "late_bounces",
                                     "late_bounces_hard",
                                     "complaints",
                                     "unsubscribes",
                                     "replies",
                                     "auto_replies",
                                     "opens",
                                     "clicks",
                                     "sent",
                                     "opens_human",
                                     "opens_machine",
                                     "opens_unknown",
                                     "clicks_human",
                                     "clicks_machine",
                                     "clicks_unknown"};

static void put_domain(struct cli *c, const char *name, const json_t *o)
{
    const json_t *reasons = json_object_get(o, "bounce_reasons");
    put_text(c, name);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        fprintf(c->out, ",%ld", (long)cli_int(o, counts[i]));
    for (int i = 0; i < HY_BOUNCE_REASONS; i++)
        fprintf(c->out, ",%ld",
                (long)cli_int(reasons, hy_bounce_reason_name((enum hy_bounce_reason)i)));
    put_end(c);
}

static void put_domains(struct cli *c, const json_t *r)
{
    const json_t *o;
    size_t i;
    fputs("domain", c->out);
    for (i = 0; i < sizeof counts / sizeof *counts; i++)
        fprintf(c->out, ",%s", counts[i]);
    for (int k = 0; k < HY_BOUNCE_REASONS; k++)
        fprintf(c->out, ",bounced:%s", hy_bounce_reason_name((enum hy_bounce_reason)k));
    put_end(c);
    put_domain(c, "*", r);
    json_array_foreach(json_object_get(r, "domains"), i, o) put_domain(c, cli_str(o, "domain"), o);
}

void report_print_csv(struct cli *c, const json_t *r, const char *table, bool bom)
{
    static const struct column links[] = {{"link", false},          {"url", true},
                                          {"text", true},           {"people", false},
                                          {"clicks_human", false},  {"clicks_machine", false},
                                          {"clicks_unknown", false}};
    static const struct column times[] = {
        {"at", true},
        {"delivered", false},
        {"failed", false},
        {"opens_human", false},
        {"opens_machine", false},
        {"opens_unknown", false},
        {"clicks_human", false},
        {"clicks_machine", false},
        {"clicks_unknown", false},
        {"unsubscribes", false},
        {"complaints", false},
        {"replies", false},
        {"late_bounces", false},
    };
    static const struct column goals[] = {
        {"goal", true},         {"when", true},    {"within", true},   {"after", true},
        {"conversions", false}, {"people", false}, {"currency", true}, {"revenue", false}};
    enum { TIMES = sizeof times / sizeof *times };
    struct column days[TIMES];
    memcpy(days, times, sizeof times);
    days[0].key = "day";
    if (bom)
        fputs("\xef\xbb\xbf", c->out);
    if (strcmp(table, "overview") == 0)
        put_overview(c, r);
    else if (strcmp(table, "links") == 0)
        put_rows(c, json_object_get(r, "links"), links, sizeof links / sizeof *links);
    else if (strcmp(table, "hours") == 0)
        put_rows(c, json_object_get(r, "hours"), times, TIMES);
    else if (strcmp(table, "days") == 0)
        put_rows(c, json_object_get(r, "days"), days, TIMES);
    else if (strcmp(table, "reasons") == 0)
        put_reasons(c, r);
    else if (strcmp(table, "goals") == 0)
        put_rows(c, json_object_get(r, "goals"), goals, sizeof goals / sizeof *goals);
    else
        put_domains(c, r);
}
