/* lane.show: the lanes of a site in full.
 *
 * A name may be that of a recipient domain or of a site: it is looked up as a domain first; when
 * nothing is being sent there, lanes of a site of that name are looked for, and then the domain of
 * one of them is looked up. How it fails: no lane and no such domain: HY_ENOTFOUND. */
#include "ctl_common.h"

#include <stdio.h>
#include <stdlib.h>

#include "hayauma/config/site_json.h"

struct show {
    struct hy_daemon *d;
    struct hy_control_call *call;
    char name[256], source[64];
    char domain[256]; /* looked up now; "" = the name cannot be one */
    bool is_by_site;  /* lanes of a site of that name were asked for */
    json_t *orders;   /* all, as lane.list has them */
    json_t *found;    /* of the domain, without lanes; NULL: it has no way */
};

static void done(struct show *s, json_t *result)
{
    char text[400];
    json_decref(s->orders); /* first: parts of it are in the result, which another thread frees */
    if (result) {
        hy_control_finish(s->call, result);
    } else {
        snprintf(text, sizeof text, "nothing is being sent to '%.255s', and no mail can be now",
                 s->name);
        hy_control_fail(s->call, HY_ENOTFOUND, text, "'hayauma sites' shows the sites at work");
    }
    free(s);
}

static json_t *replies_json(const struct hy_lane_detail *x)
{
    json_t *list = json_array();
    hy_us now = hy_clock_us();
    for (unsigned i = 0; i < HY_LANE_REPLIES; i++) {
        const struct hy_lane_reply *r = &x->replies[i];
        char enhanced[16];
        if (r->count)
            json_array_append_new(
                list, json_pack("{s:i,s:s,s:I,s:I}", "code", (int)r->code, "enhanced",
                                r->enhanced.class ? hy_enhanced_format(r->enhanced, enhanced) : "",
                                "count", (json_int_t)r->count, "ago_s",
                                (json_int_t)((now > r->at ? now - r->at : 0) / HY_US_PER_SEC)));
    }
    return list;
}

json_t *ctl_lane_detail_json(const struct hy_lane_report *l)
{
    const struct hy_lane_detail *x = l->detail;
    json_t *o = ctl_lane_json(l);
    if (!x)
        return o;
    json_object_set_new(o, "tls", json_string(x->tls));
    json_object_set_new(o, "window_state", json_string(x->window_state));
    ctl_set_count(o, "ceiling", x->ceiling);
    ctl_set_count(o, "messages_per_connection", x->messages_per_connection);
    ctl_set_count(o, "recipients_per_message", x->recipients_per_message);
    json_object_set_new(o, "window_rate", json_real(x->window_rate));
    ctl_set_count(o, "latency_us", (uint64_t)x->latency_us);
    ctl_set_count(o, "ready", x->n_ready);
    ctl_set_count(o, "pressing", x->n_pressing);
    ctl_set_count(o, "on_wire", x->n_on_wire);
    json_object_set_new(o, "waits_for", json_string(x->waits_for));
    ctl_set_count(o, "waits_s", (uint64_t)((x->waits_us + HY_US_PER_SEC - 1) / HY_US_PER_SEC));
    json_object_set_new(o, "replies", replies_json(x));
    return o;
}

static bool concerns(const struct hy_site_report *r, const char *domain, const json_t *order)
{
    const char *scope = json_string_value(json_object_get(order, "scope"));
    const char *name = json_string_value(json_object_get(order, "name"));
    if (strcmp(scope, "domain") == 0)
        return strcmp(name, domain) == 0;
    if (strcmp(scope, "all") == 0)
        return true;
    bool is_site = strcmp(scope, "site") == 0;
    return hy_deliver_site_is(r, is_site ? name : "", is_site ? "" : name);
}

static bool is_source(const char *wanted, const char *source)
{
    return !wanted[0] || !source[0] || strcmp(wanted, source) == 0;
}

json_t *ctl_orders_at(const struct hy_site_report *r, const char *domain, const char *source,
                      const json_t *all)
{
    json_t *orders = json_array();
    const json_t *order;
    size_t i;
    json_array_foreach(all, i, order)
    {
        if (concerns(r, domain, order) &&
            is_source(source, json_string_value(json_object_get(order, "source"))))
            json_array_append(orders, (json_t *)(uintptr_t)order);
    }
    return orders;
}

static json_t *site_json(const struct show *s, const struct hy_site_report *r)
{
    json_t *o = hy_site_json(r->rules, r->mx), *lanes = json_array();
    for (size_t i = 0; i < r->n_lanes; i++)
        if (is_source(s->source, r->lanes[i].source))
            json_array_append_new(lanes, ctl_lane_detail_json(&r->lanes[i]));
    json_object_set_new(o, "orders", ctl_orders_at(r, s->domain, s->source, s->orders));
    json_object_set_new(o, "lanes", lanes);
    return o;
}

static void look_up(struct show *s);

/* A worker's thread. */
static void on_named(void *ctx, const struct hy_lane_report *lanes, size_t n,
                     const struct hy_lanes_sum *all)
{
    struct show *s = ctx;
    (void)all;
    if (n == 0 || !lanes[0].detail) {
        json_t *found = s->found;
        s->found = NULL;
        done(s, found);
        return;
    }
    snprintf(s->domain, sizeof s->domain, "%s", lanes[0].detail->domain);
    look_up(s);
}

/* The feeder's or a worker's thread. */
static void on_site(void *ctx, const struct hy_site_report *r)
{
    struct show *s = ctx;
    json_t *o = r->mx && r->rules && r->mx->status == HY_MX_OK ? site_json(s, r) : NULL;
    if (s->is_by_site || (o && r->n_lanes)) {
        json_decref(s->found);
        done(s, o);
        return;
    }
    s->found = o;
    s->is_by_site = true;
    if (hy_deliver_lanes_named(s->d->deliver, s->name, 1, on_named, s) != HY_OK) {
        s->found = NULL;
        done(s, o);
    }
}

static void look_up(struct show *s)
{
    if (hy_deliver_site(s->d->deliver, s->domain, on_site, s) != HY_OK)
        done(s, NULL);
}

static void lane_show(struct hy_control_call *call, void *ctx)
{
    struct hy_daemon *d = ctx;
    struct hy_diag diag = {""}, no_domain = {""};
    const char *name = "", *source = "";
    const json_t *args = hy_control_args(call);
    struct show *s = calloc(1, sizeof *s);
    int err = s ? HY_OK : HY_ENOMEM;
    if (err == HY_OK)
        err = hy_control_arg_string_required(args, "name", &diag, &name);
    if (err == HY_OK)
        err = hy_control_arg_string(args, "source", "", &diag, &source);
    if (err == HY_OK && (strlen(name) >= sizeof s->name || !name[0]))
        err = hy_fail(&diag, HY_EINVAL, "'%.60s' is no name of a site or domain", name);
    if (err == HY_OK && strlen(source) >= sizeof s->source)
        err = hy_fail(&diag, HY_EINVAL, "there is no source '%.60s'", source);
    if (err != HY_OK) {
        free(s);
        hy_control_fail_diag(call, err, &diag);
        return;
    }
    s->d = d;
    s->call = call;
    snprintf(s->source, sizeof s->source, "%s", source);
    for (size_t i = 0; name[i]; i++)
        s->name[i] = hy_ascii_lower(name[i]);
    s->orders = orders_json(d);
    if (hy_site_domain(s->name, &no_domain, s->domain) == HY_OK) {
        look_up(s);
        return;
    }
    s->is_by_site = true;
    if (hy_deliver_lanes_named(d->deliver, s->name, 1, on_named, s) != HY_OK)
        done(s, NULL);
}

const struct hy_control_command ctl_lane_show_commands[] = {
    {"lane.show", 0, 0, lane_show},
    {NULL, 0, 0, NULL},
};
