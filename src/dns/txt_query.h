/* One question on a channel of its own, waited for with poll: shared by txt.c and reverse.c. */
#pragma once
#include "hayauma/dns/txt.h"

/* Reads the packet of a good answer into `ctx`. */
typedef int txt_read_fn(void *ctx, const unsigned char *packet, int n);
/* HY_ENOTFOUND: no such name or record; HY_ETIMEOUT: no server answers; what `read` returns. */
HY_MUST_USE int txt_query(const struct hy_txt_settings *s, const char *name, int type,
                          txt_read_fn *read, void *ctx);
