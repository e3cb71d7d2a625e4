/* Sockets that listen. */
#pragma once
#include "hayauma/io/sockaddr.h"

/* A TCP socket that listens there: not blocking, closed on exec, of IPv6 only where the address is.
 * The caller closes it. HY_EBUSY (another process has the port), HY_EIO. */
HY_MUST_USE int hy_listen(const struct hy_sockaddr *at, struct hy_diag *diag, int *ret_fd);
