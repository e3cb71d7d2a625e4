/* Histograms: finding the bucket, adding up. */
#include "hayauma/base/meter.h"

#define MS 1000LL
#define S  1000000LL

const hy_us hy_histogram_bounds[HY_HISTOGRAM_BOUNDS] = {
    1 * MS,    5 * MS, 10 * MS, 25 * MS, 50 * MS, 100 * MS, 250 * MS, 500 * MS,  1 * S,
    2500 * MS, 5 * S,  10 * S,  30 * S,  60 * S,  300 * S,  1800 * S, 10800 * S, 86400 * S};

static unsigned bucket_of(hy_us took_us)
{
    unsigned low = 0, high = HY_HISTOGRAM_BOUNDS;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (took_us <= hy_histogram_bounds[middle])
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

void hy_histogram_add(struct hy_histogram *h, hy_us took_us)
{
    hy_count_add(&h->buckets[bucket_of(took_us)], 1);
    if (took_us > 0)
        hy_count_add(&h->sum_us, (uint64_t)took_us);
}

void hy_histogram_sum_add(struct hy_histogram_sum *h, hy_us took_us)
{
    h->buckets[bucket_of(took_us)]++;
    h->count++;
    h->sum_us += took_us > 0 ? (uint64_t)took_us : 0;
}

void hy_histogram_read(const struct hy_histogram *h, struct hy_histogram_sum *add_to)
{
    for (unsigned i = 0; i <= HY_HISTOGRAM_BOUNDS; i++) {
        uint64_t n = hy_count_read(&h->buckets[i]);
        add_to->buckets[i] += n;
        add_to->count += n;
    }
    add_to->sum_us += hy_count_read(&h->sum_us);
}
