/* web.visitors: the companies whose people came to the operator's sites. */
#include "ctl_common.h"
#include "hayauma/web/visitors_json.h"

enum { DAYS = 30, LIMIT = 100 };

static int run_visitors(struct ctl_task *k, json_t *o, struct hy_diag *diag)
{
    struct hy_visitors_ask ask = {.is_cancelled = ctl_task_is_cancelled, .ctx = k};
    const char *since = "";
    int64_t limit = LIMIT;
    int err = hy_control_arg_string(k->args, "since", "", diag, &since);
    if (err == HY_OK)
        err =
            hy_control_arg_int(k->args, "limit", LIMIT, 1, HY_VISITORS_COMPANIES_MAX, diag, &limit);
    ask.since = hy_clock_wall_ms() - (hy_wall_ms)DAYS * 86400 * 1000;
    if (err == HY_OK && since[0] && hy_wall_parse(hy_str_of(since), &ask.since) != HY_OK)
        err = hy_fail(diag, HY_EINVAL, "argument 'since' must be a time with its zone");
    ask.limit = (size_t)limit;
    return err ? err : hy_visitors_json(k->d->env, &ask, o);
}

static void visitors(struct hy_control_call *call, void *ctx)
{
    ctl_task_start(call, ctx, CTL_JOB_WHOLE, run_visitors);
}

const struct hy_control_command ctl_web_commands[] = {
    {"web.visitors", 0, 0, visitors},
    {NULL, 0, 0, NULL},
};
