/* A destination of JSON lines: one file that grows (NAME-...jsonl.part) and complete ones.
 *
 * Happy path: read a batch, write it, sync it, store the place: cursor, file and length in one
 * record; when the file is large or old enough, store that a new one begins, then compress and
 * rename the old.
 * How it fails: after a kill, what stands behind the stored length is cut off and written again
 * from the stored cursor, so every line is there exactly once; a part that was complete is
 * finished. What cannot be written is cut off, and tried again later. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "events.h"
#include "hayauma/base/list.h"
#include "hayauma/base/log.h"

enum {
    BATCH_BYTES = 4 << 20,
    FLUSH_US = 250 * 1000, /* what is little waits, so that commits stay few */
    EXPIRE_US = 60 * 1000000,
    NAME_BYTES = 160,
};
#define RETRY_MOST_US (60 * HY_US_PER_SEC)

struct lines {
    struct dest d; /* first */
    const struct hy_events_file *f;
    int fd; /* of the part; -1: not open */
    uint64_t seq, length;
    hy_wall_ms opened; /* 0: no part yet */
    char part[NAME_BYTES];
    hy_us next_flush, next_expire;
    struct batch batch;
};

static struct lines *of(struct dest *d)
{
    return hy_container_of(d, struct lines, d);
}

/* "SEQ LENGTH OPENED" */
static void own_state(const struct lines *l, char out[STATE_TEXT_MAX])
{
    snprintf(out, STATE_TEXT_MAX, "%lu %lu %ld", l->seq, l->length, l->opened);
}

static int commit(struct lines *l, bool waits)
{
    char own[STATE_TEXT_MAX];
    own_state(l, own);
    return waits ? dest_commit_wait(&l->d, own) : dest_commit(&l->d, own);
}

static int path_of(const struct lines *l, char out[4096 + NAME_BYTES])
{
    int n = snprintf(out, 4096 + NAME_BYTES, "%s/%s", l->f->dir, l->part);
    return n > 0 && n < 4096 + NAME_BYTES ? HY_OK : HY_ELIMIT;
}

static void failed(struct lines *l, const char *what, int code)
{
    if (l->fd >= 0)
        close(l->fd); /* opened anew, and cut to what is known to be good */
    l->fd = -1;
    dest_failed(&l->d, RETRY_MOST_US, "%s in %s: %s", what, l->f->dir, strerror(code));
}

/* ---- the part ---- */

/* Cuts off what a crash left behind the stored length. */
static int fit(struct lines *l, int fd)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return errno;
    if ((uint64_t)st.st_size < l->length) {
        hy_log(HY_LOG_ERROR, "events",
               "file %s: %s is %lu bytes long and should be %lu: what is missing was lost before "
               "it reached the disk (events.files.sync)",
               l->d.name, l->part, (uint64_t)st.st_size, l->length);
        l->length = (uint64_t)st.st_size;
    }
    if ((uint64_t)st.st_size > l->length && ftruncate(fd, (off_t)l->length) != 0)
        return errno;
    return lseek(fd, (off_t)l->length, SEEK_SET) < 0 ? errno : 0;
}

/* The store knows a part by its name before there is one: what stands there besides is complete. */
static bool begin(struct lines *l)
{
    l->opened = hy_clock_wall_ms();
    l->length = 0;
    int err = commit(l, true);
    if (!err)
        return true;
    l->opened = 0;
    dest_failed(&l->d, RETRY_MOST_US, "its place cannot be stored: %s", hy_err_text(err));
    return false;
}

static bool open_part(struct lines *l)
{
    char path[4096 + NAME_BYTES];
    if (l->fd >= 0)
        return true;
    if (!l->opened && !begin(l))
        return false;
    lines_part_name(l->d.name, l->seq, l->opened, l->part, sizeof l->part);
    int code = path_of(l, path) ? ENAMETOOLONG : 0;
    if (!code && mkdir(l->f->dir, 0750) != 0 && errno != EEXIST)
        code = errno;
    int fd = code ? -1 : open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (!code && fd < 0)
        code = errno;
    if (!code && flock(fd, LOCK_EX | LOCK_NB) != 0)
        code = errno == EWOULDBLOCK ? EBUSY : errno;
    if (!code)
        code = fit(l, fd);
    if (code) {
        if (fd >= 0)
            close(fd);
        failed(l, "the file cannot be opened", code);
        return false;
    }
    l->fd = fd;
    (void)lines_finish_rest(l->f->dir, l->d.name, l->part, l->f->level);
    return true;
}

static int write_all(int fd, const char *p, size_t n)
{
    while (n) {
        ssize_t did = write(fd, p, n);
        if (did < 0 && errno == EINTR)
            continue;
        if (did < 0)
            return errno;
        p += did;
        n -= (size_t)did;
    }
    return 0;
}

/* Writes the batch; the cursor moves only with it. */
static bool write_batch(struct lines *l)
{
    const struct batch *b = &l->batch;
    int code = write_all(l->fd, b->bytes.data, b->bytes.len);
    if (!code && l->f->sync == HY_EVENTS_SYNC_BATCH && fdatasync(l->fd) != 0)
        code = errno;
    if (code) {
        failed(l, "lines cannot be written", code);
        return false;
    }
    l->length += b->bytes.len;
    l->d.owes = true;
    hy_count_add(&l->d.counts.sent, b->n);
    hy_count_add(&l->d.counts.bytes, b->bytes.len);
    return true;
}

/* ---- a complete file ---- */

static bool is_complete(const struct lines *l)
{
    if (l->length == 0)
        return false;
    return l->length >= l->f->rotate_bytes ||
           (l->f->rotate_us && hy_clock_wall_ms() - l->opened >= l->f->rotate_us / HY_US_PER_MS);
}

/* Stores first that the next file has begun: whatever happens then, this one is complete. */
static bool rotate(struct lines *l)
{
    char part[NAME_BYTES];
    const uint64_t length = l->length;
    const hy_wall_ms opened = l->opened;
    memcpy(part, l->part, sizeof part);
    if (l->f->sync != HY_EVENTS_SYNC_NEVER && fdatasync(l->fd) != 0) {
        failed(l, "lines cannot be written", errno);
        return false;
    }
    l->seq++;
    l->length = 0;
    l->opened = 0;
    int err = commit(l, true);
    if (err) {
        l->seq--;
        l->length = length;
        l->opened = opened;
        dest_failed(&l->d, RETRY_MOST_US, "its place cannot be stored: %s", hy_err_text(err));
        return false;
    }
    close(l->fd);
    l->fd = -1;
    err = lines_finish(l->f->dir, part, l->f->level);
    if (err) /* it is finished when the next one is opened after a restart, or by hand */
        hy_log(HY_LOG_ERROR, "events", "file %s: %s/%s cannot be finished: %s", l->d.name,
               l->f->dir, part, hy_err_text(err));
    hy_count_add(&l->d.counts.files, 1);
    return true;
}

static void expire(struct lines *l, hy_us now)
{
    const struct hy_events_file *f = l->f;
    if (now < l->next_expire || (!f->keep_us && !f->keep_bytes))
        return;
    l->next_expire = now + EXPIRE_US;
    hy_wall_ms before = f->keep_us ? hy_clock_wall_ms() - f->keep_us / HY_US_PER_MS : 0;
    (void)lines_expire(f->dir, l->d.name, before, f->keep_bytes);
}

/* ---- steps ---- */

/* True: there is more to do at once. */
static bool work(struct lines *l, hy_us now)
{
    struct dest *d = &l->d;
    if (!open_part(l))
        return false;
    hy_buf_reset(&l->batch.bytes);
    int err = dest_read(d, '\n', true, UINT32_MAX, BATCH_BYTES, &l->batch);
    if (err) {
        dest_failed(d, RETRY_MOST_US, "the log cannot be read: %s", hy_err_text(err));
        return false;
    }
    bool has_lines = l->batch.n > 0;
    if (has_lines && !write_batch(l))
        return false;
    bool has_moved = l->batch.last != d->cursor;
    d->cursor = l->batch.last;
    if (has_lines || (has_moved && now - d->place.committed_at > QUIET_COMMIT_US))
        (void)commit(l, false); /* what is under way is followed by the next */
    dest_succeeded(d);
    if (is_complete(l) && !rotate(l))
        return false;
    return !l->batch.is_all;
}

hy_us lines_step(struct dest *d, hy_us now)
{
    struct lines *l = of(d);
    char own[STATE_TEXT_MAX];
    hy_us next = now + LOOK_US;
    if (dest_take_orders(d))
        (void)commit(l, true);
    if (d->is_paused) {
        dest_show(d, l->f->dir, now);
        return now + 10 * HY_US_PER_SEC;
    }
    if (now >= d->next_try && now >= l->next_flush) {
        l->next_flush = work(l, now) ? now : now + FLUSH_US;
        next = l->next_flush;
    }
    own_state(l, own);
    dest_catch_up(d, own);
    expire(l, now);
    dest_show(d, l->f->dir, now);
    return d->next_try > now && d->next_try > next ? d->next_try : next;
}

/* ---- its life ---- */

void lines_apply(struct dest *d, const struct hy_events_file *f)
{
    struct lines *l = of(d);
    if (l->f && strcmp(l->f->dir, f->dir) != 0 && l->fd >= 0) { /* another folder: go on there */
        if (l->length)
            (void)rotate(l);
        if (l->fd >= 0)
            close(l->fd);
        l->fd = -1;
    }
    l->f = f;
    d->filter = &f->filter;
    d->is_configured = true;
}

int lines_new(struct side *s, const struct hy_events_file *f, struct dest **ret)
{
    char own[STATE_TEXT_MAX];
    struct lines *l = calloc(1, sizeof *l);
    if (!l)
        return HY_ENOMEM;
    l->fd = -1;
    l->seq = 1;
    l->d.side = s;
    l->batch.bytes = HY_BUF_INIT(BATCH_BYTES + HY_EVENT_MAX);
    memcpy(l->d.name, f->name, sizeof l->d.name);
    lines_apply(&l->d, f);
    int err = dest_load(&l->d, own);
    if (err) {
        free(l);
        return err;
    }
    if (own[0] && sscanf(own, "%lu %lu %ld", &l->seq, &l->length, &l->opened) != 3)
        hy_log(HY_LOG_WARNING, "events", "file %s: what the store knows of it cannot be read",
               f->name);
    (void)commit(l, true); /* from now on it holds what it has not read */
    *ret = &l->d;
    return HY_OK;
}

void lines_free(struct dest *d)
{
    struct lines *l = of(d);
    if (!d->side->is_over || d->place.cursor != d->cursor)
        (void)commit(l, true);
    if (l->fd >= 0)
        close(l->fd);
    hy_buf_free(&l->batch.bytes);
    free(l);
}
