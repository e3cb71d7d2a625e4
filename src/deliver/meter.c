/* Meters: what ended an attempt and where, and adding up what workers counted. */
#include "lane.h"

static const char *const class_names[HY_REPLY_CLASSES] = {
    [HY_REPLY_2XX] = "2xx", [HY_REPLY_4XX] = "4xx",   [HY_REPLY_421] = "421",
    [HY_REPLY_5XX] = "5xx", [HY_REPLY_DNS] = "dns",   [HY_REPLY_CONNECT] = "connect",
    [HY_REPLY_TLS] = "tls", [HY_REPLY_LOST] = "lost", [HY_REPLY_LOCAL] = "local",
};

const char *hy_reply_class_name(enum hy_reply_class c)
{
    return (unsigned)c < HY_REPLY_CLASSES ? class_names[c] : "?";
}

enum hy_reply_class hy_reply_class_of(const struct hy_outcome *o)
{
    if (o->code == 421)
        return HY_REPLY_421;
    switch (o->code / 100) {
    case 2:
    case 3:
        return HY_REPLY_2XX;
    case 4:
        return HY_REPLY_4XX;
    case 5:
        return HY_REPLY_5XX;
    default:
        break;
    }
    switch (o->phase) {
    case HY_PHASE_DNS:
        return HY_REPLY_DNS;
    case HY_PHASE_CONNECT:
        return HY_REPLY_CONNECT;
    case HY_PHASE_STARTTLS:
    case HY_PHASE_TLS:
        return HY_REPLY_TLS;
    case HY_PHASE_NONE:
    case HY_PHASE_RENDER:
    case HY_PHASE_POLICY:
        return HY_REPLY_LOCAL;
    default:
        return HY_REPLY_LOST;
    }
}

const char *hy_meter_phase_name(enum hy_meter_phase p)
{
    static const char *const names[HY_METER_PHASES] = {"connect", "banner", "tls",
                                                       "ready",   "reply",  "message"};
    return (unsigned)p < HY_METER_PHASES ? names[p] : "?";
}

const char *const hy_meter_tls_names[HY_METER_TLS_VERSIONS] = {"1.3", "1.2", "older"};

/* ---- providers ---- */

void providers_init(struct providers *p)
{
    static const char *const first[] = {[HY_PROVIDER_DEFAULT] = "default",
                                        [HY_PROVIDER_NONE] = "none",
                                        [HY_PROVIDER_OTHER] = "other"};
    pthread_mutex_init(&p->lock, NULL);
    for (p->n = 0; p->n < sizeof first / sizeof *first; p->n++)
        snprintf(p->names[p->n], sizeof p->names[0], "%s", first[p->n]);
}

void providers_close(struct providers *p)
{
    pthread_mutex_destroy(&p->lock);
}

unsigned provider_number(struct providers *p, const char *name)
{
    if (!name || !name[0])
        return HY_PROVIDER_DEFAULT;
    unsigned i;
    pthread_mutex_lock(&p->lock);
    for (i = 0; i < p->n && strncmp(p->names[i], name, HY_PROVIDER_NAME_MAX) != 0; i++)
        ;
    if (i == HY_PROVIDERS_MAX) {
        i = HY_PROVIDER_OTHER;
    } else if (i == p->n) {
        snprintf(p->names[i], sizeof p->names[0], "%s", name);
        p->n++;
    }
    pthread_mutex_unlock(&p->lock);
    return i;
}

/* ---- moving ---- */

void meter_outcome(struct worker *w, const struct lane *l, const struct hy_outcome *o,
                   hy_us took_us, hy_wall_ms since_ms)
{
    struct hy_deliver_meter *m = &w->meter;
    struct hy_provider_meter *p = &m->providers[l ? l->provider : HY_PROVIDER_NONE];
    unsigned kind = (unsigned)o->kind - HY_OUTCOME_DELIVERED;
    if (kind < HY_METER_OUTCOMES)
        hy_count_add(&p->attempts[kind][hy_reply_class_of(o)], 1);
    if (took_us > 0) {
        hy_count_add(&p->messages, 1);
        hy_count_add(&p->message_us, (uint64_t)took_us);
        hy_histogram_add(&m->phases[HY_METER_MESSAGE], took_us);
    }
    if (o->kind == HY_OUTCOME_DELIVERED)
        hy_histogram_add(&m->queued, since_ms * HY_US_PER_MS);
    if (o->in_doubt)
        hy_count_add(&m->in_doubt, 1);
}

void meter_tls(struct worker *w, uint16_t version, bool is_resumed)
{
    unsigned at = version == 0x0304 ? 0 : version == 0x0303 ? 1 : 2;
    hy_count_add(&w->meter.tls[at][is_resumed], 1);
}

void meter_levels(struct worker *w)
{
    hy_count_set(&w->meter.lanes, w->n_lanes);
    hy_count_set(&w->meter.connections, w->n_connections);
    hy_count_set(&w->meter.in_hand, w->n_deliveries);
    hy_count_set(&w->meter.pressed_bytes, w->pressed_bytes);
}

void meter_dns(struct dns_meter *m, const struct hy_resolver *r)
{
    struct hy_resolver_stats s;
    hy_resolver_stats(r, &s);
    hy_count_set(&m->lookups, s.lookups);
    hy_count_set(&m->questions, s.questions);
    hy_count_set(&m->cache_hits, s.cache_hits);
    hy_count_set(&m->shared, s.shared);
    hy_count_set(&m->failures, s.failures);
    hy_count_set(&m->waiting, s.waiting);
    hy_count_set(&m->cache_entries, s.cache_entries);
}

/* ---- reading ---- */

static void add_providers(const struct hy_deliver_meter *m, struct hy_deliver_sum *ret)
{
    for (unsigned i = 0; i < ret->n_providers; i++) {
        for (unsigned k = 0; k < HY_METER_OUTCOMES; k++)
            for (unsigned c = 0; c < HY_REPLY_CLASSES; c++)
                ret->providers[i].attempts[k][c] += hy_count_read(&m->providers[i].attempts[k][c]);
        ret->providers[i].messages += hy_count_read(&m->providers[i].messages);
        ret->providers[i].message_us += hy_count_read(&m->providers[i].message_us);
    }
}

static void add_worker(const struct hy_deliver_meter *m, struct hy_deliver_sum *ret)
{
    for (unsigned i = 0; i < HY_METER_PHASES; i++)
        hy_histogram_read(&m->phases[i], &ret->phases[i]);
    hy_histogram_read(&m->queued, &ret->queued);
    for (unsigned v = 0; v < HY_METER_TLS_VERSIONS; v++)
        for (unsigned r = 0; r < 2; r++)
            ret->tls[v][r] += hy_count_read(&m->tls[v][r]);
    ret->in_doubt += hy_count_read(&m->in_doubt);
    ret->lanes += hy_count_read(&m->lanes);
    ret->connections += hy_count_read(&m->connections);
    ret->in_hand += hy_count_read(&m->in_hand);
    ret->pressed_bytes += hy_count_read(&m->pressed_bytes);
    ret->notes_dropped += hy_count_read(&m->notes_dropped);
    add_providers(m, ret);
}

void hy_deliver_meter_read(struct hy_deliver *d, struct hy_deliver_sum *ret)
{
    memset(ret, 0, sizeof *ret);
    pthread_mutex_lock(&d->providers.lock);
    ret->n_providers = d->providers.n;
    for (unsigned i = 0; i < d->providers.n; i++)
        memcpy(ret->providers[i].name, d->providers.names[i], sizeof d->providers.names[i]);
    pthread_mutex_unlock(&d->providers.lock);
    for (unsigned i = 0; i < d->n_workers; i++)
        add_worker(&d->workers[i].meter, ret);
    const struct dns_meter *m = &d->dns;
    ret->dns.lookups = hy_count_read(&m->lookups);
    ret->dns.questions = hy_count_read(&m->questions);
    ret->dns.cache_hits = hy_count_read(&m->cache_hits);
    ret->dns.shared = hy_count_read(&m->shared);
    ret->dns.failures = hy_count_read(&m->failures);
    ret->dns.waiting = hy_count_read(&m->waiting);
    ret->dns.cache_entries = hy_count_read(&m->cache_entries);
    ret->press_waiting = hy_jobs_count(d->jobs);
}
