/* Whether a person opened or clicked, or a machine did: judged from what a hit says of itself and
 * from the hits around it. Pure; the state is one thread's.
 *
 * Mail filters fetch links before anybody reads the mail, and call themselves browsers. They give
 * themselves away by their haste: they ask for many links of a message at once, or for the mails of
 * many people, before a person could. A verdict is therefore given at once and may be revised while
 * the hits around it come in; who acts on a verdict waits a moment for that. */
#pragma once
#include "hayauma/base/clock.h"
#include "hayauma/base/hash.h"
#include "hayauma/model/activity.h"
#include "hayauma/model/id.h"
#include "hayauma/model/lead.h"

enum hy_verdict { HY_VERDICT_HUMAN, HY_VERDICT_MACHINE, HY_VERDICT_UNKNOWN, HY_VERDICTS };

/* Stored: never renumber. */
enum hy_verdict_reason {
    HY_VERDICT_NOTHING = 0, /* nothing speaks against a person */
    HY_VERDICT_AGENT,       /* a robot or a library by its own words */
    HY_VERDICT_HEAD,        /* asked for the head only */
    HY_VERDICT_PREFETCH,    /* a browser fetched ahead, and said so */
    HY_VERDICT_EARLY,       /* before the receiving server had taken the message */
    HY_VERDICT_BURST,       /* several links of one message faster than a hand */
    HY_VERDICT_CROWD,       /* mails of many people from one address within seconds */
    HY_VERDICT_PRIVACY,     /* fetched by Mail Privacy Protection: whether read, and when, is not
                               known */
    HY_VERDICT_PROXY,       /* an image by a mail service's proxy: somebody read it, some time */
    HY_VERDICT_PROOF,       /* a person's doing followed */
    HY_VERDICT_REASONS,
};
/* By the flags of an activity (model/activity.h). */
enum hy_verdict hy_verdict_of_flags(uint8_t flags);
/* Whether an open or click was judged: its verdict stands in its flags and reason. */
bool hy_verdict_is_given(uint8_t flags, uint8_t reason);
const char *hy_verdict_name(enum hy_verdict v);               /* "human", "machine", "unknown" */
const char *hy_verdict_reason_name(enum hy_verdict_reason r); /* "burst"; "" for NOTHING */

enum hy_hit_kind {
    HY_HIT_OPEN,
    HY_HIT_CLICK,
    HY_HIT_PROOF, /* a page of the site ran its script, or a form was posted, for this message */
};

/* What a hit says of itself: a set. */
enum hy_hit_sign {
    HY_HIT_HEAD = 1u << 0,
    HY_HIT_PREFETCH = 1u << 1,
    HY_HIT_ROBOT = 1u << 2,   /* by its user agent (track/agent.h) */
    HY_HIT_EARLY = 1u << 3,   /* the message's final reply was not there */
    HY_HIT_PRIVACY = 1u << 4, /* Apple's proxies */
    HY_HIT_PROXY = 1u << 5,   /* Gmail's, Yahoo's ... image proxies */
};

struct hy_hit {
    hy_id id; /* of its activity, not 0 */
    hy_wall_ms at;
    enum hy_hit_kind kind;
    unsigned signs;
    hy_id campaign;
    hy_lead_no lead;
    uint32_t link;       /* of a click */
    uint8_t ip[16];      /* zeroed: not known */
    struct hy_str agent; /* user agent; any bytes */
};

struct hy_verdict_settings {
    uint32_t burst_ms, burst_links; /* so many different links within so long: 2000, 3 */
    uint32_t hand_ms;               /* two different links within so long: 500 */
    uint32_t crowd_ms, crowd_leads; /* so many people's mails from one address: 5000, 5 */
    uint32_t proof_ms;              /* how far back a proof reaches: 600,000 */
};
void hy_verdict_settings_init(struct hy_verdict_settings *s); /* as above */

enum {
    HY_VERDICT_HITS = 12,   /* of a message that are remembered */
    HY_VERDICT_VISITS = 16, /* of an address */
    HY_VERDICT_CHANGES_MAX = 1 + HY_VERDICT_HITS + HY_VERDICT_VISITS,
};
/* What is thought of a hit from now on. */
struct hy_verdict_change {
    hy_id id;
    enum hy_verdict verdict;
    enum hy_verdict_reason reason;
};

/* About 25 MiB: the last hits of 32,768 messages and 16,384 addresses. Older ones are forgotten
 * first, and then no longer revised. */
struct hy_verdicts;
HY_MUST_USE int hy_verdicts_new(const struct hy_verdict_settings *s, const struct hy_hash_key *key,
                                struct hy_verdicts **ret); /* HY_ENOMEM */
/* Judges a hit; hits come about in the order of their time. ret[0] is the hit itself, the others
 * are earlier hits whose verdict changed by it. Returns how many. */
size_t hy_verdicts_judge(struct hy_verdicts *v, const struct hy_hit *hit,
                         struct hy_verdict_change ret[HY_VERDICT_CHANGES_MAX]);
void hy_verdicts_free(struct hy_verdicts *v);
