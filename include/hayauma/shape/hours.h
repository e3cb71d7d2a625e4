/* Delivery hours: on which days of the week and between which times of day mail may go, by the
 * clock of a time zone, and on which dates it may not go at all. Pure; any thread. */
#pragma once
#include <stdbool.h>

#include "hayauma/base/buf.h"
#include "hayauma/base/clock.h"
#include "hayauma/base/zone.h"

enum {
    HY_HOURS_EVERY_DAY = 0x7f,
    HY_DAY_MIN = 24 * 60,
    HY_HOURS_SPANS_MAX = 28, /* four on each day of a week */
    HY_CLOSED_RANGES_MAX = 64,
    HY_HOURS_TEXT_MAX = 2048, /* bytes of either text */
};

/* From `from_min` (0..1439) up to, not including, `to_min` (1..1440). With to_min <= from_min it
 * goes on past midnight and belongs to the day it began on. */
struct hy_hours_span {
    uint16_t days; /* bit 0 is Monday; not 0 */
    uint16_t from_min, to_min;
};

/* Dates, as days since 1970-01-01; the last one included. */
struct hy_day_range {
    uint16_t from, to;
};
struct hy_closed_days {
    uint16_t n;
    struct hy_day_range ranges[HY_CLOSED_RANGES_MAX]; /* in order, none touches the next */
};

/* All zero: always. */
struct hy_hours {
    uint16_t n; /* 0: at any time of days that are not closed */
    struct hy_hours_span spans[HY_HOURS_SPANS_MAX];
    struct hy_closed_days closed; /* a span that runs into such a day ends with the day before */
};

static inline bool hy_hours_is_always(const struct hy_hours *h)
{
    return h->n == 0 && h->closed.n == 0;
}

/* `t` itself when mail may go then; else when it next may. Times that a change of the clock leaves
 * out begin when the clock goes on. */
hy_wall_ms hy_hours_next(const struct hy_hours *h, const struct hy_zone *z, hy_wall_ms t);
/* When the hours that `t` lies in end; INT64_MAX when they never do. Precondition: mail may go at
 * `t`. */
hy_wall_ms hy_hours_end(const struct hy_hours *h, const struct hy_zone *z, hy_wall_ms t);

/* Reads "09:00-20:00", "mon-fri 09:00-12:00,13:00-18:00; sat 10:00-12:00" or "always"; days may run
 * over the week's end ("fri-mon"). Closed days are none. HY_EINVAL: `diag` says what is wrong. */
HY_MUST_USE int hy_hours_parse(struct hy_str text, struct hy_hours *ret, struct hy_diag *diag);
/* Adds one span, "09:00-12:00", on days such as "mon-fri" or "sat,sun". HY_EINVAL, also when it
 * overlaps another one of a day; `h` is then as before. */
HY_MUST_USE int hy_hours_add(struct hy_hours *h, struct hy_str days, struct hy_str span,
                             struct hy_diag *diag);
/* Appends the shortest text that reads back as the same hours, without closed days. */
void hy_hours_put(const struct hy_hours *h, struct hy_buf *out);

/* Adds "2027-01-01" or "2026-12-29..2027-01-03". HY_EINVAL: `diag` says what is wrong, and `c` is
 * as before. */
HY_MUST_USE int hy_closed_days_add(struct hy_closed_days *c, struct hy_str text,
                                   struct hy_diag *diag);
/* Appends "2026-12-29..2027-01-03, 2027-02-11"; nothing when there are none. */
void hy_closed_days_put(const struct hy_closed_days *c, struct hy_buf *out);
/* Reads that. HY_EINVAL. */
HY_MUST_USE int hy_closed_days_parse(struct hy_str text, struct hy_closed_days *ret,
                                     struct hy_diag *diag);
