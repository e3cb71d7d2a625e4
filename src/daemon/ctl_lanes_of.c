/* The lanes of a domain, for a command that has a thread of its own: it asks and waits. */
#include "ctl_common.h"

struct asking {
    pthread_mutex_t lock;
    pthread_cond_t come;
    bool has_come;
    json_t *lanes;
};

/* The feeder's thread, or a worker's. */
static void on_site(void *ctx, const struct hy_site_report *r)
{
    struct asking *a = ctx;
    for (size_t i = 0; i < r->n_lanes; i++)
        json_array_append_new(a->lanes, ctl_lane_detail_json(&r->lanes[i]));
    pthread_mutex_lock(&a->lock);
    a->has_come = true;
    pthread_cond_signal(&a->come);
    pthread_mutex_unlock(&a->lock);
}

json_t *ctl_lanes_of(struct hy_daemon *d, const char *domain)
{
    struct asking a = {.lanes = json_array()};
    pthread_mutex_init(&a.lock, NULL);
    pthread_cond_init(&a.come, NULL);
    if (hy_deliver_site(d->deliver, domain, on_site, &a) == HY_OK) {
        pthread_mutex_lock(&a.lock);
        while (!a.has_come) /* it comes once, also when delivery ends */
            pthread_cond_wait(&a.come, &a.lock);
        pthread_mutex_unlock(&a.lock);
    }
    pthread_cond_destroy(&a.come);
    pthread_mutex_destroy(&a.lock);
    return a.lanes;
}
