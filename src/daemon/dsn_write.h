/* One report to the sender of a ready message: read, written, ready to be stored. */
#pragma once
#include "daemon.h"
#include "hayauma/io/mailbox.h"
#include "hayauma/mail/dsn.h"
#include "hayauma/store/dsn.h"

struct dsn_sender;

struct dsn_context {
    struct hy_txn *t; /* a snapshot */
    const struct hy_config *config;
    struct hy_deliver *deliver;
};

/* A report as the spool takes it; free the content. */
struct dsn_letter {
    struct hy_spool_message message; /* views of what stands below */
    struct hy_buf content;
    struct hy_spool_rcpt rcpt;
    char to[HY_ADDRESS_MAX + 1];
    char from_domain[HY_DOMAIN_MAX + 1];
    char message_id[HY_SPOOL_MESSAGE_ID_MAX + 1];
};
/* Writes `d`, whose from, host, id, date and offset are set here, about a message of the tenant
 * whose From had `from_domain` (empty: not known). HY_EINVAL, HY_ELIMIT: it cannot be written;
 * HY_ENOMEM, HY_EIO. */
HY_MUST_USE int dsn_letter_write(const struct hy_config *c, struct hy_deliver *deliver,
                                 uint32_t tenant, struct hy_str from_domain, struct hy_dsn *d,
                                 struct dsn_letter *ret);

struct dsn_report {
    struct hy_dsn_job job;
    struct hy_msg msg;
    struct dsn_sender *owner;
    int err;
    struct dsn_letter letter;
    struct hy_dsn_told *told;
};

/* What there is to tell of a message. One without a recipient of its own (nothing is wished any
 * more) only takes the mark away. The caller frees it. HY_ENOMEM, or what reading fails with. */
HY_MUST_USE int dsn_report_make(const struct dsn_context *c, const struct hy_dsn_due *due,
                                struct dsn_report **ret);
void dsn_report_free(struct dsn_report *r);
