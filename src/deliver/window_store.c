/* What windows learned, over a restart: each worker hands it to the writer every five minutes and
 * when it ends; the next start gives it to the workers that then own the sites. A kill forgets five
 * minutes; what cannot be read is learned anew. */
#include "lane.h"

#include <stdlib.h>

#include "hayauma/base/log.h"
#include "hayauma/store/windows.h"

struct saving {
    struct hy_write_req req; /* first */
    uint32_t worker;
    struct hy_buf bytes;
};

static int apply(struct hy_write_req *r, struct hy_txn *t)
{
    const struct saving *s = hy_container_of(r, struct saving, req);
    return hy_windows_put(t, s->worker, hy_buf_str(&s->bytes));
}

static void on_done(struct hy_write_req *r, int err)
{
    struct saving *s = hy_container_of(r, struct saving, req);
    if (err != HY_OK)
        hy_log(HY_LOG_WARNING, "worker", "what lanes learned could not be stored: %s",
               hy_err_text(err));
    hy_buf_free(&s->bytes);
    free(s);
}

struct site_key lane_key(const struct lane *l)
{
    return (struct site_key){l->mx->site.hash,
                             site_memory_source(l->source->name, l->rule ? l->rule->name : NULL)};
}

void windows_save(struct worker *w)
{
    hy_us now = hy_loop_now(w->loop);
    struct hy_window_learned learned;
    hy_list_for_each (it, &w->lanes) {
        const struct lane *l = hy_container_of(it, struct lane, link);
        if (hy_window_save(&l->joint->window, &learned, now))
            site_memory_keep(&w->memory, lane_key(l), &learned);
    }
    struct saving *s = calloc(1, sizeof *s);
    if (!s)
        return;
    s->worker = w->index;
    s->bytes = HY_BUF_INIT(HY_WINDOWS_MAX);
    s->req = (struct hy_write_req){
        .class = HY_WRITE_ADMIN, .on_full = HY_WRITE_FULL_FAIL, .apply = apply, .done = on_done};
    bool is_any = site_memory_write(&w->memory, now, hy_clock_wall_ms(), &s->bytes) > 0;
    int err = s->bytes.err;
    if (is_any && err == HY_OK)
        err = hy_writer_submit(w->d->writer, &s->req);
    if (!is_any || err != HY_OK)
        on_done(&s->req, err);
}

static void keep(void *ctx, struct site_key lane, const struct hy_window_learned *l)
{
    struct hy_deliver *d = ctx;
    site_memory_keep(&d->workers[lane.site % d->n_workers].memory, lane, l);
}

void windows_load(struct hy_deliver *d)
{
    struct hy_txn t;
    struct hy_str bytes;
    hy_us now = hy_clock_us();
    hy_wall_ms wall = hy_clock_wall_ms();
    if (hy_txn_read(d->env, &t) != HY_OK)
        return;
    for (uint32_t i = 0; i < WORKERS_MAX; i++) {
        int err = hy_windows_get(&t, i, &bytes);
        if (err == HY_OK)
            err = site_memory_read(bytes, now, wall, keep, d);
        if (err != HY_OK && err != HY_ENOTFOUND)
            hy_log(HY_LOG_WARNING, "worker", "what lanes learned cannot be read: %s",
                   hy_err_text(err));
    }
    hy_txn_end(&t);
}
