/* Handing in: to the writer, then, when it is durable, the feeder is told. */
#include "hayauma/deliver/submit.h"

#include "hayauma/base/list.h"
#include "parts.h"

static void on_done(struct hy_write_req *r, int err)
{
    struct hy_spool_job *job = hy_container_of(r, struct hy_spool_job, req);
    struct hy_submit *s = hy_container_of(job, struct hy_submit, job);
    if (err == HY_OK)
        hy_deliver_spooled(s->d);
    s->done(s, err);
}

void hy_submit_init(struct hy_submit *s)
{
    *s = (struct hy_submit){0};
    hy_spool_job_init(&s->job);
    s->job.req.done = on_done;
}

static struct hy_tenant_quota quota_of(struct hy_deliver *d, uint32_t tenant)
{
    struct hy_tenant_quota none = {0};
    pthread_rwlock_rdlock(&d->policy_lock);
    const struct hy_deliver_tenant *t = policy_tenant(d->press_policy, tenant);
    struct hy_tenant_quota q = t ? t->tenant->quota : none;
    pthread_rwlock_unlock(&d->policy_lock);
    return q;
}

int hy_deliver_submit(struct hy_deliver *d, struct hy_submit *s)
{
    struct hy_spool_job *j = &s->job;
    s->d = d;
    if (!j->is_free) {
        j->quota = quota_of(d, j->message.tenant);
        if (!hy_quota_fits(&j->quota, j->message.n_rcpts, j->message.content.n, &j->verdict))
            return HY_EQUOTA;
    }
    return hy_writer_submit(d->writer, &s->job.req);
}

/* ---- several at once ---- */

static void on_batch_done(struct hy_write_req *r, int err)
{
    struct hy_spool_batch *b = hy_container_of(r, struct hy_spool_batch, req);
    struct hy_submit_batch *s = hy_container_of(b, struct hy_submit_batch, batch);
    if (err == HY_OK)
        hy_deliver_spooled(s->d);
    s->done(s, err);
}

void hy_submit_batch_init(struct hy_submit_batch *s)
{
    *s = (struct hy_submit_batch){0};
    hy_spool_batch_init(&s->batch);
    s->batch.req.done = on_batch_done;
}

/* Each message by itself, and the recipients of all. */
static bool batch_fits(struct hy_spool_batch *b)
{
    struct hy_tenant_quota together = b->quota;
    uint32_t n_rcpts = 0;
    together.rcpts = 0;
    together.size_bytes = 0;
    for (size_t i = 0; i < b->n; i++) {
        const struct hy_spool_message *m = &b->messages[i];
        n_rcpts += m->n_rcpts;
        if (!hy_quota_fits(&b->quota, m->n_rcpts, m->content.n, &b->verdict))
            return false;
    }
    return hy_quota_fits(&together, n_rcpts, 0, &b->verdict);
}

int hy_deliver_submit_batch(struct hy_deliver *d, struct hy_submit_batch *s)
{
    struct hy_spool_batch *b = &s->batch;
    s->d = d;
    b->quota = quota_of(d, b->n ? b->messages[0].tenant : 0);
    if (!batch_fits(b))
        return HY_EQUOTA;
    return hy_writer_submit(d->writer, &b->req);
}
