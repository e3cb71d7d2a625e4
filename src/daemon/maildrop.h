/* The maildrop: a directory where programs of this machine leave messages (the sendmail command),
 * whether the daemon runs or not. A thread of its own takes them, each exactly once. */
#pragma once
#include "hayauma/base/err.h"

struct hy_daemon;
struct maildrop;

/* By submission.maildrop; *ret is NULL when that is empty, or when the directory cannot be used,
 * which is logged. HY_ENOMEM, HY_EIO. */
int maildrop_start(struct hy_daemon *d, struct maildrop **ret);
/* Ends behind the files at hand; while the writer runs. NULL is fine. */
void maildrop_stop(struct maildrop *m);
