/* What is done now and then: attempts older than store.log_retention and activities older than
 * store.activity_retention are forgotten, once an hour, by a long job of the writer that yields to
 * everything else. At boot, campaigns whose dropping a stop interrupted are dropped for good. */
#include "daemon.h"

#include <stdlib.h>

#include "hayauma/base/list.h"
#include "hayauma/base/log.h"
#include "hayauma/store/spool.h"
#include "hayauma/store/sts.h"
#include "hayauma/store/tlsrpt.h"

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

enum { TALLY_DAYS = 35 }; /* counts of TLS sessions are kept this long */

static void sts_done(struct hy_write_req *r, int err)
{
    (void)err; /* it is tried again in an hour */
    free(hy_container_of(r, struct hy_sts_trim, req));
}

static void tally_done(struct hy_write_req *r, int err)
{
    (void)err;
    free(hy_container_of(r, struct hy_tally_trim, req));
}

/* Policies of MTA-STS that have expired, and old counts of TLS sessions. */
static void trim_tls(struct hy_daemon *d)
{
    struct hy_sts_trim *sts = malloc(sizeof *sts);
    struct hy_tally_trim *tally = malloc(sizeof *tally);
    if (sts) {
        hy_sts_trim_init(sts);
        sts->req.done = sts_done;
        int err = hy_writer_submit(d->writer, &sts->req);
        if (err != HY_OK)
            sts_done(&sts->req, err);
    }
    if (tally) {
        hy_tally_trim_init(tally);
        tally->before_day = (uint32_t)(hy_clock_wall_ms() / 86400000) - TALLY_DAYS;
        tally->req.done = tally_done;
        int err = hy_writer_submit(d->writer, &tally->req);
        if (err != HY_OK)
            tally_done(&tally->req, err);
    }
}

static void spool_done(struct hy_write_req *r, int err)
{
    (void)err; /* it is tried again in an hour */
    free(hy_container_of(r, struct hy_spool_trim_job, req));
}

/* Messages that are over, as old as the attempts that are forgotten. */
static void trim_spool(struct hy_daemon *d, hy_wall_ms before, hy_wall_ms unread_before)
{
    struct hy_spool_trim_job *j = malloc(sizeof *j);
    if (!j)
        return;
    hy_spool_trim_job_init(j, before);
    j->unread_before = unread_before;
    j->req.done = spool_done;
    int err = hy_writer_submit(d->writer, &j->req);
    if (err != HY_OK)
        spool_done(&j->req, err);
}

/* 0: all is kept. */
static hy_wall_ms before_of(hy_us kept_us)
{
    return kept_us ? hy_clock_wall_ms() - kept_us / 1000 : 0;
}

void upkeep_tick(struct hy_daemon *d)
{
    struct upkeep *u = &d->upkeep;
    hy_us now = hy_clock_us();
    erasures_tick(d, &d->erasures);
    companies_tick(d, &d->companies);
    if (now < u->next || atomic_load(&u->is_trimming))
        return;
    u->next = now + EVERY_US;
    trim_tls(d);
    suppression_sweep(d);
    hy_wall_ms unread = d->config->events.keep_unread_us / 1000;
    hy_wall_ms before = before_of(d->config->store.log_retention_us);
    hy_wall_ms activities = before_of(d->config->store.activity_retention_us);
    if (before)
        trim_spool(d, before, before - unread);
    if (!before && !activities)
        return;
    hy_trim_job_init(&u->trim, before);
    u->trim.unread_before = before - unread;
    u->trim.activities_before = activities;
    u->trim.activities_unread_before = activities - unread;
    u->trim.req.done = trim_done;
    atomic_store(&u->is_trimming, true);
    int err = hy_writer_submit(d->writer, &u->trim.req);
    if (err != HY_OK)
        trim_done(&u->trim.req, err);
}

/* ---- half dropped campaigns ---- */

static void drop_done(struct hy_write_req *r, int err)
{
    struct hy_drop_job *j = hy_container_of(r, struct hy_drop_job, req);
    char id[HY_ID_TEXT_MAX];
    if (err != HY_OK && err != HY_ECLOSED)
        hy_log(HY_LOG_ERROR, "upkeep", "campaign %s is not wholly dropped: %s",
               hy_id_format(j->campaign, id), hy_err_text(err));
    free(j);
}

static int submit_drop(struct hy_daemon *d, hy_id campaign)
{
    struct hy_drop_job *j = malloc(sizeof *j);
    if (!j)
        return HY_ENOMEM;
    hy_drop_job_init(j, campaign);
    j->req.done = drop_done;
    int err = hy_writer_submit(d->writer, &j->req);
    if (err != HY_OK)
        free(j);
    return err;
}

int upkeep_start(struct hy_daemon *d, struct hy_diag *diag)
{
    struct hy_txn t = {0};
    hy_id campaign = 0;
    companies_start(d, &d->companies);
    int err = hy_txn_read(d->env, &t);
    while (err == HY_OK) {
        err = hy_drop_unfinished(&t, campaign, &campaign);
        if (err == HY_OK)
            err = submit_drop(d, campaign);
    }
    hy_txn_end(&t);
    if (err != HY_ENOTFOUND)
        return hy_fail(diag, err, "half dropped campaigns cannot be dropped: %s", hy_err_text(err));
    return HY_OK;
}
