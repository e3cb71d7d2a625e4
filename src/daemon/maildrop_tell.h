/* What the sender of a file in the maildrop is told when its message cannot be taken. */
#pragma once
#include "dsn_write.h"
#include "hayauma/mail/drop.h"

struct maildrop_refusal {
    struct hy_enhanced status;
    const char *why; /* one line */
};
/* The report on the file's bytes. `rcpts`: room for HY_DROP_RCPTS_MAX. HY_ENOTFOUND: there is
 * nobody to tell, since it is no message, has no sender, or nobody wishes it. HY_EINVAL, HY_ELIMIT,
 * HY_ENOMEM, HY_EIO as dsn_letter_write. */
HY_MUST_USE int maildrop_tell(const struct hy_config *c, struct hy_deliver *deliver,
                              struct hy_str bytes, const struct maildrop_refusal *refusal,
                              struct hy_drop_rcpt *rcpts, struct dsn_letter *ret);
