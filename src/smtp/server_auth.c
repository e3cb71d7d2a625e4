/* AUTH (RFC 4954) over TLS only: PLAIN (RFC 4616), LOGIN and SCRAM (server_scram.c). The secret
 * lives in the buffer of texts until the driver has answered, and is then overwritten. */
#include <stdlib.h>

#include "hayauma/base/codec.h"
#include "server_priv.h"

void smtpd_auth_wipe(struct hy_smtp_server *s)
{
    if (s->texts.data)
        explicit_bzero(s->texts.data, s->texts.len);
    hy_buf_reset(&s->texts);
    if (s->scram)
        explicit_bzero(s->scram, sizeof *s->scram);
    free(s->scram);
    s->scram = NULL;
}

void smtpd_auth_fail(struct hy_smtp_server *s, unsigned code, unsigned subject, unsigned detail,
                     const char *text)
{
    s->state = SMTPD_COMMAND;
    s->user[0] = '\0';
    smtpd_auth_wipe(s);
    smtpd_refuse(s, code, subject, detail, text);
}

void smtpd_auth_go_on(struct hy_smtp_server *s, enum smtpd_auth_step step, struct hy_str text)
{
    s->auth_step = (uint8_t)step;
    s->state = SMTPD_AUTH;
    hy_buf_add_lit(&s->out, "334 ");
    if (hy_buf_reserve(&s->out, text.n / 3 * 4 + 4) == HY_OK)
        s->out.len += hy_base64_encode(text.p, text.n, s->out.data + s->out.len);
    hy_buf_add_lit(&s->out, "\r\n");
}

/* Decodes `line` to the end of the texts; "=" is the empty string. False, and refused. */
static bool decode(struct hy_smtp_server *s, struct hy_str line, struct hy_str *ret)
{
    size_t n = 0;
    size_t at = s->texts.len;
    if (hy_str_eq(line, HY_STR("=")))
        line.n = 0;
    if (hy_buf_reserve(&s->texts, line.n + 4) != HY_OK) {
        smtpd_auth_fail(s, 454, 7, 0, "Out of memory");
        return false;
    }
    if (line.n && hy_base64_decode(line, (uint8_t *)s->texts.data + at, &n) != HY_OK) {
        smtpd_auth_fail(s, 501, 5, 2, "That is no base64");
        return false;
    }
    s->texts.len += n;
    *ret = hy_str_make(s->texts.data + at, n);
    return true;
}

/* 1..255 bytes of UTF-8 without control characters. */
bool smtpd_auth_user(struct hy_smtp_server *s, struct hy_str user)
{
    bool is_good = user.n && user.n <= HY_SMTP_SERVER_NAME_MAX && hy_str_is_utf8(user);
    for (size_t i = 0; i < user.n && is_good; i++)
        is_good = (unsigned char)user.p[i] >= ' ' && user.p[i] != 0x7f;
    if (!is_good) {
        smtpd_auth_fail(s, 535, 7, 8, "Authentication failed");
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
        smtpd_auth_fail(s, 501, 5, 2, "That is no PLAIN");
        return;
    }
    struct hy_str authz = hy_str_slice(all, 0, first);
    struct hy_str user = hy_str_slice(all, first + 1, second);
    if (authz.n && !hy_str_eq(authz, user))
        smtpd_auth_fail(s, 535, 7, 8, "Authentication failed");
    else if (smtpd_auth_user(s, user))
        ask(s, hy_str_slice(all, second + 1, all.n));
}

static void welcome(struct hy_smtp_server *s, unsigned code, const struct hy_enhanced *e,
                    const char *text)
{
    smtpd_auth_wipe(s);
    s->is_auth = true;
    smtpd_status(s, code, e->subject, e->detail, text);
}

void smtpd_auth_line(struct hy_smtp_server *s, struct hy_str line)
{
    struct hy_str text;
    if (hy_str_eq(line, HY_STR("*"))) {
        smtpd_auth_fail(s, 501, 7, 0, "Cancelled");
        return;
    }
    if (!decode(s, line, &text))
        return;
    switch ((enum smtpd_auth_step)s->auth_step) {
    case SMTPD_AUTH_PLAIN:
        take_plain(s, text);
        break;
    case SMTPD_AUTH_LOGIN_USER:
        if (smtpd_auth_user(s, text))
            smtpd_auth_go_on(s, SMTPD_AUTH_LOGIN_PASSWORD, HY_STR("Password:"));
        break;
    case SMTPD_AUTH_LOGIN_PASSWORD:
        ask(s, text);
        break;
    case SMTPD_AUTH_SCRAM_FIRST:
    case SMTPD_AUTH_SCRAM_PLUS_FIRST:
        smtpd_scram_first(s, text, s->auth_step == SMTPD_AUTH_SCRAM_PLUS_FIRST);
        break;
    case SMTPD_AUTH_SCRAM_FINAL:
        smtpd_scram_final(s, text);
        break;
    case SMTPD_AUTH_SCRAM_LAST:
        s->state = SMTPD_COMMAND;
        if (text.n)
            smtpd_auth_fail(s, 501, 5, 2, "Nothing was asked for");
        else
            welcome(s, 235, &(struct hy_enhanced){2, 7, 0}, "Welcome");
        break;
    }
}

void smtpd_auth_answered(struct hy_smtp_server *s, const struct hy_smtp_server_answer *a,
                         const char *text)
{
    uint32_t most = s->settings->auth_max ? s->settings->auth_max : 3;
    bool is_judged = !s->scram || s->auth_step == SMTPD_AUTH_SCRAM_FINAL;
    if (a->code / 100 == 2 && is_judged) {
        if (s->scram)
            smtpd_scram_last(s);
        else
            welcome(s, a->code, &a->enhanced, text);
        return;
    }
    smtpd_auth_wipe(s);
    s->user[0] = '\0';
    smtpd_status(s, a->code, a->enhanced.subject, a->enhanced.detail, text);
    if (++s->auth_failures >= most && s->state != SMTPD_OVER)
        smtpd_end(s, 421, 7, 0, "Too many failures, goodbye");
}

void smtpd_auth(struct hy_smtp_server *s, struct hy_str arg)
{
    static const struct {
        const char *name;
        enum smtpd_auth_step step;
        const char *prompt;
        bool is_scram;
    } known[] = {{"PLAIN", SMTPD_AUTH_PLAIN, "", false},
                 {"LOGIN", SMTPD_AUTH_LOGIN_USER, "Username:", false},
                 {"SCRAM-SHA-256", SMTPD_AUTH_SCRAM_FIRST, "", true},
                 {"SCRAM-SHA-256-PLUS", SMTPD_AUTH_SCRAM_PLUS_FIRST, "", true}};
    size_t end = hy_str_find(arg, ' ', 0), at = 0;
    struct hy_str mechanism = hy_str_slice(arg, 0, end);
    struct hy_str initial = hy_str_trim(hy_str_slice(arg, mechanism.n, arg.n));
    while (at < sizeof known / sizeof *known &&
           (!hy_str_ieq(mechanism, hy_str_of(known[at].name)) ||
            (known[at].is_scram && !s->settings->offers_scram)))
        at++;
    if (!s->settings->offers_auth)
        smtpd_refuse(s, 502, 5, 1, "AUTH is not offered");
    else if (!s->is_tls)
        smtpd_refuse(s, 538, 7, 11, "AUTH needs TLS");
    else if (s->is_auth)
        smtpd_refuse(s, 503, 5, 1, "You are known already");
    else if (s->has_mail)
        smtpd_refuse(s, 503, 5, 1, "Not within a transaction");
    else if (at == sizeof known / sizeof *known)
        smtpd_refuse(s, 504, 5, 4, "Mechanism not known");
    else if (!initial.n)
        smtpd_auth_go_on(s, known[at].step, hy_str_of(known[at].prompt));
    else {
        s->auth_step = (uint8_t)known[at].step;
        smtpd_auth_line(s, initial);
    }
}
