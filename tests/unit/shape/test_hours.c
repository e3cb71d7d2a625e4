#include <criterion/criterion.h>
#include <stdio.h>
#include <time.h>

#include "hayauma/shape/hours.h"

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

/* "mon-fri 09:00-12:00,13:00-18:00 closed 2027-01-01" */
static struct hy_hours hours_of(const char *text)
{
    struct hy_str all = hy_str_of(text);
    size_t at = hy_str_find_str(all, HY_STR(" closed "), 0);
    struct hy_hours h;
    struct hy_diag diag = {""};
    cr_assert_eq(hy_hours_parse(hy_str_slice(all, 0, at), &h, &diag), HY_OK, "%s: %s", text,
                 diag.text);
    if (at != SIZE_MAX)
        cr_assert_eq(hy_closed_days_parse(hy_str_slice(all, at + 8, all.n), &h.closed, &diag),
                     HY_OK, "%s: %s", text, diag.text);
    return h;
}

Test(hours, say_when_mail_may_go_next_and_until_when)
{
    static const struct {
        const char *name, *zone;
        const char *hours;
        const char *at, *next, *end; /* UTC; end of the hours that `next` lies in */
    } cases[] = {
        {"no hours given", "UTC", "always", "2026-11-22 03:00", "2026-11-22 03:00", NULL},
        {"all day, every day", "UTC", "00:00-24:00", "2026-11-22 03:00", "2026-11-22 03:00", NULL},
        {"within", "Asia/Tokyo", "09:00-20:00", "2026-11-22 03:00", "2026-11-22 03:00",
         "2026-11-22 11:00"},
        {"the last minute", "Asia/Tokyo", "09:00-20:00", "2026-11-22 10:59", "2026-11-22 10:59",
         "2026-11-22 11:00"},
        {"the end is out", "Asia/Tokyo", "09:00-20:00", "2026-11-22 11:00", "2026-11-23 00:00",
         "2026-11-23 11:00"},
        {"before the day begins", "Asia/Tokyo", "09:00-20:00", "2026-11-21 23:59",
         "2026-11-22 00:00", "2026-11-22 11:00"},
        {"the weekend waits for Monday", "Asia/Tokyo", "mon-fri 09:00-20:00", "2026-11-20 12:00",
         "2026-11-23 00:00", "2026-11-23 11:00"},
        {"one day a week", "UTC", "wed 10:00-11:00", "2026-11-18 11:00", "2026-11-25 10:00",
         "2026-11-25 11:00"},
        {"past midnight, after midnight", "UTC", "fri 22:00-02:00", "2026-11-21 01:00",
         "2026-11-21 01:00", "2026-11-21 02:00"},
        {"past midnight, too late", "UTC", "fri 22:00-02:00", "2026-11-21 02:00",
         "2026-11-27 22:00", "2026-11-28 02:00"},
        {"whole days in a row", "UTC", "mon-fri 00:00-24:00", "2026-11-21 12:00",
         "2026-11-23 00:00", "2026-11-28 00:00"},
        {"west of UTC the day is another", "America/New_York", "sun 18:00-21:00",
         "2026-11-23 01:30", "2026-11-23 01:30", "2026-11-23 02:00"},
        {"summer time is one hour earlier", "America/New_York", "09:00-20:00", "2026-07-01 00:30",
         "2026-07-01 13:00", "2026-07-02 00:00"},
        {"an hour that the clock leaves out begins behind the gap", "America/New_York",
         "sun 02:30-05:00", "2026-03-08 00:00", "2026-03-08 07:30", "2026-03-08 09:00"},
        {"half an hour off", "Asia/Kolkata", "09:00-20:00", "2026-11-22 03:29", "2026-11-22 03:30",
         "2026-11-22 14:30"},
        {"a pause at noon", "Europe/Paris", "mon-fri 09:00-12:00,13:00-18:00", "2026-11-23 11:00",
         "2026-11-23 12:00", "2026-11-23 17:00"},
        {"before the pause at noon", "Europe/Paris", "mon-fri 09:00-12:00,13:00-18:00",
         "2026-11-23 10:59", "2026-11-23 10:59", "2026-11-23 11:00"},
        {"spans written in any order", "UTC", "sat 14:00-16:00; sat 09:00-10:00",
         "2026-11-21 08:00", "2026-11-21 09:00", "2026-11-21 10:00"},
        {"spans that touch are one", "UTC", "09:00-12:00,12:00-18:00", "2026-11-23 10:00",
         "2026-11-23 10:00", "2026-11-23 18:00"},
        {"a Saturday of its own", "Asia/Tokyo", "mon-fri 09:00-18:00; sat 10:00-12:00",
         "2026-11-20 09:00", "2026-11-21 01:00", "2026-11-21 03:00"},
        {"two halves of every day are always", "Asia/Tokyo", "00:00-12:00,12:00-24:00",
         "2026-11-20 09:00", "2026-11-20 09:00", NULL},
        {"the day the clock goes on has its lunch at the right time", "Europe/Paris",
         "09:00-12:00,13:00-18:00", "2026-03-29 10:30", "2026-03-29 11:00", "2026-03-29 16:00"},
        {"the day the clock goes back, too", "Europe/Paris", "09:00-12:00,13:00-18:00",
         "2026-10-25 11:30", "2026-10-25 12:00", "2026-10-25 17:00"},
        {"a span over the hour that comes twice", "America/New_York", "sun 00:30-03:00",
         "2026-11-01 05:30", "2026-11-01 05:30", "2026-11-01 08:00"},
        {"a span over the hour that is left out", "Europe/Paris", "sun 01:00-04:00",
         "2026-03-29 00:30", "2026-03-29 00:30", "2026-03-29 02:00"},
        {"a closed day", "Asia/Tokyo", "09:00-18:00 closed 2027-01-01", "2026-12-31 09:00",
         "2027-01-02 00:00", "2027-01-02 09:00"},
        {"a closed range over a weekend", "America/New_York",
         "mon-fri 09:00-12:00,13:00-17:00 closed 2026-12-24..2027-01-01", "2026-12-23 22:00",
         "2027-01-04 14:00", "2027-01-04 17:00"},
        {"within a closed day", "UTC", "09:00-18:00 closed 2027-01-01", "2027-01-01 10:00",
         "2027-01-02 09:00", "2027-01-02 18:00"},
        {"a closed day cuts the night before off", "UTC", "22:00-02:00 closed 2027-01-01",
         "2026-12-31 23:00", "2026-12-31 23:00", "2027-01-01 00:00"},
        {"its own night, too, which goes on when it is over", "UTC",
         "22:00-02:00 closed 2027-01-01", "2027-01-01 00:30", "2027-01-02 00:00",
         "2027-01-02 02:00"},
        {"always, but closed days", "Asia/Kolkata", "always closed 2027-01-26", "2027-01-25 18:30",
         "2027-01-26 18:30", NULL},
        {"always, until a closed day", "Asia/Kolkata", "always closed 2027-01-26",
         "2027-01-25 18:29", "2027-01-25 18:29", "2027-01-25 18:30"},
        {"two closed ranges with a weekend between", "UTC",
         "mon-fri 09:00-10:00 closed 2026-12-21..2026-12-25, 2026-12-28..2027-01-08",
         "2026-12-19 00:00", "2027-01-11 09:00", "2027-01-11 10:00"},
        {"before 1970", "UTC", "09:00-20:00", "1969-12-31 23:00", "1970-01-01 09:00",
         "1970-01-01 20:00"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_zone *z = zone(cases[i].zone);
        struct hy_hours hours = hours_of(cases[i].hours);
        char got_text[32], want_text[32];
        hy_wall_ms next = hy_hours_next(&hours, z, utc(cases[i].at));
        hy_wall_ms want = utc(cases[i].next);
        cr_expect_eq(next, want, "%s: next: got %s, want %s", cases[i].name, show(next, got_text),
                     show(want, want_text));
        hy_wall_ms end = hy_hours_end(&hours, z, want);
        want = cases[i].end ? utc(cases[i].end) : INT64_MAX;
        cr_expect_eq(end, want, "%s: end: got %s, want %s", cases[i].name, show(end, got_text),
                     show(want, want_text));
        hy_zone_free(z);
    }
}

/* Every quarter of an hour over a year with two changes of the clock. */
Test(hours, never_open_outside_and_never_stay_shut)
{
    struct hy_hours hours = hours_of("mon-sat 08:00-21:00");
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

/* What is open is found by stepping through every minute of two weeks around each change of the
 * clock. */
Test(hours, of_several_spans_agree_with_the_clock_minute_by_minute)
{
    static const struct {
        const char *zone, *from;
    } cases[] = {
        {"Europe/Paris", "2026-03-25 00:00"},       {"Europe/Paris", "2026-10-21 00:00"},
        {"America/New_York", "2026-03-04 00:00"},   {"America/New_York", "2026-10-28 00:00"},
        {"Asia/Tokyo", "2026-12-28 00:00"},         {"Australia/Adelaide", "2026-10-01 00:00"},
        {"Australia/Lord_Howe", "2026-04-01 00:00"}};
    struct hy_hours hours =
        hours_of("mon-fri 09:00-12:00,13:00-18:30; sat 22:00-00:30 closed 2026-10-27, 2027-01-01");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_zone *z = zone(cases[i].zone);
        hy_wall_ms from = utc(cases[i].from), next = 0, end = 0;
        for (hy_wall_ms t = from; t < from + 10 * 86400000LL; t += 60000) {
            hy_wall_ms local = t + hy_zone_offset_s(z, t) * 1000LL;
            int minute = (int)(local / 60000 % 1440), day = (int)((local / 86400000 + 3) % 7);
            int date = (int)(local / 86400000);
            bool is_day = minute >= 540 && minute < 1110 && (minute < 720 || minute >= 780);
            bool is_open =
                (day < 5 && is_day) || (day == 5 && minute >= 1320) || (day == 6 && minute < 30);
            is_open &= date != 20753 && date != 20819; /* the two dates */
            if (next <= t && end <= t) {
                next = hy_hours_next(&hours, z, t);
                end = hy_hours_end(&hours, z, next);
            }
            cr_assert_eq(t >= next && t < end, is_open, "%s: %d:%02d of day %d", cases[i].zone,
                         minute / 60, minute % 60, date);
            cr_assert_eq(hy_hours_next(&hours, z, t) == t, is_open, "%s: %d:%02d of day %d",
                         cases[i].zone, minute / 60, minute % 60, date);
        }
        hy_zone_free(z);
    }
}

Test(hours, read_and_write_what_people_write)
{
    static const char *const cases[][2] = {
        /* as it is written; as it is told, NULL: the same */
        {"always", NULL},
        {"09:00-20:00", NULL},
        {"mon-sun 00:00-24:00", "00:00-24:00"},
        {"mon-fri 09:00-20:00", NULL},
        {" Sat,SUN   10:30-18:00 ", "sat,sun 10:30-18:00"},
        {"fri-mon 22:00-02:00", "mon,fri-sun 22:00-02:00"},
        {"wed 10:00-11:00", NULL},
        {"09:00-12:00, 13:00-18:00", "09:00-12:00,13:00-18:00"},
        {"mon-fri 09:00-12:00,13:00-18:00; sat 10:00-12:00", NULL},
        {"mon-fri 09:00-12:00;sat 10:00-12:00;mon-fri 13:00-18:00",
         "mon-fri 09:00-12:00,13:00-18:00; sat 10:00-12:00"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_hours got = hours_of(cases[i][0]);
        struct hy_buf text = HY_BUF_INIT(200);
        hy_hours_put(&got, &text);
        cr_expect_str_eq(hy_buf_cstr(&text), cases[i][1] ? cases[i][1] : cases[i][0]);
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
                                        "mon--fri 09:00-10:00",
                                        "09:00-12:00,",
                                        "09:00-12:00;",
                                        "09:00-12:00,11:59-13:00",
                                        "mon-fri 09:00-12:00; wed 10:00-11:00",
                                        "22:00-02:00,23:00-24:00"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_hours h = {.n = 9};
        struct hy_diag diag = {""};
        cr_expect_eq(hy_hours_parse(hy_str_of(cases[i]), &h, &diag), HY_EINVAL, "'%s'", cases[i]);
        cr_expect(diag.text[0] && h.n == 9, "'%s': says nothing, or changes the output", cases[i]);
    }
}

Test(hours, take_no_more_spans_than_they_have_room_for)
{
    struct hy_hours h = {0};
    struct hy_diag diag = {""};
    char span[32];
    for (int i = 0; i < HY_HOURS_SPANS_MAX; i++) {
        snprintf(span, sizeof span, "%02d:%02d-%02d:%02d", i / 2, i % 2 * 30, i / 2,
                 i % 2 * 30 + 20);
        cr_assert_eq(hy_hours_add(&h, HY_STR("mon"), hy_str_of(span), &diag), HY_OK, "%s",
                     diag.text);
    }
    cr_expect_eq(hy_hours_add(&h, HY_STR("mon"), HY_STR("23:00-23:30"), &diag), HY_EINVAL);
    cr_expect_eq(h.n, HY_HOURS_SPANS_MAX);
}

Test(closed_days, are_kept_in_order_and_put_together)
{
    static const char *const cases[][2] = {
        {"", ""},
        {"2027-01-01", "2027-01-01"},
        {"2027-02-11, 2026-12-29..2027-01-03,2027-01-01", "2026-12-29..2027-01-03, 2027-02-11"},
        {"2027-01-03,2027-01-01,2027-01-02", "2027-01-01..2027-01-03"},
        {"2028-02-29..2028-02-29", "2028-02-29"},
        {"2027-01-01..2027-01-31, 2026-12-01..2027-03-01", "2026-12-01..2027-03-01"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_closed_days c;
        struct hy_buf text = HY_BUF_INIT(200);
        cr_assert_eq(hy_closed_days_parse(hy_str_of(cases[i][0]), &c, NULL), HY_OK, "%s",
                     cases[i][0]);
        hy_closed_days_put(&c, &text);
        cr_expect_str_eq(text.len ? hy_buf_cstr(&text) : "", cases[i][1]);
        hy_buf_free(&text);
    }
}

Test(closed_days, refuse_what_is_no_date)
{
    static const char *const cases[] = {
        "2027-02-29", "2027-1-1",    "27-01-01",   "2027-01-01..", "2027-01-02..2027-01-01",
        "2150-01-01", "2027-01-01,", "1969-12-31", "christmas",    "2027-01-01-2027-01-03"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_closed_days c = {.n = 9};
        struct hy_diag diag = {""};
        cr_expect_eq(hy_closed_days_parse(hy_str_of(cases[i]), &c, &diag), HY_EINVAL, "'%s'",
                     cases[i]);
        cr_expect(diag.text[0] && c.n == 9, "'%s'", cases[i]);
    }
    struct hy_closed_days c = {0};
    char date[32];
    for (int i = 0; i < HY_CLOSED_RANGES_MAX; i++) {
        snprintf(date, sizeof date, "20%02d-%02d-01", 27 + i / 12, i % 12 + 1);
        cr_assert_eq(hy_closed_days_add(&c, hy_str_of(date), NULL), HY_OK);
    }
    cr_expect_eq(hy_closed_days_add(&c, HY_STR("2026-01-01"), NULL), HY_EINVAL, "no room");
    cr_expect_eq(hy_closed_days_add(&c, HY_STR("2027-01-02"), NULL), HY_OK, "it touches another");
}
