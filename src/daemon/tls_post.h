/* One TLS report to those whom the record at _smtp._tls.DOMAIN names (RFC 8460 section 3): looked
 * up, made, packed, sent, remembered. Main thread. */
#pragma once
#include "daemon.h"
#include "hayauma/base/list.h"
#include "hayauma/io/mailbox.h"
#include "hayauma/smtp/tlsrpt.h"
#include "hayauma/store/tlsrpt.h"

/* What all reports on their way share; made by tls_sender.c. */
struct tls_post_office {
    struct hy_daemon *d;
    struct hy_resolver *resolver;
    struct hy_https *https;
    struct hy_mailbox *mailbox; /* its messages are for tls_post_arrived */
    struct hy_list posts;
    uint32_t n_posts;
    hy_count sent[2], failed[2]; /* [0]: by mail, [1]: by HTTPS */
};

enum tls_post_result {
    TLS_POST_OPEN = 0,
    TLS_POST_SENT,
    TLS_POST_HAD_IT,  /* it was sent there before */
    TLS_POST_WOULD,   /* a dry run: it would be sent */
    TLS_POST_FAILED,  /* another time perhaps */
    TLS_POST_REFUSED, /* nor another time */
};
const char *tls_post_result_name(enum tls_post_result r); /* "sent" ... */

struct tls_post_target {
    bool is_https;
    enum tls_post_result result;
    char uri[HY_TLSRPT_URI_MAX + 1]; /* of mail the address */
    char text[256];                  /* what the server said, or why not */
};
struct tls_post_report {
    const char *domain;
    uint32_t day;
    /* 0: see the targets. HY_ENOTFOUND: there is nothing to report, or nobody who wants it; HY_EIO:
     * that cannot be found out now; HY_ECANCELED: the daemon ends. `text` says it for people. */
    int err;
    const char *text;
    size_t n;
    const struct tls_post_target *targets;
    size_t bytes, packed_bytes; /* of the report */
};
/* Once, in a later turn of the loop or at the end of the office. */
typedef void tls_post_fn(void *ctx, const struct tls_post_report *r);

struct tls_post_order {
    uint32_t day;         /* since 1970-01-01 UTC; over */
    struct hy_str domain; /* at most HY_TALLY_DOMAIN_MAX bytes */
    bool is_dry;          /* nothing is sent, nothing remembered */
    tls_post_fn *fn;
    void *ctx;
};
/* HY_EBUSY: that report is on its way; HY_ENOMEM, HY_ELIMIT. Then no call of `fn`. */
HY_MUST_USE int tls_post_start(struct tls_post_office *o, const struct tls_post_order *order);
/* From the mailbox. */
void tls_post_arrived(struct tls_post_office *o, struct hy_msg *m);
/* Tells all that are under way HY_ECANCELED and frees them: nobody else has them any more. */
void tls_posts_cancel(struct tls_post_office *o);
