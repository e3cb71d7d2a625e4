/* The contact table. A slot holds the last 16 mails of a lead as hours of two bytes, which repeat
 * after seven years: an hour that seems to lie ahead, or further back than any cap reaches, does
 * not count. Slots are written one u16 at a time, under the shard's lock. */
#include "hayauma/store/contacts.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MAGIC = 0x63746e63, /* "cntc" */
    VERSION = 1,
    HEADER_BYTES = 4096,
    GROW_BYTES = 1 << 20, /* the file grows by this: room for 32,768 leads */
    SHARDS = 64,
    SHARD_SHIFT = 58,
};
#define HOURS_CYCLE 65535 /* hours are 1..65535; 0 = no mail */
#define MAP_BYTES   (HEADER_BYTES + ((uint64_t)UINT32_MAX + 1) * sizeof(struct slot))

struct header {
    uint32_t magic, version;
};

struct slot {
    uint16_t hour[HY_CONTACTS_KEPT];
};

/* A lead with mails on their way; lead 0 is a free place. */
struct claim {
    hy_lead_no lead;
    uint32_t n;
};

/* Leads are spread over shards by a hash; each has its own lock and its own claims, found by
 * probing onwards. */
struct shard {
    pthread_mutex_t lock;
    struct claim *claims;
    uint32_t size, used; /* size: a power of two, at most three quarters of it used */
};

struct hy_contacts {
    int fd;
    char *map;
    pthread_mutex_t grow;
    _Atomic uint64_t bytes; /* of the file, all of them allocated */
    struct shard shards[SHARDS];
};

static uint16_t hour_of(hy_wall_ms t)
{
    return (uint16_t)(t / 3600000 % HOURS_CYCLE + 1);
}

static uint64_t spread(hy_lead_no lead)
{
    return lead * 0x9e3779b97f4a7c15u;
}

static struct slot *slot_of(const struct hy_contacts *c, hy_lead_no lead)
{
    return (struct slot *)(void *)(c->map + HEADER_BYTES) + lead;
}

static uint64_t end_of(hy_lead_no lead)
{
    return HEADER_BYTES + ((uint64_t)lead + 1) * sizeof(struct slot);
}

/* ---- the file ---- */

/* A store into a hole of a full disk would be a SIGBUS: blocks are there before the first store. */
static int grow(struct hy_contacts *c, uint64_t bytes)
{
    if (bytes <= atomic_load_explicit(&c->bytes, memory_order_acquire))
        return HY_OK;
    int err = HY_OK;
    pthread_mutex_lock(&c->grow);
    uint64_t now = atomic_load(&c->bytes);
    if (bytes > now) {
        uint64_t to = (bytes + GROW_BYTES - 1) / GROW_BYTES * GROW_BYTES;
        int rc = posix_fallocate(c->fd, (off_t)now, (off_t)(to - now));
        if (rc == 0)
            atomic_store_explicit(&c->bytes, to, memory_order_release);
        else
            err = rc == ENOSPC || rc == EDQUOT || rc == EFBIG ? HY_EFULL : HY_EIO;
    }
    pthread_mutex_unlock(&c->grow);
    return err;
}

static int open_file(struct hy_contacts *c, const char *path, struct hy_diag *diag)
{
    struct stat st;
    c->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (c->fd < 0 || fstat(c->fd, &st) < 0)
        return hy_fail(diag, HY_EIO, "cannot open %s: %s", path, strerror(errno));
    atomic_init(&c->bytes, (uint64_t)st.st_size / GROW_BYTES * GROW_BYTES);
    int err = grow(c, HEADER_BYTES);
    if (err)
        return hy_fail(diag, err, "cannot make room for %s: %s", path, hy_err_text(err));
    void *p = mmap(NULL, MAP_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, c->fd, 0);
    if (p == MAP_FAILED)
        return hy_fail(diag, HY_EIO, "cannot map %s: %s", path, strerror(errno));
    c->map = p;
    struct header *h = p;
    if (h->magic == 0)
        *h = (struct header){MAGIC, VERSION};
    if (h->magic != MAGIC)
        return hy_fail(diag, HY_ECORRUPT,
                       "%s is damaged: move it away and start again; which mails "
                       "leads had lately is then forgotten",
                       path);
    if (h->version > VERSION)
        return hy_fail(diag, HY_EVERSION, "%s has version %u: it was written by a newer hayauma",
                       path, h->version);
    return HY_OK;
}

int hy_contacts_open(const char *data_dir, uint32_t most, struct hy_contacts **ret,
                     struct hy_diag *diag)
{
    char path[4096];
    if ((size_t)snprintf(path, sizeof path, "%s/contacts", data_dir) >= sizeof path)
        return hy_fail(diag, HY_EINVAL, "the path of the data directory is too long");
    struct hy_contacts *c = calloc(1, sizeof *c);
    if (!c)
        return HY_ENOMEM;
    c->fd = -1;
    pthread_mutex_init(&c->grow, NULL);
    int err = HY_OK;
    for (unsigned i = 0; i < SHARDS; i++) {
        struct shard *s = &c->shards[i];
        pthread_mutex_init(&s->lock, NULL);
        s->size = most / SHARDS < 8 ? 16 : 2 * (most / SHARDS);
        s->claims = calloc(s->size, sizeof *s->claims);
        if (!s->claims)
            err = HY_ENOMEM;
    }
    if (!err)
        err = open_file(c, path, diag);
    if (err) {
        hy_contacts_close(c);
        return err;
    }
    *ret = c;
    return HY_OK;
}

void hy_contacts_close(struct hy_contacts *c)
{
    if (!c)
        return;
    if (c->map)
        munmap(c->map, MAP_BYTES);
    if (c->fd >= 0)
        close(c->fd);
    for (unsigned i = 0; i < SHARDS; i++) {
        pthread_mutex_destroy(&c->shards[i].lock);
        free(c->shards[i].claims);
    }
    pthread_mutex_destroy(&c->grow);
    free(c);
}

/* ---- slots and claims; the shard is locked ---- */

static uint32_t hours_ago(uint16_t hour, uint16_t now)
{
    return (uint32_t)(hour <= now ? now - hour : HOURS_CYCLE + now - hour);
}

static uint32_t count(const struct slot *s, uint32_t hours, uint16_t now)
{
    uint32_t n = 0;
    for (unsigned i = 0; i < HY_CONTACTS_KEPT; i++)
        n += s->hour[i] != 0 && hours_ago(s->hour[i], now) < hours;
    return n;
}

/* Over the oldest. */
static void note(struct slot *s, uint16_t now)
{
    unsigned oldest = 0;
    uint32_t most = 0;
    for (unsigned i = 0; i < HY_CONTACTS_KEPT; i++) {
        uint32_t ago = s->hour[i] ? hours_ago(s->hour[i], now) : UINT32_MAX;
        if (ago > most) {
            most = ago;
            oldest = i;
        }
    }
    s->hour[oldest] = now;
}

static uint32_t home_of(const struct shard *s, hy_lead_no lead)
{
    return (uint32_t)(spread(lead) >> 20) & (s->size - 1);
}

/* The lead's claim, or the free place where it would be. */
static struct claim *find(struct shard *s, hy_lead_no lead)
{
    uint32_t i = home_of(s, lead);
    while (s->claims[i].lead && s->claims[i].lead != lead)
        i = (i + 1) & (s->size - 1);
    return &s->claims[i];
}

/* Frees a place and closes the gap behind it. */
static void remove_claim(struct shard *s, struct claim *at)
{
    uint32_t hole = (uint32_t)(at - s->claims), i = hole;
    for (;;) {
        i = (i + 1) & (s->size - 1);
        if (!s->claims[i].lead)
            break;
        uint32_t home = home_of(s, s->claims[i].lead);
        if (((i - home) & (s->size - 1)) >= ((i - hole) & (s->size - 1))) {
            s->claims[hole] = s->claims[i];
            hole = i;
        }
    }
    s->claims[hole] = (struct claim){0};
    s->used--;
}

static int claim_locked(struct hy_contacts *c, struct shard *s, hy_lead_no lead,
                        const struct hy_contact_cap *cap, uint16_t now)
{
    struct claim *at = find(s, lead);
    if (count(slot_of(c, lead), cap->hours, now) + at->n >= cap->mails)
        return HY_ELIMIT;
    if (!at->lead && s->used >= s->size / 4 * 3)
        return HY_EBUSY;
    s->used += !at->lead;
    at->lead = lead;
    at->n++;
    return HY_OK;
}

int hy_contacts_claim(struct hy_contacts *c, hy_lead_no lead, const struct hy_contact_cap *cap,
                      hy_wall_ms now)
{
    int err = grow(c, end_of(lead));
    if (err)
        return err;
    struct shard *s = &c->shards[spread(lead) >> SHARD_SHIFT];
    pthread_mutex_lock(&s->lock);
    err = claim_locked(c, s, lead, cap, hour_of(now));
    pthread_mutex_unlock(&s->lock);
    return err;
}

void hy_contacts_release(struct hy_contacts *c, hy_lead_no lead, hy_wall_ms mailed)
{
    struct shard *s = &c->shards[spread(lead) >> SHARD_SHIFT];
    pthread_mutex_lock(&s->lock);
    if (mailed)
        note(slot_of(c, lead), hour_of(mailed));
    struct claim *at = find(s, lead);
    if (at->lead && --at->n == 0)
        remove_claim(s, at);
    pthread_mutex_unlock(&s->lock);
}

uint32_t hy_contacts_count(struct hy_contacts *c, hy_lead_no lead, uint32_t hours, hy_wall_ms now)
{
    if (end_of(lead) > atomic_load_explicit(&c->bytes, memory_order_acquire))
        return 0;
    struct shard *s = &c->shards[spread(lead) >> SHARD_SHIFT];
    pthread_mutex_lock(&s->lock);
    uint32_t n = count(slot_of(c, lead), hours, hour_of(now));
    pthread_mutex_unlock(&s->lock);
    return n;
}

void hy_contacts_forget(struct hy_contacts *c, hy_lead_no lead)
{
    if (end_of(lead) > atomic_load_explicit(&c->bytes, memory_order_acquire))
        return;
    struct shard *s = &c->shards[spread(lead) >> SHARD_SHIFT];
    pthread_mutex_lock(&s->lock);
    *slot_of(c, lead) = (struct slot){0};
    pthread_mutex_unlock(&s->lock);
}
