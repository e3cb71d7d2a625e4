/* Reports to the senders of ready messages. A thread of its own looks each second which messages
 * have something to tell (store/dsn.h), writes their reports and hands them in. */
#pragma once
#include "hayauma/base/meter.h"

struct hy_daemon;
struct dsn_sender;
struct hy_config;

/* After delivery began; `d` must outlive it. It goes by the newest configuration. */
int dsn_sender_start(struct hy_daemon *d, struct dsn_sender **ret);
/* Waits for reports that are being stored; while the writer runs. NULL is fine. */
void dsn_sender_stop(struct dsn_sender *s);
/* What settling goes by, from a new configuration. */
void dsn_sender_apply(struct hy_daemon *d, const struct hy_config *c);
/* Since the start: reports handed in, and those that could be neither written nor stored. NULL:
 * none. Any thread. */
void dsn_sender_counts(const struct dsn_sender *s, uint64_t *ret_sent, uint64_t *ret_given_up);
