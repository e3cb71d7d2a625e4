/* A batch is filled, then it is the writer's; the next one is made when there is something to count
 * again. */
#include "tls_tally.h"

#include <stdlib.h>

#include "hayauma/base/arena.h"
#include "hayauma/base/hash.h"
#include "hayauma/base/list.h"
#include "hayauma/base/log.h"

enum { BATCH = 512, INDEX = 2048, ARENA_MAX = 2 << 20 };

struct batch {
    struct hy_tally_add add;
    _Atomic uint64_t *uncounted;
    struct hy_arena arena;
    uint16_t index[INDEX]; /* 1 + place in tallies; open addressing */
    uint64_t hashes[BATCH];
    struct hy_tally tallies[BATCH];
};

struct tls_tallies {
    struct hy_writer *writer;
    _Atomic uint64_t *uncounted;
    struct batch *batch; /* NULL: nothing was counted */
};

struct tls_tallies *tls_tallies_new(struct hy_writer *w, _Atomic uint64_t *uncounted)
{
    struct tls_tallies *t = calloc(1, sizeof *t);
    if (t)
        *t = (struct tls_tallies){.writer = w, .uncounted = uncounted};
    return t;
}

static void batch_free(struct batch *b)
{
    hy_arena_free(&b->arena);
    free(b);
}

static void on_done(struct hy_write_req *r, int err)
{
    struct hy_tally_add *add = hy_container_of(r, struct hy_tally_add, req);
    struct batch *b = hy_container_of(add, struct batch, add);
    if (err == HY_OK && add->dropped && atomic_fetch_add(b->uncounted, add->dropped) == 0)
        hy_log(HY_LOG_WARNING, "tls",
               "the table of sessions for TLS reports is full (%d kinds): more domains are not "
               "counted until reports have left or their days are over",
               HY_TALLIES_MAX);
    if (err != HY_OK && err != HY_ECLOSED)
        hy_log(HY_LOG_WARNING, "tls", "counts for TLS reports were lost: %s", hy_err_text(err));
    batch_free(b);
}

void tls_tallies_flush(struct tls_tallies *t)
{
    struct batch *b = t ? t->batch : NULL;
    if (!b)
        return;
    t->batch = NULL;
    b->add.req.done = on_done;
    int err = hy_writer_submit(t->writer, &b->add.req);
    if (err != HY_OK)
        on_done(&b->add.req, err);
}

void tls_tallies_free(struct tls_tallies *t)
{
    if (t && t->batch)
        batch_free(t->batch);
    free(t);
}

static uint64_t hash_of(const struct hy_tally *a)
{
    struct hy_hash_key key = *hy_hash_process_key();
    const struct hy_str parts[] = {a->domain,
                                   a->policy_text,
                                   a->mx_host,
                                   a->reason,
                                   hy_str_make(a->mx_ip, 16),
                                   hy_str_make(a->our_ip, 16)};
    key.k0 ^= (uint64_t)a->day << 16 | (uint64_t)a->policy << 8 | (uint64_t)a->result;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        key.k1 ^= hy_siphash(&key, parts[i].p, parts[i].n);
    return key.k1;
}

/* False: no room, or no memory. */
static bool copy(struct batch *b, const struct hy_tally *a)
{
    struct hy_tally *to = &b->tallies[b->add.n];
    *to = *a;
    to->domain = hy_arena_str(&b->arena, a->domain);
    to->policy_text = hy_arena_str(&b->arena, hy_str_slice(a->policy_text, 0, HY_TALLY_POLICY_MAX));
    to->mx_host = hy_arena_str(&b->arena, a->mx_host);
    to->reason = hy_arena_str(&b->arena, hy_str_slice(a->reason, 0, HY_TALLY_REASON_MAX));
    return to->domain.p && to->policy_text.p && to->mx_host.p && to->reason.p;
}

static struct batch *batch_of(struct tls_tallies *t)
{
    if (!t->batch) {
        t->batch = calloc(1, sizeof *t->batch);
        if (t->batch) {
            hy_tally_add_init(&t->batch->add);
            t->batch->uncounted = t->uncounted;
            t->batch->add.tallies = t->batch->tallies;
            t->batch->arena = HY_ARENA_INIT(ARENA_MAX);
        }
    }
    return t->batch;
}

/* False: the batch has no room for it. */
static bool add_to(struct batch *b, const struct hy_tally *a, uint64_t h)
{
    size_t at = h % INDEX;
    for (; b->index[at]; at = (at + 1) % INDEX) {
        size_t i = b->index[at] - 1u;
        if (b->hashes[i] == h) { /* 64 bits under a secret key: the same */
            b->tallies[i].count += a->count;
            return true;
        }
    }
    if (b->add.n == BATCH || !copy(b, a))
        return false;
    b->hashes[b->add.n] = h;
    b->add.n++;
    b->index[at] = (uint16_t)b->add.n;
    return true;
}

void tls_tallies_add(struct tls_tallies *t, const struct hy_tally *a)
{
    struct batch *b = t ? batch_of(t) : NULL;
    uint64_t h = b ? hash_of(a) : 0;
    if (!b || add_to(b, a, h) || b->add.n == 0)
        return; /* an empty batch has room for any: then there is no memory */
    tls_tallies_flush(t);
    b = batch_of(t);
    if (b)
        (void)add_to(b, a, h);
}
