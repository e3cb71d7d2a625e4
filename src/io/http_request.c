/* Reading the head of an HTTP/1 request: strict, and nothing kept but what is asked for. */
#include "hayauma/io/http.h"

/*  request-line = method SP request-target SP HTTP-version CRLF     (RFC 9112 section 3)
 *  field-line   = field-name ":" OWS field-value OWS CRLF           (section 5) */

static bool is_token(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

static int read_request_line(struct hy_str line, struct hy_http_request *ret)
{
    struct hy_str rest = line, method, target;
    if (!hy_str_split(&rest, ' ', &method) || !hy_str_split(&rest, ' ', &target))
        return HY_EPARSE;
    if (!hy_str_eq(rest, HY_STR("HTTP/1.1")) && !hy_str_eq(rest, HY_STR("HTTP/1.0")))
        return hy_str_starts(rest, HY_STR("HTTP/")) ? HY_EUNSUPPORTED : HY_EPARSE;
    ret->is_head = hy_str_eq(method, HY_STR("HEAD"));
    if (!ret->is_head && !hy_str_eq(method, HY_STR("GET")))
        return HY_EUNSUPPORTED;
    for (size_t i = 0; i < target.n; i++)
        if (target.p[i] <= ' ' || target.p[i] >= 0x7f)
            return HY_EPARSE;
    if (!hy_str_starts(target, HY_STR("/")))
        return HY_EPARSE;
    size_t query = hy_str_find(target, '?', 0);
    ret->path = hy_str_slice(target, 0, query);
    return HY_OK;
}

static int read_field(struct hy_str line, struct hy_http_request *ret)
{
    size_t colon = hy_str_find(line, ':', 0);
    if (colon == SIZE_MAX || colon == 0)
        return HY_EPARSE;
    for (size_t i = 0; i < colon; i++)
        if (!is_token(line.p[i]))
            return HY_EPARSE;
    struct hy_str name = hy_str_slice(line, 0, colon);
    struct hy_str value = hy_str_trim(hy_str_slice(line, colon + 1, line.n));
    for (size_t i = 0; i < value.n; i++)
        if ((unsigned char)value.p[i] < ' ' && value.p[i] != '\t')
            return HY_EPARSE;
    if (hy_str_ieq(name, HY_STR("Accept")) && ret->accept.n == 0)
        ret->accept = value;
    bool has_body = hy_str_ieq(name, HY_STR("Transfer-Encoding")) ||
                    (hy_str_ieq(name, HY_STR("Content-Length")) && !hy_str_eq(value, HY_STR("0")));
    return has_body ? HY_EUNSUPPORTED : HY_OK;
}

int hy_http_request_read(struct hy_str in, struct hy_http_request *ret)
{
    size_t end = hy_str_find_str(in, HY_STR("\r\n\r\n"), 0);
    if (end == SIZE_MAX ? in.n >= HY_HTTP_HEAD_MAX : end + 4 > HY_HTTP_HEAD_MAX)
        return HY_ELIMIT;
    if (end == SIZE_MAX)
        return HY_EMORE;
    struct hy_http_request r = {0};
    struct hy_str rest = hy_str_slice(in, 0, end);
    int err = HY_OK;
    for (bool is_first = true; err == HY_OK && (rest.n || is_first); is_first = false) {
        size_t at = hy_str_find_str(rest, HY_STR("\r\n"), 0);
        struct hy_str line = hy_str_slice(rest, 0, at);
        rest = at == SIZE_MAX ? (struct hy_str){0} : hy_str_slice(rest, at + 2, rest.n);
        err = is_first ? read_request_line(line, &r) : read_field(line, &r);
    }
    if (err == HY_OK)
        *ret = r;
    return err;
}
