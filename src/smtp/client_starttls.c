/* STARTTLS (RFC 3207) and the hand-over to the driver, who shakes hands on the connection.
 *
 * 220 -> TLS state and the START_TLS event; tls_done() -> EHLO again. A refusal under an
 * opportunistic policy goes on in plain text on this connection (RFC 3207 4.1); a broken handshake
 * ends it with the hint to try the next one in plain text. */
#include "client_priv.h"

void hy_smtp_on_starttls(struct hy_smtp_client *c)
{
    uint16_t code = c->reply.code;
    if (code == 220) {
        hy_smtp_move(c, HY_SMTP_ST_TLS);
        c->tell_tls = true;
    } else if (!hy_smtp_is_refusal(code)) {
        hy_smtp_doom_bad_reply(c);
    } else if (c->settings->tls >= HY_SMTP_TLS_REQUIRED) {
        struct hy_outcome o = hy_smtp_classify(&c->reply, HY_PHASE_STARTTLS);
        hy_smtp_bow(c, HY_SMTP_CLOSED_TLS, &o);
    } else {
        hy_smtp_open_session(c);
    }
}

void hy_smtp_client_tls_done(struct hy_smtp_client *c, enum hy_smtp_tls_result result, hy_us now)
{
    if (c->state != HY_SMTP_ST_TLS || c->fate)
        return;
    static const struct hy_enhanced crypto_failed = {4, 7, 5};
    c->now = now;
    c->tell_tls = false;
    if (result == HY_SMTP_TLS_FAILED) {
        hy_smtp_doom_tls(c, crypto_failed, "the TLS handshake failed");
        return;
    }
    if (c->settings->tls == HY_SMTP_TLS_VERIFIED && result != HY_SMTP_TLS_GOOD) {
        hy_smtp_doom_tls(c, crypto_failed, "the server's certificate is not the one we must see");
        return;
    }
    c->is_tls = true;
    c->is_tls_good = result == HY_SMTP_TLS_GOOD;
    hy_smtp_put_ehlo(c);
}
