/* Writing and reading the fields of a stored record, with one check at the end: `bad` sticks. */
#pragma once
#include "hayauma/base/bytes.h"
#include "hayauma/base/str.h"

struct hy_rec_out {
    uint8_t *p;
    size_t n, max;
    bool bad; /* did not fit */
};

static inline void rec_put(struct hy_rec_out *o, const void *p, size_t n)
{
    if (n > o->max - o->n) {
        o->bad = true;
        return;
    }
    if (n)
        memcpy(o->p + o->n, p, n);
    o->n += n;
}
static inline void rec_put_u8(struct hy_rec_out *o, uint8_t v)
{
    rec_put(o, &v, 1);
}
static inline void rec_put_varint(struct hy_rec_out *o, uint64_t v)
{
    uint8_t b[10];
    rec_put(o, b, hy_varint_put(b, v));
}
static inline void rec_put_str(struct hy_rec_out *o, struct hy_str s)
{
    rec_put_varint(o, s.n);
    rec_put(o, s.p, s.n);
}

static const uint8_t rec_mapped_v4[12] = {[10] = 0xff, [11] = 0xff};
/* An address of 16 bytes: none (zeroed), IPv4 (mapped) or IPv6 in 1, 5 or 17 bytes. */
static inline void rec_put_ip(struct hy_rec_out *o, const uint8_t ip[16])
{
    static const uint8_t none[16];
    if (memcmp(ip, none, 16) == 0)
        rec_put_u8(o, 0);
    else if (memcmp(ip, rec_mapped_v4, 12) == 0)
        rec_put_str(o, hy_str_make(ip + 12, 4));
    else
        rec_put_str(o, hy_str_make(ip, 16));
}

struct hy_rec_in {
    const uint8_t *p;
    size_t n; /* left */
    bool bad; /* ended too early, or a number out of its range */
};

static inline struct hy_rec_in rec_in(struct hy_str value)
{
    union {
        const char *c;
        const uint8_t *u;
    } p = {.c = value.p};
    return (struct hy_rec_in){.p = p.u, .n = value.n};
}
static inline const uint8_t *rec_get(struct hy_rec_in *in, size_t n)
{
    static const uint8_t zeros[32];
    if (n > in->n) {
        in->bad = true;
        in->n = 0;
        return n <= sizeof zeros ? zeros : NULL;
    }
    const uint8_t *p = in->p;
    in->p += n;
    in->n -= n;
    return p;
}
static inline uint8_t rec_get_u8(struct hy_rec_in *in)
{
    return *rec_get(in, 1);
}
static inline uint64_t rec_get_varint(struct hy_rec_in *in, uint64_t max)
{
    uint64_t v = 0;
    size_t used = hy_varint_get(in->p, in->n, &v);
    if (used == 0 || v > max) {
        in->bad = true;
        in->n = 0;
        return 0;
    }
    in->p += used;
    in->n -= used;
    return v;
}
static inline struct hy_str rec_get_str(struct hy_rec_in *in, size_t max)
{
    size_t n = (size_t)rec_get_varint(in, max);
    if (n > in->n) {
        in->bad = true;
        return (struct hy_str){0};
    }
    return hy_str_make(rec_get(in, n), n);
}
static inline void rec_get_ip(struct hy_rec_in *in, uint8_t ip[16])
{
    struct hy_str s = rec_get_str(in, 16);
    memset(ip, 0, 16);
    if (s.n == 4) {
        memcpy(ip, rec_mapped_v4, 12);
        memcpy(ip + 12, s.p, 4);
    } else if (s.n == 16) {
        memcpy(ip, s.p, 16);
    } else if (s.n != 0) {
        in->bad = true;
    }
}
