/* What counts for the TLS to a domain, told to a person: the same questions as for a mail. */
#include <stdlib.h>

#include "feeder.h"
#include "tls_desk.h"

struct order {
    struct hy_msg msg;
    struct feeder *f;
    struct hy_mx *mx;
    hy_tls_report_fn *fn;
    void *ctx;
    char domain[HY_DOMAIN_MAX + 1];
};

static void finish(struct order *o, const struct hy_tls_report *r)
{
    o->fn(o->ctx, r);
    hy_mx_unref(o->mx);
    free(o);
}

static const char *text_of(struct hy_str s)
{
    return s.p ? s.p : "";
}

static size_t fill_hosts(const struct hy_mx *mx, const struct tls_site *site,
                         struct hy_tls_host_report *hosts)
{
    for (size_t i = 0; i < mx->n_hosts; i++) {
        const struct tls_host *h = tls_site_host(site, mx->hosts[i].name);
        hosts[i] = (struct hy_tls_host_report){
            .name = mx->hosts[i].name.p,
            .preference = mx->hosts[i].preference,
            .demand = tls_demand_name(h ? h->demand : TLS_DEMAND_NONE),
            .is_secure = mx->hosts[i].is_secure,
            .is_unnamed = h && h->is_unnamed,
            .base = h ? text_of(h->base) : "",
            .tlsa = h ? h->tlsa : NULL,
            .n_tlsa = h ? h->n_tlsa : 0,
        };
    }
    return mx->n_hosts;
}

static void tell(struct order *o, const struct tls_site *site)
{
    struct hy_tls_host_report hosts[HY_MX_HOSTS_MAX];
    const struct hy_mx *mx = o->mx;
    const struct hy_shape_rule *rule = NULL;
    const struct hy_shape_limits *limits = feeder_limits(o->f, mx, &rule);
    struct hy_tls_report r = {
        .domain = o->domain,
        .status = mx->status,
        .text = text_of(mx->text),
        .is_secure = mx->is_secure,
        .is_implicit = mx->implicit,
        .rule = rule ? rule->name : "",
        .rule_file = rule ? rule->file : "",
        .rule_line = rule ? rule->line : 0,
        .tls = limits->tls,
        .use_mta_sts = limits->use_mta_sts,
        .use_dane = limits->use_dane,
        .hosts = hosts,
        .sts_mode = "",
        .sts_id = "",
        .sts_text = "",
        .sts_fault = "",
        .sts_fault_text = "",
    };
    r.has_dane = tls_desk_has_dane(o->f->desk, &r.dane_why);
    r.n_hosts = fill_hosts(mx, site, hosts);
    if (site && site->has_sts) {
        r.has_sts = true;
        r.sts_mode = hy_sts_mode_name(site->sts_mode);
        r.sts_id = text_of(site->sts_id);
        r.sts_text = text_of(site->sts_text);
        r.sts_expires = site->sts_expires;
    }
    if (site && site->sts_fault != HY_TLSRPT_SUCCESS) {
        r.sts_fault = hy_tlsrpt_result_name(site->sts_fault);
        r.sts_fault_text = text_of(site->sts_fault_text);
    }
    finish(o, &r);
}

static void on_tls(void *ctx, int err, struct tls_site *site)
{
    struct order *o = ctx;
    if (err == HY_OK)
        tell(o, site);
    else
        finish(o, NULL);
    tls_site_unref(site);
}

static void on_mx(void *ctx, struct hy_mx *mx)
{
    struct order *o = ctx;
    o->mx = mx;
    if (!mx)
        finish(o, NULL);
    else if (mx->status != HY_MX_OK)
        tell(o, NULL);
    else
        tls_desk_ask(o->f->desk, mx, feeder_limits(o->f, mx, NULL), on_tls, o);
}

void tls_report_answer(struct feeder *f, struct hy_msg *m)
{
    struct order *o = hy_container_of(m, struct order, msg);
    o->f = f;
    if (!f->desk || hy_resolver_mx(f->resolver, hy_str_of(o->domain), on_mx, o) != HY_OK)
        finish(o, NULL);
}

void tls_report_drop(struct hy_msg *m)
{
    finish(hy_container_of(m, struct order, msg), NULL);
}

int hy_deliver_tls_report(struct hy_deliver *d, struct hy_str domain, hy_tls_report_fn *fn,
                          void *ctx)
{
    if (domain.n == 0 || domain.n > HY_DOMAIN_MAX)
        return HY_EINVAL;
    struct order *o = calloc(1, sizeof *o);
    if (!o)
        return HY_ENOMEM;
    o->msg.kind = MSG_TLS_REPORT;
    o->fn = fn;
    o->ctx = ctx;
    for (size_t i = 0; i < domain.n; i++)
        o->domain[i] = hy_ascii_lower(domain.p[i]);
    int err = hy_mailbox_post_answer(feeder_mailbox(d->feeder), &o->msg);
    if (err != HY_OK)
        free(o);
    return err;
}
