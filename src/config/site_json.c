/* A site as JSON: the answer of DNS, the rule that applies, and each limit with its place. */
#include "hayauma/config/site_json.h"

#include "hayauma/config/shaping.h"
#include "hayauma/shape/reply_rules.h"
#include "value.h"

enum { PASSED_OVER_MAX = 20 };

int hy_site_domain(const char *text, struct hy_diag *diag, char out[256])
{
    struct hy_str s = hy_str_of(text);
    const char *at = strrchr(text, '@');
    struct hy_buf name = HY_BUF_INIT(256);
    if (at)
        s = hy_str_of(at + 1);
    struct hy_diag own = {""};
    int err = value_hostname(s, false, &own, &name);
    if (err)
        err = hy_fail(diag, HY_EINVAL, "'%.200s' is no domain", text);
    else
        snprintf(out, 256, "%.*s", (int)(name.len < 255 ? name.len : 255), name.data);
    hy_buf_free(&name);
    return err;
}

static json_t *text_json(struct hy_str s)
{
    json_t *o = json_stringn(s.p ? s.p : "", s.n);
    return o ? o : json_string("?");
}

static json_t *place_json(const char *file, uint32_t line)
{
    return line ? json_sprintf("%s:%u", file, line) : json_string("");
}

static json_t *hosts_json(const struct hy_mx *mx)
{
    json_t *list = json_array();
    for (size_t i = 0; i < mx->n_hosts; i++) {
        json_t *addresses = json_array();
        for (size_t k = 0; k < mx->hosts[i].n_addresses; k++) {
            char ip[HY_SOCKADDR_TEXT_MAX];
            json_array_append_new(
                addresses, json_string(hy_sockaddr_format_ip(&mx->hosts[i].addresses[k], ip)));
        }
        json_array_append_new(list, json_pack("{s:o,s:i,s:o}", "name", text_json(mx->hosts[i].name),
                                              "preference", (int)mx->hosts[i].preference,
                                              "addresses", addresses));
    }
    return list;
}

static void add_limit(void *ctx, const char *key, const char *value,
                      const struct hy_shape_origin *o)
{
    json_array_append_new(ctx, json_pack("{s:s,s:s,s:o}", "key", key, "value", value, "at",
                                         place_json(o->file, o->line)));
}

static void add_patterns(json_t *list, const struct hy_shape_rule *r)
{
    for (size_t i = 0; r && i < r->n_replies; i++) {
        const struct hy_reply_rule *p = &r->replies[i];
        json_array_append_new(list,
                              json_pack("{s:s,s:s,s:I,s:i,s:o}", "reply", p->pattern, "do",
                                        hy_reply_action_name(p->action), "for_s",
                                        (json_int_t)(p->for_us / HY_US_PER_SEC), "to_percent",
                                        (int)p->keep_percent, "at", place_json(p->file, p->line)));
    }
}

/* Rules that match the domain or a host of it, and do not apply: with the reason. */
static json_t *passed_over_json(const struct hy_shape_rules *rules, const struct hy_mx *mx,
                                const struct hy_shape_rule *applied)
{
    struct hy_str hosts[HY_SITE_HOSTS_MAX], other = {0};
    size_t n = hy_site_hosts(&mx->site, hosts);
    json_t *list = json_array();
    for (size_t i = 0; i < rules->n_rules && json_array_size(list) < PASSED_OVER_MAX; i++) {
        const struct hy_shape_rule *r = &rules->rules[i];
        bool is_domain = hy_shape_names_domain(r, mx->domain);
        size_t matched = hy_shape_count_hosts(r, hosts, n, &other);
        if (r == applied || (!is_domain && matched == 0))
            continue;
        bool is_other = !is_domain && matched < n;
        json_array_append_new(list, json_pack("{s:s,s:o,s:s,s:o}", "rule", r->name, "at",
                                              place_json(r->file, r->line), "matches",
                                              is_domain  ? "domain"
                                              : is_other ? "some hosts"
                                                         : "mx",
                                              "other_host",
                                              is_other ? text_json(other) : json_string("")));
    }
    return list;
}

json_t *hy_site_json(const struct hy_shape_rules *rules, const struct hy_mx *mx)
{
    struct hy_str hosts[HY_SITE_HOSTS_MAX];
    size_t n = hy_site_hosts(&mx->site, hosts);
    const struct hy_shape_rule *rule = hy_shape_find(rules, mx->domain, hosts, n);
    json_t *limits = json_array(), *patterns = json_array();
    hy_shaping_each(rules, rule, add_limit, limits);
    add_patterns(patterns, rule);
    add_patterns(patterns, rules->base);
    bool by_domain = rule && hy_shape_names_domain(rule, mx->domain);
    return json_pack(
        "{s:o,s:s,s:o,s:b,s:o,s:o,s:o,s:s,s:o,s:s,s:o,s:o,s:o}", "domain", text_json(mx->domain),
        "status", hy_mx_status_name(mx->status), "text", text_json(mx->text), "implicit",
        (int)mx->implicit, "site", text_json(mx->site.name), "key", text_json(mx->site.key),
        "hosts", hosts_json(mx), "rule", rule ? rule->name : "", "rule_at",
        rule ? place_json(rule->file, rule->line) : json_string(""), "by",
        by_domain ? "domain"
        : rule    ? "mx"
                  : "",
        "passed_over", passed_over_json(rules, mx, rule), "limits", limits, "patterns", patterns);
}
