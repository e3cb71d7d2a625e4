/* The verbs that do next to nothing: RSET, NOOP, QUIT, VRFY, HELP (RFC 5321 4.1.1.5 to 4.1.1.10).
 */
#include "server_priv.h"

void smtpd_rset(struct hy_smtp_server *s, struct hy_str arg)
{
    if (!smtpd_takes_none(s, arg))
        return;
    smtpd_forget_mail(s);
    smtpd_status(s, 250, 0, 0, "Forgotten");
}

void smtpd_noop(struct hy_smtp_server *s, struct hy_str arg)
{
    (void)arg;
    smtpd_status(s, 250, 0, 0, "Ok");
}

void smtpd_quit(struct hy_smtp_server *s, struct hy_str arg)
{
    if (smtpd_takes_none(s, arg))
        smtpd_end(s, 221, 0, 0, "Goodbye");
}

/* Who is whose user is nobody's business (RFC 5321 7.3). */
void smtpd_vrfy(struct hy_smtp_server *s, struct hy_str arg)
{
    (void)arg;
    smtpd_status(s, 252, 5, 0, "Send some mail, it will be tried");
}

void smtpd_help(struct hy_smtp_server *s, struct hy_str arg)
{
    (void)arg;
    smtpd_status(s, 214, 0, 0, "See RFC 5321");
}
