/* The resolver: a look-up asks for MX, then for the addresses of all hosts at once, and answers.
 *
 * Happy path: hy_resolver_mx, on_mx, on_address for each question, finish, and from the loop the
 * callback.
 * How it fails: failures are results; some hosts without addresses do not spoil the others. */
#include "hayauma/dns/resolver.h"

#include <stdio.h>
#include <stdlib.h>

#include "hayauma/io/loop.h"
#include "mx.h"
#include "records.h"

struct hy_resolver {
    struct hy_loop *loop;
    struct dns_client *client;
    struct hy_resolver_settings s;
    struct mx_rules rules;
    struct hy_rng rng;
    struct hy_list lookups; /* that still ask */
    struct hy_list done;    /* whose callback is next */
    struct hy_defer tell;
    struct records records;
    uint64_t n_lookups;
    struct hy_str *own_names; /* owned, with their text */
    struct hy_sockaddr *own_addresses;
};

struct ask {
    struct lookup *lookup;
    struct dns_wait wait;
    struct dns_rrset *answer;
};

struct host_asks {
    struct ask ask[2]; /* A, AAAA */
};

struct lookup {
    struct hy_list link;
    struct hy_resolver *r;
    hy_mx_fn *fn;
    void *ctx;
    struct hy_mx *result;
    struct ask mx;
    bool implicit;
    bool no_memory;   /* for a question */
    uint32_t pending; /* questions about addresses, and one for the asking itself */
    size_t n_hosts;
    struct mx_candidate *candidates;
    struct host_asks *asks;
    size_t n_domain;
    char domain[DNS_NAME_MAX + 1];
};

static const enum dns_type family_types[2] = {DNS_A, DNS_AAAA};

/* ---- the end of a look-up ---- */

static void lookup_free(struct lookup *l)
{
    dns_rrset_unref(l->mx.answer);
    for (size_t i = 0; i < l->n_hosts && l->asks; i++)
        for (size_t k = 0; k < 2; k++)
            dns_rrset_unref(l->asks[i].ask[k].answer);
    free(l->candidates);
    free(l->asks);
    free(l);
}

static void tell(struct lookup *l, struct hy_mx *result)
{
    hy_mx_fn *fn = l->fn;
    void *ctx = l->ctx;
    lookup_free(l);
    fn(ctx, result);
}

static void on_tell(void *arg)
{
    struct hy_resolver *r = arg;
    struct hy_list now;
    hy_list_init(&now);
    for (struct hy_list *n; (n = hy_list_pop(&r->done)) != NULL;)
        hy_list_push(&now, n);
    for (struct hy_list *n; (n = hy_list_pop(&now)) != NULL;) {
        struct lookup *l = hy_container_of(n, struct lookup, link);
        tell(l, l->result);
    }
}

static struct hy_str domain_of(const struct lookup *l)
{
    return hy_str_make(l->domain, l->n_domain);
}

static void finish(struct lookup *l, struct hy_mx *result)
{
    l->result = result; /* NULL only without memory; the callback then takes it for cancelled */
    hy_list_remove(&l->link);
    hy_list_push(&l->r->done, &l->link);
    hy_loop_defer(l->r->loop, &l->r->tell);
}

static void fail(struct lookup *l, enum hy_mx_status status, struct hy_enhanced enhanced,
                 const char *text)
{
    hy_us expires = l->mx.answer ? l->mx.answer->expires : HY_US_NEVER;
    finish(l, mx_failure(status, enhanced, text, domain_of(l), expires));
}

/* ---- addresses ---- */

static void finish_with_addresses(struct lookup *l)
{
    hy_us expires = l->mx.answer->expires;
    if (l->no_memory) {
        fail(l, HY_MX_TEMPFAIL, MX_ENHANCED_DNS, "out of memory");
        return;
    }
    for (size_t i = 0; i < l->n_hosts; i++) {
        for (size_t k = 0; k < 2; k++) {
            const struct dns_rrset *a = l->asks[i].ask[k].answer;
            l->candidates[i].answers[k] = a;
            if (a && a->expires < expires)
                expires = a->expires;
        }
    }
    struct mx_way way = {domain_of(l), l->implicit, l->mx.answer->is_secure, expires};
    finish(l, mx_result(&l->r->rules, &way, l->candidates, l->n_hosts));
}

static void count_down(struct lookup *l)
{
    if (--l->pending == 0)
        finish_with_addresses(l);
}

static void on_address(void *arg, struct dns_rrset *answer)
{
    struct ask *a = arg;
    a->answer = dns_rrset_ref(answer);
    count_down(a->lookup);
}

static void ask_for_address(struct lookup *l, size_t host, size_t family)
{
    struct ask *a = &l->asks[host].ask[family];
    a->lookup = l;
    a->wait = (struct dns_wait){.fn = on_address, .arg = a};
    l->pending++;
    int err =
        dns_ask(l->r->client, l->candidates[host].name, family_types[family], &a->wait, &a->answer);
    if (err)
        l->no_memory = true;
    if (err || a->answer)
        l->pending--;
}

static void ask_for_addresses(struct lookup *l, const struct mx_candidate *candidates, size_t n)
{
    bool four = l->r->s.families != HY_MX_IPV6_ONLY, six = l->r->s.families != HY_MX_IPV4_ONLY;
    l->candidates = calloc(n, sizeof *l->candidates);
    l->asks = calloc(n, sizeof *l->asks);
    if (!l->candidates || !l->asks) {
        fail(l, HY_MX_TEMPFAIL, MX_ENHANCED_DNS, "out of memory");
        return;
    }
    memcpy(l->candidates, candidates, n * sizeof *candidates);
    l->n_hosts = n;
    l->pending = 1;
    for (size_t i = 0; i < n; i++) {
        if (four)
            ask_for_address(l, i, 0);
        if (six)
            ask_for_address(l, i, 1);
    }
    count_down(l);
}

/* ---- MX ---- */

static void use_mx(struct lookup *l)
{
    struct mx_candidate candidates[HY_MX_HOSTS_MAX];
    size_t n = 0;
    switch (mx_candidates(&l->r->rules, l->mx.answer, candidates, &n)) {
    case HY_MX_NULL:
        fail(l, HY_MX_NULL, MX_ENHANCED_NULL_MX, "the domain takes no mail (null MX, RFC 7505)");
        return;
    case HY_MX_LOOP:
        fail(l, HY_MX_LOOP, MX_ENHANCED_LOOP, "we are the domain's best MX host ourselves");
        return;
    case HY_MX_OK:
        ask_for_addresses(l, candidates, n);
        return;
    default:
        fail(l, HY_MX_NO_ADDRESS, MX_ENHANCED_NO_ROUTE,
             "the domain's MX records name no host that mail can go to");
    }
}

/* No MX record: the domain is its own mail host (RFC 5321 section 5.1). */
static void use_domain_itself(struct lookup *l)
{
    struct mx_candidate itself = {.name = domain_of(l)};
    for (size_t i = 0; i < l->r->rules.n_own_names; i++) {
        if (hy_str_ieq(l->r->rules.own_names[i], itself.name)) {
            fail(l, HY_MX_LOOP, MX_ENHANCED_LOOP, "the domain is ourselves");
            return;
        }
    }
    l->implicit = true;
    ask_for_addresses(l, &itself, 1);
}

static void use_answer(struct lookup *l)
{
    char text[HY_OUTCOME_TEXT_MAX];
    switch (l->mx.answer->status) {
    case DNS_OK:
        use_mx(l);
        return;
    case DNS_NODATA:
        use_domain_itself(l);
        return;
    case DNS_NXDOMAIN:
        fail(l, HY_MX_NXDOMAIN, MX_ENHANCED_BAD_DOMAIN, "the domain does not exist (NXDOMAIN)");
        return;
    case DNS_FAILED:
        snprintf(text, sizeof text, "no MX of %s: %s", l->domain, l->mx.answer->text);
        fail(l, HY_MX_TEMPFAIL, MX_ENHANCED_DNS, text);
        return;
    }
}

static void on_mx(void *arg, struct dns_rrset *answer)
{
    struct ask *a = arg;
    a->answer = dns_rrset_ref(answer);
    use_answer(a->lookup);
}

int hy_resolver_mx(struct hy_resolver *r, struct hy_str domain, hy_mx_fn *fn, void *ctx)
{
    if (dns_client_waiting(r->client) >= r->s.max_waiting)
        return HY_ELIMIT;
    struct lookup *l = calloc(1, sizeof *l);
    if (!l)
        return HY_ENOMEM;
    l->r = r;
    l->fn = fn;
    l->ctx = ctx;
    if (domain.n && domain.p[domain.n - 1] == '.')
        domain.n--;
    l->n_domain = domain.n < DNS_NAME_MAX ? domain.n : DNS_NAME_MAX;
    for (size_t i = 0; i < l->n_domain; i++)
        l->domain[i] = hy_ascii_lower(domain.p[i]);
    hy_list_push(&r->lookups, &l->link);
    r->n_lookups++;
    if (domain.n > DNS_NAME_MAX || !dns_name_is_host(domain_of(l))) {
        fail(l, HY_MX_NXDOMAIN, MX_ENHANCED_BAD_DOMAIN, "not a domain name");
        return 0;
    }
    l->mx.lookup = l;
    l->mx.wait = (struct dns_wait){.fn = on_mx, .arg = &l->mx};
    int err = dns_ask(r->client, domain_of(l), DNS_MX, &l->mx.wait, &l->mx.answer);
    if (err) {
        hy_list_remove(&l->link);
        lookup_free(l);
        return err;
    }
    if (l->mx.answer)
        use_answer(l);
    return 0;
}

/* ---- the resolver ---- */

void hy_resolver_settings_init(struct hy_resolver_settings *s)
{
    *s = (struct hy_resolver_settings){
        .timeout_ms = 2000,
        .tries = 3,
        .max_in_flight = 500,
        .max_waiting = 65536,
        .cache_entries = 100000,
        .cache_bytes = 64 << 20,
        .min_ttl_s = 30,
        .max_ttl_s = 86400,
        .negative_ttl_s = 900,
        .failure_ttl_s = 5,
        .families = HY_MX_IPV4_FIRST,
    };
}

static bool copy_own(struct hy_resolver *r, const struct hy_resolver_settings *s)
{
    size_t text = 0;
    for (size_t i = 0; i < s->n_own_names; i++)
        text += s->own_names[i].n;
    r->own_names = malloc(s->n_own_names * sizeof *r->own_names + text + 1);
    r->own_addresses = calloc(s->n_own_addresses + 1, sizeof *r->own_addresses);
    if (!r->own_names || !r->own_addresses)
        return false;
    char *p = (char *)(r->own_names + s->n_own_names);
    for (size_t i = 0; i < s->n_own_names; i++) {
        struct hy_str name = s->own_names[i];
        if (name.n && name.p[name.n - 1] == '.')
            name.n--;
        if (name.n)
            memcpy(p, name.p, name.n);
        r->own_names[i] = hy_str_make(p, name.n);
        p += name.n;
    }
    if (s->n_own_addresses)
        memcpy(r->own_addresses, s->own_addresses, s->n_own_addresses * sizeof *r->own_addresses);
    return true;
}

static int seed(struct hy_rng *rng, uint64_t from)
{
    if (from == 0) {
        int err = hy_rand_bytes(&from, sizeof from);
        if (err)
            return err;
    }
    hy_rng_seed(rng, from);
    return 0;
}

int hy_resolver_create(struct hy_loop *loop, const struct hy_resolver_settings *s,
                       struct hy_diag *diag, struct hy_resolver **ret_resolver)
{
    if (s->max_in_flight == 0 || s->max_in_flight > 10000)
        return hy_fail(diag, HY_EINVAL, "DNS questions in flight must be 1..10000");
    struct hy_resolver *r = calloc(1, sizeof *r);
    if (!r)
        return HY_ENOMEM;
    r->loop = loop;
    r->s = *s;
    hy_list_init(&r->lookups);
    hy_list_init(&r->done);
    hy_defer_init(&r->tell, on_tell, r);
    int err = copy_own(r, s) ? seed(&r->rng, s->shuffle_seed) : HY_ENOMEM;
    if (!err)
        err = dns_client_create(loop, s, diag, &r->client);
    if (err) {
        hy_resolver_free(r);
        return err;
    }
    records_init(&r->records, loop, r->client, s->allow_local);
    r->rules = (struct mx_rules){.families = s->families,
                                 .allow_local = s->allow_local,
                                 .own_names = r->own_names,
                                 .n_own_names = s->n_own_names,
                                 .own_addresses = r->own_addresses,
                                 .n_own_addresses = s->n_own_addresses,
                                 .rng = &r->rng};
    *ret_resolver = r;
    return 0;
}

static void cancel_all(struct hy_list *lookups)
{
    for (struct hy_list *n; (n = hy_list_pop(lookups)) != NULL;) {
        struct lookup *l = hy_container_of(n, struct lookup, link);
        hy_mx_unref(l->result);
        tell(l, NULL);
    }
}

void hy_resolver_free(struct hy_resolver *r)
{
    if (!r)
        return;
    hy_loop_undefer(&r->tell);
    if (r->client)
        records_end(&r->records);
    cancel_all(&r->lookups);
    cancel_all(&r->done);
    dns_client_free(r->client);
    free(r->own_names);
    free(r->own_addresses);
    free(r);
}

int hy_resolver_records(struct hy_resolver *r, struct hy_str name, enum hy_dns_type type,
                        hy_records_fn *fn, void *ctx)
{
    if (dns_client_waiting(r->client) >= r->s.max_waiting)
        return HY_ELIMIT;
    return records_ask(&r->records, name, (enum dns_type)type, fn, ctx);
}

void hy_resolver_stats(const struct hy_resolver *r, struct hy_resolver_stats *ret_stats)
{
    dns_client_stats(r->client, ret_stats);
    ret_stats->lookups = r->n_lookups;
}
