/* site: what is known of the site of a domain, and which limits are in force there. */
#include "ctl_common.h"

#include <stdlib.h>

#include "hayauma/config/site_json.h"

struct asking {
    struct hy_control_call *call;
    json_t *orders; /* all */
    char domain[256];
};

static void done(struct asking *a)
{
    json_decref(a->orders);
    free(a);
}

/* The feeder's thread, or a worker's. */
static void on_site(void *ctx, const struct hy_site_report *r)
{
    struct asking *a = ctx;
    struct hy_control_call *call = a->call;
    json_t *o = r->mx && r->rules ? hy_site_json(r->rules, r->mx) : NULL;
    if (!o) {
        done(a);
        hy_control_fail(call, HY_EBUSY, "the domain could not be looked up now", "try again");
        return;
    }
    json_t *lanes = json_array();
    for (size_t i = 0; i < r->n_lanes; i++)
        json_array_append_new(lanes, ctl_lane_detail_json(&r->lanes[i]));
    json_object_set_new(o, "lanes", lanes);
    json_object_set_new(o, "orders", ctl_orders_at(r, a->domain, "", a->orders));
    done(a); /* first: parts of it are in the result, which another thread frees */
    hy_control_finish(call, o);
}

static void site(struct hy_control_call *call, void *ctx)
{
    struct hy_daemon *d = ctx;
    struct hy_diag diag = {""};
    const char *text = "";
    struct asking *a = calloc(1, sizeof *a);
    int err = a ? HY_OK : HY_ENOMEM;
    if (err == HY_OK)
        err = hy_control_arg_string_required(hy_control_args(call), "domain", &diag, &text);
    if (err == HY_OK)
        err = hy_site_domain(text, &diag, a->domain);
    if (err == HY_OK) {
        a->call = call;
        a->orders = orders_json(d);
        err = hy_deliver_site(d->deliver, a->domain, on_site, a);
    }
    if (err == HY_OK)
        return;
    if (a)
        done(a);
    hy_control_fail_diag(call, err, &diag);
}

const struct hy_control_command ctl_site_commands[] = {
    {"site", 0, 0, site},
    {NULL, 0, 0, NULL},
};
