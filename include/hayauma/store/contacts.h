/* When each lead was last mailed: the memory of the frequency cap. A file of 32 bytes a lead,
 * mapped and shared, so that it outlives kill -9 without a system call per message; which leads
 * have a mail on its way now is kept beside it, in memory alone.
 *
 * Life of a mail: claim (press) -> mailed, or not -> release. Two campaigns that reach a lead at
 * the same time see each other's claims, so together they keep the cap. */
#pragma once
#include "hayauma/base/clock.h"
#include "hayauma/base/err.h"
#include "hayauma/model/lead.h"

enum {
    HY_CONTACTS_KEPT = 16,        /* mails remembered of a lead: the largest cap */
    HY_CONTACTS_HOURS_MAX = 8784, /* the longest period of a cap: 366 days */
};

/* At most `mails` within any `hours` hours, counted by full hours. */
struct hy_contact_cap {
    uint32_t mails; /* 1..HY_CONTACTS_KEPT; 0 = no cap */
    uint32_t hours; /* 1..HY_CONTACTS_HOURS_MAX */
};

struct hy_contacts;

/* Opens or makes <data_dir>/contacts (mode 0600). `most` (a power of two): claims held at once.
 * The owner of the store only. HY_EIO, HY_ENOMEM, HY_EVERSION, HY_ECORRUPT. */
HY_MUST_USE int hy_contacts_open(const char *data_dir, uint32_t most, struct hy_contacts **ret,
                                 struct hy_diag *diag);
void hy_contacts_close(struct hy_contacts *c);

/* Claims a mail for a lead. HY_ELIMIT: the cap is reached, counting claims of others; HY_EFULL: no
 * room on the disk for what would have to be remembered, or HY_EBUSY: too many claims: try later.
 * Each HY_OK is followed by one release. Any thread. */
HY_MUST_USE int hy_contacts_claim(struct hy_contacts *c, hy_lead_no lead,
                                  const struct hy_contact_cap *cap, hy_wall_ms now);
/* Ends a claim; with `mailed` != 0 the lead was mailed at that time. Any thread. */
void hy_contacts_release(struct hy_contacts *c, hy_lead_no lead, hy_wall_ms mailed);

/* How many mails of the last `hours` are remembered. Any thread. */
uint32_t hy_contacts_count(struct hy_contacts *c, hy_lead_no lead, uint32_t hours, hy_wall_ms now);
/* Forgets when the lead was mailed. Any thread. */
void hy_contacts_forget(struct hy_contacts *c, hy_lead_no lead);
