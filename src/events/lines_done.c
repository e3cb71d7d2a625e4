/* Complete files: named, compressed by zstd, and deleted in their time. A file has its final name
 * only when all of it is on the disk, so whoever collects *.jsonl and *.jsonl.zst never sees half
 * of one. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zstd.h>

#include "events.h"
#include "hayauma/base/log.h"

enum { PIECE = 256 << 10, PATH_BYTES = 4096 + 256, LISTED_MAX = 100000 };

static const struct hy_str part_end = {".part", 5};

void lines_part_name(const char *name, uint64_t seq, hy_wall_ms opened, char *out, size_t room)
{
    time_t s = (time_t)(opened / 1000);
    struct tm tm;
    char at[24] = "";
    if (gmtime_r(&s, &tm))
        strftime(at, sizeof at, "%Y%m%dT%H%M%SZ", &tm);
    snprintf(out, room, "%s-%08lu-%s.jsonl.part", name, seq, at);
}

static int error_of(int code)
{
    return code == ENOSPC || code == EDQUOT || code == EFBIG ? HY_EFULL
           : code == ENOENT                                  ? HY_ENOTFOUND
           : code == ENOMEM                                  ? HY_ENOMEM
                                                             : HY_EIO;
}

static int join(char out[PATH_BYTES], const char *dir, struct hy_str name, const char *end)
{
    int n = snprintf(out, PATH_BYTES, "%s/%.*s%s", dir, HY_STR_ARG(name), end);
    return n > 0 && n < PATH_BYTES ? HY_OK : HY_ELIMIT;
}

static int sync_dir(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int err = fd < 0 || fsync(fd) != 0 ? error_of(errno) : HY_OK;
    if (fd >= 0)
        close(fd);
    return err;
}

/* ---- compressing ---- */

struct squeeze {
    int in, out;
    ZSTD_CCtx *z;
    char *from, *to;
};

static int write_out(const struct squeeze *q, size_t n)
{
    for (size_t at = 0; at < n;) {
        ssize_t did = write(q->out, q->to + at, n - at);
        if (did < 0 && errno == EINTR)
            continue;
        if (did < 0)
            return error_of(errno);
        at += (size_t)did;
    }
    return HY_OK;
}

static int squeeze_piece(const struct squeeze *q, size_t n, bool is_last)
{
    ZSTD_inBuffer in = {q->from, n, 0};
    size_t left = 1;
    while (in.pos < in.size || (is_last && left)) {
        ZSTD_outBuffer out = {q->to, PIECE, 0};
        left = ZSTD_compressStream2(q->z, &out, &in, is_last ? ZSTD_e_end : ZSTD_e_continue);
        if (ZSTD_isError(left))
            return HY_ENOMEM;
        int err = write_out(q, out.pos);
        if (err)
            return err;
    }
    return HY_OK;
}

static int squeeze_all(const struct squeeze *q)
{
    for (;;) {
        ssize_t n = read(q->in, q->from, PIECE);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_of(errno);
        int err = squeeze_piece(q, (size_t)n, n == 0);
        if (err || n == 0)
            return err;
    }
}

static int compress(const char *from, const char *to, int level)
{
    struct squeeze q = {.in = open(from, O_RDONLY | O_CLOEXEC), .out = -1};
    if (q.in < 0)
        return error_of(errno);
    q.out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
    int err = q.out < 0 ? error_of(errno) : HY_OK;
    q.z = ZSTD_createCCtx();
    q.from = malloc(PIECE);
    q.to = malloc(PIECE);
    if (!err && (!q.z || !q.from || !q.to))
        err = HY_ENOMEM;
    if (!err && (ZSTD_isError(ZSTD_CCtx_setParameter(q.z, ZSTD_c_compressionLevel, level)) ||
                 ZSTD_isError(ZSTD_CCtx_setParameter(q.z, ZSTD_c_checksumFlag, 1))))
        err = HY_EINVAL;
    if (!err)
        err = squeeze_all(&q);
    if (!err && fsync(q.out) != 0)
        err = error_of(errno);
    ZSTD_freeCCtx(q.z);
    free(q.from);
    free(q.to);
    close(q.in);
    if (q.out >= 0 && close(q.out) != 0 && !err)
        err = error_of(errno);
    return err;
}

/* ---- finishing ---- */

int lines_finish(const char *dir, const char *part, int level)
{
    char from[PATH_BYTES], half[PATH_BYTES], final[PATH_BYTES];
    struct hy_str name = hy_str_of(part), stem = hy_str_slice(name, 0, name.n - part_end.n);
    int err = join(from, dir, name, "");
    if (!err)
        err = join(half, dir, stem, ".zst.tmp");
    if (!err)
        err = join(final, dir, stem, level ? ".zst" : "");
    if (!err && level)
        err = compress(from, half, level);
    if (!err && rename(level ? half : from, final) != 0)
        err = error_of(errno);
    if (!err)
        err = sync_dir(dir);
    if (!err && level && unlink(from) != 0)
        err = error_of(errno);
    return err;
}

static bool is_ours(struct hy_str file, const char *name, struct hy_str end)
{
    struct hy_str stem = hy_str_of(name);
    if (!hy_str_starts(file, stem) || !hy_str_ends(file, end) || file.n < stem.n + 10 + end.n ||
        file.p[stem.n] != '-')
        return false;
    for (size_t i = 1; i <= 8; i++) /* the number: "a" must not take the files of "a-b" */
        if (file.p[stem.n + i] < '0' || file.p[stem.n + i] > '9')
            return false;
    return true;
}

unsigned lines_finish_rest(const char *dir, const char *name, const char *current, int level)
{
    DIR *d = opendir(dir);
    unsigned n = 0;
    const struct dirent *e;
    while (d && (e = readdir(d)) != NULL) {
        if (strcmp(e->d_name, current) == 0 || !is_ours(hy_str_of(e->d_name), name, part_end))
            continue;
        int err = lines_finish(dir, e->d_name, level);
        if (err)
            hy_log(HY_LOG_ERROR, "events", "file %s: %s/%s cannot be finished: %s", name, dir,
                   e->d_name, hy_err_text(err));
        else
            n++;
    }
    if (d)
        closedir(d);
    return n;
}

/* ---- deleting ---- */

struct listed {
    char *name;
    hy_wall_ms at;
    uint64_t bytes;
};

struct listing {
    struct listed *items;
    size_t n, room;
    uint64_t bytes;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct listed *)a)->name, ((const struct listed *)b)->name);
}

static bool list_add(struct listing *l, const char *name, const struct stat *st)
{
    if (l->n == LISTED_MAX)
        return false;
    if (l->n == l->room) {
        size_t room = l->room ? l->room * 2 : 64;
        struct listed *items = realloc(l->items, room * sizeof *items);
        if (!items)
            return false;
        l->items = items;
        l->room = room;
    }
    char *copy = strdup(name);
    if (!copy)
        return false;
    l->items[l->n++] = (struct listed){
        .name = copy, .at = (hy_wall_ms)st->st_mtim.tv_sec * 1000, .bytes = (uint64_t)st->st_size};
    l->bytes += (uint64_t)st->st_size;
    return true;
}

static void list(const char *dir, const char *name, struct listing *l)
{
    DIR *d = opendir(dir);
    const struct dirent *e;
    struct stat st;
    while (d && (e = readdir(d)) != NULL) {
        struct hy_str file = hy_str_of(e->d_name);
        if (!is_ours(file, name, HY_STR(".jsonl")) && !is_ours(file, name, HY_STR(".jsonl.zst")))
            continue;
        if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
            !list_add(l, e->d_name, &st))
            break;
    }
    if (d)
        closedir(d);
}

unsigned lines_expire(const char *dir, const char *name, hy_wall_ms before, uint64_t keep_bytes)
{
    char path[PATH_BYTES];
    struct listing l = {0};
    unsigned deleted = 0;
    list(dir, name, &l);
    if (l.n)
        qsort(l.items, l.n, sizeof *l.items, by_name); /* numbered: the oldest first */
    for (size_t i = 0; i < l.n; i++) {
        const struct listed *f = &l.items[i];
        bool is_over = f->at < before || (keep_bytes && l.bytes > keep_bytes);
        if (is_over && join(path, dir, hy_str_of(f->name), "") == HY_OK && unlink(path) == 0) {
            l.bytes -= f->bytes;
            deleted++;
        }
        free(f->name);
    }
    free(l.items);
    return deleted;
}
