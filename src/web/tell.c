/* What applications tell of leads, up to a thousand things a call.
 *
 * Happy path: each is checked here (on the worker when the body is large), the writer finds the
 * leads and notes it, in slices so that mail is not held up, the answer follows the last commit and
 * says of each what became of it. What is wrong with one keeps out that one only. */
#include "tell.h"

#include <stdarg.h>
#include <stdio.h>

#include "batch.h"
#include "hayauma/base/json_put.h"
#include "hayauma/base/list.h"
#include "hayauma/store/told.h"

enum {
    THINGS_MAX = 1000,
    LARGE_BYTES = 64 * 1024,
    WHY_MAX = 240,
};

struct item {
    struct web_told told;
    struct hy_told_fault fault; /* code NULL: none */
    struct hy_told_result result;
};

struct post {
    struct hy_write_req req;
    struct web_call *call;
    const struct web_telling *of;
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
    if (!json_is_array(list) || n == 0 || n > THINGS_MAX)
        return refuse(p, 422, "invalid_value", p->of->list, "This must be a list of 1 to %d %s.",
                      THINGS_MAX, p->of->list);
    p->items = hy_arena_zalloc(&p->call->arena, n * sizeof *p->items);
    if (!p->items)
        return HY_ENOMEM;
    json_array_foreach(list, i, object)
    {
        struct item *x = &p->items[i];
        int err = p->of->read(object, now, &p->call->arena, &x->told, &x->fault);
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
        else if (strcmp(key, p->of->list) != 0)
            return refuse(p, 422, "unknown_field", key, "There is no such field.");
    }
    return read_items(p, json_object_get(c->json, p->of->list));
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
    snprintf(x->fault.field, sizeof x->fault.field, "%s", hy_told_by_name(x->told.told.by));
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
    int err = p->of->put(t, &x->told, &how, &x->result, &diag);
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

void web_tell(struct web_call *c, const struct web_telling *of)
{
    struct post *p = hy_arena_zalloc(&c->arena, sizeof *p);
    if (!web_is_installation(c))
        return;
    if (!p) {
        web_fail_err(c, HY_ENOMEM);
        return;
    }
    p->call = c;
    p->of = of;
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
