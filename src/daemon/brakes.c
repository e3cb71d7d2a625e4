/* The brakes of campaigns: what a campaign and the configuration say together, the pause when too
 * much comes back, and schedules that were missed. */
#include "daemon.h"

#include <inttypes.h>
#include <stdlib.h>

#include "hayauma/base/list.h"
#include "hayauma/base/log.h"
#include "hayauma/config/campaign_file.h"
#include "hayauma/store/lead.h"

/* ---- a campaign's own ---- */

static int find_zone(const struct hy_bundle *b, const struct hy_config *c, struct hy_zone **ret,
                     struct hy_diag *diag)
{
    struct hy_str name = b->time_zone.n ? b->time_zone : hy_str_of(c->campaign.time_zone);
    if (name.n && hy_zone_find(name, ret) != HY_OK)
        return hy_fail(diag, HY_EINVAL, "time_zone '%.*s' is not known to this system",
                       HY_STR_ARG(name));
    if (!name.n)
        *ret = hy_zone_local();
    return *ret ? HY_OK : hy_fail(diag, HY_ENOMEM, "out of memory");
}

void brakes_hours(const struct hy_bundle *b, const struct hy_config *c, struct hy_hours *ret)
{
    *ret = b->has_hours ? b->hours : c->campaign.hours;
    ret->closed = b->has_closed ? b->closed : c->campaign.closed;
}

static int fill_hours(const struct hy_bundle *b, const struct hy_config *c, struct hy_txn *t,
                      struct hy_deliver_plan *plan, struct hy_diag *diag)
{
    brakes_hours(b, c, &plan->brakes.hours);
    if (hy_hours_is_always(&plan->brakes.hours))
        return HY_OK;
    hy_attr_no no;
    plan->zone_slot = HY_DELIVER_SLOTS;
    if (hy_attr_find(t, hy_str_of(c->campaign.zone_attribute), &no) == HY_OK)
        plan->zone_slot = no;
    return find_zone(b, c, &plan->zone, diag);
}

static int fill_cap(const struct hy_config *c, struct hy_deliver_plan *plan)
{
    const struct hy_rate *cap = &c->campaign.frequency_cap;
    HY_CLEANUP(hy_buf_free)
    struct hy_buf text = HY_BUF_INIT(256);
    if (cap->count == 0)
        return HY_OK;
    plan->cap =
        (struct hy_contact_cap){cap->count, (uint32_t)(cap->period_us / (3600 * HY_US_PER_SEC))};
    hy_buf_printf(&text,
                  "the lead has had enough mail: %u within %u hours (campaign.frequency_cap)",
                  plan->cap.mails, plan->cap.hours);
    plan->cap_text = hy_arena_str(&plan->arena, hy_buf_str(&text)).p;
    return plan->cap_text ? HY_OK : HY_ENOMEM;
}

int brakes_fill(const struct hy_bundle *b, const struct hy_config *c, struct hy_txn *t,
                struct hy_deliver_plan *plan, struct hy_diag *diag)
{
    plan->brakes = (struct hy_brakes){
        .priority = b->priority,
        .weight = b->weight,
        .speed = b->speed,
        .is_by_lead = b->is_by_lead,
        .release_ms = (b->has_release ? b->release_us : c->campaign.release_us) / HY_US_PER_MS,
        .is_uncapped = b->is_uncapped || b->priority == HY_PRIORITY_TRANSACTIONAL,
        .bounces = {100 * (b->has_bounce_limit ? b->bounce_percent : c->campaign.bounce_percent),
                    c->campaign.bounce_sample},
        .complaints = {b->has_complaint_limit ? b->complaint_share : c->campaign.complaint_share,
                       c->campaign.complaint_sample},
    };
    int err = HY_OK;
    if (b->priority != HY_PRIORITY_TRANSACTIONAL)
        err = fill_hours(b, c, t, plan, diag);
    if (err == HY_OK && !plan->brakes.is_uncapped)
        err = fill_cap(c, plan);
    return err;
}

/* ---- holding a campaign ---- */

struct hold_req {
    struct hy_write_req req;
    struct hy_daemon *d;
    hy_id campaign;
    enum hy_campaign_brake brake;
    char why[HY_CAMPAIGN_NOTE_MAX];
};

static int apply_hold(struct hy_write_req *r, struct hy_txn *t)
{
    struct hold_req *h = hy_container_of(r, struct hold_req, req);
    return hy_campaign_hold(t, h->campaign, h->brake, hy_str_of(h->why));
}

static void hold_done(struct hy_write_req *r, int err)
{
    struct hold_req *h = hy_container_of(r, struct hold_req, req);
    char id[HY_ID_TEXT_MAX];
    (void)hy_id_format(h->campaign, id);
    if (err == HY_OK) {
        hy_log(HY_LOG_WARNING, "campaign", "campaign %s is paused: %s", id, h->why);
        hy_deliver_campaign_changed(h->d->deliver, h->campaign);
    } else if (err != HY_ECLOSED && err != HY_EINVAL) { /* EINVAL: it has ended meanwhile */
        hy_log(HY_LOG_ERROR, "campaign", "campaign %s could not be paused (%s): %s", id, h->why,
               hy_err_text(err));
    }
    free(h);
}

static void hold(struct hy_daemon *d, hy_id campaign, enum hy_campaign_brake brake, const char *why)
{
    struct hold_req *h = calloc(1, sizeof *h);
    if (!h) {
        hy_log(HY_LOG_ERROR, "campaign", "out of memory: nothing is paused (%s)", why);
        return;
    }
    *h = (struct hold_req){
        .req = {.class = HY_WRITE_ADMIN,
                .when = HY_WRITE_NOW,
                .apply = apply_hold,
                .done = hold_done},
        .d = d,
        .campaign = campaign,
        .brake = brake,
    };
    snprintf(h->why, sizeof h->why, "%s", why);
    int err = hy_writer_submit(d->writer, &h->req);
    if (err != HY_OK)
        hold_done(&h->req, err);
}

void brakes_on_surge(void *daemon, hy_id campaign, enum hy_surge_of of,
                     const struct hy_surge_view *view)
{
    char why[HY_CAMPAIGN_NOTE_MAX];
    snprintf(why, sizeof why,
             of == HY_SURGE_COMPLAINTS
                 ? "%u people complained about the last %u mails (pause_on_complaints): ask whom "
                   "it goes to before you resume"
                 : "%u of the last %u mails bounced (pause_on_bounces): look at "
                   "them with 'hayauma campaign report' before you resume",
             view->bad, view->seen);
    hold(daemon, campaign, of == HY_SURGE_COMPLAINTS ? HY_BRAKE_COMPLAINTS : HY_BRAKE_BOUNCES, why);
}

void brakes_on_unsendable(void *daemon, hy_id campaign, const char *why)
{
    char text[HY_CAMPAIGN_NOTE_MAX];
    snprintf(text, sizeof text, "it cannot be sent: %s; mend that, then resume it", why);
    hold(daemon, campaign, HY_BRAKE_UNSENDABLE, text);
}

void brakes_on_returned(void *daemon, hy_id campaign, bool is_complaint, hy_wall_ms sent)
{
    struct hy_daemon *d = daemon;
    hy_deliver_came_back(d->deliver, campaign,
                         is_complaint ? HY_SURGE_COMPLAINTS : HY_SURGE_BOUNCES, sent);
}

bool brakes_hold_stale(struct hy_daemon *d, hy_id campaign, hy_wall_ms start_at)
{
    hy_wall_ms late = hy_clock_wall_ms() - start_at;
    char text[32];
    if (late * HY_US_PER_MS <= d->config->campaign.stale_after_us)
        return false;
    struct hold_req h = {
        .req = {.class = HY_WRITE_ADMIN, .when = HY_WRITE_NOW, .apply = apply_hold},
        .campaign = campaign,
        .brake = HY_BRAKE_STALE,
    };
    snprintf(h.why, sizeof h.why,
             "its start at %s was missed by %u minutes (campaign.stale_after): resume it "
             "to send it now, or cancel it",
             hy_wall_format(start_at, text), (unsigned)(late / 60000));
    int err = hy_writer_run(d->writer, &h.req);
    char id[HY_ID_TEXT_MAX];
    hy_log(err == HY_OK ? HY_LOG_WARNING : HY_LOG_ERROR, "campaign", "campaign %s is %s: %s",
           hy_id_format(campaign, id), err == HY_OK ? "held" : "late and could not be held", h.why);
    return true;
}
