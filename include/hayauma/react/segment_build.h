/* Building a segment: who is in it is found on a snapshot, beside the daemon's work; then stored;
 * then those to whom something happened meanwhile are looked at, in the transaction that makes it
 * ready: from then on it is exact. What happens to a lead while a segment is being built is noted
 * with it (hy_segment_touched), from the commit on that made it so, which is before the snapshot.
 * Killed in between, it is built anew. */
#pragma once
#include "hayauma/react/segment_search.h"
#include "hayauma/react/segments.h"
#include "hayauma/store/writer.h"

struct hy_segment_build {
    struct hy_env *env;
    struct hy_writer *writer;
    struct hy_facts_options facts;
    struct hy_segments_meter *meter; /* may be NULL */
    bool (*is_cancelled)(void *ctx); /* may be NULL */
    void *ctx;
};

/* Builds the next segment that is to be built and names none that still is; one that cannot be
 * found is marked broken, with the reason. *ret_no is which. HY_ENOTFOUND: there is none;
 * HY_ECANCELED; what the writer fails with. Blocks: on a thread of its own; one at a time. */
HY_MUST_USE int hy_segment_build_next(const struct hy_segment_build *b, hy_segment_no *ret_no);

/* The same by hand, for who is the writer himself (tests): finds on `snapshot`, and stores in
 * transactions of its own. */
struct hy_segment_building {
    hy_segment_no no;
    uint64_t version;
    struct hy_segment_found found;
    hy_wall_ms at;  /* the moment of the snapshot */
    uint32_t block; /* where the storing is */
    size_t due;
    uint32_t company;
};
HY_MUST_USE int hy_segment_build_store(struct hy_txn *t, struct hy_segments *s,
                                       struct hy_segment_building *b);
