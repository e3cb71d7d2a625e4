/* Writing the attempt log. */
#pragma once
#include "hayauma/store/attempt.h"

/* Appends; a->id must be newer than every id in the log. The record's text fields are cut to their
 * maximum. */
int hy_attempt_append(struct hy_txn *t, const struct hy_attempt *a);
/* Takes the server's words out of one that is there. HY_ENOTFOUND. */
int hy_attempt_take_words(struct hy_txn *t, hy_id id);
/* Reads a record; a's strings are views of `value`. HY_ECORRUPT, HY_EVERSION. */
HY_MUST_USE int hy_attempt_decode(struct hy_str key, struct hy_str value, struct hy_attempt *ret);
