/* Sources by name, whatever policy is in force: their numbers, whether their proxies do their part,
 * and whether their addresses are on this machine. An address may go and come at any time (a
 * failover address, an interface that is set up late): only binding to it tells. It is tried again
 * every ten seconds by the first message that would leave from it; meanwhile its mail goes by other
 * sources, or waits. */
#include "sources.h"

#include <stdlib.h>
#include <string.h>

#include "hayauma/base/log.h"
#include "parts.h"

void sources_init(struct sources *s)
{
    hy_list_init(&s->all);
    pthread_mutex_init(&s->lock, NULL);
}

void sources_close(struct sources *s)
{
    for (struct hy_list *it; s->all.next && (it = hy_list_pop(&s->all));)
        free(hy_container_of(it, struct source, link));
    pthread_mutex_destroy(&s->lock);
}

/* The set's lock is held. */
static struct source *find_or_make(struct sources *set, const char *name)
{
    hy_list_for_each (it, &set->all) {
        struct source *s = hy_container_of(it, struct source, link);
        if (strcmp(s->name, name) == 0)
            return s;
    }
    struct source *s = set->n < SOURCES_MAX ? calloc(1, sizeof *s) : NULL;
    if (!s)
        return NULL;
    s->no = set->n++;
    snprintf(s->name, sizeof s->name, "%s", name);
    hy_list_init(&s->link);
    hy_list_push(&set->all, &s->link);
    return s;
}

int sources_adopt(struct hy_deliver *d, struct hy_deliver_policy *p)
{
    int err = HY_OK;
    p->live = calloc(p->n_sources, sizeof(struct source *));
    if (!p->live)
        return HY_ENOMEM;
    pthread_mutex_lock(&d->sources.lock);
    for (size_t i = 0; i < p->n_sources && err == HY_OK; i++) {
        p->live[i] = find_or_make(&d->sources, p->sources[i].name);
        if (!p->live[i])
            err = d->sources.n < SOURCES_MAX ? HY_ENOMEM : HY_ELIMIT;
    }
    pthread_mutex_unlock(&d->sources.lock);
    return err;
}

void sources_release(struct hy_deliver_policy *p)
{
    free(p->live);
    p->live = NULL;
}

const struct hy_deliver_source *source_in(const struct hy_deliver_policy *p, const struct source *s)
{
    for (size_t i = 0; i < p->n_sources; i++)
        if (p->live[i] == s)
            return &p->sources[i];
    return NULL;
}

/* ---- addresses ---- */

static unsigned family_number(int family)
{
    return family == AF_INET6;
}

struct hy_sockaddr source_address(const struct hy_deliver_source *from, int family)
{
    return family == AF_INET6 && hy_sockaddr_family(&from->bind6) == AF_INET6 ? from->bind6
                                                                              : from->bind;
}

static bool may(const struct source *s, const struct hy_deliver_source *from, int family, hy_us now)
{
    struct hy_sockaddr a = source_address(from, family);
    int bound = hy_sockaddr_family(&a);
    return bound == AF_UNSPEC ||
           (bound == family && atomic_load_explicit(&s->gone_until[family_number(family)],
                                                    memory_order_relaxed) <= now);
}

int source_family(const struct source *s, const struct hy_deliver_source *from, hy_us now)
{
    if (from->proxy.kind != HY_PROXY_NONE &&
        atomic_load_explicit(&s->proxy_until, memory_order_relaxed) > now)
        return -1;
    bool may4 = may(s, from, AF_INET, now), may6 = may(s, from, AF_INET6, now);
    return may4 && may6 ? AF_UNSPEC : may4 ? AF_INET : may6 ? AF_INET6 : -1;
}

hy_us source_back_at(const struct source *s, hy_us now)
{
    hy_us at = 0;
    for (int i = 0; i < 2; i++) {
        hy_us until = atomic_load_explicit(&s->gone_until[i], memory_order_relaxed);
        if (until > now && (!at || until < at))
            at = until;
    }
    hy_us proxy = atomic_load_explicit(&s->proxy_until, memory_order_relaxed);
    if (proxy > now && (!at || proxy < at))
        at = proxy;
    return at;
}

void source_gone(struct source *s, const struct hy_sockaddr *address, hy_us now)
{
    char ip[HY_SOCKADDR_TEXT_MAX];
    unsigned i = family_number(hy_sockaddr_family(address));
    hy_us before = atomic_exchange_explicit(&s->gone_until[i], now + SOURCE_GONE_S * HY_US_PER_SEC,
                                            memory_order_relaxed);
    if (before == 0)
        hy_log(HY_LOG_WARNING, "source",
               "source %s: its address %s is not on this machine: its mail goes by other sources "
               "of the pool, or waits; tried again every %d s",
               s->name, hy_sockaddr_format_ip(address, ip), SOURCE_GONE_S);
}

void source_there(struct source *s, const struct hy_sockaddr *address)
{
    char ip[HY_SOCKADDR_TEXT_MAX];
    unsigned i = family_number(hy_sockaddr_family(address));
    if (atomic_load_explicit(&s->gone_until[i], memory_order_relaxed) &&
        atomic_exchange_explicit(&s->gone_until[i], 0, memory_order_relaxed))
        hy_log(HY_LOG_NOTICE, "source", "source %s: its address %s is back", s->name,
               hy_sockaddr_format_ip(address, ip));
}

/* ---- proxies ---- */

void source_proxy_gone(struct source *s, const struct hy_proxy *proxy, const char *why, hy_us now)
{
    char address[HY_SOCKADDR_TEXT_MAX];
    hy_us before = atomic_exchange_explicit(&s->proxy_until, now + SOURCE_GONE_S * HY_US_PER_SEC,
                                            memory_order_relaxed);
    if (before == 0)
        hy_log(HY_LOG_WARNING, "source",
               "source %s: its proxy %s://%s does not do its part: %s; its mail goes by other "
               "sources of the pool, or waits; tried again every %d s",
               s->name, hy_proxy_kind_name(proxy->kind),
               hy_sockaddr_format(&proxy->address, address), why, SOURCE_GONE_S);
}

void source_proxy_there(struct source *s)
{
    if (atomic_load_explicit(&s->proxy_until, memory_order_relaxed) &&
        atomic_exchange_explicit(&s->proxy_until, 0, memory_order_relaxed))
        hy_log(HY_LOG_NOTICE, "source", "source %s: its proxy is back", s->name);
}

/* ---- counting ---- */

void source_count(struct source *s, enum hy_outcome_kind kind)
{
    unsigned i = (unsigned)kind - HY_OUTCOME_DELIVERED;
    if (i < HY_METER_OUTCOMES)
        atomic_fetch_add_explicit(&s->outcomes[i], 1, memory_order_relaxed);
}

void source_count_connection(struct source *s, int by)
{
    atomic_fetch_add_explicit(&s->connections, (uint32_t)by, memory_order_relaxed);
}
