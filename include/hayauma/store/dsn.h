/* What senders of ready messages are told of their recipients (RFC 3461, 3464): which messages have
 * something to tell, and from when on. A row's settle puts a mark on its message in its own
 * transaction; what is told, and that it was, is one transaction again. So kill -9 forgets no
 * report and makes none twice. */
#pragma once
#include "hayauma/store/spool.h"

/* What is to be told of a recipient. */
enum hy_dsn_wish {
    HY_DSN_WISH_NOTHING = 0,
    HY_DSN_WISH_FAILED,  /* bounced, expired, suppressed, or came back after its delivery */
    HY_DSN_WISH_DELAYED, /* still on its way, see hy_dsn_set_times */
    HY_DSN_WISH_RELAYED, /* taken by a server that does not report deliveries itself */
};
/* By its NOTIFY, what was told of it before, and its state now. Pure. */
enum hy_dsn_wish hy_dsn_wish(const struct hy_spool_rcpt *r, enum hy_rcpt_state state);

/* Reports wait `gather_s` for further recipients of the message; who asked for it is told of a
 * delay `delay_s` after the message came, 0 = never. Any thread; at first both are 0. */
void hy_dsn_set_times(struct hy_env *env, uint32_t gather_s, uint32_t delay_s);

struct hy_dsn_due {
    uint32_t due_s;
    hy_id message;
};
/* The first message behind *pos (zeroed: the first of all) that has something to tell at or before
 * `upto_s`, into *pos. HY_ENOTFOUND. */
HY_MUST_USE int hy_dsn_next(struct hy_txn *t, struct hy_dsn_due *pos, uint32_t upto_s);

/* A recipient that was told of. */
struct hy_dsn_told {
    uint32_t block;
    uint16_t slot;
    enum hy_dsn_wish what;
};
/* A report into the spool, and the note that it was made. done: 0; HY_ENOTFOUND: the mark moved
 * meanwhile, look again; what hy_spool_put fails with: nothing was written. */
struct hy_dsn_job {
    struct hy_write_req req;        /* first; done is the caller's */
    struct hy_dsn_due of;           /* as hy_dsn_next gave it */
    struct hy_spool_message report; /* as for hy_spool_put; without a recipient: there is none */
    const struct hy_dsn_told *told; /* by block; lives until done */
    size_t n_told;
};
void hy_dsn_job_init(struct hy_dsn_job *j);

/* A message came back that a server had taken for this recipient: its sender is told as of a
 * failure. `words` (kind, code, enhanced, text) and `reporter` (who says so; may be empty) become
 * an attempt of the row, whose state stays. HY_ENOTFOUND: there is no such row; HY_EEXIST: it was
 * known already. The writer's transaction. */
struct hy_outcome;
HY_MUST_USE int hy_dsn_returned(struct hy_txn *t, const struct hy_rcpt_ref *ref,
                                const struct hy_outcome *words, struct hy_str reporter);
