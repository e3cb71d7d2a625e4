/* What a call asks for: its key, its body in one of three forms, and whether it is complete. */
#include <stdarg.h>
#include <stdio.h>

#include "hayauma/mail/address.h"
#include "send.h"

int send_fail(struct send *s, int status, const char *code, const char *field, const char *fmt, ...)
{
    struct send_fault *f = &s->fault;
    va_list ap;
    if (f->status || f->err)
        return HY_EINVAL;
    f->status = status;
    snprintf(f->code, sizeof f->code, "%s", code);
    snprintf(f->field, sizeof f->field, "%s", field ? field : "");
    va_start(ap, fmt);
    vsnprintf(f->message, sizeof f->message, fmt, ap);
    va_end(ap);
    return HY_EINVAL;
}

int send_fail_err(struct send *s, int err)
{
    if (!s->fault.status && !s->fault.err)
        s->fault.err = err;
    return err;
}

/* ---- a key: the same call is done once ---- */

static int read_key(struct send *s)
{
    int status, err = web_once_find(s->call, s->txn, &s->once, &s->answer);
    const char *code, *message;
    s->is_replay = err == HY_EEXIST;
    if (err == HY_OK || s->is_replay)
        return HY_OK;
    if (err != HY_ELIMIT && err != HY_EINVAL)
        return send_fail_err(s, err);
    web_once_refusal(err, &status, &code, &message);
    return send_fail(s, status, code, NULL, "%s", message);
}

/* ---- a message as it is, with the rest in the query ---- */

static int read_query(struct send *s)
{
    static const char *const text_fields[] = {"send_at", "priority", "return_path"};
    struct web_call *c = s->call;
    struct hy_str value;
    json_t *body = json_object(), *tags = json_array();
    for (size_t i = 0; i < sizeof text_fields / sizeof *text_fields; i++)
        if (web_query(c, hy_str_of(text_fields[i]), 0, &value))
            json_object_set_new(body, text_fields[i], json_stringn(value.p, value.n));
    for (size_t i = 0; web_query(c, HY_STR("tag"), i, &value); i++)
        json_array_append_new(tags, json_stringn(value.p, value.n));
    if (json_array_size(tags))
        json_object_set(body, "tags", tags);
    json_decref(tags);
    c->json = body; /* goes with the call */
    int err = send_read_json(s, body);
    for (uint32_t i = 0; err == HY_OK && web_query(c, HY_STR("to"), i, &value); i++)
        err = send_add_rcpt(s, value, SEND_TO, i);
    return err;
}

static int read_message(struct send *s)
{
    s->raw = s->call->http->body;
    int err = read_query(s);
    s->kind = SEND_RAW;
    return err;
}

static int read_json(struct send *s)
{
    struct web_call *c = s->call;
    json_error_t why;
    if (!web_body_is(c, HY_STR("application/json")))
        return send_fail(s, 415, "unsupported_media_type", NULL,
                         "The body is 'application/json' or 'message/rfc822'.");
    c->json = json_loadb(c->http->body.p ? c->http->body.p : "", c->http->body.n,
                         JSON_REJECT_DUPLICATES, &why);
    if (!c->json)
        return send_fail(s, 400, "invalid_json", NULL,
                         "The body is no JSON: line %d, column %d: %s", why.line, why.column,
                         why.text);
    if (!json_is_object(c->json))
        return send_fail(s, 400, "invalid_json", NULL, "The body must be a JSON object.");
    return send_read_json(s, c->json);
}

/* ---- whether it is complete, and allowed ---- */

static int check_sender(struct send *s)
{
    if (s->kind != SEND_RAW && !s->from.address.n)
        return send_fail(s, 422, "missing_field", "from", "Who is it from?");
    if (s->from.address.n && !send_may_use(s, hy_wire_domain(s->from.address)))
        return send_fail(s, 403, "from_not_allowed", "from",
                         "This token may not send mail from this domain.");
    if (s->sender.n && !send_may_use(s, hy_wire_domain(s->sender)))
        return send_fail(s, 403, "from_not_allowed", "return_path",
                         "This token may not send mail from this domain.");
    if (!s->sender.n)
        s->sender = s->from.address;
    return HY_OK;
}

static int check_content(struct send *s)
{
    const char *where = s->kind == SEND_TEMPLATE ? "template" : "text";
    if (s->kind == SEND_RAW) {
        if (s->raw.n == 0)
            return send_fail(s, 422, "missing_field", "raw", "The message is empty.");
        return HY_OK;
    }
    if (!s->text.n && !s->html.n)
        return send_fail(s, 422, "missing_field", where, "A message needs 'text' or 'html'.");
    if (s->text.n > HY_MESSAGE_TEXT_MAX || s->html.n > HY_MESSAGE_TEXT_MAX)
        return send_fail(s, 422, "too_large", s->text.n > HY_MESSAGE_TEXT_MAX ? where : "html",
                         "A text has at most %d bytes.", HY_MESSAGE_TEXT_MAX);
    return HY_OK;
}

static int check_rcpts(struct send *s)
{
    const struct hy_tenant_quota *quota = &s->call->token->tenant->quota;
    char field[64];
    if (s->n_rcpts == 0)
        return send_fail(s, 422, "missing_field", s->is_personal ? "recipients" : "to",
                         "To whom shall it go?");
    if (quota->rcpts && !s->is_personal && s->n_good > quota->rcpts)
        return send_fail(s, 422, "too_many_recipients", NULL,
                         "A message of this tenant has at most %u recipients.", quota->rcpts);
    if (s->n_good == 0)
        return send_fail(s, 422, s->rcpts[0].code, send_rcpt_field(&s->rcpts[0], field),
                         "No recipient is left: %s.", s->rcpts[0].message);
    return HY_OK;
}

int send_read(struct send *s)
{
    int err = read_key(s);
    if (err != HY_OK || s->is_replay)
        return err;
    s->now = hy_clock_wall_ms();
    err = web_body_is(s->call, HY_STR("message/rfc822")) ? read_message(s) : read_json(s);
    if (s->kind == SEND_RAW)
        s->is_personal = false;
    if (err == HY_OK)
        err = check_sender(s);
    if (err == HY_OK)
        err = check_content(s);
    return err == HY_OK ? check_rcpts(s) : err;
}
