/* What rules say against each other, and what of them can never have an effect. A mistake that no
 * order of files could make right is an error; one that may come with an upgrade of the presets is
 * a warning, so that an operator's own file goes on working. */
#include <ctype.h>

#include "shaping_priv.h"

struct checking {
    const struct hy_shape_rules *set;
    struct hy_problems *problems;
};

enum { PLACE_MAX = 400 };

/* "(conf/shaping.yaml:12)", "(built in)" */
static const char *place_of(const struct hy_shape_origin *o, char out[PLACE_MAX])
{
    if (o->line)
        snprintf(out, PLACE_MAX, "(%.360s:%u)", o->file, o->line);
    else
        snprintf(out, PLACE_MAX, "(built in)");
    return out;
}

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

/* ---- one rule's numbers ---- */

static void check_retry(const struct checking *c, const struct hy_shape_rule *r)
{
    const struct hy_retry_plan *p = &r->limits.retry;
    char other[PLACE_MAX];
    if (p->longest_us < p->first_us) {
        struct pair at = pair_of(r, "retry.longest", "retry.first");
        hy_problems_error(c->problems, at.at.file, at.at.line, at.at.column,
                          at.is_second ? "retry.first: is longer than retry.longest %s"
                                       : "retry.longest: is shorter than retry.first %s",
                          place_of(at.other, other));
    }
    if (p->expire_us < p->first_us) {
        struct pair at = pair_of(r, "retry.expire", "retry.first");
        hy_problems_error(
            c->problems, at.at.file, at.at.line, at.at.column,
            at.is_second
                ? "retry.first: is longer than retry.expire %s: nothing would ever be tried again"
                : "retry.expire: is shorter than retry.first %s: nothing would ever be tried again",
            place_of(at.other, other));
    }
}

static double per_second(struct hy_rate r)
{
    return (double)r.count * 1e6 / (double)r.period_us;
}

/* Said in the rule, not taken over from the default block: what is taken over is no promise. */
static bool is_own(const struct checking *c, const struct hy_shape_rule *r, const char *key)
{
    const struct hy_shape_origin *o = shaping_origin(r, key),
                                 *base = shaping_origin(c->set->base, key);
    return r == c->set->base || o->layer != base->layer || o->line != base->line ||
           o->column != base->column;
}

static void warn_unreachable(const struct checking *c, const struct hy_shape_rule *r,
                             const char *key, const char *other, const char *why)
{
    struct pair at = pair_of(r, key, other);
    char place[PLACE_MAX];
    if (!is_own(c, r, key))
        return;
    place_of(at.other, place);
    if (at.is_second)
        hy_problems_warning(c->problems, at.at.file, at.at.line, at.at.column,
                            "%s: so low, %s %s can never be reached: %s", other, key, place, why);
    else
        hy_problems_warning(c->problems, at.at.file, at.at.line, at.at.column,
                            "%s: can never be reached: %s %s", key, why, place);
}

static void check_rates(const struct checking *c, const struct hy_shape_rule *r)
{
    const struct hy_shape_limits *l = &r->limits;
    const double day = 86400;
    if (l->message_rate.count && l->messages_per_connection && l->connection_rate.count &&
        per_second(l->message_rate) > per_second(l->connection_rate) * l->messages_per_connection)
        warn_unreachable(c, r, "message_rate", "connection_rate",
                         "the new connections of connection_rate carry fewer");
    if (l->adaptive.floor > l->connections)
        warn_unreachable(c, r, "adaptive.floor", "connections", "there are never so many");
    if (l->messages_per_day && l->message_rate.count &&
        per_second(l->message_rate) * day < l->messages_per_day)
        warn_unreachable(c, r, "messages_per_day", "message_rate",
                         "message_rate makes less in a day");
    if (l->recipients_per_message > 1) {
        const struct hy_shape_origin *at = shaping_origin(r, "recipients_per_message");
        hy_problems_warning(c->problems, at->file, at->line, at->column,
                            "recipients_per_message: every message is personal and has one "
                            "recipient: more than 1 changes nothing");
    }
}

static void check_provider(const struct checking *c, const struct hy_shape_rule *r)
{
    const struct hy_shape_limits *l = &r->limits;
    const struct hy_provider_limits *p = &l->provider;
    static const char why[] = "all sites of the provider together get less";
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

/* ---- patterns on replies ---- */

static void check_replies(const struct checking *c, const struct hy_shape_rule *r)
{
    for (size_t i = 0; i < r->n_replies; i++) {
        const struct hy_reply_rule *p = &r->replies[i];
        if (p->for_us > r->limits.retry.expire_us)
            hy_problems_warning(c->problems, p->file, p->line, 0,
                                "on: '%s' suspends for longer than retry.expire: messages that "
                                "wait for it are given up",
                                p->pattern);
        for (size_t k = 0; k < i; k++) {
            const struct hy_reply_rule *e = &r->replies[k];
            if (strcmp(e->pattern, p->pattern) != 0 || strcmp(e->file, p->file) != 0)
                continue; /* in another file: an operator's says it otherwise */
            hy_problems_warning(c->problems, p->file, p->line, 0,
                                "on: '%s' is never reached: it stands in line %u already",
                                p->pattern, e->line);
            break;
        }
    }
}

/* ---- names that nothing, or something else, matches ---- */

/* Whether everything that `b` matches is matched by `a`. */
static bool covers(const char *a, const char *b)
{
    if (strcmp(a, b) == 0)
        return true;
    if (strncmp(a, "*.", 2) != 0)
        return false;
    size_t na = strlen(a + 1), nb = strlen(b); /* with the dot */
    return nb > na && strcmp(b + nb - na, a + 1) == 0;
}

/* 192.0.2.1 is an address, and no MX record or address of a person has one as a name. */
static bool is_number(const char *name)
{
    const char *last = strrchr(name, '.');
    last = last ? last + 1 : name;
    for (const char *p = last; *p; p++)
        if (!isdigit((unsigned char)*p))
            return false;
    return *last != '\0';
}

struct names {
    const char *key;
    const char *const *list;
    size_t n;
};

static struct names names_of(const struct hy_shape_rule *r, bool mx)
{
    return mx ? (struct names){"mx", r->mx, r->n_mx}
              : (struct names){"domains", r->domains, r->n_domains};
}

/* The first rule before `at` that matches all that `name` does. */
static const struct hy_shape_rule *taker_of(const struct hy_shape_rules *set, size_t at, bool mx,
                                            const char *name)
{
    for (size_t i = 0; i < at; i++) {
        struct names e = names_of(&set->rules[i], mx);
        for (size_t k = 0; k < e.n; k++)
            if (e.list[k] && covers(e.list[k], name))
                return &set->rules[i];
    }
    return NULL;
}

static void check_within(const struct checking *c, const struct hy_shape_rule *r, struct names n,
                         size_t i)
{
    const struct hy_shape_origin *at = shaping_origin(r, n.key);
    if (is_number(n.list[i]))
        hy_problems_error(c->problems, at->file, at->line, at->column,
                          "%s: '%s' can never match: it is an address, and names are matched",
                          n.key, n.list[i]);
    for (size_t k = 0; k < n.n; k++)
        if (k != i && n.list[k] && covers(n.list[k], n.list[i]) &&
            (k < i || strcmp(n.list[k], n.list[i]) != 0)) {
            hy_problems_warning(c->problems, at->file, at->line, at->column,
                                "%s: '%s' has no effect: '%s' in the same list matches it", n.key,
                                n.list[i], n.list[k]);
            return;
        }
}

/* Names that an earlier rule takes already. Returns how many. */
static size_t check_taken(const struct checking *c, size_t at, bool mx)
{
    const struct hy_shape_rule *r = &c->set->rules[at];
    struct names n = names_of(r, mx);
    size_t taken = 0;
    for (size_t i = 0; i < n.n; i++) {
        if (!n.list[i])
            continue; /* noted */
        check_within(c, r, n, i);
        const struct hy_shape_rule *e = taker_of(c->set, at, mx, n.list[i]);
        if (!e)
            continue;
        taken++;
        const struct hy_shape_origin *o = shaping_origin(r, n.key);
        hy_problems_warning(c->problems, o->file, o->line, o->column,
                            "%s: '%s' has no effect: rule '%s' (%s:%u) comes first and matches it",
                            n.key, n.list[i], e->name, e->file, e->line);
    }
    return taken;
}

static void check_names(const struct checking *c, size_t at)
{
    const struct hy_shape_rule *r = &c->set->rules[at];
    const struct hy_shape_origin *o = shaping_origin(r, "name");
    struct hy_shape_origin rule = {r->file, r->line, 0, 0};
    if (o->line == 0)
        o = &rule;
    if (!r->name[0])
        return; /* noted */
    if (r->n_mx + r->n_domains == 0) {
        hy_problems_error(c->problems, o->file, o->line, o->column,
                          "name: rule '%s' names neither mx nor domains: it would never apply",
                          r->name);
        return;
    }
    size_t taken = check_taken(c, at, true) + check_taken(c, at, false);
    if (taken < r->n_mx + r->n_domains)
        return;
    bool is_one_file = true; /* else an upgrade or another person may have brought it about */
    for (size_t i = 0; i < at; i++)
        is_one_file &= strcmp(c->set->rules[i].file, r->file) == 0;
    if (is_one_file)
        hy_problems_error(c->problems, o->file, o->line, o->column,
                          "name: rule '%s' can never apply: earlier rules match all of it",
                          r->name);
    else
        hy_problems_warning(c->problems, o->file, o->line, o->column,
                            "name: rule '%s' can never apply: earlier rules match all of it",
                            r->name);
}

void shaping_check(const struct hy_shape_rules *set, struct hy_problems *problems)
{
    struct checking c = {set, problems};
    check_retry(&c, set->base);
    check_rates(&c, set->base);
    check_replies(&c, set->base);
    for (size_t i = 0; i < set->n_rules; i++) {
        const struct hy_shape_rule *r = &set->rules[i];
        check_retry(&c, r);
        check_rates(&c, r);
        check_provider(&c, r);
        check_replies(&c, r);
        check_names(&c, i);
    }
}
