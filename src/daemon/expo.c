/* The text format of metrics: https://prometheus.io/docs/instrumenting/exposition_formats/ and
 * https://github.com/OpenObservability/OpenMetrics (1.0). They differ in the name of a counter's
 * family, and in the last line. */
#include "expo.h"

#include <math.h>
#include <stdio.h>

static struct hy_str family(const struct expo *e, enum hy_metric m)
{
    struct hy_str name = hy_str_of(hy_metrics[m].name), total = HY_STR("_total");
    if (e->is_open_metrics && hy_metrics[m].type == HY_COUNTER && hy_str_ends(name, total))
        name.n -= total.n;
    return name;
}

void expo_head(struct expo *e, enum hy_metric m)
{
    struct hy_str name = family(e, m);
    hy_buf_printf(e->out, "# HELP %.*s %s\n# TYPE %.*s %s\n", HY_STR_ARG(name), hy_metrics[m].help,
                  HY_STR_ARG(name), hy_metric_type_name(hy_metrics[m].type));
}

static void put_value(struct hy_buf *out, struct hy_str s)
{
    size_t start = out->len;
    for (size_t i = 0; i < s.n && out->len - start < EXPO_VALUE_MAX;) {
        size_t from = i;
        uint32_t cp = hy_utf8_next(s, &i);
        if (cp == UINT32_MAX)
            hy_buf_add_lit(out, "\xef\xbf\xbd");
        else if (cp == '\n')
            hy_buf_add_lit(out, "\\n");
        else if (cp == '"' || cp == '\\')
            hy_buf_printf(out, "\\%c", (char)cp);
        else
            hy_buf_add(out, s.p + from, i - from);
    }
}

static void put_labels(struct hy_buf *out, const struct expo_label *labels, size_t n,
                       const char *bound)
{
    if (n == 0 && !bound)
        return;
    hy_buf_add_c(out, '{');
    for (size_t i = 0; i < n; i++) {
        hy_buf_printf(out, "%s%s=\"", i ? "," : "", labels[i].name);
        put_value(out, labels[i].value);
        hy_buf_add_c(out, '"');
    }
    if (bound)
        hy_buf_printf(out, "%sle=\"%s\"", n ? "," : "", bound);
    hy_buf_add_c(out, '}');
}

static void put_number(struct hy_buf *out, double v)
{
    if (v == floor(v) && fabs(v) < 1e15)
        hy_buf_printf(out, " %.0f\n", v);
    else
        hy_buf_printf(out, " %.9g\n", v);
}

static void put(struct expo *e, enum hy_metric m, const char *suffix,
                const struct expo_label *labels, size_t n, const char *bound, double v)
{
    hy_buf_printf(e->out, "%s%s", hy_metrics[m].name, suffix);
    put_labels(e->out, labels, n, bound);
    put_number(e->out, v);
}

void expo_sample(struct expo *e, enum hy_metric m, const struct expo_label *labels, size_t n,
                 double value)
{
    put(e, m, "", labels, n, NULL, value);
}

void expo_one(struct expo *e, enum hy_metric m, double value)
{
    expo_head(e, m);
    put(e, m, "", NULL, 0, NULL, value);
}

void expo_histogram(struct expo *e, enum hy_metric m, const struct expo_label *labels, size_t n,
                    const struct hy_histogram_sum *h)
{
    uint64_t below = 0;
    for (unsigned i = 0; i < HY_HISTOGRAM_BOUNDS; i++) {
        char bound[32];
        below += h->buckets[i];
        snprintf(bound, sizeof bound, "%.10g", (double)hy_histogram_bounds[i] / 1e6);
        if (e->is_open_metrics && !strchr(bound, '.')) /* its canonical form is a float */
            strncat(bound, ".0", sizeof bound - strlen(bound) - 1);
        put(e, m, "_bucket", labels, n, bound, (double)below);
    }
    put(e, m, "_bucket", labels, n, "+Inf", (double)h->count);
    put(e, m, "_sum", labels, n, NULL, (double)h->sum_us / 1e6);
    put(e, m, "_count", labels, n, NULL, (double)h->count);
}

void expo_summary(struct expo *e, enum hy_metric m, const struct expo_label *labels, size_t n,
                  double sum, uint64_t count)
{
    put(e, m, "_sum", labels, n, NULL, sum);
    put(e, m, "_count", labels, n, NULL, (double)count);
}

void expo_end(struct expo *e)
{
    if (e->is_open_metrics)
        hy_buf_add_lit(e->out, "# EOF\n");
}
