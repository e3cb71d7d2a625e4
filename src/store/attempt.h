/* Writing the attempt log. */
#pragma once
#include "hayauma/store/attempt.h"

/* Appends; a->id must be newer than every id in the log. The record's text fields are cut to their
 * maximum. */
int hy_attempt_append(struct hy_txn *t, const struct hy_attempt *a);
