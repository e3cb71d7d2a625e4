/* Warm-up of an address that receivers do not know yet: few messages on the first days, more on
 * each day that went well. Where a source stands with a provider is a step of its plan; the step
 * moves on with each day that was used and that the provider did not complain about, and back after
 * a day that went badly. Pure. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hayauma/base/clock.h"
#include "hayauma/base/str.h"
#include "hayauma/model/outcome.h"

enum {
    HY_WARMUP_DAYS_MAX = 365,
    HY_WARMUP_PROVIDERS_MAX = 64,
    HY_WARMUP_SAMPLE = 10, /* answers that a day must have to be judged bad */
    HY_WARMUP_BACK = 3,    /* so many times the share that is borne: a step back */
};

/* Messages for each day, 1..; behind the last there is no limit. */
struct hy_warmup_days {
    const uint32_t *limits;
    size_t n; /* 1..HY_WARMUP_DAYS_MAX */
};
struct hy_warmup_provider {
    const char *name; /* a shaping rule's, or "default" */
    struct hy_warmup_days days;
};
struct hy_warmup_plan {
    const char *name;
    struct hy_warmup_days days;                 /* for each provider by itself, */
    const struct hy_warmup_provider *providers; /* but for these */
    size_t n_providers;
    uint32_t bad_percent; /* 1..100: complaints in a hundred answers that are borne */
    bool waits; /* what is beyond a day waits for the next; false: other sources of the pool take it
                 */
};

/* Plans that come with hayauma; NULL when there is none of this name. */
const struct hy_warmup_plan *hy_warmup_builtin(struct hy_str name);
const struct hy_warmup_plan *hy_warmup_builtin_at(size_t i); /* NULL behind the last */

/* The days that count for a provider. */
struct hy_warmup_days hy_warmup_days_of(const struct hy_warmup_plan *p, const char *provider);

enum hy_warmup_verdict {
    HY_WARMUP_NONE = 0, /* the first day, or none was judged yet */
    HY_WARMUP_ON,       /* the last day was good: on to the next step */
    HY_WARMUP_UNUSED,   /* neither full nor half of it answered: the step is done again */
    HY_WARMUP_STAY,     /* more complaints than are borne: again */
    HY_WARMUP_BACK_ONE, /* many more: the step before */
};
const char *hy_warmup_verdict_name(enum hy_warmup_verdict v); /* "unused" */

/* Where a source stands with a provider. Stored (store/warmup.h). */
struct hy_warmup {
    hy_wall_ms start; /* what the configuration says; another one begins anew */
    uint32_t first;   /* the step that the source began at, with whichever provider it was */
    uint32_t day;     /* since `start`, of 24 hours, that the counts below are of */
    uint32_t step;    /* index into the days; at their end it is warm */
    uint32_t sent;    /* messages that were let go */
    uint32_t good, bad;
    enum hy_warmup_verdict verdict; /* on the day before */
};

/* Begins. `other`: where the source stands with any other provider since the same start: a provider
 * that is mailed later begins where that one began. NULL: there is none; the step is the day that
 * the start says, for an address that was warmed up elsewhere is taken at its word. */
void hy_warmup_begin(struct hy_warmup *w, hy_wall_ms start, const struct hy_warmup *other,
                     hy_wall_ms now);
/* Ends days that are over and judges the one that was counted; true when the step or day changed.
 * However many days went by, the step moves by one at most: days without mail warm nothing. */
bool hy_warmup_turn(struct hy_warmup *w, const struct hy_warmup_plan *p, struct hy_warmup_days d,
                    hy_wall_ms now);
/* Messages for the day; UINT32_MAX: warm, no limit; 0: it has not begun. */
uint32_t hy_warmup_limit(const struct hy_warmup *w, struct hy_warmup_days d, hy_wall_ms now);
bool hy_warmup_is_over(const struct hy_warmup *w, struct hy_warmup_days d);
/* When the day ends, or begins. */
hy_wall_ms hy_warmup_day_end(const struct hy_warmup *w, hy_wall_ms now);
/* 0: a message may go; otherwise the time of the next day. */
hy_wall_ms hy_warmup_ask(const struct hy_warmup *w, struct hy_warmup_days d, hy_wall_ms now);
/* The same, and counts it. */
hy_wall_ms hy_warmup_take(struct hy_warmup *w, struct hy_warmup_days d, hy_wall_ms now);
/* One that was taken did not go. */
void hy_warmup_give_back(struct hy_warmup *w);
/* Counts an answer: taken; a complaint about us (too much, too fast, blocked, 5.7.x, or 4.7.x that
 * says so in its status, words or `reason`); or nothing: what only says "later" is greylisting as
 * likely. */
void hy_warmup_count(struct hy_warmup *w, const struct hy_outcome *o);
