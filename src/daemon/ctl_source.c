/* source.list: the sources, whether their addresses are there, and how warm they are. */
#include "ctl_common.h"

static void add_address(json_t *all, json_t *missing, const struct hy_sockaddr *a, bool is_gone)
{
    char ip[HY_SOCKADDR_TEXT_MAX];
    if (hy_sockaddr_family(a) == AF_UNSPEC)
        return;
    json_array_append_new(is_gone ? missing : all, json_string(hy_sockaddr_format_ip(a, ip)));
}

json_t *ctl_warm_json(const struct hy_warm_report *w)
{
    json_t *o = json_object();
    bool is_warm = w->limit == UINT32_MAX;
    json_object_set_new(o, "provider", json_string(w->provider));
    json_object_set_new(o, "day", json_integer(is_warm ? w->days : w->step + 1));
    json_object_set_new(o, "days", json_integer(w->days));
    json_object_set_new(o, "limit", is_warm ? json_null() : json_integer(w->limit));
    json_object_set_new(o, "sent", json_integer((json_int_t)w->sent));
    json_object_set_new(o, "good", json_integer(w->good));
    json_object_set_new(o, "complaints", json_integer(w->bad));
    json_object_set_new(o, "last_day", json_string(w->verdict));
    return o;
}

static void add_source(void *ctx, const struct hy_source_report *r)
{
    json_t *list = ctx, *o = json_object();
    json_t *there = json_array(), *missing = json_array(), *warm = json_array();
    char start[32];
    add_address(there, missing, &r->source->bind, r->is_gone);
    add_address(there, missing, &r->source->bind6, r->is_gone6);
    for (size_t i = 0; i < r->n_warm; i++)
        json_array_append_new(warm, ctl_warm_json(&r->warm[i]));
    json_object_set_new(o, "source", json_string(r->source->name));
    json_object_set_new(o, "ehlo", json_string(r->source->ehlo));
    json_object_set_new(o, "addresses", there);
    json_object_set_new(o, "missing", missing);
    json_object_set_new(o, "proxy_gone", json_boolean(r->is_proxy_gone));
    json_object_set_new(o, "plan",
                        r->source->warmup ? json_string(r->source->warmup->name) : json_null());
    json_object_set_new(o, "plan_start",
                        r->source->warmup
                            ? json_string(hy_wall_format(r->source->warmup_start, start))
                            : json_null());
    json_object_set_new(o, "warmup", warm);
    json_array_append_new(list, o);
}

static void list(struct hy_control_call *call, void *ctx)
{
    struct hy_daemon *d = ctx;
    json_t *sources = json_array();
    int err = hy_deliver_sources(d->deliver, add_source, sources);
    if (err == HY_OK) {
        hy_control_finish(call, json_pack("{s:o}", "sources", sources));
        return;
    }
    json_decref(sources);
    hy_control_fail_diag(call, err, &(struct hy_diag){""});
}

const struct hy_control_command ctl_source_commands[] = {
    {"source.list", 0, 0, list},
    {NULL, 0, 0, NULL},
};
