/* What a kind of text asks of the tags in it: how each value is escaped, and where the links are.
 */
#pragma once
#include "html_scan.h"
#include "tags.h"

struct hy_plan {
    uint8_t *escape;            /* per tag: enum hy_escape and its flags */
    struct hy_html_link *links; /* http(s) or not: in the order of the source, none overlap */
    size_t n_links;
    size_t beacon_at; /* a place in the source; SIZE_MAX = no beacon */
};

/* Or-ed to an escape: the value is a whole attribute without quotes, so an empty one is "". */
enum { HY_PLAN_BARE = 0x80 };

/* Memory comes from the arena. HY_EINVAL with a note where a value or section cannot stand;
 * HY_ENOMEM. */
HY_MUST_USE int hy_plan_html(struct hy_arena *arena, const struct hy_tags *tags,
                             struct hy_diag *diag, struct hy_plan *ret_plan);
/* {{!notrack}} right before a URL keeps it out of `links`. */
HY_MUST_USE int hy_plan_text(struct hy_arena *arena, const struct hy_tags *tags,
                             struct hy_diag *diag, struct hy_plan *ret_plan);
HY_MUST_USE int hy_plan_header(struct hy_arena *arena, const struct hy_tags *tags,
                               struct hy_diag *diag, struct hy_plan *ret_plan);
