/* Calls by which applications tell of leads: activities, orders, carts. */
#pragma once
#include "call.h"
#include "hayauma/model/order.h"
#include "hayauma/store/told.h"

struct web_told {
    struct hy_told told;
    struct hy_order order; /* of orders */
};

struct web_telling {
    const char *list; /* the field that they stand in: "activities" */
    /* As hy_told_read. Any thread. */
    int (*read)(json_t *object, hy_wall_ms now, struct hy_arena *arena, struct web_told *ret,
                struct hy_told_fault *fault);
    /* As hy_told_put. The writer's transaction. */
    int (*put)(struct hy_txn *t, const struct web_told *x, const struct hy_told_how *how,
               struct hy_told_result *ret, struct hy_diag *diag);
};

/* Reads the call's body, {"create": false, LIST: [...]}, notes each of them and answers. */
void web_tell(struct web_call *c, const struct web_telling *of);

/* activities.c: whose things a query asks for: one of lead, email ... and visitor, read as in an
 * activity. False: it is answered. */
bool web_read_who(struct web_call *c, struct hy_told *ret);
