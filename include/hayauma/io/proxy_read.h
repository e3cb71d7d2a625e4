/* Reading what a proxy says before the first byte of a connection that it passes on: the PROXY
 * protocol, versions 1 and 2 (haproxy.org, proxy-protocol.txt). Pure. */
#pragma once
#include "hayauma/io/sockaddr.h"

enum { HY_PROXY_HEADER_MAX = 16 + 1024 };

/* `p` has the first `n` bytes. HY_EMORE: more are needed (of at most HY_PROXY_HEADER_MAX);
 * HY_EPARSE: that is no header, or one that is longer. *ret_used: its length; *ret_client: who
 * connected to the proxy, {0} when it speaks for itself or does not know. */
HY_MUST_USE int hy_proxy_read(const char *p, size_t n, struct hy_sockaddr *ret_client,
                              size_t *ret_used);
