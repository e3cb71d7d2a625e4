/* A template cut into text and tags; what the tags do is for others to say.
 *
 *   tag      = "{{" body "}}" / "{{{" name "}}}"        delimiters can be changed
 *   body     = name [ "|" default ]                     the value, escaped by its place
 *            / "&" name                                 the value as it is, like {{{name}}}
 *            / ("#" / "^") name  ...  "/" name          section, inverted section
 *            / "#if" name  ...  "/if"                   a section by another name, as are #each and
 *                                                       #unless (inverted)
 *            / "else"                                   ends a section and begins its opposite
 *            / "!" anything                             comment
 *            / "=" open SP close "="                    other delimiters from here on
 *   name     = "." / [ "." ] word                       "." is the item of a loop
 *   word     = 1*64( letter / digit / "_" / "." / "-" / UTF-8 beyond ASCII ), no digit at first
 *   default  = text, blanks at both ends dropped / DQUOTE text DQUOTE
 */
#pragma once
#include "hayauma/base/arena.h"
#include "hayauma/mail/message.h"

enum hy_tag_kind {
    HY_TAG_TEXT,
    HY_TAG_VALUE,
    HY_TAG_RAW,
    HY_TAG_SECTION,
    HY_TAG_INVERTED,
    HY_TAG_END,
    HY_TAG_NOTE, /* a comment */
};

struct hy_tag {
    enum hy_tag_kind kind;
    size_t begin, end;      /* where it stands in the source, delimiters included */
    struct hy_str name;     /* of a comment: what it says */
    struct hy_str fallback; /* the default, {NULL, 0} without one */
    struct hy_str word;     /* of a section: what its end tag says */
    size_t peer;            /* of a section its end, of an end its section: indexes */
};

struct hy_tags {
    struct hy_str source;
    struct hy_str file; /* what notes call the source */
    struct hy_tag *v;   /* in the arena; names are views of the source */
    size_t n;
};

/* Cuts `text`. A section, end or comment alone on its line takes the line with it. HY_EINVAL with a
 * note, HY_ELIMIT (too long), HY_ENOMEM. */
HY_MUST_USE int hy_tags_read(struct hy_arena *arena, struct hy_message_text text,
                             struct hy_diag *diag, struct hy_tags *ret_tags);

/* Writes "file:line:column: text" for a place in the source and returns `err`. Columns count
 * characters from 1. */
int hy_tags_fail(const struct hy_tags *tags, size_t at, struct hy_diag *diag, int err,
                 const char *fmt, ...) HY_PRINTF(5, 6);
