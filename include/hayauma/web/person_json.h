/* All that is known of one person, as JSON: what a person who asks for it gets (GDPR article 15,
 * APPI article 33), and the consents alone, for a certificate. docs/guides/privacy.md. */
#pragma once
#include <jansson.h>

#include "hayauma/model/lead.h"
#include "hayauma/store/consent.h"
#include "hayauma/store/suppress_text.h"

/* One activity: {"id","kind","at",...}; what it does not have is left out. NULL without memory. */
struct hy_activity;
json_t *hy_activity_json(const struct hy_activity *a);

/* {"lead", "address", "purposes": [{"purpose","list","what","at"}: what stands now], "consents":
 * [{"id","lead","at","noted","what","how","purpose","list","ip","agent","by","source","version",
 * "token","text"}, the oldest first]}. HY_ENOTFOUND, HY_ENOMEM. Any thread with a transaction. */
HY_MUST_USE int hy_consents_json(struct hy_txn *t, hy_lead_no lead, json_t **ret);
/* One consent. NULL without memory. */
json_t *hy_consent_json(struct hy_txn *t, const struct hy_consent *c);

enum { HY_PERSON_CONTENT_MAX = 1 << 20 }; /* bytes of one message's content that are told */

/* {"exported", "lead", "parts": [{"lead","address","status","created","attributes","tags",
 * "groups","lists","pending","ids"}: the lead and those merged into it], "consents", "mails",
 * "messages", "activities", "orders", "points", "segments", "suppressions"}. As above.
 * Goes through the rows of every campaign: a thread for long looks. */
HY_MUST_USE int hy_person_json(struct hy_suppress_names *names, struct hy_txn *t, hy_lead_no lead,
                               json_t **ret);

/* How far an erasure is. NULL without memory. */
struct hy_erasure;
json_t *hy_erasure_json(const struct hy_erasure *e);
