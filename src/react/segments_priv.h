/* The inside of segments that are kept up to date. */
#pragma once
#include "concern.h"
#include "facts_priv.h"
#include "hayauma/react/segments.h"
#include "segment_plan.h"

enum {
    RESTS = 256, /* leads that are left alone, at most */
};

/* A lead that is looked at no more until then. */
struct rest {
    hy_lead_no lead;
    hy_wall_ms from, until;
};

struct hy_segments {
    struct hy_facts *facts;
    struct hy_deed *deed;
    struct segment_plan plan;
    bool is_read;
    hy_company_no round;                  /* whose members were gone through last */
    struct concerns concerns;             /* whom something happened to since the last look */
    uint64_t *concerned;                  /* of the lead at hand */
    struct rest rests[RESTS];             /* by number; forgetting one costs but a look */
    struct hy_segments_meter *meter, own; /* own: where nobody wants to know */
};

/* Reads the segments anew when they changed, in whichever transaction that was. Who is concerned
 * then is of one that was dropped. */
HY_MUST_USE int segments_follow(struct hy_txn *t, struct hy_segments *s);
/* Whoever is concerned from now on concerns the lead. */
HY_MUST_USE int segments_turn_to(struct hy_txn *t, struct hy_segments *s, hy_lead_no lead);
/* Those that look at one of the uses; those that ask for such an activity. */
void segments_concern_uses(struct hy_segments *s, unsigned uses);
void segments_concern_kind(struct hy_segments *s, struct hy_txn *t, enum hy_activity_kind kind,
                           const struct hy_activity *a);
static inline void segments_concern(struct hy_segments *s, size_t place)
{
    s->concerned[place / 64] |= UINT64_C(1) << place % 64;
}
/* Looks at all who are concerned, in the order of their numbers, as they lie in the store. */
HY_MUST_USE int segments_look_at_all(struct hy_txn *t, struct hy_segments *s, hy_wall_ms now,
                                     struct hy_segments_fault *f);

/* Looks at companies that changed or are due, as many as that; who belongs to one of which
 * something else is true now is concerned, `members` at a time. HY_EMORE: there are others. */
HY_MUST_USE int segments_companies(struct hy_txn *t, struct hy_segments *s, hy_wall_ms now,
                                   unsigned companies, unsigned members);
/* The company is looked at when what is true of it changes by itself, counted from a moment that
 * may have passed: of one that was not looked at since a segment was found. */
HY_MUST_USE int segments_arm(struct hy_txn *t, struct hy_segments *s, hy_company_no no,
                             hy_wall_ms since);
