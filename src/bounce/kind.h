/* What sort of mail it is, where no machine-readable part says so. */
#pragma once
#include "findings.h"

/* What the headers speak for. */
struct bounce_signs {
    struct hy_str subject; /* decoded, one line, in lower case */
    struct hy_str title;   /* the same as it is written */
    struct hy_str from;    /* decoded, one line */
    bool is_from_mailer;   /* a daemon or postmaster wrote it */
    bool is_from_daemon;   /* a daemon by name did */
    bool has_no_sender;    /* null return path */
    bool names_failed;     /* X-Failed-Recipients */
    bool is_auto;          /* RFC 3834 and its forerunners say a machine answers */
    bool is_away;          /* the subject of a vacation notice */
    bool is_answer;        /* "Re: ..." to a message that it names */
    bool is_failure_subject, is_delay_subject;
};
void bounce_signs_read(const struct bounce_mail *mail, struct hy_arena *a,
                       struct bounce_signs *ret);
/* Whether the text asks the sender to prove himself. */
bool bounce_is_challenge(const struct bounce_mail *mail, struct hy_arena *a);
/* The kind of a mail without delivery-status or feedback-report, by headers and text. */
enum hy_bounce_kind bounce_kind_of(const struct bounce_signs *s, const struct bounce_mail *mail,
                                   struct hy_arena *a);
