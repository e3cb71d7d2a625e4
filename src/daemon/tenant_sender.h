/* Sends each tenant's contact the report on its mail, at the hour that the configuration says. */
#pragma once
#include "hayauma/base/err.h"

struct hy_daemon;
struct tenant_sender;

/* HY_ENOMEM, HY_EIO. */
HY_MUST_USE int tenant_sender_start(struct hy_daemon *d, struct tenant_sender **ret);
/* While delivery and the writer run. NULL is fine. */
void tenant_sender_stop(struct tenant_sender *s);
