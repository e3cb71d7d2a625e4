/* The part of /metrics about the HTTP API and mail that comes back. Labels are routes, classes of
 * answers, codes of errors and kinds of mail: tables of the code, nothing that a client chose. The
 * server's thread. */
#include "metrics_faces.h"

#include <stdio.h>

#include "hayauma/receive/intake.h"
#include "hayauma/receive/receive.h"
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

static void put_requests(struct expo *e, const struct hy_web_counters *c)
{
    static const char *const classes[] = {"", "", "2xx", "3xx", "4xx", "5xx"};
    char route[96];
    expo_head(e, HY_M_API_REQUESTS);
    for (size_t i = 0; i < HY_WEB_ROUTES_MAX && route_text(i, route); i++)
        for (int k = 2; k < HY_WEB_CLASSES; k++) {
            uint64_t n = hy_count_read(&c->routes[i].by_class[k]);
            struct expo_label l[] = {{"route", hy_str_of(route)}, {"class", hy_str_of(classes[k])}};
            if (n || k != 3)
                expo_sample(e, HY_M_API_REQUESTS, l, 2, (double)n);
        }
}

/* Only of routes that somebody has used. */
static void put_times(struct expo *e, const struct hy_web_counters *c)
{
    char route[96];
    expo_head(e, HY_M_API_SECONDS);
    for (size_t i = 0; i < HY_WEB_ROUTES_MAX && route_text(i, route); i++) {
        struct hy_histogram_sum sum = {0};
        struct expo_label l = {"route", hy_str_of(route)};
        hy_histogram_read(&c->routes[i].times, &sum);
        if (sum.count)
            expo_histogram(e, HY_M_API_SECONDS, &l, 1, &sum);
    }
}

void metrics_put_api(struct expo *e, const struct observer_faces *f)
{
    if (!f->web)
        return;
    const struct hy_web_counters *c = hy_web_counters_of(f->web);
    const struct hy_http_counters *h = hy_web_http_counters_of(f->web);
    expo_one(e, HY_M_API_CONNECTIONS, count_of(&h->connections_now));
    expo_one(e, HY_M_API_CONNECTS, count_of(&h->connections));
    expo_head(e, HY_M_API_TURNED_AWAY);
    one_label(e, HY_M_API_TURNED_AWAY, "reason", "full", count_of(&h->turned_away));
    one_label(e, HY_M_API_TURNED_AWAY, "reason", "address", count_of(&h->crowded));
    put_requests(e, c);
    put_times(e, c);
    expo_head(e, HY_M_API_REFUSED);
    for (size_t i = 0; hy_web_code_name(i); i++)
        if (hy_count_read(&c->refused[i]) || strcmp(hy_web_code_name(i), "over_quota") == 0)
            one_label(e, HY_M_API_REFUSED, "reason", hy_web_code_name(i), count_of(&c->refused[i]));
    expo_one(e, HY_M_API_MESSAGES, count_of(&c->messages));
    expo_one(e, HY_M_API_RECIPIENTS, count_of(&c->recipients));
    expo_one(e, HY_M_API_BYTES, count_of(&c->bytes));
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
