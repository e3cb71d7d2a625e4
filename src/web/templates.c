/* /v1/templates: templates of the token's tenant, kept in the store and named by calls.
 *
 * Happy path of PUT: the body is read and compiled on the worker, put by the writer, answered when
 * it is durable. How it fails: what is wrong with it is answered with its place, and the template
 * that was there stays. */
#include <stdio.h>

#include "call.h"
#include "hayauma/base/list.h"
#include "hayauma/web/template.h"

enum { PAGE_MAX = 1000, PAGE_USUAL = 100 };

static void answer_none(struct web_call *c)
{
    web_fail(c, 404, "not_found", NULL, "There is no such template, or not in this version.");
}

static uint32_t tenant_of(const struct web_call *c)
{
    return c->token->tenant->number;
}

/* What all answers say of a template. */
static json_t *head_json(const struct hy_stored_template *m)
{
    char created[32], changed[32];
    json_t *o =
        json_pack("{s:I,s:I,s:s,s:s,s:I}", "version", (json_int_t)m->version, "oldest_version",
                  (json_int_t)m->oldest, "created", hy_wall_format(m->created, created), "changed",
                  hy_wall_format(m->changed, changed), "bytes", (json_int_t)m->bytes);
    json_object_set_new(o, "name", web_text_json(m->name));
    json_object_set_new(o, "by", web_text_json(m->by));
    return o;
}

/* ---- GET /v1/templates ---- */

static void get_list(struct web_call *c)
{
    struct hy_str after = HY_STR("");
    struct hy_stored_template m;
    uint64_t limit;
    char last[HY_TEMPLATE_NAME_MAX + 1] = "";
    if (!web_query_number(c, "limit", 1, PAGE_MAX, PAGE_USUAL, &limit))
        return;
    (void)web_query(c, HY_STR("after"), 0, &after);
    struct hy_txn *t = web_snapshot(c);
    json_t *list = json_array();
    int err = t ? HY_OK : HY_EIO;
    while (err == HY_OK && json_array_size(list) < limit) {
        err = hy_template_next(t, tenant_of(c), after, &m);
        if (err != HY_OK)
            break;
        json_array_append_new(list, head_json(&m));
        snprintf(last, sizeof last, "%.*s", HY_STR_ARG(m.name));
        after = hy_str_of(last);
    }
    web_snapshot_done(c);
    json_t *next = err == HY_ENOTFOUND ? json_null() : json_string(last);
    json_t *o = json_pack("{s:o,s:o}", "templates", list, "next", next);
    if (err == HY_OK || err == HY_ENOTFOUND) {
        web_answer(c, 200, o);
    } else {
        json_decref(o);
        web_fail_err(c, err);
    }
}

/* ---- GET /v1/templates/{name} ---- */

static void get_one(struct web_call *c)
{
    struct hy_buf room = HY_BUF_INIT(HY_TEMPLATE_BYTES_MAX);
    struct hy_stored_template m;
    uint64_t version;
    if (!web_query_number(c, "version", 1, UINT32_MAX, 0, &version))
        return;
    struct hy_txn *t = web_snapshot(c);
    int err = t ? hy_template_get(t, tenant_of(c), web_param(c, 0), (uint32_t)version, &room, &m)
                : HY_EIO;
    web_snapshot_done(c);
    if (err == HY_OK) {
        json_t *o = head_json(&m);
        json_object_set_new(o, "subject", web_text_json(m.subject));
        json_object_set_new(o, "text", web_text_json(m.text));
        json_object_set_new(o, "html", web_text_json(m.html));
        web_answer(c, 200, o);
    } else if (err == HY_ENOTFOUND) {
        answer_none(c);
    } else {
        web_fail_err(c, err);
    }
    hy_buf_free(&room);
}

/* ---- changes ---- */

struct change {
    struct hy_write_req req;
    struct web_call *call;
    struct hy_stored_template m; /* its strings are the call's */
    bool is_removing;
    enum hy_template_did did;
    char by[HY_TEMPLATE_BY_MAX + 1];
    int err; /* of the writer; or why it does not get there: */
    int status;
    const char *code, *field;
    struct hy_diag diag;
};

static int fail(struct change *x, int status, const char *code, const char *field)
{
    x->status = status;
    x->code = code;
    x->field = field;
    return HY_EINVAL;
}

/* Writer thread. */
static int apply(struct hy_write_req *r, struct hy_txn *t)
{
    struct change *x = hy_container_of(r, struct change, req);
    struct hy_stored_template m = x->m; /* set by each apply anew */
    if (x->is_removing)
        return hy_template_del(t, tenant_of(x->call), m.name);
    int err = hy_template_put(t, tenant_of(x->call), &m, &x->did);
    if (err == HY_OK)
        x->m = m;
    return err;
}

/* Web thread: it is durable. */
static void answer_change(struct web_call *c)
{
    const struct change *x = c->state;
    switch (x->err) {
    case HY_OK:
        if (x->is_removing)
            web_answer_nothing(c);
        else
            web_answer(c, x->did == HY_TEMPLATE_MADE ? 201 : 200, head_json(&x->m));
        break;
    case HY_ENOTFOUND:
        answer_none(c);
        break;
    case HY_EQUOTA:
        web_fail(c, 422, "too_many_templates", NULL,
                 "A tenant has at most %d templates, which take %d MiB with all their versions.",
                 HY_TEMPLATES_MAX, HY_TEMPLATES_BYTES_MAX >> 20);
        break;
    default:
        web_fail_err(c, x->err);
    }
}

/* Writer thread. */
static void done(struct hy_write_req *r, int err)
{
    struct change *x = hy_container_of(r, struct change, req);
    x->err = err;
    web_later(x->call, answer_change);
}

static void submit(struct web_call *c)
{
    struct change *x = c->state;
    if (x->status) {
        web_fail(c, x->status, x->code, x->field, "%s", x->diag.text);
        return;
    }
    int err = hy_writer_submit(web_writer(c), &x->req);
    if (err != HY_OK)
        web_fail_err(c, err);
}

static struct change *change_new(struct web_call *c, bool is_removing)
{
    struct change *x = hy_arena_zalloc(&c->arena, sizeof *x);
    if (!x) {
        web_fail_err(c, HY_ENOMEM);
        return NULL;
    }
    x->req = (struct hy_write_req){.class = HY_WRITE_ADMIN,
                                   .when = HY_WRITE_NOW,
                                   .on_full = HY_WRITE_FULL_FAIL,
                                   .apply = apply,
                                   .done = done};
    x->call = c;
    x->m.name = web_param(c, 0);
    x->is_removing = is_removing;
    snprintf(x->by, sizeof x->by, "api %.58s", c->token->name);
    x->m.by = hy_str_of(x->by);
    c->state = x;
    return x;
}

/* ---- PUT /v1/templates/{name} ---- */

static int read_fields(struct change *x, json_t *body)
{
    const char *key;
    json_t *value;
    json_object_foreach(body, key, value)
    {
        struct hy_str *to = strcmp(key, "subject") == 0 ? &x->m.subject
                            : strcmp(key, "text") == 0  ? &x->m.text
                            : strcmp(key, "html") == 0  ? &x->m.html
                                                        : NULL;
        if (!to) {
            hy_fail(&x->diag, HY_EINVAL, "There is no such field.");
            return fail(x, 422, "unknown_field", key);
        }
        if (!json_is_string(value)) {
            hy_fail(&x->diag, HY_EINVAL, "This must be a string.");
            return fail(x, 422, "invalid_type", key);
        }
        *to = hy_str_make(json_string_value(value), json_string_length(value));
    }
    return HY_OK;
}

static int read_body(struct change *x)
{
    struct web_call *c = x->call;
    json_error_t why;
    c->json = json_loadb(c->http->body.p ? c->http->body.p : "", c->http->body.n,
                         JSON_REJECT_DUPLICATES, &why);
    if (!json_is_object(c->json)) {
        hy_fail(&x->diag, HY_EINVAL, "The body must be a JSON object%s%s.", c->json ? "" : ": ",
                c->json ? "" : why.text);
        return fail(x, 400, "invalid_json", NULL);
    }
    return read_fields(x, c->json);
}

/* The worker's thread: large ones take milliseconds to compile. */
static void read_template(struct web_call *c, struct hy_txn *t)
{
    struct change *x = c->state;
    (void)t;
    int err = read_body(x);
    if (err == HY_OK) {
        err = hy_template_check(&x->m, &x->diag);
        if (err == HY_ENOMEM)
            hy_fail(&x->diag, err, "Too busy. Try again later.");
        if (err != HY_OK)
            err = fail(x, err == HY_ENOMEM ? 503 : 422,
                       err == HY_ENOMEM ? "busy" : "invalid_template", NULL);
    }
    web_later(c, submit);
}

static void put_one(struct web_call *c)
{
    struct change *x = change_new(c, false);
    if (!x)
        return;
    if (!web_body_is(c, HY_STR("application/json")))
        web_fail(c, 415, "unsupported_media_type", NULL,
                 "The body must be JSON: send 'Content-Type: application/json'.");
    else if (c->http->body.n > 4 * (size_t)HY_TEMPLATE_BYTES_MAX)
        web_fail(c, 413, "too_large", NULL, "A template has at most %d bytes.",
                 HY_TEMPLATE_BYTES_MAX);
    else if (web_work(c, read_template) != HY_OK)
        web_fail_err(c, HY_EBUSY);
}

static void delete_one(struct web_call *c)
{
    if (change_new(c, true))
        submit(c);
}

const struct web_route web_template_routes[] = {
    {"GET", "/v1/templates", HY_SCOPE_TEMPLATES_READ, get_list},
    {"GET", "/v1/templates/{name}", HY_SCOPE_TEMPLATES_READ, get_one},
    {"PUT", "/v1/templates/{name}", HY_SCOPE_TEMPLATES_WRITE, put_one},
    {"DELETE", "/v1/templates/{name}", HY_SCOPE_TEMPLATES_WRITE, delete_one},
    {0},
};
