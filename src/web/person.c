/* /v1/leads/{lead}/consents, /export, /erase, /erasure: what a person may ask for. Leads belong to
 * the installation: tokens of tenants have no business here. */
#include "person.h"

#include <stdlib.h>

#include "call.h"
#include "hayauma/base/list.h"
#include "hayauma/io/sockaddr.h"
#include "hayauma/store/erase.h"
#include "hayauma/store/identity.h"
#include "hayauma/store/list.h"
#include "hayauma/web/person_json.h"

enum { EXPORT_MAX = 32 << 20 };

/* ---- who ---- */

/* The lead of the path, or the one that stands for it. False: it is answered. */
static bool find_lead(struct web_call *c, struct hy_txn *t, hy_lead_no *ret)
{
    struct hy_diag diag = {""};
    int err = t ? hy_lead_resolve(t, web_param(c, 0), ret, &diag) : HY_EIO;
    if (!err)
        err = hy_lead_kept(t, *ret, ret);
    if (err == HY_EPARSE)
        web_fail(c, 422, "invalid_value", "lead", "%s", diag.text);
    else if (err == HY_ENOTFOUND)
        web_fail(c, 404, "not_found", NULL, "There is no such lead.");
    else if (err)
        web_fail_err(c, err);
    return err == HY_OK;
}

static bool find_lead_now(struct web_call *c, hy_lead_no *ret)
{
    bool is_there = web_is_installation(c) && find_lead(c, web_snapshot(c), ret);
    web_snapshot_done(c);
    return is_there;
}

/* ---- GET /v1/leads/{lead}/consents and /export ---- */

struct look {
    json_t *o;
    int err;
    bool is_export;
};

static void look_free(void *state)
{
    json_decref(((struct look *)state)->o);
}

static void answer_look(struct web_call *c)
{
    struct look *l = c->state;
    if (l->err == HY_ENOTFOUND)
        web_fail(c, 404, "not_found", NULL, "There is no such lead.");
    else if (l->err == HY_ELIMIT)
        web_fail(c, 422, "too_large", NULL,
                 "There is more than %d MiB of it: use 'hayauma lead export'.", EXPORT_MAX >> 20);
    else if (l->err)
        web_fail_err(c, l->err);
    else
        web_answer(c, 200, json_incref(l->o));
}

/* The worker's thread. */
static void look(struct web_call *c, struct hy_txn *t)
{
    struct look *l = c->state;
    struct hy_suppress_names names = {.tenants = c->policy->tenants};
    struct hy_diag diag = {""};
    hy_lead_no lead = 0;
    l->err = t ? hy_lead_resolve(t, web_param(c, 0), &lead, &diag) : HY_EIO;
    if (l->err == HY_EPARSE)
        l->err = HY_ENOTFOUND;
    if (!l->err)
        l->err = hy_lead_kept(t, lead, &lead);
    if (!l->err)
        l->err = l->is_export ? hy_person_json(&names, t, lead, &l->o)
                              : hy_consents_json(t, lead, &l->o);
    if (!l->err && json_dumpb(l->o, NULL, 0, JSON_COMPACT) > EXPORT_MAX)
        l->err = HY_ELIMIT;
    web_later(c, answer_look);
}

static void start_look(struct web_call *c, bool is_export)
{
    struct look *l = web_is_installation(c) ? hy_arena_zalloc(&c->arena, sizeof *l) : NULL;
    if (!c->token || c->token->tenant->number != 0)
        return; /* it is answered */
    if (!l) {
        web_fail_err(c, HY_ENOMEM);
        return;
    }
    l->is_export = is_export;
    c->state = l;
    c->state_free = look_free;
    if (web_work(c, look) != HY_OK)
        web_fail_err(c, HY_EBUSY);
}

static void get_consents(struct web_call *c)
{
    start_look(c, false);
}

static void get_export(struct web_call *c)
{
    start_look(c, true);
}

/* ---- POST /v1/leads/{lead}/consents ---- */

struct adding {
    struct hy_write_req req;
    struct web_call *call;
    struct hy_consent consent; /* its strings are the body's */
    char by[HY_CONSENT_BY_MAX + 1];
    int err;
};

static int apply_add(struct hy_write_req *r, struct hy_txn *t)
{
    struct adding *a = hy_container_of(r, struct adding, req);
    struct hy_consent c = a->consent;
    int err = hy_consent_put(t, &c);
    if (!err) {
        a->consent.id = c.id;
        a->consent.at = c.at;
    }
    return err;
}

static void answer_add(struct web_call *c)
{
    struct adding *a = c->state;
    char id[HY_ID_TEXT_MAX], at[32];
    if (a->err == HY_ELIMIT)
        web_fail(c, 422, "too_long", NULL, "A text is longer than it may be.");
    else if (a->err == HY_EINVAL)
        web_fail(c, 404, "not_found", NULL, "There is no such lead.");
    else if (a->err)
        web_fail_err(c, a->err);
    else
        web_answer(c, 201,
                   json_pack("{s:s, s:I, s:s}", "id", hy_id_format(a->consent.id, id), "lead",
                             (json_int_t)a->consent.lead, "at", hy_wall_format(a->consent.at, at)));
}

static void done_add(struct hy_write_req *r, int err)
{
    struct adding *a = hy_container_of(r, struct adding, req);
    a->err = err;
    web_later(a->call, answer_add);
}

struct field {
    const char *name;
    struct hy_str *to;
};

/* The texts of the body, and nothing else but them. False: it is answered. */
static bool take_texts(struct web_call *c, const struct field *fields, size_t n)
{
    const char *key;
    json_t *x;
    json_object_foreach(c->json, key, x)
    {
        size_t i = 0;
        while (i < n && strcmp(fields[i].name, key) != 0)
            i++;
        if (i == n) {
            web_fail(c, 422, "unknown_field", key, "There is no such field.");
            return false;
        }
        *fields[i].to = hy_str_make(json_string_value(x), json_string_length(x));
        if (!json_is_string(x) || strlen(json_string_value(x)) != json_string_length(x)) {
            web_fail(c, 422, "invalid_value", key, "It must be a text.");
            return false;
        }
    }
    return true;
}

static bool read_ip(struct hy_str text, uint8_t ret[16])
{
    struct hy_sockaddr a;
    if (hy_sockaddr_parse(text, 0, &a) != HY_OK)
        return false;
    hy_sockaddr_ip16(&a, ret);
    return true;
}

/* False: it is answered. */
static bool find_list(struct web_call *c, struct hy_str name, hy_list_no *ret)
{
    struct hy_txn *t = web_snapshot(c);
    int err = t ? hy_list_find(t, name, ret) : HY_EIO;
    web_snapshot_done(c);
    if (err == HY_ENOTFOUND)
        web_fail(c, 422, "invalid_value", "list", "There is no such list.");
    else if (err)
        web_fail_err(c, err);
    return err == HY_OK;
}

static bool read_consent(struct web_call *c, struct adding *a)
{
    struct hy_consent *x = &a->consent;
    struct hy_str what = HY_STR("given"), how = HY_STR("api"), at = {0}, ip = {0}, list = {0};
    const struct field fields[] = {
        {"purpose", &x->purpose},
        {"what", &what},
        {"how", &how},
        {"at", &at},
        {"ip", &ip},
        {"list", &list},
        {"agent", &x->agent},
        {"source", &x->source},
        {"version", &x->version},
        {"token", &x->token},
        {"text", &x->text},
    };
    const char *wrong = NULL;
    if (!take_texts(c, fields, sizeof fields / sizeof *fields))
        return false;
    if (x->purpose.n == 0)
        wrong = "purpose";
    else if (hy_consent_what_find(what, &x->what) != 0)
        wrong = "what";
    else if (hy_consent_how_find(how, &x->how) != 0)
        wrong = "how";
    else if (at.n && hy_wall_parse(at, &x->at) != 0)
        wrong = "at";
    else if (ip.n && !read_ip(ip, x->ip))
        wrong = "ip";
    if (wrong)
        web_fail(c, 422, "invalid_value", wrong,
                 "This is not what it may be: see the guide on privacy.");
    return !wrong && (list.n == 0 || find_list(c, list, &x->list));
}

static void post_consent(struct web_call *c)
{
    hy_lead_no lead = 0;
    if (!find_lead_now(c, &lead) || !web_json(c))
        return;
    struct adding *a = calloc(1, sizeof *a);
    if (!a) {
        web_fail_err(c, HY_ENOMEM);
        return;
    }
    c->state = a;
    c->state_free = free;
    a->req = (struct hy_write_req){
        .class = HY_WRITE_INTAKE, .when = HY_WRITE_NOW, .apply = apply_add, .done = done_add};
    a->call = c;
    snprintf(a->by, sizeof a->by, "api %.58s", c->token->name);
    a->consent.lead = lead;
    a->consent.by = hy_str_of(a->by);
    if (!read_consent(c, a))
        return;
    int err = hy_writer_submit(web_writer(c), &a->req);
    if (err)
        web_fail_err(c, err);
}

/* ---- POST /v1/leads/{lead}/erase, GET /v1/leads/{lead}/erasure ---- */

struct erasing {
    struct hy_erase_job start;
    struct web_call *call;
    char by[HY_ERASE_BY_MAX + 1];
    int err;
};

static void answer_erase(struct web_call *c)
{
    const struct erasing *e = c->state;
    if (e->err == HY_ENOTFOUND)
        web_fail(c, 404, "not_found", NULL, "There is no such lead.");
    else if (e->err)
        web_fail_err(c, e->err);
    else
        web_answer(c, 202,
                   json_pack("{s:I, s:s}", "lead", (json_int_t)e->start.lead, "state", "erasing"));
}

static void done_erase(struct hy_write_req *r, int err)
{
    struct erasing *e = hy_container_of(r, struct erasing, start.req);
    e->err = err;
    web_later(e->call, answer_erase);
}

static void post_erase(struct web_call *c)
{
    hy_lead_no lead = 0;
    if (!find_lead_now(c, &lead))
        return;
    struct erasing *e = calloc(1, sizeof *e);
    if (!e) {
        web_fail_err(c, HY_ENOMEM);
        return;
    }
    c->state = e;
    c->state_free = free;
    e->call = c;
    snprintf(e->by, sizeof e->by, "api %.58s", c->token->name);
    hy_erase_job_init(&e->start, lead, hy_str_of(e->by));
    e->start.only_begins = true;
    e->start.req.done = done_erase;
    int err = hy_writer_submit(web_writer(c), &e->start.req);
    if (err)
        web_fail_err(c, err);
}

static void get_erasure(struct web_call *c)
{
    struct hy_erasure e;
    uint64_t no = 0;
    if (!web_is_installation(c))
        return;
    struct hy_txn *t = web_snapshot(c);
    int err = t ? hy_str_to_u64(web_param(c, 0), UINT32_MAX, &no) : HY_EIO;
    if (!err)
        err = hy_erasure_get(t, (hy_lead_no)no, &e);
    if (err == HY_ENOTFOUND || err == HY_EPARSE || err == HY_ELIMIT)
        web_fail(c, 404, "not_found", NULL, "No lead of this number was erased.");
    else if (err)
        web_fail_err(c, err);
    else
        web_answer(c, 200, hy_erasure_json(&e));
    web_snapshot_done(c);
}

const struct web_route web_person_routes[] = {
    {"GET", "/v1/leads/{lead}/consents", HY_SCOPE_LEADS_READ, get_consents},
    {"POST", "/v1/leads/{lead}/consents", HY_SCOPE_LEADS_WRITE, post_consent},
    {"GET", "/v1/leads/{lead}/export", HY_SCOPE_LEADS_READ, get_export},
    {"POST", "/v1/leads/{lead}/erase", HY_SCOPE_LEADS_WRITE, post_erase},
    {"GET", "/v1/leads/{lead}/erasure", HY_SCOPE_LEADS_READ, get_erasure},
    {NULL, NULL, 0, NULL},
};
