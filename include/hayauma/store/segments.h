/* Segments at rest: their names and words, how far they are, and the moments at which leads are to
 * be looked at again. Who is in one is a set of leads (store/lead_set.h).
 *
 * Reading: any thread with a transaction. Changing: the writer's transaction. */
#pragma once
#include "hayauma/store/env.h"
#include "hayauma/store/lead_set.h"

typedef uint32_t hy_segment_no; /* dense, 1..; not given again */

enum {
    HY_SEGMENTS_MAX = 10000,
    HY_SEGMENTS_NAME_MAX = 100, /* bytes of UTF-8, no control characters */
    HY_SEGMENTS_TEXT_MAX = 16384,
    HY_SEGMENTS_WHO_MAX = 255,
    HY_SEGMENTS_NOTE_MAX = 400,
};

/* Stored: never renumber. */
enum hy_segment_state {
    HY_SEGMENT_BUILDING = 1, /* who is in it is being found out; what is stored may be old */
    HY_SEGMENT_READY = 2,    /* kept up to date */
    HY_SEGMENT_BROKEN = 3,   /* cannot be told: its note says why */
};
const char *hy_segment_state_name(enum hy_segment_state s); /* "building" ... */

struct hy_segment {
    hy_segment_no no;
    enum hy_segment_state state;
    bool announces; /* who enters or leaves is told by an activity */
    hy_wall_ms created, changed;
    uint64_t version;   /* grows with each change of its words */
    struct hy_str name; /* views */
    struct hy_str text; /* as it was written */
    struct hy_str who;  /* changed it last */
    struct hy_str note; /* of a broken one */
};

/* HY_ENOTFOUND, HY_ECORRUPT, HY_EVERSION. */
HY_MUST_USE int hy_segment_find(struct hy_txn *t, struct hy_str name, hy_segment_no *ret);
HY_MUST_USE int hy_segment_read(struct hy_txn *t, hy_segment_no no, struct hy_segment *ret);
/* The first with a number > `after`; HY_ENOTFOUND at the end. */
HY_MUST_USE int hy_segment_next(struct hy_txn *t, hy_segment_no after, struct hy_segment *ret);
/* A number that is another one after every change of any of them. */
HY_MUST_USE int hy_segments_generation(struct hy_txn *t, uint64_t *ret);
/* What all of them were found by last: a hash of the caller's, of what is true of leads without
 * their doing (how their points are grouped, where days begin). 0: never said. */
HY_MUST_USE int hy_segments_ground(struct hy_txn *t, uint64_t *ret);
HY_MUST_USE int hy_segments_ground_set(struct hy_txn *t, uint64_t ground);

/* Stores it; s->no 0: a new one, which gets its number. HY_EEXIST: another one has the name;
 * HY_EINVAL: a bad name; HY_ELIMIT: too long, or too many. */
HY_MUST_USE int hy_segment_save(struct hy_txn *t, struct hy_segment *s);
/* Forgets its record; who was in it is to be cleared besides (hy_lead_set_clear). HY_ENOTFOUND. */
HY_MUST_USE int hy_segment_drop(struct hy_txn *t, hy_segment_no no);

/* Who is in it. */
static inline struct hy_lead_set hy_segment_set_of(hy_segment_no no)
{
    return (struct hy_lead_set){.kind = HY_LEAD_SET_SEGMENT, .no = no};
}
/* To whom something happened while it was being built. */
static inline struct hy_lead_set hy_segment_touched(hy_segment_no no)
{
    return (struct hy_lead_set){.kind = HY_LEAD_SET_SEGMENT, .no = no, .what = 1};
}

/* ---- moments at which leads are to be looked at again ----
 * Near ones are kept to the second, later ones to the hour and the day in which they are: when that
 * begins they are looked at, and find a nearer place. What was noted is not taken back: who is
 * looked at in vain stays as it is. */

/* The second under which a moment is kept, at `now`: at it (rounded up) or before it, and later
 * than `now`. */
uint32_t hy_segment_due_at(hy_wall_ms moment, hy_wall_ms now);
/* Leads ascend. */
int hy_segment_due_put(struct hy_txn *t, hy_segment_no no, uint32_t due_s, const hy_lead_no *leads,
                       size_t n);
/* Takes up to `max` leads that are due together at or before `now_s` away: *ret_no is the segment.
 * HY_ENOTFOUND: none is. */
HY_MUST_USE int hy_segment_due_take(struct hy_txn *t, uint32_t now_s, hy_segment_no *ret_no,
                                    hy_lead_no *ret_leads, size_t max, size_t *ret_n);
/* How long the oldest has been due: 0 when none is. */
HY_MUST_USE int hy_segment_due_lag(struct hy_txn *t, uint32_t now_s, uint32_t *ret_s);
