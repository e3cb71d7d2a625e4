/* The HTML of a mail made fit to be looked at inside a page of ours: written anew from elements and
 * attributes that are known to be harmless, its links without targets, but with their numbers. What
 * CSS may still ask for is the business of the page that shows it (a policy, a sandboxed frame).
 * Pure. */
#pragma once
#include "hayauma/base/buf.h"

enum { HY_PREVIEW_TEXT_MAX = 200 /* bytes of the words of a link */ };

struct hy_preview {
    /* The number of the link with this address (character references decoded); 0: none of ours. */
    uint32_t (*link)(void *ctx, struct hy_str href);
    /* The words of a link (its text, else what its images say), on one line; may be empty, may come
     * again for another place of the same link. NULL: not wanted. */
    void (*words)(void *ctx, uint32_t link, struct hy_str words);
    /* Appends the address from which an image is shown, for an attribute in quotes; false: it is
     * not shown, only what it says. */
    bool (*image)(void *ctx, struct hy_str src, struct hy_buf *out);
    /* What a link of a text is shown as: its address there has the recipient in it. */
    struct hy_str (*target)(void *ctx, uint32_t link);
    void *ctx;
};

/* Appends it; links of ours are <a data-hy-link="N">. Any bytes are fine. HY_ELIMIT, HY_ENOMEM. */
HY_MUST_USE int hy_preview_put(struct hy_str html, const struct hy_preview *how,
                               struct hy_buf *out);
/* The same of a mail's text: lines as they stand. */
HY_MUST_USE int hy_preview_put_text(struct hy_str text, const struct hy_preview *how,
                                    struct hy_buf *out);
