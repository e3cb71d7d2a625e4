/* What handlers of the control socket share: naming a campaign, showing one. */
#include "ctl_common.h"

#include "hayauma/store/list.h"

int ctl_campaign_arg(struct hy_daemon *d, struct hy_control_call *call, hy_id *ret,
                     struct hy_diag *diag)
{
    const char *name;
    int err = hy_control_arg_string_required(hy_control_args(call), "campaign", diag, &name);
    if (err != HY_OK)
        return err;
    struct hy_txn t = {0};
    err = hy_txn_read(d->env, &t);
    if (err != HY_OK)
        return hy_fail(diag, err, "the store cannot be read: %s", hy_err_text(err));
    hy_id id = 0;
    struct hy_campaign c;
    err = hy_campaign_find(&t, hy_str_of(name), &id);
    if (err == HY_ENOTFOUND && hy_id_parse(hy_str_of(name), &id) == HY_OK)
        err = hy_campaign_get(&t, id, &c);
    hy_txn_end(&t);
    if (err == HY_OK)
        *ret = id;
    else if (err == HY_ENOTFOUND)
        hy_fail(diag, err, "there is no campaign '%s'; 'hayauma campaign list' shows all", name);
    else
        hy_fail(diag, err, "the store cannot be read: %s", hy_err_text(err));
    return err;
}

int ctl_list_arg(struct hy_txn *t, struct hy_control_call *call, hy_list_no *ret,
                 const char **ret_name, struct hy_diag *diag)
{
    int err = hy_control_arg_string_required(hy_control_args(call), "list", diag, ret_name);
    if (err == HY_OK)
        err = hy_list_find(t, hy_str_of(*ret_name), ret);
    if (err == HY_ENOTFOUND)
        hy_fail(diag, err, "there is no list '%s'; 'hayauma list show' shows all", *ret_name);
    return err;
}

json_t *ctl_text_json(struct hy_str s)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf clean = HY_BUF_INIT(1 << 20);
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i])
            hy_buf_add_c(&clean, s.p[i]);
        else
            hy_buf_add_lit(&clean, "\xef\xbf\xbd");
    }
    json_t *j = json_stringn(hy_buf_cstr(&clean), clean.len); /* NULL when it is not UTF-8 */
    return j ? j : json_string("(not UTF-8)");
}

void ctl_set_count(json_t *o, const char *key, uint64_t n)
{
    json_object_set_new(o, key, json_integer((json_int_t)n));
}

static void set_time(json_t *o, const char *key, hy_wall_ms t)
{
    char text[32];
    json_object_set_new(o, key, t ? json_string(hy_wall_format(t, text)) : json_null());
}

static json_t *waits_json(const char *what, struct hy_str why, hy_wall_ms until,
                          const struct hy_campaign_wait *w)
{
    json_t *o = json_object();
    char text[32];
    json_object_set_new(o, "for", json_string(what));
    json_object_set_new(o, "why", ctl_text_json(why));
    set_time(o, "until", until);
    json_object_set_new(o, "until_local",
                        w && until ? json_string(hy_wall_format_at(until, w->offset_s, text))
                                   : json_null());
    json_object_set_new(o, "time_zone", w && w->zone[0] ? json_string(w->zone) : json_null());
    return o;
}

json_t *ctl_waits_json(struct hy_daemon *d, const struct hy_campaign *c)
{
    struct hy_campaign_wait w;
    if (c->state == HY_CAMPAIGN_SCHEDULED)
        return waits_json("start", HY_STR(""), c->start_at, NULL);
    if (c->state == HY_CAMPAIGN_PAUSED)
        return waits_json("resume", c->note, 0, NULL);
    if (!hy_campaign_sends(c->state) || !hy_deliver_wait_of(d->deliver, c->id, &w))
        return json_null();
    return waits_json(hy_wait_for_name(w.what), HY_STR(""), w.until, &w);
}

json_t *ctl_campaign_json(struct hy_daemon *d, const struct hy_campaign *c,
                          const struct hy_campaign_progress *p)
{
    json_t *o = json_object();
    char id[HY_ID_TEXT_MAX], tenant[HY_TENANT_NAME_MAX + 1];
    json_object_set_new(o, "id", json_string(hy_id_format(c->id, id)));
    json_object_set_new(o, "name", json_stringn(c->name.p, c->name.n));
    json_object_set_new(o, "state", json_string(hy_campaign_state_name(c->state)));
    json_object_set_new(o, "note", ctl_text_json(c->note));
    json_object_set_new(o, "waits", ctl_waits_json(d, c));
    json_object_set_new(o, "brake", json_string(hy_campaign_brake_name(c->brake)));
    tenant_name(d, c->tenant, tenant);
    json_object_set_new(o, "tenant", json_string(tenant));
    set_time(o, "created", c->created);
    set_time(o, "start_at", c->start_at);
    set_time(o, "started", c->started);
    set_time(o, "ended", c->ended);
    set_time(o, "first_attempt", p->first_attempt);
    set_time(o, "last_attempt", p->last_attempt);
    ctl_set_count(o, "queued", p->ledger.queued);
    json_object_set_new(o, "queued_all", json_boolean(p->queued_all));
    for (int i = 0; i < HY_RCPT_STATES; i++)
        ctl_set_count(o, hy_rcpt_state_name((enum hy_rcpt_state)i), p->ledger.by_state[i]);
    ctl_set_count(o, "pending", hy_ledger_pending(&p->ledger));
    ctl_set_count(o, "attempts", p->ledger.attempts);
    ctl_set_count(o, "resent_in_doubt", p->ledger.resent_in_doubt);
    return o;
}

int ctl_campaign_read(struct hy_daemon *d, hy_id id, json_t **ret, struct hy_diag *diag)
{
    struct hy_txn t = {0};
    struct hy_campaign c;
    struct hy_campaign_progress p;
    int err = hy_txn_read(d->env, &t);
    if (err == HY_OK)
        err = hy_campaign_get(&t, id, &c);
    if (err == HY_OK)
        err = hy_campaign_progress(&t, id, &p);
    if (err == HY_OK) {
        *ret = ctl_campaign_json(d, &c, &p);
        err = *ret ? HY_OK : HY_ENOMEM;
    }
    hy_txn_end(&t);
    return err == HY_OK ? err
                        : hy_fail(diag, err, "the campaign cannot be read: %s", hy_err_text(err));
}
