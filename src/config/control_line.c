/* The control protocol's lines: framing, requests, error names, arguments. */
#include <inttypes.h>

#include "hayauma/config/control.h"

int hy_control_line_take(struct hy_buf *in, size_t max, struct hy_diag *diag, json_t **ret)
{
    size_t end = hy_str_find(hy_buf_str(in), '\n', 0);
    if (end == SIZE_MAX)
        return in->len > max ? hy_fail(diag, HY_ELIMIT, "a line is longer than %zu bytes", max)
                             : HY_EMORE;
    if (end > max)
        return hy_fail(diag, HY_ELIMIT, "a line is longer than %zu bytes", max);
    json_error_t why;
    json_t *obj = json_loadb(in->data, end, JSON_REJECT_DUPLICATES, &why);
    hy_buf_consume(in, end + 1);
    if (!obj)
        return hy_fail(diag, HY_EPARSE, "not JSON: %s", why.text);
    if (!json_is_object(obj)) {
        json_decref(obj);
        return hy_fail(diag, HY_EPARSE, "not a JSON object");
    }
    *ret = obj;
    return 0;
}

static int dump_piece(const char *p, size_t n, void *out)
{
    struct hy_buf *b = out;
    hy_buf_add(b, p, n);
    return b->err ? -1 : 0;
}

int hy_control_line_put(struct hy_buf *out, const json_t *obj)
{
    size_t before = out->len;
    int bad = json_dump_callback(obj, dump_piece, out, JSON_COMPACT);
    hy_buf_add_c(out, '\n');
    if (!bad && !out->err)
        return 0;
    out->len = before;
    return out->err ? out->err : HY_ENOMEM;
}

/* How deep lists and objects stand in each other. */
static bool is_deeper(const json_t *v, unsigned max)
{
    const char *key;
    json_t *sub;
    size_t i;
    if (!json_is_object(v) && !json_is_array(v))
        return false;
    if (max == 0)
        return true;
    json_object_foreach((json_t *)(uintptr_t)v, key, sub)
    {
        if (is_deeper(sub, max - 1))
            return true;
    }
    json_array_foreach(v, i, sub)
    {
        if (is_deeper(sub, max - 1))
            return true;
    }
    return false;
}

int hy_control_request_read(json_t *obj, struct hy_diag *diag, struct hy_control_request *ret)
{
    json_t *v = json_object_get(obj, "v"), *command = json_object_get(obj, "command"),
           *args = json_object_get(obj, "args");
    if (!json_is_integer(v))
        return hy_fail(diag, HY_EPARSE, "the request has no version \"v\"");
    if (json_integer_value(v) != HY_CONTROL_VERSION)
        return hy_fail(diag, HY_EVERSION,
                       "version %" PRId64 " of the control protocol is asked for, this is %d: the "
                       "hayauma command and the daemon are of different releases",
                       (int64_t)json_integer_value(v), HY_CONTROL_VERSION);
    if (!json_is_string(command) || json_string_length(command) == 0 ||
        json_string_length(command) > HY_CONTROL_COMMAND_MAX)
        return hy_fail(diag, HY_EPARSE, "the request has no \"command\"");
    if (args && !json_is_object(args))
        return hy_fail(diag, HY_EPARSE, "\"args\" is not an object");
    if (is_deeper(obj, HY_CONTROL_DEPTH_MAX))
        return hy_fail(diag, HY_ELIMIT, "the request is nested too deeply");
    if (!args) {
        args = json_object();
        if (!args || json_object_set_new(obj, "args", args))
            return HY_ENOMEM;
    }
    ret->command = json_string_value(command);
    ret->args = args;
    return 0;
}

int hy_control_error_code(const char *name)
{
    for (int code = HY_EINVAL; code >= HY_E_LAST; code--)
        if (strcmp(hy_err_name(code), name) == 0)
            return code;
    return HY_EIO;
}

int hy_control_arg_string(const json_t *args, const char *name, const char *fallback,
                          struct hy_diag *diag, const char **ret)
{
    const json_t *v = json_object_get(args, name);
    if (!v || json_is_null(v)) {
        *ret = fallback;
        return 0;
    }
    if (!json_is_string(v))
        return hy_fail(diag, HY_EINVAL, "argument '%s' must be a text", name);
    *ret = json_string_value(v); /* a NUL is refused by the parser (no JSON_ALLOW_NUL) */
    return 0;
}

int hy_control_arg_string_required(const json_t *args, const char *name, struct hy_diag *diag,
                                   const char **ret)
{
    const char *s = NULL;
    int err = hy_control_arg_string(args, name, NULL, diag, &s);
    if (err)
        return err;
    if (!s || !s[0])
        return hy_fail(diag, HY_EINVAL, "argument '%s' is missing", name);
    *ret = s;
    return 0;
}

int hy_control_arg_int(const json_t *args, const char *name, int64_t fallback, int64_t min,
                       int64_t max, struct hy_diag *diag, int64_t *ret)
{
    const json_t *v = json_object_get(args, name);
    if (!v || json_is_null(v)) {
        *ret = fallback;
        return 0;
    }
    if (!json_is_integer(v) || json_integer_value(v) < min || json_integer_value(v) > max)
        return hy_fail(diag, HY_EINVAL,
                       "argument '%s' must be a whole number from %" PRId64 " to %" PRId64, name,
                       min, max);
    *ret = json_integer_value(v);
    return 0;
}

int hy_control_arg_bool(const json_t *args, const char *name, bool fallback, struct hy_diag *diag,
                        bool *ret)
{
    const json_t *v = json_object_get(args, name);
    if (!v || json_is_null(v)) {
        *ret = fallback;
        return 0;
    }
    if (!json_is_boolean(v))
        return hy_fail(diag, HY_EINVAL, "argument '%s' must be true or false", name);
    *ret = json_is_true(v);
    return 0;
}
