/* The table of the make-believe internet: who is big, who shares, who is broken. */
#include "world.h"

#include <stdio.h>
#include <string.h>

static const char *const kind_names[] = {
    [WORLD_PLAIN] = "plain",       [WORLD_GIANT] = "giant",       [WORLD_HOSTED] = "hosted",
    [WORLD_ON_GIANT] = "on-giant", [WORLD_NULL_MX] = "null-mx",   [WORLD_DEAD_MX] = "dead-mx",
    [WORLD_NXDOMAIN] = "nxdomain", [WORLD_SERVFAIL] = "servfail", [WORLD_NO_HOST] = "no-host",
    [WORLD_IMPLICIT] = "implicit", [WORLD_IDN] = "idn",           [WORLD_GREY] = "grey",
    [WORLD_STRICT] = "strict",     [WORLD_BUSY] = "busy",         [WORLD_SLOW] = "slow",
};

static const struct {
    const char *name;
    uint32_t weight;
} giants[] = {
    {"asagao-mail.test", 24000}, {"kinako.test", 14000},  {"northmail.test", 9000},
    {"hikari-net.test", 7000},   {"post-ezo.test", 5000},
};

static const struct {
    const char *name, *unicode;
    enum world_kind kind;
    uint32_t weight;
} specials[] = {
    {"nullmx.test", NULL, WORLD_NULL_MX, 100},
    {"deadfirst.test", NULL, WORLD_DEAD_MX, 150},
    {"nosuch.test", NULL, WORLD_NXDOMAIN, 60},
    {"lame.test", NULL, WORLD_SERVFAIL, 20},
    {"nohost.test", NULL, WORLD_NO_HOST, 20},
    {"implicit.test", NULL, WORLD_IMPLICIT, 120},
    {"xn--wgv71a119e.test", "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e.test", WORLD_IDN, 120},
    {"grey.test", NULL, WORLD_GREY, 250},
    {"strict.test", NULL, WORLD_STRICT, 250},
    {"busy.test", NULL, WORLD_BUSY, 250},
    {"slow.test", NULL, WORLD_SLOW, 250},
};

static const char *const words[] = {
    "sakura", "momiji", "river", "kaede", "stone",   "hoshi",  "field", "minato", "oak",    "yuki",
    "harbor", "tanuki", "cedar", "kawa",  "lantern", "suzume", "maple", "umi",    "bridge", "matsu",
};
static const char *const trades[] = {
    "books", "coffee", "works", "shoten", "foods", "denki", "studio", "print", "tools", "garden",
};

enum { N_GIANTS = sizeof giants / sizeof *giants, N_SPECIALS = sizeof specials / sizeof *specials };
enum { HOSTED = 24, ON_GIANT = 8 };

static uint16_t add_site(struct world *w, const char *name, uint8_t hosts)
{
    struct world_site *s = &w->site[w->n_sites];
    snprintf(s->name, sizeof s->name, "%s", name);
    s->addr = (uint8_t)(w->n_addrs + 1);
    s->n = hosts;
    w->n_addrs += hosts;
    return (uint16_t)w->n_sites++;
}

static void add_domain(struct world *w, uint32_t *n, const char *name, enum world_kind kind,
                       uint32_t weight, uint16_t site)
{
    struct world_domain *d = &w->domain[(*n)++];
    snprintf(d->name, sizeof d->name, "%s", name);
    snprintf(d->unicode, sizeof d->unicode, "%s", name);
    d->kind = kind;
    d->weight = weight;
    d->weight_before = w->total_weight;
    d->site = site;
    w->total_weight += weight;
}

/* "river-books": different for every i below 200. */
static void tail_name(char *out, size_t size, uint32_t i, const char *suffix)
{
    snprintf(out, size, "%s-%s%s", words[i % 20], trades[(i / 20 + i) % 10], suffix);
}

static void add_specials(struct world *w, uint32_t *n)
{
    for (uint32_t i = 0; i < N_SPECIALS; i++) {
        enum world_kind kind = specials[i].kind;
        uint16_t site = 0;
        if (kind == WORLD_DEAD_MX || kind >= WORLD_IMPLICIT)
            site = add_site(w, specials[i].name, 1);
        add_domain(w, n, specials[i].name, kind, specials[i].weight, site);
        if (specials[i].unicode) {
            struct world_domain *d = &w->domain[*n - 1];
            snprintf(d->unicode, sizeof d->unicode, "%s", specials[i].unicode);
        }
    }
}

void world_init(struct world *w)
{
    char name[48];
    uint32_t n = 0;
    memset(w, 0, sizeof *w);
    for (uint32_t i = 0; i < N_GIANTS; i++)
        add_domain(w, &n, giants[i].name, WORLD_GIANT, giants[i].weight,
                   add_site(w, giants[i].name, WORLD_MX_MAX));
    uint16_t hosting = add_site(w, "yado-hosting.test", WORLD_MX_MAX);
    for (uint32_t i = 0; i < HOSTED; i++) {
        tail_name(name, sizeof name, i, ".yado.test");
        add_domain(w, &n, name, WORLD_HOSTED, 300 - i * 10, hosting);
    }
    for (uint32_t i = 0; i < ON_GIANT; i++) {
        tail_name(name, sizeof name, HOSTED + i, "-kk.test");
        add_domain(w, &n, name, WORLD_ON_GIANT, 200, 0);
    }
    add_specials(w, &n);
    for (uint32_t i = 0; n < WORLD_DOMAINS; i++) {
        tail_name(name, sizeof name, i, ".test");
        add_domain(w, &n, name, WORLD_PLAIN, 20 + 6000 / (i + 4), add_site(w, name, 1));
    }
}

const struct world_domain *world_pick(const struct world *w, uint64_t random)
{
    uint32_t at = (uint32_t)(((random >> 32) * w->total_weight) >> 32);
    uint32_t lo = 0, hi = WORLD_DOMAINS - 1;
    while (lo < hi) {
        uint32_t mid = (lo + hi + 1) / 2;
        if (w->domain[mid].weight_before <= at)
            lo = mid;
        else
            hi = mid - 1;
    }
    return &w->domain[lo];
}

const char *world_kind_name(enum world_kind kind)
{
    return kind_names[kind];
}
