/* The make-believe internet that bench, quickstart and system tests share: 200 recipient domains
 * of uneven weight under .test, their MX sites on loopback, the same on every machine. */
#pragma once
#include <stdint.h>

enum {
    WORLD_DOMAINS = 200,
    WORLD_SITES_MAX = 200,
    WORLD_MX_MAX = 4,
};

enum world_kind {
    WORLD_PLAIN,    /* a site of its own */
    WORLD_GIANT,    /* a quarter, a seventh ... of all leads; several MX, several addresses */
    WORLD_HOSTED,   /* one of many domains on a shared hosting site */
    WORLD_ON_GIANT, /* a company whose mail a giant handles */
    WORLD_NULL_MX,  /* RFC 7505: takes no mail */
    WORLD_DEAD_MX,  /* the first MX refuses connections, the second is well */
    WORLD_NXDOMAIN, /* does not exist */
    WORLD_SERVFAIL, /* its zone is broken: the name server answers SERVFAIL */
    WORLD_NO_HOST,  /* exists, but has neither MX nor address */
    WORLD_IMPLICIT, /* no MX: the address of the domain itself counts (RFC 5321 section 5.1) */
    WORLD_IDN,      /* an internationalised name */
    WORLD_GREY,     /* refuses the first attempt of every recipient (see sink.rules) */
    WORLD_STRICT,   /* a fifth of its users do not exist (see sink.rules) */
    WORLD_BUSY,     /* one RCPT in ten is told to come back later (see sink.rules) */
    WORLD_SLOW,     /* answers 30 ms late (see sink.rules) */
};

/* A group of MX hosts, host i having the address 127.0.1.(addr + i); no addresses: n is 0. */
struct world_site {
    char name[48]; /* what the MX host names end in: mx1.<name> */
    uint8_t addr;
    uint8_t n; /* hosts, at most WORLD_MX_MAX */
};

struct world_domain {
    char name[48];    /* ASCII (A-label) */
    char unicode[48]; /* as a person writes it */
    enum world_kind kind;
    uint32_t weight;        /* of `total_weight` */
    uint32_t weight_before; /* sum of the weights of the domains before this one */
    uint16_t site;          /* index; meaningless for kinds that have none */
};

struct world {
    struct world_domain domain[WORLD_DOMAINS];
    struct world_site site[WORLD_SITES_MAX];
    uint32_t n_sites;
    uint32_t n_addrs;
    uint32_t total_weight;
};

/* The domain that leads mail from. */
#define WORLD_SENDER "news.hayauma.test"
/* Nothing listens here. */
#define WORLD_DEAD_ADDR "127.0.9.9"

/* Fills the whole of it; the same bytes every time. Any thread. */
void world_init(struct world *w);
/* The domain a lead gets: `random` is any 64-bit number, the weights decide. Any thread. */
const struct world_domain *world_pick(const struct world *w, uint64_t random);
/* "giant", "null-mx" ... for lists. */
const char *world_kind_name(enum world_kind kind);
