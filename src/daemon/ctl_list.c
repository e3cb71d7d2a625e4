/* list.list, list.show: lists and some of their leads. (Export streams: ctl_list_export.c.) */
#include "ctl_common.h"

#include "hayauma/store/lead.h"
#include "hayauma/store/list.h"
#include "hayauma/store/suppress.h"

static json_t *list_json(const struct hy_list_view *v)
{
    char time[32];
    json_t *o = json_object();
    json_object_set_new(o, "name", json_stringn(v->name.p, v->name.n));
    json_object_set_new(o, "members", json_integer((json_int_t)v->members));
    json_object_set_new(o, "created", json_string(hy_wall_format(hy_id_time(v->created), time)));
    return o;
}

static void list_all(struct hy_control_call *call, void *ctx)
{
    struct hy_daemon *d = ctx;
    struct hy_txn t = {0};
    struct hy_list_view v;
    hy_list_no after = 0;
    json_t *all = json_array();
    int err = hy_txn_read(d->env, &t);
    while (err == HY_OK && (err = hy_list_next(&t, after, &v)) == HY_OK) {
        after = v.no;
        json_array_append_new(all, list_json(&v));
    }
    hy_txn_end(&t);
    if (err != HY_ENOTFOUND) {
        json_decref(all);
        hy_control_fail(call, err, "lists cannot be read from the store", NULL);
        return;
    }
    json_t *o = json_object();
    json_object_set_new(o, "lists", all);
    hy_control_finish(call, o);
}

static void add_lead(struct hy_txn *t, hy_lead_no no, json_t *leads)
{
    static struct hy_lead_attr attrs[HY_ATTR_MAX]; /* main thread only */
    struct hy_lead_view lead;
    if (hy_lead_read(t, no, attrs, HY_ATTR_MAX, &lead) != HY_OK)
        return;
    json_t *o = json_object(), *values = json_object();
    json_object_set_new(o, "address", json_stringn(lead.address.p, lead.address.n));
    json_object_set_new(o, "status",
                        json_string(hy_lead_status_name(hy_suppress_lead_status(t, &lead))));
    for (size_t i = 0; i < lead.n_attrs; i++) {
        struct hy_str name, value = lead.attrs[i].value;
        if (hy_attr_name(t, lead.attrs[i].no, &name) == HY_OK)
            json_object_setn_new(values, name.p, name.n, json_stringn(value.p, value.n));
    }
    json_object_set_new(o, "attributes", values);
    json_array_append_new(leads, o);
}

/* Members behind `offset`, by domain (first those of none, who have no address) and then by their
 * number. */
static int gather(struct hy_txn *t, hy_list_no no, uint64_t offset, uint64_t limit, json_t *leads)
{
    struct hy_list_set set = {.lists = {no}, .n = 1};
    hy_domain_no domain = 0;
    hy_lead_no out[256];
    int err = HY_OK;
    for (; limit && err == HY_OK; err = hy_list_set_next_domain(t, &set, domain, &domain)) {
        hy_lead_no after = 0;
        for (size_t n = 256; n == 256 && limit;) {
            err = hy_list_set_leads(t, &set, domain, after, out, 256, &n);
            if (err != HY_OK)
                return err;
            for (size_t i = 0; i < n && limit; i++) {
                after = out[i];
                if (offset) {
                    offset--;
                    continue;
                }
                add_lead(t, out[i], leads);
                limit--;
            }
        }
    }
    return err == HY_ENOTFOUND ? HY_OK : err;
}

static void list_show(struct hy_control_call *call, void *ctx)
{
    struct hy_daemon *d = ctx;
    struct hy_diag diag = {""};
    struct hy_txn t = {0};
    const json_t *args = hy_control_args(call);
    const char *name = "";
    int64_t offset = 0, limit = 20;
    hy_list_no no = 0;
    struct hy_list_view v;
    json_t *o = json_object(), *leads = json_array();
    int err = hy_control_arg_int(args, "offset", 0, 0, INT64_MAX, &diag, &offset);
    if (err == HY_OK)
        err = hy_control_arg_int(args, "limit", 20, 0, 1000, &diag, &limit);
    if (err == HY_OK)
        err = hy_txn_read(d->env, &t);
    if (err == HY_OK)
        err = ctl_list_arg(&t, call, &no, &name, &diag);
    if (err == HY_OK)
        err = hy_list_read(&t, no, &v);
    if (err == HY_OK)
        json_object_set_new(o, "list", list_json(&v));
    if (err == HY_OK)
        err = gather(&t, no, (uint64_t)offset, (uint64_t)limit, leads);
    hy_txn_end(&t);
    json_object_set_new(o, "leads", leads);
    if (err == HY_OK) {
        hy_control_finish(call, o);
    } else {
        json_decref(o);
        hy_control_fail_diag(call, err, &diag);
    }
}

const struct hy_control_command ctl_list_commands[] = {
    {"list.list", 0, 0, list_all},
    {"list.show", 0, 0, list_show},
    {NULL, 0, 0, NULL},
};
