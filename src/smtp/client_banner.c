/* BANNER: the server greets first (RFC 5321 3.1). */
#include "client_priv.h"

void hy_smtp_on_banner(struct hy_smtp_client *c)
{
    if (hy_smtp_is_refusal(c->reply.code)) { /* 554: no service; the next MX host may have one */
        struct hy_outcome o = hy_smtp_classify(&c->reply, HY_PHASE_BANNER);
        hy_smtp_bow(c, HY_SMTP_CLOSED_REFUSED, &o);
        return;
    }
    if (c->reply.code != 220) {
        hy_smtp_doom_bad_reply(c);
        return;
    }
    hy_smtp_put_ehlo(c);
}
