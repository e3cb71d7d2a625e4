/* Recovery at boot: what the in-flight table of the killed process says becomes settles. A row that
 * has no slot was never sent. The settle's fence makes it safe to be killed here and to start over.
 */
#include "env_priv.h"
#include "inflight_priv.h"

enum { ROWS_A_COMMIT = 1000 };

static bool sums_fit(const struct hy_inflight_slot *s, uint32_t state)
{
    if (state != HY_SLOT_DOT && state != HY_SLOT_ANSWERED)
        return false;
    if (s->ref_sum != hy_slot_ref_sum(s) || s->ref.started <= 0)
        return false;
    if (state == HY_SLOT_DOT)
        return true;
    return s->answer.text_n <= HY_INFLIGHT_TEXT_MAX && s->answer_sum == hy_slot_answer_sum(s) &&
           s->answer.state > HY_RCPT_FRESH && s->answer.state < HY_RCPT_STATES;
}

static void read_answer(const struct hy_slot_answer *w, struct hy_attempt *a)
{
    a->state = (enum hy_rcpt_state)w->state;
    a->effect = w->effect <= HY_EFFECT_HARD ? (enum hy_attempt_effect)w->effect : HY_EFFECT_NONE;
    a->due_s = w->due_s;
    a->duration_ms = w->duration_ms;
    a->size_bytes = w->size_bytes;
    memcpy(a->mx_ip, w->mx_ip, sizeof a->mx_ip);
    a->is_dsn_passed_on = w->dsn_passed_on != 0;
    a->outcome = (struct hy_outcome){.kind = (enum hy_outcome_kind)w->kind,
                                     .spoils = (enum hy_spoils)w->spoils,
                                     .phase = (enum hy_phase)w->phase,
                                     .code = w->code,
                                     .enhanced = {w->class, w->subject, w->detail},
                                     .from_server = w->from_server,
                                     .in_doubt = w->in_doubt,
                                     .text = hy_str_make(w->text, w->text_n)};
}

static void doubt(enum hy_doubt_policy policy, struct hy_attempt *a)
{
    a->state = policy == HY_DOUBT_RESEND ? HY_RCPT_DEFERRED : HY_RCPT_HELD;
    a->due_s = 0; /* at once */
    a->outcome = (struct hy_outcome){
        .kind = HY_OUTCOME_DEFERRED,
        .spoils = HY_SPOILS_STREAM,
        .phase = HY_PHASE_DOT,
        .enhanced = {4, 4, 2},
        .in_doubt = true,
        .text = policy == HY_DOUBT_RESEND
                    ? HY_STR("hayauma ended before the reply to the message came: sent again")
                    : HY_STR("hayauma ended before the reply to the message came: held"),
    };
}

static int recover_slot(struct hy_txn *t, const struct hy_inflight_slot *s,
                        enum hy_doubt_policy policy, struct hy_recovery *r)
{
    struct hy_settle settle;
    uint32_t state = atomic_load(&s->state);
    r->seen++;
    if (!sums_fit(s, state)) {
        r->damaged++;
        return 0;
    }
    hy_settle_init(&settle);
    settle.attempt.ref = (struct hy_rcpt_ref){s->ref.campaign, s->ref.domain,   s->ref.block,
                                              s->ref.slot,     s->ref.attempts, s->ref.lead};
    settle.attempt.started = s->ref.started;
    settle.attempt.tenant = s->tenant;
    if (state == HY_SLOT_ANSWERED)
        read_answer(&s->answer, &settle.attempt);
    else
        doubt(policy, &settle.attempt);
    int err = hy_settle_apply(t, &settle);
    if (err)
        return hy_txn_fail(t, err);
    r->stale += settle.result == HY_SETTLE_STALE;
    r->missing += settle.result == HY_SETTLE_MISSING;
    if (settle.result == HY_SETTLE_APPLIED) {
        r->applied += state == HY_SLOT_ANSWERED;
        r->in_doubt += state == HY_SLOT_DOT;
    }
    return 0;
}

/* Slots from `*at` on, until there are enough for a commit. */
static int recover_some(struct hy_env *env, struct hy_inflight *f, enum hy_doubt_policy policy,
                        uint32_t *at, struct hy_recovery *r)
{
    struct hy_txn t;
    int err = hy_txn_write(env, &t);
    if (err)
        return err;
    for (unsigned n = 0; *at < f->in_file && n < ROWS_A_COMMIT && !err; ++*at) {
        if (atomic_load(&f->slots[*at].state) == HY_SLOT_FREE)
            continue;
        err = recover_slot(&t, &f->slots[*at], policy, r);
        n++;
    }
    int committed = hy_txn_commit(&t);
    return err ? err : committed;
}

int hy_recover(struct hy_env *env, struct hy_inflight *f, enum hy_doubt_policy policy,
               struct hy_recovery *ret)
{
    struct hy_recovery r = {0};
    for (uint32_t at = 0; at < f->in_file;) {
        int err = recover_some(env, f, policy, &at, &r);
        if (err)
            return err;
    }
    hy_inflight_reset(f);
    *ret = r;
    return 0;
}
