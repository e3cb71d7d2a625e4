/* Marks of messages that have something to tell their senders.
 *
 * Index: due second be32, message be64 -> version. The record of the message has the same second,
 * so that its entry is found; the recipients in its blocks have what was told of them. */
#include "hayauma/store/dsn.h"

#include "attempt.h"
#include "block.h"
#include "dsn_mark.h"
#include "env_priv.h"
#include "hayauma/base/list.h"
#include "hayauma/model/outcome.h"
#include "spool_message.h"
#include "spool_priv.h"

enum { DUE_VERSION = 1, DUE_KEY_BYTES = 12, NOTIFY_BITS = 15 };

enum hy_dsn_wish hy_dsn_wish(const struct hy_spool_rcpt *r, enum hy_rcpt_state state)
{
    uint8_t notify = r->notify ? r->notify : HY_DSN_FAILURE;
    if (notify & HY_DSN_NEVER || r->told & HY_DSN_TOLD)
        return HY_DSN_WISH_NOTHING;
    switch (state) {
    case HY_RCPT_BOUNCED:
    case HY_RCPT_EXPIRED:
    case HY_RCPT_SUPPRESSED:
        return notify & HY_DSN_FAILURE ? HY_DSN_WISH_FAILED : HY_DSN_WISH_NOTHING;
    case HY_RCPT_DELIVERED:
        if (r->told & HY_DSN_CAME_BACK)
            return notify & HY_DSN_FAILURE ? HY_DSN_WISH_FAILED : HY_DSN_WISH_NOTHING;
        return notify & HY_DSN_SUCCESS ? HY_DSN_WISH_RELAYED : HY_DSN_WISH_NOTHING;
    case HY_RCPT_FRESH:
    case HY_RCPT_DEFERRED:
    case HY_RCPT_HELD:
        return notify & HY_DSN_DELAY && !(r->told & HY_DSN_TOLD_DELAY) ? HY_DSN_WISH_DELAYED
                                                                       : HY_DSN_WISH_NOTHING;
    default:
        return HY_DSN_WISH_NOTHING;
    }
}

void hy_dsn_set_times(struct hy_env *env, uint32_t gather_s, uint32_t delay_s)
{
    atomic_store_explicit(&env->shared.dsn_gather_s, gather_s, memory_order_relaxed);
    atomic_store_explicit(&env->shared.dsn_delay_s, delay_s, memory_order_relaxed);
}

/* ---- the index ---- */

static struct hy_str due_key(uint8_t key[DUE_KEY_BYTES], const struct hy_dsn_due *d)
{
    hy_put_be32(key, d->due_s);
    hy_put_be64(key + 4, d->message);
    return hy_str_make(key, DUE_KEY_BYTES);
}

int hy_dsn_next(struct hy_txn *t, struct hy_dsn_due *pos, uint32_t upto_s)
{
    uint8_t key[DUE_KEY_BYTES];
    struct hy_cursor c;
    struct hy_dsn_due from = {pos->due_s, pos->message + 1}, found;
    int err = hy_cursor_open(t, HY_TABLE_DSN_DUE, &c);
    if (!err)
        err = hy_cursor_seek(&c, due_key(key, &from));
    if (!err && c.key.n != DUE_KEY_BYTES)
        err = hy_txn_fail(t, HY_ECORRUPT);
    if (!err) {
        found = (struct hy_dsn_due){hy_get_be32(c.key.p), hy_get_be64(c.key.p + 4)};
        if (found.due_s > upto_s)
            err = HY_ENOTFOUND;
        else
            *pos = found;
    }
    hy_cursor_close(&c);
    return err;
}

bool hy_dsn_is_marked(struct hy_txn *t, hy_id message, uint32_t due_s)
{
    uint8_t key[DUE_KEY_BYTES];
    struct hy_str value;
    struct hy_dsn_due d = {due_s, message};
    return hy_get(t, HY_TABLE_DSN_DUE, due_key(key, &d), &value) == 0;
}

/* From `was` (0: none) to `due_s` (0: none). */
static int move_mark(struct hy_txn *t, hy_id message, uint32_t was, uint32_t due_s)
{
    static const char version = DUE_VERSION;
    uint8_t key[DUE_KEY_BYTES];
    struct hy_dsn_due d = {was, message};
    int err = 0;
    if (was) {
        err = hy_del(t, HY_TABLE_DSN_DUE, due_key(key, &d));
        if (err == HY_ENOTFOUND)
            err = hy_txn_fail(t, HY_ECORRUPT);
    }
    d.due_s = due_s;
    if (!err && due_s)
        err = hy_put(t, HY_TABLE_DSN_DUE, due_key(key, &d), hy_str_make(&version, 1), HY_PUT_SET);
    return err ? err : hy_spool_message_set_dsn(t, message, due_s);
}

/* ---- marking ---- */

/* Recipient `slot` of a block; *ret_at: where its note is. */
static int rcpt_at(const uint8_t *b, size_t n, unsigned slot, struct hy_spool_tail *ret_tail,
                   struct hy_spool_rcpt *ret, size_t *ret_at)
{
    int err = hy_spool_tail(b, n, ret_tail);
    for (unsigned i = 0; i <= slot && !err; i++) {
        *ret_at = (size_t)(ret_tail->rcpts.p - b);
        err = hy_spool_tail_next(ret_tail, ret);
    }
    return err;
}

/* When to tell of it: a failure soon, a delay when it has lasted. 0: never. */
static uint32_t due_of(const struct hy_txn *t, enum hy_dsn_wish wish, hy_wall_ms received)
{
    uint32_t now_s = (uint32_t)(t->now / 1000), delay_s, due_s;
    if (wish == HY_DSN_WISH_NOTHING)
        return 0;
    if (wish != HY_DSN_WISH_DELAYED)
        return now_s + atomic_load_explicit(&t->env->shared.dsn_gather_s, memory_order_relaxed);
    delay_s = atomic_load_explicit(&t->env->shared.dsn_delay_s, memory_order_relaxed);
    due_s = (uint32_t)(received / 1000) + delay_s;
    return delay_s == 0 ? 0 : due_s > now_s ? due_s : now_s;
}

static int mark(struct hy_txn *t, hy_id id, enum hy_dsn_wish wish)
{
    struct hy_spool_message m;
    int err = hy_spool_message(t, id, &m);
    if (err)
        return err == HY_ENOTFOUND ? hy_txn_fail(t, HY_ECORRUPT) : err;
    uint32_t due_s = due_of(t, wish, m.received), was = m.dsn_due_s;
    if (m.sender.n == 0 || due_s == 0 || (was && was <= due_s))
        return 0;
    return move_mark(t, id, was, due_s);
}

int hy_dsn_note(struct hy_txn *t, uint8_t *b, size_t n, unsigned slot, bool is_passed_on)
{
    struct hy_spool_tail tail;
    struct hy_spool_rcpt r;
    size_t at = 0;
    int err = rcpt_at(b, n, slot, &tail, &r, &at);
    if (err)
        return hy_txn_fail(t, err);
    enum hy_dsn_wish wish = hy_dsn_wish(&r, row_state(block_row(b, slot)));
    if (wish == HY_DSN_WISH_RELAYED && is_passed_on) {
        b[at] |= HY_DSN_TOLD;
        return 0;
    }
    return wish == HY_DSN_WISH_NOTHING ? 0 : mark(t, tail.message, wish);
}

/* ---- telling ---- */

/* A copy of a block of a spool, under a cursor. */
struct block_copy {
    struct hy_cursor c;
    size_t n;
    uint8_t b[BLOCK_MAX_BYTES];
};

static int copy_block(struct hy_txn *t, hy_id spool, uint32_t block, struct block_copy *ret)
{
    uint8_t key[BLOCK_KEY_BYTES];
    const uint8_t *view;
    int err = hy_cursor_open(t, HY_TABLE_SPOOL_BLOCKS, &ret->c);
    if (!err)
        err = hy_cursor_find(&ret->c, block_key_put(key, (struct hy_block_key){spool, 0, block}));
    if (!err) {
        err = hy_block_check(ret->c.key, ret->c.value, &view);
        if (err)
            return hy_txn_fail(t, err);
        ret->n = ret->c.value.n;
        memcpy(ret->b, view, ret->n);
    }
    return err;
}

/* Notes for the told of one block, the first of them; *ret_used: how many those are. */
static int note_block(struct hy_txn *t, hy_id spool, const struct hy_dsn_told *told, size_t n,
                      size_t *ret_used)
{
    struct block_copy copy; /* not zeroed: it holds a block */
    struct hy_spool_tail tail;
    struct hy_spool_rcpt r;
    size_t i = 0, at = 0;
    int err = copy_block(t, spool, told->block, &copy);
    for (; !err && i < n && told[i].block == told->block; i++) {
        if (told[i].slot >= block_count(copy.b))
            err = HY_EINVAL;
        else
            err = rcpt_at(copy.b, copy.n, told[i].slot, &tail, &r, &at);
        if (!err)
            copy.b[at] |= told[i].what == HY_DSN_WISH_DELAYED ? HY_DSN_TOLD_DELAY : HY_DSN_TOLD;
    }
    if (!err)
        err = hy_cursor_replace(&copy.c, hy_str_make(copy.b, copy.n));
    hy_cursor_close(&copy.c);
    *ret_used = i;
    return err ? hy_txn_fail(t, err == HY_ENOTFOUND ? HY_ECORRUPT : err) : 0;
}

struct rest {
    struct hy_txn *t;
    uint32_t due_s;
};
static int look_at_rest(void *ctx, const struct hy_spool_view *v)
{
    struct rest *r = ctx;
    uint32_t due_s = due_of(r->t, hy_dsn_wish(&v->rcpt, v->row.state), v->message.received);
    if (due_s && (r->due_s == 0 || due_s < r->due_s))
        r->due_s = due_s;
    return 0;
}

static int apply(struct hy_write_req *req, struct hy_txn *t)
{
    struct hy_dsn_job *j = hy_container_of(req, struct hy_dsn_job, req);
    struct hy_spool_message m;
    int err = hy_spool_message(t, j->of.message, &m);
    if (!err && m.dsn_due_s != j->of.due_s)
        err = HY_ENOTFOUND;
    if (err)
        return err;
    hy_id spool = m.spool;
    if (j->report.n_rcpts)
        err = hy_spool_put(t, &j->report);
    for (size_t at = 0, used = 0; at < j->n_told && !err; at += used)
        err = note_block(t, spool, j->told + at, j->n_told - at, &used);
    struct rest rest = {.t = t};
    if (!err)
        err = hy_spool_each_of_message(t, j->of.message, look_at_rest, &rest);
    return err ? err : move_mark(t, j->of.message, j->of.due_s, rest.due_s);
}

void hy_dsn_job_init(struct hy_dsn_job *j)
{
    *j = (struct hy_dsn_job){.req = {.class = HY_WRITE_INTAKE,
                                     .when = HY_WRITE_GROUPED,
                                     .on_full = HY_WRITE_FULL_FAIL,
                                     .apply = apply}};
}

/* ---- what came back ---- */

static int note_return(struct hy_txn *t, struct block_copy *copy, const struct hy_rcpt_ref *ref,
                       const struct hy_outcome *words, struct hy_str reporter)
{
    struct hy_spool_tail tail;
    struct hy_spool_rcpt r;
    size_t at = 0;
    const uint8_t *row = block_row(copy->b, ref->slot);
    if (ref->slot >= block_count(copy->b) || row_lead(row) != ref->lead ||
        row_state(row) != HY_RCPT_DELIVERED)
        return HY_ENOTFOUND;
    int err = rcpt_at(copy->b, copy->n, ref->slot, &tail, &r, &at);
    if (err)
        return hy_txn_fail(t, err);
    if (r.told & HY_DSN_CAME_BACK)
        return HY_EEXIST;
    struct hy_attempt a = {.id = hy_txn_new_id(t),
                           .previous = row_last(row),
                           .ref = *ref,
                           .state = row_state(row),
                           .outcome = *words,
                           .mx_host = reporter};
    a.ref.domain = tail.domain;
    a.ref.attempts = row_attempts(row);
    hy_block_set_attempt(copy->b, ref->slot, a.ref.attempts, a.id);
    copy->b[at] = (uint8_t)((copy->b[at] | HY_DSN_CAME_BACK) & ~HY_DSN_TOLD);
    err = hy_cursor_replace(&copy->c, hy_str_make(copy->b, copy->n));
    if (!err)
        err = hy_attempt_append(t, &a);
    r.told = copy->b[at] & (uint8_t)~NOTIFY_BITS;
    enum hy_dsn_wish wish = hy_dsn_wish(&r, a.state);
    return err || wish == HY_DSN_WISH_NOTHING ? err : mark(t, tail.message, wish);
}

int hy_dsn_returned(struct hy_txn *t, const struct hy_rcpt_ref *ref, const struct hy_outcome *words,
                    struct hy_str reporter)
{
    struct block_copy copy; /* not zeroed: it holds a block */
    if (!hy_id_is_spool(ref->campaign))
        return HY_EINVAL;
    int err = copy_block(t, ref->campaign, ref->block, &copy);
    if (!err)
        err = note_return(t, &copy, ref, words, reporter);
    hy_cursor_close(&copy.c);
    return err;
}
