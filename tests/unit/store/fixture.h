/* A store in a temporary directory, a made-up audience and a campaign queued from it. */
#pragma once
#include "hayauma/store/campaign.h"
#include "hayauma/store/env.h"
#include "hayauma/store/queue.h"
#include "hayauma/store/settle.h"

struct store_dir {
    char path[64];
};

/* Makes a fresh directory in /tmp; aborts the test when it cannot. */
struct store_dir store_dir_make(void);
void store_dir_remove(struct store_dir *d); /* and everything in it */
/* Opens an owner's environment there (64 MiB of map, node 7); aborts the test when it cannot. */
struct hy_env *store_open(const struct store_dir *d);
struct hy_env *store_open_fault(const struct store_dir *d, struct hy_env_fault fault);

/* Domains 1..n_domains of `per_domain` leads each; the lead numbers of a domain are spread over all
 * (domain, domain + n_domains, ...). Every `unsubscribed_every`-th lead is not active (0: all are).
 */
struct people {
    uint32_t n_domains, per_domain, unsubscribed_every;
    uint32_t calls; /* of the iterator */
};
struct hy_audience people_audience(struct people *p);

/* A campaign in QUEUEING, and one with all its rows made (RUNNING). */
hy_id campaign_make(struct hy_env *env, const char *name);
hy_id campaign_queue(struct hy_env *env, const char *name, struct people *p);
struct hy_campaign_progress campaign_progress(struct hy_env *env, hy_id id);
/* Cancels it: its pending rows are swept. */
void campaign_cancel(struct hy_env *env, hy_id id);
enum hy_campaign_state campaign_state(struct hy_env *env, hy_id id);

/* Applies a long job's slices, or a request, each in a transaction of its own; its final error. */
int run_request(struct hy_env *env, struct hy_write_req *r);
/* Fresh rows of the campaign, over all domains, up to `max`; how many. */
size_t read_all_fresh(struct hy_env *env, hy_id id, struct hy_queue_row *out, size_t max);
struct hy_queue_row row_now(struct hy_env *env, const struct hy_rcpt_ref *ref);

/* A settle with an attempt that was really made. */
struct hy_settle settle_of(const struct hy_rcpt_ref *ref, enum hy_rcpt_state state, uint32_t due_s);
enum hy_settle_result settle_now(struct hy_env *env, struct hy_settle *s);
