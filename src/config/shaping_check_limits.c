/* A rule's numbers and switches against each other: retries that never come, limits that another
 * one makes unreachable, switches that others make useless. */
#include "shaping_check.h"

#define DOT_SHORTEST (30 * HY_US_PER_SEC)

/* Of two values that do not go together: the one to tell of, and the other. */
struct pair {
    struct hy_shape_origin at;
    const struct hy_shape_origin *other;
    bool is_second;
};

/* The one of the file that was read last, which somebody changed; else `key`. */
static struct pair pair_of(const struct hy_shape_rule *r, const char *key, const char *other)
{
    const struct hy_shape_origin *a = shaping_origin(r, key), *b = shaping_origin(r, other);
    struct hy_shape_origin rule = {r->file, r->line, 0, 0};
    if (b->layer > a->layer)
        return (struct pair){*b, a, true};
    return (struct pair){a->line ? *a : rule, b, false};
}

/* Said in the rule and not older than `other`: whoever wrote it saw that one. */
static bool is_meant(const struct shaping_checking *c, const struct hy_shape_rule *r,
                     const char *key, const char *other)
{
    const struct hy_shape_origin *o = shaping_origin(r, key);
    return o->line && o->layer >= shaping_origin(r, other)->layer && shaping_is_own(c->set, r, key);
}

/* A limit that `other` keeps from ever being reached. */
static void warn_unreachable(const struct shaping_checking *c, const struct hy_shape_rule *r,
                             const char *key, const char *other, const char *why)
{
    struct pair at = pair_of(r, key, other);
    char place[SHAPING_PLACE_MAX];
    if (!shaping_is_own(c->set, r, key))
        return;
    shaping_place(at.other, place);
    if (at.is_second)
        hy_problems_warning(c->problems, at.at.file, at.at.line, at.at.column,
                            "%s: so low, %s (%s) can never be reached: %s", other, key, place, why);
    else
        hy_problems_warning(c->problems, at.at.file, at.at.line, at.at.column,
                            "%s: can never be reached: %s (%s)", key, why, place);
}

/* ---- retries and time-outs ---- */

static void check_retry(const struct shaping_checking *c, const struct hy_shape_rule *r)
{
    const struct hy_retry_plan *p = &r->limits.retry;
    char other[SHAPING_PLACE_MAX];
    if (p->longest_us < p->first_us) {
        struct pair at = pair_of(r, "retry.longest", "retry.first");
        hy_problems_error(c->problems, at.at.file, at.at.line, at.at.column,
                          at.is_second ? "retry.first: is longer than retry.longest (%s)"
                                       : "retry.longest: is shorter than retry.first (%s)",
                          shaping_place(at.other, other));
    }
    if (p->expire_us <= p->first_us) { /* the first retry would come when time is over */
        struct pair at = pair_of(r, "retry.expire", "retry.first");
        hy_problems_error(c->problems, at.at.file, at.at.line, at.at.column,
                          at.is_second
                              ? "retry.first: is no shorter than retry.expire (%s): nothing "
                                "would ever be tried again"
                              : "retry.expire: is no longer than retry.first (%s): nothing "
                                "would ever be tried again",
                          shaping_place(at.other, other));
    } else if (p->longest_us > p->expire_us && is_meant(c, r, "retry.longest", "retry.expire")) {
        warn_unreachable(c, r, "retry.longest", "retry.expire", "messages are given up before");
    }
}

static void check_timeouts(const struct shaping_checking *c, const struct hy_shape_rule *r)
{
    static const char dot[] = "timeouts.dot";
    const struct hy_smtp_timeouts *t = &r->limits.timeouts;
    const struct {
        const char *key;
        hy_us us;
    } waits[] = {{"timeouts.connect", t->connect_us},
                 {"timeouts.banner", t->banner_us},
                 {"timeouts.ehlo", t->ehlo_us},
                 {"timeouts.tls", t->tls_us},
                 {"timeouts.mail", t->mail_us},
                 {"timeouts.rcpt", t->rcpt_us},
                 {"timeouts.data", t->data_us},
                 {"timeouts.block", t->block_us},
                 {dot, t->dot_us}};
    char other[SHAPING_PLACE_MAX];
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        const struct hy_shape_origin *at = shaping_origin(r, waits[i].key);
        if (waits[i].us <= r->limits.retry.expire_us ||
            !is_meant(c, r, waits[i].key, "retry.expire"))
            continue;
        hy_problems_warning(c->problems, at->file, at->line, at->column,
                            "%s: is longer than retry.expire (%s): one slow server takes all the "
                            "time that a message has",
                            waits[i].key, shaping_place(shaping_origin(r, "retry.expire"), other));
    }
    const struct hy_shape_origin *at = shaping_origin(r, dot);
    if (t->dot_us < DOT_SHORTEST && at->line && shaping_is_own(c->set, r, dot))
        hy_problems_warning(c->problems, at->file, at->line, at->column,
                            "%s: a server that is slower to answer has taken the message, and gets "
                            "it again: RFC 5321 asks for 10m",
                            dot);
}

/* ---- limits that others make unreachable ---- */

static double per_second(struct hy_rate r)
{
    return (double)r.count * 1e6 / (double)r.period_us;
}

/* The limits of a lane, or those of a provider: they contradict each other alike. */
struct limits {
    const char *message_rate, *connection_rate, *messages_per_day; /* keys */
    struct hy_rate messages, connections;
    uint32_t day;
};

static void check_day(const struct shaping_checking *c, const struct hy_shape_rule *r,
                      const struct limits *l)
{
    const double day_s = 86400;
    if (l->day == 0 || l->messages.count == 0)
        return;
    if (per_second(l->messages) * day_s < l->day) {
        warn_unreachable(c, r, l->messages_per_day, l->message_rate,
                         "message_rate makes less in a day");
        return;
    }
    bool is_gone_soon = l->day / per_second(l->messages) < 300;
    if (l->messages.count > l->day && (double)l->messages.period_us <= day_s * 1e6)
        warn_unreachable(c, r, l->message_rate, l->messages_per_day,
                         "messages_per_day is less than one period of it");
    else if (is_gone_soon && shaping_is_own(c->set, r, l->message_rate) &&
             shaping_is_own(c->set, r, l->messages_per_day)) {
        struct pair at = pair_of(r, l->message_rate, l->messages_per_day);
        char place[SHAPING_PLACE_MAX];
        hy_problems_warning(c->problems, at.at.file, at.at.line, at.at.column,
                            "%s: uses a day up in less than five minutes, and then nothing goes: "
                            "%s (%s); a lower rate spreads it",
                            at.is_second ? l->messages_per_day : l->message_rate,
                            at.is_second ? l->message_rate : l->messages_per_day,
                            shaping_place(at.other, place));
    }
}

static void check_rates(const struct shaping_checking *c, const struct hy_shape_rule *r,
                        const struct limits *l)
{
    uint32_t each = r->limits.messages_per_connection;
    if (l->messages.count && each && l->connections.count &&
        per_second(l->messages) > per_second(l->connections) * each)
        warn_unreachable(c, r, l->message_rate, l->connection_rate,
                         "the new connections of connection_rate carry fewer");
    check_day(c, r, l);
}

static void check_lane(const struct shaping_checking *c, const struct hy_shape_rule *r)
{
    const struct hy_shape_limits *l = &r->limits;
    check_rates(c, r,
                &(struct limits){"message_rate", "connection_rate", "messages_per_day",
                                 l->message_rate, l->connection_rate, l->messages_per_day});
}

static void check_provider(const struct shaping_checking *c, const struct hy_shape_rule *r)
{
    const struct hy_shape_limits *l = &r->limits;
    const struct hy_provider_limits *p = &l->provider;
    static const char why[] = "all sites of the provider together get less";
    check_rates(c, r,
                &(struct limits){"provider.message_rate", "provider.connection_rate",
                                 "provider.messages_per_day", p->message_rate, p->connection_rate,
                                 p->messages_per_day});
    if (p->connections && l->connections > p->connections)
        warn_unreachable(c, r, "connections", "provider.connections", why);
    if (p->connection_rate.count && l->connection_rate.count &&
        per_second(l->connection_rate) > per_second(p->connection_rate))
        warn_unreachable(c, r, "connection_rate", "provider.connection_rate", why);
    if (p->message_rate.count && l->message_rate.count &&
        per_second(l->message_rate) > per_second(p->message_rate))
        warn_unreachable(c, r, "message_rate", "provider.message_rate", why);
    if (p->messages_per_day && l->messages_per_day > p->messages_per_day)
        warn_unreachable(c, r, "messages_per_day", "provider.messages_per_day", why);
}

/* ---- the window, TLS ---- */

static void warn_useless(const struct shaping_checking *c, const struct hy_shape_rule *r,
                         const char *key, const char *other, const char *why)
{
    const struct hy_shape_origin *at = shaping_origin(r, key);
    char place[SHAPING_PLACE_MAX];
    if (is_meant(c, r, key, other))
        hy_problems_warning(c->problems, at->file, at->line, at->column,
                            "%s: has no effect: %s (%s)", key, why,
                            shaping_place(shaping_origin(r, other), place));
}

static void check_window(const struct shaping_checking *c, const struct hy_shape_rule *r)
{
    const struct hy_shape_limits *l = &r->limits;
    const struct hy_shape_adaptive *a = &l->adaptive;
    static const char start[] = "adaptive.start", floor[] = "adaptive.floor";
    if (!a->enabled) {
        warn_useless(c, r, start, "adaptive.enabled", "adaptive.enabled is false");
        warn_useless(c, r, floor, "adaptive.enabled", "adaptive.enabled is false");
        return;
    }
    if (a->floor > l->connections)
        warn_unreachable(c, r, floor, "connections", "there are never so many");
    if (a->start > l->connections && is_meant(c, r, start, "connections"))
        warn_unreachable(c, r, start, "connections", "there are never so many");
    else if (a->start < a->floor)
        warn_useless(c, r, start, floor, "a lane keeps more by adaptive.floor");
}

static void check_tls(const struct shaping_checking *c, const struct hy_shape_rule *r)
{
    if (r->limits.tls != HY_TLS_NEVER)
        return;
    if (r->limits.use_mta_sts)
        warn_useless(c, r, "mta_sts", "tls", "tls is never");
    if (r->limits.use_dane)
        warn_useless(c, r, "dane", "tls", "tls is never");
}

void shaping_check_limits(const struct shaping_checking *c, const struct hy_shape_rule *r)
{
    check_retry(c, r);
    check_timeouts(c, r);
    check_lane(c, r);
    check_window(c, r);
    check_tls(c, r);
    if (r != c->set->base)
        check_provider(c, r);
}
