/* What the readers of reports fill in: findings in the making, and small helpers over headers. */
#pragma once
#include "hayauma/base/arena.h"
#include "hayauma/bounce/report.h"
#include "mime.h"

enum { BOUNCE_DIAGNOSTIC_MAX = 1000 };

/* One recipient, with all that may tell why; texts are in the arena or the parser. */
struct bounce_item {
    struct hy_str final, original; /* addresses */
    struct hy_str action;
    struct hy_enhanced status;
    uint16_t code;
    struct hy_str diagnostic; /* words of a server or of the reporter */
    struct hy_str words;      /* what the text says of this recipient */
};

struct bounce_items {
    struct bounce_item *at; /* HY_BOUNCE_RECIPIENTS_MAX of them */
    size_t n;
    struct hy_arena *arena;
    struct hy_str reporting_mta;
    struct hy_str
        mentioned; /* an address in the text of which nothing says who it is; a last guess */
};

/* A new one at the end; NULL when there are too many. */
struct bounce_item *bounce_item_add(struct bounce_items *items);

/* The value of a field unfolded and trimmed, in the arena; empty when there is none. */
struct hy_str bounce_field(struct hy_arena *a, struct hy_str headers, const char *name);
/* One line without control characters, at most `max` bytes. */
struct hy_str bounce_line(struct hy_arena *a, struct hy_str raw, size_t max);
/* Whether the text holds the word, in any case of ASCII letters. The word is in lower case. */
bool bounce_has(struct hy_str text, const char *word);
/* A copy with ASCII letters in lower case, in the arena; and whether such a copy holds a word, or
 * any of a NULL-ended list. */
struct hy_str bounce_lower(struct hy_arena *a, struct hy_str text);
bool bounce_holds(struct hy_str lower, const char *word);
bool bounce_holds_any(struct hy_str lower, const char *const *words);

/* The first address in `s` at or after `*at`, without brackets, and moves past it; false when there
 * is none. */
bool bounce_next_address(struct hy_str s, size_t *at, struct hy_str *ret);
/* The first address of a field value, what stands in brackets first; empty when none. */
struct hy_str bounce_address_of(struct hy_str value);

/* Reads message/delivery-status (RFC 3464). */
void bounce_read_status(struct hy_str status, struct bounce_items *items);
/* Reads what the text of a bounce says, with or without a machine-readable part beside it: adds
 * recipients when there are none yet, and words to those there are. Returns what stands behind the
 * notice: the mail it is about, empty when that is not in the text. */
struct hy_str bounce_read_text(const struct bounce_mail *mail, struct bounce_items *items,
                               struct hy_str *ret_notice);
/* Adds those that a header names as failed, when there is nobody yet. */
void bounce_name_failed(const struct bounce_mail *mail, struct bounce_items *items);
/* Names the first by the mail that came back, by the address the report was sent to, or by what its
 * text mentions, when nothing named him. There is one item at least. */
void bounce_name_guess(const struct bounce_mail *mail, struct bounce_items *items);
/* What stands behind a notice without the marks of quoting before each line: the header of the mail
 * that came back, in the arena where it was quoted. */
struct hy_str bounce_unquoted(struct hy_arena *a, struct hy_str mail);
/* Notices of Amazon SES, which are JSON. False when the text is none. */
bool bounce_read_ses(struct hy_str text, struct bounce_items *items, enum hy_bounce_kind *ret_kind,
                     struct hy_str *ret_feedback, struct hy_str *ret_message_id);
