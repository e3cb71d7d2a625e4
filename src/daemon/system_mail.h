/* Mail of hayauma's own, handed in like that of other applications: it waits in the spool, is
 * signed and delivered, tried again and accounted for as any other. */
#pragma once
#include "hayauma/mail/address.h"
#include "hayauma/mail/message.h"
#include "hayauma/mail/notice.h"
#include "hayauma/store/spool.h"

struct hy_daemon;

/* Embedded in the caller's object, which lives until `done`. Zeroed; fill in the first three. */
struct system_mail {
    /* Writes what must be durable together with the message; NULL = nothing. The writer's
     * transaction. */
    int (*also)(struct system_mail *m, struct hy_txn *t);
    /* Once, on the writer's thread. 0: message.id will be delivered. What hy_submit.done says of
     * errors. */
    void (*done)(struct system_mail *m, int err);
    bool is_tls_optional; /* what the domain demands of TLS does not hold it back */
    bool is_urgent;       /* somebody waits for it: it goes before bulk */
    struct hy_spool_message message;
    /* private */
    struct hy_write_req req;
    struct hy_daemon *d;
    struct hy_buf content;
    struct hy_address from, to;
    struct hy_spool_rcpt rcpt;
    char id[HY_SPOOL_MESSAGE_ID_MAX + 1];
};

/* Writes the message and hands it in; `n` is not needed any more then. HY_EINVAL with the reason:
 * the recipient is no address, or no key signs for From's domain; HY_ENOMEM, HY_ELIMIT, HY_EFULL,
 * HY_EBUSY, HY_ECLOSED. On failure there is no `done`. Any thread. */
HY_MUST_USE int system_mail_send(struct hy_daemon *d, const struct hy_notice *n,
                                 struct system_mail *m, struct hy_diag *diag);
/* The same for a message that was rendered; it is not needed any more then. */
HY_MUST_USE int system_mail_put(struct hy_daemon *d, const struct hy_address *from,
                                const struct hy_address *to, const struct hy_rendered *r,
                                struct system_mail *m, struct hy_diag *diag);
