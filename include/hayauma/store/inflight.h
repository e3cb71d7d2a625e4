/* The in-flight table: which rows have sent their final dot and which have got their reply. A file
 * mapped and shared, so that it outlives kill -9 without a system call per message.
 *
 * Life of a slot: claim -> (fill, then) dot -> answered -> free after settle's commit. Each step is
 * published by one store of the state word, written last; a process killed at any instruction
 * leaves the slot in the step before or the step after. */
#pragma once
#include "hayauma/store/settle.h"

enum {
    HY_INFLIGHT_SLOT_BYTES = 256,
    HY_INFLIGHT_TEXT_MAX = 160, /* bytes of reply kept in a slot */
    HY_INFLIGHT_SLOTS_MAX = 1 << 20,
    HY_INFLIGHT_WORKERS_MAX = 256,
};
#define HY_INFLIGHT_NONE UINT32_MAX

struct hy_inflight;

/* Opens or makes <data_dir>/inflight (mode 0600). Slots in use from the process before stay until
 * hy_recover has seen them. `slots` (1..HY_INFLIGHT_SLOTS_MAX) are shared out evenly to `workers`
 * (1..HY_INFLIGHT_WORKERS_MAX). The owner of the store only. HY_EINVAL, HY_EIO, HY_EFULL,
 * HY_ENOMEM, HY_EVERSION, HY_ECORRUPT. */
HY_MUST_USE int hy_inflight_open(const char *data_dir, uint32_t slots, unsigned workers,
                                 struct hy_inflight **ret, struct hy_diag *diag);
void hy_inflight_close(struct hy_inflight *f);

/* A slot for a message about to be sent, or HY_INFLIGHT_NONE. Worker thread `worker` only. */
uint32_t hy_inflight_claim(struct hy_inflight *f, unsigned worker);
/* Call just before the bytes of the final dot go to the socket. `started` as in the attempt. */
void hy_inflight_dot(struct hy_inflight *f, uint32_t slot, const struct hy_rcpt_ref *ref,
                     hy_wall_ms started);
/* Call when verdict and outcome are known, before the settle is submitted. Keeps of the attempt:
 * ref, state, due_s, outcome (text cut), started, duration, mx_ip, size. */
void hy_inflight_answered(struct hy_inflight *f, uint32_t slot, const struct hy_attempt *a);
/* After settle's done, or when the dot was never sent. Any thread, lock-free. */
void hy_inflight_free(struct hy_inflight *f, uint32_t slot);
/* Slots claimed and not free; any thread; approximate while threads run. */
uint32_t hy_inflight_used(const struct hy_inflight *f);

enum hy_doubt_policy {
    HY_DOUBT_RESEND, /* due again at once: the recipient may get it twice */
    HY_DOUBT_HOLD,   /* HELD until a person decides: it may get none */
};
struct hy_recovery {
    uint32_t seen;     /* slots in use */
    uint32_t applied;  /* answered before the crash, settled now */
    uint32_t in_doubt; /* between dot and reply: resent or held by the policy */
    uint32_t stale;    /* settled before the crash already */
    uint32_t damaged;  /* checksum wrong (power cut): ignored */
    uint32_t missing;  /* rows that do not exist (store restored from a backup): ignored */
};
/* At boot, before the writer starts: settles what the table holds, commits, empties the table. Safe
 * to be killed and run again. */
HY_MUST_USE int hy_recover(struct hy_env *env, struct hy_inflight *f, enum hy_doubt_policy policy,
                           struct hy_recovery *ret);
