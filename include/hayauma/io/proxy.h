/* What is said to a proxy before the first byte for the server behind it: SOCKS5 (RFC 1928, with
 * user and password by RFC 1929), or the PROXY protocol (versions 1 and 2). Pure: bytes in, bytes
 * out.
 *
 * Happy path: start; what output gives is sent; what comes in goes to input until it says
 * HY_PROXY_DONE; bytes behind that are the server's.
 * How it fails: HY_PROXY_FAILED with the reason, and whose fault it is. */
#pragma once
#include "hayauma/io/sockaddr.h"

enum hy_proxy_kind {
    HY_PROXY_NONE = 0,
    HY_PROXY_SOCKS5,
    HY_PROXY_V1, /* the PROXY protocol, as a line of text */
    HY_PROXY_V2, /* and in binary */
};
const char *hy_proxy_kind_name(enum hy_proxy_kind k); /* "socks5", "proxy-v1", "proxy-v2", "none" */

enum { HY_PROXY_NAME_MAX = 255 }; /* bytes of a user's name, or of a password (RFC 1929) */

/* How to reach the world through one. Strings live as long as who uses it. */
struct hy_proxy {
    enum hy_proxy_kind kind;
    struct hy_sockaddr address;
    const char *user; /* SOCKS5; NULL or "" = none is asked for */
    const char *password;
};
/* "socks5://192.0.2.1:1080", "proxy-v2://[2001:db8::1]:2525"; without a port 1080 counts for SOCKS5
 * only. HY_EPARSE with the reason; user and password are left alone. */
HY_MUST_USE int hy_proxy_parse(struct hy_str text, struct hy_diag *diag, struct hy_proxy *ret);

enum hy_proxy_state { HY_PROXY_TALKING, HY_PROXY_DONE, HY_PROXY_FAILED };

enum hy_proxy_fault {
    HY_PROXY_FAULT_NONE,
    HY_PROXY_FAULT_PROXY, /* it does not do what it is there for: no other server is reached either
                           */
    HY_PROXY_FAULT_PEER,  /* it does, and could not reach this server */
};

struct hy_proxy_talk {
    const struct hy_proxy *proxy;
    const struct hy_sockaddr *peer;
    enum hy_proxy_state state;
    enum hy_proxy_fault fault;
    const char *text; /* of a failure, for people; a literal */
    uint8_t step;
    uint16_t n_in, n_out, sent;
    char in[4 + 1 + 255 + 2];
    char out[3 + 2 * HY_PROXY_NAME_MAX];
};

/* `peer`: the server. `source`: the address that the proxy is to speak from, by the PROXY protocol;
 * SOCKS5 has no way to say it. Without one ({0}) or with another family than the peer's the header
 * says "LOCAL" (v1: "UNKNOWN"), and the proxy does as it is set up. `proxy` and `peer` outlive the
 * talk. */
void hy_proxy_start(struct hy_proxy_talk *t, const struct hy_proxy *proxy,
                    const struct hy_sockaddr *peer, const struct hy_sockaddr *source);
/* What is to be sent now; empty: nothing. */
struct hy_str hy_proxy_output(const struct hy_proxy_talk *t);
/* So many bytes of it were. */
void hy_proxy_sent(struct hy_proxy_talk *t, size_t n);
/* Takes bytes; how many: fewer than all only when it is done or has failed. */
size_t hy_proxy_input(struct hy_proxy_talk *t, const char *p, size_t n);
/* The connection ended before it was done, or time is up: fails it, and says whose fault that is. A
 * proxy that was asked to connect and is silent waits for the server. */
void hy_proxy_end(struct hy_proxy_talk *t, bool is_timeout);
