/* Sessions to resume: a hash table of keys, each with a few sessions, oldest key out first.
 *
 * They are kept as bytes: less than half a KiB instead of the 20 KiB and more that OpenSSL's object
 * takes with the peer's whole chain of certificates in it. */
#include <stdlib.h>

#include "hayauma/base/hash.h"
#include "hayauma/base/list.h"
#include "tls_priv.h"

enum { SESSIONS_PER_KEY = 4 };

struct saved {
    unsigned char *der; /* owned */
    size_t n;
    bool reusable; /* before TLS 1.3 */
};

struct entry {
    struct entry *chain;
    struct hy_list age; /* the freshest at the end */
    uint64_t hash;
    uint32_t n;
    struct saved sessions[SESSIONS_PER_KEY]; /* oldest first */
    struct tls_key key;                      /* cut behind its bytes */
};

struct hy_tls_cache {
    struct entry **buckets;
    size_t mask;
    struct hy_list ages;
    uint32_t count, max; /* sessions */
};

static uint64_t hash_tlsa(const struct hy_conn_tls *o)
{
    uint64_t h = o->n_tlsa;
    for (size_t i = 0; i < o->n_tlsa; i++) {
        const struct hy_tlsa *r = &o->tlsa[i];
        struct hy_hash_key k = *hy_hash_process_key();
        k.k0 ^= h; /* each hangs on those before it */
        k.k1 ^= (uint64_t)(r->usage << 16 | r->selector << 8 | r->matching);
        h = hy_siphash(&k, r->data.p, r->data.n);
    }
    return h;
}

void tls_key_make(struct tls_key *key, const struct hy_conn_tls *o)
{
    static const char kinds[] = {[HY_TLS_CHECK_NOTHING] = 'a',
                                 [HY_TLS_CHECK_WATCH] = 'w',
                                 [HY_TLS_CHECK_NAME] = 'v',
                                 [HY_TLS_CHECK_DANE] = 'd'};
    struct hy_str name = hy_str_slice(hy_str_of(o->server_name), 0, 255);
    struct hy_str site = hy_str_slice(o->cache_key, 0, 255);
    char *p = key->bytes;
    *p++ = kinds[o->check];
    if (site.n)
        memcpy(p, site.p, site.n);
    p += site.n;
    *p++ = '\0';
    for (size_t i = 0; i < name.n; i++)
        *p++ = hy_ascii_lower(name.p[i]);
    *p++ = '\0';
    if (o->check == HY_TLS_CHECK_DANE) {
        uint64_t h = hash_tlsa(o);
        memcpy(p, &h, sizeof h);
        p += sizeof h;
    }
    if (o->self || o->least) { /* most have neither, and a shorter key */
        uint64_t print = tls_self_print(o->self);
        uint16_t least = (uint16_t)o->least;
        memcpy(p, &print, sizeof print);
        p += sizeof print;
        memcpy(p, &least, sizeof least);
        p += sizeof least;
    }
    key->n = (size_t)(p - key->bytes);
}

int hy_tls_cache_create(uint32_t max_sessions, struct hy_tls_cache **ret_cache)
{
    size_t n_buckets = 16;
    while (n_buckets < max_sessions && n_buckets < 65536)
        n_buckets *= 2;
    struct hy_tls_cache *c = calloc(1, sizeof *c);
    struct entry **buckets = (struct entry **)calloc(n_buckets, sizeof *buckets);
    if (!c || !buckets) {
        free(buckets);
        free(c);
        return HY_ENOMEM;
    }
    *c = (struct hy_tls_cache){.buckets = buckets, .mask = n_buckets - 1, .max = max_sessions};
    hy_list_init(&c->ages);
    *ret_cache = c;
    return 0;
}

static struct entry **find(struct hy_tls_cache *c, const struct tls_key *key, uint64_t hash)
{
    struct entry **at = &c->buckets[hash & c->mask];
    while (*at && ((*at)->hash != hash || (*at)->key.n != key->n ||
                   memcmp((*at)->key.bytes, key->bytes, key->n) != 0))
        at = &(*at)->chain;
    return at;
}

static void drop_entry(struct hy_tls_cache *c, struct entry *e)
{
    struct entry **at = find(c, &e->key, e->hash);
    *at = e->chain;
    hy_list_remove(&e->age);
    for (uint32_t i = 0; i < e->n; i++)
        free(e->sessions[i].der);
    c->count -= e->n;
    free(e);
}

void hy_tls_cache_free(struct hy_tls_cache *c)
{
    if (!c)
        return;
    while (!hy_list_empty(&c->ages))
        drop_entry(c, hy_container_of(c->ages.next, struct entry, age));
    free(c->buckets);
    free(c);
}

uint32_t hy_tls_cache_count(const struct hy_tls_cache *c)
{
    return c->count;
}

static uint64_t hash_key(const struct tls_key *key)
{
    return hy_siphash(hy_hash_process_key(), key->bytes, key->n);
}

SSL_SESSION *tls_cache_find(struct hy_tls_cache *c, const struct tls_key *key)
{
    struct entry *e = *find(c, key, hash_key(key));
    if (!e)
        return NULL;
    struct saved *newest = &e->sessions[e->n - 1];
    const unsigned char *p = newest->der;
    SSL_SESSION *s = d2i_SSL_SESSION(NULL, &p, (long)newest->n);
    if (newest->reusable)
        return s;
    free(newest->der);
    e->n--;
    c->count--;
    if (e->n == 0)
        drop_entry(c, e);
    return s;
}

void tls_cache_drop(struct hy_tls_cache *c, const struct tls_key *key)
{
    struct entry *e = *find(c, key, hash_key(key));
    if (e)
        drop_entry(c, e);
}

static struct entry *add_entry(struct hy_tls_cache *c, const struct tls_key *key, uint64_t hash)
{
    struct entry *e = malloc(offsetof(struct entry, key.bytes) + key->n);
    if (!e)
        return NULL;
    struct entry **bucket = &c->buckets[hash & c->mask];
    e->hash = hash;
    e->n = 0;
    e->key.n = key->n;
    memcpy(e->key.bytes, key->bytes, key->n);
    e->chain = *bucket;
    *bucket = e;
    hy_list_init(&e->age);
    return e;
}

static void drop_oldest_session(struct hy_tls_cache *c, struct entry *e)
{
    free(e->sessions[0].der);
    memmove(&e->sessions[0], &e->sessions[1], (e->n - 1) * sizeof e->sessions[0]);
    e->n--;
    c->count--;
}

static bool save(SSL_SESSION *s, struct saved *ret)
{
    size_t n;
    unsigned char *der = tls_session_bytes(s, &n);
    if (!der)
        return false;
    *ret = (struct saved){
        .der = der, .n = n, .reusable = SSL_SESSION_get_protocol_version(s) < TLS1_3_VERSION};
    return true;
}

void tls_cache_put(struct hy_tls_cache *c, const struct tls_key *key, SSL_SESSION *s)
{
    struct saved session;
    if (!SSL_SESSION_is_resumable(s) || c->max == 0 || !save(s, &session))
        return;
    uint64_t hash = hash_key(key);
    struct entry *e = *find(c, key, hash);
    if (!e)
        e = add_entry(c, key, hash);
    if (!e) {
        free(session.der);
        return;
    }
    while (e->n == SESSIONS_PER_KEY || (session.reusable && e->n)) /* one that lasts is enough */
        drop_oldest_session(c, e);
    e->sessions[e->n++] = session;
    c->count++;
    hy_list_remove(&e->age);
    hy_list_push(&c->ages, &e->age);
    while (c->count > c->max) {
        struct entry *oldest = hy_container_of(c->ages.next, struct entry, age);
        if (oldest->n > 1)
            drop_oldest_session(c, oldest);
        else
            drop_entry(c, oldest);
    }
}
