/* Any bytes as deeds on the ring of the hits journal: hits are put, read, taken off, and bytes of
 * it spoiled. What is read is what was put, in order, up to the first that was spoiled. */
#include <pthread.h>
#include <stdlib.h>

#include "activity.h"
#include "hits_priv.h"

enum { RING = 1024, HITS_MAX = RING / sizeof(struct hits_record) };

static void must(bool ok)
{
    if (!ok)
        abort();
}

struct model {
    struct hy_hits h;
    int64_t at[HITS_MAX]; /* of those in the ring; each has a time of its own */
    size_t n;
    int64_t next;
    bool is_spoiled;
    char ring[RING] __attribute__((aligned(8)));
};

static void put(struct model *m, struct hy_str text)
{
    struct hy_activity a = {.kind = HY_ACTIVITY_OPEN, .at = m->next, .lead = 1, .agent = text};
    int err = hy_hits_put(&m->h, &a);
    must(m->h.head - m->h.tail <= RING);
    if (err)
        return;
    must(m->n < HITS_MAX);
    m->at[m->n++] = m->next++;
}

/* The hits from the tail on, as a start finds them; where they end. */
static uint64_t read_all(const struct model *m, size_t most, size_t *ret_n)
{
    static const char id[8] = {0};
    uint64_t at = m->h.tail;
    struct hits_view v;
    size_t n = 0;
    while (at < m->h.head && n < most && hits_read(&m->h, at, &v)) {
        must(v.next > at && v.next - at <= RING);
        at = v.next;
        if (v.payload.n == 0)
            continue;
        must(v.payload.p >= m->ring && v.payload.p + v.payload.n <= m->ring + RING);
        struct hy_activity a;
        must(n < m->n && v.at == m->at[n++]);
        must(hy_activity_decode(hy_str_make(id, sizeof id), v.payload, &a) == 0 && a.lead == 1);
    }
    *ret_n = n;
    return at;
}

/* The store has so many. */
static void take(struct model *m, size_t most)
{
    size_t n;
    uint64_t to = read_all(m, most, &n);
    hits_wipe(&m->h, m->h.tail, to);
    m->h.tail = to;
    memmove(m->at, m->at + n, (m->n - n) * sizeof *m->at);
    m->n -= n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct model m = {.h = {.size = RING, .tail = 0}, .next = 1790000000000};
    size_t n;
    m.h.ring = m.ring;
    pthread_mutex_init(&m.h.lock, NULL);
    for (size_t i = 0; i + 1 < size && i < 4096 && !m.is_spoiled; i += 2) {
        uint8_t what = data[i] & 7, much = data[i + 1];
        if (what < 5) {
            put(&m, hy_str_make(data + i, much < size - i ? much : size - i));
        } else if (what < 7) {
            take(&m, much & 7);
        } else if (m.h.head > m.h.tail && data[i] & 8) {
            m.ring[(much | (size_t)(data[i] & 0x30) << 4) % RING] ^= 0x41;
            m.is_spoiled = true;
        }
        (void)read_all(&m, SIZE_MAX, &n);
        must(m.is_spoiled || n == m.n);
    }
    pthread_mutex_destroy(&m.h.lock);
    return 0;
}
