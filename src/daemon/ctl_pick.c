/* Reading what a person picks. */
#include "ctl_pick.h"

#include <stdio.h>
#include <stdlib.h>

#include "hayauma/mail/address.h"
#include "hayauma/store/lead.h"
#include "hayauma/store/spool.h"

/* ---- arguments ---- */

static int read_states(const char *text, unsigned *ret, struct hy_diag *diag)
{
    struct hy_str rest = hy_str_of(text), word;
    unsigned states = 0;
    while (hy_str_split(&rest, ',', &word)) {
        int found = -1;
        for (int s = HY_RCPT_FRESH; s <= HY_RCPT_HELD; s++)
            if (hy_str_eq(word, hy_str_of(hy_rcpt_state_name((enum hy_rcpt_state)s))))
                found = s;
        if (found < 0)
            return hy_fail(diag, HY_EINVAL, "'%.40s' is no state: fresh, deferred or held", text);
        states |= 1u << found;
    }
    *ret = states;
    return HY_OK;
}

/* "421", "45x", "4xx" */
static int read_code(const char *text, struct hy_pick *p, struct hy_diag *diag)
{
    unsigned from = 0, to = 0;
    bool open = false, good = strlen(text) == 3 && text[0] >= '2' && text[0] <= '5';
    for (int i = 0; good && i < 3; i++) {
        bool is_x = text[i] == 'x' || text[i] == 'X', is_digit = text[i] >= '0' && text[i] <= '9';
        good = is_x || (is_digit && !open);
        open |= is_x;
        from = from * 10 + (is_x ? 0 : (unsigned)(text[i] - '0'));
        to = to * 10 + (is_x ? 9 : (unsigned)(text[i] - '0'));
    }
    if (!good)
        return hy_fail(diag, HY_EINVAL, "'%.20s' is no reply code: 421, 45x or 4xx", text);
    p->code_from = (uint16_t)from;
    p->code_to = (uint16_t)to;
    return HY_OK;
}

static int read_pattern(const char *text, struct ctl_pick *p, struct hy_diag *diag)
{
    struct hy_diag why = {""};
    if (strlen(text) > HY_REPLY_PATTERN_MAX)
        return hy_fail(diag, HY_EINVAL, "the pattern is longer than %d bytes",
                       HY_REPLY_PATTERN_MAX);
    snprintf(p->pattern_text, sizeof p->pattern_text, "%s", text);
    p->pattern = (struct hy_reply_rule){.pattern = p->pattern_text, .file = ""};
    int err = hy_reply_rules_new(&p->rules);
    if (err == HY_OK)
        err = hy_reply_rules_add(p->rules, &p->pattern, &why);
    p->pick.reply = p->rules;
    return err == HY_OK ? err : hy_fail(diag, err, "'%.100s' %s", text, why.text);
}

static int read_name(const json_t *args, const char *arg, char *out, size_t cap,
                     struct hy_diag *diag)
{
    const char *text = "";
    int err = hy_control_arg_string(args, arg, "", diag, &text);
    if (err != HY_OK)
        return err;
    if (strlen(text) >= cap)
        return hy_fail(diag, HY_EINVAL, "there is no %s '%.60s'", arg, text);
    for (size_t i = 0; i <= strlen(text); i++)
        out[i] = hy_ascii_lower(text[i]);
    return HY_OK;
}

static int is_found(void *ctx, const struct hy_spool_view *v)
{
    (void)ctx;
    (void)v;
    return HY_EEXIST;
}

/* The address as ready messages have it; *ret: whether one has. */
static int find_ready(struct hy_txn *t, struct hy_str address, struct ctl_pick *p, bool *ret)
{
    static const struct hy_address_rules rules = {.allow_literal = true, .allow_single = true};
    struct hy_address a;
    enum hy_address_reason reason;
    *ret = false;
    if (hy_address_parse(hy_str_trim(address), &rules, &a, &reason) != HY_OK)
        return HY_OK;
    struct hy_str wire = hy_address_wire(&a);
    memcpy(p->address, wire.p, wire.n);
    p->pick.address = hy_str_make(p->address, wire.n);
    int err = hy_spool_find_address(t, p->pick.address, is_found, NULL);
    *ret = err == HY_EEXIST;
    return *ret ? HY_OK : err;
}

/* A lead's, or of ready messages, or both. */
static int read_recipient(struct hy_txn *t, const char *address, struct ctl_pick *p,
                          struct hy_diag *diag)
{
    struct hy_lead_attr attrs[HY_ATTR_MAX];
    struct hy_lead_view lead;
    bool is_ready = false;
    int found = hy_lead_find(t, hy_str_of(address), &p->pick.lead);
    int err = found == HY_OK ? hy_lead_read(t, p->pick.lead, attrs, HY_ATTR_MAX, &lead) : HY_OK;
    if (err == HY_OK)
        err = find_ready(t, hy_str_of(address), p, &is_ready);
    if (err != HY_OK)
        return hy_fail(diag, err, "the store cannot be read: %s", hy_err_text(err));
    if (found != HY_OK && !is_ready)
        return hy_fail(diag, found, "no lead and no ready message has the address '%.100s'",
                       address);
    p->lead_domain = found == HY_OK ? lead.domain_no : 0;
    p->no_campaigns |= found != HY_OK;
    p->no_ready |= !is_ready;
    return HY_OK;
}

static int read_domain(struct hy_txn *t, const json_t *args, struct ctl_pick *p,
                       struct hy_diag *diag)
{
    char lower[HY_DOMAIN_MAX + 1];
    int err = read_name(args, "domain", lower, sizeof lower, diag);
    if (err == HY_OK && hy_domain_find(t, hy_str_of(lower), &p->domain) != HY_OK)
        err = hy_fail(diag, HY_ENOTFOUND, "no lead and no ready message is at '%.100s'", lower);
    return err;
}

/* Those that the store knows. */
static int read_stored(struct hy_daemon *d, const json_t *args, struct ctl_pick *p,
                       struct hy_diag *diag)
{
    const char *domain = "", *recipient = "";
    struct hy_txn t = {0};
    int err = hy_control_arg_string(args, "domain", "", diag, &domain);
    if (err == HY_OK)
        err = hy_control_arg_string(args, "recipient", "", diag, &recipient);
    if (err == HY_OK && domain[0] && recipient[0])
        err = hy_fail(diag, HY_EINVAL, "a recipient has but one domain: leave --domain out");
    if (err == HY_OK)
        err = hy_txn_read(d->env, &t);
    if (err == HY_OK && domain[0])
        err = read_domain(&t, args, p, diag);
    if (err == HY_OK && recipient[0])
        err = read_recipient(&t, recipient, p, diag);
    hy_txn_end(&t);
    return err;
}

/* By its name, or by its number: one that the configuration does not have any more. */
static int read_tenant(struct hy_daemon *d, const json_t *args, struct ctl_pick *p,
                       struct hy_diag *diag)
{
    const char *name = NULL;
    uint64_t number = 0;
    int err = hy_control_arg_string(args, "tenant", NULL, diag, &name);
    if (err != HY_OK || !name)
        return err;
    struct hy_config *config = daemon_config(d);
    const struct hy_tenant *t = hy_tenant_by_name(&config->tenants, hy_str_of(name));
    p->tenant = t ? t->number : 0;
    hy_config_unref(config);
    if (!t && hy_str_to_u64(hy_str_of(name), HY_SPOOL_TENANT_MAX, &number) != 0)
        return hy_fail(diag, HY_ENOTFOUND, "there is no tenant '%.60s'", name);
    p->tenant = t ? p->tenant : (uint32_t)number;
    p->has_tenant = true;
    return HY_OK;
}

/* Those that only campaigns have, or only ready messages. */
static int read_kind(struct hy_daemon *d, struct hy_control_call *call, struct ctl_pick *p,
                     struct hy_diag *diag)
{
    const json_t *args = hy_control_args(call);
    const char *sender = NULL, *message = NULL;
    bool is_ready = false;
    int err = hy_control_arg_bool(args, "ready", false, diag, &is_ready);
    if (err == HY_OK)
        err = hy_control_arg_string(args, "sender", NULL, diag, &sender);
    if (err == HY_OK)
        err = hy_control_arg_string(args, "message", NULL, diag, &message);
    if (err == HY_OK && sender && strlen(sender) >= sizeof p->sender)
        err = hy_fail(diag, HY_EINVAL, "'%.60s' is no address of a sender", sender);
    if (err == HY_OK && message && hy_id_parse(hy_str_of(message), &p->pick.message) != HY_OK)
        err = hy_fail(diag, HY_EINVAL, "'%.60s' is no id of a message: 'hayauma explain' tells it",
                      message);
    if (err == HY_OK && sender) {
        snprintf(p->sender, sizeof p->sender, "%s", strcmp(sender, "<>") == 0 ? "" : sender);
        p->pick.sender = p->sender;
    }
    p->no_campaigns = is_ready || sender || message;
    if (err == HY_OK && json_object_get(args, "campaign")) {
        p->no_ready = true;
        err = p->no_campaigns ? hy_fail(diag, HY_EINVAL,
                                        "ready messages are of no campaign: leave out --campaign, "
                                        "or --ready, --sender and --message")
                              : ctl_campaign_arg(d, call, &p->campaign, diag);
    }
    return err;
}

int ctl_pick_read(struct hy_daemon *d, struct hy_control_call *call, struct ctl_pick *ret,
                  struct hy_diag *diag)
{
    enum { CENTURY_S = 100 * 366 * 86400LL };
    const json_t *args = hy_control_args(call);
    const char *states = "", *code = "", *reply = "";
    int64_t older_s = 0;
    *ret = (struct ctl_pick){0};
    ret->pick.states = 1u << HY_RCPT_FRESH | 1u << HY_RCPT_DEFERRED | 1u << HY_RCPT_HELD;
    int err = hy_control_arg_string(args, "state", "", diag, &states);
    if (err == HY_OK && states[0])
        err = read_states(states, &ret->pick.states, diag);
    if (err == HY_OK)
        err = hy_control_arg_string(args, "code", "", diag, &code);
    if (err == HY_OK && code[0])
        err = read_code(code, &ret->pick, diag);
    if (err == HY_OK)
        err = hy_control_arg_string(args, "reply", "", diag, &reply);
    if (err == HY_OK && reply[0])
        err = read_pattern(reply, ret, diag);
    if (err == HY_OK)
        err = hy_control_arg_int(args, "older_s", 0, 0, CENTURY_S, diag, &older_s);
    if (err == HY_OK && older_s)
        ret->pick.received_before = ret->started_before = hy_clock_wall_ms() - older_s * 1000;
    if (err == HY_OK)
        err = read_name(args, "site", ret->site, sizeof ret->site, diag);
    if (err == HY_OK)
        err = read_name(args, "provider", ret->provider, sizeof ret->provider, diag);
    if (err == HY_OK)
        err = read_tenant(d, args, ret, diag);
    if (err == HY_OK)
        err = read_kind(d, call, ret, diag);
    return err == HY_OK ? read_stored(d, args, ret, diag) : err;
}

void ctl_pick_free(struct ctl_pick *p)
{
    hy_reply_rules_free(p->rules);
    p->rules = NULL;
}

bool ctl_pick_campaign(const struct ctl_pick *p, const struct hy_campaign *c)
{
    bool has_rows = hy_campaign_sends(c->state) || c->state == HY_CAMPAIGN_PAUSED;
    bool is_old = p->started_before == 0 || (c->started && c->started <= p->started_before);
    bool is_theirs = !p->has_tenant || p->tenant == c->tenant;
    return !p->no_campaigns && is_theirs && has_rows && is_old &&
           (p->campaign == 0 || p->campaign == c->id);
}
