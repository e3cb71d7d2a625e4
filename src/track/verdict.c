/* Verdicts on hits. Two tables of bounded size: the last hits of each message, which hold the
 * verdicts, and the last messages that each address asked for, which point at them. */
#include "hayauma/track/verdict.h"

#include <stdlib.h>

enum { MESSAGES = 32768, ADDRESSES = 16384, WAYS = 4 };

struct seen {
    hy_id id; /* 0: none */
    hy_wall_ms at;
    uint64_t who; /* hash of address and agent */
    uint32_t link;
    uint8_t kind, verdict, reason;
};

struct message {
    uint64_t key; /* hash of campaign and lead; 0: free */
    hy_wall_ms last;
    unsigned next; /* the oldest of a full ring */
    struct seen hits[HY_VERDICT_HITS];
};

struct visit {
    uint64_t message;
    hy_id id;
    hy_wall_ms at;
};

struct address {
    uint64_t key;
    hy_wall_ms last;
    unsigned next;
    struct visit visits[HY_VERDICT_VISITS];
};

struct hy_verdicts {
    struct hy_verdict_settings set;
    struct hy_hash_key key;
    struct message *messages;
    struct address *addresses;
};

/* What changes while one hit is judged. */
struct changes {
    struct hy_verdict_change *items;
    size_t n;
};

enum hy_verdict hy_verdict_of_flags(uint8_t flags)
{
    return flags & HY_ACTIVITY_HUMAN     ? HY_VERDICT_HUMAN
           : flags & HY_ACTIVITY_MACHINE ? HY_VERDICT_MACHINE
                                         : HY_VERDICT_UNKNOWN;
}

bool hy_verdict_is_given(uint8_t flags, uint8_t reason)
{
    return hy_verdict_of_flags(flags) != HY_VERDICT_UNKNOWN || reason == HY_VERDICT_PRIVACY;
}

const char *hy_verdict_name(enum hy_verdict v)
{
    static const char *const names[HY_VERDICTS] = {"human", "machine", "unknown"};
    return names[v];
}

const char *hy_verdict_reason_name(enum hy_verdict_reason r)
{
    static const char *const names[HY_VERDICT_REASONS] = {
        "", "agent", "head", "prefetch", "early", "burst", "crowd", "privacy", "proxy", "proof",
    };
    return names[r];
}

void hy_verdict_settings_init(struct hy_verdict_settings *s)
{
    *s = (struct hy_verdict_settings){.burst_ms = 2000,
                                      .burst_links = 3,
                                      .hand_ms = 500,
                                      .crowd_ms = 5000,
                                      .crowd_leads = 5,
                                      .proof_ms = 600000};
}

int hy_verdicts_new(const struct hy_verdict_settings *s, const struct hy_hash_key *key,
                    struct hy_verdicts **ret)
{
    struct hy_verdicts *v = calloc(1, sizeof *v);
    if (!v)
        return HY_ENOMEM;
    v->set = *s;
    v->key = *key;
    v->messages = calloc(MESSAGES, sizeof *v->messages);
    v->addresses = calloc(ADDRESSES, sizeof *v->addresses);
    if (!v->messages || !v->addresses) {
        hy_verdicts_free(v);
        return HY_ENOMEM;
    }
    *ret = v;
    return HY_OK;
}

void hy_verdicts_free(struct hy_verdicts *v)
{
    if (!v)
        return;
    free(v->messages);
    free(v->addresses);
    free(v);
}

/* -- tables --------------------------------------------------------------------------------- */

static uint64_t hash_of(const struct hy_verdicts *v, const void *data, size_t n)
{
    uint64_t h = hy_siphash(&v->key, data, n);
    return h ? h : 1;
}

static struct message *find_message(struct hy_verdicts *v, uint64_t key)
{
    struct message *set = &v->messages[key % (MESSAGES / WAYS) * WAYS];
    for (size_t i = 0; i < WAYS; i++)
        if (set[i].key == key)
            return &set[i];
    return NULL;
}

/* The place of a message; one that was quiet for longest makes room. */
static struct message *message_of(struct hy_verdicts *v, uint64_t key)
{
    struct message *m = find_message(v, key);
    if (m)
        return m;
    struct message *set = &v->messages[key % (MESSAGES / WAYS) * WAYS];
    m = set;
    for (size_t i = 1; i < WAYS; i++)
        if (set[i].last < m->last)
            m = &set[i];
    *m = (struct message){.key = key};
    return m;
}

static struct address *address_of(struct hy_verdicts *v, const uint8_t ip[16])
{
    uint64_t key = hash_of(v, ip, 16);
    struct address *set = &v->addresses[key % (ADDRESSES / WAYS) * WAYS], *a = set;
    for (size_t i = 0; i < WAYS; i++)
        if (set[i].key == key)
            return &set[i];
    for (size_t i = 1; i < WAYS; i++)
        if (set[i].last < a->last)
            a = &set[i];
    *a = (struct address){.key = key};
    return a;
}

static uint64_t message_key(const struct hy_verdicts *v, const struct hy_hit *hit)
{
    uint64_t parts[2] = {hit->campaign, hit->lead};
    return hash_of(v, parts, sizeof parts);
}

static uint64_t who_of(const struct hy_verdicts *v, const struct hy_hit *hit)
{
    uint64_t parts[3] = {0, 0, hash_of(v, hit->agent.p, hit->agent.n)};
    memcpy(parts, hit->ip, 16);
    return hash_of(v, parts, sizeof parts);
}

static bool is_near(hy_wall_ms a, hy_wall_ms b, uint32_t within_ms)
{
    return a - b < (hy_wall_ms)within_ms && b - a < (hy_wall_ms)within_ms;
}

/* -- verdicts ------------------------------------------------------------------------------- */

static void change(struct changes *c, struct seen *s, enum hy_verdict verdict,
                   enum hy_verdict_reason reason)
{
    s->verdict = (uint8_t)verdict;
    s->reason = (uint8_t)reason;
    if (c->items[0].id == s->id) {
        c->items[0].verdict = verdict;
        c->items[0].reason = reason;
        return;
    }
    c->items[c->n++] = (struct hy_verdict_change){s->id, verdict, reason};
}

/* A machine's haste: nothing that a person was proved to have done, and not what is known already.
 */
static void blame(struct changes *c, struct seen *s, enum hy_verdict_reason reason)
{
    if (s->reason != HY_VERDICT_PROOF && s->verdict != HY_VERDICT_MACHINE)
        change(c, s, HY_VERDICT_MACHINE, reason);
}

/* By what the hit says of itself. */
static struct hy_verdict_change own(const struct hy_hit *hit)
{
    static const struct {
        unsigned sign;
        enum hy_verdict verdict;
        enum hy_verdict_reason reason;
    } signs[] = {
        {HY_HIT_ROBOT, HY_VERDICT_MACHINE, HY_VERDICT_AGENT},
        {HY_HIT_HEAD, HY_VERDICT_MACHINE, HY_VERDICT_HEAD},
        {HY_HIT_PREFETCH, HY_VERDICT_MACHINE, HY_VERDICT_PREFETCH},
        {HY_HIT_EARLY, HY_VERDICT_MACHINE, HY_VERDICT_EARLY},
        {HY_HIT_PRIVACY, HY_VERDICT_UNKNOWN, HY_VERDICT_PRIVACY},
        {HY_HIT_PROXY, HY_VERDICT_HUMAN, HY_VERDICT_PROXY},
    };
    struct hy_verdict_change c = {hit->id, HY_VERDICT_HUMAN, HY_VERDICT_NOTHING};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (hit->signs & signs[i].sign) {
            c.verdict = signs[i].verdict;
            c.reason = signs[i].reason;
            break;
        }
    return c;
}

/* Different links of the message that were clicked around the moment. */
static size_t links_around(const struct message *m, hy_wall_ms at, uint32_t within_ms)
{
    uint32_t links[HY_VERDICT_HITS];
    size_t n = 0;
    for (size_t i = 0; i < HY_VERDICT_HITS; i++) {
        const struct seen *s = &m->hits[i];
        if (!s->id || s->kind != HY_HIT_CLICK || !is_near(s->at, at, within_ms))
            continue;
        size_t k = 0;
        while (k < n && links[k] != s->link)
            k++;
        links[k] = s->link;
        n += k == n;
    }
    return n;
}

static void judge_burst(struct hy_verdicts *v, struct message *m, const struct seen *now,
                        struct changes *c)
{
    bool is_burst = links_around(m, now->at, v->set.burst_ms) >= v->set.burst_links;
    if (!is_burst && links_around(m, now->at, v->set.hand_ms) < 2)
        return;
    for (size_t i = 0; i < HY_VERDICT_HITS; i++) {
        struct seen *s = &m->hits[i];
        bool is_of_it = s->kind == HY_HIT_CLICK || s->who == now->who;
        if (s->id && is_of_it && is_near(s->at, now->at, v->set.burst_ms))
            blame(c, s, HY_VERDICT_BURST);
    }
}

static size_t messages_around(const struct address *a, hy_wall_ms at, uint32_t within_ms)
{
    size_t n = 0;
    for (size_t i = 0; i < HY_VERDICT_VISITS; i++) {
        const struct visit *w = &a->visits[i];
        bool is_new = w->id && is_near(w->at, at, within_ms);
        for (size_t k = 0; k < i && is_new; k++)
            is_new = !(a->visits[k].id && a->visits[k].message == w->message &&
                       is_near(a->visits[k].at, at, within_ms));
        n += is_new;
    }
    return n;
}

static struct seen *find_seen(struct hy_verdicts *v, const struct visit *w)
{
    struct message *m = find_message(v, w->message);
    for (size_t i = 0; m && i < HY_VERDICT_HITS; i++)
        if (m->hits[i].id == w->id)
            return &m->hits[i];
    return NULL; /* forgotten */
}

static void judge_crowd(struct hy_verdicts *v, const struct hy_hit *hit, uint64_t message,
                        struct changes *c)
{
    static const uint8_t nowhere[16];
    if ((hit->signs & (HY_HIT_PRIVACY | HY_HIT_PROXY)) || memcmp(hit->ip, nowhere, 16) == 0)
        return; /* one address stands for many people there */
    struct address *a = address_of(v, hit->ip);
    a->visits[a->next++ % HY_VERDICT_VISITS] = (struct visit){message, hit->id, hit->at};
    a->last = hit->at;
    if (messages_around(a, hit->at, v->set.crowd_ms) < v->set.crowd_leads)
        return;
    for (size_t i = 0; i < HY_VERDICT_VISITS; i++) {
        const struct visit *w = &a->visits[i];
        if (!w->id || !is_near(w->at, hit->at, v->set.crowd_ms))
            continue;
        struct seen *s = find_seen(v, w);
        if (s)
            blame(c, s, HY_VERDICT_CROWD);
    }
}

/* A person is there: the mail was read, also where a privacy proxy fetched it, and the last click
 * from the same place and program was theirs, however hasty. */
static void prove(struct hy_verdicts *v, struct message *m, const struct hy_hit *hit, uint64_t who,
                  struct changes *c)
{
    struct seen *click = NULL;
    for (size_t i = 0; i < HY_VERDICT_HITS; i++) {
        struct seen *s = &m->hits[i];
        if (!s->id || !is_near(s->at, hit->at, v->set.proof_ms))
            continue;
        bool is_open = s->kind == HY_HIT_OPEN && s->verdict == HY_VERDICT_HUMAN;
        if (s->reason == HY_VERDICT_PRIVACY || (is_open && s->reason != HY_VERDICT_PROOF))
            change(c, s, HY_VERDICT_HUMAN, HY_VERDICT_PROOF);
        bool is_hasty = s->reason == HY_VERDICT_BURST || s->reason == HY_VERDICT_CROWD;
        if (s->kind == HY_HIT_CLICK && s->who == who && (!click || s->at >= click->at))
            click = is_hasty || s->verdict == HY_VERDICT_HUMAN ? s : click;
    }
    if (click && click->reason != HY_VERDICT_PROOF)
        change(c, click, HY_VERDICT_HUMAN, HY_VERDICT_PROOF);
}

size_t hy_verdicts_judge(struct hy_verdicts *v, const struct hy_hit *hit,
                         struct hy_verdict_change ret[HY_VERDICT_CHANGES_MAX])
{
    struct changes c = {ret, 1};
    uint64_t key = message_key(v, hit), who = who_of(v, hit);
    struct message *m = message_of(v, key);
    ret[0] = own(hit);
    m->last = hit->at;
    if (hit->kind == HY_HIT_PROOF) {
        if (ret[0].verdict == HY_VERDICT_HUMAN)
            prove(v, m, hit, who, &c);
        return c.n;
    }
    struct seen *s = &m->hits[m->next++ % HY_VERDICT_HITS];
    *s = (struct seen){.id = hit->id,
                       .at = hit->at,
                       .who = who,
                       .link = hit->link,
                       .kind = (uint8_t)hit->kind,
                       .verdict = (uint8_t)ret[0].verdict,
                       .reason = (uint8_t)ret[0].reason};
    if (hit->kind == HY_HIT_CLICK)
        judge_burst(v, m, s, &c);
    judge_crowd(v, hit, key, &c);
    return c.n;
}
