/* What the suppression list costs: asking it for those who are not on it, with nothing on it and
 * with many, and for those who are; putting them there; reading it at the start. Usage:
 * suppress_cost [ENTRIES [DIR]]. */
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "hayauma/store/suppress.h"

enum { A_COMMIT = 4000, ASKED = 1000000 };

static void must(int err, const char *what)
{
    if (!err)
        return;
    fprintf(stderr, "%s: %s\n", what, hy_err_name(err));
    exit(1);
}

static void report(const char *what, int64_t cpu_us, hy_us wall_us, uint64_t n)
{
    printf("%-44s %9" PRIu64 "  %7.3f us CPU  %7.3f us wall\n", what, n, (double)cpu_us / (double)n,
           (double)wall_us / (double)n);
}

static struct hy_env *open_store(const char *dir)
{
    struct hy_env_options o = {.data_dir = dir, .mode = HY_ENV_OWNER};
    struct hy_env *env = NULL;
    struct hy_diag diag = {""};
    must(hy_env_open(&o, &env, &diag), diag.text);
    return env;
}

static struct hy_str address(char room[64], const char *who, unsigned i)
{
    int n = snprintf(room, 64, "%s.%u@domain%u.example", who, i, i % 9973);
    return hy_str_make(room, (size_t)n);
}

static uint64_t ask(struct hy_env *env, const char *what, const char *who, unsigned n)
{
    const struct hy_suppress_ask a = {.stream = HY_STREAM_MARKETING};
    struct hy_suppress_entry e;
    struct hy_txn t;
    uint64_t found = 0;
    char(*names)[64] = calloc(n, sizeof *names);
    must(names ? 0 : HY_ENOMEM, "names");
    for (unsigned i = 0; i < n; i++)
        (void)address(names[i], who, i);
    must(hy_txn_read(env, &t), "snapshot");
    hy_us wall = hy_clock_us();
    int64_t cpu = hy_clock_cpu_us();
    for (unsigned i = 0; i < n; i++)
        found += hy_suppress_find(&t, hy_str_of(names[i]), &a, &e) == 0;
    report(what, hy_clock_cpu_us() - cpu, hy_clock_us() - wall, n);
    hy_txn_end(&t);
    free(names);
    return found;
}

static void fill(struct hy_env *env, unsigned n)
{
    hy_us wall = hy_clock_us();
    int64_t cpu = hy_clock_cpu_us();
    for (unsigned i = 0; i < n;) {
        struct hy_txn t;
        char room[64];
        must(hy_txn_write(env, &t), "transaction");
        for (unsigned k = 0; k < A_COMMIT && i < n; k++, i++) {
            struct hy_suppress_entry e = {
                .key = {.scope = HY_SUPPRESS_ALL, .reason = HY_SUPPRESS_IMPORTED},
                .what = address(room, "entry", i),
                .by = HY_STR("bench")};
            must(hy_suppress_put(&t, &e, NULL), "put");
        }
        must(hy_txn_commit(&t), "commit");
    }
    report("put, 4,000 a commit", hy_clock_cpu_us() - cpu, hy_clock_us() - wall, n);
}

static int drop(const char *path, const struct stat *st, int kind, struct FTW *f)
{
    (void)st;
    (void)kind;
    (void)f;
    return remove(path);
}

int main(int argc, char **argv)
{
    unsigned n = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1000000;
    char dir[256];
    snprintf(dir, sizeof dir, "%s/hy-bench-XXXXXX", argc > 2 ? argv[2] : "/tmp");
    if (n == 0 || !mkdtemp(dir))
        must(HY_EINVAL, "usage: suppress_cost [ENTRIES [DIR]]");
    struct hy_env *env = open_store(dir);
    (void)ask(env, "find, nothing on the list", "stranger", ASKED);
    fill(env, n);
    hy_env_close(env);
    hy_us wall = hy_clock_us();
    int64_t cpu = hy_clock_cpu_us();
    env = open_store(dir);
    report("open: the filter is filled", hy_clock_cpu_us() - cpu, hy_clock_us() - wall, n);
    (void)ask(env, "find, not on the list", "stranger", ASKED);
    uint64_t found = ask(env, "find, on the list", "entry", n);
    hy_env_close(env);
    nftw(dir, drop, 16, FTW_DEPTH | FTW_PHYS);
    return found == n ? 0 : 1;
}
