/* The timer wheel: a timer stands at the level of the highest digit (base 64) in which its tick
 * differs from the present one, so that slots never wrap, the nearest timer is found by a bit scan,
 * and a timer is moved down at most once a level. */
#include "hayauma/base/wheel.h"

#define SLOT_MASK ((uint64_t)HY_WHEEL_SLOTS - 1)

static uint64_t tick_of_due(hy_us due) /* rounded up: never early */
{
    if (due <= 0)
        return 0;
    uint64_t tick_us = 1u << HY_WHEEL_TICK_BITS;
    return ((uint64_t)due + tick_us - 1) >> HY_WHEEL_TICK_BITS;
}

static unsigned digit(uint64_t tick, unsigned level)
{
    return (unsigned)(tick >> (level * HY_WHEEL_SLOT_BITS) & SLOT_MASK);
}

void hy_wheel_init(struct hy_wheel *w, hy_us now)
{
    *w = (struct hy_wheel){.tick = now > 0 ? (uint64_t)now >> HY_WHEEL_TICK_BITS : 0};
    for (unsigned level = 0; level < HY_WHEEL_LEVELS; level++)
        for (unsigned slot = 0; slot < HY_WHEEL_SLOTS; slot++)
            hy_list_init(&w->slots[level][slot]);
    hy_list_init(&w->overdue);
    hy_list_init(&w->expired);
}

void hy_timer_init(struct hy_timer *t, void (*fn)(void *arg), void *arg)
{
    *t = (struct hy_timer){.due = HY_US_NEVER, .level = HY_WHEEL_LEVELS, .fn = fn, .arg = arg};
    hy_list_init(&t->link);
}

/* Precondition: `t` is in no list and its tick is after w->tick. */
static void place(struct hy_wheel *w, struct hy_timer *t, uint64_t tick)
{
    unsigned top_bit = 63u - (unsigned)__builtin_clzll((tick ^ w->tick) | SLOT_MASK);
    unsigned level = top_bit / HY_WHEEL_SLOT_BITS;
    unsigned slot = digit(tick, level);
    t->level = (uint8_t)level;
    t->slot = (uint8_t)slot;
    w->filled[level] |= 1ull << slot;
    hy_list_push(&w->slots[level][slot], &t->link);
}

static void unplace(struct hy_wheel *w, struct hy_timer *t)
{
    hy_list_remove(&t->link);
    if (t->level < HY_WHEEL_LEVELS && hy_list_empty(&w->slots[t->level][t->slot]))
        w->filled[t->level] &= ~(1ull << t->slot);
    t->level = HY_WHEEL_LEVELS;
}

void hy_wheel_disarm(struct hy_wheel *w, struct hy_timer *t)
{
    if (!t->armed)
        return;
    unplace(w, t);
    t->armed = false;
    w->n_armed--;
}

void hy_wheel_arm(struct hy_wheel *w, struct hy_timer *t, hy_us due)
{
    hy_wheel_disarm(w, t);
    t->due = due;
    if (due == HY_US_NEVER)
        return;
    t->armed = true;
    w->n_armed++;
    uint64_t tick = tick_of_due(due);
    if (tick <= w->tick)
        hy_list_push(&w->overdue, &t->link);
    else
        place(w, t, tick);
}

/* The first tick of the nearest slot that has timers; false when there is none. The lowest level
 * that has one wins: its slots all lie within the present slot of the level above. */
static bool nearest_slot(const struct hy_wheel *w, uint64_t *ret_tick, unsigned *ret_level)
{
    for (unsigned level = 0; level < HY_WHEEL_LEVELS; level++) {
        if (w->filled[level] == 0)
            continue;
        unsigned slot = (unsigned)__builtin_ctzll(w->filled[level]);
        unsigned shift = level * HY_WHEEL_SLOT_BITS;
        uint64_t above = w->tick >> shift & ~SLOT_MASK;
        *ret_tick = (above | slot) << shift;
        *ret_level = level;
        return true;
    }
    return false;
}

hy_us hy_wheel_next(const struct hy_wheel *w)
{
    if (!hy_list_empty(&w->overdue) || !hy_list_empty(&w->expired))
        return (hy_us)(w->tick << HY_WHEEL_TICK_BITS);
    uint64_t tick;
    unsigned level;
    if (!nearest_slot(w, &tick, &level))
        return HY_US_NEVER;
    if (tick > (uint64_t)(HY_US_NEVER >> HY_WHEEL_TICK_BITS))
        return HY_US_NEVER - 1;
    return (hy_us)(tick << HY_WHEEL_TICK_BITS);
}

/* Time has come to the first tick of this slot: its timers are due or go to a lower level. */
static void open_slot(struct hy_wheel *w, unsigned level, unsigned slot)
{
    struct hy_list *head = &w->slots[level][slot];
    w->filled[level] &= ~(1ull << slot);
    for (struct hy_list *n; (n = hy_list_pop(head)) != NULL;) {
        struct hy_timer *t = hy_container_of(n, struct hy_timer, link);
        uint64_t tick = tick_of_due(t->due);
        if (tick <= w->tick) {
            t->level = HY_WHEEL_LEVELS;
            hy_list_push(&w->expired, &t->link);
        } else {
            place(w, t, tick);
        }
    }
}

void hy_wheel_advance(struct hy_wheel *w, hy_us now)
{
    for (struct hy_list *n; (n = hy_list_pop(&w->overdue)) != NULL;)
        hy_list_push(&w->expired, n);
    uint64_t target = now > 0 ? (uint64_t)now >> HY_WHEEL_TICK_BITS : 0;
    uint64_t tick;
    unsigned level;
    while (nearest_slot(w, &tick, &level) && tick <= target) {
        w->tick = tick;
        open_slot(w, level, digit(tick, level));
    }
    if (target > w->tick)
        w->tick = target;
}

struct hy_timer *hy_wheel_pop(struct hy_wheel *w)
{
    if (hy_list_empty(&w->expired))
        return NULL;
    struct hy_timer *t = hy_container_of(w->expired.next, struct hy_timer, link);
    hy_wheel_disarm(w, t);
    return t;
}
