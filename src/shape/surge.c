/* The surge brake. */
#include "hayauma/shape/surge.h"

bool hy_surge_count(struct hy_surge *s, const struct hy_surge_limit *limit, bool is_bad,
                    struct hy_surge_view *ret_view)
{
    if (limit->percent == 0)
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
    if ((uint64_t)bad * 100 <= (uint64_t)limit->percent * limit->sample)
        return false;
    if (atomic_exchange(&s->has_tripped, true))
        return false;
    *ret_view = (struct hy_surge_view){seen, bad};
    return true;
}
