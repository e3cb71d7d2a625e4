/* How long I/O waits for a processor while the press signs: one thread sleeps until a set time,
 * over and over, as a worker waits for its sockets, and measures how late it runs; beside it as
 * many threads sign RSA-2048 as there are processors, at several nice values. Prints JSON. */
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "hayauma/base/clock.h"
#include "hayauma/io/thread.h"

enum { WAKE_EVERY_US = 500, WAKES = 6000, WORK_US = 60, THREADS_MAX = 64 };

struct signer {
    struct hy_thread *thread;
    EVP_PKEY *key;
    int nice;
    atomic_bool *over;
    atomic_ulong *made;
};

static void sign_on(void *arg)
{
    struct signer *s = arg;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(s->key, NULL);
    unsigned char digest[32] = {1}, sig[512];
    if (s->nice)
        hy_thread_give_way(s->nice);
    bool good = ctx && EVP_PKEY_sign_init(ctx) == 1 &&
                EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
                EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1;
    while (good && !atomic_load_explicit(s->over, memory_order_relaxed)) {
        size_t n = sizeof sig;
        good = EVP_PKEY_sign(ctx, sig, &n, digest, sizeof digest) == 1;
        atomic_fetch_add_explicit(s->made, 1, memory_order_relaxed);
    }
    EVP_PKEY_CTX_free(ctx);
}

static int by_size(const void *a, const void *b)
{
    const hy_us x = *(const hy_us *)a, y = *(const hy_us *)b;
    return x < y ? -1 : x > y;
}

/* Microseconds late, of each wake-up, sorted. */
static void wake_and_measure(hy_us late[WAKES])
{
    hy_us due = hy_clock_us();
    for (int i = 0; i < WAKES; i++) {
        due += WAKE_EVERY_US;
        const struct timespec at = {due / HY_US_PER_SEC, due % HY_US_PER_SEC * 1000};
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
            ;
        hy_us now = hy_clock_us();
        late[i] = now - due;
        for (const hy_us until = now + WORK_US; now < until;) /* a turn's work */
            now = hy_clock_us();
        if (now > due + WAKE_EVERY_US)
            due = now; /* one that is late does not make the next late */
    }
    qsort(late, WAKES, sizeof *late, by_size);
}

static int measure(EVP_PKEY *key, const char *name, unsigned n_signers, int nice)
{
    static hy_us late[WAKES];
    struct signer signers[THREADS_MAX] = {0};
    atomic_bool over = false;
    atomic_ulong made = 0;
    int err = HY_OK;
    for (unsigned i = 0; i < n_signers && err == HY_OK; i++) {
        signers[i] =
            (struct signer){.key = EVP_PKEY_dup(key), .nice = nice, .over = &over, .made = &made};
        err = hy_thread_start("press", sign_on, &signers[i], &signers[i].thread);
    }
    const hy_us from = hy_clock_us();
    if (err == HY_OK)
        wake_and_measure(late);
    const double seconds = (double)(hy_clock_us() - from) / HY_US_PER_SEC;
    atomic_store(&over, true);
    for (unsigned i = 0; i < n_signers; i++) {
        hy_thread_join(signers[i].thread);
        EVP_PKEY_free(signers[i].key);
    }
    if (err == HY_OK)
        printf("{\"press\":\"%s\",\"signers\":%u,\"late_median_us\":%ld,\"late_p90_us\":%ld,"
               "\"late_p99_us\":%ld,\"late_p999_us\":%ld,\"signatures_per_s\":%.0f}\n",
               name, n_signers, late[WAKES / 2], late[WAKES * 9 / 10], late[WAKES * 99 / 100],
               late[WAKES * 999 / 1000], (double)atomic_load(&made) / seconds);
    return err;
}

int main(void)
{
    const long n = sysconf(_SC_NPROCESSORS_ONLN);
    const unsigned threads = n < 1 ? 1 : n > THREADS_MAX ? THREADS_MAX : (unsigned)n;
    EVP_PKEY *key = EVP_RSA_gen(2048);
    static const struct {
        const char *name;
        int nice;
    } kinds[] = {{"nice 0", 0}, {"nice 5", 5}, {"nice 10", 10}, {"nice 19", 19}};
    int err = key ? measure(key, "idle", 0, 0) : HY_ECRYPTO;
    for (int turn = 0; turn < 2; turn++) /* in turn: a neighbour on the machine meets them all */
        for (size_t i = 0; i < sizeof kinds / sizeof *kinds && err == HY_OK; i++)
            err = measure(key, kinds[i].name, threads, kinds[i].nice);
    EVP_PKEY_free(key);
    if (err != HY_OK)
        fprintf(stderr, "press_wait: %s\n", hy_err_text(err));
    return err == HY_OK ? 0 : 1;
}
