/* How the in-flight file lies: a header page, then slots of 256 bytes. In the machine's own byte
 * order: it never leaves the machine (the magic number tells). */
#pragma once
#include <stdatomic.h>

#include "hayauma/store/inflight.h"

#define HY_INFLIGHT_MAGIC 0x3154464c46414859ULL /* "YHAFLFT1" */
enum { HY_INFLIGHT_VERSION = 1, HY_INFLIGHT_HEADER_BYTES = 4096 };

enum hy_slot_state { HY_SLOT_FREE = 0, HY_SLOT_DOT = 1, HY_SLOT_ANSWERED = 2 };

struct hy_inflight_header {
    _Atomic uint64_t magic; /* written last */
    uint32_t version, slot_bytes, slots;
};

struct hy_slot_ref {
    uint64_t campaign;
    uint32_t domain, block, lead;
    uint16_t slot, attempts;
    int64_t started;
};

struct hy_slot_answer {
    uint8_t kind, spoils, phase, from_server, in_doubt, state, class, text_n;
    uint16_t code, subject, detail;
    uint8_t effect, dsn_passed_on;
    uint32_t due_s, duration_ms, size_bytes;
    uint8_t mx_ip[16];
    char text[HY_INFLIGHT_TEXT_MAX];
};

struct hy_inflight_slot {
    _Atomic uint32_t state; /* enum hy_slot_state; always written last */
    uint32_t ref_sum, answer_sum;
    uint32_t tenant; /* of the answer's effect */
    struct hy_slot_ref ref;
    struct hy_slot_answer answer;
};
_Static_assert(sizeof(struct hy_inflight_slot) == HY_INFLIGHT_SLOT_BYTES, "a slot is 256 bytes");

struct hy_inflight {
    int fd;
    size_t bytes;
    struct hy_inflight_header *header;
    struct hy_inflight_slot *slots;
    uint32_t in_file; /* slots there are; the first `slots` of them are given out */
    uint32_t n_slots, per_worker;
    unsigned workers;
    uint32_t *next; /* links of the free lists, by slot */
    struct hy_inflight_list {
        uint32_t local;            /* the worker's */
        _Atomic uint32_t returned; /* pushed by any thread, taken whole by the worker */
        char apart[56];            /* one worker's list a cache line */
    } * lists;
    _Atomic uint32_t used;
};

uint32_t hy_slot_ref_sum(const struct hy_inflight_slot *s);
uint32_t hy_slot_answer_sum(const struct hy_inflight_slot *s);
/* Everything free again. No worker may run. */
void hy_inflight_reset(struct hy_inflight *f);
