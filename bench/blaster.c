/* The floor of sending: prebuilt messages over kept connections, the body and the next envelope in
 * one write, as little work as SMTP allows. Reports the CPU a message costs this process.
 *
 * Happy path, per connection: EHLO (with --tls STARTTLS and EHLO again), first envelope, then for
 * every "354": body + next MAIL, RCPT, DATA in one writev; replies are counted by their lines. An
 * unexpected reply ends the run. */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "blaster_body.h"
#include "blaster_wire.h"
#include "hayauma/base/clock.h"
#include "world.h"

enum { CONNS_MAX = 20000, EVENTS = 256 };

enum step { AT_BANNER, AT_EHLO, AT_STARTTLS, AT_TLS, AT_MAIL, AT_RCPT, AT_DATA, AT_DOT, AT_QUIT };

struct conn {
    struct wire wire;
    enum step step;
    bool last;        /* no next envelope was sent behind this body */
    int code;         /* of the line being read; -1 at its start */
    unsigned at;      /* characters of the line seen */
    const char *rest; /* unsent part of `out` */
    size_t rest_n;
    char *out;
    size_t out_cap;
    char *command; /* the rest of the envelope, one by one */
    size_t command_n;
};

struct run {
    struct sockaddr_in to;
    unsigned to_span; /* addresses to spread over */
    unsigned conns, lockstep;
    bool one_by_one; /* every command waits for the reply to the one before */
    unsigned long messages, taken, sent, done;
    struct bodies bodies; /* sent in turn */
    const char *domain;   /* NULL: the domains of the world by weight */
    struct world world;
    uint64_t random;
    SSL_CTX *tls; /* NULL: plain */
    int epfd;
    unsigned open;
    char rbuf[65536];
};

void blaster_die(const char *what, const char *why)
{
    fprintf(stderr, "blaster: %s: %s\n", what, why);
    exit(1);
}

static uint64_t next_random(struct run *r) /* splitmix64 */
{
    uint64_t z = r->random += 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

/* A domain of the world whose mail somebody takes. */
static const char *pick_domain(struct run *r, uint64_t dice)
{
    for (;; dice = next_random(r)) {
        const struct world_domain *d = world_pick(&r->world, dice);
        if (d->kind != WORLD_NULL_MX && d->kind != WORLD_NXDOMAIN && d->kind != WORLD_SERVFAIL &&
            d->kind != WORLD_NO_HOST)
            return d->name;
    }
}

static size_t envelope(struct run *r, char *out, size_t cap)
{
    uint64_t dice = next_random(r);
    const char *domain = r->domain ? r->domain : pick_domain(r, dice);
    return (size_t)snprintf(out, cap,
                            "MAIL FROM:<b-%lx@" WORLD_SENDER "> BODY=8BITMIME\r\n"
                            "RCPT TO:<user%lu@%s>\r\nDATA\r\n",
                            r->taken, dice % 1000000, domain);
}

/* Sends; what does not fit waits in c->rest, so `p` must stay untouched until it has left. */
static void put(struct conn *c, const char *p, size_t n)
{
    ssize_t done = c->rest_n ? 0 : wire_send(&c->wire, p, n);
    if (done < 0 && errno != EAGAIN)
        blaster_die("send", strerror(errno));
    if (done < 0)
        done = 0;
    if ((size_t)done == n)
        return;
    c->rest = p + done;
    c->rest_n = n - (size_t)done;
}

static void flush(struct conn *c)
{
    while (c->rest_n) {
        ssize_t n = wire_send(&c->wire, c->rest, c->rest_n);
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0)
            blaster_die("send", strerror(errno));
        c->rest += n;
        c->rest_n -= (size_t)n;
    }
}

static bool take(struct run *r)
{
    if (r->taken >= r->messages)
        return false;
    r->taken++;
    return true;
}

static void quit(struct conn *c)
{
    c->step = AT_QUIT;
    memcpy(c->out, "QUIT\r\n", 6);
    put(c, c->out, 6);
}

/* The body, and behind it the next envelope if there is one. */
static void send_body(struct run *r, struct conn *c)
{
    const struct body *b = &r->bodies.all[r->bodies.n > 1 ? r->sent++ % r->bodies.n : 0];
    size_t n = b->n;
    if (r->bodies.n > 1) /* a single one lies there from the start */
        memcpy(c->out, b->p, n);
    c->last = true;
    if (!r->lockstep && take(r)) {
        c->last = false;
        n += envelope(r, c->out + n, c->out_cap - n);
    }
    put(c, c->out, n);
}

static void next_command(struct conn *c)
{
    char *end = memchr(c->command, '\n', c->command_n);
    size_t n = (size_t)(end + 1 - c->command);
    put(c, c->command, n);
    c->command += n;
    c->command_n -= n;
}

static void first_envelope(struct run *r, struct conn *c)
{
    if (!take(r)) {
        quit(c);
        return;
    }
    size_t n = envelope(r, c->out + r->bodies.longest, c->out_cap - r->bodies.longest);
    c->step = AT_MAIL;
    if (!r->one_by_one) {
        put(c, c->out + r->bodies.longest, n);
        return;
    }
    c->command = c->out + r->bodies.longest;
    c->command_n = n;
    next_command(c);
}

static void greet(struct conn *c)
{
    static const char ehlo[] = "EHLO blaster.test\r\n";
    put(c, ehlo, sizeof ehlo - 1);
    c->step = AT_EHLO;
}

static void shake_hands(struct conn *c)
{
    int done = wire_shake(&c->wire);
    if (done < 0)
        blaster_die("TLS", "the handshake failed");
    if (done)
        greet(c);
}

static void on_reply(struct run *r, struct conn *c, int code)
{
    static const int want[] = {220, 250, 220, 0, 250, 250, 354, 250, 221};
    if (code != want[c->step]) {
        fprintf(stderr, "blaster: reply %d where %d was due\n", code, want[c->step]);
        exit(1);
    }
    switch (c->step) {
    case AT_BANNER:
        greet(c);
        break;
    case AT_EHLO:
        if (r->tls && !c->wire.ssl) {
            put(c, "STARTTLS\r\n", 10);
            c->step = AT_STARTTLS;
        } else {
            first_envelope(r, c);
        }
        break;
    case AT_STARTTLS:
        if (!wire_start_tls(&c->wire, r->tls))
            blaster_die("TLS", "OpenSSL refused");
        c->step = AT_TLS;
        shake_hands(c);
        break;
    case AT_TLS:
        break;
    case AT_MAIL:
        c->step = AT_RCPT;
        if (r->one_by_one)
            next_command(c);
        break;
    case AT_RCPT:
        c->step = AT_DATA;
        if (r->one_by_one)
            next_command(c);
        break;
    case AT_DATA:
        c->step = AT_DOT;
        send_body(r, c);
        break;
    case AT_DOT:
        r->done++;
        if (c->last)
            first_envelope(r, c);
        else
            c->step = AT_MAIL;
        break;
    case AT_QUIT:
        break;
    }
}

static void conn_end(struct run *r, struct conn *c)
{
    if (c->step != AT_QUIT)
        blaster_die("connection", "closed by the server");
    wire_close(&c->wire);
    free(c->out);
    r->open--;
}

/* False when there is no more for now. */
static bool on_input(struct run *r, struct conn *c)
{
    if (c->step == AT_TLS) {
        shake_hands(c);
        return false;
    }
    ssize_t n = wire_recv(&c->wire, r->rbuf, sizeof r->rbuf);
    if (n < 0 && errno == EAGAIN)
        return false;
    if (n <= 0) {
        conn_end(r, c);
        return false;
    }
    for (ssize_t i = 0; i < n; i++) {
        char ch = r->rbuf[i];
        if (ch == '\n') {
            if (c->code >= 0)
                on_reply(r, c, c->code);
            c->code = 0;
            c->at = 0;
            continue;
        }
        if (c->at < 3)
            c->code = c->code * 10 + (ch - '0');
        else if (c->at == 3 && ch == '-')
            c->code = -1; /* a line of several */
        c->at++;
    }
    return wire_has_more(&c->wire);
}

static void conn_open(struct run *r, struct conn *c, unsigned i)
{
    struct sockaddr_in to = r->to;
    to.sin_addr.s_addr = htonl(ntohl(to.sin_addr.s_addr) + i % r->to_span);
    if (!wire_connect(&c->wire, &to))
        blaster_die("connect", strerror(errno));
    c->out_cap = r->bodies.longest + 512;
    c->out = malloc(c->out_cap);
    if (!c->out)
        blaster_die("connection", "no memory");
    memcpy(c->out, r->bodies.all[0].p, r->bodies.all[0].n);
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(r->epfd, EPOLL_CTL_ADD, c->wire.fd, &ev) != 0)
        blaster_die("epoll", strerror(errno));
    r->open++;
}

static void set_output(struct run *r, struct conn *c, bool on)
{
    struct epoll_event ev = {.events = EPOLLIN | (on ? EPOLLOUT : 0U), .data.ptr = c};
    epoll_ctl(r->epfd, EPOLL_CTL_MOD, c->wire.fd, &ev);
}

static void blast(struct run *r)
{
    struct epoll_event ev[EVENTS];
    while (r->open) {
        int n = epoll_wait(r->epfd, ev, EVENTS, 30000);
        if (n == 0)
            blaster_die("server", "silent for 30 s");
        for (int i = 0; i < n; i++) {
            struct conn *c = ev[i].data.ptr;
            if (ev[i].events & EPOLLOUT) {
                flush(c);
                if (!c->rest_n)
                    set_output(r, c, false);
            }
            if (!(ev[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
                continue;
            while (on_input(r, c))
                ;
            if (c->rest_n)
                set_output(r, c, true);
        }
    }
}

static int usage(FILE *to)
{
    fprintf(to,
            "usage: blaster --to ADDR:PORT [--span N] [--messages N] [--connections N]\n"
            "               [--size BYTES | --file MESSAGE | --dir DIR] [--domain NAME]\n"
            "               [--lockstep | --one-by-one] [--tls]\n"
            "Sends as cheaply as SMTP allows and prints JSON: messages per second and the CPU\n"
            "microseconds a message costs here. --span spreads over N addresses from ADDR on;\n"
            "--dir sends the *.eml of a folder in turn, instead of one message again and again;\n"
            "--lockstep sends the next envelope only after the reply to the message,\n"
            "--one-by-one every command only after the reply to the one before (for servers\n"
            "without PIPELINING); --tls begins each connection with STARTTLS.\n");
    return to == stdout ? 0 : 2;
}

static void report(const struct run *r, hy_us wall, int64_t cpu)
{
    printf("{\"messages\":%lu,\"bytes\":%zu,\"seconds\":%.3f,\"messages_per_s\":%.1f,"
           "\"cpu_us_per_message\":%.2f,\"connections\":%u}\n",
           r->done, r->bodies.longest, (double)wall / 1e6, (double)r->done * 1e6 / (double)wall,
           (double)cpu / (double)r->done, r->conns);
}

int main(int argc, char **argv)
{
    static const struct option longs[] = {{"to", required_argument, NULL, 't'},
                                          {"span", required_argument, NULL, 's'},
                                          {"messages", required_argument, NULL, 'm'},
                                          {"connections", required_argument, NULL, 'c'},
                                          {"size", required_argument, NULL, 'z'},
                                          {"file", required_argument, NULL, 'f'},
                                          {"dir", required_argument, NULL, 'r'},
                                          {"domain", required_argument, NULL, 'd'},
                                          {"lockstep", no_argument, NULL, 'l'},
                                          {"one-by-one", no_argument, NULL, 'o'},
                                          {"tls", no_argument, NULL, 'T'},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
    static struct run r = {.to_span = 1, .conns = 20, .messages = 100000};
    size_t size = 10240;
    const char *file = NULL, *dir = NULL;
    for (int c; (c = getopt_long(argc, argv, "h", longs, NULL)) != -1;) {
        unsigned long v = optarg ? strtoul(optarg, NULL, 10) : 0;
        if (c == 't' && !wire_address(optarg, &r.to))
            return usage(stderr);
        else if (c == 's')
            r.to_span = (unsigned)v;
        else if (c == 'm')
            r.messages = v;
        else if (c == 'c')
            r.conns = (unsigned)v;
        else if (c == 'z')
            size = v;
        else if (c == 'f')
            file = optarg;
        else if (c == 'r')
            dir = optarg;
        else if (c == 'd')
            r.domain = optarg;
        else if (c == 'l')
            r.lockstep = 1;
        else if (c == 'o')
            r.lockstep = r.one_by_one = true;
        else if (c == 'T')
            r.tls = wire_tls();
        else if (c != 't')
            return usage(c == 'h' ? stdout : stderr);
    }
    if (!r.to.sin_port || !r.to_span || !r.messages || !r.conns || r.conns > CONNS_MAX ||
        size > BODY_MAX)
        return usage(stderr);
    world_init(&r.world);
    if (dir)
        bodies_load_all(&r.bodies, dir);
    else if (file)
        bodies_load(&r.bodies, file);
    else
        bodies_make(&r.bodies, size);
    r.epfd = epoll_create1(EPOLL_CLOEXEC);
    struct conn *conns = calloc(r.conns, sizeof *conns);
    if (r.epfd < 0 || !conns)
        blaster_die("start", strerror(errno));
    hy_us from = hy_clock_us();
    int64_t cpu = hy_clock_cpu_us();
    for (unsigned i = 0; i < r.conns; i++)
        conn_open(&r, &conns[i], i);
    blast(&r);
    report(&r, hy_clock_us() - from, hy_clock_cpu_us() - cpu);
    free(conns);
    bodies_free(&r.bodies);
    SSL_CTX_free(r.tls);
    close(r.epfd);
    return 0;
}
