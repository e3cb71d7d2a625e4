/* A walk over the log of activities by kind: the second byte of a record is its kind. */
#include "hayauma/store/activity_scan.h"

#include "activity.h"

int hy_activity_scan_open(struct hy_txn *t, hy_id after, struct hy_activity_scan *ret)
{
    *ret = (struct hy_activity_scan){.after = after};
    return hy_cursor_open(t, HY_TABLE_ACTIVITIES, &ret->cursor);
}

void hy_activity_scan_close(struct hy_activity_scan *s)
{
    hy_cursor_close(&s->cursor);
}

static int step(struct hy_activity_scan *s)
{
    uint8_t key[8];
    if (s->after == UINT64_MAX)
        return HY_ENOTFOUND;
    hy_put_be64(key, s->after + 1);
    int err = s->cursor.key.n ? hy_cursor_next(&s->cursor)
                              : hy_cursor_seek(&s->cursor, hy_str_make(key, sizeof key));
    if (!err && s->cursor.key.n == 8)
        s->after = hy_get_be64(s->cursor.key.p);
    return err;
}

int hy_activity_scan_next(struct hy_activity_scan *s, unsigned max, struct hy_activity *ret)
{
    while (max-- > 0) {
        int err = step(s);
        if (err)
            return err;
        s->passed++;
        struct hy_str v = s->cursor.value;
        if (v.n >= 2 && (uint8_t)v.p[1] < HY_ACTIVITY_KINDS && !s->wanted[(uint8_t)v.p[1]])
            continue;
        if (hy_activity_decode(s->cursor.key, v, ret) == 0)
            return HY_OK;
        s->damaged++;
    }
    return HY_EMORE;
}
