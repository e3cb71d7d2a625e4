/* Delivery hours as people write them.
 *
 *   hours = "always" / part *(";" part)
 *   part  = [days SP] span *("," span)
 *   span  = time "-" time
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

static int parse_days(struct hy_str text, uint16_t *ret, struct hy_diag *diag)
{
    struct hy_str rest = text, range;
    uint16_t days = 0;
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
            days |= (uint16_t)(1u << i);
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

static int parse_span(struct hy_str text, struct hy_hours_span *ret)
{
    size_t dash = hy_str_find(text, '-', 0);
    if (dash == SIZE_MAX ||
        parse_time(hy_str_slice(text, 0, dash), HY_DAY_MIN - 1, &ret->from_min) != HY_OK ||
        parse_time(hy_str_slice(text, dash + 1, text.n), HY_DAY_MIN, &ret->to_min) != HY_OK)
        return HY_EINVAL;
    return HY_OK;
}

static unsigned end_min(const struct hy_hours_span *s)
{
    return s->to_min + (s->to_min <= s->from_min ? (unsigned)HY_DAY_MIN : 0);
}

static bool overlap(const struct hy_hours_span *a, const struct hy_hours_span *b)
{
    return (a->days & b->days) && a->from_min < end_min(b) && b->from_min < end_min(a);
}

static int add(struct hy_hours *h, uint16_t days, struct hy_str text, struct hy_diag *diag)
{
    struct hy_hours_span s = {.days = days};
    if (parse_span(text, &s) != HY_OK)
        return hy_fail(diag, HY_EINVAL, "'%.*s' is no span of hours: write 09:00-20:00",
                       HY_STR_ARG(text));
    for (uint16_t i = 0; i < h->n; i++)
        if (overlap(&s, &h->spans[i]))
            return hy_fail(diag, HY_EINVAL, "'%.*s' overlaps other hours of the same day",
                           HY_STR_ARG(text));
    if (h->n == HY_HOURS_SPANS_MAX)
        return hy_fail(diag, HY_EINVAL, "more than %d spans of hours", HY_HOURS_SPANS_MAX);
    h->spans[h->n++] = s;
    return HY_OK;
}

int hy_hours_add(struct hy_hours *h, struct hy_str days, struct hy_str span, struct hy_diag *diag)
{
    uint16_t set;
    int err = parse_days(hy_str_trim(days), &set, diag);
    return err ? err : add(h, set, hy_str_trim(span), diag);
}

/* "mon-fri 09:00-12:00,13:00-18:00" */
static int parse_part(struct hy_str part, struct hy_hours *h, struct hy_diag *diag)
{
    uint16_t days = HY_HOURS_EVERY_DAY;
    struct hy_str span;
    size_t space = hy_str_find(part, ' ', 0);
    if (part.n && !is_digit(part.p[0]) && space != SIZE_MAX) {
        int err = parse_days(hy_str_slice(part, 0, space), &days, diag);
        if (err != HY_OK)
            return err;
        part = hy_str_slice(part, space, part.n);
    }
    while (hy_str_split(&part, ',', &span)) {
        int err = add(h, days, hy_str_trim(span), diag);
        if (err != HY_OK)
            return err;
    }
    return HY_OK;
}

int hy_hours_parse(struct hy_str text, struct hy_hours *ret, struct hy_diag *diag)
{
    struct hy_hours h = {0};
    struct hy_str rest = hy_str_trim(text), part;
    if (hy_str_ieq(rest, HY_STR("always"))) {
        *ret = h;
        return HY_OK;
    }
    if (rest.n == 0 || rest.n > HY_HOURS_TEXT_MAX)
        return hy_fail(diag, HY_EINVAL,
                       "'%.*s' are no hours: write 09:00-20:00, mon-fri 09:00-12:00,13:00-18:00, "
                       "or always",
                       (int)(rest.n < 60 ? rest.n : 60), rest.p);
    while (hy_str_split(&rest, ';', &part)) {
        int err = parse_part(hy_str_trim(part), &h, diag);
        if (err != HY_OK)
            return err;
    }
    *ret = h;
    return HY_OK;
}

static void put_days(uint16_t days, struct hy_buf *out)
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

static void put_span(const struct hy_hours_span *s, struct hy_buf *out)
{
    hy_buf_printf(out, "%02u:%02u-%02u:%02u", s->from_min / 60u, s->from_min % 60u, s->to_min / 60u,
                  s->to_min % 60u);
}

void hy_hours_put(const struct hy_hours *h, struct hy_buf *out)
{
    uint32_t told = 0; /* bits of spans */
    if (h->n == 0)
        hy_buf_add_lit(out, "always");
    for (uint16_t i = 0; i < h->n; i++) {
        if (told >> i & 1)
            continue;
        if (told)
            hy_buf_add_lit(out, "; ");
        if (h->spans[i].days != HY_HOURS_EVERY_DAY) {
            put_days(h->spans[i].days, out);
            hy_buf_add_c(out, ' ');
        }
        for (uint16_t k = i; k < h->n; k++) {
            if (h->spans[k].days != h->spans[i].days)
                continue;
            if (k > i)
                hy_buf_add_c(out, ',');
            put_span(&h->spans[k], out);
            told |= 1u << k;
        }
    }
}
