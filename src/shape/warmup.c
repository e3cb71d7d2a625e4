/* The steps of a warm-up: which day it is, what may go, and how a day is judged. */
#include "hayauma/shape/warmup.h"

#include <string.h>

#include "hayauma/bounce/reason.h"
#include "hayauma/shape/signal.h"

enum { DAY_MS = 24 * 3600 * 1000 };

const char *hy_warmup_verdict_name(enum hy_warmup_verdict v)
{
    static const char *const names[] = {"none", "on", "unused", "stay", "back"};
    return v <= HY_WARMUP_BACK_ONE ? names[v] : "?";
}

struct hy_warmup_days hy_warmup_days_of(const struct hy_warmup_plan *p, const char *provider)
{
    for (size_t i = 0; i < p->n_providers; i++)
        if (strcmp(p->providers[i].name, provider) == 0)
            return p->providers[i].days;
    return p->days;
}

static uint32_t day_at(hy_wall_ms start, hy_wall_ms now)
{
    return now > start ? (uint32_t)((now - start) / DAY_MS) : 0;
}

void hy_warmup_begin(struct hy_warmup *w, hy_wall_ms start, const struct hy_warmup *other,
                     hy_wall_ms now)
{
    uint32_t day = day_at(start, now), first = other ? other->first : day;
    *w = (struct hy_warmup){.start = start, .first = first, .day = day, .step = first};
}

bool hy_warmup_is_over(const struct hy_warmup *w, struct hy_warmup_days d)
{
    return w->step >= d.n;
}

static enum hy_warmup_verdict judge(const struct hy_warmup *w, uint32_t percent, uint32_t limit)
{
    uint64_t all = (uint64_t)w->good + w->bad, bad = (uint64_t)w->bad * 100;
    if (all >= HY_WARMUP_SAMPLE && bad > all * percent * HY_WARMUP_BACK)
        return HY_WARMUP_BACK_ONE;
    if (all >= HY_WARMUP_SAMPLE && bad > all * percent)
        return HY_WARMUP_STAY;
    bool is_used = w->good > 0 && (w->sent >= limit || all * 2 >= limit);
    return is_used ? HY_WARMUP_ON : HY_WARMUP_UNUSED;
}

bool hy_warmup_turn(struct hy_warmup *w, const struct hy_warmup_plan *p, struct hy_warmup_days d,
                    hy_wall_ms now)
{
    uint32_t day = day_at(w->start, now);
    if (day <= w->day || hy_warmup_is_over(w, d)) /* warm for good; or a clock that went back */
        return false;
    w->verdict = judge(w, p->bad_percent, d.limits[w->step]);
    w->step += w->verdict == HY_WARMUP_ON;
    w->step -= w->verdict == HY_WARMUP_BACK_ONE && w->step > 0;
    w->day = day;
    w->sent = w->good = w->bad = 0;
    return true;
}

uint32_t hy_warmup_limit(const struct hy_warmup *w, struct hy_warmup_days d, hy_wall_ms now)
{
    if (now < w->start)
        return 0;
    return hy_warmup_is_over(w, d) ? UINT32_MAX : d.limits[w->step];
}

hy_wall_ms hy_warmup_day_end(const struct hy_warmup *w, hy_wall_ms now)
{
    return now < w->start ? w->start : w->start + ((hy_wall_ms)day_at(w->start, now) + 1) * DAY_MS;
}

hy_wall_ms hy_warmup_ask(const struct hy_warmup *w, struct hy_warmup_days d, hy_wall_ms now)
{
    bool has_room = w->sent < hy_warmup_limit(w, d, now);
    return has_room || hy_warmup_is_over(w, d) ? 0 : hy_warmup_day_end(w, now);
}

hy_wall_ms hy_warmup_take(struct hy_warmup *w, struct hy_warmup_days d, hy_wall_ms now)
{
    hy_wall_ms at = hy_warmup_ask(w, d, now);
    if (at == 0)
        w->sent += !hy_warmup_is_over(w, d) && w->sent < UINT32_MAX;
    return at;
}

void hy_warmup_give_back(struct hy_warmup *w)
{
    w->sent -= w->sent > 0;
}

/* What the words of a refusal were found to mean is our name, not only "later". */
static bool is_of_name(uint8_t reason)
{
    return reason == HY_BOUNCE_BLOCKED || reason == HY_BOUNCE_REJECTED_CONTENT ||
           reason == HY_BOUNCE_REJECTED_AUTH;
}

/* A refusal for what we are, not for what the mailbox is; nor one that puts off whoever is new: who
 * is warmed up is new to everybody. */
static bool is_complaint(const struct hy_outcome *o)
{
    if (o->kind == HY_OUTCOME_BOUNCED)
        return o->from_server && (o->enhanced.subject == 7 || o->phase <= HY_PHASE_EHLO);
    switch (hy_signal_of(o)) {
    case HY_SIGNAL_CONNECTIONS:
    case HY_SIGNAL_RATE:
        return true;
    case HY_SIGNAL_VAGUE:
        return is_of_name(o->reason);
    default:
        return false;
    }
}

void hy_warmup_count(struct hy_warmup *w, const struct hy_outcome *o)
{
    if (o->kind == HY_OUTCOME_DELIVERED)
        w->good += w->good < UINT32_MAX;
    else if (is_complaint(o))
        w->bad += w->bad < UINT32_MAX;
}

/* ---- plans that come with hayauma ----
 *
 * Providers publish no tables; what they say is: begin small, grow steadily, send first to those
 * who read, stop growing when told so (Google's sender guidelines; Yahoo's sender best practices).
 * The three plans grow by a half, double every second day, and double every day. */

#define PLAN(label, ...)                                                                           \
    {                                                                                              \
        .name = label,                                                                             \
        .days = {(const uint32_t[]){__VA_ARGS__},                                                  \
                 sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t)},                      \
        .bad_percent = 5                                                                           \
    }

static const struct hy_warmup_plan plans[] = {
    PLAN("careful", 20, 30, 45, 70, 100, 150, 220, 330, 500, 750, 1000, 1500, 2200, 3300, 5000,
         7000, 10000, 14000, 20000, 28000, 40000, 56000, 80000, 110000, 150000, 200000, 280000,
         400000, 560000, 800000),
    PLAN("usual", 50, 100, 150, 250, 400, 600, 1000, 1500, 2500, 4000, 6000, 10000, 15000, 25000,
         40000, 60000, 100000, 150000, 250000, 400000, 600000),
    PLAN("fast", 100, 200, 400, 800, 1600, 3000, 6000, 12000, 25000, 50000, 100000, 200000, 400000),
};

const struct hy_warmup_plan *hy_warmup_builtin_at(size_t i)
{
    return i < sizeof plans / sizeof *plans ? &plans[i] : NULL;
}

const struct hy_warmup_plan *hy_warmup_builtin(struct hy_str name)
{
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++)
        if (hy_str_eq(name, hy_str_of(plans[i].name)))
            return &plans[i];
    return NULL;
}
