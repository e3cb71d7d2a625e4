#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>

#include "hayauma/base/rand.h"
#include "hayauma/base/ring.h"

Test(ring, refuses_sizes_that_are_no_power_of_two)
{
    struct hy_ring *r = NULL;
    cr_assert_eq(hy_ring_create(5000, &r), HY_EINVAL);
    cr_assert_eq(hy_ring_create(1024, &r), HY_EINVAL);
    cr_assert_null(r);
}

Test(ring, what_finds_no_room_is_not_written_and_what_was_written_stays)
{
    struct hy_ring *r;
    uint32_t n;
    cr_assert_eq(hy_ring_create(4096, &r), HY_OK);
    cr_assert_null(hy_ring_peek(r, &n));
    cr_assert_null(hy_ring_reserve(r, 4096), "its length word needs room too");
    unsigned written = 0;
    for (char *p; (p = hy_ring_reserve(r, 100)); written++) {
        memset(p, (int)written, 100);
        hy_ring_commit(r);
    }
    cr_assert_eq(written, 4096 / 112);
    for (unsigned i = 0; i < written; i++) {
        const char *p = hy_ring_peek(r, &n);
        cr_assert_eq(n, 100);
        cr_assert_eq(p[0], (char)i);
        cr_assert_eq(p[99], (char)i);
        hy_ring_release(r);
    }
    cr_assert_null(hy_ring_peek(r, &n));
    hy_ring_free(r);
}

Test(ring, a_record_that_is_not_committed_is_not_seen)
{
    struct hy_ring *r;
    uint32_t n;
    cr_assert_eq(hy_ring_create(4096, &r), HY_OK);
    cr_assert_not_null(hy_ring_reserve(r, 8));
    cr_assert_null(hy_ring_peek(r, &n));
    hy_ring_free(r);
}

enum { MANY = 200000 };

static void *write_many(void *arg)
{
    struct hy_rng rng;
    hy_rng_seed(&rng, 7);
    for (uint32_t i = 0; i < MANY;) {
        uint32_t n = 4 + (uint32_t)hy_rng_below(&rng, 300);
        char *p = hy_ring_reserve(arg, n);
        for (; !p; p = hy_ring_reserve(arg, n))
            sched_yield();
        memset(p, (int)i, n);
        memcpy(p, &i, sizeof i);
        hy_ring_commit(arg);
        i++;
    }
    return NULL;
}

Test(ring, two_threads_lose_and_mix_nothing)
{
    struct hy_ring *r;
    pthread_t writer;
    cr_assert_eq(hy_ring_create(4096, &r), HY_OK);
    cr_assert_eq(pthread_create(&writer, NULL, write_many, r), 0);
    for (uint32_t want = 0; want < MANY;) {
        uint32_t n, got;
        const char *p = hy_ring_peek(r, &n);
        if (!p) {
            sched_yield();
            continue;
        }
        memcpy(&got, p, sizeof got);
        cr_assert_eq(got, want);
        for (uint32_t i = 4; i < n; i++)
            cr_assert_eq(p[i], (char)want);
        hy_ring_release(r);
        want++;
    }
    pthread_join(writer, NULL);
    hy_ring_free(r);
}
