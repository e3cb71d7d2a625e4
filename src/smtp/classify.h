/* What a reply of class 4 or 5 means for those it speaks about. */
#pragma once
#include "hayauma/smtp/reply.h"

/* The outcome of a reply that is complete. `text` is a view into the reply. A 2xx is DELIVERED at
 * HY_PHASE_DOT only; elsewhere callers pass 4xx and 5xx only. */
struct hy_outcome hy_smtp_classify(const struct hy_smtp_reply *r, enum hy_phase phase);
/* 2xx that agrees with what we asked; 220 and 221 answer other questions. */
bool hy_smtp_is_ok(uint16_t code);
/* 4xx and 5xx. */
bool hy_smtp_is_refusal(uint16_t code);
/* "Too many recipients" (RFC 5321 4.5.3.1.10): 452, or 552 for the servers of old, unless the
 * server's own status speaks of something else. */
bool hy_smtp_is_too_many(const struct hy_smtp_reply *r);
