/* Who asks: the client's address and its token.
 *
 * A token that is right is let in whatever went before: guessing 256 bits is hopeless, and a
 * neighbour's mistakes must stop nobody. Those who show wrong ones are answered 429 and cut off
 * after a while, so that they cost little and fill no log. */
#include <arpa/inet.h>

#include "client.h"
#include "hayauma/base/log.h"
#include "web_priv.h"

enum { FAILURES_MAX = 20, WINDOW_S = 600 };

static bool is_loopback(const struct hy_sockaddr *a)
{
    if (hy_sockaddr_family(a) == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&a->in6.sin6_addr);
    return hy_sockaddr_family(a) == AF_INET && ntohl(a->in4.sin_addr.s_addr) >> 24 == 127;
}

bool web_is_proxy(void *web, const struct hy_sockaddr *peer)
{
    struct hy_web_policy *p = web_policy(web);
    bool is_known = web_is_one_of(p->proxies, p->n_proxies, peer);
    hy_web_policy_unref(p);
    return is_known;
}

bool web_may_speak(struct web_call *c)
{
    const struct hy_web_policy *p = c->policy;
    bool is_trusted = web_find_client(p->proxies, p->n_proxies, c->http, &c->client_addr);
    hy_sockaddr_format_ip(&c->client_addr, c->client);
    return c->http->is_tls || is_trusted || is_loopback(&c->http->peer);
}

static bool bearer_of(const struct web_call *c, struct hy_str *ret)
{
    struct hy_str value;
    if (!hy_http_field(&c->http->head, HY_STR("Authorization"), &value) ||
        !hy_str_istarts(value, HY_STR("Bearer ")))
        return false;
    *ret = hy_str_trim(hy_str_slice(value, 7, value.n));
    return true;
}

static int refuse(struct web_call *c, bool has_token)
{
    struct hy_web *w = c->web;
    hy_us now = hy_clock_us();
    uint64_t from = hy_sockaddr_network_hash(&c->client_addr);
    uint32_t n = has_token ? hy_failures_add(&w->failures, from, now, WINDOW_S * HY_US_PER_SEC)
                           : hy_failures_count(&w->failures, from, now);
    if (n > FAILURES_MAX) {
        if (n == FAILURES_MAX + 1)
            hy_log(HY_LOG_NOTICE, "api", "too many wrong tokens from %s", c->client);
        web_fail_wait(c, "too_many_failures",
                      hy_failures_left(&w->failures, from, now) / HY_US_PER_SEC + 1,
                      "Too many requests without a valid token came from your address.");
    } else if (has_token) {
        hy_log(HY_LOG_NOTICE, "api", "no entry for %s: the token is unknown or has expired",
               c->client);
        web_fail(c, 401, "invalid_token", NULL, "This token is unknown or has expired.");
    } else {
        web_fail(c, 401, "no_token", NULL,
                 "A token is needed: send it as 'Authorization: Bearer TOKEN'.");
    }
    return HY_EAUTH;
}

bool web_is_installation(struct web_call *c)
{
    if (c->token->tenant->number == 0)
        return true;
    web_fail(c, 403, "not_permitted", NULL,
             "Leads belong to the installation: a tenant's token has no access to them.");
    return false;
}

int web_authorize(struct web_call *c)
{
    struct hy_str shown;
    if (c->route->scopes == 0)
        return HY_OK;
    if (!bearer_of(c, &shown))
        return refuse(c, false);
    c->token = hy_api_tokens_find(c->policy->tokens, shown, hy_clock_wall_ms());
    if (!c->token)
        return refuse(c, true);
    if (c->token->scopes & (c->route->scopes | HY_SCOPE_ADMIN))
        return HY_OK;
    unsigned first = c->route->scopes & -c->route->scopes;
    web_fail(c, 403, "missing_scope", NULL, "This token has not the scope %s.",
             hy_scope_name((enum hy_scope)first));
    return HY_EAUTH;
}
