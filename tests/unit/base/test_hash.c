#include <criterion/criterion.h>

#include "hayauma/base/bytes.h"
#include "hayauma/base/hash.h"
#include "hayauma/base/rand.h"

/* The vectors of the SipHash paper's reference code: key 00..0f, input 00, 01, 02 ... */
Test(hash, gives_the_reference_values_of_siphash_2_4)
{
    static const struct {
        size_t n;
        uint64_t want;
    } cases[] = {
        {0, 0x726fdb47dd0e0e31},  {1, 0x74f839c593dc67fd},  {2, 0x0d6c8009d9a94f5a},
        {7, 0xab0200f58b01d137},  {8, 0x93f5f5799a932462},  {9, 0x9e0082df0ba9e4b0},
        {15, 0xa129ca6149be45e5}, {16, 0x3f2acc7f57c29bdb}, {63, 0x958a324ceb064572},
    };
    uint8_t key_bytes[16], in[64];
    for (size_t i = 0; i < 64; i++)
        in[i] = (uint8_t)i;
    memcpy(key_bytes, in, 16);
    struct hy_hash_key key = {hy_get_le64(key_bytes), hy_get_le64(key_bytes + 8)};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t got = hy_siphash(&key, in, cases[i].n);
        cr_assert_eq(got, cases[i].want, "%zu bytes: got %016llx", cases[i].n,
                     (unsigned long long)got);
    }
}

Test(hash, has_one_key_a_process_that_is_not_zero)
{
    const struct hy_hash_key *a = hy_hash_process_key(), *b = hy_hash_process_key();
    cr_assert_eq(a->k0, b->k0);
    cr_assert_eq(a->k1, b->k1);
    cr_assert(a->k0 != 0 || a->k1 != 0);
}

/* The first outputs of xoshiro256** from the state 1, 2, 3, 4. */
Test(rand, gives_the_reference_values_of_xoshiro256)
{
    static const uint64_t want[] = {11520u,
                                    0u,
                                    1509978240u,
                                    1215971899390074240u,
                                    1216172134540287360u,
                                    607988272756665600u,
                                    16172922978634559625u,
                                    8476171486693032832u};
    struct hy_rng r = {{1, 2, 3, 4}};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        cr_assert_eq(hy_rng_u64(&r), want[i], "output %zu", i);
}

/* splitmix64 from 0. */
Test(rand, seeds_as_the_authors_advise)
{
    struct hy_rng r;
    hy_rng_seed(&r, 0);
    cr_assert_eq(r.s[0], 0xe220a8397b1dcdaf);
    cr_assert_eq(r.s[1], 0x6e789e6aa1b965f4);
    cr_assert_eq(r.s[2], 0x06c45d188009454f);
}

Test(rand, draws_every_value_below_n_about_as_often)
{
    struct hy_rng r;
    int seen[7] = {0};
    hy_rng_seed(&r, 1);
    for (int i = 0; i < 70000; i++)
        seen[hy_rng_below(&r, 7)]++;
    for (int i = 0; i < 7; i++)
        cr_assert(seen[i] > 9500 && seen[i] < 10500, "%d came %d times", i, seen[i]);
    cr_assert_eq(hy_rng_below(&r, 1), 0);
}

Test(rand, takes_different_bytes_from_the_kernel_each_time)
{
    uint8_t a[32] = {0}, b[32] = {0};
    cr_assert_eq(hy_rand_bytes(a, sizeof a), 0);
    cr_assert_eq(hy_rand_bytes(b, sizeof b), 0);
    cr_assert_neq(memcmp(a, b, sizeof a), 0);
}
