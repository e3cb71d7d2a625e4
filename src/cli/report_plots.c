/* The report's page: plots over time, bounces by reason and by domain, each with its table. */
#include "page.h"
#include "report_page.h"

/* ---- over time ---- */

enum { STEPS_MIN = 12 }; /* of the delivery: what took a second is a narrow bar */

struct series {
    const json_t *points;  /* objects, or of the delivery NULL */
    const char *label_key; /* "at" or "day" */
    const char *const *keys;
    const json_t *arrays[2]; /* of the delivery */
    const char *from;
    int64_t step_s;
};

static int64_t value_of(void *ctx, size_t k, size_t i)
{
    const struct series *s = ctx;
    if (!s->points)
        return json_integer_value(json_array_get(s->arrays[k], i));
    return cli_int(json_array_get(s->points, i), s->keys[k]);
}

static const char *point_label(void *ctx, size_t i, char room[64])
{
    const struct series *s = ctx;
    const char *at = cli_str(json_array_get(s->points, i), s->label_key);
    bool is_hour = s->label_key[0] == 'a' && strlen(at) > 16;
    snprintf(room, 64, is_hour ? "%.5s %.5s" : "%.5s", strlen(at) > 9 ? at + 5 : at,
             is_hour ? at + 11 : "");
    return room;
}

/* Steps count from a moment of the day. */
static const char *step_label(void *ctx, size_t i, char room[64])
{
    const struct series *s = ctx;
    int h = 0, m = 0, sec = 0;
    if (strlen(s->from) > 18)
        sscanf(s->from + 11, "%2d:%2d:%2d", &h, &m, &sec);
    int64_t at = (h * 3600 + m * 60 + sec + (int64_t)i * s->step_s);
    int64_t days = at / 86400, t = at % 86400;
    int n = days ? snprintf(room, 64, "+%d ", (int)days) : 0;
    if (s->step_s < 60)
        snprintf(room + n, 64 - (size_t)n, "%02d:%02d:%02d", (int)(t / 3600), (int)(t / 60 % 60),
                 (int)(t % 60));
    else
        snprintf(room + n, 64 - (size_t)n, "%02d:%02d", (int)(t / 3600), (int)(t / 60 % 60));
    return room;
}

static void put_title(struct hy_buf *out, const char *title)
{
    hy_buf_add_lit(out, "<h3>");
    page_put(out, title);
    hy_buf_add_lit(out, "</h3>");
}

static void put_delivery(struct cli *c, const json_t *r, struct hy_buf *out)
{
    const json_t *d = json_object_get(r, "delivery");
    struct series s = {.arrays = {json_object_get(d, "delivered"), json_object_get(d, "failed")},
                       .from = cli_str(d, "from"),
                       .step_s = cli_int(d, "step_s")};
    size_t n = json_array_size(s.arrays[0]);
    const struct page_chart chart = {.title = _(c, "Delivered over time"),
                                     .n = n < STEPS_MIN ? STEPS_MIN : n,
                                     .label = step_label,
                                     .value = value_of,
                                     .ctx = &s,
                                     .n_series = 2,
                                     .names = {_(c, "delivered"), _(c, "bounced or expired")},
                                     .kinds = {"good", "bad"}};
    if (n == 0)
        return;
    put_title(out, chart.title);
    page_put_chart(out, &chart);
    page_put_legend(out, &chart);
}

static void put_hits(struct cli *c, struct series *s, const char *title, const char *people,
                     const char *const *keys, struct hy_buf *out)
{
    s->keys = keys;
    const struct page_chart chart = {
        .title = title,
        .n = json_array_size(s->points),
        .label = point_label,
        .value = value_of,
        .ctx = s,
        .n_series = 3,
        .names = {_(c, "people"), _(c, "not known"), _(c, "machines")},
        .kinds = {people, "unknown", "machine"},
    };
    put_title(out, title);
    page_put_chart(out, &chart);
    page_put_legend(out, &chart);
}

static void put_time_table(struct cli *c, const json_t *points, const char *key, const char *id,
                           const char *title, struct hy_buf *out)
{
    static const char *const keys[] = {"delivered",      "failed",         "opens_human",
                                       "opens_unknown",  "opens_machine",  "clicks_human",
                                       "clicks_unknown", "clicks_machine", "unsubscribes"};
    const char *heads[] = {_(c, "TIME"),           _(c, "DELIVERED"), _(c, "FAILED"),
                           _(c, "OPENS: PEOPLE"),  _(c, "NOT KNOWN"), _(c, "MACHINES"),
                           _(c, "CLICKS: PEOPLE"), _(c, "NOT KNOWN"), _(c, "MACHINES"),
                           _(c, "UNSUBSCRIBED")};
    const json_t *o;
    size_t i;
    hy_buf_add_lit(out, "<details><summary>");
    page_put(out, title);
    hy_buf_printf(out, "</summary><div class=\"scroll\"><table id=\"%s\">", id);
    report_put_head_cells(out, heads, 10);
    json_array_foreach(points, i, o)
    {
        char at[32];
        const char *text = cli_str(o, key);
        snprintf(at, sizeof at, "%.10s %.5s", text, strlen(text) > 16 ? text + 11 : "");
        hy_buf_add_lit(out, "<tr><td>");
        page_put(out, at);
        for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
            hy_buf_add_lit(out, "</td><td>");
            report_put_n(out, cli_int(o, keys[k]));
        }
        hy_buf_add_lit(out, "</td></tr>");
    }
    hy_buf_add_lit(out, "</table></div></details>");
}

void report_put_times(struct cli *c, const json_t *r, struct hy_buf *out)
{
    static const char *const opens[] = {"opens_human", "opens_unknown", "opens_machine"};
    static const char *const clicks[] = {"clicks_human", "clicks_unknown", "clicks_machine"};
    const json_t *days = json_object_get(r, "days"), *hours = json_object_get(r, "hours");
    struct series s = {.points = hours, .label_key = "at"};
    page_put_section(out, _(c, "Over time"));
    put_delivery(c, r, out);
    if (json_array_size(hours)) {
        hy_buf_add_lit(out, "<div class=\"two\"><div>");
        put_hits(c, &s, _(c, "Opens by the hour, the first two days"), "people", opens, out);
        hy_buf_add_lit(out, "</div><div>");
        put_hits(c, &s, _(c, "Clicks by the hour, the first two days"), "clicks", clicks, out);
        hy_buf_add_lit(out, "</div></div>");
    }
    if (json_array_size(days) > 2) {
        s = (struct series){.points = days, .label_key = "day"};
        hy_buf_add_lit(out, "<div class=\"two\"><div>");
        put_hits(c, &s, _(c, "Opens by the day"), "people", opens, out);
        hy_buf_add_lit(out, "</div><div>");
        put_hits(c, &s, _(c, "Clicks by the day"), "clicks", clicks, out);
        hy_buf_add_lit(out, "</div></div>");
    }
    put_time_table(c, hours, "at", "hours", _(c, "Hours as a table"), out);
    if (json_array_size(days) > 2)
        put_time_table(c, days, "day", "days", _(c, "Days as a table"), out);
    hy_buf_add_lit(out, "</section>");
}

/* ---- bounces ---- */

static void put_reasons(struct cli *c, const char *title, const json_t *by_name, const char *id,
                        struct hy_buf *out)
{
    struct report_reason all[REPORT_REASONS_MAX];
    size_t n = report_reasons(by_name, all);
    if (n == 0)
        return;
    put_title(out, title);
    hy_buf_printf(out, "<table id=\"%s\">", id);
    for (size_t i = 0; i < n; i++) {
        hy_buf_add_lit(out, "<tr><td class=\"l\">");
        page_put(out, report_reason_label(c, all[i].name));
        hy_buf_add_lit(out, "<br><small>");
        page_put(out, all[i].name);
        hy_buf_add_lit(out, "</small></td><td class=\"share\">");
        page_put_bar(out, (double)all[i].n / (double)all[0].n, "bad");
        hy_buf_add_lit(out, "</td><td>");
        report_put_n(out, all[i].n);
        hy_buf_add_lit(out, "</td></tr>");
    }
    hy_buf_add_lit(out, "</table>");
}

static void put_domains(struct cli *c, const json_t *r, struct hy_buf *out)
{
    const char *heads[] = {_(c, "DOMAIN"), "", _(c, "SENT"), _(c, "DELIVERED"), _(c, "BOUNCED")};
    const json_t *o;
    size_t i;
    put_title(out, _(c, "Domains with the most recipients"));
    hy_buf_add_lit(out, "<div class=\"scroll\"><table id=\"domains\">");
    report_put_head_cells(out, heads, 5);
    json_array_foreach(json_object_get(r, "domains"), i, o)
    {
        int64_t sent = cli_int(o, "sent");
        hy_buf_add_lit(out, "<tr><td class=\"l\">");
        page_put(out, cli_str(o, "domain"));
        hy_buf_add_lit(out, "</td><td class=\"share\">");
        page_put_bar(out, sent ? (double)cli_int(o, "delivered") / (double)sent : 0, "good");
        hy_buf_add_lit(out, "</td><td>");
        report_put_n(out, sent);
        hy_buf_add_lit(out, "</td><td>");
        report_put_percent(out, cli_int(o, "delivered"), sent);
        hy_buf_add_lit(out, "</td><td>");
        report_put_n(out, cli_int(o, "bounced") + cli_int(o, "expired"));
        hy_buf_add_lit(out, "</td></tr>");
    }
    hy_buf_add_lit(out, "</table></div>");
}

void report_put_bounces(struct cli *c, const json_t *r, struct hy_buf *out)
{
    static const char *const all[] = {"bounce_reasons", "late_bounce_reasons", "deferral_reasons"};
    struct report_reason some[REPORT_REASONS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        n += report_reasons(json_object_get(r, all[i]), some);
    page_put_section(out, _(c, "What did not arrive, and where"));
    if (n == 0) { /* the domains have all the room */
        put_domains(c, r, out);
        hy_buf_add_lit(out, "</section>");
        return;
    }
    hy_buf_add_lit(out, "<div class=\"two\"><div>");
    put_reasons(c, _(c, "Why it bounced or expired"), json_object_get(r, "bounce_reasons"),
                "bounces", out);
    put_reasons(c, _(c, "Why mail came back later"), json_object_get(r, "late_bounce_reasons"),
                "late_bounces", out);
    put_reasons(c, _(c, "Why attempts were put off"), json_object_get(r, "deferral_reasons"),
                "deferrals", out);
    hy_buf_add_lit(out, "</div><div>");
    put_domains(c, r, out);
    hy_buf_add_lit(out, "</div></div></section>");
}
