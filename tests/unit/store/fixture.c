#include "fixture.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct store_dir store_dir_make(void)
{
    struct store_dir d = {.path = "/tmp/hy-store-XXXXXX"};
    if (!mkdtemp(d.path)) {
        perror(d.path);
        abort();
    }
    return d;
}

static int drop(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void store_dir_remove(struct store_dir *d)
{
    nftw(d->path, drop, 16, FTW_DEPTH | FTW_PHYS);
}

struct hy_env *store_open(const struct store_dir *d)
{
    struct hy_env *env;
    struct hy_diag diag = {0};
    struct hy_env_options o = {.data_dir = d->path, .node = 7, .map_bytes = 64 << 20};
    if (hy_env_open(&o, &env, &diag) != 0) {
        fprintf(stderr, "%s\n", diag.text);
        abort();
    }
    return env;
}
