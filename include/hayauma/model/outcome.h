/* What became of one attempt to hand one message to one server, for one recipient. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "hayauma/base/str.h"

enum hy_outcome_kind {
    HY_OUTCOME_DELIVERED = 1, /* the server took responsibility (2xx to the final dot) */
    HY_OUTCOME_DEFERRED = 2,  /* not now: try again later */
    HY_OUTCOME_BOUNCED = 3,   /* never: do not try again */
    HY_OUTCOME_RETURNED = 4,  /* the attempt did not touch this message (idle connection closed,
                                 connection lost before MAIL): give it to the next connection at
                                 once, it does not count as an attempt */
};

/* Errors are named by what they spoil: what else must not be tried after this. */
enum hy_spoils {
    HY_SPOILS_NOTHING = 0,
    HY_SPOILS_RECIPIENT = 1, /* this recipient only */
    HY_SPOILS_MESSAGE = 2,   /* this message, for whomever */
    HY_SPOILS_STREAM = 3,    /* this connection */
    HY_SPOILS_HOST = 4,      /* this server address: try the next MX host */
    HY_SPOILS_SITE = 5,      /* the whole site */
};

/* Where in the dialogue it happened. */
enum hy_phase {
    HY_PHASE_NONE = 0,
    HY_PHASE_DNS,
    HY_PHASE_CONNECT,
    HY_PHASE_BANNER,
    HY_PHASE_EHLO,
    HY_PHASE_STARTTLS,
    HY_PHASE_TLS,
    HY_PHASE_MAIL,
    HY_PHASE_RCPT,
    HY_PHASE_DATA,
    HY_PHASE_BODY, /* from the 354 to the last byte of the final dot */
    HY_PHASE_DOT,  /* from the final dot to its reply: a loss here leaves the message in doubt */
    HY_PHASE_RSET,
    HY_PHASE_QUIT,
    HY_PHASE_RENDER, /* the message could not be made */
    HY_PHASE_POLICY, /* our own rules: expired, suppressed, cancelled */
    HY_PHASE_MAX,
};

/* RFC 3463: class 2, 4 or 5; 0.0.0 = not known. */
struct hy_enhanced {
    uint8_t class;
    uint16_t subject, detail; /* 0..999 */
};

struct hy_outcome {
    enum hy_outcome_kind kind;
    enum hy_spoils spoils;
    enum hy_phase phase;
    uint16_t code;               /* SMTP reply code, 0 when no reply was involved */
    struct hy_enhanced enhanced; /* the server's, or ours by RFC 3463 when it sent none */
    uint8_t reason;              /* why it failed, by enum hy_bounce_reason; 0 = not known */
    bool from_server;            /* text is the server's words; otherwise ours */
    bool in_doubt;      /* the final dot was sent and no reply came: it may have been delivered */
    struct hy_str text; /* the reply's lines joined by " / ", or our explanation; at most
                           HY_OUTCOME_TEXT_MAX bytes; a view */
};

enum { HY_OUTCOME_TEXT_MAX = 1024 };

const char *hy_outcome_kind_name(enum hy_outcome_kind k); /* "delivered" ... */
const char *hy_phase_name(enum hy_phase p);               /* "rcpt" ... */
const char *hy_spoils_name(enum hy_spoils s);
/* "5.1.1"; out holds at least 16 bytes. */
const char *hy_enhanced_format(struct hy_enhanced e, char out[16]);
/* Reads "5.1.1" at the start of `s` (then end or a space); HY_EPARSE leaves *ret untouched. */
HY_MUST_USE int hy_enhanced_parse(struct hy_str s, struct hy_enhanced *ret, size_t *ret_used);
