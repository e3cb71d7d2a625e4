/* Messages from this machine: `hayauma send` and the maildrop. Checked and edited as relays do, and
 * made into what the spool takes. */
#pragma once
#include "hayauma/config/config.h"
#include "hayauma/mail/relay.h"
#include "hayauma/store/spool.h"

struct hy_deliver;

struct local_mail {
    /* the caller's; they stay until the message is stored */
    const struct hy_config *config;
    struct hy_deliver *deliver;
    const struct hy_tenant *tenant;
    struct hy_str raw;           /* lines may end in LF */
    struct hy_spool_rcpt *rcpts; /* sorted */
    size_t n_rcpts;
    struct hy_str who;
    /* made here; free the buffer */
    struct hy_buf content;
    struct hy_relay_output facts;
};

/* `content` and `facts`. HY_EINVAL with the reason; HY_ELIMIT, HY_ENOMEM, HY_ECRYPTO. Any thread.
 */
int local_mail_edit(struct local_mail *m, struct hy_diag *diag);
/* Whether the tenant may send from From's domain and that of `sender` (wire form), and a key signs
 * where one must. HY_EAUTH, HY_EINVAL with the reason. */
int local_mail_check(const struct local_mail *m, const char *sender, struct hy_diag *diag);
/* What the spool takes: views of `m` and `sender`. */
struct hy_spool_message local_mail_message(const struct local_mail *m, const char *sender);
