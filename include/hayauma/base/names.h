/* One of many names: an index over an array of structs that have one, built when they are all
 * there. */
#pragma once
#include "hayauma/base/str.h"

struct hy_names {    /* private; zeroed: of nothing */
    uint32_t *table; /* places in the array + 1; 0 = free */
    size_t mask;
    const char *first; /* the name of the first item; the others follow at `stride` */
    size_t stride;
};

/* Indexes `n` items whose names (a const char *, none NULL) stand `stride` bytes apart, the first
 * at `first`; they must not move. HY_EEXIST: a name is there twice, *ret_twice is the place of the
 * second; HY_ENOMEM. */
HY_MUST_USE int hy_names_build(struct hy_names *t, const char *const *first, size_t stride,
                               size_t n, size_t *ret_twice);
/* The place of a name, or SIZE_MAX. Any thread. */
size_t hy_names_find(const struct hy_names *t, struct hy_str name);
void hy_names_free(struct hy_names *t);
