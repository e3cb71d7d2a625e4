/* A pace that many lanes keep together: that of a campaign with a speed, of a tenant with a rate,
 * or of a provider with one.
 *
 * Whoever sends a row takes a token. Lanes that found none wait in a line, one for each worker. Its
 * timer takes the next token that is due for the lane in front and wakes that one alone: a token
 * costs one lane's turn, however many wait, and goes to the one that waits longest. A lane that was
 * granted one and has no use for it (held, suspended, no connection that is free) gives it back at
 * the end of its turn, and the next one has it. */
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
    struct hy_timer timer;       /* armed while somebody waits, and only then */
    struct hy_rate_shared *used; /* what those who wait take of, */
    struct hy_rate rate;         /* and how much there is; the newest that was asked with */
};
/* All lines of a pace, one for each of `n` workers; NULL without memory. Freed with free() when
 * nobody waits. */
struct pace_line *pace_lines_new(struct worker *workers, unsigned n);

/* A lane's place in a line. */
struct pace_place {
    struct hy_list link; /* line->waiting, or lane->granted */
    struct lane *lane;
    struct pace_line *line; /* that it waits in, or was granted a token of; else NULL */
    bool is_granted;
};
void pace_place_init(struct pace_place *p, struct lane *l);
static inline bool pace_is_waiting(const struct pace_place *p)
{
    return !hy_list_empty(&p->link) && !p->is_granted;
}
/* True: it has a token, or the rate has no limit. False: there is none yet, and the place is in
 * line: its lane is woken when it has one. Worker's thread. */
bool pace_take(struct pace_line *line, struct pace_place *p, struct hy_rate_shared *used,
               struct hy_rate rate, hy_us now);
/* A token that was taken and not used. */
void pace_put_back(struct pace_line *line, struct hy_rate_shared *used, struct hy_rate rate);
/* The place is in no line any more, and what it was granted goes back. Before the line goes. */
void pace_leave(struct pace_place *p);
/* At the end of a lane's turn: what it was granted and did not use goes back. */
void pace_return(struct hy_list *granted);

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
