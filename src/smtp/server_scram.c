/* AUTH SCRAM-SHA-256 and -PLUS: the messages of smtp/scram.h in the lines of RFC 4954.
 *
 * The driver is asked twice: for the verifier of the name that the client gives, and, with what the
 * client's proof was worth, whether it is let in. Our own proof goes out as a continuation, and the
 * 235 behind the client's empty answer. */
#include <stdlib.h>

#include "server_priv.h"

void smtpd_scram_first(struct hy_smtp_server *s, struct hy_str message, bool is_plus)
{
    struct hy_scram *x = s->scram = malloc(sizeof *x);
    int err = x ? hy_scram_client_first(x, message, is_plus) : HY_ENOMEM;
    if (err == HY_OK && smtpd_auth_user(s, hy_str_make(x->user, x->user_n))) {
        s->ask.user = hy_str_of(s->user);
        s->ask.binding = x->binding;
        smtpd_ask(s, HY_SMTP_SERVER_ASK_SCRAM);
    } else if (err == HY_ENOMEM) {
        smtpd_auth_fail(s, 454, 7, 0, "Out of memory");
    } else if (err == HY_EPARSE) {
        smtpd_auth_fail(s, 501, 5, 2, "That is no SCRAM");
    } else if (err == HY_EUNSUPPORTED) {
        smtpd_auth_fail(s, 535, 7, 8, "That identity, extension or channel binding is not known");
    } else if (err == HY_EAUTH) {
        smtpd_auth_fail(s, 535, 7, 8, "Channel binding does not fit what is offered here");
    }
}

void hy_smtp_server_scram(struct hy_smtp_server *s, const struct hy_smtp_server_scram *x, hy_us now)
{
    if (s->state != SMTPD_ASKING || s->ask.kind != HY_SMTP_SERVER_ASK_SCRAM)
        return;
    s->now = now;
    s->ask = (struct hy_smtp_server_ask){0};
    struct hy_str text = hy_scram_challenge(s->scram, x->verifier, x->nonce, x->binding);
    smtpd_auth_go_on(s, SMTPD_AUTH_SCRAM_FINAL, text);
    if (s->is_over) {
        smtpd_auth_wipe(s);
        s->state = SMTPD_OVER;
    }
    smtpd_set_deadline(s);
}

void smtpd_scram_final(struct hy_smtp_server *s, struct hy_str message)
{
    struct hy_str last;
    int err = hy_scram_client_final(s->scram, message, &last);
    if (err == HY_EPARSE) {
        smtpd_auth_fail(s, 501, 5, 2, "That is no SCRAM");
        return;
    }
    s->ask.user = hy_str_of(s->user);
    s->ask.is_scram = true;
    s->ask.is_proved = err == HY_OK;
    smtpd_ask(s, HY_SMTP_SERVER_ASK_AUTH);
}

void smtpd_scram_last(struct hy_smtp_server *s)
{
    smtpd_auth_go_on(s, SMTPD_AUTH_SCRAM_LAST, hy_str_of(s->scram->last));
}
