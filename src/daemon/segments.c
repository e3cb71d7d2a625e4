/* The building of segments: a thread looks a few times a second whether one is to be built, finds
 * who is in it on a snapshot and has the writer store that. When what is true of leads without
 * their doing is another thing than it was (how points are grouped, the zone in which days begin),
 * the segments that look at it are built anew. */
#include "daemon.h"

#include <stdlib.h>

#include "hayauma/base/hash.h"
#include "hayauma/base/list.h"
#include "hayauma/base/log.h"
#include "hayauma/base/zone.h"
#include "hayauma/config/scoring.h"
#include "hayauma/io/thread.h"
#include "hayauma/react/segment_build.h"
#include "hayauma/react/segment_edit.h"

enum { LOOK_MS = 200, SEGMENTS_NICE = 10 };

struct segments {
    struct hy_daemon *d;
    struct hy_thread *thread;
    struct hy_zone *zone; /* the system's */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    atomic_bool is_ending;
    uint64_t idle_at; /* the generation at which there was nothing to build */
    uint64_t ground;  /* as the store has it; 0: not known yet */
    bool is_told;     /* that it fails */
};

static struct hy_facts_options facts_of(const struct segments_ground *g)
{
    return (struct hy_facts_options){.plan = g->scoring ? hy_scoring_plan(g->scoring) : NULL,
                                     .zone = g->zone};
}

void segments_ground(struct hy_daemon *d, struct segments_ground *ret)
{
    *ret = (struct segments_ground){.scoring = daemon_scoring(d), .zone = hy_zone_local()};
    ret->facts = facts_of(ret);
}

void segments_ground_free(struct segments_ground *g)
{
    hy_zone_free(g->zone);
    hy_scoring_free(g->scoring);
}

/* ---- what is true without anybody's doing ---- */

static uint64_t hash_of(const struct segments_ground *g)
{
    static const struct hy_hash_key key = {0x7365676d656e7473, 1};
    struct hy_buf text = HY_BUF_INIT(64 * 1024);
    const struct hy_score_plan *p = g->facts.plan;
    hy_buf_printf(&text, "%s\n%d\n", g->zone ? hy_zone_name(g->zone) : "UTC", p != NULL);
    for (size_t i = 0; p && i < p->n_groups; i++)
        hy_buf_printf(&text, "%.*s\n", HY_STR_ARG(p->groups[i].name));
    uint64_t h = hy_siphash(&key, text.data, text.len);
    hy_buf_free(&text);
    return h ? h : 1;
}

struct regrounding {
    struct hy_write_req req; /* first */
    uint64_t ground;
};

static int apply_ground(struct hy_write_req *r, struct hy_txn *t)
{
    struct regrounding *g = hy_container_of(r, struct regrounding, req);
    uint64_t old;
    int err = hy_segments_ground(t, &old);
    if (err != HY_OK || old == g->ground)
        return err;
    if (old)
        err = hy_segments_rebuild(t, true, true);
    return err ? err : hy_segments_ground_set(t, g->ground);
}

static int follow_ground(struct segments *s, const struct segments_ground *g)
{
    struct regrounding r = {
        .req = {.class = HY_WRITE_ADMIN, .on_full = HY_WRITE_FULL_FAIL, .apply = apply_ground},
        .ground = hash_of(g)};
    if (s->ground == r.ground)
        return HY_OK;
    int err = hy_writer_run(s->d->writer, &r.req);
    if (err == HY_OK)
        s->ground = r.ground;
    return err;
}

/* ---- building ---- */

static bool is_ending(void *ctx)
{
    return atomic_load(&((struct segments *)ctx)->is_ending);
}

static int generation_now(struct segments *s, uint64_t *ret)
{
    struct hy_txn t;
    int err = hy_txn_read(s->d->env, &t);
    if (err != HY_OK)
        return err;
    err = hy_segments_generation(&t, ret);
    hy_txn_end(&t);
    return err;
}

/* All that are to be built. HY_ENOTFOUND: there are none (any more). */
static int build_all(struct segments *s, const struct segments_ground *g)
{
    const struct hy_segment_build b = {.env = s->d->env,
                                       .writer = s->d->writer,
                                       .facts = g->facts,
                                       .meter = &s->d->segments_meter,
                                       .is_cancelled = is_ending,
                                       .ctx = s};
    hy_segment_no no;
    int err = HY_OK;
    while (err == HY_OK && !is_ending(s))
        err = hy_segment_build_next(&b, &no);
    return err;
}

static int look(struct segments *s)
{
    uint64_t generation;
    struct segments_ground g = {.scoring = daemon_scoring(s->d), .zone = s->zone};
    g.facts = facts_of(&g);
    int err = follow_ground(s, &g);
    if (err == HY_OK)
        err = generation_now(s, &generation);
    if (err == HY_OK && generation != s->idle_at) {
        err = build_all(s, &g);
        if (err == HY_ENOTFOUND) {
            s->idle_at = generation; /* of a change since, there is another one */
            err = HY_OK;
        }
    }
    hy_scoring_free(g.scoring);
    return err;
}

static void run(void *ctx)
{
    struct segments *s = ctx;
    hy_thread_give_way(SEGMENTS_NICE);
    while (!is_ending(s)) {
        int err = look(s);
        if (err != HY_OK && err != HY_ECANCELED && err != HY_ECLOSED && !s->is_told)
            hy_log(HY_LOG_ERROR, "segments", "segments cannot be built: %s; it is tried again",
                   hy_err_text(err));
        s->is_told = err != HY_OK;
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += LOOK_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        pthread_mutex_lock(&s->lock);
        if (!is_ending(s))
            pthread_cond_timedwait(&s->wake, &s->lock, &until);
        pthread_mutex_unlock(&s->lock);
    }
}

int segments_start(struct hy_daemon *d, struct hy_diag *diag)
{
    struct segments *s = calloc(1, sizeof *s);
    int err = s ? HY_OK : HY_ENOMEM;
    if (s) {
        s->d = d;
        s->idle_at = UINT64_MAX;
        s->zone = hy_zone_local();
        pthread_mutex_init(&s->lock, NULL);
        pthread_cond_init(&s->wake, NULL);
        err = hy_thread_start("segments", run, s, &s->thread);
    }
    if (err == HY_OK) {
        d->segments = s;
        return HY_OK;
    }
    if (s)
        hy_zone_free(s->zone);
    free(s);
    return hy_fail(diag, err, "the thread that builds segments does not start: %s",
                   hy_err_text(err));
}

void segments_stop(struct hy_daemon *d)
{
    struct segments *s = d->segments;
    if (!s)
        return;
    pthread_mutex_lock(&s->lock);
    atomic_store(&s->is_ending, true);
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->lock);
    hy_thread_join(s->thread);
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->wake);
    hy_zone_free(s->zone);
    free(s);
    d->segments = NULL;
}
