/* Delivery hours as people write them.
 *
 *   hours = "always" / [days SP] time "-" time
 *   days  = range *("," range)
 *   range = day ["-" day]
 *   day   = "mon" / "tue" / "wed" / "thu" / "fri" / "sat" / "sun"
 *   time  = 2DIGIT ":" 2DIGIT           ; "24:00" only as the second */
#include "hayauma/shape/hours.h"

static const char *const day_names[7] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

static int find_day(struct hy_str word, unsigned *ret)
{
    for (unsigned i = 0; i < 7; i++) {
        if (hy_str_ieq(word, hy_str_of(day_names[i]))) {
            *ret = i;
            return HY_OK;
        }
    }
    return HY_EINVAL;
}

static int parse_days(struct hy_str text, uint8_t *ret, struct hy_diag *diag)
{
    struct hy_str rest = text, range;
    uint8_t days = 0;
    while (hy_str_split(&rest, ',', &range)) {
        struct hy_str last = range, first;
        unsigned from, to;
        if (!hy_str_split(&last, '-', &first))
            return HY_EINVAL;
        if (first.n == range.n)
            last = first;
        if (find_day(first, &from) != HY_OK || find_day(last, &to) != HY_OK)
            return hy_fail(diag, HY_EINVAL,
                           "'%.*s' is no day or range of days (mon, tue, wed, thu, fri, sat, sun; "
                           "mon-fri)",
                           HY_STR_ARG(range));
        for (unsigned i = from;; i = (i + 1) % 7) {
            days |= (uint8_t)(1u << i);
            if (i == to)
                break;
        }
    }
    *ret = days;
    return HY_OK;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int parse_time(struct hy_str t, unsigned most, uint16_t *ret)
{
    if (t.n != 5 || t.p[2] != ':' || !is_digit(t.p[0]) || !is_digit(t.p[1]) || !is_digit(t.p[3]) ||
        !is_digit(t.p[4]))
        return HY_EINVAL;
    unsigned hour = (unsigned)(t.p[0] - '0') * 10 + (unsigned)(t.p[1] - '0');
    unsigned min = (unsigned)(t.p[3] - '0') * 10 + (unsigned)(t.p[4] - '0');
    if (min > 59 || hour * 60 + min > most)
        return HY_EINVAL;
    *ret = (uint16_t)(hour * 60 + min);
    return HY_OK;
}

int hy_hours_parse(struct hy_str text, struct hy_hours *ret, struct hy_diag *diag)
{
    struct hy_hours h = {.days = HY_HOURS_EVERY_DAY};
    text = hy_str_trim(text);
    if (hy_str_ieq(text, HY_STR("always"))) {
        *ret = (struct hy_hours){0};
        return HY_OK;
    }
    struct hy_str times = text;
    size_t space = hy_str_find(text, ' ', 0);
    if (space != SIZE_MAX) {
        times = hy_str_trim(hy_str_slice(text, space, text.n));
        int err = parse_days(hy_str_slice(text, 0, space), &h.days, diag);
        if (err != HY_OK)
            return err;
    }
    size_t dash = hy_str_find(times, '-', 0);
    if (dash == SIZE_MAX ||
        parse_time(hy_str_slice(times, 0, dash), HY_DAY_MIN - 1, &h.from_min) != HY_OK ||
        parse_time(hy_str_slice(times, dash + 1, times.n), HY_DAY_MIN, &h.to_min) != HY_OK)
        return hy_fail(diag, HY_EINVAL,
                       "'%.*s' are no hours: write 09:00-20:00, mon-fri 09:00-20:00, or always",
                       HY_STR_ARG(text));
    *ret = h;
    return HY_OK;
}

static void put_days(uint8_t days, struct hy_buf *out)
{
    const char *comma = "";
    for (unsigned i = 0; i < 7; i++) {
        unsigned end = i;
        if (!((days >> i) & 1))
            continue;
        while (end < 6 && ((days >> (end + 1)) & 1))
            end++;
        if (end < i + 2) /* a range is worth it from three days on */
            end = i;
        hy_buf_printf(out, "%s%s", comma, day_names[i]);
        if (end > i)
            hy_buf_printf(out, "-%s", day_names[end]);
        comma = ",";
        i = end;
    }
}

void hy_hours_put(const struct hy_hours *h, struct hy_buf *out)
{
    if (h->days == 0) {
        hy_buf_add_lit(out, "always");
        return;
    }
    if (h->days != HY_HOURS_EVERY_DAY) {
        put_days(h->days, out);
        hy_buf_add_c(out, ' ');
    }
    hy_buf_printf(out, "%02u:%02u-%02u:%02u", h->from_min / 60u, h->from_min % 60u, h->to_min / 60u,
                  h->to_min % 60u);
}
