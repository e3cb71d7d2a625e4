/* Kernel randomness and the xoshiro256** generator, seeded through splitmix64. */
#include "hayauma/base/rand.h"

#include <errno.h>
#include <sys/random.h>

int hy_rand_bytes(void *out, size_t n)
{
    char *p = out;
    while (n) {
        ssize_t got = getrandom(p, n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return HY_EIO;
        p += got;
        n -= (size_t)got;
    }
    return HY_OK;
}

void hy_rng_seed(struct hy_rng *r, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        seed += 0x9e3779b97f4a7c15u;
        uint64_t z = seed;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
        z = (z ^ z >> 27) * 0x94d049bb133111ebu;
        r->s[i] = z ^ z >> 31;
    }
}

static inline uint64_t rotl(uint64_t x, int k)
{
    return x << k | x >> (64 - k);
}

uint64_t hy_rng_u64(struct hy_rng *r)
{
    uint64_t *s = r->s;
    uint64_t result = rotl(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return result;
}

uint64_t hy_rng_below(struct hy_rng *r, uint64_t n)
{
    /* Draws from the largest multiple of n, so that every value is equally likely. */
    uint64_t limit = UINT64_MAX - UINT64_MAX % n, x;
    do
        x = hy_rng_u64(r);
    while (x >= limit);
    return x % n;
}
