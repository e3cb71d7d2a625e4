/* A campaign over time: how its mail ended in steps that suit its length, and by hour and by day
 * what people did. Days and hours are those of the campaign's time zone. */
#include <stdlib.h>

#include "ctl_common.h"
#include "hayauma/base/zone.h"
#include "report.h"

enum {
    HOUR_MS = 3600 * 1000,
    HOURS = 48,       /* told by the hour, from the first attempt on */
    DAYS = 400,       /* told by the day */
    STEPS_MAX = 64,   /* of the delivery */
    ENDS = DAYS * 24, /* hours for which ends are kept */
};

struct bucket {
    uint64_t delivered, failed;
    uint64_t n[HY_TALLY_COLUMNS];
};
struct ends {
    uint64_t delivered, failed;
};

struct report_times {
    uint32_t first; /* hour since 1970 of the first attempt */
    hy_wall_ms from;
    int64_t step_ms;
    size_t n_steps;
    struct ends steps[STEPS_MAX];
    struct ends by_hour[ENDS], outside;
    struct bucket hours[HOURS], days[DAYS], rest;
    int64_t first_day;
    size_t n_days;
};

static int64_t step_for(int64_t length_ms)
{
    static const int64_t steps_s[] = {1,   5,    10,   30,    60,    120,   300,   600,
                                      900, 1800, 3600, 10800, 21600, 43200, 86400, 604800};
    size_t n = sizeof steps_s / sizeof *steps_s;
    for (size_t i = 0; i < n; i++)
        if (length_ms / (steps_s[i] * 1000) < STEPS_MAX - 1)
            return steps_s[i] * 1000;
    return steps_s[n - 1] * 1000;
}

static hy_wall_ms begin_of(const struct report *r)
{
    return r->p.first_attempt ? r->p.first_attempt : r->c.started ? r->c.started : r->c.created;
}

int report_times_new(const struct report *r, struct report_times **ret)
{
    struct report_times *x = calloc(1, sizeof *x);
    if (!x)
        return HY_ENOMEM;
    hy_wall_ms from = begin_of(r), last = r->p.last_attempt > from ? r->p.last_attempt : from;
    x->first = (uint32_t)(from / HOUR_MS);
    x->step_ms = step_for(last - from);
    x->from = from / x->step_ms * x->step_ms;
    *ret = x;
    return HY_OK;
}

void report_times_free(struct report_times *times)
{
    free(times);
}

static void end(struct ends *e, enum hy_rcpt_state state)
{
    if (state == HY_RCPT_DELIVERED)
        e->delivered++;
    else
        e->failed++;
}

void report_times_ended(void *times, enum hy_rcpt_state state, hy_lead_no lead, hy_wall_ms at)
{
    (void)lead;
    struct report_times *x = times;
    int64_t step = (at - x->from) / x->step_ms, hour = at / HOUR_MS - (int64_t)x->first;
    if (at >= x->from && step < STEPS_MAX) {
        end(&x->steps[step], state);
        if ((size_t)step >= x->n_steps)
            x->n_steps = (size_t)step + 1;
    }
    end(hour >= 0 && hour < ENDS ? &x->by_hour[hour] : &x->outside, state);
}

/* ---- into hours and days ---- */

static int64_t day_of(const struct report *r, uint32_t hour)
{
    hy_wall_ms at = (hy_wall_ms)hour * HOUR_MS;
    return (at / 1000 + hy_zone_offset_s(r->zone, at)) / 86400;
}

static struct bucket *day_bucket(const struct report *r, struct report_times *x, uint32_t hour)
{
    int64_t day = day_of(r, hour) - x->first_day;
    if (hour < x->first || day < 0 || day >= DAYS)
        return &x->rest;
    if ((size_t)day >= x->n_days)
        x->n_days = (size_t)day + 1;
    return &x->days[day];
}

static void fold_ends(const struct report *r, struct report_times *x)
{
    for (uint32_t i = 0; i < ENDS; i++) {
        const struct ends *e = &x->by_hour[i];
        if (e->delivered + e->failed == 0)
            continue;
        struct bucket *day = day_bucket(r, x, x->first + i);
        day->delivered += e->delivered;
        day->failed += e->failed;
        if (i < HOURS) {
            x->hours[i].delivered = e->delivered;
            x->hours[i].failed = e->failed;
        }
    }
    x->rest.delivered += x->outside.delivered;
    x->rest.failed += x->outside.failed;
}

static int fold_tallies(const struct report *r, struct report_times *x)
{
    struct hy_tally_hour h;
    int err;
    for (uint32_t at = 0; (err = hy_campaign_tally_hour(r->t, r->c.id, at, &h)) == HY_OK;
         at = h.hour + 1) {
        struct bucket *day = day_bucket(r, x, h.hour);
        for (unsigned i = 0; i < HY_TALLY_COLUMNS; i++) {
            day->n[i] += h.n[i];
            if (h.hour >= x->first && h.hour - x->first < HOURS)
                x->hours[h.hour - x->first].n[i] = h.n[i];
        }
        if (h.hour == UINT32_MAX)
            break;
    }
    return err == HY_ENOTFOUND ? HY_OK : err;
}

/* ---- telling ---- */

static json_t *bucket_json(const struct bucket *b)
{
    static const char *const names[HY_TALLY_COLUMNS] = {
        [HY_TALLY_OPENS + HY_TALLY_HUMAN] = "opens_human",
        [HY_TALLY_OPENS + HY_TALLY_MACHINE] = "opens_machine",
        [HY_TALLY_OPENS + HY_TALLY_UNKNOWN] = "opens_unknown",
        [HY_TALLY_CLICKS + HY_TALLY_HUMAN] = "clicks_human",
        [HY_TALLY_CLICKS + HY_TALLY_MACHINE] = "clicks_machine",
        [HY_TALLY_CLICKS + HY_TALLY_UNKNOWN] = "clicks_unknown",
        [HY_TALLY_UNSUBSCRIBES] = "unsubscribes",
        [HY_TALLY_COMPLAINTS] = "complaints",
        [HY_TALLY_REPLIES] = "replies",
        [HY_TALLY_LATE_BOUNCES] = "late_bounces",
    };
    json_t *o = json_object();
    ctl_set_count(o, "delivered", b->delivered);
    ctl_set_count(o, "failed", b->failed);
    for (unsigned i = 0; i < HY_TALLY_COLUMNS; i++)
        ctl_set_count(o, names[i], b->n[i]);
    return o;
}

static bool is_quiet(const struct bucket *b)
{
    static const struct bucket none;
    return memcmp(b, &none, sizeof none) == 0;
}

static json_t *hours_json(const struct report *r, const struct report_times *x)
{
    json_t *all = json_array();
    size_t n = HOURS;
    while (n && is_quiet(&x->hours[n - 1]))
        n--;
    for (size_t i = 0; i < n; i++) {
        json_t *o = bucket_json(&x->hours[i]);
        report_set_time(o, "at", ((hy_wall_ms)x->first + (hy_wall_ms)i) * HOUR_MS, r->zone);
        json_array_append_new(all, o);
    }
    return all;
}

static json_t *days_json(const struct report_times *x)
{
    json_t *all = json_array();
    char text[32];
    for (size_t i = 0; i < x->n_days; i++) {
        json_t *o = bucket_json(&x->days[i]);
        hy_wall_format_at((x->first_day + (int64_t)i) * 86400 * 1000, 0, text);
        text[10] = '\0'; /* "2026-11-22" */
        json_object_set_new(o, "day", json_string(text));
        json_array_append_new(all, o);
    }
    return all;
}

static json_t *steps_json(const struct report *r, const struct report_times *x)
{
    json_t *o = json_object(), *delivered = json_array(), *failed = json_array();
    ctl_set_count(o, "step_s", (uint64_t)x->step_ms / 1000);
    report_set_time(o, "from", x->from, r->zone);
    for (size_t i = 0; i < x->n_steps; i++) {
        json_array_append_new(delivered, json_integer((json_int_t)x->steps[i].delivered));
        json_array_append_new(failed, json_integer((json_int_t)x->steps[i].failed));
    }
    json_object_set_new(o, "delivered", delivered);
    json_object_set_new(o, "failed", failed);
    return o;
}

int report_times_put(struct report *r, struct report_times *x)
{
    x->first_day = day_of(r, x->first);
    fold_ends(r, x);
    int err = fold_tallies(r, x);
    if (err != HY_OK)
        return err;
    json_object_set_new(r->o, "delivery", steps_json(r, x));
    json_object_set_new(r->o, "hours", hours_json(r, x));
    json_object_set_new(r->o, "days", days_json(x));
    json_object_set_new(r->o, "outside", bucket_json(&x->rest));
    return HY_OK;
}
