/* Settle: from an outcome to the writer. The in-flight slot gets the answer first, so that a kill
 * between here and the commit loses nothing. */
#include "lane.h"

#include <stdlib.h>

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
    struct run_watch *w = d->run->watch;
    if (!w || (state != HY_RCPT_DELIVERED && state != HY_RCPT_BOUNCED))
        return;
    const struct hy_brakes *b = &d->run->plan.brakes;
    if (state == HY_RCPT_DELIVERED)
        (void)hy_surge_count(&w->complaints, &b->complaints, false, &view);
    if (hy_surge_count(&w->bounces, &b->bounces, state == HY_RCPT_BOUNCED, &view) && s->on_surge)
        s->on_surge(s->brakes_ctx, d->run->campaign, HY_SURGE_BOUNCES, &view);
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
static struct hy_bounce_class class_of(const struct delivery *d, const struct hy_outcome *o)
{
    if (o->kind == HY_OUTCOME_DELIVERED || o->phase == HY_PHASE_RENDER)
        return (struct hy_bounce_class){.reason = HY_BOUNCE_UNDEFINED};
    struct hy_bounce_words w = {o->code, o->enhanced, o->text};
    return hy_bounce_classify(o->from_server ? d->worker->policy->bounces : NULL, &w);
}

/* What the end of a message means for its address. */
static enum hy_attempt_effect effect_of(const struct delivery *d, enum hy_rcpt_state state,
                                        const struct hy_outcome *o,
                                        const struct hy_bounce_class *class)
{
    if (state == HY_RCPT_DELIVERED)
        return hy_suppress_may_have(d->worker->d->env, hy_str_of(d->address)) ? HY_EFFECT_RESET
                                                                              : HY_EFFECT_NONE;
    if ((state != HY_RCPT_BOUNCED && state != HY_RCPT_EXPIRED) || o->phase == HY_PHASE_RENDER ||
        o->phase == HY_PHASE_POLICY)
        return HY_EFFECT_NONE;
    if (state == HY_RCPT_BOUNCED && class->is_suppress)
        return HY_EFFECT_HARD;
    return hy_bounce_reason_is_soft(class->reason) ? HY_EFFECT_SOFT : HY_EFFECT_NONE;
}

static struct hy_str put(char **at, struct hy_str s)
{
    struct hy_str copy = hy_str_make(*at, s.n);
    if (s.n)
        memcpy(*at, s.p, s.n);
    *at += s.n;
    return copy;
}

/* Copies what a session and its dialogue hold: they may be gone before it is stored. Without memory
 * the attempt is stored without words. */
static void keep_words(struct delivery *d, struct hy_str text, struct hy_str host,
                       struct hy_str cipher)
{
    struct hy_attempt *a = &d->settle.attempt;
    text = hy_str_slice(text, 0, HY_OUTCOME_TEXT_MAX);
    size_t n = text.n + host.n + cipher.n;
    char *at = d->words = n ? malloc(n) : NULL;
    a->outcome.text = at ? put(&at, text) : HY_STR("");
    a->mx_host = at ? put(&at, host) : HY_STR("");
    a->tls_cipher = at ? put(&at, cipher) : HY_STR("");
}

static void fill(struct delivery *d, const struct hy_outcome *o,
                 const struct hy_bounce_class *class, const struct hy_verdict *v,
                 const struct session *s)
{
    struct hy_attempt *a = &d->settle.attempt;
    hy_settle_init(&d->settle);
    a->ref = d->ref;
    a->state = v->state;
    /* Up to the next full quarter minute: rows of one block then share an entry of the index. */
    a->due_s = v->state == HY_RCPT_DEFERRED ? (uint32_t)((v->due / 1000 + 15) / 15 * 15) : 0;
    a->outcome = *o;
    a->outcome.reason = (uint8_t) class->reason;
    a->effect = effect_of(d, v->state, o, class);
    a->tenant = policy_suppressor(d->worker->policy, d->run->plan.tenant);
    keep_words(d, o->text, s ? hy_str_of(s->host) : HY_STR(""),
               s ? hy_str_of(s->tls_cipher) : HY_STR(""));
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
    if (d->run->plan.expire_us)
        return d->queued;
    return hy_retry_since(plan_of(d), d->queued, d->ref.attempts, now);
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

void settle_outcome(struct delivery *d, const struct hy_outcome *came, const struct session *s)
{
    struct worker *w = d->worker;
    hy_us now = hy_loop_now(w->loop);
    struct hy_outcome outcome = *came, *o = &outcome;
    struct hy_bounce_class class = class_of(d, came);
    outcome.reason = (uint8_t) class.reason;
    if (d->lane->warm) /* as it came: a block that a rule makes a deferral is a block */
        warmth_count(d->lane->warm, o);
    lane_heed_reply(d->lane, o, now);
    struct hy_verdict v = judge(d, o);
    fill(d, o, &class, &v, s);
    struct hy_attempt *a = &d->settle.attempt;
    a->started = d->started;
    a->duration_ms = (uint32_t)((now - d->submitted) / HY_US_PER_MS);
    a->size_bytes = (uint32_t)d->size_bytes;
    hy_sockaddr_ip16(&s->addr, a->mx_ip);
    d->policy = hy_deliver_policy_ref(s->policy);
    a->source = hy_str_of(s->from->name);
    a->tls_version = s->tls_version;
    a->is_dsn_passed_on = d->dsn && hy_smtp_client_capabilities(&s->client)->set & HY_SMTP_CAP_DSN;
    session_tls_tell(s, d, a);
    lane_count(d->lane, o);
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
    struct hy_bounce_class class = class_of(d, o);
    fill(d, o, &class, &v, NULL);
    d->settle.attempt.started = d->started;
    if (d->lane) {
        d->settle.attempt.source = hy_str_of(d->lane->source->name);
        lane_count(d->lane, o);
    }
    count_state(d->worker, v.state);
    meter_outcome(d->worker, d->lane, o, 0, 0);
    submit(d);
}
