/* What a segment says of one lead. */
#include "segment.h"

/* -- values --------------------------------------------------------------------------------- */

/* Letters in either case; * is anything. Linear but for the text behind the last star. */
static bool is_like(struct hy_str text, struct hy_str pattern)
{
    size_t t = 0, p = 0, star = SIZE_MAX, tried = 0;
    while (t < text.n) {
        if (p < pattern.n && pattern.p[p] == '*') {
            star = p++;
            tried = t;
        } else if (p < pattern.n && hy_ascii_lower(pattern.p[p]) == hy_ascii_lower(text.p[t])) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++tried;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.p[p] == '*')
        p++;
    return p == pattern.n;
}

static bool contains(struct hy_str text, struct hy_str part)
{
    for (size_t at = 0; at + part.n <= text.n; at++)
        if (hy_str_istarts(hy_str_slice(text, at, text.n), part))
            return true;
    return false;
}

/* Numbers as people and tables write them: blanks around, a plus, zeros in front. */
static bool number_of(struct hy_str text, double *ret)
{
    struct hy_segment_value v;
    text = hy_str_trim(text);
    bool is_negative = text.n && text.p[0] == '-';
    if (text.n && (text.p[0] == '+' || text.p[0] == '-'))
        text = hy_str_slice(text, 1, text.n);
    while (text.n > 1 && text.p[0] == '0' && segment_is_digit(text.p[1]))
        text = hy_str_slice(text, 1, text.n);
    if (text.n && text.p[0] == '-')
        return false;
    if (segment_read_number(text, &v) != HY_OK)
        return false;
    *ret = is_negative ? -v.number : v.number;
    return true;
}

static bool truth_of(struct hy_str text)
{
    static const char *const words[] = {"true", "yes", "1", "on"};
    text = hy_str_trim(text);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (hy_str_ieq(text, hy_str_of(words[i])))
            return true;
    return false;
}

enum { DAY_MS = 86400000 };

/* The moments [*from, *until) of a date: a day of the zone, or one millisecond. */
static void span_of(const struct hy_segment_value *v, const struct hy_zone *zone, hy_wall_ms *from,
                    hy_wall_ms *until)
{
    *from = v->at;
    *until = v->at + (v->is_day ? DAY_MS : 1);
    if (!v->is_day || !zone)
        return;
    *from -= (hy_wall_ms)hy_zone_offset_s(zone, v->at) * 1000;
    *until -= (hy_wall_ms)hy_zone_offset_s(zone, v->at + DAY_MS) * 1000;
}

/* A date as it is kept: a day, or a moment with its zone. */
static bool date_of(struct hy_str text, struct hy_segment_value *ret)
{
    text = hy_str_trim(text);
    return segment_read_date(text, ret) == HY_OK;
}

static bool is_ordered(enum hy_segment_op op, double order)
{
    switch (op) {
    case HY_SEGMENT_LT:
        return order < 0;
    case HY_SEGMENT_LE:
        return order <= 0;
    case HY_SEGMENT_GT:
        return order > 0;
    case HY_SEGMENT_GE:
        return order >= 0;
    default:
        return order == 0;
    }
}

static bool compare_dates(struct hy_str text, enum hy_segment_op op,
                          const struct hy_segment_value *v, const struct hy_zone *zone)
{
    struct hy_segment_value date;
    hy_wall_ms at, end, from, until;
    if (!date_of(text, &date))
        return false;
    span_of(&date, zone, &at, &end);
    span_of(v, zone, &from, &until);
    if (op == HY_SEGMENT_BEFORE)
        op = HY_SEGMENT_LT;
    if (op == HY_SEGMENT_AFTER)
        op = HY_SEGMENT_GE;
    return is_ordered(op, at < from ? -1 : at >= until ? 1 : 0);
}

/* Whether text OP value; NE never comes here. */
static bool compare(struct hy_str text, enum hy_segment_op op, const struct hy_segment_value *v,
                    const struct hy_zone *zone)
{
    double number;
    switch (v->kind) {
    case HY_SEGMENT_NUMBER:
        return number_of(text, &number) && is_ordered(op, number - v->number);
    case HY_SEGMENT_BOOL:
        return truth_of(text) == v->yes;
    case HY_SEGMENT_DATE:
        return compare_dates(text, op, v, zone);
    case HY_SEGMENT_TEXT:
        if (op == HY_SEGMENT_CONTAINS)
            return contains(text, v->text);
        if (op == HY_SEGMENT_STARTS)
            return hy_str_istarts(text, v->text);
        if (op == HY_SEGMENT_ENDS)
            return text.n >= v->text.n &&
                   hy_str_ieq(hy_str_slice(text, text.n - v->text.n, text.n), v->text);
        return hy_str_ieq(text, v->text);
    case HY_SEGMENT_TIME:
        break;
    }
    return false;
}

/* -- attributes ----------------------------------------------------------------------------- */

/* Not longer ago than the time, and not in the future; or longer ago. */
static bool is_of_age(struct hy_str text, enum hy_segment_op op, uint32_t seconds, hy_wall_ms now,
                      const struct hy_zone *zone)
{
    struct hy_segment_value date;
    hy_wall_ms from, until, edge = now - (hy_wall_ms)seconds * 1000;
    if (!date_of(text, &date))
        return false;
    span_of(&date, zone, &from, &until);
    return op == HY_SEGMENT_OLDER ? from < edge : from >= edge && from <= now;
}

hy_wall_ms hy_segment_age_changes(const struct hy_segment_node *n, struct hy_str text,
                                  hy_wall_ms now, const struct hy_zone *zone)
{
    struct hy_segment_value date;
    hy_wall_ms from, until;
    if ((n->op != HY_SEGMENT_WITHIN && n->op != HY_SEGMENT_OLDER) || !date_of(text, &date))
        return INT64_MAX;
    span_of(&date, zone, &from, &until);
    if (n->op == HY_SEGMENT_WITHIN && from > now)
        return from;
    hy_wall_ms ages = from + (hy_wall_ms)n->values->seconds * 1000 + 1;
    return ages > now ? ages : INT64_MAX;
}

bool hy_segment_compares(const struct hy_segment_node *n, struct hy_str text, hy_wall_ms now,
                         const struct hy_zone *zone)
{
    if (n->op == HY_SEGMENT_SET)
        return text.n > 0;
    if (n->op == HY_SEGMENT_NE)
        return !compare(text, HY_SEGMENT_EQ, n->values, zone);
    if (n->op == HY_SEGMENT_WITHIN || n->op == HY_SEGMENT_OLDER)
        return is_of_age(text, n->op, n->values->seconds, now, zone);
    for (size_t i = 0; i < n->n_values; i++)
        if (compare(text, n->op, &n->values[i], zone))
            return true;
    return false;
}

bool hy_segment_compares_all(const struct hy_segment_node *n, struct hy_str value,
                             const struct hy_segment_facts *f)
{
    bool goes_on = n->op == HY_SEGMENT_NE; /* while it is so */
    bool is_true = hy_segment_compares(n, value, f->now, f->zone);
    while (f->more && is_true == goes_on && (value = f->more(f->ctx)).n)
        is_true = hy_segment_compares(n, value, f->now, f->zone);
    return is_true;
}

/* -- activities ----------------------------------------------------------------------------- */

static bool passes(const struct hy_segment_node *did, const struct hy_segment_deed *deed)
{
    for (size_t i = 0; i < did->n_filters; i++) {
        const struct hy_segment_filter *f = &did->filters[i];
        struct hy_str value = deed->value(deed->ctx, f->key);
        bool is_not = f->op == HY_SEGMENT_NE;
        bool is_text = f->value.kind == HY_SEGMENT_TEXT;
        bool is_same = is_text ? is_like(value, f->value.text)
                               : compare(value, is_not ? HY_SEGMENT_EQ : f->op, &f->value, NULL);
        if (is_same == is_not)
            return false;
    }
    return true;
}

bool hy_segment_matches(const struct hy_segment_node *did, const struct hy_segment_deed *deed)
{
    unsigned n = deed->items && did->n_filters ? deed->items(deed->ctx) : 0;
    if (n == 0)
        return passes(did, deed);
    for (unsigned i = 0; i < n; i++) {
        deed->choose(deed->ctx, i);
        if (passes(did, deed))
            return true;
    }
    return false;
}

void hy_segment_window(const struct hy_segment_node *n, hy_wall_ms now, const struct hy_zone *zone,
                       hy_wall_ms *ret_from, hy_wall_ms *ret_until)
{
    hy_wall_ms from = 0, until = INT64_MAX, unused, since;
    if (n->within_s)
        from = now - (hy_wall_ms)n->within_s * 1000;
    if (n->since.text.n) {
        span_of(&n->since, zone, &since, &unused);
        from = since > from ? since : from;
    }
    if (n->before.text.n)
        span_of(&n->before, zone, &until, &unused);
    *ret_from = from;
    *ret_until = until;
}

bool hy_segment_is_often(const struct hy_segment_node *n, uint32_t count)
{
    if (n->op == HY_SEGMENT_NE)
        return count != n->count;
    return is_ordered(n->op, (double)count - (double)n->count);
}

uint32_t hy_segment_enough(const struct hy_segment_node *n)
{
    bool is_at = n->op == HY_SEGMENT_GE || n->op == HY_SEGMENT_LT;
    return is_at ? n->count : n->count + 1;
}

static bool is_done(const struct hy_segment_node *n, const struct hy_segment_facts *f)
{
    hy_wall_ms from, until;
    hy_segment_window(n, f->now, f->zone, &from, &until);
    return hy_segment_is_often(n, f->count(f->ctx, n, from, until, hy_segment_enough(n)));
}

/* -- trees ---------------------------------------------------------------------------------- */

bool hy_segment_is_true(const struct hy_segment_node *n, const struct hy_segment_facts *f)
{
    bool is_all = n->kind == HY_SEGMENT_ALL;
    switch (n->kind) {
    case HY_SEGMENT_COMPARE:
        return hy_segment_compares_all(n, f->attribute(f->ctx, n->name), f);
    case HY_SEGMENT_MEMBER:
        return f->is_member(f->ctx, n->group, n->name);
    case HY_SEGMENT_DID:
        return is_done(n, f);
    case HY_SEGMENT_NOT:
        return !hy_segment_is_true(n->items[0], f);
    case HY_SEGMENT_ALL:
    case HY_SEGMENT_ANY:
        break;
    }
    for (size_t i = 0; i < n->n_items; i++)
        if (hy_segment_is_true(n->items[i], f) != is_all)
            return !is_all;
    return is_all;
}
