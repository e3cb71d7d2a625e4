/* Requests that are done once: an application that does not know whether its call came through
 * repeats it with the same key, and gets the answer of the first again. Kept for a day, or until
 * HY_ONCE_BYTES_MAX of others came since.
 *
 * A call that is done in slices leaves what it has done so far, in the transaction of each slice:
 * who makes it again, after a crash or at the same time, goes on from there, so that no part of it
 * is done twice. */
#pragma once
#include "hayauma/base/buf.h"
#include "hayauma/store/env.h"

enum {
    HY_ONCE_KEY_MAX = 255,        /* bytes of a key */
    HY_ONCE_ANSWER_MAX = 8 << 20, /* bytes of an answer */
    HY_ONCE_HOURS = 24,
};
#define HY_ONCE_BYTES_MAX (INT64_C(4) << 30) /* of all that is remembered */

struct hy_once {
    uint32_t tenant;
    struct hy_str key;   /* as the application chose it */
    uint8_t request[32]; /* a hash of the request: the same key must come with the same one */
};

/* The answer that was given, appended to `out`. HY_ENOTFOUND: there was no such call within a day;
 * HY_EINVAL: there was, and it asked for something else. HY_ELIMIT: the key is empty or too long.
 * Any thread with a transaction. */
HY_MUST_USE int hy_once_find(struct hy_txn *t, const struct hy_once *o, struct hy_buf *out);
/* Remembers one; some that are older than a day, or too many, go. HY_ELIMIT. The writer's
 * transaction. */
HY_MUST_USE int hy_once_put(struct hy_txn *t, const struct hy_once *o, struct hy_str answer);
/* What such a call has done so far, appended; the same of it. For hy_once_find it is not there, but
 * when it asked for something else. */
HY_MUST_USE int hy_once_part(struct hy_txn *t, const struct hy_once *o, struct hy_buf *out);
HY_MUST_USE int hy_once_put_part(struct hy_txn *t, const struct hy_once *o, struct hy_str done);
/* Forgets what is older than a day. HY_EMORE: the slice should end. The writer's transaction. */
HY_MUST_USE int hy_once_trim(struct hy_txn *t);
