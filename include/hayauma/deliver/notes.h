/* Notes of attempts, for a log: each worker leaves one for every settled outcome in a ring of its
 * own, one reader takes them out. A worker never waits: what finds the ring full is dropped and
 * counted (hy_deliver_sum.notes_dropped). */
#pragma once
#include "hayauma/base/clock.h"
#include "hayauma/model/outcome.h"
#include "hayauma/model/recipient.h"
#include "hayauma/store/attempt.h"

struct hy_deliver;

enum { HY_NOTES_RING_BYTES = 4 << 20 }; /* for each worker: some 10,000 notes */

/* What happened, once it was durable. Strings live until the callback returns; they are the bytes
 * that came, so a writer must clean them. */
struct hy_attempt_note {
    hy_id id; /* of the attempt in the store's log; 0 when it was stale */
    struct hy_rcpt_ref ref;
    enum hy_rcpt_state state; /* of the row after it */
    uint32_t due_s;
    struct hy_outcome outcome; /* text: see below */
    hy_wall_ms started;        /* 0: nothing was sent */
    hy_wall_ms at;             /* when it was known to be stored */
    uint32_t duration_ms, size_bytes;
    uint8_t mx_ip[16];
    uint16_t tls_version;
    enum hy_attempt_policy tls_policy;
    enum hy_attempt_check tls_check;
    struct hy_str recipient;  /* "" when the message was never rendered: see ref.lead */
    struct hy_str message_id; /* of a ready message; "" = a campaign's: by campaign and lead */
    struct hy_str domain, site, provider, mx_host, source, tls_cipher, text;
};

/* From now on notes are kept, or not. Main thread. HY_ENOMEM. */
HY_MUST_USE int hy_deliver_notes(struct hy_deliver *d, bool is_on);
/* Gives what is there to `fn`, a few thousand at most; returns how many. One thread, also after
 * delivery was stopped. */
typedef void hy_attempt_note_fn(void *ctx, const struct hy_attempt_note *n);
size_t hy_deliver_take_notes(struct hy_deliver *d, hy_attempt_note_fn *fn, void *ctx);
