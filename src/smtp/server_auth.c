/* AUTH (RFC 4954): PLAIN (RFC 4616) and LOGIN, over TLS only. The secret lives in the buffer of
 * texts until the driver has answered, and is then overwritten. */
#include "hayauma/base/codec.h"
#include "server_priv.h"

enum auth_step { AUTH_PLAIN, AUTH_LOGIN_USER, AUTH_LOGIN_PASSWORD };

static void fail(struct hy_smtp_server *s, unsigned code, unsigned subject, unsigned detail,
                 const char *text)
{
    s->state = SMTPD_COMMAND;
    s->user[0] = '\0';
    if (s->texts.data)
        explicit_bzero(s->texts.data, s->texts.len);
    hy_buf_reset(&s->texts);
    smtpd_refuse(s, code, subject, detail, text);
}

/* Decodes `line` to the end of the texts; "=" is the empty string. False, and refused. */
static bool decode(struct hy_smtp_server *s, struct hy_str line, struct hy_str *ret)
{
    size_t n = 0;
    size_t at = s->texts.len;
    if (hy_str_eq(line, HY_STR("=")))
        line.n = 0;
    if (hy_buf_reserve(&s->texts, line.n + 4) != HY_OK) {
        fail(s, 454, 7, 0, "Out of memory");
        return false;
    }
    if (line.n && hy_base64_decode(line, (uint8_t *)s->texts.data + at, &n) != HY_OK) {
        fail(s, 501, 5, 2, "That is no base64");
        return false;
    }
    s->texts.len += n;
    *ret = hy_str_make(s->texts.data + at, n);
    return true;
}

/* 1..255 bytes of UTF-8 without control characters. */
static bool take_user(struct hy_smtp_server *s, struct hy_str user)
{
    bool is_good = user.n && user.n <= HY_SMTP_SERVER_NAME_MAX && hy_str_is_utf8(user);
    for (size_t i = 0; i < user.n && is_good; i++)
        is_good = (unsigned char)user.p[i] >= ' ' && user.p[i] != 0x7f;
    if (!is_good) {
        fail(s, 535, 7, 8, "Authentication failed");
        return false;
    }
    memcpy(s->user, user.p, user.n);
    s->user[user.n] = '\0';
    return true;
}

static void ask(struct hy_smtp_server *s, struct hy_str password)
{
    s->ask.user = hy_str_of(s->user);
    s->ask.password = password;
    smtpd_ask(s, HY_SMTP_SERVER_ASK_AUTH);
}

/* authzid NUL user NUL password; who wants to be somebody else is refused. */
static void take_plain(struct hy_smtp_server *s, struct hy_str all)
{
    size_t first = hy_str_find(all, '\0', 0);
    size_t second = first == SIZE_MAX ? SIZE_MAX : hy_str_find(all, '\0', first + 1);
    if (second == SIZE_MAX) {
        fail(s, 501, 5, 2, "That is no PLAIN");
        return;
    }
    struct hy_str authz = hy_str_slice(all, 0, first);
    struct hy_str user = hy_str_slice(all, first + 1, second);
    if (authz.n && !hy_str_eq(authz, user))
        fail(s, 535, 7, 8, "Authentication failed");
    else if (take_user(s, user))
        ask(s, hy_str_slice(all, second + 1, all.n));
}

void smtpd_auth_line(struct hy_smtp_server *s, struct hy_str line)
{
    struct hy_str text;
    if (hy_str_eq(line, HY_STR("*"))) {
        fail(s, 501, 7, 0, "Cancelled");
        return;
    }
    if (!decode(s, line, &text))
        return;
    switch ((enum auth_step)s->auth_step) {
    case AUTH_PLAIN:
        take_plain(s, text);
        break;
    case AUTH_LOGIN_USER:
        if (!take_user(s, text))
            return;
        s->auth_step = AUTH_LOGIN_PASSWORD;
        s->state = SMTPD_AUTH;
        smtpd_reply(s, 334, "UGFzc3dvcmQ6");
        break;
    case AUTH_LOGIN_PASSWORD:
        ask(s, text);
        break;
    }
}

static void begin(struct hy_smtp_server *s, enum auth_step step, struct hy_str initial,
                  const char *prompt)
{
    s->auth_step = (uint8_t)step;
    s->state = SMTPD_AUTH;
    if (initial.n)
        smtpd_auth_line(s, initial);
    else
        smtpd_reply(s, 334, prompt);
}

void smtpd_auth(struct hy_smtp_server *s, struct hy_str arg)
{
    size_t end = hy_str_find(arg, ' ', 0);
    struct hy_str mechanism = hy_str_slice(arg, 0, end);
    struct hy_str initial = hy_str_trim(hy_str_slice(arg, mechanism.n, arg.n));
    if (!s->settings->offers_auth)
        smtpd_refuse(s, 502, 5, 1, "AUTH is not offered");
    else if (!s->is_tls)
        smtpd_refuse(s, 538, 7, 11, "AUTH needs TLS");
    else if (s->is_auth)
        smtpd_refuse(s, 503, 5, 1, "You are known already");
    else if (s->has_mail)
        smtpd_refuse(s, 503, 5, 1, "Not within a transaction");
    else if (hy_str_ieq(mechanism, HY_STR("PLAIN")))
        begin(s, AUTH_PLAIN, initial, "");
    else if (hy_str_ieq(mechanism, HY_STR("LOGIN")))
        begin(s, AUTH_LOGIN_USER, initial, "VXNlcm5hbWU6");
    else
        smtpd_refuse(s, 504, 5, 4, "Mechanism not known");
}
