/* Delivery hours: on which days of the week and between which times of day mail may go, by the
 * clock of a time zone. Pure; any thread. */
#pragma once
#include <stdbool.h>

#include "hayauma/base/buf.h"
#include "hayauma/base/clock.h"
#include "hayauma/base/zone.h"

enum { HY_HOURS_EVERY_DAY = 0x7f, HY_DAY_MIN = 24 * 60 };

/* From `from_min` (0..1439) up to, not including, `to_min` (1..1440). With to_min <= from_min it
 * goes on past midnight and belongs to the day it began on. days = 0: always. */
struct hy_hours {
    uint8_t days; /* bit 0 is Monday */
    uint16_t from_min, to_min;
};

/* `t` itself when mail may go then; else when it next may. Times that a change of the clock leaves
 * out begin when the clock goes on. */
hy_wall_ms hy_hours_next(const struct hy_hours *h, const struct hy_zone *z, hy_wall_ms t);
/* When the hours that `t` lies in end; INT64_MAX when they never do. Precondition: mail may go at
 * `t`. */
hy_wall_ms hy_hours_end(const struct hy_hours *h, const struct hy_zone *z, hy_wall_ms t);

/* Reads "09:00-20:00", "mon-fri 09:00-20:00", "sat,sun 10:00-18:00" or "always"; days may run over
 * the week's end ("fri-mon"). HY_EINVAL: `diag` says what is wrong. */
HY_MUST_USE int hy_hours_parse(struct hy_str text, struct hy_hours *ret, struct hy_diag *diag);
/* Appends the shortest text that reads back as the same hours. */
void hy_hours_put(const struct hy_hours *h, struct hy_buf *out);
