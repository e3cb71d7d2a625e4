/* The report on a campaign, put together from its parts. */
#include "report.h"

#include "ctl_common.h"
#include "hayauma/base/zone.h"

void report_set_time(json_t *o, const char *key, hy_wall_ms t, const struct hy_zone *z)
{
    char text[32];
    json_object_set_new(
        o, key, t ? json_string(hy_wall_format_at(t, hy_zone_offset_s(z, t), text)) : json_null());
}

/* The campaign's own zone, else the installation's. NULL: out of memory. */
static struct hy_zone *find_zone(struct hy_daemon *d, struct hy_txn *t, hy_id campaign)
{
    struct plan_look look;
    struct hy_zone *z = NULL;
    if (plan_look(d, t, campaign, &look) == HY_OK &&
        hy_zone_find(hy_str_of(look.time_zone), &z) == HY_OK)
        return z;
    return hy_zone_local();
}

static void put_head(struct report *r)
{
    char id[HY_ID_TEXT_MAX], tenant[HY_TENANT_NAME_MAX + 1];
    tenant_name(r->d, r->c.tenant, tenant);
    json_object_set_new(r->o, "id", json_string(hy_id_format(r->c.id, id)));
    json_object_set_new(r->o, "name", ctl_text_json(r->c.name));
    json_object_set_new(r->o, "state", json_string(hy_campaign_state_name(r->c.state)));
    json_object_set_new(r->o, "tenant", json_string(tenant));
    json_object_set_new(r->o, "time_zone", json_string(hy_zone_name(r->zone)));
    report_set_time(r->o, "created", r->c.created, r->zone);
    report_set_time(r->o, "started", r->c.started, r->zone);
    report_set_time(r->o, "ended", r->c.ended, r->zone);
    report_set_time(r->o, "first_attempt", r->p.first_attempt, r->zone);
    report_set_time(r->o, "last_attempt", r->p.last_attempt, r->zone);
    report_set_time(r->o, "made", hy_clock_wall_ms(), r->zone);
}

static int put_parts(struct report *r)
{
    struct report_times *times = NULL;
    int err = report_times_new(r, &times);
    if (err == HY_OK)
        err = report_domains_put(r, times);
    if (err == HY_OK)
        err = report_people_put(r);
    if (err == HY_OK)
        err = report_times_put(r, times);
    if (err == HY_OK)
        err = report_goals_put(r);
    if (err == HY_OK)
        err = report_score_put(r);
    if (err == HY_OK)
        err = report_links_put(r);
    report_times_free(times);
    return err;
}

int report_make(struct hy_daemon *d, struct hy_txn *t, const struct report_wish *w, json_t **ret)
{
    struct report r = {.d = d, .t = t, .wish = w};
    int err = hy_campaign_get(t, w->campaign, &r.c);
    if (err == HY_OK)
        err = hy_campaign_progress(t, w->campaign, &r.p);
    if (err != HY_OK)
        return err;
    r.zone = find_zone(d, t, w->campaign);
    r.o = json_object();
    err = r.zone && r.o ? HY_OK : HY_ENOMEM;
    if (err == HY_OK) {
        put_head(&r);
        err = put_parts(&r);
    }
    hy_zone_free(r.zone);
    if (err == HY_OK)
        *ret = r.o;
    else
        json_decref(r.o);
    return err;
}
