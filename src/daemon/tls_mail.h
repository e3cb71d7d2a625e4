/* A TLS report as a mail (RFC 8460 section 5.3). Main thread. */
#pragma once
#include "system_mail.h"

struct tls_mail {
    uint32_t day;
    struct hy_str domain;
    struct hy_str packed; /* the report, by gzip */
    struct hy_str to;     /* an address */
};
/* As system_mail_send; m->also and m->done are set. */
HY_MUST_USE int tls_mail_send(struct hy_daemon *d, const struct tls_mail *r, struct system_mail *m,
                              struct hy_diag *diag);
