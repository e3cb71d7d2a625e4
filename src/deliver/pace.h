/* A pace that many lanes keep together: that of a campaign with a speed, or of a tenant with a
 * rate.
 *
 * Whoever sends a row takes a token. Lanes that found none wait in a line, one for each worker; its
 * timer wakes a few from the front when the next token is due, each that got one wakes the next, so
 * a slow pace over many lanes costs no herd. Those that are woken may be held, suspended or starved
 * by now and ask for nothing: then the next have their turn a little later. */
#pragma once
#include "hayauma/base/list.h"
#include "hayauma/io/loop.h"
#include "hayauma/shape/rate.h"

struct worker;
struct lane;

/* Lanes of one worker that wait, the longest first. Its worker's. */
struct pace_line {
    struct worker *worker;
    struct hy_list waiting;
    struct hy_timer timer; /* armed only while somebody waits */
};
/* All lines of a pace, one for each of `n` workers; NULL without memory. Freed with free() when
 * nobody waits. */
struct pace_line *pace_lines_new(struct worker *workers, unsigned n);

/* A lane's place in a line. */
struct pace_place {
    struct hy_list link;
    struct lane *lane;
};
void pace_place_init(struct pace_place *p, struct lane *l);
static inline bool pace_is_waiting(const struct pace_place *p)
{
    return !hy_list_empty(&p->link);
}
/* False: there is no token yet, and the place is in line. Worker's thread. */
bool pace_take(struct pace_line *line, struct pace_place *p, struct hy_rate_shared *used,
               struct hy_rate rate, hy_us now);
/* The place is in the line no more; `line` may be NULL, then it never was. */
void pace_leave(struct pace_line *line, struct pace_place *p);

/* What is known of a tenant while the daemon runs, whatever the policy. */
struct tenant_live {
    struct tenant_live *next;
    uint32_t number;
    struct hy_rate_shared used;
    struct pace_line *lines;
};
enum { TENANT_BUCKETS = 1024 };
/* All that had mail since the start: the feeder's; each stays until the end. */
struct tenants_live {
    struct tenant_live *buckets[TENANT_BUCKETS];
};
/* NULL without memory. */
struct tenant_live *tenant_live_get(struct tenants_live *all, uint32_t number,
                                    struct worker *workers, unsigned n);
void tenants_live_close(struct tenants_live *all);
