/* The campaigns that browsers ask for, read once and kept while they are asked for: at most
 * CAMPAIGNS_MAX, of those the ones that were asked for last. One thread. */
#pragma once
#include "track_priv.h"

/* A link that is the same for all. */
struct track_link {
    struct hy_str
        url; /* empty: nobody could follow it, or it is_personal: made anew for each lead */
    bool is_personal;
    bool is_site; /* one of ours, which is told who comes */
};

struct track_campaign {
    hy_id id;
    uint64_t used;              /* when it was asked for last; 0: the place is free */
    struct hy_track_campaign c; /* c.message NULL: nothing needs it */
    struct track_link *links;   /* 1.. are [0].. */
    size_t n_links;
};

/* HY_ENOTFOUND: there is none, or it is gone; HY_ENOMEM ... The answer is valid until the next
 * call.
 */
HY_MUST_USE int track_campaign_find(struct track_call *c, hy_id id, struct track_campaign **ret);
/* Appends where link `no` (1..) of the campaign takes the lead, as it may stand in a Location
 * field; *ret_is_site: to one of policy->sites. HY_ENOTFOUND: there is no such link, or none that a
 * browser could follow. */
HY_MUST_USE int track_campaign_target(struct track_call *c, const struct track_campaign *a,
                                      hy_lead_no lead, uint32_t no, struct hy_buf *out,
                                      bool *ret_is_site);
/* The same with its whole message; few are kept. */
HY_MUST_USE int track_campaign_find_whole(struct track_call *c, hy_id id,
                                          struct track_campaign **ret);
/* The message of a campaign with the values of a lead, as templates see it: calls `use`, and
 * returns what that does. HY_ENOTFOUND: the lead is gone. */
HY_MUST_USE int track_campaign_render(struct track_call *c, const struct hy_track_campaign *a,
                                      hy_lead_no lead,
                                      int (*use)(void *ctx, const struct hy_render_input *in),
                                      void *ctx);
