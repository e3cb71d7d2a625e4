/* Which rule of the shaping file a site or domain falls under. */
#include "hayauma/shape/limits.h"

/* "*.google.com" matches every name below google.com, not google.com itself; any other pattern is a
 * whole name. */
static bool name_matches(struct hy_str pattern, struct hy_str name)
{
    if (hy_str_starts(pattern, HY_STR("*."))) {
        struct hy_str suffix = hy_str_slice(pattern, 1, pattern.n);
        return name.n > suffix.n &&
               hy_str_ieq(hy_str_slice(name, name.n - suffix.n, name.n), suffix);
    }
    return hy_str_ieq(pattern, name);
}

static bool any_matches(const char *const *patterns, size_t n, struct hy_str name)
{
    for (size_t i = 0; i < n; i++) {
        if (name_matches(hy_str_of(patterns[i]), name))
            return true;
    }
    return false;
}

size_t hy_shape_count_hosts(const struct hy_shape_rule *rule, const struct hy_str *hosts, size_t n,
                            struct hy_str *ret_other)
{
    size_t matched = 0;
    for (size_t i = n; i-- > 0;) {
        if (any_matches(rule->mx, rule->n_mx, hosts[i]))
            matched++;
        else if (ret_other)
            *ret_other = hosts[i];
    }
    return matched;
}

bool hy_shape_names_domain(const struct hy_shape_rule *rule, struct hy_str domain)
{
    return any_matches(rule->domains, rule->n_domains, domain);
}

const struct hy_shape_rule *hy_shape_find(const struct hy_shape_rules *set, struct hy_str domain,
                                          const struct hy_str *mx_hosts, size_t n_mx_hosts)
{
    for (size_t i = 0; i < set->n_rules; i++) {
        if (hy_shape_names_domain(&set->rules[i], domain))
            return &set->rules[i];
    }
    for (size_t i = 0; i < set->n_rules; i++) {
        if (n_mx_hosts &&
            hy_shape_count_hosts(&set->rules[i], mx_hosts, n_mx_hosts, NULL) == n_mx_hosts)
            return &set->rules[i];
    }
    return NULL;
}
