/* Who reads the logs of attempts, activities and messages, and how far: what somebody has still to
 * read is not trimmed, within a stated limit. */
#pragma once
#include "hayauma/model/id.h"
#include "hayauma/store/env.h"

enum {
    HY_LOG_READER_NAME_MAX = 128,   /* bytes */
    HY_LOG_READER_STATE_MAX = 4096, /* likewise */
    HY_LOG_READERS_MAX = 256,
};

struct hy_log_reader {
    struct hy_str name;
    hy_id cursor;        /* all up to here was read */
    bool holds;          /* what comes behind is kept for it */
    struct hy_str state; /* the reader's own, uninterpreted */
};

/* Makes or changes one. HY_EINVAL: a name that is none; HY_ELIMIT. The writer's transaction. */
HY_MUST_USE int hy_log_reader_put(struct hy_txn *t, const struct hy_log_reader *r);
/* HY_ENOTFOUND. The writer's transaction. */
int hy_log_reader_del(struct hy_txn *t, struct hy_str name);
/* Views. HY_ENOTFOUND, HY_ECORRUPT, HY_EVERSION. */
HY_MUST_USE int hy_log_reader_get(struct hy_txn *t, struct hy_str name, struct hy_log_reader *ret);
/* The first whose name comes behind `after` (empty: the first of all). HY_ENOTFOUND. */
HY_MUST_USE int hy_log_reader_next(struct hy_txn *t, struct hy_str after,
                                   struct hy_log_reader *ret);

/* Up to where (and not further) records may be trimmed: those noted before `before`, but what a
 * reader that holds has not read only before `unread_before`. One that cannot be read holds
 * nothing. */
HY_MUST_USE int hy_log_trim_end(struct hy_txn *t, hy_wall_ms before, hy_wall_ms unread_before,
                                hy_id *ret_end);
