/* Finding leads, a page at a time: by the narrowest set that is named, the rest is asked of each.
 */
#include <stdio.h>

#include "call.h"
#include "hayauma/store/lead_alias.h"
#include "hayauma/store/lead_set.h"
#include "leads.h"

enum { AT_ONCE = 256 };

struct search {
    struct hy_txn *t;
    struct hy_lead_search *s;
    json_t *out;
    struct hy_lead_set sets[2]; /* of the tag and the group */
    size_t n_sets;
    hy_list_no list;
    hy_attr_no attr;
    bool has_attr;
    size_t walked;
};

/* ---- what is named ---- */

static int no_such(struct hy_diag *diag, int err, const char *what, struct hy_str name)
{
    return err == HY_ENOTFOUND ? hy_fail(diag, err, "there is no %s %.*s", what,
                                         HY_STR_ARG(hy_str_slice(name, 0, 100)))
                               : err;
}

static int name_label(struct search *x, enum hy_label_kind kind, struct hy_str name,
                      struct hy_diag *diag)
{
    hy_label_no no = 0;
    if (name.n == 0)
        return 0;
    int err = hy_label_find(x->t, kind, name, &no);
    if (err)
        return no_such(diag, err, kind == HY_LABEL_TAG ? "tag" : "group", name);
    x->sets[x->n_sets++] = (struct hy_lead_set){
        .kind = kind == HY_LABEL_TAG ? HY_LEAD_SET_TAG : HY_LEAD_SET_GROUP, .no = no};
    return 0;
}

static int name_all(struct search *x, struct hy_diag *diag)
{
    struct hy_lead_search *s = x->s;
    int err = name_label(x, HY_LABEL_TAG, s->tag, diag);
    if (!err)
        err = name_label(x, HY_LABEL_GROUP, s->group, diag);
    if (!err && s->list.n)
        err = no_such(diag, hy_list_find(x->t, s->list, &x->list), "list", s->list);
    if (!err && s->attribute.n) {
        err = no_such(diag, hy_attr_find(x->t, s->attribute, &x->attr), "attribute", s->attribute);
        x->has_attr = true;
    }
    return err;
}

/* ---- one lead ---- */

static bool contains(struct hy_str text, struct hy_str part)
{
    for (size_t at = 0; at + part.n <= text.n; at++)
        if (hy_str_istarts(hy_str_slice(text, at, text.n), part))
            return true;
    return part.n == 0;
}

static bool has_value(const struct search *x, const struct hy_lead_view *lead)
{
    for (size_t i = 0; i < lead->n_attrs; i++)
        if (lead->attrs[i].no == x->attr)
            return x->s->value.n == 0 || hy_str_ieq(lead->attrs[i].value, x->s->value);
    return false;
}

/* 1: it has all that is asked for. */
static int is_meant(const struct search *x, const struct hy_lead_view *lead)
{
    bool has = contains(lead->address, x->s->text) && (!x->has_attr || has_value(x, lead));
    for (size_t i = 0; i < x->n_sets && has; i++) {
        int err = hy_lead_set_has(x->t, x->sets[i], lead->no, &has);
        if (err)
            return err;
    }
    if (has && x->list) {
        int err = hy_list_has(x->t, x->list, lead->domain_no, lead->no, &has);
        if (err)
            return err;
    }
    return has;
}

static int take(struct search *x, hy_lead_no no)
{
    struct hy_lead_attr attrs[HY_ATTR_MAX];
    struct hy_lead_view lead;
    json_t *o = NULL;
    hy_lead_no kept = no;
    int err = hy_lead_kept(x->t, no, &kept);
    x->walked++;
    if (err || kept != no) /* a part of another stands for nobody */
        return err;
    err = hy_lead_read(x->t, no, attrs, HY_ATTR_MAX, &lead);
    if (err) /* it went while somebody else still has its number */
        return err == HY_ENOTFOUND ? 0 : err;
    err = is_meant(x, &lead);
    if (err != 1)
        return err;
    err = lead_json_short(x->t, no, &o);
    return err ? err : json_array_append_new(x->out, o) == 0 ? 0 : HY_ENOMEM;
}

static bool is_full(const struct search *x)
{
    return json_array_size(x->out) >= x->s->limit || x->walked >= HY_LEAD_WALKED_MAX;
}

/* ---- the three walks; HY_ENOTFOUND at the end of all ---- */

static int walk_set(struct search *x)
{
    hy_lead_no leads[AT_ONCE];
    size_t n = AT_ONCE;
    while (!is_full(x)) {
        int err = hy_lead_set_next(x->t, x->sets[0], x->s->lead, leads, AT_ONCE, &n);
        for (size_t i = 0; i < n && !err && !is_full(x); i++) {
            err = take(x, leads[i]);
            x->s->lead = leads[i];
        }
        if (err || n == 0)
            return err ? err : HY_ENOTFOUND;
    }
    return 0;
}

static int walk_list(struct search *x)
{
    const struct hy_list_set set = {.lists = {x->list}, .n = 1};
    struct hy_lead_search *s = x->s;
    hy_lead_no leads[AT_ONCE];
    size_t n = 0;
    while (!is_full(x)) {
        int err = hy_list_set_leads(x->t, &set, s->domain, s->lead, leads, AT_ONCE, &n);
        for (size_t i = 0; i < n && !err && !is_full(x); i++) {
            err = take(x, leads[i]);
            s->lead = leads[i];
        }
        if (!err && n == 0) {
            err = hy_list_set_next_domain(x->t, &set, s->domain, &s->domain);
            s->lead = 0;
        }
        if (err)
            return err;
    }
    return 0;
}

static int walk_all(struct search *x)
{
    hy_lead_no next = 0;
    int err = hy_lead_next_no(x->t, &next);
    while (!err && !is_full(x)) {
        if (x->s->lead + 1 >= next)
            return HY_ENOTFOUND;
        err = take(x, ++x->s->lead);
    }
    return err;
}

int hy_lead_search(struct hy_txn *t, struct hy_lead_search *s, json_t *out, bool *ret_more,
                   struct hy_diag *diag)
{
    struct search x = {.t = t, .s = s, .out = out};
    if (s->limit == 0 || s->limit > HY_LEAD_PAGE_MAX)
        return HY_EINVAL;
    int err = name_all(&x, diag);
    if (err)
        return err;
    err = x.n_sets ? walk_set(&x) : x.list ? walk_list(&x) : walk_all(&x);
    if (err && err != HY_ENOTFOUND)
        return err;
    *ret_more = err == 0;
    return 0;
}

const char *hy_lead_cursor(const struct hy_lead_search *s, char out[HY_LEAD_CURSOR_MAX])
{
    snprintf(out, HY_LEAD_CURSOR_MAX, "%u.%u", s->domain, s->lead);
    return out;
}

int hy_lead_cursor_read(struct hy_str text, struct hy_lead_search *s)
{
    size_t dot = hy_str_find(text, '.', 0);
    uint64_t domain, lead;
    if (dot == SIZE_MAX || hy_str_to_u64(hy_str_slice(text, 0, dot), UINT32_MAX, &domain) != 0 ||
        hy_str_to_u64(hy_str_slice(text, dot + 1, text.n), UINT32_MAX, &lead) != 0)
        return HY_EPARSE;
    s->domain = (hy_domain_no)domain;
    s->lead = (hy_lead_no)lead;
    return 0;
}
