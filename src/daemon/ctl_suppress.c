/* suppress.add, .remove, .show, .list: the suppression list by hand. On threads of their own: a
 * list may be long, and the writer takes its time. */
#include <stdlib.h>

#include "ctl_common.h"
#include "hayauma/base/list.h"
#include "hayauma/web/suppress_json.h"

enum {
    ADDRESSES_MAX = 1000, /* of one call */
    KEYS_MAX = 64,        /* entries of one address that a removal looks at */
    WALKED_MAX = 200000,  /* rows that one page of a listing looks at */
    PAGE_MAX = 1000,
};

struct look {
    struct hy_daemon *d;
    struct hy_control_call *call;
    int (*run)(struct look *l, json_t *o, struct hy_diag *diag);
    struct hy_config *config;
    struct hy_suppress_names names;
};

static void look_main(void *arg)
{
    struct look *l = arg;
    struct hy_diag diag = {""};
    json_t *o = json_object();
    l->config = daemon_config(l->d);
    l->names = (struct hy_suppress_names){.tenants = &l->config->tenants};
    int err = l->run(l, o, &diag);
    hy_config_unref(l->config);
    if (err == HY_OK) {
        hy_control_finish(l->call, o);
    } else {
        json_decref(o);
        hy_control_fail_diag(l->call, err, &diag);
    }
    free(l);
}

static void start(struct hy_control_call *call, void *ctx, enum ctl_job_kind kind,
                  int (*run)(struct look *l, json_t *o, struct hy_diag *diag))
{
    struct look *l = calloc(1, sizeof *l);
    if (!l) {
        hy_control_fail(call, HY_ENOMEM, "out of memory", NULL);
        return;
    }
    l->d = ctx;
    l->call = call;
    l->run = run;
    if (!ctl_job_start(ctx, call, kind, look_main, l))
        free(l);
}

/* ---- arguments ---- */

static int read_words(const json_t *args, struct hy_suppress_words *w, struct hy_diag *diag)
{
    const struct {
        const char *name;
        struct hy_str *to;
    } words[] = {{"scope", &w->scope},
                 {"tenant", &w->tenant},
                 {"stream", &w->stream},
                 {"list", &w->list},
                 {"reason", &w->reason}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        const char *text = "";
        int err = hy_control_arg_string(args, words[i].name, "", diag, &text);
        if (err != HY_OK)
            return err;
        *words[i].to = hy_str_of(text);
    }
    return HY_OK;
}

static bool says_place(const struct hy_suppress_words *w)
{
    return w->scope.n || w->tenant.n || w->stream.n || w->list.n;
}

/* Who it is: for the history. */
static void name_operator(const struct look *l, char out[HY_SUPPRESS_BY_MAX + 1])
{
    char user[40];
    user_name(hy_control_uid(l->call), user, sizeof user);
    snprintf(out, HY_SUPPRESS_BY_MAX + 1, "%s", user);
}

/* ---- adding and removing ---- */

struct change {
    struct hy_write_req req;
    char (*what)[HY_SUPPRESS_WHAT_MAX]; /* addresses */
    size_t n;
    struct hy_suppress_entry entry; /* adding */
    bool is_removing, has_place, has_reason;
    struct hy_str why;
    size_t added, changed, same, removed, missing; /* set anew by each apply */
};

static int apply_add(struct change *c, struct hy_txn *t, size_t i)
{
    struct hy_suppress_entry e = c->entry;
    enum hy_suppress_did did = HY_SUPPRESS_SAME;
    e.what = hy_str_of(c->what[i]);
    int err = hy_suppress_put(t, &e, &did);
    c->added += !err && did == HY_SUPPRESS_ADDED;
    c->changed += !err && did == HY_SUPPRESS_CHANGED;
    c->same += !err && did == HY_SUPPRESS_SAME;
    return err;
}

struct gathered {
    const struct change *c;
    struct hy_suppress_key keys[KEYS_MAX];
    size_t n;
};

static int gather(void *ctx, const struct hy_suppress_entry *e)
{
    struct gathered *g = ctx;
    const struct hy_suppress_key *want = &g->c->entry.key, *k = &e->key;
    bool is_place = !g->c->has_place ||
                    (k->scope == want->scope && k->tenant == want->tenant && k->no == want->no);
    if (is_place && (!g->c->has_reason || k->reason == want->reason) && g->n < KEYS_MAX)
        g->keys[g->n++] = *k;
    return 0;
}

static int apply_remove(struct change *c, struct hy_txn *t, size_t i)
{
    struct gathered g = {.c = c};
    struct hy_suppress_id id;
    int err = hy_suppress_id_of(t->env, hy_str_of(c->what[i]), &id);
    if (!err)
        err = hy_suppress_each(t, id, gather, &g);
    for (size_t k = 0; k < g.n && !err; k++)
        err = hy_suppress_del(t, &g.keys[k], c->entry.by, c->why);
    c->removed += g.n;
    c->missing += g.n == 0;
    return err;
}

static int apply(struct hy_write_req *r, struct hy_txn *t)
{
    struct change *c = hy_container_of(r, struct change, req);
    int err = HY_OK;
    c->added = c->changed = c->same = c->removed = c->missing = 0;
    for (size_t i = 0; i < c->n && err == HY_OK; i++)
        err = c->is_removing ? apply_remove(c, t, i) : apply_add(c, t, i);
    return err;
}

/* A dry run: the same in a snapshot. */
static int foresee(const struct look *l, struct change *c)
{
    struct hy_txn t = {0};
    int err = hy_txn_read(l->d->env, &t);
    for (size_t i = 0; i < c->n && err == HY_OK; i++) {
        struct gathered g = {.c = c};
        struct hy_suppress_id id;
        err = hy_suppress_id_of(l->d->env, hy_str_of(c->what[i]), &id);
        if (err == HY_OK)
            err = hy_suppress_each(&t, id, gather, &g);
        c->removed += c->is_removing ? g.n : 0;
        c->missing += c->is_removing && g.n == 0;
        c->added += !c->is_removing && g.n == 0;
        c->same += !c->is_removing && g.n > 0;
    }
    hy_txn_end(&t);
    return err;
}

static int read_addresses(const json_t *args, struct change *c, struct hy_diag *diag)
{
    const json_t *list = json_object_get(args, "addresses"), *x;
    size_t i, n = json_array_size(list);
    if (!json_is_array(list) || n == 0 || n > ADDRESSES_MAX)
        return hy_fail(diag, HY_EINVAL, "argument 'addresses' must be 1 to %d addresses",
                       ADDRESSES_MAX);
    c->what = calloc(n, sizeof *c->what);
    if (!c->what)
        return HY_ENOMEM;
    c->n = n;
    json_array_foreach(list, i, x)
    {
        struct hy_diag why = {""};
        const char *text = json_string_value(x);
        if (!text || hy_suppress_what_parse(hy_str_of(text), c->what[i], &why) != HY_OK)
            return hy_fail(diag, HY_EINVAL, "'%.200s' is no address and no @domain: %.200s",
                           text ? text : "", text ? why.text : "it is no text");
    }
    return HY_OK;
}

static int read_change(struct look *l, struct change *c, struct hy_diag *diag)
{
    const json_t *args = hy_control_args(l->call);
    struct hy_suppress_words w = {0};
    struct hy_txn t = {0};
    const char *source = "", *expires = "", *word = "";
    int err = read_addresses(args, c, diag);
    if (err == HY_OK)
        err = read_words(args, &w, diag);
    if (err == HY_OK)
        err = hy_control_arg_string(args, "source", "", diag, &source);
    if (err == HY_OK)
        err = hy_control_arg_string(args, "expires", "", diag, &expires);
    if (err == HY_OK)
        err = hy_control_arg_bool(args, "hashed", false, diag, &c->entry.is_hashed);
    hy_wall_ms end = 0;
    if (err == HY_OK)
        err = hy_suppress_end_read(hy_str_of(expires), hy_clock_wall_ms(), &end, diag);
    if (err == HY_OK)
        err = hy_txn_read(l->d->env, &t);
    if (err == HY_OK)
        err = hy_suppress_key_read(&l->names, &t, &w, HY_SUPPRESS_ALL, HY_SUPPRESS_MANUAL,
                                   &c->entry.key, &word, diag);
    hy_txn_end(&t);
    c->entry.expires = end;
    c->entry.source = c->why = hy_str_of(source);
    c->has_place = says_place(&w) || !c->is_removing;
    c->has_reason = w.reason.n || !c->is_removing;
    return err;
}

static json_t *details(const struct change *c)
{
    json_t *o = json_object(), *what = json_array();
    for (size_t i = 0; i < c->n && i < 20; i++)
        json_array_append_new(what, c->entry.is_hashed ? json_string("(hashed)")
                                                       : ctl_text_json(hy_str_of(c->what[i])));
    json_object_set_new(o, "addresses", what);
    ctl_set_count(o, "of", c->n);
    if (!c->is_removing || c->has_reason)
        json_object_set_new(o, "reason", json_string(hy_suppress_reason_name(c->entry.key.reason)));
    if (!c->is_removing || c->has_place)
        json_object_set_new(o, "scope", json_string(hy_suppress_scope_name(c->entry.key.scope)));
    return o;
}

static int run_change(struct look *l, json_t *o, bool is_removing, struct hy_diag *diag)
{
    struct change c = {.req = {.class = HY_WRITE_ADMIN, .apply = apply},
                       .is_removing = is_removing};
    char by[HY_SUPPRESS_BY_MAX + 1];
    bool is_dry = false;
    name_operator(l, by);
    c.entry.by = hy_str_of(by);
    int err = read_change(l, &c, diag);
    if (err == HY_OK)
        err = hy_control_arg_bool(hy_control_args(l->call), "dry_run", false, diag, &is_dry);
    if (err == HY_OK)
        err = is_dry ? foresee(l, &c) : hy_writer_run(l->d->writer, &c.req);
    if (err == HY_OK && !is_dry && c.added + c.changed + c.removed > 0)
        act_log(l->d, hy_control_command_name(l->call), hy_control_uid(l->call), details(&c));
    ctl_set_count(o, "added", c.added);
    ctl_set_count(o, "changed", c.changed);
    ctl_set_count(o, "same", c.same);
    ctl_set_count(o, "removed", c.removed);
    ctl_set_count(o, "missing", c.missing);
    free(c.what);
    return err;
}

static int run_add(struct look *l, json_t *o, struct hy_diag *diag)
{
    return run_change(l, o, false, diag);
}

static int run_remove(struct look *l, json_t *o, struct hy_diag *diag)
{
    return run_change(l, o, true, diag);
}

/* ---- showing ---- */

struct showing {
    struct look *l;
    struct hy_txn *t;
    json_t *list;
};

static int show_entry(void *ctx, const struct hy_suppress_entry *e)
{
    struct showing *s = ctx;
    json_array_append_new(s->list, hy_suppress_entry_json(&s->l->names, s->t, e));
    return 0;
}

static int show_act(void *ctx, const struct hy_suppress_act *a)
{
    struct showing *s = ctx;
    const struct hy_suppress_entry e = {
        .key = a->key, .expires = a->expires, .source = a->source, .by = a->by};
    char at[32];
    json_t *o = hy_suppress_entry_json(&s->l->names, s->t, &e);
    json_object_del(o, "address");
    json_object_del(o, "hash");
    json_object_del(o, "domain");
    json_object_del(o, "created");
    json_object_set_new(o, "at", json_string(hy_wall_format(hy_id_time(a->id), at)));
    json_object_set_new(o, "act", json_string(hy_suppress_op_name(a->op)));
    json_array_append_new(s->list, o);
    return 0;
}

static void show_soft(struct hy_txn *t, struct hy_suppress_id id, const struct hy_tenant *tenant,
                      json_t *list)
{
    struct hy_suppress_soft s;
    char first[32], last[32];
    if (hy_suppress_soft_get(t, id, tenant->number, &s) != 0)
        return;
    json_array_append_new(list,
                          json_pack("{s:s,s:I,s:s,s:s}", "tenant", tenant->name, "count",
                                    (json_int_t)s.count, "first", hy_wall_format(s.first, first),
                                    "last", hy_wall_format(s.last, last)));
}

/* Of the installation itself, and of each other tenant. */
static void show_softs(struct hy_txn *t, struct hy_suppress_id id, const struct hy_tenants *tenants,
                       json_t *list)
{
    show_soft(t, id, tenants->installation, list);
    for (size_t i = 0; i < tenants->n; i++)
        if (tenants->items[i].number)
            show_soft(t, id, &tenants->items[i], list);
}

static int run_show(struct look *l, json_t *o, struct hy_diag *diag)
{
    char what[HY_SUPPRESS_WHAT_MAX] = "";
    const char *text = "";
    struct hy_suppress_id id = {0}, domain = {0};
    struct hy_txn t = {0};
    struct showing s = {.l = l, .t = &t};
    json_t *entries = json_array(), *acts = json_array(), *soft = json_array();
    json_object_set_new(o, "entries", entries);
    json_object_set_new(o, "history", acts);
    json_object_set_new(o, "soft_bounces", soft);
    int err = hy_control_arg_string_required(hy_control_args(l->call), "address", diag, &text);
    if (err == HY_OK)
        err = hy_suppress_what_parse(hy_str_of(text), what, diag);
    if (err == HY_OK)
        err = hy_suppress_id_of(l->d->env, hy_str_of(what), &id);
    if (err == HY_OK)
        err = hy_txn_read(l->d->env, &t);
    json_object_set_new(o, "address", json_string(what));
    const char *at = strrchr(what, '@');
    s.list = entries;
    if (err == HY_OK)
        err = hy_suppress_each(&t, id, show_entry, &s);
    if (err == HY_OK && at != what && hy_suppress_id_of(l->d->env, hy_str_of(at), &domain) == HY_OK)
        err = hy_suppress_each(&t, domain, show_entry, &s);
    s.list = acts;
    if (err == HY_OK)
        err = hy_suppress_history(&t, id, show_act, &s);
    if (err == HY_OK)
        show_softs(&t, id, l->names.tenants, soft);
    hy_txn_end(&t);
    return err;
}

/* ---- listing ---- */

struct filter {
    struct hy_suppress_key want;
    bool has_place, has_reason;
    hy_wall_ms since;
    size_t limit;
};

static bool is_wanted(const struct filter *f, const struct hy_suppress_entry *e)
{
    const struct hy_suppress_key *k = &e->key, *w = &f->want;
    return (!f->has_place || (k->scope == w->scope && k->tenant == w->tenant && k->no == w->no)) &&
           (!f->has_reason || k->reason == w->reason) && e->created >= f->since;
}

struct listing {
    const struct filter *filter;
    struct look *look;
    struct hy_txn *t;
    json_t *entries;
};

/* 1: the page is full. */
static int list_entry(void *ctx, const struct hy_suppress_entry *e)
{
    struct listing *l = ctx;
    if (is_wanted(l->filter, e))
        json_array_append_new(l->entries, hy_suppress_entry_json(&l->look->names, l->t, e));
    return json_array_size(l->entries) >= l->filter->limit;
}

static int list_page(struct look *l, struct hy_txn *t, const struct filter *f,
                     struct hy_suppress_key *at, json_t *o)
{
    char cursor[HY_SUPPRESS_CURSOR_MAX];
    struct listing listing = {f, l, t, json_object_get(o, "entries")};
    int err = hy_suppress_walk(t, at, WALKED_MAX, list_entry, &listing);
    json_object_set_new(
        o, "next", err == HY_ENOTFOUND ? json_null() : json_string(hy_suppress_cursor(at, cursor)));
    return err == HY_ENOTFOUND || err > 0 ? HY_OK : err;
}

static void set_counts(struct hy_txn *t, json_t *o)
{
    struct hy_suppress_counts n;
    json_t *counts = json_object();
    uint64_t total = 0;
    if (hy_suppress_counts(t, &n) == HY_OK) {
        for (int r = 1; r < HY_SUPPRESS_REASONS; r++) {
            ctl_set_count(counts, hy_suppress_reason_name((enum hy_suppress_reason)r),
                          n.by_reason[r]);
            total += n.by_reason[r];
        }
    }
    json_object_set_new(o, "counts", counts);
    ctl_set_count(o, "total", total);
}

static int run_list(struct look *l, json_t *o, struct hy_diag *diag)
{
    const json_t *args = hy_control_args(l->call);
    struct hy_suppress_words w = {0};
    struct filter f = {0};
    struct hy_suppress_key at = {0};
    struct hy_txn t = {0};
    const char *after = "", *since = "", *word = "";
    int64_t limit = 50;
    json_object_set_new(o, "entries", json_array());
    int err = read_words(args, &w, diag);
    if (err == HY_OK)
        err = hy_control_arg_int(args, "limit", 50, 1, PAGE_MAX, diag, &limit);
    if (err == HY_OK)
        err = hy_control_arg_string(args, "after", "", diag, &after);
    if (err == HY_OK)
        err = hy_control_arg_string(args, "since", "", diag, &since);
    if (err == HY_OK && since[0] && hy_wall_parse(hy_str_of(since), &f.since) != HY_OK)
        err = hy_fail(diag, HY_EINVAL, "argument 'since' must be a time with its zone");
    if (err == HY_OK && after[0] && hy_suppress_cursor_read(hy_str_of(after), &at) != HY_OK)
        err = hy_fail(diag, HY_EINVAL, "argument 'after' must be what 'next' said");
    if (err == HY_OK)
        err = hy_txn_read(l->d->env, &t);
    if (err == HY_OK)
        err = hy_suppress_key_read(&l->names, &t, &w, HY_SUPPRESS_ALL, HY_SUPPRESS_MANUAL, &f.want,
                                   &word, diag);
    f.limit = (size_t)limit;
    f.has_place = says_place(&w);
    f.has_reason = w.reason.n > 0;
    if (err == HY_OK)
        err = list_page(l, &t, &f, &at, o);
    if (err == HY_OK)
        set_counts(&t, o);
    hy_txn_end(&t);
    return err;
}

/* ---- the table ---- */

static void add(struct hy_control_call *call, void *ctx)
{
    start(call, ctx, CTL_JOB_ALTER, run_add);
}

static void remove_entries(struct hy_control_call *call, void *ctx)
{
    start(call, ctx, CTL_JOB_ALTER, run_remove);
}

static void show(struct hy_control_call *call, void *ctx)
{
    start(call, ctx, CTL_JOB_LOOK, run_show);
}

static void list(struct hy_control_call *call, void *ctx)
{
    start(call, ctx, CTL_JOB_LOOK, run_list);
}

const struct hy_control_command ctl_suppress_commands[] = {
    {"suppress.add", 0, 0, add},
    {"suppress.remove", 0, 0, remove_entries},
    {"suppress.show", 0, 0, show},
    {"suppress.list", 0, 0, list},
    {NULL, 0, 0, NULL},
};
