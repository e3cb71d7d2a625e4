/* What programs give to the sendmail command, made into a message: addresses without a domain get
 * one, a missing From is added, recipients are read from the header. Pure. */
#pragma once
#include "hayauma/base/buf.h"

struct hy_draft {
    struct hy_str text;      /* as it was typed; lines end in LF or CRLF */
    struct hy_str host;      /* of addresses without a domain */
    struct hy_str from;      /* for a From that is missing: an address, perhaps without a domain */
    struct hy_str from_name; /* UTF-8; may be empty */
};

/* Appends the message with a From that has a domain. A first line "From ..." of mailboxes is left
 * out; a text whose first line is no field gets an empty line before it. HY_EINVAL: From cannot be
 * written; HY_ELIMIT, HY_ENOMEM. */
HY_MUST_USE int hy_draft_write(const struct hy_draft *d, struct hy_buf *out);

/* Calls `each` for every address of To, Cc and Bcc, or, when there is one of those, of Resent-To,
 * Resent-Cc and Resent-Bcc: as it stands, without name, comments and brackets. Stops when it
 * returns non-zero, which is then the answer. HY_ENOMEM, HY_ELIMIT. */
typedef int hy_draft_each(void *ctx, struct hy_str address);
HY_MUST_USE int hy_draft_recipients(struct hy_str message, hy_draft_each *each, void *ctx);

/* The same for one list, "a@b, Name <c@d>, group: e@f;". */
HY_MUST_USE int hy_draft_addresses(struct hy_str list, hy_draft_each *each, void *ctx);
