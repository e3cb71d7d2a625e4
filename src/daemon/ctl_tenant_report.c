/* tenant.report: what became of a tenant's mail in the last days, as its contact is told. */
#include "ctl_common.h"

#include <stdlib.h>

#include "tenant_report.h"

enum { DAYS_MAX = 31, DAY_MS = 86400000 };

struct look {
    struct hy_daemon *d;
    struct hy_control_call *call;
    struct hy_config *config;
};

static bool is_cancelled(void *ctx)
{
    return hy_control_is_cancelled(((struct look *)ctx)->call);
}

static json_t *report_json(const struct tenant_report *r, const char *name)
{
    char time[32];
    json_t *o = json_object(), *over = json_object(), *reasons = json_object();
    json_object_set_new(o, "tenant", json_string(name));
    json_object_set_new(o, "begin", json_string(hy_wall_format(r->begin, time)));
    json_object_set_new(o, "end", json_string(hy_wall_format(r->end, time)));
    ctl_set_count(o, "messages", r->messages);
    for (int i = HY_RCPT_DELIVERED; i < HY_RCPT_STATES; i++)
        ctl_set_count(over, hy_rcpt_state_name((enum hy_rcpt_state)i), r->over[i]);
    json_object_set_new(o, "recipients", over);
    ctl_set_count(o, "deferrals", r->deferrals);
    for (int i = 0; i < HY_BOUNCE_REASONS; i++)
        if (r->bounced[i])
            ctl_set_count(reasons, hy_bounce_reason_name((enum hy_bounce_reason)i), r->bounced[i]);
    json_object_set_new(o, "bounced_for", reasons);
    ctl_set_count(o, "late_bounces", r->late_bounces);
    ctl_set_count(o, "complaints", r->complaints);
    ctl_set_count(o, "unsubscribes", r->unsubscribes);
    return o;
}

static int read_args(const struct look *l, struct tenant_report *r, enum hy_tenant_language *lang,
                     const struct hy_tenant **ret, struct hy_diag *diag)
{
    const json_t *args = hy_control_args(l->call);
    const char *name = "", *language = "";
    int64_t days = 1;
    int err = hy_control_arg_string(args, "tenant", HY_TENANT_DEFAULT, diag, &name);
    if (err == HY_OK)
        err = hy_control_arg_string(args, "language", "en", diag, &language);
    if (err == HY_OK)
        err = hy_control_arg_int(args, "days", 1, 1, DAYS_MAX, diag, &days);
    if (err != HY_OK)
        return err;
    *lang = strcmp(language, "ja") == 0 ? HY_TENANT_JA : HY_TENANT_EN;
    *ret = hy_tenant_find(&l->config->tenants, hy_str_of(name));
    if (!*ret)
        return hy_fail(diag, HY_ENOTFOUND,
                       "there is no tenant '%.64s' under 'tenants' in hayauma.yaml", name);
    hy_wall_ms now = hy_clock_wall_ms();
    *r = (struct tenant_report){
        .tenant = (*ret)->number, .begin = now - (hy_wall_ms)days * DAY_MS, .end = now + 1};
    return HY_OK;
}

static void look_main(void *arg)
{
    struct look *l = arg;
    struct hy_diag diag = {""};
    struct tenant_report r;
    enum hy_tenant_language lang = HY_TENANT_EN;
    const struct hy_tenant *tenant = NULL;
    struct hy_buf text = HY_BUF_INIT(TENANT_REPORT_TEXT_MAX);
    int err = read_args(l, &r, &lang, &tenant, &diag);
    if (err == HY_OK)
        err = tenant_report_gather(l->d->env, &r, 1, is_cancelled, l);
    if (err == HY_OK) {
        json_t *o = report_json(&r, tenant->name);
        tenant_report_put(&r, tenant->name, l->config->node.hostname, lang, &text);
        json_object_set_new(o, "text", ctl_text_json(hy_buf_str(&text)));
        hy_control_finish(l->call, o);
    } else {
        hy_control_fail_diag(l->call, err, &diag);
    }
    hy_buf_free(&text);
    hy_config_unref(l->config);
    free(l);
}

static void report(struct hy_control_call *call, void *ctx)
{
    struct look *l = calloc(1, sizeof *l);
    if (!l) {
        hy_control_fail(call, HY_ENOMEM, "out of memory", NULL);
        return;
    }
    *l = (struct look){.d = ctx, .call = call, .config = daemon_config(ctx)};
    if (ctl_job_start(ctx, call, CTL_JOB_WHOLE, look_main, l))
        return;
    hy_config_unref(l->config);
    free(l);
}

const struct hy_control_command ctl_tenant_report_commands[] = {
    {"tenant.report", 0, 0, report},
    {NULL, 0, 0, NULL},
};
