/* Overwriting what deleted records leave in the file of the store.
 *
 * LMDB forgets a record by no longer pointing to it: its bytes stay in pages that are free, in the
 * unused middle of pages that are not, behind the end of large values, and in buffers of memory
 * that become pages later. All four are filled with zeros here. Nothing that a reader could see
 * changes. See docs/decisions/0187. */
#pragma once
#include "hayauma/store/env.h"

struct hy_scrub {
    uint64_t behind; /* the transaction that deleted last */
    uint64_t page;   /* where the next slice begins */
    uint64_t zeroed; /* bytes overwritten so far */
};

/* To be called by each transaction that deletes, before its commit: what is deleted until then will
 * be overwritten. Starts the pass anew. */
void hy_scrub_begin(struct hy_txn *t, struct hy_scrub *s);
/* The buffers of the process, all at once: as many as the largest transaction had pages, four
 * times. The writer's transaction, before it has written anything (what it has written is in
 * buffers that it keeps), and before hy_scrub_slice. */
HY_MUST_USE int hy_scrub_buffers(struct hy_txn *t);
/* Some of the file, until the slice should end: HY_EMORE; 0: all of it is through, and on the disk;
 * HY_EBUSY: a snapshot older than the deletion is still being read, or the deletion is not
 * committed long enough: later (two commits are needed, see hy_scrub_step). HY_EIO, HY_ENOMEM. The
 * writer's transaction. */
HY_MUST_USE int hy_scrub_slice(struct hy_txn *t, struct hy_scrub *s);
/* How often `needle` stands in the file of the store, in any case of ASCII letters; a snapshot
 * keeps the pages where they are. Reads all of it: not the writer. HY_EINVAL: it is shorter than
 * four bytes. */
HY_MUST_USE int hy_scrub_find(struct hy_txn *t, struct hy_str needle, uint64_t *ret_n);
