/* campaign.report: what became of a campaign. */
#include "ctl_common.h"

#include <stdlib.h>

#include "report.h"

struct reporting {
    struct hy_daemon *d;
    struct hy_control_call *call;
    struct report_wish wish;
};

static bool is_over(void *ctx)
{
    const struct reporting *g = ctx;
    return hy_control_is_cancelled(g->call);
}

static void progress(void *ctx, const char *what, uint64_t done)
{
    struct reporting *g = ctx;
    json_t *o = json_object();
    ctl_set_count(o, what, done);
    hy_control_progress(g->call, o);
}

static void report_main(void *arg)
{
    struct reporting *g = arg;
    struct hy_txn t = {0};
    json_t *o = NULL;
    int err = hy_txn_read(g->d->env, &t);
    if (err == HY_OK)
        err = report_make(g->d, &t, &g->wish, &o);
    if (err == HY_OK)
        hy_control_finish(g->call, o);
    else
        hy_control_fail(g->call, err, "the campaign cannot be read", NULL);
    hy_txn_end(&t);
    free(g);
}

static int read_args(struct hy_daemon *d, struct hy_control_call *call, struct report_wish *w,
                     struct hy_diag *diag)
{
    const json_t *args = hy_control_args(call);
    int64_t domains = REPORT_DOMAINS_SHOWN;
    int err = ctl_campaign_arg(d, call, &w->campaign, diag);
    if (err == HY_OK)
        err = hy_control_arg_int(args, "domains", REPORT_DOMAINS_SHOWN, 0, REPORT_DOMAINS_MAX, diag,
                                 &domains);
    if (err == HY_OK)
        err = hy_control_arg_bool(args, "mail", false, diag, &w->wants_mail);
    w->domains = (size_t)domains;
    return err;
}

static void report(struct hy_control_call *call, void *ctx)
{
    struct hy_daemon *d = ctx;
    struct hy_diag diag = {""};
    struct report_wish wish = {.is_over = is_over, .progress = progress};
    int err = read_args(d, call, &wish, &diag);
    struct reporting *g = err == HY_OK ? calloc(1, sizeof *g) : NULL;
    if (err == HY_OK && !g)
        err = HY_ENOMEM;
    if (err != HY_OK) {
        hy_control_fail_diag(call, err, &diag);
        return;
    }
    *g = (struct reporting){.d = d, .call = call, .wish = wish};
    g->wish.ctx = g;
    if (!ctl_job_start(d, call, CTL_JOB_LOOK, report_main, g))
        free(g);
}

const struct hy_control_command ctl_report_commands[] = {
    {"campaign.report", 0, 0, report},
    {NULL, 0, 0, NULL},
};
