/* site: what is known of the site of a domain, and which limits are in force there. */
#include "ctl_common.h"

#include "hayauma/config/site_json.h"

static void on_site(void *ctx, const struct hy_site_report *r)
{
    struct hy_control_call *call = ctx;
    json_t *o = r->mx && r->rules ? hy_site_json(r->rules, r->mx) : NULL;
    if (!o) {
        hy_control_fail(call, HY_EBUSY, "the domain could not be looked up now", "try again");
        return;
    }
    json_t *lanes = json_array();
    for (size_t i = 0; i < r->n_lanes; i++)
        json_array_append_new(lanes, ctl_lane_json(&r->lanes[i]));
    json_object_set_new(o, "lanes", lanes);
    hy_control_finish(call, o);
}

static void site(struct hy_control_call *call, void *ctx)
{
    struct hy_daemon *d = ctx;
    struct hy_diag diag = {""};
    const char *text = "";
    char domain[256];
    int err = hy_control_arg_string_required(hy_control_args(call), "domain", &diag, &text);
    if (err == HY_OK)
        err = hy_site_domain(text, &diag, domain);
    if (err == HY_OK)
        err = hy_deliver_site(d->deliver, domain, on_site, call);
    if (err != HY_OK)
        hy_control_fail_diag(call, err, &diag);
}

const struct hy_control_command ctl_site_commands[] = {
    {"site", 0, 0, site},
    {NULL, 0, 0, NULL},
};
