/* Overwriting what deleted records leave behind, page by page, on the writer's thread and inside
 * its transaction: nobody else writes then.
 *
 * A page is free (a transaction that nobody reads any more freed it: LMDB itself would overwrite it
 * next), or a branch or leaf, whose middle between `lower` and `upper` holds nothing, or the first
 * of the pages of a large value, behind the end of which nothing stands either. How long the value
 * is, the leaf says that points to it. The layout is that of LMDB's data format 1 (mdb.c, MDB_page
 * and MDB_node), which all of 0.9 has. */
#include "scrub.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "env_priv.h"
#include "hayauma/base/bytes.h"
#include "hayauma/base/list.h"

enum {
    PAGE_HEAD = 16, /* number u64, 0 u16, flags u16, lower u16, upper u16 (or pages u32) */
    P_BRANCH = 1,
    P_LEAF = 2,
    P_OVERFLOW = 4,
    NODE_HEAD = 8, /* data size u32 (low, high half), flags u16, key size u16; key, data */
    NODE_BIG = 1,
    META_PAGES = 2,
    LOOK_BACK = 4096,  /* pages: more than any value has */
    FRESH_ENOUGH = 64, /* buffers in a row that were never used */
    BUFFERS_MAX = 100000,
    PAGE_MAX = 65536,
    LOOK_AT_CLOCK = 64, /* pages */
    KEY_MAX = 33,       /* bytes of the keys with which buffers are taken */
};

/* The file as the writer's transaction finds it. */
struct pages {
    const uint8_t *map;
    uint64_t bytes;   /* of the file */
    size_t size;      /* of a page */
    uint64_t n, last; /* pages of the file; the last that is committed */
    uint8_t *free;    /* a bit a page */
    int fd;
    struct hy_scrub *s;
    int err;
};

static const uint8_t *page_at(const struct pages *p, uint64_t no)
{
    return p->map + no * p->size;
}

static bool is_free(const struct pages *p, uint64_t no)
{
    return no > p->last || (p->free[no / 8] >> (no % 8) & 1);
}

/* ---- which pages are free ---- */

static int see_reader(const char *line, void *ctx)
{
    uint64_t *oldest = ctx;
    unsigned long long txn;
    int pid;
    char thread[32];
    if (sscanf(line, "%d %31s %llu", &pid, thread, &txn) == 3 && txn < *oldest)
        *oldest = txn;
    return 0;
}

/* The oldest snapshot that somebody reads, or the one before the newest. */
static uint64_t oldest_snapshot(struct hy_txn *t)
{
    uint64_t oldest = mdb_txn_id(t->mdb) - 1;
    (void)mdb_reader_list(t->env->mdb, see_reader, &oldest);
    return oldest;
}

/* The free list is LMDB's table 0: transaction -> count and numbers of the pages that it freed. It
 * can be read in a snapshot only, which is what the transaction at hand began with. */
static int mark_free(struct hy_txn *t, uint64_t before, struct pages *p)
{
    MDB_txn *snapshot;
    MDB_cursor *c;
    MDB_val k, v;
    int rc = mdb_txn_begin(t->env->mdb, NULL, MDB_RDONLY, &snapshot);
    if (rc)
        return hy_mdb_err(rc);
    rc = mdb_cursor_open(snapshot, 0, &c);
    if (rc) {
        mdb_txn_abort(snapshot);
        return hy_mdb_err(rc);
    }
    while ((rc = mdb_cursor_get(c, &k, &v, MDB_NEXT)) == 0) {
        const uint8_t *list = v.mv_data;
        uint64_t by, n, no;
        memcpy(&by, k.mv_data, sizeof by);
        memcpy(&n, list, sizeof n);
        for (uint64_t i = 1; by < before && i <= n && i < v.mv_size / sizeof n; i++) {
            memcpy(&no, list + i * sizeof no, sizeof no);
            if (no <= p->last)
                p->free[no / 8] |= (uint8_t)(1 << no % 8);
        }
    }
    mdb_cursor_close(c);
    mdb_txn_abort(snapshot);
    return rc == MDB_NOTFOUND ? 0 : hy_mdb_err(rc);
}

/* The whole file, mapped to be read. LMDB does not tell where its own map is. */
static int map_file(struct hy_env *env, const uint8_t **ret_map, uint64_t *ret_bytes, int *ret_fd)
{
    struct stat st;
    mdb_filehandle_t fd;
    int rc = mdb_env_get_fd(env->mdb, &fd);
    if (rc || fstat(fd, &st) < 0)
        return hy_mdb_err(rc ? rc : errno);
    void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED)
        return hy_mdb_err(errno);
    *ret_map = map;
    *ret_bytes = (uint64_t)st.st_size;
    *ret_fd = fd;
    return 0;
}

static void unmap_file(const uint8_t *map, uint64_t bytes)
{
    union {
        const uint8_t *in;
        void *out;
    } u = {.in = map};
    (void)munmap(u.out, (size_t)bytes);
}

static void pages_close(struct pages *p)
{
    free(p->free);
    unmap_file(p->map, p->bytes);
}

static int pages_open(struct hy_txn *t, struct hy_scrub *s, struct pages *ret)
{
    struct pages p = {.s = s};
    MDB_envinfo info;
    MDB_stat stat;
    int rc = mdb_env_info(t->env->mdb, &info);
    if (!rc)
        rc = mdb_env_stat(t->env->mdb, &stat);
    if (rc)
        return hy_mdb_err(rc);
    int err = map_file(t->env, &p.map, &p.bytes, &p.fd);
    if (err)
        return err;
    p.size = stat.ms_psize;
    p.n = p.bytes / p.size;
    p.last = info.me_last_pgno < p.n ? info.me_last_pgno : p.n - 1; /* or it was never written */
    p.free = calloc(1, p.n / 8 + 1);
    err = !p.free                                 ? HY_ENOMEM
          : p.size > PAGE_MAX || p.n < META_PAGES ? HY_ECORRUPT
                                                  : mark_free(t, oldest_snapshot(t), &p);
    if (err)
        pages_close(&p);
    else
        *ret = p;
    return err;
}

/* ---- zeros ---- */

/* Bytes [from, to) of the file, unless they are zeros. */
static void zero(struct pages *p, uint64_t from, uint64_t to)
{
    static const uint8_t zeros[PAGE_MAX];
    while (from < to && !p->err) {
        size_t n = to - from < p->size ? (size_t)(to - from) : p->size;
        if (memcmp(p->map + from, zeros, n) != 0) {
            ssize_t did = pwrite(p->fd, zeros, n, (off_t)from);
            if (did <= 0 && errno == EINTR)
                continue;
            if (did <= 0)
                p->err = hy_mdb_err(errno);
            else
                n = (size_t)did;
            p->s->zeroed += n;
        }
        from += n;
    }
}

/* Behind the end of a value that has pages of its own. */
static void zero_tail(struct pages *p, uint64_t no, uint32_t bytes)
{
    if (no < META_PAGES || no > p->last || is_free(p, no))
        return;
    const uint8_t *page = page_at(p, no);
    uint64_t pages = hy_get_le32(page + 12), end = no * p->size + PAGE_HEAD + bytes;
    if (hy_get_le64(page) == no && hy_get_le16(page + 10) == P_OVERFLOW && pages > 0 &&
        no + pages <= p->last + 1 && end <= (no + pages) * p->size)
        zero(p, end, (no + pages) * p->size);
}

/* The values of a leaf that lie elsewhere. */
static void zero_tails(struct pages *p, const uint8_t *page, unsigned lower)
{
    for (unsigned at = PAGE_HEAD; at + 2 <= lower && !p->err; at += 2) {
        size_t node = hy_get_le16(page + at);
        if (node < lower || node + NODE_HEAD > p->size)
            return;
        const uint8_t *n = page + node;
        size_t key = hy_get_le16(n + 6);
        if ((hy_get_le16(n + 4) & NODE_BIG) && node + NODE_HEAD + key + 8 <= p->size)
            zero_tail(p, hy_get_le64(n + NODE_HEAD + key),
                      (uint32_t)hy_get_le16(n) | (uint32_t)hy_get_le16(n + 2) << 16);
    }
}

/* One page that is not free, or all pages of a value; returns how many. What does not look like a
 * page stays as it is. */
static uint64_t zero_page(struct pages *p, uint64_t no)
{
    const uint8_t *page = page_at(p, no);
    unsigned flags = hy_get_le16(page + 10), lower = hy_get_le16(page + 12),
             upper = hy_get_le16(page + 14);
    if (hy_get_le64(page) != no)
        return 1;
    if (flags == P_OVERFLOW) {
        uint64_t n = hy_get_le32(page + 12);
        return n > 0 && n <= LOOK_BACK ? n : 1;
    }
    if ((flags != P_LEAF && flags != P_BRANCH) || lower < PAGE_HEAD || lower > upper ||
        upper > p->size)
        return 1;
    zero(p, no * p->size + lower, no * p->size + upper);
    if (flags == P_LEAF)
        zero_tails(p, page, lower);
    return 1;
}

/* A slice may begin among the pages of a value that came there since the one before: behind it. */
static uint64_t behind_value(const struct pages *p, uint64_t no)
{
    for (uint64_t back = 1; back < LOOK_BACK && no >= META_PAGES + back; back++) {
        const uint8_t *page = page_at(p, no - back);
        if (!is_free(p, no - back) && hy_get_le64(page) == no - back &&
            hy_get_le16(page + 10) == P_OVERFLOW) {
            uint64_t n = hy_get_le32(page + 12);
            return n > back && n <= LOOK_BACK ? no - back + n : no;
        }
    }
    return no;
}

void hy_scrub_begin(struct hy_txn *t, struct hy_scrub *s)
{
    *s = (struct hy_scrub){.behind = mdb_txn_id(t->mdb), .page = META_PAGES};
}

int hy_scrub_slice(struct hy_txn *t, struct hy_scrub *s)
{
    struct pages p = {0};
    if (oldest_snapshot(t) <= s->behind)
        return HY_EBUSY;
    int err = pages_open(t, s, &p);
    if (err)
        return err;
    uint64_t no = s->page < p.last ? behind_value(&p, s->page) : s->page;
    for (unsigned i = 1; no < p.n && !p.err; i++) {
        if (is_free(&p, no)) {
            zero(&p, no * p.size, (no + 1) * p.size);
            no++;
        } else {
            no += zero_page(&p, no);
        }
        if (i % LOOK_AT_CLOCK == 0 && hy_txn_should_yield(t))
            break;
    }
    bool is_over = no >= p.n;
    if (!p.err && is_over && fdatasync(p.fd) < 0)
        p.err = hy_mdb_err(errno);
    s->page = no;
    pages_close(&p);
    return p.err ? p.err : is_over ? 0 : HY_EMORE;
}

/* ---- buffers ---- */

/* Takes `*n` buffers, or, when that is 0, as many as there are until FRESH_ENOUGH in a row are as
 * new, fills them and gives them back; *n is how many it took. */
static int fill_buffers(struct hy_txn *t, size_t page, size_t key_bytes, uint32_t *n)
{
    static const uint8_t zeros[PAGE_MAX];
    MDB_txn *inner;
    uint32_t i = 0, fresh = 0;
    int rc = mdb_txn_begin(t->env->mdb, t->mdb, 0, &inner);
    if (rc)
        return rc;
    for (; i < BUFFERS_MAX && (*n ? i < *n : fresh < FRESH_ENOUGH); i++) {
        uint8_t key[KEY_MAX] = {0xff};
        hy_put_be32(key + 1, i);
        MDB_val k = {key_bytes, key}, v = {.mv_size = page - PAGE_HEAD};
        rc = mdb_put(inner, t->env->dbi[HY_TABLE_META], &k, &v, MDB_RESERVE);
        if (rc)
            break;
        fresh = memcmp(v.mv_data, zeros, v.mv_size) == 0 ? fresh + 1 : 0;
        memset(v.mv_data, 0, v.mv_size);
    }
    mdb_txn_abort(inner);
    *n = i;
    return rc;
}

/* LMDB keeps the buffers of dirty pages and gives them out again as they are, the last one first. A
 * transaction within this one, which is then dropped, takes them all, and fills them: but for those
 * that hold its own tree, a few of a hundred. So it is done again, with keys of other sizes, for
 * which other buffers hold the tree: one that never was among the filled is as good as impossible.
 */
int hy_scrub_buffers(struct hy_txn *t)
{
    static const size_t key_bytes[] = {5, 13, 21, KEY_MAX};
    MDB_stat stat;
    uint32_t n = 0;
    int rc = mdb_env_stat(t->env->mdb, &stat);
    if (rc)
        return hy_txn_fail(t, hy_mdb_err(rc));
    for (size_t i = 0; rc == 0 && i < sizeof key_bytes / sizeof *key_bytes; i++)
        rc = fill_buffers(t, stat.ms_psize, key_bytes[i], &n);
    return rc == MDB_TXN_FULL ? 0 : hy_mdb_err(rc);
}

/* ---- looking ---- */

/* Horspool, without the case of ASCII letters. */
static uint64_t count_in(struct hy_str hay, struct hy_str needle)
{
    size_t skip[256], last = needle.n - 1;
    uint64_t n = 0;
    for (size_t i = 0; i < 256; i++)
        skip[i] = needle.n;
    for (size_t i = 0; i < last; i++) {
        char c = hy_ascii_lower(needle.p[i]);
        skip[(uint8_t)c] = last - i;
        if (c >= 'a' && c <= 'z')
            skip[(uint8_t)(c - 32)] = last - i;
    }
    for (size_t at = 0; at + needle.n <= hay.n; at += skip[(uint8_t)hay.p[at + last]])
        n += hy_str_ieq(hy_str_slice(hay, at, at + needle.n), needle);
    return n;
}

int hy_scrub_find(struct hy_txn *t, struct hy_str needle, uint64_t *ret_n)
{
    const uint8_t *map = NULL;
    uint64_t bytes = 0;
    int fd;
    if (needle.n < 4)
        return HY_EINVAL;
    int err = map_file(t->env, &map, &bytes, &fd);
    if (err)
        return err;
    *ret_n = count_in(hy_str_make(map, (size_t)bytes), needle);
    unmap_file(map, bytes);
    return 0;
}
