/* What campaigns wait for as a whole, for whoever asks: the feeder writes it, any thread reads it.
 * A campaign stands here only while it waits, so that the table stays short. */
#pragma once
#include <pthread.h>

#include "hayauma/deliver/deliver.h"

struct waits {
    pthread_mutex_t lock;
    struct hy_campaign_wait *all; /* in the order of their campaigns */
    size_t n, cap;
};

void waits_init(struct waits *w);
void waits_close(struct waits *w);
/* From now on it waits for this; HY_WAIT_NOTHING: for nothing. Without memory nobody is told. */
void waits_set(struct waits *w, const struct hy_campaign_wait *wait);
/* False: it waits for nothing, and *ret is untouched. */
bool waits_find(struct waits *w, hy_id campaign, struct hy_campaign_wait *ret);
