/* Measuring the settings of OpenSSL, each in processes of its own, since libcrypto looks at the
 * processor once, while it is loaded.
 *
 * The parent in turn starts one process for each setting, which gets a key on its standard input,
 * signs for a while and answers with the time of a signature and the signature. The parent, which
 * runs without any setting, verifies it. A process that fails, or whose signature is wrong, spoils
 * its setting and no other; when the time for all is up, nothing is decided. */
#include "hayauma/config/tune.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hayauma/base/codec.h"

enum {
    BITS = 2048,
    SIGNATURE = BITS / 8,
    DIGEST = 32,
    WARM = 2,  /* signatures that are not measured: OpenSSL makes its blinding factors */
    BATCH = 8, /* between two looks at the clock */
    MS_MAX = 10000,
    ANSWER_MAX = 64 + 2 * SIGNATURE,
    TIMEOUT_MS = 20000, /* beyond the time it signs: a machine may be busy */
    WORTH_PERCENT = 3,
    ENVIRONMENT_MAX = 4096, /* variables passed on */
};

/* Known to everybody, and good for nothing else: making one would take longer than measuring. */
static const char measuring_key[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQC4Bx/iw+ynMY0q\n"
    "OpLLHvl7w2w8+nfvyoeUI2W8FByrEEBbGQRoThpAYriEV/1HM++YKi2oNjegoRj1\n"
    "y4jfEzg24oMDZqb3Yw6Rxe8OZ2vZb8u3UoxHONGGewcc41HSYhwk33QfUgPDkc4H\n"
    "kUcNl2/KQiyNqvTZ880af7mJL57y0qmyNnLciQBbZnlSnUsk2l4Ar4UCHSfpfwPJ\n"
    "jhbs6HF2GTFlxO8YPeIg8YnOUklX06DW/zwA3tGqmOs1FNaLattGZ+AruuvC60oI\n"
    "jL72goTFi56glNLFF+ZOndhET6Fq5aQYBhc97y4LMkU8o4Wu4POXW37nLJ+8yAKH\n"
    "6ulLkWgJAgMBAAECggEACkBVWaG95VtoiHVuV3PQhIEwnp36P+iZkFo/cNBy/2F+\n"
    "oER+vxu4sST+r9qh8I03V9PjqrboduF6fTi7FWgh7cbE8xPNEcNaHKs4w6Xlt11X\n"
    "rQzjZRVIcLQaQ5TzKiPOewxakOMV9BdDcZ75ZQuuTcdNaY/gJ2MCJit+x6JYOaED\n"
    "1b1AEzUGn13Trqi9YV9oL7Qt3eRqVCONemfKcJ2UdMZJl+guYb655vWJXlZGDwKX\n"
    "CxOP7FNV0FcuTkTVZK7h4jX/3T+JcdTeEcfzaYMtRXaj7EtuEORnXfNokdjkIOHy\n"
    "PSKKrchj61Vhk6uzk3O6a9Io7GjlawYj2nFLghAcLQKBgQDpSpvR11KPiSriTaIZ\n"
    "ytilXpMxnsJQQYq7/mfkiTSINkrITlbaOn+syXQUfH5uUEcQnrCSFWYqJK+TheAg\n"
    "GpEcRL/lXcTi4JkCaq7E92NpCmqi0b6SUwfmorRSmTu+RRwPdEyfrXM4Hb4s61k7\n"
    "Guf3hIYUtCXQCzshZAklhkjBfQKBgQDJ8Opjj5etd57T1ZD4yjNCOTd5yvDxG1Tr\n"
    "Lp3jrvXfuQf5DpxBJ1038No5mgI/vZynGnH4cotZjU9O2jvfDuM1Pn7mbyCRbAUv\n"
    "2ivMj0mMMp+4ejEWeN3TS0yNIswVXwmKmzhQd0C131Z5d/7x4TV07SeU1DdLrQX4\n"
    "423JEyoGfQKBgQDJve1V3+DTo4jkPsJpj5MeHtUnWeUrxiIVRIHPjh9Rk7HD2osd\n"
    "GO2EHIo3lRk4iE+MPc7v5XV+CE+VQXZ6DL9kNMfFr/stP5DSGDOevVjIY2un9b3Z\n"
    "h9gTSKyrqTuS5OzJKIeCplo3MvFcowF9LV1gHMheaxMwACZYT8vhGWkdeQKBgHZ2\n"
    "/Cl33TUIDYabrLYmeDeLNT4fjYUD0ac966Xbx6V8+G5k4cle/FKK2pob/OHDrBhj\n"
    "bSSgnZrlSPcrEyBhrWxYwz0PR/3HbquJw1P3Yt/5+rTQCefy8762V6wcE7kdzY0g\n"
    "TcL2kmGfKS2M9WSUBzYWwbePXvjoAa7mTEs/ENJJAoGBAInh5Sbn7SS8XwASlw87\n"
    "bwLsyZ75tSPHWj8pbDuadbWwnH202NLkNa9NMM+dGddn2GKj+TLnGn3rWT4d1Kbz\n"
    "zs6CGAJt2FdYyVeHiyhJiBxcQYCkJFMXABPHhRuRVDyeBl71PIy/7oKhy/2KFMf8\n"
    "nz2O1/Va3S3dEDs9nDNwFk2z\n"
    "-----END PRIVATE KEY-----\n";

static const unsigned char digest[DIGEST] = "hayauma tune: what is signed 32";

/* ---- the measuring process ---- */

static EVP_PKEY *read_key(FILE *f)
{
    char pem[sizeof measuring_key];
    size_t n = fread(pem, 1, sizeof pem, f);
    BIO *bio = BIO_new_mem_buf(pem, (int)n);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    explicit_bzero(pem, sizeof pem);
    return key;
}

static EVP_PKEY_CTX *context(EVP_PKEY *key, int (*init)(EVP_PKEY_CTX *))
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    if (ctx && init(ctx) == 1 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
        EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1)
        return ctx;
    EVP_PKEY_CTX_free(ctx);
    return NULL;
}

static bool sign_some(EVP_PKEY_CTX *ctx, int n, unsigned char out[SIGNATURE])
{
    for (int i = 0; i < n; i++) {
        size_t size = SIGNATURE;
        if (EVP_PKEY_sign(ctx, out, &size, digest, sizeof digest) != 1 || size != SIGNATURE)
            return false;
    }
    return true;
}

/* Microseconds of CPU of one signature, over whole batches of about `ms` in all; negative when
 * OpenSSL fails. */
static double sign_for(EVP_PKEY_CTX *ctx, int64_t ms, unsigned char out[SIGNATURE])
{
    if (!sign_some(ctx, WARM, out))
        return -1;
    const int64_t from = hy_clock_thread_cpu_us();
    int64_t used;
    long made = 0;
    do {
        if (!sign_some(ctx, BATCH, out))
            return -1;
        made += BATCH;
        used = hy_clock_thread_cpu_us() - from;
    } while (used < ms * 1000);
    return (double)used / (double)made;
}

int hy_tune_child(const char *ms_text)
{
    uint64_t ms;
    unsigned char signature[SIGNATURE];
    char hex[2 * SIGNATURE + 1];
    if (hy_str_to_u64(hy_str_of(ms_text), MS_MAX, &ms) != HY_OK)
        return 2;
    EVP_PKEY *key = read_key(stdin);
    EVP_PKEY_CTX *ctx =
        key && EVP_PKEY_get_bits(key) == BITS ? context(key, EVP_PKEY_sign_init) : NULL;
    double us = ctx ? sign_for(ctx, (int64_t)ms, signature) : -1;
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(key);
    if (us < 0)
        return 1;
    hex[hy_hex_encode(signature, sizeof signature, hex)] = '\0';
    return printf("%.3f %s\n", us, hex) > 0 && fflush(stdout) == 0 ? 0 : 1;
}

/* ---- the parent ---- */

/* Our environment with one variable set, or left out; the array is the caller's to free. */
static char **environment(const char *assignment)
{
    const size_t name = sizeof HY_TUNE_ENV; /* with the "=" */
    char **out = calloc(ENVIRONMENT_MAX + 2, sizeof *out);
    size_t n = 0;
    for (char **e = environ; out && e && *e && n < ENVIRONMENT_MAX; e++)
        if (strncmp(*e, HY_TUNE_ENV "=", name) != 0)
            out[n++] = *e;
    if (out && assignment[name])
        out[n] = (char *)(uintptr_t)assignment;
    return out;
}

static int start(const struct hy_tune_setting *s, unsigned ms, int in, int out, pid_t *ret)
{
    char path[PATH_MAX], assignment[64], ms_text[16], arg[] = HY_TUNE_CHILD_ARG;
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    if (n <= 0)
        return HY_EIO;
    path[n] = '\0';
    snprintf(assignment, sizeof assignment, HY_TUNE_ENV "=%s", s->ia32cap);
    snprintf(ms_text, sizeof ms_text, "%u", ms);
    char *argv[] = {path, arg, ms_text, NULL}, **env = environment(assignment);
    posix_spawn_file_actions_t actions;
    if (!env || posix_spawn_file_actions_init(&actions) != 0) {
        free(env);
        return HY_ENOMEM;
    }
    int err = posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    if (!err)
        err = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    if (!err)
        err = posix_spawn(ret, path, &actions, NULL, argv, env);
    posix_spawn_file_actions_destroy(&actions);
    free(env);
    errno = err;
    return err ? HY_EIO : HY_OK;
}

/* HY_ETIMEOUT when it is not there by `end`. */
static int read_answer(int fd, hy_us end, char out[ANSWER_MAX + 1])
{
    size_t n = 0;
    while (n < ANSWER_MAX) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        hy_us left = end - hy_clock_us();
        if (left <= 0)
            return HY_ETIMEOUT;
        int ready = poll(&p, 1, (int)(left / HY_US_PER_MS) + 1);
        ssize_t got = ready > 0 ? read(fd, out + n, ANSWER_MAX - n) : 0;
        if ((ready < 0 || got < 0) && errno != EINTR)
            return HY_EIO;
        if (ready > 0 && got == 0)
            break;
        n += got > 0 ? (size_t)got : 0;
    }
    out[n] = '\0';
    return HY_OK;
}

static bool verifies(EVP_PKEY *key, struct hy_str hex)
{
    unsigned char signature[SIGNATURE + 3];
    size_t n = 0;
    EVP_PKEY_CTX *ctx = context(key, EVP_PKEY_verify_init);
    bool good = ctx && hex.n == 2 * SIGNATURE && hy_hex_decode(hex, signature, &n) == HY_OK &&
                EVP_PKEY_verify(ctx, signature, SIGNATURE, digest, sizeof digest) == 1;
    EVP_PKEY_CTX_free(ctx);
    return good;
}

/* The key fits a pipe's buffer, so that it is written before anybody reads. */
static int feed(int fd, struct hy_str pem)
{
    return write(fd, pem.p, pem.n) == (ssize_t)pem.n ? HY_OK : HY_EIO;
}

/* One process of one setting; HY_ECRYPTO when it fails or its signature is wrong. */
static int measure_once(const struct hy_tune_setting *s, unsigned ms, EVP_PKEY *key, hy_us end,
                        double *ret_us)
{
    int in[2] = {-1, -1}, out[2] = {-1, -1}, status = 0;
    pid_t pid = -1;
    char answer[ANSWER_MAX + 1] = "";
    int err = pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0 ? HY_OK : HY_EIO;
    if (err == HY_OK)
        err = feed(in[1], HY_STR(measuring_key));
    if (err == HY_OK)
        err = start(s, ms, in[0], out[1], &pid);
    for (int i = 0; i < 3; i++) /* all but the end that we read */
        if ((int[]){in[0], in[1], out[1]}[i] >= 0)
            close((int[]){in[0], in[1], out[1]}[i]);
    if (err == HY_OK)
        err = read_answer(out[0], end, answer);
    if (out[0] >= 0)
        close(out[0]);
    if (err != HY_OK && pid > 0)
        kill(pid, SIGKILL);
    if (pid > 0 && waitpid(pid, &status, 0) == pid && status != 0 && err == HY_OK)
        err = HY_ECRYPTO;
    if (err != HY_OK)
        return err;
    char *rest;
    double us = strtod(answer, &rest);
    if (!(us > 0 && us < 1e9) || !verifies(key, hy_str_trim(hy_str_of(rest))))
        return HY_ECRYPTO;
    *ret_us = us;
    return HY_OK;
}

/* ---- deciding ---- */

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void summarise(struct hy_tune_result *r)
{
    double sorted[HY_TUNE_ROUNDS_MAX];
    const unsigned rounds = r->rounds;
    if (!r->is_good || rounds == 0)
        return;
    memcpy(sorted, r->rounds_us, rounds * sizeof *sorted);
    qsort(sorted, rounds, sizeof *sorted, by_size);
    r->us = sorted[rounds / 2];
    r->noise = (sorted[rounds - 1] - sorted[0]) / 2 / r->us;
}

/* A gain must be worth it and stand out of the noise, which only ever adds: also between the
 * fastest rounds of both; and better in every round, since a setting that is only sometimes faster
 * is not. */
static bool is_better(const struct hy_tune_result *a, const struct hy_tune_result *than,
                      unsigned rounds)
{
    const double worth = (100 - WORTH_PERCENT) / 100.0;
    double fastest = a->rounds_us[0], fastest_than = than->rounds_us[0];
    if (!a->is_good || a->rounds < rounds || a->us > than->us * worth)
        return false;
    for (unsigned i = 0; i < rounds; i++) {
        if (a->rounds_us[i] >= than->rounds_us[i])
            return false;
        fastest = fmin(fastest, a->rounds_us[i]);
        fastest_than = fmin(fastest_than, than->rounds_us[i]);
    }
    return fastest <= fastest_than * worth;
}

void hy_tune_decide(struct hy_tune_report *r)
{
    struct hy_tune_result *def = &r->results[0];
    size_t fastest = 0;
    r->chosen = 0;
    r->gain = 0;
    for (size_t i = 0; i < r->n; i++)
        summarise(&r->results[i]);
    for (size_t i = 1; i < r->n; i++) {
        const struct hy_tune_result *x = &r->results[i];
        if (x->is_good && x->us < r->results[fastest].us)
            fastest = i;
        if (is_better(x, def, r->rounds) && x->us < r->results[r->chosen].us)
            r->chosen = i;
    }
    r->gain = def->us > 0 ? def->us / r->results[fastest].us - 1 : 0;
}

void hy_tune_take(struct hy_tune *t, const struct hy_tune_report *r, hy_wall_ms now)
{
    t->setting = r->results[r->chosen].setting;
    t->setting_us = r->results[r->chosen].us;
    t->default_us = r->results[0].us;
    t->measured = now;
}

/* Slower than the default in the last round that it was in. */
static bool is_beaten(const struct hy_tune_report *r, const struct hy_tune_result *x)
{
    return x->rounds && x != r->results &&
           x->rounds_us[x->rounds - 1] >= r->results[0].rounds_us[x->rounds - 1];
}

static EVP_PKEY *parent_key(void)
{
    BIO *bio = BIO_new_mem_buf(measuring_key, sizeof measuring_key - 1);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    return key;
}

int hy_tune_measure(unsigned rounds, unsigned ms, hy_us within, struct hy_tune_report *ret,
                    struct hy_diag *diag)
{
    const hy_us all_until = within ? hy_clock_us() + within : HY_US_NEVER;
    const struct hy_tune_setting *here[HY_TUNE_SETTINGS_MAX];
    struct hy_tune_report r = {.n = hy_tune_settings_here(here),
                               .rounds = rounds < HY_TUNE_ROUNDS_MAX ? rounds : HY_TUNE_ROUNDS_MAX};
    EVP_PKEY *key = parent_key();
    int err = key ? HY_OK : HY_ECRYPTO;
    ms = ms < MS_MAX ? ms : MS_MAX;
    for (size_t i = 0; i < r.n; i++)
        r.results[i] = (struct hy_tune_result){.setting = here[i], .is_good = true};
    for (unsigned at = 0; err == HY_OK && at < r.rounds * r.n; at++) {
        struct hy_tune_result *x = &r.results[at % r.n];
        const unsigned round = (unsigned)(at / r.n);
        hy_us now = hy_clock_us(), until = now + (hy_us)(ms + TIMEOUT_MS) * HY_US_PER_MS;
        if (!x->is_good || x->rounds < round || (within && is_beaten(&r, x)))
            continue;
        int failed = measure_once(x->setting, ms, key, until < all_until ? until : all_until,
                                  &x->rounds_us[round]);
        x->is_good = failed == HY_OK;
        x->rounds += failed == HY_OK;
        if (hy_clock_us() > all_until)
            err = HY_ETIMEOUT;
        else if (failed && at % r.n == 0)
            err = failed;
    }
    EVP_PKEY_free(key);
    if (err)
        return hy_fail(diag, err, "signing could not be measured: %s", hy_err_text(err));
    hy_tune_decide(&r);
    *ret = r;
    return HY_OK;
}
