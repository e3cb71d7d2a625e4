/* The mail that asks whether somebody wants to join a list. */
#pragma once
#include "hayauma/mail/address.h"
#include "hayauma/mail/message.h"
#include "hayauma/store/opt_in.h"

struct hy_config;

/* Made of a request: whom it goes to, and the message as it is sent. */
struct opt_in_mail {
    struct hy_address from, to;
    char list[HY_LIST_NAME_MAX + 1];
    struct hy_rendered rendered; /* opt_in_mail_free */
};

enum { OPT_IN_FROM_MAX = HY_ADDRESS_MAX + 16 };
/* The sender: the list's own (empty: none), else that of reports to senders, else the daemon. */
struct hy_str opt_in_mail_from(const struct hy_config *c, struct hy_str from,
                               char room[OPT_IN_FROM_MAX]);

/* Writes it: by the list's template, or in hayauma's own words, in Japanese for leads whose
 * attribute `language` says so. Templates know {{confirm_url}}, {{list}} and the lead's attributes.
 * HY_EINVAL with the reason (no tracking.base_url, no such template, an address that is none);
 * HY_ENOTFOUND: the lead is gone; HY_ENOMEM. Any thread with a transaction. */
HY_MUST_USE int opt_in_mail_make(struct hy_txn *t, const struct hy_config *c,
                                 const struct hy_token_keys *keys, const struct hy_opt_in *o,
                                 struct opt_in_mail *ret, struct hy_diag *diag);
void opt_in_mail_free(struct opt_in_mail *m);
