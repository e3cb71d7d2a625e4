/* Three cursors, of which the one with the least id is next. */
#include "hayauma/store/timeline.h"

#include "activity.h"
#include "attempt.h"
#include "spool_message.h"

static const enum hy_table tables[HY_MOMENT_KINDS] = {
    [HY_MOMENT_MESSAGE] = HY_TABLE_SPOOL_MESSAGES,
    [HY_MOMENT_ATTEMPT] = HY_TABLE_ATTEMPTS,
    [HY_MOMENT_ACTIVITY] = HY_TABLE_ACTIVITIES,
};

/* Notes where the cursor stands after a move that answered `err`. */
static int arrive(struct hy_timeline *l, enum hy_moment_kind k, int err)
{
    l->heads[k] = UINT64_MAX;
    if (err)
        return err == HY_ENOTFOUND ? 0 : err;
    if (l->logs[k].key.n != 8)
        return HY_ECORRUPT;
    l->heads[k] = hy_get_be64(l->logs[k].key.p);
    return 0;
}

int hy_timeline_open(struct hy_txn *t, hy_id after, struct hy_timeline *ret)
{
    uint8_t key[8];
    struct hy_timeline l = {0};
    int err = 0;
    hy_put_be64(key, after < UINT64_MAX ? after + 1 : after);
    for (int k = 0; k < HY_MOMENT_KINDS && !err; k++) {
        err = hy_cursor_open(t, tables[k], &l.logs[k]);
        if (!err)
            err = arrive(&l, (enum hy_moment_kind)k,
                         hy_cursor_seek(&l.logs[k], hy_str_make(key, sizeof key)));
    }
    if (err) {
        hy_timeline_close(&l);
        return err;
    }
    *ret = l;
    return 0;
}

void hy_timeline_close(struct hy_timeline *l)
{
    for (int k = 0; k < HY_MOMENT_KINDS; k++)
        hy_cursor_close(&l->logs[k]);
}

static enum hy_moment_kind least(const struct hy_timeline *l)
{
    enum hy_moment_kind best = HY_MOMENT_MESSAGE;
    for (int k = 1; k < HY_MOMENT_KINDS; k++)
        if (l->heads[k] < l->heads[best])
            best = (enum hy_moment_kind)k;
    return best;
}

static int decode(const struct hy_cursor *c, struct hy_moment *m)
{
    switch (m->kind) {
    case HY_MOMENT_MESSAGE:
        return hy_spool_message_decode(c->key, c->value, &m->of.message);
    case HY_MOMENT_ATTEMPT:
        return hy_attempt_decode(c->key, c->value, &m->of.attempt);
    case HY_MOMENT_ACTIVITY:
        return hy_activity_decode(c->key, c->value, &m->of.activity);
    case HY_MOMENT_KINDS:
        break;
    }
    return HY_EINVAL;
}

int hy_timeline_next(struct hy_timeline *l, struct hy_moment *ret)
{
    for (;;) {
        struct hy_moment m = {.kind = least(l)};
        struct hy_cursor *c = &l->logs[m.kind];
        m.id = l->heads[m.kind];
        if (m.id == UINT64_MAX)
            return HY_ENOTFOUND;
        int err = decode(c, &m);
        if (err)
            l->damaged++;
        int moved = arrive(l, m.kind, hy_cursor_next(c));
        if (moved)
            return moved;
        if (!err) {
            *ret = m;
            return 0;
        }
    }
}

int hy_timeline_newest(struct hy_txn *t, hy_id *ret)
{
    hy_id newest = 0;
    for (int k = 0; k < HY_MOMENT_KINDS; k++) {
        struct hy_cursor c;
        int err = hy_cursor_open(t, tables[k], &c);
        if (!err)
            err = hy_cursor_last(&c);
        if (!err && c.key.n == 8 && hy_get_be64(c.key.p) > newest)
            newest = hy_get_be64(c.key.p);
        hy_cursor_close(&c);
        if (err && err != HY_ENOTFOUND)
            return err;
    }
    *ret = newest;
    return 0;
}

int hy_timeline_count(struct hy_txn *t, hy_id after, uint64_t max, uint64_t *ret)
{
    uint8_t key[8];
    uint64_t n = 0;
    hy_put_be64(key, after < UINT64_MAX ? after + 1 : after);
    for (int k = 0; k < HY_MOMENT_KINDS; k++) {
        struct hy_cursor c;
        int err = hy_cursor_open(t, tables[k], &c);
        if (!err)
            err = hy_cursor_seek(&c, hy_str_make(key, sizeof key));
        for (; !err && n < max; err = hy_cursor_next(&c))
            n++;
        hy_cursor_close(&c);
        if (err && err != HY_ENOTFOUND)
            return err;
    }
    *ret = n;
    return 0;
}

/* Steps from the ends of all three towards their beginnings, by the greatest id. */
static int walk_back(struct hy_timeline *l, unsigned n, hy_id *ret_after)
{
    for (;;) {
        int best = -1;
        for (int k = 0; k < HY_MOMENT_KINDS; k++)
            if (l->heads[k] && (best < 0 || l->heads[k] > l->heads[best]))
                best = k;
        *ret_after = best < 0 ? 0 : l->heads[best];
        if (best < 0 || n-- == 0)
            return 0;
        int err = hy_cursor_prev(&l->logs[best]);
        if (err && err != HY_ENOTFOUND)
            return err;
        l->heads[best] = err || l->logs[best].key.n != 8 ? 0 : hy_get_be64(l->logs[best].key.p);
    }
}

int hy_timeline_back(struct hy_txn *t, unsigned n, hy_id *ret_after)
{
    struct hy_timeline l = {0};
    int err = 0;
    if (n == 0 || n > HY_TIMELINE_BACK_MAX)
        return HY_EINVAL;
    for (int k = 0; k < HY_MOMENT_KINDS && !err; k++) {
        err = hy_cursor_open(t, tables[k], &l.logs[k]);
        if (!err)
            err = hy_cursor_last(&l.logs[k]);
        if (!err && l.logs[k].key.n == 8)
            l.heads[k] = hy_get_be64(l.logs[k].key.p);
        if (err == HY_ENOTFOUND)
            err = 0;
    }
    if (!err)
        err = walk_back(&l, n, ret_after);
    hy_timeline_close(&l);
    return err;
}
