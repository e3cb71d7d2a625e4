/* The signing primitives alone, key loaded once: what no signer can go below. RSA-2048 is measured
 * twice, with one thread and with all processors signing at once: neighbours share caches, clock
 * and sometimes a core, so that the same signature costs each of them more. */
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hayauma/base/clock.h"

enum { BATCH = 32, TOOK_MAX = 4096, THREADS_MAX = 64 };

struct result {
    double best_us; /* of a batch: the machine is shared, noise only adds */
    double median_us;
};

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Signs a 32-byte digest (RSA) or message (Ed25519) in batches for about `ms` milliseconds. */
static int measure_sign(EVP_PKEY *key, const EVP_MD *md, unsigned ms, struct result *ret)
{
    double took[TOOK_MAX];
    unsigned char digest[32] = {7}, sig[512];
    int n = 0, rc = -1;
    EVP_PKEY_CTX *rsa = md ? EVP_PKEY_CTX_new(key, NULL) : NULL;
    EVP_MD_CTX *ed = md ? NULL : EVP_MD_CTX_new();
    if (md && (!rsa || EVP_PKEY_sign_init(rsa) <= 0 ||
               EVP_PKEY_CTX_set_rsa_padding(rsa, RSA_PKCS1_PADDING) <= 0 ||
               EVP_PKEY_CTX_set_signature_md(rsa, md) <= 0))
        goto out;
    for (hy_us until = hy_clock_us() + ms * HY_US_PER_MS; hy_clock_us() < until && n < TOOK_MAX;) {
        int64_t from = hy_clock_thread_cpu_us();
        for (int i = 0; i < BATCH; i++) {
            size_t len = sizeof sig;
            digest[0]++;
            if (md && EVP_PKEY_sign(rsa, sig, &len, digest, sizeof digest) <= 0)
                goto out;
            if (!md && (EVP_DigestSignInit(ed, NULL, NULL, NULL, key) <= 0 ||
                        EVP_DigestSign(ed, sig, &len, digest, sizeof digest) <= 0))
                goto out;
        }
        took[n++] = (double)(hy_clock_thread_cpu_us() - from) / BATCH;
    }
    qsort(took, (size_t)n, sizeof *took, by_size);
    *ret = (struct result){took[0], took[n / 2]};
    rc = 0;
out:
    EVP_PKEY_CTX_free(rsa);
    EVP_MD_CTX_free(ed);
    return rc;
}

struct signer {
    pthread_t thread;
    EVP_PKEY *key;
    unsigned ms;
    int rc;
    struct result result;
};

static void *sign_beside(void *arg)
{
    struct signer *s = arg;
    s->rc = measure_sign(s->key, EVP_sha256(), s->ms, &s->result);
    return NULL;
}

/* The mean over `n` threads that sign at once, each with a key of its own. */
static int measure_sign_all(EVP_PKEY *key, unsigned n, unsigned ms, struct result *ret)
{
    struct signer signers[THREADS_MAX];
    struct result sum = {0};
    unsigned started = 0;
    int rc = 0;
    for (; started < n && rc == 0; started++) {
        struct signer *s = &signers[started];
        *s = (struct signer){.key = EVP_PKEY_dup(key), .ms = ms, .rc = -1};
        rc = s->key && pthread_create(&s->thread, NULL, sign_beside, s) == 0 ? 0 : -1;
        if (rc) {
            EVP_PKEY_free(s->key);
            break;
        }
    }
    for (unsigned i = 0; i < started; i++) {
        pthread_join(signers[i].thread, NULL);
        EVP_PKEY_free(signers[i].key);
        rc = rc ? rc : signers[i].rc;
        sum.best_us += signers[i].result.best_us / n;
        sum.median_us += signers[i].result.median_us / n;
    }
    *ret = sum;
    return rc;
}

static unsigned processors(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > THREADS_MAX ? THREADS_MAX : (unsigned)n;
}

static double measure_sha256(size_t size, unsigned rounds)
{
    unsigned char *p = calloc(1, size), out[32];
    EVP_MD *md = EVP_MD_fetch(NULL, "SHA256", NULL);
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    unsigned len;
    double us = -1;
    if (!p || !md || !c)
        goto out;
    int64_t from = hy_clock_thread_cpu_us();
    for (unsigned i = 0; i < rounds; i++) {
        p[0]++;
        if (!EVP_DigestInit_ex2(c, md, NULL) || !EVP_DigestUpdate(c, p, size) ||
            !EVP_DigestFinal_ex(c, out, &len))
            goto out;
    }
    us = (double)(hy_clock_thread_cpu_us() - from) / rounds;
out:
    EVP_MD_CTX_free(c);
    EVP_MD_free(md);
    free(p);
    return us;
}

int main(int argc, char **argv)
{
    unsigned ms = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1500;
    struct result rsa, all, ed;
    const unsigned n = processors();
    if (argc > 2 || ms == 0) {
        fprintf(stderr, "usage: floor [MILLISECONDS]\n"
                        "CPU microseconds of one RSA-2048 signature, with one thread and with all\n"
                        "processors signing at once (rsa2048_all), of one Ed25519 signature and\n"
                        "of the SHA-256 of 10 KiB, as JSON. OPENSSL_ia32cap in the environment\n"
                        "counts.\n");
        return 2;
    }
    EVP_PKEY *rsa_key = EVP_RSA_gen(2048), *ed_key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    if (!rsa_key || !ed_key || measure_sign(rsa_key, EVP_sha256(), ms, &rsa) ||
        measure_sign_all(rsa_key, n, ms, &all) || measure_sign(ed_key, NULL, ms / 3 + 1, &ed)) {
        fprintf(stderr, "floor: OpenSSL refused\n");
        return 1;
    }
    printf("{\"rsa2048_us\":%.1f,\"rsa2048_best_us\":%.1f,\"rsa2048_all_us\":%.1f,"
           "\"rsa2048_all_best_us\":%.1f,\"threads\":%u,\"ed25519_us\":%.1f,"
           "\"ed25519_best_us\":%.1f,\"sha256_10k_us\":%.2f}\n",
           rsa.median_us, rsa.best_us, all.median_us, all.best_us, n, ed.median_us, ed.best_us,
           measure_sha256(10240, 20000));
    EVP_PKEY_free(rsa_key);
    EVP_PKEY_free(ed_key);
    return 0;
}
