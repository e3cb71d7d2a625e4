/* /v1/activities: what applications tell of leads, up to a thousand a call; and what is known of
 * one.
 *
 * Happy path: every activity is checked here (on the worker when the body is large), the writer
 * finds the leads and notes them, in slices so that mail is not held up, the answer follows the
 * last commit and says of each what became of it. What is wrong with one keeps out that one only.
 */
#include <stdarg.h>
#include <stdio.h>

#include "batch.h"
#include "call.h"
#include "hayauma/base/json_put.h"
#include "hayauma/base/list.h"
#include "hayauma/store/activity.h"
#include "hayauma/store/told.h"
#include "hayauma/web/person_json.h"
#include "person.h"

enum {
    ACTIVITIES_MAX = 1000,
    LARGE_BYTES = 64 * 1024,
    WHY_MAX = 240,
};

struct item {
    struct hy_told told;
    struct hy_told_fault fault; /* code NULL: none */
    struct hy_told_result result;
};

struct post {
    struct hy_write_req req;
    struct web_call *call;
    struct hy_txn *txn; /* a snapshot, while it is read */
    struct item *items;
    size_t n;
    bool makes_leads, is_replay;
    char by[HY_API_TOKEN_NAME_MAX + 8];
    struct hy_once once;
    struct web_batch batch; /* counts: noted, duplicates, refused */
    struct hy_buf answer;
    int err;
    /* why the whole call is refused */
    int status; /* 0: it is not */
    const char *code, *field;
    char message[WHY_MAX];
};

static void post_free(void *state)
{
    struct post *p = state;
    web_batch_free(&p->batch);
    hy_buf_free(&p->answer);
}

/* ---- reading ---- */

static int refuse(struct post *p, int status, const char *code, const char *field, const char *fmt,
                  ...) HY_PRINTF(5, 6);
static int refuse(struct post *p, int status, const char *code, const char *field, const char *fmt,
                  ...)
{
    va_list args;
    p->status = status;
    p->code = code;
    p->field = field;
    va_start(args, fmt);
    vsnprintf(p->message, sizeof p->message, fmt, args);
    va_end(args);
    return HY_EINVAL;
}

static int read_items(struct post *p, json_t *list)
{
    hy_wall_ms now = hy_clock_wall_ms();
    size_t i, n = json_array_size(list);
    json_t *object;
    if (!json_is_array(list) || n == 0 || n > ACTIVITIES_MAX)
        return refuse(p, 422, "invalid_value", "activities",
                      "This must be a list of 1 to %d activities.", ACTIVITIES_MAX);
    p->items = hy_arena_zalloc(&p->call->arena, n * sizeof *p->items);
    if (!p->items)
        return HY_ENOMEM;
    json_array_foreach(list, i, object)
    {
        struct item *x = &p->items[i];
        int err = hy_told_read(object, now, &p->call->arena, &x->told, &x->fault);
        if (err == HY_ENOMEM)
            return err;
    }
    p->n = n;
    return HY_OK;
}

static int read_body(struct post *p)
{
    struct web_call *c = p->call;
    json_error_t why;
    const char *key;
    json_t *v;
    if (!web_body_is(c, HY_STR("application/json")))
        return refuse(p, 415, "unsupported_media_type", NULL,
                      "The body must be JSON: send 'Content-Type: application/json'.");
    c->json = json_loadb(c->http->body.p ? c->http->body.p : "", c->http->body.n,
                         JSON_REJECT_DUPLICATES, &why);
    if (!c->json)
        return refuse(p, 400, "invalid_json", NULL,
                      "The body is no JSON: line %d, column %d: %.160s", why.line, why.column,
                      why.text);
    json_object_foreach(c->json, key, v)
    {
        if (strcmp(key, "create") == 0 && json_is_boolean(v))
            p->makes_leads = json_is_true(v);
        else if (strcmp(key, "create") == 0)
            return refuse(p, 422, "invalid_type", "create", "This must be true or false.");
        else if (strcmp(key, "activities") != 0)
            return refuse(p, 422, "unknown_field", key, "There is no such field.");
    }
    return read_items(p, json_object_get(c->json, "activities"));
}

/* Answers nothing: it may run on the worker. */
static void read_call(struct post *p)
{
    p->err = p->txn ? web_once_find(p->call, p->txn, &p->once, &p->answer) : HY_EIO;
    p->is_replay = p->err == HY_EEXIST;
    if (p->err == HY_ELIMIT || p->err == HY_EINVAL) {
        const char *message;
        web_once_refusal(p->err, &p->status, &p->code, &message);
        (void)refuse(p, p->status, p->code, NULL, "%s", message);
    } else if (p->err == HY_OK) {
        p->err = read_body(p);
    }
}

/* ---- the answer ---- */

static void put_result(struct post *p, size_t i, struct hy_buf *out)
{
    static const char *const words[] = {
        [HY_TOLD_NOTED] = "noted",
        [HY_TOLD_DUPLICATE] = "duplicate",
        [HY_TOLD_NO_LEAD] = "refused",
        [HY_TOLD_BAD_WHO] = "refused",
    };
    const struct item *x = &p->items[i];
    char id[HY_ID_TEXT_MAX];
    hy_buf_printf(out, "{\"index\":%zu,\"status\":\"%s\"", i,
                  x->fault.code ? "refused" : words[x->result.did]);
    if (x->fault.code) {
        hy_buf_add_lit(out, ",\"error\":");
        web_put_error(out, x->fault.code, x->fault.field[0] ? x->fault.field : NULL,
                      hy_str_of(x->fault.message), NULL);
    } else {
        hy_buf_printf(out, ",\"activity\":\"%s\"", hy_id_format(x->result.id, id));
        if (x->result.lead)
            hy_buf_printf(out, ",\"lead\":%u", x->result.lead);
        if (x->result.is_new)
            hy_buf_add_lit(out, ",\"created\":true");
    }
    hy_buf_add_lit(out, "}");
}

static void put_answer(const struct post *p, struct hy_buf *out)
{
    const uint32_t *n = p->batch.now.counts;
    hy_buf_printf(out, "{\"noted\":%u,\"duplicates\":%u,\"refused\":%u,\"results\":[", n[0], n[1],
                  n[2]);
    hy_buf_add_str(out, hy_buf_str(&p->batch.results));
    hy_buf_add_lit(out, "]}");
}

/* ---- noting; the writer's thread ---- */

/* Nobody has it, or it is no address: a fault of this one. */
static void note_fault(struct item *x, const struct hy_diag *diag)
{
    bool is_bad = x->result.did == HY_TOLD_BAD_WHO;
    x->fault.code = is_bad ? "invalid_value" : "lead_not_found";
    snprintf(x->fault.field, sizeof x->fault.field, "%s", hy_told_by_name(x->told.by));
    snprintf(x->fault.message, sizeof x->fault.message, "%s.",
             !is_bad         ? "There is no such lead"
             : diag->text[0] ? diag->text
                             : "This names no lead");
}

static int note_one(struct post *p, struct hy_txn *t, struct item *x)
{
    const struct hy_told_how how = {
        .source = hy_str_of(p->by),
        .by = hy_str_of(p->by),
        .makes_leads = p->makes_leads,
        .back_ms = p->call->policy->join_back_ms,
    };
    struct hy_diag diag = {""};
    /* It may be tried a second time, when other leads are there. */
    if (x->fault.code && x->result.did == HY_TOLD_NOTED)
        return HY_OK;
    x->fault.code = NULL;
    int err = hy_told_put(t, &x->told, &how, &x->result, &diag);
    if (err == HY_OK && x->result.did > HY_TOLD_DUPLICATE)
        note_fault(x, &diag);
    return err;
}

/* One after the other, as far as mail can wait: one that joins a visitor to a lead may take along a
 * thousand others. */
static int apply(struct hy_write_req *r, struct hy_txn *t)
{
    struct post *p = hy_container_of(r, struct post, req);
    struct web_batch *b = &p->batch;
    int err = web_batch_begin(b, t, p->n);
    while (!err && b->now.done < p->n) {
        struct item *x = &p->items[b->now.done];
        err = note_one(p, t, x);
        if (err)
            return err;
        b->now.counts[x->fault.code ? 2 : x->result.did == HY_TOLD_DUPLICATE]++;
        if (b->now.done)
            hy_buf_add_lit(&b->results, ",");
        put_result(p, b->now.done++, &b->results);
        if (b->now.done < p->n && hy_txn_should_yield(t))
            return web_batch_pause(b, t);
    }
    if (err)
        return err;
    hy_buf_reset(&p->answer);
    put_answer(p, &p->answer);
    return p->answer.err ? p->answer.err : web_batch_end(b, t, hy_buf_str(&p->answer));
}

static void slice(struct hy_write_req *r)
{
    web_batch_keep(&hy_container_of(r, struct post, req)->batch);
}

static void on_over(struct web_call *c)
{
    struct post *p = c->state;
    if (p->err == HY_EEXIST) {
        web_once_answer(c, &p->once, 202);
        return;
    }
    if (p->err != HY_OK)
        web_fail_err(c, p->err);
    else
        web_answer_text(c, 202, hy_buf_str(&p->answer), NULL);
}

static void done(struct hy_write_req *r, int err)
{
    struct post *p = hy_container_of(r, struct post, req);
    p->err = err;
    web_later(p->call, on_over);
}

/* ---- the way of a call ---- */

static void hand_in(struct web_call *c)
{
    struct post *p = c->state;
    if (p->is_replay) {
        web_once_replay(c, hy_buf_str(&p->answer), 202);
    } else if (p->status) {
        web_fail(c, p->status, p->code, p->field, "%s", p->message);
    } else if (p->err != HY_OK) {
        web_fail_err(c, p->err);
    } else {
        p->req = (struct hy_write_req){.class = HY_WRITE_INTAKE,
                                       .when = HY_WRITE_NOW,
                                       .on_full = HY_WRITE_FULL_FAIL,
                                       .apply = apply,
                                       .done = done,
                                       .slice = slice};
        web_batch_init(&p->batch, &p->once);
        int err = hy_writer_submit(web_writer(c), &p->req);
        if (err != HY_OK)
            web_fail_err(c, err);
    }
}

static void read_large(struct web_call *c, struct hy_txn *t)
{
    struct post *p = c->state;
    p->txn = t;
    read_call(p);
    web_later(c, hand_in);
}

static void post_activities(struct web_call *c)
{
    struct post *p = hy_arena_zalloc(&c->arena, sizeof *p);
    if (!web_is_installation(c))
        return;
    if (!p) {
        web_fail_err(c, HY_ENOMEM);
        return;
    }
    p->call = c;
    p->answer = HY_BUF_INIT(HY_ONCE_ANSWER_MAX);
    snprintf(p->by, sizeof p->by, "api %s", c->token->name);
    c->state = p;
    c->state_free = post_free;
    if (c->http->body.n > LARGE_BYTES) {
        if (web_work(c, read_large) != HY_OK)
            web_fail_err(c, HY_EBUSY);
        return;
    }
    p->txn = web_snapshot(c);
    read_call(p);
    web_snapshot_done(c);
    hand_in(c);
}

/* ---- GET: those of one lead or visitor, the newest first ---- */

enum { PAGE_USUAL = 100, PAGE_MAX = 1000, LOOKED_MAX = 20000 };

struct page {
    struct hy_activity_who who;
    struct hy_told told; /* who was asked for */
    unsigned n_kinds;
    enum hy_activity_kind kinds[HY_ACTIVITY_KINDS];
    hy_wall_ms since;
    hy_id before;
    size_t limit;
    json_t *list;
    bool is_last;
    int err;
};

static void page_free(void *state)
{
    json_decref(((struct page *)state)->list);
}

static bool is_wanted(const struct page *p, const struct hy_activity *a)
{
    for (unsigned i = 0; i < p->n_kinds; i++)
        if (p->kinds[i] == a->kind)
            return a->at >= p->since;
    return p->n_kinds == 0 && a->at >= p->since;
}

static void answer_page(struct web_call *c)
{
    struct page *p = c->state;
    char next[HY_ID_TEXT_MAX];
    if (p->err == HY_ENOTFOUND || p->err == HY_EPARSE)
        web_fail(c, 404, "not_found", hy_told_by_name(p->told.by), "There is no such lead.");
    else if (p->err != HY_OK)
        web_fail_err(c, p->err);
    else
        web_answer(
            c, 200,
            json_pack("{s:O,s:o}", "activities", p->list, "next",
                      p->is_last ? json_null() : json_string(hy_id_format(p->before, next))));
}

json_t *hy_activity_json(const struct hy_activity *a)
{
    char text[32], id[HY_ID_TEXT_MAX];
    json_t *o = json_object(), *meta = a->meta.n ? json_loadb(a->meta.p, a->meta.n, 0, NULL) : NULL;
    const struct {
        const char *name;
        struct hy_str value;
    } texts[] = {{"name", a->text}, {"url", a->url},       {"source", a->source},
                 {"id", a->ref},    {"email", a->address}, {"agent", a->agent}};
    json_object_set_new(o, "activity", json_string(hy_id_format(a->id, id)));
    json_object_set_new(o, "kind", json_string(hy_activity_kind_name(a->kind)));
    json_object_set_new(o, "at", json_string(hy_wall_format(a->at, text)));
    if (a->lead)
        json_object_set_new(o, "lead", json_integer(a->lead));
    if (a->visitor)
        json_object_set_new(o, "visitor", json_string(hy_id_format(a->visitor, id)));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts[i].value.n)
            json_object_set_new(o, texts[i].name, web_text_json(texts[i].value));
    if (a->campaign && !a->message)
        json_object_set_new(o, "campaign", json_string(hy_id_format(a->campaign, id)));
    if (a->message)
        json_object_set_new(o, "message", json_string(hy_id_format(a->message, id)));
    if (a->link)
        json_object_set_new(o, "number", json_integer(a->link));
    if (a->flags & (HY_ACTIVITY_HUMAN | HY_ACTIVITY_MACHINE))
        json_object_set_new(o, "by",
                            json_string(a->flags & HY_ACTIVITY_HUMAN ? "human" : "machine"));
    json_t *ip = person_ip_json(a->ip);
    if (!json_is_null(ip))
        json_object_set(o, "ip", ip);
    json_decref(ip);
    if (meta)
        json_object_set_new(o, "meta", meta);
    return o;
}

/* HY_ENOTFOUND: nobody is that. */
static int find_who(struct page *p, struct hy_txn *t, struct hy_diag *diag)
{
    if (p->told.by == HY_TOLD_NOBODY) {
        p->who = (struct hy_activity_who){.by = HY_ACTIVITY_BY_VISITOR, .visitor = p->told.visitor};
        return HY_OK;
    }
    p->who.by = HY_ACTIVITY_BY_LEAD;
    return hy_told_find_lead(t, &p->told, &p->who.lead, diag);
}

/* The worker's thread. */
static void gather(struct web_call *c, struct hy_txn *t)
{
    struct page *p = c->state;
    struct hy_activity a;
    struct hy_diag diag = {""};
    p->err = t ? find_who(p, t, &diag) : HY_EIO;
    for (int looked = 0; p->err == HY_OK && looked < LOOKED_MAX; looked++) {
        if (json_array_size(p->list) == p->limit)
            break;
        int err = hy_activity_prev_of(t, &p->who, p->before, &a);
        p->is_last = err == HY_ENOTFOUND;
        if (err) {
            p->err = p->is_last ? HY_OK : err;
            break;
        }
        p->before = a.id;
        if (is_wanted(p, &a))
            json_array_append_new(p->list, hy_activity_json(&a));
    }
    web_later(c, answer_page);
}

/* One of lead, email ... and visitor, read as in an activity. */
static bool read_who(struct web_call *c, struct page *p)
{
    static const char *const names[] = {"lead",    "email", "external_id",
                                        "line_id", "phone", "visitor"};
    struct hy_told_fault fault = {.code = ""};
    json_t *o = json_pack("{s:s}", "kind", "order");
    struct hy_str text;
    uint64_t no;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (web_query(c, hy_str_of(names[i]), 0, &text))
            json_object_set_new(o, names[i],
                                i == 0 && hy_str_to_u64(text, UINT32_MAX, &no) == HY_OK
                                    ? json_integer((json_int_t)no)
                                    : web_text_json(text));
    c->json = o; /* goes with the call */
    int err = hy_told_read(o, hy_clock_wall_ms(), &c->arena, &p->told, &fault);
    if (err == HY_EINVAL)
        web_fail(c, 422, fault.code, fault.field, "%s", fault.message);
    else if (err != HY_OK)
        web_fail_err(c, err);
    return err == HY_OK;
}

static bool read_kinds(struct web_call *c, struct page *p)
{
    struct hy_str text;
    for (size_t i = 0; web_query(c, HY_STR("kind"), i, &text); i++) {
        if (p->n_kinds < HY_ACTIVITY_KINDS &&
            hy_activity_kind_find(text, &p->kinds[p->n_kinds]) == HY_OK) {
            p->n_kinds++;
            continue;
        }
        web_fail(c, 422, "unknown_kind", "kind", "There is no such kind of activity.");
        return false;
    }
    return true;
}

static bool read_page(struct web_call *c, struct page *p)
{
    struct hy_str text;
    uint64_t limit = PAGE_USUAL;
    const char *field = NULL;
    if (web_query(c, HY_STR("limit"), 0, &text) &&
        (hy_str_to_u64(text, PAGE_MAX, &limit) != HY_OK || limit == 0))
        field = "limit";
    if (web_query(c, HY_STR("since"), 0, &text) && hy_wall_parse(text, &p->since) != HY_OK)
        field = "since";
    if (web_query(c, HY_STR("after"), 0, &text) && hy_id_parse(text, &p->before) != HY_OK)
        field = "after";
    p->limit = (size_t)limit;
    if (field) {
        web_fail(c, 422, "invalid_value", field,
                 strcmp(field, "limit") == 0   ? "A page has 1 to 1000 activities."
                 : strcmp(field, "since") == 0 ? "This must be a time like 2026-12-01T09:00:00Z."
                                               : "This is not what 'next' said.");
        return false;
    }
    return read_kinds(c, p) && read_who(c, p);
}

static void get_activities(struct web_call *c)
{
    struct page *p = hy_arena_zalloc(&c->arena, sizeof *p);
    if (!web_is_installation(c))
        return;
    if (!p || !(p->list = json_array())) {
        web_fail_err(c, HY_ENOMEM);
        return;
    }
    c->state = p;
    c->state_free = page_free;
    if (read_page(c, p) && web_work(c, gather) != HY_OK)
        web_fail_err(c, HY_EBUSY);
}

const struct web_route web_activity_routes[] = {
    {"GET", "/v1/activities", HY_SCOPE_LEADS_READ, get_activities},
    {"POST", "/v1/activities", HY_SCOPE_LEADS_WRITE, post_activities},
    {0},
};
