/* One lead made or changed: everything is looked at before anything is written, so that an edit
 * that cannot be done leaves the transaction to others as it was. */
#include "hayauma/store/lead_edit.h"

#include <stdlib.h>

#include "company_choice.h"
#include "hayauma/mail/address.h"
#include "hayauma/model/activity.h"
#include "hayauma/store/attr_type.h"
#include "hayauma/store/lead_alias.h"
#include "hayauma/store/opt_in.h"

struct typed_attr {
    hy_attr_no no;
    bool is_new;         /* the name has no number yet */
    struct hy_str value; /* as it is kept */
    char room[HY_ATTR_TYPED_MAX];
};

struct edit {
    struct hy_txn *t;
    const struct hy_lead_edit *e;
    struct hy_diag *diag;
    struct hy_address address; /* n: 0 when none was given */
    struct hy_identity identities[HY_LEAD_EDIT_IDS_MAX];
    char rooms[HY_LEAD_EDIT_IDS_MAX][HY_IDENTITY_MAX];
    struct typed_attr attrs[HY_LEAD_EDIT_MAX];
    hy_list_no lists[HY_LEAD_EDIT_MAX];
    bool is_double[HY_LEAD_EDIT_MAX];
    struct hy_lead_edit_result r;
    struct lead_record record; /* as it was; its strings lie in `old` */
    struct attr_set before, after;
    struct hy_buf old;
    struct company_choice company;
    bool has_new_address;
    bool is_elsewhere; /* mail goes to another address than before */
};

/* ---- looking ---- */

static int read_address(struct edit *x)
{
    const struct hy_address_rules rules = {.allow_literal = true, .allow_single = true};
    enum hy_address_reason why;
    if (x->e->address.n == 0)
        return 0;
    if (hy_address_parse(x->e->address, &rules, &x->address, &why) != 0)
        return hy_fail(x->diag, HY_EPARSE, "address: %s", hy_address_reason_text(why));
    return 0;
}

static int read_identities(struct edit *x)
{
    for (size_t i = 0; i < x->e->n_identities; i++) {
        const struct hy_identity *said = &x->e->identities[i].identity;
        x->identities[i].kind = said->kind;
        int err = hy_identity_read(said->kind, said->value, x->rooms[i], &x->identities[i].value,
                                   x->diag);
        if (err)
            return err;
    }
    return 0;
}

/* `what` names lead `no`, as what was said before should. */
static int agree(struct edit *x, const char *what, hy_lead_no no)
{
    if (x->r.lead && x->r.lead != no)
        return hy_fail(x->diag, HY_EEXIST, "%s is of lead %u, the rest names lead %u: merge them",
                       what, no, x->r.lead);
    x->r.lead = no;
    return 0;
}

static int find_by_identities(struct edit *x)
{
    for (size_t i = 0; i < x->e->n_identities; i++) {
        char text[HY_IDENTITY_TEXT_MAX];
        hy_lead_no no = 0;
        int err = hy_identity_find(x->t, &x->identities[i], &no);
        if (err == HY_ENOTFOUND && x->identities[i].kind == HY_IDENTITY_ADDRESS)
            err = hy_lead_find(x->t, x->identities[i].value, &no);
        if (err == HY_ENOTFOUND)
            continue;
        if (!err && x->e->identities[i].is_removed && no != x->r.lead)
            continue; /* another lead's is no business of this one */
        if (!err)
            err = agree(x, hy_identity_text(&x->identities[i], text), no);
        if (err)
            return err;
    }
    return 0;
}

static int find_lead(struct edit *x)
{
    struct lead_record r;
    int err = 0;
    if (x->e->lead) {
        err = hy_lead_record_get(x->t, x->e->lead, &r);
        if (err)
            return err == HY_ENOTFOUND ? hy_fail(x->diag, err, "there is no lead %u", x->e->lead)
                                       : err;
        err = hy_lead_kept(x->t, x->e->lead, &x->r.lead); /* it may be a part of another by now */
    }
    if (!err && x->address.n) {
        hy_lead_no no = 0;
        err = hy_lead_find(x->t, hy_address_wire(&x->address), &no);
        if (!err)
            err = agree(x, x->address.wire, no);
        else if (err == HY_ENOTFOUND)
            err = 0;
        x->has_new_address = no == 0;
    }
    return err ? err : find_by_identities(x);
}

static int check_mode(struct edit *x)
{
    if (x->r.lead && x->e->mode == HY_LEAD_EDIT_NEW)
        return hy_fail(x->diag, HY_EEXIST, "it is there already: lead %u", x->r.lead);
    if (x->r.lead)
        return 0;
    if (x->e->mode == HY_LEAD_EDIT_CHANGE)
        return hy_fail(x->diag, HY_ENOTFOUND, "there is no such lead");
    if (x->address.n)
        return 0;
    for (size_t i = 0; i < x->e->n_identities; i++)
        if (!x->e->identities[i].is_removed)
            return 0;
    return hy_fail(x->diag, HY_EINVAL,
                   "a new lead needs an address or an id by which it is found again");
}

/* The record as it is; of a new lead, an empty one. */
static int load(struct edit *x)
{
    uint8_t key[4];
    struct hy_str value;
    if (x->r.lead == 0) {
        x->r.is_new = true;
        return 0;
    }
    int err = hy_get(x->t, HY_TABLE_LEADS, lead_key(x->r.lead, key), &value);
    if (err)
        return err;
    hy_buf_add_str(&x->old, value); /* views die with the first write */
    err = x->old.err ? x->old.err : hy_lead_record_read(hy_buf_str(&x->old), &x->record);
    struct hy_str packed = x->record.attrs;
    while (!err && packed.n) {
        if (x->before.n == HY_ATTR_MAX)
            return HY_ECORRUPT;
        err = hy_lead_attr_next(&packed, &x->before.a[x->before.n++]);
    }
    if (!err && x->address.n && x->e->lead && !x->has_new_address &&
        !hy_str_eq(x->record.address, hy_address_wire(&x->address)))
        x->has_new_address = true; /* one of its further ones becomes the first */
    return err;
}

static int check_attrs(struct edit *x)
{
    size_t n = 0, fresh = 0;
    int err = hy_attr_count(x->t, &n);
    for (size_t i = 0; i < x->e->n_attrs && !err; i++) {
        const struct hy_lead_edit_attr *a = &x->e->attrs[i];
        struct typed_attr *to = &x->attrs[i];
        enum hy_attr_type type = HY_ATTR_TEXT;
        if (!hy_attr_name_ok(a->name))
            return hy_fail(x->diag, HY_EINVAL,
                           "attribute number %zu: its name has letters, digits, _ . - only, up to "
                           "%d bytes",
                           i + 1, HY_ATTR_NAME_MAX);
        err = hy_attr_find(x->t, a->name, &to->no);
        to->is_new = err == HY_ENOTFOUND;
        fresh += to->is_new;
        if (!err)
            err = hy_attr_type_get(x->t, to->no, &type);
        if (to->is_new)
            err = 0;
        if (err || a->value.n == 0)
            continue;
        if (a->value.n > HY_ATTR_VALUE_MAX || !hy_str_is_utf8(a->value))
            return hy_fail(x->diag, HY_EINVAL, "attribute %.*s: no text of at most %d bytes",
                           HY_STR_ARG(a->name), HY_ATTR_VALUE_MAX);
        if (hy_attr_type_read(type, a->value, to->room, &to->value) != 0)
            return hy_fail(x->diag, HY_EPARSE, "attribute %.*s: \"%.*s\" is not %s",
                           HY_STR_ARG(a->name), HY_STR_ARG(hy_str_slice(a->value, 0, 80)),
                           hy_attr_type_wants(type));
    }
    if (!err && n + fresh > HY_ATTR_MAX)
        return hy_fail(x->diag, HY_ELIMIT, "the store knows %d names of attributes, no more go in",
                       HY_ATTR_MAX);
    return err;
}

static int count_label(void *ctx, const struct hy_label *l)
{
    (void)l;
    ++*(size_t *)ctx;
    return 0;
}

/* Those that the edit brings, with the first address that becomes a further one. An edit that
 * brings none is never refused; visitors have room of their own. */
static int check_identities(struct edit *x)
{
    size_t n = 0, more = x->has_new_address && x->record.address.n;
    int err = 0;
    for (size_t i = 0; i < x->e->n_identities && !err; i++) {
        const struct hy_identity *id = &x->identities[i];
        hy_lead_no has = 0;
        if (x->e->identities[i].is_removed || id->kind == HY_IDENTITY_VISITOR)
            continue;
        err = hy_identity_find(x->t, id, &has);
        if (err == HY_ENOTFOUND && id->kind == HY_IDENTITY_ADDRESS)
            err = hy_lead_find(x->t, id->value, &has);
        more += err == HY_ENOTFOUND;
        err = err == HY_ENOTFOUND ? 0 : err;
    }
    if (!err && more && x->r.lead)
        err = hy_identity_count(x->t, x->r.lead, &n);
    if (!err && more && n + more > HY_IDENTITIES_MAX)
        return hy_fail(x->diag, HY_ELIMIT, "a lead has at most %d ids", HY_IDENTITIES_MAX);
    return err;
}

static int check_labels(struct edit *x)
{
    size_t n = 0;
    int err = x->r.lead ? hy_lead_labels(x->t, x->r.lead, count_label, &n) : 0;
    for (size_t i = 0; i < x->e->n_labels && !err; i++) {
        const struct hy_lead_edit_label *l = &x->e->labels[i];
        if (!hy_label_name_ok(l->name))
            return hy_fail(x->diag, HY_EINVAL,
                           "a tag or group has 1 to %d bytes of text without blanks at its ends",
                           HY_LABEL_NAME_MAX);
        err = l->is_removed ? 0 : hy_label_room(x->t, l->kind, l->name);
        if (err == HY_ELIMIT)
            return hy_fail(x->diag, err, "the store knows %d names of them, no more go in",
                           HY_LABELS_MAX);
        n += !l->is_removed;
    }
    if (!err && n > HY_LEAD_LABELS_MAX)
        return hy_fail(x->diag, HY_ELIMIT, "more than %d tags and groups", HY_LEAD_LABELS_MAX);
    return err;
}

static int check_lists(struct edit *x)
{
    for (size_t i = 0; i < x->e->n_lists; i++) {
        struct hy_list_view l;
        int err = hy_list_find(x->t, x->e->lists[i].name, &x->lists[i]);
        if (!err)
            err = hy_list_read(x->t, x->lists[i], &l);
        if (err == HY_ENOTFOUND)
            return hy_fail(x->diag, err, "there is no list %.*s",
                           HY_STR_ARG(hy_str_slice(x->e->lists[i].name, 0, HY_LIST_NAME_MAX)));
        if (err)
            return err;
        x->is_double[i] = l.rules.opt_in == HY_LIST_OPT_IN_DOUBLE && !x->e->lists[i].is_confirmed;
        if (x->is_double[i] && !x->e->lists[i].is_left && !x->address.n && !x->record.address.n)
            return hy_fail(x->diag, HY_EINVAL,
                           "list %.*s asks by mail whether one wants to join, and the lead has no "
                           "address",
                           HY_STR_ARG(l.name));
    }
    return 0;
}

static int look(struct edit *x)
{
    const struct hy_lead_edit *e = x->e;
    if (e->n_attrs > HY_LEAD_EDIT_MAX || e->n_labels > HY_LEAD_EDIT_MAX ||
        e->n_identities > HY_LEAD_EDIT_IDS_MAX || e->n_lists > HY_LEAD_EDIT_MAX)
        return hy_fail(x->diag, HY_ELIMIT, "more than %d ids, or more than %d of something else",
                       HY_LEAD_EDIT_IDS_MAX, HY_LEAD_EDIT_MAX);
    if (e->url.n > HY_OPT_IN_TEXT_MAX || e->proof.n > HY_OPT_IN_TEXT_MAX ||
        e->by.n > HY_ACTIVITY_SOURCE_MAX)
        return hy_fail(x->diag, HY_ELIMIT, "the page or the proof has more than %d bytes",
                       HY_OPT_IN_TEXT_MAX);
    int err = read_address(x);
    if (!err)
        err = read_identities(x);
    if (!err)
        err = find_lead(x);
    if (!err)
        err = check_mode(x);
    if (!err)
        err = load(x);
    if (!err)
        err = check_attrs(x);
    if (!err)
        err = check_labels(x);
    if (!err)
        err = check_lists(x);
    if (!err)
        err = check_identities(x);
    return err;
}

/* ---- writing ---- */

/* Puts, replaces or (empty value) takes away. Whether that changed anything. */
static bool set_attr(struct attr_set *s, hy_attr_no no, struct hy_str value, bool is_filling)
{
    size_t at = 0;
    while (at < s->n && s->a[at].no < no)
        at++;
    bool has = at < s->n && s->a[at].no == no;
    if (has ? is_filling || hy_str_eq(s->a[at].value, value) : value.n == 0)
        return false;
    if (value.n == 0) {
        memmove(s->a + at, s->a + at + 1, (s->n - at - 1) * sizeof *s->a);
        s->n--;
        return true;
    }
    if (!has) {
        memmove(s->a + at + 1, s->a + at, (s->n - at) * sizeof *s->a);
        s->n++;
    }
    s->a[at] = (struct hy_lead_attr){no, value};
    return true;
}

static int write_attrs(struct edit *x)
{
    x->after = x->before;
    for (size_t i = 0; i < x->e->n_attrs; i++) {
        struct typed_attr *a = &x->attrs[i];
        if (a->is_new && a->value.n) {
            int err = hy_attr_intern(x->t, x->e->attrs[i].name, &a->no);
            if (err)
                return err;
            a->is_new = false;
        }
        if (!a->is_new && set_attr(&x->after, a->no, a->value, x->e->is_filling))
            x->r.what |= HY_LEAD_ATTRIBUTES;
    }
    return 0;
}

static int index_address(struct edit *x, struct hy_str key, bool is_dropped)
{
    struct hy_hash_key k = hy_lead_hash_key(x->t->env);
    struct index_entry e = {hy_lead_hash(&k, key), x->r.lead};
    return is_dropped ? hy_lead_index_drop(x->t, e.hash, e.lead) : hy_lead_index_add(x->t, &e, 1);
}

/* The address becomes the lead's first; the one that it had, a further one. */
static int write_address(struct edit *x)
{
    char key[HY_ADDRESS_KEY_MAX];
    size_t key_n = 0;
    hy_domain_no was = x->record.domain;
    const struct hy_identity old = {HY_IDENTITY_ADDRESS, x->record.address},
                             new = {HY_IDENTITY_ADDRESS, hy_address_wire(&x->address)};
    int err = 0;
    if (!x->has_new_address)
        return 0;
    if (old.value.n) {
        err = hy_address_wire_key(old.value, key, &key_n) == 0 ? 0 : HY_ECORRUPT;
        if (!err && hy_str_eq(hy_str_make(key, key_n), hy_address_key(&x->address)))
            goto store; /* only written in another way */
        if (!err)
            err = index_address(x, hy_str_make(key, key_n), true);
        if (!err)
            err = hy_identity_put(x->t, &old, x->r.lead);
    }
    if (!err)
        err = hy_identity_del(x->t, &new);
    if (!err || err == HY_ENOTFOUND)
        err = index_address(x, hy_address_key(&x->address), false);
    if (!err)
        err = hy_domain_intern(x->t, hy_address_domain(&x->address), &x->record.domain);
    if (!err && !x->r.is_new)
        err = hy_list_move(x->t, x->r.lead, was, x->record.domain);
    if (err)
        return err;
    x->is_elsewhere = !x->r.is_new;
store:
    x->record.address = new.value;
    x->r.what |= HY_LEAD_ADDRESSES;
    return 0;
}

/* The company follows the attribute, the attribute of a new lead or address its domain. */
static int choose_company(struct edit *x)
{
    hy_company_no by_domain = 0;
    int err = hy_company_choice_begin(x->t, &x->company);
    if (!err && (x->r.is_new || x->has_new_address))
        err = hy_company_of_domain(x->t, hy_wire_domain(x->record.address), &by_domain);
    if (!err || err == HY_ENOTFOUND)
        err = hy_company_choose(x->t, &x->company, &x->before, &x->after, by_domain);
    if (x->company.is_meant)
        x->r.what |= HY_LEAD_ATTRIBUTES;
    return err;
}

static int write_record(struct edit *x)
{
    int err = 0;
    if (x->r.is_new) {
        err = hy_lead_next_no(x->t, &x->r.lead);
        x->record.created = hy_txn_new_id(x->t);
        x->r.what |= HY_LEAD_CREATED;
    }
    if (!err)
        err = write_attrs(x);
    if (!err)
        err = write_address(x);
    if (!err)
        err = choose_company(x);
    if (!err && x->r.what)
        err = hy_lead_record_put(x->t, x->r.lead, &x->record, x->after.a, x->after.n,
                                 x->r.is_new ? HY_PUT_APPEND : HY_PUT_SET);
    if (!err && x->is_elsewhere)
        err = hy_opt_in_move(x->t, x->r.lead);
    return err ? err : hy_company_chosen(x->t, &x->company, x->r.lead);
}

static int write_identities(struct edit *x)
{
    int err = 0;
    for (size_t i = 0; i < x->e->n_identities && !err; i++) {
        const struct hy_identity *id = &x->identities[i];
        hy_lead_no has = 0;
        int found = hy_identity_find(x->t, id, &has);
        if (found && found != HY_ENOTFOUND)
            return found;
        if (x->e->identities[i].is_removed) {
            if (!found && has == x->r.lead) {
                err = hy_identity_del(x->t, id);
                x->r.what |= HY_LEAD_ADDRESSES;
            }
            continue;
        }
        if (!found || (id->kind == HY_IDENTITY_ADDRESS && hy_lead_find(x->t, id->value, &has) == 0))
            continue; /* it has it already, or as its first address */
        err = hy_identity_put(x->t, id, x->r.lead);
        x->r.what |= HY_LEAD_ADDRESSES;
    }
    return err;
}

static int write_labels(struct edit *x)
{
    int err = 0;
    for (size_t i = 0; i < x->e->n_labels && !err; i++) {
        const struct hy_lead_edit_label *l = &x->e->labels[i];
        hy_label_no no = 0;
        bool changed = false;
        if (l->is_removed) {
            err = hy_label_find(x->t, l->kind, l->name, &no);
            if (!err)
                err = hy_lead_unlabel(x->t, x->r.lead, l->kind, no, &changed);
            err = err == HY_ENOTFOUND ? 0 : err;
        } else {
            err = hy_label_intern(x->t, l->kind, l->name, &no);
            if (!err)
                err = hy_lead_label(x->t, x->r.lead, l->kind, no, &changed);
        }
        if (changed)
            x->r.what |= l->kind == HY_LABEL_TAG ? HY_LEAD_TAGS : HY_LEAD_GROUPS;
    }
    return err;
}

static int ask_to_join(struct edit *x, hy_list_no list)
{
    struct hy_opt_in o = {
        .list = list, .lead = x->r.lead, .by = x->e->by, .url = x->e->url, .proof = x->e->proof};
    bool has = false;
    int err = hy_list_has(x->t, list, x->record.domain, x->r.lead, &has);
    if (err || has)
        return err;
    memcpy(o.ip, x->e->ip, sizeof o.ip);
    x->r.pending++;
    return hy_opt_in_ask(x->t, &o);
}

static int write_lists(struct edit *x)
{
    struct hy_list_deed d = {.by = x->e->by, .url = x->e->url, .meta = x->e->proof};
    int err = 0;
    memcpy(d.ip, x->e->ip, sizeof d.ip);
    for (size_t i = 0; i < x->e->n_lists && !err; i++) {
        bool changed = false;
        if (x->e->lists[i].is_left)
            err = hy_list_leave(x->t, x->lists[i], x->r.lead, &d, &changed);
        else if (x->is_double[i])
            err = ask_to_join(x, x->lists[i]);
        else
            err = hy_list_enter(x->t, x->lists[i], x->r.lead, &d, &changed);
        if (changed)
            x->r.what |= HY_LEAD_LISTS;
    }
    return err;
}

static int write_all(struct edit *x)
{
    int err = write_record(x);
    if (!err)
        err = write_identities(x);
    if (!err)
        err = write_labels(x);
    if (!err)
        err = write_lists(x);
    if (!err && x->r.what)
        err = hy_lead_changed(x->t, x->r.what, &x->r.lead, 1);
    return err ? hy_txn_fail(x->t, err) : 0;
}

static int run(struct hy_txn *t, const struct hy_lead_edit *e, bool only_look,
               struct hy_lead_edit_result *ret, struct hy_diag *diag)
{
    struct edit *x = calloc(1, sizeof *x); /* too much for a thread's stack */
    if (!x)
        return HY_ENOMEM;
    x->t = t;
    x->e = e;
    x->diag = diag;
    x->old = HY_BUF_INIT(LEAD_RECORD_MAX);
    int err = look(x);
    if (!err && !only_look)
        err = write_all(x);
    if (!err)
        *ret = x->r;
    hy_buf_free(&x->old);
    free(x);
    return err;
}

int hy_lead_edit(struct hy_txn *t, const struct hy_lead_edit *e, struct hy_lead_edit_result *ret,
                 struct hy_diag *diag)
{
    return run(t, e, false, ret, diag);
}

int hy_lead_edit_look(struct hy_txn *t, const struct hy_lead_edit *e,
                      struct hy_lead_edit_result *ret, struct hy_diag *diag)
{
    return run(t, e, true, ret, diag);
}
