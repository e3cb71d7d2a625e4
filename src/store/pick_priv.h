/* What picking and altering share. */
#pragma once
#include "hayauma/store/pick.h"

/* Whether the header of a block counts rows of a state that is picked. */
bool hy_pick_has_state(const struct hy_pick *p, const uint8_t *b);
bool hy_pick_takes(struct hy_txn *t, const struct hy_pick *p, const struct hy_queue_row *row);
