/* MX hosts: which of them count, their order, and the immutable result.
 *
 * RFC 5321 section 5.1: smallest preference first, equal ones in random order; when we are among
 * them, we and all that are not better than us are left out. */
#include "mx.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

struct box {
    struct hy_mx mx; /* first: what the world sees */
    atomic_uint refs;
};

const char *hy_mx_status_name(enum hy_mx_status s)
{
    static const char *const names[] = {"ok",         "null_mx",  "nxdomain",
                                        "no_address", "tempfail", "loop"};
    return (size_t)s < sizeof names / sizeof *names ? names[s] : "?";
}

struct hy_mx *hy_mx_ref(struct hy_mx *mx)
{
    atomic_fetch_add_explicit(&((struct box *)mx)->refs, 1, memory_order_relaxed);
    return mx;
}

void hy_mx_unref(struct hy_mx *mx)
{
    struct box *b = (struct box *)mx;
    if (b && atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) == 1)
        free(b);
}

/* ---- candidates ---- */

static bool is_own_name(const struct mx_rules *rules, struct hy_str name)
{
    for (size_t i = 0; i < rules->n_own_names; i++)
        if (hy_str_ieq(rules->own_names[i], name))
            return true;
    return false;
}

/* Names that say "this very host" (RFC 6761 section 6.3) or that no host has. */
static bool is_usable(const struct mx_rules *rules, const struct dns_mx_record *r)
{
    if (r->odd_host || !dns_name_is_host(r->host))
        return false;
    bool here = hy_str_eq(r->host, HY_STR("localhost")) ||
                hy_str_ends(r->host, HY_STR(".localhost")) ||
                hy_str_eq(r->host, HY_STR("localhost.localdomain"));
    return !here || rules->allow_local;
}

static int by_preference_and_name(const void *a, const void *b)
{
    const struct mx_candidate *x = a, *y = b;
    if (x->preference != y->preference)
        return x->preference < y->preference ? -1 : 1;
    size_t n = x->name.n < y->name.n ? x->name.n : y->name.n;
    int order = memcmp(x->name.p, y->name.p, n);
    return order ? order : (x->name.n > y->name.n) - (x->name.n < y->name.n);
}

static size_t drop_repeats(struct mx_candidate *c, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        size_t k = 0;
        while (k < kept && !hy_str_eq(c[k].name, c[i].name))
            k++;
        if (k == kept)
            c[kept++] = c[i];
    }
    return kept;
}

enum hy_mx_status mx_candidates(const struct mx_rules *rules, const struct dns_rrset *mx,
                                struct mx_candidate ret[HY_MX_HOSTS_MAX], size_t *ret_n)
{
    struct mx_candidate all[DNS_RECORDS_MAX];
    size_t n = 0;
    uint32_t own = UINT32_MAX; /* our own best preference */
    if (mx->n_records == 1 && mx->mx[0].host.n == 0)
        return HY_MX_NULL;
    for (size_t i = 0; i < mx->n_records; i++) {
        const struct dns_mx_record *r = &mx->mx[i];
        if (!is_usable(rules, r))
            continue;
        if (is_own_name(rules, r->host) && r->preference < own)
            own = r->preference;
        all[n++] = (struct mx_candidate){.name = r->host, .preference = r->preference};
    }
    if (n == 0)
        return HY_MX_NO_ADDRESS;
    qsort(all, n, sizeof *all, by_preference_and_name);
    n = drop_repeats(all, n);
    while (n && all[n - 1].preference >= own)
        n--;
    if (n == 0)
        return HY_MX_LOOP;
    *ret_n = n < HY_MX_HOSTS_MAX ? n : HY_MX_HOSTS_MAX;
    memcpy(ret, all, *ret_n * sizeof *all);
    return HY_MX_OK;
}

/* ---- addresses ---- */

struct way { /* a candidate with the addresses that can be used */
    const struct mx_candidate *from;
    uint64_t lot; /* decides among equal preferences */
    bool own;     /* one of its addresses is ours */
    size_t n;
    struct hy_sockaddr addresses[HY_MX_ADDRESSES_MAX];
};

static bool is_own_address(const struct mx_rules *rules, const struct hy_sockaddr *a)
{
    for (size_t i = 0; i < rules->n_own_addresses; i++)
        if (hy_sockaddr_ip_eq(&rules->own_addresses[i], a))
            return true;
    return false;
}

static void shuffle(struct hy_rng *rng, struct hy_sockaddr *a, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        size_t k = (size_t)hy_rng_below(rng, i);
        struct hy_sockaddr kept = a[i - 1];
        a[i - 1] = a[k];
        a[k] = kept;
    }
}

static void add_family(const struct mx_rules *rules, struct way *w, const struct dns_rrset *answer)
{
    if (!answer)
        return;
    size_t first = w->n;
    for (size_t i = 0; i < answer->n_records && w->n < HY_MX_ADDRESSES_MAX; i++) {
        const struct hy_sockaddr *a = &answer->addresses[i];
        w->own = w->own || is_own_address(rules, a);
        if (rules->allow_local || !hy_sockaddr_is_local(a))
            w->addresses[w->n++] = *a;
    }
    shuffle(rules->rng, w->addresses + first, w->n - first);
}

static void find_way(const struct mx_rules *rules, const struct mx_candidate *c, struct way *ret)
{
    bool six_first = rules->families == HY_MX_IPV6_FIRST || rules->families == HY_MX_IPV6_ONLY;
    ret->from = c;
    ret->lot = hy_rng_u64(rules->rng);
    ret->own = false;
    ret->n = 0;
    add_family(rules, ret, c->answers[six_first]);
    add_family(rules, ret, c->answers[!six_first]);
}

static int by_preference_and_lot(const void *a, const void *b)
{
    const struct way *x = a, *y = b;
    if (x->from->preference != y->from->preference)
        return x->from->preference < y->from->preference ? -1 : 1;
    return x->lot < y->lot ? -1 : x->lot > y->lot;
}

/* ---- results ---- */

static struct box *box_alloc(size_t extra_bytes, struct hy_str domain, hy_us expires,
                             char **ret_mem)
{
    struct box *b = calloc(1, sizeof *b + extra_bytes);
    if (!b)
        return NULL;
    atomic_init(&b->refs, 1);
    b->mx.domain = domain; /* copied by the caller */
    b->mx.expires = expires;
    *ret_mem = (char *)(b + 1);
    return b;
}

static struct hy_str put(char **mem, struct hy_str s)
{
    struct hy_str copy = {*mem, s.n};
    if (s.n)
        memcpy(*mem, s.p, s.n);
    (*mem)[s.n] = '\0';
    *mem += s.n + 1;
    return copy;
}

struct hy_mx *mx_failure(enum hy_mx_status status, struct hy_enhanced enhanced, const char *text,
                         struct hy_str domain, hy_us expires)
{
    struct hy_str why = hy_str_of(text);
    char *mem;
    struct box *b = box_alloc(domain.n + why.n + 2, domain, expires, &mem);
    if (!b)
        return NULL;
    b->mx.status = status;
    b->mx.enhanced = enhanced;
    b->mx.domain = put(&mem, domain);
    b->mx.text = put(&mem, why);
    return &b->mx;
}

/* Whether all that was learned of its addresses is proven; a question that failed told nothing. */
static bool is_secure(const struct mx_candidate *c)
{
    bool all = true;
    for (size_t k = 0; k < 2; k++)
        if (c->answers[k] && c->answers[k]->status != DNS_FAILED)
            all = all && c->answers[k]->is_secure;
    return all;
}

static struct hy_str canonical(const struct mx_candidate *c)
{
    for (size_t k = 0; k < 2; k++)
        if (c->answers[k] && c->answers[k]->canonical.n)
            return c->answers[k]->canonical;
    return hy_str_make("", 0);
}

static struct hy_mx *pack(const struct mx_way *way, const struct way *ways, size_t n,
                          const struct hy_site *site)
{
    size_t n_addresses = 0;
    size_t text = way->domain.n + site->key.n + site->name.n + 3;
    for (size_t i = 0; i < n; i++) {
        n_addresses += ways[i].n;
        text += ways[i].from->name.n + canonical(ways[i].from).n + 2;
    }
    size_t hosts_bytes = n * sizeof(struct hy_mx_host);
    char *mem;
    struct box *b = box_alloc(hosts_bytes + n_addresses * sizeof(struct hy_sockaddr) + text,
                              way->domain, way->expires, &mem);
    if (!b)
        return NULL;
    struct hy_mx_host *hosts = (struct hy_mx_host *)(void *)mem;
    struct hy_sockaddr *addresses = (struct hy_sockaddr *)(void *)(mem + hosts_bytes);
    mem = (char *)(addresses + n_addresses);
    for (size_t i = 0; i < n; i++) {
        memcpy(addresses, ways[i].addresses, ways[i].n * sizeof *addresses);
        hosts[i] = (struct hy_mx_host){.name = put(&mem, ways[i].from->name),
                                       .preference = ways[i].from->preference,
                                       .n_addresses = (uint8_t)ways[i].n,
                                       .addresses = addresses,
                                       .is_secure = is_secure(ways[i].from),
                                       .canonical = put(&mem, canonical(ways[i].from))};
        addresses += ways[i].n;
    }
    b->mx.status = HY_MX_OK;
    b->mx.domain = put(&mem, way->domain);
    b->mx.text = hy_str_make("", 0);
    b->mx.implicit = way->implicit;
    b->mx.is_secure = way->is_secure;
    b->mx.n_hosts = n;
    b->mx.hosts = hosts;
    b->mx.site = (struct hy_site){
        .key = put(&mem, site->key), .name = put(&mem, site->name), .hash = site->hash};
    return &b->mx;
}

static struct hy_mx *no_way(struct hy_str domain, bool implicit,
                            const struct mx_candidate *candidates, size_t n, bool loop,
                            hy_us expires)
{
    char text[HY_OUTCOME_TEXT_MAX];
    if (loop)
        return mx_failure(HY_MX_LOOP, MX_ENHANCED_LOOP,
                          "mail for this domain comes back to ourselves", domain, expires);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < 2; k++) {
            const struct dns_rrset *a = candidates[i].answers[k];
            if (!a || a->status != DNS_FAILED)
                continue;
            snprintf(text, sizeof text, "no address for %.*s: %s", HY_STR_ARG(candidates[i].name),
                     a->text);
            return mx_failure(HY_MX_TEMPFAIL, MX_ENHANCED_DNS, text, domain, expires);
        }
    }
    if (implicit)
        return mx_failure(HY_MX_NO_ADDRESS, MX_ENHANCED_BAD_DOMAIN,
                          "the domain has no mail server: no MX record and no address", domain,
                          expires);
    snprintf(text, sizeof text, "no mail server of the domain has an address (%.*s%s)",
             HY_STR_ARG(candidates[0].name), n > 1 ? ", ..." : "");
    return mx_failure(HY_MX_NO_ADDRESS, MX_ENHANCED_NO_ROUTE, text, domain, expires);
}

struct hy_mx *mx_result(const struct mx_rules *rules, const struct mx_way *way,
                        const struct mx_candidate *candidates, size_t n)
{
    struct way ways[HY_MX_HOSTS_MAX];
    struct hy_str names[HY_MX_HOSTS_MAX];
    uint32_t own = UINT32_MAX;
    bool loop = false;
    for (size_t i = 0; i < n; i++) {
        find_way(rules, &candidates[i], &ways[i]);
        names[i] = candidates[i].name;
        if (ways[i].own && candidates[i].preference < own)
            own = candidates[i].preference;
    }
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (ways[i].from->preference >= own)
            loop = true;
        else if (ways[i].n)
            ways[kept++] = ways[i];
    }
    if (kept == 0)
        return no_way(way->domain, way->implicit, candidates, n, loop, way->expires);
    qsort(ways, kept, sizeof *ways, by_preference_and_lot);

    struct hy_buf mem HY_CLEANUP(hy_buf_free) = HY_BUF_INIT(32 * 1024);
    struct hy_site site;
    if (hy_site_of(names, n, &mem, &site))
        return NULL;
    return pack(way, ways, kept, &site);
}
