/* The suppression list in the daemon: its rules by the configuration, and its sweep. */
#include <stdlib.h>

#include "daemon.h"
#include "hayauma/base/list.h"
#include "hayauma/base/log.h"
#include "hayauma/store/suppress.h"

static uint32_t bits_of(const struct hy_strings *names)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < names->n; i++) {
        enum hy_suppress_reason r;
        if (names->items[i] && hy_suppress_reason_find(hy_str_of(names->items[i]), &r) == HY_OK)
            bits |= 1u << r;
    }
    return bits;
}

static uint32_t seconds_of(hy_us t)
{
    return (uint32_t)(t / HY_US_PER_SEC); /* the schema keeps it within ten years */
}

void suppression_apply(struct hy_daemon *d, const struct hy_config *c)
{
    struct hy_suppress_rules r = {
        .reasons = {[HY_STREAM_MARKETING] = bits_of(&c->suppression.marketing),
                    [HY_STREAM_TRANSACTIONAL] = bits_of(&c->suppression.transactional)},
        .soft_count = c->suppression.soft_bounces,
        .soft_span_s = seconds_of(c->suppression.soft_span_us),
        .soft_expire_s = seconds_of(c->suppression.soft_expire_us),
        .hard_expire_s = seconds_of(c->suppression.hard_expire_us),
    };
    hy_suppress_rules_set(d->env, &r);
}

/* The writer's thread. */
static void sweep_done(struct hy_write_req *r, int err)
{
    if (err != HY_OK && err != HY_ECLOSED)
        hy_log(HY_LOG_WARNING, "upkeep", "suppressions that are over could not be taken away: %s",
               hy_err_text(err));
    free(hy_container_of(r, struct hy_suppress_sweep_job, req));
}

void suppression_sweep(struct hy_daemon *d)
{
    struct hy_suppress_sweep_job *j = malloc(sizeof *j);
    if (!j)
        return; /* it is tried again in an hour */
    hy_suppress_sweep_init(j);
    j->req.done = sweep_done;
    int err = hy_writer_submit(d->writer, &j->req);
    if (err != HY_OK)
        sweep_done(&j->req, err);
}
