/* Trimming the logs of attempts, endings, activities and acts, and calls that were done, dropping
 * finished campaigns: long jobs of the writer. What is deleted is the place where the next slice
 * begins. */
#include "hayauma/store/retention.h"

#include "activity.h"
#include "block.h"
#include "campaign_tally.h"
#include "hayauma/base/list.h"
#include "hayauma/store/attempt.h"
#include "hayauma/store/log_reader.h"
#include "hayauma/store/once.h"
#include "hayauma/store/score.h"
#include "meta.h"
#include "progress.h"

static const char floor_name[] = "attempt_floor";

int hy_attempt_floor(struct hy_txn *t, hy_id *ret_floor)
{
    const uint8_t *v;
    int err = hy_meta_get(t, floor_name, 8, &v);
    if (!err)
        *ret_floor = hy_get_le64(v);
    else if (err == HY_ENOTFOUND)
        *ret_floor = 0;
    return err == HY_ENOTFOUND ? 0 : err;
}

static void raise_floor(struct hy_txn *t, hy_id to)
{
    uint8_t le[8];
    hy_id now = 0;
    if (hy_attempt_floor(t, &now) != 0 || now >= to)
        return;
    hy_put_le64(le, to);
    hy_meta_put(t, floor_name, le, sizeof le);
}

/* What is older than `end` in a table whose keys are ids, by `drop`. HY_EMORE: the slice should
 * end. */
static int trim_table(struct hy_txn *t, enum hy_table table, hy_id end,
                      int (*drop)(struct hy_cursor *c))
{
    struct hy_cursor c;
    int err = hy_cursor_open(t, table, &c);
    if (!err)
        err = hy_cursor_first(&c);
    while (!err) {
        if (c.key.n != 8)
            err = hy_txn_fail(t, HY_ECORRUPT);
        else if (hy_get_be64(c.key.p) >= end)
            err = HY_ENOTFOUND;
        else
            err = drop(&c);
        if (!err)
            err = hy_txn_should_yield(t) ? HY_EMORE : hy_cursor_next(&c);
    }
    hy_cursor_close(&c);
    return err == HY_ENOTFOUND ? 0 : err;
}

/* What it gave in points stays. */
static int trim_activity(struct hy_cursor *c)
{
    struct hy_activity a;
    int err = hy_activity_decode(c->key, c->value, &a) == 0 ? hy_scores_carry(c->txn, &a) : 0;
    return err ? err : hy_activity_drop(c);
}

static int trim_slice(struct hy_write_req *r, struct hy_txn *t)
{
    struct hy_trim_job *j = hy_container_of(r, struct hy_trim_job, req);
    hy_id end;
    int err = hy_once_trim(t);
    if (!err)
        err = trim_table(t, HY_TABLE_ACTS, hy_id_floor(j->before), hy_cursor_delete);
    if (!err)
        err = hy_log_trim_end(t, j->activities_before, j->activities_unread_before, &end);
    if (!err)
        err = trim_table(t, HY_TABLE_ACTIVITIES, end, trim_activity);
    if (!err)
        err = hy_log_trim_end(t, j->before, j->unread_before, &end);
    if (!err)
        err = trim_table(t, HY_TABLE_ENDINGS, end, hy_cursor_delete);
    if (!err)
        err = trim_table(t, HY_TABLE_LEAD_CHANGES, end, hy_cursor_delete);
    if (!err) {
        err = trim_table(t, HY_TABLE_ATTEMPTS, end, hy_cursor_delete);
        if (!err || err == HY_EMORE)
            raise_floor(t, end);
    }
    return err;
}

void hy_trim_job_init(struct hy_trim_job *j, hy_wall_ms before)
{
    *j = (struct hy_trim_job){
        .req = {.class = HY_WRITE_ADMIN, .on_full = HY_WRITE_FULL_WAIT, .apply = trim_slice},
        .before = before,
        .unread_before = before,
        .activities_before = before,
        .activities_unread_before = before,
    };
}

/* ---- dropping ---- */

static int drop_prefix(struct hy_txn *t, enum hy_table table, struct hy_str prefix)
{
    struct hy_cursor c;
    int err = hy_cursor_open(t, table, &c);
    if (!err)
        err = hy_cursor_prefix_first(&c, prefix);
    while (!err) {
        err = hy_cursor_delete(&c);
        if (!err)
            err = hy_txn_should_yield(t) ? HY_EMORE : hy_cursor_prefix_next(&c, prefix);
    }
    hy_cursor_close(&c);
    return err == HY_ENOTFOUND ? 0 : err;
}

static bool may_drop(const struct hy_progress *p)
{
    if (p->state == HY_CAMPAIGN_DONE)
        return true;
    return p->state == HY_CAMPAIGN_CANCELLED && hy_ledger_pending(&p->p.ledger) == 0;
}

/* The record goes first, so that nobody sees half a campaign, and with it the ledger; the rows keep
 * the place: a job that was interrupted finds them without a record and goes on. */
static int drop_record(struct hy_txn *t, hy_id id, struct hy_str key)
{
    struct hy_campaign c;
    struct hy_progress p;
    int err = hy_campaign_get(t, id, &c);
    if (err)
        return err;
    err = hy_progress_get(t, id, &p);
    if (err)
        return err;
    if (!may_drop(&p))
        return HY_EINVAL;
    err = hy_del(t, HY_TABLE_CAMPAIGN_NAMES, c.name);
    if (!err)
        err = hy_del(t, HY_TABLE_CAMPAIGNS, key);
    return err == HY_ENOTFOUND ? hy_txn_fail(t, HY_ECORRUPT) : err;
}

static int drop_slice(struct hy_write_req *r, struct hy_txn *t)
{
    struct hy_drop_job *j = hy_container_of(r, struct hy_drop_job, req);
    uint8_t be[8];
    struct hy_str key = hy_str_make(be, sizeof be);
    struct hy_progress p;
    hy_put_be64(be, j->campaign);
    int err = hy_progress_get(t, j->campaign, &p); /* the ledger goes last */
    if (err)
        return err;
    err = drop_record(t, j->campaign, key);
    if (err == HY_ENOTFOUND)
        err = 0;
    if (!err)
        err = drop_prefix(t, HY_TABLE_QUEUE, key);
    if (!err)
        err = drop_prefix(t, HY_TABLE_BUNDLES, key);
    if (!err)
        err = drop_prefix(t, HY_TABLE_ACTIVITY_COUNTS, key);
    if (!err)
        err = hy_campaign_tally_drop(t, j->campaign);
    if (!err)
        err = hy_del(t, HY_TABLE_LEDGERS, key);
    return err;
}

void hy_drop_job_init(struct hy_drop_job *j, hy_id campaign)
{
    *j = (struct hy_drop_job){
        .req = {.class = HY_WRITE_ADMIN, .on_full = HY_WRITE_FULL_WAIT, .apply = drop_slice},
        .campaign = campaign,
    };
}

int hy_drop_unfinished(struct hy_txn *t, hy_id after, hy_id *ret_campaign)
{
    uint8_t be[8];
    struct hy_cursor c;
    struct hy_str record;
    if (after == UINT64_MAX)
        return HY_ENOTFOUND;
    hy_put_be64(be, after + 1);
    int err = hy_cursor_open(t, HY_TABLE_LEDGERS, &c);
    if (!err)
        err = hy_cursor_seek(&c, hy_str_make(be, sizeof be));
    while (!err && hy_get(t, HY_TABLE_CAMPAIGNS, c.key, &record) == 0)
        err = hy_cursor_next(&c);
    hy_id id = !err && c.key.n == 8 ? hy_get_be64(c.key.p) : 0;
    hy_cursor_close(&c);
    if (!err && hy_id_is_spool(id)) /* these have no record of a campaign, and are the last */
        err = HY_ENOTFOUND;
    if (!err)
        *ret_campaign = id;
    return err;
}
