/* /v1/messages: handed in, looked at, taken back.
 *
 * Happy path of POST: read and made here, or on the worker when the body is large; given to the
 * writer; answered when it is durable. How it fails: whatever is wrong with the request is answered
 * before anything is stored; a full disk or a busy writer is 507 or 503. */
#include <stdlib.h>

#include "hayauma/base/list.h"
#include "hayauma/store/explain.h"
#include "send.h"

enum {
    LARGE_BYTES = 64 * 1024,
    ANSWER_MAX = 16 << 20,
    QUEUE_WAIT_S = 60, /* until somebody whose queue is full should ask again */
};

static void send_free(void *state)
{
    struct send *s = state;
    hy_message_free(s->template);
    hy_rendered_free(&s->rendered);
    hy_buf_free(&s->out);
    hy_buf_free(&s->stored);
    hy_buf_free(&s->answer);
}

static void answer_fault(struct send *s)
{
    const struct send_fault *f = &s->fault;
    if (f->status)
        web_fail(s->call, f->status, f->code, f->field[0] ? f->field : NULL, "%s", f->message);
    else
        web_fail_err(s->call, f->err);
}

/* ---- the answer ---- */

static void count(struct send *s)
{
    struct hy_web_counters *c = web_counters(s->call);
    size_t rcpts = 0;
    for (size_t i = 0; i < s->n_messages; i++)
        rcpts += s->messages[i].n_rcpts;
    hy_count_add(&c->messages, s->n_messages);
    hy_count_add(&c->recipients, rcpts);
    hy_count_add(&c->bytes, s->content_bytes);
}

/* What may fit later is 429, what never can is as large as it is. */
static void answer_quota(struct send *s)
{
    const struct hy_quota_verdict *v = &s->submit.batch.verdict;
    char text[HY_QUOTA_TEXT_MAX];
    (void)hy_quota_text(v, text);
    if (v->is_for_ever && v->kind == HY_QUOTA_SIZE)
        web_fail(s->call, 413, "too_large", NULL, "%s.", text);
    else if (v->is_for_ever)
        web_fail(s->call, 422, "too_many_recipients", NULL, "%s.", text);
    else /* nobody knows when a queue has room */
        web_fail_wait(s->call, "over_quota",
                      v->until ? (v->until - hy_clock_wall_ms() + 999) / 1000 : QUEUE_WAIT_S, "%s.",
                      text);
}

static void on_over(struct web_call *c)
{
    struct send *s = c->state;
    if (s->err == HY_EEXIST) {
        web_once_answer(c, &s->once, 202);
        return;
    }
    if (s->err == HY_ELIMIT || s->err == HY_EINVAL) {
        web_fail(c, 422, "invalid_message", NULL, "Something of the message is too large.");
        return;
    }
    if (s->err == HY_EQUOTA) {
        answer_quota(s);
        return;
    }
    if (s->err != HY_OK) {
        web_fail_err(c, s->err);
        return;
    }
    count(s);
    if (!s->once.key.n) {
        s->answer = HY_BUF_INIT(ANSWER_MAX);
        send_put_answer(s, &s->answer);
    }
    web_answer_text(c, 202, hy_buf_str(&s->answer), NULL);
}

/* ---- handing in; the writer's thread ---- */

static void on_done(struct hy_submit_batch *b, int err)
{
    struct send *s = hy_container_of(b, struct send, submit);
    s->err = err;
    web_later(s->call, on_over);
}

static struct send *send_of(struct hy_spool_batch *b)
{
    struct hy_submit_batch *submit = hy_container_of(b, struct hy_submit_batch, batch);
    return hy_container_of(submit, struct send, submit);
}

static int check_once(struct hy_spool_batch *b, struct hy_txn *t)
{
    struct send *s = send_of(b);
    hy_buf_reset(&s->answer);
    int err = hy_once_find(t, &s->once, &s->answer);
    return err == HY_ENOTFOUND ? HY_OK : err == HY_OK || err == HY_EINVAL ? HY_EEXIST : err;
}

static int keep_answer(struct hy_spool_batch *b, struct hy_txn *t)
{
    struct send *s = send_of(b);
    hy_buf_reset(&s->answer);
    send_put_answer(s, &s->answer);
    return s->answer.err ? s->answer.err : hy_once_put(t, &s->once, hy_buf_str(&s->answer));
}

/* ---- reading and making ---- */

static void make(struct web_call *c)
{
    struct send *s = c->state;
    int err = send_read(s);
    if (err == HY_OK && !s->is_replay)
        err = send_make(s);
    (void)err; /* noted in s->fault */
}

static void hand_in(struct web_call *c)
{
    struct send *s = c->state;
    if (s->fault.status || s->fault.err) {
        answer_fault(s);
        return;
    }
    if (s->is_replay) {
        web_once_replay(c, hy_buf_str(&s->answer), 202);
        return;
    }
    hy_submit_batch_init(&s->submit);
    s->submit.done = on_done;
    s->submit.batch.messages = s->messages;
    s->submit.batch.n = s->n_messages;
    if (s->once.key.n) {
        s->submit.batch.before = check_once;
        s->submit.batch.behind = keep_answer;
    }
    int err = hy_deliver_submit_batch(web_deliver(c), &s->submit);
    if (err == HY_EQUOTA)
        answer_quota(s);
    else if (err != HY_OK)
        web_fail_err(c, err);
}

/* The worker's thread, with a snapshot of its own. */
static void make_large(struct web_call *c, struct hy_txn *t)
{
    struct send *s = c->state;
    s->txn = t;
    if (t)
        make(c);
    else
        (void)send_fail_err(s, HY_EIO);
    web_later(c, hand_in);
}

static void post_messages(struct web_call *c)
{
    struct send *s = hy_arena_zalloc(&c->arena, sizeof *s);
    if (!s) {
        web_fail_err(c, HY_ENOMEM);
        return;
    }
    s->call = c;
    c->state = s;
    c->state_free = send_free;
    if (c->http->body.n > LARGE_BYTES) {
        if (web_work(c, make_large) != HY_OK)
            web_fail_err(c, HY_EBUSY);
        return;
    }
    s->txn = web_snapshot(c);
    if (!s->txn) {
        web_fail_err(c, HY_EIO);
        return;
    }
    make(c);
    web_snapshot_done(c);
    hand_in(c);
}

/* ---- looking ---- */

struct look {
    json_t *rcpts;
    struct hy_txn *txn;
};

static int take_attempt(void *ctx, const struct hy_attempt *a)
{
    json_t *o = ctx;
    if (a->outcome.code)
        json_object_set_new(o, "reply_code", json_integer(a->outcome.code));
    if (a->outcome.text.n)
        json_object_set_new(o, "reply", web_text_json(a->outcome.text));
    return 1; /* the newest is enough */
}

static int add_rcpt(void *ctx, const struct hy_spool_view *v)
{
    struct look *l = ctx;
    bool is_trimmed, is_waiting = v->row.state == HY_RCPT_DEFERRED;
    char when[32];
    const char *state = is_waiting && v->row.ref.attempts == 0 ? "scheduled"
                        : v->row.state == HY_RCPT_FRESH        ? "queued"
                                                               : hy_rcpt_state_name(v->row.state);
    json_t *o = json_object();
    json_object_set_new(o, "email", web_text_json(v->rcpt.address));
    json_object_set_new(o, "state", json_string(state));
    json_object_set_new(o, "attempts", json_integer(v->row.ref.attempts));
    if (is_waiting)
        json_object_set_new(o, "due",
                            json_string(hy_wall_format((hy_wall_ms)v->row.due_s * 1000, when)));
    int err = hy_explain_attempts(l->txn, &v->row, take_attempt, o, &is_trimmed);
    json_array_append_new(l->rcpts, o);
    return err < 0 ? err : 0;
}

/* The message, if it is the tenant's; else there is none. */
static int find(struct web_call *c, struct hy_txn *t, hy_id *ret_id, struct hy_spool_message *ret)
{
    if (hy_id_parse(web_param(c, 0), ret_id) != HY_OK)
        return HY_ENOTFOUND;
    int err = hy_spool_message(t, *ret_id, ret);
    if (err == HY_OK && ret->tenant != c->token->tenant->number)
        return HY_ENOTFOUND;
    return err;
}

static json_t *message_json(const struct hy_spool_message *m, json_t *rcpts)
{
    char id[HY_ID_TEXT_MAX], when[32];
    json_t *o = json_object(), *meta = json_loadb(m->meta.p ? m->meta.p : "", m->meta.n, 0, NULL);
    json_object_set_new(o, "id", json_string(hy_id_format(m->id, id)));
    json_object_set_new(o, "message_id", web_text_json(m->message_id));
    json_object_set_new(o, "received", json_string(hy_wall_format(m->received, when)));
    json_object_set_new(
        o, "priority",
        json_string(m->priority == HY_SPOOL_TRANSACTIONAL ? "transactional" : "bulk"));
    json_object_set_new(o, "return_path", web_text_json(m->sender));
    json_object_set_new(o, "recipients", rcpts);
    if (json_object_get(meta, "tags"))
        json_object_set(o, "tags", json_object_get(meta, "tags"));
    if (json_object_get(meta, "metadata"))
        json_object_set(o, "metadata", json_object_get(meta, "metadata"));
    json_decref(meta);
    return o;
}

static void answer_not_found(struct web_call *c)
{
    web_fail(c, 404, "not_found", NULL, "There is no such message, or it is forgotten.");
}

static void get_message(struct web_call *c)
{
    struct hy_spool_message m;
    hy_id id;
    struct look l = {json_array(), web_snapshot(c)};
    int err = l.txn ? find(c, l.txn, &id, &m) : HY_EIO;
    if (err == HY_OK)
        err = hy_spool_each_of_message(l.txn, id, add_rcpt, &l);
    json_t *o = err == HY_OK ? message_json(&m, json_incref(l.rcpts)) : NULL;
    web_snapshot_done(c);
    json_decref(l.rcpts);
    if (err == HY_OK)
        web_answer(c, 200, o);
    else if (err == HY_ENOTFOUND)
        answer_not_found(c);
    else
        web_fail_err(c, err);
}

/* ---- taking back ---- */

struct taking {
    struct hy_write_req req; /* first */
    struct web_call *call;
    hy_id id;
    uint64_t rows;
    uint32_t n_rcpts;
    int err;
};

static int apply_cancel(struct hy_write_req *r, struct hy_txn *t)
{
    struct taking *k = (struct taking *)(void *)r;
    return hy_spool_cancel(t, k->id, HY_STR("cancelled by the application"), &k->rows);
}

static void on_cancelled(struct web_call *c)
{
    const struct taking *k = c->state;
    char id[HY_ID_TEXT_MAX];
    if (k->err == HY_ENOTFOUND)
        answer_not_found(c);
    else if (k->err != HY_OK)
        web_fail_err(c, k->err);
    else if (k->rows == 0)
        web_fail(c, 409, "too_late", NULL, "It is being sent, or it is over.");
    else
        web_answer(c, 200,
                   json_pack("{s:s,s:I,s:i}", "id", hy_id_format(k->id, id), "cancelled",
                             (json_int_t)k->rows, "recipients", (int)k->n_rcpts));
}

static void cancel_done(struct hy_write_req *r, int err)
{
    struct taking *k = (struct taking *)(void *)r;
    k->err = err;
    web_later(k->call, on_cancelled);
}

static void delete_message(struct web_call *c)
{
    struct taking *k = hy_arena_zalloc(&c->arena, sizeof *k);
    struct hy_spool_message m;
    struct hy_txn *t = web_snapshot(c);
    int err = t && k ? find(c, t, &k->id, &m) : HY_EIO;
    if (err == HY_OK)
        k->n_rcpts = m.n_rcpts;
    web_snapshot_done(c);
    if (err == HY_ENOTFOUND) {
        answer_not_found(c);
        return;
    }
    if (err == HY_OK) {
        k->call = c;
        c->state = k;
        k->req = (struct hy_write_req){.class = HY_WRITE_ADMIN,
                                       .when = HY_WRITE_NOW,
                                       .on_full = HY_WRITE_FULL_FAIL,
                                       .apply = apply_cancel,
                                       .done = cancel_done};
        err = hy_writer_submit(web_writer(c), &k->req);
    }
    if (err != HY_OK)
        web_fail_err(c, err);
}

const struct web_route web_message_routes[] = {
    {"POST", "/v1/messages", HY_SCOPE_MESSAGES_SEND, post_messages},
    {"GET", "/v1/messages/{id}", HY_SCOPE_MESSAGES_READ, get_message},
    {"DELETE", "/v1/messages/{id}", HY_SCOPE_MESSAGES_SEND, delete_message},
    {0},
};
