/* Calls of many items in slices. A part at rest: le32 items done; le32 x 3 counts; results. */
#include "batch.h"

#include "hayauma/base/bytes.h"

enum { HEAD_BYTES = 4 + 4 * WEB_BATCH_COUNTS, RESULTS_MAX = HY_ONCE_ANSWER_MAX - 1024 };

void web_batch_init(struct web_batch *b, const struct hy_once *once)
{
    *b = (struct web_batch){.once = *once, .results = HY_BUF_INIT(RESULTS_MAX)};
}

void web_batch_free(struct web_batch *b)
{
    hy_buf_free(&b->results);
}

static int load(struct web_batch *b, struct hy_str part, size_t items)
{
    struct web_batch_state s = {.len = part.n - HEAD_BYTES};
    if (part.n < HEAD_BYTES)
        return HY_ECORRUPT;
    s.done = hy_get_le32(part.p);
    for (size_t i = 0; i < WEB_BATCH_COUNTS; i++)
        s.counts[i] = hy_get_le32(part.p + 4 + 4 * i);
    if (s.done > items)
        return HY_ECORRUPT;
    hy_buf_reset(&b->results);
    hy_buf_add_str(&b->results, hy_str_slice(part, HEAD_BYTES, part.n));
    b->now = s;
    return b->results.err;
}

int web_batch_begin(struct web_batch *b, struct hy_txn *t, size_t items)
{
    b->now = b->kept;
    b->results.len = b->kept.len;
    if (!b->once.key.n)
        return HY_OK;
    struct hy_buf found = HY_BUF_INIT(HY_ONCE_ANSWER_MAX);
    int err = hy_once_find(t, &b->once, &found);
    if (err == HY_OK || err == HY_EINVAL)
        err = HY_EEXIST;
    else if (err == HY_ENOTFOUND)
        err = hy_once_part(t, &b->once, &found);
    if (err == HY_OK)
        err = load(b, hy_buf_str(&found), items);
    hy_buf_free(&found);
    return err == HY_ENOTFOUND ? HY_OK : err;
}

static int put_part(struct web_batch *b, struct hy_txn *t)
{
    char head[HEAD_BYTES];
    struct hy_buf part = HY_BUF_INIT(HY_ONCE_ANSWER_MAX);
    hy_put_le32(head, (uint32_t)b->now.done);
    for (size_t i = 0; i < WEB_BATCH_COUNTS; i++)
        hy_put_le32(head + 4 + 4 * i, b->now.counts[i]);
    hy_buf_add(&part, head, sizeof head);
    hy_buf_add_str(&part, hy_buf_str(&b->results));
    int err = part.err ? part.err : hy_once_put_part(t, &b->once, hy_buf_str(&part));
    hy_buf_free(&part);
    return err;
}

int web_batch_pause(struct web_batch *b, struct hy_txn *t)
{
    int err = b->results.err;
    b->now.len = b->results.len;
    if (!err && b->once.key.n)
        err = put_part(b, t);
    return err ? err : HY_EMORE;
}

void web_batch_keep(struct web_batch *b)
{
    b->kept = b->now;
}

int web_batch_end(struct web_batch *b, struct hy_txn *t, struct hy_str answer)
{
    return b->results.err  ? b->results.err
           : b->once.key.n ? hy_once_put(t, &b->once, answer)
                           : HY_OK;
}
