/* Which rows of the queue a person means, from the arguments of a command. */
#pragma once
#include "ctl_common.h"
#include "hayauma/store/pick.h"

struct ctl_pick {
    struct hy_pick pick;
    bool no_campaigns, no_ready; /* rows of these are not meant at all */
    bool has_tenant;             /* only mail of this one */
    uint32_t tenant;
    hy_id campaign;            /* 0 = all that may have pending rows */
    hy_domain_no domain;       /* 0 = all */
    hy_domain_no lead_domain;  /* of pick.lead */
    hy_wall_ms started_before; /* campaigns that started later are left out; 0 = none is */
    char address[HY_ADDRESS_MAX + 2], sender[HY_ADDRESS_MAX + 1]; /* of the pick */
    char site[256], provider[64];
    struct hy_reply_rule pattern; /* of pick.reply, when there is one */
    char pattern_text[HY_REPLY_PATTERN_MAX + 1];
    struct hy_reply_rules *rules;
};
/* Reads campaign, tenant, ready, sender, message, domain, site, provider, state, older_s, code,
 * reply, recipient; all may be absent. HY_EINVAL, HY_ENOTFOUND noted. Freed by ctl_pick_free in any
 * case.
 */
int ctl_pick_read(struct hy_daemon *d, struct hy_control_call *call, struct ctl_pick *ret,
                  struct hy_diag *diag);
void ctl_pick_free(struct ctl_pick *p);
/* Whether rows of this campaign are meant, as far as its record tells. */
bool ctl_pick_campaign(const struct ctl_pick *p, const struct hy_campaign *c);

/* Domains with rows that are picked, by campaign or spool. */
enum { CTL_TARGETS_MAX = 1 << 20 };
struct ctl_target {
    hy_id campaign;
    hy_domain_no domain;
    uint32_t rows;
};
struct ctl_targets {
    struct ctl_target *items; /* ascending by campaign and domain */
    size_t n, cap;
    uint64_t rows;
    uint64_t unknown;  /* domains left out since their site could not be looked up now */
    uint64_t queueing; /* campaigns among those meant that are still making rows */
};
/* Walks the queue in a snapshot, and asks for the site of each domain, once, when the pick names
 * one. On a thread of its own. HY_ECANCELED when the client goes or `d` ends; HY_ELIMIT: too many
 * domains. */
int ctl_targets_find(struct hy_daemon *d, struct hy_control_call *call, const struct ctl_pick *p,
                     struct ctl_targets *ret, struct hy_diag *diag);
void ctl_targets_free(struct ctl_targets *t);
