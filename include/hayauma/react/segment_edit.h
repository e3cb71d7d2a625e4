/* Making, changing and deleting segments. */
#pragma once
#include "hayauma/audience/segment.h"
#include "hayauma/base/arena.h"
#include "hayauma/store/segments.h"

enum {
    HY_SEGMENT_NEST_MAX = 16, /* segments that name each other in a row */
    HY_SEGMENT_TREE_MAX = 16 << 20,
};

struct hy_segment_edit {
    struct hy_str name;
    struct hy_str text; /* words or JSON; empty: as it was */
    bool is_new;        /* HY_EEXIST when it is there; otherwise HY_ENOTFOUND when it is not */
    bool is_either;     /* neither */
    int announces;      /* 0, 1; -1: as it was (no) */
    struct hy_str who;
};

/* Stores it, to be built (react/segment_build.h) together with those that name it. HY_EPARSE,
 * HY_EINVAL (a name; what it names is not there; it would contain itself), HY_ELIMIT, HY_EEXIST,
 * HY_ENOTFOUND with a note: nothing was written then. The strings must not be views of the store.
 * The writer's transaction. */
HY_MUST_USE int hy_segment_edit(struct hy_txn *t, const struct hy_segment_edit *e,
                                hy_segment_no *ret, struct hy_diag *diag);
/* Whether an expression can be a segment (of that name; empty: of none): it is read, and what it
 * names is there. *ret lives in the arena. As above. Any transaction. */
HY_MUST_USE int hy_segment_check(struct hy_txn *t, struct hy_str name, struct hy_str text,
                                 struct hy_arena *arena, const struct hy_segment_node **ret,
                                 struct hy_diag *diag);
/* Forgets it. HY_EBUSY with a note: another segment names it. HY_EMORE: the slice is over, call
 * again. The writer's transaction. */
HY_MUST_USE int hy_segment_delete(struct hy_txn *t, hy_segment_no no, struct hy_diag *diag);
/* A segment that names the list, tag, group or segment; its name is a view. HY_ENOTFOUND: none
 * does. Any transaction. */
HY_MUST_USE int hy_segment_naming(struct hy_txn *t, enum hy_segment_group group, struct hy_str name,
                                  struct hy_segment *ret);
/* Has all segments that look at something built anew, when what is true of leads changed without
 * their doing: the rules of scores, the zone in which days begin. Those that only look at other
 * things stay. The writer's transaction. */
HY_MUST_USE int hy_segments_rebuild(struct hy_txn *t, bool of_scores, bool of_days);
