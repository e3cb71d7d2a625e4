/* Companies by hand: everything is looked at before anything is written. */
#include <stdlib.h>

#include "company_priv.h"
#include "hayauma/mail/address.h"
#include "hayauma/store/attr_type.h"

int hy_company_domain_read(struct hy_str text, char room[HY_DOMAIN_MAX + 1], struct hy_str *ret)
{
    char address[2 + HY_DOMAIN_MAX];
    struct hy_address a;
    enum hy_address_reason why;
    if (text.n == 0 || text.n > HY_DOMAIN_MAX || text.p[0] == '[')
        return HY_EPARSE;
    memcpy(address, "a@", 2);
    memcpy(address + 2, text.p, text.n);
    if (hy_address_parse(hy_str_make(address, 2 + text.n), NULL, &a, &why) != 0)
        return HY_EPARSE;
    struct hy_str domain = hy_address_domain(&a);
    memcpy(room, domain.p, domain.n);
    *ret = hy_str_make(room, domain.n);
    return 0;
}

_Static_assert((int)HY_IDENTITY_MAX >= (int)HY_COMPANY_NAME_MAX, "room for both");

struct editing {
    struct hy_txn *t;
    const struct hy_company_edit *e;
    struct hy_diag *diag;
    struct hy_company_record c; /* as it is, then as it will be */
    struct hy_buf old;
    struct {
        char room[HY_IDENTITY_MAX];
        struct hy_str text; /* of the record */
        char key[HY_COMPANY_KEY_MAX];
        struct hy_str index; /* what leads to it */
        bool is_done;        /* changes nothing */
    } parts[HY_COMPANY_EDIT_MAX];
    struct {
        char room[HY_ATTR_TYPED_MAX];
        struct hy_str value;
        hy_attr_no no;
        bool is_new;
    } attrs[HY_COMPANY_EDIT_MAX];
    char name_key[HY_COMPANY_KEY_MAX];
    size_t name_key_n;
    bool has_new_name, is_changed;
    enum hy_company_fault fault;
    size_t fault_at;
};

/* ---- looking ---- */

static int taken(struct editing *x, char part, struct hy_str index, const char *what,
                 struct hy_str text)
{
    hy_company_no other = 0;
    int err = hy_company_get_key(x->t, part, index, &other);
    if (err == HY_ENOTFOUND || (!err && other == x->e->no))
        return 0;
    return err ? err
               : hy_fail(x->diag, HY_EEXIST, "the %s %.*s is that of company %lu", what,
                         HY_STR_ARG(text), (unsigned long)other);
}

static int not_a_name(struct editing *x, struct hy_str text)
{
    return hy_fail(x->diag, HY_EPARSE, "\"%.*s\" names no company: 1 to %d bytes of text",
                   HY_STR_ARG(hy_str_slice(text, 0, 100)), HY_COMPANY_NAME_MAX);
}

static int read_part(struct editing *x, size_t i, char *ret_key)
{
    const struct hy_company_part *p = &x->e->parts[i];
    size_t n = 0;
    switch (p->kind) {
    case HY_COMPANY_ALIAS:
        *ret_key = COMPANY_NAME;
        if (hy_company_fold(p->text, x->parts[i].key, &n) != 0)
            return not_a_name(x, p->text);
        memcpy(x->parts[i].room, p->text.p, p->text.n);
        x->parts[i].text = hy_str_make(x->parts[i].room, p->text.n);
        x->parts[i].index = hy_str_make(x->parts[i].key, n);
        return 0;
    case HY_COMPANY_DOMAIN:
        *ret_key = COMPANY_DOMAIN;
        if (hy_company_domain_read(p->text, x->parts[i].key, &x->parts[i].text) != 0)
            return hy_fail(x->diag, HY_EPARSE, "\"%.*s\" is no domain",
                           HY_STR_ARG(hy_str_slice(p->text, 0, 100)));
        if (!p->is_removed && hy_address_is_shared(x->parts[i].text))
            return hy_fail(x->diag, HY_EINVAL,
                           "at %.*s anybody has an address: it tells no company",
                           HY_STR_ARG(x->parts[i].text));
        break;
    case HY_COMPANY_ID:
        *ret_key = COMPANY_ID;
        if (hy_identity_read(HY_IDENTITY_EXTERNAL, p->text, x->parts[i].room, &x->parts[i].text,
                             x->diag) != 0)
            return HY_EPARSE;
        break;
    }
    x->parts[i].index = x->parts[i].text;
    return 0;
}

static struct hy_str *texts_of(struct hy_company_record *c, enum hy_company_part_kind kind,
                               size_t **ret_n, size_t *ret_max)
{
    switch (kind) {
    case HY_COMPANY_ALIAS:
        *ret_n = &c->n_aliases;
        *ret_max = HY_COMPANY_ALIASES_MAX;
        return c->aliases;
    case HY_COMPANY_DOMAIN:
        *ret_n = &c->n_domains;
        *ret_max = HY_COMPANY_DOMAINS_MAX;
        return c->domains;
    case HY_COMPANY_ID:
        break;
    }
    *ret_n = &c->n_ids;
    *ret_max = HY_COMPANY_IDS_MAX;
    return c->ids;
}

static const char *const part_names[] = {"name", "domain", "id"};

/* Puts a text into the record, or takes it out. HY_ELIMIT. */
static int change_text(struct hy_company_record *c, enum hy_company_part_kind kind,
                       struct hy_str text, bool is_removed)
{
    size_t *n, max, at = 0;
    struct hy_str *a = texts_of(c, kind, &n, &max);
    while (at < *n && !hy_str_eq(a[at], text))
        at++;
    if (is_removed) {
        if (at < *n)
            memmove(a + at, a + at + 1, (--*n - at) * sizeof *a);
        return 0;
    }
    if (at < *n)
        return 0;
    if (*n == max)
        return HY_ELIMIT;
    a[(*n)++] = text;
    return 0;
}

/* Whether it leads to this company now. */
static bool leads_here(struct editing *x, char part, struct hy_str index)
{
    hy_company_no has = 0;
    return x->e->no && hy_company_get_key(x->t, part, index, &has) == 0 && has == x->e->no;
}

/* The further name that is written so, or in another way that is compared alike. */
static struct hy_str alias_like(const struct hy_company_record *c, struct hy_str index,
                                struct hy_str text)
{
    char key[HY_COMPANY_KEY_MAX];
    size_t n = 0;
    for (size_t i = 0; i < c->n_aliases; i++)
        if (hy_company_fold(c->aliases[i], key, &n) == 0 && hy_str_eq(hy_str_make(key, n), index))
            return c->aliases[i];
    return text;
}

/* The former name stays as a further one; the new one is none any more. */
static int rename_it(struct editing *x)
{
    struct hy_str index = hy_str_make(x->name_key, x->name_key_n), former = x->c.name;
    char key[HY_COMPANY_KEY_MAX];
    size_t n = 0;
    x->c.name = x->e->name;
    if (!x->e->no || hy_company_fold(former, key, &n) != 0 ||
        hy_str_eq(hy_str_make(key, n), index)) /* only written in another way */
        return 0;
    struct hy_str like = alias_like(&x->c, index, HY_STR(""));
    int err = like.n ? change_text(&x->c, HY_COMPANY_ALIAS, like, true) : 0;
    return err ? err : change_text(&x->c, HY_COMPANY_ALIAS, former, false);
}

static int look_name(struct editing *x)
{
    struct hy_str name = x->e->name;
    if (name.n == 0)
        return x->e->no ? 0 : hy_fail(x->diag, HY_EINVAL, "a company needs a name");
    if (hy_str_trim(name).n != name.n || hy_company_fold(name, x->name_key, &x->name_key_n) != 0)
        return not_a_name(x, name);
    int err = taken(x, COMPANY_NAME, hy_str_make(x->name_key, x->name_key_n), "name", name);
    x->has_new_name = !err && !hy_str_eq(name, x->c.name);
    if (x->has_new_name)
        err = rename_it(x);
    return err == HY_ELIMIT
               ? hy_fail(x->diag, err, "the company has as many further names as it may have")
               : err;
}

static int look_part(struct editing *x, size_t i)
{
    const struct hy_company_part *p = &x->e->parts[i];
    char part = 0;
    int err = read_part(x, i, &part);
    if (err)
        return err;
    bool is_here = leads_here(x, part, x->parts[i].index);
    x->parts[i].is_done = is_here != p->is_removed;
    if (p->is_removed && !is_here)
        return hy_fail(x->diag, HY_ENOTFOUND, "the company has no %s %.*s", part_names[p->kind],
                       HY_STR_ARG(x->parts[i].text));
    if (!p->is_removed)
        err = taken(x, part, x->parts[i].index, part_names[p->kind], x->parts[i].text);
    if (err || x->parts[i].is_done)
        return err;
    if (p->kind == HY_COMPANY_ALIAS && p->is_removed) {
        struct hy_str like = alias_like(&x->c, x->parts[i].index, HY_STR(""));
        if (like.n == 0)
            return hy_fail(x->diag, HY_EINVAL, "%.*s is the company's name: give it another first",
                           HY_STR_ARG(x->parts[i].text));
        x->parts[i].text = like;
    }
    x->is_changed = true;
    err = change_text(&x->c, p->kind, x->parts[i].text, p->is_removed);
    return err == HY_ELIMIT ? hy_fail(x->diag, err, "the company has as many %ss as it may have",
                                      part_names[p->kind])
                            : err;
}

static int change_attr(struct hy_company_record *c, hy_attr_no no, struct hy_str value)
{
    size_t at = 0;
    while (at < c->n_attrs && c->attrs[at].no < no)
        at++;
    bool has = at < c->n_attrs && c->attrs[at].no == no;
    if (value.n == 0) {
        if (has)
            memmove(c->attrs + at, c->attrs + at + 1, (--c->n_attrs - at) * sizeof *c->attrs);
        return 0;
    }
    if (!has && c->n_attrs == HY_COMPANY_ATTRS_MAX)
        return HY_ELIMIT;
    if (!has)
        memmove(c->attrs + at + 1, c->attrs + at, (c->n_attrs++ - at) * sizeof *c->attrs);
    c->attrs[at] = (struct hy_lead_attr){no, value};
    return 0;
}

/* What the attribute is now; empty: it has none. */
static struct hy_str has_value(const struct editing *x, size_t i)
{
    for (size_t k = 0; k < x->c.n_attrs && !x->attrs[i].is_new; k++)
        if (x->c.attrs[k].no == x->attrs[i].no)
            return x->c.attrs[k].value;
    return HY_STR("");
}

static int look_attr(struct editing *x, size_t i)
{
    const struct hy_lead_edit_attr *a = &x->e->attrs[i];
    enum hy_attr_type type = HY_ATTR_TEXT;
    if (!hy_attr_name_ok(a->name))
        return hy_fail(x->diag, HY_EINVAL,
                       "attribute number %zu: its name has letters, digits, _ . - only, up to %d "
                       "bytes",
                       i + 1, HY_ATTR_NAME_MAX);
    int err = hy_attr_find(x->t, a->name, &x->attrs[i].no);
    x->attrs[i].is_new = err == HY_ENOTFOUND;
    if (!err)
        err = hy_attr_type_get(x->t, x->attrs[i].no, &type);
    if (err && !x->attrs[i].is_new)
        return err;
    if (a->value.n == 0) {
        x->is_changed |= has_value(x, i).n > 0;
        return 0;
    }
    if (a->value.n > HY_COMPANY_VALUE_MAX || !hy_str_is_utf8(a->value))
        return hy_fail(x->diag, HY_EINVAL, "attribute %.*s: no text of at most %d bytes",
                       HY_STR_ARG(a->name), HY_COMPANY_VALUE_MAX);
    if (hy_attr_type_read(type, a->value, x->attrs[i].room, &x->attrs[i].value) != 0)
        return hy_fail(x->diag, HY_EPARSE, "attribute %.*s: \"%.*s\" is not %s",
                       HY_STR_ARG(a->name), HY_STR_ARG(hy_str_slice(a->value, 0, 80)),
                       hy_attr_type_wants(type));
    x->is_changed |= !hy_str_eq(has_value(x, i), x->attrs[i].value);
    return 0;
}

static int look_attrs(struct editing *x)
{
    size_t names = 0, fresh = 0, more = 0;
    int err = hy_attr_count(x->t, &names);
    x->fault = HY_COMPANY_FAULT_ATTR;
    for (size_t i = 0; i < x->e->n_attrs && !err; i++) {
        x->fault_at = i;
        err = look_attr(x, i);
        fresh += x->attrs[i].is_new;
        more += x->attrs[i].value.n > 0;
    }
    if (!err && names + fresh > HY_ATTR_MAX)
        return hy_fail(x->diag, HY_ELIMIT, "the store knows %d names of attributes, no more go in",
                       HY_ATTR_MAX);
    if (!err && x->c.n_attrs + more > HY_COMPANY_ATTRS_MAX)
        return hy_fail(x->diag, HY_ELIMIT, "a company has at most %d attributes",
                       HY_COMPANY_ATTRS_MAX);
    return err;
}

static int look(struct editing *x)
{
    int err = 0;
    if (x->e->n_parts > HY_COMPANY_EDIT_MAX || x->e->n_attrs > HY_COMPANY_EDIT_MAX)
        return hy_fail(x->diag, HY_ELIMIT, "more than %d changes at once", HY_COMPANY_EDIT_MAX);
    if (x->e->no)
        err = hy_company_copy(x->t, x->e->no, &x->old, &x->c);
    if (err == HY_ENOTFOUND)
        return hy_fail(x->diag, err, "there is no such company");
    x->is_changed = !x->e->no || x->c.is_found;
    if (!err)
        err = look_name(x);
    x->is_changed |= x->has_new_name;
    for (size_t i = 0; i < x->e->n_parts && !err; i++) {
        x->fault = HY_COMPANY_FAULT_PART;
        x->fault_at = i;
        err = look_part(x, i);
    }
    return err ? err : look_attrs(x);
}

/* ---- writing ---- */

static int write_parts(struct editing *x)
{
    static const char keys[] = {COMPANY_NAME, COMPANY_DOMAIN, COMPANY_ID};
    int err = 0;
    for (size_t i = 0; i < x->e->n_parts && !err; i++) {
        const struct hy_company_part *p = &x->e->parts[i];
        if (x->parts[i].is_done)
            continue;
        err = p->is_removed ? hy_company_del_key(x->t, keys[p->kind], x->parts[i].index)
                            : hy_company_put_key(x->t, keys[p->kind], x->parts[i].index, x->c.no);
        if (err == HY_ENOTFOUND) /* removed twice */
            err = 0;
        if (!err && p->kind == HY_COMPANY_DOMAIN && !p->is_removed)
            err = hy_company_work_domain(x->t, x->parts[i].text);
    }
    return err;
}

static int write_attrs(struct editing *x)
{
    int err = 0;
    for (size_t i = 0; i < x->e->n_attrs && !err; i++) {
        if (x->attrs[i].is_new && x->attrs[i].value.n == 0)
            continue;
        if (x->attrs[i].is_new)
            err = hy_attr_intern(x->t, x->e->attrs[i].name, &x->attrs[i].no);
        if (!err)
            err = change_attr(&x->c, x->attrs[i].no, x->attrs[i].value);
    }
    return err;
}

static int write_all(struct editing *x)
{
    int err = 0;
    if (!x->e->no) {
        err = hy_company_next_no(x->t, &x->c.no);
        x->c.created = hy_txn_new_id(x->t);
    }
    x->c.is_found = false;
    x->c.changed = x->t->now;
    if (!err && x->has_new_name)
        err = hy_company_put_key(x->t, COMPANY_NAME, hy_str_make(x->name_key, x->name_key_n),
                                 x->c.no);
    if (!err)
        err = write_parts(x);
    if (!err)
        err = write_attrs(x);
    if (!err)
        err = hy_company_record_put(x->t, &x->c);
    if (!err && x->e->no && (x->has_new_name || x->e->n_attrs))
        err = hy_company_work_move(x->t, x->c.no, x->c.no);
    return err ? hy_txn_fail(x->t, err) : 0;
}

static int edit(struct hy_txn *t, const struct hy_company_edit *e, bool is_dry,
                struct hy_company_edit_result *ret, struct hy_diag *diag)
{
    struct editing *x = calloc(1, sizeof *x); /* too much for a thread's stack */
    if (!x)
        return HY_ENOMEM;
    x->t = t;
    x->e = e;
    x->diag = diag;
    int err = look(x);
    if (!err && x->is_changed && !is_dry)
        err = write_all(x);
    *ret = (struct hy_company_edit_result){x->c.no, !e->no, x->is_changed, x->fault, x->fault_at};
    hy_buf_free(&x->old);
    free(x);
    return err;
}

int hy_company_edit(struct hy_txn *t, const struct hy_company_edit *e,
                    struct hy_company_edit_result *ret, struct hy_diag *diag)
{
    return edit(t, e, false, ret, diag);
}

int hy_company_edit_look(struct hy_txn *t, const struct hy_company_edit *e,
                         struct hy_company_edit_result *ret, struct hy_diag *diag)
{
    return edit(t, e, true, ret, diag);
}

/* ---- which one ---- */

static int by_part(struct hy_txn *t, const struct hy_company_part *p, hy_company_no *ret)
{
    char room[HY_IDENTITY_MAX + HY_DOMAIN_MAX + 1];
    struct hy_str text;
    if (p->kind == HY_COMPANY_ID)
        return hy_identity_read(HY_IDENTITY_EXTERNAL, p->text, room, &text, NULL) == 0
                   ? hy_company_get_key(t, COMPANY_ID, text, ret)
                   : HY_ENOTFOUND;
    return hy_company_domain_read(p->text, room, &text) == 0
               ? hy_company_get_key(t, COMPANY_DOMAIN, text, ret)
               : HY_ENOTFOUND;
}

static int by_parts(struct hy_txn *t, struct hy_company_edit *e, enum hy_company_part_kind kind)
{
    int err = HY_ENOTFOUND;
    for (size_t i = 0; i < e->n_parts && err == HY_ENOTFOUND; i++)
        if (e->parts[i].kind == kind && !e->parts[i].is_removed)
            err = by_part(t, &e->parts[i], &e->no);
    return err;
}

int hy_company_edit_aim(struct hy_txn *t, struct hy_company_edit *e)
{
    int err = by_parts(t, e, HY_COMPANY_ID);
    if (err != HY_ENOTFOUND)
        return err;
    if (e->name.n == 0)
        return by_parts(t, e, HY_COMPANY_DOMAIN);
    char key[HY_COMPANY_KEY_MAX], own[HY_COMPANY_KEY_MAX];
    struct hy_company_record c;
    size_t n = 0, n_own = 0;
    err = hy_company_find(t, e->name, &e->no);
    if (!err)
        err = hy_company_read(t, e->no, &c);
    if (!err && hy_company_fold(e->name, key, &n) == 0 &&
        hy_company_fold(c.name, own, &n_own) == 0 &&
        !hy_str_eq(hy_str_make(key, n), hy_str_make(own, n_own)))
        e->name = HY_STR(""); /* a further name stays one */
    return err;
}

/* ---- one less ---- */

static int take_over(struct hy_company_record *to, const struct hy_company_record *from)
{
    int err = change_text(to, HY_COMPANY_ALIAS, from->name, false);
    for (size_t i = 0; i < from->n_aliases && !err; i++)
        err = change_text(to, HY_COMPANY_ALIAS, from->aliases[i], false);
    for (size_t i = 0; i < from->n_domains && !err; i++)
        err = change_text(to, HY_COMPANY_DOMAIN, from->domains[i], false);
    for (size_t i = 0; i < from->n_ids && !err; i++)
        err = change_text(to, HY_COMPANY_ID, from->ids[i], false);
    for (size_t i = 0; i < from->n_attrs && !err; i++) {
        bool has = false;
        for (size_t j = 0; j < to->n_attrs; j++)
            has = has || to->attrs[j].no == from->attrs[i].no;
        if (!has)
            err = change_attr(to, from->attrs[i].no, from->attrs[i].value);
    }
    to->is_found = false;
    return err;
}

static int put_keys(struct hy_txn *t, const struct hy_company_record *c)
{
    char key[HY_COMPANY_KEY_MAX];
    size_t n = 0;
    int err = 0;
    for (size_t i = 0; i < c->n_aliases && !err; i++) {
        err = hy_company_fold(c->aliases[i], key, &n);
        if (!err)
            err = hy_company_put_key(t, COMPANY_NAME, hy_str_make(key, n), c->no);
    }
    for (size_t i = 0; i < c->n_domains && !err; i++)
        err = hy_company_put_key(t, COMPANY_DOMAIN, c->domains[i], c->no);
    for (size_t i = 0; i < c->n_ids && !err; i++)
        err = hy_company_put_key(t, COMPANY_ID, c->ids[i], c->no);
    return err;
}

int hy_company_drop(struct hy_txn *t, hy_company_no no, hy_company_no into, struct hy_diag *diag)
{
    struct hy_company_record *both = calloc(2, sizeof *both);
    struct hy_buf rooms[2] = {{0}, {0}};
    int err = both ? hy_company_copy(t, no, &rooms[0], &both[0]) : HY_ENOMEM;
    if (!err && into)
        err = no == into ? HY_EINVAL : hy_company_copy(t, into, &rooms[1], &both[1]);
    if (!err && into)
        err = take_over(&both[1], &both[0]);
    if (err == HY_EINVAL)
        err = hy_fail(diag, err, "both are the same company");
    if (err == HY_ELIMIT)
        err = hy_fail(diag, err,
                      "together they have more names, domains, ids or attributes than a "
                      "company may have");
    if (err)
        goto done;
    both[1].changed = t->now;
    err = hy_company_forget(t, no);
    if (!err && into)
        err = put_keys(t, &both[1]);
    if (!err && into)
        err = hy_company_record_put(t, &both[1]);
    if (!err)
        err = hy_company_work_move(t, no, into);
    err = err ? hy_txn_fail(t, err) : 0;
done:
    hy_buf_free(&rooms[0]);
    hy_buf_free(&rooms[1]);
    free(both);
    return err;
}
