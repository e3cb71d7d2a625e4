#include <criterion/criterion.h>

#include "../../../src/config/value.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

Test(value, durations_are_read_with_their_unit_and_written_back)
{
    static const struct {
        const char *in;
        int want_err;
        hy_us want;
        const char *back;
    } cases[] = {
        {"250ms", 0, 250000, "250ms"},
        {"30s", 0, 30000000, "30s"},
        {"90s", 0, 90000000, "90s"},
        {"1h30m", 0, 5400000000, "90m"},
        {"5d", 0, 432000000000, "5d"},
        {"2w", 0, 1209600000000, "2w"},
        {"7us", 0, 7, "7us"},
        {"0", 0, 0, "0"},
        {"0s", 0, 0, "0"},
        {"30", HY_EINVAL, 0, NULL},
        {"30 s", HY_EINVAL, 0, NULL},
        {"s", HY_EINVAL, 0, NULL},
        {"", HY_EINVAL, 0, NULL},
        {"-5s", HY_EINVAL, 0, NULL},
        {"5S", HY_EINVAL, 0, NULL},
        {"1.5h", HY_EINVAL, 0, NULL},
        {"99999999w", HY_EINVAL, 0, NULL},
        {"9007199254740993s", HY_EINVAL, 0, NULL},
        {"99999999999999999999999s", HY_EINVAL, 0, NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        hy_us got = 0;
        struct hy_diag diag = {0};
        struct hy_buf back = HY_BUF_INIT(64);
        cr_expect_eq(value_duration(hy_str_of(cases[i].in), &diag, &got), cases[i].want_err, "%s",
                     cases[i].in);
        cr_expect_eq(got, cases[i].want, "%s: got %lld", cases[i].in, (long long)got);
        cr_expect_eq(diag.text[0] != 0, cases[i].want_err != 0, "%s", cases[i].in);
        if (cases[i].back) {
            value_put_duration(got, &back);
            cr_expect_str_eq(hy_buf_cstr(&back), cases[i].back);
        }
        hy_buf_free(&back);
    }
}

Test(value, sizes_are_read_in_both_countings_and_never_guessed)
{
    static const struct {
        const char *in;
        int want_err;
        uint64_t want;
        const char *back;
    } cases[] = {
        {"64MiB", 0, 64ULL << 20, "64MiB"},
        {"64 MiB", 0, 64ULL << 20, "64MiB"},
        {"1024", 0, 1024, "1KiB"},
        {"1000B", 0, 1000, "1000"},
        {"10kB", 0, 10000, "10000"},
        {"2TiB", 0, 2ULL << 40, "2TiB"},
        {"0", 0, 0, "0"},
        {"64M", HY_EINVAL, 0, NULL},
        {"64mb", HY_EINVAL, 0, NULL},
        {"MiB", HY_EINVAL, 0, NULL},
        {"1.5GiB", HY_EINVAL, 0, NULL},
        {"9007199254740992TiB", HY_EINVAL, 0, NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint64_t got = 0;
        struct hy_buf back = HY_BUF_INIT(64);
        cr_expect_eq(value_size(hy_str_of(cases[i].in), NULL, &got), cases[i].want_err, "%s",
                     cases[i].in);
        cr_expect_eq(got, cases[i].want, "%s", cases[i].in);
        if (cases[i].back) {
            value_put_size(got, &back);
            cr_expect_str_eq(hy_buf_cstr(&back), cases[i].back);
        }
        hy_buf_free(&back);
    }
}

Test(value, rates_are_a_count_and_a_period)
{
    static const struct {
        const char *in;
        int want_err;
        uint32_t count;
        hy_us period;
        const char *back;
    } cases[] = {
        {"100/s", 0, 100, 1000000, "100/s"},     {"5000/h", 0, 5000, 3600000000, "5000/h"},
        {"10/5m", 0, 10, 300000000, "10/5m"},    {"1/d", 0, 1, 86400000000, "1/d"},
        {"0/s", HY_EINVAL, 0, 0, NULL},          {"100", HY_EINVAL, 0, 0, NULL},
        {"100/", HY_EINVAL, 0, 0, NULL},         {"100/0s", HY_EINVAL, 0, 0, NULL},
        {"/s", HY_EINVAL, 0, 0, NULL},           {"100/x", HY_EINVAL, 0, 0, NULL},
        {"5000000000/s", HY_EINVAL, 0, 0, NULL}, {"fast", HY_EINVAL, 0, 0, NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct hy_rate got = {0};
        struct hy_buf back = HY_BUF_INIT(64);
        cr_expect_eq(value_rate(hy_str_of(cases[i].in), NULL, &got), cases[i].want_err, "%s",
                     cases[i].in);
        cr_expect(got.count == cases[i].count && got.period_us == cases[i].period, "%s",
                  cases[i].in);
        if (cases[i].back) {
            value_put_rate(got, &back);
            cr_expect_str_eq(hy_buf_cstr(&back), cases[i].back);
        }
        hy_buf_free(&back);
    }
}

Test(value, host_names_become_lower_case_a_labels)
{
    static const struct {
        const char *in;
        bool wildcard;
        const char *want; /* NULL = refused */
    } cases[] = {
        {"Mail.Example.JP", false, "mail.example.jp"},
        {"mail.example.jp.", false, "mail.example.jp"},
        {"メール.例.jp", false, "xn--4dkua4c.xn--fsq.jp"},
        {"*.google.com", true, "*.google.com"},
        {"*.google.com", false, NULL},
        {"a.*.com", true, NULL},
        {"*", true, NULL},
        {"_dmarc.example.jp", false, "_dmarc.example.jp"},
        {"localhost", false, "localhost"},
        {"-a.example", false, NULL},
        {"a..b", false, NULL},
        {"a b", false, NULL},
        {"", false, NULL},
        {"a\nb", false, NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct hy_buf out = HY_BUF_INIT(512);
        int err = value_hostname(hy_str_of(cases[i].in), cases[i].wildcard, NULL, &out);
        cr_expect_eq(err, cases[i].want ? 0 : HY_EINVAL, "%s", cases[i].in);
        cr_expect_str_eq(hy_buf_cstr(&out), cases[i].want ? cases[i].want : "", "%s", cases[i].in);
        hy_buf_free(&out);
    }
}

Test(value, permissions_are_octal_and_nothing_else)
{
    uint32_t mode = 0;
    cr_expect_eq(value_mode(HY_STR("0660"), NULL, &mode), 0);
    cr_expect_eq(mode, 0660u);
    cr_expect_eq(value_mode(HY_STR("600"), NULL, &mode), 0);
    cr_expect_eq(mode, 0600u);
    static const char *const bad[] = {"", "66", "0688", "1777", "00660", "rw-", "-660"};
    for (size_t i = 0; i < COUNT(bad); i++)
        cr_expect_eq(value_mode(hy_str_of(bad[i]), NULL, &mode), HY_EINVAL, "%s", bad[i]);
}

Test(value, times_need_a_zone_and_a_day_that_exists)
{
    static const struct {
        const char *in;
        hy_wall_ms want; /* -1 = refused */
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2026-12-01T09:00:00+09:00", 1796083200000},
        {"2026-12-01 09:00+0900", 1796083200000},
        {"2026-11-30T19:30-04:30", 1796083200000},
        {"2028-02-29T00:00Z", 1835395200000},
        {"2027-02-29T00:00Z", -1},
        {"2026-12-01T09:00:00", -1},
        {"2026-12-01", -1},
        {"2026-13-01T00:00Z", -1},
        {"2026-12-01T24:00Z", -1},
        {"2026-12-01T09:00:00+15:00", -1},
        {"2026-12-01T09:00:00Z ", -1},
        {"2026- 1-01T09:00:00Z", -1},
        {"-026-01-01T09:00:00Z", -1},
        {"", -1},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        hy_wall_ms got = -1;
        int err = value_time(hy_str_of(cases[i].in), NULL, &got);
        cr_expect_eq(err, cases[i].want < 0 ? HY_EINVAL : 0, "%s", cases[i].in);
        cr_expect_eq(got, cases[i].want, "%s: got %lld", cases[i].in, (long long)got);
    }
}
