#include <criterion/criterion.h>
#include <stdio.h>
#include <time.h>

#include "hayauma/shape/hours.h"

enum { MON = 1, TUE = 2, WED = 4, THU = 8, FRI = 16, SAT = 32, SUN = 64, WEEKDAYS = 31 };

/* "2026-03-07 09:30" read as UTC. */
static hy_wall_ms utc(const char *text)
{
    struct tm tm = {0};
    cr_assert(sscanf(text, "%d-%d-%d %d:%d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
                     &tm.tm_min) == 5,
              "%s", text);
    tm.tm_year -= 1900;
    tm.tm_mon--;
    return (hy_wall_ms)timegm(&tm) * 1000;
}

static const char *show(hy_wall_ms t, char out[32])
{
    return t == INT64_MAX ? "never" : hy_wall_format(t, out);
}

static struct hy_zone *zone(const char *name)
{
    struct hy_zone *z = NULL;
    cr_assert_eq(hy_zone_find(hy_str_of(name), &z), HY_OK, "%s", name);
    return z;
}

Test(hours, say_when_mail_may_go_next_and_until_when)
{
    static const struct {
        const char *name, *zone;
        struct hy_hours hours;
        const char *at, *next, *end; /* UTC; end of the hours that `next` lies in */
    } cases[] = {
        {"no hours given", "UTC", {0}, "2026-11-22 03:00", "2026-11-22 03:00", NULL},
        {"all day, every day", "UTC", {127, 0, 1440}, "2026-11-22 03:00", "2026-11-22 03:00", NULL},
        {"within",
         "Asia/Tokyo",
         {127, 540, 1200},
         "2026-11-22 03:00",
         "2026-11-22 03:00",
         "2026-11-22 11:00"},
        {"the last minute",
         "Asia/Tokyo",
         {127, 540, 1200},
         "2026-11-22 10:59",
         "2026-11-22 10:59",
         "2026-11-22 11:00"},
        {"the end is out",
         "Asia/Tokyo",
         {127, 540, 1200},
         "2026-11-22 11:00",
         "2026-11-23 00:00",
         "2026-11-23 11:00"},
        {"before the day begins",
         "Asia/Tokyo",
         {127, 540, 1200},
         "2026-11-21 23:59",
         "2026-11-22 00:00",
         "2026-11-22 11:00"},
        {"the weekend waits for Monday",
         "Asia/Tokyo",
         {WEEKDAYS, 540, 1200},
         "2026-11-20 12:00",
         "2026-11-23 00:00",
         "2026-11-23 11:00"},
        {"one day a week",
         "UTC",
         {WED, 600, 660},
         "2026-11-18 11:00",
         "2026-11-25 10:00",
         "2026-11-25 11:00"},
        {"past midnight, after midnight",
         "UTC",
         {FRI, 1320, 120},
         "2026-11-21 01:00",
         "2026-11-21 01:00",
         "2026-11-21 02:00"},
        {"past midnight, too late",
         "UTC",
         {FRI, 1320, 120},
         "2026-11-21 02:00",
         "2026-11-27 22:00",
         "2026-11-28 02:00"},
        {"whole days in a row",
         "UTC",
         {WEEKDAYS, 0, 1440},
         "2026-11-21 12:00",
         "2026-11-23 00:00",
         "2026-11-28 00:00"},
        {"west of UTC the day is another",
         "America/New_York",
         {SUN, 1080, 1260},
         "2026-11-23 01:30",
         "2026-11-23 01:30",
         "2026-11-23 02:00"},
        {"summer time is one hour earlier",
         "America/New_York",
         {127, 540, 1200},
         "2026-07-01 00:30",
         "2026-07-01 13:00",
         "2026-07-02 00:00"},
        {"an hour that the clock leaves out begins behind the gap",
         "America/New_York",
         {SUN, 150, 300},
         "2026-03-08 00:00",
         "2026-03-08 07:30",
         "2026-03-08 09:00"},
        {"half an hour off",
         "Asia/Kolkata",
         {127, 540, 1200},
         "2026-11-22 03:29",
         "2026-11-22 03:30",
         "2026-11-22 14:30"},
        {"before 1970",
         "UTC",
         {127, 540, 1200},
         "1969-12-31 23:00",
         "1970-01-01 09:00",
         "1970-01-01 20:00"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_zone *z = zone(cases[i].zone);
        char got_text[32], want_text[32];
        hy_wall_ms next = hy_hours_next(&cases[i].hours, z, utc(cases[i].at));
        hy_wall_ms want = utc(cases[i].next);
        cr_expect_eq(next, want, "%s: next: got %s, want %s", cases[i].name, show(next, got_text),
                     show(want, want_text));
        hy_wall_ms end = hy_hours_end(&cases[i].hours, z, want);
        want = cases[i].end ? utc(cases[i].end) : INT64_MAX;
        cr_expect_eq(end, want, "%s: end: got %s, want %s", cases[i].name, show(end, got_text),
                     show(want, want_text));
        hy_zone_free(z);
    }
}

/* Every quarter of an hour over a year with two changes of the clock. */
Test(hours, never_open_outside_and_never_stay_shut)
{
    static const struct hy_hours hours = {WEEKDAYS | SAT, 480, 1260};
    struct hy_zone *z = zone("Europe/Berlin");
    for (hy_wall_ms t = utc("2026-01-01 00:00"); t < utc("2027-01-01 00:00"); t += 900000) {
        hy_wall_ms next = hy_hours_next(&hours, z, t);
        cr_assert(next >= t && next <= t + 36 * 3600000LL + 1, "%ld: %ld", (long)t, (long)next);
        cr_assert_eq(hy_hours_next(&hours, z, next), next, "what is open stays open at once");
        hy_wall_ms local = next + hy_zone_offset_s(z, next) * 1000LL;
        int minute = (int)(local / 60000 % 1440);
        cr_assert(minute >= 480 && minute < 1260, "open at minute %d", minute);
        cr_assert((local / 86400000 + 3) % 7 != 6, "open on a Sunday");
        cr_assert(hy_hours_end(&hours, z, next) > next);
    }
    hy_zone_free(z);
}

Test(hours, read_and_write_what_people_write)
{
    static const struct {
        const char *text;
        struct hy_hours want;
        const char *again; /* NULL: the same text */
    } cases[] = {
        {"always", {0}, NULL},
        {"09:00-20:00", {127, 540, 1200}, NULL},
        {"mon-sun 00:00-24:00", {127, 0, 1440}, "00:00-24:00"},
        {"mon-fri 09:00-20:00", {WEEKDAYS, 540, 1200}, NULL},
        {" Sat,SUN   10:30-18:00 ", {SAT | SUN, 630, 1080}, "sat,sun 10:30-18:00"},
        {"fri-mon 22:00-02:00", {FRI | SAT | SUN | MON, 1320, 120}, "mon,fri-sun 22:00-02:00"},
        {"wed 10:00-11:00", {WED, 600, 660}, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_hours got = {9, 9, 9};
        struct hy_buf text = HY_BUF_INIT(100);
        cr_assert_eq(hy_hours_parse(hy_str_of(cases[i].text), &got, NULL), HY_OK, "%s",
                     cases[i].text);
        cr_expect(got.days == cases[i].want.days && got.from_min == cases[i].want.from_min &&
                      got.to_min == cases[i].want.to_min,
                  "%s: %u %u-%u", cases[i].text, got.days, got.from_min, got.to_min);
        hy_hours_put(&got, &text);
        cr_expect_str_eq(hy_buf_cstr(&text), cases[i].again ? cases[i].again : cases[i].text);
        hy_buf_free(&text);
    }
}

Test(hours, refuse_what_could_be_meant_otherwise)
{
    static const char *const cases[] = {"",
                                        "9:00-20:00",
                                        "09:00",
                                        "09:00-24:01",
                                        "24:00-08:00",
                                        "09:60-10:00",
                                        "mon-fri",
                                        "mon-fry 09:00-10:00",
                                        "mon, 09:00-10:00",
                                        "09:00-20:00 mon",
                                        "09:00 - 20:00",
                                        "-",
                                        "mon--fri 09:00-10:00"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_hours h = {9, 9, 9};
        struct hy_diag diag = {""};
        cr_expect_eq(hy_hours_parse(hy_str_of(cases[i]), &h, &diag), HY_EINVAL, "'%s'", cases[i]);
        cr_expect(diag.text[0] && h.days == 9, "'%s': says nothing, or changes the output",
                  cases[i]);
    }
}
