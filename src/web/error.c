/* Answers, and errors in the one shape that all of them have. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "hayauma/base/json_put.h"
#include "web_priv.h"

enum { ERROR_MAX = 64 * 1024, MESSAGE_MAX = 1024 };

static void answer(struct web_call *c, int status, const char *type, struct hy_str body,
                   const char *more)
{
    char fields[512];
    snprintf(fields, sizeof fields,
             "X-Request-Id: %s\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n%s",
             c->request_id, more ? more : "");
    struct hy_http_answer a = {.status = status, .type = type, .fields = fields, .body = body};
    hy_http_answer(c->http, &a);
}

void web_answer_text(struct web_call *c, int status, struct hy_str json, const char *fields)
{
    answer(c, status, "application/json", json, fields);
}

void web_answer_nothing(struct web_call *c)
{
    answer(c, 204, NULL, HY_STR(""), NULL);
}

void web_answer(struct web_call *c, int status, json_t *body)
{
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    json_decref(body);
    if (text)
        web_answer_text(c, status, hy_str_of(text), NULL);
    else
        web_fail_err(c, HY_ENOMEM);
    free(text);
}

void web_put_error(struct hy_buf *out, const char *code, const char *field, struct hy_str message,
                   const char *request_id)
{
    hy_buf_add_lit(out, "{\"code\":");
    hy_json_put_str(out, hy_str_of(code));
    hy_buf_add_lit(out, ",\"message\":");
    hy_json_put_str(out, message);
    if (field) {
        hy_buf_add_lit(out, ",\"field\":");
        hy_json_put_str(out, hy_str_of(field));
    }
    if (request_id) {
        hy_buf_add_lit(out, ",\"request_id\":");
        hy_json_put_str(out, hy_str_of(request_id));
    }
    hy_buf_add_lit(out, "}");
}

/* Fields that a status asks for. */
static const char *fields_of(int status)
{
    switch (status) {
    case 401:
        return "WWW-Authenticate: Bearer realm=\"hayauma\"\r\n";
    case 503:
        return "Retry-After: 5\r\n";
    default:
        return NULL;
    }
}

static void fail(struct web_call *c, int status, const char *code, const char *field,
                 struct hy_str message, const char *fields, struct hy_str members)
{
    struct hy_buf out = HY_BUF_INIT(ERROR_MAX);
    snprintf(c->error, sizeof c->error, "%s", code);
    web_count_refusal(c->web, code);
    hy_buf_add_lit(&out, "{\"error\":");
    web_put_error(&out, code, field, message, c->request_id);
    if (members.n && out.err == HY_OK) {
        out.len--; /* the brace */
        hy_buf_add_c(&out, ',');
        hy_buf_add_str(&out, members);
        hy_buf_add_c(&out, '}');
    }
    hy_buf_add_lit(&out, "}");
    web_answer_text(c, status, hy_buf_str(&out), fields);
    hy_buf_free(&out);
}

void web_fail(struct web_call *c, int status, const char *code, const char *field, const char *fmt,
              ...)
{
    char message[MESSAGE_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(message, sizeof message, fmt, ap);
    va_end(ap);
    fail(c, status, code, field, hy_str_of(message), fields_of(status), HY_STR(""));
}

void web_fail_more(struct web_call *c, int status, const char *code, const char *field,
                   struct hy_str members, const char *fmt, ...)
{
    char message[MESSAGE_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(message, sizeof message, fmt, ap);
    va_end(ap);
    fail(c, status, code, field, hy_str_of(message), fields_of(status), members);
}

void web_fail_wait(struct web_call *c, const char *code, int64_t wait_s, const char *fmt, ...)
{
    char message[MESSAGE_MAX], fields[48];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(message, sizeof message, fmt, ap);
    va_end(ap);
    snprintf(fields, sizeof fields, "Retry-After: %" PRId64 "\r\n", wait_s > 0 ? wait_s : 1);
    fail(c, 429, code, NULL, hy_str_of(message), fields, HY_STR(""));
}

void web_fail_method(struct web_call *c, const char *allow)
{
    char fields[128];
    snprintf(fields, sizeof fields, "Allow: %s\r\n", allow);
    fail(c, 405, "method_not_allowed", NULL, HY_STR("There is no such method at this path."),
         fields, HY_STR(""));
}

void web_fail_err(struct web_call *c, int err)
{
    switch (err) {
    case HY_EFULL:
        web_fail(c, 507, "storage_full", NULL, "The disk is full. Try again later.");
        return;
    case HY_EBUSY:
    case HY_ECLOSED:
    case HY_ENOMEM:
        web_fail(c, 503, "busy", NULL, "Too busy. Try again later.");
        return;
    default:
        web_fail(c, 500, "internal", NULL, "This went wrong here: %s.", hy_err_text(err));
    }
}

void web_answer_found(struct web_call *c)
{
    if (c->found.err != HY_OK)
        web_fail_err(c, c->found.err);
    else
        web_answer(c, 200, json_incref(c->found.json));
}

void web_fail_diag(struct web_call *c, int err, const char *field, const char *why)
{
    switch (err) {
    case HY_ENOTFOUND:
        web_fail(c, 404, "not_found", field, "%s", why);
        return;
    case HY_EINVAL:
    case HY_EPARSE:
        web_fail(c, 422, "invalid_value", field, "%s", why);
        return;
    case HY_EEXIST:
        web_fail(c, 409, "conflict", field, "%s", why);
        return;
    case HY_ELIMIT:
        web_fail(c, 422, "too_many", field, "%s", why);
        return;
    default:
        web_fail_err(c, err);
    }
}
