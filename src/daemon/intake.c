/* Intake in the life of the daemon: its thread, which is always there for 'hayauma intake', and its
 * listeners, when the configuration has some. */
#include "ctl_common.h"

#include <stdlib.h>

#include "hayauma/base/log.h"
#include "hayauma/config/bounces.h"
#include "hayauma/mail/address.h"
#include "hayauma/receive/receive.h"

enum { TO_MAX = 20 }; /* recipients of one mail */

/* What a policy stands on; freed with it. */
struct ground {
    struct hy_receive_policy policy;
    struct hy_intake_addresses addresses;
    struct hy_arena arena;
};

static void release(struct hy_receive_policy *p)
{
    struct ground *g = p->owner;
    hy_tls_unref(p->tls);
    hy_arena_free(&g->arena);
    free(g);
}

static void release_rules(void *owner)
{
    hy_bounces_free(owner);
}

static int load_rules(const struct hy_config *c, struct hy_intake_rules *ret)
{
    struct hy_problems problems = {0};
    struct hy_bounces *b = NULL;
    int err = hy_bounces_load(c->paths.bounces.items, c->paths.bounces.n, &problems, &b);
    hy_problems_free(&problems); /* told with the policy of delivery, which reads the same files */
    if (err == HY_OK)
        *ret = (struct hy_intake_rules){hy_bounces_rules(b), release_rules, b};
    return err;
}

static void complain(const struct hy_config *c, struct hy_problems *problems, const char *key,
                     const char *what, const char *why)
{
    hy_problems_error(problems, c->file, 0, 0, "%s: '%.200s': %s", key, what, why);
}

static int add_address(struct ground *g, struct hy_str *out, const char *text,
                       enum hy_address_reason *reason)
{
    static const struct hy_address_rules rules = {.allow_single = true};
    struct hy_address a;
    int err = hy_address_parse(hy_str_of(text), &rules, &a, reason);
    if (err != HY_OK)
        return err;
    *out = hy_arena_str(&g->arena, hy_address_wire(&a));
    return out->p ? HY_OK : HY_ENOMEM;
}

static int load_addresses(const struct hy_daemon *d, const struct hy_config *c,
                          struct hy_problems *problems, struct ground *g)
{
    const struct {
        const char *key;
        struct hy_strings list;
    } lists[] = {
        {"intake.complaints", c->intake.complaints},
        {"intake.replies", c->intake.replies},
        {"bounce.unsubscribe_mailto",
         {&c->bounce.unsubscribe_mailto, c->bounce.unsubscribe_mailto[0] ? 1 : 0}},
    };
    size_t n = lists[0].list.n + lists[1].list.n + lists[2].list.n, used = 0;
    struct hy_str *all = hy_arena_alloc(&g->arena, (n + 1) * sizeof *all);
    if (!all)
        return HY_ENOMEM;
    for (size_t l = 0; l < sizeof lists / sizeof *lists; l++)
        for (size_t i = 0; i < lists[l].list.n; i++) {
            enum hy_address_reason reason = HY_ADDRESS_OK;
            int err = add_address(g, &all[used++], lists[l].list.items[i], &reason);
            if (err == HY_ENOMEM)
                return err;
            if (err != HY_OK) {
                complain(c, problems, lists[l].key, lists[l].list.items[i],
                         hy_address_reason_text(reason));
                return HY_EINVAL;
            }
        }
    const char *domain = c->bounce.domain[0] ? c->bounce.domain : c->node.hostname;
    g->addresses = (struct hy_intake_addresses){
        .prefix = hy_arena_str(&g->arena, hy_str_of(c->bounce.prefix)),
        .domain = hy_arena_str(&g->arena, hy_str_of(domain)),
        .others = all,
        .n_others = n,
        .tokens = &d->tokens,
    };
    return g->addresses.prefix.p && g->addresses.domain.p ? HY_OK : HY_ENOMEM;
}

static int load_tls(const struct hy_config *c, struct hy_problems *problems, struct ground *g)
{
    struct hy_diag diag = {""};
    const char *chain = c->intake.certificate, *key = c->intake.private_key;
    if (!chain[0])
        return HY_OK;
    int err = hy_tls_create_server(chain, key[0] ? key : chain, &diag, &g->policy.tls);
    if (err == HY_OK)
        return err;
    complain(c, problems, "intake.certificate", chain, diag.text[0] ? diag.text : hy_err_text(err));
    return HY_EINVAL;
}

int intake_policy(const struct hy_daemon *d, const struct hy_config *c,
                  struct hy_problems *problems, struct hy_receive_policy **ret)
{
    if (c->intake.listen.n == 0)
        return HY_OK;
    struct ground *g = calloc(1, sizeof *g);
    if (!g)
        return HY_ENOMEM;
    g->arena = HY_ARENA_INIT(1 << 20);
    g->policy = (struct hy_receive_policy){
        .host = hy_arena_str(&g->arena, hy_str_of(c->node.hostname)),
        .size_max = c->intake.size_max,
        .memory_max = c->intake.memory_bytes,
        .rcpts_max = TO_MAX,
        .connections_max = c->intake.max_connections,
        .connections_per_address = c->intake.connections_per_address,
        .intake = d->intake,
        .addresses = &g->addresses,
        .release = release,
        .owner = g,
    };
    atomic_init(&g->policy.refs, 1);
    int err = g->policy.host.p ? load_addresses(d, c, problems, g) : HY_ENOMEM;
    if (err == HY_OK)
        err = load_tls(c, problems, g);
    if (err != HY_OK) {
        hy_receive_policy_unref(&g->policy);
        return err;
    }
    *ret = &g->policy;
    return HY_OK;
}

static int start(struct hy_daemon *d, struct hy_diag *diag)
{
    struct hy_intake_rules rules = {0};
    struct hy_intake_settings s = {.writer = d->writer,
                                   .tokens = &d->tokens,
                                   .on_bad = brakes_on_returned,
                                   .suppressor = tenant_suppressor,
                                   .ctx = d};
    int err = load_rules(d->config, &rules);
    if (err == HY_OK)
        err = hy_intake_start(&s, rules, &d->intake);
    return err == HY_OK ? err : hy_fail(diag, err, "intake cannot begin: %s", hy_err_text(err));
}

int intake_open(struct hy_daemon *d, struct hy_problems *problems, struct hy_diag *diag)
{
    const struct hy_config *c = d->config;
    struct hy_receive_listener all[HY_RECEIVE_LISTENERS_MAX];
    struct hy_receive_policy *policy = NULL;
    int err = start(d, diag);
    if (err == HY_OK && intake_policy(d, c, problems, &policy) != HY_OK)
        err = hy_fail(diag, HY_EINVAL, "the configuration cannot be used: %s",
                      problems->n ? problems->items[problems->n - 1].text : "intake");
    if (err != HY_OK || !policy)
        return err;
    for (size_t i = 0; i < c->intake.listen.n; i++)
        all[i] = (struct hy_receive_listener){c->intake.listen.items[i], false};
    err = hy_receive_open(d->deliver, all, c->intake.listen.n, policy, diag, &d->intake_receive);
    if (err == HY_OK)
        hy_log(HY_LOG_NOTICE, "intake", "mail that comes back is taken at %zu addresses",
               c->intake.listen.n);
    return err;
}

void intake_reload(struct hy_daemon *d, const struct hy_config *c, struct hy_receive_policy *policy)
{
    struct hy_intake_rules rules = {0};
    if (policy && d->intake_receive)
        hy_receive_reload(d->intake_receive, policy);
    else
        hy_receive_policy_unref(policy);
    if (load_rules(c, &rules) == HY_OK)
        hy_intake_set_rules(d->intake, rules);
}

void intake_close(struct hy_daemon *d)
{
    hy_receive_close(d->intake_receive);
    d->intake_receive = NULL;
}

void intake_stop(struct hy_daemon *d)
{
    hy_intake_stop(d->intake);
    d->intake = NULL;
}

static void set(json_t *o, const char *key, const _Atomic uint64_t *n)
{
    ctl_set_count(o, key, atomic_load(n));
}

static uint64_t of_any_kind(const struct hy_intake_counters *c, enum hy_intake_result r)
{
    uint64_t n = 0;
    for (int k = 0; k < HY_INTAKE_KINDS; k++)
        n += atomic_load(&c->mails[r][k]);
    return n;
}

json_t *intake_json(const struct hy_daemon *d)
{
    const struct hy_intake_counters *c = hy_intake_counters_of(d->intake);
    json_t *o = json_object();
    for (int k = HY_BOUNCE_KIND_BOUNCE; k <= HY_BOUNCE_KIND_OTHER; k++)
        set(o, hy_bounce_kind_name((enum hy_bounce_kind)k), &c->mails[HY_INTAKE_NOTED][k]);
    for (int r = HY_INTAKE_NOT_OURS; r < HY_INTAKE_RESULTS; r++)
        ctl_set_count(o, hy_intake_result_name((enum hy_intake_result)r),
                      of_any_kind(c, (enum hy_intake_result)r));
    ctl_set_count(o, "waiting", atomic_load(&c->waiting));
    set(o, "activities", &c->activities);
    set(o, "suppressed", &c->suppressed);
    if (d->intake_receive) {
        const struct hy_receive_counters *r = hy_receive_counters_of(d->intake_receive);
        set(o, "connections", &r->connections);
        set(o, "connections_now", &r->connections_now);
        set(o, "turned_away", &r->turned_away);
    }
    return o;
}
