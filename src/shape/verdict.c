/* Verdicts: retry schedule, expiry, greylisting. */
#include "hayauma/shape/verdict.h"

#include "hayauma/shape/signal.h"

#define MS(us) ((hy_wall_ms)((us) / HY_US_PER_MS))

enum { GREY_SHORTEST_S = 60, GREY_LONGEST_S = 600 };

hy_us hy_retry_wait(const struct hy_retry_plan *plan, uint32_t attempts, struct hy_rng *rng)
{
    hy_us wait = plan->first_us;
    for (uint32_t i = 1; i < attempts && wait < plan->longest_us; i++)
        wait *= 2;
    if (wait > plan->longest_us)
        wait = plan->longest_us;
    hy_us swing = wait / 100 * plan->jitter_percent;
    if (swing > 0)
        wait += (hy_us)hy_rng_below(rng, (uint64_t)(2 * swing + 1)) - swing;
    return wait > HY_US_PER_SEC ? wait : HY_US_PER_SEC;
}

hy_us hy_retry_spent(const struct hy_retry_plan *plan, uint32_t attempts)
{
    hy_us wait = plan->first_us, all = 0;
    for (; attempts > 0 && wait < plan->longest_us; attempts--, wait *= 2)
        all += wait;
    return all + (hy_us)attempts * plan->longest_us;
}

hy_wall_ms hy_retry_since(const struct hy_retry_plan *plan, hy_wall_ms queued, uint32_t attempts,
                          hy_wall_ms now)
{
    hy_wall_ms tried = now - hy_retry_spent(plan, attempts) / HY_US_PER_MS;
    return tried > queued ? tried : queued;
}

/* The first number that is followed by "sec" or "min", in seconds; 0 when there is none. */
static uint32_t named_seconds(struct hy_str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            continue;
        uint32_t v = 0;
        while (i < text.n && text.p[i] >= '0' && text.p[i] <= '9' && v < 100000)
            v = v * 10 + (uint32_t)(text.p[i++] - '0');
        while (i < text.n && text.p[i] == ' ')
            i++;
        struct hy_str rest = hy_str_slice(text, i, text.n);
        if (hy_str_istarts(rest, HY_STR("sec")))
            return v;
        if (hy_str_istarts(rest, HY_STR("min")))
            return v * 60;
    }
    return 0;
}

static bool is_greylisting(const struct hy_outcome *o, uint32_t attempts)
{
    if (attempts > 2 || o->code < 400 || o->code > 499)
        return false;
    if (o->phase != HY_PHASE_RCPT && o->phase != HY_PHASE_DATA && o->phase != HY_PHASE_MAIL &&
        o->phase != HY_PHASE_DOT)
        return false;
    return hy_signal_is_greylisting(o->text);
}

static hy_us greylist_wait(struct hy_str text)
{
    uint32_t s = named_seconds(text) + 5; /* a little after, so that we are not early by a tick */
    if (s < GREY_SHORTEST_S)
        s = GREY_SHORTEST_S;
    if (s > GREY_LONGEST_S)
        s = GREY_LONGEST_S;
    return (hy_us)s * HY_US_PER_SEC;
}

struct hy_verdict hy_verdict_of(const struct hy_outcome *o, const struct hy_retry_plan *plan,
                                uint32_t attempts, hy_wall_ms queued, hy_wall_ms now,
                                struct hy_rng *rng)
{
    if (o->kind == HY_OUTCOME_DELIVERED)
        return (struct hy_verdict){HY_RCPT_DELIVERED, 0};
    if (o->kind == HY_OUTCOME_BOUNCED)
        return (struct hy_verdict){HY_RCPT_BOUNCED, 0};
    hy_us wait = hy_retry_wait(plan, attempts ? attempts : 1, rng);
    if (is_greylisting(o, attempts)) {
        hy_us grey = greylist_wait(o->text);
        if (grey < wait)
            wait = grey;
    }
    hy_wall_ms due = now + MS(wait);
    if (due > queued + MS(plan->expire_us))
        return (struct hy_verdict){HY_RCPT_EXPIRED, 0};
    return (struct hy_verdict){HY_RCPT_DEFERRED, due};
}
