/* The names of MX hosts and domains that rules go by: those that match nothing, or that something
 * before them matches. */
#include <ctype.h>

#include "shaping_check.h"
#include "value.h"

enum { SHAPING_RULES_NEAR = 1000 }; /* names that a slip of the finger is looked for among */

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

static bool list_covers(struct names n, const char *name)
{
    for (size_t k = 0; k < n.n; k++)
        if (n.list[k] && covers(n.list[k], name))
            return true;
    return false;
}

/* The first rule before `at` that matches all that `name` does. */
static const struct hy_shape_rule *taker_of(const struct hy_shape_rules *set, size_t at, bool mx,
                                            const char *name)
{
    for (size_t i = 0; i < at; i++)
        if (list_covers(names_of(&set->rules[i], mx), name))
            return &set->rules[i];
    return NULL;
}

/* Whether one rule before `at` takes every site that this one could have. Several do not, each with
 * a part of the hosts: a rule needs all hosts of a site, and some sites have hosts of several. */
static bool has_no_site(const struct hy_shape_rules *set, size_t at)
{
    struct names n = names_of(&set->rules[at], true);
    for (size_t i = 0; i < at; i++) {
        struct names e = names_of(&set->rules[i], true);
        size_t taken = 0;
        for (size_t k = 0; k < n.n; k++)
            taken += !n.list[k] || list_covers(e, n.list[k]);
        if (taken == n.n)
            return true;
    }
    return false;
}

static void check_within(const struct shaping_checking *c, const struct hy_shape_rule *r,
                         struct names n, size_t i)
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

/* Names that an earlier rule takes already. True: nothing is left. */
static bool check_taken(const struct shaping_checking *c, size_t at, bool mx)
{
    const struct hy_shape_rule *r = &c->set->rules[at];
    struct names n = names_of(r, mx);
    const struct hy_shape_origin *o = shaping_origin(r, n.key);
    bool may_have_others = mx && n.n && !has_no_site(c->set, at);
    size_t taken = 0;
    for (size_t i = 0; i < n.n; i++) {
        if (!n.list[i])
            continue; /* noted */
        check_within(c, r, n, i);
        const struct hy_shape_rule *e = taker_of(c->set, at, mx, n.list[i]);
        if (!e)
            continue;
        taken++;
        hy_problems_warning(
            c->problems, o->file, o->line, o->column,
            may_have_others
                ? "%s: '%s' counts only for sites that have other hosts of the list, too: rule "
                  "'%s' (%s:%u) comes first and matches it"
                : "%s: '%s' has no effect: rule '%s' (%s:%u) comes first and matches it",
            n.key, n.list[i], e->name, e->file, e->line);
    }
    return taken == n.n && !may_have_others;
}

/* A rule that names nothing: of the first file, a mistake; of a later one, it was to change a rule
 * that an upgrade may have renamed or taken away. */
static void tell_nameless(const struct shaping_checking *c, const struct hy_shape_rule *r,
                          const struct hy_shape_origin *o)
{
    const char *names[SHAPING_RULES_NEAR];
    size_t n = 0;
    for (size_t i = 0; i < c->set->n_rules && n < SHAPING_RULES_NEAR; i++)
        if (&c->set->rules[i] != r && c->set->rules[i].n_mx + c->set->rules[i].n_domains)
            names[n++] = c->set->rules[i].name;
    const char *near = hy_str_nearest(hy_str_of(r->name), names, n);
    if (o->layer <= 1)
        hy_problems_error(c->problems, o->file, o->line, o->column,
                          "name: rule '%s' names neither mx nor domains: it would never apply",
                          r->name);
    else if (near)
        hy_problems_warning(c->problems, o->file, o->line, o->column,
                            "name: has no effect: earlier files have no rule '%s' (did you mean "
                            "'%s'?), and it names neither mx nor domains",
                            r->name, near);
    else
        hy_problems_warning(c->problems, o->file, o->line, o->column,
                            "name: has no effect: earlier files have no rule '%s' (any more), and "
                            "it names neither mx nor domains",
                            r->name);
}

void shaping_check_names(const struct shaping_checking *c, size_t at)
{
    const struct hy_shape_rule *r = &c->set->rules[at];
    const struct hy_shape_origin *o = shaping_origin(r, "name");
    struct hy_shape_origin rule = {r->file, r->line, 0, 0};
    if (o->line == 0)
        o = &rule;
    if (!r->name[0])
        return; /* noted */
    if (r->n_mx + r->n_domains == 0) {
        tell_nameless(c, r, o);
        return;
    }
    bool has_no_mx = check_taken(c, at, true), has_no_domain = check_taken(c, at, false);
    if (!has_no_mx || !has_no_domain)
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
