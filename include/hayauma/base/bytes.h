/* Numbers as bytes: big-endian in keys, little-endian in values, varints in packed records. */
#pragma once
#include <endian.h>
#include <stdint.h>
#include <string.h>

#define HY_BYTES_PAIR(bits, order)                                                                 \
    static inline void hy_put_##order##bits(void *p, uint##bits##_t v)                             \
    {                                                                                              \
        v = hto##order##bits(v);                                                                   \
        memcpy(p, &v, sizeof v);                                                                   \
    }                                                                                              \
    static inline uint##bits##_t hy_get_##order##bits(const void *p)                               \
    {                                                                                              \
        uint##bits##_t v;                                                                          \
        memcpy(&v, p, sizeof v);                                                                   \
        return order##bits##toh(v);                                                                \
    }
HY_BYTES_PAIR(16, be)
HY_BYTES_PAIR(32, be)
HY_BYTES_PAIR(64, be)
HY_BYTES_PAIR(16, le)
HY_BYTES_PAIR(32, le)
HY_BYTES_PAIR(64, le)

/* LEB128, 1..10 bytes; returns how many were written. */
static inline size_t hy_varint_put(uint8_t *p, uint64_t v)
{
    size_t n = 0;
    while (v >= 0x80) {
        p[n++] = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    p[n++] = (uint8_t)v;
    return n;
}

/* Bytes read, or 0 when the bytes end too early or the number does not fit. */
static inline size_t hy_varint_get(const uint8_t *p, size_t n, uint64_t *ret)
{
    uint64_t v = 0;
    for (size_t i = 0; i < n && i < 10; i++) {
        if (i == 9 && p[i] > 1)
            return 0;
        v |= (uint64_t)(p[i] & 0x7f) << (7 * i);
        if (!(p[i] & 0x80)) {
            *ret = v;
            return i + 1;
        }
    }
    return 0;
}
