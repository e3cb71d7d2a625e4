/* Sending TLS reports (RFC 8460): once a day by itself, or one by hand. Main thread. */
#pragma once
#include "tls_post.h"

struct tls_sender;

/* Sends nothing until tls.report_from is set. HY_ENOMEM, HY_EIO. */
HY_MUST_USE int tls_sender_new(struct hy_daemon *d, struct tls_sender **ret);
/* Every second: begins and goes on with the day's walk. */
void tls_sender_tick(struct tls_sender *s);
/* One report now. HY_EINVAL: the day is not over, or sending is off; HY_EBUSY: that report is on
 * its way; HY_ENOMEM, HY_ELIMIT, HY_EIO; noted. Then no call of order->fn. */
HY_MUST_USE int tls_sender_order(struct tls_sender *s, const struct tls_post_order *order,
                                 struct hy_diag *diag);
/* Nothing new from now on; before the writer ends. NULL is fine. */
void tls_sender_stop(struct tls_sender *s);
/* After the writer has ended: who waits is told. NULL is fine. */
void tls_sender_free(struct tls_sender *s);
/* Reports sent and failed, [is_https]. Any thread. */
void tls_sender_counts(const struct tls_sender *s, uint64_t ret_sent[2], uint64_t ret_failed[2]);
