/* A store in a temporary directory, for the tests of this folder. */
#pragma once
#include "hayauma/store/env.h"

struct store_dir {
    char path[64];
};

/* Makes a fresh directory below $TMPDIR or /tmp; aborts the test when it cannot. */
struct store_dir store_dir_make(void);
void store_dir_remove(struct store_dir *d); /* and everything in it */
/* Opens an owner's environment there (64 MiB of map, node 7); aborts the test when it cannot. */
struct hy_env *store_open(const struct store_dir *d);
