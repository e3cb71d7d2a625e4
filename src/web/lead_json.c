/* A lead, and what became of an edit, as JSON. */
#include "call.h"
#include "hayauma/store/segments.h"
#include "hayauma/store/suppress.h"
#include "hayauma/web/leads.h"
#include "leads.h"

static int add_attributes(struct hy_txn *t, const struct hy_lead_view *lead, json_t *o)
{
    for (size_t i = 0; i < lead->n_attrs; i++) {
        struct hy_str name;
        int err = hy_attr_name(t, lead->attrs[i].no, &name);
        if (err)
            return err == HY_ENOTFOUND ? HY_ECORRUPT : err;
        if (json_object_setn_new(o, name.p, name.n, web_text_json(lead->attrs[i].value)) != 0)
            return HY_ENOMEM;
    }
    return 0;
}

struct labels {
    json_t *tags, *groups;
};

static int add_label(void *ctx, const struct hy_label *l)
{
    const struct labels *x = ctx;
    json_t *to = l->kind == HY_LABEL_TAG ? x->tags : x->groups;
    return json_array_append_new(to, web_text_json(l->name)) == 0 ? 0 : HY_ENOMEM;
}

static int add_id(void *ctx, const struct hy_identity *i)
{
    char text[HY_IDENTITY_TEXT_MAX];
    return json_array_append_new(ctx, web_text_json(hy_str_of(hy_identity_text(i, text)))) == 0
               ? 0
               : HY_ENOMEM;
}

static int add_lists(struct hy_txn *t, const struct hy_lead_view *lead, json_t *in, json_t *waiting)
{
    struct hy_list_view l = {0};
    struct hy_opt_in o;
    int err;
    while ((err = hy_list_next(t, l.no, &l)) == 0) {
        bool has = false;
        err = hy_list_has(t, l.no, lead->domain_no, lead->no, &has);
        if (!err && has)
            json_array_append_new(in, web_text_json(l.name));
        else if (!err && (err = hy_opt_in_get(t, l.no, lead->no, &o)) == 0)
            json_array_append_new(waiting, web_text_json(l.name));
        if (err && err != HY_ENOTFOUND)
            return err;
    }
    return err == HY_ENOTFOUND ? 0 : err;
}

static int view_json(struct hy_txn *t, const struct hy_lead_view *lead, hy_id created, json_t **ret)
{
    char at[32];
    json_t *attrs = json_object(), *lists = json_array(), *waiting = json_array(),
           *ids = json_array();
    struct labels labels = {json_array(), json_array()};
    int err = add_attributes(t, lead, attrs);
    if (!err)
        err = hy_lead_labels(t, lead->no, add_label, &labels);
    if (!err)
        err = add_lists(t, lead, lists, waiting);
    if (!err)
        err = hy_identity_each(t, lead->no, add_id, ids);
    const char *status = hy_lead_status_name(hy_suppress_lead_status(t, lead));
    json_t *o = json_pack(
        "{s:I, s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "lead", (json_int_t)lead->no,
        "address", lead->address.n ? web_text_json(lead->address) : json_null(), "status", status,
        "created", hy_wall_format(hy_id_time(created), at), "attributes", attrs, "tags",
        labels.tags, "groups", labels.groups, "lists", lists, "pending", waiting, "ids", ids);
    if (err || !o) {
        json_decref(o);
        return err ? err : HY_ENOMEM;
    }
    *ret = o;
    return 0;
}

int lead_json_short(struct hy_txn *t, hy_lead_no no, json_t **ret)
{
    struct hy_lead_attr attrs[HY_ATTR_MAX];
    struct hy_lead_view lead;
    hy_id created = 0;
    int err = hy_lead_read(t, no, attrs, HY_ATTR_MAX, &lead);
    if (!err)
        err = hy_lead_created(t, no, &created);
    return err ? err : view_json(t, &lead, created, ret);
}

static int add_segments(struct hy_txn *t, hy_lead_no no, json_t *list)
{
    struct hy_segment s = {0};
    int err;
    while ((err = hy_segment_next(t, s.no, &s)) == 0) {
        bool has = false;
        err = hy_lead_set_has(t, hy_segment_set_of(s.no), no, &has);
        if (err)
            return err;
        if (has)
            json_array_append_new(list, web_text_json(s.name));
    }
    return err == HY_ENOTFOUND ? 0 : err;
}

int hy_lead_json(struct hy_txn *t, hy_lead_no no, json_t **ret)
{
    json_t *o = NULL, *segments = json_array();
    int err = lead_json_short(t, no, &o);
    if (!err)
        err = add_segments(t, no, segments);
    json_object_set_new(o, "segments", segments);
    if (err) {
        json_decref(o);
        return err;
    }
    *ret = o;
    return 0;
}

json_t *hy_lead_edited_json(const struct hy_lead_edit_result *r)
{
    static const struct {
        enum hy_lead_what bit;
        const char *name;
    } names[] = {{HY_LEAD_ATTRIBUTES, "attributes"},
                 {HY_LEAD_TAGS, "tags"},
                 {HY_LEAD_GROUPS, "groups"},
                 {HY_LEAD_LISTS, "lists"},
                 {HY_LEAD_ADDRESSES, "ids"}};
    json_t *changed = json_array();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (r->what & names[i].bit)
            json_array_append_new(changed, json_string(names[i].name));
    return json_pack("{s:I, s:b, s:o, s:I}", "lead", (json_int_t)r->lead, "new", (int)r->is_new,
                     "changed", changed, "pending", (json_int_t)r->pending);
}
