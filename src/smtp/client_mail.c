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
    if (s.n)
        memcpy(p, s.p, s.n);
    return p + s.n;
}

/* A command of these pieces; false: not now, there is no room. */
static bool put_line(struct hy_smtp_client *c, const struct hy_str *pieces, size_t n)
{
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++)
        bytes += pieces[i].n;
    char *p = hy_smtp_room(c, bytes);
    for (size_t i = 0; p && i < n; i++)
        p = append(p, pieces[i]);
    return p != NULL;
}

/* What goes on to a server that knows DSN; NULL: nothing. */
static const struct hy_smtp_dsn *dsn_of(const struct hy_smtp_client *c,
                                        const struct hy_smtp_message *m)
{
    return c->caps.set & HY_SMTP_CAP_DSN ? m->dsn : NULL;
}

/* " NOTIFY=SUCCESS,DELAY" */
static struct hy_str notify_param(uint8_t notify, char room[40])
{
    static const char *const words[] = {"NEVER", "SUCCESS", "FAILURE", "DELAY"};
    char *p = append(room, HY_STR(" NOTIFY="));
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!(notify >> i & 1))
            continue;
        if (p[-1] != '=')
            *p++ = ',';
        p = append(p, hy_str_of(words[i]));
    }
    return notify ? hy_str_make(room, (size_t)(p - room)) : HY_STR("");
}

bool hy_smtp_send_mail(struct hy_smtp_client *c, struct hy_smtp_txn *t)
{
    const struct hy_smtp_message *m = t->msg;
    static const struct hy_str rets[] = {{"", 0}, {" RET=HDRS", 9}, {" RET=FULL", 9}};
    struct hy_str utf8 = HY_STR(" SMTPUTF8"), body = HY_STR(" BODY=8BITMIME"), size = {0};
    struct hy_str ret = {0}, envid = {0}, envid_is = {0};
    const struct hy_smtp_dsn *dsn = dsn_of(c, m);
    char digits[6 + 20] = " SIZE=";
    if (c->caps.set & HY_SMTP_CAP_SIZE)
        size = hy_str_make(digits, 6 + hy_smtp_put_decimal(digits + 6, hy_smtp_content_size(m)));
    if (!m->is_8bit)
        body.n = 0;
    if (!t->has_utf8 && !m->needs_smtputf8)
        utf8.n = 0;
    if (dsn)
        ret = rets[dsn->ret % 3];
    if (dsn && dsn->envid.n) {
        envid_is = HY_STR(" ENVID=");
        envid = dsn->envid;
    }
    struct hy_str tls = m->needs_tls ? HY_STR(" REQUIRETLS") : HY_STR("");
    const struct hy_str line[] = {
        HY_STR("MAIL FROM:<"), m->sender, HY_STR(">"), size, body, utf8, ret, envid_is, envid, tls,
        HY_STR("\r\n")};
    if (!put_line(c, line, sizeof line / sizeof *line))
        return false;
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
    char room[40];
    struct hy_str notify = {0}, orcpt = {0}, orcpt_is = {0};
    const struct hy_smtp_dsn *dsn = dsn_of(c, t->msg);
    if (dsn) {
        notify = notify_param(dsn->rcpts[t->send.rcpt].notify, room);
        orcpt = dsn->rcpts[t->send.rcpt].orcpt;
        orcpt_is = orcpt.n ? HY_STR(" ORCPT=") : orcpt;
    }
    const struct hy_str line[] = {
        HY_STR("RCPT TO:<"), t->msg->recipients[t->send.rcpt], HY_STR(">"), notify, orcpt_is, orcpt,
        HY_STR("\r\n")};
    if (!put_line(c, line, sizeof line / sizeof *line))
        return false;
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
