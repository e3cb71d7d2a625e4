/* The command line of the sink, and the files that hold the same options a line each. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sink.h"

static const char usage[] =
    "usage: sink --listen ADDR[-ADDR]:PORT[-PORT] [option ...]\n"
    "An SMTP server that accepts and forgets. Prints \"ready\" when it listens; ends on SIGTERM.\n"
    "\n"
    "  --config FILE            options, one a line without the dashes; # starts a comment\n"
    "  --listen A[-B]:P[-Q]     IPv4 addresses and ports; may be repeated\n"
    "  --threads N              workers (1)\n"
    "  --hostname NAME          in the banner (sink.test)\n"
    "  --size BYTES             largest message (52428800)\n"
    "  --hide EXT               do not offer PIPELINING, CHUNKING, SIZE, ...\n"
    "  --tls off|on|garbage|hangup   STARTTLS: none, working, broken in two ways (off)\n"
    "  --tls-version 1.2|1.3    that one only\n"
    "  --tls-no-resume          no session tickets\n"
    "  --tls-cert FILE --tls-key FILE   PEM; otherwise self-signed, made at the start\n"
    "\n"
    "Misbehaviour. SCOPE is any of domain=NAME, addr=A, from=SEC, until=SEC, each with a comma;\n"
    "PHASE is connect, ehlo, starttls, mail, rcpt, data, dot or other.\n"
    "  --reply [SCOPE]PHASE:CODE:TEXT[:SHARE%[u]]   u: the share is of users, not of occasions\n"
    "  --reply [SCOPE]PHASE:close|reset|stall[:SHARE%[u]]\n"
    "  --delay [SCOPE]PHASE|all:MS[-MS]     before each reply\n"
    "  --rtt MS                 the way to the sink and back: replies leave so long after what\n"
    "                           they answer came, and more is read meanwhile\n"
    "  --greylist DOMAIN|*[:SEC]            450 until SEC (1) after the first attempt\n"
    "  --read-chunk BYTES --read-pause MS   tar pit\n"
    "  --max-conns N            per address, then 421\n"
    "  --max-messages N         per connection, then 421\n"
    "  --idle SEC               then 421\n"
    "  --seed N                 of the dice (1)\n"
    "  --provider \"KEY=VALUE ...\"  reacts as a provider does to each client address:\n"
    "        connections=N messages=N (on each) rate=N/SEC (drips) count=N/SEC (anew each SEC)\n"
    "        quota=N/SEC grey=SEC noise=PERCENT latency=SEC[-SEC] tar=CONNECTIONS:PERCENT\n"
    "        at=SEC (since the first connection) what follows changes then\n"
    "\n"
    "  --stats FILE             JSON, at the end, on SIGUSR1 and every --interval SEC\n"
    "  --record FILE            append a line per recipient at each final dot and reply\n"
    "  --first FILE             append \"MICROSECONDS DOMAIN\" at the first recipient of each "
    "domain\n"
    "  --stamp PREFIX:FILE      append \"MICROSECONDS RCPT\" at the final dot of what recipients "
    "get "
    "whose\n"
    "                           addresses begin so\n"
    "  --domains N              told apart; the others count as one (131072)\n"
    "  --capture DIR            store messages: --capture-every N (1), --capture-limit N (1000)\n";

static int number(struct hy_str v, uint64_t max, uint64_t *ret)
{
    return hy_str_to_u64(v, max, ret);
}

/* "127.0.1.1" or "2525", perhaps followed by "-" and the last one. */
static int addr_range(struct hy_str s, uint32_t *ret_first, uint32_t *ret_last)
{
    struct hy_str part[2] = {{0}};
    for (int i = 0; i < 2 && hy_str_split(&s, '-', &part[i]); i++)
        ;
    if (s.p || !part[0].p)
        return HY_EINVAL;
    uint32_t v[2];
    for (int i = 0; i < 2; i++) {
        char buf[20];
        struct in_addr in;
        struct hy_str p = part[i].p ? part[i] : part[0];
        if (p.n >= sizeof buf)
            return HY_EINVAL;
        memcpy(buf, p.p, p.n);
        buf[p.n] = 0;
        if (inet_pton(AF_INET, buf, &in) != 1)
            return HY_EINVAL;
        v[i] = ntohl(in.s_addr);
    }
    if (v[1] < v[0])
        return HY_EINVAL;
    *ret_first = v[0];
    *ret_last = v[1];
    return 0;
}

static int port_range(struct hy_str s, uint32_t *ret_first, uint32_t *ret_last)
{
    struct hy_str low;
    uint64_t a, b;
    if (!hy_str_split(&s, '-', &low) || number(low, 65535, &a) || a == 0)
        return HY_EINVAL;
    b = a;
    if (s.p && (number(s, 65535, &b) || b < a))
        return HY_EINVAL;
    *ret_first = (uint32_t)a;
    *ret_last = (uint32_t)b;
    return 0;
}

static int add_listen(struct sink *s, struct hy_str v, struct hy_diag *d)
{
    struct hy_str addrs;
    uint32_t a0, a1, p0, p1;
    if (!hy_str_split(&v, ':', &addrs) || !v.p || addr_range(addrs, &a0, &a1) ||
        port_range(v, &p0, &p1))
        return hy_fail(d, HY_EINVAL, "listen wants ADDR[-ADDR]:PORT[-PORT]");
    for (uint32_t a = a0; a <= a1; a++)
        for (uint32_t p = p0; p <= p1; p++) {
            if (s->n_addrs == SINK_ADDRS_MAX)
                return hy_fail(d, HY_ELIMIT, "more than %d addresses", SINK_ADDRS_MAX);
            struct listen_addr *l = &s->addrs[s->n_addrs++];
            l->sin.sin_family = AF_INET;
            l->sin.sin_port = htons((uint16_t)p);
            l->sin.sin_addr.s_addr = htonl(a);
            snprintf(l->name, sizeof l->name, "%u.%u.%u.%u:%u", a >> 24, a >> 16 & 255,
                     a >> 8 & 255, a & 255, p);
        }
    return 0;
}

static int set_tls(struct sink *s, struct hy_str v, struct hy_diag *d)
{
    static const char *const modes[] = {"off", "on", "garbage", "hangup"};
    for (int i = 0; i < 4; i++)
        if (hy_str_eq(v, hy_str_of(modes[i]))) {
            s->tls = (enum tls_mode)i;
            return 0;
        }
    return hy_fail(d, HY_EINVAL, "tls is off, on, garbage or hangup");
}

static int set_tls_version(struct sink *s, struct hy_str v, struct hy_diag *d)
{
    if (!hy_str_eq(v, HY_STR("1.2")) && !hy_str_eq(v, HY_STR("1.3")))
        return hy_fail(d, HY_EINVAL, "tls-version is 1.2 or 1.3");
    s->tls_min = s->tls_max = v.p[2] == '2' ? TLS1_2_VERSION : TLS1_3_VERSION;
    return 0;
}

static int set_stamp(struct sink *s, struct hy_str v, struct hy_diag *d)
{
    size_t colon = hy_str_find(v, ':', 0);
    if (colon == SIZE_MAX || colon + 1 == v.n)
        return hy_fail(d, HY_EINVAL, "stamp wants PREFIX:FILE");
    s->stamp_prefix = strndup(v.p, colon);
    s->stamp_path = strndup(v.p + colon + 1, v.n - colon - 1);
    return s->stamp_prefix && s->stamp_path ? 0 : HY_ENOMEM;
}

static int add_hidden(struct sink *s, struct hy_str v, struct hy_diag *d)
{
    if (s->n_hidden == (int)(sizeof s->hidden / sizeof *s->hidden))
        return hy_fail(d, HY_ELIMIT, "too many hidden extensions");
    char *copy = strndup(v.p, v.n);
    if (!copy)
        return HY_ENOMEM;
    s->hidden[s->n_hidden++] = hy_str_of(copy);
    return 0;
}

static int read_config(struct sink *s, struct hy_str v, struct hy_diag *d);

static const struct numeric {
    const char *name;
    uint64_t max;
    uint64_t unit;
    size_t offset, size;
} numerics[] = {
#define NUM(name, max, unit, field)                                                                \
    {                                                                                              \
        name, max, unit, offsetof(struct sink, field), sizeof((struct sink *)0)->field             \
    }
    NUM("threads", SINK_THREADS_MAX, 1, threads),
    NUM("size", UINT32_MAX, 1, size_max),
    NUM("rtt", 600000, 1000, rtt_us),
    NUM("read-chunk", SINK_READ_MAX, 1, read_chunk),
    NUM("read-pause", 600000, 1000, read_pause_us),
    NUM("max-conns", UINT32_MAX, 1, conns_per_addr),
    NUM("max-messages", UINT32_MAX, 1, messages_per_conn),
    NUM("idle", 86400, 1000000, idle_timeout),
    NUM("interval", 86400, 1, stats_interval),
    NUM("capture-every", UINT32_MAX, 1, capture_every),
    NUM("capture-limit", UINT32_MAX, 1, capture_limit),
    NUM("domains", SINK_DOMAINS_MAX, 1, domains_max),
    NUM("seed", UINT64_MAX, 1, seed),
#undef NUM
};

static const struct handler {
    const char *name;
    int (*set)(struct sink *s, struct hy_str v, struct hy_diag *d);
} handlers[] = {
    {"config", read_config},
    {"listen", add_listen},
    {"provider", provider_option},
    {"stamp", set_stamp},
    {"tls", set_tls},
    {"hide", add_hidden},
    {"tls-version", set_tls_version},
    {"reply", rules_add_reply},
    {"delay", rules_add_delay},
    {"greylist", rules_add_grey},
};

static const struct path {
    const char *name;
    size_t offset;
} paths[] = {
    {"stats", offsetof(struct sink, stats_path)},  {"record", offsetof(struct sink, record_path)},
    {"first", offsetof(struct sink, first_path)},  {"capture", offsetof(struct sink, capture_dir)},
    {"tls-cert", offsetof(struct sink, tls_cert)}, {"tls-key", offsetof(struct sink, tls_key)}};

static int set_numeric(struct sink *s, const struct numeric *n, struct hy_str v, struct hy_diag *d)
{
    uint64_t x;
    if (number(v, n->max, &x))
        return hy_fail(d, HY_EINVAL, "%s wants a number up to %lu", n->name, n->max);
    x *= n->unit;
    char *at = (char *)s + n->offset;
    if (n->size == sizeof(uint32_t)) {
        uint32_t x32 = (uint32_t)x;
        memcpy(at, &x32, sizeof x32);
    } else {
        memcpy(at, &x, sizeof x);
    }
    return 0;
}

static int set_option(struct sink *s, struct hy_str name, struct hy_str v, struct hy_diag *d)
{
    for (size_t i = 0; i < sizeof numerics / sizeof *numerics; i++)
        if (hy_str_eq(name, hy_str_of(numerics[i].name)))
            return set_numeric(s, &numerics[i], v, d);
    for (size_t i = 0; i < sizeof handlers / sizeof *handlers; i++)
        if (hy_str_eq(name, hy_str_of(handlers[i].name)))
            return handlers[i].set(s, v, d);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (hy_str_eq(name, hy_str_of(paths[i].name))) {
            char *copy = strndup(v.p, v.n);
            memcpy((char *)s + paths[i].offset, &copy, sizeof copy);
            return copy ? 0 : HY_ENOMEM;
        }
    if (hy_str_eq(name, HY_STR("hostname"))) {
        snprintf(s->hostname, sizeof s->hostname, "%.*s", HY_STR_ARG(v));
        return 0;
    }
    return hy_fail(d, HY_EINVAL, "unknown option \"%.*s\"", HY_STR_ARG(name));
}

static int read_config(struct sink *s, struct hy_str v, struct hy_diag *d)
{
    char path[4096], line[1024];
    snprintf(path, sizeof path, "%.*s", HY_STR_ARG(v));
    FILE *f = fopen(path, "re");
    if (!f)
        return hy_fail(d, HY_EIO, "%s: %s", path, strerror(errno));
    int rc = 0;
    for (int no = 1; rc == 0 && fgets(line, sizeof line, f); no++) {
        struct hy_str rest = hy_str_trim(hy_str_of(line)), name;
        if (rest.n == 0 || rest.p[0] == '#' || !hy_str_split(&rest, ' ', &name))
            continue;
        struct hy_diag inner = {0};
        if (hy_str_eq(name, HY_STR("tls-no-resume")))
            s->tls_no_resume = true;
        else
            rc = set_option(s, name, hy_str_trim(rest), &inner);
        if (rc)
            hy_fail(d, rc, "%s:%d: %s", path, no, inner.text);
    }
    fclose(f);
    return rc;
}

void sink_options(struct sink *s, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        struct hy_diag d = {0};
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            fputs(usage, stdout);
            exit(0);
        }
        if (strcmp(argv[i], "--tls-no-resume") == 0) {
            s->tls_no_resume = true;
            continue;
        }
        if (strncmp(argv[i], "--", 2) != 0 || i + 1 == argc) {
            fprintf(stderr, "sink: what is \"%s\"? See --help.\n", argv[i]);
            exit(2);
        }
        if (set_option(s, hy_str_of(argv[i] + 2), hy_str_of(argv[i + 1]), &d)) {
            fprintf(stderr, "sink: %s: %s\n", argv[i], d.text[0] ? d.text : "no memory");
            exit(2);
        }
        i++;
    }
    if (s->n_addrs == 0 || s->threads == 0 || s->capture_every == 0) {
        fprintf(stderr, "sink: needs --listen, and more than no threads. See --help.\n");
        exit(2);
    }
}
