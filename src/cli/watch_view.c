/* The picture of a running campaign. Pure: state in, text out. */
#include "watch_view.h"

#include <inttypes.h>
#include <time.h>

#include "commands.h"

static const double window_s = 10;

void watch_meter_add(struct watch_meter *m, double at_s, int64_t finals)
{
    m->samples[m->next].at_s = at_s;
    m->samples[m->next].finals = finals;
    m->next = (m->next + 1) % WATCH_SAMPLES;
    if (m->n < WATCH_SAMPLES)
        m->n++;
}

double watch_meter_rate(const struct watch_meter *m)
{
    if (m->n < 2)
        return 0;
    size_t newest = (m->next + WATCH_SAMPLES - 1) % WATCH_SAMPLES, oldest = newest;
    for (size_t i = 1; i < m->n; i++) {
        size_t k = (newest + WATCH_SAMPLES - i) % WATCH_SAMPLES;
        if (m->samples[newest].at_s - m->samples[k].at_s > window_s)
            break;
        oldest = k;
    }
    double took = m->samples[newest].at_s - m->samples[oldest].at_s;
    int64_t done = m->samples[newest].finals - m->samples[oldest].finals;
    return took > 0 && done > 0 ? (double)done / took : 0;
}

int64_t watch_finals(const json_t *o)
{
    return cli_int(o, "delivered") + cli_int(o, "bounced") + cli_int(o, "expired") +
           cli_int(o, "suppressed") + cli_int(o, "cancelled");
}

bool watch_is_over(const json_t *o)
{
    const char *state = cli_str(o, "state");
    return strcmp(state, "done") == 0 ||
           (strcmp(state, "cancelled") == 0 && cli_int(o, "pending") == 0);
}

int64_t watch_eta(const struct watch_state *s)
{
    int64_t fresh = cli_int(s->campaign, "fresh");
    if (cli_int(s->campaign, "pending") == 0)
        return 0;
    if (fresh == 0 || !(s->rate > 0.01) ||
        !json_is_true(json_object_get(s->campaign, "queued_all")))
        return -1; /* what is only deferred waits for its time, whatever the rate */
    return (int64_t)((double)fresh / s->rate + 0.5);
}

static double share_done(const struct watch_state *s)
{
    int64_t all = cli_int(s->campaign, "queued");
    double share = all > 0 ? (double)watch_finals(s->campaign) / (double)all : 0;
    return (double)(int64_t)(share * 1000) / 1000; /* 100 % is said when it is all */
}

static int64_t seconds_of(const char *rfc3339)
{
    struct tm tm = {0};
    return strptime(rfc3339, "%Y-%m-%dT%H:%M:%S", &tm) ? (int64_t)timegm(&tm) : 0;
}

/* Since the start, until the end or now; -1 before. */
static int64_t elapsed(const struct watch_state *s)
{
    int64_t from = seconds_of(cli_str(s->campaign, "started"));
    int64_t to = seconds_of(cli_str(s->campaign, "ended"));
    if (from == 0)
        return -1;
    return (to ? to : s->now_s) - from;
}

/* What has been put together for one line, cut to the width. */
static void end_line(struct hy_buf *out, struct hy_buf *line, size_t width, size_t *lines)
{
    struct hy_str s = hy_buf_str(line);
    size_t n = cli_columns(s);
    cli_put_cell(out, s, n > width ? width : n, false);
    hy_buf_add_c(out, '\n');
    hy_buf_reset(line);
    ++*lines;
}

static void put_bar(const struct cli *c, const struct watch_state *s, size_t width,
                    struct hy_buf *line)
{
    char eta[32], tail[96];
    int64_t left = watch_eta(s);
    if (watch_is_over(s->campaign))
        snprintf(tail, sizeof tail, "  %5.1f %%", 100 * share_done(s));
    else
        snprintf(tail, sizeof tail, "  %5.1f %%  %s %s", 100 * share_done(s), _(c, "left:"),
                 left < 0 ? "-" : cli_duration(left, eta));
    size_t used = cli_columns(hy_str_of(tail)) + 2;
    cli_put_bar(line, share_done(s),
                width > used + 60   ? 60
                : width > used + 10 ? width - used
                                    : 10,
                c->is_tty);
    hy_buf_add_str(line, hy_str_of(tail));
}

static void put_count(const struct cli *c, struct hy_buf *line, const struct watch_state *s,
                      const char *key)
{
    char n[32];
    hy_buf_printf(line, "%s%s %s", line->len ? "   " : "", cli_state(c, key),
                  cli_number(cli_int(s->campaign, key), n));
}

/* Columns of the table of sites; a narrow terminal shows those that are marked. */
static const struct {
    const char *key, *head;
    int width;
    bool is_narrow;
} site_columns[] = {
    {"connections", "conn", 5, true},
    {"window", "window", 7, false},
    {"rate", "/s", 9, true},
    {"delivered", "delivered", 11, false},
    {"deferred", "deferred", 10, true},
    {"bounced", "bounced", 9, false},
};
enum { WIDE = 110, SITE_COLUMNS = sizeof site_columns / sizeof site_columns[0] };

static void put_site(struct hy_buf *out, const json_t *site, size_t width)
{
    cli_put_name(out, hy_str_of(cli_str(site, "site")), width >= WIDE ? 32 : 24);
    for (size_t i = 0; i < SITE_COLUMNS; i++) {
        const json_t *v = json_object_get(site, site_columns[i].key);
        char text[32];
        if (width < WIDE && !site_columns[i].is_narrow)
            continue;
        if (json_is_real(v))
            snprintf(text, sizeof text, "%.1f", json_real_value(v));
        else
            cli_number(json_integer_value(v), text);
        hy_buf_printf(out, "%*s", site_columns[i].width, text);
    }
    hy_buf_add_lit(out, "  ");
    if (cli_int(site, "suspended_s"))
        hy_buf_printf(out, "[%" PRId64 " s] ", cli_int(site, "suspended_s"));
    hy_buf_add_str(out, hy_str_of(cli_str(site, "last_reply")));
}

static void put_sites(const struct cli *c, const struct watch_state *s, size_t width,
                      struct hy_buf *out, struct hy_buf *line, size_t *lines)
{
    const json_t *site;
    size_t i;
    if (json_array_size(s->sites) == 0)
        return;
    end_line(out, line, width, lines);
    cli_put_cell(line, hy_str_of(_(c, "site")), width >= WIDE ? 32 : 24, true);
    for (i = 0; i < SITE_COLUMNS; i++)
        if (width >= WIDE || site_columns[i].is_narrow)
            cli_put_right(line, hy_str_of(cli_text(c, site_columns[i].head)),
                          (size_t)site_columns[i].width);
    hy_buf_printf(line, "  %s", _(c, "last reply"));
    end_line(out, line, width, lines);
    json_array_foreach(s->sites, i, site)
    {
        if (i == WATCH_SITES)
            break;
        put_site(line, site, width);
        end_line(out, line, width, lines);
    }
}

size_t watch_render(const struct cli *c, const struct watch_state *s, size_t width,
                    struct hy_buf *out)
{
    struct hy_buf line = HY_BUF_INIT(65536);
    const json_t *o = s->campaign;
    size_t lines = 0;
    char done[32], all[32], rate[32], took[32], waits[CLI_WAITS_MAX];
    int64_t since = elapsed(s);
    hy_buf_printf(&line, "%s   %s", cli_str(o, "name"), cli_campaign_state(c, o, waits));
    end_line(out, &line, width, &lines);
    put_bar(c, s, width, &line);
    end_line(out, &line, width, &lines);
    hy_buf_printf(&line, _(c, "%s of %s   %s a second   since the start: %s"),
                  cli_number(watch_finals(o), done), cli_number(cli_int(o, "queued"), all),
                  cli_number((int64_t)(s->rate + 0.5), rate), cli_duration(since, took));
    end_line(out, &line, width, &lines);
    put_count(c, &line, s, "delivered");
    put_count(c, &line, s, "bounced");
    put_count(c, &line, s, "deferred");
    put_count(c, &line, s, "fresh");
    if (cli_int(o, "expired"))
        put_count(c, &line, s, "expired");
    if (cli_int(o, "suppressed"))
        put_count(c, &line, s, "suppressed");
    if (cli_int(o, "cancelled"))
        put_count(c, &line, s, "cancelled");
    if (cli_int(o, "held"))
        put_count(c, &line, s, "held");
    end_line(out, &line, width, &lines);
    put_sites(c, s, width, out, &line, &lines);
    hy_buf_free(&line);
    return lines;
}

void watch_line(const struct cli *c, const struct watch_state *s, struct hy_buf *out)
{
    const json_t *o = s->campaign;
    char eta[32], waits[CLI_WAITS_MAX];
    int64_t left = watch_eta(s);
    hy_buf_printf(out,
                  _(c, "%s: %.1f %%, %lld of %lld, %.0f a second, left %s; delivered %lld, bounced "
                       "%lld, deferred %lld\n"),
                  cli_campaign_state(c, o, waits), 100 * share_done(s), (long long)watch_finals(o),
                  (long long)cli_int(o, "queued"), s->rate,
                  left < 0 ? "-" : cli_duration(left, eta), (long long)cli_int(o, "delivered"),
                  (long long)cli_int(o, "bounced"), (long long)cli_int(o, "deferred"));
}
