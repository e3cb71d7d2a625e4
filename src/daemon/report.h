/* What became of a campaign, as JSON: CampaignReport of web/openapi.json says what is in it. It
 * reads every row of the campaign, so on a thread that may take long. */
#pragma once
#include <jansson.h>

#include "daemon.h"
#include "hayauma/store/campaign.h"
#include "hayauma/store/campaign_tally.h"

enum { REPORT_DOMAINS_MAX = 10000, REPORT_DOMAINS_SHOWN = 50 };

struct report_wish {
    hy_id campaign;
    size_t domains;  /* told by themselves: those with the most recipients */
    bool wants_mail; /* the mail itself, marked by its links */
    /* Whether nobody waits for it any more, and how far it is; either may be NULL. */
    bool (*is_over)(void *ctx);
    void (*progress)(void *ctx, const char *what, uint64_t done);
    void *ctx;
};

/* A new object. HY_ENOTFOUND, HY_ECANCELED, HY_ENOMEM and what the store answers. */
HY_MUST_USE int report_make(struct hy_daemon *d, struct hy_txn *t, const struct report_wish *w,
                            json_t **ret);

/* ---- its parts: each adds what it knows to `o` ---- */

struct report {
    struct hy_daemon *d;
    struct hy_txn *t;
    const struct report_wish *wish;
    struct hy_campaign c;
    struct hy_campaign_progress p;
    struct hy_zone *zone;
    json_t *o;
};
static inline bool report_is_over(const struct report *r)
{
    return r->wish->is_over && r->wish->is_over(r->wish->ctx);
}
/* null for 0 */
void report_set_time(json_t *o, const char *key, hy_wall_ms t, const struct hy_zone *z);

/* report_times.c: when mail ended, and what people did then. */
struct report_times;
HY_MUST_USE int report_times_new(const struct report *r, struct report_times **ret);
void report_times_ended(void *times, enum hy_rcpt_state state, hy_lead_no lead, hy_wall_ms at);
HY_MUST_USE int report_times_put(struct report *r, struct report_times *times);
void report_times_free(struct report_times *times);
/* report_domains.c: rows, reasons and returns, in all and by domain. */
HY_MUST_USE int report_domains_put(struct report *r, struct report_times *times);
/* report_people.c: who did what, and how that was in the campaigns before. */
HY_MUST_USE int report_people_put(struct report *r);
/* report_goals.c: what the campaign names as its goals, and who reached them. */
HY_MUST_USE int report_goals_put(struct report *r);
/* report_score.c: the points that what people did with it gave them. */
HY_MUST_USE int report_score_put(struct report *r);
/* report_links.c: links, and the mail. */
HY_MUST_USE int report_links_put(struct report *r);
