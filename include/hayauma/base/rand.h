/* Random numbers: secrets from the kernel, jitter from a small generator that tests can seed. */
#pragma once
#include "hayauma/base/err.h"
#include <stdint.h>

/* Fills `out` from getrandom(2); HY_EIO if the kernel cannot. */
HY_MUST_USE int hy_rand_bytes(void *out, size_t n);

/* xoshiro256** (Blackman and Vigna, 2018): for jitter and shuffles, never for secrets. */
struct hy_rng {
    uint64_t s[4];
};
void hy_rng_seed(struct hy_rng *r, uint64_t seed);
uint64_t hy_rng_u64(struct hy_rng *r);
/* Uniform in [0, n); n > 0. */
uint64_t hy_rng_below(struct hy_rng *r, uint64_t n);
