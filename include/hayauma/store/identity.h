/* What a lead is known by besides its number and its mail address. An identity belongs to one lead;
 * a lead has at most HY_IDENTITIES_MAX, and HY_IDENTITY_VISITORS_MAX visitors besides: whoever has
 * a link of a mail can bring more of those, so they must not use up what others need. */
#pragma once
#include "hayauma/model/lead.h"
#include "hayauma/store/env.h"

/* Stored: never renumber. */
enum hy_identity_kind {
    HY_IDENTITY_ADDRESS = 1,  /* a further mail address */
    HY_IDENTITY_EXTERNAL = 2, /* "crm:123": a system and what it calls the lead */
    HY_IDENTITY_LINE = 3,     /* a user id of LINE */
    HY_IDENTITY_PHONE = 4,    /* digits, with + in front when international */
    HY_IDENTITY_VISITOR = 5,  /* of the web: be64 of its number */
    HY_IDENTITY_KINDS,
};
enum {
    HY_IDENTITY_MAX = 255,    /* bytes of one */
    HY_IDENTITIES_MAX = 1000, /* but for visitors */
    HY_IDENTITY_VISITORS_MAX = 100,
    HY_IDENTITY_SYSTEM_MAX = 32, /* bytes before the colon: [a-z0-9_-], in lower case */
};

/* "address", "ext", "line", "phone", "visitor": the word before the colon of "ext:crm:123". */
const char *hy_identity_kind_name(enum hy_identity_kind k);

struct hy_identity {
    enum hy_identity_kind kind;
    struct hy_str value;
};

/* The value as it is kept and compared: an address in wire form, a system in lower case, a phone
 * number without its ornaments ("090-1234-5678", full-width digits), a visitor's number from its
 * text in base32hex or its 8 bytes. HY_EPARSE with a note. Pure. */
HY_MUST_USE int hy_identity_read(enum hy_identity_kind kind, struct hy_str text,
                                 char room[HY_IDENTITY_MAX], struct hy_str *ret,
                                 struct hy_diag *diag);
/* For people: what hy_identity_read takes, with its kind in front ("ext:crm:123"); NUL-ended. */
enum { HY_IDENTITY_TEXT_MAX = HY_IDENTITY_MAX + 16 };
const char *hy_identity_text(const struct hy_identity *i, char out[HY_IDENTITY_TEXT_MAX]);

/* Values below are as hy_identity_read gives them. */

/* HY_ENOTFOUND. Any thread with a transaction. */
HY_MUST_USE int hy_identity_find(struct hy_txn *t, const struct hy_identity *i, hy_lead_no *ret);
/* Whether there is one of that kind at all. */
HY_MUST_USE int hy_identity_any(struct hy_txn *t, enum hy_identity_kind kind, bool *ret);
/* Gives it to the lead; 0 as well when it has it already. Of visitors the oldest goes when there
 * are too many. HY_EEXIST: another lead has it; HY_ELIMIT: the lead has too many; HY_EINVAL. The
 * writer's transaction; the lead's record is not looked at. */
HY_MUST_USE int hy_identity_put(struct hy_txn *t, const struct hy_identity *i, hy_lead_no lead);
/* HY_ENOTFOUND. The writer's transaction. */
int hy_identity_del(struct hy_txn *t, const struct hy_identity *i);
/* Those of a lead, by kind and value, until `each` answers other than 0, which is then the answer.
 * `each` must not write. */
HY_MUST_USE int hy_identity_each(struct hy_txn *t, hy_lead_no lead,
                                 int (*each)(void *ctx, const struct hy_identity *i), void *ctx);
/* How many it has that count against HY_IDENTITIES_MAX. Any thread with a transaction. */
HY_MUST_USE int hy_identity_count(struct hy_txn *t, hy_lead_no lead, size_t *ret_n);
/* Takes all of them from a lead and gives them to another (0: to nobody). The writer's
 * transaction. */
int hy_identity_move(struct hy_txn *t, hy_lead_no from, hy_lead_no to);

/* The lead that people mean (of one that was merged into another: that one): a number, a mail
 * address (its own or a further one), "ext:crm:123", "line:U..", "phone:..", "visitor:..".
 * HY_ENOTFOUND; HY_EPARSE with a note: it is none of these. Any thread with a transaction. */
HY_MUST_USE int hy_lead_resolve(struct hy_txn *t, struct hy_str text, hy_lead_no *ret,
                                struct hy_diag *diag);
