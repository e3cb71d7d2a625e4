/* STARTTLS (RFC 3207). */
#include "server_priv.h"

void smtpd_starttls(struct hy_smtp_server *s, struct hy_str arg)
{
    if (!smtpd_takes_none(s, arg))
        return;
    if (s->is_tls || !s->settings->offers_starttls) {
        smtpd_refuse(s, s->is_tls ? 503 : 502, 5, 1,
                     s->is_tls ? "TLS is on already" : "STARTTLS is not offered");
        return;
    }
    smtpd_forget_mail(s);
    smtpd_status(s, 220, 0, 0, "Go ahead");
    smtpd_ask(s, HY_SMTP_SERVER_ASK_TLS);
}
