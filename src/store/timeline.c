/* Four cursors, of which the one with the least id is next. A record of endings has the ids of its
 * rows and stands under the last of them; ids that follow each other have nothing between them. */
#include "hayauma/store/timeline.h"

#include "activity.h"
#include "attempt.h"
#include "ending.h"
#include "spool_message.h"

static const enum hy_table tables[HY_MOMENT_KINDS] = {
    [HY_MOMENT_MESSAGE] = HY_TABLE_SPOOL_MESSAGES,
    [HY_MOMENT_ATTEMPT] = HY_TABLE_ATTEMPTS,
    [HY_MOMENT_ACTIVITY] = HY_TABLE_ACTIVITIES,
    [HY_MOMENT_ENDING] = HY_TABLE_ENDINGS,
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
    return hy_timeline_open_some(t, after, (1u << HY_MOMENT_KINDS) - 1, ret);
}

int hy_timeline_open_some(struct hy_txn *t, hy_id after, unsigned logs, struct hy_timeline *ret)
{
    uint8_t key[8];
    struct hy_timeline l = {.after = after};
    int err = 0;
    hy_put_be64(key, after < UINT64_MAX ? after + 1 : after);
    for (int k = 0; k < HY_MOMENT_KINDS && !err; k++) {
        l.heads[k] = UINT64_MAX;
        if (!(logs & 1u << k))
            continue;
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

/* The first row behind `after`. HY_ENOTFOUND: the record has none. */
static int row_behind(struct hy_ending_reader *r, hy_id after, struct hy_ending *ret)
{
    int err;
    do
        err = hy_ending_next(r, ret);
    while (!err && ret->id <= after);
    return err;
}

static int decode_row(struct hy_timeline *l, const struct hy_cursor *c, struct hy_ending *ret)
{
    int err = l->rows.left ? 0 : hy_ending_open(c->key, c->value, &l->rows);
    if (!err)
        err = row_behind(&l->rows, l->after, ret);
    if (err)
        l->rows.left = 0;
    return err == HY_ENOTFOUND ? HY_ECORRUPT : err; /* its key says that there is one */
}

static int decode(struct hy_timeline *l, const struct hy_cursor *c, struct hy_moment *m)
{
    switch (m->kind) {
    case HY_MOMENT_MESSAGE:
        return hy_spool_message_decode(c->key, c->value, &m->of.message);
    case HY_MOMENT_ATTEMPT:
        return hy_attempt_decode(c->key, c->value, &m->of.attempt);
    case HY_MOMENT_ACTIVITY:
        return hy_activity_decode(c->key, c->value, &m->of.activity);
    case HY_MOMENT_ENDING:
        return decode_row(l, c, &m->of.ending);
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
        int err = decode(l, c, &m);
        if (err)
            l->damaged++;
        else if (m.kind == HY_MOMENT_ENDING)
            m.id = m.of.ending.id;
        if (err || m.kind != HY_MOMENT_ENDING || l->rows.left == 0) {
            int moved = arrive(l, m.kind, hy_cursor_next(c));
            if (moved)
                return moved;
        }
        if (!err) {
            l->after = m.id;
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

/* Moments of the record where the cursor stands; what is not decoded counts as one. */
static uint64_t moments_of(const struct hy_cursor *c, hy_id after)
{
    struct hy_ending_reader r;
    struct hy_ending e;
    if (c->table != HY_TABLE_ENDINGS || hy_ending_open(c->key, c->value, &r) != 0 ||
        row_behind(&r, after, &e) != 0)
        return 1;
    return 1 + r.left;
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
            n += moments_of(&c, after);
        hy_cursor_close(&c);
        if (err && err != HY_ENOTFOUND)
            return err;
    }
    *ret = n < max ? n : max;
    return 0;
}

/* The id before the one where log `k` stands; 0: it is at its beginning. */
static int step_back(struct hy_timeline *l, int k)
{
    struct hy_cursor *c = &l->logs[k];
    struct hy_ending_reader r;
    if (k == HY_MOMENT_ENDING && hy_ending_open(c->key, c->value, &r) == 0 &&
        r.next.id < l->heads[k]) {
        l->heads[k] = hy_id_before(l->heads[k]);
        return 0;
    }
    int err = hy_cursor_prev(c);
    l->heads[k] = err || c->key.n != 8 ? 0 : hy_get_be64(c->key.p);
    return err == HY_ENOTFOUND ? 0 : err;
}

/* Steps from the ends of all logs towards their beginnings, by the greatest id. */
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
        int err = step_back(l, best);
        if (err)
            return err;
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
