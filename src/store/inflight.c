/* The in-flight table: a shared mapping that outlives its process. See the header for the life of a
 * slot, recover.c for what is made of it after a crash. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hayauma/base/hash.h"
#include "inflight_priv.h"

/* Against torn pages after a power cut, not against people. */
static uint32_t sum(const void *p, size_t n)
{
    static const struct hy_hash_key key = {0x6861796175, 0x6d61};
    return (uint32_t)hy_siphash(&key, p, n);
}

uint32_t hy_slot_ref_sum(const struct hy_inflight_slot *s)
{
    return sum(&s->ref, sizeof s->ref);
}

uint32_t hy_slot_answer_sum(const struct hy_inflight_slot *s)
{
    size_t n = s->answer.text_n <= HY_INFLIGHT_TEXT_MAX ? s->answer.text_n : 0;
    return sum(&s->answer, offsetof(struct hy_slot_answer, text) + n);
}

/* ---- the file ---- */

static size_t file_bytes(uint32_t slots)
{
    return HY_INFLIGHT_HEADER_BYTES + (size_t)slots * HY_INFLIGHT_SLOT_BYTES;
}

/* How many slots the file has, 0 when it is new. */
static int read_header(int fd, uint32_t *ret_slots, struct hy_diag *diag)
{
    struct hy_inflight_header h;
    ssize_t n = pread(fd, &h, sizeof h, 0);
    if (n < 0)
        return hy_fail(diag, HY_EIO, "cannot read the in-flight table: %s", strerror(errno));
    struct stat st;
    if (fstat(fd, &st) < 0)
        return HY_EIO;
    if (n < (ssize_t)sizeof h || h.magic == 0) { /* killed before it was ever used */
        *ret_slots = 0;
        return 0;
    }
    if (h.magic != HY_INFLIGHT_MAGIC || h.slot_bytes != HY_INFLIGHT_SLOT_BYTES || h.slots == 0 ||
        h.slots > HY_INFLIGHT_SLOTS_MAX || (size_t)st.st_size < file_bytes(h.slots))
        return hy_fail(diag, HY_ECORRUPT, "the in-flight table is damaged");
    if (h.version > HY_INFLIGHT_VERSION)
        return hy_fail(diag, HY_EVERSION, "the in-flight table has version %u", h.version);
    *ret_slots = h.slots;
    return 0;
}

/* All blocks are there before the first store: a store into a hole of a full disk is a SIGBUS. */
static int map_file(struct hy_inflight *f, struct hy_diag *diag)
{
    int rc = posix_fallocate(f->fd, 0, (off_t)f->bytes);
    if (rc != 0)
        return hy_fail(diag, rc == ENOSPC || rc == EDQUOT || rc == EFBIG ? HY_EFULL : HY_EIO,
                       "cannot make room for the in-flight table: %s", strerror(rc));
    void *p = mmap(NULL, f->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, 0);
    if (p == MAP_FAILED)
        return hy_fail(diag, errno == ENOMEM ? HY_ENOMEM : HY_EIO,
                       "cannot map the in-flight table: %s", strerror(errno));
    f->header = p;
    f->slots = (struct hy_inflight_slot *)(void *)((char *)p + HY_INFLIGHT_HEADER_BYTES);
    f->header->version = HY_INFLIGHT_VERSION;
    f->header->slot_bytes = HY_INFLIGHT_SLOT_BYTES;
    f->header->slots = f->in_file;
    atomic_store(&f->header->magic, HY_INFLIGHT_MAGIC);
    return 0;
}

/* ---- free lists: a worker takes from its own; what others return waits on a second list ---- */

static struct hy_inflight_list *list_of(struct hy_inflight *f, uint32_t slot)
{
    uint32_t worker = slot / f->per_worker;
    return &f->lists[worker < f->workers ? worker : f->workers - 1];
}

static void push_local(struct hy_inflight *f, uint32_t slot)
{
    struct hy_inflight_list *l = list_of(f, slot);
    f->next[slot] = l->local;
    l->local = slot;
}

/* Only free slots are given out; what a process before left in use stays until recovery. */
static void build_lists(struct hy_inflight *f)
{
    for (unsigned i = 0; i < f->workers; i++) {
        f->lists[i].local = HY_INFLIGHT_NONE;
        atomic_store(&f->lists[i].returned, HY_INFLIGHT_NONE);
    }
    for (uint32_t slot = f->n_slots; slot-- > 0;)
        if (atomic_load(&f->slots[slot].state) == HY_SLOT_FREE)
            push_local(f, slot);
    atomic_store(&f->used, 0);
}

void hy_inflight_reset(struct hy_inflight *f)
{
    for (uint32_t slot = 0; slot < f->in_file; slot++) {
        if (atomic_load(&f->slots[slot].state) == HY_SLOT_FREE)
            continue;
        atomic_store(&f->slots[slot].state, HY_SLOT_FREE);
        memset(f->slots[slot].answer.text, 0, HY_INFLIGHT_TEXT_MAX);
    }
    build_lists(f);
}

/* ---- life of the table ---- */

int hy_inflight_open(const char *data_dir, uint32_t slots, unsigned workers,
                     struct hy_inflight **ret, struct hy_diag *diag)
{
    char path[4096];
    if (slots == 0 || slots > HY_INFLIGHT_SLOTS_MAX || workers == 0 ||
        workers > HY_INFLIGHT_WORKERS_MAX || workers > slots)
        return hy_fail(diag, HY_EINVAL, "in-flight table: %u slots for %u workers", slots, workers);
    if ((size_t)snprintf(path, sizeof path, "%s/inflight", data_dir) >= sizeof path)
        return HY_EINVAL;
    struct hy_inflight *f = calloc(1, sizeof *f);
    if (!f)
        return HY_ENOMEM;
    f->n_slots = slots;
    f->workers = workers;
    f->per_worker = slots / workers;
    int err = HY_ENOMEM;
    f->next = calloc(slots, sizeof *f->next);
    f->lists = calloc(workers, sizeof *f->lists);
    f->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (!f->next || !f->lists)
        goto fail;
    err = HY_EIO;
    if (f->fd < 0) {
        hy_fail(diag, err, "cannot open %s: %s", path, strerror(errno));
        goto fail;
    }
    err = read_header(f->fd, &f->in_file, diag);
    if (err)
        goto fail;
    if (f->in_file < slots)
        f->in_file = slots;
    f->bytes = file_bytes(f->in_file);
    err = map_file(f, diag);
    if (err)
        goto fail;
    build_lists(f);
    *ret = f;
    return 0;
fail:
    hy_inflight_close(f);
    return err;
}

void hy_inflight_close(struct hy_inflight *f)
{
    if (!f)
        return;
    if (f->header)
        munmap(f->header, f->bytes);
    if (f->fd >= 0)
        close(f->fd);
    free(f->next);
    free(f->lists);
    free(f);
}

/* ---- life of a slot ---- */

uint32_t hy_inflight_claim(struct hy_inflight *f, unsigned worker)
{
    struct hy_inflight_list *l = &f->lists[worker];
    if (l->local == HY_INFLIGHT_NONE)
        l->local = atomic_exchange_explicit(&l->returned, HY_INFLIGHT_NONE, memory_order_acquire);
    uint32_t slot = l->local;
    if (slot == HY_INFLIGHT_NONE)
        return slot;
    l->local = f->next[slot];
    atomic_fetch_add_explicit(&f->used, 1, memory_order_relaxed);
    return slot;
}

static void put_ref(struct hy_inflight_slot *s, const struct hy_rcpt_ref *ref, hy_wall_ms started)
{
    s->ref = (struct hy_slot_ref){.campaign = ref->campaign,
                                  .domain = ref->domain,
                                  .block = ref->block,
                                  .lead = ref->lead,
                                  .slot = ref->slot,
                                  .attempts = ref->attempts,
                                  .started = started};
    s->ref_sum = hy_slot_ref_sum(s);
}

void hy_inflight_dot(struct hy_inflight *f, uint32_t slot, const struct hy_rcpt_ref *ref,
                     hy_wall_ms started)
{
    struct hy_inflight_slot *s = &f->slots[slot];
    put_ref(s, ref, started);
    atomic_store_explicit(&s->state, HY_SLOT_DOT, memory_order_release);
}

void hy_inflight_answered(struct hy_inflight *f, uint32_t slot, const struct hy_attempt *a)
{
    struct hy_inflight_slot *s = &f->slots[slot];
    const struct hy_outcome *o = &a->outcome;
    size_t n = o->text.n < HY_INFLIGHT_TEXT_MAX ? o->text.n : HY_INFLIGHT_TEXT_MAX;
    if (atomic_load_explicit(&s->state, memory_order_relaxed) == HY_SLOT_FREE)
        put_ref(s, &a->ref, a->started); /* refused before its dot: what is there is another's */
    struct hy_slot_answer *w = &s->answer;
    w->kind = (uint8_t)o->kind;
    w->spoils = (uint8_t)o->spoils;
    w->phase = (uint8_t)o->phase;
    w->from_server = o->from_server;
    w->in_doubt = o->in_doubt;
    w->state = (uint8_t)a->state;
    w->class = o->enhanced.class;
    w->code = o->code;
    w->subject = o->enhanced.subject;
    w->detail = o->enhanced.detail;
    w->effect = (uint8_t)a->effect;
    w->dsn_passed_on = a->is_dsn_passed_on;
    s->tenant = a->tenant;
    w->due_s = a->due_s;
    w->duration_ms = a->duration_ms;
    w->size_bytes = a->size_bytes;
    memcpy(w->mx_ip, a->mx_ip, sizeof w->mx_ip);
    w->text_n = (uint8_t)n;
    if (n)
        memcpy(w->text, o->text.p, n);
    s->answer_sum = hy_slot_answer_sum(s);
    atomic_store_explicit(&s->state, HY_SLOT_ANSWERED, memory_order_release);
}

void hy_inflight_free(struct hy_inflight *f, uint32_t slot)
{
    struct hy_inflight_list *l = list_of(f, slot);
    struct hy_inflight_slot *s = &f->slots[slot];
    atomic_store_explicit(&s->state, HY_SLOT_FREE, memory_order_release);
    memset(s->answer.text, 0, sizeof s->answer.text); /* it may name a person */
    atomic_fetch_sub_explicit(&f->used, 1, memory_order_relaxed);
    uint32_t head = atomic_load_explicit(&l->returned, memory_order_relaxed);
    do
        f->next[slot] = head;
    while (!atomic_compare_exchange_weak_explicit(&l->returned, &head, slot, memory_order_release,
                                                  memory_order_relaxed));
}

uint32_t hy_inflight_used(const struct hy_inflight *f)
{
    return atomic_load_explicit(&f->used, memory_order_relaxed);
}
