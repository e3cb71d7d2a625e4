/* What campaigns wait for as a whole. */
#include "waits.h"

#include <stdlib.h>
#include <string.h>

void waits_init(struct waits *w)
{
    *w = (struct waits){0};
    pthread_mutex_init(&w->lock, NULL);
}

void waits_close(struct waits *w)
{
    free(w->all);
    pthread_mutex_destroy(&w->lock);
}

/* Where it stands, or would. */
static size_t place_of(const struct waits *w, hy_id campaign)
{
    size_t from = 0, to = w->n;
    while (from < to) {
        size_t mid = from + (to - from) / 2;
        if (w->all[mid].campaign < campaign)
            from = mid + 1;
        else
            to = mid;
    }
    return from;
}

static bool stands_at(const struct waits *w, size_t at, hy_id campaign)
{
    return at < w->n && w->all[at].campaign == campaign;
}

static bool make_room(struct waits *w)
{
    size_t cap = w->cap ? 2 * w->cap : 16;
    if (w->n < w->cap)
        return true;
    struct hy_campaign_wait *all = realloc(w->all, cap * sizeof *all);
    if (!all)
        return false;
    w->all = all;
    w->cap = cap;
    return true;
}

static void put(struct waits *w, size_t at, const struct hy_campaign_wait *wait)
{
    if (!stands_at(w, at, wait->campaign)) {
        if (!make_room(w))
            return;
        memmove(w->all + at + 1, w->all + at, (w->n - at) * sizeof *w->all);
        w->n++;
    }
    w->all[at] = *wait;
}

void waits_set(struct waits *w, const struct hy_campaign_wait *wait)
{
    pthread_mutex_lock(&w->lock);
    size_t at = place_of(w, wait->campaign);
    if (wait->what != HY_WAIT_NOTHING) {
        put(w, at, wait);
    } else if (stands_at(w, at, wait->campaign)) {
        w->n--;
        memmove(w->all + at, w->all + at + 1, (w->n - at) * sizeof *w->all);
    }
    pthread_mutex_unlock(&w->lock);
}

bool waits_find(struct waits *w, hy_id campaign, struct hy_campaign_wait *ret)
{
    pthread_mutex_lock(&w->lock);
    size_t at = place_of(w, campaign);
    bool is_there = stands_at(w, at, campaign);
    if (is_there)
        *ret = w->all[at];
    pthread_mutex_unlock(&w->lock);
    return is_there;
}
