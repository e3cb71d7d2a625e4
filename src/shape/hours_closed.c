/* Dates on which no mail goes, as people write them: 2027-01-01, 2026-12-29..2027-01-03. */
#include <stdio.h>

#include "hayauma/shape/hours.h"

#define DAY_MS ((hy_wall_ms)HY_DAY_MIN * 60 * 1000)

static int parse_date(struct hy_str text, uint16_t *ret)
{
    char moment[32];
    hy_wall_ms t;
    if (text.n != 10)
        return HY_EINVAL;
    snprintf(moment, sizeof moment, "%.10sT00:00:00Z", text.p);
    if (hy_wall_parse(hy_str_of(moment), &t) != HY_OK || t / DAY_MS > UINT16_MAX)
        return HY_EINVAL;
    *ret = (uint16_t)(t / DAY_MS);
    return HY_OK;
}

static int parse_range(struct hy_str text, struct hy_day_range *ret)
{
    struct hy_day_range r;
    size_t dots = hy_str_find_str(text, HY_STR(".."), 0);
    int err = parse_date(dots == SIZE_MAX ? text : hy_str_slice(text, 0, dots), &r.from);
    r.to = r.from;
    if (err == HY_OK && dots != SIZE_MAX)
        err = parse_date(hy_str_slice(text, dots + 2, text.n), &r.to);
    if (err != HY_OK || r.to < r.from)
        return HY_EINVAL;
    *ret = r;
    return HY_OK;
}

/* Takes out what the new range overlaps or touches, and makes the range as large. */
static void swallow(struct hy_closed_days *c, struct hy_day_range *r)
{
    uint16_t kept = 0;
    for (uint16_t i = 0; i < c->n; i++) {
        struct hy_day_range old = c->ranges[i];
        if (old.from > r->to + 1 || r->from > old.to + 1) {
            c->ranges[kept++] = old;
            continue;
        }
        r->from = old.from < r->from ? old.from : r->from;
        r->to = old.to > r->to ? old.to : r->to;
    }
    c->n = kept;
}

int hy_closed_days_add(struct hy_closed_days *c, struct hy_str text, struct hy_diag *diag)
{
    struct hy_closed_days grown = *c;
    struct hy_day_range r;
    text = hy_str_trim(text);
    if (parse_range(text, &r) != HY_OK)
        return hy_fail(diag, HY_EINVAL,
                       "'%.*s' is no date or range of dates: write 2027-01-01 or "
                       "2026-12-29..2027-01-03",
                       (int)(text.n < 60 ? text.n : 60), text.p);
    swallow(&grown, &r);
    if (grown.n == HY_CLOSED_RANGES_MAX)
        return hy_fail(diag, HY_EINVAL, "more than %d closed dates and ranges of dates",
                       HY_CLOSED_RANGES_MAX);
    uint16_t at = grown.n++;
    for (; at > 0 && grown.ranges[at - 1].from > r.from; at--)
        grown.ranges[at] = grown.ranges[at - 1];
    grown.ranges[at] = r;
    *c = grown;
    return HY_OK;
}

int hy_closed_days_parse(struct hy_str text, struct hy_closed_days *ret, struct hy_diag *diag)
{
    struct hy_closed_days c = {0};
    struct hy_str one;
    if (text.n > HY_HOURS_TEXT_MAX)
        return hy_fail(diag, HY_EINVAL, "more than %d closed dates and ranges of dates",
                       HY_CLOSED_RANGES_MAX);
    text = hy_str_trim(text);
    bool is_any = text.n > 0;
    while (is_any && hy_str_split(&text, ',', &one)) {
        int err = hy_closed_days_add(&c, one, diag);
        if (err != HY_OK)
            return err;
    }
    *ret = c;
    return HY_OK;
}

static void put_date(uint16_t day, struct hy_buf *out)
{
    char text[32];
    hy_buf_printf(out, "%.10s", hy_wall_format(day * DAY_MS, text));
}

void hy_closed_days_put(const struct hy_closed_days *c, struct hy_buf *out)
{
    for (uint16_t i = 0; i < c->n; i++) {
        if (i)
            hy_buf_add_lit(out, ", ");
        put_date(c->ranges[i].from, out);
        if (c->ranges[i].to > c->ranges[i].from) {
            hy_buf_add_lit(out, "..");
            put_date(c->ranges[i].to, out);
        }
    }
}
