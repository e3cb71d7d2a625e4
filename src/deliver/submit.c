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

int hy_deliver_submit(struct hy_deliver *d, struct hy_submit *s)
{
    s->d = d;
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

int hy_deliver_submit_batch(struct hy_deliver *d, struct hy_submit_batch *s)
{
    s->d = d;
    return hy_writer_submit(d->writer, &s->batch.req);
}
