/* Settle: from an outcome to the writer. The in-flight slot gets the answer first, so that a kill
 * between here and the commit loses nothing. */
#include "lane.h"

#include "hayauma/base/log.h"

static void on_done(struct hy_write_req *req, int err)
{
    struct delivery *d = hy_container_of(req, struct delivery, settle.req);
    if (err != HY_OK) {
        if (err != HY_ECLOSED)
            hy_log(HY_LOG_ERROR, "settle", "an outcome could not be stored: %s", hy_err_text(err));
        d->inflight = HY_INFLIGHT_NONE; /* the slot stays answered: the next start stores it */
    }
    d->msg.kind = MSG_SETTLED;
    int posted = hy_mailbox_post_answer(d->worker->mailbox, &d->msg);
    (void)posted; /* closed only after every delivery came back */
}

/* The end of what the press claimed of the lead's contacts. One in doubt that is not sent again by
 * itself counts as a mail. */
static void release_claim(struct delivery *d, enum hy_rcpt_state state)
{
    bool is_mailed = state == HY_RCPT_DELIVERED || state == HY_RCPT_HELD;
    if (d->has_claim)
        hy_contacts_release(d->worker->d->settings.contacts, d->ref.lead,
                            is_mailed ? hy_clock_wall_ms() : 0);
    d->has_claim = false;
}

/* Counts ends for the brake of the campaign. */
static void watch_bounces(struct delivery *d, enum hy_rcpt_state state)
{
    const struct hy_deliver_settings *s = &d->worker->d->settings;
    struct hy_surge_view view;
    if (state != HY_RCPT_DELIVERED && state != HY_RCPT_BOUNCED)
        return;
    if (hy_surge_count(&d->run->bounces, &d->run->plan.brakes.bounces, state == HY_RCPT_BOUNCED,
                       &view) &&
        s->on_surge)
        s->on_surge(s->on_surge_ctx, d->run->campaign, &view);
}

static void submit(struct delivery *d)
{
    struct worker *w = d->worker;
    delivery_drop_bytes(d);
    d->lane_of_settle = d->lane;
    if (d->lane)
        d->lane->n_settling++;
    d->settle.req.done = on_done;
    d->is_settling = true;
    int err = hy_writer_submit(w->d->writer, &d->settle.req);
    if (err != HY_OK) /* the writer has ended: the in-flight slot keeps what it can */
        on_done(&d->settle.req, err);
}

/* Why it failed: by what a server said, or by our own codes. */
static uint8_t reason_of(const struct delivery *d, const struct hy_outcome *o)
{
    if (o->kind == HY_OUTCOME_DELIVERED || o->phase == HY_PHASE_RENDER)
        return HY_BOUNCE_UNDEFINED;
    struct hy_bounce_words w = {o->code, o->enhanced, o->text};
    return (uint8_t)hy_bounce_classify(o->from_server ? d->worker->policy->bounces : NULL, &w)
        .reason;
}

static void fill(struct delivery *d, const struct hy_outcome *o, enum hy_rcpt_state state,
                 hy_wall_ms due)
{
    struct hy_attempt *a = &d->settle.attempt;
    hy_settle_init(&d->settle);
    a->ref = d->ref;
    a->state = state;
    /* Up to the next full quarter minute: rows of one block then share an entry of the index. */
    a->due_s = state == HY_RCPT_DEFERRED ? (uint32_t)((due / 1000 + 15) / 15 * 15) : 0;
    a->outcome = *o;
    a->outcome.reason = reason_of(d, o);
    size_t n = o->text.n < sizeof d->text ? o->text.n : sizeof d->text;
    if (n)
        memcpy(d->text, o->text.p, n);
    a->outcome.text = hy_str_make(d->text, n);
}

/* What the daemon counts is what became of rows, as the ledger does; a lane counts outcomes. */
static void count_state(struct worker *w, enum hy_rcpt_state state)
{
    struct hy_deliver_counters *c = &w->d->counters;
    _Atomic uint64_t *const counter[HY_RCPT_STATES] = {
        [HY_RCPT_DELIVERED] = &c->delivered,   [HY_RCPT_DEFERRED] = &c->deferred,
        [HY_RCPT_BOUNCED] = &c->bounced,       [HY_RCPT_EXPIRED] = &c->expired,
        [HY_RCPT_SUPPRESSED] = &c->suppressed,
    };
    if (counter[state])
        atomic_fetch_add_explicit(counter[state], 1, memory_order_relaxed);
}

static const struct hy_retry_plan *plan_of(const struct delivery *d)
{
    return d->lane ? &d->lane->limits.retry : &d->worker->policy->rules->fallback.retry;
}

hy_wall_ms settle_since(const struct delivery *d, hy_wall_ms now)
{
    hy_wall_ms queued = d->queued;
    if (d->run->plan.expire_us)
        return queued;
    hy_wall_ms tried = now - hy_retry_spent(plan_of(d), d->ref.attempts) / HY_US_PER_MS;
    return tried > queued ? tried : queued;
}

static struct hy_verdict judge(const struct delivery *d, const struct hy_outcome *o)
{
    struct hy_retry_plan plan = *plan_of(d);
    if (d->run->plan.expire_us)
        plan.expire_us = d->run->plan.expire_us;
    hy_wall_ms now = hy_clock_wall_ms();
    struct hy_verdict v =
        hy_verdict_of(o, &plan, d->ref.attempts + 1u, settle_since(d, now), now, &d->worker->rng);
    if (o->in_doubt && d->worker->policy->is_doubt_held)
        v = (struct hy_verdict){HY_RCPT_HELD, 0};
    return v;
}

static void set_peer(struct hy_attempt *a, const struct hy_sockaddr *addr)
{
    if (hy_sockaddr_family(addr) == AF_INET6) {
        memcpy(a->mx_ip, &addr->in6.sin6_addr, 16);
    } else if (hy_sockaddr_family(addr) == AF_INET) {
        a->mx_ip[10] = a->mx_ip[11] = 0xff;
        memcpy(a->mx_ip + 12, &addr->in4.sin_addr, 4);
    }
}

void settle_outcome(struct delivery *d, const struct hy_outcome *came, const struct session *s)
{
    struct worker *w = d->worker;
    hy_us now = hy_loop_now(w->loop);
    struct hy_outcome outcome = *came, *o = &outcome;
    lane_heed_reply(d->lane, o, now);
    struct hy_verdict v = judge(d, o);
    fill(d, o, v.state, v.due);
    struct hy_attempt *a = &d->settle.attempt;
    a->started = d->started;
    a->duration_ms = (uint32_t)((now - d->submitted) / HY_US_PER_MS);
    a->size_bytes = (uint32_t)d->size_bytes;
    snprintf(d->mx_host, sizeof d->mx_host, "%s", s->host);
    a->mx_host = hy_str_of(d->mx_host);
    set_peer(a, &s->addr);
    d->policy = hy_deliver_policy_ref(s->policy);
    a->source = hy_str_of(s->from->name);
    if (s->tls_version) {
        a->tls_version = s->tls_version;
        snprintf(d->tls_cipher, sizeof d->tls_cipher, "%s", s->tls_cipher);
        a->tls_cipher = hy_str_of(d->tls_cipher);
    }
    session_tls_tell(s, d, a);
    lane_count(d->lane, o, now - d->submitted);
    count_state(w, v.state);
    meter_outcome(w, d->lane, o, now - d->submitted, d->started + a->duration_ms - d->queued);
    if (o->in_doubt)
        w->cut_off++;
    if (d->inflight != HY_INFLIGHT_NONE)
        hy_inflight_answered(w->d->inflight, d->inflight, a);
    release_claim(d, v.state);
    watch_bounces(d, v.state);
    submit(d);
}

void settle_refusal(struct delivery *d, enum hy_rcpt_state state, const struct hy_outcome *o)
{
    struct hy_verdict v = {state, 0};
    if (d->inflight != HY_INFLIGHT_NONE) { /* nothing was sent */
        hy_inflight_free(d->worker->d->inflight, d->inflight);
        d->inflight = HY_INFLIGHT_NONE;
        worker_wake_starved(d->worker);
    }
    if (state == HY_RCPT_DEFERRED && d->refusal_due)
        v = (struct hy_verdict){HY_RCPT_DEFERRED, d->refusal_due};
    else if (state == HY_RCPT_DEFERRED)
        v = judge(d, o);
    release_claim(d, v.state);
    fill(d, o, v.state, v.due);
    d->settle.attempt.started = d->started;
    if (d->lane) {
        d->settle.attempt.source = hy_str_of(d->lane->source->name);
        lane_count(d->lane, o, 0);
    }
    count_state(d->worker, v.state);
    meter_outcome(d->worker, d->lane, o, 0, 0);
    submit(d);
}
