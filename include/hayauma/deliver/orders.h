/* Orders of a person to lanes: hold, slow, or another pool. Part of a policy, so that a change of
 * them reaches every worker as a reload does, without touching connections. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "hayauma/base/clock.h"
#include "hayauma/model/id.h"

enum hy_order_scope {
    HY_ORDER_DOMAIN,   /* a recipient domain; hold only: its site may be shared */
    HY_ORDER_SITE,     /* a site's name, or a pattern of MX hosts: "*.google.com" */
    HY_ORDER_PROVIDER, /* name of a shaping rule; "default": sites without one */
    HY_ORDER_ALL,      /* everything; a route only */
    HY_ORDER_SCOPES,
};
const char *hy_order_scope_name(enum hy_order_scope s);

struct hy_lane_order {
    uint32_t no;      /* by which people know it */
    const char *user; /* who gave it; "" = nobody knows */
    hy_wall_ms made;  /* and when */
    enum hy_order_scope scope;
    const char *name;     /* lower-case */
    const char *source;   /* only lanes of this source; "" = all */
    bool is_hold;         /* nothing new is sent; what is on the wire ends */
    uint32_t factor;      /* slow: one of so many of what a lane did until then; 0 = not */
    uint32_t connections; /* slow: at most; 0 = not */
    const char *pool; /* route: mail goes by this pool or source, not by its campaign's; "" = not.
                         The newest counts; one whose pool is no more does not */
    hy_id campaign;   /* route: only mail of this campaign; 0 = of all, and ready messages */
};
