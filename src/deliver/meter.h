/* How workers move their meters. Worker threads, but where said. */
#pragma once
#include "hayauma/deliver/meter.h"

#include <pthread.h>

#include "hayauma/dns/resolver.h"

struct lane;
struct worker;

/* Names of providers, in the order they were met; a name keeps its number for the life of the
 * process. */
struct providers {
    pthread_mutex_t lock;
    unsigned n;
    char names[HY_PROVIDERS_MAX][HY_PROVIDER_NAME_MAX + 1];
};
void providers_init(struct providers *p);
void providers_close(struct providers *p);
/* The number of a name, a new one when there is room. Any thread; NULL is the default. */
unsigned provider_number(struct providers *p, const char *name);

/* What the resolver says of itself; the feeder moves it. */
struct dns_meter {
    hy_count lookups, questions, cache_hits, shared, failures, waiting, cache_entries;
};
/* Feeder thread. */
void meter_dns(struct dns_meter *m, const struct hy_resolver *r);

/* An outcome of a row of lane `l` (NULL: of none); `took_us` on a connection, 0 when none was used;
 * `since_ms` from the start of its campaign. */
void meter_outcome(struct worker *w, const struct lane *l, const struct hy_outcome *o,
                   hy_us took_us, hy_wall_ms since_ms);
void meter_tls(struct worker *w, uint16_t version, bool is_resumed);
/* Numbers that are read off at the end of a turn. */
void meter_levels(struct worker *w);
