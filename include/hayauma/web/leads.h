/* Leads as JSON, both ways: one shape for the API and the control socket. docs/guides/leads.md says
 * what people see. */
#pragma once
#include <jansson.h>

#include "hayauma/base/arena.h"
#include "hayauma/store/lead_edit.h"

enum {
    HY_LEAD_PAGE_MAX = 1000,     /* entries of a page, of leads or of a timeline */
    HY_LEAD_WALKED_MAX = 200000, /* leads that one page of a search looks at */
    HY_LEAD_CURSOR_MAX = 24,
};

/* {"lead", "address" (null: none), "status", "created", "attributes", "tags", "groups", "lists",
 * "pending" (lists that wait to be confirmed), "ids", "segments"}. HY_ENOTFOUND, HY_ENOMEM. Any
 * thread with a transaction. */
HY_MUST_USE int hy_lead_json(struct hy_txn *t, hy_lead_no no, json_t **ret);

/* What happened to a lead, mail and site, online and offline, as one list in the order in which it
 * was noted, the newest last: {"timeline": [...], "before": what to ask for the page before; null:
 * there is none}. `before` 0: the newest. Looks at the row of every campaign (10 us each). */
HY_MUST_USE int hy_lead_timeline_json(struct hy_txn *t, hy_lead_no no, hy_id before, size_t limit,
                                      json_t **ret);

/* An edit as JSON: {"lead", "address", "ids", "remove_ids", "attributes" (null: unset), "tags",
 * "remove_tags", "groups", "remove_groups", "lists" (names, or {"name", "confirmed"}),
 * "leave_lists", "mode" (any, new, change), "fill", "url", "ip", "proof"}. All of *ret points into
 * the JSON and the arena. HY_EINVAL: *ret_field (at most 63 bytes, NUL-terminated) is where, `diag`
 * says why; HY_ENOMEM. */
HY_MUST_USE int hy_lead_edit_read(const json_t *body, struct hy_arena *arena,
                                  struct hy_lead_edit *ret, char ret_field[64],
                                  struct hy_diag *diag);
/* {"lead", "new", "changed": ["tags", ...], "pending"} */
json_t *hy_lead_edited_json(const struct hy_lead_edit_result *r);

/* ---- finding ---- */

struct hy_lead_search {
    struct hy_str text;             /* part of the address; empty: any */
    struct hy_str tag, group, list; /* names; empty: any */
    struct hy_str attribute, value; /* the attribute has this value (empty: has one) */
    size_t limit;                   /* 1..HY_LEAD_PAGE_MAX */
    hy_domain_no domain;            /* behind which to go on; zeros: from the first */
    hy_lead_no lead;
};
/* A page of leads that have all of that: appends what hy_lead_json says of each, but for its
 * segments, to `out`, and moves `s` along. By tag or group (the first that is given) a walk of its
 * members, by list of the list's, else of all leads, HY_LEAD_WALKED_MAX of them at most: a page may
 * be short, or empty, with more behind it. *ret_more. HY_ENOTFOUND with a note: there is no such
 * tag, group, list or attribute. */
HY_MUST_USE int hy_lead_search(struct hy_txn *t, struct hy_lead_search *s, json_t *out,
                               bool *ret_more, struct hy_diag *diag);
/* Where to go on, as text and back. HY_EPARSE. */
const char *hy_lead_cursor(const struct hy_lead_search *s, char out[HY_LEAD_CURSOR_MAX]);
HY_MUST_USE int hy_lead_cursor_read(struct hy_str text, struct hy_lead_search *s);

/* ---- merging.c ---- */

struct hy_merged;
/* {"kept","part","attributes","labels","lists","identities"}; NULL: out of memory. */
json_t *hy_merged_json(const struct hy_merged *m);
/* Groups of leads that may be one person, up to `max`: [{"by","value","leads":[..]}]. Goes through
 * all leads as long as `go_on` says so (hy_duplicates_each). HY_ECANCELED. Any thread with a
 * transaction. */
HY_MUST_USE int hy_duplicates_json(struct hy_txn *t, size_t max,
                                   bool (*go_on)(void *ctx, uint64_t seen, uint64_t of), void *ctx,
                                   json_t **ret);
