/* Lines of lanes that wait for a token: see pace.h. */
#include "pace.h"

#include <stdlib.h>

#include "lane.h"

static void arm(struct pace_line *p, hy_us at)
{
    if (!hy_timer_armed(&p->timer) || p->timer.due > at)
        hy_loop_arm(p->worker->loop, &p->timer, at);
}

/* A token is taken for the one in front, and only then it is woken. */
static void on_due(void *arg)
{
    struct pace_line *p = arg;
    hy_us now = hy_loop_now(p->worker->loop);
    while (!hy_list_empty(&p->waiting)) {
        hy_us at = hy_rate_shared_take(p->used, p->rate, now);
        if (at) {
            arm(p, at);
            return;
        }
        struct pace_place *first =
            hy_container_of(hy_list_pop(&p->waiting), struct pace_place, link);
        first->is_granted = true;
        hy_list_push(&first->lane->granted, &first->link);
        lane_wake(first->lane);
    }
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
    *p = (struct pace_place){.lane = l};
    hy_list_init(&p->link);
}

void pace_put_back(struct pace_line *line, struct hy_rate_shared *used, struct hy_rate rate)
{
    hy_rate_shared_put_back(used, rate);
    if (!hy_list_empty(&line->waiting))
        arm(line, hy_loop_now(line->worker->loop));
}

void pace_leave(struct pace_place *p)
{
    struct pace_line *line = p->line;
    bool was_granted = p->is_granted;
    hy_list_remove(&p->link);
    p->is_granted = false;
    p->line = NULL;
    if (!line)
        return;
    if (was_granted)
        pace_put_back(line, line->used, line->rate);
    if (hy_list_empty(&line->waiting) && hy_timer_armed(&line->timer))
        hy_loop_disarm(line->worker->loop, &line->timer);
}

void pace_return(struct hy_list *granted)
{
    while (!hy_list_empty(granted))
        pace_leave(hy_container_of(granted->next, struct pace_place, link));
}

bool pace_take(struct pace_line *line, struct pace_place *p, struct hy_rate_shared *used,
               struct hy_rate rate, hy_us now)
{
    if (rate.count == 0) {
        pace_leave(p);
        if (!hy_list_empty(&line->waiting)) { /* the limit is over for them, too */
            line->rate = rate;
            arm(line, now);
        }
        return true;
    }
    if (p->is_granted) {
        hy_list_remove(&p->link);
        p->is_granted = false;
        p->line = NULL;
        return true;
    }
    line->used = used;
    line->rate = rate;
    hy_us at = hy_rate_shared_take(used, rate, now);
    if (at == 0) {
        pace_leave(p);
        return true;
    }
    if (!pace_is_waiting(p)) {
        p->line = line;
        hy_list_push(&line->waiting, &p->link);
    }
    arm(line, at); /* by the rate of now, which a reload may have raised */
    return false;
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
