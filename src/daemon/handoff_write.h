/* What a hand-off says of a lead: a mail for people, JSON for a system. */
#pragma once
#include <jansson.h>

#include "hayauma/base/buf.h"
#include "hayauma/score/plan.h"

enum {
    HANDOFF_TEXT_MAX = 64 * 1024, /* of a mail, and of each text of a request's body */
    HANDOFF_BODY_MAX = 4 * HANDOFF_TEXT_MAX,
    HANDOFF_SUBJECT_MAX = 600,
};

/* One line, without control characters. `lead` is hy_score_hot_row_json's. */
void handoff_subject(const struct hy_score_handoff *h, const json_t *lead, const char *threshold,
                     struct hy_buf *out);
/* The text, lines that end in \n. */
void handoff_text(const struct hy_score_handoff *h, const json_t *lead, const char *threshold,
                  struct hy_buf *out);
/* The body of the request: {"id", "threshold", "entered", ...and `lead`}, or h->body with its
 * {{names}} filled in. Values that are no UTF-8 are left empty. HY_EINVAL: h->body is no JSON;
 * HY_ELIMIT: it is too large (noted); HY_ENOMEM. `out` has room for HANDOFF_BODY_MAX. */
struct handoff_body {
    const char *id, *threshold;
    hy_wall_ms entered;
    const json_t *lead;
    /* The value of an attribute of the lead; empty: it has none. */
    struct hy_str (*attribute)(void *ctx, struct hy_str name);
    void *ctx;
};
HY_MUST_USE int handoff_body(const struct hy_score_handoff *h, const struct handoff_body *b,
                             struct hy_buf *out, struct hy_diag *diag);
