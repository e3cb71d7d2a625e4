/* Campaigns at the feeder: start, stop, start again.
 *
 * A run that stops leaves rows on the wire. Until they are settled they must not be read again, or
 * somebody would get two mails: each worker answers the stop with the rows that linger, and the
 * runs that follow pass over them. A lingering row that comes back untouched is handed back: the
 * run of now gets it by itself, and its walk, which may still come by, passes over it too. */
#include "feeder.h"

#include <stdlib.h>

#include "hayauma/base/log.h"
#include "hayauma/shape/release.h"
#include "hayauma/store/spool.h"

enum { AGAIN_MS = 10000 }; /* until a campaign that could not be begun is tried again */

struct camp *camp_find(struct feeder *f, hy_id id)
{
    hy_list_for_each (it, &f->camps) {
        struct camp *c = hy_container_of(it, struct camp, link);
        if (c->id == id)
            return c;
    }
    return NULL;
}

static void answer_quiets(struct camp *c, int err)
{
    for (struct hy_list *it; (it = hy_list_pop(&c->quiets));) {
        struct quiet_order *q = hy_container_of(it, struct quiet_order, link);
        c->n_quiet -= err != HY_OK;
        q->fn(q->ctx, err);
        free(q);
    }
}

/* Lets go of old runs; of all of them, or of those that have nothing in hand. */
static void let_go(struct camp *c, bool all)
{
    for (struct run **at = &c->old_run; *at;) {
        struct run *r = *at;
        if (!all && atomic_load(&r->in_hand) > 0) {
            at = &r->older;
            continue;
        }
        *at = r->older;
        r->older = NULL;
        run_unref(r);
    }
    if (!c->old_run)
        lingering_forget(c);
}

void camps_forget_old(struct feeder *f)
{
    hy_list_for_each (it, &f->camps) {
        struct camp *c = hy_container_of(it, struct camp, link);
        if (c->old_run && c->stops_pending == 0)
            let_go(c, false);
    }
}

/* Says what it waits for, and until when; HY_WAIT_NOTHING: for nothing. */
static void wait_for(struct feeder *f, struct camp *c, enum hy_wait_for what, hy_wall_ms until)
{
    const struct hy_zone *zone = what == HY_WAIT_HOURS ? c->run->plan.zone : NULL;
    c->wait = (struct hy_campaign_wait){.campaign = c->id, .what = what, .until = until};
    if (zone) {
        c->wait.offset_s = hy_zone_offset_s(zone, until);
        snprintf(c->wait.zone, sizeof c->wait.zone, "%s", hy_zone_name(zone));
    }
    waits_set(&f->d->waits, &c->wait);
}

void camp_free(struct feeder *f, struct camp *c)
{
    wait_for(f, c, HY_WAIT_NOTHING, 0);
    answer_quiets(c, HY_ECLOSED);
    if (c->run)
        run_unref(c->run);
    run_watch_unref(c->watch);
    let_go(c, true);
    reopened_forget(c);
    free(c);
}

/* Ready messages need no compiling; each brings what a campaign's plan says. */
static int load_spool_run(struct feeder *f, hy_id id, struct run **ret)
{
    struct tenant_live *tenant =
        tenant_live_get(&f->d->tenants, hy_spool_tenant(id), f->d->workers, f->d->n_workers);
    struct run *run = tenant ? calloc(1, sizeof *run) : NULL;
    if (!run)
        return HY_ENOMEM;
    run->tenant = tenant;
    run->campaign = id;
    run->plan.tenant = hy_spool_tenant(id);
    run->plan.brakes.weight = HY_WEIGHT_NORMAL;
    run->plan.brakes.priority = hy_spool_priority(id) == HY_SPOOL_TRANSACTIONAL
                                    ? HY_PRIORITY_TRANSACTIONAL
                                    : HY_PRIORITY_BULK;
    run->is_tls_optional = hy_spool_priority(id) == HY_SPOOL_TLS_OPTIONAL;
    atomic_init(&run->stopped, false);
    atomic_init(&run->in_hand, 0);
    atomic_init(&run->refs, 1);
    *ret = run;
    return HY_OK;
}

/* What keeps a campaign from being loaded: see camps_watch_hours. */
static bool may_pass(int err)
{
    return err == HY_ENOMEM || err == HY_EIO || err == HY_EBUSY;
}

static int load_run(struct feeder *f, const struct hy_campaign *record, struct run **ret)
{
    struct hy_diag diag = {""};
    struct hy_deliver_plan plan = {0};
    int err = f->d->settings.load(f->d->settings.load_ctx, &f->txn, record, &diag, &plan);
    if (err == HY_OK && f->policy->is_dkim_required &&
        policy_signing(f->policy, plan.tenant, plan.from_domain).domain.n == 0) {
        hy_message_free(plan.message);
        hy_arena_free(&plan.arena);
        hy_zone_free(plan.zone);
        err =
            hy_fail(&diag, HY_EINVAL, "no DKIM key signs for %s (dkim.required)", plan.from_domain);
    }
    if (err != HY_OK) {
        char id[HY_ID_TEXT_MAX];
        hy_log(HY_LOG_ERROR, "feeder", "campaign %s (%.*s) cannot be sent: %s",
               hy_id_format(record->id, id), HY_STR_ARG(record->name), diag.text);
        if (f->d->settings.on_unsendable && !may_pass(err))
            f->d->settings.on_unsendable(f->d->settings.brakes_ctx, record->id, diag.text);
        return err;
    }
    struct tenant_live *tenant =
        tenant_live_get(&f->d->tenants, plan.tenant, f->d->workers, f->d->n_workers);
    struct run *run = tenant ? calloc(1, sizeof *run) : NULL;
    if (run && plan.brakes.speed.count)
        run->lines = pace_lines_new(f->d->workers, f->d->n_workers);
    if (!run || (plan.brakes.speed.count && !run->lines)) {
        hy_message_free(plan.message);
        hy_arena_free(&plan.arena);
        hy_zone_free(plan.zone);
        free(run);
        hy_log(HY_LOG_ERROR, "feeder", "out of memory for a campaign: it is tried again");
        return HY_ENOMEM;
    }
    run->tenant = tenant;
    run->campaign = record->id;
    run->plan = plan;
    run->queued = record->started ? record->started : record->created;
    atomic_init(&run->stopped, false);
    atomic_init(&run->in_hand, 0);
    atomic_init(&run->refs, 1);
    *ret = run;
    return HY_OK;
}

/* What waited for hours that have just begun goes slowly at first. Without memory it goes at once.
 */
static void let_go_slowly(struct feeder *f, struct camp *c, hy_wall_ms now)
{
    struct run *r = c->run;
    const struct hy_brakes *b = &r->plan.brakes;
    struct hy_campaign_progress p;
    hy_wall_ms until = hy_release_until(&b->hours, r->plan.zone, r->queued, now, b->release_ms);
    if (until == 0 || hy_campaign_progress(&f->txn, c->id, &p) != HY_OK)
        return;
    if (!r->lines)
        r->lines = pace_lines_new(f->d->workers, f->d->n_workers);
    if (!r->lines)
        return;
    hy_us left = (until - now) * HY_US_PER_MS;
    r->release = hy_release_rate(hy_ledger_pending(&p.ledger), left, b->speed);
    r->release_until = hy_clock_us() + left;
}

/* Hours by the clock of the campaign open and shut it as a whole, like a resume and a pause. False:
 * they are shut, and the run is put off. */
static bool keep_hours(struct feeder *f, struct camp *c)
{
    const struct hy_deliver_plan *p = &c->run->plan;
    hy_wall_ms now = hy_clock_wall_ms();
    c->shuts = 0;
    if (!p->zone || p->brakes.is_by_lead)
        return true;
    hy_wall_ms next = hy_hours_next(&p->brakes.hours, p->zone, now);
    if (next <= now) {
        c->shuts = hy_hours_end(&p->brakes.hours, p->zone, now);
        let_go_slowly(f, c, now);
        return true;
    }
    wait_for(f, c, HY_WAIT_HOURS, next);
    char id[HY_ID_TEXT_MAX], text[32];
    hy_log(HY_LOG_NOTICE, "feeder", "campaign %s is outside its hours until %s (%s)",
           hy_id_format(c->id, id), hy_wall_format_at(next, c->wait.offset_s, text), c->wait.zone);
    run_unref(c->run);
    c->run = NULL;
    return false;
}

/* The run counts on where the one before it stopped, unless somebody paused it between. */
static int load_watched(struct feeder *f, struct camp *c, const struct hy_campaign *record)
{
    if (!c->watch)
        c->watch = run_watch_new(hy_clock_wall_ms());
    int err = c->watch ? load_run(f, record, &c->run) : HY_ENOMEM;
    if (err != HY_OK)
        return err;
    atomic_fetch_add_explicit(&c->watch->refs, 1, memory_order_relaxed);
    c->run->watch = c->watch;
    c->bounces = c->run->plan.brakes.bounces;
    c->complaints = c->run->plan.brakes.complaints;
    return HY_OK;
}

static void begin(struct feeder *f, struct camp *c, const struct hy_campaign *record)
{
    int err = load_watched(f, c, record);
    if (may_pass(err))
        wait_for(f, c, HY_WAIT_TROUBLE, hy_clock_wall_ms() + AGAIN_MS);
    else if (err != HY_OK || keep_hours(f, c))
        wait_for(f, c, HY_WAIT_NOTHING, 0);
    if (!c->run)
        return;
    c->is_walked = c->is_waiting = false;
    c->domain = 0;
    due_read_again(f, c);
    char id[HY_ID_TEXT_MAX];
    hy_log(HY_LOG_INFO, "feeder", "sending campaign %s (%.*s)", hy_id_format(c->id, id),
           HY_STR_ARG(record->name));
    feeder_wake(f);
}

static void begin_spool(struct feeder *f, struct camp *c)
{
    uint32_t floor = 0;
    if (load_spool_run(f, c->id, &c->run) != HY_OK) {
        c->is_changed = true; /* out of memory: later */
        return;
    }
    int err = hy_spool_floor(&f->txn, c->id, &floor);
    c->is_walked = true;
    c->spool_block = err == HY_OK ? floor : 0;
    due_read_again(f, c);
    f->spool_waits = true;
    feeder_wake(f);
}

/* Which of its rows are on the wire is not known: sending on could send them twice, so that it only
 * goes on after a restart, which knows from the in-flight table. */
static void stop_for_good(struct feeder *f, struct camp *c)
{
    char id[HY_ID_TEXT_MAX];
    if (c->stops_pending != UINT32_MAX)
        hy_log(HY_LOG_ERROR, "feeder",
               "out of memory while campaign %s was stopped: it rests until hayaumad is restarted",
               hy_id_format(c->id, id));
    c->stops_pending = UINT32_MAX;
    wait_for(f, c, HY_WAIT_RESTART, 0);
    answer_quiets(c, HY_ENOMEM);
}

static void stop(struct feeder *f, struct camp *c)
{
    rooms_drop(f, c);
    c->run->older = c->old_run;
    c->old_run = c->run;
    c->run = NULL;
    reopened_forget(c); /* those of them that are on the wire linger now */
    atomic_store(&c->old_run->stopped, true);
    for (unsigned i = 0; i < f->d->n_workers; i++) {
        struct stop_order *o = calloc(1, sizeof *o);
        if (!o) {
            stop_for_good(f, c);
            return;
        }
        o->msg.kind = MSG_STOP_RUN;
        o->run = run_ref(c->old_run);
        o->worker = &f->d->workers[i];
        if (hy_mailbox_post_answer(o->worker->mailbox, &o->msg) == HY_OK) {
            c->stops_pending++;
        } else {
            run_unref(o->run);
            free(o);
        }
    }
}

/* Brings the run in line with the record. */
static void look(struct feeder *f, struct camp *c)
{
    if (c->stops_pending) {
        c->is_changed = true;
        return;
    }
    struct hy_campaign record;
    c->is_changed = !feeder_txn(f); /* then the next tick looks again */
    if (c->is_changed)
        return;
    bool is_spool = hy_id_is_spool(c->id);
    int err = is_spool ? hy_spool_state(&f->txn, c->id, &record.state)
                       : hy_campaign_get(&f->txn, c->id, &record);
    bool sends = err == HY_OK && hy_campaign_sends(record.state) && c->n_quiet == 0;
    if (sends && !c->run && is_spool) {
        begin_spool(f, c);
    } else if (sends && !c->run) {
        begin(f, c, &record);
    } else if (!sends && c->run) {
        stop(f, c);
    }
    if (!sends)
        wait_for(f, c, HY_WAIT_NOTHING, 0);
    if (err == HY_OK && !hy_campaign_sends(record.state)) {
        run_watch_unref(c->watch);
        c->watch = NULL;
    }
    hy_txn_park(&f->txn);
}

void camps_watch_hours(struct feeder *f)
{
    hy_wall_ms now = hy_clock_wall_ms();
    hy_list_for_each_safe (it, &f->camps) {
        struct camp *c = hy_container_of(it, struct camp, link);
        if (c->run && c->shuts && c->shuts <= now) {
            stop(f, c);
            c->is_changed = true; /* looked at when the stop is through, and found to be shut */
        } else if (!c->stops_pending &&
                   (c->is_changed || (!c->run && c->wait.until && c->wait.until <= now))) {
            look(f, c);
        }
    }
}

void camps_reload_hours(struct feeder *f)
{
    hy_list_for_each_safe (it, &f->camps) {
        struct camp *c = hy_container_of(it, struct camp, link);
        if (!c->run && c->wait.what == HY_WAIT_HOURS)
            look(f, c);
    }
}

void camps_tidy(struct feeder *f)
{
    hy_list_for_each_safe (it, &f->camps) {
        struct camp *c = hy_container_of(it, struct camp, link);
        if (c->n_feeds || c->stops_pending || c->is_changed)
            continue;
        if (c->run && c->is_walked)
            look(f, c); /* done, perhaps */
        if (!c->run && c->stops_pending == 0)
            let_go(c, false);
        if (!c->run && !c->wait.until && c->stops_pending == 0 && !c->old_run && c->n_quiet == 0) {
            hy_list_remove(&c->link);
            camp_free(f, c);
        }
    }
}

/* Known from now on; NULL: out of memory. */
static struct camp *camp_get(struct feeder *f, hy_id id)
{
    struct camp *c = camp_find(f, id);
    if (c)
        return c;
    c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->id = id;
    hy_list_init(&c->quiets);
    hy_list_push(&f->camps, &c->link);
    return c;
}

void camp_changed(struct feeder *f, hy_id id)
{
    struct camp *c = camp_get(f, id);
    if (c)
        look(f, c);
    else
        hy_log(HY_LOG_ERROR, "feeder", "out of memory: a campaign was not taken up");
}

void camp_came_back(struct feeder *f, hy_id id, enum hy_surge_of of, hy_wall_ms sent)
{
    const struct hy_deliver_settings *s = &f->d->settings;
    struct camp *c = camp_find(f, id);
    struct run_watch *w = c ? c->watch : NULL;
    struct hy_surge_view view;
    if (!w || (sent && sent < w->since))
        return; /* nothing of it is being sent, or somebody has looked and resumed it since */
    bool is_complaint = of == HY_SURGE_COMPLAINTS;
    if (hy_surge_late(is_complaint ? &w->complaints : &w->bounces,
                      is_complaint ? &c->complaints : &c->bounces, &view) &&
        s->on_surge)
        s->on_surge(s->brakes_ctx, id, of, &view);
}

static void quiet_end(struct feeder *f, hy_id campaign)
{
    struct camp *c = camp_find(f, campaign);
    if (c && c->n_quiet && --c->n_quiet == 0 && !f->is_draining)
        look(f, c);
}

void camp_quiet(struct feeder *f, struct quiet_order *q)
{
    if (!q->fn) {
        quiet_end(f, q->campaign);
        free(q);
        return;
    }
    struct camp *c = f->is_draining ? NULL : camp_get(f, q->campaign);
    if (!c || c->stops_pending == UINT32_MAX) {
        q->fn(q->ctx, f->is_draining ? HY_ECLOSED : HY_ENOMEM);
        free(q);
        return;
    }
    c->n_quiet++;
    hy_list_push(&c->quiets, &q->link);
    if (c->run)
        stop(f, c);
    if (c->stops_pending == 0)
        answer_quiets(c, HY_OK);
}

void camp_stopped(struct feeder *f, struct stop_order *o)
{
    struct camp *c = camp_find(f, o->run->campaign);
    if (c && c->old_run == o->run) {
        if (!lingering_keep(c, o))
            stop_for_good(f, c);
        if (c->stops_pending != UINT32_MAX && --c->stops_pending == 0) {
            answer_quiets(c, HY_OK);
            if (c->is_changed && !f->is_draining)
                look(f, c);
        }
    }
    run_unref(o->run);
    free(o->lingering);
    free(o);
}

void camps_load(struct feeder *f)
{
    hy_id ids[256], after = 0;
    for (;;) { /* ids first: begin() must not run while a cursor of ours is open */
        size_t n = 0;
        if (!feeder_txn(f))
            return;
        struct hy_campaign record;
        while (n < 256 && hy_campaign_next(&f->txn, after, &record) == HY_OK) {
            after = record.id;
            if (hy_campaign_sends(record.state))
                ids[n++] = record.id;
        }
        hy_txn_park(&f->txn);
        for (size_t i = 0; i < n; i++)
            camp_changed(f, ids[i]);
        if (n < 256)
            return;
    }
}
