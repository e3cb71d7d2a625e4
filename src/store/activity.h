/* The records of activities, for the audit, for trimming and for who reads them in a row. */
#pragma once
#include "hayauma/store/activity.h"

enum {
    ACTIVITY_RECORD_MAX = 4 + 8 * 10 + 17 + 7 * 10 + HY_ADDRESS_MAX + HY_ACTIVITY_SOURCE_MAX +
                          HY_ACTIVITY_TEXT_MAX + HY_ACTIVITY_AGENT_MAX + HY_ACTIVITY_URL_MAX +
                          HY_ACTIVITY_META_MAX + HY_ACTIVITY_REF_MAX
};
/* The value of its record, but for the id; a view of `room`. HY_EINVAL, HY_ELIMIT: as
 * hy_activity_put. */
HY_MUST_USE int hy_activity_encode(const struct hy_activity *a, uint8_t room[ACTIVITY_RECORD_MAX],
                                   struct hy_str *ret);
/* a's strings are views of `value`. HY_ECORRUPT, HY_EVERSION. */
HY_MUST_USE int hy_activity_decode(struct hy_str key, struct hy_str value, struct hy_activity *ret);
/* An activity of nobody becomes the lead's and gets `flags`, too; its views die. HY_ENOTFOUND,
 * HY_EINVAL: it is somebody's. */
HY_MUST_USE int hy_activity_give(struct hy_txn *t, hy_id id, hy_lead_no lead, uint8_t flags);
/* Deletes the record under the cursor with its entries of the index; the cursor then stands before
 * the next. One that cannot be read leaves entries that lead nowhere, which readers pass over. */
HY_MUST_USE int hy_activity_drop(struct hy_cursor *c);

/* ---- the index: 'y', later 'k', be32 lead, kind u8; 'm' be64 message, 'v' be64 visitor, 'r' be64
 * hash of the ref or 'a' be64 hash of the address; then be64 id. Of older stores also 'l' be32
 * lead, be64 id, in the place of 'k' ---- */

enum { ACTIVITY_INDEX_MAX = 4 }; /* entries of one activity */
/* The keys under which it is filed; returns how many. */
unsigned hy_activity_keys(const struct hy_env *env, const struct hy_activity *a,
                          struct hy_key keys[ACTIVITY_INDEX_MAX]);
int hy_activity_index_put(struct hy_txn *t, const struct hy_activity *a);
enum { ACTIVITY_SETTLED_KEYS = 2 };
/* Where the first of them is when it is no longer young, by `no` below ACTIVITY_SETTLED_KEYS;
 * false: it has no lead. */
bool hy_activity_settled_key(const struct hy_activity *a, unsigned no, struct hy_key *ret);
HY_MUST_USE int hy_activity_index_drop(struct hy_txn *t, const struct hy_activity *a);

/* ---- the young among them (activity_young.c) ---- */

enum { ACTIVITY_YOUNG = 'y', ACTIVITY_SETTLED = 'k', ACTIVITY_YOUNG_MAX = 32 * 1024 /* about */ };
/* Files one under its key as a young one, and some others where they belong when there are many. */
int hy_activity_young_put(struct hy_txn *t, struct hy_str key);
/* HY_ENOTFOUND: it is not among them. */
HY_MUST_USE int hy_activity_young_drop(struct hy_txn *t, struct hy_str key);

/* ---- counts: be64 campaign, kind, reason, flags, be32 domain -> version, count ---- */

/* One more (by 1) or one less (by -1); a count of none is deleted. */
int hy_activity_count_add(struct hy_txn *t, const struct hy_activity *a, int by);
