/* Durations, sizes, rates and names as people write them. */
#include "value.h"

#include <idn2.h>
#include <inttypes.h>
#include <stdlib.h>

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit size_units[] = {
    {"B", 1},
    {"KiB", 1ULL << 10},
    {"MiB", 1ULL << 20},
    {"GiB", 1ULL << 30},
    {"TiB", 1ULL << 40},
    {"kB", 1000},
    {"MB", 1000000},
    {"GB", 1000000000},
    {"TB", 1000000000000},
};
/* Longest first: value_put_duration takes the first that divides. */
static const struct unit time_units[] = {
    {"w", 604800000000}, {"d", 86400000000}, {"h", 3600000000}, {"m", 60000000},
    {"s", 1000000},      {"ms", 1000},       {"us", 1},
};
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct unit *find_unit(const struct unit *units, size_t n, struct hy_str name)
{
    for (size_t i = 0; i < n; i++)
        if (hy_str_eq(hy_str_of(units[i].name), name))
            return &units[i];
    return NULL;
}

/* Digits off the front; HY_EPARSE without any, HY_ELIMIT past 2^53. */
static int take_number(struct hy_str *s, uint64_t *ret)
{
    size_t n = 0;
    while (n < s->n && s->p[n] >= '0' && s->p[n] <= '9')
        n++;
    if (n == 0)
        return HY_EPARSE;
    int err = hy_str_to_u64(hy_str_slice(*s, 0, n), 1ULL << 53, ret);
    *s = hy_str_slice(*s, n, s->n);
    return err;
}

static struct hy_str take_word(struct hy_str *s)
{
    size_t n = 0;
    while (n < s->n && ((s->p[n] >= 'a' && s->p[n] <= 'z') || (s->p[n] >= 'A' && s->p[n] <= 'Z')))
        n++;
    struct hy_str word = hy_str_slice(*s, 0, n);
    *s = hy_str_slice(*s, n, s->n);
    return word;
}

int value_bool(struct hy_str s, struct hy_diag *diag, bool *ret)
{
    static const char *const yes[] = {"true", "yes", "on"}, *const no[] = {"false", "no", "off"};
    for (size_t i = 0; i < COUNT(yes); i++) {
        if (hy_str_ieq(s, hy_str_of(yes[i])) || hy_str_ieq(s, hy_str_of(no[i]))) {
            *ret = hy_str_ieq(s, hy_str_of(yes[i]));
            return 0;
        }
    }
    return hy_fail(diag, HY_EINVAL, "must be true or false, not '%.*s'", HY_STR_ARG(s));
}

int value_int(struct hy_str s, struct hy_diag *diag, uint64_t *ret)
{
    struct hy_str rest = s;
    uint64_t v;
    int err = take_number(&rest, &v);
    if (err == HY_ELIMIT)
        return hy_fail(diag, HY_EINVAL, "'%.*s' is too large", HY_STR_ARG(s));
    if (err || rest.n)
        return hy_fail(diag, HY_EINVAL, "must be a whole number, not '%.*s'", HY_STR_ARG(s));
    *ret = v;
    return 0;
}

int value_size(struct hy_str s, struct hy_diag *diag, uint64_t *ret)
{
    struct hy_str rest = s;
    uint64_t v;
    int err = take_number(&rest, &v);
    struct hy_str word = hy_str_trim(rest);
    const struct unit *u = word.n ? find_unit(size_units, COUNT(size_units), word) : size_units;
    if (err == HY_EPARSE || !u)
        return hy_fail(diag, HY_EINVAL,
                       "must be a size such as 64MiB (units: B, KiB, MiB, GiB, TiB; kB, MB, GB, TB "
                       "count in thousands), not '%.*s'",
                       HY_STR_ARG(s));
    if (err || __builtin_mul_overflow(v, u->factor, &v) || v > INT64_MAX)
        return hy_fail(diag, HY_EINVAL, "'%.*s' is too large", HY_STR_ARG(s));
    *ret = v;
    return 0;
}

static int fail_duration(struct hy_str s, struct hy_diag *diag)
{
    return hy_fail(diag, HY_EINVAL,
                   "must be a duration with its unit, such as 250ms, 30s, 5m, 4h or 5d, not '%.*s'",
                   HY_STR_ARG(s));
}

int value_duration(struct hy_str s, struct hy_diag *diag, hy_us *ret)
{
    struct hy_str rest = s;
    uint64_t sum = 0;
    if (hy_str_eq(s, HY_STR("0"))) {
        *ret = 0;
        return 0;
    }
    if (s.n == 0)
        return fail_duration(s, diag);
    while (rest.n) {
        uint64_t v;
        int err = take_number(&rest, &v);
        struct hy_str word = take_word(&rest);
        const struct unit *u = find_unit(time_units, COUNT(time_units), word);
        if (err == HY_EPARSE || !u)
            return fail_duration(s, diag);
        if (err || __builtin_mul_overflow(v, u->factor, &v) ||
            __builtin_add_overflow(sum, v, &sum) || sum > INT64_MAX / 4)
            return hy_fail(diag, HY_EINVAL, "'%.*s' is too long", HY_STR_ARG(s));
    }
    *ret = (hy_us)sum;
    return 0;
}

int value_rate(struct hy_str s, struct hy_diag *diag, struct hy_rate *ret)
{
    struct hy_str rest = s;
    uint64_t count;
    hy_us period = 0;
    size_t slash = hy_str_find(s, '/', 0);
    int err = take_number(&rest, &count);
    if (!err && slash != SIZE_MAX && s.n - rest.n == slash) {
        struct hy_str per = hy_str_slice(s, slash + 1, s.n);
        const struct unit *u = find_unit(time_units, COUNT(time_units), per);
        if (u)
            period = (hy_us)u->factor;
        else if (value_duration(per, NULL, &period))
            period = 0;
    }
    if (err || period <= 0 || count > UINT32_MAX)
        return hy_fail(diag, HY_EINVAL, "must be a rate such as 100/s, 5000/h or 10/5m, not '%.*s'",
                       HY_STR_ARG(s));
    if (count == 0)
        return hy_fail(diag, HY_EINVAL,
                       "a rate of 0 would never send; write 'unlimited', or pause "
                       "the campaign");
    *ret = (struct hy_rate){.count = (uint32_t)count, .period_us = period};
    return 0;
}

int value_percent(struct hy_str s, struct hy_diag *diag, uint32_t *ret)
{
    uint64_t v;
    if (!hy_str_ends(s, HY_STR("%")) || hy_str_to_u64(hy_str_slice(s, 0, s.n - 1), 1000, &v))
        return hy_fail(diag, HY_EINVAL, "must be a percentage such as 20%%, not '%.*s'",
                       HY_STR_ARG(s));
    *ret = (uint32_t)v;
    return 0;
}

int value_share(struct hy_str s, struct hy_diag *diag, uint32_t *ret)
{
    uint64_t whole = 0, part = 0;
    struct hy_str rest = hy_str_slice(s, 0, s.n ? s.n - 1 : 0), before;
    bool is_good = hy_str_ends(s, HY_STR("%")) && hy_str_split(&rest, '.', &before) &&
                   hy_str_to_u64(before, 100, &whole) == HY_OK;
    if (is_good && rest.p)
        is_good = rest.n >= 1 && rest.n <= 2 && hy_str_to_u64(rest, 99, &part) == HY_OK;
    if (!is_good)
        return hy_fail(diag, HY_EINVAL, "must be a percentage such as 0.3%%, not '%.*s'",
                       HY_STR_ARG(s));
    *ret = (uint32_t)(whole * 100 + (rest.p && rest.n == 1 ? 10 * part : part));
    return 0;
}

int value_mode(struct hy_str s, struct hy_diag *diag, uint32_t *ret)
{
    uint32_t v = 0;
    for (size_t i = 0; i < s.n && i < 5; i++) {
        if (s.p[i] < '0' || s.p[i] > '7')
            v = UINT16_MAX;
        else
            v = v * 8 + (uint32_t)(s.p[i] - '0');
    }
    if (s.n < 3 || s.n > 4 || v > 0777)
        return hy_fail(diag, HY_EINVAL, "must be octal permissions such as 0660, not '%.*s'",
                       HY_STR_ARG(s));
    *ret = v;
    return 0;
}

int value_time(struct hy_str s, struct hy_diag *diag, hy_wall_ms *ret)
{
    int err = hy_wall_parse(s, ret);
    if (err == HY_EINVAL)
        return hy_fail(diag, HY_EINVAL, "'%.*s': there is no such day", HY_STR_ARG(s));
    if (err)
        return hy_fail(diag, HY_EINVAL,
                       "must be a time with its zone, such as 2026-12-01T09:00:00+09:00, not "
                       "'%.*s'",
                       HY_STR_ARG(s));
    return 0;
}

static bool is_ldh_name(struct hy_str s)
{
    struct hy_str rest = s, label;
    if (s.n == 0 || s.n > 253)
        return false;
    while (hy_str_split(&rest, '.', &label)) {
        if (label.n == 0 || label.n > 63 || label.p[0] == '-' || label.p[label.n - 1] == '-')
            return false;
        for (size_t i = 0; i < label.n; i++) {
            char c = label.p[i];
            if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
                return false;
        }
    }
    return true;
}

int value_hostname(struct hy_str s, bool wildcard, struct hy_diag *diag, struct hy_buf *out)
{
    struct hy_str name = s;
    bool star = wildcard && hy_str_starts(s, HY_STR("*."));
    char in[1024];
    uint8_t *ascii = NULL;
    if (star)
        name = hy_str_slice(name, 2, name.n);
    if (name.n && name.p[name.n - 1] == '.')
        name.n--;
    if (name.n && name.n < sizeof in) {
        memcpy(in, name.p, name.n);
        in[name.n] = '\0';
        if (idn2_lookup_u8((const uint8_t *)in, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) !=
            IDN2_OK)
            ascii = NULL;
    }
    struct hy_str got = hy_str_of((const char *)ascii);
    bool good = is_ldh_name(got);
    if (good && star)
        hy_buf_add_lit(out, "*.");
    if (good)
        hy_buf_add_str(out, got);
    idn2_free(ascii);
    if (!good)
        return hy_fail(diag, HY_EINVAL,
                       wildcard ? "must be a host name or *. and a host name, not '%.*s'"
                                : "must be a host name, not '%.*s'",
                       HY_STR_ARG(s));
    return out->err;
}

void value_put_size(uint64_t v, struct hy_buf *out)
{
    for (size_t i = 5; i-- > 1;) { /* TiB .. KiB */
        if (v && v % size_units[i].factor == 0) {
            hy_buf_printf(out, "%" PRIu64 "%s", v / size_units[i].factor, size_units[i].name);
            return;
        }
    }
    hy_buf_printf(out, "%" PRIu64, v);
}

void value_put_duration(hy_us v, struct hy_buf *out)
{
    for (size_t i = 0; i < COUNT(time_units); i++) {
        if (v > 0 && (uint64_t)v % time_units[i].factor == 0) {
            hy_buf_printf(out, "%" PRIu64 "%s", (uint64_t)v / time_units[i].factor,
                          time_units[i].name);
            return;
        }
    }
    hy_buf_add_c(out, '0');
}

void value_put_rate(struct hy_rate v, struct hy_buf *out)
{
    hy_buf_printf(out, "%" PRIu32 "/", v.count);
    for (size_t i = 0; i < COUNT(time_units); i++) {
        if ((uint64_t)v.period_us == time_units[i].factor) {
            hy_buf_add_str(out, hy_str_of(time_units[i].name));
            return;
        }
    }
    value_put_duration(v.period_us, out);
}
