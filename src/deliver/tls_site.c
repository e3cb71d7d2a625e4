/* Putting together what a domain demands. */
#include "tls_site.h"

#include <stdlib.h>

#include "hayauma/base/hash.h"

enum { ARENA_MAX = 1 << 20 };

const char *tls_demand_name(enum tls_demand d)
{
    static const char *const names[] = {
        "none", "mta-sts testing",   "mta-sts",    "dane (tls only)",
        "dane", "not in the policy", "dane broken"};
    return (size_t)d < sizeof names / sizeof *names ? names[d] : "?";
}

struct tls_site *tls_site_new(struct hy_mx *mx)
{
    struct tls_site *s = calloc(1, sizeof *s + mx->n_hosts * sizeof s->hosts[0]);
    if (!s)
        return NULL;
    atomic_init(&s->refs, 1);
    s->arena = HY_ARENA_INIT(ARENA_MAX);
    s->mx = hy_mx_ref(mx);
    s->expires = mx->expires;
    s->domain = mx->domain;
    s->n_hosts = mx->n_hosts;
    for (size_t i = 0; i < mx->n_hosts; i++)
        s->hosts[i].name = mx->hosts[i].name;
    return s;
}

struct tls_site *tls_site_ref(struct tls_site *s)
{
    if (s)
        atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void tls_site_unref(struct tls_site *s)
{
    if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
        return;
    hy_arena_free(&s->arena);
    hy_mx_unref(s->mx);
    free(s);
}

static int copy_usable(struct tls_site *s, struct tls_host *h, const struct hy_str *records,
                       size_t n)
{
    h->tlsa = hy_arena_zalloc(&s->arena, HY_TLSA_MAX * sizeof *h->tlsa);
    if (!h->tlsa)
        return HY_ENOMEM;
    for (size_t i = 0; i < n && h->n_tlsa < HY_TLSA_MAX; i++) {
        struct hy_tlsa r;
        if (hy_tlsa_read(records[i], &r) != HY_OK || !hy_tlsa_is_usable(&r))
            continue;
        r.data = hy_arena_str(&s->arena, r.data);
        if (!r.data.p)
            return HY_ENOMEM;
        h->tlsa[h->n_tlsa++] = r;
    }
    return HY_OK;
}

int tls_site_set_dane(struct tls_site *s, size_t host, struct hy_str base, enum hy_dane dane,
                      const struct hy_str *records, size_t n)
{
    static const enum tls_demand demands[] = {[HY_DANE_NONE] = TLS_DEMAND_NONE,
                                              [HY_DANE_RECORDS] = TLS_DEMAND_DANE,
                                              [HY_DANE_UNUSABLE] = TLS_DEMAND_DANE_ANY,
                                              [HY_DANE_FAILED] = TLS_DEMAND_BROKEN};
    struct tls_host *h = &s->hosts[host];
    h->demand = demands[dane];
    if (dane != HY_DANE_RECORDS)
        return HY_OK;
    h->base = hy_arena_str(&s->arena, base);
    return h->base.p ? copy_usable(s, h, records, n) : HY_ENOMEM;
}

int tls_site_set_sts(struct tls_site *s, const struct hy_sts_policy *p, struct hy_str id,
                     struct hy_str text)
{
    s->has_sts = true;
    s->sts_mode = p->mode;
    s->sts_id = hy_arena_str(&s->arena, id);
    s->sts_text = hy_arena_str(&s->arena, text);
    for (size_t i = 0; i < s->n_hosts && p->mode != HY_STS_NONE; i++) {
        struct tls_host *h = &s->hosts[i];
        bool is_named = hy_sts_allows(p, h->name);
        if (h->demand != TLS_DEMAND_NONE)
            continue;
        if (p->mode == HY_STS_ENFORCE)
            h->demand = is_named ? TLS_DEMAND_STS : TLS_DEMAND_NOT_IN_STS;
        else
            h->demand = TLS_DEMAND_STS_TESTING;
        h->is_unnamed = !is_named;
    }
    return s->sts_id.p && s->sts_text.p ? HY_OK : HY_ENOMEM;
}

int tls_site_set_sts_fault(struct tls_site *s, enum hy_tlsrpt_result fault, struct hy_str text)
{
    s->sts_fault = fault;
    s->sts_fault_text = hy_arena_str(&s->arena, text);
    return s->sts_fault_text.p ? HY_OK : HY_ENOMEM;
}

static uint64_t mix(uint64_t h, const void *p, size_t n)
{
    struct hy_hash_key key = *hy_hash_process_key();
    key.k0 ^= h;
    return hy_siphash(&key, p, n);
}

void tls_site_finish(struct tls_site *s)
{
    uint64_t print = 0;
    bool is_any = false;
    for (size_t i = 0; i < s->n_hosts; i++) {
        const struct tls_host *h = &s->hosts[i];
        uint64_t one = (uint64_t)h->demand << 1 | h->is_unnamed;
        is_any |= h->demand != TLS_DEMAND_NONE;
        one = mix(one, h->name.p, h->name.n);
        for (size_t k = 0; k < h->n_tlsa; k++) {
            const struct hy_tlsa *r = &h->tlsa[k];
            one = mix(one ^ (uint64_t)(r->usage << 16 | r->selector << 8 | r->matching), r->data.p,
                      r->data.n);
            if (r->usage == 2) /* then the domain is one of the names to verify */
                one = mix(one, s->domain.p, s->domain.n);
        }
        print += one; /* hosts of equal preference come in any order */
    }
    s->print = !is_any ? 0 : print ? print : 1;
}

const struct tls_host *tls_site_host(const struct tls_site *s, struct hy_str name)
{
    for (size_t i = 0; s && i < s->n_hosts; i++)
        if (hy_str_eq(s->hosts[i].name, name))
            return &s->hosts[i];
    return NULL;
}
