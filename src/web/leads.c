/* /v1/leads: people, made, changed, found and told of. They belong to the installation: tokens of
 * tenants have no business here. A change is answered after its commit; a batch is put in slices,
 * so that it holds up no mail, and each of its items succeeds or fails alone. */
#include "leads.h"

#include <stdlib.h>

#include "batch.h"
#include "call.h"
#include "hayauma/base/list.h"

enum {
    BATCH_MAX = 1000,
    PAGE_USUAL = 100,
    ARENA_MAX = 64 << 20, /* of a batch's edits; the body bounds it */
};

/* ---- errors of the store, as clients see them ---- */

struct refusal {
    int status;
    const char *code;
};

static struct refusal refusal_of(int err)
{
    switch (err) {
    case HY_EINVAL:
    case HY_EPARSE:
        return (struct refusal){422, "invalid_value"};
    case HY_ENOTFOUND:
        return (struct refusal){404, "not_found"};
    case HY_EEXIST:
        return (struct refusal){409, "conflict"};
    case HY_ELIMIT:
        return (struct refusal){422, "too_many"};
    default:
        return (struct refusal){0, NULL};
    }
}

static void fail(struct web_call *c, int err, const char *field, const struct hy_diag *diag)
{
    struct refusal r = refusal_of(err);
    const char *why = diag && diag->text[0] ? diag->text
                      : err == HY_ENOTFOUND ? "There is no such lead."
                                            : hy_err_text(err);
    if (r.status)
        web_fail(c, r.status, r.code, field && field[0] ? field : NULL, "%s", why);
    else
        web_fail_err(c, err);
}

/* ---- changes: one, or a batch ---- */

struct item {
    struct hy_lead_edit e;
    struct hy_str which; /* the lead of the path; empty: as the edit says */
    struct hy_lead_edit_result r;
    int err; /* 0 when it was done */
    char field[64];
    struct hy_diag diag;
};

struct change {
    struct hy_write_req req;
    struct web_call *call;
    struct hy_arena arena;
    bool is_batch;
    struct web_batch batch; /* its first count: items that failed */
    struct hy_buf answer;   /* of a batch */
    char by[80];
    int err;
    size_t n;
    struct item items[];
};

static void change_free(void *state)
{
    struct change *x = state;
    hy_arena_free(&x->arena);
    web_batch_free(&x->batch);
    hy_buf_free(&x->answer);
    free(x);
}

static int edit_item(struct hy_txn *t, struct item *i)
{
    i->diag.text[0] = '\0';
    if (i->which.n) {
        int err = hy_lead_resolve(t, i->which, &i->e.lead, &i->diag);
        if (err)
            return err;
    }
    return hy_lead_edit(t, &i->e, &i->r, &i->diag);
}

static void put_result(struct hy_buf *out, const struct item *i)
{
    if (i->err) {
        struct refusal r = refusal_of(i->err);
        hy_buf_add_lit(out, "{\"error\":");
        web_put_error(out, r.code, i->field[0] ? i->field : NULL, hy_str_of(i->diag.text), NULL);
        hy_buf_add_lit(out, "}");
        return;
    }
    json_t *o = hy_lead_edited_json(&i->r);
    char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    hy_buf_add_str(out, hy_str_of(text ? text : "null"));
    free(text);
    json_decref(o);
}

/* An item that cannot be done has written nothing. */
static int apply_batch(struct change *x, struct hy_txn *t)
{
    struct web_batch *b = &x->batch;
    int err = web_batch_begin(b, t, x->n);
    while (!err && b->now.done < x->n) {
        struct item *i = &x->items[b->now.done];
        if (!i->field[0]) /* else it was wrong already when it was read */
            i->err = edit_item(t, i);
        if (i->err && (t->err || !refusal_of(i->err).status))
            return i->err;
        b->now.counts[0] += i->err != 0;
        if (b->now.done++)
            hy_buf_add_lit(&b->results, ",");
        put_result(&b->results, i);
        if (b->now.done < x->n && hy_txn_should_yield(t))
            return web_batch_pause(b, t);
    }
    if (err)
        return err;
    hy_buf_reset(&x->answer);
    hy_buf_add_lit(&x->answer, "{\"results\":[");
    hy_buf_add_str(&x->answer, hy_buf_str(&b->results));
    hy_buf_printf(&x->answer, "],\"failed\":%u}", b->now.counts[0]);
    return x->answer.err ? x->answer.err : web_batch_end(b, t, hy_buf_str(&x->answer));
}

/* Writer thread. */
static int apply(struct hy_write_req *r, struct hy_txn *t)
{
    struct change *x = hy_container_of(r, struct change, req);
    if (x->is_batch)
        return apply_batch(x, t);
    return x->items[0].err = edit_item(t, &x->items[0]);
}

/* Writer thread: the slice is durable. */
static void slice(struct hy_write_req *r)
{
    web_batch_keep(&hy_container_of(r, struct change, req)->batch);
}

/* Web thread: it is durable. */
static void answer_change(struct web_call *c)
{
    struct change *x = c->state;
    if (x->is_batch && x->err == HY_EEXIST)
        web_once_answer(c, &x->batch.once, 200);
    else if (x->is_batch && x->err)
        web_fail_err(c, x->err);
    else if (x->err)
        fail(c, x->err, x->items[0].field, &x->items[0].diag);
    else if (x->is_batch)
        web_answer_text(c, 200, hy_buf_str(&x->answer), NULL);
    else
        web_answer(c, x->items[0].r.is_new ? 201 : 200, hy_lead_edited_json(&x->items[0].r));
}

/* Writer thread. */
static void done(struct hy_write_req *r, int err)
{
    struct change *x = hy_container_of(r, struct change, req);
    x->err = err;
    web_later(x->call, answer_change);
}

static struct change *change_new(struct web_call *c, size_t n)
{
    struct change *x = calloc(1, sizeof *x + n * sizeof *x->items);
    if (!x) {
        web_fail_err(c, HY_ENOMEM);
        return NULL;
    }
    x->req = (struct hy_write_req){.class = HY_WRITE_INTAKE,
                                   .when = HY_WRITE_NOW,
                                   .apply = apply,
                                   .done = done,
                                   .slice = slice};
    x->call = c;
    x->n = n;
    x->arena = HY_ARENA_INIT(ARENA_MAX);
    x->answer = HY_BUF_INIT(HY_ONCE_ANSWER_MAX);
    snprintf(x->by, sizeof x->by, "api %.64s", c->token->name);
    c->state = x;
    c->state_free = change_free;
    return x;
}

static void submit(struct web_call *c)
{
    struct change *x = c->state;
    int err = hy_writer_submit(web_writer(c), &x->req);
    if (err)
        web_fail_err(c, err);
}

static int read_item(struct change *x, size_t i, const json_t *body)
{
    struct item *it = &x->items[i];
    it->err = hy_lead_edit_read(body, &x->arena, &it->e, it->field, &it->diag);
    it->e.by = hy_str_of(x->by);
    if (it->err && it->err != HY_ENOMEM && !it->field[0])
        snprintf(it->field, sizeof it->field, "leads");
    return it->err;
}

/* One edit; of the lead in the path when `is_known`. */
static void change_one(struct web_call *c, const json_t *body, bool is_known)
{
    struct change *x = change_new(c, 1);
    if (!x)
        return;
    struct item *it = &x->items[0];
    int err = read_item(x, 0, body);
    if (!err && is_known && it->e.lead) {
        snprintf(it->field, sizeof it->field, "lead");
        err = hy_fail(&it->diag, HY_EINVAL, "The path says which lead is meant.");
    }
    if (err) {
        fail(c, err, it->field, &it->diag);
        return;
    }
    if (is_known) {
        it->which = web_param(c, 0);
        it->e.mode = HY_LEAD_EDIT_CHANGE;
    }
    submit(c);
}

static void post_one(struct web_call *c)
{
    const json_t *body = web_is_installation(c) ? web_json(c) : NULL;
    if (body)
        change_one(c, body, false);
}

static void patch_one(struct web_call *c)
{
    const json_t *body = web_is_installation(c) ? web_json(c) : NULL;
    if (body)
        change_one(c, body, true);
}

/* ---- POST /v1/leads/batch ---- */

static void post_batch(struct web_call *c)
{
    struct hy_once once = {0};
    const json_t *body = web_is_installation(c) ? web_json(c) : NULL, *leads, *x;
    size_t i;
    if (!body)
        return;
    leads = json_object_get(body, "leads");
    if (json_object_size(body) != 1 || !json_is_array(leads) || json_array_size(leads) == 0) {
        web_fail(c, 422, "invalid_value", "leads",
                 "The body is {\"leads\": [...]} with 1 to %d of them.", BATCH_MAX);
        return;
    }
    if (json_array_size(leads) > BATCH_MAX) {
        web_fail(c, 422, "too_many", "leads", "A batch has at most %d leads.", BATCH_MAX);
        return;
    }
    if (!web_once_look(c, &once, 200))
        return;
    struct change *ch = change_new(c, json_array_size(leads));
    if (!ch)
        return;
    ch->is_batch = true;
    web_batch_init(&ch->batch, &once);
    json_array_foreach(leads, i, x)
    {
        if (read_item(ch, i, x) == HY_ENOMEM) {
            web_fail_err(c, HY_ENOMEM);
            return;
        }
    }
    submit(c);
}

/* ---- lists of a lead ---- */

static void change_list(struct web_call *c, bool is_left)
{
    json_t *list = json_stringn(web_param(c, 1).p, web_param(c, 1).n), *body = NULL;
    bool confirmed = false;
    if (!web_is_installation(c)) {
        json_decref(list);
        return;
    }
    if (!is_left && c->http->body.n) {
        const json_t *said = web_json(c);
        const json_t *x = json_object_get(said, "confirmed");
        if (said && (json_object_size(said) != (x != NULL) || (x && !json_is_boolean(x))))
            web_fail(c, 422, "invalid_value", NULL, "The body may be {\"confirmed\": true}.");
        else if (said)
            confirmed = json_is_true(x), body = json_object();
        if (!body) {
            json_decref(list);
            return;
        }
        json_decref(body);
    }
    body = is_left
               ? json_pack("{s:[o]}", "leave_lists", list)
               : json_pack("{s:[{s:o, s:b}]}", "lists", "name", list, "confirmed", (int)confirmed);
    if (body) {
        json_decref(c->json);
        c->json = body; /* lives as long as the call: the edit points into it */
        change_one(c, body, true);
    } else {
        web_fail(c, 422, "invalid_value", NULL, "That is no name of a list.");
    }
}

static void join_list(struct web_call *c)
{
    change_list(c, false);
}

static void leave_list(struct web_call *c)
{
    change_list(c, true);
}

/* ---- GET ---- */

/* False: it is answered. */
static bool read_limit(struct web_call *c, size_t *ret)
{
    uint64_t limit;
    if (!web_query_number(c, "limit", 1, HY_LEAD_PAGE_MAX, PAGE_USUAL, &limit))
        return false;
    *ret = (size_t)limit;
    return true;
}

static void get_one(struct web_call *c)
{
    struct hy_diag diag = {""};
    json_t *o = NULL;
    hy_lead_no no = 0;
    if (!web_is_installation(c))
        return;
    struct hy_txn *t = web_snapshot(c);
    int err = t ? hy_lead_resolve(t, web_param(c, 0), &no, &diag) : HY_EIO;
    if (!err)
        err = hy_lead_json(t, no, &o);
    web_snapshot_done(c);
    if (err)
        fail(c, err, "lead", &diag);
    else
        web_answer(c, 200, o);
}

/* What a worker found. */
struct look {
    struct hy_lead_search search;
    hy_id before;
    json_t *result;
    bool is_more;
    int err;
    struct hy_diag diag;
};

static void look_free(void *state)
{
    json_decref(((struct look *)state)->result);
}

static struct look *look_new(struct web_call *c)
{
    struct look *l = hy_arena_zalloc(&c->arena, sizeof *l);
    if (!l) {
        web_fail_err(c, HY_ENOMEM);
        return NULL;
    }
    c->state = l;
    c->state_free = look_free;
    return read_limit(c, &l->search.limit) ? l : NULL;
}

static void answer_timeline(struct web_call *c)
{
    struct look *l = c->state;
    if (l->err)
        fail(c, l->err, "lead", &l->diag);
    else
        web_answer(c, 200, json_incref(l->result));
}

/* The worker's thread: every campaign is looked at. */
static void gather_timeline(struct web_call *c, struct hy_txn *t)
{
    struct look *l = c->state;
    hy_lead_no no = 0;
    l->err = t ? hy_lead_resolve(t, web_param(c, 0), &no, &l->diag) : HY_EIO;
    if (!l->err)
        l->err = hy_lead_timeline_json(t, no, l->before, l->search.limit, &l->result);
    web_later(c, answer_timeline);
}

static void get_timeline(struct web_call *c)
{
    struct hy_str text = {0};
    struct look *l = web_is_installation(c) ? look_new(c) : NULL;
    if (!l)
        return;
    if (web_query(c, HY_STR("before"), 0, &text) && hy_id_parse(text, &l->before) != HY_OK)
        web_fail(c, 422, "invalid_value", "before", "This is not what 'before' said.");
    else if (web_work(c, gather_timeline) != HY_OK)
        web_fail_err(c, HY_EBUSY);
}

static void answer_search(struct web_call *c)
{
    struct look *l = c->state;
    char cursor[HY_LEAD_CURSOR_MAX];
    if (l->err) {
        fail(c, l->err, NULL, &l->diag);
        return;
    }
    json_t *next = l->is_more ? json_string(hy_lead_cursor(&l->search, cursor)) : json_null();
    web_answer(c, 200, json_pack("{s:O, s:o}", "leads", l->result, "next", next));
}

static void gather_search(struct web_call *c, struct hy_txn *t)
{
    struct look *l = c->state;
    l->result = json_array();
    l->err = !t           ? HY_EIO
             : !l->result ? HY_ENOMEM
                          : hy_lead_search(t, &l->search, l->result, &l->is_more, &l->diag);
    web_later(c, answer_search);
}

static void get_list(struct web_call *c)
{
    struct hy_str text = {0};
    struct look *l = web_is_installation(c) ? look_new(c) : NULL;
    if (!l)
        return;
    struct hy_lead_search *s = &l->search;
    (void)web_query(c, HY_STR("address"), 0, &s->text);
    (void)web_query(c, HY_STR("tag"), 0, &s->tag);
    (void)web_query(c, HY_STR("group"), 0, &s->group);
    (void)web_query(c, HY_STR("list"), 0, &s->list);
    (void)web_query(c, HY_STR("attribute"), 0, &s->attribute);
    (void)web_query(c, HY_STR("value"), 0, &s->value);
    if (web_query(c, HY_STR("after"), 0, &text) && hy_lead_cursor_read(text, s) != HY_OK)
        web_fail(c, 422, "invalid_value", "after", "This is not what 'next' said.");
    else if (web_work(c, gather_search) != HY_OK)
        web_fail_err(c, HY_EBUSY);
}

const struct web_route web_lead_routes[] = {
    {"GET", "/v1/leads", HY_SCOPE_LEADS_READ, get_list},
    {"POST", "/v1/leads", HY_SCOPE_LEADS_WRITE, post_one},
    {"POST", "/v1/leads/batch", HY_SCOPE_LEADS_WRITE, post_batch},
    {"GET", "/v1/leads/{lead}", HY_SCOPE_LEADS_READ, get_one},
    {"PATCH", "/v1/leads/{lead}", HY_SCOPE_LEADS_WRITE, patch_one},
    {"GET", "/v1/leads/{lead}/timeline", HY_SCOPE_LEADS_READ, get_timeline},
    {"PUT", "/v1/leads/{lead}/lists/{list}", HY_SCOPE_LEADS_WRITE, join_list},
    {"DELETE", "/v1/leads/{lead}/lists/{list}", HY_SCOPE_LEADS_WRITE, leave_list},
    {0},
};
