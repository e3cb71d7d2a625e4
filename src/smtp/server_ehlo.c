/* EHLO and HELO (RFC 5321 4.1.1.1): who the client says it is, and what we offer. */
#include <stdio.h>

#include "server_priv.h"

/* A domain or address literal; nothing is believed of it, but it stands in Received fields. */
static bool take_name(struct hy_smtp_server *s, struct hy_str name)
{
    bool is_good = name.n > 0 && name.n <= HY_SMTP_SERVER_NAME_MAX;
    for (size_t i = 0; i < name.n && is_good; i++)
        is_good = name.p[i] > ' ' && name.p[i] < 0x7f;
    if (!is_good) {
        smtpd_refuse(s, 501, 5, 4, "Give a host name");
        return false;
    }
    smtpd_forget_helo(s);
    memcpy(s->helo, name.p, name.n);
    s->helo[name.n] = '\0';
    s->has_helo = true;
    return true;
}

static void offer(struct hy_smtp_server *s, const char *what)
{
    hy_buf_printf(&s->out, "250-%s\r\n", what);
}

void smtpd_ehlo(struct hy_smtp_server *s, struct hy_str arg)
{
    const struct hy_smtp_server_settings *o = s->settings;
    char size[40];
    if (!take_name(s, arg))
        return;
    s->is_ehlo = true;
    hy_buf_printf(&s->out, "250-%.*s\r\n", HY_STR_ARG(o->host));
    snprintf(size, sizeof size, "SIZE %llu", (unsigned long long)o->size_max);
    offer(s, size);
    offer(s, "PIPELINING");
    offer(s, "8BITMIME");
    offer(s, "SMTPUTF8");
    offer(s, "CHUNKING");
    offer(s, "DSN");
    if (o->offers_starttls && !s->is_tls)
        offer(s, "STARTTLS");
    if (s->is_tls)
        offer(s, "REQUIRETLS");
    if (o->offers_auth && s->is_tls)
        offer(s, o->offers_scram ? "AUTH SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN"
                                 : "AUTH PLAIN LOGIN");
    smtpd_reply(s, 250, "ENHANCEDSTATUSCODES");
}

void smtpd_helo(struct hy_smtp_server *s, struct hy_str arg)
{
    char text[300];
    if (!take_name(s, arg))
        return;
    snprintf(text, sizeof text, "%.*s", HY_STR_ARG(s->settings->host));
    smtpd_reply(s, 250, text);
}
