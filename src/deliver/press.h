/* A thread of the press: its tools, and how it says that a message will not be sent. */
#pragma once
#include "hayauma/store/lead.h"
#include "parts.h"
#include "zones.h"

/* Answers to one worker, gathered so that it is woken once for several. */
struct answers {
    struct hy_msg *first, *last;
};

/* The signature made last for a ready message, with the keys of this policy: its next recipient
 * gets the same when it leaves from the same source. */
struct press_signed {
    hy_id message;               /* 0: none */
    const struct source *source; /* its domains sign too; these stay until delivery ends */
    hy_wall_ms at;
    struct hy_buf fields;
};

struct press {
    struct hy_deliver *d;
    struct hy_deliver_policy *policy;
    struct hy_dkim_signer *signer;   /* for policy's keys; NULL: none */
    struct hy_dkim_signer **signers; /* for those of its tenants, made at their first mail */
    struct hy_rendered rendered;
    struct hy_lead_attr attrs[HY_ATTR_MAX];
    struct hy_str slots[HY_DELIVER_SLOTS];
    struct hy_txn txn;
    bool has_txn;
    struct answers answers[WORKERS_MAX];
    hy_us answers_since; /* when the oldest of them was made; 0 = there is none */
    struct zone_cache zones;
    struct press_signed last;
};

/* What is signed: a message in two parts. */
struct press_content {
    uint32_t tenant;
    const char *from_domain;
    struct hy_str headers; /* less the empty line */
    struct hy_str body;
    bool is_body_relaxed; /* it is as relaxed canonicalization would make it */
};
/* Its DKIM-Signature fields, none when no key signs for it, into d->signature. HY_ENOTFOUND:
 * dkim.required and no key; HY_ENOMEM. */
HY_MUST_USE int press_sign(struct press *p, struct delivery *d, const struct press_content *c,
                           hy_wall_ms now);

/* It will not be sent now, or ever. `text`: a literal, or its run's. */
void press_refuse(struct delivery *d, enum hy_rcpt_state state, enum hy_outcome_kind kind,
                  enum hy_phase phase, struct hy_enhanced enhanced, const char *text);
void press_cannot_make(struct delivery *d, const char *why);
/* The same for an error of press_sign or of memory. */
void press_failed(struct delivery *d, int err);
/* False, with the reason: its time is over. */
bool press_is_in_time(struct delivery *d, hy_wall_ms now);

/* False, with the reason: the suppression list keeps mail from this address, or cannot be read. */
bool press_may_send(struct press *p, struct delivery *d, struct hy_str address,
                    const struct hy_suppress_ask *ask);

/* press_spool.c: a ready message is read and signed, for `first` and its party. */
void press_spool(struct press *p, struct delivery *first);
