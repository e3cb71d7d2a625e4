#include <criterion/criterion.h>
#include <stdio.h>

#include "fixture.h"
#include "tls_tally.h"

static _Atomic uint64_t uncounted;

enum { DAY = 20000, KINDS = 500, HOST_BYTES = 12000 };

static int add_up(void *ctx, const struct hy_tally *a)
{
    *(uint64_t *)ctx += a->count;
    return 0;
}

static uint64_t stored(struct hy_env *env, const char *domain)
{
    struct hy_txn t;
    uint64_t n = 0;
    cr_assert_eq(hy_txn_read(env, &t), HY_OK);
    cr_assert_eq(hy_tally_each(&t, DAY, hy_str_of(domain), add_up, &n), HY_OK);
    hy_txn_end(&t);
    return n;
}

Test(tls_tally, what_finds_the_batch_full_is_counted_all_the_same)
{
    static const struct {
        const char *what;
        size_t host_bytes; /* of each kind */
        uint64_t times;
    } cases[] = {
        {"few bytes, many kinds", 10, 2},
        {"more bytes than a batch holds", HOST_BYTES, 1},
    };
    static char host[HOST_BYTES + 1];
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct store_dir dir = store_dir_make();
        struct hy_env *env = store_open(&dir);
        struct hy_writer *w;
        struct hy_writer_options o = {.commit_interval_ms = 1};
        cr_assert_eq(hy_writer_start(env, &o, &w), HY_OK);
        struct tls_tallies *t = tls_tallies_new(w, &uncounted);
        cr_assert_not_null(t);
        memset(host, 'a', cases[c].host_bytes);
        for (unsigned i = 0; i < 2 * KINDS; i++) {
            char domain[32];
            struct hy_tally a = {.day = DAY,
                                 .policy_text = HY_STR(""),
                                 .result = HY_TLSRPT_VALIDATION_FAILURE,
                                 .mx_host = hy_str_make(host, cases[c].host_bytes),
                                 .reason = HY_STR(""),
                                 .count = 1};
            a.domain = hy_str_make(domain, (size_t)sprintf(domain, "d%u.test", i));
            for (uint64_t k = 0; k < cases[c].times; k++)
                tls_tallies_add(t, &a);
        }
        tls_tallies_flush(t);
        hy_writer_stop(w);
        uint64_t n = 0;
        for (unsigned i = 0; i < 2 * KINDS; i++) {
            char domain[32];
            sprintf(domain, "d%u.test", i);
            n += stored(env, domain);
        }
        cr_expect_eq(n, 2 * KINDS * cases[c].times, "%s: got %lu", cases[c].what, n);
        tls_tallies_free(t);
        hy_env_close(env);
        store_dir_remove(&dir);
    }
}
