/* How a dialogue ends, and what that does to the messages it still has.
 *
 * doom() notes the first cause. When the results that wait are taken, settle() gives every other
 * recipient its result: RETURNED where the server has not dealt with the message, else DEFERRED at
 * the phase where it stood, in doubt if the end of its data was written. */
#include "client_priv.h"

/* What was awaited when the end came, by phase. */
#define PHRASES(what)                                                                              \
    {                                                                                              \
        [HY_PHASE_BANNER] = what " while waiting for the greeting",                                \
        [HY_PHASE_EHLO] = what " while waiting for the reply to EHLO",                             \
        [HY_PHASE_STARTTLS] = what " while waiting for the reply to STARTTLS",                     \
        [HY_PHASE_TLS] = what " during the TLS handshake",                                         \
        [HY_PHASE_MAIL] = what " while waiting for the reply to MAIL",                             \
        [HY_PHASE_RCPT] = what " while waiting for the reply to RCPT",                             \
        [HY_PHASE_DATA] = what " while waiting for the reply to DATA",                             \
        [HY_PHASE_BODY] = what " while sending the content",                                       \
        [HY_PHASE_DOT] = what " while waiting for the reply to the end of data",                   \
        [HY_PHASE_RSET] = what " while waiting for the reply to RSET",                             \
    }
static const char *const lost[HY_PHASE_MAX] = PHRASES("connection lost");
static const char *const late[HY_PHASE_MAX] = PHRASES("timed out");
static const char *const broken_off[HY_PHASE_MAX] = PHRASES("broken off by us");

static bool is_before_session(const struct hy_smtp_client *c)
{
    return c->state < HY_SMTP_ST_SESSION;
}

static enum hy_phase current_phase(const struct hy_smtp_client *c)
{
    const struct hy_smtp_txn *t = &c->txn[c->head];
    if (c->state == HY_SMTP_ST_SESSION && t->msg)
        return hy_smtp_step_phase(t);
    return hy_smtp_state_phase(c);
}

static enum hy_spoils stream_or_host(const struct hy_smtp_client *c)
{
    return is_before_session(c) ? HY_SPOILS_HOST : HY_SPOILS_STREAM;
}

/* Nothing the server said or could have meant was about this message. */
static bool is_untouched(const struct hy_smtp_client *c, const struct hy_smtp_txn *t,
                         enum hy_smtp_closed how)
{
    if (t != &c->txn[c->head])
        return true;
    if (how == HY_SMTP_CLOSED_ABORTED) /* once CONTENT_DONE may have been told, it is an attempt */
        return t->wait.step < HY_SMTP_STEP_END || c->content.is_on;
    if (t->wait.step > HY_SMTP_STEP_MAIL || t->is_touched)
        return false;
    if (t->wait.step <= HY_SMTP_STEP_RSET || c->replied == c->written)
        return true;
    bool is_peers_doing =
        how == HY_SMTP_CLOSED_LOST || how == HY_SMTP_CLOSED_REFUSED || how == HY_SMTP_CLOSED_IDLE;
    return is_peers_doing && (c->done > 0 || t->is_late);
}

struct hy_outcome hy_smtp_returned(enum hy_spoils spoils, const char *why)
{
    return (struct hy_outcome){
        .kind = HY_OUTCOME_RETURNED,
        .spoils = spoils,
        .phase = HY_PHASE_MAIL,
        .text = hy_str_of(why),
    };
}

/* The peer ended it where no message was concerned: an idle connection. */
static enum hy_smtp_closed sharpen(const struct hy_smtp_client *c, enum hy_smtp_closed how)
{
    const struct hy_smtp_txn *t = &c->txn[c->head];
    if (c->state != HY_SMTP_ST_SESSION ||
        (how != HY_SMTP_CLOSED_LOST && how != HY_SMTP_CLOSED_REFUSED))
        return how;
    return !t->msg || is_untouched(c, t, how) ? HY_SMTP_CLOSED_IDLE : how;
}

void hy_smtp_doom(struct hy_smtp_client *c, enum hy_smtp_closed how, const struct hy_outcome *o)
{
    if (c->fate || c->state == HY_SMTP_ST_NEW || c->state == HY_SMTP_ST_CLOSED)
        return;
    c->fate = (uint8_t)sharpen(c, how);
    if (o != &c->end)
        c->end = *o;
    c->tell_tls = false;
    hy_smtp_arm(c);
}

bool hy_smtp_settle(struct hy_smtp_client *c)
{
    for (int i = 0; i < 2; i++) {
        struct hy_smtp_txn *t = i == 0 ? hy_smtp_older(c) : hy_smtp_newer(c);
        if (!t->msg || hy_smtp_set_is_empty(&t->pending))
            continue;
        struct hy_outcome o = c->end;
        if (t != hy_smtp_older(c))
            o = hy_smtp_returned(HY_SPOILS_STREAM, "the connection ended before this message");
        else if (is_untouched(c, t, (enum hy_smtp_closed)c->fate))
            o.kind = HY_OUTCOME_RETURNED;
        else
            o.in_doubt = t->dot_begun && c->fate != HY_SMTP_CLOSED_REFUSED;
        hy_smtp_report_all(t, &o);
        return true;
    }
    return false;
}

/* A peer that cannot do TLS, though it said so, is met in plain text next time, if that will do. */
static void hint_plain(struct hy_smtp_client *c, struct hy_outcome *o)
{
    if (c->settings->tls != HY_SMTP_TLS_OPPORTUNISTIC)
        return;
    o->spoils = HY_SPOILS_STREAM;
    c->hint = HY_SMTP_HINT_PLAIN;
}

void hy_smtp_doom_lost(struct hy_smtp_client *c, enum hy_smtp_closed how)
{
    enum hy_phase phase = current_phase(c);
    const char *const *words = how == HY_SMTP_CLOSED_LOST      ? lost
                               : how == HY_SMTP_CLOSED_TIMEOUT ? late
                                                               : broken_off;
    struct hy_outcome o = {
        .kind = HY_OUTCOME_DEFERRED,
        .spoils = stream_or_host(c),
        .phase = phase,
        .enhanced = {4, 4, 2}, /* bad connection */
        .text = hy_str_of(words[phase]),
    };
    if (c->fate)
        return;
    if (how == HY_SMTP_CLOSED_ABORTED && is_before_session(c))
        o.kind = HY_OUTCOME_RETURNED;
    else if (phase == HY_PHASE_STARTTLS || phase == HY_PHASE_TLS)
        hint_plain(c, &o);
    else if (c->state == HY_SMTP_ST_EHLO && !c->is_tls && how == HY_SMTP_CLOSED_LOST)
        c->hint = HY_SMTP_HINT_HELO;
    if (c->state == HY_SMTP_ST_SESSION && !c->txn[c->head].msg)
        o.text = HY_STR("the idle connection was closed");
    hy_smtp_doom(c, how, &o);
}

static struct hy_outcome protocol_fault(const struct hy_smtp_client *c)
{
    return (struct hy_outcome){
        .kind = HY_OUTCOME_DEFERRED,
        .spoils = stream_or_host(c),
        .phase = current_phase(c),
        .enhanced = {4, 5, 0}, /* other or undefined protocol status */
    };
}

void hy_smtp_doom_protocol(struct hy_smtp_client *c, const char *what)
{
    struct hy_outcome o = protocol_fault(c);
    o.text = hy_str_of(what);
    hy_smtp_doom(c, HY_SMTP_CLOSED_PROTOCOL, &o);
}

/* The reply is none, or one that cannot be meant here. Its words are kept for people. */
void hy_smtp_doom_bad_reply(struct hy_smtp_client *c)
{
    struct hy_outcome o = protocol_fault(c);
    o.code = c->reply.code;
    o.text = hy_smtp_reply_text(&c->reply);
    o.from_server = o.text.n > 0;
    if (o.code >= 400)
        o.enhanced = hy_smtp_reply_enhanced(&c->reply, o.phase);
    if (!o.from_server)
        o.text = HY_STR("the server's reply makes no sense here");
    hy_smtp_doom(c, HY_SMTP_CLOSED_PROTOCOL, &o);
}

void hy_smtp_doom_tls(struct hy_smtp_client *c, struct hy_enhanced status, const char *what)
{
    struct hy_outcome o = protocol_fault(c);
    o.enhanced = status;
    o.text = hy_str_of(what);
    hint_plain(c, &o);
    hy_smtp_doom(c, HY_SMTP_CLOSED_TLS, &o);
}

/* RFC 5321 3.8: the server is closing the channel, whatever we had asked. */
void hy_smtp_on_421(struct hy_smtp_client *c)
{
    struct hy_outcome o = hy_smtp_classify(&c->reply, current_phase(c));
    hy_smtp_doom(c, HY_SMTP_CLOSED_REFUSED, &o);
}

/* A reply to nothing. 421 may come at any time; a refusal may come while content is still on its
 * way (the end of data is not written, so it is a sure refusal); all else means that replies and
 * commands no longer belong together. */
void hy_smtp_on_unasked(struct hy_smtp_client *c)
{
    bool ends_body = c->content.is_on && hy_smtp_is_refusal(c->reply.code);
    if (c->reply.code == 421 || ends_body)
        hy_smtp_on_421(c);
    else
        hy_smtp_doom_protocol(c, "the server sent a reply before the command");
}

const char *hy_smtp_closed_name(enum hy_smtp_closed closed)
{
    static const char *const names[] = {
        [HY_SMTP_CLOSED_QUIT] = "quit",       [HY_SMTP_CLOSED_IDLE] = "idle",
        [HY_SMTP_CLOSED_REFUSED] = "refused", [HY_SMTP_CLOSED_LOST] = "lost",
        [HY_SMTP_CLOSED_TIMEOUT] = "timeout", [HY_SMTP_CLOSED_PROTOCOL] = "protocol",
        [HY_SMTP_CLOSED_TLS] = "tls",         [HY_SMTP_CLOSED_ABORTED] = "aborted",
    };
    size_t i = (size_t)closed;
    return i < sizeof names / sizeof *names && names[i] ? names[i] : "?";
}
