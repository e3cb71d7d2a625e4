/* Asking for a TXT record and waiting for it: for commands of people, never in the daemon. */
#pragma once
#include "hayauma/base/buf.h"
#include "hayauma/io/sockaddr.h"

struct hy_txt_settings {
    const struct hy_sockaddr *servers; /* none = those of /etc/resolv.conf */
    size_t n_servers;                  /* at most 16 are asked */
    uint32_t timeout_ms;               /* of the first try; 1..60000 */
    uint32_t tries;                    /* 1..10 */
};

/* Appends the text of the first TXT record of `name`, its strings joined. HY_ENOTFOUND when there
 * is no such name or record, HY_ETIMEOUT when no server answers or they fail, HY_EINVAL for
 * settings out of range, HY_EIO, HY_ENOMEM, HY_ELIMIT. Blocks. */
HY_MUST_USE int hy_txt_lookup(const struct hy_txt_settings *settings, const char *name,
                              struct hy_buf *out);
