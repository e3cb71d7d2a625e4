/* A connection of an HTTP client: requests one behind the other, each with its answer.
 *
 * Happy path: pump() takes a head, a body, hands the call out, writes the answer, and begins again
 * with what has come meanwhile. How it fails: a request that cannot be read gets its 4xx; then what
 * the client still sends is thrown away for a moment, since a connection that is closed over unread
 * bytes takes the answer with it. Every step has a time that it must be over. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "http_priv.h"

enum {
    RATE_BYTES = 16 * 1024, /* a second, at least */
    AHEAD_MAX = 64 * 1024,  /* read behind the request at hand */
    HTTP_IN_MAX = 4 * AHEAD_MAX,
    KEEP_BYTES = 16 * 1024,    /* what a buffer keeps for the next request */
    DRAIN_BYTES = 1024 * 1024, /* thrown away at most behind a refusal */
    LINGER_US = 2 * 1000000,
};

static void pump(struct http_conn *c);

/* ---- time ---- */

static void arm(struct http_conn *c, hy_us wait)
{
    c->due = hy_loop_now(c->server->loop) + wait;
    hy_loop_arm(c->server->loop, &c->timer, c->due);
}

/* So much has moved: the step may last as much longer. */
static void extend(struct http_conn *c, size_t bytes)
{
    c->due += (hy_us)bytes * HY_US_PER_SEC / RATE_BYTES;
    hy_us most = hy_loop_now(c->server->loop) + 2 * http_settings(c->server)->slow_us;
    if (c->due > most)
        c->due = most;
    hy_loop_arm(c->server->loop, &c->timer, c->due);
}

static void enter(struct http_conn *c, enum http_phase phase)
{
    const struct hy_http_settings *now = http_settings(c->server);
    c->phase = phase;
    hy_list_remove(&c->idle);
    switch (phase) {
    case HTTP_IDLE:
        hy_list_push(&c->server->idle, &c->idle);
        arm(c, now->idle_us);
        break;
    case HTTP_HANDSHAKE:
    case HTTP_HEAD:
        arm(c, now->head_us);
        break;
    case HTTP_BODY:
    case HTTP_WRITING:
        arm(c, now->slow_us);
        break;
    case HTTP_LINGER: /* the connection ends by itself */
    case HTTP_MAKING: /* whoever makes it says when it is over */
        hy_loop_disarm(c->server->loop, &c->timer);
        break;
    }
}

/* ---- the end ---- */

static void count_bytes(struct http_conn *c)
{
    uint64_t now = c->in.cap + c->ahead.cap + c->body.cap;
    if (now < c->expected)
        now = c->expected;
    c->server->body_bytes += now - c->counted;
    c->counted = now;
}

static void call_over(struct http_conn *c)
{
    struct hy_http_server *s = c->server;
    if (c->is_seen && s->o.ops->on_done)
        s->o.ops->on_done(s->o.ctx, &c->call);
    uint32_t number = c->call.number;
    c->call = (struct hy_http_call){.peer = c->call.peer, .is_tls = c->call.is_tls};
    c->call.number = number;
    c->is_seen = c->is_answered = false;
}

static void conn_free(struct http_conn *c)
{
    struct hy_http_server *s = c->server;
    call_over(c);
    hy_loop_disarm(s->loop, &c->timer);
    hy_list_remove(&c->link);
    hy_list_remove(&c->idle);
    hy_buf_free(&c->in);
    hy_buf_free(&c->ahead);
    hy_buf_free(&c->head);
    hy_buf_free(&c->body);
    hy_buf_free(&c->out);
    s->body_bytes -= c->counted;
    s->n_conns--;
    hy_tally_drop(&s->tally, c->network);
    atomic_fetch_sub_explicit(&s->counters.connections_now, 1, memory_order_relaxed);
    free(c);
    http_conn_gone(s);
}

static void on_closed(void *ctx, const struct hy_conn_end *end)
{
    struct http_conn *c = ctx;
    (void)end;
    c->conn = NULL;
    if (c->phase != HTTP_MAKING)
        conn_free(c);
}

void http_conn_cut(struct http_conn *c)
{
    hy_conn_close(c->conn);
}

void http_conn_end(struct http_conn *c)
{
    c->is_last = true;
    if (c->phase <= HTTP_BODY || c->phase == HTTP_LINGER)
        http_conn_cut(c);
}

static void on_timer(void *arg)
{
    struct http_conn *c = arg;
    static const struct hy_http_answer late = {.status = 408, .closes = true};
    bool is_cut_short = c->phase == HTTP_HEAD || c->phase == HTTP_BODY;
    if (is_cut_short && c->conn) {
        hy_http_answer(&c->call, &late);
        return;
    }
    http_conn_cut(c);
}

/* ---- out ---- */

static const char *reason_of(int status)
{
    static const struct {
        int status;
        const char *text;
    } reasons[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {302, "Found"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {411, "Length Required"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
        {507, "Insufficient Storage"},
    };
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].status == status)
            return reasons[i].text;
    return "";
}

/* False: the rest goes later, or never. */
static bool flush(struct http_conn *c)
{
    while (c->conn && c->sent < c->out.len) {
        struct iovec iov = {.iov_base = c->out.data + c->sent, .iov_len = c->out.len - c->sent};
        size_t n = hy_conn_writev(c->conn, &iov, 1);
        c->sent += n;
        if (n < iov.iov_len) {
            extend(c, n);
            return false;
        }
    }
    return c->conn && hy_conn_flushed(c->conn);
}

/* RFC 9110 15.3.5, 15.4.5. */
static bool has_no_body(int status)
{
    return status == 204 || status == 304;
}

static void put_number(struct hy_buf *out, uint64_t n)
{
    char digits[20];
    size_t at = sizeof digits;
    do
        digits[--at] = (char)('0' + n % 10);
    while ((n /= 10) > 0);
    hy_buf_add(out, digits + at, sizeof digits - at);
}

static void put_answer(struct http_conn *c, const struct hy_http_answer *a)
{
    struct hy_buf *out = &c->out;
    hy_buf_add_lit(out, "HTTP/1.1 ");
    put_number(out, (uint64_t)a->status);
    hy_buf_add_c(out, ' ');
    hy_buf_add_str(out, hy_str_of(reason_of(a->status)));
    if (a->type) {
        hy_buf_add_lit(out, "\r\nContent-Type: ");
        hy_buf_add_str(out, hy_str_of(a->type));
    }
    if (!has_no_body(a->status)) {
        hy_buf_add_lit(out, "\r\nContent-Length: ");
        put_number(out, a->body.n);
    }
    hy_buf_add_lit(out, "\r\n");
    if (a->fields)
        hy_buf_add_str(out, hy_str_of(a->fields));
    if (c->is_last)
        hy_buf_add_lit(out, "Connection: close\r\n");
    else if (c->call.head.is_http_1_0)
        hy_buf_add_lit(out, "Connection: keep-alive\r\n");
    hy_buf_add_lit(out, "\r\n");
    if (!c->is_head_only)
        hy_buf_add_str(out, a->body);
}

/* The server itself says no, in the words of who serves. */
static void put_refusal(struct http_conn *c, int status, const char *fields)
{
    const struct hy_http_ops *ops = c->server->o.ops;
    struct hy_buf text = HY_BUF_INIT(65536);
    const char *type = "text/plain; charset=utf-8";
    if (ops->on_refused)
        type = ops->on_refused(c->server->o.ctx, status, &text);
    else
        hy_buf_printf(&text, "%s\n", reason_of(status));
    struct hy_http_answer a = {
        .status = status, .type = type, .fields = fields, .body = hy_buf_str(&text)};
    put_answer(c, &a);
    hy_buf_free(&text);
}

void hy_http_answer(struct hy_http_call *call, const struct hy_http_answer *a)
{
    struct http_conn *c = hy_container_of(call, struct http_conn, call);
    const struct hy_http_head *h = &call->head;
    call->status = a->status;
    c->is_answered = true;
    if (!c->conn) { /* nobody is there to read it */
        conn_free(c);
        return;
    }
    c->has_rest = c->phase != HTTP_MAKING && (h->bytes == 0 || h->is_chunked || h->length > 0);
    c->is_last |= a->closes || h->closes || c->has_rest || c->server->is_ending;
    if (a->type || has_no_body(a->status))
        put_answer(c, a);
    else
        put_refusal(c, a->status, a->fields);
    enter(c, HTTP_WRITING);
    if (c->out.err) /* larger than an answer may be, or no memory */
        http_conn_cut(c);
    else if (!c->is_pumping)
        pump(c);
}

void hy_http_later(struct hy_http_call *call, void (*fn)(struct hy_http_call *c))
{
    struct http_conn *c = hy_container_of(call, struct http_conn, call);
    c->later_fn = fn;
    int err = hy_mailbox_post_answer(c->server->mailbox, &c->later);
    (void)err; /* open as long as a call has no answer */
}

void http_conn_later(struct http_conn *c)
{
    c->later_fn(&c->call);
}

/* ---- in ---- */

static void refuse(struct http_conn *c, int status)
{
    struct hy_http_answer a = {.status = status, .closes = true};
    hy_http_answer(&c->call, &a);
}

/* A head that is complete, in memory of its own: its views stay while the body comes. */
static int keep_head(struct http_conn *c)
{
    struct hy_str in = hy_str_make(c->in.data + c->at, c->in.len - c->at);
    size_t end = hy_http_head_end(hy_str_slice(in, 0, HY_HTTP_HEAD_MAX));
    if (end == SIZE_MAX)
        return in.n >= HY_HTTP_HEAD_MAX ? HY_ELIMIT : HY_EMORE;
    hy_buf_reset(&c->head);
    hy_buf_add(&c->head, in.p, end);
    if (c->head.err)
        return c->head.err;
    int err = hy_http_head_read(hy_buf_str(&c->head), &c->call.head);
    if (err == HY_OK)
        c->at += c->call.head.bytes;
    return err;
}

static int status_of(int err)
{
    switch (err) {
    case HY_ELIMIT:
        return 431;
    case HY_EUNSUPPORTED:
        return 501;
    case HY_EPARSE:
        return 400;
    default:
        return 503;
    }
}

/* Why its body is not wanted; 0: it is. */
static int judge_body(const struct http_conn *c, const struct hy_http_settings *now)
{
    const struct hy_http_head *h = &c->call.head;
    if (h->length > now->body_max || (h->is_chunked && now->body_max == 0))
        return 413;
    if ((h->is_chunked || h->length) && c->server->body_bytes + h->length > now->memory_max)
        return 503;
    return 0;
}

static void say_continue(struct http_conn *c)
{
    size_t have = c->in.len - c->at;
    if (!c->call.head.expects_continue || have || c->call.head.is_http_1_0)
        return;
    hy_buf_add_lit(&c->out, "HTTP/1.1 100 Continue\r\n\r\n");
    (void)flush(c);
}

/* False: there is nothing to go on with. */
static bool take_head(struct http_conn *c)
{
    const struct hy_http_settings *now = http_settings(c->server);
    struct hy_http_server *s = c->server;
    while (c->at + 1 < c->in.len && memcmp(c->in.data + c->at, "\r\n", 2) == 0)
        c->at += 2; /* empty lines before a request (RFC 9112 2.2) */
    if (c->at == c->in.len)
        return false;
    if (c->phase == HTTP_IDLE) {
        enter(c, HTTP_HEAD);
        c->call.began = hy_loop_now(s->loop);
    }
    int err = keep_head(c);
    if (err == HY_EMORE)
        return false;
    c->call.number++;
    atomic_fetch_add_explicit(&s->counters.requests, 1, memory_order_relaxed);
    c->is_head_only = err == HY_OK && hy_str_eq(c->call.head.method, HY_STR("HEAD"));
    int status = err == HY_OK ? judge_body(c, now) : status_of(err);
    if (status) {
        refuse(c, status);
        return true;
    }
    if (s->o.ops->on_head) {
        c->is_seen = true;
        s->o.ops->on_head(s->o.ctx, &c->call);
        if (c->is_answered)
            return true;
    }
    enter(c, HTTP_BODY);
    c->chunks = (struct hy_http_chunks){0};
    hy_buf_reset(&c->body);
    c->body.max = (size_t)now->body_max;
    c->in.max = HTTP_IN_MAX + (size_t)now->body_max;
    c->expected = c->call.head.length;
    count_bytes(c);
    say_continue(c);
    return true;
}

static bool take_body(struct http_conn *c)
{
    struct hy_str in = hy_str_make(c->in.data + c->at, c->in.len - c->at);
    const struct hy_http_head *h = &c->call.head;
    if (h->is_chunked) {
        size_t used = 0;
        int err = hy_http_chunks_read(&c->chunks, in, &c->body, &used);
        c->at += used;
        count_bytes(c);
        if (err == HY_EMORE && c->server->body_bytes > http_settings(c->server)->memory_max)
            err = HY_EBUSY;
        if (err == HY_EMORE)
            return false;
        if (err != HY_OK) {
            refuse(c, err == HY_ELIMIT ? 413 : err == HY_EPARSE ? 400 : 503);
            return true;
        }
        c->call.body = hy_buf_str(&c->body);
    } else {
        if (in.n < h->length)
            return false;
        c->call.body = hy_str_slice(in, 0, (size_t)h->length);
        c->at += (size_t)h->length;
    }
    c->is_seen = true;
    enter(c, HTTP_MAKING);
    c->server->o.ops->on_request(c->server->o.ctx, &c->call);
    return true;
}

static void shrink(struct hy_buf *b)
{
    if (b->cap > KEEP_BYTES && b->len == 0)
        hy_buf_free(b);
}

/* The answer is out: the next request, or the end. False: the end. */
static bool next_request(struct http_conn *c)
{
    call_over(c);
    hy_buf_reset(&c->out);
    shrink(&c->out);
    c->sent = 0;
    if (c->is_last) {
        if (c->has_rest) {
            enter(c, HTTP_LINGER);
            hy_conn_linger(c->conn, DRAIN_BYTES, LINGER_US);
        } else
            http_conn_cut(c);
        return false;
    }
    hy_buf_reset(&c->body);
    shrink(&c->body);
    c->expected = 0;
    hy_buf_consume(&c->in, c->at);
    c->at = 0;
    hy_buf_add_str(&c->in, hy_buf_str(&c->ahead));
    hy_buf_reset(&c->ahead);
    shrink(&c->ahead);
    if (c->in.err) {
        http_conn_cut(c);
        return false;
    }
    enter(c, HTTP_IDLE);
    return true;
}

/* Drops what was taken; memory of a large body goes. */
static void compact(struct http_conn *c)
{
    if (c->phase == HTTP_MAKING)
        return; /* its body lies there */
    hy_buf_consume(&c->in, c->at);
    c->at = 0;
    shrink(&c->in);
    count_bytes(c);
}

static void pump(struct http_conn *c)
{
    bool goes_on = true;
    c->is_pumping = true;
    while (goes_on && c->conn) {
        switch (c->phase) {
        case HTTP_IDLE:
        case HTTP_HEAD:
            goes_on = take_head(c);
            break;
        case HTTP_BODY:
            goes_on = take_body(c);
            break;
        case HTTP_WRITING:
            goes_on = flush(c) && next_request(c);
            break;
        case HTTP_LINGER:
            c->at = c->in.len;
            goes_on = false;
            break;
        case HTTP_HANDSHAKE:
        case HTTP_MAKING:
            goes_on = false;
            break;
        }
    }
    c->is_pumping = false;
    compact(c);
    if (c->conn && c->phase != HTTP_HANDSHAKE)
        hy_conn_hold(c->conn, c->ahead.len >= AHEAD_MAX);
}

static void on_readable(void *ctx, const char *p, size_t n)
{
    struct http_conn *c = ctx;
    if (c->phase == HTTP_BODY)
        extend(c, n);
    /* The body at hand must not move: what comes ahead of its time waits beside it. */
    bool is_ahead = c->phase == HTTP_MAKING || c->phase == HTTP_WRITING;
    struct hy_buf *to = is_ahead ? &c->ahead : &c->in;
    hy_buf_add(to, p, n);
    if (to->err)
        http_conn_cut(c);
    else
        pump(c);
}

static void on_writable(void *ctx)
{
    pump(ctx);
}

/* ---- the beginning ---- */

static void on_connected(void *ctx)
{
    struct http_conn *c = ctx;
    struct hy_tls *tls = http_settings(c->server)->tls;
    if (!c->call.is_tls)
        enter(c, HTTP_IDLE);
    else if (!tls || hy_conn_accept_tls(c->conn, tls) != HY_OK)
        http_conn_cut(c);
}

static void on_tls(void *ctx, const struct hy_tls_info *info)
{
    struct http_conn *c = ctx;
    (void)info;
    enter(c, HTTP_IDLE);
}

static const struct hy_conn_ops ops = {
    .on_connected = on_connected,
    .on_readable = on_readable,
    .on_writable = on_writable,
    .on_tls = on_tls,
    .on_closed = on_closed,
};

void http_conn_open(struct hy_http_server *s, int fd, const struct hy_sockaddr *peer, bool is_tls)
{
    struct http_conn *c = calloc(1, sizeof *c);
    if (!c) {
        close(fd);
        return;
    }
    c->server = s;
    c->call.peer = *peer;
    c->call.is_tls = is_tls;
    c->in = HY_BUF_INIT(HTTP_IN_MAX);
    c->ahead = HY_BUF_INIT(HTTP_IN_MAX);
    c->head = HY_BUF_INIT(HY_HTTP_HEAD_MAX);
    c->out = HY_BUF_INIT(HY_HTTP_ANSWER_MAX + 4096);
    hy_list_init(&c->idle);
    hy_timer_init(&c->timer, on_timer, c);
    if (hy_conn_adopt(s->loop, fd, &ops, c, &c->conn) != HY_OK) {
        free(c);
        return;
    }
    hy_list_push(&s->conns, &c->link);
    c->network = hy_sockaddr_network_hash(peer);
    hy_tally_add(&s->tally, c->network);
    s->n_conns++;
    atomic_fetch_add_explicit(&s->counters.connections, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&s->counters.connections_now, 1, memory_order_relaxed);
    enter(c, HTTP_HANDSHAKE);
}
