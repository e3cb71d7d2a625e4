/* 64-bit ids: unique over all nodes, ordered by time, so that new records go to the end of a table.
 * 42 bits of milliseconds since 2020-01-01 (until 2159), 10 bits of node, 12 bits of sequence. */
#pragma once
#include <stdint.h>

#include "hayauma/base/clock.h"
#include "hayauma/base/str.h"

typedef uint64_t hy_id; /* 0 is never an id */

enum { HY_ID_NODE_BITS = 10, HY_ID_SEQ_BITS = 12, HY_ID_NODE_MAX = 1023, HY_ID_TEXT_MAX = 14 };

/* One a node; not thread-safe: its owner is the thread that makes ids (the writer). */
struct hy_id_gen {
    uint64_t last; /* the newest id given out; survives clocks that run backwards */
    uint32_t node; /* 0..HY_ID_NODE_MAX */
};

/* `last` is the largest id already in the store (0 for none). */
void hy_id_gen_init(struct hy_id_gen *g, uint32_t node, hy_id last);
/* Always greater than every id it gave before, whatever the clock does. */
hy_id hy_id_next(struct hy_id_gen *g, hy_wall_ms now);
/* The id that hy_id_next gives behind this one at the same moment, and the one it gave before. */
hy_id hy_id_after(hy_id id);
hy_id hy_id_before(hy_id id);
/* The moment in it, and the first possible id of a moment (for searching by time). */
hy_wall_ms hy_id_time(hy_id id);
hy_id hy_id_floor(hy_wall_ms t);
uint32_t hy_id_node(hy_id id);
/* 13 characters of lower-case base32hex (0-9a-v, RFC 4648 section 7), sorted like the number;
 * NUL-ended. This is how ids look in the CLI, in file names and in headers. */
const char *hy_id_format(hy_id id, char out[HY_ID_TEXT_MAX]);
HY_MUST_USE int hy_id_parse(struct hy_str text, hy_id *ret_id);
