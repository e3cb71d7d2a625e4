/* How many hits are noted of one address, token, visitor or person: one who sends a request in a
 * loop gets the same answers, and fills neither the journal nor anybody's history. What is beyond a
 * limit is left out before it counts for the next one, so that a loop of one link uses up its own
 * share first. */
#include "hayauma/base/rand.h"
#include "hayauma/track/rate.h"
#include "track_server.h"

enum {
    MINUTE_LINES = 1 << 16, /* 4 MiB: half a million keys a minute */
    HOUR_LINES = 1 << 17,   /* 8 MiB: a million people an hour */
    MINUTE_S = 60,
    HOUR_S = 3600,
    VIEWS_PER_TOKEN = 30, /* looks at a mail in a minute */
    VIEWS_PER_ADDRESS = 600,
};

/* Further keys of the tables, behind those of hits. */
enum { BY_VIEW = HY_TRACK_LIMITS, BY_VIEWER };

const char *hy_track_limit_name(enum hy_track_limit by)
{
    static const char *const names[HY_TRACK_LIMITS] = {"address", "token", "visitor", "lead"};
    return (size_t)by < HY_TRACK_LIMITS ? names[by] : "";
}

int track_limits_new(struct hy_track *s)
{
    struct hy_hash_key key;
    int err = hy_rand_bytes(&key, sizeof key);
    if (err == HY_OK)
        err = hy_rate_new(MINUTE_LINES, &key, &s->minute);
    if (err == HY_OK)
        err = hy_rate_new(HOUR_LINES, &key, &s->hour);
    return err;
}

void track_limits_free(struct hy_track *s)
{
    hy_rate_free(s->minute);
    hy_rate_free(s->hour);
    s->minute = s->hour = NULL;
}

/* Whose share a hit is of. */
struct key {
    uint32_t by, kind;
    uint64_t id; /* address, visitor, campaign */
    uint32_t lead, link;
};
_Static_assert(sizeof(struct key) == 24, "all of its bytes are hashed: it has no padding");

/* False: this hit has nothing to be told by. */
static bool key_of(const struct track_call *c, const struct hy_activity *a, enum hy_track_limit by,
                   struct key *ret)
{
    switch (by) {
    case HY_TRACK_BY_ADDRESS:
        *ret = (struct key){.by = by, .id = hy_sockaddr_network_hash(&c->client)};
        return true;
    case HY_TRACK_BY_TOKEN:
        *ret = (struct key){by, a->kind, a->campaign, a->lead, a->link};
        return a->kind == HY_ACTIVITY_OPEN || a->kind == HY_ACTIVITY_CLICK;
    case HY_TRACK_BY_VISITOR:
        *ret = (struct key){.by = by, .id = a->visitor};
        return a->visitor != 0;
    default:
        *ret = (struct key){.by = by, .lead = a->lead};
        return a->lead != 0;
    }
}

static bool is_hour(int by)
{
    return by == HY_TRACK_BY_LEAD;
}

/* Places first, so that they come into the cache together. */
bool track_is_within(struct track_call *c, const struct hy_activity *a)
{
    struct hy_track *s = c->server;
    const uint32_t *most = c->policy->hits_max;
    const uint32_t now_s = (uint32_t)(hy_clock_us() / HY_US_PER_SEC);
    struct hy_rate_place places[HY_TRACK_LIMITS];
    for (int by = 0; by < HY_TRACK_LIMITS; by++) {
        struct key k;
        places[by].line = NULL;
        if (most[by] && key_of(c, a, (enum hy_track_limit)by, &k))
            places[by] = hy_rate_find(is_hour(by) ? s->hour : s->minute, &k, sizeof k);
    }
    for (int by = 0; by < HY_TRACK_LIMITS; by++) {
        const uint32_t window = now_s / (is_hour(by) ? HOUR_S : MINUTE_S);
        if (places[by].line && hy_rate_add(places[by], window) > most[by]) {
            hy_count_add(&s->counters.limited[by], 1);
            return false;
        }
    }
    return true;
}

static uint32_t count_minute(struct hy_track *s, const struct key *k)
{
    return hy_rate_add(hy_rate_find(s->minute, k, sizeof *k),
                       (uint32_t)(hy_clock_us() / HY_US_PER_SEC / MINUTE_S));
}

bool track_may_view(struct track_call *c, const struct hy_token *token)
{
    const struct key whose = {.by = BY_VIEW, .id = token->campaign, .lead = token->lead};
    const struct key from = {.by = BY_VIEWER, .id = hy_sockaddr_network_hash(&c->client)};
    if (count_minute(c->server, &from) <= VIEWS_PER_ADDRESS &&
        count_minute(c->server, &whose) <= VIEWS_PER_TOKEN)
        return true;
    track_answer(c, 429, NULL, "Retry-After: 60\r\n", HY_STR("Too many requests.\n"));
    return false;
}
