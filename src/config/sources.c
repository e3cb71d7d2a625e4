/* Sources and pools as a whole: names, addresses and weights that need not be said, and what does
 * not go together. */
#include <arpa/inet.h>

#include "config_schema.h"

static const char *address_text(struct hy_arena *arena, const struct hy_sockaddr *a)
{
    char text[HY_SOCKADDR_TEXT_MAX] = "";
    if (hy_sockaddr_family(a) != AF_UNSPEC)
        (void)hy_sockaddr_format_ip(a, text);
    return hy_arena_str(arena, hy_str_of(text)).p;
}

static bool is_same_ip(const struct hy_sockaddr *a, const struct hy_sockaddr *b)
{
    return hy_sockaddr_family(a) != AF_UNSPEC && hy_sockaddr_ip_eq(a, b);
}

static bool has_address(const struct hy_config_source *s, const struct hy_sockaddr *a)
{
    return is_same_ip(a, &s->bind) || is_same_ip(a, &s->bind6);
}

/* Mail is sent from one address that is ours alone, written as what it is. */
static void check_address(const struct schema_ctx *x, const struct yaml_node *n, const char *key,
                          const struct hy_sockaddr *a)
{
    int family = hy_sockaddr_family(a);
    const char *what = NULL;
    if (family == AF_INET) {
        uint32_t ip = ntohl(a->in4.sin_addr.s_addr);
        what = ip >> 24 == 0      ? "stands for any address"
               : ip == UINT32_MAX ? "is the broadcast address"
               : ip >> 28 == 14   ? "is a multicast address"
               : ip >> 28 == 15   ? "is reserved and sends nothing"
                                  : NULL;
    } else if (family == AF_INET6) {
        const struct in6_addr *ip = &a->in6.sin6_addr;
        what = IN6_IS_ADDR_UNSPECIFIED(ip) ? "stands for any address"
               : IN6_IS_ADDR_MULTICAST(ip) ? "is a multicast address"
               : IN6_IS_ADDR_V4MAPPED(ip) ? "is an IPv4 address in IPv6's clothes: write it as IPv4"
                                          : NULL;
    }
    if (what)
        schema_error_at(x, n, key, "%s; name one address of a source", what);
}

static void check_families(const struct schema_ctx *x, const struct yaml_node *n,
                           const struct hy_config_source *s)
{
    int second = hy_sockaddr_family(&s->bind6);
    if (second == AF_INET)
        schema_error_at(x, n, "address6", "is an IPv4 address");
    else if (second == AF_INET6 && hy_sockaddr_family(&s->bind) == AF_INET6)
        schema_error_at(x, n, "address6", "address is an IPv6 address already");
}

static void finish_proxy(const struct schema_ctx *x, const struct yaml_node *n,
                         struct hy_config_source *s)
{
    struct hy_diag diag = {""};
    bool is_socks = false;
    if (s->proxy_text[0] && hy_proxy_parse(hy_str_of(s->proxy_text), &diag, &s->proxy) != HY_OK)
        schema_error_at(x, n, "proxy", "%s", diag.text);
    else
        is_socks = s->proxy.kind == HY_PROXY_SOCKS5;
    if (s->proxy_user[0] && !is_socks)
        schema_error_at(x, n, "proxy_user", "is for a SOCKS5 proxy only");
    if (!s->proxy_user[0] != !s->proxy_password_file[0])
        schema_error_at(x, n, s->proxy_user[0] ? "proxy_user" : "proxy_password_file",
                        "proxy_user and proxy_password_file go together");
}

static void check_earlier(const struct schema_ctx *x, const struct yaml_node *n,
                          const struct hy_config_source *s, const struct hy_config_source *earlier)
{
    if (s->name[0] && strcmp(earlier->name, s->name) == 0)
        schema_error_at(x, n, "name", "'%s' is the name of an earlier source", s->name);
    if (has_address(earlier, &s->bind))
        schema_error_at(x, n, "address", "is the address of an earlier source");
    if (has_address(earlier, &s->bind6))
        schema_error_at(x, n, "address6", "is the address of an earlier source");
}

static bool has_key(const struct hy_config *c, const char *domain)
{
    for (size_t i = 0; i < c->dkim.keys.n; i++)
        if (strcmp(c->dkim.keys.items[i].domain, domain) == 0 && !c->dkim.keys.items[i].tenant[0])
            return true;
    return false;
}

/* Whoever has not begun when the plan would be at its end is taken for warm: hy_warmup_begin. */
static void check_start(const struct schema_ctx *x, const struct yaml_node *n,
                        const struct hy_config_source *s, const struct hy_warmup_plan *plan)
{
    const hy_wall_ms day_ms = 86400 * 1000;
    size_t days = plan->days.n;
    for (size_t i = 0; i < plan->n_providers; i++)
        days = plan->providers[i].days.n > days ? plan->providers[i].days.n : days;
    if (s->warmup_start && hy_clock_wall_ms() >= s->warmup_start + (hy_wall_ms)days * day_ms)
        schema_warn_at(x, n, "warmup_start",
                       "the %zu days of '%s' are over since then: a source that has not sent yet "
                       "counts as warm. Take 'warmup' out, or let it begin anew",
                       days, s->warmup);
}

static int finish_source(const struct schema_ctx *x, const struct yaml_node *n,
                         const struct hy_config *c, struct hy_config_source *s)
{
    if (!s->name[0] && !(s->name = address_text(x->arena, &s->bind)))
        return HY_ENOMEM;
    if (!s->ehlo[0])
        s->ehlo = c->node.hostname;
    if (s->tls_key[0] && !s->tls_certificate[0])
        schema_error_at(x, n, "tls_key", "needs tls_certificate");
    if (s->tls_version > HY_TLS_1_2 && s->tls == HY_TLS_NEVER)
        schema_warn_at(x, n, "tls_version",
                       "servers without that version get mail in the clear where the rule is "
                       "opportunistic: 'tls: required' keeps it back");
    check_address(x, n, "address", &s->bind);
    check_address(x, n, "address6", &s->bind6);
    check_families(x, n, s);
    finish_proxy(x, n, s);
    for (size_t i = 0; i < s->dkim.n; i++)
        if (s->dkim.items[i] && !has_key(c, s->dkim.items[i]))
            schema_error_at(x, n, "dkim", "'%s' has no key of the installation under dkim.keys",
                            s->dkim.items[i]);
    const struct hy_warmup_plan *plan = s->warmup[0] ? hy_config_warmup_plan(c, s->warmup) : NULL;
    if (plan)
        check_start(x, n, s, plan);
    if (s->warmup[0] && !plan)
        schema_error_at(x, n, "warmup",
                        "there is no plan '%s': careful, usual, fast, or one of "
                        "delivery.warmup_plans",
                        s->warmup);
    if (s->warmup[0] && s->warmup_start == 0)
        schema_error_at(x, n, "warmup", "needs warmup_start: when the plan begins");
    return 0;
}

static int finish_sources(const struct schema_ctx *x, const struct yaml_node *root,
                          struct hy_config *c)
{
    const struct yaml_node *list = yaml_find(root, "delivery.sources");
    struct hy_config_source *s = (struct hy_config_source *)(uintptr_t)c->delivery.sources.items;
    if (c->delivery.sources.n == 0) {
        s = hy_arena_zalloc(x->arena, sizeof *s);
        if (!s)
            return HY_ENOMEM;
        *s = (struct hy_config_source){.name = "default",
                                       .ehlo = c->node.hostname,
                                       .weight = 1,
                                       .tls_version = HY_TLS_1_2,
                                       .tls_certificate = "",
                                       .tls_key = "",
                                       .warmup = ""};
        c->delivery.sources = (struct hy_config_sources){s, 1};
        return 0;
    }
    if (!is_list_of(list, c->delivery.sources.n))
        return 0;
    for (size_t i = 0; i < c->delivery.sources.n; i++) {
        const struct yaml_node *n = list->entries[i].value;
        int err = finish_source(x, n, c, &s[i]);
        if (err)
            return err;
        for (size_t j = 0; j < i; j++)
            check_earlier(x, n, &s[i], &s[j]);
    }
    return 0;
}

/* ---- pools ---- */

static size_t source_of(const struct hy_config *c, struct hy_str name)
{
    for (size_t i = 0; i < c->delivery.sources.n; i++)
        if (hy_str_eq(hy_str_of(c->delivery.sources.items[i].name), name))
            return i;
    return SIZE_MAX;
}

static int finish_member(const struct schema_ctx *x, const struct yaml_node *n,
                         const struct hy_config *c, const struct hy_pair *m, uint32_t *ret_index,
                         uint32_t *ret_weight)
{
    uint64_t weight = 0;
    size_t i = source_of(c, m->name);
    if (i == SIZE_MAX) {
        schema_error_at(x, n, "sources", "there is no source '%.*s'", HY_STR_ARG(m->name));
        return HY_EINVAL;
    }
    if (m->value.n && (hy_str_to_u64(m->value, HY_SPREAD_WEIGHT_MAX, &weight) || weight == 0)) {
        schema_error_at(x, n, "sources", "the weight of %.*s must be 1 to %d, not '%.*s'",
                        HY_STR_ARG(m->name), HY_SPREAD_WEIGHT_MAX, HY_STR_ARG(m->value));
        return HY_EINVAL;
    }
    *ret_index = (uint32_t)i;
    *ret_weight = weight ? (uint32_t)weight : c->delivery.sources.items[i].weight;
    return 0;
}

static int finish_pool(const struct schema_ctx *x, const struct yaml_node *n,
                       const struct hy_config *c, struct hy_config_pool *p)
{
    uint32_t *indices = hy_arena_zalloc(x->arena, (p->members.n + 1) * sizeof *indices);
    uint32_t *weights = hy_arena_zalloc(x->arena, (p->members.n + 1) * sizeof *weights);
    if (!indices || !weights)
        return HY_ENOMEM;
    p->indices = indices;
    p->weights = weights;
    if (p->members.n == 0)
        schema_error_at(x, n, "sources", "names no source");
    if (p->name[0] && source_of(c, hy_str_of(p->name)) != SIZE_MAX)
        schema_error_at(x, n, "name", "'%s' is the name of a source", p->name);
    for (size_t i = 0; i < p->members.n; i++)
        if (finish_member(x, n, c, &p->members.items[i], &indices[i], &weights[i]))
            break; /* noted */
    return 0;
}

static int finish_pools(const struct schema_ctx *x, const struct yaml_node *root,
                        struct hy_config *c)
{
    const struct yaml_node *list = yaml_find(root, "delivery.pools");
    struct hy_config_pool *p = (struct hy_config_pool *)(uintptr_t)c->delivery.pools.items;
    if (c->delivery.pools.n && !is_list_of(list, c->delivery.pools.n))
        return 0;
    for (size_t i = 0; i < c->delivery.pools.n; i++) {
        const struct yaml_node *n = list->entries[i].value;
        int err = finish_pool(x, n, c, &p[i]);
        if (err)
            return err;
        for (size_t j = 0; j < i; j++)
            if (p[i].name[0] && strcmp(p[j].name, p[i].name) == 0)
                schema_error_at(x, n, "name", "'%s' is the name of an earlier pool", p[i].name);
    }
    if (c->delivery.pool[0] && !hy_config_has_pool(c, hy_str_of(c->delivery.pool)))
        schema_error_at(x, root, "delivery.pool", "there is no pool or source '%s'",
                        c->delivery.pool);
    return 0;
}

bool hy_config_has_pool(const struct hy_config *c, struct hy_str name)
{
    for (size_t i = 0; i < c->delivery.pools.n; i++)
        if (hy_str_eq(hy_str_of(c->delivery.pools.items[i].name), name))
            return true;
    return source_of(c, name) != SIZE_MAX;
}

int sources_finish(const struct schema_ctx *x, const struct yaml_node *root, struct hy_config *c)
{
    int err = finish_sources(x, root, c);
    warmups_check_used(x, root, c);
    return err ? err : finish_pools(x, root, c);
}
