/* The live view: a head with rates, campaigns with their progress, the table of sites. */
#include "top_view.h"

#include <inttypes.h>
#include <stdlib.h>

#include "commands.h"
#include "site_text.h"

enum { CAMPAIGNS_SHOWN = 5, NARROW = 100 };

/* ---- what is known ---- */

static double rate_of(const struct top_state *s, const char *key)
{
    const json_t *now = json_object_get(s->now, "counters");
    const json_t *before = json_object_get(s->before, "counters");
    if (!before || !(s->span_s > 0))
        return 0;
    double n = (double)(cli_int(now, key) - cli_int(before, key)) / s->span_s;
    return n > 0 ? n : 0; /* a daemon that was started anew begins at 0 */
}

void top_add(struct top_state *s, json_t *answer, double span_s)
{
    json_decref(s->before);
    s->before = s->now;
    s->now = answer;
    s->span_s = span_s;
    s->delivered_s = rate_of(s, "delivered");
    s->deferred_s = rate_of(s, "deferred");
    s->bounced_s = rate_of(s, "bounced");
    if (!s->before)
        return;
    if (s->n_history == TOP_HISTORY)
        memmove(s->history, s->history + 1, (TOP_HISTORY - 1) * sizeof s->history[0]);
    else
        s->n_history++;
    s->history[s->n_history - 1] = s->delivered_s;
}

void top_free(struct top_state *s)
{
    json_decref(s->now);
    json_decref(s->before);
    *s = (struct top_state){0};
}

/* ---- keys ---- */

static enum top_key type(struct top_state *s, int key)
{
    size_t n = strlen(s->filter);
    if (key == '\r' || key == '\n' || key == 0x1b)
        s->is_typing = false;
    else if ((key == 0x7f || key == '\b') && n)
        s->filter[n - 1] = '\0';
    else if (key > ' ' && key < 0x7f && n + 1 < sizeof s->filter)
        s->filter[n] = hy_ascii_lower((char)key);
    return TOP_STAY;
}

enum top_key top_press(struct top_state *s, int key)
{
    if (s->is_typing)
        return type(s, key);
    switch (key) {
    case 'q':
    case 3: /* Ctrl-C */
        return TOP_QUIT;
    case 's':
        s->sort = TOP_BY_SITE;
        break;
    case 'r':
        s->sort = TOP_BY_RATE;
        break;
    case 'c':
        s->sort = TOP_BY_CONNECTIONS;
        break;
    case 'd':
        s->sort = TOP_BY_DEFERRED;
        break;
    case 'p':
        s->is_paused = !s->is_paused;
        break;
    case '/':
        s->is_typing = true;
        memset(s->filter, 0, sizeof s->filter);
        s->selected = 0;
        break;
    case TOP_UP:
    case 'k':
        s->selected -= s->selected > 0;
        break;
    case TOP_DOWN:
    case 'j':
        s->selected++;
        break;
    case '\r':
    case '\n':
        s->is_detail = !s->is_detail;
        break;
    default:
        break;
    }
    return TOP_STAY;
}

/* ---- lines ---- */

struct page {
    const struct cli *c;
    const struct top_state *s;
    size_t width, height, lines;
    struct hy_buf *out;
    struct hy_buf line;
};

static bool is_full(const struct page *p)
{
    return p->height && p->lines >= p->height;
}

static void end_line(struct page *p)
{
    struct hy_str s = hy_buf_str(&p->line);
    size_t n = cli_columns(s);
    if (!is_full(p)) {
        cli_put_cell(p->out, s, n > p->width ? p->width : n, false);
        hy_buf_add_c(p->out, '\n');
        p->lines++;
    }
    hy_buf_reset(&p->line);
}

static void put_sparks(struct page *p, size_t columns)
{
    static const char *const sparks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    const struct top_state *s = p->s;
    double most = 0;
    size_t from = s->n_history > columns ? s->n_history - columns : 0;
    for (size_t i = from; i < s->n_history; i++)
        most = s->history[i] > most ? s->history[i] : most;
    for (size_t i = from; i < s->n_history; i++)
        hy_buf_add_str(&p->line,
                       hy_str_of(sparks[most > 0 ? (int)(s->history[i] / most * 7.0) : 0]));
}

static void put_head(struct page *p)
{
    const struct top_state *s = p->s;
    const json_t *o = s->now, *n = json_object_get(o, "counters");
    char a[32], b[32], d[32], e[32];
    hy_buf_printf(&p->line, "hayauma  %s  %s %s  %s %s%s", cli_str(o, "hostname"), _(p->c, "up"),
                  cli_duration(cli_int(o, "uptime_s"), a), _(p->c, "store"), cli_str(n, "store"),
                  s->is_paused ? _(p->c, "  [paused]") : "");
    end_line(p);
    hy_buf_printf(&p->line, "%s %s/s  %s %s/s  %s %s/s  ", cli_text(p->c, "delivered"),
                  cli_number((int64_t)(s->delivered_s + 0.5), a), cli_text(p->c, "deferred"),
                  cli_number((int64_t)(s->deferred_s + 0.5), b), cli_text(p->c, "bounced"),
                  cli_number((int64_t)(s->bounced_s + 0.5), d));
    size_t used = cli_columns(hy_buf_str(&p->line));
    put_sparks(p, p->width > used + 4 ? p->width - used - 1 : 0);
    end_line(p);
    hy_buf_printf(&p->line,
                  _(p->c, "connections %s   in hand %s   lanes %lld (%lld wait)   press "
                          "%lld   writer %lld (%.0f ms)"),
                  cli_number(cli_int(n, "connections"), a), cli_number(cli_int(n, "in_hand"), b),
                  (long long)cli_int(o, "lanes"), (long long)cli_int(o, "lanes_suspended"),
                  (long long)cli_int(n, "press_waiting"), (long long)cli_int(n, "writer_waiting"),
                  (double)cli_int(n, "writer_lag_us") / 1000);
    end_line(p);
    hy_buf_printf(&p->line, _(p->c, "queue: not sent %s   deferred %s   held %s   in doubt %s"),
                  cli_number(cli_int(o, "fresh"), a), cli_number(cli_int(o, "deferred"), b),
                  cli_number(cli_int(o, "held"), d), cli_number(cli_int(n, "in_doubt"), e));
    end_line(p);
}

static int64_t finals(const json_t *c)
{
    return cli_int(c, "queued") - cli_int(c, "pending");
}

static double campaign_rate(const struct top_state *s, const json_t *now)
{
    const json_t *c;
    size_t i;
    json_array_foreach(json_object_get(s->before, "campaigns"), i, c)
    {
        if (strcmp(cli_str(c, "id"), cli_str(now, "id")) == 0 && s->span_s > 0)
            return (double)(finals(now) - finals(c)) / s->span_s;
    }
    return 0;
}

static void put_campaigns(struct page *p)
{
    const json_t *list = json_object_get(p->s->now, "campaigns"), *c;
    size_t n = json_array_size(list);
    if (n == 0)
        return;
    end_line(p);
    for (size_t i = n; i > 0 && i + CAMPAIGNS_SHOWN > n; i--) {
        char eta[32], left[32], waits[CLI_WAITS_MAX];
        c = json_array_get(list, i - 1);
        bool is_waiting = json_is_object(json_object_get(c, "waits"));
        int64_t queued = cli_int(c, "queued");
        double rate = campaign_rate(p->s, c),
               share = queued ? (double)finals(c) / (double)queued : 0;
        cli_put_cell(&p->line, hy_str_of(cli_str(c, "name")), 20, true);
        hy_buf_add_c(&p->line, ' ');
        cli_put_bar(&p->line, share, p->width > NARROW ? 30 : 14, p->c->is_tty);
        if (is_waiting) {
            hy_buf_printf(&p->line, " %5.1f %%  %s", 100 * share,
                          cli_campaign_state(p->c, c, waits));
            end_line(p);
            continue;
        }
        hy_buf_printf(
            &p->line, " %5.1f %%  %8.0f/s  %s %s  %s %s", 100 * share, rate, _(p->c, "left:"),
            rate >= 1 ? cli_duration((int64_t)((double)cli_int(c, "fresh") / rate), eta) : "-",
            cli_text(p->c, "deferred"), cli_number(cli_int(c, "deferred"), left));
        end_line(p);
    }
}

/* ---- sites ---- */

static int compare(enum top_sort by, const json_t *a, const json_t *b)
{
    double x = 0, y = 0;
    if (by == TOP_BY_RATE) {
        x = json_number_value(json_object_get(a, "rate"));
        y = json_number_value(json_object_get(b, "rate"));
    } else if (by == TOP_BY_CONNECTIONS || by == TOP_BY_DEFERRED) {
        const char *key = by == TOP_BY_CONNECTIONS ? "connections" : "deferred";
        x = (double)cli_int(a, key);
        y = (double)cli_int(b, key);
    }
    if (x != y)
        return x < y ? 1 : -1;
    return strcmp(cli_str(a, "site"), cli_str(b, "site"));
}

static int compare_with(const void *a, const void *b, void *by)
{
    return compare(*(const enum top_sort *)by, *(const json_t *const *)a,
                   *(const json_t *const *)b);
}

/* Those that the filter lets through, sorted; to be freed. */
static const json_t **choose(const struct top_state *s, size_t *ret_n)
{
    const json_t *list = json_object_get(s->now, "sites"), *site;
    const json_t **rows = calloc(json_array_size(list) + 1, sizeof *rows);
    enum top_sort by = s->sort;
    size_t i, n = 0;
    json_array_foreach(list, i, site)
    {
        if (rows && strstr(cli_str(site, "site"), s->filter))
            rows[n++] = site;
    }
    if (rows)
        qsort_r(rows, n, sizeof *rows, compare_with, &by);
    *ret_n = n;
    return rows;
}

static void put_site(struct page *p, const json_t *o, bool is_selected)
{
    char text[32];
    bool is_wide = p->width > NARROW;
    hy_buf_add_c(&p->line, is_selected ? '>' : ' ');
    cli_put_name(&p->line, hy_str_of(cli_str(o, "site")), is_wide ? 36 : 22);
    if (is_wide) {
        hy_buf_add_c(&p->line, ' ');
        cli_put_cell(&p->line, hy_str_of(cli_str(o, "source")), 10, true);
    }
    snprintf(text, sizeof text, "%lld/%lld", (long long)cli_int(o, "connections"),
             (long long)cli_int(o, "window"));
    hy_buf_printf(&p->line, "%9s%8.1f", text, json_number_value(json_object_get(o, "rate")));
    hy_buf_printf(&p->line, "%9s", cli_number(cli_int(o, "deferred"), text));
    if (is_wide) {
        hy_buf_printf(&p->line, "%12s", cli_number(cli_int(o, "delivered"), text));
        hy_buf_printf(&p->line, "%9s", cli_number(cli_int(o, "bounced"), text));
        hy_buf_printf(&p->line, "%9s", cli_number(cli_int(o, "waiting"), text));
    }
    hy_buf_add_lit(&p->line, "  ");
    hy_buf_add_str(&p->line, hy_str_of(site_order_mark(p->c, o, text, sizeof text)));
    if (cli_int(o, "suspended_s") && !json_is_true(json_object_get(o, "held")))
        hy_buf_printf(&p->line, "[%lld s] ", (long long)cli_int(o, "suspended_s"));
    hy_buf_add_str(&p->line, hy_str_of(cli_str(o, "last_reply")));
    end_line(p);
}

static void put_detail(struct page *p, const json_t *site)
{
    const char *key;
    json_t *v;
    hy_buf_printf(&p->line, "  %s", cli_str(site, "last_reply"));
    end_line(p);
    json_object_foreach((json_t *)(uintptr_t)site, key, v)
    {
        if (strcmp(key, "last_reply") == 0)
            continue;
        char *text =
            json_is_string(v) ? NULL : json_dumps(v, JSON_ENCODE_ANY | JSON_REAL_PRECISION(4));
        hy_buf_printf(&p->line, "  %-14s %s", key, text ? text : json_string_value(v));
        free(text);
        end_line(p);
    }
}

/* The name of a column, with a star when sites are sorted by it. */
static struct hy_str head(const struct page *p, const char *name, enum top_sort by, char out[32])
{
    snprintf(out, 32, "%s%s", name, p->s->sort == by ? "*" : "");
    return hy_str_of(out);
}

static void put_sites(struct page *p)
{
    char name[32];
    size_t n;
    const json_t **rows = choose(p->s, &n);
    size_t selected = n && p->s->selected >= n ? n - 1 : p->s->selected;
    bool is_wide = p->width > NARROW;
    end_line(p);
    hy_buf_add_c(&p->line, ' ');
    cli_put_cell(&p->line, head(p, _(p->c, "SITE"), TOP_BY_SITE, name), is_wide ? 36 : 22, true);
    if (is_wide) {
        hy_buf_add_c(&p->line, ' ');
        cli_put_cell(&p->line, hy_str_of(_(p->c, "SOURCE")), 10, true);
    }
    cli_put_right(&p->line, head(p, _(p->c, "CONN"), TOP_BY_CONNECTIONS, name), 9);
    cli_put_right(&p->line, head(p, _(p->c, "/S"), TOP_BY_RATE, name), 8);
    cli_put_right(&p->line, head(p, _(p->c, "DEFERRED"), TOP_BY_DEFERRED, name), 9);
    if (is_wide) {
        cli_put_right(&p->line, hy_str_of(_(p->c, "DELIVERED")), 12);
        cli_put_right(&p->line, hy_str_of(_(p->c, "BOUNCED")), 9);
        cli_put_right(&p->line, hy_str_of(_(p->c, "WAITING")), 9);
    }
    hy_buf_printf(&p->line, "  %s", _(p->c, "LAST REPLY"));
    end_line(p);
    if (rows && p->s->is_detail && n) {
        put_detail(p, rows[selected]);
    } else {
        size_t room = p->height > p->lines + 1 ? p->height - p->lines - 1 : 1;
        size_t from = p->height && selected >= room ? selected - room + 1 : 0;
        for (size_t i = from; rows && i < n && (!p->height || i < from + room); i++)
            put_site(p, rows[i], p->height && i == selected);
    }
    free(rows);
}

size_t top_render(const struct cli *c, const struct top_state *s, size_t width, size_t height,
                  struct hy_buf *out)
{
    struct page p = {.c = c,
                     .s = s,
                     .width = width ? width : 200,
                     .height = height > 1 ? height - 1 : 0, /* the last line is for keys */
                     .out = out,
                     .line = HY_BUF_INIT(65536)};
    put_head(&p);
    put_campaigns(&p);
    put_sites(&p);
    if (height > 1) {
        while (!is_full(&p))
            end_line(&p);
        p.height++;
        if (s->is_typing)
            hy_buf_printf(&p.line, "/%s_", s->filter);
        else
            hy_buf_printf(&p.line, "%s%s%s",
                          _(c, "q quit  sort: s site r rate c conn d deferred  / filter  p pause  "
                               "Enter detail"),
                          s->filter[0] ? "  /" : "", s->filter);
        end_line(&p);
    }
    hy_buf_free(&p.line);
    return p.lines;
}
