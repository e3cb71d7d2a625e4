/* Consents: who agreed to what, when, how, and to which words; and who took that back. Records are
 * only ever added: each is a proof. What a person read is kept once for all who read the same, and
 * goes when nobody's proof needs it any more. */
#pragma once
#include "hayauma/model/lead.h"
#include "hayauma/store/env.h"

enum {
    HY_CONSENT_PURPOSE_MAX = 100, /* bytes; none may be empty */
    HY_CONSENT_BY_MAX = 64,
    HY_CONSENT_SOURCE_MAX = 255,
    HY_CONSENT_AGENT_MAX = 512, /* longer ones are cut; the others are refused */
    HY_CONSENT_VERSION_MAX = 64,
    HY_CONSENT_TOKEN_MAX = 128,
    HY_CONSENT_TEXT_MAX = 32768,
};

/* Stored: never renumber. */
enum hy_consent_what { HY_CONSENT_GIVEN = 1, HY_CONSENT_WITHDRAWN = 2, HY_CONSENT_WHATS };
enum hy_consent_how {
    HY_CONSENT_FORM = 1, /* a form on a page */
    HY_CONSENT_IMPORT = 2,
    HY_CONSENT_PAPER = 3,
    HY_CONSENT_DOUBLE_OPT_IN = 4, /* the link in a mail that asked for it */
    HY_CONSENT_API = 5,
    HY_CONSENT_PREFERENCES = 6, /* the preference page */
    HY_CONSENT_UNSUBSCRIBE = 7, /* one click, or a mail */
    HY_CONSENT_PHONE = 8,
    HY_CONSENT_OPERATOR = 9, /* a person of ours noted it */
    HY_CONSENT_HOWS,
};
const char *hy_consent_what_name(enum hy_consent_what w); /* "given", "withdrawn" */
const char *hy_consent_how_name(enum hy_consent_how h);   /* "form", "double-opt-in" ... */
/* HY_ENOTFOUND leaves *ret untouched. */
HY_MUST_USE int hy_consent_what_find(struct hy_str name, enum hy_consent_what *ret);
HY_MUST_USE int hy_consent_how_find(struct hy_str name, enum hy_consent_how *ret);

struct hy_consent {
    hy_id id; /* given by the store: when it was noted */
    hy_lead_no lead;
    enum hy_consent_what what;
    enum hy_consent_how how;
    hy_list_no list;       /* 0: not about one list */
    hy_wall_ms at;         /* when the person did it; 0 when putting: now */
    uint8_t ip[16];        /* of the person: IPv6, or ::ffff:a.b.c.d; zeroed = not known */
    struct hy_str purpose; /* "marketing" ... */
    struct hy_str by;      /* who noted it: "uid 0", "api shop", "form" */
    struct hy_str source;  /* where: the page, the file with its line, the binder */
    struct hy_str agent;   /* user agent of the person */
    struct hy_str version; /* of the words */
    struct hy_str token;   /* by which it can be proved elsewhere: of a mail that was answered */
    struct hy_str text;    /* the words that the person saw */
};

/* Adds one, with its CONSENT activity (text: the purpose; meta: what and how); sets c->id and, when
 * it was 0, c->at. HY_EINVAL: no lead of that number, or no purpose, what or how; HY_ELIMIT:
 * something is longer than its maximum: nothing was written. The writer's transaction. */
HY_MUST_USE int hy_consent_put(struct hy_txn *t, struct hy_consent *c);

/* The first of a lead, and of those merged into it, with an id greater than `after`, the oldest
 * first. Views. HY_ENOTFOUND,
 * HY_ECORRUPT, HY_EVERSION. Any thread with a transaction. */
HY_MUST_USE int hy_consent_next_of(struct hy_txn *t, hy_lead_no lead, hy_id after,
                                   struct hy_consent *ret);
/* The first of all behind that of `*lead` and `*id` (zeros: from the beginning), which move along:
 * for exports. As above. */
HY_MUST_USE int hy_consent_next(struct hy_txn *t, hy_lead_no *lead, hy_id *id,
                                struct hy_consent *ret);
/* The newest of a lead for a purpose and list (0: any list): whether it stands. HY_ENOTFOUND. */
HY_MUST_USE int hy_consent_last(struct hy_txn *t, hy_lead_no lead, struct hy_str purpose,
                                hy_list_no list, struct hy_consent *ret);
/* Forgets all of this very number: it is being erased. Ends after `max` records: HY_EMORE. The
 * writer's. */
HY_MUST_USE int hy_consent_forget(struct hy_txn *t, hy_lead_no lead, size_t max);
