/* explain: what came back and what else was noted of a lead, a ready message or an address. */
#include "ctl_explain_back.h"

#include "hayauma/bounce/reason.h"
#include "hayauma/track/verdict.h"

enum { SHOWN = 200 };

static bool is_judged(const struct hy_activity *a)
{
    return hy_activity_is_hit(a->kind) || a->kind == HY_ACTIVITY_VERDICT;
}

static const char *reason_of(const struct hy_activity *a)
{
    if (is_judged(a))
        return a->reason < HY_VERDICT_REASONS ? hy_verdict_reason_name(a->reason) : "";
    return a->reason ? hy_bounce_reason_name((enum hy_bounce_reason)a->reason) : "";
}

static json_t *activity_json(const struct hy_activity *a)
{
    char text[32], id[HY_ID_TEXT_MAX];
    json_t *o = json_object();
    json_object_set_new(o, "at", json_string(hy_wall_format(a->at, text)));
    json_object_set_new(o, "kind", json_string(hy_activity_kind_name(a->kind)));
    json_object_set_new(o, "hard", json_boolean(a->flags & HY_ACTIVITY_HARD));
    json_object_set_new(o, "reason", json_string(reason_of(a)));
    if (is_judged(a))
        json_object_set_new(o, "verdict",
                            json_string(hy_verdict_name(hy_verdict_of_flags(a->flags))));
    json_object_set_new(o, "text", ctl_text_json(a->text));
    json_object_set_new(o, "source", ctl_text_json(a->source));
    json_object_set_new(o, "address", ctl_text_json(a->address));
    json_object_set_new(o, "campaign",
                        a->campaign && !a->message ? json_string(hy_id_format(a->campaign, id))
                                                   : json_null());
    json_t *meta = a->meta.n ? json_loadb(a->meta.p, a->meta.n, 0, NULL) : NULL;
    json_object_set_new(o, "details", meta ? meta : json_object());
    return o;
}

json_t *ctl_noted_json(struct hy_txn *t, const struct hy_activity_who *who,
                       const struct tenant_scope *scope, struct hy_str address)
{
    json_t *list = json_array();
    struct hy_activity a;
    hy_id before = 0;
    for (int n = 0; n < SHOWN && hy_activity_prev_of(t, who, before, &a) == HY_OK; n++) {
        before = a.id;
        if (tenant_scope_has(scope, a.tenant) && (address.n == 0 || hy_str_ieq(a.address, address)))
            json_array_insert_new(list, 0, activity_json(&a));
    }
    return list;
}
