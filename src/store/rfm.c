/* Recency, frequency, monetary value: customers by quintiles of each. */
#include <stdlib.h>

#include "hayauma/store/commerce.h"

static int by_recency(const void *x, const void *y)
{
    const struct hy_rfm *a = x, *b = y;
    return (a->last > b->last) - (a->last < b->last);
}

static int by_frequency(const void *x, const void *y)
{
    const struct hy_rfm *a = x, *b = y;
    return (a->orders > b->orders) - (a->orders < b->orders);
}

static int by_value(const void *x, const void *y)
{
    const struct hy_rfm *a = x, *b = y;
    return (a->amount_milli > b->amount_milli) - (a->amount_milli < b->amount_milli);
}

/* The customer at which level `i` + 2 begins. */
static const struct hy_rfm *at_cut(const struct hy_rfm *all, size_t n, size_t i)
{
    return &all[n * (i + 1) / HY_RFM_LEVELS];
}

void hy_rfm_cut(struct hy_rfm *all, size_t n, struct hy_rfm_cuts *ret)
{
    *ret = (struct hy_rfm_cuts){{0}};
    if (n == 0)
        return;
    qsort(all, n, sizeof *all, by_recency);
    for (size_t i = 0; i + 1 < HY_RFM_LEVELS; i++)
        ret->recency[i] = at_cut(all, n, i)->last;
    qsort(all, n, sizeof *all, by_frequency);
    for (size_t i = 0; i + 1 < HY_RFM_LEVELS; i++)
        ret->frequency[i] = at_cut(all, n, i)->orders;
    qsort(all, n, sizeof *all, by_value);
    for (size_t i = 0; i + 1 < HY_RFM_LEVELS; i++)
        ret->monetary[i] = at_cut(all, n, i)->amount_milli;
}

void hy_rfm_levels(const struct hy_rfm_cuts *cuts, const struct hy_rfm *one, uint8_t ret[3])
{
    unsigned r = 1, f = 1, m = 1;
    for (size_t i = 0; i + 1 < HY_RFM_LEVELS; i++) {
        r += one->last >= cuts->recency[i];
        f += one->orders >= cuts->frequency[i];
        m += one->amount_milli >= cuts->monetary[i];
    }
    ret[0] = (uint8_t)r;
    ret[1] = (uint8_t)f;
    ret[2] = (uint8_t)m;
}
