/* /v1/suppressions: the suppression list of the token's tenant. A tenant sees and changes its own
 * entries and no others', and names no lists but those that its campaigns go to; the installation's
 * own tokens (tenant 0) also see entries for everybody, and any list. Reads are bounded and at
 * once; a change is answered after its commit. */
#include <stdlib.h>

#include "call.h"
#include "hayauma/base/list.h"
#include "hayauma/store/campaign.h"
#include "hayauma/web/suppress_json.h"

enum {
    PAGE_MAX = 1000,
    PAGE_USUAL = 100,
    WALKED_MAX = 100000, /* rows that one page looks at */
    ADDRESSES_MAX = 1000,
    KEYS_MAX = 64, /* entries of one address that a removal looks at */
    TEXT_MAX = 1000,
};

/* Whose entries the token works with. */
struct owner {
    uint32_t tenant;
    bool is_installation; /* what is for everybody is its own; not those' who share its list */
};

static struct owner owner_of(const struct web_call *c)
{
    const struct hy_tenant *t = c->token->tenant;
    return (struct owner){hy_tenant_suppressor(t), t->number == 0};
}

static bool is_own(const struct hy_suppress_key *k, struct owner o)
{
    return k->scope == HY_SUPPRESS_ALL ? o.is_installation : k->tenant == o.tenant;
}

/* ---- what narrows it down: words of the query or of the body ---- */

struct place {
    struct hy_suppress_words words;
    struct hy_suppress_key key;
    bool has_place, has_reason;
};

/* A list of leads is a tenant's when a campaign of its goes there; another is as if it were not. */
static int check_list(struct web_call *c, struct hy_txn *t, const struct place *p,
                      const char **ret_word, struct hy_diag *diag)
{
    bool is_reached = c->token->tenant->number == 0;
    int err = HY_OK;
    if (p->key.scope != HY_SUPPRESS_LIST || is_reached)
        return HY_OK;
    *ret_word = "list";
    err = hy_campaign_reaches(t, c->token->tenant->number, p->key.no, &is_reached);
    return err || is_reached ? err : hy_suppress_no_list(p->words.list, diag);
}

/* False: it is answered. Tenants are the token's, so that no other can be named. */
static bool read_place(struct web_call *c, struct hy_txn *t, struct place *p)
{
    struct hy_suppress_names names = {.tenants = c->policy->tenants};
    struct hy_diag diag = {""};
    const char *word = "";
    struct owner o = owner_of(c);
    int err = hy_suppress_key_read(&names, t, &p->words, HY_SUPPRESS_TENANT, HY_SUPPRESS_MANUAL,
                                   &p->key, &word, &diag);
    if (err == HY_OK)
        err = check_list(c, t, p, &word, &diag);
    if (err != HY_OK) {
        web_fail(c, 422, "invalid_value", word, "%s", diag.text[0] ? diag.text : hy_err_text(err));
        return false;
    }
    if (p->key.scope == HY_SUPPRESS_ALL && !o.is_installation) {
        web_fail(c, 403, "not_permitted", "scope", "A tenant cannot suppress for others.");
        return false;
    }
    p->key.tenant = p->key.scope == HY_SUPPRESS_ALL ? 0 : o.tenant;
    p->has_place = p->words.scope.n || p->words.stream.n || p->words.list.n;
    p->has_reason = p->words.reason.n > 0;
    return true;
}

static bool is_wanted(const struct place *p, const struct hy_suppress_key *k)
{
    return (!p->has_place || (k->scope == p->key.scope && k->no == p->key.no)) &&
           (!p->has_reason || k->reason == p->key.reason);
}

static void read_query(struct web_call *c, struct place *p)
{
    (void)web_query(c, HY_STR("scope"), 0, &p->words.scope);
    (void)web_query(c, HY_STR("stream"), 0, &p->words.stream);
    (void)web_query(c, HY_STR("list"), 0, &p->words.list);
    (void)web_query(c, HY_STR("reason"), 0, &p->words.reason);
}

/* ---- GET /v1/suppressions ---- */

struct page {
    struct place place;
    struct owner owner;
    struct hy_suppress_key at;
    size_t limit;
    /* the worker's */
    struct hy_suppress_names names;
    struct hy_txn *t;
    json_t *entries;
    int err;
    bool is_last;
};

static bool read_page(struct web_call *c, struct page *p)
{
    struct hy_str text = {0};
    uint64_t limit;
    if (!web_query_number(c, "limit", 1, PAGE_MAX, PAGE_USUAL, &limit))
        return false;
    p->limit = (size_t)limit;
    if (web_query(c, HY_STR("after"), 0, &text) && hy_suppress_cursor_read(text, &p->at) != HY_OK) {
        web_fail(c, 422, "invalid_value", "after", "This is not what 'next' said.");
        return false;
    }
    read_query(c, &p->place);
    return true;
}

/* 1: the page is full. */
static int take_entry_of_page(void *ctx, const struct hy_suppress_entry *e)
{
    struct page *p = ctx;
    if (is_own(&e->key, p->owner) && is_wanted(&p->place, &e->key))
        json_array_append_new(p->entries, hy_suppress_entry_json(&p->names, p->t, e));
    return json_array_size(p->entries) >= p->limit;
}

static void answer_page(struct web_call *c)
{
    struct page *p = c->state;
    char cursor[HY_SUPPRESS_CURSOR_MAX];
    if (p->err < 0) {
        web_fail_err(c, p->err);
        return;
    }
    json_t *next = p->is_last ? json_null() : json_string(hy_suppress_cursor(&p->at, cursor));
    web_answer(c, 200, json_pack("{s:O,s:o}", "entries", p->entries, "next", next));
}

/* The worker's thread: what is looked at may be many more than what is the tenant's. */
static void gather_page(struct web_call *c, struct hy_txn *t)
{
    struct page *p = c->state;
    p->t = t;
    p->names.tenants = c->policy->tenants;
    p->err = t ? hy_suppress_walk(t, &p->at, WALKED_MAX, take_entry_of_page, p) : HY_EIO;
    p->is_last = p->err == HY_ENOTFOUND;
    if (p->is_last)
        p->err = HY_OK;
    web_later(c, answer_page);
}

static void page_free(void *state)
{
    json_decref(((struct page *)state)->entries);
}

static void get_list(struct web_call *c)
{
    struct page *p = hy_arena_zalloc(&c->arena, sizeof *p);
    struct hy_txn *t = NULL;
    if (!p || !(p->entries = json_array())) {
        web_fail_err(c, HY_ENOMEM);
        return;
    }
    c->state = p;
    c->state_free = page_free;
    p->owner = owner_of(c);
    if (!read_page(c, p))
        return;
    t = web_snapshot(c);
    bool is_good = t && read_place(c, t, &p->place);
    web_snapshot_done(c);
    if (!t)
        web_fail_err(c, HY_EIO);
    else if (is_good && web_work(c, gather_page) != HY_OK)
        web_fail_err(c, HY_EBUSY);
}

/* ---- GET /v1/suppressions/{address} ---- */

struct showing {
    struct hy_suppress_names names;
    struct hy_txn *t;
    json_t *list;
    struct owner owner;
};

static int show_entry(void *ctx, const struct hy_suppress_entry *e)
{
    struct showing *s = ctx;
    if (is_own(&e->key, s->owner))
        json_array_append_new(s->list, hy_suppress_entry_json(&s->names, s->t, e));
    return 0;
}

/* The address of the path; false: it is none, and that is answered. */
static bool read_what(struct web_call *c, char what[HY_SUPPRESS_WHAT_MAX],
                      struct hy_suppress_id *ret)
{
    struct hy_diag diag = {""};
    if (hy_suppress_what_parse(web_param(c, 0), what, &diag) == HY_OK &&
        hy_suppress_id_of(web_env(c), hy_str_of(what), ret) == HY_OK)
        return true;
    web_fail(c, 422, "invalid_address", "address", "%s", diag.text);
    return false;
}

/* Whether mail of the tenant would be stopped, also by what it cannot see. */
static json_t *stopped(struct hy_txn *t, const char *what, uint32_t tenant, enum hy_stream stream)
{
    const struct hy_suppress_ask ask = {.tenant = tenant, .stream = stream};
    struct hy_suppress_entry e;
    char probe[HY_SUPPRESS_WHAT_MAX + 1];
    snprintf(probe, sizeof probe, "%s%s", what[0] == '@' ? "x" : "", what);
    return json_boolean(hy_suppress_find(t, hy_str_of(probe), &ask, &e) == HY_OK);
}

static void get_one(struct web_call *c)
{
    char what[HY_SUPPRESS_WHAT_MAX] = "";
    struct hy_suppress_id id;
    struct hy_txn t = {0};
    if (!read_what(c, what, &id))
        return;
    int err = hy_txn_read(web_env(c), &t);
    struct showing s = {
        .names.tenants = c->policy->tenants, .t = &t, .list = json_array(), .owner = owner_of(c)};
    if (err == HY_OK)
        err = hy_suppress_each(&t, id, show_entry, &s);
    if (err != HY_OK) {
        hy_txn_end(&t);
        json_decref(s.list);
        web_fail_err(c, err);
        return;
    }
    json_t *o = json_object(), *stops = json_object();
    json_object_set_new(o, "address", json_string(what));
    json_object_set_new(o, "entries", s.list);
    for (int i = 0; i < HY_STREAMS; i++)
        json_object_set_new(stops, hy_stream_name((enum hy_stream)i),
                            stopped(&t, what, s.owner.tenant, (enum hy_stream)i));
    json_object_set_new(o, "suppressed", stops);
    hy_txn_end(&t);
    web_answer(c, 200, o);
}

/* ---- changes ---- */

struct change {
    struct hy_write_req req;
    struct web_call *call;
    struct place place;
    struct owner owner;
    bool is_removing;
    struct hy_suppress_entry entry; /* adding; its strings are the call's */
    char by[HY_SUPPRESS_BY_MAX + 1];
    size_t n, added, changed, same, removed; /* the last four set anew by each apply */
    int err;
    char what[][HY_SUPPRESS_WHAT_MAX];
};

static int apply_add(struct change *x, struct hy_txn *t)
{
    int err = HY_OK;
    for (size_t i = 0; i < x->n && err == HY_OK; i++) {
        enum hy_suppress_did did = HY_SUPPRESS_SAME;
        struct hy_suppress_entry e = x->entry;
        e.what = hy_str_of(x->what[i]);
        err = hy_suppress_put(t, &e, &did);
        x->added += did == HY_SUPPRESS_ADDED;
        x->changed += did == HY_SUPPRESS_CHANGED;
        x->same += did == HY_SUPPRESS_SAME;
    }
    return err;
}

struct gathered {
    const struct change *x;
    struct hy_suppress_key keys[KEYS_MAX];
    size_t n;
};

static int gather(void *ctx, const struct hy_suppress_entry *e)
{
    struct gathered *g = ctx;
    if (is_own(&e->key, g->x->owner) && is_wanted(&g->x->place, &e->key) && g->n < KEYS_MAX)
        g->keys[g->n++] = e->key;
    return 0;
}

static int apply_remove(struct change *x, struct hy_txn *t)
{
    struct gathered g = {.x = x};
    struct hy_suppress_id id;
    int err = hy_suppress_id_of(t->env, hy_str_of(x->what[0]), &id);
    if (err == HY_OK)
        err = hy_suppress_each(t, id, gather, &g);
    for (size_t i = 0; i < g.n && err == HY_OK; i++)
        err = hy_suppress_del(t, &g.keys[i], hy_str_of(x->by), HY_STR(""));
    x->removed = g.n;
    return err;
}

/* Writer thread. */
static int apply(struct hy_write_req *r, struct hy_txn *t)
{
    struct change *x = hy_container_of(r, struct change, req);
    x->added = x->changed = x->same = x->removed = 0;
    return x->is_removing ? apply_remove(x, t) : apply_add(x, t);
}

/* Web thread: it is durable. */
static void answer_change(struct web_call *c)
{
    const struct change *x = c->state;
    if (x->err != HY_OK)
        web_fail_err(c, x->err);
    else if (!x->is_removing)
        web_answer(c, 200,
                   json_pack("{s:I,s:I,s:I}", "added", (json_int_t)x->added, "changed",
                             (json_int_t)x->changed, "same", (json_int_t)x->same));
    else if (x->removed)
        web_answer_nothing(c);
    else
        web_fail(c, 404, "not_found", NULL, "There is no such entry.");
}

/* Writer thread. */
static void done(struct hy_write_req *r, int err)
{
    struct change *x = hy_container_of(r, struct change, req);
    x->err = err;
    web_later(x->call, answer_change);
}

static struct change *change_new(struct web_call *c, size_t n, bool is_removing)
{
    struct change *x = calloc(1, sizeof *x + n * sizeof *x->what);
    if (!x) {
        web_fail_err(c, HY_ENOMEM);
        return NULL;
    }
    x->req = (struct hy_write_req){
        .class = HY_WRITE_ADMIN, .when = HY_WRITE_NOW, .apply = apply, .done = done};
    x->call = c;
    x->n = n;
    x->owner = owner_of(c);
    x->is_removing = is_removing;
    snprintf(x->by, sizeof x->by, "api %.58s", c->token->name);
    c->state = x;
    c->state_free = free;
    return x;
}

static void submit(struct web_call *c, struct change *x)
{
    int err = hy_writer_submit(web_writer(c), &x->req);
    if (err != HY_OK)
        web_fail_err(c, err);
}

/* ---- POST /v1/suppressions ---- */

/* A text of the body; false: it is something else, and that is answered. */
static bool take_text(struct web_call *c, const char *name, struct hy_str *ret)
{
    const json_t *x = json_object_get(c->json, name);
    if (!x || json_is_null(x))
        return true;
    *ret = hy_str_make(json_string_value(x), json_string_length(x));
    if (json_is_string(x) && ret->n <= TEXT_MAX && strlen(ret->p) == ret->n)
        return true;
    web_fail(c, 422, "invalid_value", name, "It must be a text of at most %d bytes.", TEXT_MAX);
    return false;
}

static bool has_unknown(struct web_call *c)
{
    static const char *const known[] = {"address", "addresses", "scope",  "stream", "list",
                                        "reason",  "expires",   "source", "hashed"};
    const char *key;
    json_t *value;
    json_object_foreach(c->json, key, value)
    {
        bool is_known = false;
        for (size_t i = 0; i < sizeof known / sizeof *known && !is_known; i++)
            is_known = strcmp(key, known[i]) == 0;
        if (!is_known) {
            web_fail(c, 422, "unknown_field", key, "There is no such field.");
            return true;
        }
    }
    return false;
}

static bool take_addresses(struct web_call *c, const json_t *list, struct change *x)
{
    for (size_t i = 0; i < x->n; i++) {
        const json_t *a = json_is_array(list) ? json_array_get(list, i) : list;
        struct hy_str text = hy_str_make(json_string_value(a), json_string_length(a));
        struct hy_diag diag = {""};
        char field[40] = "address";
        if (json_is_array(list))
            snprintf(field, sizeof field, "addresses[%zu]", i);
        if (json_is_string(a) && hy_suppress_what_parse(text, x->what[i], &diag) == HY_OK)
            continue;
        web_fail(c, 422, "invalid_address", field, "%s",
                 diag.text[0] ? diag.text : "It must be an address, or @domain.");
        return false;
    }
    return true;
}

static bool take_entry(struct web_call *c, struct change *x)
{
    struct hy_suppress_words *w = &x->place.words;
    struct hy_str expires = HY_STR("");
    struct hy_diag diag = {""};
    const json_t *hashed = json_object_get(c->json, "hashed");
    if (!take_text(c, "scope", &w->scope) || !take_text(c, "stream", &w->stream) ||
        !take_text(c, "list", &w->list) || !take_text(c, "reason", &w->reason) ||
        !take_text(c, "expires", &expires) || !take_text(c, "source", &x->entry.source))
        return false;
    if (hashed && !json_is_boolean(hashed)) {
        web_fail(c, 422, "invalid_value", "hashed", "It must be true or false.");
        return false;
    }
    x->entry.is_hashed = json_is_true(hashed);
    if (hy_suppress_end_read(expires, hy_clock_wall_ms(), &x->entry.expires, &diag) == HY_OK)
        return true;
    web_fail(c, 422, "invalid_value", "expires", "%s", diag.text);
    return false;
}

static void post(struct web_call *c)
{
    struct hy_txn t = {0};
    if (!web_json(c) || has_unknown(c))
        return;
    const json_t *one = json_object_get(c->json, "address"),
                 *many = json_object_get(c->json, "addresses"), *list = one ? one : many;
    size_t n = one ? 1 : json_array_size(many);
    if ((one && many) || n == 0 || n > ADDRESSES_MAX) {
        web_fail(c, 422, "invalid_value", one ? "address" : "addresses",
                 "Give one address, or addresses: 1 to %d.", ADDRESSES_MAX);
        return;
    }
    struct change *x = change_new(c, n, false);
    if (!x || !take_addresses(c, list, x) || !take_entry(c, x))
        return;
    int err = hy_txn_read(web_env(c), &t);
    bool is_good = err == HY_OK && read_place(c, &t, &x->place);
    hy_txn_end(&t);
    if (err != HY_OK)
        web_fail_err(c, err);
    if (!is_good)
        return;
    x->entry.key = x->place.key;
    x->entry.by = hy_str_of(x->by);
    submit(c, x);
}

/* ---- DELETE /v1/suppressions/{address} ---- */

static void delete_one(struct web_call *c)
{
    struct hy_suppress_id id;
    struct hy_txn t = {0};
    struct change *x = change_new(c, 1, true);
    if (!x || !read_what(c, x->what[0], &id))
        return;
    read_query(c, &x->place);
    int err = hy_txn_read(web_env(c), &t);
    bool is_good = err == HY_OK && read_place(c, &t, &x->place);
    hy_txn_end(&t);
    if (err != HY_OK)
        web_fail_err(c, err);
    if (is_good)
        submit(c, x);
}

const struct web_route web_suppression_routes[] = {
    {"GET", "/v1/suppressions", HY_SCOPE_SUPPRESSIONS_READ, get_list},
    {"POST", "/v1/suppressions", HY_SCOPE_SUPPRESSIONS_WRITE, post},
    {"GET", "/v1/suppressions/{address}", HY_SCOPE_SUPPRESSIONS_READ, get_one},
    {"DELETE", "/v1/suppressions/{address}", HY_SCOPE_SUPPRESSIONS_WRITE, delete_one},
    {0},
};
