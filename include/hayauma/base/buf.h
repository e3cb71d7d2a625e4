/* A growing buffer with a stated maximum and a sticky error, so that a long run of appends is
 * checked once at its end. */
#pragma once
#include <stdint.h>

#include "hayauma/base/str.h"

struct hy_buf {
    char *data; /* owned; not NUL-terminated unless hy_buf_cstr made it so */
    size_t len;
    size_t cap;
    size_t max; /* appends past this fail with HY_ELIMIT */
    int err;    /* first failure: HY_ENOMEM or HY_ELIMIT; later appends do nothing */
};

#define HY_BUF_INIT(max_bytes) ((struct hy_buf){.max = (max_bytes)})
#define HY_CLEANUP(fn)         __attribute__((cleanup(fn)))

void hy_buf_free(struct hy_buf *b);
/* Empties it and forgets the error; keeps the memory. */
void hy_buf_reset(struct hy_buf *b);
/* Room for `n` more bytes at data+len; HY_ENOMEM, HY_ELIMIT. */
HY_MUST_USE int hy_buf_reserve(struct hy_buf *b, size_t n);
int hy_buf_grow(struct hy_buf *b, size_t n); /* slow half of reserve */

void hy_buf_add_slow(struct hy_buf *b, const void *p, size_t n);
static inline void hy_buf_add(struct hy_buf *b, const void *p, size_t n)
{
    if (b->err == 0 && b->cap - b->len >= n) {
        if (n)
            memcpy(b->data + b->len, p, n);
        b->len += n;
    } else {
        hy_buf_add_slow(b, p, n);
    }
}
static inline void hy_buf_add_str(struct hy_buf *b, struct hy_str s)
{
    hy_buf_add(b, s.p, s.n);
}
static inline void hy_buf_add_c(struct hy_buf *b, char c)
{
    hy_buf_add(b, &c, 1);
}
#define hy_buf_add_lit(b, lit) hy_buf_add((b), (lit), sizeof(lit) - 1)
void hy_buf_printf(struct hy_buf *b, const char *fmt, ...) HY_PRINTF(2, 3);
/* Drops the first `n` bytes (n <= len), moving the rest to the front. */
void hy_buf_consume(struct hy_buf *b, size_t n);
/* The bytes as a view that the next append may make invalid. */
static inline struct hy_str hy_buf_str(const struct hy_buf *b)
{
    return hy_str_make(b->data, b->len);
}
/* NUL-terminated view ("" when empty or out of memory); the NUL does not count in len. */
const char *hy_buf_cstr(struct hy_buf *b);
