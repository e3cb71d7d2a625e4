/* Keys of the store: big-endian numbers and bytes in a row, so that memcmp order is their order. */
#pragma once
#include "hayauma/base/bytes.h"
#include "hayauma/base/str.h"

enum { HY_KEY_MAX = 511 }; /* LMDB's limit */

struct hy_key {
    size_t n;
    bool too_long; /* sticky: a key that did not fit; the table functions answer HY_EINVAL */
    uint8_t b[HY_KEY_MAX];
};

static inline void hy_key_start(struct hy_key *k)
{
    k->n = 0;
    k->too_long = false;
}
static inline void hy_key_bytes(struct hy_key *k, struct hy_str s)
{
    if (s.n > HY_KEY_MAX - k->n) {
        k->too_long = true;
        return;
    }
    if (s.n)
        memcpy(k->b + k->n, s.p, s.n);
    k->n += s.n;
}
#define HY_KEY_NUMBER(bits)                                                                        \
    static inline void hy_key_u##bits(struct hy_key *k, uint##bits##_t v)                          \
    {                                                                                              \
        uint8_t be[sizeof v];                                                                      \
        hy_put_be##bits(be, v);                                                                    \
        hy_key_bytes(k, hy_str_make(be, sizeof be));                                               \
    }
HY_KEY_NUMBER(16)
HY_KEY_NUMBER(32)
HY_KEY_NUMBER(64)

/* A view that lives as long as `k`; empty (which no table takes) when the key did not fit. */
static inline struct hy_str hy_key_str(const struct hy_key *k)
{
    return hy_str_make(k->b, k->too_long ? 0 : k->n);
}
