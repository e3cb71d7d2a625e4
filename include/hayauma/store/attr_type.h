/* Which attribute has which type. */
#pragma once
#include "hayauma/model/attr_type.h"
#include "hayauma/store/env.h"

/* The type that the attribute has. Any thread with a transaction. */
HY_MUST_USE int hy_attr_type_get(struct hy_txn *t, hy_attr_no no, enum hy_attr_type *ret);
/* Gives it one; values that are stored stay as they are. The writer's transaction. */
int hy_attr_type_set(struct hy_txn *t, hy_attr_no no, enum hy_attr_type type);
