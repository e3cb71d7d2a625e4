/* Counting failures: a slot for each hash of a key, used again when its window is over. */
#include "hayauma/base/failures.h"

uint32_t hy_failures_count(const struct hy_failures *f, uint64_t key, hy_us now)
{
    const struct hy_failures_slot *s = &f->slots[key & (HY_FAILURES_SLOTS - 1)];
    return s->key == key && s->until > now ? s->n : 0;
}

hy_us hy_failures_left(const struct hy_failures *f, uint64_t key, hy_us now)
{
    const struct hy_failures_slot *s = &f->slots[key & (HY_FAILURES_SLOTS - 1)];
    return s->key == key && s->until > now ? s->until - now : 0;
}

uint32_t hy_failures_add(struct hy_failures *f, uint64_t key, hy_us now, hy_us window_us)
{
    struct hy_failures_slot *s = &f->slots[key & (HY_FAILURES_SLOTS - 1)];
    if (s->key != key || s->until <= now)
        *s = (struct hy_failures_slot){.key = key, .until = now + window_us};
    return ++s->n;
}
