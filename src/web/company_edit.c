/* Changes of companies: read out of JSON, and applied by the writer. */
#include <stdio.h>

#include "hayauma/base/list.h"
#include "hayauma/web/companies.h"
#include "leads.h"

struct reading {
    struct hy_arena *arena;
    struct hy_company_edit *e;
    struct hy_company_part *parts;
    char *field;
    struct hy_diag *diag;
};

static int wrong(struct reading *r, const char *field, const char *why)
{
    snprintf(r->field, 64, "%s", field);
    return hy_fail(r->diag, HY_EINVAL, "%s", why);
}

static int read_parts(struct reading *r, const char *field, const json_t *list,
                      enum hy_company_part_kind kind, bool is_removed)
{
    size_t i;
    const json_t *x;
    if (!json_is_array(list))
        return wrong(r, field, "It must be an array of texts.");
    if (json_array_size(list) > HY_COMPANY_EDIT_MAX - r->e->n_parts)
        return wrong(r, field, "There are too many of them.");
    json_array_foreach(list, i, x)
    {
        struct hy_company_part *p = &r->parts[r->e->n_parts++];
        *p = (struct hy_company_part){.kind = kind, .is_removed = is_removed};
        if (!lead_text_read(x, &p->text))
            return wrong(r, field, "It must be an array of texts.");
        if (kind == HY_COMPANY_ID && hy_str_starts(p->text, HY_STR("ext:")))
            p->text = hy_str_slice(p->text, 4, p->text.n);
    }
    return HY_OK;
}

static int read_field(struct reading *r, const char *key, const json_t *x)
{
    static const struct {
        const char *key;
        enum hy_company_part_kind kind;
        bool is_removed;
    } parts[] = {
        {"aliases", HY_COMPANY_ALIAS, false},  {"remove_aliases", HY_COMPANY_ALIAS, true},
        {"domains", HY_COMPANY_DOMAIN, false}, {"remove_domains", HY_COMPANY_DOMAIN, true},
        {"ids", HY_COMPANY_ID, false},         {"remove_ids", HY_COMPANY_ID, true},
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strcmp(key, parts[i].key) == 0)
            return read_parts(r, key, x, parts[i].kind, parts[i].is_removed);
    if (strcmp(key, "name") == 0)
        return lead_text_read(x, &r->e->name) && r->e->name.n ? HY_OK
                                                              : wrong(r, key, "It must be a text.");
    if (strcmp(key, "attributes") == 0)
        return lead_attributes_read(x, r->arena, HY_COMPANY_EDIT_MAX, &r->e->attrs, &r->e->n_attrs,
                                    r->field, r->diag);
    return wrong(r, key, "There is no such field.");
}

int hy_company_edit_read(const json_t *body, struct hy_arena *arena, struct hy_company_edit *ret,
                         char ret_field[64], struct hy_diag *diag)
{
    struct hy_company_edit e = {.no = 0};
    struct reading r = {arena, &e, hy_arena_zalloc(arena, HY_COMPANY_EDIT_MAX * sizeof *r.parts),
                        ret_field, diag};
    const char *key;
    json_t *value;
    ret_field[0] = '\0';
    if (!r.parts)
        return HY_ENOMEM;
    if (!json_is_object(body))
        return wrong(&r, "", "It must be an object.");
    json_object_foreach((json_t *)(uintptr_t)body, key, value)
    {
        int err = read_field(&r, key, value);
        if (err)
            return err;
    }
    e.parts = r.parts;
    *ret = e;
    return HY_OK;
}

/* ---- the writer's part ---- */

static int find(struct hy_txn *t, struct hy_str text, hy_company_no *ret, struct hy_diag *diag)
{
    int err = hy_company_resolve(t, text, ret);
    return err == HY_ENOTFOUND ? hy_fail(diag, err, "there is no company '%.*s'",
                                         HY_STR_ARG(hy_str_slice(text, 0, 200)))
                               : err;
}

static int drop(struct hy_company_change *x, struct hy_txn *t)
{
    hy_company_no into = 0;
    int err = x->into.n ? find(t, x->into, &into, &x->diag) : 0;
    return err ? err : hy_company_drop(t, x->no, into, &x->diag);
}

static int edit(struct hy_company_change *x, struct hy_txn *t)
{
    struct hy_company_edit_result r;
    int err = hy_company_edit(t, &x->edit, &r, &x->diag);
    if (!err)
        x->no = r.no;
    return err;
}

static int put_lead(struct hy_company_change *x, struct hy_txn *t)
{
    hy_company_no now = 0;
    int err = hy_lead_resolve(t, x->lead, &x->lead_no, &x->diag);
    if (err == HY_ENOTFOUND)
        return hy_fail(&x->diag, err, "there is no lead '%.*s'",
                       HY_STR_ARG(hy_str_slice(x->lead, 0, 200)));
    if (!err && x->is_leaving)
        err = hy_company_of(t, x->lead_no, &now);
    if (!err && x->is_leaving && now != x->no) {
        x->is_changed = false;
        return 0;
    }
    return err ? err
               : hy_company_put_lead(t, x->lead_no, x->is_leaving ? 0 : x->no, &x->is_changed);
}

static int begin(struct hy_company_change *x, struct hy_txn *t)
{
    int err = x->which.n ? find(t, x->which, &x->no, &x->diag) : 0;
    if (err)
        return err;
    switch (x->does) {
    case HY_COMPANY_EDIT:
        x->edit.no = x->no;
        return edit(x, t);
    case HY_COMPANY_DROP:
        return drop(x, t);
    case HY_COMPANY_PUT_LEAD:
        break;
    }
    return put_lead(x, t);
}

static int apply(struct hy_write_req *r, struct hy_txn *t)
{
    struct hy_company_change *x = hy_container_of(r, struct hy_company_change, req);
    int err = 0;
    if (!x->is_begun) {
        x->diag.text[0] = '\0';
        err = begin(x, t);
    }
    return err ? err : hy_company_work(t);
}

/* What was done is durable. */
static void slice(struct hy_write_req *r)
{
    struct hy_company_change *x = hy_container_of(r, struct hy_company_change, req);
    x->is_begun = true;
}

void hy_company_change_init(struct hy_company_change *x)
{
    x->req.apply = apply;
    x->req.slice = slice;
}
