/* TLS of a session: what is demanded of it, what came of it, and counting that for reports.
 *
 * The rule's own level is the floor. DANE goes before MTA-STS (RFC 8461 section 2); neither counts
 * where the rule says never, since then nothing was asked of the domain. */
#include <stdio.h>

#include "hayauma/base/codec.h"
#include "lane.h"

void session_tls_init(struct session *s)
{
    struct lane *l = s->lane;
    s->tls = tls_site_ref(l->tls);
    if (s->smtp.tls < (enum hy_smtp_tls)s->from->tls)
        s->smtp.tls = (enum hy_smtp_tls)s->from->tls;
    if (s->tls && s->tls->print && s->smtp.tls != HY_SMTP_TLS_NEVER)
        s->demand = tls_site_host(s->tls, hy_str_of(s->host));
    enum tls_demand demand = s->demand ? s->demand->demand : TLS_DEMAND_NONE;
    if (demand == TLS_DEMAND_DANE || demand == TLS_DEMAND_STS)
        s->smtp.tls = HY_SMTP_TLS_VERIFIED;
    else if (demand == TLS_DEMAND_DANE_ANY && s->smtp.tls < HY_SMTP_TLS_REQUIRED)
        s->smtp.tls = HY_SMTP_TLS_REQUIRED;
}

static enum tls_demand demand_of(const struct session *s)
{
    return s->demand ? s->demand->demand : TLS_DEMAND_NONE;
}

void session_tls_start(struct session *s)
{
    struct worker *w = s->lane->worker;
    struct hy_conn_tls o = {.tls = w->d->tls,
                            .cache = w->tls_cache,
                            .cache_key = hy_str_of(s->host),
                            .server_name = s->host,
                            .self = s->from->tls_self,
                            .least = s->from->tls_version};
    if (demand_of(s) == TLS_DEMAND_DANE) {
        o.check = HY_TLS_CHECK_DANE;
        o.server_name = s->demand->base.p;
        o.other_name = s->tls->domain.p;
        o.tlsa = s->demand->tlsa;
        o.n_tlsa = s->demand->n_tlsa;
    } else if (s->smtp.tls == HY_SMTP_TLS_VERIFIED) {
        o.check = HY_TLS_CHECK_NAME;
    } else if (demand_of(s) == TLS_DEMAND_STS_TESTING) {
        o.check = HY_TLS_CHECK_WATCH;
    }
    atomic_fetch_add_explicit(&w->d->counters.tls_handshakes, 1, memory_order_relaxed);
    if (hy_conn_start_tls(s->conn, &o) != HY_OK)
        hy_smtp_client_tls_done(&s->client, HY_SMTP_TLS_FAILED, hy_loop_now(w->loop));
}

static enum hy_attempt_check check_of(enum hy_tls_fault fault)
{
    static const enum hy_attempt_check checks[] = {
        [HY_TLS_FAULT_NONE] = HY_ATTEMPT_CHECK_GOOD,
        [HY_TLS_FAULT_HOST] = HY_ATTEMPT_CHECK_HOST,
        [HY_TLS_FAULT_EXPIRED] = HY_ATTEMPT_CHECK_EXPIRED,
        [HY_TLS_FAULT_UNTRUSTED] = HY_ATTEMPT_CHECK_UNTRUSTED,
        [HY_TLS_FAULT_DANE] = HY_ATTEMPT_CHECK_DANE,
        [HY_TLS_FAULT_OTHER] = HY_ATTEMPT_CHECK_OTHER,
    };
    return checks[fault];
}

static enum hy_tlsrpt_result result_of(enum hy_tls_fault fault)
{
    static const enum hy_tlsrpt_result results[] = {
        [HY_TLS_FAULT_NONE] = HY_TLSRPT_SUCCESS,
        [HY_TLS_FAULT_HOST] = HY_TLSRPT_CERTIFICATE_HOST_MISMATCH,
        [HY_TLS_FAULT_EXPIRED] = HY_TLSRPT_CERTIFICATE_EXPIRED,
        [HY_TLS_FAULT_UNTRUSTED] = HY_TLSRPT_CERTIFICATE_NOT_TRUSTED,
        [HY_TLS_FAULT_DANE] = HY_TLSRPT_VALIDATION_FAILURE,
        [HY_TLS_FAULT_OTHER] = HY_TLSRPT_VALIDATION_FAILURE,
    };
    return results[fault];
}

static void set_result(struct session *s, enum hy_tlsrpt_result result, const char *reason)
{
    s->tls_result = result;
    session_say(&s->tls_reason, "%.*s", HY_TALLY_TEXT_MAX - 1, reason ? reason : "");
}

void session_tls_note(struct session *s, const struct hy_tls_info *info)
{
    bool is_watched = demand_of(s) == TLS_DEMAND_STS_TESTING;
    if (info->verified)
        s->tls_check = HY_ATTEMPT_CHECK_GOOD;
    else if (info->fault != HY_TLS_FAULT_NONE)
        s->tls_check = check_of(info->fault);
    if (is_watched && s->demand->is_unnamed)
        set_result(s, HY_TLSRPT_VALIDATION_FAILURE, "the MTA-STS policy does not name the MX host");
    else if (is_watched && info->fault != HY_TLS_FAULT_NONE)
        set_result(s, result_of(info->fault), info->fault_text);
}

void session_tls_failed(struct session *s, const struct hy_conn_end *end)
{
    const char *text = end->text ? end->text : "the connection was closed";
    bool is_certificate = end->err == HY_EAUTH && end->fault != HY_TLS_FAULT_NONE;
    set_result(s, is_certificate ? result_of(end->fault) : HY_TLSRPT_VALIDATION_FAILURE, text);
    if (is_certificate)
        s->tls_check = check_of(end->fault);
    session_say(&s->end_text, "%s %.120s: %.80s",
                demand_of(s) == TLS_DEMAND_DANE  ? "DANE does not take the certificate of"
                : demand_of(s) == TLS_DEMAND_STS ? "MTA-STS does not take the certificate of"
                : is_certificate                 ? "the certificate is not that of"
                                                 : "no TLS with",
                s->host, text);
}

void session_tls_stripped(struct session *s)
{
    set_result(s, HY_TLSRPT_STARTTLS_NOT_SUPPORTED, "");
}

/* ---- the log of attempts ---- */

static enum hy_attempt_policy policy_of(const struct session *s)
{
    static const enum hy_attempt_policy by_rule[] = {
        [HY_SMTP_TLS_NEVER] = HY_ATTEMPT_POLICY_NEVER,
        [HY_SMTP_TLS_OPPORTUNISTIC] = HY_ATTEMPT_POLICY_OPPORTUNISTIC,
        [HY_SMTP_TLS_REQUIRED] = HY_ATTEMPT_POLICY_REQUIRED,
        [HY_SMTP_TLS_VERIFIED] = HY_ATTEMPT_POLICY_VERIFIED,
    };
    switch (demand_of(s)) {
    case TLS_DEMAND_DANE:
        return HY_ATTEMPT_POLICY_DANE;
    case TLS_DEMAND_DANE_ANY:
        return HY_ATTEMPT_POLICY_DANE_UNUSABLE;
    case TLS_DEMAND_STS:
        return HY_ATTEMPT_POLICY_STS_ENFORCE;
    case TLS_DEMAND_STS_TESTING:
        return HY_ATTEMPT_POLICY_STS_TESTING;
    default:
        return by_rule[s->smtp.tls];
    }
}

void session_tls_tell(const struct session *s, struct delivery *d, struct hy_attempt *a)
{
    a->tls_policy = policy_of(s);
    a->tls_check = s->tls_check;
    if (s->tls_check == HY_ATTEMPT_CHECK_NONE)
        return;
    a->tls_name = a->mx_host;
    if (demand_of(s) == TLS_DEMAND_DANE) {
        d->tls = tls_site_ref(s->tls);
        a->tls_name = s->demand->base;
    }
}

/* ---- counting ---- */

static enum hy_tlsrpt_policy report_policy(const struct tls_site *site, const struct tls_host *h)
{
    enum tls_demand d = h ? h->demand : TLS_DEMAND_NONE;
    if (d == TLS_DEMAND_DANE || d == TLS_DEMAND_DANE_ANY || d == TLS_DEMAND_BROKEN)
        return HY_TLSRPT_TLSA;
    return site && site->has_sts && site->sts_mode != HY_STS_NONE ? HY_TLSRPT_STS
                                                                  : HY_TLSRPT_NO_POLICY;
}

/* "3 1 1 00ff...", one a line. */
static struct hy_str tlsa_text(const struct tls_host *h, char *out, size_t max)
{
    size_t n = 0;
    for (size_t i = 0; i < h->n_tlsa; i++) {
        const struct hy_tlsa *r = &h->tlsa[i];
        if (n + 16 + 2 * r->data.n > max)
            break;
        n += (size_t)sprintf(out + n, "%s%u %u %u ", n ? "\n" : "", r->usage, r->selector,
                             r->matching);
        n += hy_hex_encode(r->data.p, r->data.n, out + n);
    }
    return hy_str_make(out, n);
}

static struct hy_tally tally_of(const char *domain, enum hy_tlsrpt_policy policy,
                                enum hy_tlsrpt_result result, const char *reason)
{
    return (struct hy_tally){.day = (uint32_t)(hy_clock_wall_ms() / 86400000),
                             .domain = hy_str_of(domain),
                             .policy = policy,
                             .policy_text = HY_STR(""),
                             .result = result,
                             .mx_host = HY_STR(""),
                             .reason = hy_str_of(reason),
                             .count = 1};
}

static void count(struct session *s, const struct feed *f, enum hy_tlsrpt_result result)
{
    char text[HY_TALLY_POLICY_MAX];
    struct worker *w = s->lane->worker;
    const struct tls_site *site = f->tls;
    const struct tls_host *h = tls_site_host(site, hy_str_of(s->host));
    struct hy_tally a = tally_of(f->domain_name, report_policy(site, h), result, "");
    bool has_fault = site && site->sts_fault != HY_TLSRPT_SUCCESS;
    if (a.policy == HY_TLSRPT_NO_POLICY && !has_fault && !w->policy->counts_all_tls &&
        result == HY_TLSRPT_SUCCESS)
        return;
    if (a.policy == HY_TLSRPT_STS)
        a.policy_text = site->sts_text;
    else if (a.policy == HY_TLSRPT_TLSA)
        a.policy_text = tlsa_text(h, text, sizeof text);
    if (result != HY_TLSRPT_SUCCESS) {
        struct hy_sockaddr local = {0};
        if (s->conn && s->from->proxy.kind == HY_PROXY_NONE)
            hy_conn_local(s->conn, &local);
        a.mx_host = hy_str_of(s->host);
        a.reason = hy_str_of(s->tls_reason);
        hy_sockaddr_ip16(&s->addr, a.mx_ip);
        hy_sockaddr_ip16(&local, a.our_ip);
    }
    tls_tallies_add(w->tallies, &a);
    if (has_fault) { /* what could not be had is told beside what was done without it */
        a = tally_of(f->domain_name, HY_TLSRPT_STS, site->sts_fault, site->sts_fault_text.p);
        tls_tallies_add(w->tallies, &a);
    }
}

void session_tls_count(struct session *s, const struct delivery *d)
{
    for (uint32_t i = 0; i < s->n_counted; i++)
        if (s->counted[i] == d->ref.domain)
            return;
    if (s->n_counted == SESSION_DOMAINS_MAX)
        return;
    s->counted[s->n_counted++] = d->ref.domain;
    count(s, d->feed, s->tls_version ? s->tls_result : HY_TLSRPT_STARTTLS_NOT_SUPPORTED);
}

/* One that waits for the lane; NULL: none does any more. */
static const struct feed *waiting_feed(const struct lane *l)
{
    if (!hy_list_empty(&l->ready))
        return hy_container_of(l->ready.next, struct delivery, link)->feed;
    hy_list_for_each (it, &l->shares) {
        const struct lane_share *share = hy_container_of(it, struct lane_share, link);
        if (!hy_list_empty(&share->feeds))
            return hy_container_of(share->feeds.next, struct feed, link);
    }
    return NULL;
}

void session_tls_count_failure(struct session *s)
{
    const struct feed *f = waiting_feed(s->lane);
    if (f)
        count(s, f, s->tls_result);
}

/* ---- no host left ---- */

bool lane_tls_refusal(struct lane *l, struct hy_outcome *why)
{
    const struct tls_site *site = l->tls;
    bool is_broken = false;
    if (!site || !site->print)
        return false;
    for (size_t i = 0; i < site->n_hosts; i++) {
        if (site->hosts[i].demand < TLS_DEMAND_NOT_IN_STS)
            return false;
        is_broken |= site->hosts[i].demand == TLS_DEMAND_BROKEN;
    }
    why->phase = HY_PHASE_POLICY;
    why->enhanced = (struct hy_enhanced){4, 7, is_broken ? 5 : 1};
    why->text = is_broken ? HY_STR("the TLSA records of its mail servers cannot be had, or DNSSEC "
                                   "says that they are forged")
                          : HY_STR("the domain's MTA-STS policy names none of its MX hosts");
    const struct feed *f = waiting_feed(l);
    if (f) {
        struct hy_tally a =
            tally_of(f->domain_name, is_broken ? HY_TLSRPT_TLSA : HY_TLSRPT_STS,
                     is_broken ? HY_TLSRPT_DNSSEC_INVALID : HY_TLSRPT_VALIDATION_FAILURE,
                     is_broken ? "" : "the policy names none of the MX hosts");
        if (!is_broken)
            a.policy_text = site->sts_text;
        tls_tallies_add(l->worker->tallies, &a);
    }
    return true;
}
