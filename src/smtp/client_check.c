/* CHECK: what this server cannot take, or nobody should be sent, is not sent at all. Its results
 * come the same way as the server's. */
#include "address.h"
#include "client_priv.h"

static struct hy_outcome refusal(enum hy_spoils spoils, struct hy_enhanced status, const char *why)
{
    return (struct hy_outcome){
        .kind = HY_OUTCOME_BOUNCED,
        .spoils = spoils,
        .phase = HY_PHASE_MAIL,
        .enhanced = status,
        .text = hy_str_of(why),
    };
}

static bool lacks(const struct hy_smtp_client *c, enum hy_smtp_capability cap)
{
    return !(c->caps.set & cap);
}

static struct hy_outcome content_refusal(enum hy_smtp_content_fault fault)
{
    static const char *const why[] = {
        [HY_SMTP_CONTENT_BARE_CR] = "the content has a CR without LF",
        [HY_SMTP_CONTENT_BARE_LF] = "the content has an LF without CR",
        [HY_SMTP_CONTENT_NUL] = "the content has a NUL byte",
    };
    struct hy_outcome o = refusal(HY_SPOILS_MESSAGE, (struct hy_enhanced){5, 6, 0}, why[fault]);
    o.phase = HY_PHASE_RENDER;
    return o;
}

/* RFC 6531 3.5: without the extension such mail is not for this server. */
static struct hy_outcome utf8_refusal(enum hy_spoils spoils)
{
    return refusal(spoils, (struct hy_enhanced){5, 6, 7}, "the server does not offer SMTPUTF8");
}

/* True, and the reason, when the message can go to nobody over this connection; notes whether its
 * dots need stuffing. */
static bool is_message_refused(const struct hy_smtp_client *c, struct hy_smtp_txn *t,
                               struct hy_outcome *ret)
{
    const struct hy_smtp_message *m = t->msg;
    enum hy_smtp_content_fault fault = HY_SMTP_CONTENT_GOOD;
    enum hy_smtp_address sender = hy_smtp_address_check(m->sender);
    if (!m->is_clean)
        fault = hy_smtp_content_check(m, &t->has_dots);
    if (fault)
        *ret = content_refusal(fault);
    else if (sender == HY_SMTP_ADDRESS_BAD)
        *ret = refusal(HY_SPOILS_MESSAGE, (struct hy_enhanced){5, 1, 7},
                       "the sender's address cannot be written to the wire");
    else if (c->caps.size_limit > 0 && hy_smtp_content_size(m) > c->caps.size_limit)
        *ret = refusal(HY_SPOILS_MESSAGE, (struct hy_enhanced){5, 3, 4},
                       "the message is larger than the server's SIZE allows");
    else if ((m->needs_smtputf8 || sender == HY_SMTP_ADDRESS_UTF8) &&
             lacks(c, HY_SMTP_CAP_SMTPUTF8))
        *ret = utf8_refusal(HY_SPOILS_MESSAGE);
    else if (m->is_8bit && lacks(c, HY_SMTP_CAP_8BITMIME)) /* RFC 6152 3, case 2 */
        *ret = refusal(HY_SPOILS_MESSAGE, (struct hy_enhanced){5, 6, 3},
                       "the message is 8bit and the server does not offer 8BITMIME");
    else if (m->needs_tls && !c->is_tls_good)
        *ret = refusal(HY_SPOILS_MESSAGE, (struct hy_enhanced){5, 7, 10},
                       "REQUIRETLS: the connection is not encrypted to a proven server");
    else if (m->needs_tls && lacks(c, HY_SMTP_CAP_REQUIRETLS))
        *ret = refusal(HY_SPOILS_MESSAGE, (struct hy_enhanced){5, 7, 30},
                       "REQUIRETLS: the server does not support it");
    else
        return false;
    return true;
}

/* The same for one recipient; notes who needs SMTPUTF8. */
static bool is_recipient_refused(const struct hy_smtp_client *c, struct hy_smtp_txn *t,
                                 struct hy_str address, struct hy_outcome *ret)
{
    enum hy_smtp_address kind = hy_smtp_address_check(address);
    if (kind == HY_SMTP_ADDRESS_BAD) {
        *ret = refusal(HY_SPOILS_RECIPIENT, (struct hy_enhanced){5, 1, 3},
                       "the address cannot be written to the wire");
        return true;
    }
    if (kind == HY_SMTP_ADDRESS_UTF8 && lacks(c, HY_SMTP_CAP_SMTPUTF8)) {
        *ret = utf8_refusal(HY_SPOILS_RECIPIENT);
        return true;
    }
    if (kind == HY_SMTP_ADDRESS_UTF8)
        t->has_utf8 = true;
    return false;
}

/* Stops at each refused recipient, until its result was taken. */
bool hy_smtp_send_check(struct hy_smtp_client *c, struct hy_smtp_txn *t)
{
    const struct hy_smtp_message *m = t->msg;
    struct hy_outcome o;
    if (!hy_smtp_set_is_empty(&t->report))
        return false;
    if (t->send.rcpt == 0 && is_message_refused(c, t, &o)) {
        hy_smtp_report_all(t, &o);
        hy_smtp_abandon(c, t);
        return true;
    }
    while (t->send.rcpt < m->n_recipients) {
        size_t i = t->send.rcpt++;
        if (!is_recipient_refused(c, t, m->recipients[i], &o))
            continue;
        hy_smtp_set_remove(&t->wanted, i);
        hy_smtp_report_one(t, i, &o);
        return false;
    }
    if (hy_smtp_set_is_empty(&t->wanted)) {
        hy_smtp_abandon(c, t);
        return true;
    }
    t->send = (struct hy_smtp_cursor){.step = HY_SMTP_STEP_RSET};
    t->wait = t->send;
    return true;
}
