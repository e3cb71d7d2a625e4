/* Values and ranges written as people write them: for dumps, messages and the manual page. */
#include <inttypes.h>

#include "hayauma/config/campaign_file.h"
#include "hayauma/config/config.h"
#include "hayauma/shape/hours.h"
#include "schema.h"

const char *schema_type_name(enum schema_type t)
{
    static const char *const names[] = {
        [SCHEMA_BOOL] = "true or false",
        [SCHEMA_INT] = "number",
        [SCHEMA_SIZE] = "size",
        [SCHEMA_DURATION] = "duration",
        [SCHEMA_RATE] = "rate",
        [SCHEMA_PERCENT] = "percentage",
        [SCHEMA_SHARE] = "percentage",
        [SCHEMA_MODE] = "octal permissions",
        [SCHEMA_ENUM] = "word",
        [SCHEMA_STRING] = "text",
        [SCHEMA_PATH] = "path",
        [SCHEMA_PATHS] = "list of paths",
        [SCHEMA_HOSTNAME] = "host name",
        [SCHEMA_IP] = "address",
        [SCHEMA_STRINGS] = "list of texts",
        [SCHEMA_HOSTNAMES] = "list of host names",
        [SCHEMA_ENDPOINTS] = "list of addresses",
        [SCHEMA_LIST] = "list of sections",
        [SCHEMA_PAIRS] = "section of texts",
        [SCHEMA_TIME] = "time",
        [SCHEMA_HOURS] = "hours",
        [SCHEMA_CLOSED] = "list of dates",
        [SCHEMA_ZONE] = "time zone",
        [SCHEMA_NODE] = "section",
    };
    return names[t];
}

static uint64_t load_uint(const struct schema_row *row, const void *field)
{
    uint16_t v16;
    uint32_t v32;
    uint64_t v64;
    if (row->size == sizeof v16) {
        memcpy(&v16, field, sizeof v16);
        return v16;
    }
    if (row->size == sizeof v32) {
        memcpy(&v32, field, sizeof v32);
        return v32;
    }
    memcpy(&v64, field, sizeof v64);
    return v64;
}

static void put_number(const struct schema_row *row, uint64_t v, struct hy_buf *out)
{
    switch (row->type) {
    case SCHEMA_SIZE:
        value_put_size(v, out);
        break;
    case SCHEMA_DURATION:
        value_put_duration((hy_us)v, out);
        break;
    case SCHEMA_PERCENT:
        hy_buf_printf(out, "%" PRIu64 "%%", v);
        break;
    case SCHEMA_SHARE:
        hy_buf_printf(out, "%" PRIu64, v / 100);
        if (v % 10)
            hy_buf_printf(out, ".%02" PRIu64, v % 100);
        else if (v % 100)
            hy_buf_printf(out, ".%" PRIu64, v % 100 / 10);
        hy_buf_add_lit(out, "%");
        break;
    case SCHEMA_MODE:
        hy_buf_printf(out, "\"%04" PRIo64 "\"", v);
        break;
    default:
        hy_buf_printf(out, "%" PRIu64, v);
        break;
    }
}

void schema_put_range(const struct schema_row *row, struct hy_buf *out)
{
    bool is_number = row->type == SCHEMA_INT || row->type == SCHEMA_SIZE ||
                     row->type == SCHEMA_DURATION || row->type == SCHEMA_PERCENT ||
                     row->type == SCHEMA_SHARE;
    if (!is_number || (row->min == 0 && row->max == 0))
        return;
    if (row->max) {
        put_number(row, (uint64_t)row->min, out);
        hy_buf_add_lit(out, " to ");
        put_number(row, (uint64_t)row->max, out);
    } else {
        hy_buf_add_lit(out, "at least ");
        put_number(row, (uint64_t)row->min, out);
    }
    if (row->zero)
        hy_buf_printf(out, ", or %s", row->zero);
}

/* Plain where YAML takes it as that text, else in double quotes. */
static void put_text(struct hy_str s, struct hy_buf *out)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-./@*:+%";
    bool ok = s.n > 0 && !strchr("-@*:+%", s.p[0]) && s.p[s.n - 1] != ':' &&
              !hy_str_ieq(s, HY_STR("null"));
    for (size_t i = 0; ok && i < s.n; i++)
        ok = s.p[i] && strchr(plain, s.p[i]);
    if (ok) {
        hy_buf_add_str(out, s);
        return;
    }
    hy_buf_add_c(out, '"');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"' || s.p[i] == '\\')
            hy_buf_add_c(out, '\\');
        hy_buf_add_c(out, s.p[i]);
    }
    hy_buf_add_c(out, '"');
}

static const char *load_text(const void *field)
{
    const char *p;
    memcpy(&p, field, sizeof p);
    return p ? p : "";
}

static void put_sockaddr(const struct hy_sockaddr *a, struct hy_buf *out)
{
    char text[HY_SOCKADDR_TEXT_MAX];
    if (hy_sockaddr_family(a) == AF_UNSPEC)
        put_text(HY_STR(""), out);
    else if (hy_sockaddr_port(a))
        put_text(hy_str_of(hy_sockaddr_format(a, text)), out);
    else
        put_text(hy_str_of(hy_sockaddr_format_ip(a, text)), out);
}

static void put_texts(const struct schema_row *row, const void *field, struct hy_buf *out)
{
    struct hy_strings list;
    struct hy_sockaddrs addrs;
    memcpy(&list, field, sizeof list);
    memcpy(&addrs, field, sizeof addrs);
    hy_buf_add_c(out, '[');
    for (size_t i = 0; i < list.n; i++) {
        if (i)
            hy_buf_add_lit(out, ", ");
        if (row->type == SCHEMA_ENDPOINTS)
            put_sockaddr(&addrs.items[i], out);
        else
            put_text(hy_str_of(list.items[i]), out);
    }
    hy_buf_add_c(out, ']');
}

/* "{tokyo-1: 3, tokyo-2: 1}" */
static void put_pairs(const void *field, struct hy_buf *out)
{
    struct hy_pairs pairs;
    memcpy(&pairs, field, sizeof pairs);
    hy_buf_add_c(out, '{');
    for (size_t i = 0; i < pairs.n; i++) {
        if (i)
            hy_buf_add_lit(out, ", ");
        put_text(pairs.items[i].name, out);
        hy_buf_add_lit(out, ": ");
        put_text(pairs.items[i].value, out);
    }
    hy_buf_add_c(out, '}');
}

static void put_enum(const struct schema_row *row, const void *field, struct hy_buf *out)
{
    int v;
    memcpy(&v, field, sizeof v);
    for (const struct schema_name *n = row->names; n->name; n++)
        if (n->value == v) {
            hy_buf_add_str(out, hy_str_of(n->name));
            return;
        }
}

static void put_hours(const struct hy_hours *hours, struct hy_buf *out)
{
    struct hy_buf text = HY_BUF_INIT(HY_HOURS_TEXT_MAX);
    hy_hours_put(hours, &text);
    if (hours->n > 1) /* commas and semicolons mean something else in YAML's lists */
        put_text(hy_buf_str(&text), out);
    else
        hy_buf_add_str(out, hy_buf_str(&text));
    hy_buf_free(&text);
}

static bool is_zero(const struct schema_row *row, const void *field)
{
    const char *p = field;
    for (size_t i = 0; i < row->size; i++)
        if (p[i])
            return false;
    return true;
}

void schema_put_value(const struct schema_row *row, const void *field, struct hy_buf *out)
{
    struct hy_rate rate;
    struct hy_hours hours;
    struct hy_closed_days closed;
    struct hy_sockaddr addr;
    hy_wall_ms ms;
    char time[32];
    bool b;
    if (row->zero && is_zero(row, field)) {
        hy_buf_add_str(out, hy_str_of(row->zero));
        return;
    }
    switch (row->type) {
    case SCHEMA_BOOL:
        memcpy(&b, field, sizeof b);
        hy_buf_add_str(out, b ? HY_STR("true") : HY_STR("false"));
        break;
    case SCHEMA_RATE:
        memcpy(&rate, field, sizeof rate);
        value_put_rate(rate, out);
        break;
    case SCHEMA_ENUM:
        put_enum(row, field, out);
        break;
    case SCHEMA_STRING:
    case SCHEMA_PATH:
    case SCHEMA_HOSTNAME:
    case SCHEMA_ZONE:
        put_text(hy_str_of(load_text(field)), out);
        break;
    case SCHEMA_IP:
        memcpy(&addr, field, sizeof addr);
        put_sockaddr(&addr, out);
        break;
    case SCHEMA_STRINGS:
    case SCHEMA_PATHS:
    case SCHEMA_HOSTNAMES:
    case SCHEMA_ENDPOINTS:
        put_texts(row, field, out);
        break;
    case SCHEMA_HOURS:
        memcpy(&hours, field, sizeof hours);
        put_hours(&hours, out);
        break;
    case SCHEMA_CLOSED:
        memcpy(&closed, field, sizeof closed);
        hy_buf_add_c(out, '[');
        hy_closed_days_put(&closed, out);
        hy_buf_add_c(out, ']');
        break;
    case SCHEMA_TIME:
        memcpy(&ms, field, sizeof ms);
        (void)hy_wall_format(ms, time); /* as it is read: without fractions */
        hy_buf_printf(out, "%.19sZ", time);
        break;
    case SCHEMA_PAIRS:
        put_pairs(field, out);
        break;
    case SCHEMA_LIST:
    case SCHEMA_NODE:
        break; /* written by whoever knows the items */
    default:
        put_number(row, load_uint(row, field), out);
        break;
    }
}

static bool same_list(const struct schema_row *row, const void *a, const void *b)
{
    struct {
        const char *items;
        size_t n;
    } la, lb;
    memcpy(&la, a, sizeof la);
    memcpy(&lb, b, sizeof lb);
    if (la.n != lb.n)
        return false;
    for (size_t i = 0; i < la.n; i++)
        for (size_t k = 0; k < row->items->n_rows; k++) {
            const struct schema_row *r = &row->items->rows[k];
            size_t at = i * row->items->size + r->offset;
            if (!schema_same(r, la.items + at, lb.items + at))
                return false;
        }
    return true;
}

bool schema_same(const struct schema_row *row, const void *a, const void *b)
{
    if (row->type == SCHEMA_LIST)
        return same_list(row, a, b);
    struct hy_buf ta = HY_BUF_INIT(1 << 20), tb = HY_BUF_INIT(1 << 20);
    schema_put_value(row, a, &ta);
    schema_put_value(row, b, &tb);
    bool same = !ta.err && !tb.err && hy_str_eq(hy_buf_str(&ta), hy_buf_str(&tb));
    hy_buf_free(&ta);
    hy_buf_free(&tb);
    return same;
}
