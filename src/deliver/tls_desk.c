/* Asking what a domain demands: two kinds of questions side by side, one answer.
 *
 * Happy path: tls_desk_ask; the TXT record of _mta-sts, then the policy that is kept, or one that
 * is fetched; the TLSA records of every host whose addresses DNSSEC proves; tls_site_finish; fn.
 * How it fails: MTA-STS that cannot be had is none, unless a policy is kept (RFC 8461 section 3.3);
 * TLSA that cannot be had makes the host unusable for now (RFC 7672 section 2.1.1), so that nobody
 * who can break DNS can break TLS. Whether the resolver validates at all is found out first, and
 * again every hour: where it does not, DANE is off, and the log says so. */
#include "tls_desk.h"

#include <stdlib.h>

#include "feeder.h"
#include "hayauma/base/log.h"
#include "hayauma/store/sts.h"
#include "tls_fetch.h"

enum { PROBE_AGAIN_S = 3600, PROBE_RETRY_S = 60, REFRESH_S = 86400 };

enum probe { PROBE_NONE, PROBE_GOOD, PROBE_BAD, PROBE_OFF };

struct tls_desk {
    struct feeder *f;
    struct hy_txn txn; /* parked */
    bool has_txn;
    struct tls_fetches *fetches; /* NULL: no HTTPS client */
    enum probe probe;
    char why[256];           /* DANE is off */
    struct hy_list unprobed; /* asks that wait for the first probe */
    struct hy_list asks;     /* all others */
    struct hy_timer timer;
    bool is_ending;
};

struct ask;
struct host_ask { /* for the TLSA records of one host */
    struct ask *ask;
    size_t host;
    bool is_canonical; /* asks where its CNAME leads; the name itself is next */
};

struct ask {
    struct hy_list link;
    struct tls_desk *k;
    struct hy_mx *mx;
    struct tls_site *site;
    tls_desk_fn *fn;
    void *ctx;
    bool wants_sts, wants_dane;
    uint32_t pending; /* questions, the fetch, and one for the asking itself */
    int err;
    struct tls_fetch_wait fetch;
    bool is_fetching;
    struct hy_timer patience;
    struct hy_buf text; /* of the policy that was kept */
    char id[HY_STS_ID_MAX + 1];
    hy_wall_ms expires, fetched;
    bool has_kept;           /* and it has not expired */
    struct host_ask hosts[]; /* of the mx */
};

/* ---- the end of an ask ---- */

static void finish(struct ask *a)
{
    struct tls_desk *k = a->k;
    struct tls_site *site = a->site;
    int err = k->is_ending ? HY_ECANCELED : a->err;
    if (err == HY_OK) {
        tls_site_finish(site);
    } else {
        tls_site_unref(site);
        site = NULL;
    }
    tls_desk_fn *fn = a->fn;
    void *ctx = a->ctx;
    hy_loop_disarm(k->f->loop, &a->patience);
    hy_list_remove(&a->link);
    hy_mx_unref(a->mx);
    hy_buf_free(&a->text);
    free(a);
    fn(ctx, err, site);
}

static void count_down(struct ask *a)
{
    if (--a->pending == 0)
        finish(a);
}

static void fail(struct ask *a, int err)
{
    if (err != HY_OK && a->err == HY_OK)
        a->err = err;
}

/* ---- MTA-STS ---- */

static void use_policy(struct ask *a, struct hy_str id, struct hy_str text, hy_wall_ms expires)
{
    struct hy_sts_policy p;
    if (hy_sts_policy_read(text, NULL, &p) != HY_OK) /* it was good when it was stored */
        return;
    a->site->sts_expires = expires;
    fail(a, tls_site_set_sts(a->site, &p, id, text));
}

static void use_kept(struct ask *a)
{
    if (a->has_kept)
        use_policy(a, hy_str_of(a->id), hy_buf_str(&a->text), a->expires);
}

static void on_fetched(struct tls_fetch_wait *w, const struct tls_fetched *r)
{
    struct ask *a = hy_container_of(w, struct ask, fetch);
    a->is_fetching = false;
    if (r->err == HY_OK) {
        use_policy(a, r->id, r->policy, r->expires);
    } else if (r->err == HY_ECANCELED) {
        fail(a, HY_ECANCELED);
    } else {
        use_kept(a);
        fail(a, tls_site_set_sts_fault(a->site, r->fault, hy_str_of(r->text)));
    }
    count_down(a);
}

static void on_patience(void *arg)
{
    struct ask *a = arg;
    if (!a->is_fetching)
        return;
    a->is_fetching = false;
    hy_list_remove(&a->fetch.link);
    use_kept(a);
    fail(a, tls_site_set_sts_fault(a->site, HY_TLSRPT_STS_POLICY_FETCH_ERROR,
                                   HY_STR("the policy did not come in time")));
    a->site->expires = hy_loop_now(a->k->f->loop) + 30 * HY_US_PER_SEC; /* look again soon */
    count_down(a);
}

/* The policy in the store, as long as it lasts. */
static void look_up_kept(struct ask *a)
{
    struct tls_desk *k = a->k;
    struct hy_sts_stored s;
    int err = k->has_txn ? hy_txn_renew(&k->txn) : hy_txn_read(k->f->d->env, &k->txn);
    if (err != HY_OK) {
        fail(a, err);
        return;
    }
    k->has_txn = true;
    err = hy_sts_stored_get(&k->txn, a->mx->domain, &s);
    if (err == HY_OK && s.expires > hy_clock_wall_ms()) {
        a->has_kept = true;
        a->expires = s.expires;
        a->fetched = s.fetched;
        snprintf(a->id, sizeof a->id, "%.*s", HY_STR_ARG(s.id));
        hy_buf_add_str(&a->text, s.text);
        fail(a, a->text.err);
    }
    hy_txn_park(&k->txn);
}

/* Well before it expires, and once a day: the policy may have changed under the same id, and the
 * next fetch may fail. */
static bool is_stale(const struct ask *a)
{
    hy_wall_ms half = (a->expires - a->fetched) / 2, day = REFRESH_S * 1000LL;
    return hy_clock_wall_ms() > a->fetched + (half < day ? half : day);
}

static void on_txt(void *ctx, const struct hy_records *r)
{
    struct ask *a = ctx;
    struct tls_desk *k = a->k;
    struct hy_str id = {NULL, 0};
    if (!r || k->is_ending) {
        fail(a, HY_ECANCELED);
        count_down(a);
        return;
    }
    look_up_kept(a);
    if (r->expires < a->site->expires)
        a->site->expires = r->expires;
    bool is_announced = r->status == HY_DNS_OK && hy_sts_record_read(r->data, r->n, &id) == HY_OK;
    if (!is_announced || a->err != HY_OK) {
        use_kept(a);
    } else if (a->has_kept && hy_str_eq(hy_str_of(a->id), id)) {
        use_kept(a);
        if (is_stale(a))
            tls_fetch_ask(k->fetches, a->mx->domain, id, NULL);
    } else {
        a->pending++;
        a->is_fetching = true;
        hy_loop_arm_in(k->f->loop, &a->patience, k->f->d->settings.tls.wait_us);
        tls_fetch_ask(k->fetches, a->mx->domain, id, &a->fetch);
    }
    count_down(a);
}

static void ask_sts(struct ask *a)
{
    char name[HY_DOMAIN_MAX + 16];
    snprintf(name, sizeof name, "_mta-sts.%s", a->mx->domain.p);
    a->pending++;
    int err = hy_resolver_records(a->k->f->resolver, hy_str_of(name), HY_DNS_TXT, on_txt, a);
    if (err != HY_OK) {
        fail(a, err);
        a->pending--;
    }
}

/* ---- DANE ---- */

static void ask_tlsa(struct host_ask *h);

static struct hy_str base_of(const struct host_ask *h)
{
    const struct hy_mx_host *host = &h->ask->mx->hosts[h->host];
    return h->is_canonical ? host->canonical : host->name;
}

static void on_tlsa(void *ctx, const struct hy_records *r)
{
    struct host_ask *h = ctx;
    struct ask *a = h->ask;
    if (!r || a->k->is_ending) {
        fail(a, HY_ECANCELED);
        count_down(a);
        return;
    }
    if (r->expires < a->site->expires)
        a->site->expires = r->expires;
    enum hy_dane dane = hy_dane_judge(r->status == HY_DNS_FAILED, r->is_secure, r->data,
                                      r->status == HY_DNS_OK ? r->n : 0);
    if (dane == HY_DANE_NONE && h->is_canonical) { /* RFC 7672 section 2.2.3: then the alias */
        h->is_canonical = false;
        ask_tlsa(h);
    } else {
        fail(a, tls_site_set_dane(a->site, h->host, base_of(h), dane, r->data, r->n));
    }
    count_down(a);
}

static void ask_tlsa(struct host_ask *h)
{
    char name[HY_DOMAIN_MAX + 16];
    struct ask *a = h->ask;
    snprintf(name, sizeof name, "_%u._tcp.%.*s", a->k->f->d->settings.smtp_port,
             HY_STR_ARG(base_of(h)));
    a->pending++;
    int err = hy_resolver_records(a->k->f->resolver, hy_str_of(name), HY_DNS_TLSA, on_tlsa, h);
    if (err != HY_OK) {
        fail(a, err);
        a->pending--;
    }
}

/* Only for hosts that DNSSEC proves from the domain on (RFC 7672 section 2.2). */
static void ask_dane(struct ask *a)
{
    for (size_t i = 0; i < a->mx->n_hosts && a->mx->is_secure; i++) {
        const struct hy_mx_host *host = &a->mx->hosts[i];
        if (!host->is_secure)
            continue;
        a->hosts[i] = (struct host_ask){.ask = a, .host = i, .is_canonical = host->canonical.n > 0};
        ask_tlsa(&a->hosts[i]);
    }
}

/* ---- asking ---- */

static void start(struct ask *a)
{
    struct tls_desk *k = a->k;
    hy_list_push(&k->asks, &a->link);
    a->pending = 1;
    if (a->wants_sts)
        ask_sts(a);
    if (a->wants_dane && k->probe == PROBE_GOOD)
        ask_dane(a);
    count_down(a);
}

void tls_desk_ask(struct tls_desk *k, struct hy_mx *mx, const struct hy_shape_limits *limits,
                  tls_desk_fn *fn, void *ctx)
{
    struct ask *a = calloc(1, sizeof *a + mx->n_hosts * sizeof a->hosts[0]);
    struct tls_site *site = a ? tls_site_new(mx) : NULL;
    if (!site) {
        free(a);
        fn(ctx, HY_ENOMEM, NULL);
        return;
    }
    hy_list_init(&a->link);
    a->k = k;
    a->mx = hy_mx_ref(mx);
    a->site = site;
    a->fn = fn;
    a->ctx = ctx;
    a->text = HY_BUF_INIT(HY_STS_POLICY_MAX);
    a->fetch.fn = on_fetched;
    hy_list_init(&a->fetch.link);
    hy_timer_init(&a->patience, on_patience, a);
    bool is_off = limits->tls == HY_TLS_NEVER;
    a->wants_sts = !is_off && limits->use_mta_sts && k->fetches;
    a->wants_dane = !is_off && limits->use_dane;
    if (a->wants_dane && k->probe == PROBE_NONE)
        hy_list_push(&k->unprobed, &a->link);
    else
        start(a);
}

/* ---- does the resolver validate? ---- */

static void ask_probe(struct tls_desk *k);

static void on_timer(void *arg)
{
    ask_probe(arg);
}

static void judge_probe(struct tls_desk *k, const struct hy_records *r)
{
    enum probe before = k->probe;
    const char *name = k->f->d->settings.tls.probe;
    bool is_good = r->status == HY_DNS_OK && r->is_secure;
    if (before == PROBE_GOOD && r->status == HY_DNS_FAILED)
        return; /* no answer says nothing new: who can hold it back must not turn DANE off */
    name = name[0] ? name : ".";
    if (r->status == HY_DNS_FAILED)
        snprintf(k->why, sizeof k->why, "the resolver has no answer for '%.80s': %.80s", name,
                 r->text ? r->text : "it failed");
    else if (!is_good)
        snprintf(k->why, sizeof k->why,
                 "the resolver does not validate: its answer for '%.80s' is not marked as proven",
                 name);
    k->probe = is_good ? PROBE_GOOD : PROBE_BAD;
    if (k->probe == before)
        return;
    if (is_good)
        hy_log(HY_LOG_NOTICE, "tls", "DANE is on: the resolver validates by DNSSEC");
    else
        hy_log(HY_LOG_WARNING, "tls", "DANE is off: %s", k->why);
}

static void on_probe(void *ctx, const struct hy_records *r)
{
    struct tls_desk *k = ctx;
    if (!r)
        return;
    judge_probe(k, r);
    bool is_settled = k->probe == PROBE_GOOD && r->status != HY_DNS_FAILED;
    hy_us again = is_settled ? PROBE_AGAIN_S : PROBE_RETRY_S;
    hy_loop_arm_in(k->f->loop, &k->timer, again * HY_US_PER_SEC);
    for (struct hy_list *n; (n = hy_list_pop(&k->unprobed)) != NULL;)
        start(hy_container_of(n, struct ask, link));
}

static void ask_probe(struct tls_desk *k)
{
    if (hy_resolver_records(k->f->resolver, hy_str_of(k->f->d->settings.tls.probe), HY_DNS_SOA,
                            on_probe, k) != HY_OK)
        hy_loop_arm_in(k->f->loop, &k->timer, HY_US_PER_SEC);
}

/* ---- the desk ---- */

struct tls_desk *tls_desk_new(struct feeder *f)
{
    const struct hy_deliver_tls *s = &f->d->settings.tls;
    struct tls_desk *k = calloc(1, sizeof *k);
    if (!k)
        return NULL;
    k->f = f;
    hy_list_init(&k->unprobed);
    hy_list_init(&k->asks);
    hy_timer_init(&k->timer, on_timer, k);
    if (s->https) {
        const struct tls_fetch_settings fetch = {.loop = f->loop,
                                                 .resolver = f->resolver,
                                                 .https = s->https,
                                                 .writer = f->d->writer,
                                                 .mailbox = f->mailbox,
                                                 .port = s->mta_sts_port};
        k->fetches = tls_fetches_new(&fetch);
        if (!k->fetches) {
            free(k);
            return NULL;
        }
    }
    if (f->d->settings.dns.trust_ad) {
        ask_probe(k);
    } else {
        k->probe = PROBE_OFF;
        snprintf(k->why, sizeof k->why,
                 "the resolver is not on this machine, or dns.validating says no: what it says of "
                 "DNSSEC proves nothing");
        hy_log(HY_LOG_NOTICE, "tls", "DANE is off: %s", k->why);
    }
    return k;
}

bool tls_desk_has_dane(const struct tls_desk *k, const char **ret_why)
{
    *ret_why = k->probe == PROBE_NONE ? "not known yet whether the resolver validates" : k->why;
    return k->probe == PROBE_GOOD;
}

void tls_desk_fetched(struct tls_desk *k, struct hy_msg *m)
{
    tls_fetch_arrived(k ? k->fetches : NULL, m);
}

void tls_desk_free(struct tls_desk *k)
{
    if (!k)
        return;
    k->is_ending = true;
    hy_loop_disarm(k->f->loop, &k->timer);
    for (struct hy_list *n; (n = hy_list_pop(&k->unprobed)) != NULL;)
        finish(hy_container_of(n, struct ask, link));
    tls_fetches_free(k->fetches); /* ends the asks that wait for one */
    hy_txn_end(&k->txn);
    free(k);
}
