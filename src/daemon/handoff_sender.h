/* The thread that hands hot leads over to sales. */
#pragma once
#include "hayauma/base/meter.h"

struct hy_daemon;
struct handoff_sender;

/* HY_ENOMEM, HY_EIO. */
HY_MUST_USE int handoff_sender_start(struct hy_daemon *d, struct handoff_sender **ret);
/* Requests on their way are given up, and made again at the next start under the same id. While the
 * writer runs. NULL is fine. */
void handoff_sender_stop(struct handoff_sender *s);
/* Since the start; NULL is fine. Any thread. */
struct handoff_counts {
    uint64_t arrived, tries_failed;
};
void handoff_sender_counts(const struct handoff_sender *s, struct handoff_counts *ret);
