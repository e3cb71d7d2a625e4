/* The part of /metrics about tenants: what `hayauma tenant list` shows. The server's thread. */
#include "metrics_tenants.h"

#include <stdlib.h>

#include "daemon.h"
#include "hayauma/store/tenant.h"

struct figures {
    const struct hy_tenants *all;
    struct hy_tenant_sums *sums; /* of the first `n` */
    struct hy_tenant_used *used;
    size_t n;
};

static int on_sums(void *ctx, uint32_t number, const struct hy_tenant_sums *sums)
{
    struct figures *f = ctx;
    const struct hy_tenant *t = hy_tenant_by_number(f->all, number);
    size_t at = t >= f->all->items ? (size_t)(t - f->all->items) : f->n;
    if (t && at < f->n)
        f->sums[at] = *sums;
    return HY_OK;
}

static int gather(struct hy_daemon *d, struct figures *f)
{
    struct hy_txn t = {0};
    int err = hy_txn_read(d->env, &t);
    if (err == HY_OK)
        err = hy_tenant_each(&t, on_sums, f);
    for (size_t i = 0; i < f->n && err == HY_OK; i++)
        err = hy_tenant_used(&t, f->all->items[i].number, &f->used[i]);
    hy_txn_end(&t);
    return err;
}

static void two_labels(struct expo *e, enum hy_metric m, const struct hy_tenant *t,
                       const char *name, const char *value, double v)
{
    struct expo_label l[] = {{"tenant", hy_str_of(t->name)}, {name, hy_str_of(value)}};
    expo_sample(e, m, l, 2, v);
}

static void put(struct expo *e, struct figures *f)
{
    hy_wall_ms now = hy_clock_wall_ms();
    expo_head(e, HY_M_TENANT_RECIPIENTS);
    for (size_t i = 0; i < f->n; i++)
        for (unsigned k = 0; k < HY_RCPT_STATES; k++)
            two_labels(
                e, HY_M_TENANT_RECIPIENTS, &f->all->items[i], "state", hy_rcpt_state_name(k),
                (double)(f->sums[i].messages.by_state[k] + f->sums[i].campaigns.by_state[k]));
    expo_head(e, HY_M_TENANT_MESSAGES);
    for (size_t i = 0; i < f->n; i++) {
        struct expo_label l = {"tenant", hy_str_of(f->all->items[i].name)};
        expo_sample(e, HY_M_TENANT_MESSAGES, &l, 1, (double)f->used[i].messages);
    }
    expo_head(e, HY_M_TENANT_USED);
    for (size_t i = 0; i < f->n; i++) {
        struct hy_day_count *day = &f->used[i].day;
        const struct hy_tenant *t = &f->all->items[i];
        two_labels(e, HY_M_TENANT_USED, t, "quota", "hour", hy_hour_total(day, now));
        two_labels(e, HY_M_TENANT_USED, t, "quota", "day", (double)hy_day_total(day, now));
        two_labels(e, HY_M_TENANT_USED, t, "quota", "queued",
                   (double)hy_ledger_pending(&f->sums[i].messages));
    }
}

void metrics_put_tenants(struct expo *e, struct hy_daemon *d)
{
    struct hy_config *c = daemon_config(d);
    struct figures f = {.all = &c->tenants, .n = c->metrics.tenants};
    if (f.n > c->tenants.n)
        f.n = c->tenants.n;
    if (f.n) {
        f.sums = calloc(f.n, sizeof *f.sums);
        f.used = calloc(f.n, sizeof *f.used);
        if (f.sums && f.used && gather(d, &f) == HY_OK)
            put(e, &f);
        free(f.sums);
        free(f.used);
    }
    hy_config_unref(c);
}
