/* The part of /metrics about the HTTP API, browsers and mail that comes back. Labels are routes,
 * classes of answers, codes of errors and kinds of mail: tables of the code, nothing that a client
 * chose. The server's thread. */
#include "metrics_faces.h"

#include <stdio.h>

#include "hayauma/receive/intake.h"
#include "hayauma/receive/receive.h"
#include "hayauma/web/track.h"
#include "hayauma/web/web.h"

static double count_of(const _Atomic uint64_t *n)
{
    return (double)atomic_load_explicit(n, memory_order_relaxed);
}

static void one_label(struct expo *e, enum hy_metric m, const char *name, const char *value,
                      double v)
{
    struct expo_label l = {name, hy_str_of(value)};
    expo_sample(e, m, &l, 1, v);
}

/* ---- answers by route ---- */

struct routes {
    const struct hy_web_route_counters *counters;
    size_t n;
    bool (*name)(size_t i, char out[96]); /* false: there is no such route */
};

static void put_requests(struct expo *e, enum hy_metric m, const struct routes *r)
{
    static const char *const classes[] = {"", "", "2xx", "3xx", "4xx", "5xx"};
    char route[96];
    expo_head(e, m);
    for (size_t i = 0; i < r->n && r->name(i, route); i++)
        for (int k = 2; k < HY_WEB_CLASSES; k++) {
            uint64_t n = hy_count_read(&r->counters[i].by_class[k]);
            struct expo_label l[] = {{"route", hy_str_of(route)}, {"class", hy_str_of(classes[k])}};
            if (n || k != 3)
                expo_sample(e, m, l, 2, (double)n);
        }
}

/* Only of routes that somebody has used. */
static void put_times(struct expo *e, enum hy_metric m, const struct routes *r)
{
    char route[96];
    expo_head(e, m);
    for (size_t i = 0; i < r->n && r->name(i, route); i++) {
        struct hy_histogram_sum sum = {0};
        struct expo_label l = {"route", hy_str_of(route)};
        hy_histogram_read(&r->counters[i].times, &sum);
        if (sum.count)
            expo_histogram(e, m, &l, 1, &sum);
    }
}

static void put_turned_away(struct expo *e, enum hy_metric m, const struct hy_http_counters *h)
{
    expo_head(e, m);
    one_label(e, m, "reason", "full", count_of(&h->turned_away));
    one_label(e, m, "reason", "address", count_of(&h->crowded));
}

/* ---- the API ---- */

/* "POST /v1/messages"; false: there is no such route. */
static bool route_text(size_t i, char out[96])
{
    const char *method, *path;
    if (!hy_web_route_name(i, &method, &path))
        return false;
    snprintf(out, 96, "%s%s%s", method, method[0] ? " " : "", path);
    return true;
}

void metrics_put_api(struct expo *e, const struct observer_faces *f)
{
    if (!f->web)
        return;
    const struct hy_web_counters *c = hy_web_counters_of(f->web);
    const struct hy_http_counters *h = hy_web_http_counters_of(f->web);
    const struct routes routes = {c->routes, HY_WEB_ROUTES_MAX, route_text};
    expo_one(e, HY_M_API_CONNECTIONS, count_of(&h->connections_now));
    expo_one(e, HY_M_API_CONNECTS, count_of(&h->connections));
    put_turned_away(e, HY_M_API_TURNED_AWAY, h);
    put_requests(e, HY_M_API_REQUESTS, &routes);
    put_times(e, HY_M_API_SECONDS, &routes);
    expo_head(e, HY_M_API_REFUSED);
    for (size_t i = 0; hy_web_code_name(i); i++)
        if (hy_count_read(&c->refused[i]) || strcmp(hy_web_code_name(i), "over_quota") == 0)
            one_label(e, HY_M_API_REFUSED, "reason", hy_web_code_name(i), count_of(&c->refused[i]));
    expo_one(e, HY_M_API_MESSAGES, count_of(&c->messages));
    expo_one(e, HY_M_API_RECIPIENTS, count_of(&c->recipients));
    expo_one(e, HY_M_API_BYTES, count_of(&c->bytes));
}

/* ---- browsers ---- */

static bool track_route_text(size_t i, char out[96])
{
    const char *name = hy_track_route_name(i);
    snprintf(out, 96, "%s", name ? name : "");
    return name != NULL;
}

void metrics_put_tracking(struct expo *e, const struct observer_faces *f)
{
    if (!f->track || !f->hits)
        return;
    const struct hy_track_counters *c = hy_track_counters_of(f->track);
    const struct hy_http_counters *h = hy_track_http_counters_of(f->track);
    const struct routes routes = {c->routes, HY_TRACK_ROUTES_MAX, track_route_text};
    struct hy_hits_stats hits;
    hy_hits_stats(f->hits, &hits);
    int64_t age_ms = hits.oldest ? hy_clock_wall_ms() - hits.oldest : 0;
    expo_one(e, HY_M_TRACKING_CONNECTIONS, count_of(&h->connections_now));
    expo_one(e, HY_M_TRACKING_CONNECTS, count_of(&h->connections));
    put_turned_away(e, HY_M_TRACKING_TURNED_AWAY, h);
    put_requests(e, HY_M_TRACKING_REQUESTS, &routes);
    put_times(e, HY_M_TRACKING_SECONDS, &routes);
    expo_one(e, HY_M_TRACKING_FORGED, count_of(&c->forged));
    expo_one(e, HY_M_TRACKING_HITS, (double)hits.put);
    expo_one(e, HY_M_TRACKING_LOST, (double)hits.lost);
    expo_head(e, HY_M_TRACKING_LIMITED);
    for (int i = 0; i < HY_TRACK_LIMITS; i++)
        one_label(e, HY_M_TRACKING_LIMITED, "by", hy_track_limit_name((enum hy_track_limit)i),
                  count_of(&c->limited[i]));
    expo_one(e, HY_M_TRACKING_STORED, (double)hits.stored);
    expo_one(e, HY_M_TRACKING_WAITING, (double)hits.waiting);
    expo_one(e, HY_M_TRACKING_OLDEST, age_ms > 0 ? (double)age_ms / 1000 : 0);
    expo_one(e, HY_M_TRACKING_JOURNAL, (double)hits.bytes);
    expo_one(e, HY_M_TRACKING_JOURNAL_ROOM, (double)hits.bytes_max);
}

/* ---- mail that comes back ---- */

static void put_mails(struct expo *e, const struct hy_intake_counters *c)
{
    expo_head(e, HY_M_INTAKE_MAILS);
    for (int r = 0; r < HY_INTAKE_RESULTS; r++)
        for (int k = 0; k < HY_INTAKE_KINDS; k++) {
            const char *kind = k ? hy_bounce_kind_name((enum hy_bounce_kind)k) : "unread";
            const char *result = hy_intake_result_name((enum hy_intake_result)r);
            double n = count_of(&c->mails[r][k]);
            struct expo_label l[] = {{"kind", hy_str_of(kind)}, {"result", hy_str_of(result)}};
            if (n > 0 || (r == HY_INTAKE_NOTED && k))
                expo_sample(e, HY_M_INTAKE_MAILS, l, 2, n);
        }
}

void metrics_put_intake(struct expo *e, const struct observer_faces *f)
{
    if (!f->intake)
        return;
    const struct hy_intake_counters *c = hy_intake_counters_of(f->intake);
    put_mails(e, c);
    expo_one(e, HY_M_INTAKE_ACTIVITIES, count_of(&c->activities));
    expo_one(e, HY_M_INTAKE_SUPPRESSED, count_of(&c->suppressed));
    expo_one(e, HY_M_INTAKE_WAITING, atomic_load(&c->waiting));
    if (!f->returns)
        return;
    const struct hy_receive_counters *r = hy_receive_counters_of(f->returns);
    expo_one(e, HY_M_INTAKE_CONNECTIONS, count_of(&r->connections_now));
    expo_one(e, HY_M_INTAKE_CONNECTS, count_of(&r->connections));
    expo_one(e, HY_M_INTAKE_TURNED_AWAY, count_of(&r->turned_away));
}
