/* EHLO and, for those who do not know it, HELO (RFC 5321 4.1.1.1, 3.2). */
#include "capability.h"
#include "client_priv.h"

static void put_hello(struct hy_smtp_client *c, const char verb[5], enum hy_smtp_state state)
{
    struct hy_str name = c->settings->ehlo_name;
    char *p = hy_smtp_room(c, 5 + name.n + 2); /* out is empty here: it fits */
    memcpy(p, verb, 5);
    memcpy(p + 5, name.p, name.n);
    memcpy(p + 5 + name.n, "\r\n", 2);
    hy_smtp_move(c, state);
}

/* What was offered before (in the clear, say) counts no more (RFC 3207 4.2). */
void hy_smtp_put_ehlo(struct hy_smtp_client *c)
{
    c->caps = (struct hy_smtp_capabilities){0};
    if (c->settings->use_helo)
        put_hello(c, "HELO ", HY_SMTP_ST_HELO);
    else
        put_hello(c, "EHLO ", HY_SMTP_ST_EHLO);
}

void hy_smtp_on_ehlo_line(struct hy_smtp_client *c)
{
    if (c->reply.lines > 1) /* the first is the greeting */
        hy_smtp_capability_line(&c->caps, hy_smtp_reply_line(&c->reply));
    hy_smtp_reply_forget(&c->reply);
}

void hy_smtp_open_session(struct hy_smtp_client *c)
{
    c->ready_since = c->now;
    hy_smtp_move(c, HY_SMTP_ST_SESSION);
}

static void refuse_plain(struct hy_smtp_client *c, const char *why)
{
    struct hy_outcome o = {
        .kind = HY_OUTCOME_DEFERRED,
        .spoils = HY_SPOILS_HOST,
        .phase = HY_PHASE_STARTTLS,
        .enhanced = {4, 7, 4}, /* security features not supported */
        .text = hy_str_of(why),
    };
    hy_smtp_bow(c, HY_SMTP_CLOSED_TLS, &o);
}

/* EHLO or HELO went well: the next is TLS or mail. */
static void after_hello(struct hy_smtp_client *c)
{
    bool may_tls = c->settings->tls != HY_SMTP_TLS_NEVER && !c->is_tls;
    if (may_tls && (c->caps.set & HY_SMTP_CAP_STARTTLS)) {
        memcpy(hy_smtp_room(c, 10), "STARTTLS\r\n", 10);
        hy_smtp_move(c, HY_SMTP_ST_STARTTLS);
    } else if (may_tls && c->settings->tls >= HY_SMTP_TLS_REQUIRED) {
        refuse_plain(c, "TLS is required, but the server does not offer STARTTLS");
    } else {
        hy_smtp_open_session(c);
    }
}

static void refused(struct hy_smtp_client *c)
{
    struct hy_outcome o = hy_smtp_classify(&c->reply, HY_PHASE_EHLO);
    hy_smtp_bow(c, HY_SMTP_CLOSED_REFUSED, &o);
}

void hy_smtp_on_ehlo(struct hy_smtp_client *c)
{
    uint16_t code = c->reply.code;
    if (code == 250) {
        if (c->reply.lines > 1)
            hy_smtp_capability_line(&c->caps, hy_smtp_reply_line(&c->reply));
        c->caps.set |= HY_SMTP_CAP_EHLO;
        after_hello(c);
    } else if (code / 100 == 5) {
        put_hello(c, "HELO ", HY_SMTP_ST_HELO);
    } else if (code / 100 == 4) {
        refused(c);
    } else {
        hy_smtp_doom_bad_reply(c);
    }
}

void hy_smtp_on_helo(struct hy_smtp_client *c)
{
    if (c->reply.code == 250)
        after_hello(c);
    else if (hy_smtp_is_refusal(c->reply.code))
        refused(c);
    else
        hy_smtp_doom_bad_reply(c);
}
