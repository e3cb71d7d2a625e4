/* The hits journal as a file: opening it, putting records, reading them; hits_priv.h has the
 * layout.
 */
#include "hits_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "activity.h"
#include "hayauma/base/log.h"
#include "hayauma/base/rand.h"

enum { RECORD_BYTES = sizeof(struct hits_record) };

/* ---- records ---- */

static struct hits_record *record_at(const struct hy_hits *h, uint64_t position)
{
    return (struct hits_record *)(void *)(h->ring + position % h->size);
}

/* Bytes from a position to the end of the ring. */
static uint64_t room_at(const struct hy_hits *h, uint64_t position)
{
    return h->size - position % h->size;
}

/* The first position at or behind this one where the head of a record may stand. */
static uint64_t place_for_head(const struct hy_hits *h, uint64_t position)
{
    uint64_t room = room_at(h, position);
    return room < RECORD_BYTES ? position + room : position;
}

static uint64_t whole(uint64_t n)
{
    return RECORD_BYTES + ((n + 7) & ~UINT64_C(7));
}

static uint32_t sum_of(const struct hy_hits *h, uint64_t mark, const struct hits_record *r)
{
    const uint64_t about[] = {mark, (uint64_t)r->at, r->n};
    uint64_t sum = hy_siphash(&h->key, about, sizeof about);
    if (r->n != HITS_SKIP)
        sum ^= hy_siphash(&h->key, r + 1, r->n);
    return (uint32_t)(sum ^ sum >> 32);
}

bool hits_read(const struct hy_hits *h, uint64_t position, struct hits_view *ret)
{
    position = place_for_head(h, position);
    uint64_t room = room_at(h, position);
    const struct hits_record *r = record_at(h, position);
    if (atomic_load_explicit(&r->mark, memory_order_acquire) != position + 1)
        return false;
    bool is_skip = r->n == HITS_SKIP;
    if ((!is_skip && whole(r->n) > room) || r->sum != sum_of(h, position + 1, r))
        return false;
    *ret = (struct hits_view){.at = r->at, .next = position + (is_skip ? room : whole(r->n))};
    if (!is_skip)
        ret->payload = hy_str_make(r + 1, r->n);
    return true;
}

/* Everything but the mark is there before the mark is: a process killed in between leaves nothing.
 */
static void write_record(struct hy_hits *h, uint64_t position, int64_t at, uint32_t n,
                         const void *payload, uint64_t next)
{
    struct hits_record *r = record_at(h, position);
    atomic_store_explicit(&record_at(h, next)->mark, 0, memory_order_relaxed);
    r->at = at;
    r->n = n;
    if (payload)
        memcpy(r + 1, payload, n);
    r->sum = sum_of(h, position + 1, r);
    atomic_store_explicit(&r->mark, position + 1, memory_order_release);
}

/* Under the lock. */
static int append(struct hy_hits *h, int64_t at, struct hy_str payload)
{
    uint64_t need = whole(payload.n), position = place_for_head(h, h->head);
    uint64_t room = room_at(h, position);
    uint64_t start = need <= room ? position : position + room;
    uint64_t next = place_for_head(h, start + need);
    if (next + RECORD_BYTES - h->tail > h->size)
        return HY_EFULL;
    if (start != position)
        write_record(h, position, at, HITS_SKIP, NULL, start);
    write_record(h, start, at, (uint32_t)payload.n, payload.p, next);
    h->head = start + need;
    return HY_OK;
}

int hy_hits_put(struct hy_hits *h, const struct hy_activity *a)
{
    struct hy_activity full = *a;
    uint8_t room[ACTIVITY_RECORD_MAX];
    struct hy_str payload;
    if (full.at == 0)
        full.at = hy_clock_wall_ms();
    int err = hy_activity_encode(&full, room, &payload);
    if (err)
        return err;
    pthread_mutex_lock(&h->lock);
    err = append(h, full.at, payload);
    bool wakes = h->is_idle;
    h->is_idle = false;
    if (err)
        h->lost++;
    else
        h->put++;
    pthread_mutex_unlock(&h->lock);
    if (wakes)
        pthread_cond_signal(&h->wake);
    return err;
}

void hits_wipe(struct hy_hits *h, uint64_t from, uint64_t to)
{
    while (from < to) {
        uint64_t n = room_at(h, from) < to - from ? room_at(h, from) : to - from;
        memset(h->ring + from % h->size, 0, n);
        from += n;
    }
}

/* After a kill: what the store had and nobody had overwritten. Pages that are empty stay untouched,
 * so that they need not be written. */
static void wipe_rest(struct hy_hits *h)
{
    static const char zeros[HITS_HEADER_BYTES];
    uint64_t to = h->tail + h->size;
    for (uint64_t at = h->head; at < to;) {
        uint64_t n = HITS_HEADER_BYTES - at % HITS_HEADER_BYTES;
        if (n > to - at)
            n = to - at;
        if (memcmp(h->ring + at % h->size, zeros, n) != 0)
            hits_wipe(h, at, at + n);
        at += n;
    }
}

/* ---- the file ---- */

static int fail_errno(struct hy_diag *diag, int no, const char *what)
{
    int err = no == ENOSPC || no == EDQUOT || no == EFBIG ? HY_EFULL
              : no == ENOMEM                              ? HY_ENOMEM
                                                          : HY_EIO;
    return hy_fail(diag, err, "cannot %s the journal of hits: %s", what, strerror(no));
}

static int map_file(struct hy_hits *h, uint64_t bytes, struct hy_diag *diag)
{
    int no = posix_fallocate(h->fd, 0, (off_t)(HITS_HEADER_BYTES + bytes));
    if (no != 0)
        return fail_errno(diag, no, "make room for");
    void *p = mmap(NULL, HITS_HEADER_BYTES + bytes, PROT_READ | PROT_WRITE, MAP_SHARED, h->fd, 0);
    if (p == MAP_FAILED)
        return fail_errno(diag, errno, "map");
    h->header = p;
    h->ring = (char *)p + HITS_HEADER_BYTES;
    h->size = bytes;
    return HY_OK;
}

static void unmap_file(struct hy_hits *h)
{
    if (h->header)
        munmap(h->header, HITS_HEADER_BYTES + h->size);
    h->header = NULL;
}

/* From nothing: what is in the file does not count any more. */
static int make_file(struct hy_hits *h, uint64_t bytes, struct hy_diag *diag)
{
    unmap_file(h);
    if (ftruncate(h->fd, 0) != 0)
        return fail_errno(diag, errno, "empty");
    int err = map_file(h, bytes, diag);
    if (!err)
        err = hy_rand_bytes(&h->key, sizeof h->key);
    if (err)
        return err;
    h->header->version = HITS_VERSION;
    h->header->bytes = bytes;
    h->header->key = h->key;
    atomic_store(&h->header->magic, HITS_MAGIC);
    h->head = h->tail;
    return HY_OK;
}

/* Finds what the store has not yet. */
static void find_head(struct hy_hits *h)
{
    struct hits_view v;
    h->head = h->tail;
    while (h->head - h->tail < h->size && hits_read(h, h->head, &v)) {
        h->found += v.payload.n > 0;
        h->head = v.next;
    }
}

/* HY_ENOTFOUND: there is no journal in it yet. */
static int read_file(struct hy_hits *h, struct hy_diag *diag)
{
    struct hits_header header;
    struct stat st;
    ssize_t n = pread(h->fd, &header, sizeof header, 0);
    if (n < 0 || fstat(h->fd, &st) < 0)
        return fail_errno(diag, errno, "read");
    if (n < (ssize_t)sizeof header || header.magic == 0) /* killed while it was made */
        return HY_ENOTFOUND;
    if (header.magic == HITS_MAGIC && header.version > HITS_VERSION)
        return hy_fail(diag, HY_EVERSION,
                       "the journal of hits has version %u: it was written by a "
                       "newer hayauma",
                       header.version);
    if (header.magic != HITS_MAGIC || header.bytes < HY_HITS_BYTES_MIN ||
        header.bytes > HY_HITS_BYTES_MAX || header.bytes % HITS_HEADER_BYTES ||
        (uint64_t)st.st_size < HITS_HEADER_BYTES + header.bytes)
        return hy_fail(diag, HY_ECORRUPT,
                       "the journal of hits is damaged: move the file 'hits' away and start again; "
                       "hits that were on their way into the store are then lost");
    int err = map_file(h, header.bytes, diag);
    if (err)
        return err;
    h->key = header.key;
    find_head(h);
    if (header.is_open)
        wipe_rest(h);
    return HY_OK;
}

static int open_file(struct hy_hits *h, const char *path, uint64_t bytes, struct hy_diag *diag)
{
    h->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (h->fd < 0)
        return fail_errno(diag, errno, "open");
    int err = read_file(h, diag);
    if (err == HY_ENOTFOUND || (err == HY_OK && h->size != bytes && h->found == 0))
        return make_file(h, bytes, diag);
    if (err == HY_OK && h->size != bytes)
        hy_log(HY_LOG_NOTICE, "tracking",
               "the journal of hits keeps its size until the next start: it holds hits");
    return err;
}

static int stored_position(struct hy_env *env, uint64_t *ret, struct hy_diag *diag)
{
    struct hy_txn t = {0};
    int err = hy_txn_read(env, &t);
    if (!err)
        err = hits_position(&t, ret);
    hy_txn_end(&t);
    return err ? hy_fail(diag, err, "how far the journal of hits was read: %s", hy_err_text(err))
               : err;
}

int hy_hits_open(const char *data_dir, uint64_t bytes, struct hy_env *env, struct hy_diag *diag,
                 struct hy_hits **ret)
{
    char path[4096];
    if ((size_t)snprintf(path, sizeof path, "%s/hits", data_dir) >= sizeof path ||
        bytes < HY_HITS_BYTES_MIN || bytes > HY_HITS_BYTES_MAX)
        return hy_fail(diag, HY_EINVAL, "the journal of hits cannot be like that");
    struct hy_hits *h = calloc(1, sizeof *h);
    if (!h)
        return HY_ENOMEM;
    h->fd = -1;
    h->env = env;
    pthread_condattr_t clock;
    pthread_mutex_init(&h->lock, NULL);
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&h->wake, &clock);
    pthread_condattr_destroy(&clock);
    bytes = (bytes + HITS_HEADER_BYTES - 1) / HITS_HEADER_BYTES * HITS_HEADER_BYTES;
    int err = stored_position(env, &h->tail, diag);
    if (!err)
        err = open_file(h, path, bytes, diag);
    if (err) {
        hy_hits_close(h);
        return err;
    }
    h->header->is_open = true;
    if (h->found)
        hy_log(HY_LOG_NOTICE, "tracking", "%lu hits of the last run go into the store", h->found);
    *ret = h;
    return HY_OK;
}

/* ---- a copy of it ---- */

static int write_at(int fd, const void *bytes, uint64_t n, uint64_t at)
{
    const char *p = bytes;
    while (n) {
        ssize_t done = pwrite(fd, p, n, (off_t)at);
        if (done <= 0)
            return done < 0 ? errno : ENOSPC;
        p += done;
        at += (uint64_t)done;
        n -= (uint64_t)done;
    }
    return 0;
}

/* Room that no record takes stays a hole. What is wiped meanwhile is in the store, which then has
 * moved its position behind it. */
static int write_copy(const struct hy_hits *h, int fd, uint64_t from, uint64_t to)
{
    struct hits_header header = {.magic = HITS_MAGIC,
                                 .version = HITS_VERSION,
                                 .is_open = true,
                                 .bytes = h->size,
                                 .key = h->key};
    int no = ftruncate(fd, (off_t)(HITS_HEADER_BYTES + h->size)) < 0 ? errno : 0;
    if (no == 0)
        no = write_at(fd, &header, sizeof header, 0);
    while (no == 0 && from < to) {
        uint64_t n = room_at(h, from) < to - from ? room_at(h, from) : to - from;
        no = write_at(fd, h->ring + from % h->size, n, HITS_HEADER_BYTES + from % h->size);
        from += n;
    }
    return no == 0 && fsync(fd) < 0 ? errno : no;
}

int hy_hits_copy(struct hy_hits *h, const char *path, struct hy_diag *diag)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail_errno(diag, errno, "copy");
    pthread_mutex_lock(&h->lock);
    uint64_t from = h->tail, to = h->head;
    pthread_mutex_unlock(&h->lock);
    int no = write_copy(h, fd, from, to);
    if (close(fd) < 0 && no == 0)
        no = errno;
    return no ? fail_errno(diag, no, "copy") : HY_OK;
}

void hy_hits_close(struct hy_hits *h)
{
    if (!h)
        return;
    hy_hits_stop(h);
    if (h->header)
        h->header->is_open = false;
    unmap_file(h);
    if (h->fd >= 0)
        close(h->fd);
    pthread_cond_destroy(&h->wake);
    pthread_mutex_destroy(&h->lock);
    free(h);
}

void hy_hits_set_join_back(struct hy_hits *h, int64_t ms)
{
    atomic_store(&h->join_back_ms, ms);
}

void hy_hits_stats(struct hy_hits *h, struct hy_hits_stats *ret)
{
    struct hits_view v;
    pthread_mutex_lock(&h->lock);
    *ret = (struct hy_hits_stats){
        .put = h->put,
        .lost = h->lost,
        .stored = h->stored,
        .dropped = h->dropped,
        .waiting = h->found + h->put - h->stored - h->dropped,
        .bytes = h->head - h->tail,
        .bytes_max = h->size,
        .cpu_us = h->cpu_us,
    };
    if (h->head != h->tail && hits_read(h, h->tail, &v))
        ret->oldest = v.at;
    pthread_mutex_unlock(&h->lock);
}
