/* Writes the mails that ask whether somebody wants to join a list, and forgets requests that nobody
 * answered. */
#pragma once
#include "hayauma/base/err.h"

struct hy_daemon;
struct opt_in_sender;

/* Starts its thread; delivery and the writer must outlive it. HY_ENOMEM, HY_EIO. */
HY_MUST_USE int opt_in_sender_start(struct hy_daemon *d, struct opt_in_sender **ret);
/* Waits for mails on their way into the spool. While the writer runs; NULL is fine. */
void opt_in_sender_stop(struct opt_in_sender *s);
