/* The parts of a mail that a reader of bounces asks for. */
#pragma once
#include "hayauma/base/buf.h"

/* Views into the parser. */
struct bounce_mail {
    struct hy_str headers;  /* of the mail itself, raw with LF */
    struct hy_str text;     /* what it tells people, UTF-8 with LF */
    struct hy_str status;   /* message/delivery-status, UTF-8; empty = none */
    struct hy_str feedback; /* message/feedback-report; empty = none */
    struct hy_str original; /* headers of the mail it is about, raw; empty = not in a part of its
                               own */
    bool is_text_only;      /* it has no header at all: the text of a bounce */
    bool is_disposition;    /* message/disposition-notification: somebody opened it, or not */
};

struct bounce_mime;
HY_MUST_USE int bounce_mime_new(struct bounce_mime **ret); /* HY_ENOMEM */
/* Never fails for what the mail holds. HY_ENOMEM. */
HY_MUST_USE int bounce_mime_read(struct bounce_mime *m, struct hy_str mail,
                                 struct bounce_mail *ret);
void bounce_mime_free(struct bounce_mime *m);
