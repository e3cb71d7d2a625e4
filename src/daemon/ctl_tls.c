/* tls.policy, tls.report, tls.send: what counts for the TLS to a domain, what came of it on a day,
 * and telling the domain. */
#include "ctl_common.h"

#include <time.h>

#include "hayauma/base/codec.h"
#include "hayauma/mail/address.h"
#include "tls_report.h"
#include "tls_sender.h"

/* ---- tls.policy ---- */

static json_t *hosts_json(const struct hy_tls_report *r)
{
    json_t *list = json_array();
    for (size_t i = 0; i < r->n_hosts; i++) {
        const struct hy_tls_host_report *h = &r->hosts[i];
        json_t *o = json_object(), *tlsa = json_array();
        json_object_set_new(o, "name", json_string(h->name));
        ctl_set_count(o, "preference", h->preference);
        json_object_set_new(o, "demand", json_string(h->demand));
        json_object_set_new(o, "dnssec", json_boolean(h->is_secure));
        json_object_set_new(o, "in_mta_sts", json_boolean(!h->is_unnamed));
        for (size_t k = 0; k < h->n_tlsa; k++) {
            const struct hy_tlsa *t = &h->tlsa[k];
            char text[16 + 2 * 64 + 8];
            size_t shown = t->data.n < 64 ? t->data.n : 64;
            int n = snprintf(text, sizeof text, "%u %u %u ", t->usage, t->selector, t->matching);
            n += (int)hy_hex_encode(t->data.p, shown, text + n);
            snprintf(text + n, sizeof text - (size_t)n, "%s", shown < t->data.n ? "..." : "");
            json_array_append_new(tlsa, json_string(text));
        }
        json_object_set_new(o, "tlsa_name", json_string(h->base));
        json_object_set_new(o, "tlsa", tlsa);
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *sts_json(const struct hy_tls_report *r)
{
    char time[32];
    json_t *o = json_object(), *lines = json_array();
    struct hy_str rest = hy_str_of(r->sts_text), line;
    while (r->has_sts && hy_str_split(&rest, '\n', &line)) {
        struct hy_str field = hy_str_trim(line);
        json_t *text = field.n ? json_stringn(field.p, field.n) : NULL;
        if (text)
            json_array_append_new(lines, text);
    }
    json_object_set_new(o, "mode", json_string(r->has_sts ? r->sts_mode : ""));
    json_object_set_new(o, "id", json_string(r->sts_id));
    json_object_set_new(o, "policy", lines);
    json_object_set_new(
        o, "expires", r->has_sts ? json_string(hy_wall_format(r->sts_expires, time)) : json_null());
    json_object_set_new(o, "fault", json_string(r->sts_fault));
    json_t *text = json_string(r->sts_fault_text);
    json_object_set_new(o, "fault_text", text ? text : json_string("?"));
    return o;
}

static void on_report(void *ctx, const struct hy_tls_report *r)
{
    static const char *const tls[] = {"never", "opportunistic", "required", "verified"};
    struct hy_control_call *call = ctx;
    char place[512] = "";
    if (!r) {
        hy_control_fail(call, HY_EBUSY, "it cannot be found out now", "try again in a moment");
        return;
    }
    if (r->rule_line)
        snprintf(place, sizeof place, "%.400s:%u", r->rule_file, r->rule_line);
    json_t *o = json_object();
    json_object_set_new(o, "domain", json_string(r->domain));
    json_object_set_new(o, "status", json_string(hy_mx_status_name(r->status)));
    json_object_set_new(o, "text", json_string(r->text));
    json_object_set_new(o, "dnssec", json_boolean(r->is_secure));
    json_object_set_new(o, "rule", json_string(r->rule));
    json_object_set_new(o, "rule_at", json_string(place));
    json_object_set_new(o, "tls", json_string(tls[r->tls & 3]));
    json_object_set_new(o, "use_mta_sts", json_boolean(r->use_mta_sts));
    json_object_set_new(o, "use_dane", json_boolean(r->use_dane));
    json_object_set_new(o, "dane", json_boolean(r->has_dane));
    json_object_set_new(o, "dane_off", json_string(r->has_dane ? "" : r->dane_why));
    json_object_set_new(o, "mta_sts", sts_json(r));
    json_object_set_new(o, "hosts", hosts_json(r));
    hy_control_finish(call, o);
}

/* The domain in the argument: A-labels, in small letters. */
static int domain_arg(struct hy_control_call *call, char out[HY_DOMAIN_MAX + 1],
                      struct hy_diag *diag)
{
    const char *text;
    int err = hy_control_arg_string_required(hy_control_args(call), "domain", diag, &text);
    if (err != HY_OK)
        return err;
    size_t n = strlen(text);
    if (n == 0 || n > HY_DOMAIN_MAX || !hy_str_is_ascii(hy_str_of(text)))
        return hy_fail(diag, HY_EINVAL, "'%.100s' is no domain in ASCII letters", text);
    for (size_t i = 0; i <= n; i++)
        out[i] = hy_ascii_lower(text[i]);
    return HY_OK;
}

static void policy(struct hy_control_call *call, void *ctx)
{
    struct hy_daemon *d = ctx;
    struct hy_diag diag = {""};
    char domain[HY_DOMAIN_MAX + 1];
    int err = domain_arg(call, domain, &diag);
    if (err == HY_OK)
        err = hy_deliver_tls_report(d->deliver, hy_str_of(domain), on_report, call);
    if (err != HY_OK)
        hy_control_fail_diag(call, err, &diag);
}

/* ---- tls.report ---- */

/* "2026-11-21", UTC; "" = `back` days ago. */
static int day_arg(struct hy_control_call *call, uint32_t back, uint32_t *ret, struct hy_diag *diag)
{
    const char *text = "";
    struct tm tm = {0};
    int err = hy_control_arg_string(hy_control_args(call), "date", "", diag, &text);
    if (err != HY_OK)
        return err;
    if (!text[0]) {
        *ret = (uint32_t)(hy_clock_wall_ms() / 86400000) - back;
        return HY_OK;
    }
    const char *end = strptime(text, "%Y-%m-%d", &tm);
    time_t t = end && !*end ? timegm(&tm) : -1;
    if (t < 0)
        return hy_fail(diag, HY_EINVAL, "'%.40s' is no date like 2026-11-21", text);
    *ret = (uint32_t)(t / 86400);
    return HY_OK;
}

static void report(struct hy_control_call *call, void *ctx)
{
    struct hy_daemon *d = ctx;
    struct hy_diag diag = {""};
    struct hy_txn t = {0};
    char domain[HY_DOMAIN_MAX + 1];
    uint32_t day = 0;
    json_t *o = NULL;
    int err = domain_arg(call, domain, &diag);
    if (err == HY_OK)
        err = day_arg(call, 0, &day, &diag);
    if (err == HY_OK)
        err = hy_txn_read(d->env, &t);
    if (err == HY_OK)
        err = tls_report_make(&t, d->config, day, hy_str_of(domain), &o);
    hy_txn_end(&t);
    if (err == HY_ENOTFOUND)
        hy_fail(&diag, err, "no session to %s was counted on that day (UTC)", domain);
    if (err == HY_OK)
        hy_control_finish(call, o);
    else
        hy_control_fail_diag(call, err, &diag);
}

/* ---- tls.send ---- */

static void on_sent(void *ctx, const struct tls_post_report *r)
{
    struct hy_control_call *call = ctx;
    json_t *o = json_object(), *targets = json_array();
    if (r->err != HY_OK && r->err != HY_ENOTFOUND) {
        hy_control_fail(call, r->err, r->text, NULL);
        json_decref(o);
        json_decref(targets);
        return;
    }
    for (size_t i = 0; i < r->n; i++) {
        const struct tls_post_target *t = &r->targets[i];
        json_t *text = json_string(t->text);
        json_array_append_new(targets,
                              json_pack("{s:s,s:s,s:s,s:o}", "way", t->is_https ? "https" : "mail",
                                        "to", t->uri, "result", tls_post_result_name(t->result),
                                        "text", text ? text : json_string("?")));
    }
    json_object_set_new(o, "domain", json_string(r->domain));
    json_object_set_new(o, "text", json_string(r->text));
    json_object_set_new(o, "targets", targets);
    ctl_set_count(o, "bytes", r->bytes);
    ctl_set_count(o, "packed_bytes", r->packed_bytes);
    hy_control_finish(call, o);
}

static void send_report(struct hy_control_call *call, void *ctx)
{
    struct hy_daemon *d = ctx;
    struct hy_diag diag = {""};
    char domain[HY_DOMAIN_MAX + 1];
    struct tls_post_order order = {.fn = on_sent, .ctx = call};
    int err = domain_arg(call, domain, &diag);
    if (err == HY_OK)
        err = day_arg(call, 1, &order.day, &diag);
    if (err == HY_OK)
        err = hy_control_arg_bool(hy_control_args(call), "dry_run", false, &diag, &order.is_dry);
    order.domain = hy_str_of(domain);
    if (err == HY_OK)
        err = tls_sender_order(d->tls_sender, &order, &diag);
    if (err != HY_OK)
        hy_control_fail_diag(call, err, &diag);
}

const struct hy_control_command ctl_tls_commands[] = {
    {"tls.policy", 0, 0, policy},
    {"tls.report", 0, 0, report},
    {"tls.send", 0, 0, send_report},
    {NULL, 0, 0, NULL},
};
