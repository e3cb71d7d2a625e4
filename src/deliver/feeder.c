/* The feeder: from rows in the store to feeds at the workers.
 *
 * Happy path: a campaign starts (feeder_campaign.c); its domains with fresh rows are opened, a
 * bounded number at a time (feeder_rows.c); each is resolved and, when its lane has room
 * (feeder_room.c), posted to the worker that has its site; the worker posts it back when it runs
 * dry, the feeder fills it again, until it is exhausted and nothing of it is in hand. Deferred rows
 * come in by the due index (feeder_due.c), ready messages as they arrive (feeder_spool.c).
 * How it fails: a store that cannot be read is tried again at the next tick; a domain that cannot
 * be resolved goes to a worker all the same, which settles its rows. */
#include "feeder.h"

#include <stdlib.h>

#include "hayauma/base/log.h"
#include "tls_desk.h"

bool feeder_txn(struct feeder *f)
{
    camps_forget_old(f);
    int err = f->has_txn ? hy_txn_renew(&f->txn) : hy_txn_read(f->d->env, &f->txn);
    if (err != HY_OK) {
        hy_log(HY_LOG_WARNING, "feeder", "cannot read the store: %s", hy_err_text(err));
        return false;
    }
    f->has_txn = true;
    return true;
}

static void step(void *arg)
{
    struct feeder *f = arg;
    if (f->is_draining)
        return;
    if (feeder_txn(f)) {
        if (rooms_let_in(f, OPEN_BATCH) == OPEN_BATCH)
            feeder_wake(f);
        rows_open_domains(f);
        hy_txn_park(&f->txn);
    }
    if (f->due_waits && rows_may_open(f, FEED_DUE, NULL))
        due_read(f);
    if (f->spool_waits)
        spool_read(f);
    struct feed *again = NULL;
    while (!hy_list_empty(&f->waiting)) {
        struct feed *feed = hy_container_of(hy_list_pop(&f->waiting), struct feed, link);
        feed->msg.next = again ? &again->msg : NULL;
        again = feed;
    }
    while (again) {
        struct feed *feed = again;
        again = feed->msg.next ? hy_container_of(feed->msg.next, struct feed, msg) : NULL;
        rows_refill(f, feed);
    }
}

void feeder_wake(struct feeder *f)
{
    hy_loop_defer(f->loop, &f->step);
}

static void on_step_timer(void *arg)
{
    struct feeder *f = arg;
    step(f);
    bool is_waiting = !hy_list_empty(&f->waiting);
    hy_list_for_each (it, &f->camps)
        is_waiting |= hy_container_of(it, struct camp, link)->is_waiting;
    if (is_waiting)
        hy_loop_arm_in(f->loop, &f->step_timer, STEP_US);
}

static void on_due_timer(void *arg)
{
    struct feeder *f = arg;
    if (f->is_draining)
        return;
    meter_dns(&f->d->dns, f->resolver);
    dailies_flush(&f->d->dailies);
    warmths_flush(&f->d->warmths);
    camps_tidy(f);
    camps_watch_hours(f);
    due_read(f);
    f->spool_waits = true; /* news of it may have been lost */
    step(f);
    if (!hy_timer_armed(&f->step_timer))
        hy_loop_arm_in(f->loop, &f->step_timer, STEP_US);
    hy_loop_arm_in(f->loop, &f->due_timer, DUE_EVERY_US);
}

static void on_feed(struct feeder *f, struct feed *feed)
{
    if (feed->is_done) {
        feed_close(f, feed);
        feeder_wake(f);
        return;
    }
    rows_refill(f, feed);
}

static void on_policy(struct feeder *f, struct hy_msg *m)
{
    struct policy_msg *p = hy_container_of(m, struct policy_msg, msg);
    hy_deliver_policy_unref(f->policy);
    f->policy = p->policy;
    free(p);
    if (!f->is_draining)
        rooms_policy(f);
}

static void drain(struct feeder *f)
{
    f->is_draining = true;
    hy_list_for_each (it, &f->camps) {
        struct camp *c = hy_container_of(it, struct camp, link);
        if (c->run)
            atomic_store(&c->run->stopped, true);
    }
    while (!hy_list_empty(&f->waiting)) {
        struct feed *feed = hy_container_of(hy_list_pop(&f->waiting), struct feed, link);
        rows_refill(f, feed);
    }
}

const struct hy_shape_limits *feeder_limits(const struct feeder *f, const struct hy_mx *mx,
                                            const struct hy_shape_rule **ret_rule)
{
    const struct hy_shape_rule *rule = rule_of_mx(f->policy, mx);
    if (ret_rule)
        *ret_rule = rule;
    return rule ? &rule->limits : &f->policy->rules->fallback;
}

static void on_spooled(struct feeder *f)
{
    atomic_store(&f->d->spooled_told, false); /* before reading: what comes later tells again */
    if (!f->is_draining)
        spool_read(f);
}

void hy_deliver_spooled(struct hy_deliver *d)
{
    if (atomic_exchange(&d->spooled_told, true))
        return;
    d->spooled_msg.kind = MSG_SPOOLED;
    int err = hy_mailbox_post_answer(feeder_mailbox(d->feeder), &d->spooled_msg);
    (void)err; /* closed: we are ending */
}

struct changed_msg {
    struct hy_msg msg;
    hy_id campaign;
};

struct came_back_msg {
    struct hy_msg msg;
    hy_id campaign;
    enum hy_surge_of of;
    hy_wall_ms sent;
};

/* Without memory one of them is not counted; there are many where it matters. */
void hy_deliver_came_back(struct hy_deliver *d, hy_id campaign, enum hy_surge_of of,
                          hy_wall_ms sent)
{
    struct came_back_msg *m = malloc(sizeof *m);
    if (!m)
        return;
    *m = (struct came_back_msg){
        .msg.kind = MSG_CAME_BACK, .campaign = campaign, .of = of, .sent = sent};
    if (hy_mailbox_post(feeder_mailbox(d->feeder), &m->msg) != HY_OK)
        free(m);
}

static void on_mail(void *arg, struct hy_msg *m)
{
    struct feeder *f = arg;
    while (m) {
        struct hy_msg *next = m->next;
        switch (m->kind) {
        case MSG_FEED:
            on_feed(f, hy_container_of(m, struct feed, msg));
            break;
        case MSG_CHANGED: {
            struct changed_msg *c = hy_container_of(m, struct changed_msg, msg);
            if (!f->is_draining && c->campaign)
                camp_changed(f, c->campaign);
            else if (!f->is_draining)
                camps_reload_hours(f);
            free(c);
            break;
        }
        case MSG_CAME_BACK: {
            struct came_back_msg *c = hy_container_of(m, struct came_back_msg, msg);
            camp_came_back(f, c->campaign, c->of, c->sent);
            free(c);
            break;
        }
        case MSG_STOP_RUN:
            camp_stopped(f, hy_container_of(m, struct stop_order, msg));
            break;
        case MSG_HAND_BACK:
            camp_handed_back(f, hy_container_of(m, struct hand_back, msg));
            break;
        case MSG_QUIET:
            camp_quiet(f, hy_container_of(m, struct quiet_order, msg));
            break;
        case MSG_POLICY:
            on_policy(f, m);
            break;
        case MSG_SITE:
            site_look_up(hy_container_of(m, struct site_order, msg), f->resolver, f->policy);
            break;
        case MSG_STS_FETCHED:
            tls_desk_fetched(f->desk, m);
            break;
        case MSG_SPOOLED:
            on_spooled(f);
            break;
        case MSG_TLS_REPORT:
            tls_report_answer(f, m);
            break;
        case MSG_DRAIN:
            drain(f);
            free(m);
            break;
        default:
            break;
        }
        m = next;
    }
}

void hy_deliver_campaign_changed(struct hy_deliver *d, hy_id campaign)
{
    struct changed_msg *m = malloc(sizeof *m);
    if (m) {
        m->msg.kind = MSG_CHANGED;
        m->campaign = campaign;
        if (hy_mailbox_post_answer(feeder_mailbox(d->feeder), &m->msg) == HY_OK)
            return;
        free(m);
    }
    hy_log(HY_LOG_ERROR, "feeder", "a change of a campaign was not taken up: out of memory");
}

static int post_quiet(struct hy_deliver *d, hy_id campaign, hy_quiet_fn *fn, void *ctx)
{
    struct quiet_order *q = malloc(sizeof *q);
    if (!q)
        return HY_ENOMEM;
    *q = (struct quiet_order){.msg.kind = MSG_QUIET, .campaign = campaign, .fn = fn, .ctx = ctx};
    hy_list_init(&q->link);
    int err = hy_mailbox_post_answer(feeder_mailbox(d->feeder), &q->msg);
    if (err != HY_OK)
        free(q);
    return err;
}

int hy_deliver_quiet(struct hy_deliver *d, hy_id campaign, hy_quiet_fn *fn, void *ctx)
{
    return post_quiet(d, campaign, fn, ctx);
}

void hy_deliver_quiet_end(struct hy_deliver *d, hy_id campaign)
{
    if (post_quiet(d, campaign, NULL, NULL) == HY_ENOMEM)
        hy_log(HY_LOG_ERROR, "feeder", "out of memory: a campaign rests until the next restart");
}

static void run_feeder(void *arg)
{
    struct feeder *f = arg;
    struct hy_diag diag = {""};
    if (hy_resolver_create(f->loop, &f->d->settings.dns, &diag, &f->resolver) != HY_OK) {
        hy_log(HY_LOG_ERROR, "feeder", "no resolver: %s", diag.text);
        return;
    }
    f->desk = tls_desk_new(f);
    if (!f->desk) {
        hy_log(HY_LOG_ERROR, "feeder", "out of memory");
        hy_resolver_free(f->resolver);
        f->resolver = NULL;
        return;
    }
    camps_load(f);
    hy_loop_arm_in(f->loop, &f->due_timer, 0);
    if (hy_loop_run(f->loop) != HY_OK)
        hy_log(HY_LOG_ERROR, "feeder", "the event loop failed");
    hy_resolver_free(f->resolver);
    f->resolver = NULL;
    tls_desk_free(f->desk);
    f->desk = NULL;
    hy_txn_end(&f->txn);
    f->has_txn = false;
}

int feeder_create(struct hy_deliver *d, struct hy_diag *diag, struct feeder **ret)
{
    struct feeder *f = calloc(1, sizeof *f);
    if (!f)
        return hy_fail(diag, HY_ENOMEM, "out of memory");
    f->d = d;
    hy_list_init(&f->camps);
    hy_list_init(&f->waiting);
    hy_defer_init(&f->step, step, f);
    hy_timer_init(&f->step_timer, on_step_timer, f);
    hy_timer_init(&f->due_timer, on_due_timer, f);
    f->policy = hy_deliver_policy_ref(d->policy);
    f->scratch = calloc(SCRATCH_ROWS, sizeof *f->scratch);
    int err = f->scratch ? rooms_create(&f->rooms) : HY_ENOMEM;
    if (err == HY_OK)
        err = hy_loop_create(&f->loop);
    if (err == HY_OK)
        err = hy_mailbox_create(1u << 20, &f->mailbox);
    if (err == HY_OK)
        err = hy_mailbox_attach(f->mailbox, f->loop, on_mail, f);
    if (err != HY_OK) {
        feeder_free(f);
        return hy_fail(diag, err, "the feeder cannot be made: %s", hy_err_text(err));
    }
    *ret = f;
    return HY_OK;
}

int feeder_start(struct feeder *f)
{
    return hy_thread_start("feeder", run_feeder, f, &f->thread);
}

void feeder_join(struct feeder *f)
{
    hy_loop_stop(f->loop);
    hy_thread_join(f->thread);
    f->thread = NULL;
}

void feeder_free(struct feeder *f)
{
    if (!f)
        return;
    rooms_drop(f, NULL);
    while (!hy_list_empty(&f->camps))
        camp_free(f, hy_container_of(hy_list_pop(&f->camps), struct camp, link));
    if (f->mailbox) {
        for (struct hy_msg *m = hy_mailbox_take(f->mailbox), *next; m; m = next) {
            next = m->next;
            if (m->kind == MSG_FEED)
                feed_close(f, hy_container_of(m, struct feed, msg));
            else if (m->kind == MSG_POLICY)
                on_policy(f, m);
            else if (m->kind == MSG_STS_FETCHED)
                tls_desk_fetched(NULL, m);
            else if (m->kind == MSG_TLS_REPORT)
                tls_report_drop(m);
            else if (m->kind == MSG_STOP_RUN)
                camp_stopped(f, hy_container_of(m, struct stop_order, msg));
            else if (m->kind == MSG_HAND_BACK)
                camp_handed_back(f, hy_container_of(m, struct hand_back, msg));
            else if (m->kind == MSG_QUIET)
                camp_quiet(f, hy_container_of(m, struct quiet_order, msg));
            else if (m->kind == MSG_SITE)
                site_look_up(hy_container_of(m, struct site_order, msg), NULL, NULL);
            else if (m->kind == MSG_CAME_BACK)
                free(hy_container_of(m, struct came_back_msg, msg));
            else if (m->kind == MSG_CHANGED || m->kind == MSG_DRAIN)
                free(m);
        }
        hy_mailbox_detach(f->mailbox);
        hy_mailbox_free(f->mailbox);
    }
    if (f->loop)
        hy_loop_free(f->loop);
    hy_deliver_policy_unref(f->policy);
    rooms_free(f);
    free(f->scratch);
    free(f);
}

struct hy_mailbox *feeder_mailbox(struct feeder *f)
{
    return f->mailbox;
}

struct hy_thread *feeder_thread(struct feeder *f)
{
    return f->thread;
}
