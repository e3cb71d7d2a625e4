/* The client's side of SOCKS5 and the sender's side of the PROXY protocol. */
#include "hayauma/io/proxy.h"

#include <arpa/inet.h>
#include <stdio.h>

enum {
    SOCKS_VERSION = 5,
    AUTH_VERSION = 1,
    METHOD_NONE = 0,
    METHOD_PASSWORD = 2,
    COMMAND_CONNECT = 1,
    TYPE_IP4 = 1,
    TYPE_NAME = 3,
    TYPE_IP6 = 4,
    REPLY_HEAD = 4, /* version, reply, reserved, type */
    PORT_BYTES = 2,
    DEFAULT_PORT = 1080,
};

/* What comes next; each has one more byte string to read. */
enum { STEP_METHOD, STEP_PASSWORD, STEP_CONNECT, STEP_HEADER };

const char *hy_proxy_kind_name(enum hy_proxy_kind k)
{
    static const char *const names[] = {"none", "socks5", "proxy-v1", "proxy-v2"};
    return (size_t)k < sizeof names / sizeof *names ? names[k] : names[0];
}

int hy_proxy_parse(struct hy_str text, struct hy_diag *diag, struct hy_proxy *ret)
{
    struct hy_proxy p = *ret;
    size_t colon = hy_str_find(text, ':', 0);
    struct hy_str scheme = hy_str_slice(text, 0, colon == SIZE_MAX ? text.n : colon);
    struct hy_str rest = hy_str_slice(text, scheme.n, text.n);
    p.kind = HY_PROXY_NONE;
    for (int k = HY_PROXY_SOCKS5; k <= HY_PROXY_V2; k++)
        if (hy_str_eq(scheme, hy_str_of(hy_proxy_kind_name((enum hy_proxy_kind)k))))
            p.kind = (enum hy_proxy_kind)k;
    if (p.kind == HY_PROXY_NONE || !hy_str_starts(rest, HY_STR("://")))
        return hy_fail(diag, HY_EPARSE,
                       "a proxy is socks5://ADDRESS:PORT, proxy-v1://ADDRESS:PORT or "
                       "proxy-v2://ADDRESS:PORT");
    uint16_t port = p.kind == HY_PROXY_SOCKS5 ? DEFAULT_PORT : 0;
    if (hy_sockaddr_parse(hy_str_slice(rest, 3, rest.n), port, &p.address) != HY_OK)
        return hy_fail(diag, HY_EPARSE, "'%.*s' is no IP address with a port",
                       HY_STR_ARG(hy_str_slice(rest, 3, 103)));
    if (hy_sockaddr_port(&p.address) == 0)
        return hy_fail(diag, HY_EPARSE, "the proxy's port is missing");
    *ret = p;
    return HY_OK;
}

static void put(struct hy_proxy_talk *t, const void *p, size_t n)
{
    memcpy(t->out + t->n_out, p, n);
    t->n_out = (uint16_t)(t->n_out + n);
}

static void put_byte(struct hy_proxy_talk *t, unsigned byte)
{
    const uint8_t b = (uint8_t)byte;
    put(t, &b, 1);
}

static void fail(struct hy_proxy_talk *t, enum hy_proxy_fault fault, const char *text)
{
    t->state = HY_PROXY_FAILED;
    t->fault = fault;
    t->text = text;
    t->n_out = t->sent = 0;
}

static const void *ip_of(const struct hy_sockaddr *a, size_t *ret_n)
{
    bool is_six = hy_sockaddr_family(a) == AF_INET6;
    *ret_n = is_six ? 16 : 4;
    return is_six ? (const void *)&a->in6.sin6_addr : (const void *)&a->in4.sin_addr;
}

static void put_ip(struct hy_proxy_talk *t, const struct hy_sockaddr *a)
{
    size_t n;
    const void *ip = ip_of(a, &n);
    put(t, ip, n);
}

static void put_port(struct hy_proxy_talk *t, const struct hy_sockaddr *a)
{
    put_byte(t, hy_sockaddr_port(a) >> 8);
    put_byte(t, hy_sockaddr_port(a) & 0xff);
}

/* ---- the PROXY protocol: a header, and nothing comes back ---- */

/* Section 2.1 of its specification. */
static void put_line(struct hy_proxy_talk *t, const struct hy_sockaddr *source)
{
    char line[108], from[HY_SOCKADDR_TEXT_MAX], to[HY_SOCKADDR_TEXT_MAX];
    int n = snprintf(line, sizeof line, "PROXY UNKNOWN\r\n");
    if (source)
        n = snprintf(line, sizeof line, "PROXY %s %s %s %u %u\r\n",
                     hy_sockaddr_family(t->peer) == AF_INET6 ? "TCP6" : "TCP4",
                     hy_sockaddr_format_ip(source, from), hy_sockaddr_format_ip(t->peer, to),
                     hy_sockaddr_port(source), hy_sockaddr_port(t->peer));
    put(t, line, (size_t)n);
}

/* Section 2.2. */
static void put_header(struct hy_proxy_talk *t, const struct hy_sockaddr *source)
{
    static const char signature[12] = "\r\n\r\n\0\r\nQUIT\n";
    size_t ip_bytes;
    (void)ip_of(t->peer, &ip_bytes);
    put(t, signature, sizeof signature);
    if (!source) {
        put(t, "\x20\0\0", 4); /* LOCAL, UNSPEC, no address */
        return;
    }
    put_byte(t, 0x21); /* PROXY */
    put_byte(t, hy_sockaddr_family(t->peer) == AF_INET6 ? 0x21 : 0x11);
    put_byte(t, 0);
    put_byte(t, (unsigned)(2 * (ip_bytes + PORT_BYTES)));
    put_ip(t, source);
    put_ip(t, t->peer);
    put_port(t, source);
    put_port(t, t->peer);
}

/* ---- SOCKS5 ---- */

static bool has_user(const struct hy_proxy *p)
{
    return p->user && p->user[0];
}

/* With a user the proxy need not ask for one; without, it must not. */
static void greet(struct hy_proxy_talk *t)
{
    put_byte(t, SOCKS_VERSION);
    put_byte(t, has_user(t->proxy) ? 2 : 1);
    put_byte(t, METHOD_NONE);
    if (has_user(t->proxy))
        put_byte(t, METHOD_PASSWORD);
    t->step = STEP_METHOD;
}

static void ask_to_connect(struct hy_proxy_talk *t)
{
    put_byte(t, SOCKS_VERSION);
    put_byte(t, COMMAND_CONNECT);
    put_byte(t, 0);
    put_byte(t, hy_sockaddr_family(t->peer) == AF_INET6 ? TYPE_IP6 : TYPE_IP4);
    put_ip(t, t->peer);
    put_port(t, t->peer);
    t->step = STEP_CONNECT;
}

static void log_in(struct hy_proxy_talk *t)
{
    struct hy_str user = hy_str_of(t->proxy->user);
    struct hy_str password = hy_str_of(t->proxy->password ? t->proxy->password : "");
    if (user.n > HY_PROXY_NAME_MAX || password.n == 0 || password.n > HY_PROXY_NAME_MAX) {
        fail(t, HY_PROXY_FAULT_PROXY, "its user or password has no bytes, or more than 255");
        return;
    }
    put_byte(t, AUTH_VERSION);
    put_byte(t, (unsigned)user.n);
    put(t, user.p, user.n);
    put_byte(t, (unsigned)password.n);
    put(t, password.p, password.n);
    t->step = STEP_PASSWORD;
}

static void on_method(struct hy_proxy_talk *t, unsigned version, unsigned method)
{
    if (version != SOCKS_VERSION)
        fail(t, HY_PROXY_FAULT_PROXY, "it does not speak SOCKS5");
    else if (method == METHOD_NONE)
        ask_to_connect(t);
    else if (method == METHOD_PASSWORD && has_user(t->proxy))
        log_in(t);
    else
        fail(t, HY_PROXY_FAULT_PROXY,
             has_user(t->proxy) ? "it takes neither a user with a password nor none"
                                : "it wants a user, and none is set");
}

static void on_password(struct hy_proxy_talk *t, unsigned version, unsigned status)
{
    explicit_bzero(t->out, sizeof t->out);
    if (version != AUTH_VERSION)
        fail(t, HY_PROXY_FAULT_PROXY, "its answer to the password is not that of RFC 1929");
    else if (status != 0)
        fail(t, HY_PROXY_FAULT_PROXY, "it does not take the user and the password");
    else
        ask_to_connect(t);
}

/* RFC 1928 section 6. What is about the way to the server is the server's fault; that the rules do
 * not allow it, too: others may be allowed. */
static void on_refusal(struct hy_proxy_talk *t, unsigned reply)
{
    static const struct {
        enum hy_proxy_fault fault;
        const char *text;
    } replies[] = {
        [1] = {HY_PROXY_FAULT_PEER, "the proxy says: general failure"},
        [2] = {HY_PROXY_FAULT_PEER, "the proxy says: not allowed by its rules"},
        [3] = {HY_PROXY_FAULT_PEER, "the proxy says: network unreachable"},
        [4] = {HY_PROXY_FAULT_PEER, "the proxy says: host unreachable"},
        [5] = {HY_PROXY_FAULT_PEER, "the proxy says: connection refused"},
        [6] = {HY_PROXY_FAULT_PEER, "the proxy says: no answer in time"},
        [7] = {HY_PROXY_FAULT_PROXY, "it does not know CONNECT"},
        [8] = {HY_PROXY_FAULT_PEER, "the proxy says: no addresses of this family"},
    };
    if (reply < sizeof replies / sizeof *replies)
        fail(t, replies[reply].fault, replies[reply].text);
    else
        fail(t, HY_PROXY_FAULT_PROXY, "its reply to CONNECT is unknown");
}

/* How long the message is that comes, by what is there of it. */
static size_t length_of(const struct hy_proxy_talk *t)
{
    if (t->step != STEP_CONNECT)
        return 2;
    if (t->n_in <= REPLY_HEAD)
        return REPLY_HEAD + 1;
    switch ((uint8_t)t->in[3]) {
    case TYPE_IP4:
        return REPLY_HEAD + 4 + PORT_BYTES;
    case TYPE_IP6:
        return REPLY_HEAD + 16 + PORT_BYTES;
    default: /* TYPE_NAME: others have failed */
        return REPLY_HEAD + 1u + (uint8_t)t->in[4] + PORT_BYTES;
    }
}

/* A refusal counts from its first four bytes on: some send no more. */
static void look_at_reply(struct hy_proxy_talk *t)
{
    const uint8_t *in = (const uint8_t *)t->in;
    if (in[0] != SOCKS_VERSION)
        fail(t, HY_PROXY_FAULT_PROXY, "its reply to CONNECT is not SOCKS5");
    else if (in[1] != 0)
        on_refusal(t, in[1]);
    else if (in[2] != 0 || (in[3] != TYPE_IP4 && in[3] != TYPE_IP6 && in[3] != TYPE_NAME))
        fail(t, HY_PROXY_FAULT_PROXY, "its reply to CONNECT is malformed");
}

static void on_message(struct hy_proxy_talk *t)
{
    const uint8_t *in = (const uint8_t *)t->in;
    t->n_in = 0;
    if (t->step == STEP_METHOD)
        on_method(t, in[0], in[1]);
    else if (t->step == STEP_PASSWORD)
        on_password(t, in[0], in[1]);
    else
        t->state = HY_PROXY_DONE;
}

/* ---- both ---- */

void hy_proxy_start(struct hy_proxy_talk *t, const struct hy_proxy *proxy,
                    const struct hy_sockaddr *peer, const struct hy_sockaddr *source)
{
    bool has_source = source && hy_sockaddr_family(source) == hy_sockaddr_family(peer);
    *t = (struct hy_proxy_talk){.proxy = proxy, .peer = peer, .state = HY_PROXY_TALKING};
    if (proxy->kind == HY_PROXY_SOCKS5) {
        greet(t);
        return;
    }
    t->step = STEP_HEADER;
    if (proxy->kind == HY_PROXY_V1)
        put_line(t, has_source ? source : NULL);
    else
        put_header(t, has_source ? source : NULL);
}

struct hy_str hy_proxy_output(const struct hy_proxy_talk *t)
{
    return hy_str_make(t->out + t->sent, (size_t)(t->n_out - t->sent));
}

void hy_proxy_sent(struct hy_proxy_talk *t, size_t n)
{
    t->sent = (uint16_t)(t->sent + n);
    if (t->sent < t->n_out)
        return;
    t->sent = t->n_out = 0;
    if (t->step == STEP_HEADER && t->state == HY_PROXY_TALKING)
        t->state = HY_PROXY_DONE;
}

size_t hy_proxy_input(struct hy_proxy_talk *t, const char *p, size_t n)
{
    size_t used = 0;
    while (t->state == HY_PROXY_TALKING && used < n) {
        if (t->n_out) { /* it answers what was not said: SOCKS5 takes turns */
            fail(t, HY_PROXY_FAULT_PROXY, "it speaks out of turn");
            break;
        }
        t->in[t->n_in++] = p[used++];
        if (t->step == STEP_CONNECT && t->n_in == REPLY_HEAD)
            look_at_reply(t);
        if (t->state == HY_PROXY_TALKING && t->n_in == length_of(t))
            on_message(t);
    }
    return used;
}

void hy_proxy_end(struct hy_proxy_talk *t, bool is_timeout)
{
    bool is_asked = t->step == STEP_CONNECT && t->n_out == 0;
    if (t->state != HY_PROXY_TALKING)
        return;
    if (is_timeout && is_asked)
        fail(t, HY_PROXY_FAULT_PEER, "no answer through the proxy in time");
    else
        fail(t, HY_PROXY_FAULT_PROXY,
             is_timeout ? "no answer in time" : "it closes the connection");
}
