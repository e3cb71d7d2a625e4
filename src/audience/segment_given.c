/* Names that the language gives a meaning: what they are, and what can be asked of them. */
#include <stdio.h>

#include "segment.h"

enum {
    NUMBER = 1 << HY_SEGMENT_NUMBER,
    MOMENT = 1 << HY_SEGMENT_DATE | 1 << HY_SEGMENT_TIME,
    TEXT = 1 << HY_SEGMENT_TEXT,
};

const struct segment_given segment_given[] = {
    {"cart.value", HY_SEGMENT_CART_VALUE, NUMBER},
    {"cart.pieces", HY_SEGMENT_CART_PIECES, NUMBER},
    {"cart.opened", HY_SEGMENT_CART_OPENED, MOMENT},
    {"cart.changed", HY_SEGMENT_CART_CHANGED, MOMENT},
    {"orders.count", HY_SEGMENT_ORDERS_COUNT, NUMBER},
    {"orders.total", HY_SEGMENT_ORDERS_TOTAL, NUMBER},
    {"orders.first", HY_SEGMENT_ORDERS_FIRST, MOMENT},
    {"orders.last", HY_SEGMENT_ORDERS_LAST, MOMENT},
    {"company.score", HY_SEGMENT_COMPANY_SCORE, NUMBER},
    {"company.name", HY_SEGMENT_COMPANY_NAME, TEXT},
    {"company.domain", HY_SEGMENT_COMPANY_DOMAIN, TEXT},
};
enum { N = sizeof segment_given / sizeof *segment_given };
const size_t segment_n_given = N;
enum { COMPANY_N = sizeof "company." - 1 };

/* Whether it begins as names of carts and orders do: all of those are in the table. */
static bool is_of_shop(struct hy_str name)
{
    return hy_str_istarts(name, HY_STR("cart.")) || hy_str_istarts(name, HY_STR("orders."));
}

static bool is_of_company(struct hy_str name)
{
    return name.n > COMPANY_N && hy_str_starts(name, HY_STR("company."));
}

static const struct segment_given *given_of(struct hy_str name)
{
    if (!is_of_shop(name) && !is_of_company(name))
        return NULL; /* as nearly all are */
    for (size_t i = 0; i < N; i++)
        if (hy_str_eq(name, hy_str_of(segment_given[i].word)))
            return &segment_given[i];
    return NULL;
}

enum hy_segment_given hy_segment_given_of(struct hy_str name)
{
    const struct segment_given *g = given_of(name);
    if (!g && is_of_company(name))
        return HY_SEGMENT_COMPANY_ATTRIBUTE;
    return g ? g->is : HY_SEGMENT_GIVEN_NONE;
}

struct hy_str hy_segment_company_attribute(struct hy_str name)
{
    return hy_str_slice(name, COMPANY_N, name.n);
}

static const char *list(const char *const *words, size_t n_words, char *out, size_t n)
{
    size_t len = 0;
    for (size_t i = 0; i < n_words && len < n; i++)
        len += (size_t)snprintf(out + len, n - len, "%s%s", i ? ", " : "", words[i]);
    return out;
}

bool segment_name_is_wrong(struct hy_str name, char *out, size_t n)
{
    const char *words[N];
    char all[200];
    size_t n_words = 0;
    if (!is_of_shop(name) || given_of(name))
        return false;
    for (size_t i = 0; i < N; i++)
        if (is_of_shop(hy_str_of(segment_given[i].word)))
            words[n_words++] = segment_given[i].word;
    const char *near = hy_str_nearest(name, words, n_words);
    if (near)
        snprintf(out, n, "there is no '%.*s' (did you mean '%s'?)", HY_STR_ARG(name), near);
    else
        snprintf(out, n, "there is no '%.*s'; there are %s", HY_STR_ARG(name),
                 list(words, n_words, all, sizeof all));
    return true;
}

const char *segment_given_wants(struct hy_str name, enum hy_segment_op op,
                                const struct hy_segment_value *value)
{
    const struct segment_given *g = given_of(name);
    if (!g || op == HY_SEGMENT_SET || g->takes & 1u << value->kind)
        return NULL;
    if (g->takes == TEXT)
        return "a text";
    return g->takes == NUMBER ? "a number" : "a day (2026-12-01) or a time (30d)";
}
