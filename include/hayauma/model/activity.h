/* An activity: something that happened to a lead, or to a message on its way, at a moment. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "hayauma/base/clock.h"
#include "hayauma/model/id.h"
#include "hayauma/model/lead.h"

/* Stored, and told to others by their names: never renumber, never rename. */
enum hy_activity_kind {
    /* the life of a message */
    HY_ACTIVITY_ACCEPTED = 1, /* told from the spool: no activity is stored */
    HY_ACTIVITY_DELIVERED,    /* these are told from the attempts and endings, likewise */
    HY_ACTIVITY_DEFERRED,
    HY_ACTIVITY_BOUNCED,
    HY_ACTIVITY_EXPIRED,
    HY_ACTIVITY_SUPPRESSED,
    HY_ACTIVITY_CANCELLED,
    HY_ACTIVITY_HELD, /* in doubt, a person decides */
    /* what comes back by mail */
    HY_ACTIVITY_LATE_BOUNCE = 16, /* a notice, after a server had taken the message */
    HY_ACTIVITY_COMPLAINT,
    HY_ACTIVITY_UNSUBSCRIBE,
    HY_ACTIVITY_REPLY,
    HY_ACTIVITY_AUTO_REPLY,
    HY_ACTIVITY_DELAY_NOTICE, /* another server says that it still tries */
    HY_ACTIVITY_RESUBSCRIBE,  /* an unsubscribe was withdrawn */
    /* what people do with a message */
    HY_ACTIVITY_OPEN = 32,
    HY_ACTIVITY_CLICK,
    HY_ACTIVITY_VERDICT, /* what is thought of an open or click changed; its id is the text */
    /* what people do on the site */
    HY_ACTIVITY_PAGE_VIEW = 48,
    HY_ACTIVITY_KEY_PAGE,
    HY_ACTIVITY_DOWNLOAD,
    HY_ACTIVITY_VIDEO,
    HY_ACTIVITY_FORM_POST,
    HY_ACTIVITY_SCROLL,   /* read far down a page: `link` percent of it */
    HY_ACTIVITY_IDENTIFY, /* a visitor of the site became known as the lead */
    /* business, and what happened elsewhere */
    HY_ACTIVITY_ORDER = 64,
    HY_ACTIVITY_CART,
    HY_ACTIVITY_OFFLINE, /* a seminar, a call, a card */
    HY_ACTIVITY_SALES,   /* what became of a lead that was handed over: won, lost ... */
    /* what changed for the lead by what it did or was told to */
    HY_ACTIVITY_LIST_JOINED = 80,
    HY_ACTIVITY_LIST_LEFT,
    HY_ACTIVITY_CONSENT,         /* gave or withdrew it */
    HY_ACTIVITY_SEGMENT_ENTERED, /* of segments that announce it */
    HY_ACTIVITY_SEGMENT_LEFT,
    HY_ACTIVITY_SCORE_REACHED, /* a threshold */
    HY_ACTIVITY_SCORE_LEFT,
    HY_ACTIVITY_MERGED, /* another lead became part of it, or was taken out again */
    HY_ACTIVITY_CUSTOM = 96,
    HY_ACTIVITY_KINDS, /* all are less */
};

/* Stored: never renumber. */
enum hy_activity_flag {
    HY_ACTIVITY_HARD = 1,    /* a bounce that says: never again */
    HY_ACTIVITY_MACHINE = 2, /* no person did it */
    HY_ACTIVITY_HUMAN = 4,   /* a person did; an open or click with neither: not known */
    HY_ACTIVITY_COUNTED = 8, /* an open or click that segments and scores count */
    HY_ACTIVITY_JOINED = 16, /* of a visitor who became known later: counts at its IDENTIFY */
};

enum {
    HY_ACTIVITY_REF_MAX = 128,
    HY_ACTIVITY_SOURCE_MAX = 255, /* bytes of these three: longer ones are cut */
    HY_ACTIVITY_TEXT_MAX = 1024,
    HY_ACTIVITY_AGENT_MAX = 512,
    HY_ACTIVITY_URL_MAX =
        2048, /* these two: longer ones are refused, for a part is worth nothing */
    HY_ACTIVITY_META_MAX = 16384,
};

struct hy_activity {
    hy_id id; /* given by the store; its time is when it was noted */
    enum hy_activity_kind kind;
    uint8_t flags;  /* of enum hy_activity_flag */
    uint8_t reason; /* enum hy_bounce_reason; of OPEN and CLICK enum hy_verdict_reason, where
                       whoever notes it puts HEAD or PREFETCH if the request said so; 0: none */
    hy_wall_ms at;  /* when it happened; 0: when it was noted */
    uint32_t tenant;
    hy_id campaign;        /* or the spool of a ready message; 0: none */
    hy_id message;         /* the ready message, 0: none */
    hy_lead_no lead;       /* 0: none known */
    hy_domain_no domain;   /* of the recipient; 0: not known (that of the lead is looked up) */
    uint32_t link;         /* number of the link in its message, from 1; 0: none */
    uint64_t visitor;      /* of the site, a random number that a browser keeps; 0: none */
    uint8_t ip[16];        /* whence: IPv6, or ::ffff:a.b.c.d; zeroed = none */
    struct hy_str address; /* of the person, in wire form; may be empty */
    struct hy_str source; /* who told of it: "Feedback-ID of the provider", a file's name, a form */
    struct hy_str text;   /* the diagnostic, the first line of a reply ... */
    struct hy_str agent;  /* user agent */
    struct hy_str url;
    struct hy_str meta; /* a JSON object; empty: none */
    struct hy_str ref;  /* what who told of it calls it, so that it counts once; empty: none */
};

/* An open or click: somebody's, or a machine's; judged. */
static inline bool hy_activity_is_hit(enum hy_activity_kind k)
{
    return k == HY_ACTIVITY_OPEN || k == HY_ACTIVITY_CLICK;
}

/* "late-bounce"; "?" for a number that is none. */
const char *hy_activity_kind_name(enum hy_activity_kind k);
/* HY_ENOTFOUND leaves *ret untouched. */
HY_MUST_USE int hy_activity_kind_find(struct hy_str name, enum hy_activity_kind *ret);
