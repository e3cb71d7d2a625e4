/* Events out. Nothing is queued: each event is read off the state, in an order that keeps every
 * promise (results before CLOSED, content before results). */
#include "client_priv.h"

static struct hy_smtp_event message_event(enum hy_smtp_event_kind kind, const struct hy_smtp_txn *t)
{
    return (struct hy_smtp_event){
        .kind = kind,
        .message = t->msg,
        .opaque = t->msg->opaque,
    };
}

static bool take_txn_event(struct hy_smtp_txn *t, struct hy_smtp_event *ret)
{
    if (!t->msg)
        return false;
    if (t->tell_content_done) {
        t->tell_content_done = false;
        *ret = message_event(HY_SMTP_EVENT_CONTENT_DONE, t);
        return true;
    }
    if (hy_smtp_set_is_empty(&t->report))
        return false;
    size_t i = hy_smtp_set_first(&t->report);
    hy_smtp_set_remove(&t->report, i);
    hy_smtp_set_remove(&t->pending, i);
    *ret = message_event(HY_SMTP_EVENT_RESULT, t);
    ret->recipient = i;
    ret->is_last = hy_smtp_set_is_empty(&t->pending);
    ret->outcome = t->verdict;
    return true;
}

static bool is_dot_due(struct hy_smtp_client *c)
{
    return c->content.is_on && !hy_smtp_older(c)->dot_told && c->content.left <= HY_SMTP_DOT_WINDOW;
}

static bool take_client_event(struct hy_smtp_client *c, struct hy_smtp_event *ret)
{
    bool can_submit = hy_smtp_client_can_submit(c);
    if (!can_submit)
        c->ready_told = false;
    if (c->tell_tls) {
        c->tell_tls = false;
        *ret = (struct hy_smtp_event){.kind = HY_SMTP_EVENT_START_TLS};
        return true;
    }
    if (is_dot_due(c)) {
        hy_smtp_older(c)->dot_told = true;
        *ret = message_event(HY_SMTP_EVENT_DOT, hy_smtp_older(c));
        return true;
    }
    if (can_submit && !c->ready_told) {
        c->ready_told = true;
        *ret = (struct hy_smtp_event){.kind = HY_SMTP_EVENT_READY};
        return true;
    }
    return false;
}

static void close_client(struct hy_smtp_client *c, struct hy_smtp_event *ret)
{
    if (c->state == HY_SMTP_ST_SESSION) { /* those not submitted have nothing to do with it */
        c->end.kind = HY_OUTCOME_RETURNED;
        c->end.spoils = HY_SPOILS_STREAM;
    }
    *ret = (struct hy_smtp_event){
        .kind = HY_SMTP_EVENT_CLOSED,
        .outcome = c->end,
        .closed = (enum hy_smtp_closed)c->fate,
        .hint = (enum hy_smtp_hint)c->hint,
    };
    hy_smtp_move(c, HY_SMTP_ST_CLOSED);
}

bool hy_smtp_client_next_event(struct hy_smtp_client *c, struct hy_smtp_event *ret_event)
{
    if (c->state == HY_SMTP_ST_NEW || c->state == HY_SMTP_ST_CLOSED)
        return false;
    for (;;) {
        if (take_txn_event(hy_smtp_older(c), ret_event) ||
            take_txn_event(hy_smtp_newer(c), ret_event))
            return true;
        if (c->fate) {
            if (hy_smtp_settle(c))
                continue;
            close_client(c, ret_event);
            return true;
        }
        hy_smtp_pump(c);
        if (c->fate || hy_smtp_results_wait(c))
            continue;
        return take_client_event(c, ret_event);
    }
}
