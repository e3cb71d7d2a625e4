/* Handing a ready message to delivery. */
#pragma once
#include "hayauma/store/spool.h"

struct hy_deliver;

/* Embedded in the caller's object, which, with all that the message points to, must live until
 * `done`. Fill job.message. */
struct hy_submit {
    struct hy_spool_job job;
    /* Once. 0: the message is durable and on its way; job.message has its id. HY_EFULL, HY_EIO:
     * try later; HY_EQUOTA: the tenant's quota, job.verdict says which; HY_EINVAL, HY_ELIMIT as
     * hy_spool_put; HY_ECLOSED: the daemon ends. The writer's thread: must be short. */
    void (*done)(struct hy_submit *s, int err);
    /* private */
    struct hy_deliver *d;
};
/* Zeroes it and sets what the spool wants. */
void hy_submit_init(struct hy_submit *s);
/* The same for several messages at once, of one tenant: fill batch.messages and batch.n. */
struct hy_submit_batch {
    struct hy_spool_batch batch;
    void (*done)(struct hy_submit_batch *s, int err); /* as above */
    /* private */
    struct hy_deliver *d;
};
void hy_submit_batch_init(struct hy_submit_batch *s);
HY_MUST_USE int hy_deliver_submit_batch(struct hy_deliver *d, struct hy_submit_batch *s);

/* Holds the message to the quota of its tenant, unless job.is_free is set. Any thread. 0: `done`
 * will be called. HY_EFULL, HY_EBUSY (too many wait), HY_EQUOTA, HY_ECLOSED: it will not. */
HY_MUST_USE int hy_deliver_submit(struct hy_deliver *d, struct hy_submit *s);
