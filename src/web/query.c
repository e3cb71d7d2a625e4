/* Names and values of a query. */
#include "web_priv.h"

enum { NAME_SHOWN = 64 /* bytes of a name that errors repeat */ };

bool web_check_query(struct web_call *c)
{
    struct hy_str rest = c->http->head.query, pair, key, value;
    while (rest.n && hy_str_split(&rest, '&', &pair)) {
        size_t at = hy_str_find(pair, '=', 0);
        int err = web_decode(&c->arena, hy_str_slice(pair, 0, at), true, &key);
        if (err == HY_EPARSE)
            web_fail(
                c, 400, "invalid_query", NULL,
                "A name in the query is badly escaped: after '%%' come two hex digits, not 00.");
        if (err == HY_OK && at != SIZE_MAX) {
            err = web_decode(&c->arena, hy_str_slice(pair, at + 1, pair.n), true, &value);
            if (err == HY_EPARSE)
                web_fail(c, 400, "invalid_query",
                         key.n <= NAME_SHOWN && hy_str_is_ascii(key) ? key.p : NULL,
                         "This is badly escaped: after '%%' come two hex digits, not 00.");
        }
        if (err == HY_EPARSE)
            return false;
        if (err != HY_OK) {
            web_fail_err(c, err);
            return false;
        }
    }
    return true;
}

bool web_query(struct web_call *c, struct hy_str name, size_t n, struct hy_str *ret)
{
    struct hy_str rest = c->http->head.query, pair, key, value;
    while (rest.n && hy_str_split(&rest, '&', &pair)) {
        size_t at = hy_str_find(pair, '=', 0);
        if (web_decode(&c->arena, hy_str_slice(pair, 0, at), true, &key) != HY_OK ||
            !hy_str_eq(key, name) || n-- > 0)
            continue;
        struct hy_str raw = at == SIZE_MAX ? HY_STR("") : hy_str_slice(pair, at + 1, pair.n);
        if (web_decode(&c->arena, raw, true, &value) != HY_OK)
            return false;
        *ret = value;
        return true;
    }
    return false;
}

bool web_query_number(struct web_call *c, const char *name, uint64_t min, uint64_t max,
                      uint64_t usual, uint64_t *ret)
{
    struct hy_str text;
    *ret = usual;
    if (!web_query(c, hy_str_of(name), 0, &text))
        return true;
    if (hy_str_to_u64(text, max, ret) == HY_OK && *ret >= min)
        return true;
    web_fail(c, 422, "invalid_value", name, "This must be a number from %llu to %llu.",
             (unsigned long long)min, (unsigned long long)max);
    return false;
}
