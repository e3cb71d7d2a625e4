/* The surge brake. */
#include "hayauma/shape/surge.h"

/* Whether it trips, which it does once. */
static bool trips(struct hy_surge *s, const struct hy_surge_limit *limit, struct hy_surge_view now,
                  struct hy_surge_view *ret_view)
{
    if ((uint64_t)now.bad * 10000 <= (uint64_t)limit->share * limit->sample)
        return false;
    if (atomic_exchange(&s->has_tripped, true))
        return false;
    *ret_view = now;
    return true;
}

bool hy_surge_count(struct hy_surge *s, const struct hy_surge_limit *limit, bool is_bad,
                    struct hy_surge_view *ret_view)
{
    if (limit->share == 0)
        return false;
    uint64_t was = atomic_load_explicit(&s->counts, memory_order_relaxed), is;
    uint32_t seen, bad;
    do {
        seen = (uint32_t)was + 1;
        bad = (uint32_t)(was >> 32) + is_bad;
        uint32_t half = seen >= limit->sample;
        is = (uint64_t)(bad >> half) << 32 | seen >> half;
    } while (!atomic_compare_exchange_weak_explicit(&s->counts, &was, is, memory_order_relaxed,
                                                    memory_order_relaxed));
    return is_bad && trips(s, limit, (struct hy_surge_view){seen, bad}, ret_view);
}

bool hy_surge_late(struct hy_surge *s, const struct hy_surge_limit *limit,
                   struct hy_surge_view *ret_view)
{
    if (limit->share == 0)
        return false;
    uint64_t was = atomic_load_explicit(&s->counts, memory_order_relaxed);
    uint32_t seen, bad;
    do {
        seen = (uint32_t)was;
        bad = (uint32_t)(was >> 32) + 1;
        if (bad > seen)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&s->counts, &was, (uint64_t)bad << 32 | seen,
                                                    memory_order_relaxed, memory_order_relaxed));
    return trips(s, limit, (struct hy_surge_view){seen, bad}, ret_view);
}
