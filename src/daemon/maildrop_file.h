/* One file of the maildrop on its way into the store: its message, or the report that it cannot be
 * taken. One thread, but for what the writer does with the job. */
#pragma once
#include "daemon.h"
#include "dsn_write.h"
#include "hayauma/mail/drop.h"
#include "hayauma/store/maildrop.h"
#include "local_mail.h"

struct taking {
    struct hy_maildrop_job job; /* ready for the writer; done is the caller's */
    void *owner;                /* the caller's */
    int err;                    /* of the job; the caller's */
    struct hy_diag why;         /* it is not taken */
    struct dsn_letter letter;   /* the report, once the job is that */

    /* private */
    struct hy_daemon *d;
    struct hy_drop_rcpt *rcpts;
    struct hy_config *config;
    struct local_mail mail;
    struct hy_buf bytes;
    struct hy_arena arena; /* of the recipients */
    struct hy_enhanced status;
    char sender[HY_ADDRESS_MAX + 2];
    char who[48];
};
/* `rcpts`: room for HY_DROP_RCPTS_MAX, used during calls only. NULL: no memory. */
struct taking *taking_create(struct hy_daemon *d, const char *name, struct hy_drop_rcpt *rcpts);
void taking_free(struct taking *t); /* NULL is fine */

/* Its message into the job, by the rules and the quota of the installation. HY_EINVAL, HY_EAUTH,
 * HY_ELIMIT: it can never be taken, see `why`; HY_EIO, HY_ENOMEM. */
HY_MUST_USE int taking_read(struct taking *t, int fd);
/* It can never be taken, for `err`, or `why` if that is filled: the job becomes the report to its
 * sender. HY_ENOTFOUND, HY_EINVAL, HY_ELIMIT: nobody can be told; HY_EIO, HY_ENOMEM. */
HY_MUST_USE int taking_refuse(struct taking *t, int err);
bool taking_is_refusal(const struct taking *t);
