/* The table of questions: each is waiting for its turn, on the wire, answered and about to tell, or
 * kept in the cache, oldest use first. */
#include "query.h"

#include <stdlib.h>

#include "channel.h"
#include "hayauma/base/hash.h"
#include "hayauma/io/loop.h"

enum question_state { WAITING, ON_WIRE, TELLING, KEPT };

struct question {
    struct question *chain; /* in its bucket */
    struct dns_client *client;
    struct hy_list link; /* waiting, telling or kept; in no list on the wire */
    struct hy_list askers;
    struct dns_rrset *answer;
    struct dns_name *alias; /* where its CNAMEs led, while it is on the wire; owned, mostly NULL */
    uint64_t hash;
    enum question_state state;
    enum dns_type type;
    uint8_t aliases;
    bool is_insecure; /* an alias on its way was */
    uint8_t n_name;
    char name[]; /* NUL-ended */
};

struct dns_client {
    struct hy_loop *loop;
    struct dns_channel *channel;
    struct question **buckets;
    size_t mask;
    struct hy_list waiting, telling, kept;
    struct hy_defer tell;
    struct hy_resolver_settings s; /* its pointers are not used */
    struct hy_resolver_stats stats;
    struct dns_rrset no_memory; /* the answer when there is no memory for one; never freed */
    struct dns_answer parsed;   /* scratch */
};

/* ---- answers ---- */

struct dns_rrset *dns_rrset_ref(struct dns_rrset *r)
{
    r->refs++;
    return r;
}

void dns_rrset_unref(struct dns_rrset *r)
{
    if (r && --r->refs == 0)
        free(r);
}

static struct dns_rrset *rrset_alloc(enum dns_status status, size_t extra_bytes)
{
    struct dns_rrset *r = calloc(1, sizeof *r + extra_bytes);
    if (r)
        *r = (struct dns_rrset){.refs = 1, .bytes = sizeof *r + extra_bytes, .status = status};
    return r;
}

static struct dns_rrset *rrset_of_mx(const struct dns_answer *a)
{
    size_t text = 0;
    for (size_t i = 0; i < a->n_records; i++)
        text += a->records[i].host.n + 1u;
    struct dns_rrset *r = rrset_alloc(DNS_OK, a->n_records * sizeof(struct dns_mx_record) + text);
    if (!r)
        return NULL;
    struct dns_mx_record *mx = (struct dns_mx_record *)(r + 1);
    char *p = (char *)(mx + a->n_records);
    for (size_t i = 0; i < a->n_records; i++) {
        const struct dns_record *from = &a->records[i];
        memcpy(p, from->host.text, from->host.n + 1u);
        mx[i] = (struct dns_mx_record){from->preference, from->odd_host, {p, from->host.n}};
        p += from->host.n + 1u;
    }
    r->mx = mx;
    r->n_records = a->n_records;
    return r;
}

static struct dns_rrset *rrset_of_addresses(const struct dns_answer *a, enum dns_type type)
{
    size_t n = a->n_records < HY_MX_ADDRESSES_MAX ? a->n_records : HY_MX_ADDRESSES_MAX;
    struct dns_rrset *r = rrset_alloc(DNS_OK, n * sizeof(struct hy_sockaddr));
    if (!r)
        return NULL;
    struct hy_sockaddr *addresses = (struct hy_sockaddr *)(r + 1);
    for (size_t i = 0; i < n; i++) {
        if (type == DNS_A)
            hy_sockaddr_from_ip4(&addresses[i], a->records[i].ip, 0);
        else
            hy_sockaddr_from_ip6(&addresses[i], a->records[i].ip, 0);
    }
    r->addresses = addresses;
    r->n_records = n;
    return r;
}

size_t dns_text_join(const uint8_t *data, size_t n, char *out)
{
    size_t len = 0;
    for (size_t at = 0; at < n; at += 1u + data[at]) {
        memcpy(out + len, data + at + 1, data[at]);
        len += data[at];
    }
    return len;
}

static struct dns_rrset *rrset_of_data(const struct dns_answer *a, const uint8_t *packet,
                                       enum dns_type type)
{
    size_t bytes = 0;
    for (size_t i = 0; i < a->n_records; i++)
        bytes += a->records[i].n_data;
    struct dns_rrset *r = rrset_alloc(DNS_OK, a->n_records * sizeof(struct hy_str) + bytes);
    if (!r)
        return NULL;
    struct hy_str *data = (struct hy_str *)(r + 1);
    char *p = (char *)(data + a->n_records);
    for (size_t i = 0; i < a->n_records; i++) {
        const uint8_t *from = packet + a->records[i].data;
        size_t n = a->records[i].n_data;
        if (type == DNS_TXT)
            n = dns_text_join(from, n, p);
        else
            memcpy(p, from, n);
        data[i] = hy_str_make(p, n);
        p += n;
    }
    r->data = data;
    r->n_records = a->n_records;
    return r;
}

static uint32_t time_to_keep(const struct hy_resolver_settings *s, const struct dns_answer *a)
{
    uint32_t ttl = a->ttl_s;
    if (a->status == DNS_FAILED || !a->has_ttl)
        return s->failure_ttl_s;
    if (a->status != DNS_OK && ttl > s->negative_ttl_s)
        return s->negative_ttl_s;
    if (ttl < s->min_ttl_s)
        ttl = s->min_ttl_s;
    return ttl < s->max_ttl_s ? ttl : s->max_ttl_s;
}

static const char *rcode_text(unsigned rcode)
{
    static const char *const names[] = {
        [1] = "the DNS server could not read our question (FORMERR)",
        [2] = "the DNS server failed (SERVFAIL)",
        [4] = "the DNS server does not answer such questions (NOTIMP)",
        [5] = "the DNS server refused to answer (REFUSED)",
    };
    const char *text = rcode < sizeof names / sizeof *names ? names[rcode] : NULL;
    return text ? text : "the DNS server failed";
}

static bool is_alias(const struct question *q, const struct dns_name *owner)
{
    return !hy_str_eq(hy_str_make(owner->text, owner->n), hy_str_make(q->name, q->n_name));
}

/* Owns `r`; NULL without memory. */
static struct dns_rrset *with_canonical(struct dns_rrset *r, const struct dns_name *owner)
{
    size_t n = r->n_records * sizeof *r->addresses; /* behind the struct */
    struct dns_rrset *grown = realloc(r, sizeof *r + n + owner->n + 1u);
    if (!grown) {
        free(r);
        return NULL;
    }
    char *p = (char *)(grown + 1) + n;
    memcpy(p, owner->text, owner->n + 1u);
    grown->addresses = (struct hy_sockaddr *)(void *)(grown + 1);
    grown->canonical = hy_str_make(p, owner->n);
    grown->bytes += owner->n + 1u;
    return grown;
}

/* NULL without memory. */
static struct dns_rrset *rrset_make(struct dns_client *c, const struct question *q,
                                    const struct dns_answer *a, const uint8_t *packet)
{
    bool is_address = q->type == DNS_A || q->type == DNS_AAAA;
    struct dns_rrset *r = a->status != DNS_OK ? rrset_alloc(a->status, 0)
                          : q->type == DNS_MX ? rrset_of_mx(a)
                          : is_address        ? rrset_of_addresses(a, q->type)
                                              : rrset_of_data(a, packet, q->type);
    if (r && is_address && a->status == DNS_OK && is_alias(q, &a->owner))
        r = with_canonical(r, &a->owner);
    if (!r)
        return NULL;
    r->is_secure = c->s.trust_ad && a->is_secure && !q->is_insecure;
    if (a->status == DNS_FAILED)
        r->text = rcode_text(a->rcode);
    r->expires = hy_loop_now(c->loop) + (hy_us)time_to_keep(&c->s, a) * HY_US_PER_SEC;
    return r;
}

static struct dns_rrset *rrset_failed(struct dns_client *c, const char *text)
{
    struct dns_rrset *r = rrset_alloc(DNS_FAILED, 0);
    if (!r)
        return NULL;
    r->text = text;
    r->expires = hy_loop_now(c->loop) + (hy_us)c->s.failure_ttl_s * HY_US_PER_SEC;
    return r;
}

/* ---- the table ---- */

static uint64_t hash_of(struct hy_str name, enum dns_type type)
{
    return hy_siphash(hy_hash_process_key(), name.p, name.n) + (uint64_t)type * 0x9e3779b97f4a7c15;
}

static struct question **find(struct dns_client *c, struct hy_str name, enum dns_type type,
                              uint64_t hash)
{
    struct question **at = &c->buckets[hash & c->mask];
    while (*at && ((*at)->hash != hash || (*at)->type != type ||
                   !hy_str_eq(hy_str_make((*at)->name, (*at)->n_name), name)))
        at = &(*at)->chain;
    return at;
}

static struct hy_str asked_name(const struct question *q)
{
    return q->alias ? hy_str_make(q->alias->text, q->alias->n) : hy_str_make(q->name, q->n_name);
}

static size_t question_bytes(const struct question *q)
{
    return sizeof *q + q->n_name + 1u + (q->answer ? q->answer->bytes : 0);
}

static void unkeep(struct dns_client *c, struct question *q)
{
    hy_list_remove(&q->link);
    c->stats.cache_entries--;
    c->stats.cache_bytes -= question_bytes(q);
}

/* Precondition: it is in no list. */
static void drop(struct dns_client *c, struct question *q)
{
    struct question **at = find(c, hy_str_make(q->name, q->n_name), q->type, q->hash);
    *at = q->chain;
    dns_rrset_unref(q->answer);
    free(q);
}

static void keep(struct dns_client *c, struct question *q)
{
    q->state = KEPT;
    hy_list_push(&c->kept, &q->link);
    c->stats.cache_entries++;
    c->stats.cache_bytes += question_bytes(q);
    while (c->stats.cache_entries > c->s.cache_entries || c->stats.cache_bytes > c->s.cache_bytes) {
        struct question *oldest = hy_container_of(c->kept.next, struct question, link);
        unkeep(c, oldest);
        drop(c, oldest);
    }
}

static struct question *add(struct dns_client *c, struct hy_str name, enum dns_type type,
                            uint64_t hash)
{
    struct question *q = malloc(sizeof *q + name.n + 1);
    if (!q)
        return NULL;
    struct question **bucket = &c->buckets[hash & c->mask];
    *q = (struct question){
        .chain = *bucket, .client = c, .hash = hash, .type = type, .n_name = (uint8_t)name.n};
    memcpy(q->name, name.p, name.n);
    q->name[name.n] = '\0';
    hy_list_init(&q->askers);
    hy_list_init(&q->link);
    *bucket = q;
    return q;
}

/* ---- on the wire and back ---- */

static void put_on_wire(struct dns_client *c, struct question *q);

static void start_waiting(struct dns_client *c)
{
    while (c->stats.in_flight < c->s.max_in_flight && !hy_list_empty(&c->waiting)) {
        struct hy_list *n = hy_list_pop(&c->waiting);
        c->stats.waiting--;
        put_on_wire(c, hy_container_of(n, struct question, link));
    }
}

/* Owns `answer`. */
static void answered(struct dns_client *c, struct question *q, struct dns_rrset *answer)
{
    free(q->alias);
    q->alias = NULL;
    q->answer = answer;
    q->state = TELLING;
    if (!answer || answer->status == DNS_FAILED)
        c->stats.failures++;
    hy_list_push(&c->telling, &q->link);
    hy_loop_defer(c->loop, &c->tell);
}

static void on_packet(void *arg, const uint8_t *packet, size_t n, const char *failure)
{
    struct question *q = arg;
    struct dns_client *c = q->client;
    struct dns_answer *a = &c->parsed;
    c->stats.in_flight--;
    if (!packet) {
        answered(c, q, rrset_failed(c, failure));
        return;
    }
    if (dns_parse(packet, n, asked_name(q), q->type, a)) {
        answered(c, q, rrset_failed(c, "the DNS server's answer makes no sense"));
        return;
    }
    if (a->status != DNS_OK || a->alias.n == 0) {
        answered(c, q, rrset_make(c, q, a, packet));
        return;
    }
    if (++q->aliases > DNS_ALIASES_MAX ||
        !dns_name_is_host(hy_str_make(a->alias.text, a->alias.n))) {
        answered(c, q, rrset_failed(c, "a chain of CNAMEs without an end"));
        return;
    }
    if (!q->alias)
        q->alias = malloc(sizeof *q->alias);
    if (!q->alias) {
        answered(c, q, NULL);
        return;
    }
    *q->alias = a->alias;
    q->is_insecure |= !a->is_secure;
    put_on_wire(c, q);
}

static void put_on_wire(struct dns_client *c, struct question *q)
{
    q->state = ON_WIRE;
    c->stats.in_flight++;
    c->stats.questions++;
    dns_channel_ask(c->channel, asked_name(q).p, q->type, on_packet, q);
}

static void tell_askers(struct dns_client *c, struct question *q)
{
    struct hy_list askers;
    hy_list_init(&askers);
    for (struct hy_list *n; (n = hy_list_pop(&q->askers)) != NULL;)
        hy_list_push(&askers, n);
    /* From here on it is an entry of the cache, which may go while we still tell: hold the answer.
     */
    struct dns_rrset *answer = dns_rrset_ref(q->answer ? q->answer : &c->no_memory);
    if (q->answer)
        keep(c, q);
    else
        drop(c, q);
    for (struct hy_list *n; (n = hy_list_pop(&askers)) != NULL;) {
        struct dns_wait *w = hy_container_of(n, struct dns_wait, link);
        w->fn(w->arg, answer);
    }
    dns_rrset_unref(answer);
}

static void on_tell(void *arg)
{
    struct dns_client *c = arg;
    for (struct hy_list *n; (n = hy_list_pop(&c->telling)) != NULL;)
        tell_askers(c, hy_container_of(n, struct question, link));
    start_waiting(c);
}

int dns_ask(struct dns_client *c, struct hy_str name, enum dns_type type, struct dns_wait *wait,
            struct dns_rrset **ret_answer)
{
    uint64_t hash = hash_of(name, type);
    struct question *q = *find(c, name, type, hash);
    if (q && q->state == KEPT) {
        unkeep(c, q);
        if (q->answer->expires > hy_loop_now(c->loop)) {
            c->stats.cache_hits++;
            *ret_answer = dns_rrset_ref(q->answer);
            keep(c, q); /* as the freshest; the bounds hold, so nothing goes */
            return 0;
        }
        drop(c, q);
        q = NULL;
    }
    *ret_answer = NULL;
    if (q) {
        c->stats.shared++;
        hy_list_push(&q->askers, &wait->link);
        return 0;
    }
    q = add(c, name, type, hash);
    if (!q)
        return HY_ENOMEM;
    hy_list_push(&q->askers, &wait->link);
    q->state = WAITING;
    c->stats.waiting++;
    hy_list_push(&c->waiting, &q->link);
    start_waiting(c);
    return 0;
}

/* ---- the client ---- */

int dns_client_create(struct hy_loop *loop, const struct hy_resolver_settings *s,
                      struct hy_diag *diag, struct dns_client **ret_client)
{
    size_t n_buckets = 1024;
    while (n_buckets < s->cache_entries && n_buckets < (1u << 20))
        n_buckets *= 2;
    struct dns_client *c = calloc(1, sizeof *c);
    if (!c)
        return HY_ENOMEM;
    c->loop = loop;
    c->s = *s;
    c->no_memory = (struct dns_rrset){.refs = 1, .status = DNS_FAILED, .text = "out of memory"};
    c->mask = n_buckets - 1;
    hy_list_init(&c->waiting);
    hy_list_init(&c->telling);
    hy_list_init(&c->kept);
    hy_defer_init(&c->tell, on_tell, c);
    c->buckets = (struct question **)calloc(n_buckets, sizeof *c->buckets);
    int err = c->buckets ? dns_channel_create(loop, s, diag, &c->channel) : HY_ENOMEM;
    if (err) {
        free(c->buckets);
        free(c);
        return err;
    }
    *ret_client = c;
    return 0;
}

void dns_client_free(struct dns_client *c)
{
    if (!c)
        return;
    dns_channel_free(c->channel);
    hy_loop_undefer(&c->tell);
    for (size_t i = 0; i <= c->mask; i++) {
        for (struct question *q = c->buckets[i], *next; q; q = next) {
            next = q->chain;
            dns_rrset_unref(q->answer);
            free(q->alias);
            free(q);
        }
    }
    free(c->buckets);
    free(c);
}

uint32_t dns_client_waiting(const struct dns_client *c)
{
    return c->stats.waiting;
}

void dns_client_stats(const struct dns_client *c, struct hy_resolver_stats *stats)
{
    uint64_t lookups = stats->lookups;
    *stats = c->stats;
    stats->lookups = lookups;
}
