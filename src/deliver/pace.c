/* Lines of lanes that wait for a token: see pace.h. */
#include "pace.h"

#include <stdlib.h>

#include "lane.h"

enum {
    WOKEN_AT_ONCE = 4,
    WOKEN_AGAIN_US = 100 * 1000, /* when none of those that were woken asked for a token */
};

static void arm(struct pace_line *p, hy_us at)
{
    if (!hy_timer_armed(&p->timer) || p->timer.due > at)
        hy_loop_arm(p->worker->loop, &p->timer, at);
}

static void on_due(void *arg)
{
    struct pace_line *p = arg;
    for (int i = 0; i < WOKEN_AT_ONCE; i++) {
        struct hy_list *it = hy_list_pop(&p->waiting);
        if (!it)
            return;
        lane_wake(hy_container_of(it, struct pace_place, link)->lane);
    }
    if (!hy_list_empty(&p->waiting))
        arm(p, hy_loop_now(p->worker->loop) + WOKEN_AGAIN_US);
}

struct pace_line *pace_lines_new(struct worker *workers, unsigned n)
{
    struct pace_line *all = calloc(n, sizeof *all);
    for (unsigned i = 0; all && i < n; i++) {
        all[i].worker = &workers[i];
        hy_list_init(&all[i].waiting);
        hy_timer_init(&all[i].timer, on_due, &all[i]);
    }
    return all;
}

void pace_place_init(struct pace_place *p, struct lane *l)
{
    hy_list_init(&p->link);
    p->lane = l;
}

void pace_leave(struct pace_line *line, struct pace_place *p)
{
    hy_list_remove(&p->link);
    if (line && hy_list_empty(&line->waiting) && hy_timer_armed(&line->timer))
        hy_loop_disarm(line->worker->loop, &line->timer);
}

bool pace_take(struct pace_line *line, struct pace_place *p, struct hy_rate_shared *used,
               struct hy_rate rate, hy_us now)
{
    hy_us at = hy_rate_shared_take(used, rate, now);
    if (at) {
        if (!pace_is_waiting(p))
            hy_list_push(&line->waiting, &p->link);
        arm(line, at);
        return false;
    }
    pace_leave(line, p);
    if (!hy_list_empty(&line->waiting))
        arm(line, now);
    return true;
}

struct tenant_live *tenant_live_get(struct tenants_live *all, uint32_t number,
                                    struct worker *workers, unsigned n)
{
    struct tenant_live **at = &all->buckets[number % TENANT_BUCKETS];
    while (*at && (*at)->number != number)
        at = &(*at)->next;
    if (*at)
        return *at;
    struct tenant_live *t = calloc(1, sizeof *t);
    if (t)
        t->lines = pace_lines_new(workers, n);
    if (!t || !t->lines) {
        free(t);
        return NULL;
    }
    t->number = number;
    *at = t;
    return t;
}

void tenants_live_close(struct tenants_live *all)
{
    for (size_t i = 0; i < TENANT_BUCKETS; i++) {
        for (struct tenant_live *t = all->buckets[i], *next; t; t = next) {
            next = t->next;
            free(t->lines);
            free(t);
        }
        all->buckets[i] = NULL;
    }
}
