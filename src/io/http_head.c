/* Reading the head of an HTTP/1 request: strict, since what is in doubt would be read differently
 * by a proxy before us (request smuggling, RFC 9112 11.2). */
#include "hayauma/io/http.h"

#include <string.h>

/*  request-line = method SP request-target SP HTTP-version CRLF     (RFC 9112 section 3)
 *  field-line   = field-name ":" OWS field-value OWS CRLF           (section 5) */

static bool is_token(struct hy_str s)
{
    static const bool good[256] = {
        ['0' ... '9'] = true,  ['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['!'] = true,
        ['#' ... '\''] = true, ['*'] = true,         ['+'] = true,         ['-'] = true,
        ['.'] = true,          ['^' ... '`'] = true, ['|'] = true,         ['~'] = true,
    };
    for (size_t i = 0; i < s.n; i++)
        if (!good[(unsigned char)s.p[i]])
            return false;
    return s.n > 0;
}

static int read_request_line(struct hy_str line, struct hy_http_head *ret)
{
    struct hy_str rest = line, target;
    if (!hy_str_split(&rest, ' ', &ret->method) || !hy_str_split(&rest, ' ', &target))
        return HY_EPARSE;
    ret->is_http_1_0 = hy_str_eq(rest, HY_STR("HTTP/1.0"));
    if (!ret->is_http_1_0 && !hy_str_eq(rest, HY_STR("HTTP/1.1")))
        return hy_str_starts(rest, HY_STR("HTTP/")) ? HY_EUNSUPPORTED : HY_EPARSE;
    if (!is_token(ret->method))
        return HY_EPARSE;
    for (size_t i = 0; i < target.n; i++)
        if (target.p[i] <= ' ' || target.p[i] >= 0x7f)
            return HY_EPARSE;
    if (!hy_str_starts(target, HY_STR("/")))
        return HY_EPARSE;
    size_t query = hy_str_find(target, '?', 0);
    ret->path = hy_str_slice(target, 0, query);
    if (query != SIZE_MAX)
        ret->query = hy_str_slice(target, query + 1, target.n);
    return HY_OK;
}

size_t hy_http_head_end(struct hy_str in)
{
    for (size_t at = hy_str_find(in, '\n', 0); at != SIZE_MAX; at = hy_str_find(in, '\n', at + 1))
        if (at >= 3 && memcmp(in.p + at - 3, "\r\n\r", 3) == 0)
            return at + 1;
    return SIZE_MAX;
}

/* Takes the next line off the front, ended by CRLF or by the end; false: it holds a bare LF. */
static bool next_line(struct hy_str *rest, struct hy_str *ret)
{
    size_t at = hy_str_find(*rest, '\n', 0);
    if (at == 0 || (at != SIZE_MAX && rest->p[at - 1] != '\r'))
        return false;
    *ret = at == SIZE_MAX ? *rest : hy_str_slice(*rest, 0, at - 1);
    *rest = at == SIZE_MAX ? (struct hy_str){0} : hy_str_slice(*rest, at + 1, rest->n);
    return true;
}

/* Takes the next field off the front; HY_EMORE: there is none. */
static int next_field(struct hy_str *rest, struct hy_str *ret_name, struct hy_str *ret_value)
{
    if (rest->n == 0)
        return HY_EMORE;
    struct hy_str line;
    if (!next_line(rest, &line))
        return HY_EPARSE;
    size_t colon = hy_str_find(line, ':', 0);
    if (colon == SIZE_MAX || !is_token(hy_str_slice(line, 0, colon)))
        return HY_EPARSE;
    for (size_t i = colon + 1; i < line.n; i++) {
        unsigned char c = (unsigned char)line.p[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return HY_EPARSE;
    }
    *ret_name = hy_str_slice(line, 0, colon);
    *ret_value = hy_str_trim(hy_str_slice(line, colon + 1, line.n));
    return HY_OK;
}

static bool list_has(struct hy_str list, struct hy_str word)
{
    struct hy_str piece;
    while (list.n && hy_str_split(&list, ',', &piece))
        if (hy_str_ieq(hy_str_trim(piece), word))
            return true;
    return false;
}

/* What the fields say of the body and of the connection. */
struct seen {
    unsigned hosts, lengths, codings;
    bool keeps;
};

static int take_field(struct hy_http_head *h, struct seen *seen, struct hy_str name,
                      struct hy_str value)
{
    if (hy_str_ieq(name, HY_STR("Host"))) {
        seen->hosts++;
    } else if (hy_str_ieq(name, HY_STR("Content-Length"))) {
        seen->lengths++;
        h->has_length = true;
        return hy_str_to_u64(value, INT64_MAX, &h->length) == HY_OK ? HY_OK : HY_EPARSE;
    } else if (hy_str_ieq(name, HY_STR("Transfer-Encoding"))) {
        seen->codings++;
        h->is_chunked = hy_str_ieq(value, HY_STR("chunked"));
        return h->is_chunked ? HY_OK : HY_EUNSUPPORTED;
    } else if (hy_str_ieq(name, HY_STR("Connection"))) {
        h->closes |= list_has(value, HY_STR("close"));
        seen->keeps |= list_has(value, HY_STR("keep-alive"));
    } else if (hy_str_ieq(name, HY_STR("Expect"))) {
        h->expects_continue = hy_str_ieq(value, HY_STR("100-continue"));
    }
    return HY_OK;
}

static int read_fields(struct hy_http_head *h)
{
    struct seen seen = {0};
    struct hy_str rest = h->fields, name, value;
    int err = HY_OK;
    for (size_t n = 0; err == HY_OK && (err = next_field(&rest, &name, &value)) == HY_OK; n++)
        err = n < HY_HTTP_FIELDS_MAX ? take_field(h, &seen, name, value) : HY_ELIMIT;
    if (err != HY_EMORE)
        return err;
    if (seen.hosts > 1 || (seen.hosts == 0 && !h->is_http_1_0))
        return HY_EPARSE;
    if (seen.lengths + seen.codings > 1 || (h->is_chunked && h->is_http_1_0))
        return HY_EPARSE;
    if (h->is_http_1_0 && !seen.keeps)
        h->closes = true;
    return HY_OK;
}

int hy_http_head_read(struct hy_str in, struct hy_http_head *ret)
{
    size_t end = hy_http_head_end(hy_str_slice(in, 0, HY_HTTP_HEAD_MAX));
    if (end == SIZE_MAX)
        return in.n >= HY_HTTP_HEAD_MAX ? HY_ELIMIT : HY_EMORE;
    struct hy_http_head h = {.bytes = end, .fields = hy_str_slice(in, 0, end - 4)};
    struct hy_str first;
    if (!next_line(&h.fields, &first))
        return HY_EPARSE;
    int err = read_request_line(first, &h);
    if (err == HY_OK)
        err = read_fields(&h);
    if (err == HY_OK)
        *ret = h;
    return err;
}

bool hy_http_field(const struct hy_http_head *h, struct hy_str name, struct hy_str *ret_value)
{
    struct hy_str rest = h->fields; /* every line of it has been read as a field */
    while (rest.n > name.n) {
        size_t end = hy_str_find(rest, '\n', 0);
        if (rest.p[name.n] == ':' && hy_str_ieq(hy_str_slice(rest, 0, name.n), name)) {
            *ret_value = hy_str_trim(hy_str_slice(rest, name.n + 1, end));
            return true;
        }
        if (end == SIZE_MAX)
            break;
        rest = hy_str_slice(rest, end + 1, rest.n);
    }
    return false;
}
