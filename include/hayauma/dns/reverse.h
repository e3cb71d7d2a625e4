/* The names of an address, and whether a name has an address: one question each, waited for. For
 * commands, not for the daemon. */
#pragma once
#include "hayauma/dns/txt.h"
#include "hayauma/io/sockaddr.h"

/* Appends the names that PTR records give the address, lower-case, each ended by a newline.
 * HY_ENOTFOUND: there is none; HY_ETIMEOUT: no server answers; HY_EINVAL, HY_ENOMEM, HY_EIO. */
HY_MUST_USE int hy_ptr_lookup(const struct hy_txt_settings *s, const struct hy_sockaddr *address,
                              struct hy_buf *out);
/* Whether the name has this address (A or AAAA, by its family). Errors as above, but HY_ENOTFOUND
 * is *ret_has = false. */
HY_MUST_USE int hy_name_has_address(const struct hy_txt_settings *s, const char *name,
                                    const struct hy_sockaddr *address, bool *ret_has);
