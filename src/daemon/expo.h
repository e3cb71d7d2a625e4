/* Writing metrics in the text format of Prometheus 0.0.4, or OpenMetrics 1.0. Pure. */
#pragma once
#include "hayauma/base/meter.h"
#include "hayauma/config/metrics.h"

struct expo {
    struct hy_buf *out;
    bool is_open_metrics;
};
struct expo_label {
    const char *name;
    struct hy_str value; /* any bytes: escaped, made UTF-8, cut to EXPO_VALUE_MAX */
};
enum { EXPO_VALUE_MAX = 256 };

/* HELP and TYPE; every sample of a metric follows its head, before the next one's. */
void expo_head(struct expo *e, enum hy_metric m);
void expo_sample(struct expo *e, enum hy_metric m, const struct expo_label *labels, size_t n,
                 double value);
/* Head and one sample without labels. */
void expo_one(struct expo *e, enum hy_metric m, double value);
/* The buckets, sum and count of one set of labels. */
void expo_histogram(struct expo *e, enum hy_metric m, const struct expo_label *labels, size_t n,
                    const struct hy_histogram_sum *h);
void expo_summary(struct expo *e, enum hy_metric m, const struct expo_label *labels, size_t n,
                  double sum, uint64_t count);
/* What ends an answer. */
void expo_end(struct expo *e);
