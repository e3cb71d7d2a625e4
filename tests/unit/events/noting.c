/* Activities for the cases of events. */
#include "noting.h"

#include <criterion/criterion.h>

#include "hayauma/base/list.h"
#include "hayauma/store/activity.h"

struct noting {
    struct hy_write_req req; /* first */
    unsigned n;
};

static int apply(struct hy_write_req *r, struct hy_txn *t)
{
    const struct noting *noting = hy_container_of(r, struct noting, req);
    for (unsigned i = 0; i < noting->n; i++) {
        struct hy_activity a = {.kind = HY_ACTIVITY_OPEN, .lead = i + 1};
        int err = hy_activity_put(t, &a);
        if (err)
            return err;
    }
    return 0;
}

void note_opens(struct hy_writer *writer, unsigned n)
{
    struct noting r = {.req = {.class = HY_WRITE_ADMIN, .apply = apply}, .n = n};
    cr_assert_eq(hy_writer_run(writer, &r.req), 0);
}
