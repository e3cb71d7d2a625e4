/* Who stands behind a connection: the peer itself, or whom a trusted proxy speaks for. */
#pragma once
#include "hayauma/io/http.h"
#include "hayauma/receive/receive.h"

bool web_is_one_of(const struct hy_network *networks, size_t n, const struct hy_sockaddr *a);
/* The address a request comes from. True: a trusted proxy brought it. */
bool web_find_client(const struct hy_network *proxies, size_t n, const struct hy_http_call *call,
                     struct hy_sockaddr *ret);
