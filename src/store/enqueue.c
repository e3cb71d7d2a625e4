/* Making the rows of a campaign: leads come from the audience by domain, ascending, and are packed
 * into blocks that are appended in order. The place is kept in the progress record, in the same
 * transaction as the rows, so a job that was interrupted goes on without a gap or a double. */
#include <stdlib.h>

#include "ending.h"
#include "hayauma/base/list.h"
#include "progress.h"

enum { LEADS_A_CALL = 5 * HY_QUEUE_BLOCK_ROWS };

struct appender {
    struct hy_txn *t;
    enum hy_put_mode mode;
    hy_id campaign;
    struct hy_progress *p;
};

/* Older campaigns that are still being queued put their rows before newer ones: then no append. */
static int choose_mode(struct appender *a)
{
    uint8_t key[BLOCK_KEY_BYTES];
    struct hy_cursor c;
    struct hy_str next =
        block_key_put(key, (struct hy_block_key){a->campaign, a->p->p.domain, a->p->p.block});
    int err = hy_cursor_open(a->t, HY_TABLE_QUEUE, &c);
    if (!err)
        err = hy_cursor_seek(&c, next);
    hy_cursor_close(&c);
    a->mode = err == HY_ENOTFOUND ? HY_PUT_APPEND : HY_PUT_NEW;
    return err == HY_ENOTFOUND ? 0 : err;
}

static int put_block(struct appender *a, const struct hy_audience_lead *leads, unsigned n)
{
    struct hy_campaign_progress *p = &a->p->p;
    struct ending_rows out; /* not zeroed: it holds the rows of a block */
    uint8_t key[BLOCK_KEY_BYTES], *b;
    int err =
        hy_put_reserve(a->t, HY_TABLE_QUEUE,
                       block_key_put(key, (struct hy_block_key){a->campaign, p->domain, p->block}),
                       BLOCK_HEADER_BYTES + (size_t)n * BLOCK_ROW_BYTES, a->mode, &b);
    if (err) /* the place was read from the store: a block there cannot be */
        return hy_txn_fail(a->t, err == HY_EEXIST ? HY_ECORRUPT : err);
    hy_block_init(b, n);
    hy_ending_start(&out, (struct hy_block_key){a->campaign, p->domain, p->block},
                    HY_ENDING_LEFT_OUT, HY_RCPT_SUPPRESSED);
    for (unsigned i = 0; i < n; i++) {
        bool may_get = leads[i].status == HY_LEAD_ACTIVE;
        hy_block_fill(b, i, leads[i].lead, may_get ? HY_RCPT_FRESH : HY_RCPT_SUPPRESSED);
        if (!may_get)
            hy_ending_add(&out, i, leads[i].lead, leads[i].status);
    }
    p->ledger.queued += n;
    p->ledger.by_state[HY_RCPT_FRESH] += n - out.n;
    p->ledger.by_state[HY_RCPT_SUPPRESSED] += out.n;
    p->block++;
    p->lead = leads[n - 1].lead;
    return hy_ending_put(a->t, &out);
}

static int put_leads(struct appender *a, hy_domain_no domain, const struct hy_audience_lead *leads,
                     size_t n)
{
    if (domain < a->p->p.domain)
        return hy_txn_fail(a->t, HY_ECORRUPT);
    if (domain != a->p->p.domain) {
        a->p->p.domain = domain;
        a->p->p.block = 0;
    }
    for (size_t at = 0; at < n; at += HY_QUEUE_BLOCK_ROWS) {
        size_t part = n - at < HY_QUEUE_BLOCK_ROWS ? n - at : HY_QUEUE_BLOCK_ROWS;
        int err = put_block(a, leads + at, (unsigned)part);
        if (err)
            return err;
    }
    return 0;
}

static int enqueue_slice(struct hy_write_req *r, struct hy_txn *t)
{
    struct hy_enqueue_job *j = hy_container_of(r, struct hy_enqueue_job, req);
    struct appender a = {.t = t, .campaign = j->campaign};
    int err = hy_progress_edit(t, j->campaign, &a.p);
    if (!err && (a.p->state != HY_CAMPAIGN_QUEUEING || a.p->p.queued_all))
        return 0;
    if (!err)
        err = choose_mode(&a);
    while (!err) {
        struct hy_audience_pos pos = {a.p->p.domain, a.p->p.lead};
        hy_domain_no domain = 0;
        size_t n = 0;
        err = j->audience.next(j->audience.ctx, t, pos, &domain, j->leads, LEADS_A_CALL, &n);
        if (!err)
            err = put_leads(&a, domain, j->leads, n);
        if (!err && hy_txn_should_yield(t))
            err = HY_EMORE;
    }
    if (err == HY_ENOTFOUND) {
        a.p->p.queued_all = true;
        hy_progress_finish(a.p, t->now);
        err = 0;
    }
    if (!err || err == HY_EMORE)
        j->rows = a.p->p.ledger.queued;
    return err;
}

int hy_enqueue_job_init(struct hy_enqueue_job *j, hy_id campaign, struct hy_audience audience)
{
    *j = (struct hy_enqueue_job){
        .req = {.class = HY_WRITE_INTAKE, .on_full = HY_WRITE_FULL_WAIT, .apply = enqueue_slice},
        .campaign = campaign,
        .audience = audience,
        .leads = calloc(LEADS_A_CALL, sizeof *j->leads),
    };
    return j->leads ? 0 : HY_ENOMEM;
}

void hy_enqueue_job_free(struct hy_enqueue_job *j)
{
    free(j->leads);
    j->leads = NULL;
}
