/* MAIL (RFC 5321 4.1.1.2) with SIZE (RFC 1870), BODY (RFC 6152), SMTPUTF8 (RFC 6531), RET and ENVID
 * (RFC 3461), AUTH (RFC 4954 5), REQUIRETLS (RFC 8689). */
#include "hayauma/mail/address.h"
#include "server_priv.h"

struct params {
    unsigned seen;
    bool is_8bit, is_smtputf8, needs_tls;
    uint8_t ret;
    struct hy_str envid;
};

enum {
    SAID_SIZE = 1,
    SAID_BODY = 2,
    SAID_UTF8 = 4,
    SAID_RET = 8,
    SAID_ENVID = 16,
    SAID_AUTH = 32,
    SAID_TLS = 64
};

/* False, and refused. */
static bool refuse(struct hy_smtp_server *s, unsigned code, unsigned subject, unsigned detail,
                   const char *text)
{
    smtpd_refuse(s, code, subject, detail, text);
    return false;
}

static bool take_size(struct hy_smtp_server *s, struct hy_str value)
{
    uint64_t n;
    int err = hy_str_to_u64(value, s->settings->size_max, &n);
    if (err == HY_ELIMIT)
        return refuse(s, 552, 3, 4, "The message is too large");
    return err == HY_OK || refuse(s, 501, 5, 4, "SIZE is no number");
}

static bool take_param(struct hy_smtp_server *s, struct hy_str name, struct hy_str value,
                       struct params *p)
{
    unsigned bit;
    bool is_good = true;
    if (hy_str_ieq(name, HY_STR("SIZE"))) {
        bit = SAID_SIZE;
        if (!take_size(s, value))
            return false;
    } else if (hy_str_ieq(name, HY_STR("BODY"))) {
        bit = SAID_BODY;
        p->is_8bit = hy_str_ieq(value, HY_STR("8BITMIME"));
        is_good = p->is_8bit || hy_str_ieq(value, HY_STR("7BIT"));
    } else if (hy_str_ieq(name, HY_STR("SMTPUTF8"))) {
        bit = SAID_UTF8;
        p->is_smtputf8 = true;
        is_good = value.p == NULL;
    } else if (hy_str_ieq(name, HY_STR("REQUIRETLS")) && s->is_tls) {
        bit = SAID_TLS;
        p->needs_tls = true;
        is_good = value.p == NULL;
    } else if (hy_str_ieq(name, HY_STR("RET"))) {
        bit = SAID_RET;
        p->ret = hy_str_ieq(value, HY_STR("HDRS")) ? 1 : hy_str_ieq(value, HY_STR("FULL")) ? 2 : 0;
        is_good = p->ret != 0;
    } else if (hy_str_ieq(name, HY_STR("ENVID"))) {
        bit = SAID_ENVID;
        p->envid = value;
        is_good = value.n && value.n <= HY_SMTP_SERVER_ENVID_MAX && smtpd_is_xtext(value);
    } else if (hy_str_ieq(name, HY_STR("AUTH")) && s->settings->offers_auth) {
        bit = SAID_AUTH; /* who wrote it first is not believed and not handed on */
        is_good = value.n && smtpd_is_xtext(value);
    } else {
        return refuse(s, 555, 5, 4, "Parameter not known");
    }
    if (p->seen & bit)
        return refuse(s, 501, 5, 4, "A parameter stands there twice");
    p->seen |= bit;
    return is_good || refuse(s, 501, 5, 4, "A parameter has a wrong value");
}

static bool may_begin(struct hy_smtp_server *s)
{
    const struct hy_smtp_server_settings *o = s->settings;
    if (s->has_mail)
        return refuse(s, 503, 5, 1, "There is a MAIL already");
    if (o->requires_tls && !s->is_tls)
        return refuse(s, 530, 7, 0, "STARTTLS first");
    if (o->requires_auth && !s->is_auth)
        return refuse(s, 530, 7, 0, "Authentication required");
    return true;
}

void smtpd_mail(struct hy_smtp_server *s, struct hy_str arg)
{
    struct params p = {0};
    struct hy_str name, value;
    struct hy_address a = {0};
    if (!may_begin(s))
        return;
    if (!hy_str_istarts(arg, HY_STR("FROM:"))) {
        smtpd_refuse(s, 501, 5, 4, "MAIL FROM:<address>");
        return;
    }
    arg = hy_str_trim(hy_str_slice(arg, 5, arg.n)); /* a space there is wrong and common */
    enum smtpd_path path = smtpd_path(&arg, &a);
    if (path == SMTPD_PATH_SYNTAX || path == SMTPD_PATH_ADDRESS) {
        smtpd_refuse(s, path == SMTPD_PATH_SYNTAX ? 501 : 553, 1, 7, "The sender is no address");
        return;
    }
    while (smtpd_param(&arg, &name, &value))
        if (!take_param(s, name, value, &p))
            return;
    if (p.seen && !s->is_ehlo) {
        smtpd_refuse(s, 555, 5, 4, "Parameters need EHLO");
        return;
    }
    if (path == SMTPD_PATH_GOOD && a.needs_smtputf8 && !p.is_smtputf8) {
        smtpd_refuse(s, 553, 6, 7, "This address needs SMTPUTF8");
        return;
    }
    s->has_mail = true;
    s->is_8bit = p.is_8bit;
    s->is_smtputf8 = p.is_smtputf8;
    s->needs_tls = p.needs_tls;
    s->ret = p.ret;
    s->sender_n = a.n;
    memcpy(s->sender, a.wire, a.n);
    s->envid_n = (uint16_t)p.envid.n;
    if (p.envid.n)
        memcpy(s->envid, p.envid.p, p.envid.n);
    s->ask.address = hy_str_make(s->sender, s->sender_n);
    if (s->settings->asks_mail)
        smtpd_ask(s, HY_SMTP_SERVER_ASK_MAIL);
    else
        smtpd_status(s, 250, 1, 0, "Sender ok");
}
