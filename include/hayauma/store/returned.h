/* What came back, as it is stored: a bounce of mail that a server had taken, a complaint, a wish to
 * unsubscribe, an answer. One transaction notes it on its lead or ready message, suppresses the
 * address where it must, lets the sender of a ready message know, and remembers the mail, so that
 * one that comes twice counts once. */
#pragma once
#include "hayauma/model/activity.h"
#include "hayauma/model/outcome.h"
#include "hayauma/store/writer.h"

enum {
    HY_RETURNED_HASH_LEN = 16,
    HY_RETURNED_ITEMS_MAX = 256,
    HY_RETURNED_KEPT_DAYS = 28, /* a mail is known again for at least so long */
};

/* What a mail says of one recipient. */
struct hy_returned_item {
    enum hy_activity_kind kind; /* HY_ACTIVITY_LATE_BOUNCE .. HY_ACTIVITY_DELAY_NOTICE */
    uint8_t reason;             /* enum hy_bounce_reason */
    bool is_hard;               /* the address is dead */
    bool is_soft;               /* it tells against the address, and may pass */
    bool is_suppress;           /* of complaints: nothing more should go there */
    struct hy_str address;      /* as the mail names it, any form; may be empty */
    struct hy_str text;         /* the words of the server, the subject of an answer */
    struct hy_str meta;         /* a JSON object */
    uint16_t code;
    struct hy_enhanced status;
};

/* A mail that was read. */
struct hy_returned {
    uint8_t hash[HY_RETURNED_HASH_LEN]; /* the same for a mail that comes again */
    hy_id campaign;       /* by a signed token: a campaign, or a ready message; 0: there is none */
    hy_lead_no lead;      /* with it: the lead, or the number of the recipient */
    bool is_believed;     /* addresses are taken at their word where no token proves them */
    struct hy_str source; /* who says so: the reporting server */
    /* Under which tenant the suppressions of a tenant stand. NULL: under its own. */
    uint32_t (*suppressor)(void *ctx, uint32_t tenant);
    void *suppressor_ctx;
    const struct hy_returned_item *items;
    size_t n;
    /* what became of it */
    bool is_known;         /* it came before: nothing was written */
    uint32_t n_noted;      /* activities */
    uint32_t n_suppressed; /* of them, those that suppressed */
    uint32_t n_bad;        /* hard bounces and complaints of a campaign, for its brake */
    hy_wall_ms bad_sent;   /* when the mail that those are about was tried last; 0 = not known */
};

/* Notes it. With a token, one item is noted: the one that names the lead's own address, or else the
 * first, which is then not taken for hard when it is one of several. Without, each item whose
 * address is known; bounces and complaints then suppress only what is believed, since anybody could
 * write them, but whoever wants no more mail gets none. HY_ELIMIT (items). The writer's
 * transaction. */
HY_MUST_USE int hy_returned_put(struct hy_txn *t, struct hy_returned *r);

/* The same as a request: when it is done with 0, it is durable. */
struct hy_returned_job {
    struct hy_write_req req; /* first; done is the caller's */
    struct hy_returned mail; /* with all that it points to: lives until done */
};
/* Sets req (intake, as soon as possible, refused when the disk is low or full), zeroes the rest. */
void hy_returned_job_init(struct hy_returned_job *j);
