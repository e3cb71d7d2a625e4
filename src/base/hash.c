/* SipHash-2-4, after the paper's reference description. */
#include "hayauma/base/hash.h"

#include "hayauma/base/bytes.h"
#include "hayauma/base/rand.h"

#include <pthread.h>

#define ROTL(x, b) (((x) << (b)) | ((x) >> (64 - (b))))

struct sip {
    uint64_t v0, v1, v2, v3;
};

static inline void sip_round(struct sip *s)
{
    s->v0 += s->v1;
    s->v1 = ROTL(s->v1, 13) ^ s->v0;
    s->v0 = ROTL(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = ROTL(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = ROTL(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = ROTL(s->v1, 17) ^ s->v2;
    s->v2 = ROTL(s->v2, 32);
}

uint64_t hy_siphash(const struct hy_hash_key *key, const void *data, size_t n)
{
    struct sip s = {
        key->k0 ^ 0x736f6d6570736575u,
        key->k1 ^ 0x646f72616e646f6du,
        key->k0 ^ 0x6c7967656e657261u,
        key->k1 ^ 0x7465646279746573u,
    };
    const uint8_t *p = data;
    size_t left = n;
    for (; left >= 8; p += 8, left -= 8) {
        uint64_t m = hy_get_le64(p);
        s.v3 ^= m;
        sip_round(&s);
        sip_round(&s);
        s.v0 ^= m;
    }
    uint64_t last = (uint64_t)n << 56;
    for (size_t i = 0; i < left; i++)
        last |= (uint64_t)p[i] << (8 * i);
    s.v3 ^= last;
    sip_round(&s);
    sip_round(&s);
    s.v0 ^= last;
    s.v2 ^= 0xff;
    for (int i = 0; i < 4; i++)
        sip_round(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

static struct hy_hash_key process_key;
static pthread_once_t process_key_once = PTHREAD_ONCE_INIT;

static void draw_process_key(void)
{
    /* Without a kernel generator the key stays zero: slower under attack, never wrong. */
    int err = hy_rand_bytes(&process_key, sizeof process_key);
    (void)err;
}

const struct hy_hash_key *hy_hash_process_key(void)
{
    pthread_once(&process_key_once, draw_process_key);
    return &process_key;
}
