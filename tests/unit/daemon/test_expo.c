#include <criterion/criterion.h>
#include <stdio.h>

#include "expo.h"

static const char *written(struct hy_buf *b)
{
    cr_assert_eq(b->err, 0);
    return hy_buf_cstr(b);
}

Test(expo, label_values_of_strangers_stay_inside_their_quotes)
{
    static const struct {
        const char *in, *want;
    } cases[] = {
        {"plain", "plain"},
        {"a\"b\\c\nd", "a\\\"b\\\\c\\nd"},
        {"日本", "日本"},
        {"\xff\xfe", "\xef\xbf\xbd\xef\xbf\xbd"},
        {"x\"} 1\nhayauma_evil 2", "x\\\"} 1\\nhayauma_evil 2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_buf b = HY_BUF_INIT(65536);
        struct expo e = {.out = &b};
        struct expo_label l = {"site", hy_str_of(cases[i].in)};
        char want[512];
        snprintf(want, sizeof want, "hayauma_site_window{site=\"%s\"} 3\n", cases[i].want);
        expo_sample(&e, HY_M_SITE_WINDOW, &l, 1, 3);
        cr_assert_str_eq(written(&b), want);
        hy_buf_free(&b);
    }
}

Test(expo, a_long_label_is_cut)
{
    static char name[4096];
    struct hy_buf b = HY_BUF_INIT(65536);
    struct expo e = {.out = &b};
    memset(name, 'x', sizeof name);
    struct expo_label l = {"site", hy_str_make(name, sizeof name)};
    expo_sample(&e, HY_M_SITE_WINDOW, &l, 1, 3);
    cr_assert_lt(b.len, EXPO_VALUE_MAX + 64);
    hy_buf_free(&b);
}

Test(expo, a_counter_has_another_family_name_in_open_metrics)
{
    struct hy_buf b = HY_BUF_INIT(65536);
    struct expo e = {.out = &b, .is_open_metrics = true};
    expo_one(&e, HY_M_CONNECTS, 2.5);
    expo_end(&e);
    cr_assert(strstr(written(&b), "# TYPE hayauma_connects counter\nhayauma_connects_total 2.5\n"
                                  "# EOF\n"),
              "%s", hy_buf_cstr(&b));
    hy_buf_free(&b);
}

Test(expo, a_histogram_counts_what_is_below_each_bound)
{
    struct hy_buf b = HY_BUF_INIT(65536);
    struct expo e = {.out = &b};
    struct hy_histogram_sum h = {0};
    hy_histogram_sum_add(&h, 500);
    hy_histogram_sum_add(&h, 2000000);
    hy_histogram_sum_add(&h, 90000000000);
    expo_histogram(&e, HY_M_QUEUED_SECONDS, NULL, 0, &h);
    const char *text = written(&b);
    static const char *const lines[] = {"hayauma_delivery_delay_seconds_bucket{le=\"0.001\"} 1\n",
                                        "hayauma_delivery_delay_seconds_bucket{le=\"1\"} 1\n",
                                        "hayauma_delivery_delay_seconds_bucket{le=\"2.5\"} 2\n",
                                        "hayauma_delivery_delay_seconds_bucket{le=\"86400\"} 2\n",
                                        "hayauma_delivery_delay_seconds_bucket{le=\"+Inf\"} 3\n",
                                        "hayauma_delivery_delay_seconds_sum 90002.0005\n",
                                        "hayauma_delivery_delay_seconds_count 3\n"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        cr_assert(strstr(text, lines[i]), "%s in\n%s", lines[i], text);
    hy_buf_free(&b);
}

Test(expo, the_table_has_good_names_and_counters_end_in_total)
{
    for (int i = 0; i < HY_METRICS; i++) {
        const struct hy_metric_row *m = &hy_metrics[i];
        cr_assert(m->name && m->labels && m->help && m->help_ja, "row %d is incomplete", i);
        struct hy_str name = hy_str_of(m->name);
        cr_assert(hy_str_starts(name, HY_STR("hayauma_")), "%s", m->name);
        cr_assert_eq(hy_str_ends(name, HY_STR("_total")), m->type == HY_COUNTER, "%s", m->name);
        cr_assert_null(strpbrk(m->help, "\n\\|"), "%s", m->name);
        for (int k = 0; k < i; k++)
            cr_assert_str_neq(m->name, hy_metrics[k].name);
    }
}
