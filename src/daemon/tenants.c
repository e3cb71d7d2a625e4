/* Tenants of the configuration as the daemon's threads see them. */
#include "daemon.h"

struct hy_config *daemon_config(struct hy_daemon *d)
{
    pthread_mutex_lock(&d->plan_lock);
    struct hy_config *c = hy_config_ref(d->plan_config);
    pthread_mutex_unlock(&d->plan_lock);
    return c;
}

void tenant_name(struct hy_daemon *d, uint32_t number, char ret[HY_TENANT_NAME_MAX + 1])
{
    struct hy_config *c = daemon_config(d);
    const struct hy_tenant *x = hy_tenant_by_number(&c->tenants, number);
    if (x)
        snprintf(ret, HY_TENANT_NAME_MAX + 1, "%s", x->name);
    else
        snprintf(ret, HY_TENANT_NAME_MAX + 1, "%u", number);
    hy_config_unref(c);
}

uint32_t tenant_suppressor(void *daemon, uint32_t number)
{
    if (number == 0)
        return 0;
    struct hy_config *c = daemon_config(daemon);
    const struct hy_tenant *x = hy_tenant_by_number(&c->tenants, number);
    uint32_t suppressor = x ? hy_tenant_suppressor(x) : number;
    hy_config_unref(c);
    return suppressor;
}

int tenant_scope_arg(struct hy_daemon *d, const json_t *args, struct hy_diag *diag,
                     struct tenant_scope *ret)
{
    const char *name = "";
    int err = hy_control_arg_string(args, "tenant", "", diag, &name);
    if (err != HY_OK || !name[0])
        return err;
    struct hy_config *c = daemon_config(d);
    const struct hy_tenant *x = hy_tenant_find(&c->tenants, hy_str_of(name));
    if (x)
        *ret = (struct tenant_scope){true, x->number};
    else
        err = hy_fail(diag, HY_ENOTFOUND,
                      "there is no tenant '%.64s' under 'tenants' in hayauma.yaml", name);
    hy_config_unref(c);
    return err;
}
