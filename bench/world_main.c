/* bench/world: writes what the make-believe internet needs into a directory: an nsd configuration
 * and zone, where the sink listens and how it behaves, and the list of domains. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "world.h"

struct options {
    const char *dir;
    const char *append; /* file of zone lines to add, or NULL */
    unsigned dns_port, smtp_port;
};

static FILE *open_in(const struct options *o, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", o->dir, name);
    FILE *f = fopen(path, "we");
    if (!f) {
        fprintf(stderr, "world: %s: %s\n", path, strerror(errno));
        exit(1);
    }
    return f;
}

static void close_checked(FILE *f, const char *name)
{
    if (fclose(f) != 0) {
        fprintf(stderr, "world: %s: %s\n", name, strerror(errno));
        exit(1);
    }
}

/* nsd answers as a recursive server would; a zone without its file is what SERVFAIL is made of. */
static void write_nsd_conf(const struct options *o, const struct world *w)
{
    FILE *f = open_in(o, "nsd.conf");
    fprintf(f,
            "server:\n  ip-address: 127.0.0.1@%u\n  server-count: 1\n  username: \"\"\n"
            "  chroot: \"\"\n  zonesdir: \"%s\"\n  database: \"\"\n  pidfile: \"%s/nsd.pid\"\n"
            "  logfile: \"%s/nsd.log\"\n  xfrdfile: \"%s/nsd.xfrd\"\n"
            "  zonelistfile: \"%s/nsd.zones\"\n  rrl-ratelimit: 0\n  do-ip6: no\n"
            "remote-control:\n  control-enable: no\n"
            "zone:\n  name: \"test\"\n  zonefile: \"test.zone\"\n",
            o->dns_port, o->dir, o->dir, o->dir, o->dir, o->dir);
    for (int i = 0; i < WORLD_DOMAINS; i++)
        if (w->domain[i].kind == WORLD_SERVFAIL)
            fprintf(f, "zone:\n  name: \"%s\"\n  zonefile: \"missing.zone\"\n", w->domain[i].name);
    close_checked(f, "nsd.conf");
}

static void write_domain(FILE *f, const struct world *w, const struct world_domain *d)
{
    const struct world_site *s = &w->site[d->site];
    switch (d->kind) {
    case WORLD_NXDOMAIN:
    case WORLD_SERVFAIL:
        return;
    case WORLD_NULL_MX:
        fprintf(f, "%s. MX 0 .\n", d->name);
        return;
    case WORLD_NO_HOST:
        fprintf(f, "%s. TXT \"no mail here\"\n", d->name);
        return;
    case WORLD_IMPLICIT:
        fprintf(f, "%s. A 127.0.1.%u\n", d->name, s->addr);
        return;
    case WORLD_DEAD_MX:
        fprintf(f, "%s. MX 5 mx0.%s.\n%s. MX 10 mx1.%s.\n", d->name, s->name, d->name, s->name);
        return;
    default:
        for (unsigned i = 0; i < s->n; i++)
            fprintf(f, "%s. MX %u mx%u.%s.\n", d->name, i < 2 ? 10U : 20U, i + 1, s->name);
    }
}

static void append_file(FILE *out, const char *path)
{
    FILE *in = fopen(path, "re");
    if (!in) {
        fprintf(stderr, "world: %s: %s\n", path, strerror(errno));
        exit(1);
    }
    char line[4096];
    while (fgets(line, sizeof line, in))
        fputs(line, out);
    fclose(in);
}

static void write_zone(const struct options *o, const struct world *w)
{
    FILE *f = open_in(o, "test.zone");
    fprintf(f, "$ORIGIN test.\n$TTL 300\n@ SOA ns postmaster 1 3600 600 86400 60\n@ NS ns\n"
               "ns A 127.0.0.1\n" WORLD_SENDER ". A 127.0.0.1\n" WORLD_SENDER
               ". TXT \"v=spf1 ip4:127.0.0.0/8 -all\"\nmx0.deadfirst A " WORLD_DEAD_ADDR "\n");
    for (unsigned i = 0; i < w->n_sites; i++)
        for (unsigned k = 0; k < w->site[i].n; k++)
            fprintf(f, "mx%u.%s. A 127.0.1.%u\n", k + 1, w->site[i].name, w->site[i].addr + k);
    for (int i = 0; i < WORLD_DOMAINS; i++)
        write_domain(f, w, &w->domain[i]);
    if (o->append)
        append_file(f, o->append);
    close_checked(f, "test.zone");
}

static void write_sink(const struct options *o, const struct world *w)
{
    FILE *f = open_in(o, "sink.listen");
    fprintf(f, "listen 127.0.1.1-127.0.1.%u:%u\n", w->n_addrs, o->smtp_port);
    close_checked(f, "sink.listen");

    f = open_in(o, "sink.rules");
    fprintf(f, "# How the sites behave; read by sink --config.\n");
    for (int i = 0; i < WORLD_DOMAINS; i++) {
        const struct world_domain *d = &w->domain[i];
        unsigned addr = w->site[d->site].addr;
        if (d->kind == WORLD_GREY)
            fprintf(f, "greylist %s:1\n", d->name);
        else if (d->kind == WORLD_STRICT)
            fprintf(f, "reply domain=%s,rcpt:550:5.1.1 user unknown:20%%u\n", d->name);
        else if (d->kind == WORLD_BUSY)
            fprintf(f, "reply domain=%s,rcpt:450:4.2.1 mailbox busy, try again:10%%\n", d->name);
        else if (d->kind == WORLD_SLOW)
            fprintf(f, "delay addr=127.0.1.%u,all:30\n", addr);
    }
    close_checked(f, "sink.rules");
}

static void write_list(const struct options *o, const struct world *w)
{
    FILE *f = open_in(o, "domains.tsv");
    fprintf(f, "#domain\tunicode\tkind\tweight\tof\tsite\n");
    for (int i = 0; i < WORLD_DOMAINS; i++) {
        const struct world_domain *d = &w->domain[i];
        fprintf(f, "%s\t%s\t%s\t%u\t%u\t%s\n", d->name, d->unicode, world_kind_name(d->kind),
                d->weight, w->total_weight, w->site[d->site].name);
    }
    close_checked(f, "domains.tsv");
}

static bool port_of(const char *s, unsigned *ret)
{
    char *end;
    unsigned long v = strtoul(s, &end, 10);
    if (*end || v == 0 || v > 65535)
        return false;
    *ret = (unsigned)v;
    return true;
}

static int usage(FILE *to)
{
    fprintf(to, "usage: world --dir DIR --dns-port N --smtp-port N [--append FILE]\n"
                "Writes into DIR: nsd.conf and test.zone (start: nsd -d -c DIR/nsd.conf),\n"
                "sink.listen and sink.rules (start: sink --config DIR/sink.listen --config ...),\n"
                "domains.tsv. FILE holds zone lines to add, a DKIM record for instance.\n");
    return to == stdout ? 0 : 2;
}

int main(int argc, char **argv)
{
    static const struct option longs[] = {{"dir", required_argument, NULL, 'd'},
                                          {"dns-port", required_argument, NULL, 'n'},
                                          {"smtp-port", required_argument, NULL, 's'},
                                          {"append", required_argument, NULL, 'a'},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
    struct options o = {0};
    static struct world w;
    bool ok = true;
    for (int c; (c = getopt_long(argc, argv, "h", longs, NULL)) != -1;) {
        if (c == 'd')
            o.dir = optarg;
        else if (c == 'a')
            o.append = optarg;
        else if (c == 'n')
            ok = port_of(optarg, &o.dns_port) && ok;
        else if (c == 's')
            ok = port_of(optarg, &o.smtp_port) && ok;
        else
            return usage(c == 'h' ? stdout : stderr);
    }
    if (!ok || !o.dir || !o.dns_port || !o.smtp_port || optind != argc)
        return usage(stderr);
    if (mkdir(o.dir, 0755) != 0 && errno != EEXIST) {
        fprintf(stderr, "world: %s: %s\n", o.dir, strerror(errno));
        return 1;
    }
    static char dir[PATH_MAX]; /* nsd wants its paths whole */
    if (!realpath(o.dir, dir)) {
        fprintf(stderr, "world: %s: %s\n", o.dir, strerror(errno));
        return 1;
    }
    o.dir = dir;
    world_init(&w);
    write_nsd_conf(&o, &w);
    write_zone(&o, &w);
    write_sink(&o, &w);
    write_list(&o, &w);
    return 0;
}
