/* The press: threads that render and sign. They own nothing but their tools; a job is a delivery,
 * which comes back with its message or with the reason why it will not be sent. Signing takes all
 * the processor there is; what waits for a socket goes first, so these threads are nice to the
 * others. See docs/decisions/0022 and 0023. */
#include "press.h"

#include <stdlib.h>

#include "hayauma/base/log.h"
#include "hayauma/shape/release.h"
#include "hayauma/store/merge.h"
#include "hayauma/store/spool.h"

enum {
    ANSWER_WAIT_US = 1000, /* four RSA-2048 signatures */
    PRESS_NICE = 5,        /* against the workers' 0: a third of their weight */
};

void press_refuse(struct delivery *d, enum hy_rcpt_state state, enum hy_outcome_kind kind,
                  enum hy_phase phase, struct hy_enhanced enhanced, const char *text)
{
    d->refusal_state = state;
    d->refusal = (struct hy_outcome){
        .kind = kind,
        .spoils = HY_SPOILS_RECIPIENT,
        .phase = phase,
        .enhanced = enhanced,
        .text = hy_str_of(text), /* a literal, or its run's */
    };
}

void press_cannot_make(struct delivery *d, const char *why)
{
    press_refuse(d, HY_RCPT_DEFERRED, HY_OUTCOME_DEFERRED, HY_PHASE_RENDER,
                 (struct hy_enhanced){4, 3, 0}, why);
}

void press_failed(struct delivery *d, int err)
{
    if (err == HY_ENOTFOUND) {
        press_cannot_make(d, "no DKIM key signs for the sender's domain (dkim.required)");
        return;
    }
    hy_log(HY_LOG_ERROR, "press", "a message could not be made: %s", hy_err_text(err));
    press_cannot_make(d, "the message could not be made or signed");
}

bool press_is_in_time(struct delivery *d, hy_wall_ms now)
{
    if (now < d->expires)
        return true;
    press_refuse(d, HY_RCPT_EXPIRED, HY_OUTCOME_BOUNCED, HY_PHASE_POLICY,
                 (struct hy_enhanced){5, 4, 7}, "not delivered within its time");
    return false;
}

bool press_may_send(struct press *p, struct delivery *d, struct hy_str address,
                    const struct hy_suppress_ask *ask)
{
    static const char *const why[HY_SUPPRESS_REASONS] = {
        [HY_SUPPRESS_HARD_BOUNCE] = "suppressed: the address has bounced for good (hard-bounce)",
        [HY_SUPPRESS_SOFT_BOUNCES] = "suppressed: the address has bounced too often (soft-bounces)",
        [HY_SUPPRESS_COMPLAINT] = "suppressed: mail was reported as spam (complaint)",
        [HY_SUPPRESS_UNSUBSCRIBE] = "suppressed: no more mail is wanted (unsubscribe)",
        [HY_SUPPRESS_MANUAL] = "suppressed: put on the list by hand (manual)",
        [HY_SUPPRESS_IMPORTED] = "suppressed: on a list that was imported (imported)",
        [HY_SUPPRESS_ERASED] = "suppressed: the person asked to be forgotten (erased)",
    };
    struct hy_suppress_entry e;
    int err = hy_suppress_find(&p->txn, address, ask, &e);
    if (err == HY_OK)
        press_refuse(d, HY_RCPT_SUPPRESSED, HY_OUTCOME_BOUNCED, HY_PHASE_POLICY,
                     (struct hy_enhanced){5, 7, 1}, why[e.key.reason]);
    else if (err != HY_ENOTFOUND && err != HY_EPARSE)
        press_cannot_make(d, "the suppression list cannot be read");
    return err == HY_ENOTFOUND || err == HY_EPARSE;
}

/* False: the lead was merged, and the person gets the mail, or got it, by another row. */
static bool is_one_of_person(struct press *p, struct delivery *d, hy_lead_no lead)
{
    hy_lead_no instead;
    int err = hy_merge_may_mail(&p->txn, d->ref.campaign, lead, &instead);
    if (err == HY_EEXIST)
        press_refuse(d, HY_RCPT_SUPPRESSED, HY_OUTCOME_BOUNCED, HY_PHASE_POLICY,
                     (struct hy_enhanced){5, 7, 1},
                     "the lead was merged with another, which is to get this mail");
    else if (err)
        press_cannot_make(d, "leads that were merged cannot be read");
    return err == HY_OK;
}

/* False: the lead must not get it. */
static bool may_get(struct press *p, struct delivery *d, const struct hy_lead_view *lead,
                    hy_wall_ms now)
{
    if (!press_is_in_time(d, now))
        return false;
    if (lead->status != HY_LEAD_ACTIVE) {
        press_refuse(d, HY_RCPT_SUPPRESSED, HY_OUTCOME_BOUNCED, HY_PHASE_POLICY,
                     (struct hy_enhanced){5, 7, 1}, hy_lead_status_why(lead->status));
        return false;
    }
    if (lead->domain_no != d->ref.domain) { /* its row leads to servers of the address of then */
        press_refuse(d, HY_RCPT_SUPPRESSED, HY_OUTCOME_BOUNCED, HY_PHASE_POLICY,
                     (struct hy_enhanced){5, 1, 6},
                     "the lead has an address at another domain since the campaign began");
        return false;
    }
    if (!is_one_of_person(p, d, lead->no))
        return false;
    struct hy_suppress_ask ask = {.tenant = policy_suppressor(p->policy, d->run->plan.tenant),
                                  .stream = d->run->plan.stream};
    ask.lists = &d->run->plan.lists;
    ask.domain = lead->domain_no;
    ask.lead = lead->no;
    return press_may_send(p, d, lead->address, &ask);
}

/* What a lead's own zone attribute names; the campaign's when it names none. */
static const struct hy_zone *zone_of(struct press *p, const struct run *run,
                                     const struct hy_lead_view *lead)
{
    for (size_t i = 0; i < lead->n_attrs; i++) {
        if (lead->attrs[i].no == run->plan.zone_slot) {
            const struct hy_zone *z = zones_find(&p->zones, lead->attrs[i].value);
            return z ? z : run->plan.zone;
        }
    }
    return run->plan.zone;
}

/* False: it is night where the lead is, and the row waits for the morning, for its own moment of
 * the release. */
static bool is_open(struct press *p, struct delivery *d, const struct hy_lead_view *lead,
                    hy_wall_ms now)
{
    const struct hy_deliver_plan *plan = &d->run->plan;
    if (!plan->zone || !plan->brakes.is_by_lead)
        return true;
    const struct hy_zone *zone = zone_of(p, d->run, lead);
    hy_wall_ms next = hy_hours_next(&plan->brakes.hours, zone, now);
    if (next <= now)
        return true;
    hy_wall_ms room = hy_release_room(&plan->brakes.hours, zone, next, plan->brakes.release_ms);
    hy_buf_reset(&d->bytes); /* the room of the message that is not made */
    d->bytes.max = HY_ZONE_NAME_MAX + 64;
    hy_buf_printf(&d->bytes, "outside of the campaign's hours where the lead is (%s)",
                  hy_zone_name(zone));
    press_refuse(d, HY_RCPT_DEFERRED, HY_OUTCOME_DEFERRED, HY_PHASE_POLICY,
                 (struct hy_enhanced){4, 7, 0},
                 d->bytes.err ? "outside of the campaign's hours" : hy_buf_cstr(&d->bytes));
    d->refusal_due =
        next + (hy_wall_ms)((lead->no * 0x9e3779b97f4a7c15u >> 32) * (uint64_t)room >> 32);
    return false;
}

/* False: the lead has had enough mail lately, or that cannot be known now. */
static bool is_within_cap(struct press *p, struct delivery *d, const struct hy_lead_view *lead,
                          hy_wall_ms now)
{
    const struct hy_deliver_plan *plan = &d->run->plan;
    struct hy_contacts *contacts = p->d->settings.contacts;
    if (!contacts || plan->cap.mails == 0 || d->has_claim)
        return true;
    int err = hy_contacts_claim(contacts, lead->no, &plan->cap, now);
    d->has_claim = err == HY_OK;
    if (err == HY_ELIMIT)
        press_refuse(d, HY_RCPT_SUPPRESSED, HY_OUTCOME_BOUNCED, HY_PHASE_POLICY,
                     (struct hy_enhanced){5, 7, 1}, plan->cap_text);
    else if (err != HY_OK)
        press_cannot_make(
            d, "the table of contacts (campaign.frequency_cap) cannot be written: is the "
               "disk full?");
    return err == HY_OK;
}

/* The domains that sign with keys of the installation: that of From, and those of the source it
 * leaves from. Returns how many. */
static size_t signing_domains(const struct press *p, const struct delivery *d, struct hy_str own,
                              struct hy_str out[1 + HY_DELIVER_SOURCE_DKIM_MAX])
{
    const struct hy_deliver_source *from = source_in(p->policy, d->source);
    size_t n = 0;
    if (own.n)
        out[n++] = own;
    for (size_t i = 0; from && i < from->n_dkim && i < HY_DELIVER_SOURCE_DKIM_MAX; i++)
        if (!hy_str_eq(from->dkim[i], own))
            out[n++] = from->dkim[i];
    return n;
}

/* For the keys of a tenant; NULL without memory. */
static struct hy_dkim_signer *signer_of(struct press *p, const struct hy_deliver_tenant *t)
{
    size_t at = (size_t)(t - p->policy->tenants);
    if (!p->signers)
        p->signers = calloc(p->policy->n_tenants, sizeof(struct hy_dkim_signer *));
    if (p->signers && !p->signers[at] && hy_dkim_signer_new(t->dkim, &p->signers[at]) != HY_OK)
        p->signers[at] = NULL;
    return p->signers ? p->signers[at] : NULL;
}

static void free_signers(struct press *p)
{
    for (size_t i = 0; p->signers && i < p->policy->n_tenants; i++)
        hy_dkim_signer_free(p->signers[i]);
    free(p->signers);
    p->signers = NULL;
    hy_dkim_signer_free(p->signer);
    p->signer = NULL;
}

int press_sign(struct press *p, struct delivery *d, const struct press_content *c, hy_wall_ms now)
{
    struct signing own = policy_signing(p->policy, c->tenant, c->from_domain);
    struct hy_str domains[1 + HY_DELIVER_SOURCE_DKIM_MAX];
    size_t n = signing_domains(p, d, own.whose ? (struct hy_str){0} : own.domain, domains);
    struct hy_dkim_signer *signer = own.whose ? signer_of(p, own.whose) : NULL;
    if (!own.domain.n && p->policy->is_dkim_required) /* may be gone since it was taken up */
        return HY_ENOTFOUND;
    if (n == 0 && !own.whose)
        return HY_OK;
    if ((n && !p->signer) || (own.whose && !signer))
        return HY_ENOMEM;
    struct hy_dkim_message m = {
        .headers = c->headers, .body = c->body, .body_is_canonical = c->is_body_relaxed};
    struct hy_dkim_options o = p->policy->dkim_options;
    o.signed_at = now;
    int err = hy_buf_reserve(&d->signature, 1536 * (n + (own.whose != NULL)));
    if (err == HY_OK && own.whose)
        err = hy_dkim_sign(signer, &own.domain, 1, &m, &o, &d->signature);
    if (err == HY_OK && n)
        err = hy_dkim_sign(p->signer, domains, n, &m, &o, &d->signature);
    if (err == HY_OK)
        atomic_fetch_add_explicit(&p->d->counters.signed_, 1, memory_order_relaxed);
    return err;
}

static int sign_rendered(struct press *p, struct delivery *d, hy_wall_ms now)
{
    const struct hy_rendered *r = &p->rendered;
    struct press_content c = {
        .tenant = d->run->plan.tenant,
        .from_domain = d->run->plan.from_domain,
        .headers = hy_str_make(r->bytes.data, r->header_bytes - 2), /* less the empty line */
        .body = hy_str_slice(hy_buf_str(&r->bytes), r->header_bytes, r->bytes.len),
        .is_body_relaxed = r->is_body_relaxed,
    };
    return press_sign(p, d, &c, now);
}

/* Defaults first, the lead's own values over them; with `clear` all of them absent again. */
static void fill_slots(struct press *p, const struct run *run, const struct hy_lead_view *lead,
                       bool clear)
{
    const struct hy_str absent = {0};
    for (size_t i = 0; i < run->plan.n_defaults; i++) {
        const struct hy_deliver_default *v = &run->plan.defaults[i];
        p->slots[v->slot] = clear ? absent : v->value;
    }
    for (size_t i = 0; i < lead->n_attrs; i++) {
        if (lead->attrs[i].no < HY_ATTR_MAX)
            p->slots[lead->attrs[i].no] = clear ? absent : lead->attrs[i].value;
    }
}

static int render(struct press *p, struct delivery *d, const struct hy_lead_view *lead,
                  hy_wall_ms now)
{
    struct hy_render_input in = {
        .slots = p->slots,
        .n_slots = HY_DELIVER_SLOTS,
        .address = lead->address,
        .lead = lead->no,
        .now = now,
    };
    fill_slots(p, d->run, lead, false);
    int err = hy_message_render(d->run->plan.message, &in, &p->rendered);
    fill_slots(p, d->run, lead, true);
    return err;
}

/* Moves the rendered message into the delivery, in memory of its exact size. */
static int keep(struct press *p, struct delivery *d, const struct hy_lead_view *lead)
{
    struct hy_rendered *r = &p->rendered;
    hy_buf_reset(&d->bytes);
    d->bytes.max = r->bytes.len;
    hy_buf_add(&d->bytes, r->bytes.data, r->bytes.len);
    if (d->bytes.err)
        return d->bytes.err;
    d->header_bytes = r->header_bytes;
    d->size_bytes = d->signature.len + d->bytes.len;
    d->needs_8bitmime = r->needs_8bitmime;
    d->needs_smtputf8 = r->needs_smtputf8;
    d->has_no_dot_line = r->has_no_dot_line;
    memcpy(d->return_path, r->return_path, r->return_path_n);
    d->return_path[r->return_path_n] = '\0';
    memcpy(d->address, lead->address.p, lead->address.n);
    d->address[lead->address.n] = '\0';
    d->is_pressed = true;
    return HY_OK;
}

static void press_one(struct press *p, struct delivery *d)
{
    d->refusal = (struct hy_outcome){0};
    d->refusal_due = 0;
    hy_buf_reset(&d->signature);
    if (atomic_load(&d->run->stopped))
        return; /* its worker drops it */
    if (hy_id_is_spool(d->ref.campaign)) {
        press_spool(p, d);
        return;
    }
    struct hy_lead_view lead;
    int err =
        p->has_txn ? hy_lead_read(&p->txn, d->ref.lead, p->attrs, HY_ATTR_MAX, &lead) : HY_EIO;
    if (err == HY_ENOTFOUND) {
        press_refuse(d, HY_RCPT_SUPPRESSED, HY_OUTCOME_BOUNCED, HY_PHASE_POLICY,
                     (struct hy_enhanced){5, 7, 1}, "the lead does not exist any more");
        return;
    }
    if (err != HY_OK || lead.address.n > HY_ADDRESS_MAX) {
        press_cannot_make(d, "the lead cannot be read from the store");
        return;
    }
    hy_wall_ms now = hy_clock_wall_ms();
    if (!may_get(p, d, &lead, now) || !is_open(p, d, &lead, now) ||
        !is_within_cap(p, d, &lead, now))
        return;
    err = render(p, d, &lead, now);
    if (err == HY_EINVAL || err == HY_EUNSUPPORTED) {
        press_refuse(
            d, HY_RCPT_BOUNCED, HY_OUTCOME_BOUNCED, HY_PHASE_RENDER, (struct hy_enhanced){5, 6, 0},
            err == HY_EINVAL ? "a value or address of the lead cannot stand in the message"
                             : "a value of the lead cannot be written in the forced encoding");
        return;
    }
    if (err == HY_ELIMIT) {
        press_refuse(d, HY_RCPT_BOUNCED, HY_OUTCOME_BOUNCED, HY_PHASE_RENDER,
                     (struct hy_enhanced){5, 3, 4},
                     "the message is larger than delivery.max_message");
        return;
    }
    if (err == HY_OK)
        err = sign_rendered(p, d, now);
    if (err == HY_OK)
        err = keep(p, d, &lead);
    if (err != HY_OK)
        press_failed(d, err);
}

/* The newest policy, with a signer for its keys. */
static void refresh_policy(struct press *p)
{
    struct hy_deliver *d = p->d;
    pthread_rwlock_rdlock(&d->policy_lock);
    struct hy_deliver_policy *now = d->press_policy;
    if (now != p->policy)
        hy_deliver_policy_ref(now);
    pthread_rwlock_unlock(&d->policy_lock);
    if (now == p->policy)
        return;
    free_signers(p);
    p->last.message = 0; /* other keys, perhaps */
    hy_deliver_policy_unref(p->policy);
    p->policy = now;
    if (now->dkim && hy_dkim_signer_new(now->dkim, &p->signer) != HY_OK)
        hy_log(HY_LOG_ERROR, "press", "out of memory for DKIM keys: mail that they sign waits");
}

/* ---- answers ---- */

static void flush_answers(struct press *p)
{
    for (unsigned i = 0; i < p->d->n_workers; i++) {
        struct answers *a = &p->answers[i];
        if (!a->first)
            continue;
        int err = hy_mailbox_post_answers(p->d->workers[i].mailbox, a->first);
        (void)err; /* workers outlive the press */
        *a = (struct answers){0};
    }
    p->answers_since = 0;
}

/* Each wake-up of a worker takes the processor from a signature that is being made, here or in the
 * thread beside us: answers go out together, none more than ANSWER_WAIT_US after it was made. */
static void answer(struct press *p, struct delivery *d)
{
    struct answers *a = &p->answers[d->worker->index];
    hy_us now = hy_clock_us();
    d->msg.next = NULL;
    if (a->last)
        a->last->next = &d->msg;
    else
        a->first = &d->msg;
    a->last = &d->msg;
    if (!p->answers_since)
        p->answers_since = now;
    if (now - p->answers_since >= ANSWER_WAIT_US)
        flush_answers(p);
}

static void press_batch(struct press *p, struct hy_msg *jobs)
{
    const int64_t cpu = hy_clock_thread_cpu_us();
    uint64_t n = 0;
    refresh_policy(p);
    p->has_txn = (p->txn.env ? hy_txn_renew(&p->txn) : hy_txn_read(p->d->env, &p->txn)) == HY_OK;
    for (struct hy_msg *next; jobs; jobs = next, n++) {
        struct delivery *d = hy_container_of(jobs, struct delivery, msg);
        next = jobs->next;
        press_one(p, d);
        answer(p, d);
    }
    flush_answers(p);
    if (p->has_txn)
        hy_txn_park(&p->txn);
    struct hy_deliver_counters *c = &p->d->counters;
    atomic_fetch_add_explicit(&c->pressed, n, memory_order_relaxed);
    atomic_fetch_add_explicit(&c->press_cpu_us, (uint64_t)(hy_clock_thread_cpu_us() - cpu),
                              memory_order_relaxed);
}

void press_main(void *arg)
{
    struct hy_deliver *d = arg;
    struct press *p = calloc(1, sizeof *p);
    if (!p) {
        hy_log(HY_LOG_ERROR, "press", "out of memory");
        return;
    }
    hy_thread_give_way(PRESS_NICE);
    p->d = d;
    p->last.fields = HY_BUF_INIT(64 * 1024);
    hy_rendered_init(&p->rendered);
    for (struct hy_msg *jobs; (jobs = hy_jobs_pop(d->jobs, PRESS_BATCH));)
        press_batch(p, jobs);
    if (p->txn.env)
        hy_txn_end(&p->txn);
    zones_free(&p->zones);
    hy_rendered_free(&p->rendered);
    hy_buf_free(&p->last.fields);
    free_signers(p);
    hy_deliver_policy_unref(p->policy);
    free(p);
}
