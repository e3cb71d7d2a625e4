/* Scripted misbehaviour: which reply or delay a phase gets, for whom, how often and when. */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sink.h"

enum { GREY_SHARDS = 64, GREY_MAX = 1 << 22 };

const char *const phase_names[PH_COUNT] = {"connect", "ehlo", "starttls", "mail",
                                           "rcpt",    "data", "dot",      "other"};

struct grey_shard {
    pthread_mutex_t lock;
    struct grey_seen {
        uint64_t user;
        hy_us first;
    } * slot;
    size_t used, cap;
};

struct grey {
    struct grey_shard shard[GREY_SHARDS];
};

uint64_t name_hash(struct hy_str s)
{
    uint64_t h = 0xcbf29ce484222325ULL;
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (uint8_t)hy_ascii_lower(s.p[i])) * 0x100000001b3ULL;
    return h | 1;
}

static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 31)) * 0x9e3779b97f4a7c15ULL;
    return x ^ (x >> 29);
}

static int seconds_of(struct hy_str s, hy_us *ret)
{
    char buf[32];
    if (s.n == 0 || s.n >= sizeof buf)
        return HY_EINVAL;
    memcpy(buf, s.p, s.n);
    buf[s.n] = 0;
    char *end;
    double v = strtod(buf, &end);
    if (*end || v < 0 || v > 1e6)
        return HY_EINVAL;
    *ret = (hy_us)(v * 1e6);
    return 0;
}

static int scope_addr(const struct sink *s, struct hy_str v, int *ret)
{
    char buf[32];
    struct in_addr in;
    if (v.n >= sizeof buf)
        return HY_EINVAL;
    memcpy(buf, v.p, v.n);
    buf[v.n] = 0;
    if (inet_pton(AF_INET, buf, &in) != 1)
        return HY_EINVAL;
    for (int i = 0; i < s->n_addrs; i++)
        if (s->addrs[i].sin.sin_addr.s_addr == in.s_addr) {
            *ret = i + 1;
            return 0;
        }
    return HY_ENOTFOUND;
}

/* Takes "key=value," pairs off the front of the specification. */
static int take_scope(const struct sink *s, struct hy_str *spec, struct scope *ret,
                      struct hy_diag *d)
{
    for (;;) {
        size_t comma = hy_str_find(*spec, ',', 0);
        size_t eq = hy_str_find(*spec, '=', 0);
        size_t colon = hy_str_find(*spec, ':', 0);
        if (comma == SIZE_MAX || eq == SIZE_MAX || eq > comma || colon < eq)
            return 0;
        struct hy_str key = hy_str_slice(*spec, 0, eq);
        struct hy_str val = hy_str_slice(*spec, eq + 1, comma);
        int rc;
        if (hy_str_eq(key, HY_STR("domain"))) {
            ret->domain_hash = name_hash(val);
            rc = 0;
        } else if (hy_str_eq(key, HY_STR("addr"))) {
            rc = scope_addr(s, val, &ret->addr);
        } else if (hy_str_eq(key, HY_STR("from"))) {
            rc = seconds_of(val, &ret->from);
        } else if (hy_str_eq(key, HY_STR("until"))) {
            rc = seconds_of(val, &ret->until);
        } else {
            return hy_fail(d, HY_EINVAL, "unknown scope \"%.*s\"", HY_STR_ARG(key));
        }
        if (rc)
            return hy_fail(d, rc, "bad %.*s \"%.*s\" (is the address listened on?)",
                           HY_STR_ARG(key), HY_STR_ARG(val));
        *spec = hy_str_slice(*spec, comma + 1, spec->n);
    }
}

static int phase_of(struct hy_str s, enum phase *ret)
{
    for (int i = 0; i < PH_COUNT; i++)
        if (hy_str_eq(s, hy_str_of(phase_names[i]))) {
            *ret = (enum phase)i;
            return 0;
        }
    return HY_EINVAL;
}

/* Takes ":5%" or ":20%u" off the end of the specification, if it is there. */
static int take_share(struct hy_str *spec, struct reply_rule *r)
{
    r->share_ppm = 1000000;
    size_t at = spec->n;
    while (at > 0 && spec->p[at - 1] != ':')
        at--;
    struct hy_str tail = hy_str_slice(*spec, at, spec->n);
    if (at == 0 || tail.n < 2)
        return 0;
    if (tail.p[tail.n - 1] == 'u' && tail.p[tail.n - 2] == '%') {
        r->by_user = true;
        tail.n--;
    }
    if (tail.p[tail.n - 1] != '%')
        return 0;
    hy_us millionths;
    tail.n--;
    if (seconds_of(tail, &millionths) || millionths > 100 * HY_US_PER_SEC)
        return HY_EINVAL;
    r->share_ppm = (uint32_t)(millionths / 100);
    *spec = hy_str_slice(*spec, 0, at - 1);
    return 0;
}

int rules_add_reply(struct sink *s, struct hy_str spec, struct hy_diag *d)
{
    struct reply_rule r = {0};
    struct hy_str phase, what;
    if (s->n_replies == SINK_RULES_MAX)
        return hy_fail(d, HY_ELIMIT, "more than %d rules", SINK_RULES_MAX);
    int rc = take_scope(s, &spec, &r.scope, d);
    if (rc)
        return rc;
    if (take_share(&spec, &r))
        return hy_fail(d, HY_EINVAL, "the share must be 0%% to 100%%");
    if (!hy_str_split(&spec, ':', &phase) || phase_of(phase, &r.phase))
        return hy_fail(d, HY_EINVAL, "unknown phase \"%.*s\"", HY_STR_ARG(phase));
    if (!hy_str_split(&spec, ':', &what))
        return hy_fail(d, HY_EINVAL, "a code or an action must follow the phase");
    uint64_t code = 0;
    if (hy_str_eq(what, HY_STR("close")))
        r.action = ACT_CLOSE;
    else if (hy_str_eq(what, HY_STR("reset")))
        r.action = ACT_RESET;
    else if (hy_str_eq(what, HY_STR("stall")))
        r.action = ACT_STALL;
    else if (hy_str_to_u64(what, 599, &code) || code < 200)
        return hy_fail(d, HY_EINVAL, "\"%.*s\" is no code, close, reset or stall",
                       HY_STR_ARG(what));
    r.code = (int)code;
    if (spec.n >= sizeof r.text)
        return hy_fail(d, HY_ELIMIT, "the text is too long");
    if (spec.n)
        memcpy(r.text, spec.p, spec.n);
    s->replies[s->n_replies++] = r;
    return 0;
}

int rules_add_delay(struct sink *s, struct hy_str spec, struct hy_diag *d)
{
    struct delay_rule r = {.phase = -1};
    struct hy_str phase, low;
    enum phase ph;
    uint64_t min, max;
    if (s->n_delays == SINK_RULES_MAX)
        return hy_fail(d, HY_ELIMIT, "more than %d delays", SINK_RULES_MAX);
    int rc = take_scope(s, &spec, &r.scope, d);
    if (rc)
        return rc;
    if (!hy_str_split(&spec, ':', &phase))
        return hy_fail(d, HY_EINVAL, "delay needs PHASE:MS");
    if (!hy_str_eq(phase, HY_STR("all"))) {
        if (phase_of(phase, &ph))
            return hy_fail(d, HY_EINVAL, "unknown phase \"%.*s\"", HY_STR_ARG(phase));
        r.phase = (int)ph;
    }
    if (!hy_str_split(&spec, '-', &low) || hy_str_to_u64(low, 600000, &min))
        return hy_fail(d, HY_EINVAL, "delay wants milliseconds, 0 to 600000");
    max = min;
    if (spec.p && (hy_str_to_u64(spec, 600000, &max) || max < min))
        return hy_fail(d, HY_EINVAL, "delay wants MIN-MAX milliseconds");
    r.min_us = (uint32_t)(min * 1000);
    r.max_us = (uint32_t)(max * 1000);
    s->delays[s->n_delays++] = r;
    return 0;
}

int rules_add_grey(struct sink *s, struct hy_str spec, struct hy_diag *d)
{
    struct hy_str domain;
    struct grey_rule r = {.wait = HY_US_PER_SEC};
    if (s->n_greys == (int)(sizeof s->greys / sizeof *s->greys))
        return hy_fail(d, HY_ELIMIT, "too many greylisted domains");
    if (!hy_str_split(&spec, ':', &domain) || domain.n == 0)
        return hy_fail(d, HY_EINVAL, "greylist needs DOMAIN[:SECONDS]");
    if (spec.p && seconds_of(spec, &r.wait))
        return hy_fail(d, HY_EINVAL, "greylist needs seconds after the colon");
    r.domain_hash = hy_str_eq(domain, HY_STR("*")) ? 0 : name_hash(domain);
    s->greys[s->n_greys++] = r;
    if (s->grey)
        return 0;
    s->grey = calloc(1, sizeof *s->grey);
    if (!s->grey)
        return HY_ENOMEM;
    for (int i = 0; i < GREY_SHARDS; i++)
        pthread_mutex_init(&s->grey->shard[i].lock, NULL);
    return 0;
}

static bool in_scope(const struct scope *sc, const struct conn *c)
{
    hy_us t = c->w->now - c->w->s->start;
    return (sc->domain_hash == 0 || sc->domain_hash == c->domain_hash) &&
           (sc->addr == 0 || sc->addr == c->addr_index + 1) && t >= sc->from &&
           (sc->until == 0 || t < sc->until);
}

const struct reply_rule *rules_reply(struct conn *c, enum phase phase)
{
    const struct sink *s = c->w->s;
    for (int i = 0; i < s->n_replies; i++) {
        const struct reply_rule *r = &s->replies[i];
        if (r->phase != phase || !in_scope(&r->scope, c))
            continue;
        uint64_t dice = r->by_user ? mix(c->user_hash + (uint64_t)i) % 1000000
                                   : hy_rng_below(&c->w->rng, 1000000);
        if (dice < r->share_ppm)
            return r;
    }
    return NULL;
}

uint32_t rules_delay(struct conn *c, enum phase phase)
{
    const struct sink *s = c->w->s;
    for (int i = 0; i < s->n_delays; i++) {
        const struct delay_rule *r = &s->delays[i];
        if ((r->phase != -1 && r->phase != (int)phase) || !in_scope(&r->scope, c))
            continue;
        uint32_t span = r->max_us - r->min_us;
        return r->min_us + (span ? (uint32_t)hy_rng_below(&c->w->rng, span + 1) : 0);
    }
    return 0;
}

static bool shard_grow(struct grey_shard *sh)
{
    size_t cap = sh->cap ? sh->cap * 2 : 1024;
    struct grey_seen *slot = cap <= GREY_MAX ? calloc(cap, sizeof *slot) : NULL;
    if (!slot)
        return false;
    for (size_t i = 0; i < sh->cap; i++) {
        size_t at = sh->slot[i].user & (cap - 1);
        while (sh->slot[i].user && slot[at].user)
            at = (at + 1) & (cap - 1);
        if (sh->slot[i].user)
            slot[at] = sh->slot[i];
    }
    free(sh->slot);
    sh->slot = slot;
    sh->cap = cap;
    return true;
}

/* The time this user was first seen; now, if never before. */
static hy_us first_seen(struct grey *g, uint64_t user, hy_us now)
{
    user = mix(user) | 1;
    struct grey_shard *sh = &g->shard[user >> 58];
    pthread_mutex_lock(&sh->lock);
    hy_us first = 0; /* a full table lets everybody through */
    if (sh->used * 2 < sh->cap || shard_grow(sh)) {
        size_t at = user & (sh->cap - 1);
        while (sh->slot[at].user && sh->slot[at].user != user)
            at = (at + 1) & (sh->cap - 1);
        if (!sh->slot[at].user) {
            sh->slot[at] = (struct grey_seen){user, now};
            sh->used++;
        }
        first = sh->slot[at].first;
    }
    pthread_mutex_unlock(&sh->lock);
    return first;
}

bool rules_grey(struct conn *c)
{
    const struct sink *s = c->w->s;
    for (int i = 0; i < s->n_greys; i++)
        if (s->greys[i].domain_hash == 0 || s->greys[i].domain_hash == c->domain_hash)
            return c->w->now - first_seen(s->grey, c->user_hash, c->w->now) < s->greys[i].wait;
    return false;
}
