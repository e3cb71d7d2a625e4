/* Sets of recipients of one message, by index. */
#pragma once
#include "hayauma/smtp/client.h"

_Static_assert(HY_SMTP_SET_WORDS == 2, "the loops below are written out for two words");

static inline bool hy_smtp_set_has(const struct hy_smtp_set *s, size_t i)
{
    return s->w[i / 64] >> (i % 64) & 1;
}
static inline void hy_smtp_set_add(struct hy_smtp_set *s, size_t i)
{
    s->w[i / 64] |= UINT64_C(1) << (i % 64);
}
static inline void hy_smtp_set_remove(struct hy_smtp_set *s, size_t i)
{
    s->w[i / 64] &= ~(UINT64_C(1) << (i % 64));
}
static inline bool hy_smtp_set_is_empty(const struct hy_smtp_set *s)
{
    return (s->w[0] | s->w[1]) == 0;
}
/* The first member; the set must not be empty. */
static inline size_t hy_smtp_set_first(const struct hy_smtp_set *s)
{
    return s->w[0] ? (size_t)__builtin_ctzll(s->w[0]) : 64 + (size_t)__builtin_ctzll(s->w[1]);
}
/* 0 .. n-1, n in 1..128. */
static inline void hy_smtp_set_fill(struct hy_smtp_set *s, size_t n)
{
    s->w[0] = n >= 64 ? UINT64_MAX : (UINT64_C(1) << n) - 1;
    s->w[1] = n <= 64 ? 0 : UINT64_MAX >> (128 - n);
}
