/* Dates of header fields. */
#include "date.h"

static void add_two(struct hy_buf *out, int64_t v)
{
    char text[2] = {(char)('0' + v / 10 % 10), (char)('0' + v % 10)};
    hy_buf_add(out, text, 2);
}

/* The calendar by Howard Hinnant's civil_from_days. */
void hy_date_put(struct hy_buf *out, hy_wall_ms now, int utc_offset_min)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    static const char weekdays[] = "ThuFriSatSunMonTueWed";
    int64_t seconds = now / 1000 + utc_offset_min * 60;
    if (seconds < 0)
        seconds = 0;
    int64_t days = seconds / 86400, rest = seconds % 86400;
    int64_t shifted = days + 719468, era = shifted / 146097, doe = shifted % 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    int64_t day = doy - (153 * mp + 2) / 5 + 1, month = mp < 10 ? mp + 3 : mp - 9;
    int64_t year = yoe + era * 400 + (month <= 2);
    hy_buf_add(out, weekdays + days % 7 * 3, 3);
    hy_buf_add_lit(out, ", ");
    add_two(out, day);
    hy_buf_add_c(out, ' ');
    hy_buf_add(out, months + (month - 1) * 3, 3);
    hy_buf_add_c(out, ' ');
    add_two(out, year / 100);
    add_two(out, year % 100);
    hy_buf_add_c(out, ' ');
    add_two(out, rest / 3600);
    hy_buf_add_c(out, ':');
    add_two(out, rest / 60 % 60);
    hy_buf_add_c(out, ':');
    add_two(out, rest % 60);
    int offset = utc_offset_min < 0 ? -utc_offset_min : utc_offset_min;
    hy_buf_add(out, utc_offset_min < 0 ? " -" : " +", 2);
    add_two(out, offset / 60);
    add_two(out, offset % 60);
}
