/* What windows learned: a table of sets of four. 64-bit hashes are not compared further: a lane
 * that met another's memory would begin slower than it could, and learn.
 *
 * A record, little-endian: site u64, source u64, learned at u64 (wall ms), connections u32, bad
 * ones u32, messages a connection u32, rate, bad rate, noise as floats, shut for u32 (ms), last
 * pause u32 (ms), failures u16, state u8, 0. */
#include "site_memory.h"

#include <math.h>
#include <stdlib.h>

#include "hayauma/base/bytes.h"
#include "hayauma/base/hash.h"

enum { RECORD_BYTES = 60 };

uint64_t site_memory_source(const char *name, const char *rule)
{
    static const struct hy_hash_key fixed = {0x736f757263652069, 0x6e2077696e646f77};
    uint64_t of_rule = rule ? hy_siphash(&fixed, rule, strlen(rule)) * 31 : 0;
    return hy_siphash(&fixed, name, strlen(name)) + of_rule;
}

static struct site_known *set_of(const struct site_memory *m, struct site_key lane)
{
    uint64_t mixed = (lane.site ^ lane.source) * 0x9e3779b97f4a7c15u;
    return m->known + (mixed >> 54) % SITE_MEMORY_SETS * SITE_MEMORY_WAYS;
}

static bool is_same(struct site_key a, struct site_key b)
{
    return a.site == b.site && a.source == b.source;
}

void site_memory_keep(struct site_memory *m, struct site_key lane,
                      const struct hy_window_learned *l)
{
    if (!m->known)
        m->known = calloc((size_t)SITE_MEMORY_SETS * SITE_MEMORY_WAYS, sizeof *m->known);
    if (!m->known || lane.site == 0)
        return;
    struct site_known *set = set_of(m, lane), *at = set;
    for (int i = 0; i < SITE_MEMORY_WAYS; i++) {
        if (is_same(set[i].lane, lane)) {
            at = &set[i];
            break;
        }
        bool is_older = set[i].lane.site == 0 || set[i].learned.at < at->learned.at;
        if (at->lane.site != 0 && is_older)
            at = &set[i];
    }
    if (is_same(at->lane, lane) && at->learned.at > l->at)
        return;
    *at = (struct site_known){lane, *l};
}

const struct hy_window_learned *site_memory_find(const struct site_memory *m, struct site_key lane)
{
    if (!m->known || lane.site == 0)
        return NULL;
    const struct site_known *set = set_of(m, lane);
    for (int i = 0; i < SITE_MEMORY_WAYS; i++) {
        if (is_same(set[i].lane, lane))
            return &set[i].learned;
    }
    return NULL;
}

void site_memory_free(struct site_memory *m)
{
    free(m->known);
    *m = (struct site_memory){0};
}

/* ---- as bytes ---- */

static void put_float(uint8_t *p, float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    hy_put_le32(p, bits);
}

/* One that is finite and not negative; NAN: it is none. */
static float get_float(const uint8_t *p)
{
    uint32_t bits = hy_get_le32(p);
    float f;
    memcpy(&f, &bits, sizeof f);
    return isfinite(f) && f >= 0 ? f : NAN;
}

static uint32_t in_ms(hy_us t)
{
    hy_us ms = t / HY_US_PER_MS;
    return ms < 0 ? 0 : ms > UINT32_MAX ? UINT32_MAX : (uint32_t)ms;
}

size_t site_memory_write(const struct site_memory *m, hy_us now, hy_wall_ms wall,
                         struct hy_buf *out)
{
    size_t n = 0;
    for (size_t i = 0; m->known && i < (size_t)SITE_MEMORY_SETS * SITE_MEMORY_WAYS; i++) {
        const struct site_known *k = &m->known[i];
        const struct hy_window_learned *l = &k->learned;
        uint8_t r[RECORD_BYTES] = {0};
        if (k->lane.site == 0)
            continue;
        hy_put_le64(r, k->lane.site);
        hy_put_le64(r + 8, k->lane.source);
        hy_put_le64(r + 16, (uint64_t)(wall - (now - l->at) / HY_US_PER_MS));
        hy_put_le32(r + 24, l->connections);
        hy_put_le32(r + 28, l->bad_connections);
        hy_put_le32(r + 32, l->messages_per_connection);
        put_float(r + 36, l->rate);
        put_float(r + 40, l->bad_rate);
        put_float(r + 44, l->noise);
        hy_put_le32(r + 48, in_ms(l->shut_us));
        hy_put_le32(r + 52, in_ms(l->pause_us));
        hy_put_le16(r + 56, (uint16_t)(l->failures < UINT16_MAX ? l->failures : UINT16_MAX));
        r[58] = (uint8_t)l->state;
        hy_buf_add(out, r, sizeof r);
        n++;
    }
    return n;
}

static bool decode(const uint8_t *r, hy_us now, hy_wall_ms wall, struct site_key *ret_lane,
                   struct hy_window_learned *ret)
{
    hy_wall_ms at = (hy_wall_ms)hy_get_le64(r + 16);
    struct hy_window_learned l = {
        .state = (enum hy_window_state)r[58],
        .connections = hy_get_le32(r + 24),
        .bad_connections = hy_get_le32(r + 28),
        .messages_per_connection = hy_get_le32(r + 32),
        .rate = get_float(r + 36),
        .bad_rate = get_float(r + 40),
        .noise = get_float(r + 44),
        .shut_us = (hy_us)hy_get_le32(r + 48) * HY_US_PER_MS,
        .pause_us = (hy_us)hy_get_le32(r + 52) * HY_US_PER_MS,
        .failures = hy_get_le16(r + 56),
    };
    *ret_lane = (struct site_key){hy_get_le64(r), hy_get_le64(r + 8)};
    if (ret_lane->site == 0 || at <= 0 || r[58] > HY_WINDOW_SUSPENDED || isnan(l.rate) ||
        isnan(l.bad_rate) || isnan(l.noise) || l.noise > 1)
        return false;
    l.at =
        at < wall ? now - (wall - at) * HY_US_PER_MS : now; /* a clock that went back: just now */
    *ret = l;
    return true;
}

int site_memory_read(struct hy_str bytes, hy_us now, hy_wall_ms wall,
                     void (*each)(void *ctx, struct site_key lane,
                                  const struct hy_window_learned *l),
                     void *ctx)
{
    bool is_bad = bytes.n % RECORD_BYTES != 0;
    for (size_t i = 0; i + RECORD_BYTES <= bytes.n; i += RECORD_BYTES) {
        struct site_key lane;
        struct hy_window_learned l;
        if (decode((const uint8_t *)bytes.p + i, now, wall, &lane, &l))
            each(ctx, lane, &l);
        else
            is_bad = true;
    }
    return is_bad ? HY_ECORRUPT : HY_OK;
}
