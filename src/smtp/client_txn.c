/* Transactions: the table of their steps, and the pump that writes all that may be written now.
 *
 * Without PIPELINING every command waits for the reply to the one before. With it (RFC 2920 3.1)
 *   - RSET, MAIL and RCPT may stand anywhere in a group of commands,
 *   - DATA ends a group: nothing follows until it is answered,
 *   - the content may be the first "command" of a group, so the end of one message and the
 *     envelope of the next go out together.
 * BDAT (RFC 3030) is written when RCPT was answered, so that no content goes to nobody; its end may
 * be followed by the next envelope, too, but with RSET first, because the state after a failed BDAT
 * is indeterminate (RFC 3030 2). */
#include "client_priv.h"

#include <assert.h>
#include <stddef.h>

#include "hayauma/model/lead.h"

#define LIMIT(f) offsetof(struct hy_smtp_client_timeouts, f)

static const struct {
    const char *name;
    enum hy_phase phase; /* while its reply is awaited */
    size_t timeout;      /* for its reply */
    bool (*send)(struct hy_smtp_client *c, struct hy_smtp_txn *t);
    void (*on_reply)(struct hy_smtp_client *c, struct hy_smtp_txn *t);
} steps[HY_SMTP_STEPS] = {
    [HY_SMTP_STEP_CHECK] = {"check", HY_PHASE_MAIL, LIMIT(mail_us), hy_smtp_send_check, NULL},
    [HY_SMTP_STEP_RSET] = {"rset", HY_PHASE_RSET, LIMIT(ehlo_us), hy_smtp_send_rset,
                           hy_smtp_on_rset},
    [HY_SMTP_STEP_MAIL] = {"mail", HY_PHASE_MAIL, LIMIT(mail_us), hy_smtp_send_mail,
                           hy_smtp_on_mail},
    [HY_SMTP_STEP_RCPT] = {"rcpt", HY_PHASE_RCPT, LIMIT(rcpt_us), hy_smtp_send_rcpt,
                           hy_smtp_on_rcpt},
    [HY_SMTP_STEP_DATA] = {"data", HY_PHASE_DATA, LIMIT(data_us), hy_smtp_send_data,
                           hy_smtp_on_data},
    [HY_SMTP_STEP_BODY] = {"body", HY_PHASE_BODY, LIMIT(block_us), hy_smtp_send_body, NULL},
    [HY_SMTP_STEP_END] = {"end", HY_PHASE_DOT, LIMIT(dot_us), hy_smtp_send_end, hy_smtp_on_end},
    [HY_SMTP_STEP_OVER] = {"over", HY_PHASE_DOT, LIMIT(dot_us), NULL, NULL},
};

enum hy_phase hy_smtp_step_phase(const struct hy_smtp_txn *t)
{
    if (t->wait.step == HY_SMTP_STEP_END && !t->dot_begun)
        return HY_PHASE_BODY;
    return steps[t->wait.step].phase;
}

const char *hy_smtp_step_name(const struct hy_smtp_txn *t)
{
    return steps[t->wait.step].name;
}

hy_us hy_smtp_step_timeout(const struct hy_smtp_client *c, const struct hy_smtp_txn *t)
{
    hy_us us;
    memcpy(&us, (const char *)&c->settings->timeouts + steps[t->wait.step].timeout, sizeof us);
    return us;
}

bool hy_smtp_pipelines(const struct hy_smtp_client *c)
{
    return c->settings->use_pipelining && (c->caps.set & HY_SMTP_CAP_PIPELINING);
}

bool hy_smtp_chunks(const struct hy_smtp_client *c)
{
    return c->settings->use_chunking && (c->caps.set & HY_SMTP_CAP_CHUNKING);
}

size_t hy_smtp_next_wanted(const struct hy_smtp_txn *t, size_t from)
{
    while (from < t->msg->n_recipients && !hy_smtp_set_has(&t->wanted, from))
        from++;
    return from;
}

void hy_smtp_report_one(struct hy_smtp_txn *t, size_t i, const struct hy_outcome *o)
{
    t->verdict = *o;
    hy_smtp_set_add(&t->report, i);
}

void hy_smtp_report_all(struct hy_smtp_txn *t, const struct hy_outcome *o)
{
    t->verdict = *o;
    t->report = t->pending;
}

void hy_smtp_cut(struct hy_smtp_txn *t)
{
    t->send.step = HY_SMTP_STEP_OVER; /* send.rcpt stays: how many RCPT were written */
}

void hy_smtp_abandon(struct hy_smtp_client *c, struct hy_smtp_txn *t)
{
    if (t->mail_ok)
        c->need_rset = true;
    t->send.step = t->wait.step = HY_SMTP_STEP_OVER;
}

/* Frees the slot of a transaction that is over, its results taken. */
void hy_smtp_retire(struct hy_smtp_client *c)
{
    struct hy_smtp_txn *t = hy_smtp_older(c);
    if (!t->msg || t->wait.step != HY_SMTP_STEP_OVER || t->tell_content_done)
        return;
    if (!hy_smtp_set_is_empty(&t->report) || !hy_smtp_set_is_empty(&t->pending))
        return;
    if (t->is_touched)
        c->done++;
    t->msg = NULL;
    c->ready_since = c->now;
    if (hy_smtp_newer(c)->msg)
        c->head ^= 1;
}

static bool is_unstarted(const struct hy_smtp_txn *t)
{
    return t->send.step <= HY_SMTP_STEP_RSET ||
           (t->send.step == HY_SMTP_STEP_MAIL && t->wait.step == HY_SMTP_STEP_MAIL);
}

static bool may_send(const struct hy_smtp_client *c, const struct hy_smtp_txn *t)
{
    switch ((enum hy_smtp_step)t->send.step) {
    case HY_SMTP_STEP_CHECK:
    case HY_SMTP_STEP_END:
        return true;
    case HY_SMTP_STEP_BODY:
        return t->wait.step == HY_SMTP_STEP_END;
    default:
        return hy_smtp_pipelines(c) || c->put == c->replied;
    }
}

/* Writes what this transaction may write; true when all of it is written and others may follow. */
static bool send_all(struct hy_smtp_client *c, struct hy_smtp_txn *t)
{
    if (!t->msg)
        return false;
    if (c->want_quit && is_unstarted(t) && hy_smtp_set_is_empty(&t->report)) {
        struct hy_outcome o = hy_smtp_returned(HY_SPOILS_STREAM, "the connection was ended by us");
        hy_smtp_report_all(t, &o);
        hy_smtp_abandon(c, t);
    }
    while (t->send.step != HY_SMTP_STEP_OVER)
        if (!may_send(c, t) || !steps[t->send.step].send(c, t))
            return false;
    return !t->data_sent || t->wait.step > HY_SMTP_STEP_DATA;
}

void hy_smtp_pump(struct hy_smtp_client *c)
{
    if (c->fate || c->state != HY_SMTP_ST_SESSION)
        return;
    bool was_waiting = c->put != c->replied;
    hy_smtp_retire(c);
    if (send_all(c, hy_smtp_older(c)))
        (void)send_all(c, hy_smtp_newer(c));
    hy_smtp_retire(c);
    if (c->want_quit && !hy_smtp_older(c)->msg) {
        struct hy_outcome o = hy_smtp_returned(HY_SPOILS_NOTHING, "the connection was ended by us");
        hy_smtp_bow(c, HY_SMTP_CLOSED_QUIT, &o);
    } else if (!was_waiting && c->put != c->replied) {
        hy_smtp_arm(c);
    }
}

void hy_smtp_on_session(struct hy_smtp_client *c)
{
    struct hy_smtp_txn *t = hy_smtp_older(c);
    assert(t->msg && steps[t->wait.step].on_reply);
    steps[t->wait.step].on_reply(c, t);
}

bool hy_smtp_client_can_submit(const struct hy_smtp_client *c)
{
    const struct hy_smtp_txn *older = &c->txn[c->head], *newer = &c->txn[c->head ^ 1];
    if (c->state != HY_SMTP_ST_SESSION || c->fate || c->want_quit || newer->msg)
        return false;
    return !older->msg || (hy_smtp_pipelines(c) && older->send.step == HY_SMTP_STEP_OVER);
}

/* Printable, so that it is one parameter and nothing more. */
static bool is_param(struct hy_str s, size_t max)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] >= 0x7f)
            return false;
    return s.n <= max;
}

static bool is_dsn_acceptable(const struct hy_smtp_message *m)
{
    if (!m->dsn)
        return true;
    if (!is_param(m->dsn->envid, HY_SMTP_ENVID_MAX))
        return false;
    for (size_t i = 0; i < m->n_recipients; i++)
        if (!is_param(m->dsn->rcpts[i].orcpt, HY_SMTP_ORCPT_MAX))
            return false;
    return true;
}

/* What the caller must get right; what is wrong with the mail itself is for CHECK. */
static bool is_acceptable(const struct hy_smtp_message *m)
{
    if (m->n_recipients == 0 || m->n_recipients > HY_SMTP_RECIPIENTS_MAX)
        return false;
    if (m->n_pieces > HY_SMTP_PIECES_MAX || m->sender.n > HY_ADDRESS_MAX)
        return false;
    for (size_t i = 0; i < m->n_recipients; i++)
        if (m->recipients[i].n == 0 || m->recipients[i].n > HY_ADDRESS_MAX)
            return false;
    return is_dsn_acceptable(m);
}

int hy_smtp_client_submit(struct hy_smtp_client *c, const struct hy_smtp_message *m, hy_us now)
{
    if (!hy_smtp_client_can_submit(c))
        return HY_EBUSY;
    if (!is_acceptable(m))
        return HY_EINVAL;
    struct hy_smtp_txn *t = hy_smtp_older(c)->msg ? hy_smtp_newer(c) : hy_smtp_older(c);
    *t = (struct hy_smtp_txn){.msg = m};
    hy_smtp_set_fill(&t->wanted, m->n_recipients);
    t->pending = t->wanted;
    c->ready_told = false;
    c->now = now;
    hy_smtp_pump(c);
    return HY_OK;
}
