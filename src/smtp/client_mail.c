/* RSET, MAIL and RCPT: the envelope (RFC 5321 3.3, 4.1.1.2, 4.1.1.3, 4.1.1.5). */
#include "client_priv.h"

/* A connection that waited this long may be closed by the peer at any moment; a MAIL that meets the
 * close has not been judged. */
#define LATE_US (30 * HY_US_PER_SEC)

/* Only after a transaction that the server may think is still open; the end of data, whatever its
 * reply, and a refused MAIL leave none. */
bool hy_smtp_send_rset(struct hy_smtp_client *c, struct hy_smtp_txn *t)
{
    bool after_bdat = hy_smtp_chunks(c) && t != hy_smtp_older(c);
    if (c->need_rset || after_bdat) {
        char *p = hy_smtp_room(c, 6);
        if (!p)
            return false;
        memcpy(p, "RSET\r\n", 6);
        c->need_rset = false;
    } else {
        t->wait.step = HY_SMTP_STEP_MAIL;
    }
    t->send.step = HY_SMTP_STEP_MAIL;
    return true;
}

void hy_smtp_on_rset(struct hy_smtp_client *c, struct hy_smtp_txn *t)
{
    if (hy_smtp_is_ok(c->reply.code))
        t->wait.step = HY_SMTP_STEP_MAIL;
    else
        hy_smtp_doom_bad_reply(c);
}

static char *append(char *p, struct hy_str s)
{
    memcpy(p, s.p, s.n);
    return p + s.n;
}

bool hy_smtp_send_mail(struct hy_smtp_client *c, struct hy_smtp_txn *t)
{
    const struct hy_smtp_message *m = t->msg;
    struct hy_str utf8 = HY_STR(" SMTPUTF8"), body = HY_STR(" BODY=8BITMIME"), size = {0};
    char digits[6 + 20] = " SIZE=";
    if (c->caps.set & HY_SMTP_CAP_SIZE)
        size = hy_str_make(digits, 6 + hy_smtp_put_decimal(digits + 6, hy_smtp_content_size(m)));
    if (!m->is_8bit)
        body.n = 0;
    if (!t->has_utf8 && !m->needs_smtputf8)
        utf8.n = 0;
    char *p = hy_smtp_room(c, 11 + m->sender.n + 1 + size.n + body.n + utf8.n + 2);
    if (!p)
        return false;
    p = append(p, HY_STR("MAIL FROM:<"));
    p = m->sender.n ? append(p, m->sender) : p;
    p = append(p, HY_STR(">"));
    p = size.n ? append(p, size) : p;
    p = append(append(append(p, body), utf8), HY_STR("\r\n"));
    t->is_late = c->now - c->ready_since >= LATE_US;
    t->send = (struct hy_smtp_cursor){HY_SMTP_STEP_RCPT, (uint8_t)hy_smtp_next_wanted(t, 0)};
    return true;
}

/* 503 on a connection that carried mail before: server and client disagree about where they are,
 * and the message cannot help it. On a fresh connection it is the server's policy (AUTH wanted). */
static bool is_out_of_step(const struct hy_smtp_client *c)
{
    return c->reply.code == 503 && c->done > 0;
}

void hy_smtp_on_mail(struct hy_smtp_client *c, struct hy_smtp_txn *t)
{
    t->is_touched = true;
    if (!hy_smtp_is_ok(c->reply.code) &&
        (!hy_smtp_is_refusal(c->reply.code) || is_out_of_step(c))) {
        hy_smtp_doom_bad_reply(c);
        return;
    }
    t->wait = (struct hy_smtp_cursor){HY_SMTP_STEP_RCPT, (uint8_t)hy_smtp_next_wanted(t, 0)};
    if (hy_smtp_is_ok(c->reply.code)) {
        t->mail_ok = true;
        return;
    }
    struct hy_outcome o = hy_smtp_classify(&c->reply, HY_PHASE_MAIL);
    hy_smtp_report_all(t, &o);
    hy_smtp_cut(t);
    hy_smtp_pass_envelope(c, t);
}

bool hy_smtp_send_rcpt(struct hy_smtp_client *c, struct hy_smtp_txn *t)
{
    struct hy_str address = t->msg->recipients[t->send.rcpt];
    char *p = hy_smtp_room(c, 9 + address.n + 3);
    if (!p)
        return false;
    append(append(append(p, HY_STR("RCPT TO:<")), address), HY_STR(">\r\n"));
    t->send.rcpt = (uint8_t)hy_smtp_next_wanted(t, t->send.rcpt + 1u);
    if (t->send.rcpt == t->msg->n_recipients)
        t->send.step = hy_smtp_chunks(c) ? HY_SMTP_STEP_BODY : HY_SMTP_STEP_DATA;
    return true;
}

/* A refused recipient; too many behind accepted ones are not refused but for the next turn. */
static void refuse(struct hy_smtp_client *c, struct hy_smtp_txn *t, size_t i)
{
    struct hy_outcome o = hy_smtp_classify(&c->reply, HY_PHASE_RCPT);
    if (!hy_smtp_set_is_empty(&t->accepted) && hy_smtp_is_too_many(&c->reply)) {
        o.kind = HY_OUTCOME_RETURNED;
        o.spoils = HY_SPOILS_NOTHING;
    }
    hy_smtp_report_one(t, i, &o);
}

void hy_smtp_on_rcpt(struct hy_smtp_client *c, struct hy_smtp_txn *t)
{
    size_t i = t->wait.rcpt;
    uint16_t code = c->reply.code;
    if (!hy_smtp_is_ok(code) && !hy_smtp_is_refusal(code)) {
        hy_smtp_doom_bad_reply(c);
        return;
    }
    if (t->mail_ok && hy_smtp_is_ok(code))
        hy_smtp_set_add(&t->accepted, i);
    else if (t->mail_ok)
        refuse(c, t, i);
    t->wait.rcpt = (uint8_t)hy_smtp_next_wanted(t, i + 1);
    hy_smtp_pass_envelope(c, t);
}

/* Behind the last RCPT that was written, or is to be, comes the reply to DATA, if that was written;
 * else the end, when nobody is left to send to; else DATA, or BDAT. */
void hy_smtp_pass_envelope(struct hy_smtp_client *c, struct hy_smtp_txn *t)
{
    bool is_cut = t->send.step == HY_SMTP_STEP_OVER;
    size_t stop = is_cut ? t->send.rcpt : t->msg->n_recipients;
    if (t->wait.rcpt < stop)
        return;
    if (t->data_sent)
        t->wait.step = HY_SMTP_STEP_DATA;
    else if (hy_smtp_set_is_empty(&t->accepted))
        hy_smtp_abandon(c, t);
    else
        t->wait.step = hy_smtp_chunks(c) ? HY_SMTP_STEP_END : HY_SMTP_STEP_DATA;
}
