/* Types of attributes: their words, and how values are read. */
#include "hayauma/model/attr_type.h"

#include <stdio.h>

#include "hayauma/base/clock.h"

enum { DIGITS_MAX = 15 };

static const struct {
    const char *name, *wants;
} types[HY_ATTR_TYPES] = {
    [HY_ATTR_TEXT] = {"text", "any text"},
    [HY_ATTR_NUMBER] = {"number", "a number such as -12.5"},
    [HY_ATTR_BOOL] = {"bool", "true or false"},
    [HY_ATTR_DATE] = {"date", "a day such as 2026-11-22"},
    [HY_ATTR_MOMENT] = {"moment", "a moment with its zone such as 2026-11-22T10:30:00+09:00"},
};

const char *hy_attr_type_name(enum hy_attr_type type)
{
    return (unsigned)type < HY_ATTR_TYPES ? types[type].name : "?";
}

const char *hy_attr_type_wants(enum hy_attr_type type)
{
    return (unsigned)type < HY_ATTR_TYPES ? types[type].wants : "?";
}

int hy_attr_type_find(struct hy_str name, enum hy_attr_type *ret)
{
    for (int i = 0; i < HY_ATTR_TYPES; i++) {
        if (hy_str_eq(name, hy_str_of(types[i].name))) {
            *ret = (enum hy_attr_type)i;
            return 0;
        }
    }
    return HY_ENOTFOUND;
}

/* ---- reading values ---- */

static size_t count_digits(struct hy_str s)
{
    size_t n = 0;
    while (n < s.n && s.p[n] >= '0' && s.p[n] <= '9')
        n++;
    return n;
}

/* [+-] digits [. digits]; without a plus, and zeros in front but the last. */
static int read_number(struct hy_str s, char room[HY_ATTR_TYPED_MAX], struct hy_str *ret)
{
    size_t n = 0;
    bool is_negative = s.n && s.p[0] == '-';
    if (s.n && (s.p[0] == '-' || s.p[0] == '+'))
        s = hy_str_slice(s, 1, s.n);
    while (s.n > 1 && s.p[0] == '0' && s.p[1] >= '0' && s.p[1] <= '9')
        s = hy_str_slice(s, 1, s.n);
    size_t whole = count_digits(s);
    struct hy_str rest = hy_str_slice(s, whole, s.n);
    if (whole == 0 || whole > DIGITS_MAX)
        return HY_EPARSE;
    if (is_negative)
        room[n++] = '-';
    memcpy(room + n, s.p, whole);
    n += whole;
    if (rest.n) {
        size_t part = count_digits(hy_str_slice(rest, 1, rest.n));
        if (rest.p[0] != '.' || part == 0 || part > DIGITS_MAX || part + 1 != rest.n)
            return HY_EPARSE;
        memcpy(room + n, rest.p, rest.n);
        n += rest.n;
    }
    *ret = hy_str_make(room, n);
    return 0;
}

static int read_bool(struct hy_str s, struct hy_str *ret)
{
    static const char *const words[][2] = {
        {"true", "false"}, {"yes", "no"}, {"on", "off"}, {"1", "0"}, {"はい", "いいえ"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        for (int no = 0; no < 2; no++) {
            if (hy_str_ieq(s, hy_str_of(words[i][no]))) {
                *ret = no ? HY_STR("false") : HY_STR("true");
                return 0;
            }
        }
    }
    return HY_EPARSE;
}

/* Takes a number of 1 to `most` digits and the mark behind it off `*s`. */
static int take_part(struct hy_str *s, size_t most, const char *mark, unsigned *ret)
{
    size_t n = count_digits(*s);
    struct hy_str m = hy_str_of(mark);
    if (n == 0 || n > most || !hy_str_starts(hy_str_slice(*s, n, s->n), m))
        return HY_EPARSE;
    unsigned v = 0;
    for (size_t i = 0; i < n; i++)
        v = v * 10 + (unsigned)(s->p[i] - '0');
    *s = hy_str_slice(*s, n + m.n, s->n);
    *ret = v;
    return 0;
}

static int read_date(struct hy_str s, char room[HY_ATTR_TYPED_MAX], struct hy_str *ret)
{
    static const char *const marks[][3] = {{"-", "-", ""}, {"/", "/", ""}, {"年", "月", "日"}};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        struct hy_str rest = s;
        unsigned y = 0, m = 0, d = 0;
        if (count_digits(s) != 4 || take_part(&rest, 4, marks[i][0], &y) != 0 ||
            take_part(&rest, 2, marks[i][1], &m) != 0 ||
            take_part(&rest, 2, marks[i][2], &d) != 0 || rest.n)
            continue;
        char moment[HY_ATTR_TYPED_MAX + 8];
        hy_wall_ms at;
        int n = snprintf(room, HY_ATTR_TYPED_MAX, "%04u-%02u-%02u", y, m, d);
        int all = snprintf(moment, sizeof moment, "%sT00:00Z", room);
        if (hy_wall_parse(hy_str_make(moment, (size_t)all), &at) != 0) /* there is no such day */
            return HY_EPARSE;
        *ret = hy_str_make(room, (size_t)n);
        return 0;
    }
    return HY_EPARSE;
}

static int read_moment(struct hy_str s, char room[HY_ATTR_TYPED_MAX], struct hy_str *ret)
{
    hy_wall_ms at;
    if (hy_wall_parse(s, &at) != 0)
        return HY_EPARSE;
    *ret = hy_str_of(hy_wall_format(at, room));
    return 0;
}

int hy_attr_type_read(enum hy_attr_type type, struct hy_str value, char room[HY_ATTR_TYPED_MAX],
                      struct hy_str *ret)
{
    struct hy_str s = hy_str_trim(value);
    switch (type) {
    case HY_ATTR_TEXT:
        *ret = value;
        return 0;
    case HY_ATTR_NUMBER:
        return read_number(s, room, ret);
    case HY_ATTR_BOOL:
        return read_bool(s, ret);
    case HY_ATTR_DATE:
        return read_date(s, room, ret);
    case HY_ATTR_MOMENT:
        return read_moment(s, room, ret);
    case HY_ATTR_TYPES:
        break;
    }
    return HY_EINVAL;
}
