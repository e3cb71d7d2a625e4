/* Ids: time, node, sequence. */
#include "hayauma/model/id.h"

#define EPOCH_MS 1577836800000ll /* 2020-01-01T00:00:00Z */

enum { TIME_SHIFT = HY_ID_NODE_BITS + HY_ID_SEQ_BITS };
#define SEQ_MASK  ((UINT64_C(1) << HY_ID_SEQ_BITS) - 1)
#define NODE_MASK ((uint64_t)HY_ID_NODE_MAX << HY_ID_SEQ_BITS)

void hy_id_gen_init(struct hy_id_gen *g, uint32_t node, hy_id last)
{
    g->node = node & HY_ID_NODE_MAX;
    g->last = last;
}

hy_id hy_id_after(hy_id id)
{
    if ((id & SEQ_MASK) != SEQ_MASK)
        return id + 1;
    return (id & ~SEQ_MASK) + (UINT64_C(1) << TIME_SHIFT);
}

hy_id hy_id_before(hy_id id)
{
    if (id & SEQ_MASK)
        return id - 1;
    return (id | SEQ_MASK) - (UINT64_C(1) << TIME_SHIFT);
}

hy_id hy_id_next(struct hy_id_gen *g, hy_wall_ms now)
{
    uint64_t t = now > EPOCH_MS ? (uint64_t)(now - EPOCH_MS) : 0;
    hy_id id = t << TIME_SHIFT;
    if (t <= g->last >> TIME_SHIFT) /* the same millisecond, or a clock that went back: count on */
        id = hy_id_after(g->last) & ~NODE_MASK;
    g->last = id | (uint64_t)g->node << HY_ID_SEQ_BITS;
    return g->last;
}

hy_wall_ms hy_id_time(hy_id id)
{
    return (hy_wall_ms)(id >> TIME_SHIFT) + EPOCH_MS;
}

hy_id hy_id_floor(hy_wall_ms t)
{
    return t > EPOCH_MS ? (uint64_t)(t - EPOCH_MS) << TIME_SHIFT : 0;
}

uint32_t hy_id_node(hy_id id)
{
    return (uint32_t)(id >> HY_ID_SEQ_BITS) & HY_ID_NODE_MAX;
}

const char *hy_id_format(hy_id id, char out[HY_ID_TEXT_MAX])
{
    static const char abc[] = "0123456789abcdefghijklmnopqrstuv";
    for (int i = 12; i >= 0; i--) {
        out[i] = abc[id & 31];
        id >>= 5;
    }
    out[13] = '\0';
    return out;
}

int hy_id_parse(struct hy_str text, hy_id *ret_id)
{
    if (text.n != 13)
        return HY_EPARSE;
    uint64_t v = 0;
    for (size_t i = 0; i < 13; i++) {
        char c = hy_ascii_lower(text.p[i]);
        unsigned d;
        if (c >= '0' && c <= '9')
            d = (unsigned)(c - '0');
        else if (c >= 'a' && c <= 'v')
            d = (unsigned)(c - 'a') + 10;
        else
            return HY_EPARSE;
        if (i == 0 && d > 15) /* 65 bits hold one more than an id has */
            return HY_EPARSE;
        v = v << 5 | d;
    }
    if (v == 0)
        return HY_EPARSE;
    *ret_id = v;
    return HY_OK;
}
