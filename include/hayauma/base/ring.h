/* A ring of records of any length between one writing and one reading thread. Nobody ever waits: a
 * record that finds no room is not written. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "hayauma/base/err.h"

struct hy_ring;

/* `bytes`: a power of two, 4 KiB to 1 GiB. HY_EINVAL, HY_ENOMEM. */
HY_MUST_USE int hy_ring_create(uint32_t bytes, struct hy_ring **ret);
/* When neither thread uses it. NULL is fine. */
void hy_ring_free(struct hy_ring *r);

/* The writer: room for `n` bytes, aligned to 8, or NULL when there is none now. It becomes a record
 * with hy_ring_commit; another reserve before that takes its place. */
void *hy_ring_reserve(struct hy_ring *r, uint32_t n);
void hy_ring_commit(struct hy_ring *r);

/* The reader: the oldest record, or NULL; it stays until hy_ring_release. */
const void *hy_ring_peek(struct hy_ring *r, uint32_t *ret_n);
void hy_ring_release(struct hy_ring *r);
