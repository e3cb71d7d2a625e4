/* explain: the life of every message to an address, or of one message by its Message-ID. It looks
 * into every campaign, so on a thread of its own. */
#include "ctl_explain_back.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "hayauma/bounce/reason.h"
#include "hayauma/mail/address.h"
#include "hayauma/store/lead.h"
#include "hayauma/store/queue.h"
#include "hayauma/store/spool.h"
#include "hayauma/web/suppress_json.h"

enum { ATTEMPTS_SHOWN = 1000, CAMPAIGNS_SHOWN = 1000 };

static json_t *time_json(hy_wall_ms t)
{
    char text[32];
    return t ? json_string(hy_wall_format(t, text)) : json_null();
}

static const char *ip_text(const uint8_t ip[16], char out[INET6_ADDRSTRLEN])
{
    static const uint8_t none[16], mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (!memcmp(ip, none, 16))
        return "";
    if (!memcmp(ip, mapped, 12))
        return inet_ntop(AF_INET, ip + 12, out, INET6_ADDRSTRLEN);
    return inet_ntop(AF_INET6, ip, out, INET6_ADDRSTRLEN);
}

static json_t *attempt_json(const struct hy_attempt *a)
{
    char code[16], ip[INET6_ADDRSTRLEN];
    json_t *o = json_object();
    json_object_set_new(o, "at", time_json(hy_id_time(a->id)));
    json_object_set_new(o, "attempt", json_integer(a->ref.attempts + (a->started ? 1 : 0)));
    json_object_set_new(o, "outcome", json_string(hy_outcome_kind_name(a->outcome.kind)));
    json_object_set_new(o, "state", json_string(hy_rcpt_state_name(a->state)));
    json_object_set_new(o, "phase", json_string(hy_phase_name(a->outcome.phase)));
    json_object_set_new(o, "spoils", json_string(hy_spoils_name(a->outcome.spoils)));
    json_object_set_new(o, "code", json_integer(a->outcome.code));
    json_object_set_new(o, "enhanced", json_string(hy_enhanced_format(a->outcome.enhanced, code)));
    json_object_set_new(
        o, "reason",
        json_string(a->outcome.reason ? hy_bounce_reason_name(a->outcome.reason) : ""));
    json_object_set_new(o, "text", ctl_text_json(a->outcome.text));
    json_object_set_new(o, "from_server", json_boolean(a->outcome.from_server));
    json_object_set_new(o, "in_doubt", json_boolean(a->outcome.in_doubt));
    json_object_set_new(o, "mx_host", ctl_text_json(a->mx_host));
    json_object_set_new(o, "mx_ip", json_string(ip_text(a->mx_ip, ip)));
    json_object_set_new(o, "source", ctl_text_json(a->source));
    json_object_set_new(o, "tls",
                        json_string(a->tls_version == 0x0304   ? "TLSv1.3"
                                    : a->tls_version == 0x0303 ? "TLSv1.2"
                                    : a->tls_version           ? "TLS"
                                                               : ""));
    json_object_set_new(o, "tls_cipher", ctl_text_json(a->tls_cipher));
    json_object_set_new(o, "tls_policy", json_string(hy_attempt_policy_name(a->tls_policy)));
    json_object_set_new(o, "tls_check", json_string(hy_attempt_check_name(a->tls_check)));
    json_object_set_new(o, "tls_name", ctl_text_json(a->tls_name));
    json_object_set_new(o, "duration_ms", json_integer(a->duration_ms));
    json_object_set_new(o, "size_bytes", json_integer(a->size_bytes));
    if (a->state == HY_RCPT_DEFERRED)
        json_object_set_new(o, "due", time_json((hy_wall_ms)a->due_s * 1000));
    return o;
}

/* The chain of attempts, oldest first. */
static json_t *attempts_json(struct hy_txn *t, hy_id last)
{
    json_t *list = json_array();
    struct hy_attempt a;
    for (int n = 0; last && n < ATTEMPTS_SHOWN && hy_attempt_get(t, last, &a) == HY_OK; n++) {
        json_array_insert_new(list, 0, attempt_json(&a));
        last = a.previous;
    }
    return list;
}

/* What happens next, in words. */
static const char *next_step(enum hy_rcpt_state row, enum hy_campaign_state campaign,
                             const json_t *waits)
{
    const char *what = json_string_value(json_object_get(waits, "for"));
    if (hy_rcpt_is_final(row))
        return "final, nothing more will be sent";
    if (campaign == HY_CAMPAIGN_PAUSED)
        return "waits until the campaign is resumed";
    if (campaign == HY_CAMPAIGN_CANCELLED)
        return "will be marked as cancelled";
    if (row == HY_RCPT_HELD)
        return "waits for a decision: it may have been delivered before a crash";
    if (row == HY_RCPT_DEFERRED)
        return "is tried again when due";
    return what && strcmp(what, "hours") == 0 ? "waits for the hours of the campaign"
                                              : "waits for its turn";
}

/* What a campaign's message and a ready one have in common; takes `waits` over. */
static json_t *row_json(struct hy_txn *t, const struct hy_queue_row *row,
                        enum hy_campaign_state campaign, json_t *waits)
{
    json_t *o = json_object();
    json_object_set_new(o, "state", json_string(hy_rcpt_state_name(row->state)));
    json_object_set_new(o, "attempts_made", json_integer(row->ref.attempts));
    json_object_set_new(o, "next", json_string(next_step(row->state, campaign, waits)));
    json_object_set_new(o, "waits", waits);
    json_object_set_new(o, "due",
                        row->state == HY_RCPT_DEFERRED ? time_json((hy_wall_ms)row->due_s * 1000)
                                                       : json_null());
    json_object_set_new(o, "attempts", attempts_json(t, row->last_attempt));
    return o;
}

static void set_tenant(struct hy_daemon *d, json_t *o, uint32_t number)
{
    char name[HY_TENANT_NAME_MAX + 1];
    tenant_name(d, number, name);
    json_object_set_new(o, "tenant", json_string(name));
}

static json_t *message_json(struct hy_daemon *d, struct hy_txn *t, const struct hy_campaign *c,
                            const struct hy_queue_row *row)
{
    char id[HY_ID_TEXT_MAX];
    json_t *o = row_json(t, row, c->state,
                         hy_rcpt_is_final(row->state) ? json_null() : ctl_waits_json(d, c));
    json_object_set_new(o, "campaign", json_string(hy_id_format(c->id, id)));
    json_object_set_new(o, "name", ctl_text_json(c->name));
    json_object_set_new(o, "campaign_state", json_string(hy_campaign_state_name(c->state)));
    json_object_set_new(o, "queued", time_json(c->started));
    set_tenant(d, o, c->tenant);
    return o;
}

static json_t *lead_json(struct hy_txn *t, const struct hy_lead_view *lead)
{
    json_t *o = json_object(), *attrs = json_object();
    json_object_set_new(o, "no", json_integer(lead->no));
    json_object_set_new(o, "address", ctl_text_json(lead->address));
    json_object_set_new(o, "status",
                        json_string(hy_lead_status_name(hy_suppress_lead_status(t, lead))));
    for (size_t i = 0; i < lead->n_attrs; i++) {
        struct hy_str name;
        if (hy_attr_name(t, lead->attrs[i].no, &name) == HY_OK)
            json_object_setn_new(attrs, name.p, name.n, ctl_text_json(lead->attrs[i].value));
    }
    json_object_set_new(o, "attributes", attrs);
    return o;
}

/* Whose mail waits: the domain that its lanes are asked for. */
struct waiting {
    bool is_any;
    char domain[HY_DOMAIN_MAX + 1];
};

static void note_waiting(struct waiting *w, enum hy_rcpt_state state, struct hy_str domain)
{
    if (hy_rcpt_is_final(state) || w->is_any || domain.n > HY_DOMAIN_MAX)
        return;
    w->is_any = true;
    snprintf(w->domain, sizeof w->domain, "%.*s", HY_STR_ARG(domain));
}

struct look {
    struct hy_daemon *d;
    struct hy_control_call *call;
    struct tenant_scope scope;
    struct hy_txn txn;
    json_t *messages;
    struct waiting waiting;
    unsigned n_spooled;
};

/* Every message to this lead, the last CAMPAIGNS_SHOWN of them, or only that of `only` (0 = all).
 * Of the lead itself nothing is told to a tenant that has not written to it. */
static int explain_lead(struct look *l, hy_lead_no no, hy_id only, json_t *o, struct hy_diag *diag)
{
    struct hy_str domain;
    struct hy_lead_attr attrs[HY_ATTR_MAX];
    struct hy_lead_view lead;
    struct hy_campaign c;
    bool is_known = !l->scope.is_one;
    int err = hy_lead_read(&l->txn, no, attrs, HY_ATTR_MAX, &lead);
    if (err != HY_OK)
        return hy_fail(diag, err, "the lead cannot be read: %s", hy_err_text(err));
    hy_id after = only ? only - 1 : 0;
    size_t first = json_array_size(l->messages);
    while (hy_campaign_next(&l->txn, after, &c) == HY_OK) {
        if (only && c.id != only)
            break;
        after = c.id;
        struct hy_queue_row row;
        if (!tenant_scope_has(&l->scope, c.tenant) ||
            hy_queue_find(&l->txn, c.id, lead.domain_no, no, &row) != HY_OK)
            continue;
        is_known = true;
        json_array_append_new(l->messages, message_json(l->d, &l->txn, &c, &row));
        if (json_array_size(l->messages) - first > CAMPAIGNS_SHOWN)
            json_array_remove(l->messages, first);
        if (hy_domain_name(&l->txn, lead.domain_no, &domain) == HY_OK)
            note_waiting(&l->waiting, row.state, domain);
    }
    if (is_known) {
        const struct hy_activity_who who = {.by = HY_ACTIVITY_BY_LEAD, .lead = no};
        json_object_set_new(o, "lead", lead_json(&l->txn, &lead));
        json_object_set_new(o, "noted", ctl_noted_json(&l->txn, &who, &l->scope, HY_STR("")));
    }
    return is_known || json_array_size(l->messages)
               ? HY_OK
               : hy_fail(diag, HY_ENOTFOUND, "the tenant has no message to this address");
}

/* ---- ready messages ---- */

enum { SPOOL_SHOWN = 1000 };

static int show_spooled(void *ctx, const struct hy_spool_view *v)
{
    struct look *l = ctx;
    char id[HY_ID_TEXT_MAX];
    enum hy_campaign_state state = HY_CAMPAIGN_RUNNING;
    if (!tenant_scope_has(&l->scope, v->message.tenant))
        return HY_OK;
    if (l->n_spooled++ == SPOOL_SHOWN)
        return HY_ELIMIT;
    int err = hy_spool_state(&l->txn, v->message.spool, &state);
    if (err != HY_OK)
        return err;
    json_t *o = row_json(&l->txn, &v->row, state, json_null());
    json_object_set_new(o, "campaign", json_null());
    json_object_set_new(o, "message", json_string(hy_id_format(v->message.id, id)));
    json_object_set_new(o, "message_id", ctl_text_json(v->message.message_id));
    json_object_set_new(o, "recipient", ctl_text_json(v->rcpt.address));
    json_object_set_new(o, "sender", ctl_text_json(v->message.sender));
    json_object_set_new(o, "from_domain", ctl_text_json(v->message.from_domain));
    json_object_set_new(o, "who", ctl_text_json(v->message.who));
    set_tenant(l->d, o, v->message.tenant);
    json_object_set_new(o, "size_bytes", json_integer((json_int_t)v->message.content_bytes));
    json_object_set_new(o, "queued", time_json(v->message.received));
    const struct hy_activity_who who = {.by = HY_ACTIVITY_BY_MESSAGE, .message = v->message.id};
    json_object_set_new(o, "noted", ctl_noted_json(&l->txn, &who, &l->scope, v->rcpt.address));
    json_array_append_new(l->messages, o);
    struct hy_str domain;
    if (hy_domain_name(&l->txn, v->row.ref.domain, &domain) == HY_OK)
        note_waiting(&l->waiting, v->row.state, domain);
    return HY_OK;
}

/* Ready messages: by their id, by Message-ID or by address. */
static int explain_spool(struct look *l, struct hy_str what)
{
    static const struct hy_address_rules rules = {.allow_literal = true, .allow_single = true};
    struct hy_address a;
    enum hy_address_reason reason;
    hy_id id;
    what = hy_str_trim(what);
    int err = HY_OK;
    if (hy_id_parse(what, &id) == HY_OK)
        err = hy_spool_each_of_message(&l->txn, id, show_spooled, l);
    else if (hy_str_starts(what, HY_STR("<")))
        err = hy_spool_find_message_id(&l->txn, what, show_spooled, l);
    else if (hy_address_parse(what, &rules, &a, &reason) == HY_OK)
        err = hy_spool_find_address(&l->txn, hy_address_wire(&a), show_spooled, l);
    return err == HY_ELIMIT || err == HY_ENOTFOUND ? HY_OK : err;
}

/* The token of a Message-ID "<TOKEN@host>", with or without its brackets, or of a return path
 * "PREFIX+TOKEN@domain". */
static bool read_message_id(const struct hy_daemon *d, struct hy_str what, struct hy_token *ret)
{
    what = hy_str_trim(what);
    if (what.n && what.p[0] == '<')
        what = hy_str_slice(what, 1, what.n);
    size_t at = hy_str_find(what, '@', 0);
    if (at != SIZE_MAX)
        what = hy_str_slice(what, 0, at);
    size_t plus = hy_str_find(what, '+', 0); /* no token has one */
    if (plus != SIZE_MAX)
        what = hy_str_slice(what, plus + 1, what.n);
    return hy_token_read(&d->tokens, HY_TOKEN_MESSAGE, what, ret) == HY_OK ||
           hy_token_read(&d->tokens, HY_TOKEN_RETURN, what, ret) == HY_OK;
}

/* ---- suppressions ---- */

struct suppressing {
    struct hy_suppress_names names;
    struct look *l;
    json_t *list;
};

/* One tenant sees what keeps its own mail back, and nothing of others. */
static bool is_seen_by(const struct tenant_scope *scope, const struct hy_suppress_entry *e)
{
    return e->key.scope != HY_SUPPRESS_ALL && e->key.tenant == scope->number;
}

static int show_suppression(void *ctx, const struct hy_suppress_entry *e)
{
    struct suppressing *s = ctx;
    if (!s->l->scope.is_one || is_seen_by(&s->l->scope, e))
        json_array_append_new(s->list, hy_suppress_entry_json(&s->names, &s->l->txn, e));
    return 0;
}

/* What stands on the list for an address, or for its domain. */
static int explain_suppressed(struct look *l, struct hy_str what, json_t *list)
{
    struct hy_daemon *d = l->d;
    struct hy_txn *t = &l->txn;
    struct suppressing s = {.l = l, .list = list};
    struct hy_suppress_id id;
    char room[HY_SUPPRESS_WHAT_MAX];
    int err = HY_OK;
    if (hy_suppress_what_parse(what, room, NULL) != HY_OK ||
        hy_suppress_id_of(d->env, hy_str_of(room), &id) != HY_OK)
        return HY_OK;
    struct hy_config *config = daemon_config(d);
    s.names.tenants = &config->tenants;
    err = hy_suppress_each(t, id, show_suppression, &s);
    const char *domain = strrchr(room, '@');
    if (err == HY_OK && domain != room &&
        hy_suppress_id_of(d->env, hy_str_of(domain), &id) == HY_OK)
        err = hy_suppress_each(t, id, show_suppression, &s);
    hy_config_unref(config);
    return err;
}

static void look_main(void *arg)
{
    struct look *l = arg;
    struct hy_daemon *d = l->d;
    struct hy_control_call *call = l->call;
    struct hy_diag diag = {""};
    struct hy_token token;
    const char *what = "";
    json_t *o = json_object();
    l->messages = json_array();
    json_t *suppressions = json_array();
    json_object_set_new(o, "messages", l->messages);
    json_object_set_new(o, "suppressions", suppressions);
    int err = tenant_scope_arg(d, hy_control_args(call), &diag, &l->scope);
    if (err == HY_OK)
        err = hy_control_arg_string_required(hy_control_args(call), "what", &diag, &what);
    if (err == HY_OK)
        err = hy_txn_read(d->env, &l->txn);
    if (err == HY_OK && read_message_id(d, hy_str_of(what), &token)) {
        err = explain_lead(l, token.lead, token.campaign, o, &diag);
        const char *address =
            json_string_value(json_object_get(json_object_get(o, "lead"), "address"));
        if (err == HY_OK && address)
            err = explain_suppressed(l, hy_str_of(address), suppressions);
    } else if (err == HY_OK) {
        hy_lead_no no;
        err = explain_spool(l, hy_str_of(what));
        if (err == HY_OK)
            err = explain_suppressed(l, hy_str_of(what), suppressions);
        int found = err == HY_OK ? hy_lead_find(&l->txn, hy_str_of(what), &no) : err;
        if (found == HY_OK)
            err = explain_lead(l, no, 0, o, &diag);
        else if (err == HY_OK && json_array_size(l->messages) + json_array_size(suppressions) == 0)
            err = found == HY_ENOTFOUND
                      ? hy_fail(&diag, found, "no lead and no message has the address '%s'", what)
                      : hy_fail(&diag, HY_ENOTFOUND,
                                "no message is known as '%s': give an address, a Message-ID with "
                                "its brackets, or the id that the message got here",
                                what);
    }
    hy_txn_end(&l->txn);
    struct waiting waiting = l->waiting;
    waiting.is_any &= !l->scope.is_one; /* replies of a lane are about anybody's mail */
    free(l);
    if (err == HY_OK) {
        if (waiting.is_any)
            json_object_set_new(o, "lanes", ctl_lanes_of(d, waiting.domain));
        hy_control_finish(call, o);
    } else {
        json_decref(o);
        hy_control_fail_diag(call, err, &diag);
    }
}

static void explain(struct hy_control_call *call, void *ctx)
{
    struct look *l = calloc(1, sizeof *l);
    if (!l) {
        hy_control_fail(call, HY_ENOMEM, "out of memory", NULL);
        return;
    }
    l->d = ctx;
    l->call = call;
    if (!ctl_job_start(ctx, call, CTL_JOB_LOOK, look_main, l))
        free(l);
}

const struct hy_control_command ctl_explain_commands[] = {
    {"explain", 0, 0, explain},
    {NULL, 0, 0, NULL},
};
