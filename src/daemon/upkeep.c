/* What is done now and then: attempts older than store.log_retention are forgotten, once an hour,
 * by a long job of the writer that yields to everything else. */
#include "daemon.h"

#include "hayauma/base/list.h"
#include "hayauma/base/log.h"

#define EVERY_US (3600 * HY_US_PER_SEC)

/* The writer's thread. */
static void trim_done(struct hy_write_req *r, int err)
{
    struct hy_trim_job *job = hy_container_of(r, struct hy_trim_job, req);
    struct upkeep *u = hy_container_of(job, struct upkeep, trim);
    if (err != HY_OK && err != HY_ECLOSED)
        hy_log(HY_LOG_WARNING, "upkeep", "old attempts could not be forgotten: %s",
               hy_err_text(err));
    atomic_store(&u->is_trimming, false);
}

void upkeep_tick(struct hy_daemon *d)
{
    struct upkeep *u = &d->upkeep;
    hy_us now = hy_clock_us();
    if (now < u->next || atomic_load(&u->is_trimming))
        return;
    u->next = now + EVERY_US;
    if (d->config->store.log_retention_us == 0)
        return;
    hy_trim_job_init(&u->trim, hy_clock_wall_ms() - d->config->store.log_retention_us / 1000);
    u->trim.req.done = trim_done;
    atomic_store(&u->is_trimming, true);
    int err = hy_writer_submit(d->writer, &u->trim.req);
    if (err != HY_OK)
        trim_done(&u->trim.req, err);
}
