/* Going on with what changes of companies left to do. */
#pragma once
#include <stdatomic.h>

#include "hayauma/store/writer.h"

struct hy_daemon;
struct companies {
    struct hy_write_req req; /* the writer's while it runs */
    atomic_bool is_running;
    /* the main thread's */
    hy_us next;       /* when to look */
    unsigned waiting; /* hy_company_waiting() when it looked last */
};
/* Once, before anything else is written. Main thread, as the next. */
void companies_start(struct hy_daemon *d, struct companies *c);
/* Every second. */
void companies_tick(struct hy_daemon *d, struct companies *c);
