/* One request and its answer. Happy path: the handler is found and run; progress and the answer
 * come from whatever thread as finished lines through the mailbox, and the loop writes them. When
 * the client goes away first the call lives on without it until its handler finishes it. */
#include <stdlib.h>
#include <unistd.h>

#include "control_priv.h"

/* -- making lines: any thread --------------------------------------------------------------- */

static char *to_line(json_t *obj, size_t *ret_n)
{
    struct hy_buf b = HY_BUF_INIT(HY_CONTROL_RESPONSE_MAX);
    int err = obj ? hy_control_line_put(&b, obj) : HY_ENOMEM;
    json_decref(obj);
    if (err == HY_ELIMIT) {
        hy_buf_reset(&b);
        control_put_error(&b, HY_ELIMIT, "the answer is too long", "ask for less at once");
    }
    if (err && err != HY_ELIMIT)
        hy_buf_free(&b);
    *ret_n = b.len;
    return b.data; /* its owner frees it */
}

void control_put_error(struct hy_buf *out, int err, const char *message, const char *hint)
{
    const char *text = message && message[0] ? message : hy_err_text(err);
    json_t *obj =
        json_pack("{s:b, s:{s:s, s:s, s:s}}", "ok", 0, "error", "code", hy_err_name(err), "message",
                  hy_str_is_utf8(hy_str_of(text)) ? text : "(not UTF-8)", "hint", hint ? hint : "");
    if (!obj || hy_control_line_put(out, obj))
        hy_buf_add_lit(out, "{\"ok\":false,\"error\":{\"code\":\"HY_ENOMEM\",\"message\":\"out of "
                            "memory\",\"hint\":\"\"}}\n");
    json_decref(obj);
}

static void post_final(struct hy_control_call *call, char *bytes, size_t n)
{
    struct control_line *l = &call->final;
    l->msg.kind = CONTROL_FINAL;
    l->call = call;
    l->bytes = bytes;
    l->n = n;
    /* the mailbox is closed only when the server is freed, and then the calls are freed with it */
    if (hy_mailbox_post_answer(call->server->mailbox, &l->msg)) {
        free(bytes);
        l->bytes = NULL;
    }
}

void hy_control_finish(struct hy_control_call *call, json_t *result)
{
    size_t n;
    if (!result)
        result = json_object();
    char *bytes = to_line(json_pack("{s:b, s:o}", "ok", 1, "result", result), &n);
    post_final(call, bytes, n);
}

void hy_control_fail(struct hy_control_call *call, int err, const char *message, const char *hint)
{
    struct hy_buf b = HY_BUF_INIT(HY_CONTROL_RESPONSE_MAX);
    control_put_error(&b, err, message, hint);
    post_final(call, b.data, b.len);
}

void hy_control_fail_diag(struct hy_control_call *call, int err, const struct hy_diag *diag)
{
    hy_control_fail(call, err, diag ? diag->text : NULL, NULL);
}

void hy_control_progress(struct hy_control_call *call, json_t *progress)
{
    struct control_line *l = NULL;
    size_t n;
    char *bytes = to_line(json_pack("{s:o}", "progress", progress ? progress : json_object()), &n);
    if (bytes && !hy_control_is_cancelled(call))
        l = calloc(1, sizeof *l);
    if (!l) {
        free(bytes);
        return;
    }
    *l = (struct control_line){.call = call, .bytes = bytes, .n = n};
    l->msg.kind = CONTROL_PROGRESS;
    if (hy_mailbox_post(call->server->mailbox, &l->msg)) {
        free(bytes);
        free(l);
    }
}

/* -- for handlers --------------------------------------------------------------------------- */

const json_t *hy_control_args(const struct hy_control_call *call)
{
    return call->parts.args;
}

const char *hy_control_command_name(const struct hy_control_call *call)
{
    return call->parts.command;
}

int hy_control_take_fd(struct hy_control_call *call, size_t i)
{
    if (i >= HY_CONTROL_FDS_MAX)
        return -1;
    int fd = call->fds[i];
    call->fds[i] = -1;
    return fd;
}

uid_t hy_control_uid(const struct hy_control_call *call)
{
    return call->uid;
}

bool hy_control_is_cancelled(const struct hy_control_call *call)
{
    return atomic_load_explicit(&call->cancelled, memory_order_relaxed);
}

void hy_control_on_cancel(struct hy_control_call *call, void (*fn)(void *ctx), void *ctx)
{
    call->on_cancel = fn;
    call->on_cancel_ctx = ctx;
}

/* -- the loop's side ------------------------------------------------------------------------ */

static const struct hy_control_command *find(const struct hy_control_server *s, const char *name)
{
    for (size_t t = 0; s->tables[t]; t++)
        for (const struct hy_control_command *c = s->tables[t]; c->name; c++)
            if (strcmp(c->name, name) == 0)
                return c;
    return NULL;
}

static void drop_fds(struct control_client *c)
{
    for (size_t i = 0; i < c->n_fds; i++)
        close(c->fds[i]);
    c->n_fds = 0;
}

static void refuse(struct control_client *c, json_t *request, int err, const char *message,
                   const char *hint)
{
    struct hy_buf b = HY_BUF_INIT(65536);
    control_put_error(&b, err, message, hint);
    control_client_send(c, b.data, b.len);
    hy_buf_free(&b);
    json_decref(request);
    drop_fds(c);
}

static struct hy_control_call *make(struct control_client *c, json_t *request,
                                    const struct hy_control_request *parts)
{
    struct hy_control_call *call = calloc(1, sizeof *call);
    if (!call)
        return NULL;
    call->server = c->server;
    call->client = c;
    call->request = request;
    call->parts = *parts;
    call->uid = c->uid;
    atomic_init(&call->cancelled, false);
    for (size_t i = 0; i < HY_CONTROL_FDS_MAX; i++)
        call->fds[i] = i < c->n_fds ? c->fds[i] : -1;
    c->n_fds = 0;
    c->call = call;
    hy_list_push(&c->server->calls, &call->link);
    c->server->n_calls++;
    return call;
}

void control_call_start(struct control_client *c, json_t *request)
{
    struct hy_control_request parts;
    struct hy_diag diag = {0};
    int err = hy_control_request_read(request, &diag, &parts);
    if (err) {
        refuse(c, request, err, diag.text, NULL);
        return;
    }
    const struct hy_control_command *command = find(c->server, parts.command);
    if (!command) {
        (void)hy_fail(&diag, HY_EUNSUPPORTED, "the daemon knows no command '%s'", parts.command);
        refuse(c, request, HY_EUNSUPPORTED, diag.text,
               "the hayauma command and the daemon may be of different releases");
        return;
    }
    size_t most = command->n_fds_max > command->n_fds ? command->n_fds_max : command->n_fds;
    if (c->n_fds < command->n_fds || c->n_fds > most) {
        (void)hy_fail(&diag, HY_EINVAL, "%s takes %u file descriptors, %zu came", parts.command,
                      command->n_fds, c->n_fds);
        refuse(c, request, HY_EINVAL, diag.text, NULL);
        return;
    }
    struct hy_control_call *call = make(c, request, &parts);
    if (!call) {
        refuse(c, request, HY_ENOMEM, NULL, NULL);
        return;
    }
    call->command = command;
    command->run(call, c->server->ctx);
}

void control_call_abandon(struct hy_control_call *call)
{
    call->client = NULL;
    atomic_store_explicit(&call->cancelled, true, memory_order_relaxed);
    if (call->on_cancel)
        call->on_cancel(call->on_cancel_ctx);
    call->on_cancel = NULL;
}

void control_call_free(struct hy_control_call *call)
{
    hy_list_remove(&call->link);
    call->server->n_calls--;
    for (size_t i = 0; i < HY_CONTROL_FDS_MAX; i++)
        if (call->fds[i] >= 0)
            close(call->fds[i]);
    json_decref(call->request);
    free(call);
}

static void on_final(struct control_line *l)
{
    struct hy_control_call *call = l->call;
    struct control_client *c = call->client;
    char *bytes = l->bytes;
    size_t n = l->n;
    if (c)
        c->call = NULL;
    control_call_free(call); /* and l with it */
    if (c) {
        control_client_send(c, bytes, n);
        control_client_answered(c);
    }
    free(bytes);
}

static void on_progress(struct control_line *l)
{
    struct control_client *c = l->call->client;
    if (c && c->out.len - c->out_sent < CONTROL_PROGRESS_MAX)
        control_client_send(c, l->bytes, l->n);
    free(l->bytes);
    free(l);
}

void control_call_lines(void *server, struct hy_msg *first)
{
    (void)server;
    while (first) {
        struct hy_msg *next = first->next;
        struct control_line *l = hy_container_of(first, struct control_line, msg);
        if (first->kind == CONTROL_FINAL)
            on_final(l);
        else
            on_progress(l);
        first = next;
    }
}
