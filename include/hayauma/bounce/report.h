/* A mail that came back read: a bounce of any make, a complaint, an automatic answer. Bytes in,
 * findings out; pure. */
#pragma once
#include "hayauma/base/buf.h"
#include "hayauma/bounce/rules.h"
#include "hayauma/mail/token.h"

enum {
    HY_BOUNCE_MAIL_MAX = 1 << 20,   /* bytes of a mail that are read; what comes behind is not */
    HY_BOUNCE_RECIPIENTS_MAX = 256, /* of one report; further ones are not told */
    HY_BOUNCE_CLUES_MAX = 24,
};

/* Stored in events: never renumber. */
enum hy_bounce_kind {
    HY_BOUNCE_KIND_BOUNCE = 1,
    HY_BOUNCE_KIND_COMPLAINT = 2,
    HY_BOUNCE_KIND_DELAY = 3, /* still being tried */
    HY_BOUNCE_KIND_AUTO_REPLY = 4,
    HY_BOUNCE_KIND_UNSUBSCRIBE = 5,
    HY_BOUNCE_KIND_OTHER = 6,
};
const char *hy_bounce_kind_name(enum hy_bounce_kind k); /* "auto-reply" */

/* What it says of one recipient; an empty view = it does not say. */
struct hy_bounce_finding {
    struct hy_str recipient;  /* the address that failed, as the reporter wrote it */
    struct hy_str original;   /* the one it was sent to first, when the report has it */
    struct hy_str action;     /* "failed", "delayed", "delivered", "relayed", "expanded" */
    struct hy_str diagnostic; /* one line of UTF-8 without control characters */
    uint16_t code;            /* of SMTP; 0 = not said */
    struct hy_enhanced status;
    struct hy_bounce_class class;
    struct hy_str told_by; /* the words that patterns decided by, as they stand; where none
                              did, the diagnostic */
};

/* Views into the reader: valid until it reads the next. */
struct hy_bounce_report {
    enum hy_bounce_kind kind;
    bool is_bounce; /* a bounce or a delay */
    const struct hy_bounce_finding *items;
    size_t n; /* 1 or more; the only one has no recipient when none was found */
    struct hy_str reporting_mta, original_message_id;
    struct hy_str feedback_type; /* of complaints: "abuse", "opt-out" ... */
    struct hy_str from, subject; /* of the mail itself: an address; decoded, one line */
    struct hy_str clues[HY_BOUNCE_CLUES_MAX]; /* header values in which a token may stand: of the
                                                 mail itself, then of the one it is about */
    size_t n_clues;
};

struct hy_bounce_reader;
/* `rules` (may be NULL) must outlive it. HY_ENOMEM. One thread at a time per reader. */
HY_MUST_USE int hy_bounce_reader_new(const struct hy_bounce_rules *rules,
                                     struct hy_bounce_reader **ret);
/* Reads one mail; a text without header is read as the text of a bounce. Never fails for what the
 * mail holds; HY_ENOMEM. RFC 3464, 3834, 5965. */
HY_MUST_USE int hy_bounce_read(struct hy_bounce_reader *r, struct hy_str mail,
                               struct hy_bounce_report *ret);
void hy_bounce_reader_free(struct hy_bounce_reader *r);

/* Which message it is about, by the first signed token among clues: a return path tells more than
 * a link to unsubscribe, that more than a Message-ID, since a return path was written by the server
 * that speaks, and an answer may quote anything. That tells the lead even when the address was
 * blacked out. HY_ENOTFOUND: there is none that is ours. */
HY_MUST_USE int hy_bounce_find_token(const struct hy_str *clues, size_t n,
                                     const struct hy_token_keys *keys, struct hy_token *ret);

/* Appends a finding as one JSON object and a line end; the keys are those of hayauma(1). */
void hy_bounce_put_json(struct hy_buf *out, struct hy_str file, const struct hy_bounce_report *r,
                        const struct hy_bounce_finding *f);
/* The same, with what hy_bounce_put_why adds. */
void hy_bounce_put_explained(struct hy_buf *out, struct hy_str file,
                             const struct hy_bounce_report *r, const struct hy_bounce_finding *f);
/* Appends two more keys to an object: the rule that decided as "FILE:LINE" (null: code and status
 * did) and the line that patterns saw. */
void hy_bounce_put_why(struct hy_buf *out, const struct hy_bounce_rule *rule,
                       const struct hy_bounce_words *seen);
/* The next mail of a file: all of it, or, where it begins with "From ", the next of an mbox. False
 * when nothing is left. */
bool hy_bounce_next_mail(struct hy_str *rest, struct hy_str *ret_mail);
