/* What people say on the page behind "unsubscribe".
 *
 * "No more mail" is an entry of the suppression list for the stream of marketing mail, as an
 * unsubscribe by mail makes one. Leaving a list is an entry for that list, which an import cannot
 * undo, and the place on it goes; who left it here may join it again here. */
#include "hayauma/store/wish.h"

#include <stdlib.h>
#include <string.h>

#include "hayauma/base/list.h"
#include "hayauma/store/activity.h"
#include "hayauma/store/consent.h"
#include "hayauma/store/lead_alias.h"
#include "hayauma/store/lead_edit.h"
#include "hayauma/store/opt_in.h"
#include "lead_priv.h"

#define PURPOSE  HY_STR("marketing")
#define LANGUAGE HY_STR("language")

struct person {
    hy_domain_no domain;
    size_t n;
    char address[HY_ADDRESS_MAX + 1]; /* views die with the first write */
};

static int find_person(struct hy_txn *t, hy_lead_no no, struct person *ret)
{
    struct lead_record lead;
    int err = hy_lead_record_get(t, no, &lead);
    if (err)
        return err;
    if (lead.address.n > HY_ADDRESS_MAX)
        return HY_ECORRUPT;
    ret->domain = lead.domain;
    ret->n = lead.address.n;
    memcpy(ret->address, lead.address.p, lead.address.n);
    return 0;
}

/* ---- entries of the suppression list ---- */

/* Of all marketing mail (list 0), or of one list. */
static struct hy_suppress_key key_of(uint32_t suppressor, hy_list_no list)
{
    struct hy_suppress_key k = {.scope = HY_SUPPRESS_STREAM,
                                .tenant = suppressor,
                                .no = HY_STREAM_MARKETING,
                                .reason = HY_SUPPRESS_UNSUBSCRIBE};
    if (list) {
        k.scope = HY_SUPPRESS_LIST;
        k.no = list;
    }
    return k;
}

/* *did: it was not there. A person without an address gets no mail that could be kept away. */
static int suppress(struct hy_txn *t, const struct person *p, struct hy_suppress_key key,
                    struct hy_str source, bool *did)
{
    struct hy_suppress_entry e = {.key = key,
                                  .what = hy_str_make(p->address, p->n),
                                  .source = source,
                                  .by = HY_STR("person")};
    enum hy_suppress_did what = HY_SUPPRESS_SAME;
    int err = p->n ? hy_suppress_put(t, &e, &what) : 0;
    *did = what == HY_SUPPRESS_ADDED;
    return err == HY_EPARSE ? 0 : err;
}

static int withdraw(struct hy_txn *t, const struct person *p, struct hy_suppress_key key,
                    struct hy_str source, bool *did)
{
    int err =
        p->n ? hy_suppress_id_of(t->env, hy_str_make(p->address, p->n), &key.id) : HY_ENOTFOUND;
    if (!err)
        err = hy_suppress_del(t, &key, HY_STR("person"), source);
    *did = err == 0;
    return err == HY_ENOTFOUND || err == HY_EPARSE ? 0 : err;
}

/* ---- what is noted ---- */

static int note(struct hy_txn *t, const struct hy_wish *w, const struct person *p,
                enum hy_activity_kind kind, struct hy_str list)
{
    struct hy_activity a = {.kind = kind,
                            .tenant = w->tenant,
                            .campaign = w->campaign,
                            .lead = w->lead,
                            .domain = p->domain,
                            .address = hy_str_make(p->address, p->n),
                            .source = w->source,
                            .text = list,
                            .agent = w->agent};
    memcpy(a.ip, w->ip, sizeof a.ip);
    return hy_activity_put(t, &a);
}

static int prove(struct hy_txn *t, const struct hy_wish *w, enum hy_consent_what what,
                 enum hy_consent_how how, hy_list_no list)
{
    struct hy_consent c = {.lead = w->lead,
                           .what = what,
                           .how = how,
                           .list = list,
                           .purpose = PURPOSE,
                           .by = HY_STR("person"),
                           .source = w->source,
                           .agent = hy_str_slice(w->agent, 0, HY_CONSENT_AGENT_MAX)};
    memcpy(c.ip, w->ip, sizeof c.ip);
    return hy_consent_put(t, &c);
}

/* ---- wishes ---- */

static int leave(struct hy_txn *t, struct hy_wish *w, const struct person *p)
{
    struct hy_suppress_key key = key_of(w->suppressor, 0);
    if (w->campaign == 0) /* nobody knows whose mail it was: then nobody sends any more */
        key = (struct hy_suppress_key){.scope = HY_SUPPRESS_ALL, .reason = HY_SUPPRESS_UNSUBSCRIBE};
    int err = suppress(t, p, key, w->source, &w->has_changed);
    if (!err && w->has_changed)
        err = note(t, w, p, HY_ACTIVITY_UNSUBSCRIBE, HY_STR(""));
    if (!err && w->has_changed)
        err = prove(t, w, HY_CONSENT_WITHDRAWN, HY_CONSENT_UNSUBSCRIBE, 0);
    return err;
}

static int come_back(struct hy_txn *t, struct hy_wish *w, const struct person *p)
{
    const struct hy_suppress_key all = {.scope = HY_SUPPRESS_ALL,
                                        .reason = HY_SUPPRESS_UNSUBSCRIBE};
    bool was_all = false;
    int err = withdraw(t, p, key_of(w->suppressor, 0), w->source, &w->has_changed);
    if (!err)
        err = withdraw(t, p, all, w->source, &was_all);
    w->has_changed |= was_all;
    if (!err && w->has_changed)
        err = note(t, w, p, HY_ACTIVITY_RESUBSCRIBE, HY_STR(""));
    if (!err && w->has_changed)
        err = prove(t, w, HY_CONSENT_GIVEN, HY_CONSENT_PREFERENCES, 0);
    return err;
}

static int list_name(struct hy_txn *t, hy_list_no no, char room[HY_LIST_NAME_MAX],
                     struct hy_str *ret)
{
    struct hy_list_view l;
    int err = hy_list_read(t, no, &l);
    if (err)
        return err;
    memcpy(room, l.name.p, l.name.n);
    *ret = hy_str_make(room, l.name.n);
    return 0;
}

static int leave_list(struct hy_txn *t, const struct hy_wish *w, const struct person *p,
                      hy_list_no no, struct hy_str name, bool *did)
{
    struct hy_list_deed deed = {.by = w->source, .agent = w->agent};
    bool was_entered = false, is_member = false;
    memcpy(deed.ip, w->ip, sizeof deed.ip);
    int err = hy_list_has(t, no, p->domain, w->lead, &is_member);
    if (err || !is_member)
        return err;
    err = suppress(t, p, key_of(w->suppressor, no), w->source, &was_entered);
    if (!err)
        err = hy_list_leave(t, no, w->lead, &deed, did);
    if (!err)
        err = note(t, w, p, HY_ACTIVITY_UNSUBSCRIBE, name);
    return err ? err : prove(t, w, HY_CONSENT_WITHDRAWN, HY_CONSENT_PREFERENCES, no);
}

static int join_list(struct hy_txn *t, const struct hy_wish *w, const struct person *p,
                     hy_list_no no, struct hy_str name, bool *did)
{
    struct hy_list_deed deed = {.by = w->source, .agent = w->agent};
    bool is_new = false;
    memcpy(deed.ip, w->ip, sizeof deed.ip);
    int err = withdraw(t, p, key_of(w->suppressor, no), w->source, did);
    if (err || !*did) /* who did not leave it here has nothing to join again */
        return err;
    err = hy_list_enter(t, no, w->lead, &deed, &is_new);
    if (!err)
        err = note(t, w, p, HY_ACTIVITY_RESUBSCRIBE, name);
    return err ? err : prove(t, w, HY_CONSENT_GIVEN, HY_CONSENT_PREFERENCES, no);
}

static int set_language(struct hy_txn *t, const struct hy_wish *w)
{
    const struct hy_lead_edit_attr attr = {LANGUAGE, w->language};
    const struct hy_lead_edit e = {.mode = HY_LEAD_EDIT_CHANGE,
                                   .lead = w->lead,
                                   .attrs = &attr,
                                   .n_attrs = 1,
                                   .by = w->source};
    struct hy_lead_edit_result done;
    return w->language.n ? hy_lead_edit(t, &e, &done, NULL) : 0;
}

static int choose(struct hy_txn *t, struct hy_wish *w, const struct person *p)
{
    char room[HY_LIST_NAME_MAX];
    struct hy_str name;
    int err = w->language.n > HY_WISH_LANGUAGE_MAX || w->n_lists > HY_WISH_LISTS_MAX
                  ? HY_ELIMIT
                  : set_language(t, w);
    for (size_t i = 0; i < w->n_lists && !err; i++) {
        const struct hy_wish_list *l = &w->lists[i];
        bool did = false;
        err = list_name(t, l->no, room, &name);
        if (err == HY_ENOTFOUND) {
            err = 0;
            continue;
        }
        if (!err)
            err = l->is_wanted ? join_list(t, w, p, l->no, name, &did)
                               : leave_list(t, w, p, l->no, name, &did);
        w->has_changed |= did;
    }
    return err;
}

int hy_wish_put(struct hy_txn *t, struct hy_wish *w)
{
    struct person p;
    w->has_changed = false;
    int err = hy_lead_kept(t, w->lead, &w->lead);
    if (!err)
        err = find_person(t, w->lead, &p);
    if (err)
        return err;
    err = w->kind == HY_WISH_LEAVE    ? leave(t, w, &p)
          : w->kind == HY_WISH_RETURN ? come_back(t, w, &p)
                                      : choose(t, w, &p);
    if (!err && w->has_changed)
        err = hy_lead_changed(t, w->kind == HY_WISH_CHOOSE ? HY_LEAD_LISTS : HY_LEAD_ADDRESSES,
                              &w->lead, 1);
    return err;
}

static int apply(struct hy_write_req *req, struct hy_txn *t)
{
    struct hy_wish_job *j = hy_container_of(req, struct hy_wish_job, req);
    return hy_wish_put(t, &j->wish);
}

void hy_wish_job_init(struct hy_wish_job *j)
{
    /* A person's command: also while the disk is low. */
    *j = (struct hy_wish_job){.req = {.class = HY_WRITE_ADMIN,
                                      .when = HY_WRITE_NOW,
                                      .on_full = HY_WRITE_FULL_FAIL,
                                      .apply = apply}};
}

/* ---- how it is ---- */

struct entries {
    struct hy_txn *t;
    uint32_t suppressor;
    struct hy_wishes *ret;
};

/* By their numbers, so that boxes keep their places. */
static void add_list(struct hy_wishes *w, hy_list_no no, struct hy_str name, bool is_wanted)
{
    size_t at = 0;
    while (at < w->n_lists && w->lists[at].no < no)
        at++;
    if (w->n_lists == HY_WISH_LISTS_MAX || (at < w->n_lists && w->lists[at].no == no))
        return;
    memmove(&w->lists[at + 1], &w->lists[at], (w->n_lists - at) * sizeof w->lists[0]);
    w->n_lists++;
    w->lists[at].no = no;
    w->lists[at].name = name;
    w->lists[at].is_wanted = is_wanted;
}

static int each_entry(void *ctx, const struct hy_suppress_entry *e)
{
    struct entries *x = ctx;
    struct hy_list_view l;
    if (e->key.reason != HY_SUPPRESS_UNSUBSCRIBE ||
        (e->key.scope != HY_SUPPRESS_ALL && e->key.tenant != x->suppressor))
        return 0;
    if (e->key.scope != HY_SUPPRESS_LIST)
        x->ret->has_left = true;
    else if (hy_list_read(x->t, e->key.no, &l) == 0)
        add_list(x->ret, l.no, l.name, false);
    return 0;
}

static int find_lists(struct hy_txn *t, hy_lead_no lead, hy_domain_no domain, struct hy_wishes *w)
{
    struct hy_list_view l = {0};
    int err = 0;
    for (int i = 0; i < HY_WISH_LOOKED_MAX && !err; i++) {
        bool has = false;
        err = hy_list_next(t, l.no, &l);
        if (!err)
            err = hy_list_has(t, l.no, domain, lead, &has);
        if (!err && has)
            add_list(w, l.no, l.name, true);
    }
    return err == HY_ENOTFOUND ? 0 : err;
}

int hy_wishes_of(struct hy_txn *t, hy_lead_no lead, uint32_t suppressor, struct hy_wishes *ret)
{
    static const size_t attrs_max = HY_ATTR_MAX;
    struct hy_lead_attr *attrs = calloc(attrs_max, sizeof *attrs);
    struct entries x = {t, suppressor, ret};
    struct hy_suppress_id id;
    struct hy_lead_view view;
    hy_attr_no language;
    *ret = (struct hy_wishes){0};
    int err = attrs ? hy_lead_kept(t, lead, &lead) : HY_ENOMEM;
    if (!err)
        err = hy_lead_read(t, lead, attrs, attrs_max, &view);
    if (!err) {
        ret->address = view.address;
        bool has = hy_attr_find(t, LANGUAGE, &language) == 0;
        for (size_t i = 0; has && i < view.n_attrs; i++)
            if (attrs[i].no == language)
                ret->language = attrs[i].value;
    }
    if (!err && view.address.n && hy_suppress_id_of(t->env, view.address, &id) == 0)
        err = hy_suppress_each(t, id, each_entry, &x);
    if (!err)
        err = find_lists(t, lead, view.domain_no, ret);
    free(attrs);
    return err;
}
