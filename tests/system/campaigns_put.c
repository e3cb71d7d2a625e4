/* Puts paused campaigns into a store that no daemon has open, each with one row, for the first lead
 * that was imported: campaigns_put DATA_DIR COUNT */
#include "hayauma/store/campaign.h"
#include "hayauma/store/env.h"
#include "hayauma/store/queue.h"

#include <stdio.h>
#include <stdlib.h>

static void must(int err, const char *what)
{
    if (err == HY_OK)
        return;
    fprintf(stderr, "campaigns_put: %s: %s\n", what, hy_err_text(err));
    exit(1);
}

static int first_lead(void *ctx, struct hy_txn *t, struct hy_audience_pos pos,
                      hy_domain_no *ret_domain, struct hy_audience_lead *ret_leads, size_t max,
                      size_t *ret_n)
{
    (void)ctx;
    (void)t;
    (void)max;
    if (pos.domain)
        return HY_ENOTFOUND;
    *ret_domain = 1;
    ret_leads[0] = (struct hy_audience_lead){.lead = 1, .status = HY_LEAD_ACTIVE};
    *ret_n = 1;
    return HY_OK;
}

static void put(struct hy_txn *t, int i)
{
    char name[16];
    struct hy_enqueue_job job;
    snprintf(name, sizeof name, "c%05d", i);
    struct hy_campaign c = {.name = hy_str_of(name), .n_lists = 1, .lists = {1}};
    must(hy_campaign_create(t, &c, HY_STR("none")), "campaign");
    must(hy_campaign_move(t, c.id, HY_CAMPAIGN_QUEUEING), "start");
    must(hy_enqueue_job_init(&job, c.id, (struct hy_audience){first_lead, NULL}), "memory");
    must(job.req.apply(&job.req, t), "rows");
    hy_enqueue_job_free(&job);
    must(hy_campaign_move(t, c.id, HY_CAMPAIGN_PAUSED), "pause");
}

int main(int argc, char **argv)
{
    struct hy_env *env;
    struct hy_txn t;
    struct hy_diag diag = {""};
    if (argc != 3)
        return 64;
    struct hy_env_options o = {.data_dir = argv[1], .mode = HY_ENV_OWNER};
    must(hy_env_open(&o, &env, &diag), diag.text);
    must(hy_txn_write(env, &t), "transaction");
    for (int i = 0; i < atoi(argv[2]); i++)
        put(&t, i);
    must(hy_txn_commit(&t), "commit");
    hy_env_close(env);
    return 0;
}
